#include <stdlib.h>
#include <string.h>

#include "node/monitor.h"
#include "ps/part.h"

static bool allocate_tables(psi_evaluation *evaluation, const psi_monitor *monitor) {
    for (uint32_t t = 0; t < monitor->layout.table_count; t++) {
        const psi_table_layout *const table = &monitor->layout.tables[t];
        if (table->layout == PS_DENSE) {
            evaluation->dense[t] = malloc(table->row_count * table->row_size_bytes);
        } else {
            evaluation->sparse[t] = calloc(table->row_count, sizeof *evaluation->sparse[t]);
            evaluation->views[t] = calloc(table->row_count, sizeof *evaluation->views[t]);
        }
        if (evaluation->dense[t] == NULL &&
            (evaluation->sparse[t] == NULL || evaluation->views[t] == NULL)) {
            return false;
        }
    }
    return true;
}

psi_evaluation *psi_evaluation_create(psi_monitor *monitor, uint32_t clock) {
    psi_evaluation *const evaluation = calloc(1, sizeof *evaluation);
    if (evaluation == NULL) {
        return NULL;
    }
    evaluation->monitor = monitor;
    evaluation->clock = clock;
    evaluation->seen = calloc((size_t)monitor->plan->shard_count + monitor->plan->process_count, 1);
    evaluation->locals = calloc(monitor->workers_here, sizeof *evaluation->locals);
    evaluation->sums =
        calloc((size_t)monitor->plan->worker_count * PS_SUMS_MAX, sizeof *evaluation->sums);
    if (evaluation->seen == NULL || evaluation->locals == NULL || evaluation->sums == NULL ||
        !allocate_tables(evaluation, monitor)) {
        psi_evaluation_destroy(evaluation);
        return NULL;
    }
    return evaluation;
}

void psi_evaluation_destroy(psi_evaluation *evaluation) {
    if (evaluation == NULL) {
        return;
    }
    const psi_layout *const layout = &evaluation->monitor->layout;
    for (uint32_t i = 0; evaluation->locals != NULL && i < evaluation->monitor->workers_here; i++) {
        free(evaluation->locals[i].bytes);
    }
    for (uint32_t t = 0; t < layout->table_count; t++) {
        free(evaluation->dense[t]);
        for (uint64_t row = 0; evaluation->sparse[t] != NULL && row < layout->tables[t].row_count;
             row++) {
            psi_sparse_fini(&evaluation->sparse[t][row]);
        }
        free(evaluation->sparse[t]);
        free(evaluation->views[t]);
    }
    free(evaluation->seen);
    free(evaluation->locals);
    free(evaluation->sums);
    free(evaluation);
}

psi_evaluation *psi_evaluation_of(psi_monitor *monitor, uint32_t clock) {
    psi_evaluation **at = &monitor->evaluations;
    while (*at != NULL && (*at)->clock < clock) {
        at = &(*at)->next;
    }
    if (*at != NULL && (*at)->clock == clock) {
        return *at;
    }
    psi_evaluation *const fresh = psi_evaluation_create(monitor, clock);
    if (fresh != NULL) {
        fresh->next = *at;
        *at = fresh;
    }
    return fresh;
}

psi_evaluation *psi_evaluation_unlink(psi_monitor *monitor, psi_evaluation *evaluation) {
    psi_evaluation **at = &monitor->evaluations;
    while (*at != evaluation) {
        at = &(*at)->next;
    }
    *at = evaluation->next;
    return evaluation;
}

static void store_dense(psi_evaluation *evaluation, const psi_part *part, uint32_t shard) {
    const psi_layout *const layout = &evaluation->monitor->layout;
    const size_t row_size_bytes = layout->tables[part->table].row_size_bytes;
    uint8_t *const rows = evaluation->dense[part->table];
    if (layout->shard_count == 1) {
        memcpy(rows, part->values, part->count * row_size_bytes);
        return;
    }
    for (uint32_t i = 0; i < part->count; i++) {
        const psi_place place = {.shard = shard, .local = i};
        const uint64_t row = psi_place_row(layout, part->table, place);
        memcpy(rows + row * row_size_bytes, part->values + i * row_size_bytes, row_size_bytes);
    }
}

static bool store_sparse(psi_evaluation *evaluation, psi_part *part, uint32_t shard) {
    const psi_layout *const layout = &evaluation->monitor->layout;
    const psi_table_layout *const table = &layout->tables[part->table];
    for (uint32_t i = 0; i < part->count; i++) {
        const psi_place place = {.shard = shard, .local = i};
        const uint64_t row = psi_place_row(layout, part->table, place);
        psi_sparse *const to = &evaluation->sparse[part->table][row];
        to->count = 0;
        if (!psi_part_add_sparse(to, table->type, psi_part_next_row(table, &part->values))) {
            return false;
        }
        evaluation->views[part->table][row] = psi_sparse_view(to);
    }
    return true;
}

bool psi_evaluation_store(psi_evaluation *evaluation, uint32_t shard, psi_reader parts) {
    const psi_layout *const layout = &evaluation->monitor->layout;
    for (uint32_t t = 0; t < layout->table_count; t++) {
        psi_part part;
        if (!psi_part_read(&parts, layout, shard, true, &part) || part.table != t ||
            part.form != PSI_PART_RANGE || part.count != psi_shard_row_count(layout, t, shard)) {
            return false;
        }
        if (layout->tables[t].layout == PS_DENSE) {
            store_dense(evaluation, &part, shard);
        } else if (!store_sparse(evaluation, &part, shard)) {
            return false;
        }
    }
    return parts.left_bytes == 0;
}

/* ---- The mathematics ---- */

static void evaluate_worker(void *arg, size_t index) {
    psi_evaluation *const evaluation = arg;
    const psi_monitor *const monitor = evaluation->monitor;
    const psi_plan *const plan = monitor->plan;
    const void *dense[PS_TABLES_MAX];
    const ps_sparse_row *sparse[PS_TABLES_MAX];
    for (size_t t = 0; t < plan->table_count; t++) {
        dense[t] = evaluation->dense[t];
        sparse[t] = evaluation->views[t];
    }
    const ps_model model = {.clock = evaluation->clock,
                            .table_count = plan->table_count,
                            .specs = plan->specs,
                            .dense = dense,
                            .sparse = sparse};
    const uint32_t rank = monitor->first_rank + (uint32_t)index;
    const psi_local *const local = &evaluation->locals[index];
    plan->algo->evaluate(plan->problem, rank, local->bytes, local->size_bytes, &model,
                         evaluation->sums + (size_t)rank * plan->algo->sum_count);
}

static void evaluation_done(void *arg, double cost_s) {
    psi_evaluation *const evaluation = arg;
    psi_monitor *const monitor = evaluation->monitor;
    if (monitor->spans != NULL) {
        psi_port *const port = monitor->nodes[0]->port;
        psi_node_record(monitor->nodes[0], (psi_span){.kind = PSI_SPAN_EVALUATE,
                                                      .begin_s = evaluation->start_s,
                                                      .end_s = port->ops->now_s(port),
                                                      .clock = evaluation->clock});
    }
    monitor->results->evaluation_s += cost_s;
    if (monitor->process == 0) {
        evaluation->ranks_seen += monitor->workers_here;
        psi_evaluation_end_if_complete(monitor, evaluation);
    } else {
        psi_monitor_send_sums(monitor, evaluation, cost_s);
        psi_evaluation_destroy(psi_evaluation_unlink(monitor, evaluation));
    }
    monitor->jobs_running--;
    psi_monitor_finish_if_done(monitor);
}

void psi_evaluation_start_if_complete(psi_monitor *monitor, psi_evaluation *evaluation) {
    if (evaluation->is_started || evaluation->shards_seen < monitor->plan->shard_count ||
        evaluation->locals_seen < monitor->workers_here) {
        return;
    }
    evaluation->is_started = true;
    monitor->jobs_running++;
    const psi_job job = {.part_count = monitor->workers_here,
                         .part = evaluate_worker,
                         .done = evaluation_done,
                         .arg = evaluation};
    psi_port *const port = monitor->nodes[0]->port;
    evaluation->start_s = port->ops->now_s(port);
    port->ops->measure(port, &job);
}

static bool until_is_reached(const psi_until *until, const psi_metrics_row *row) {
    if (!until->is_set) {
        return false;
    }
    const double value = row->values[until->metric];
    return until->comparison == PSI_AT_MOST ? value <= until->value : value >= until->value;
}

/* The mean over what was counted since `last`, NULL if there is no evaluation before. */
static double mean_since(const ps_since *since, const psi_metrics_row *row,
                         const psi_metrics_row *last) {
    const double before = last == NULL ? 0 : last->values[since->count];
    const double count = row->values[since->count] - before;
    const double sum_before = last == NULL ? 0 : last->values[since->mean] * before;
    const double sum = row->values[since->mean] * row->values[since->count] - sum_before;
    return count > 0 ? sum / count : 0;
}

/* Adds the sums of all workers in rank order and makes the algorithm's metrics of them. Evaluations
 * run beside the workers, so the rate is of the run's own time. */
static void compute_metrics(const psi_plan *plan, const psi_evaluation *evaluation,
                            const psi_metrics_row *last, psi_metrics_row *row) {
    double total[PS_SUMS_MAX] = {0};
    for (uint32_t rank = 0; rank < plan->worker_count; rank++) {
        for (size_t i = 0; i < plan->algo->sum_count; i++) {
            total[i] += evaluation->sums[rank * plan->algo->sum_count + i];
        }
    }
    plan->algo->finish(plan->problem, total, row->values);
    if (plan->algo->rate_metric > 0) {
        row->values[plan->algo->rate_metric] = row->time_s > 0 ? row->work_units / row->time_s : 0;
    }
    for (size_t s = 0; s < plan->algo->since_count; s++) {
        const ps_since *const since = &plan->algo->since[s];
        row->values[since->metric] = mean_since(since, row, last);
    }
}

void psi_evaluation_end_if_complete(psi_monitor *monitor, psi_evaluation *evaluation) {
    const psi_plan *const plan = monitor->plan;
    psi_results *const results = monitor->results;
    if (evaluation->ranks_seen < plan->worker_count) {
        return;
    }
    psi_metrics_row row = {.time_s = evaluation->time_s,
                           .clock_min = evaluation->clock,
                           .clock_max = evaluation->clock_max,
                           .work_units = evaluation->totals.work_units,
                           .bytes_sent = evaluation->totals.bytes_sent,
                           .frames_sent = evaluation->totals.frames_sent};
    const size_t before = results->metrics_count;
    compute_metrics(plan, evaluation, before > 0 ? &results->metrics[before - 1] : NULL, &row);
    void *metrics = results->metrics;
    const bool has_room = psi_array_reserve(&metrics, &results->metrics_capacity,
                                            results->metrics_count + 1, sizeof *results->metrics);
    results->metrics = metrics;
    psi_evaluation_destroy(psi_evaluation_unlink(monitor, evaluation));
    if (!has_room) {
        psi_node_fail(monitor->nodes[0], PS_ENOMEM);
        return;
    }
    results->metrics[results->metrics_count++] = row;
    if (plan->observer.on_metrics != NULL) {
        plan->observer.on_metrics(plan->observer.context, &row);
    }
    if (until_is_reached(&plan->until, &row)) {
        results->until_reached = true;
        psi_monitor_stop(monitor);
    }
}

void psi_evaluation_give_model(psi_evaluation *final, psi_monitor *monitor) {
    psi_results *const results = monitor->results;
    for (size_t t = 0; t < monitor->plan->table_count; t++) {
        results->model_dense[t] = final->dense[t];
        results->model_sparse[t] = final->views[t];
        final->dense[t] = NULL;
        final->views[t] = NULL;
        free(final->sparse[t]); /* the rows' own memory now belongs to the results */
        final->sparse[t] = NULL;
    }
    results->model_is_complete = true;
    results->model_clock = final->clock;
    results->time_s = final->time_s;
    psi_evaluation_destroy(final);
}
