#include "node/monitor.h"

static psi_port *port_of(const psi_monitor *monitor) {
    return monitor->nodes[0]->port;
}

/* Takes a frame for monitor 0; ends the run if memory is exhausted. */
static psi_frame *frame_to_first(psi_monitor *monitor, psi_frame_type type, size_t size_bytes) {
    psi_frame *const frame = psi_frame_take(port_of(monitor)->pool, type,
                                            psi_endpoint_monitor(monitor->plan, monitor->process),
                                            psi_endpoint_monitor(monitor->plan, 0), size_bytes);
    if (frame == NULL) {
        psi_node_fail(monitor->nodes[0], PS_ENOMEM);
    }
    return frame;
}

static uint8_t *put_totals(uint8_t *to, const psi_totals *totals, double cost_s) {
    psi_put_f64(to, totals->work_units);
    psi_put_u64(to + 8, totals->bytes_sent);
    psi_put_u64(to + 16, totals->frames_sent);
    psi_put_f64(to + 24, cost_s);
    return to + 32;
}

static psi_totals read_totals(psi_reader *reader) {
    psi_totals totals;
    totals.work_units = psi_read_f64(reader);
    totals.bytes_sent = psi_read_u64(reader);
    totals.frames_sent = psi_read_u64(reader);
    return totals;
}

void psi_monitor_send_sums(psi_monitor *monitor, const psi_evaluation *evaluation, double cost_s) {
    const size_t sum_count = monitor->plan->algo->sum_count;
    const size_t value_count = monitor->workers_here * sum_count;
    psi_frame *const frame = frame_to_first(monitor, PSI_FRAME_SUMS,
                                            PSI_SUMS_HEADER_BYTES + value_count * sizeof(double));
    if (frame == NULL) {
        return;
    }
    uint8_t *to = frame->bytes + PSI_FRAME_HEADER_BYTES;
    psi_put_u32(to, evaluation->clock);
    psi_put_u32(to + 4, monitor->first_rank);
    psi_put_u32(to + 8, monitor->workers_here);
    psi_put_u32(to + 12, (uint32_t)sum_count);
    to = put_totals(to + 16, &evaluation->totals, cost_s);
    for (size_t i = 0; i < value_count; i++, to += 8) {
        psi_put_f64(to, evaluation->sums[monitor->first_rank * sum_count + i]);
    }
    port_of(monitor)->ops->send(port_of(monitor), frame);
}

void psi_monitor_send_trace(psi_monitor *monitor) {
    const psi_results *const results = monitor->results;
    const psi_spans *const spans = monitor->spans;
    const size_t span_count = spans == NULL ? 0 : psi_spans_count(spans);
    const size_t size_bytes = PSI_TRACE_HEADER_BYTES + results->trace_count * PSI_TRACE_ROW_BYTES +
                              results->staleness_count * 8 + span_count * PSI_SPAN_BYTES +
                              results->tally.count * 8;
    psi_frame *const frame = frame_to_first(monitor, PSI_FRAME_TRACE, size_bytes);
    if (frame == NULL) {
        return;
    }
    uint8_t *to = frame->bytes + PSI_FRAME_HEADER_BYTES;
    psi_put_u64(to, results->trace_count);
    psi_put_u64(to + 8, results->staleness_count);
    to = put_totals(to + 16, &monitor->totals_of[monitor->process], 0.0);
    psi_put_u64(to, span_count);
    psi_put_u64(to + 8, spans == NULL ? 0 : psi_spans_dropped(spans));
    to += 16;
    for (size_t i = 0; i < results->trace_count; i++, to += PSI_TRACE_ROW_BYTES) {
        const psi_trace_row *const row = psi_results_trace(results, i);
        psi_put_u32(to, row->rank);
        psi_put_u32(to + 4, row->clock);
        psi_put_f64(to + 8, row->start_s);
        psi_put_f64(to + 16, row->compute_s);
        psi_put_f64(to + 24, row->wait_s);
        psi_put_f64(to + 32, row->end_s);
    }
    for (size_t d = 0; d < results->staleness_count; d++, to += 8) {
        psi_put_u64(to, results->staleness[d]);
    }
    for (size_t i = 0; i < span_count; i++, to += PSI_SPAN_BYTES) {
        psi_span_put(to, psi_spans_at(spans, i));
    }
    for (size_t i = 0; i < results->tally.count; i++, to += 8) {
        psi_put_u64(to, results->tally.counts[i]);
    }
    port_of(monitor)->ops->send(port_of(monitor), frame);
}

/* ---- Receiving ---- */

static bool receive_final(psi_monitor *monitor, uint32_t shard, uint32_t clock, psi_reader rows) {
    if (monitor->process == 0) {
        if (monitor->final == NULL) {
            monitor->final = psi_evaluation_create(monitor, clock);
        }
        if (monitor->final == NULL || !psi_evaluation_store(monitor->final, shard, rows)) {
            return false;
        }
        if (clock < monitor->final->clock) {
            monitor->final->clock = clock;
        }
        monitor->final->time_s = port_of(monitor)->ops->now_s(port_of(monitor));
    } else if (rows.left_bytes != 0) {
        return false;
    }
    monitor->shards_ended++;
    psi_monitor_finish_if_done(monitor);
    return true;
}

/* The evaluation that a peer speaks of; NULL if no correct peer does, or memory is exhausted. */
static psi_evaluation *evaluation_named(psi_monitor *monitor, uint32_t clock) {
    const psi_plan *const plan = monitor->plan;
    if (clock > plan->clock_count || !psi_evaluation_is_due(plan, clock)) {
        return NULL;
    }
    return psi_evaluation_of(monitor, clock);
}

static bool receive_model(psi_monitor *monitor, const psi_frame *frame, psi_reader reader) {
    const psi_plan *const plan = monitor->plan;
    const uint32_t shard = psi_read_u32(&reader);
    const uint32_t flags = psi_read_u32(&reader);
    const uint32_t clock = psi_read_u32(&reader);
    const uint32_t clock_max = psi_read_u32(&reader);
    if (reader.failed || shard >= plan->shard_count ||
        frame->from != psi_endpoint_shard(plan, shard) || monitor->has_ended[shard] != 0) {
        return false;
    }
    if ((flags & PSI_MODEL_IS_FINAL) != 0) {
        return psi_note_once(monitor->has_ended, shard) &&
               receive_final(monitor, shard, clock, reader);
    }
    psi_evaluation *const evaluation = evaluation_named(monitor, clock);
    if (evaluation == NULL || !psi_note_once(evaluation->seen, shard) ||
        !psi_evaluation_store(evaluation, shard, reader)) {
        return false;
    }
    evaluation->clock_max = clock_max > evaluation->clock_max ? clock_max : evaluation->clock_max;
    evaluation->shards_seen++;
    if (evaluation->shards_seen == plan->shard_count) {
        const psi_totals *const own = &monitor->totals_of[monitor->process];
        evaluation->time_s = port_of(monitor)->ops->now_s(port_of(monitor));
        evaluation->totals.work_units += own->work_units;
        evaluation->totals.bytes_sent += own->bytes_sent;
        evaluation->totals.frames_sent += own->frames_sent;
    }
    psi_evaluation_start_if_complete(monitor, evaluation);
    return true;
}

static bool receive_sums(psi_monitor *monitor, uint32_t process, psi_reader reader) {
    const psi_plan *const plan = monitor->plan;
    const uint32_t clock = psi_read_u32(&reader);
    const uint32_t first_rank = psi_read_u32(&reader);
    const uint32_t worker_count = psi_read_u32(&reader);
    const uint32_t sum_count = psi_read_u32(&reader);
    const psi_totals totals = read_totals(&reader);
    const double cost_s = psi_read_f64(&reader);
    const size_t value_count = (size_t)worker_count * sum_count;
    if (reader.failed || worker_count != monitor->workers_here ||
        first_rank != process * worker_count || sum_count != plan->algo->sum_count ||
        reader.left_bytes != value_count * sizeof(double)) {
        return false;
    }
    psi_evaluation *const evaluation = evaluation_named(monitor, clock);
    if (evaluation == NULL || !psi_note_once(evaluation->seen, plan->shard_count + process)) {
        return false;
    }
    for (size_t i = 0; i < value_count; i++) {
        evaluation->sums[(size_t)first_rank * sum_count + i] = psi_read_f64(&reader);
    }
    evaluation->ranks_seen += worker_count;
    evaluation->totals.work_units += totals.work_units;
    evaluation->totals.bytes_sent += totals.bytes_sent;
    evaluation->totals.frames_sent += totals.frames_sent;
    monitor->results->evaluation_s += cost_s;
    psi_evaluation_end_if_complete(monitor, evaluation);
    return true;
}

static bool receive_rows(psi_monitor *monitor, psi_reader *reader, uint64_t row_count,
                         uint32_t process) {
    for (uint64_t i = 0; i < row_count; i++) {
        psi_trace_row row;
        row.rank = psi_read_u32(reader);
        row.clock = psi_read_u32(reader);
        row.start_s = psi_read_f64(reader);
        row.compute_s = psi_read_f64(reader);
        row.wait_s = psi_read_f64(reader);
        row.end_s = psi_read_f64(reader);
        if (row.rank / monitor->workers_here != process || !psi_monitor_trace(monitor, &row)) {
            return false; /* not of its workers, or memory is exhausted */
        }
    }
    return true;
}

/* Whether a process other than this one may have recorded it. */
static bool span_is_possible(const psi_plan *plan, const psi_span *span, uint32_t process) {
    const bool is_of_frame = span->kind == PSI_SPAN_SEND || span->kind == PSI_SPAN_DELIVER;
    const uint32_t who_count = is_of_frame ? psi_endpoint_count(plan) : plan->worker_count;
    const bool is_of_wait = span->kind == PSI_SPAN_WAIT;
    const uint32_t what_count = is_of_frame  ? PSI_FRAME_TYPES
                                : is_of_wait ? PSI_AWAITED_KINDS
                                             : PSI_MARK_KINDS;
    return span->kind < PSI_SPAN_KINDS && span->node == process && span->who < who_count &&
           span->what < what_count && span->table < plan->table_count &&
           (!is_of_frame || span->other < who_count) && span->end_s >= span->begin_s;
}

static bool receive_spans(psi_monitor *monitor, psi_reader *reader, uint64_t span_count,
                          uint32_t process) {
    for (uint64_t i = 0; i < span_count; i++) {
        const psi_span span = psi_span_read(reader);
        if (!span_is_possible(monitor->plan, &span, process) ||
            !psi_monitor_keep_span(monitor, &span)) {
            return false;
        }
    }
    return true;
}

/* All that is left. */
static bool receive_tally(psi_monitor *monitor, psi_reader *reader) {
    const ps_tally_file *const file = monitor->plan->algo->tally;
    const size_t count = reader->left_bytes / 8;
    const size_t count_max =
        file == NULL ? 0 : file->column_count * ((size_t)PS_TALLY_NUMBER_MAX + 1);
    if (reader->left_bytes % 8 != 0 || count > count_max) {
        return false;
    }
    for (size_t i = 0; i < count; i++) {
        const uint64_t times = psi_read_u64(reader);
        if (times > 0 && !psi_tally_add(&monitor->results->tally, i, times)) {
            return false;
        }
    }
    return true;
}

static bool receive_trace(psi_monitor *monitor, uint32_t process, psi_reader reader) {
    const uint64_t row_count = psi_read_u64(&reader);
    const uint64_t staleness_count = psi_read_u64(&reader);
    const psi_totals totals = read_totals(&reader);
    (void)psi_read_f64(&reader);
    const uint64_t span_count = psi_read_u64(&reader);
    const uint64_t spans_dropped = psi_read_u64(&reader);
    const size_t left_bytes = reader.left_bytes;
    if (reader.failed || row_count > left_bytes / PSI_TRACE_ROW_BYTES ||
        staleness_count > left_bytes / 8 || span_count > left_bytes / PSI_SPAN_BYTES ||
        row_count * PSI_TRACE_ROW_BYTES + staleness_count * 8 + span_count * PSI_SPAN_BYTES >
            left_bytes) {
        return false;
    }
    if (!psi_note_once(monitor->has_ended, monitor->plan->shard_count + process) ||
        !receive_rows(monitor, &reader, row_count, process)) {
        return false;
    }
    for (uint64_t behind = 0; behind < staleness_count; behind++) {
        if (!psi_monitor_count_reads(monitor, behind, psi_read_u64(&reader))) {
            return false;
        }
    }
    if (!receive_spans(monitor, &reader, span_count, process) || !receive_tally(monitor, &reader)) {
        return false;
    }
    monitor->results->spans_dropped += spans_dropped;
    monitor->totals_of[process] = totals;
    monitor->processes_ended++;
    psi_monitor_finish_if_done(monitor);
    return true;
}

bool psi_monitor_receive(psi_monitor *monitor, const psi_frame *frame, ps_fault *fault) {
    const psi_plan *const plan = monitor->plan;
    const psi_reader reader =
        psi_reader_of(psi_frame_payload(frame), psi_frame_payload_size_bytes(frame));
    const uint32_t process = frame->from - plan->node_count - plan->shard_count;
    const bool is_from_monitor = frame->from >= plan->node_count + plan->shard_count;
    bool is_accepted = false;
    if (frame->type == PSI_FRAME_MODEL) {
        is_accepted = receive_model(monitor, frame, reader);
    } else if (is_from_monitor && process != monitor->process && frame->type == PSI_FRAME_STOP) {
        /* Process 0 alone ends a run for its metrics; others because they were interrupted, or
         * failed, which they say by themselves. */
        monitor->results->was_interrupted |= monitor->process == 0 && !monitor->is_stopped;
        psi_monitor_stop(monitor);
        is_accepted = true;
    } else if (is_from_monitor && process != 0 && monitor->process == 0) {
        if (frame->type == PSI_FRAME_SUMS) {
            is_accepted = receive_sums(monitor, process, reader);
        } else if (frame->type == PSI_FRAME_TRACE) {
            is_accepted = receive_trace(monitor, process, reader);
        }
    }
    if (!is_accepted) {
        (void)ps_fault_set(fault, PS_EBROKEN,
                           "the monitor of process %u refuses a frame of type %u", monitor->process,
                           frame->type);
    }
    return is_accepted;
}
