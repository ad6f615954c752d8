/* The monitor of a process: evaluations on snapshots, records, and the end of the run.
 *
 *     shard reaches clock c   --MODEL c-->  the monitors of all processes (a copy of its rows)
 *     worker ends clock c-1   ----------->  its own monitor (a copy of its local state)
 *     both complete for c: evaluate the share of each own worker, beside the workers
 *                             --SUMS c--->  monitor 0: adds in rank order, makes a row of metrics
 *     all clients left shard  --MODEL---->  monitor 0: the final rows; others: no more will come
 *     own workers left, shards at their end, evaluations done
 *                             --TRACE---->  monitor 0: what this process recorded
 *
 * When all nodes are in one process, the same functions are called without the frames. */
#include "node/monitor.h"

#include <stdlib.h>
#include <string.h>

/* ---- Setting up ---- */

ps_err psi_monitor_create(const psi_plan *plan, uint32_t process, psi_results *results,
                          psi_monitor **monitor_out) {
    *monitor_out = NULL;
    psi_monitor *const monitor = calloc(1, sizeof *monitor);
    if (monitor == NULL) {
        return PS_ENOMEM;
    }
    monitor->plan = plan;
    monitor->process = process;
    monitor->results = results;
    const uint32_t nodes_here = plan->process_count == 1 ? plan->node_count : 1;
    monitor->workers_here = nodes_here * (plan->worker_count / plan->node_count);
    monitor->first_rank = process * monitor->workers_here;
    monitor->workers_active = monitor->workers_here;
    monitor->nodes = calloc(nodes_here, sizeof *monitor->nodes);
    monitor->totals_of = calloc(plan->process_count, sizeof *monitor->totals_of);
    monitor->has_ended = calloc((size_t)plan->shard_count + plan->process_count, 1);
    if (monitor->nodes == NULL || monitor->totals_of == NULL || monitor->has_ended == NULL ||
        psi_layout_init(&monitor->layout, plan->specs, plan->table_count, plan->shard_count) !=
            PS_OK) {
        psi_monitor_destroy(monitor);
        return PS_ENOMEM;
    }
    if (plan->span_capacity > 0) {
        monitor->spans = psi_spans_create(plan->span_capacity);
        if (monitor->spans == NULL) {
            psi_monitor_destroy(monitor);
            return PS_ENOMEM;
        }
    }
    *monitor_out = monitor;
    return PS_OK;
}

/* Moves what was recorded here into the results. False: memory is exhausted, some are missing. */
static bool keep_own_spans(psi_monitor *monitor) {
    psi_spans *const spans = monitor->spans;
    bool are_kept = true;
    for (size_t i = 0; spans != NULL && i < psi_spans_count(spans); i++) {
        are_kept &= psi_monitor_keep_span(monitor, psi_spans_at(spans, i));
    }
    monitor->results->spans_dropped += spans == NULL ? 0 : psi_spans_dropped(spans);
    return are_kept;
}

void psi_monitor_destroy(psi_monitor *monitor) {
    if (monitor == NULL) {
        return;
    }
    if (monitor->process == 0 && !monitor->is_finished) {
        (void)keep_own_spans(monitor); /* the run has failed: what there is may say why */
    }
    psi_spans_destroy(monitor->spans);
    while (monitor->evaluations != NULL) {
        psi_evaluation_destroy(psi_evaluation_unlink(monitor, monitor->evaluations));
    }
    psi_evaluation_destroy(monitor->final);
    free(monitor->nodes);
    free(monitor->totals_of);
    free(monitor->has_ended);
    free(monitor);
}

const psi_layout *psi_monitor_layout(const psi_monitor *monitor) {
    return &monitor->layout;
}

psi_spans *psi_monitor_spans(const psi_monitor *monitor) {
    return monitor->spans;
}

void psi_monitor_join(psi_monitor *monitor, psi_node *node) {
    monitor->nodes[monitor->node_count++] = node;
}

static psi_port *port_of(const psi_monitor *monitor) {
    return monitor->nodes[0]->port;
}

void psi_monitor_stop(psi_monitor *monitor) {
    if (monitor->is_stopped) {
        return;
    }
    monitor->is_stopped = true;
    const psi_plan *const plan = monitor->plan;
    monitor->results->was_interrupted |= plan->interrupted != NULL && *plan->interrupted != 0;
    for (uint32_t p = 0; p < plan->process_count; p++) {
        if (p != monitor->process) {
            psi_frame *const frame = psi_frame_take(port_of(monitor)->pool, PSI_FRAME_STOP,
                                                    psi_endpoint_monitor(plan, monitor->process),
                                                    psi_endpoint_monitor(plan, p), 0);
            if (frame != NULL) {
                port_of(monitor)->ops->send(port_of(monitor), frame);
            }
        }
    }
    for (uint32_t i = 0; i < monitor->node_count; i++) {
        psi_node_stop(monitor->nodes[i]);
    }
}

/* ---- Records ---- */

bool psi_monitor_trace(psi_monitor *monitor, const psi_trace_row *row) {
    psi_results *const results = monitor->results;
    if (results->trace_count == 0) {
        results->trace = psi_chunks_of(sizeof *row);
    }
    const bool has_room = psi_chunks_reserve(&results->trace, results->trace_count + 1);
    if (has_room) {
        *(psi_trace_row *)psi_chunks_at(&results->trace, results->trace_count++) = *row;
    }
    return has_room;
}

bool psi_monitor_keep_span(psi_monitor *monitor, const psi_span *span) {
    psi_results *const results = monitor->results;
    void *spans = results->spans;
    const bool has_room = psi_array_reserve(&spans, &results->span_capacity,
                                            results->span_count + 1, sizeof *results->spans);
    results->spans = spans;
    if (has_room) {
        results->spans[results->span_count++] = *span;
    }
    return has_room;
}

void psi_monitor_worked(psi_monitor *monitor, double units) {
    monitor->totals_of[monitor->process].work_units += units;
}

void psi_monitor_sent(psi_monitor *monitor, const psi_frame *frame) {
    monitor->totals_of[monitor->process].bytes_sent += frame->size_bytes;
    monitor->totals_of[monitor->process].frames_sent++;
}

bool psi_monitor_count_reads(psi_monitor *monitor, size_t behind, uint64_t reads) {
    psi_results *const results = monitor->results;
    if (reads == 0) {
        return true;
    }
    void *staleness = results->staleness;
    const bool has_room = psi_array_reserve(&staleness, &results->staleness_capacity, behind + 1,
                                            sizeof *results->staleness);
    results->staleness = staleness;
    if (has_room) {
        results->staleness[behind] += reads;
        results->staleness_count =
            behind < results->staleness_count ? results->staleness_count : behind + 1;
    }
    return has_room;
}

psi_totals psi_monitor_totals(const psi_monitor *monitor) {
    psi_totals sum = {0};
    for (uint32_t p = 0; p < monitor->plan->process_count; p++) {
        sum.work_units += monitor->totals_of[p].work_units;
        sum.bytes_sent += monitor->totals_of[p].bytes_sent;
        sum.frames_sent += monitor->totals_of[p].frames_sent;
    }
    return sum;
}

/* ---- Clocks ---- */

bool psi_evaluation_is_due(const psi_plan *plan, uint32_t clock) {
    if (clock == plan->clock_count) {
        return true;
    }
    if (plan->eval_doubles) {
        return (clock & (clock - 1)) == 0;
    }
    return plan->eval_every_clocks > 0 && clock % plan->eval_every_clocks == 0;
}

static void show_progress(psi_monitor *monitor, uint32_t clock, double time_s) {
    const psi_observer *const observer = &monitor->plan->observer;
    if (monitor->process == 0 && clock > monitor->clock_shown && observer->on_progress != NULL) {
        monitor->clock_shown = clock;
        observer->on_progress(observer->context, clock, time_s);
    }
}

/* Makes the frame that tells a shard's state: with its rows, or, for monitors that need only know
 * that the shard has come to its end, without. */
static psi_frame *model_frame(psi_monitor *monitor, const psi_shard *shard, bool is_final,
                              bool with_rows) {
    const psi_plan *const plan = monitor->plan;
    const size_t size_bytes = PSI_MODEL_HEADER_BYTES + (with_rows ? psi_shard_dump_size(shard) : 0);
    psi_frame *const frame =
        psi_frame_take(port_of(monitor)->pool, PSI_FRAME_MODEL,
                       psi_endpoint_shard(plan, shard->options.shard), 0, size_bytes);
    if (frame == NULL) {
        return NULL;
    }
    uint8_t *const to = frame->bytes + PSI_FRAME_HEADER_BYTES;
    psi_put_u32(to, shard->options.shard);
    psi_put_u32(to + 4, (is_final ? PSI_MODEL_IS_FINAL : 0) | (with_rows ? PSI_MODEL_HAS_ROWS : 0));
    psi_put_u32(to + 8, shard->clock_min);
    psi_put_u32(to + 12, shard->clock_max);
    if (with_rows) {
        psi_shard_dump(shard, to + PSI_MODEL_HEADER_BYTES);
    }
    return frame;
}

/* Gives the state to the monitor of `process`: itself at once, another by its port. */
static bool tell_model(psi_monitor *monitor, const psi_shard *shard, bool is_final,
                       uint32_t process) {
    const bool with_rows = !is_final || process == 0;
    psi_frame *const frame = model_frame(monitor, shard, is_final, with_rows);
    if (frame == NULL) {
        return false;
    }
    if (process != monitor->process) {
        frame->to = psi_endpoint_monitor(monitor->plan, process);
        psi_put_u32(frame->bytes + 12, frame->to);
        port_of(monitor)->ops->send(port_of(monitor), frame);
        return true;
    }
    ps_fault fault = {0};
    const bool is_taken = psi_monitor_receive(monitor, frame, &fault);
    psi_frame_release(port_of(monitor)->pool, frame);
    return is_taken;
}

bool psi_monitor_shard_clock(psi_monitor *monitor, const psi_shard *shard, bool is_final) {
    show_progress(monitor, shard->clock_min, port_of(monitor)->ops->now_s(port_of(monitor)));
    if (!is_final && !psi_evaluation_is_due(monitor->plan, shard->clock_min)) {
        return true;
    }
    for (uint32_t p = 0; p < monitor->plan->process_count; p++) {
        if (!tell_model(monitor, shard, is_final, p)) {
            return false;
        }
    }
    return true;
}

bool psi_monitor_worker_clock(psi_monitor *monitor, const ps_worker *worker, uint32_t clock,
                              psi_local local) {
    psi_evaluation *const evaluation = psi_evaluation_of(monitor, clock);
    if (evaluation == NULL) {
        return false;
    }
    evaluation->locals[worker->rank - monitor->first_rank] = local;
    evaluation->locals_seen++;
    psi_evaluation_start_if_complete(monitor, evaluation);
    return true;
}

/* ---- The end ---- */

static int compare_trace(const void *left, const void *right) {
    const psi_trace_row *const a = left;
    const psi_trace_row *const b = right;
    if (a->rank != b->rank) {
        return a->rank < b->rank ? -1 : 1;
    }
    return (a->clock > b->clock) - (a->clock < b->clock);
}

/* The rows come in the order in which clocks ended. */
static bool order_trace(psi_results *results) {
    const size_t count = results->trace_count;
    psi_trace_row *const rows = calloc(count > 0 ? count : 1, sizeof *rows);
    if (rows == NULL) {
        return false;
    }
    for (size_t i = 0; i < count; i++) {
        rows[i] = *psi_results_trace(results, i);
    }
    qsort(rows, count, sizeof *rows, compare_trace);
    for (size_t i = 0; i < count; i++) {
        *(psi_trace_row *)psi_chunks_at(&results->trace, i) = rows[i];
    }
    free(rows);
    return true;
}

static int compare_metrics(const void *left, const void *right) {
    const psi_metrics_row *const a = left;
    const psi_metrics_row *const b = right;
    return (a->clock_min > b->clock_min) - (a->clock_min < b->clock_min);
}

/* Process 0, when everything has come in: puts the results into their order. */
static void complete_results(psi_monitor *monitor) {
    psi_results *const results = monitor->results;
    const psi_totals totals = psi_monitor_totals(monitor);
    results->bytes_sent = totals.bytes_sent;
    results->frames_sent = totals.frames_sent;
    if (results->metrics_count > 0) {
        qsort(results->metrics, results->metrics_count, sizeof *results->metrics, compare_metrics);
    }
    if (!order_trace(results) || !keep_own_spans(monitor)) {
        psi_node_fail(monitor->nodes[0], PS_ENOMEM);
    }
    psi_evaluation_give_model(monitor->final, monitor);
    monitor->final = NULL;
    monitor->is_finished = true;
}

/* Adds the histogram of what the reads of one client saw. */
static void add_staleness_of(psi_monitor *monitor, psi_node *node) {
    for (size_t behind = 0; behind < node->client.staleness_capacity; behind++) {
        if (!psi_monitor_count_reads(monitor, behind, node->client.staleness[behind])) {
            psi_node_fail(node, PS_ENOMEM);
        }
    }
}

/* Adds what the workers of one node counted. */
static void add_tallies_of(psi_monitor *monitor, psi_node *node) {
    for (uint32_t w = 0; w < node->worker_count; w++) {
        const psi_tally *const tally = &node->workers[w].tally;
        for (size_t i = 0; i < tally->count; i++) {
            const bool is_met = tally->counts[i] > 0;
            if (is_met && !psi_tally_add(&monitor->results->tally, i, tally->counts[i])) {
                psi_node_fail(node, PS_ENOMEM);
            }
        }
    }
}

void psi_monitor_finish_if_done(psi_monitor *monitor) {
    const psi_plan *const plan = monitor->plan;
    if (monitor->is_finished || monitor->workers_active > 0 || monitor->jobs_running > 0 ||
        monitor->shards_ended < plan->shard_count) {
        return;
    }
    if (!monitor->has_recorded) {
        monitor->has_recorded = true;
        for (uint32_t i = 0; i < monitor->node_count; i++) {
            add_staleness_of(monitor, monitor->nodes[i]);
            add_tallies_of(monitor, monitor->nodes[i]);
        }
        for (uint32_t i = 0; monitor->spans != NULL && i < monitor->node_count; i++) {
            psi_node_mark(monitor->nodes[i], PSI_MARK_END, 0);
        }
        if (monitor->process != 0) {
            psi_monitor_send_trace(monitor);
            monitor->is_finished = true;
        }
    }
    if (monitor->process == 0 && monitor->processes_ended + 1 == plan->process_count) {
        complete_results(monitor);
    }
}

void psi_monitor_worker_left(psi_monitor *monitor) {
    monitor->workers_active--;
    psi_monitor_finish_if_done(monitor);
}

bool psi_monitor_is_finished(const psi_monitor *monitor) {
    return monitor->is_finished;
}
