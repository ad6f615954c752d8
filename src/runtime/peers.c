#define _GNU_SOURCE /* sigdescr_np */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <sys/wait.h>

#include "runtime/process.h"

/* How long the cause of a lost connection may take to become known: the status of the child that
 * died, or process 0's word on it. */
static const double child_status_timeout_s = 1.0;
static const double word_of_process_0_timeout_s = 3.0;

enum {
    READS_MAX = 16, /* from one peer before others have their turn */
    SETTLE_BYTES = 128 * 1024,
    POOL_KEEP_BYTES = 16 << 20, /* of frames that nobody uses */
    RECORDS_WAITING_MAX = 256   /* heartbeats in a row count as one */
};

void psi_peer_name(const psi_process *process, uint32_t id, char text[static PSI_PEER_NAME_BYTES]) {
    const char *const place = process->setup.places == NULL ? NULL : process->setup.places[id];
    (void)snprintf(text, PSI_PEER_NAME_BYTES, "process %u (node %u)%s%s", id, id,
                   place == NULL ? "" : " on ", place == NULL ? "" : place);
}

void psi_peers_fail(psi_process *process, const ps_fault *fault) {
    psi_process_lock(process);
    psi_process_fail(process, fault);
    psi_process_unlock(process);
}

void psi_peer_fail(psi_process *process, uint32_t id, ps_err err, const char *what) {
    psi_peer *const peer = &process->peers[id];
    char name[PSI_PEER_NAME_BYTES];
    psi_peer_name(process, id, name);
    ps_fault fault = {0};
    if (process->stage != PSI_STAGE_CONNECTING) { /* before its first heartbeat that is clock 0 */
        (void)ps_fault_set(&fault, err, "%s %s; it was last heard of at clock %u", name, what,
                           peer->heartbeat.clock_min);
    } else {
        (void)ps_fault_set(&fault, err, "%s %s", name, what);
    }
    peer->has_parted = true;
    psi_peers_fail(process, &fault);
}

/* ---- Lost connections ---- */

/* Reads no more from the peer; the loop is to look at what that means. [lock] */
static void end_reading(psi_process *process, psi_peer *peer, psi_ending ending, const char *how) {
    if (peer->ending != PSI_ENDING_NONE) {
        return;
    }
    (void)snprintf(peer->loss, sizeof peer->loss, "%s", how);
    peer->ending = ending;
    peer->is_lost |= ending == PSI_ENDING_CLOSED;
    psi_peer_note_queue(process, peer);
    atomic_store(&process->has_news, true);
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

/* Declares peers lost whose connections ended without a last word. */
static void judge_lost(psi_process *process, double now_s) {
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
    peer->said_last_word = true;
    if (peer->process == 0) {
        process->peer_ended_run = true;
    }
    atomic_store(&process->has_news, true); /* the stage may change, now and not at the next tick */
}

static void take_failure(psi_process *process, psi_peer *peer, const psi_frame *record) {
    ps_fault fault;
    if (!psi_link_failure_read(record, &fault)) {
        psi_peer_fail(process, peer->process, PS_EPEER, "sent a malformed report of a failure");
        return;
    }
    peer->has_parted = true;
    peer->said_last_word = true;
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

/* Takes records that workers have read, and then `last`, if not NULL. [loop], without the lock */
static void take_records(psi_process *process, psi_peer *peer, psi_frame *last) {
    psi_process_lock(process);
    psi_frame *record = peer->records;
    peer->records = NULL;
    peer->records_end = &peer->records;
    peer->record_count = 0;
    psi_process_unlock(process);
    while (record != NULL) {
        psi_frame *const next = record->next;
        take_record(process, peer, record);
        record = next;
    }
    if (last != NULL) {
        take_record(process, peer, last);
    }
}

/* Refuses a frame that is not the peer's to send. [lock] */
static void refuse(psi_process *process, const psi_peer *peer, const char *why) {
    ps_fault fault = {0};
    char name[PSI_PEER_NAME_BYTES];
    psi_peer_name(process, peer->process, name);
    (void)ps_fault_set(&fault, PS_EPEER, "%s sent %s", name, why);
    psi_process_fail(process, &fault);
}

/* Hands a frame to the node, unless it is not the peer's to send. [lock] */
static void deliver(psi_process *process, psi_peer *peer, psi_frame *frame) {
    const uint32_t endpoint_count = psi_endpoint_count(process->plan);
    const bool ends_exist = frame->from < endpoint_count && frame->to < endpoint_count;
    char why[640];
    if (!ends_exist || psi_endpoint_node(process->plan, frame->from) != peer->process ||
        psi_endpoint_node(process->plan, frame->to) != process->id) {
        (void)snprintf(why, sizeof why, "a frame from endpoint %u to %u, which is not its way",
                       frame->from, frame->to);
        psi_frame_release(&process->pool, frame);
        refuse(process, peer, why);
        return;
    }
    if (process->fault.err != PS_OK) {
        psi_frame_release(&process->pool, frame);
        return;
    }
    atomic_fetch_add_explicit(&process->progress, 1, memory_order_relaxed);
    psi_peer_answered(peer, frame);
    ps_fault refusal = {0};
    if (!psi_node_deliver(process->node, frame, &refusal)) {
        (void)snprintf(why, sizeof why, "what no correct process sends: %s", refusal.text);
        refuse(process, peer, why);
    }
    psi_process_note_finish(process);
}

/* Where to put a record: behind the others; but of heartbeats in a row the last one says all, and a
 * process that was stopped for long finds many. [lock] */
static psi_frame **place_of_record(psi_process *process, psi_peer *peer, const psi_frame *record) {
    psi_frame **last = &peer->records;
    while (*last != NULL && (*last)->next != NULL) {
        last = &(*last)->next;
    }
    if (*last == NULL || record->type != PSI_LINK_HEARTBEAT ||
        (*last)->type != PSI_LINK_HEARTBEAT) {
        return peer->records_end;
    }
    psi_frame_release(&process->pool, *last);
    peer->record_count--;
    return last;
}

/* Leaves a record to the loop. [lock] */
static void leave_record(psi_process *process, psi_peer *peer, psi_frame *record) {
    psi_frame **const place = place_of_record(process, peer, record);
    record->next = NULL;
    *place = record;
    peer->records_end = &record->next;
    peer->record_count++;
    atomic_store(&process->has_news, true);
    if (peer->record_count > RECORDS_WAITING_MAX) {
        end_reading(process, peer, PSI_ENDING_DAMAGED, "sent records without end");
    }
}

/* Takes everything out of what was read by this thread. [lock], released meanwhile */
static void take_all(psi_process *process, psi_peer *peer, bool is_loop) {
    while (peer->ending == PSI_ENDING_NONE) {
        psi_frame *frame;
        switch (psi_receiver_next(&peer->receiver, &process->pool, &frame)) {
        case PSI_RECEIVED_NOTHING:
            return;
        case PSI_RECEIVED_FRAME:
            deliver(process, peer, frame);
            if (process->unsettled_bytes >= SETTLE_BYTES) {
                psi_process_settle(process); /* while the answers are in the processor's cache */
            }
            break;
        case PSI_RECEIVED_RECORD:
            if (is_loop) {
                psi_process_unlock(process);
                take_records(process, peer, frame);
                psi_process_lock(process);
            } else {
                leave_record(process, peer, frame);
            }
            break;
        case PSI_RECEIVED_DAMAGE: {
            char what[128];
            (void)snprintf(what, sizeof what, "sent %s", peer->receiver.damage);
            end_reading(process, peer, PSI_ENDING_DAMAGED, what);
            break;
        }
        case PSI_RECEIVED_NO_MEMORY:
            end_reading(process, peer, PSI_ENDING_NO_MEMORY, "sent more than there is memory for");
            break;
        }
    }
}

void psi_peer_take_all(psi_process *process, psi_peer *peer) {
    psi_process_lock(process);
    peer->is_reading = true;
    take_all(process, peer, true);
    peer->is_reading = false;
    psi_process_unlock(process);
}

/* Reads once from the peer. Returns whether something came; what is in the socket after a read that
 * took less than it could makes epoll report it anew. [lock], released meanwhile */
static bool read_once(psi_process *process, psi_peer *peer, bool is_loop) {
    const int fd = peer->fd;
    int error = 0;
    (void)pthread_mutex_unlock(&process->mutex);
    const psi_io io = psi_receiver_read(&peer->receiver, fd, &error);
    (void)pthread_mutex_lock(&process->mutex);
    char how[96];
    switch (io) {
    case PSI_IO_DONE:
        peer->received_bytes = peer->receiver.bytes;
        take_all(process, peer, is_loop);
        return true;
    case PSI_IO_BLOCKED:
        break;
    case PSI_IO_ENDED:
        end_reading(process, peer, PSI_ENDING_CLOSED,
                    psi_receiver_is_between_frames(&peer->receiver)
                        ? "closed its connection"
                        : "closed its connection in the middle of a frame");
        break;
    case PSI_IO_LOST:
        (void)snprintf(how, sizeof how, "is not connected any more: %s", strerror(error));
        end_reading(process, peer, PSI_ENDING_CLOSED, how);
        break;
    }
    return false;
}

/* How long to read from one peer. */
typedef enum patience {
    UNTIL_DRAINED, /* or READS_MAX times */
    UNTIL_ENDED    /* until nothing comes any more, be it for now or for ever */
} patience;

/* Reads from the peer. Returns whether something came. [lock], released meanwhile */
static bool read_peer(psi_process *process, psi_peer *peer, patience until,
                      const psi_thread_worker *reader) {
    if (peer->fd < 0 || peer->ending != PSI_ENDING_NONE) {
        return false;
    }
    if (peer->is_reading) {
        peer->must_look_again = true;
        return false;
    }
    peer->is_reading = true;
    bool has_come = false;
    bool goes_on = true;
    for (uint32_t reads = 1; goes_on && peer->ending == PSI_ENDING_NONE; reads++) {
        peer->must_look_again = false;
        const bool came = read_once(process, peer, reader == NULL);
        has_come |= came;
        goes_on = came && (until == UNTIL_ENDED || !peer->receiver.is_drained);
        goes_on |= peer->must_look_again;
        const bool is_called_away = reader != NULL && atomic_load(&reader->is_woken);
        if (goes_on && until == UNTIL_DRAINED && (reads >= READS_MAX || is_called_away)) {
            peer->has_more = true;
            atomic_store(&process->has_news, true);
            goes_on = false;
        }
    }
    peer->is_reading = false;
    if (reader != NULL && atomic_load(&process->has_news)) {
        psi_process_wake(process);
    }
    return has_come;
}

bool psi_peer_ready(psi_process *process, psi_peer *peer, bool can_write,
                    const psi_thread_worker *reader) {
    if (can_write && peer->is_writing) {
        peer->saw_room = true;
    } else if (can_write && peer->is_blocked) {
        peer->is_blocked = false;
        psi_peer_mark(process, peer);
    }
    return read_peer(process, peer, UNTIL_DRAINED, reader);
}

/* ---- What the loop does with it ---- */

/* Looks at the end of the peer's connection, if there is one. */
static void take_ending(psi_process *process, psi_peer *peer, psi_ending ending) {
    if (ending == PSI_ENDING_NONE || peer->has_ended) {
        return;
    }
    peer->has_ended = true;
    peer->ended_s = psi_process_now_s(process);
    psi_loop_unwatch(process, peer->fd);
    if (ending != PSI_ENDING_CLOSED) {
        psi_peer_fail(process, peer->process, ending == PSI_ENDING_DAMAGED ? PS_EPEER : PS_ENOMEM,
                      peer->loss);
    }
}

static void collect_from(psi_process *process, psi_peer *peer) {
    psi_process_lock(process);
    if (peer->has_more) {
        peer->has_more = false;
        (void)read_peer(process, peer, UNTIL_DRAINED, NULL);
    }
    const psi_ending ending = peer->ending;
    psi_process_unlock(process);
    take_records(process, peer, NULL); /* what came before the end first */
    take_ending(process, peer, ending);
}

/* Says what a child's end means, once all that it sent is known. */
static void judge_child(psi_process *process, uint32_t index) {
    psi_child *const child = &process->setup.children[index];
    psi_peer *const peer = &process->peers[index];
    psi_process_lock(process);
    const bool is_reading = peer->is_reading; /* a worker: the next tick comes back */
    if (!is_reading) {
        (void)read_peer(process, peer, UNTIL_ENDED, NULL);
    }
    psi_process_unlock(process);
    if (is_reading) {
        return;
    }
    child->is_judged = true;
    collect_from(process, peer);
    if (!peer->has_parted) {
        char how[96];
        describe_status(child->status, how, sizeof how);
        psi_peer_fail(process, index, PS_EPEER, how);
    }
}

void psi_child_ended(psi_process *process, uint32_t index) {
    psi_child *const child = &process->setup.children[index];
    if (child->has_ended || waitpid(child->pid, &child->status, WNOHANG) != child->pid) {
        return;
    }
    child->has_ended = true;
    psi_loop_unwatch(process, child->pidfd);
    judge_child(process, index);
}

void psi_peers_collect(psi_process *process) {
    if (atomic_exchange(&process->has_news, false)) {
        for (uint32_t i = 0; i < process->plan->node_count; i++) {
            if (i != process->id) {
                collect_from(process, &process->peers[i]);
            }
        }
    }
    judge_lost(process, psi_process_now_s(process));
}

void psi_peers_tick(psi_process *process, double now_s) {
    psi_process_lock(process);
    psi_frame_pool_trim(&process->pool, POOL_KEEP_BYTES);
    psi_process_unlock(process);
    for (uint32_t i = 0; i < process->plan->node_count; i++) {
        psi_peer *const peer = &process->peers[i];
        if (i == process->id) {
            continue;
        }
        if (process->setup.children != NULL && process->setup.children[i].has_ended && i > 0 &&
            !process->setup.children[i].is_judged) {
            judge_child(process, i);
        }
        psi_process_lock(process);
        (void)read_peer(process, peer, UNTIL_DRAINED, NULL);
        const uint64_t received_bytes = peer->received_bytes;
        psi_process_unlock(process);
        if (received_bytes != peer->heard_bytes) {
            peer->heard_bytes = received_bytes;
            peer->heard_s = now_s;
        }
    }
}
