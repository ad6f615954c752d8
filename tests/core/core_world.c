#include "core/core_world.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "core/core_digest.h"

/* What fills the memory of a pull that nobody waits for any more. */
enum { ABANDONED = 0x5a };

bool world_fail(core_world *world, const char *format, ...) {
    if (world->fault[0] == '\0') {
        va_list arguments;
        va_start(arguments, format);
        (void)vsnprintf(world->fault, sizeof world->fault, format, arguments);
        va_end(arguments);
    }
    return false;
}

/* ---- Setting up ---- */

static bool init_endpoints(core_world *world) {
    const world_config *const config = world->config;
    for (uint32_t c = 0; c < config->client_count; c++) {
        const psi_client_options options = {.layout = &world->layout,
                                            .policy = config->policy,
                                            .client = c,
                                            .client_count = config->client_count,
                                            .worker_count = config->workers_per_client,
                                            .pulled_max_bytes = config->pulled_max_bytes};
        if (psi_client_init(&world->clients[c], &options) != PS_OK) {
            return false;
        }
    }
    for (uint32_t m = 0; m < config->shard_count; m++) {
        const psi_shard_options options = {.layout = &world->layout,
                                           .policy = config->policy,
                                           .shard = m,
                                           .client_count = config->client_count,
                                           .worker_count = world->worker_count};
        if (psi_shard_init(&world->shards[m], &options) != PS_OK) {
            return false;
        }
    }
    return true;
}

static const ps_type kind_types[] = {[WORLD_DENSE] = PS_I32,
                                     [WORLD_SPARSE] = PS_I64,
                                     [WORLD_FLOATS] = PS_F32,
                                     [WORLD_VALUES] = PS_F64,
                                     [WORLD_PUSHED] = PS_I32};

bool world_init(core_world *world, const world_config *config) {
    memset(world, 0, sizeof *world);
    world->config = config;
    world->worker_count = config->client_count * config->workers_per_client;
    world->clients = calloc(config->client_count, sizeof *world->clients);
    world->shards = calloc(config->shard_count, sizeof *world->shards);
    world->workers = calloc(world->worker_count, sizeof *world->workers);
    world->made = calloc(world->worker_count, sizeof *world->made);
    world->pushed = calloc(world->worker_count, sizeof *world->pushed);
    ps_table_spec specs[WORLD_TABLES_MAX];
    for (uint32_t t = 0; t < config->table_count; t++) {
        specs[t] =
            (ps_table_spec){.name = "t",
                            .type = kind_types[config->kinds[t]],
                            .layout = config->kinds[t] == WORLD_SPARSE ? PS_SPARSE : PS_DENSE,
                            .row_count = config->row_count,
                            .column_count = world_columns(config, t),
                            .block_rows = config->block_rows};
    }
    if (world->clients == NULL || world->shards == NULL || world->workers == NULL ||
        world->made == NULL || world->pushed == NULL ||
        psi_layout_init(&world->layout, specs, config->table_count, config->shard_count) != PS_OK ||
        !init_endpoints(world)) {
        return false;
    }
    for (uint32_t w = 0; w < world->worker_count; w++) {
        world_worker *const worker = &world->workers[w];
        worker->next = config->scripts[w];
        const size_t tags = world->worker_count * (size_t)config->clock_count;
        worker->pulled = calloc(config->row_count * tags, sizeof *worker->pulled);
        if (worker->pulled == NULL || psi_rows_init(&worker->rows, &world->layout) != PS_OK) {
            return false;
        }
    }
    return true;
}

static void release_queue(core_world *world, world_queue *queue) {
    while (queue->first != NULL) {
        psi_frame *const frame = queue->first;
        queue->first = frame->next;
        psi_frame_release(&world->pool, frame);
    }
}

void world_fini(core_world *world) {
    for (uint32_t c = 0; c < world->config->client_count; c++) {
        for (uint32_t m = 0; m < world->config->shard_count; m++) {
            release_queue(world, &world->up[c][m]);
            release_queue(world, &world->down[c][m]);
        }
        psi_client_fini(&world->clients[c]);
    }
    for (uint32_t m = 0; m < world->config->shard_count; m++) {
        psi_shard_fini(&world->shards[m]);
    }
    for (uint32_t w = 0; w < world->worker_count; w++) {
        psi_rows_fini(&world->workers[w].rows);
        psi_block_fini(&world->workers[w].block);
        free(world->workers[w].pulled);
    }
    free(world->clients);
    free(world->shards);
    free(world->workers);
    free(world->made);
    free(world->pushed);
    psi_frame_pool_fini(&world->pool);
}

/* ---- Effects ---- */

static void append(world_queue *queue, psi_frame *frame) {
    frame->next = NULL;
    if (queue->first == NULL) {
        queue->first = frame;
    } else {
        queue->last->next = frame;
    }
    queue->last = frame;
}

/* Takes the frames of a step into the queues. */
static bool carry_out(core_world *world, psi_effects *effects, uint32_t from) {
    const uint32_t client_count = world->config->client_count;
    while (effects->frames != NULL) {
        psi_frame *const frame = effects->frames;
        effects->frames = frame->next;
        if (frame->from != from) {
            return world_fail(world, "endpoint %u sends in the name of %u", from, frame->from);
        }
        const bool is_up = frame->from < client_count;
        const uint32_t client = is_up ? frame->from : frame->to;
        const uint32_t shard = (is_up ? frame->to : frame->from) - client_count;
        append(is_up ? &world->up[client][shard] : &world->down[client][shard], frame);
    }
    return !effects->out_of_memory || world_fail(world, "endpoint %u: out of memory", from);
}

/* ---- Workers ---- */

static size_t rows_of(const core_world *world, uint64_t mask, bool backwards,
                      uint64_t rows[static WORLD_ROWS_MAX]) {
    size_t count = 0;
    for (uint32_t i = 0; i < world->config->row_count; i++) {
        const uint32_t row = backwards ? world->config->row_count - 1 - i : i;
        if ((mask >> row & 1) != 0) {
            rows[count++] = row;
        }
    }
    return count;
}

/* A clock has ended: its updates are made. */
static void count_clock(core_world *world, uint32_t rank) {
    world_worker *const worker = &world->workers[rank];
    for (uint32_t t = 0; t < world->config->table_count; t++) {
        world->made[rank][worker->clock][t] = worker->adding[t];
        worker->adding[t] = 0;
    }
    worker->clock++;
    worker->ends_clock = false;
}

static bool client_step(core_world *world, uint32_t client, const psi_client_event *event) {
    uint32_t woken[WORLD_WORKERS_MAX];
    psi_effects effects = {.pool = &world->pool, .woken = woken};
    if (!psi_client_step(&world->clients[client], event, &effects)) {
        return world_fail(world, "client %u refuses a correct event of kind %d", client,
                          (int)event->kind);
    }
    if (!carry_out(world, &effects, client)) {
        return false;
    }
    for (uint32_t i = 0; i < effects.woken_count; i++) {
        const uint32_t rank = client * world->config->workers_per_client + woken[i];
        if (!world->workers[rank].is_blocked) {
            return world_fail(world, "worker %u is woken but does not wait", rank);
        }
        world->workers[rank].is_blocked = false;
        if (world->workers[rank].ends_clock) {
            count_clock(world, rank);
        }
    }
    return true;
}

static bool take(core_world *world, uint32_t rank) {
    world_worker *const worker = &world->workers[rank];
    const uint32_t per_client = world->config->workers_per_client;
    worker->must_take = false;
    const world_op *const fetch = worker->next - 1;
    if (!psi_client_take(&world->clients[rank / per_client], rank % per_client, &worker->rows)) {
        return world_fail(world, "worker %u: take failed", rank);
    }
    world->reads++;
    return world_check_taken(world, rank, fetch->table, fetch->rows);
}

/* Adds the worker's tag to one row, now and then by editing in place. */
static bool add_to(core_world *world, uint32_t rank, uint32_t table, uint32_t row) {
    world_worker *const worker = &world->workers[rank];
    psi_private_row *const own = psi_rows_touch(&worker->rows, table, row);
    const uint32_t column = rank * world->config->clock_count + worker->clock;
    if (own == NULL) {
        return false;
    }
    if (world->config->kinds[table] == WORLD_SPARSE) {
        const int64_t one = 1;
        return psi_rows_add_sparse(&worker->rows, own, 1, &column, &one);
    }
    if (world->config->kinds[table] == WORLD_FLOATS) {
        const float delta[2] = {world_float(rank, worker->clock, row, 0),
                                world_float(rank, worker->clock, row, 1)};
        return psi_rows_add(&worker->rows, own, delta);
    }
    if (world->config->kinds[table] == WORLD_VALUES) {
        double delta[WORLD_WORKERS_MAX * WORLD_CLOCKS_MAX + 1] = {0};
        delta[column] = WORLD_TAG;
        delta[world_columns(world->config, table) - 1] = world_value(rank, worker->clock, row);
        return psi_rows_add(&worker->rows, own, delta);
    }
    if (own->is_fetched && (rank + worker->clock + row) % 2 == 0) {
        int32_t *const numbers = psi_rows_edit(&worker->rows, own);
        if (numbers != NULL) {
            numbers[column]++;
        }
        return numbers != NULL;
    }
    int32_t delta[WORLD_WORKERS_MAX * WORLD_CLOCKS_MAX] = {0};
    delta[column] = 1;
    return psi_rows_add(&worker->rows, own, delta);
}

static bool add(core_world *world, uint32_t rank, const world_op *op) {
    world_worker *const worker = &world->workers[rank];
    const uint64_t fresh = op->rows & ~worker->adding[op->table];
    worker->adding[op->table] |= fresh;
    for (uint32_t row = 0; row < world->config->row_count; row++) {
        if ((fresh >> row & 1) != 0 && !add_to(world, rank, op->table, row)) {
            return world_fail(world, "worker %u: add failed", rank);
        }
    }
    return true;
}

static bool end_clock(core_world *world, uint32_t rank) {
    world_worker *const worker = &world->workers[rank];
    const uint32_t per_client = world->config->workers_per_client;
    if (!psi_rows_seal(&worker->rows, &worker->block)) {
        return world_fail(world, "worker %u: seal failed", rank);
    }
    const psi_client_event event = {
        .kind = PSI_CLIENT_CLOCK, .worker = rank % per_client, .block = &worker->block};
    if (!client_step(world, rank / per_client, &event)) {
        return false;
    }
    if (psi_client_is_waiting(&world->clients[rank / per_client], rank % per_client)) {
        worker->is_blocked = true;
        worker->ends_clock = true;
        world->held_back++;
    } else {
        count_clock(world, rank);
    }
    return true;
}

/* Notes what the push or pull that begins must show or be seen of. */
static void begin_access(core_world *world, uint32_t rank, const world_op *op) {
    world_worker *const worker = &world->workers[rank];
    if (op->kind == WORLD_PUSH) {
        world->pushed[rank][worker->push_count++] = op->rows;
        return;
    }
    for (uint32_t w = 0; w < world->worker_count; w++) {
        worker->pull_needs[w] = world->workers[w].pushes_done;
    }
    worker->pull_needs[rank] = worker->push_count;
    worker->pull_rows = op->rows;
}

/* Names the rows of one piece, as a range where they are one and the worker's rank is odd. */
static void name_piece(const core_world *world, uint32_t rank, const uint64_t *rows, size_t count,
                       psi_client_event *event) {
    const uint32_t started = world->workers[rank].rows_started;
    const uint32_t piece_rows = world->config->piece_rows;
    const size_t left = count - started;
    event->row_count = piece_rows == 0 || left < piece_rows ? left : piece_rows;
    event->has_more = event->row_count < left;
    event->rows = rows + started;
    bool is_range = event->row_count > 0 && rank % 2 == 1;
    for (size_t i = 1; i < event->row_count; i++) {
        is_range = is_range && event->rows[i] == event->rows[i - 1] + 1;
    }
    if (is_range) {
        event->row_begin = event->rows[0];
        event->rows = NULL;
    }
}

/* Whether the worker must wait until fewer bytes of its pulls are under way. */
static bool must_wait_for_room(core_world *world, uint32_t rank, bool *is_good) {
    const uint32_t per_client = world->config->workers_per_client;
    const psi_client_event room = {.kind = PSI_CLIENT_ROOM, .worker = rank % per_client};
    *is_good = client_step(world, rank / per_client, &room);
    return *is_good && psi_client_is_waiting(&world->clients[rank / per_client], rank % per_client);
}

/* Sends one piece; the worker stays at the operation until the last one has gone. */
static bool push_or_pull(core_world *world, uint32_t rank, const world_op *op) {
    world_worker *const worker = &world->workers[rank];
    const uint32_t per_client = world->config->workers_per_client;
    const uint32_t columns = world_columns(world->config, op->table);
    int32_t deltas[WORLD_ROWS_MAX * 16 * 4] = {0};
    uint64_t rows[WORLD_ROWS_MAX];
    const size_t count = rows_of(world, op->rows, worker->clock % 2 == 1, rows);
    const bool is_push = op->kind == WORLD_PUSH;
    uint64_t *const handle = is_push ? &worker->push_handle : &worker->pull_handle;
    psi_client_event event = {.kind = is_push ? PSI_CLIENT_PUSH : PSI_CLIENT_PULL,
                              .worker = rank % per_client,
                              .table = op->table};
    bool is_good = true;
    if (!is_push && must_wait_for_room(world, rank, &is_good)) {
        worker->is_blocked = true;
        worker->next--;
        return true;
    }
    if (worker->rows_started == 0) {
        begin_access(world, rank, op);
    } else {
        event.handle = *handle;
    }
    name_piece(world, rank, rows, count, &event);
    if (is_push) {
        PS_ASSERT(event.row_count * columns <= sizeof deltas / sizeof *deltas);
        for (size_t i = 0; i < event.row_count; i++) {
            deltas[i * columns + rank * world->config->clock_count + worker->push_count - 1] = 1;
        }
        event.deltas = (const uint8_t *)deltas;
    } else {
        event.values_out = (uint8_t *)(worker->pulled + (size_t)worker->rows_started * columns);
    }
    is_good = is_good && client_step(world, rank / per_client, &event);
    *handle = world->clients[rank / per_client].last_handle;
    worker->rows_started = event.has_more ? worker->rows_started + (uint32_t)event.row_count : 0;
    worker->next -= event.has_more;
    return is_good;
}

/* Waits for the last push and the last pull, one after the other. */
static bool wait_for_access(core_world *world, uint32_t rank) {
    world_worker *const worker = &world->workers[rank];
    const uint32_t per_client = world->config->workers_per_client;
    psi_client_event event = {.kind = PSI_CLIENT_WAIT, .worker = rank % per_client};
    uint64_t *const handles[] = {&worker->push_handle, &worker->pull_handle};
    for (size_t i = 0; i < 2; i++) {
        if (*handles[i] == 0) {
            continue;
        }
        event.handle = *handles[i];
        if (!client_step(world, rank / per_client, &event)) {
            return false;
        }
        if (psi_client_is_waiting(&world->clients[rank / per_client], rank % per_client)) {
            worker->is_blocked = true;
            worker->next--; /* looks again when it is woken */
            return true;
        }
        *handles[i] = 0;
        if (i == 0) {
            worker->pushes_done = worker->push_count;
        } else if (!world_check_pulled(world, rank)) {
            return false;
        }
    }
    return true;
}

static bool fetch(core_world *world, uint32_t rank, const world_op *op) {
    world_worker *const worker = &world->workers[rank];
    const uint32_t per_client = world->config->workers_per_client;
    uint64_t rows[WORLD_ROWS_MAX];
    psi_client_event event = {
        .kind = PSI_CLIENT_FETCH, .worker = rank % per_client, .table = op->table, .rows = rows};
    event.row_count = rows_of(world, op->rows, rank % 2 == 1, rows);
    if (!client_step(world, rank / per_client, &event)) {
        return false;
    }
    worker->must_take = true;
    worker->is_blocked =
        psi_client_is_waiting(&world->clients[rank / per_client], rank % per_client);
    return worker->is_blocked || take(world, rank);
}

static bool act_worker(core_world *world, uint32_t rank) {
    world_worker *const worker = &world->workers[rank];
    const uint32_t per_client = world->config->workers_per_client;
    if (worker->must_take) {
        return take(world, rank);
    }
    for (; worker->next->kind == WORLD_ADD; worker->next++) {
        if (!add(world, rank, worker->next)) {
            return false;
        }
    }
    const world_op *const op = worker->next++;
    switch (op->kind) {
    case WORLD_FETCH:
        return fetch(world, rank, op);
    case WORLD_CLOCK:
        return end_clock(world, rank);
    case WORLD_PUSH:
    case WORLD_PULL:
        return push_or_pull(world, rank, op);
    case WORLD_WAIT:
        return wait_for_access(world, rank);
    case WORLD_LEAVE:
        worker->has_left = true;
        return client_step(
            world, rank / per_client,
            &(psi_client_event){.kind = PSI_CLIENT_LEAVE, .worker = rank % per_client});
    case WORLD_ADD:
        break;
    }
    return false;
}

/* ---- Actions ---- */

static world_queue *queue_of(const core_world *world, uint32_t index) {
    const uint32_t pairs = world->config->client_count * world->config->shard_count;
    const uint32_t pair = index % pairs;
    const uint32_t client = pair / world->config->shard_count;
    const uint32_t shard = pair % world->config->shard_count;
    core_world *const writable = (struct core_world *)(uintptr_t)world;
    return index < pairs ? &writable->up[client][shard] : &writable->down[client][shard];
}

size_t world_actions(const core_world *world, world_action actions[static WORLD_ACTIONS_MAX]) {
    size_t count = 0;
    for (uint32_t w = 0; w < world->worker_count; w++) {
        if (!world->workers[w].has_left && !world->workers[w].is_blocked) {
            actions[count++] = (world_action)w;
        }
    }
    const uint32_t queue_count = 2 * world->config->client_count * world->config->shard_count;
    for (uint32_t q = 0; q < queue_count; q++) {
        if (queue_of(world, q)->first != NULL) {
            actions[count++] = (world_action)(world->worker_count + q);
        }
    }
    return count;
}

static bool deliver(core_world *world, uint32_t index) {
    world_queue *const queue = queue_of(world, index);
    psi_frame *const frame = queue->first;
    queue->first = frame->next;
    bool is_good;
    if (frame->to < world->config->client_count) {
        const psi_client_event event = {.kind = PSI_CLIENT_FRAME, .frame = frame};
        is_good = client_step(world, frame->to, &event);
    } else {
        psi_effects effects = {.pool = &world->pool};
        const uint32_t shard = frame->to - world->config->client_count;
        is_good = psi_shard_step(&world->shards[shard], frame, &effects)
                      ? carry_out(world, &effects, frame->to)
                      : world_fail(world, "shard %u refuses a correct frame of type %u from %u",
                                   shard, frame->type, frame->from);
    }
    psi_frame_release(&world->pool, frame);
    return is_good;
}

bool world_act(core_world *world, world_action action) {
    if (action < world->worker_count) {
        return act_worker(world, action) &&
               world_check_state(world, action / world->config->workers_per_client) &&
               world_check_bound(world);
    }
    const uint32_t index = action - world->worker_count;
    const uint32_t endpoint = queue_of(world, index)->first->to;
    return deliver(world, index) && world_check_state(world, endpoint) && world_check_bound(world);
}

bool world_leave_now(core_world *world, uint32_t rank) {
    world_worker *const worker = &world->workers[rank];
    const uint32_t per_client = world->config->workers_per_client;
    worker->has_left = true;
    worker->is_blocked = false;
    worker->ends_clock = false;
    const psi_client_event event = {.kind = PSI_CLIENT_LEAVE, .worker = rank % per_client};
    if (!client_step(world, rank / per_client, &event)) {
        return false;
    }
    const size_t tags = world->worker_count * (size_t)world->config->clock_count;
    memset(worker->pulled, ABANDONED, world->config->row_count * tags * sizeof *worker->pulled);
    worker->has_abandoned = true;
    return world_check_state(world, rank / per_client);
}

void world_describe(const core_world *world, world_action action, char *text, size_t text_size) {
    static const char *const ops[] = {"fetches", "adds",  "ends its clock", "pushes",
                                      "pulls",   "waits", "leaves"};
    static const char *const types[PSI_FRAME_TYPES] = {
        "?",         "FETCH", "ROWS", "FLUSH", "LEAVE", "PUSH", "PUSH_ACK",   "PULL",
        "PULL_ROWS", "",      "",     "",      "",      "SEEN", "SEEN_BY_ALL"};
    if (action < world->worker_count) {
        const world_worker *const worker = &world->workers[action];
        const world_op *op = worker->next;
        while (op->kind == WORLD_ADD) {
            op++;
        }
        (void)snprintf(text, text_size, "worker %u at clock %u %s (table %u, rows %llx)", action,
                       worker->clock, worker->must_take ? "takes its rows" : ops[op->kind],
                       op->table, (unsigned long long)op->rows);
        return;
    }
    const psi_frame *const frame = queue_of(world, action - world->worker_count)->first;
    (void)snprintf(text, text_size, "%s from %u reaches %u", types[frame->type], frame->from,
                   frame->to);
}

bool world_abandoned_are_untouched(core_world *world) {
    const size_t tags = world->worker_count * (size_t)world->config->clock_count;
    const size_t size_bytes = world->config->row_count * tags * sizeof(int32_t);
    for (uint32_t w = 0; w < world->worker_count; w++) {
        const uint8_t *const bytes = (const uint8_t *)world->workers[w].pulled;
        for (size_t i = 0; world->workers[w].has_abandoned && i < size_bytes; i++) {
            if (bytes[i] != ABANDONED) {
                return world_fail(world, "a pull of worker %u was answered after it had left", w);
            }
        }
    }
    return true;
}

/* What a worker reads from, where it counts how old that is. */
static uint64_t digest_view(uint64_t digest, const core_world *world, const world_worker *worker) {
    for (size_t i = 0; world->config->policy.ops->bounds_values && i < worker->rows.row_count;
         i++) {
        const psi_private_row *const row = &worker->rows.rows[i];
        digest = digest_u64(digest, row->row << 8 | row->table << 1 | row->is_fetched);
        if (row->is_fetched && row->value != NULL) {
            digest =
                digest_bytes(digest, row->value, world->layout.tables[row->table].row_size_bytes);
        }
    }
    return digest;
}

uint64_t world_digest(const core_world *world) {
    uint64_t digest = 0x746f7274;
    for (uint32_t c = 0; c < world->config->client_count; c++) {
        digest = digest_client(digest, &world->clients[c]);
    }
    for (uint32_t m = 0; m < world->config->shard_count; m++) {
        digest = digest_shard(digest, &world->shards[m]);
    }
    for (uint32_t w = 0; w < world->worker_count; w++) {
        const world_worker *const worker = &world->workers[w];
        digest = digest_u64(digest, (uint64_t)(worker->next - world->config->scripts[w]));
        digest = digest_u64(digest, (uint64_t)worker->is_blocked << 1 | worker->must_take);
        digest = digest_u64(digest, (uint64_t)worker->pushes_done << 32 | worker->push_count);
        digest = digest_u64(digest, worker->push_handle ^ worker->pull_handle << 32);
        digest = digest_u64(digest, worker->rows_started);
        digest = digest_bytes(digest, worker->pull_needs, sizeof worker->pull_needs);
        digest = digest_view(digest, world, worker);
        if (worker->pull_handle != 0) {
            const size_t tags = world->worker_count * (size_t)world->config->clock_count;
            digest = digest_bytes(digest, worker->pulled,
                                  world->config->row_count * tags * sizeof *worker->pulled);
        }
    }
    const uint32_t queue_count = 2 * world->config->client_count * world->config->shard_count;
    for (uint32_t q = 0; q < queue_count; q++) {
        digest = digest_u64(digest, q);
        for (const psi_frame *frame = queue_of(world, q)->first; frame != NULL;
             frame = frame->next) {
            digest = digest_u64(digest, frame->type);
            digest =
                digest_bytes(digest, psi_frame_payload(frame), psi_frame_payload_size_bytes(frame));
        }
    }
    return digest;
}
