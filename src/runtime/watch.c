#include <stdio.h>

#include "node/node.h"
#include "runtime/process.h"

/* A process that did not run for so long was stopped or starved itself: it must not blame the
 * others. */
static const double own_pause_s = 1.0;

double psi_watch_due_s(const psi_process *process, double now_s) {
    return process->tick_s + process->setup.options.heartbeat_interval_s / 2.0 - now_s;
}

/* What the heartbeat says of this process. [lock] */
static psi_heartbeat own_heartbeat(psi_process *process) {
    psi_heartbeat heartbeat = {
        .progress = atomic_load_explicit(&process->progress, memory_order_relaxed),
        .clock_min = UINT32_MAX,
        .workers_active = process->workers_running,
    };
    for (uint32_t i = 0; i < process->worker_count; i++) {
        const psi_thread_worker *const worker = &process->workers[i];
        const uint32_t clock = (uint32_t)atomic_load_explicit(&worker->clock, memory_order_relaxed);
        if (clock < heartbeat.clock_min) {
            heartbeat.clock_min = clock;
        }
        if (atomic_load_explicit(&worker->is_computing, memory_order_relaxed)) {
            heartbeat.workers_computing++;
        } else if (worker->is_asleep || psi_node_worker_is_waiting(process->node, i)) {
            heartbeat.workers_waiting++;
        }
    }
    return heartbeat;
}

static void send_heartbeats(psi_process *process) {
    psi_process_lock(process);
    const psi_heartbeat heartbeat = own_heartbeat(process);
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
        const psi_peer *const peer = &process->peers[i];
        const bool must_speak =
            i != process->id && peer->is_greeted && !peer->has_parted && !peer->has_ended;
        if (must_speak && now_s >= peer->heard_s + timeout_s) {
            char what[96];
            (void)snprintf(what, sizeof what, "has been silent for %.3g s", now_s - peer->heard_s);
            psi_peer_fail(process, i, PS_EPEER, what);
        }
    }
}

/* Counts who waits and computes anywhere, as far as this process knows. */
static psi_heartbeat all_heartbeats(psi_process *process) {
    psi_process_lock(process);
    psi_heartbeat all = own_heartbeat(process);
    psi_process_unlock(process);
    for (uint32_t i = 0; i < process->plan->node_count; i++) {
        const psi_peer *const peer = &process->peers[i];
        if (i != process->id && peer->has_heartbeat) {
            all.workers_waiting += peer->heartbeat.workers_waiting;
            all.workers_computing += peer->heartbeat.workers_computing;
            all.workers_active += peer->heartbeat.workers_active;
            all.clock_min = peer->heartbeat.clock_min < all.clock_min ? peer->heartbeat.clock_min
                                                                      : all.clock_min;
        }
    }
    return all;
}

bool psi_watch_describe(psi_process *process, char *text, size_t text_size) {
    char waiting[256] = "";
    psi_process_lock(process);
    bool one_waits = false;
    for (uint32_t i = 0; i < process->worker_count && !one_waits; i++) {
        one_waits = psi_node_waiting_describe(process->node, i, waiting, sizeof waiting);
    }
    const bool no_worker_runs = process->workers_running == 0;
    const bool is_evaluating = process->evaluator.is_busy;
    const bool is_finished = psi_monitor_is_finished(process->monitor);
    psi_process_unlock(process);
    const psi_heartbeat all = all_heartbeats(process);
    if (one_waits || all.workers_waiting > 0) {
        (void)snprintf(text, text_size,
                       "%s%s%u of %u workers wait, %u compute, the slowest at clock %u", waiting,
                       one_waits ? "; " : "", all.workers_waiting, all.workers_active,
                       all.workers_computing, all.clock_min);
        return true;
    }
    if (process->id == 0 && no_worker_runs && !is_finished) {
        (void)snprintf(
            text, text_size,
            "process 0 waits for results%s; %u workers are still at work, the slowest at clock %u",
            is_evaluating ? " of an evaluation" : "", all.workers_active, all.clock_min);
        return true;
    }
    return false;
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
    char who[400];
    if (idle_s < patience_s || !psi_watch_describe(process, who, sizeof who)) {
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

void psi_watch_tick(psi_process *process, double now_s) {
    if (process->stage == PSI_STAGE_RUNNING) {
        check_interrupt(process);
    }
    psi_join_tick(process, now_s);
    psi_peers_tick(process, now_s);
    if (psi_watch_due_s(process, now_s) > 0.0) {
        return;
    }
    if (now_s - process->tick_s > own_pause_s) {
        forgive_pause(process, now_s - process->tick_s);
    }
    process->tick_s = now_s;
    if (now_s >= process->heartbeat_s + process->setup.options.heartbeat_interval_s) {
        process->heartbeat_s = now_s;
        send_heartbeats(process);
    }
    if (process->stage == PSI_STAGE_RUNNING) {
        find_silent_peers(process, now_s);
        find_stall(process, now_s);
    }
}
