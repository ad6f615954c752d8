/* The caller's thread: waits for sockets, children, wake-ups and the time, and takes the process
 * through its stages:
 *
 *     CONNECTING --all peers have greeted--> RUNNING --all done, or a fault--> PARTING --all
 * parted--> OVER
 *          \------------------------ a fault ----------------------------------^
 */
#define _GNU_SOURCE /* epoll, eventfd */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "runtime/process.h"

enum { EVENTS_MAX = 64 };

/* In both sets, so that one waiting thread is woken: the reader if there is one, or else the loop.
 * The kernel asks the sets in the order in which the connection was added to them. */
static int watch_peer(psi_process *process, int fd, uint64_t key) {
    struct epoll_event event = {.events = EPOLLIN | EPOLLOUT | EPOLLET | EPOLLEXCLUSIVE,
                                .data.u64 = key};
    const int failed = epoll_ctl(process->readers_epoll_fd, EPOLL_CTL_ADD, fd, &event);
    return failed != 0 ? failed : epoll_ctl(process->epoll_fd, EPOLL_CTL_ADD, fd, &event);
}

void psi_loop_watch(psi_process *process, int fd, uint32_t events, uint64_t key, bool is_new) {
    struct epoll_event event = {.events = events, .data.u64 = key};
    int failed;
    if (psi_source_of(key) == PSI_SOURCE_PEER) {
        if (!is_new) {
            psi_loop_unwatch(process, fd);
        }
        failed = watch_peer(process, fd, key);
    } else {
        failed = epoll_ctl(process->control_epoll_fd, is_new ? EPOLL_CTL_ADD : EPOLL_CTL_MOD, fd,
                           &event);
    }
    if (failed != 0) {
        ps_fault fault = {0};
        (void)ps_fault_set(&fault, PS_EIO, "cannot watch a socket: %s", strerror(errno));
        psi_process_lock(process);
        psi_process_fail(process, &fault);
        psi_process_unlock(process);
    }
}

/* Whichever sets it is in. */
void psi_loop_unwatch(psi_process *process, int fd) {
    (void)epoll_ctl(process->control_epoll_fd, EPOLL_CTL_DEL, fd, NULL);
    (void)epoll_ctl(process->readers_epoll_fd, EPOLL_CTL_DEL, fd, NULL);
    (void)epoll_ctl(process->epoll_fd, EPOLL_CTL_DEL, fd, NULL);
}

/* The last word to every peer: goodbye, or the failure. */
static void say_last_word(psi_process *process) {
    psi_process_lock(process);
    for (uint32_t i = 0; i < process->plan->node_count; i++) {
        psi_peer *const peer = &process->peers[i];
        if (i == process->id || !peer->is_greeted || peer->is_lost) {
            continue;
        }
        psi_frame *const record =
            process->fault.err == PS_OK
                ? psi_link_goodbye(&process->pool, process->id, i)
                : psi_link_failure(&process->pool, &process->fault, process->id, i);
        if (record != NULL) {
            psi_peer_push(process, peer, record);
        }
    }
    process->is_parting = true;
    psi_process_unlock(process);
}

static void begin_parting(psi_process *process, double now_s) {
    process->stage = PSI_STAGE_PARTING;
    process->parting_since_s = now_s;
    psi_process_lock(process);
    const bool has_failed = process->fault.err != PS_OK;
    if (has_failed) {
        psi_node_stop(process->node);
    }
    psi_process_unlock(process);
    say_last_word(process);
}

/* Process 0 ends the run when it has all results; the others when process 0 says so, for until then
 * their shards may be needed. */
static bool run_is_done(psi_process *process) {
    psi_process_lock(process);
    const bool no_worker_runs = process->workers_running == 0;
    const bool is_finished = psi_monitor_is_finished(process->monitor);
    psi_process_unlock(process);
    return no_worker_runs && (process->id == 0 ? is_finished : process->peer_ended_run);
}

/* Whether nothing more is to be sent to or to come from any peer, and no thread of the run is at
 * work. */
static bool all_have_parted(psi_process *process) {
    psi_process_lock(process);
    bool all = process->workers_running == 0 && !process->evaluator.is_busy;
    for (uint32_t i = 0; i < process->plan->node_count; i++) {
        const psi_peer *const peer = &process->peers[i];
        if (i == process->id || !peer->is_greeted) {
            continue;
        }
        const bool is_deaf =
            peer->is_lost || ((peer->has_ended || peer->is_silent) && peer->is_blocked);
        const bool is_sending = peer->is_writing || (!is_deaf && psi_sender_is_busy(&peer->sender));
        if (!peer->has_parted || is_sending) {
            all = false;
        }
    }
    psi_process_unlock(process);
    return all;
}

static void give_up_parting(psi_process *process) {
    for (uint32_t i = 0; i < process->plan->node_count; i++) {
        const psi_peer *const peer = &process->peers[i];
        if (i != process->id && peer->is_greeted && !peer->has_parted) {
            psi_peer_fail(process, i, PS_EPEER, "did not end with the run");
        }
    }
    psi_process_lock(process);
    if (process->workers_running > 0) {
        ps_fault fault = {0};
        (void)ps_fault_set(&fault, PS_ESTALL, "%u workers of process %u did not end with the run",
                           process->workers_running, process->id);
        psi_process_fail(process, &fault);
    }
    psi_process_unlock(process);
    process->stage = PSI_STAGE_OVER;
}

static void check_start_timeout(psi_process *process, double now_s) {
    if (now_s < process->connecting_since_s + process->setup.options.start_timeout_s) {
        return;
    }
    for (uint32_t i = 0; i < process->plan->node_count; i++) {
        if (i != process->id && !process->peers[i].is_greeted) {
            char what[640];
            const bool was_refused = process->refusal[0] != '\0';
            (void)snprintf(what, sizeof what, "did not connect to process %u within %.3g s%s%s",
                           process->id, process->setup.options.start_timeout_s,
                           was_refused ? "; a connection was refused: " : "", process->refusal);
            psi_peer_fail(process, i, PS_EPEER, what);
            return;
        }
    }
}

static bool has_failed(psi_process *process) {
    psi_process_lock(process);
    const bool failed = process->fault.err != PS_OK;
    psi_process_unlock(process);
    return failed;
}

/* Takes the process to the next stage if it is time. Each stage is left at most once. */
static void advance(psi_process *process, double now_s) {
    if (process->stage == PSI_STAGE_CONNECTING) {
        check_start_timeout(process, now_s);
        if (has_failed(process)) {
            begin_parting(process, now_s);
        } else if (process->greeted_count + 1 == process->plan->node_count) {
            process->stage = PSI_STAGE_RUNNING;
            psi_join_close_doors(process);
            process->progress_seen_s = now_s;
            psi_process_start_workers(process);
        }
    }
    if (process->stage == PSI_STAGE_RUNNING) {
        if (has_failed(process) || run_is_done(process)) {
            begin_parting(process, now_s);
        }
    }
    if (process->stage == PSI_STAGE_PARTING) {
        if (all_have_parted(process)) {
            process->stage = PSI_STAGE_OVER;
        } else if (now_s >= process->parting_since_s + process->setup.options.stop_timeout_s) {
            give_up_parting(process);
        }
    }
}

/* ---- Waiting ---- */

static void handle_control(psi_process *process, const struct epoll_event *event) {
    const uint32_t index = (uint32_t)event->data.u64;
    switch (psi_source_of(event->data.u64)) {
    case PSI_SOURCE_WAKE: {
        eventfd_t count;
        (void)eventfd_read(process->wake_fd, &count);
        break;
    }
    case PSI_SOURCE_LISTENER:
        psi_join_accept(process);
        break;
    case PSI_SOURCE_PENDING:
        psi_join_pending_ready(process, index);
        break;
    case PSI_SOURCE_CHILD:
        psi_child_ended(process, index);
        break;
    case PSI_SOURCE_CONTROL:
    case PSI_SOURCE_PEER:
        break;
    }
}

/* All but connections. */
static void handle_controls(psi_process *process) {
    struct epoll_event events[EVENTS_MAX];
    const int count = epoll_wait(process->control_epoll_fd, events, EVENTS_MAX, 0);
    for (int i = 0; i < count; i++) {
        handle_control(process, &events[i]);
    }
    /* What changed before is seen by the code that follows; what changes from here on wakes up
     * again. */
    atomic_store(&process->is_awake, false);
}

/* Handles what happened. Returns whether it was more than frames that arrived. */
static bool handle(psi_process *process, const struct epoll_event *events, int count) {
    bool is_control = count <= 0; /* the time, or a signal */
    bool is_peer = false;
    bool has_read = false;
    for (int i = 0; i < count; i++) {
        const uint64_t key = events[i].data.u64;
        if (psi_source_of(key) == PSI_SOURCE_PEER) {
            is_peer = true;
            psi_process_lock(process);
            has_read |= psi_peer_ready(process, &process->peers[(uint32_t)key],
                                       (events[i].events & EPOLLOUT) != 0, NULL);
            psi_process_unlock(process);
        } else {
            is_control = true;
        }
    }
    if (is_control) {
        handle_controls(process);
    }
    process->has_heard = has_read;
    if (is_peer && !has_read && process->spin_s > 0.0 && atomic_load(&process->has_reader)) {
        process->stands_back = true; /* a worker was faster */
        process->reader_runs_seen = atomic_load(&process->reader_runs);
    }
    return is_control || atomic_load(&process->has_news);
}

/* Polls for a moment after something came, unless a worker of this process needs the CPU or reads
 * itself. Returns the number of events. */
static int poll_for_events(psi_process *process, struct epoll_event *events) {
    if (!process->has_heard || atomic_load(&process->workers_running) > 0) {
        return 0;
    }
    const double end_s = psi_process_now_s(process) + process->spin_s;
    int count = 0;
    while (count == 0 && psi_process_now_s(process) < end_s) {
        count = epoll_wait(process->epoll_fd, events, EVENTS_MAX, 0);
    }
    return count;
}

/* Workers that poll are not asleep when something arrives, so each arrival would wake the loop for
 * nothing. While they come to read again and again the loop stands back: it looks every millisecond
 * whether they still do, and they call it when they go to compute. */
static int stand_back(psi_process *process, struct epoll_event *events) {
    enum { LOOK_MS = 1 };
    atomic_store(&process->loop_guards, false);
    const int count = epoll_wait(process->control_epoll_fd, events, EVENTS_MAX, LOOK_MS);
    const uint_fast32_t runs = atomic_load(&process->reader_runs);
    const bool is_needed =
        count == 0 ? runs == process->reader_runs_seen : !atomic_load(&process->has_reader);
    process->reader_runs_seen = runs;
    process->stands_back = !is_needed;
    return count;
}

static int await_events(psi_process *process, struct epoll_event *events) {
    const double due_s = psi_watch_due_s(process, psi_process_now_s(process));
    if (due_s <= 0.0 || atomic_load(&process->has_news)) {
        return epoll_wait(process->epoll_fd, events, EVENTS_MAX, 0);
    }
    if (process->stands_back) {
        return stand_back(process, events);
    }
    const int count = poll_for_events(process, events);
    if (count != 0) {
        return count;
    }
    atomic_store(&process->loop_guards, true);
    return epoll_wait(process->epoll_fd, events, EVENTS_MAX, (int)ceil(due_s * 1e3));
}

static void watch_children(psi_process *process) {
    for (uint32_t i = 1; process->setup.children != NULL && i < process->plan->node_count; i++) {
        psi_loop_watch(process, process->setup.children[i].pidfd, EPOLLIN,
                       psi_source_key(PSI_SOURCE_CHILD, i), true);
    }
}

static void watch_all(psi_process *process) {
    psi_loop_watch(process, process->wake_fd, EPOLLIN, psi_source_key(PSI_SOURCE_WAKE, 0), true);
    struct epoll_event control = {.events = EPOLLIN,
                                  .data.u64 = psi_source_key(PSI_SOURCE_CONTROL, 0)};
    struct epoll_event wake = {.events = EPOLLIN | EPOLLET,
                               .data.u64 = psi_source_key(PSI_SOURCE_WAKE, 0)};
    if (epoll_ctl(process->epoll_fd, EPOLL_CTL_ADD, process->control_epoll_fd, &control) != 0 ||
        epoll_ctl(process->readers_epoll_fd, EPOLL_CTL_ADD, process->reader_wake_fd, &wake) != 0) {
        ps_fault fault = {0};
        (void)ps_fault_set(&fault, PS_EIO, "cannot watch an eventfd: %s", strerror(errno));
        psi_peers_fail(process, &fault);
    }
    watch_children(process);
    if (process->plan->node_count > 1) {
        psi_loop_watch(process, process->setup.listener, EPOLLIN,
                       psi_source_key(PSI_SOURCE_LISTENER, 0), true);
        psi_join_connect(process);
    }
}

void psi_process_loop(psi_process *process) {
    process->connecting_since_s = psi_process_now_s(process);
    process->tick_s = process->connecting_since_s;
    watch_all(process);
    for (;;) {
        psi_peers_collect(process);
        psi_watch_tick(process, psi_process_now_s(process));
        advance(process, psi_process_now_s(process));
        if (process->stage == PSI_STAGE_OVER) {
            return;
        }
        bool has_changed = false;
        while (!has_changed) {
            struct epoll_event events[EVENTS_MAX];
            const int count = await_events(process, events);
            has_changed = handle(process, events, count);
            has_changed |= process->stage != PSI_STAGE_RUNNING;
            has_changed |= psi_watch_due_s(process, psi_process_now_s(process)) <= 0.0;
        }
    }
}
