/* The worker API over a port: each call is a step of the client, and waiting until it is served. */
#include "tortoise/worker.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "node/inside.h"

/* Values of a piece of a push or pull: small enough to stay in a processor's cache from the moment
 * they are written until they are sent, large enough that the cost of a frame does not count. */
enum { PIECE_BYTES = 192 << 10 };

uint32_t ps_rank(const ps_worker *worker) {
    return worker->rank;
}

uint32_t ps_worker_count(const ps_worker *worker) {
    return worker->node->plan->worker_count;
}

uint32_t ps_clock_now(const ps_worker *worker) {
    return worker->clock;
}

uint32_t ps_clock_count(const ps_worker *worker) {
    return worker->node->plan->clock_count;
}

double ps_value_bound(const ps_worker *worker) {
    const psi_policy *const policy = &worker->node->plan->policy;
    return policy->ops->bounds_values ? psi_policy_bound(policy) : (double)INFINITY;
}

ps_random ps_worker_random(const ps_worker *worker, const char *name) {
    return ps_random_stream(worker->node->plan->seed, name, worker->rank);
}

static void lock(const ps_worker *worker) {
    worker->node->port->ops->lock(worker->node->port);
}

static void unlock(const ps_worker *worker) {
    worker->node->port->ops->unlock(worker->node->port);
}

/* Why the worker may not go on, or PS_OK. With the lock. */
static ps_err stop_reason(const ps_worker *worker) {
    psi_node *const node = worker->node;
    if (!node->is_stopping && node->plan->interrupted != NULL && *node->plan->interrupted) {
        psi_monitor_stop(node->monitor);
    }
    if (!node->is_stopping) {
        return PS_OK;
    }
    return node->failure != PS_OK ? node->failure : PS_ESTOPPED;
}

/* Steps the client and carries out the effects. With the lock. */
static bool step(const ps_worker *worker, const psi_client_event *event) {
    psi_effects effects = psi_node_effects(worker->node);
    const bool is_valid = psi_client_step(&worker->node->client, event, &effects);
    psi_node_carry_out(worker->node, &effects, NULL);
    return is_valid;
}

/* What the worker waits for now, to be recorded when it no longer does. With the lock. */
static psi_span span_of_wait(const ps_worker *worker) {
    psi_span span = {.kind = PSI_SPAN_WAIT,
                     .who = worker->rank,
                     .clock = worker->clock,
                     .what = PSI_AWAITED_ANSWER};
    psi_lack lack;
    if (psi_client_lacks(&worker->node->client, worker->index, &lack)) {
        span.what = lack.is_seen ? PSI_AWAITED_SEEN : PSI_AWAITED_ROW;
        span.amount = lack.row;
        span.table = lack.table;
        span.other = lack.shard;
        span.number = lack.need_clock;
    }
    return span;
}

/* Blocks until the client has served the worker or the run ends. With the lock. */
static ps_err wait_until_served(ps_worker *worker) {
    psi_node *const node = worker->node;
    psi_span span = {0};
    if (!psi_client_is_waiting(&node->client, worker->index)) {
        return stop_reason(worker);
    }
    if (node->spans != NULL) {
        span = span_of_wait(worker);
    }
    worker->waiting_since_s = node->port->ops->now_s(node->port);
    while (psi_client_is_waiting(&node->client, worker->index) && stop_reason(worker) == PS_OK) {
        node->port->ops->wait(node->port, worker->index);
    }
    const double now_s = node->port->ops->now_s(node->port);
    worker->wait_s += now_s - worker->waiting_since_s;
    if (node->spans != NULL) {
        span.begin_s = worker->waiting_since_s;
        span.end_s = now_s;
        psi_node_record(node, span);
    }
    return stop_reason(worker);
}

static const psi_table_layout *table_of(const ps_worker *worker, uint32_t table) {
    const psi_layout *const layout = worker->rows.layout;
    return table < layout->table_count ? &layout->tables[table] : NULL;
}

/* Without a branch in the loop: a number beyond the last row makes the top bit of the difference,
 * or of itself, one. (A table has fewer than 2^63 rows.) */
static bool rows_exist(const psi_table_layout *table, const uint64_t *rows, size_t row_count) {
    const uint64_t last = table->row_count - 1;
    uint64_t signs = 0;
    for (size_t i = 0; i < row_count; i++) {
        signs |= rows[i] | (last - rows[i]);
    }
    return signs >> 63 == 0;
}

ps_err ps_fetch(ps_worker *worker, uint32_t table, const uint64_t *rows, size_t row_count) {
    const psi_table_layout *const layout = table_of(worker, table);
    if (layout == NULL || row_count > UINT32_MAX / 4 || !rows_exist(layout, rows, row_count)) {
        return PS_EINVAL;
    }
    const psi_client_event event = {.kind = PSI_CLIENT_FETCH,
                                    .worker = worker->index,
                                    .table = table,
                                    .rows = rows,
                                    .row_count = row_count};
    lock(worker);
    ps_err err = stop_reason(worker);
    if (err == PS_OK) {
        (void)step(worker, &event);
        err = wait_until_served(worker);
    }
    if (err == PS_OK && !psi_client_take(&worker->node->client, worker->index, &worker->rows)) {
        err = PS_ENOMEM;
    }
    unlock(worker);
    return err;
}

const void *ps_get(ps_worker *worker, uint32_t table, uint64_t row) {
    psi_private_row *const found = psi_rows_find(&worker->rows, table, row);
    return found == NULL ? NULL : psi_rows_read(&worker->rows, found);
}

void *ps_edit(ps_worker *worker, uint32_t table, uint64_t row) {
    psi_private_row *const found = psi_rows_find(&worker->rows, table, row);
    return found == NULL || found->value == NULL ? NULL : psi_rows_edit(&worker->rows, found);
}

/* The private row to add to; NULL if memory is exhausted. */
static psi_private_row *touch(ps_worker *worker, uint32_t table, uint64_t row) {
    return psi_rows_touch(&worker->rows, table, row);
}

ps_err ps_add(ps_worker *worker, uint32_t table, uint64_t row, const void *delta) {
    const psi_table_layout *const layout = table_of(worker, table);
    if (layout == NULL || layout->layout != PS_DENSE || row >= layout->row_count) {
        return PS_EINVAL;
    }
    psi_private_row *const found = touch(worker, table, row);
    return found != NULL && psi_rows_add(&worker->rows, found, delta) ? PS_OK : PS_ENOMEM;
}

bool ps_get_sparse(ps_worker *worker, uint32_t table, uint64_t row, ps_sparse_row *row_out) {
    psi_private_row *const found = psi_rows_find(&worker->rows, table, row);
    if (found == NULL || found->sparse == 0 || !found->is_fetched) {
        return false;
    }
    const psi_sparse *const value = psi_rows_read_sparse(&worker->rows, found);
    if (value != NULL) {
        *row_out = psi_sparse_view(value);
    }
    return value != NULL;
}

ps_err ps_add_sparse(ps_worker *worker, uint32_t table, uint64_t row, uint32_t count,
                     const uint32_t *columns, const void *values) {
    const psi_table_layout *const layout = table_of(worker, table);
    if (layout == NULL || layout->layout != PS_SPARSE || row >= layout->row_count) {
        return PS_EINVAL;
    }
    for (uint32_t i = 0; i < count; i++) {
        if (columns[i] >= layout->column_count) {
            return PS_EINVAL;
        }
    }
    psi_private_row *const found = touch(worker, table, row);
    if (found == NULL || !psi_rows_add_sparse(&worker->rows, found, count, columns, values)) {
        return PS_ENOMEM;
    }
    return PS_OK;
}

/* Writes the row of workers.csv for the clock that ends at `now_s` and starts the next. With the
 * lock. */
static bool trace_clock(ps_worker *worker, double now_s) {
    const psi_trace_row row = {.rank = worker->rank,
                               .clock = worker->clock,
                               .start_s = worker->clock_start_s,
                               .compute_s = worker->compute_s,
                               .wait_s = worker->wait_s,
                               .end_s = now_s};
    if (worker->node->spans != NULL) {
        psi_node_record(worker->node, (psi_span){.kind = PSI_SPAN_CLOCK,
                                                 .begin_s = worker->clock_start_s,
                                                 .end_s = now_s,
                                                 .who = worker->rank,
                                                 .clock = worker->clock});
    }
    worker->clock_start_s = now_s;
    worker->compute_s = 0.0;
    worker->wait_s = 0.0;
    return psi_monitor_trace(worker->node->monitor, &row);
}

/* Copies what the worker published if the state at `clock` is evaluated. It may be large, so this
 * needs no lock. */
static ps_err local_copy(const ps_worker *worker, uint32_t clock, psi_local *local_out) {
    *local_out = (psi_local){.bytes = NULL};
    const size_t size_bytes = worker->published_size_bytes;
    if (size_bytes == 0 || !psi_evaluation_is_due(worker->node->plan, clock)) {
        return PS_OK;
    }
    void *const bytes = malloc(size_bytes);
    if (bytes == NULL) {
        return PS_ENOMEM;
    }
    if (worker->publish != NULL) {
        worker->publish(worker->published, bytes);
    } else {
        memcpy(bytes, worker->published, size_bytes);
    }
    *local_out = (psi_local){.bytes = bytes, .size_bytes = size_bytes};
    return PS_OK;
}

/* Gives the copy to the monitor, who takes it over, if the state at `clock` is evaluated. False:
 * memory is exhausted. With the lock. */
static bool local_give(const ps_worker *worker, uint32_t clock, psi_local *local) {
    if (!psi_evaluation_is_due(worker->node->plan, clock)) {
        return true;
    }
    const bool is_taken = psi_monitor_worker_clock(worker->node->monitor, worker, clock, *local);
    local->bytes = is_taken ? NULL : local->bytes;
    return is_taken;
}

static ps_err clock_with_lock(ps_worker *worker, psi_local *local) {
    psi_node *const node = worker->node;
    PS_TRY(stop_reason(worker));
    bool is_recorded = true;
    if (!worker->has_published) { /* an algorithm without local state: the evaluation still counts
                                     on it */
        worker->has_published = true;
        is_recorded = local_give(worker, 0, &(psi_local){.bytes = NULL});
    }
    is_recorded &= local_give(worker, worker->clock + 1, local);
    const psi_client_event event = {
        .kind = PSI_CLIENT_CLOCK, .worker = worker->index, .block = &worker->block};
    (void)step(worker, &event);
    if (psi_client_is_waiting(&node->client, worker->index)) {
        PS_TRY(wait_until_served(worker));
    }
    is_recorded &= trace_clock(worker, node->port->ops->now_s(node->port));
    worker->clock++;
    if (!is_recorded) {
        psi_node_fail(node, PS_ENOMEM);
    }
    return stop_reason(worker);
}

ps_err ps_clock(ps_worker *worker) {
    if (!psi_rows_seal(&worker->rows, &worker->block)) {
        return PS_ENOMEM;
    }
    psi_local local;
    PS_TRY(local_copy(worker, worker->clock + 1, &local));
    lock(worker);
    const ps_err err = clock_with_lock(worker, &local);
    unlock(worker);
    free(local.bytes);
    return err;
}

ps_err ps_compute(ps_worker *worker, double units, void (*fn)(void *arg), void *arg) {
    psi_port *const port = worker->node->port;
    const double start_s = port->ops->now_s(port);
    port->ops->compute(port, worker->index, worker->clock, units, fn, arg);
    const double end_s = port->ops->now_s(port);
    worker->compute_s += end_s - start_s;
    lock(worker);
    psi_monitor_worked(worker->node->monitor, units);
    if (worker->node->spans != NULL) {
        psi_span span = {.kind = PSI_SPAN_COMPUTE,
                         .begin_s = start_s,
                         .end_s = end_s,
                         .who = worker->rank,
                         .clock = worker->clock};
        memcpy(&span.amount, &units, sizeof span.amount);
        psi_node_record(worker->node, span);
    }
    const ps_err err = stop_reason(worker);
    unlock(worker);
    return err;
}

static bool keys_are_valid(const psi_table_layout *table, const ps_keys *keys) {
    if (table == NULL || table->layout != PS_DENSE || keys->row_count > UINT32_MAX / 4) {
        return false;
    }
    if (keys->rows != NULL) {
        return rows_exist(table, keys->rows, keys->row_count);
    }
    return keys->row_begin <= table->row_count &&
           keys->row_count <= table->row_count - keys->row_begin;
}

/* One piece of a push or pull: rows first_row.. of the keys. With the lock. */
static ps_err start_piece(ps_worker *worker, psi_client_event *event) {
    if (event->kind == PSI_CLIENT_PULL) {
        const psi_client_event room = {.kind = PSI_CLIENT_ROOM, .worker = worker->index};
        (void)step(worker, &room);
        PS_TRY(wait_until_served(worker));
    }
    PS_TRY(stop_reason(worker));
    (void)step(worker, event);
    event->handle = worker->node->client.last_handle;
    return stop_reason(worker);
}

/* Starts a push or pull, piece by piece. Between two pieces the lock is free, so that the port can
 * send the first, and hold the worker back if too much waits to be sent. */
static ps_err start_access(ps_worker *worker, psi_client_event event, const ps_keys *keys,
                           uint64_t *handle_out) {
    const psi_table_layout *const table = table_of(worker, keys->table);
    if (!keys_are_valid(table, keys)) {
        return PS_EINVAL;
    }
    size_t piece_rows = PIECE_BYTES / table->row_size_bytes;
    piece_rows = piece_rows == 0 ? 1 : piece_rows;
    event.worker = worker->index;
    event.table = keys->table;
    ps_err err = PS_OK;
    size_t done = 0;
    do {
        const size_t left = keys->row_count - done;
        event.row_count = left < piece_rows ? left : piece_rows;
        event.has_more = event.row_count < left;
        event.rows = keys->rows == NULL ? NULL : keys->rows + done;
        event.row_begin = keys->rows == NULL ? keys->row_begin + done : 0;
        lock(worker);
        err = start_piece(worker, &event);
        unlock(worker);
        const size_t size_bytes = event.row_count * table->row_size_bytes;
        event.deltas = event.deltas == NULL ? NULL : event.deltas + size_bytes;
        event.values_out = event.values_out == NULL ? NULL : event.values_out + size_bytes;
        done += event.row_count;
    } while (err == PS_OK && event.has_more);
    if (err == PS_OK) {
        *handle_out = event.handle;
    }
    return err;
}

ps_err ps_push(ps_worker *worker, const ps_keys *keys, const void *deltas, uint64_t *handle_out) {
    const psi_client_event event = {.kind = PSI_CLIENT_PUSH, .deltas = deltas};
    return start_access(worker, event, keys, handle_out);
}

ps_err ps_pull(ps_worker *worker, const ps_keys *keys, void *values_out, uint64_t *handle_out) {
    const psi_client_event event = {.kind = PSI_CLIENT_PULL, .values_out = values_out};
    return start_access(worker, event, keys, handle_out);
}

ps_err ps_wait(ps_worker *worker, uint64_t handle) {
    const psi_client_event event = {
        .kind = PSI_CLIENT_WAIT, .worker = worker->index, .handle = handle};
    lock(worker);
    ps_err err = stop_reason(worker);
    if (err == PS_OK) {
        err = step(worker, &event) ? wait_until_served(worker) : PS_EINVAL;
    }
    unlock(worker);
    return err;
}

void ps_publish(ps_worker *worker, const void *bytes, size_t size_bytes) {
    ps_publish_by(worker, NULL, bytes, size_bytes);
}

void ps_publish_by(ps_worker *worker, void (*copy)(const void *state, void *to), const void *state,
                   size_t size_bytes) {
    PS_ASSERT(!worker->has_published && worker->clock == 0);
    worker->publish = copy;
    worker->published = state;
    worker->published_size_bytes = size_bytes;
    worker->has_published = true;
    psi_local local;
    const bool is_copied = local_copy(worker, 0, &local) == PS_OK;
    lock(worker);
    if (!is_copied || !local_give(worker, 0, &local)) {
        psi_node_fail(worker->node, PS_ENOMEM);
    }
    unlock(worker);
    free(local.bytes);
}

ps_err ps_tally(ps_worker *worker, size_t column, uint64_t number) {
    const ps_tally_file *const file = worker->node->plan->algo->tally;
    if (file == NULL || column >= file->column_count) {
        return PS_EINVAL;
    }
    const size_t at = number < PS_TALLY_NUMBER_MAX ? (size_t)number : PS_TALLY_NUMBER_MAX;
    return psi_tally_add(&worker->tally, at * file->column_count + column, 1) ? PS_OK : PS_ENOMEM;
}

ps_err psi_worker_main(psi_node *node, uint32_t worker_index) {
    ps_worker *const worker = &node->workers[worker_index];
    worker->clock_start_s = node->port->ops->now_s(node->port);
    const ps_err err = node->plan->algo->worker(worker, node->plan->problem);
    lock(worker);
    if (err != PS_OK && err != PS_ESTOPPED) {
        if (node->failure == PS_OK) { /* the first; all others return the same from now on */
            node->failed_worker = worker;
        }
        psi_node_fail(node, err);
    }
    const psi_client_event event = {.kind = PSI_CLIENT_LEAVE, .worker = worker_index};
    (void)step(worker, &event);
    node->active_count--;
    if (node->spans != NULL) {
        psi_node_mark(node, PSI_MARK_LEFT, worker->rank);
    }
    psi_monitor_worker_left(node->monitor);
    unlock(worker);
    return err;
}
