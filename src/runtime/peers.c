#define _GNU_SOURCE /* sigdescr_np */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <sys/epoll.h>
#include <sys/wait.h>
#include <unistd.h>

#include "runtime/process.h"

/* How long the cause of a lost connection may take to become known: the status of the child that
 * died, or process 0's word on it. */
static const double child_status_timeout_s = 1.0;
static const double word_of_process_0_timeout_s = 3.0;

void psi_peer_name(const psi_process *process, uint32_t id, char text[static 48]) {
    (void)process;
    (void)snprintf(text, 48, "process %u (node %u)", id, id);
}

void psi_peers_fail(psi_process *process, const ps_fault *fault) {
    psi_process_lock(process);
    psi_process_fail(process, fault);
    psi_process_unlock(process);
}

void psi_peer_fail(psi_process *process, uint32_t id, ps_err err, const char *what) {
    psi_peer *const peer = &process->peers[id];
    char name[48];
    psi_peer_name(process, id, name);
    ps_fault fault = {0};
    if (peer->has_heartbeat) {
        (void)ps_fault_set(&fault, err, "%s %s; it was last heard of at clock %u", name, what,
                           peer->heartbeat.clock_min);
    } else {
        (void)ps_fault_set(&fault, err, "%s %s", name, what);
    }
    peer->has_parted = true;
    psi_peers_fail(process, &fault);
}

/* ---- Lost connections ---- */

/* Reads no more from the peer. */
static void end_reading(psi_process *process, psi_peer *peer) {
    peer->has_ended = true;
    peer->ended_s = psi_process_now_s(process);
    psi_loop_unwatch(process, peer->fd);
}

static void lose_peer(psi_process *process, psi_peer *peer, const char *how) {
    end_reading(process, peer);
    (void)snprintf(peer->loss, sizeof peer->loss, "%s", how);
    psi_process_lock(process);
    peer->is_lost = true;
    psi_process_unlock(process);
}

/* Whether nobody will tell more about the loss of this peer. */
static bool cause_is_final(const psi_process *process, const psi_peer *peer, double now_s) {
    if (process->id != 0) {
        return peer->process == 0 || now_s >= peer->ended_s + word_of_process_0_timeout_s;
    }
    return process->setup.children == NULL || now_s >= peer->ended_s + child_status_timeout_s;
}

static bool run_has_failed(psi_process *process) {
    psi_process_lock(process);
    const bool has_failed = process->fault.err != PS_OK;
    psi_process_unlock(process);
    return has_failed;
}

void psi_peers_tick(psi_process *process, double now_s) {
    const bool has_failed = run_has_failed(process);
    for (uint32_t i = 0; i < process->plan->node_count; i++) {
        psi_peer *const peer = &process->peers[i];
        if (!peer->has_ended || peer->has_parted) {
            continue;
        }
        if (has_failed) {
            peer->has_parted = true;
        } else if (cause_is_final(process, peer, now_s)) {
            psi_peer_fail(process, i, PS_EPEER, peer->loss);
        }
    }
}

static void describe_status(int status, char *text, size_t text_size) {
    if (WIFSIGNALED(status)) {
        const char *const description = sigdescr_np(WTERMSIG(status));
        (void)snprintf(text, text_size, "died of signal %d (%s)", WTERMSIG(status),
                       description == NULL ? "unknown" : description);
    } else {
        (void)snprintf(text, text_size, "ended before the run, with exit code %d",
                       WEXITSTATUS(status));
    }
}

/* ---- What arrives ---- */

static void take_heartbeat(psi_process *process, psi_peer *peer, const psi_frame *record) {
    psi_heartbeat heartbeat;
    if (!psi_link_heartbeat_read(record, &heartbeat)) {
        psi_peer_fail(process, peer->process, PS_EPEER, "sent a malformed heartbeat");
        return;
    }
    if (!peer->has_heartbeat || heartbeat.progress != peer->heartbeat.progress) {
        process->progress_seen_s = psi_process_now_s(process);
    }
    peer->heartbeat = heartbeat;
    peer->has_heartbeat = true;
}

static void take_goodbye(psi_process *process, psi_peer *peer) {
    if (process->id == 0 && process->stage != PSI_STAGE_PARTING) {
        psi_peer_fail(process, peer->process, PS_EPEER, "left before the run was over");
    }
    peer->has_parted = true;
    if (peer->process == 0) {
        process->peer_ended_run = true;
    }
}

static void take_failure(psi_process *process, psi_peer *peer, const psi_frame *record) {
    ps_fault fault;
    if (!psi_link_failure_read(record, &fault)) {
        psi_peer_fail(process, peer->process, PS_EPEER, "sent a malformed report of a failure");
        return;
    }
    peer->has_parted = true;
    psi_peers_fail(process, &fault);
}

static void take_record(psi_process *process, psi_peer *peer, psi_frame *record) {
    switch ((psi_link_type)record->type) {
    case PSI_LINK_HELLO:
        psi_join_take_answer(process, peer, record);
        break;
    case PSI_LINK_HEARTBEAT:
        take_heartbeat(process, peer, record);
        break;
    case PSI_LINK_FAILURE:
        take_failure(process, peer, record);
        break;
    case PSI_LINK_GOODBYE:
        take_goodbye(process, peer);
        break;
    case PSI_LINK_TYPES:
        break;
    }
    psi_process_lock(process);
    psi_frame_release(&process->pool, record);
    psi_process_unlock(process);
}

/* Hands a frame to the node, unless it is not the peer's to send. [lock] */
static void deliver(psi_process *process, const psi_peer *peer, psi_frame *frame) {
    const uint32_t endpoint_count = psi_endpoint_count(process->plan);
    const bool ends_exist = frame->from < endpoint_count && frame->to < endpoint_count;
    ps_fault fault = {0};
    char name[48];
    psi_peer_name(process, peer->process, name);
    if (!ends_exist || psi_endpoint_node(process->plan, frame->from) != peer->process ||
        psi_endpoint_node(process->plan, frame->to) != process->id) {
        (void)ps_fault_set(&fault, PS_EPEER,
                           "%s sent a frame from endpoint %u to %u, which is not its way", name,
                           frame->from, frame->to);
        psi_frame_release(&process->pool, frame);
        psi_process_fail(process, &fault);
        return;
    }
    if (process->fault.err != PS_OK) {
        psi_frame_release(&process->pool, frame);
        return;
    }
    atomic_fetch_add_explicit(&process->progress, 1, memory_order_relaxed);
    ps_fault refusal = {0};
    if (!psi_node_deliver(process->node, frame, &refusal)) {
        (void)ps_fault_set(&fault, PS_EPEER, "%s sent what no correct process sends: %s", name,
                           refusal.text);
        psi_process_fail(process, &fault);
    }
    psi_process_note_finish(process);
}

void psi_peer_take_all(psi_process *process, psi_peer *peer) {
    while (!peer->has_ended) {
        psi_frame *frame;
        psi_process_lock(process);
        psi_received received = psi_receiver_next(&peer->receiver, &process->pool, &frame);
        while (received == PSI_RECEIVED_FRAME) {
            deliver(process, peer, frame);
            received = psi_receiver_next(&peer->receiver, &process->pool, &frame);
        }
        psi_process_unlock(process);
        if (received == PSI_RECEIVED_RECORD) {
            take_record(process, peer, frame);
        } else if (received == PSI_RECEIVED_NOTHING) {
            return;
        } else {
            char what[128];
            const bool is_damaged = received == PSI_RECEIVED_DAMAGE;
            (void)snprintf(what, sizeof what, "sent %s",
                           is_damaged ? peer->receiver.damage : "more than there is memory for");
            psi_peer_fail(process, peer->process, is_damaged ? PS_EPEER : PS_ENOMEM, what);
            end_reading(process, peer); /* it is still told why */
        }
    }
}

/* Reads once from the peer. Returns whether there may be more. */
static bool read_from(psi_process *process, psi_peer *peer) {
    int error = 0;
    const psi_io io = psi_receiver_read(&peer->receiver, peer->fd, &error);
    char how[96];
    switch (io) {
    case PSI_IO_DONE:
        peer->heard_s = psi_process_now_s(process);
        psi_peer_take_all(process, peer);
        return !peer->has_ended;
    case PSI_IO_BLOCKED:
        return false;
    case PSI_IO_ENDED:
        lose_peer(process, peer,
                  psi_receiver_is_between_frames(&peer->receiver)
                      ? "closed its connection"
                      : "closed its connection in the middle of a frame");
        return false;
    case PSI_IO_LOST:
        (void)snprintf(how, sizeof how, "is not connected any more: %s", strerror(error));
        lose_peer(process, peer, how);
        return false;
    }
    return false;
}

void psi_peer_ready(psi_process *process, psi_peer *peer, bool can_write) {
    if (peer->has_ended) {
        return;
    }
    if (can_write && peer->is_awaiting_output) {
        peer->is_awaiting_output = false;
        psi_loop_watch(process, peer->fd, EPOLLIN, psi_source_key(PSI_SOURCE_PEER, peer->process),
                       false);
        psi_process_lock(process);
        peer->is_blocked = false;
        psi_peer_mark(process, peer);
        psi_process_unlock(process);
    }
    (void)read_from(process, peer);
}

void psi_child_ended(psi_process *process, uint32_t index) {
    psi_child *const child = &process->setup.children[index];
    psi_peer *const peer = &process->peers[index];
    if (child->has_ended || waitpid(child->pid, &child->status, WNOHANG) != child->pid) {
        return;
    }
    child->has_ended = true;
    psi_loop_unwatch(process, child->pidfd);
    /* It may have said why, and all that it ever sent is here. */
    while (peer->fd >= 0 && !peer->has_ended && read_from(process, peer)) {
    }
    if (!peer->has_parted) {
        char how[96];
        describe_status(child->status, how, sizeof how);
        psi_peer_fail(process, index, PS_EPEER, how);
    }
}
