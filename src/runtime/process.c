#define _GNU_SOURCE /* eventfd, epoll_create1, clock_gettime */
#include "runtime/process.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

double psi_process_now_s(const psi_process *process) {
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec - process->setup.epoch_s;
}

void psi_process_fail(psi_process *process, const ps_fault *fault) {
    if (process->fault.err == PS_OK) {
        process->fault = *fault;
        psi_process_wake(process);
    }
}

int psi_thread_start(pthread_t *thread, void *(*body)(void *arg), void *arg) {
    sigset_t blocked, before;
    (void)sigfillset(&blocked);
    /* A thread's own faults stay its own, and profilers sample every thread. */
    const int own[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT, SIGTRAP, SIGSYS, SIGPROF};
    for (size_t i = 0; i < sizeof own / sizeof own[0]; i++) {
        (void)sigdelset(&blocked, own[i]);
    }
    (void)pthread_sigmask(SIG_SETMASK, &blocked, &before);
    const int failed = pthread_create(thread, NULL, body, arg);
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    return failed;
}

/* The workers of a node all return the error of the one that failed, and any of them may be here
 * first; the node knows which it was. [lock] */
static void note_failure(psi_process *process, ps_err err) {
    ps_fault fault = {0};
    uint32_t rank = 0;
    uint32_t clock = 0;
    if (psi_node_failed_worker(process->node, &rank, &clock)) {
        (void)ps_fault_set(&fault, err, "worker %u failed at clock %u: %s", rank, clock,
                           ps_err_text(err));
    } else {
        (void)ps_fault_set(&fault, err, "node %u failed: %s", process->id, ps_err_text(err));
    }
    psi_process_fail(process, &fault);
}

static void *worker_main(void *arg) {
    psi_thread_worker *const worker = arg;
    psi_process *const process = worker->process;
    const ps_err err = psi_worker_main(process->node, worker->index);
    psi_process_lock(process);
    if (err != PS_OK && err != PS_ESTOPPED) {
        note_failure(process, err);
    }
    psi_process_note_finish(process);
    psi_process_unlock(process);
    /* What this worker sent last is delivered or queued; only then is it counted as gone. */
    psi_process_lock(process);
    worker->has_ended = true;
    process->workers_running--;
    psi_process_wake(process);
    psi_process_unlock(process);
    return NULL;
}

void psi_process_start_workers(psi_process *process) {
    for (uint32_t i = 0; i < process->worker_count; i++) {
        psi_process_lock(process);
        process->workers_running++;
        psi_process_unlock(process);
        const int failed =
            psi_thread_start(&process->workers[i].thread, worker_main, &process->workers[i]);
        if (failed != 0) {
            ps_fault fault = {0};
            (void)ps_fault_set(&fault, PS_EIO, "cannot start the thread of worker %u of %u: %s", i,
                               process->worker_count, strerror(failed));
            psi_process_lock(process);
            process->workers_running--;
            psi_process_fail(process, &fault);
            psi_process_unlock(process);
            return;
        }
        process->workers_started++;
    }
}

static void format_host(const psi_address *address, char text[static PSI_ADDRESS_TEXT_BYTES]) {
    psi_address host = *address;
    psi_address_set_port(&host, 0);
    psi_address_format(&host, text);
}

/* Processes of the run on this machine, this one included, as far as addresses tell. */
static uint32_t neighbour_count(const psi_process_setup *setup) {
    if (setup->addresses == NULL) {
        return setup->plan->node_count;
    }
    char own[PSI_ADDRESS_TEXT_BYTES], other[PSI_ADDRESS_TEXT_BYTES];
    format_host(&setup->addresses[setup->id], own);
    uint32_t count = 0;
    for (uint32_t i = 0; i < setup->plan->node_count; i++) {
        format_host(&setup->addresses[i], other);
        count += strcmp(own, other) == 0;
    }
    return count;
}

/* Fills what needs no failing call, so that process_fini() is always safe after it. */
static void process_clear(psi_process *process, const psi_process_setup *setup) {
    *process = (psi_process){
        .port = {.ops = &psi_thread_port_ops, .pool = &process->pool},
        .setup = *setup,
        .own_plan = *setup->plan,
        .id = setup->id,
        .epoll_fd = -1,
        .control_epoll_fd = -1,
        .readers_epoll_fd = -1,
        .reader_wake_fd = -1,
        .wake_fd = -1,
        .loop_guards = true,
        .spin_s = setup->options.spin_s != 0.0
                      ? setup->options.spin_s
                      : psi_spin_default_s(setup->plan, neighbour_count(setup)),
    };
    process->plan = &process->own_plan;
    process->own_plan.interrupted = &process->is_interrupted;
    process->local_end = &process->local;
    process->dirty_end = &process->dirty;
    for (size_t i = 0; i < PSI_PENDING_MAX; i++) {
        process->pending[i].fd = -1;
    }
    (void)pthread_mutex_init(&process->mutex, NULL);
    (void)pthread_cond_init(&process->evaluator.changed, NULL);
    (void)pthread_cond_init(&process->has_room, NULL);
}

static ps_err process_init_peers(psi_process *process, ps_fault *fault) {
    const uint32_t count = process->plan->node_count;
    process->peers = calloc(count, sizeof *process->peers);
    if (process->peers == NULL) {
        return ps_fault_set(fault, PS_ENOMEM, "no memory for %u peers", count);
    }
    psi_hello hello = {
        .process = process->id,
        .process_count = count,
        .frame_version = PSI_FRAME_VERSION,
        .plan_hash = psi_plan_hash(process->plan),
    };
    memcpy(hello.job_id, process->setup.job_id, PSI_JOB_ID_BYTES);
    for (uint32_t i = 0; i < count; i++) {
        psi_peer *const peer = &process->peers[i];
        peer->process = i;
        peer->fd = -1;
        psi_sender_init(&peer->sender);
        peer->records_end = &peer->records;
        if (i == process->id) {
            continue;
        }
        /* The greeting waits in the queue: whatever is sent later goes behind it. */
        psi_frame *const record = psi_link_hello(&process->pool, &hello, i);
        if (record == NULL) {
            return ps_fault_set(fault, PS_ENOMEM, "no memory for a greeting");
        }
        psi_peer_push(process, peer, record);
    }
    return PS_OK;
}

static ps_err process_init_workers(psi_process *process, ps_fault *fault) {
    process->worker_count = process->plan->worker_count / process->plan->node_count;
    process->workers = calloc(process->worker_count, sizeof *process->workers);
    if (process->workers == NULL) {
        process->worker_count = 0;
        return ps_fault_set(fault, PS_ENOMEM, "no memory for the workers");
    }
    for (uint32_t i = 0; i < process->worker_count; i++) {
        process->workers[i].process = process;
        process->workers[i].index = i;
        (void)pthread_cond_init(&process->workers[i].woken, NULL);
    }
    return PS_OK;
}

static ps_err process_init_events(psi_process *process, ps_fault *fault) {
    process->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    process->control_epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    process->readers_epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    process->wake_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    process->reader_wake_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    if (process->epoll_fd < 0 || process->control_epoll_fd < 0 || process->readers_epoll_fd < 0 ||
        process->wake_fd < 0 || process->reader_wake_fd < 0) {
        return ps_fault_set(fault, PS_EIO, "cannot make an epoll instance: %s%s", strerror(errno),
                            psi_system_advice(errno));
    }
    return PS_OK;
}

static ps_err process_init(psi_process *process, const psi_process_setup *setup,
                           psi_results *results, ps_fault *fault) {
    process_clear(process, setup);
    process->results = results;
    PS_TRY(process_init_events(process, fault));
    PS_TRY(process_init_workers(process, fault));
    PS_TRY(process_init_peers(process, fault));
    ps_err err = psi_monitor_create(process->plan, process->id, results, &process->monitor);
    if (err == PS_OK) {
        psi_process_lock(process);
        err = psi_node_create(process->plan, process->id, &process->port, process->monitor,
                              &process->node);
        psi_process_unlock(process);
    }
    if (err != PS_OK) {
        return ps_fault_set(fault, err, "cannot make node %u: %s", process->id, ps_err_text(err));
    }
    return PS_OK;
}

static void close_if_open(int fd) {
    if (fd >= 0) {
        (void)close(fd);
    }
}

static void release_list(psi_process *process, psi_frame *frame) {
    while (frame != NULL) {
        psi_frame *const next = frame->next;
        psi_frame_release(&process->pool, frame);
        frame = next;
    }
}

/* All threads have ended. */
static void process_fini(psi_process *process) {
    psi_node_destroy(process->node);
    psi_monitor_destroy(process->monitor);
    const uint32_t peer_count = process->peers == NULL ? 0 : process->plan->node_count;
    for (uint32_t i = 0; i < peer_count; i++) {
        psi_sender_fini(&process->peers[i].sender, &process->pool);
        release_list(process, process->peers[i].records);
        psi_receiver_fini(&process->peers[i].receiver, &process->pool);
        close_if_open(process->peers[i].fd);
    }
    for (size_t i = 0; i < PSI_PENDING_MAX; i++) {
        if (process->pending[i].fd >= 0) {
            psi_receiver_fini(&process->pending[i].receiver, &process->pool);
            (void)close(process->pending[i].fd);
        }
    }
    release_list(process, process->local);
    psi_frame_pool_fini(&process->pool);
    for (uint32_t i = 0; i < process->worker_count; i++) {
        (void)pthread_cond_destroy(&process->workers[i].woken);
    }
    free(process->peers);
    free(process->workers);
    free(process->evaluator.jobs);
    close_if_open(process->setup.listener);
    close_if_open(process->wake_fd);
    close_if_open(process->reader_wake_fd);
    close_if_open(process->readers_epoll_fd);
    close_if_open(process->control_epoll_fd);
    close_if_open(process->epoll_fd);
    (void)pthread_cond_destroy(&process->evaluator.changed);
    (void)pthread_cond_destroy(&process->has_room);
    (void)pthread_mutex_destroy(&process->mutex);
}

static void count_up(psi_process *process, psi_runtime_stats *stats) {
    *stats = (psi_runtime_stats){
        .local_frames = process->local_frames,
        .pool_allocated_bytes = process->pool.allocated_bytes,
        .strangers_refused = process->strangers_refused,
        .workers_abandoned = process->workers_running > 0 || process->evaluator.is_busy,
    };
    const uint32_t peer_count = process->peers == NULL ? 0 : process->plan->node_count;
    stats->is_unreported = process->fault.err != PS_OK && process->id > 0 && peer_count > 0 &&
                           !process->peers[0].said_last_word;
    for (uint32_t i = 0; i < peer_count; i++) {
        const psi_peer *const peer = &process->peers[i];
        stats->frames_sent += peer->sender.frames;
        stats->bytes_sent += peer->sender.bytes;
        stats->frames_received += peer->receiver.frames;
        stats->bytes_received += peer->receiver.bytes;
        if (peer->sender.queued_high_bytes > stats->queue_high_bytes) {
            stats->queue_high_bytes = peer->sender.queued_high_bytes;
        }
    }
}

static int thread_join(pthread_t thread) {
    return pthread_join(thread, NULL);
}

/* Ends the threads. Returns false if one of them does not come back from the algorithm's own code;
 * it then goes on using the process, which must stay. */
static bool end_threads(psi_process *process) {
    psi_process_lock(process);
    psi_evaluator_stop(process);
    const bool all_return = process->workers_running == 0 && !process->evaluator.is_busy;
    psi_process_unlock(process);
    int (*const end)(pthread_t thread) = all_return ? thread_join : pthread_detach;
    for (uint32_t i = 0; i < process->workers_started; i++) {
        (void)end(process->workers[i].thread);
    }
    if (process->evaluator.is_started) {
        (void)end(process->evaluator.thread);
    }
    return all_return;
}

ps_err psi_process_run(const psi_process_setup *setup, psi_results *results, ps_fault *fault) {
    /* On the heap, as abandoned threads may outlive this call. */
    psi_process *const process = calloc(1, sizeof *process);
    if (process == NULL) {
        close_if_open(setup->listener);
        return ps_fault_set(fault, PS_ENOMEM, "no memory for process %u", setup->id);
    }
    ps_err err = process_init(process, setup, results, &process->fault);
    if (err == PS_OK) {
        err = psi_evaluator_start(process);
    }
    if (err == PS_OK) {
        psi_process_loop(process);
    }
    const bool is_alone = end_threads(process);
    psi_process_lock(process);
    psi_runtime_stats stats;
    count_up(process, &stats);
    const ps_fault end = process->fault;
    (void)pthread_mutex_unlock(&process->mutex);
    if (setup->options.stats != NULL) {
        *setup->options.stats = stats;
    }
    if (is_alone) {
        process_fini(process);
        free(process);
    }
    return end.err == PS_OK ? PS_OK : ps_fault_set(fault, end.err, "%s", end.text);
}
