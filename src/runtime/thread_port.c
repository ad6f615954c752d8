#define _GNU_SOURCE /* eventfd */
#include <errno.h>

#include <sys/eventfd.h>
#include <unistd.h>

#include "runtime/process.h"

/* Writes that one thread does for others before it leaves the rest to the loop. */
enum { WRITE_ROUNDS_MAX = 16 };

static psi_process *process_of(psi_port *port) {
    return (psi_process *)port;
}

static void note_progress(psi_process *process) {
    atomic_fetch_add_explicit(&process->progress, 1, memory_order_relaxed);
}

void psi_process_wake(psi_process *process) {
    if (atomic_exchange(&process->is_awake, true)) {
        return;
    }
    /* An eventfd takes any write of 1 unless its counter is full, which is a wake-up as well. */
    while (eventfd_write(process->wake_fd, 1) != 0 && errno == EINTR) {
    }
}

/* ---- Writing to peers ---- */

void psi_peer_mark(psi_process *process, psi_peer *peer) {
    if (peer->is_writing || peer->is_dirty || peer->is_blocked || peer->is_lost || peer->fd < 0) {
        return;
    }
    if (!psi_sender_is_busy(&peer->sender)) {
        return;
    }
    peer->is_dirty = true;
    peer->next_dirty = NULL;
    *process->dirty_end = peer;
    process->dirty_end = &peer->next_dirty;
}

void psi_peer_push(psi_process *process, psi_peer *peer, psi_frame *frame) {
    if (peer->is_lost) {
        psi_frame_release(&process->pool, frame);
        return;
    }
    psi_sender_push(&peer->sender, frame);
    psi_peer_mark(process, peer);
}

static psi_peer *dirty_take(psi_process *process) {
    psi_peer *const peer = process->dirty;
    if (peer != NULL) {
        process->dirty = peer->next_dirty;
        peer->is_dirty = false;
        if (process->dirty == NULL) {
            process->dirty_end = &process->dirty;
        }
    }
    return peer;
}

/* Writes what waits for `peer`, with the lock released meanwhile. */
static void write_to(psi_process *process, psi_peer *peer) {
    peer->is_writing = true;
    peer->saw_room = false;
    psi_sender_load(&peer->sender);
    const int fd = peer->fd;
    pthread_mutex_unlock(&process->mutex);
    int error = 0;
    const psi_io io = psi_sender_write(&peer->sender, fd, &error);
    pthread_mutex_lock(&process->mutex);
    peer->is_writing = false;
    psi_sender_reclaim(&peer->sender, &process->pool);
    if (io == PSI_IO_BLOCKED && !peer->saw_room) {
        peer->is_blocked = true; /* whoever learns from epoll that there is room writes on */
    } else if (io == PSI_IO_LOST) {
        peer->is_lost = true; /* the loop finds the same when it reads, and says so */
        psi_process_wake(process);
    } else {
        psi_peer_mark(process, peer);
        if (process->is_parting) {
            psi_process_wake(process);
        }
    }
}

/* ---- Frames between endpoints of one process ---- */

/* The lock is held throughout, so frames keep their order; what a delivery sends to this process is
 * delivered by this loop, not by recursion. */
static void deliver_local(psi_process *process) {
    while (process->local != NULL) {
        psi_frame *const frame = process->local;
        process->local = frame->next;
        if (process->local == NULL) {
            process->local_end = &process->local;
        }
        frame->next = NULL;
        process->local_frames++;
        ps_fault fault = {0};
        if (!psi_node_deliver(process->node, frame, &fault)) {
            (void)ps_fault_set(&fault, PS_EBROKEN, "process %u refused a frame of its own",
                               process->id);
            psi_process_fail(process, &fault);
        }
    }
    psi_process_note_finish(process);
}

void psi_process_note_finish(psi_process *process) {
    if (!process->is_finish_noted && psi_monitor_is_finished(process->monitor)) {
        process->is_finish_noted = true;
        psi_process_wake(process);
    }
}

/* Carries out what was sent while the lock was held. Called and left with the lock held. */
static void settle(psi_process *process) {
    for (uint32_t round = 0; round < WRITE_ROUNDS_MAX; round++) {
        if (process->local != NULL) {
            deliver_local(process);
        }
        psi_peer *const peer = dirty_take(process);
        if (peer == NULL) {
            return;
        }
        write_to(process, peer);
    }
    if (process->local != NULL) {
        deliver_local(process);
    }
    if (process->dirty != NULL) {
        psi_process_wake(process);
    }
}

void psi_process_lock(psi_process *process) {
    (void)pthread_mutex_lock(&process->mutex);
}

void psi_process_unlock(psi_process *process) {
    settle(process);
    (void)pthread_mutex_unlock(&process->mutex);
}

/* ---- psi_port_ops ---- */

static double port_now_s(psi_port *port) {
    return psi_process_now_s(process_of(port));
}

static void port_send(psi_port *port, psi_frame *frame) {
    psi_process *const process = process_of(port);
    const uint32_t owner = psi_endpoint_node(process->plan, frame->to);
    if (owner != process->id) {
        psi_peer_push(process, &process->peers[owner], frame);
        return;
    }
    frame->next = NULL;
    *process->local_end = frame;
    process->local_end = &frame->next;
}

static void port_wait(psi_port *port, uint32_t worker_index) {
    psi_process *const process = process_of(port);
    settle(process);
    psi_worker_wait(process, &process->workers[worker_index]);
    note_progress(process);
}

static void port_wake(psi_port *port, uint32_t worker_index) {
    psi_process *const process = process_of(port);
    psi_worker_wake(process, &process->workers[worker_index]);
}

static void port_lock(psi_port *port) {
    psi_process *const process = process_of(port);
    note_progress(process);
    psi_process_lock(process);
}

static void port_unlock(psi_port *port) {
    psi_process_unlock(process_of(port));
}

static void port_compute(psi_port *port, uint32_t worker_index, uint32_t clock, double units,
                         void (*fn)(void *arg), void *arg) {
    (void)clock; /* the node knows it */
    (void)units; /* real work takes the time that it takes */
    psi_process *const process = process_of(port);
    psi_thread_worker *const worker = &process->workers[worker_index];
    const uint_fast32_t steps = atomic_load_explicit(&worker->steps, memory_order_relaxed);
    atomic_store_explicit(&worker->steps, steps + 1, memory_order_relaxed);
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
