#include "ps/client.h"

#include <stdlib.h>

#include "ps/part.h"

enum { FETCH_HEADER_BYTES = 8, PULLED_MAX_BYTES = 64 << 20 };

/* ---- Setting up ---- */

ps_err psi_client_init(psi_client *client, const psi_client_options *options) {
    *client = (psi_client){.options = *options};
    if (options->pulled_max_bytes == 0) {
        client->options.pulled_max_bytes = PULLED_MAX_BYTES;
    }
    client->workers = calloc(options->worker_count, sizeof *client->workers);
    client->shards = calloc(options->layout->shard_count, sizeof *client->shards);
    client->counts = calloc((size_t)options->layout->shard_count + 1, sizeof *client->counts);
    const bool is_good =
        client->workers != NULL && client->shards != NULL && client->counts != NULL;
    if (!is_good || psi_client_seen_init(client) != PS_OK) {
        psi_client_fini(client);
        return PS_ENOMEM;
    }
    return PS_OK;
}

void psi_client_fini(psi_client *client) {
    for (uint32_t t = 0; t < PS_TABLES_MAX; t++) {
        psi_cache_table_fini(&client->tables[t]);
    }
    psi_client_seen_fini(client);
    for (uint32_t w = 0; client->workers != NULL && w < client->options.worker_count; w++) {
        free(client->workers[w].positions);
    }
    for (size_t i = 0; i < client->log_capacity; i++) {
        psi_block_fini(&client->log[i].block);
    }
    for (size_t i = 0; i < client->access_capacity; i++) {
        free(client->accesses[i].positions);
        free(client->accesses[i].shares);
    }
    free(client->workers);
    free(client->shards);
    free(client->log);
    free(client->accesses);
    free(client->staleness);
    free(client->counts);
    free(client->places);
    free(client->scratch);
    *client = (psi_client){0};
}

/* ---- Fetching ---- */

/* The row clock of a cached row. What a shard pushes is as new as the shard: had the row changed,
 * it would have come. */
static uint32_t row_clock_of(const psi_client *client, const psi_cached_row *row) {
    const uint32_t shard_clock = client->shards[row->shard].clock;
    return row->is_subscribed && shard_clock > row->row_clock ? shard_clock : row->row_clock;
}

/* A row of a frame that the shard was told nobody reads from any more is as good as none. */
bool psi_client_row_is_fresh(const psi_client *client, const psi_cached_row *row,
                             uint32_t need_clock) {
    return row->has_value && row_clock_of(client, row) >= need_clock &&
           row->frame_mark > client->shards[row->shard].released;
}

/* Whether the row must be asked for, so that a worker at `clock` finds it fresh some day. A request
 * under way for a later clock is no help: it may wait for this very worker. One for an earlier
 * clock helps only if newer versions follow by themselves. */
static bool row_must_be_asked(const psi_client *client, const psi_cached_row *row,
                              uint32_t need_clock, uint32_t clock) {
    if (client->options.policy.ops->pushes) {
        return !row->is_subscribed && (row->asked == 0 || row->asked > need_clock + 1);
    }
    if (!psi_client_row_is_fresh(client, row, need_clock)) {
        return row->asked != need_clock + 1;
    }
    const bool is_old = client->options.policy.ops->refreshes && row->refreshed_at < clock + 1;
    return is_old && row->asked == 0;
}

/* Finds the cached places of the wanted rows. False: memory is exhausted. */
static bool locate_rows(psi_client *client, const psi_client_event *event) {
    psi_client_worker *const worker = &client->workers[event->worker];
    void *positions = worker->positions;
    if (!psi_array_reserve(&positions, &worker->position_capacity, event->row_count,
                           sizeof *worker->positions)) {
        return false;
    }
    worker->positions = positions;
    worker->position_count = 0;
    worker->next = 0;
    worker->table = event->table;
    const psi_layout *const layout = client->options.layout;
    for (size_t i = 0; i < event->row_count; i++) {
        const uint64_t row = event->rows == NULL ? event->row_begin + i : event->rows[i];
        const uint32_t shard = psi_row_place(layout, event->table, row).shard;
        const uint32_t position = psi_cache_touch(&client->tables[event->table],
                                                  &layout->tables[event->table], row, shard);
        if (position == PSI_CACHE_NONE) {
            return false;
        }
        worker->positions[worker->position_count++] = position;
    }
    return true;
}

/* Lists in scratch the positions to ask for, and counts them by shard. Returns how many. */
static size_t choose_asked(psi_client *client, const psi_client_worker *worker,
                           uint32_t need_clock) {
    const psi_cache_table *const table = &client->tables[worker->table];
    memset(client->counts, 0, client->options.layout->shard_count * sizeof *client->counts);
    size_t asked_count = 0;
    for (size_t i = 0; i < worker->position_count; i++) {
        psi_cached_row *const row = psi_cache_row(table, worker->positions[i]);
        if (row_must_be_asked(client, row, need_clock, worker->clock)) {
            row->asked = need_clock + 1;
            client->scratch[asked_count++] = worker->positions[i];
            client->counts[row->shard]++;
        }
        if (row->refreshed_at < worker->clock + 1) {
            row->refreshed_at = worker->clock + 1;
        }
    }
    return asked_count;
}

/* Rows of one table by the local indices that they have on their shard. */
typedef struct local_rows {
    uint32_t table;
    uint32_t count;
    const uint32_t *locals; /* borrowed */
} local_rows;

/* Asks one shard for rows. */
static void send_fetch(psi_client *client, uint32_t shard, uint32_t need_clock, local_rows rows,
                       psi_effects *out) {
    const psi_keys keys = psi_keys_of_locals(rows.table, rows.locals, rows.count);
    psi_frame *const frame = psi_effects_frame(out, PSI_FRAME_FETCH, client->options.client,
                                               psi_client_shard_endpoint(client, shard),
                                               FETCH_HEADER_BYTES + psi_keys_size(&keys));
    if (frame == NULL) {
        return;
    }
    uint8_t *const to = frame->bytes + PSI_FRAME_HEADER_BYTES;
    psi_put_u32(to, need_clock);
    psi_put_u32(to + 4, 1);
    (void)psi_part_put_keys(to + FETCH_HEADER_BYTES, &keys, false);
    frame->row_count = rows.count;
    client->shards[shard].fetches_under_way += !client->options.policy.ops->pushes;
}

/* Sends one request to every shard that owns some of the rows in scratch[0..asked_count). */
static void send_fetches(psi_client *client, uint32_t table, uint32_t need_clock,
                         size_t asked_count, psi_effects *out) {
    const psi_layout *const layout = client->options.layout;
    uint32_t *const locals = client->scratch + asked_count;
    uint32_t first = 0;
    for (uint32_t shard = 0; shard < layout->shard_count; shard++) {
        const uint32_t count = client->counts[shard];
        client->counts[shard] = first;
        first += count;
    }
    client->counts[layout->shard_count] = first;
    for (size_t i = 0; i < asked_count; i++) {
        const uint64_t row = psi_cache_row(&client->tables[table], client->scratch[i])->row;
        const psi_place place = psi_row_place(layout, table, row);
        locals[client->counts[place.shard]++] = place.local;
    }
    uint32_t begin = 0;
    for (uint32_t shard = 0; shard < layout->shard_count; shard++) {
        const uint32_t end = client->counts[shard];
        if (end > begin) {
            const local_rows rows = {
                .table = table, .count = end - begin, .locals = locals + begin};
            send_fetch(client, shard, need_clock, rows, out);
        }
        begin = end;
    }
}

static bool waits_for_rows(const psi_client_worker *worker) {
    return worker->is_waiting && worker->handle == 0 && !worker->wants_room && !worker->ends_clock;
}

/* Moves on over fresh rows; the worker waits while one is left that is not. */
static void look_again(psi_client *client, psi_client_worker *worker) {
    const uint32_t need_clock =
        client->options.policy.ops->read_clock(&client->options.policy, worker->clock);
    const psi_cache_table *const table = &client->tables[worker->table];
    while (worker->next < worker->position_count &&
           psi_client_row_is_fresh(client, psi_cache_row(table, worker->positions[worker->next]),
                                   need_clock)) {
        worker->next++;
    }
    worker->is_waiting = worker->next < worker->position_count;
}

bool psi_client_reserve_scratch(psi_client *client, size_t row_count) {
    void *scratch = client->scratch;
    const bool has_room = psi_array_reserve(&scratch, &client->scratch_capacity, 2 * row_count,
                                            sizeof *client->scratch);
    client->scratch = scratch;
    return has_room;
}

/* Makes room for two lists of the rows of a fetch, and for all cached rows, which is the most that
 * a frame can bring. */
static bool reserve_for_fetch(psi_client *client, size_t row_count) {
    size_t cached_count = 0;
    for (uint32_t t = 0; t < client->options.layout->table_count; t++) {
        cached_count += client->tables[t].row_count;
    }
    const size_t half = cached_count / 2 + 1;
    return psi_client_reserve_scratch(client, row_count > half ? row_count : half);
}

static void step_fetch(psi_client *client, const psi_client_event *event, psi_effects *out) {
    psi_client_worker *const worker = &client->workers[event->worker];
    if (!locate_rows(client, event) || !reserve_for_fetch(client, event->row_count)) {
        out->out_of_memory = true;
        worker->position_count = 0;
        return;
    }
    const uint32_t need_clock =
        client->options.policy.ops->read_clock(&client->options.policy, worker->clock);
    const size_t asked_count = choose_asked(client, worker, need_clock);
    if (asked_count > 0) {
        send_fetches(client, event->table, need_clock, asked_count, out);
    }
    psi_client_seen_hold(client, event->worker);
    look_again(client, worker);
}

/* False: memory is exhausted. It grows with the oldest read, not with the clocks of the run. */
static bool count_read(psi_client *client, uint32_t clock, uint32_t row_clock) {
    const size_t behind = clock > row_clock ? clock - row_clock : 0;
    if (behind >= client->staleness_capacity) {
        void *staleness = client->staleness;
        if (!psi_array_reserve(&staleness, &client->staleness_capacity, behind + 1,
                               sizeof *client->staleness)) {
            return false;
        }
        client->staleness = staleness;
    }
    client->staleness[behind]++;
    return true;
}

bool psi_client_take(psi_client *client, uint32_t worker_index, psi_rows *rows) {
    psi_client_worker *const worker = &client->workers[worker_index];
    const psi_cache_table *const table = &client->tables[worker->table];
    for (size_t i = 0; i < worker->position_count; i++) {
        const uint32_t position = worker->positions[i];
        if (table->is_sparse && i + PSI_SPARSE_AHEAD < worker->position_count) {
            psi_sparse_prefetch(psi_cache_sparse(table, worker->positions[i + PSI_SPARSE_AHEAD]));
        }
        const psi_cached_row *const cached = psi_cache_row(table, position);
        psi_private_row *const row = psi_rows_touch(rows, worker->table, cached->row);
        if (row == NULL) {
            return false;
        }
        if (row->is_fetched) {
            continue;
        }
        const uint8_t *const dense = table->is_sparse ? NULL : psi_cache_dense(table, position);
        const psi_sparse *const sparse =
            table->is_sparse ? psi_cache_sparse(table, position) : NULL;
        if (!psi_rows_fill(rows, row, dense, sparse)) {
            return false;
        }
        if (!count_read(client, worker->clock, row_clock_of(client, cached))) {
            return false;
        }
    }
    return true;
}

bool psi_client_lacks(const psi_client *client, uint32_t worker_index, psi_lack *lack_out) {
    const psi_client_worker *const worker = &client->workers[worker_index];
    for (uint32_t m = 0; worker->ends_clock && m < client->options.layout->shard_count; m++) {
        if (worker->needs[m] > client->shards[m].seen) {
            *lack_out = (psi_lack){.shard = m,
                                   .need_clock = worker->needs[m],
                                   .known_clock = client->shards[m].seen,
                                   .is_seen = true};
            return true;
        }
    }
    if (!waits_for_rows(worker)) {
        return false;
    }
    const psi_cached_row *const row =
        psi_cache_row(&client->tables[worker->table], worker->positions[worker->next]);
    *lack_out = (psi_lack){
        .row = row->row,
        .table = worker->table,
        .shard = row->shard,
        .need_clock =
            client->options.policy.ops->read_clock(&client->options.policy, worker->clock),
        .known_clock = client->shards[row->shard].clock,
    };
    return true;
}

/* ---- Clocks ---- */

bool psi_client_advance(psi_client *client) {
    uint32_t clock_min = UINT32_MAX;
    for (uint32_t w = 0; w < client->options.worker_count; w++) {
        const psi_client_worker *const worker = &client->workers[w];
        if (!worker->has_left && worker->clock < clock_min) {
            clock_min = worker->clock;
        }
    }
    if (clock_min == UINT32_MAX || clock_min <= client->clock_min) {
        return false;
    }
    client->clock_min = clock_min;
    return true;
}

static void step_clock(psi_client *client, const psi_client_event *event, psi_effects *out) {
    const psi_policy *const policy = &client->options.policy;
    if (policy->ops->bounds_values) {
        psi_client_seen_clock(client, event->worker, event->block, out);
        return;
    }
    psi_client_log_append(client, event->worker, event->block, out);
    client->workers[event->worker].clock++;
    const bool advanced = psi_client_advance(client);
    if (policy->ops->flush_is_due(policy, advanced)) {
        psi_client_log_flush(client, out);
    }
}

static void step_leave(psi_client *client, const psi_client_event *event, psi_effects *out) {
    psi_client_worker *const worker = &client->workers[event->worker];
    worker->has_left = true;
    worker->is_waiting = false;
    worker->handle = 0;
    worker->wants_room = false;
    psi_client_abandon_pulls(client, event->worker);
    psi_client_seen_leave(client, event->worker);
    const bool advanced = psi_client_advance(client);
    uint32_t active = 0;
    for (uint32_t w = 0; w < client->options.worker_count; w++) {
        active += !client->workers[w].has_left;
    }
    const bool unsent = client->log_count > 0 && client->log[client->log_count - 1].sequence == 0;
    const psi_policy *const policy = &client->options.policy;
    const bool is_due = active > 0 ? advanced && policy->ops->flush_is_due(policy, true) : unsent;
    if (is_due) {
        psi_client_log_flush(client, out);
    }
    psi_client_seen_tell(client, out);
    for (uint32_t m = 0; active == 0 && m < client->options.layout->shard_count; m++) {
        (void)psi_effects_frame(out, PSI_FRAME_LEAVE, client->options.client,
                                psi_client_shard_endpoint(client, m), 0);
    }
}

/* ---- Frames ---- */

static bool row_is_expected(const psi_cached_row *row) {
    return row->asked != 0 || row->has_value;
}

/* Checks all rows of a ROWS frame, each of which must have been asked for or be subscribed, and
 * lists their places in the cache in scratch. */
static bool rows_are_expected(psi_client *client, uint32_t shard, psi_reader reader,
                              uint32_t part_count) {
    const psi_layout *const layout = client->options.layout;
    size_t count = 0;
    for (uint32_t p = 0; p < part_count; p++) {
        psi_part part;
        if (!psi_part_read(&reader, layout, shard, true, &part)) {
            return false;
        }
        const psi_cache_table *const table = &client->tables[part.table];
        if (part.count > client->scratch_capacity - count) {
            return false; /* more rows than were ever asked for */
        }
        psi_part_cursor cursor = psi_part_rows(&part);
        uint32_t locals[PSI_PART_BATCH];
        uint32_t batch = psi_part_next(&cursor, locals);
        for (; batch > 0; batch = psi_part_next(&cursor, locals)) {
            for (uint32_t i = 0; i < batch; i++) {
                const psi_place place = {.shard = shard, .local = locals[i]};
                const uint32_t position =
                    psi_cache_find(table, psi_place_row(layout, part.table, place));
                if (position == PSI_CACHE_NONE ||
                    !row_is_expected(psi_cache_row(table, position))) {
                    return false;
                }
                client->scratch[count++] = position;
            }
        }
    }
    return !reader.failed && reader.left_bytes == 0;
}

/* Puts one received row into the cache. */
static void receive_row(psi_client *client, uint32_t table_index, uint32_t position,
                        const uint8_t *values, uint32_t clock, psi_effects *out) {
    psi_cache_table *const table = &client->tables[table_index];
    const psi_table_layout *const layout = &client->options.layout->tables[table_index];
    psi_cached_row *const row = psi_cache_row(table, position);
    if (layout->layout == PS_DENSE) {
        memcpy(psi_cache_dense(table, position), values, layout->row_size_bytes);
    } else {
        psi_sparse *const sparse = psi_cache_sparse(table, position);
        sparse->count = 0;
        out->out_of_memory |= !psi_part_add_sparse(sparse, layout->type, values);
    }
    row->has_value = true;
    row->row_clock = clock;
    row->frame_mark = client->shards[row->shard].frame_count;
    row->is_subscribed = client->options.policy.ops->pushes;
    if (row->asked <= clock + 1) {
        row->asked = 0;
    }
}

static void receive_rows(psi_client *client, psi_reader reader, uint32_t part_count, uint32_t clock,
                         psi_effects *out) {
    const psi_layout *const layout = client->options.layout;
    const uint32_t *position = client->scratch; /* as rows_are_expected() found them */
    for (uint32_t p = 0; p < part_count; p++) {
        psi_part part = psi_part_read_checked(&reader, layout);
        const psi_cache_table *const table = &client->tables[part.table];
        for (uint32_t i = 0; i < part.count; i++) {
            if (table->is_sparse && i + PSI_SPARSE_AHEAD < part.count) {
                psi_sparse_prefetch(psi_cache_sparse(table, position[PSI_SPARSE_AHEAD]));
            }
            const uint8_t *const values =
                psi_part_next_row(&layout->tables[part.table], &part.values);
            receive_row(client, part.table, *position++, values, clock, out);
        }
    }
}

static bool step_rows(psi_client *client, uint32_t shard, const psi_frame *frame,
                      psi_effects *out) {
    psi_reader reader =
        psi_reader_of(psi_frame_payload(frame), psi_frame_payload_size_bytes(frame));
    const uint64_t sequence = psi_read_u64(&reader);
    const uint32_t clock = psi_read_u32(&reader);
    const uint32_t part_count = psi_read_u32(&reader);
    psi_client_shard *const state = &client->shards[shard];
    const bool is_answer = !client->options.policy.ops->pushes;
    if (reader.failed || clock < state->clock || sequence < state->acknowledged ||
        sequence > client->sequence) {
        return false;
    }
    if ((is_answer && state->fetches_under_way == 0) ||
        !rows_are_expected(client, shard, reader, part_count)) {
        return false;
    }
    state->fetches_under_way -= is_answer;
    state->clock = clock;
    state->frame_count++;
    receive_rows(client, reader, part_count, clock, out);
    psi_client_log_received(client, shard, sequence, out);
    for (uint32_t w = 0; w < client->options.worker_count; w++) {
        psi_client_worker *const worker = &client->workers[w];
        if (waits_for_rows(worker)) {
            psi_client_seen_hold(client, w);
            look_again(client, worker);
            if (!worker->is_waiting) {
                out->woken[out->woken_count++] = w;
            }
        }
    }
    psi_client_seen_tell(client, out); /* where nobody waited for the rows any more */
    return true;
}

static bool step_frame(psi_client *client, const psi_frame *frame, psi_effects *out) {
    if (frame->from < client->options.client_count ||
        frame->from - client->options.client_count >= client->options.layout->shard_count) {
        return false;
    }
    const uint32_t shard = frame->from - client->options.client_count;
    if (frame->type == PSI_FRAME_ROWS) {
        return step_rows(client, shard, frame, out);
    }
    if (frame->type == PSI_FRAME_SEEN_BY_ALL) {
        return psi_client_seen_frame(client, shard, frame, out);
    }
    return psi_client_access_frame(client, shard, frame, out);
}

bool psi_client_step(psi_client *client, const psi_client_event *event, psi_effects *out) {
    switch (event->kind) {
    case PSI_CLIENT_FETCH:
        step_fetch(client, event, out);
        return true;
    case PSI_CLIENT_CLOCK:
        step_clock(client, event, out);
        return true;
    case PSI_CLIENT_LEAVE:
        step_leave(client, event, out);
        return true;
    case PSI_CLIENT_PUSH:
    case PSI_CLIENT_PULL:
        psi_client_access_start(client, event, out);
        return true;
    case PSI_CLIENT_WAIT:
        return psi_client_access_wait(client, event->worker, event->handle);
    case PSI_CLIENT_ROOM:
        psi_client_access_wait_for_room(client, event->worker);
        return true;
    case PSI_CLIENT_FRAME:
        return step_frame(client, event->frame, out);
    }
    return false;
}
