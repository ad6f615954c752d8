#include "fuzz/fuzz_core.h"

#include <stdlib.h>
#include <string.h>

#include "core/core_digest.h"
#include "fuzz/fuzz.h"

enum {
    CLIENTS_MAX = 3,
    SHARDS_MAX = 2,
    WORKERS_MAX = 2, /* of a client */
    OPS_MAX = 400,
    PULLS_MAX = 32,
    ROWS_MAX = 13,
    ROW_BYTES_MAX = 16,
    PUSHED_TABLE = 3
};

typedef struct queue {
    psi_frame *first, *last;
} queue;

typedef struct core_worker {
    psi_rows rows;
    psi_block block;
    bool has_left, must_take;
    uint64_t last_handle;
} core_worker;

typedef struct core {
    psi_layout layout;
    psi_policy policy;
    uint32_t client_count, shard_count, workers; /* of a client */
    psi_client clients[CLIENTS_MAX];
    psi_shard shards[SHARDS_MAX];
    core_worker of[CLIENTS_MAX][WORKERS_MAX];
    queue up[CLIENTS_MAX][SHARDS_MAX], down[CLIENTS_MAX][SHARDS_MAX];
    psi_frame_pool pool;
    uint8_t pulled[PULLS_MAX][ROWS_MAX * ROW_BYTES_MAX];
    uint32_t pull_count;
    bool to_shards, is_misled; /* a bad frame was taken for a good one */
} core;

static void core_init(core *c, fuzz_input *input) {
    static const psi_policy_ops *const policies[] = {&psi_policy_bsp, &psi_policy_ssp,
                                                     &psi_policy_essp, &psi_policy_async};
    static const ps_table_spec specs[] = {{"floats", PS_F32, PS_DENSE, 5, 2, 1, false},
                                          {"sparse", PS_I64, PS_SPARSE, 4, 10, 1, false},
                                          {"doubles", PS_F64, PS_DENSE, 2, 1, 1, false},
                                          {"integers", PS_I32, PS_DENSE, ROWS_MAX, 3, 3, false}};
    const uint8_t policy = fuzz_u8(input);
    const uint8_t sizes = fuzz_u8(input);
    c->policy = (psi_policy){.ops = policies[policy & 3]};
    c->policy.slack = c->policy.ops->has_slack ? policy >> 2 & 3 : 0;
    if (policy >= 0xe0) {
        c->policy = (psi_policy){.ops = &psi_policy_vap,
                                 .bound_millionths = UINT64_C(1000000) << (policy & 7)};
    }
    c->client_count = 1 + sizes % CLIENTS_MAX;
    c->shard_count = 1 + (sizes >> 2) % SHARDS_MAX;
    c->workers = 1 + (sizes >> 3) % WORKERS_MAX;
    FUZZ_CHECK(psi_layout_init(&c->layout, specs, 4, c->shard_count) == PS_OK);
    for (uint32_t i = 0; i < c->client_count; i++) {
        const psi_client_options options = {.layout = &c->layout,
                                            .policy = c->policy,
                                            .client = i,
                                            .client_count = c->client_count,
                                            .worker_count = c->workers};
        FUZZ_CHECK(psi_client_init(&c->clients[i], &options) == PS_OK);
        for (uint32_t w = 0; w < c->workers; w++) {
            FUZZ_CHECK(psi_rows_init(&c->of[i][w].rows, &c->layout) == PS_OK);
        }
    }
    for (uint32_t m = 0; m < c->shard_count; m++) {
        const psi_shard_options options = {.layout = &c->layout,
                                           .policy = c->policy,
                                           .shard = m,
                                           .client_count = c->client_count,
                                           .worker_count = c->client_count * c->workers};
        FUZZ_CHECK(psi_shard_init(&c->shards[m], &options) == PS_OK);
    }
}

static psi_frame *queue_take(queue *from) {
    psi_frame *const frame = from->first;
    if (frame != NULL) {
        from->first = frame->next;
    }
    return frame;
}

static void core_fini(core *c) {
    for (uint32_t i = 0; i < c->client_count; i++) {
        for (uint32_t m = 0; m < c->shard_count; m++) {
            for (psi_frame *frame; (frame = queue_take(&c->up[i][m])) != NULL;) {
                psi_frame_release(&c->pool, frame);
            }
            for (psi_frame *frame; (frame = queue_take(&c->down[i][m])) != NULL;) {
                psi_frame_release(&c->pool, frame);
            }
        }
        for (uint32_t w = 0; w < c->workers; w++) {
            psi_rows_fini(&c->of[i][w].rows);
            psi_block_fini(&c->of[i][w].block);
        }
        psi_client_fini(&c->clients[i]);
    }
    for (uint32_t m = 0; m < c->shard_count; m++) {
        psi_shard_fini(&c->shards[m]);
    }
    psi_frame_pool_fini(&c->pool);
}

/* Puts the frames of a step into the channels. They must be in the name of `from`. */
static void carry_out(core *c, psi_effects *effects, uint32_t from) {
    FUZZ_CHECK(!effects->out_of_memory);
    while (effects->frames != NULL) {
        psi_frame *const frame = effects->frames;
        effects->frames = frame->next;
        frame->next = NULL;
        FUZZ_CHECK(frame->from == from);
        const bool is_up = from < c->client_count;
        const uint32_t client = is_up ? from : frame->to;
        const uint32_t shard = (is_up ? frame->to : from) - c->client_count;
        FUZZ_CHECK(client < c->client_count && shard < c->shard_count);
        queue *const to = is_up ? &c->up[client][shard] : &c->down[client][shard];
        if (to->first == NULL) {
            to->first = frame;
        } else {
            to->last->next = frame;
        }
        to->last = frame;
    }
}

/* Hands a frame to its receiver. Returns whether it was accepted. */
static bool hand_over(core *c, const psi_frame *frame, uint32_t to) {
    uint32_t woken[WORKERS_MAX];
    psi_effects effects = {.pool = &c->pool, .woken = woken};
    const bool is_shard = to >= c->client_count;
    psi_shard *const shard = is_shard ? &c->shards[to - c->client_count] : NULL;
    psi_client *const client = is_shard ? NULL : &c->clients[to];
    const uint64_t before = is_shard ? digest_shard(0, shard) : digest_client(0, client);
    const psi_client_event event = {.kind = PSI_CLIENT_FRAME, .frame = frame};
    const bool is_taken = is_shard ? psi_shard_step(shard, frame, &effects)
                                   : psi_client_step(client, &event, &effects);
    if (!is_taken) {
        const uint64_t after = is_shard ? digest_shard(0, shard) : digest_client(0, client);
        FUZZ_CHECK(before == after);
        FUZZ_CHECK(effects.frames == NULL && effects.woken_count == 0);
        FUZZ_CHECK(!effects.clock_advanced && !effects.all_left && !effects.out_of_memory);
        return false;
    }
    FUZZ_CHECK(effects.woken_count <= c->workers);
    for (uint32_t i = 0; i < effects.woken_count; i++) {
        FUZZ_CHECK(woken[i] < c->workers && !psi_client_is_waiting(client, woken[i]));
    }
    carry_out(c, &effects, to);
    return true;
}

static void client_step(core *c, uint32_t client, const psi_client_event *event) {
    uint32_t woken[WORKERS_MAX];
    psi_effects effects = {.pool = &c->pool, .woken = woken};
    const bool is_taken = psi_client_step(&c->clients[client], event, &effects);
    FUZZ_CHECK(is_taken || event->kind == PSI_CLIENT_WAIT);
    carry_out(c, &effects, client);
}

/* ---- What workers do ---- */

static size_t choose_rows(const core *c, fuzz_input *input, uint32_t table,
                          uint64_t rows[static ROWS_MAX]) {
    const uint16_t mask = fuzz_u16(input);
    size_t count = 0;
    for (uint32_t row = 0; row < c->layout.tables[table].row_count; row++) {
        if ((mask >> row & 1) != 0) {
            rows[count++] = row;
        }
    }
    return count;
}

static void add_to_rows(const core *c, core_worker *worker, fuzz_input *input) {
    static const uint32_t columns[] = {1, 7};
    static const int64_t numbers[] = {1, -3};
    static const float floats[] = {0.5F, 2.385F, 1, 1};
    const uint32_t table = fuzz_u8(input) % PUSHED_TABLE;
    uint64_t rows[ROWS_MAX];
    const size_t count = choose_rows(c, input, table, rows);
    for (size_t i = 0; i < count; i++) {
        psi_private_row *const row = psi_rows_touch(&worker->rows, table, rows[i]);
        FUZZ_CHECK(row != NULL);
        FUZZ_CHECK(c->layout.tables[table].layout == PS_SPARSE
                       ? psi_rows_add_sparse(&worker->rows, row, 2, columns, numbers)
                       : psi_rows_add(&worker->rows, row, floats));
    }
}

static void fetch(core *c, uint32_t client, uint32_t w, fuzz_input *input) {
    uint64_t rows[ROWS_MAX];
    psi_client_event event = {.kind = PSI_CLIENT_FETCH, .worker = w, .rows = rows};
    event.table = fuzz_u8(input) % c->layout.table_count;
    event.row_count = choose_rows(c, input, event.table, rows);
    client_step(c, client, &event);
    c->of[client][w].must_take = true;
}

static void push_or_pull(core *c, uint32_t client, uint32_t w, fuzz_input *input) {
    static const int32_t deltas[ROWS_MAX * 3] = {1, 2, 3};
    uint64_t rows[ROWS_MAX];
    psi_client_event event = {.worker = w, .table = PUSHED_TABLE, .rows = rows};
    const uint8_t how = fuzz_u8(input);
    event.kind = how % 2 == 0 ? PSI_CLIENT_PUSH : PSI_CLIENT_PULL;
    event.row_count = choose_rows(c, input, PUSHED_TABLE, rows);
    event.deltas = (const uint8_t *)deltas;
    if (event.kind == PSI_CLIENT_PULL) {
        if (c->pull_count == PULLS_MAX) {
            return;
        }
        event.values_out = c->pulled[c->pull_count++];
    }
    const size_t row_count = event.row_count;
    const bool has_pieces = (how & 2) != 0 && row_count > 1;
    event.row_count = has_pieces ? 1 : row_count;
    event.has_more = has_pieces;
    client_step(c, client, &event);
    event.handle = c->clients[client].last_handle;
    if (has_pieces) {
        event.rows++;
        event.row_count = row_count - 1;
        event.has_more = false;
        client_step(c, client, &event);
    }
    c->of[client][w].last_handle = event.handle;
}

static void work(core *c, fuzz_input *input, uint8_t op) {
    const uint8_t who = fuzz_u8(input);
    const uint32_t client = who % c->client_count;
    const uint32_t w = (who >> 4) % c->workers;
    core_worker *const worker = &c->of[client][w];
    psi_client_event event = {.worker = w};
    if (worker->has_left || psi_client_is_waiting(&c->clients[client], w)) {
        return;
    }
    if (worker->must_take) {
        worker->must_take = false;
        FUZZ_CHECK(psi_client_take(&c->clients[client], w, &worker->rows));
    }
    switch (op % 8) {
    case 0:
    case 1:
        fetch(c, client, w, input);
        break;
    case 2:
        add_to_rows(c, worker, input);
        break;
    case 3:
    case 4:
        FUZZ_CHECK(psi_rows_seal(&worker->rows, &worker->block));
        event.kind = PSI_CLIENT_CLOCK;
        event.block = &worker->block;
        client_step(c, client, &event);
        break;
    case 5:
        push_or_pull(c, client, w, input);
        break;
    case 6:
        event.kind = PSI_CLIENT_WAIT;
        event.handle = worker->last_handle;
        client_step(c, client, &event);
        break;
    default:
        event.kind = PSI_CLIENT_LEAVE;
        worker->has_left = true;
        client_step(c, client, &event);
        break;
    }
}

/* ---- What arrives ---- */

/* A damaged copy of a frame: bytes overwritten, cut short, made longer, or of another type. */
static psi_frame *spoil(core *c, const psi_frame *frame, fuzz_input *input) {
    const uint8_t how = fuzz_u8(input);
    const size_t size = frame->size_bytes - PSI_FRAME_HEADER_BYTES;
    size_t spoilt_size = size;
    if ((how & 1) != 0) {
        spoilt_size = fuzz_u8(input) % (size + 1);
    } else if ((how & 2) != 0) {
        spoilt_size = size + fuzz_u8(input) % 64;
    }
    const uint32_t type = (how & 4) != 0 ? fuzz_u8(input) % (PSI_FRAME_TYPES + 1U) : frame->type;
    const uint32_t from = (how & 8) != 0 ? fuzz_u8(input) % 8U : frame->from;
    psi_frame *const spoilt =
        psi_frame_take(&c->pool, (psi_frame_type)type, from, frame->to, spoilt_size);
    FUZZ_CHECK(spoilt != NULL);
    uint8_t *const payload = spoilt->bytes + PSI_FRAME_HEADER_BYTES;
    memset(payload, 0, spoilt_size);
    memcpy(payload, psi_frame_payload(frame), size < spoilt_size ? size : spoilt_size);
    for (uint32_t i = how >> 5; i > 0 && spoilt_size > 0; i--) {
        size_t count = 0;
        const size_t at = fuzz_u8(input) * (spoilt_size > 256 ? 3U : 1U) % spoilt_size;
        const uint8_t *const bytes = fuzz_bytes(input, 1 + (how >> 4 & 1) * 3U, &count);
        memcpy(payload + at, bytes, count < spoilt_size - at ? count : spoilt_size - at);
    }
    return spoilt;
}

static psi_frame *make_up(core *c, fuzz_input *input, uint32_t to) {
    const uint32_t type = fuzz_u8(input) % (PSI_FRAME_TYPES + 1U);
    const uint32_t from = fuzz_u8(input) % 8U;
    size_t size = 0;
    const uint8_t *const payload = fuzz_bytes(input, fuzz_u8(input), &size);
    psi_frame *const frame = psi_frame_take(&c->pool, (psi_frame_type)type, from, to, size);
    FUZZ_CHECK(frame != NULL);
    memcpy(frame->bytes + PSI_FRAME_HEADER_BYTES, payload, size);
    return frame;
}

/* The next frame of a channel arrives, perhaps after a bad one. */
static void arrive(core *c, fuzz_input *input, uint8_t op) {
    const uint8_t channel = fuzz_u8(input);
    const uint32_t client = channel % c->client_count;
    const uint32_t shard = (channel >> 2) % c->shard_count;
    const bool is_up = op % 2 == 0;
    const uint32_t to = is_up ? c->client_count + shard : client;
    queue *const from = is_up ? &c->up[client][shard] : &c->down[client][shard];
    const bool has_bad = is_up == c->to_shards && (channel & 0xc0) != 0;
    if (has_bad) {
        psi_frame *const bad = (channel & 0x80) != 0 || from->first == NULL
                                   ? make_up(c, input, to)
                                   : spoil(c, from->first, input);
        c->is_misled |= hand_over(c, bad, to);
        psi_frame_release(&c->pool, bad);
    }
    psi_frame *const frame = queue_take(from);
    if (frame != NULL) {
        const bool is_taken = hand_over(c, frame, to);
        FUZZ_CHECK(is_taken || c->is_misled);
        psi_frame_release(&c->pool, frame);
    }
}

void fuzz_core_run(const uint8_t *data, size_t size, bool to_shards) {
    fuzz_input input = {data, size};
    core *const c = calloc(1, sizeof *c);
    FUZZ_CHECK(c != NULL);
    c->to_shards = to_shards;
    core_init(c, &input);
    for (uint32_t i = 0; i < OPS_MAX && input.left > 0; i++) {
        const uint8_t op = fuzz_u8(&input);
        if (op < 128) {
            work(c, &input, op);
        } else {
            arrive(c, &input, op);
        }
    }
    core_fini(c);
    free(c);
}
