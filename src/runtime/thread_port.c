/* psi_port of a process's node. */
#include "runtime/process.h"

static psi_process *process_of(psi_port *port) {
    return (psi_process *)port;
}

static void note_progress(psi_process *process) {
    atomic_fetch_add_explicit(&process->progress, 1, memory_order_relaxed);
}

static double port_now_s(psi_port *port) {
    return psi_process_now_s(process_of(port));
}

static void port_send(psi_port *port, psi_frame *frame) {
    psi_process *const process = process_of(port);
    const uint32_t owner = psi_endpoint_node(process->plan, frame->to);
    if (owner != process->id) {
        psi_peer_send(process, &process->peers[owner], frame);
    } else {
        psi_local_push(process, frame);
    }
}

static void port_wait(psi_port *port, uint32_t worker_index) {
    psi_process *const process = process_of(port);
    psi_process_settle(process);
    psi_worker_wait(process, &process->workers[worker_index]);
    note_progress(process);
}

static void port_wake(psi_port *port, uint32_t worker_index) {
    psi_process *const process = process_of(port);
    psi_worker_wake(process, &process->workers[worker_index]);
    if (process->crowded_count > 0) {
        (void)pthread_cond_broadcast(&process->has_room); /* the node may have stopped */
    }
}

static void port_lock(psi_port *port) {
    psi_process *const process = process_of(port);
    note_progress(process);
    psi_process_lock(process);
    if (process->crowded_count > 0) {
        psi_process_await_room(process);
    }
}

static void port_unlock(psi_port *port) {
    psi_process_unlock_soon(process_of(port));
}

static void port_compute(psi_port *port, uint32_t worker_index, uint32_t clock, double units,
                         void (*fn)(void *arg), void *arg) {
    (void)clock; /* the node knows it */
    (void)units; /* real work takes the time that it takes */
    psi_process *const process = process_of(port);
    psi_thread_worker *const worker = &process->workers[worker_index];
    const uint_fast32_t steps = atomic_load_explicit(&worker->steps, memory_order_relaxed);
    atomic_store_explicit(&worker->steps, steps + 1, memory_order_relaxed);
    psi_process_lock(process);
    psi_process_unlock(process); /* nothing waits for this worker's next call */
    psi_worker_leaves_reading(process);
    fn(arg);
    atomic_store_explicit(&worker->steps, steps + 2, memory_order_relaxed);
    note_progress(process);
}

static void port_measure(psi_port *port, const psi_job *job) {
    psi_evaluator_push(process_of(port), job);
}

const psi_port_ops psi_thread_port_ops = {
    .now_s = port_now_s,
    .send = port_send,
    .wait = port_wait,
    .wake = port_wake,
    .lock = port_lock,
    .unlock = port_unlock,
    .compute = port_compute,
    .measure = port_measure,
};
