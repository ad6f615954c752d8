/* What leaves: frames to other processes, and those between endpoints of this one.
 *
 * Whoever lets go of the lock carries out what was sent meanwhile: it delivers local frames, then
 * writes to the connections that have something to write, with the lock released.
 *
 * Corking. Small pushes and pulls that follow each other would cost a system call each. So a worker
 * that lets go of the lock between two calls leaves them in the queue, as long as
 *   - nothing but pushes and pulls is there, and less than CORK_BYTES,
 *   - and that peer owes an answer to an earlier one.
 * A shard answers every push and pull at once. Whoever reads that answer writes all that waits; so
 * does the worker itself when it waits, computes or ends its clock. So nothing waits without
 * something that is sure to send it.
 *
 * Back-pressure. When more than send_buffer_bytes are queued for a peer, it is crowded, and the
 * next call of any worker waits until half of it has gone or the node stops. The loop and the
 * evaluator never wait, so that what is read is always delivered. */
#define _GNU_SOURCE /* eventfd */
#include <errno.h>

#include <sys/eventfd.h>

#include "node/node.h"
#include "runtime/process.h"

enum {
    WRITE_ROUNDS_MAX = 16, /* writes that one thread does before it leaves the rest to the loop */
    CORK_BYTES = 32 * 1024
};

void psi_process_wake(psi_process *process) {
    if (atomic_exchange(&process->is_awake, true)) {
        return;
    }
    /* An eventfd takes any write of 1 unless its counter is full, which is a wake-up as well. */
    while (eventfd_write(process->wake_fd, 1) != 0 && errno == EINTR) {
    }
}

/* ---- Queues ---- */

void psi_peer_note_queue(psi_process *process, psi_peer *peer) {
    const uint64_t limit_bytes = process->setup.options.send_buffer_bytes;
    const uint64_t bound_bytes = peer->is_crowded ? limit_bytes / 2 : limit_bytes;
    const bool is_crowded = !peer->is_lost && peer->sender.queued_bytes > bound_bytes;
    if (is_crowded && !peer->is_crowded) {
        process->crowded_count++;
    } else if (!is_crowded && peer->is_crowded) {
        process->crowded_count--;
        (void)pthread_cond_broadcast(&process->has_room);
    }
    peer->is_crowded = is_crowded;
}

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

static void push(psi_process *process, psi_peer *peer, psi_frame *frame) {
    if (peer->is_lost) {
        psi_frame_release(&process->pool, frame);
        return;
    }
    process->unsettled_bytes += frame->size_bytes;
    psi_sender_push(&peer->sender, frame);
    psi_peer_note_queue(process, peer);
    psi_peer_mark(process, peer);
}

void psi_peer_push(psi_process *process, psi_peer *peer, psi_frame *frame) {
    peer->is_urgent = true;
    push(process, peer, frame);
}

void psi_peer_send(psi_process *process, psi_peer *peer, psi_frame *frame) {
    if (frame->type == PSI_FRAME_PUSH || frame->type == PSI_FRAME_PULL) {
        peer->requests_queued++;
    } else {
        peer->is_urgent = true;
    }
    push(process, peer, frame);
}

void psi_peer_answered(psi_peer *peer, const psi_frame *frame) {
    const bool is_answer = frame->type == PSI_FRAME_PUSH_ACK || frame->type == PSI_FRAME_PULL_ROWS;
    peer->answers_owed -= is_answer && peer->answers_owed > 0;
}

void psi_local_push(psi_process *process, psi_frame *frame) {
    frame->next = NULL;
    *process->local_end = frame;
    process->local_end = &frame->next;
}

/* ---- Writing ---- */

/* Whether what is queued for the peer may wait for more; see above. */
static bool may_wait(const psi_peer *peer) {
    return !peer->is_urgent && peer->answers_owed > 0 && peer->sender.flight == NULL &&
           peer->sender.queued_bytes < CORK_BYTES;
}

/* Takes the first peer that has to be written to, or NULL. */
static psi_peer *dirty_take(psi_process *process, bool all) {
    psi_peer **link = &process->dirty;
    while (*link != NULL && !all && may_wait(*link)) {
        link = &(*link)->next_dirty;
    }
    psi_peer *const peer = *link;
    if (peer != NULL) {
        *link = peer->next_dirty;
        peer->is_dirty = false;
        if (process->dirty_end == &peer->next_dirty) {
            process->dirty_end = link;
        }
    }
    return peer;
}

/* Writes what waits for `peer`, with the lock released meanwhile. */
static void write_to(psi_process *process, psi_peer *peer) {
    peer->is_writing = true;
    peer->saw_room = false;
    peer->answers_owed += peer->requests_queued;
    peer->requests_queued = 0;
    peer->is_urgent = false;
    psi_sender_load(&peer->sender);
    const int fd = peer->fd;
    (void)pthread_mutex_unlock(&process->mutex);
    int error = 0;
    const psi_io io = psi_sender_write(&peer->sender, fd, &error);
    (void)pthread_mutex_lock(&process->mutex);
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
    psi_peer_note_queue(process, peer);
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

/* ---- The lock ---- */

/* Carries out what was sent; `all`: also what may wait. */
static void settle(psi_process *process, bool all) {
    process->unsettled_bytes = 0;
    for (uint32_t round = 0; round < WRITE_ROUNDS_MAX; round++) {
        if (process->local != NULL) {
            deliver_local(process);
        }
        psi_peer *const peer = dirty_take(process, all);
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

void psi_process_settle(psi_process *process) {
    settle(process, true);
}

void psi_process_unlock(psi_process *process) {
    settle(process, true);
    (void)pthread_mutex_unlock(&process->mutex);
}

void psi_process_unlock_soon(psi_process *process) {
    settle(process, false);
    (void)pthread_mutex_unlock(&process->mutex);
}

void psi_process_await_room(psi_process *process) {
    settle(process, true);
    psi_worker_leaves_reading(process);
    /* Until the node stops, not until something fails: what a worker pushed in between would be
     * queued without a bound. */
    while (process->crowded_count > 0 && !psi_node_is_stopping(process->node)) {
        (void)pthread_cond_wait(&process->has_room, &process->mutex);
    }
}
