#include <math.h>
#include <stdio.h>
#include <string.h>

#include "node/node.h"
#include "runtime/process.h"

/* A process that did not run for so long was stopped or starved itself: it must not blame the
 * others. */
static const double own_pause_s = 1.0;

/* When nothing has moved for so long, heartbeats begin to say who waits. */
static const double report_after_s = 0.5;

double psi_watch_due_s(const psi_process *process, double now_s) {
    return process->tick_s + process->setup.options.heartbeat_interval_s / 2.0 - now_s;
}

/* How long the worker's computation has been under way; < 0 if there is none. Looks at the worker
 * as often as the watch ticks: no clock is read where the workers run. */
static double computing_s(psi_thread_worker *worker, double now_s) {
    const uint32_t steps = (uint32_t)atomic_load_explicit(&worker->steps, memory_order_relaxed);
    if (steps != worker->steps_seen) {
        worker->steps_seen = steps;
        worker->steps_seen_s = now_s;
    }
    return steps % 2 == 1 ? now_s - worker->steps_seen_s : -1.0;
}

/* Adds one worker to what the heartbeat says. [lock] */
static void add_worker(psi_process *process, uint32_t index, double now_s, psi_heartbeat *beat) {
    psi_thread_worker *const worker = &process->workers[index];
    const uint32_t clock = psi_node_worker_clock(process->node, index);
    const double busy_s = computing_s(worker, now_s);
    const uint32_t busy_ms = busy_s < 0.0 ? 0 : (uint32_t)fmin(busy_s * 1e3, UINT32_MAX);
    if (clock < beat->clock_min) {
        beat->clock_min = clock;
    }
    if (busy_s >= 0.0) {
        if (beat->workers_computing++ == 0 || busy_ms > beat->busy_ms) {
            beat->busy_rank = process->id * process->worker_count + index;
            beat->busy_clock = clock;
            beat->busy_ms = busy_ms;
        }
    } else if (worker->is_asleep || psi_node_worker_is_waiting(process->node, index)) {
        beat->workers_waiting++;
    }
}

/* What the heartbeat says of this process. [lock] */
static psi_heartbeat own_heartbeat(psi_process *process, double now_s) {
    psi_heartbeat beat = {
        .progress = atomic_load_explicit(&process->progress, memory_order_relaxed),
        .clock_min = UINT32_MAX,
        .workers_active = process->workers_running,
    };
    for (uint32_t i = 0; i < process->worker_count; i++) {
        if (!process->workers[i].has_ended) {
            add_worker(process, i, now_s, &beat);
        }
    }
    if (beat.clock_min == UINT32_MAX) { /* all have left */
        beat.clock_min = psi_node_worker_clock(process->node, 0);
    }
    const bool is_idle = now_s >= process->progress_seen_s + report_after_s;
    for (uint32_t i = 0; is_idle && beat.waits[0] == '\0' && i < process->worker_count; i++) {
        (void)psi_node_waiting_describe(process->node, i, beat.waits, sizeof beat.waits);
    }
    return beat;
}

static void send_heartbeats(psi_process *process, double now_s) {
    psi_process_lock(process);
    const psi_heartbeat heartbeat = own_heartbeat(process, now_s);
    for (uint32_t i = 0; i < process->plan->node_count; i++) {
        psi_peer *const peer = &process->peers[i];
        if (i == process->id || !peer->is_greeted || peer->is_lost) {
            continue;
        }
        psi_frame *const record = psi_link_heartbeat(&process->pool, &heartbeat, process->id, i);
        if (record != NULL) { /* without memory for it, the next one may do */
            psi_peer_push(process, peer, record);
        }
    }
    psi_process_unlock(process);
}

static void find_silent_peers(psi_process *process, double now_s) {
    const double timeout_s = process->setup.options.silence_timeout_s;
    for (uint32_t i = 0; i < process->plan->node_count; i++) {
        psi_peer *const peer = &process->peers[i];
        const bool must_speak =
            i != process->id && peer->is_greeted && !peer->has_parted && !peer->has_ended;
        if (must_speak && now_s >= peer->heard_s + timeout_s) {
            char what[96];
            (void)snprintf(what, sizeof what, "has been silent for %.3g s", now_s - peer->heard_s);
            peer->is_silent = true;
            psi_peer_fail(process, i, PS_EPEER, what);
        }
    }
}

/* Adds up who waits and computes anywhere, as far as this process knows. */
static psi_heartbeat all_heartbeats(psi_process *process, double now_s) {
    psi_process_lock(process);
    psi_heartbeat all = own_heartbeat(process, now_s);
    psi_process_unlock(process);
    for (uint32_t i = 0; i < process->plan->node_count; i++) {
        const psi_peer *const peer = &process->peers[i];
        if (i == process->id || !peer->has_heartbeat) {
            continue;
        }
        const psi_heartbeat *const theirs = &peer->heartbeat;
        all.workers_waiting += theirs->workers_waiting;
        all.workers_active += theirs->workers_active;
        all.clock_min = theirs->clock_min < all.clock_min ? theirs->clock_min : all.clock_min;
        if (theirs->workers_computing > 0) {
            if (all.workers_computing == 0 || theirs->busy_ms > all.busy_ms) {
                all.busy_rank = theirs->busy_rank;
                all.busy_clock = theirs->busy_clock;
                all.busy_ms = theirs->busy_ms;
            }
            all.workers_computing += theirs->workers_computing;
        }
    }
    return all;
}

/* A line that is put together from clauses as far as there is room. */
typedef struct clauses {
    char *text;
    size_t size, length;
} clauses;

/* Adds "; <clause>", whole or not at all, and leaves room for one that counts the rest. */
static bool clauses_add(clauses *line, const char *clause) {
    enum { ROOM_FOR_COUNT = 40 };
    const size_t length = strlen(clause);
    if (line->length + length + 2 + ROOM_FOR_COUNT > line->size) {
        return false;
    }
    line->length += (size_t)snprintf(line->text + line->length, line->size - line->length, "%s%s",
                                     line->length == 0 ? "" : "; ", clause);
    return true;
}

/* Names waiting workers: those of this process, and one of each other, which is what a heartbeat
 * has room for. Returns how many were named. */
static uint32_t name_waiting(psi_process *process, clauses *line) {
    uint32_t named = 0;
    char wait[PSI_WAIT_TEXT_BYTES];
    psi_process_lock(process);
    for (uint32_t i = 0; i < process->worker_count; i++) {
        if (psi_node_waiting_describe(process->node, i, wait, sizeof wait)) {
            named += clauses_add(line, wait);
        }
    }
    psi_process_unlock(process);
    for (uint32_t i = 0; i < process->plan->node_count; i++) {
        const psi_peer *const peer = &process->peers[i];
        if (i != process->id && peer->has_heartbeat && peer->heartbeat.waits[0] != '\0') {
            named += clauses_add(line, peer->heartbeat.waits);
        }
    }
    return named;
}

/* Says what process 0 itself waits for when no worker does. */
static bool describe_end(psi_process *process, const psi_heartbeat *all, clauses *line) {
    psi_process_lock(process);
    const bool is_evaluating = process->evaluator.is_busy;
    const bool waits = process->id == 0 && process->workers_running == 0 &&
                       !psi_monitor_is_finished(process->monitor);
    psi_process_unlock(process);
    if (!waits) {
        return false;
    }
    char clause[PSI_WAIT_TEXT_BYTES];
    (void)snprintf(clause, sizeof clause,
                   "process 0 waits for results%s; %u workers are still at work, the slowest at "
                   "clock %u",
                   is_evaluating ? " of an evaluation" : "", all->workers_active, all->clock_min);
    return clauses_add(line, clause);
}

bool psi_watch_describe(psi_process *process, char *text, size_t text_size) {
    const psi_heartbeat all = all_heartbeats(process, psi_process_now_s(process));
    clauses line = {.text = text, .size = text_size};
    char clause[PSI_WAIT_TEXT_BYTES];
    text[0] = '\0';
    if (all.workers_computing > 0) { /* first, for it is what the others wait for */
        (void)snprintf(clause, sizeof clause,
                       "worker %u (process %u) has been computing clock %u for %.3g s",
                       all.busy_rank, all.busy_rank / process->worker_count, all.busy_clock,
                       all.busy_ms * 1e-3);
        (void)clauses_add(&line, clause);
    }
    if (all.workers_waiting == 0) {
        return describe_end(process, &all, &line);
    }
    const uint32_t named = name_waiting(process, &line);
    if (all.workers_waiting > named) {
        (void)snprintf(line.text + line.length, line.size - line.length, "; %u more of %u wait",
                       all.workers_waiting - named, all.workers_active);
    }
    return true;
}

/* Whether somebody has been computing for less than a stall takes: that may well be what the
 * others wait for. */
static bool may_be_computing(psi_process *process, double now_s) {
    const psi_heartbeat all = all_heartbeats(process, now_s);
    return all.workers_computing > 0 && all.busy_ms * 1e-3 < process->setup.options.stall_timeout_s;
}

/* Process 0 knows most; the others leave the word to it for a second. */
static void find_stall(psi_process *process, double now_s) {
    const uint64_t progress = atomic_load_explicit(&process->progress, memory_order_relaxed);
    if (progress != process->progress_seen) {
        process->progress_seen = progress;
        process->progress_seen_s = now_s;
    }
    const double idle_s = now_s - process->progress_seen_s;
    const double patience_s =
        process->setup.options.stall_timeout_s + (process->id == 0 ? 0.0 : 1.0);
    char who[440];
    if (idle_s < patience_s || may_be_computing(process, now_s) ||
        !psi_watch_describe(process, who, sizeof who)) {
        return;
    }
    ps_fault fault = {0};
    (void)ps_fault_set(&fault, PS_ESTALL, "nothing moved for %.3g s: %s", idle_s, who);
    psi_process_lock(process);
    psi_process_fail(process, &fault);
    psi_process_unlock(process);
}

/* A signal handler sets the program's flag in this thread; the workers read a copy under the lock.
 * The monitor tells the other processes, which an interrupt need not reach. */
static void check_interrupt(psi_process *process) {
    const volatile int *const flag = process->setup.plan->interrupted;
    if (flag == NULL || *flag == 0 || process->interrupt_seen) {
        return;
    }
    process->interrupt_seen = true;
    psi_process_lock(process);
    process->is_interrupted = 1;
    psi_monitor_stop(process->monitor);
    process->results->was_interrupted =
        true; /* even if another process's word to stop came first */
    psi_process_unlock(process);
}

/* After a pause of this process itself everybody gets his time again. */
static void forgive_pause(psi_process *process, double pause_s) {
    process->progress_seen_s += pause_s;
    for (uint32_t i = 0; i < process->plan->node_count; i++) {
        process->peers[i].heard_s += pause_s;
    }
}

/* An interrupt while processes are still missing: there is nothing to keep. */
static void check_early_interrupt(psi_process *process) {
    const volatile int *const flag = process->setup.plan->interrupted;
    if (flag != NULL && *flag != 0) {
        ps_fault fault = {0};
        (void)ps_fault_set(&fault, PS_ESTOPPED,
                           "interrupted before all processes had joined; nothing was run");
        psi_peers_fail(process, &fault);
    }
}

void psi_watch_tick(psi_process *process, double now_s) {
    if (process->stage == PSI_STAGE_RUNNING) {
        check_interrupt(process);
    } else if (process->stage == PSI_STAGE_CONNECTING) {
        check_early_interrupt(process);
    }
    if (psi_watch_due_s(process, now_s) > 0.0) {
        return;
    }
    if (now_s - process->tick_s > own_pause_s) {
        forgive_pause(process, now_s - process->tick_s);
    }
    process->tick_s = now_s;
    psi_join_tick(process, now_s);
    psi_peers_tick(process, now_s);
    if (now_s >= process->heartbeat_s + process->setup.options.heartbeat_interval_s) {
        process->heartbeat_s = now_s;
        send_heartbeats(process, now_s);
    }
    if (process->stage != PSI_STAGE_CONNECTING) {
        find_silent_peers(process, now_s); /* its last word may be all that is still awaited */
    }
    if (process->stage == PSI_STAGE_RUNNING) {
        find_stall(process, now_s);
    }
}
