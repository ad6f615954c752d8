#include <stdlib.h>

#include "runtime/process.h"

/* The queue grows when full; how many jobs there may be is the monitor's concern. */
static bool reserve(psi_evaluator *evaluator) {
    if (evaluator->count < evaluator->capacity) {
        return true;
    }
    const size_t capacity = evaluator->capacity == 0 ? 8 : 2 * evaluator->capacity;
    psi_job *const jobs = calloc(capacity, sizeof *jobs);
    if (jobs == NULL) {
        return false;
    }
    for (size_t i = 0; i < evaluator->count; i++) {
        jobs[i] = evaluator->jobs[(evaluator->begin + i) % evaluator->capacity];
    }
    free(evaluator->jobs);
    evaluator->jobs = jobs;
    evaluator->capacity = capacity;
    evaluator->begin = 0;
    return true;
}

void psi_evaluator_push(psi_process *process, const psi_job *job) {
    psi_evaluator *const evaluator = &process->evaluator;
    if (!reserve(evaluator)) {
        ps_fault fault = {0};
        (void)ps_fault_set(&fault, PS_ENOMEM, "no memory left for an evaluation");
        psi_process_fail(process, &fault);
        return;
    }
    evaluator->jobs[(evaluator->begin + evaluator->count) % evaluator->capacity] = *job;
    evaluator->count++;
    (void)pthread_cond_signal(&evaluator->changed);
}

void psi_evaluator_stop(psi_process *process) {
    process->evaluator.is_stopping = true;
    (void)pthread_cond_signal(&process->evaluator.changed);
}

/* Does one job with the lock released but for its end. */
static void work(psi_process *process, const psi_job *job) {
    process->evaluator.is_busy = true;
    psi_process_unlock(process);
    const double begin_s = psi_process_now_s(process);
    for (size_t i = 0; i < job->part_count; i++) {
        job->part(job->arg, i);
        atomic_fetch_add_explicit(&process->progress, 1, memory_order_relaxed);
    }
    const double cost_s = psi_process_now_s(process) - begin_s;
    psi_process_lock(process);
    job->done(job->arg, cost_s);
    process->evaluator.is_busy = false;
    psi_process_note_finish(process);
}

static void *evaluator_main(void *arg) {
    psi_process *const process = arg;
    psi_evaluator *const evaluator = &process->evaluator;
    psi_process_lock(process);
    while (!evaluator->is_stopping) {
        if (evaluator->count == 0) {
            psi_process_unlock(process); /* sends what the last job had to send */
            psi_process_lock(process);
        }
        while (evaluator->count == 0 && !evaluator->is_stopping) {
            (void)pthread_cond_wait(&evaluator->changed, &process->mutex);
        }
        if (!evaluator->is_stopping) {
            const psi_job job = evaluator->jobs[evaluator->begin];
            evaluator->begin = (evaluator->begin + 1) % evaluator->capacity;
            evaluator->count--;
            work(process, &job);
        }
    }
    psi_process_unlock(process);
    return NULL;
}

ps_err psi_evaluator_start(psi_process *process) {
    if (psi_thread_start(&process->evaluator.thread, evaluator_main, process) != 0) {
        return ps_fault_set(&process->fault, PS_EIO, "cannot start a thread for evaluations");
    }
    process->evaluator.is_started = true;
    return PS_OK;
}
