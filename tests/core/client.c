/* A client, event by event: what it asks for, when a worker waits, and that own updates are always
 * in what a worker reads (G2). The test plays the shard. */
#include "ps/client.h"

#include <stdio.h>

#include "core/core_digest.h"
#include "ps/part.h"
#include "support/suite.h"

enum { SHARDS = 2, ROWS = 8, BYTES_MAX = 512, WORKERS_MAX = 3 };

typedef struct bench {
    psi_layout layout;
    psi_client client;
    psi_rows rows[WORKERS_MAX];
    psi_block blocks[WORKERS_MAX];
    psi_frame_pool pool;
    psi_effects effects; /* of the last step */
    uint32_t woken[WORKERS_MAX];
} bench;

static bench *bench_create(const char *policy, uint32_t workers) {
    bench *const bench = calloc(1, sizeof *bench);
    CU_ASSERT_PTR_NOT_NULL_FATAL(bench);
    const ps_table_spec spec = {
        .name = "d", .type = PS_I32, .layout = PS_DENSE, .row_count = ROWS, .column_count = 1};
    CU_ASSERT_EQUAL_FATAL(psi_layout_init(&bench->layout, &spec, 1, SHARDS), PS_OK);
    psi_client_options options = {
        .layout = &bench->layout, .client = 0, .client_count = 1, .worker_count = workers};
    CU_ASSERT_EQUAL_FATAL(psi_policy_parse(policy, &options.policy, NULL), PS_OK);
    CU_ASSERT_EQUAL_FATAL(psi_client_init(&bench->client, &options), PS_OK);
    for (uint32_t w = 0; w < WORKERS_MAX; w++) {
        CU_ASSERT_EQUAL_FATAL(psi_rows_init(&bench->rows[w], &bench->layout), PS_OK);
    }
    return bench;
}

static void drop_frames(bench *bench) {
    while (bench->effects.frames != NULL) {
        psi_frame *const frame = bench->effects.frames;
        bench->effects.frames = frame->next;
        psi_frame_release(&bench->pool, frame);
    }
    bench->effects = (psi_effects){.pool = &bench->pool, .woken = bench->woken};
}

static void bench_destroy(bench *bench) {
    drop_frames(bench);
    psi_client_fini(&bench->client);
    for (uint32_t w = 0; w < WORKERS_MAX; w++) {
        psi_rows_fini(&bench->rows[w]);
        psi_block_fini(&bench->blocks[w]);
    }
    psi_frame_pool_fini(&bench->pool);
    free(bench);
}

static bool step(bench *bench, const psi_client_event *event) {
    drop_frames(bench);
    return psi_client_step(&bench->client, event, &bench->effects);
}

/* ---- What workers do ---- */

static void fetch(bench *bench, uint32_t worker, uint64_t row_begin, size_t row_count) {
    const psi_client_event event = {
        .kind = PSI_CLIENT_FETCH, .worker = worker, .row_begin = row_begin, .row_count = row_count};
    CU_ASSERT_TRUE(step(bench, &event));
}

static bool waits(const bench *bench, uint32_t worker) {
    return psi_client_is_waiting(&bench->client, worker);
}

/* What the worker reads after its fetch. */
static int32_t taken(bench *bench, uint32_t worker, uint64_t row) {
    int32_t value = -1;
    CU_ASSERT_TRUE(psi_client_take(&bench->client, worker, &bench->rows[worker]));
    const psi_private_row *const own = psi_rows_find(&bench->rows[worker], 0, row);
    CU_ASSERT_PTR_NOT_NULL_FATAL(own);
    CU_ASSERT_PTR_NOT_NULL_FATAL(own->value);
    memcpy(&value, own->value, sizeof value);
    return value;
}

static void add(bench *bench, uint32_t worker, uint64_t row, int32_t delta) {
    psi_private_row *const own = psi_rows_touch(&bench->rows[worker], 0, row);
    CU_ASSERT_PTR_NOT_NULL_FATAL(own);
    CU_ASSERT_TRUE(psi_rows_add(&bench->rows[worker], own, &delta));
}

static void end_clock(bench *bench, uint32_t worker) {
    CU_ASSERT_TRUE(psi_rows_seal(&bench->rows[worker], &bench->blocks[worker]));
    const psi_client_event event = {
        .kind = PSI_CLIENT_CLOCK, .worker = worker, .block = &bench->blocks[worker]};
    CU_ASSERT_TRUE(step(bench, &event));
}

/* ---- What shards do ---- */

/* Rows by their local indices, with a value each. */
typedef struct valued_rows {
    const uint32_t *locals;
    const int32_t *values;
    uint32_t count;
} valued_rows;

static valued_rows rows_of(const uint32_t *locals, const int32_t *values, uint32_t count) {
    return (valued_rows){.locals = locals, .values = values, .count = count};
}

static psi_frame *rows_frame(bench *bench, uint32_t shard, uint64_t sequence, uint32_t clock,
                             valued_rows rows) {
    const psi_keys keys = psi_keys_of_locals(0, rows.locals, rows.count);
    const size_t keys_bytes = rows.count == 0 ? 0 : psi_keys_size(&keys);
    psi_frame *const frame = psi_frame_take(&bench->pool, PSI_FRAME_ROWS, 1 + shard, 0,
                                            16 + keys_bytes + rows.count * sizeof *rows.values);
    CU_ASSERT_PTR_NOT_NULL_FATAL(frame);
    uint8_t *to = frame->bytes + PSI_FRAME_HEADER_BYTES;
    psi_put_u64(to, sequence);
    psi_put_u32(to + 8, clock);
    psi_put_u32(to + 12, rows.count > 0);
    if (rows.count > 0) {
        to = psi_part_put_keys(to + 16, &keys, true);
        memcpy(to, rows.values, rows.count * sizeof *rows.values);
    }
    return frame;
}

static bool receive(bench *bench, psi_frame *frame) {
    const psi_client_event event = {.kind = PSI_CLIENT_FRAME, .frame = frame};
    const bool is_good = step(bench, &event);
    psi_frame_release(&bench->pool, frame);
    return is_good;
}

/* One row from shard 0, whose local row i is row 2 i. */
static bool row_comes(bench *bench, uint64_t sequence, uint32_t clock, uint32_t local,
                      int32_t value) {
    return receive(bench, rows_frame(bench, 0, sequence, clock, rows_of(&local, &value, 1)));
}

static size_t frames_of(const bench *bench, psi_frame_type type) {
    size_t count = 0;
    for (const psi_frame *frame = bench->effects.frames; frame != NULL; frame = frame->next) {
        count += frame->type == type;
    }
    return count;
}

/* ---- Fetching ---- */

/* One frame per shard, however many rows; the second worker asks for nothing that is under way. */
static void asks_once_and_batches_by_shard(void) {
    bench *const bench = bench_create("ssp:1", 2);
    fetch(bench, 0, 0, ROWS);
    CU_ASSERT_EQUAL(frames_of(bench, PSI_FRAME_FETCH), SHARDS);
    CU_ASSERT_EQUAL(bench->effects.frames->row_count, ROWS / SHARDS);
    fetch(bench, 1, 2, 3);
    CU_ASSERT_EQUAL(frames_of(bench, PSI_FRAME_FETCH), 0);
    CU_ASSERT_TRUE(waits(bench, 0) && waits(bench, 1));
    const uint32_t locals[] = {0, 1, 2, 3};
    const int32_t values[] = {10, 11, 12, 13};
    CU_ASSERT_TRUE(receive(bench, rows_frame(bench, 0, 0, 0, rows_of(locals, values, 4))));
    CU_ASSERT_EQUAL(bench->effects.woken_count, 0);
    CU_ASSERT_TRUE(receive(bench, rows_frame(bench, 1, 0, 0, rows_of(locals, values, 4))));
    CU_ASSERT_EQUAL(bench->effects.woken_count, 2);
    CU_ASSERT_EQUAL(taken(bench, 0, 6), 13);
    CU_ASSERT_EQUAL(taken(bench, 1, 3), 11);
    bench_destroy(bench);
}

/* r >= c - s: within the slack the cache serves, beyond it the worker waits. */
static void cached_rows_serve_within_the_slack(void) {
    bench *const bench = bench_create("ssp:2", 1);
    fetch(bench, 0, 0, 1);
    CU_ASSERT_TRUE(row_comes(bench, 0, 1, 0, 5)); /* row clock 1 */
    for (uint32_t clock = 0; clock < 3; clock++) {
        fetch(bench, 0, 0, 1);
        CU_ASSERT_FALSE(waits(bench, 0));
        CU_ASSERT_EQUAL(frames_of(bench, PSI_FRAME_FETCH), 0);
        end_clock(bench, 0);
    }
    fetch(bench, 0, 0, 1);
    CU_ASSERT_FALSE(waits(bench, 0)); /* clock 3 - 2 = 1 */
    end_clock(bench, 0);
    fetch(bench, 0, 0, 1);
    CU_ASSERT_TRUE(waits(bench, 0));
    CU_ASSERT_EQUAL(frames_of(bench, PSI_FRAME_FETCH), 1);
    CU_ASSERT_EQUAL(psi_load_u32(psi_frame_payload(bench->effects.frames)), 2);
    psi_lack lack;
    CU_ASSERT_TRUE(psi_client_lacks(&bench->client, 0, &lack));
    CU_ASSERT_EQUAL(lack.need_clock, 2);
    CU_ASSERT_EQUAL(lack.known_clock, 1);
    bench_destroy(bench);
}

/* A request for a later clock may wait for the very worker that needs an earlier one. */
static void an_earlier_clock_is_asked_for_again(void) {
    static const char *const policies[] = {"bsp", "ssp:0", "essp:0"};
    for (size_t p = 0; p < 3; p++) {
        bench *const bench = bench_create(policies[p], 2);
        end_clock(bench, 1);
        fetch(bench, 1, 0, 1); /* needs clock 1 */
        CU_ASSERT_EQUAL(frames_of(bench, PSI_FRAME_FETCH), 1);
        fetch(bench, 0, 0, 1); /* needs clock 0 */
        CU_ASSERT_EQUAL_FATAL(frames_of(bench, PSI_FRAME_FETCH), 1);
        CU_ASSERT_EQUAL(psi_load_u32(psi_frame_payload(bench->effects.frames)), 0);
        CU_ASSERT_TRUE(row_comes(bench, 0, 0, 0, 7));
        CU_ASSERT_FALSE(waits(bench, 0));
        CU_ASSERT_TRUE(waits(bench, 1));
        bench_destroy(bench);
    }
}

/* Under essp a subscribed row is as new as the last word of its shard. */
static void subscribed_rows_age_with_the_shard(void) {
    bench *const bench = bench_create("essp:0", 1);
    fetch(bench, 0, 0, 1);
    CU_ASSERT_TRUE(row_comes(bench, 0, 0, 0, 7));
    end_clock(bench, 0);
    fetch(bench, 0, 0, 1);
    CU_ASSERT_TRUE(waits(bench, 0));
    CU_ASSERT_EQUAL(frames_of(bench, PSI_FRAME_FETCH), 0); /* it will come by itself */
    CU_ASSERT_TRUE(receive(bench, rows_frame(bench, 1, 1, 1, rows_of(NULL, NULL, 0))));
    CU_ASSERT_TRUE(waits(bench, 0)); /* that was the other shard */
    CU_ASSERT_TRUE(receive(bench, rows_frame(bench, 0, 1, 1, rows_of(NULL, NULL, 0))));
    CU_ASSERT_EQUAL(bench->effects.woken_count, 1);
    CU_ASSERT_EQUAL(taken(bench, 0, 0), 7);
    bench_destroy(bench);
}

/* async: a row that is there is used at once, and a newer one asked for once per clock. */
static void async_refreshes_once_per_clock(void) {
    bench *const bench = bench_create("async", 2);
    fetch(bench, 0, 0, 1);
    CU_ASSERT_TRUE(waits(bench, 0));
    CU_ASSERT_TRUE(row_comes(bench, 0, 0, 0, 7));
    fetch(bench, 0, 0, 1);
    CU_ASSERT_FALSE(waits(bench, 0));
    CU_ASSERT_EQUAL(frames_of(bench, PSI_FRAME_FETCH), 0);
    CU_ASSERT_EQUAL(taken(bench, 0, 0), 7);
    end_clock(bench, 0);
    fetch(bench, 0, 0, 1);
    CU_ASSERT_FALSE(waits(bench, 0));
    CU_ASSERT_EQUAL(frames_of(bench, PSI_FRAME_FETCH), 1);
    CU_ASSERT_TRUE(row_comes(bench, 1, 0, 0, 9));
    fetch(bench, 1, 0, 1); /* a slower worker, for which the row is new enough */
    CU_ASSERT_EQUAL(frames_of(bench, PSI_FRAME_FETCH), 0);
    fetch(bench, 0, 0, 1);
    CU_ASSERT_EQUAL(frames_of(bench, PSI_FRAME_FETCH), 0);
    CU_ASSERT_EQUAL(taken(bench, 0, 0), 9);
    bench_destroy(bench);
}

/* ---- Read my writes ---- */

/* G2: an answer that was under way when the update was made does not hide it; nor is it added twice
 * (G3). */
static void answers_in_flight_keep_own_updates(void) {
    bench *const bench = bench_create("ssp:9", 1);
    fetch(bench, 0, 0, 3); /* rows 0 and 2 of shard 0, row 1 of shard 1 */
    const uint32_t locals[] = {0, 1};
    const int32_t zeros[] = {100, 200};
    CU_ASSERT_TRUE(receive(bench, rows_frame(bench, 0, 0, 0, rows_of(locals, zeros, 2))));
    CU_ASSERT_TRUE(receive(bench, rows_frame(bench, 1, 0, 0, rows_of(locals, zeros, 1))));
    fetch(bench, 0, 4, 1); /* row 4 of shard 0; its answer is slow */
    add(bench, 0, 0, 1);
    add(bench, 0, 1, 2);
    add(bench, 0, 2, 8);
    add(bench, 0, 4, 4);
    end_clock(bench, 0); /* flush 1 */
    CU_ASSERT_EQUAL(frames_of(bench, PSI_FRAME_FLUSH), SHARDS);
    const uint32_t late_locals[] = {0, 2};
    const int32_t late[] = {100, 300};
    CU_ASSERT_TRUE(receive(bench, rows_frame(bench, 0, 0, 0, rows_of(late_locals, late, 2))));
    fetch(bench, 0, 0, 5);
    const uint32_t three = 1;
    const int32_t other = 400;
    CU_ASSERT_TRUE(
        receive(bench, rows_frame(bench, 1, 1, 0, rows_of(&three, &other, 1)))); /* has flush 1 */
    CU_ASSERT_EQUAL(taken(bench, 0, 0), 101);
    CU_ASSERT_EQUAL(taken(bench, 0, 1), 102);
    CU_ASSERT_EQUAL(taken(bench, 0, 2), 208);
    CU_ASSERT_EQUAL(taken(bench, 0, 3), 400);
    CU_ASSERT_EQUAL(taken(bench, 0, 4), 304);
    bench_destroy(bench);
}

/* Under bsp nothing is added again: an answer has all of it, in rank order. */
static void bsp_takes_rows_as_they_come(void) {
    bench *const bench = bench_create("bsp", 1);
    fetch(bench, 0, 0, 1);
    CU_ASSERT_TRUE(row_comes(bench, 0, 0, 0, 7));
    add(bench, 0, 0, 1);
    end_clock(bench, 0);
    fetch(bench, 0, 0, 1);
    CU_ASSERT_TRUE(waits(bench, 0));
    CU_ASSERT_TRUE(row_comes(bench, 1, 1, 0, 50));
    CU_ASSERT_EQUAL(taken(bench, 0, 0), 50);
    CU_ASSERT_EQUAL(bench->client.log_count, 0);
    bench_destroy(bench);
}

/* The log is forgotten as shards acknowledge it, so memory stays where it is. */
static void the_log_stays_bounded(void) {
    static const char *const policies[] = {"bsp", "ssp:1", "essp:1", "async"};
    for (size_t p = 0; p < 4; p++) {
        bench *const bench = bench_create(policies[p], 1);
        fetch(bench, 0, 0, 1);
        CU_ASSERT_TRUE(row_comes(bench, 0, 0, 0, 7));
        size_t longest = 0;
        for (uint32_t clock = 1; clock <= 100; clock++) {
            add(bench, 0, 0, 1);
            add(bench, 0, 1, 1);
            end_clock(bench, 0);
            fetch(bench, 0, 0, 1);
            CU_ASSERT_TRUE(!waits(bench, 0) || frames_of(bench, PSI_FRAME_FETCH) > 0 || p == 2);
            if (p == 2) {
                CU_ASSERT_TRUE(
                    receive(bench, rows_frame(bench, 1, clock, clock, rows_of(NULL, NULL, 0))));
            }
            if (bench->client.shards[0].fetches_under_way > 0 || p == 2) {
                CU_ASSERT_TRUE(row_comes(bench, clock, clock, 0, (int32_t)clock + 7));
            }
            CU_ASSERT_EQUAL(taken(bench, 0, 0), (int32_t)clock + 7);
            longest = bench->client.log_count > longest ? bench->client.log_count : longest;
        }
        CU_ASSERT_TRUE(longest <= 3);
        CU_ASSERT_TRUE(bench->client.log_capacity <= 8);
        bench_destroy(bench);
    }
}

/* ---- Clocks ---- */

/* One flush per shard and clock of the slowest worker; async sends at every worker's clock. */
static void the_slowest_worker_flushes(void) {
    bench *const bench = bench_create("ssp:3", 2);
    add(bench, 1, 0, 1);
    end_clock(bench, 1);
    CU_ASSERT_PTR_NULL(bench->effects.frames);
    end_clock(bench, 0);
    CU_ASSERT_EQUAL(frames_of(bench, PSI_FRAME_FLUSH), SHARDS);
    CU_ASSERT_EQUAL(psi_load_u32(psi_frame_payload(bench->effects.frames) + 8), 1);
    bench_destroy(bench);
    struct bench *const eager = bench_create("async", 2);
    end_clock(eager, 1);
    CU_ASSERT_EQUAL(frames_of(eager, PSI_FRAME_FLUSH), SHARDS);
    CU_ASSERT_EQUAL(psi_load_u32(psi_frame_payload(eager->effects.frames) + 8), 0);
    bench_destroy(eager);
}

static void the_last_worker_sends_all_and_leaves(void) {
    bench *const bench = bench_create("ssp:3", 2);
    add(bench, 1, 0, 1);
    end_clock(bench, 1);
    const psi_client_event first = {.kind = PSI_CLIENT_LEAVE, .worker = 0};
    CU_ASSERT_TRUE(step(bench, &first)); /* the slowest: now the clock is worker 1's */
    CU_ASSERT_EQUAL(frames_of(bench, PSI_FRAME_FLUSH), SHARDS);
    CU_ASSERT_EQUAL(frames_of(bench, PSI_FRAME_LEAVE), 0);
    const psi_client_event last = {.kind = PSI_CLIENT_LEAVE, .worker = 1};
    CU_ASSERT_TRUE(step(bench, &last));
    CU_ASSERT_EQUAL(frames_of(bench, PSI_FRAME_FLUSH), 0);
    CU_ASSERT_EQUAL(frames_of(bench, PSI_FRAME_LEAVE), SHARDS);
    bench_destroy(bench);
}

/* ---- Push and pull ---- */

/* Starts a pull of rows 6, 1, 0 in this order: locals 3, 0 of shard 0 and 0 of shard 1. */
static uint64_t pull(bench *bench, int32_t values[3]) {
    static const uint64_t rows[] = {6, 1, 0};
    const psi_client_event event = {
        .kind = PSI_CLIENT_PULL, .rows = rows, .row_count = 3, .values_out = (uint8_t *)values};
    CU_ASSERT_TRUE(step(bench, &event));
    CU_ASSERT_EQUAL(frames_of(bench, PSI_FRAME_PULL), SHARDS);
    return bench->client.last_handle;
}

/* What shards answer to a pull: the values of `count` rows, in the order of the request. */
static psi_frame *pulled(bench *bench, uint32_t shard, uint64_t handle, const int32_t *values,
                         uint32_t count) {
    psi_frame *const frame = psi_frame_take(&bench->pool, PSI_FRAME_PULL_ROWS, 1 + shard, 0,
                                            32 + count * sizeof *values);
    CU_ASSERT_PTR_NOT_NULL_FATAL(frame);
    uint8_t *to = frame->bytes + PSI_FRAME_HEADER_BYTES;
    psi_put_u64(to, handle);
    psi_put_u32(to + 8, 0);
    psi_put_u32(to + 12, 1);
    to = psi_part_put_header(to + 16, 0, PSI_PART_AS_ASKED | PSI_PART_VALUES, count, 0);
    memcpy(to, values, count * sizeof *values);
    return frame;
}

static void pulls_arrive_in_the_order_of_keys(void) {
    bench *const bench = bench_create("bsp", 2);
    int32_t values[3] = {-1, -1, -1};
    const uint64_t handle = pull(bench, values);
    const psi_client_event wait = {.kind = PSI_CLIENT_WAIT, .worker = 1, .handle = handle};
    CU_ASSERT_TRUE(step(bench, &wait));
    CU_ASSERT_TRUE(waits(bench, 1));
    CU_ASSERT_TRUE(receive(bench, pulled(bench, 1, handle, (int32_t[]){11}, 1)));
    CU_ASSERT_EQUAL(bench->effects.woken_count, 0);
    CU_ASSERT_TRUE(receive(bench, pulled(bench, 0, handle, (int32_t[]){16, 10}, 2)));
    CU_ASSERT_EQUAL(bench->effects.woken_count, 1);
    CU_ASSERT_EQUAL(bench->woken[0], 1);
    CU_ASSERT_TRUE(values[0] == 16 && values[1] == 11 && values[2] == 10);
    CU_ASSERT_TRUE(step(bench, &wait)); /* complete: no wait */
    CU_ASSERT_FALSE(waits(bench, 1));
    bench_destroy(bench);
}

static void no_keys_are_complete_at_once(void) {
    bench *const bench = bench_create("bsp", 1);
    const psi_client_event event = {.kind = PSI_CLIENT_PUSH};
    CU_ASSERT_TRUE(step(bench, &event));
    CU_ASSERT_PTR_NULL(bench->effects.frames);
    psi_client_event wait = {.kind = PSI_CLIENT_WAIT, .handle = bench->client.last_handle};
    CU_ASSERT_TRUE(step(bench, &wait));
    CU_ASSERT_FALSE(waits(bench, 0));
    wait.handle++; /* was never given */
    CU_ASSERT_FALSE(step(bench, &wait));
    bench_destroy(bench);
}

static uint64_t push_one(bench *bench) {
    static const int32_t delta = 5;
    const psi_client_event push = {
        .kind = PSI_CLIENT_PUSH, .row_count = 1, .deltas = (const uint8_t *)&delta};
    CU_ASSERT_TRUE(step(bench, &push));
    return bench->client.last_handle;
}

static psi_frame *acknowledged(bench *bench, uint32_t shard, uint64_t handle) {
    psi_frame *const frame = psi_frame_take(&bench->pool, PSI_FRAME_PUSH_ACK, 1 + shard, 0, 8);
    CU_ASSERT_PTR_NOT_NULL_FATAL(frame);
    psi_put_u64(frame->bytes + PSI_FRAME_HEADER_BYTES, handle);
    return frame;
}

/* Thousands of pushes use a few places in turn; nobody may take one for another. */
static void a_place_is_used_again_under_another_handle(void) {
    bench *const bench = bench_create("bsp", 1);
    const uint64_t first = push_one(bench);
    CU_ASSERT_TRUE(receive(bench, acknowledged(bench, 0, first)));
    const uint64_t second = push_one(bench);
    CU_ASSERT_EQUAL(bench->client.access_count, 1);
    CU_ASSERT_FALSE(receive(bench, acknowledged(bench, 0, first)));
    psi_client_event wait = {.kind = PSI_CLIENT_WAIT, .handle = first};
    CU_ASSERT_TRUE(step(bench, &wait));
    CU_ASSERT_FALSE(waits(bench, 0)); /* the first one is complete */
    wait.handle = second;
    CU_ASSERT_TRUE(step(bench, &wait));
    CU_ASSERT_TRUE(waits(bench, 0));
    CU_ASSERT_TRUE(receive(bench, acknowledged(bench, 0, second)));
    wait.handle = second + (second - first); /* the next one of the place */
    CU_ASSERT_FALSE(step(bench, &wait));
    bench_destroy(bench);
}

/* The first piece's handle stands for all of them. */
static void a_push_in_pieces_is_complete_when_all_are(void) {
    bench *const bench = bench_create("bsp", 1);
    static const int32_t deltas[] = {5, 6};
    psi_client_event push = {.kind = PSI_CLIENT_PUSH,
                             .row_count = 1,
                             .deltas = (const uint8_t *)deltas,
                             .has_more = true};
    CU_ASSERT_TRUE(step(bench, &push));
    const uint64_t handle = bench->client.last_handle;
    CU_ASSERT_TRUE(receive(bench, acknowledged(bench, 0, handle)));
    push.handle = handle;
    push.row_begin = 1;
    push.deltas += sizeof *deltas;
    push.has_more = false;
    CU_ASSERT_TRUE(step(bench, &push));
    CU_ASSERT_EQUAL(bench->client.last_handle, handle);
    CU_ASSERT_PTR_NOT_NULL_FATAL(bench->effects.frames);
    const uint64_t piece = psi_load_u64(psi_frame_payload(bench->effects.frames));
    const psi_client_event wait = {.kind = PSI_CLIENT_WAIT, .handle = handle};
    CU_ASSERT_TRUE(step(bench, &wait));
    CU_ASSERT_TRUE(waits(bench, 0));
    CU_ASSERT_FALSE(receive(bench, acknowledged(bench, 0, piece)));  /* nor by another shard */
    CU_ASSERT_TRUE(receive(bench, acknowledged(bench, 1, piece)));
    CU_ASSERT_FALSE(waits(bench, 0));
    bench_destroy(bench);
}

/* The memory of a worker that left is its own again. */
static void pulls_of_those_who_left_are_dropped(void) {
    bench *const bench = bench_create("bsp", 2);
    int32_t values[3] = {-1, -1, -1};
    const uint64_t handle = pull(bench, values);
    const psi_client_event leave = {.kind = PSI_CLIENT_LEAVE, .worker = 0};
    CU_ASSERT_TRUE(step(bench, &leave));
    CU_ASSERT_TRUE(receive(bench, pulled(bench, 1, handle, (int32_t[]){11}, 1)));
    CU_ASSERT_EQUAL(values[1], -1);
    bench_destroy(bench);
}

/* ---- Refusals (G10) ---- */

static bool is_refused(bench *bench, psi_frame *frame) {
    const uint64_t before = digest_client(0, &bench->client);
    const bool is_taken = receive(bench, frame);
    return !is_taken && digest_client(0, &bench->client) == before &&
           bench->effects.frames == NULL && bench->effects.woken_count == 0;
}

static void rows_that_no_shard_sends_are_refused(void) {
    static const char *const policies[] = {"ssp:0", "essp:0"};
    for (size_t p = 0; p < 2; p++) {
        bench *const bench = bench_create(policies[p], 1);
        const uint32_t zero = 0, one = 1, four = 4;
        const int32_t value = 7;
        CU_ASSERT_TRUE(
            is_refused(bench, rows_frame(bench, 0, 0, 0, rows_of(&zero, &value, 1)))); /* unasked */
        fetch(bench, 0, 0, 1);
        CU_ASSERT_TRUE(is_refused(bench, rows_frame(bench, 0, 0, 0, rows_of(&one, &value, 1))));
        CU_ASSERT_TRUE(is_refused(bench, rows_frame(bench, 0, 0, 0, rows_of(&four, &value, 1))));
        CU_ASSERT_TRUE(is_refused(bench, rows_frame(bench, 1, 0, 0, rows_of(&zero, &value, 1))));
        CU_ASSERT_TRUE(
            is_refused(bench, rows_frame(bench, 2, 0, 0, rows_of(&zero, &value, 1)))); /* nobody */
        CU_ASSERT_TRUE(
            is_refused(bench, rows_frame(bench, 0, 1, 0, rows_of(&zero, &value, 1)))); /* unsent */
        CU_ASSERT_TRUE(row_comes(bench, 0, 3, 0, 7));
        fetch(bench, 0, 2, 1);
        CU_ASSERT_TRUE(
            is_refused(bench, rows_frame(bench, 0, 0, 2, rows_of(&one, &value, 1)))); /* G5 */
        CU_ASSERT_TRUE(row_comes(bench, 0, 3, 1, 7));
        bench_destroy(bench);
    }
}

static void every_truncation_of_rows_is_refused(void) {
    bench *const bench = bench_create("ssp:0", 1);
    fetch(bench, 0, 0, 8);
    const uint32_t locals[] = {3, 0, 2};
    const int32_t values[] = {1, 2, 3};
    const size_t whole = PSI_FRAME_HEADER_BYTES + 16 + 16 + 12 + 12;
    for (size_t size = PSI_FRAME_HEADER_BYTES; size <= whole; size++) {
        psi_frame *const frame = rows_frame(bench, 0, 0, 0, rows_of(locals, values, 3));
        frame->size_bytes = size;
        CU_ASSERT_TRUE(size < whole ? is_refused(bench, frame) : receive(bench, frame));
    }
    bench_destroy(bench);
}

static void answers_that_nobody_waits_for_are_refused(void) {
    bench *const bench = bench_create("bsp", 1);
    int32_t values[3] = {-1, -1, -1};
    const uint64_t handle = pull(bench, values);
    const int32_t two[] = {16, 10};
    CU_ASSERT_TRUE(is_refused(bench, pulled(bench, 0, handle + 1, two, 2)));
    CU_ASSERT_TRUE(is_refused(bench, pulled(bench, 0, 0, two, 2)));
    CU_ASSERT_TRUE(is_refused(bench, pulled(bench, 1, handle, two, 2))); /* the other's share */
    psi_frame *const wrong = pulled(bench, 0, handle, two, 2);
    psi_put_u16(wrong->bytes + PSI_FRAME_HEADER_BYTES + 16 + 2, PSI_PART_VALUES);
    CU_ASSERT_TRUE(is_refused(bench, wrong)); /* with other keys */
    CU_ASSERT_TRUE(is_refused(bench, pulled(bench, 0, handle, two, 1)));
    for (uint32_t type = 0; type <= PSI_FRAME_TYPES; type++) {
        psi_frame *const frame = psi_frame_take(&bench->pool, PSI_FRAME_PUSH_ACK, 1, 0, 8);
        CU_ASSERT_PTR_NOT_NULL_FATAL(frame);
        psi_put_u64(frame->bytes + PSI_FRAME_HEADER_BYTES, handle);
        frame->type = type;
        CU_ASSERT_TRUE(is_refused(bench, frame)); /* a pull is not acknowledged */
    }
    CU_ASSERT_TRUE(receive(bench, pulled(bench, 0, handle, two, 2)));
    CU_ASSERT_TRUE(is_refused(bench, pulled(bench, 0, handle, two, 2))); /* twice */
    const psi_client_event push = {
        .kind = PSI_CLIENT_PUSH, .row_count = 1, .deltas = (const uint8_t *)values};
    CU_ASSERT_TRUE(step(bench, &push));
    for (uint32_t type = 0; type <= PSI_FRAME_TYPES; type++) {
        psi_frame *const frame = psi_frame_take(&bench->pool, PSI_FRAME_PUSH_ACK, 1, 0, 8);
        CU_ASSERT_PTR_NOT_NULL_FATAL(frame);
        psi_put_u64(frame->bytes + PSI_FRAME_HEADER_BYTES, handle + 1);
        frame->type = type == PSI_FRAME_PUSH_ACK ? PSI_FRAME_FETCH : type;
        CU_ASSERT_TRUE(is_refused(bench, frame)); /* only an acknowledgement ends a push */
    }
    bench_destroy(bench);
}

static const suite_test tests[] = {
    SUITE_TEST(asks_once_and_batches_by_shard),
    SUITE_TEST(cached_rows_serve_within_the_slack),
    SUITE_TEST(an_earlier_clock_is_asked_for_again),
    SUITE_TEST(subscribed_rows_age_with_the_shard),
    SUITE_TEST(async_refreshes_once_per_clock),
    SUITE_TEST(answers_in_flight_keep_own_updates),
    SUITE_TEST(bsp_takes_rows_as_they_come),
    SUITE_TEST(the_log_stays_bounded),
    SUITE_TEST(the_slowest_worker_flushes),
    SUITE_TEST(the_last_worker_sends_all_and_leaves),
    SUITE_TEST(pulls_arrive_in_the_order_of_keys),
    SUITE_TEST(no_keys_are_complete_at_once),
    SUITE_TEST(a_place_is_used_again_under_another_handle),
    SUITE_TEST(a_push_in_pieces_is_complete_when_all_are),
    SUITE_TEST(pulls_of_those_who_left_are_dropped),
    SUITE_TEST(rows_that_no_shard_sends_are_refused),
    SUITE_TEST(every_truncation_of_rows_is_refused),
    SUITE_TEST(answers_that_nobody_waits_for_are_refused),
};
SUITE_MAIN("client", tests)
