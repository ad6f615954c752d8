/* A client, event by event: what it asks for, when a worker waits, and that own updates are always
 * in what a worker reads (G2). The test plays the shard. */
#include "core/client_bench.h"
#include "ps/part.h"

/* ---- What workers do ---- */

static void fetch(bench *bench, uint32_t worker, uint64_t row_begin, size_t row_count) {
    const psi_client_event event = {
        .kind = PSI_CLIENT_FETCH, .worker = worker, .row_begin = row_begin, .row_count = row_count};
    CU_ASSERT_TRUE(step(bench, &event));
}

/* What the worker reads after its fetch. */
static int32_t taken(bench *bench, uint32_t worker, uint64_t row) {
    int32_t value = -1;
    CU_ASSERT_TRUE(psi_client_take(&bench->client, worker, &bench->rows[worker]));
    psi_private_row *const own = psi_rows_find(&bench->rows[worker], 0, row);
    CU_ASSERT_PTR_NOT_NULL_FATAL(own);
    const uint8_t *const view = psi_rows_read(&bench->rows[worker], own);
    CU_ASSERT_PTR_NOT_NULL_FATAL(view);
    memcpy(&value, view, sizeof value);
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

/* One row from shard 0, whose local row i is row 2 i. */
static bool row_comes(bench *bench, uint64_t sequence, uint32_t clock, uint32_t local,
                      int32_t value) {
    return receive(bench, rows_frame(bench, 0, sequence, clock, rows_of(&local, &value, 1)));
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
    CU_ASSERT_EQUAL_FATAL(frames_of(bench, PSI_FRAME_FETCH), 1);
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

/* ---- Bounded values ---- */

static psi_frame *seen_by_all(bench *bench, uint32_t shard, uint32_t clock, uint32_t seen) {
    psi_frame *const frame = psi_frame_take(&bench->pool, PSI_FRAME_SEEN_BY_ALL, 1 + shard, 0, 8);
    CU_ASSERT_PTR_NOT_NULL_FATAL(frame);
    psi_put_u32(frame->bytes + PSI_FRAME_HEADER_BYTES, clock);
    psi_put_u32(frame->bytes + PSI_FRAME_HEADER_BYTES + 4, seen);
    return frame;
}

/* What the last step told a shard: how many of its answers are released; UINT64_MAX: nothing. */
static uint64_t released(const bench *bench, uint32_t shard) {
    for (const psi_frame *frame = bench->effects.frames; frame != NULL; frame = frame->next) {
        if (frame->type == PSI_FRAME_SEEN && frame->to == 1 + shard) {
            return psi_load_u64(psi_frame_payload(frame));
        }
    }
    return UINT64_MAX;
}

/* G7: the shard was told that a row is not read from, so it is not read from, however fresh it is;
 * but while one worker reads from it, another may, and it is told when neither does. */
static void what_was_released_is_asked_for_again(void) {
    bench *const bench = bench_create("vap:1", 2);
    fetch(bench, 0, 0, 1);
    CU_ASSERT_TRUE(row_comes(bench, 0, 0, 0, 5));
    CU_ASSERT_EQUAL(released(bench, 0), UINT64_MAX);
    CU_ASSERT_EQUAL(taken(bench, 0, 0), 5);
    fetch(bench, 1, 0, 1);
    CU_ASSERT_FALSE(waits(bench, 1));
    CU_ASSERT_EQUAL(taken(bench, 1, 0), 5);
    end_clock(bench, 0);
    CU_ASSERT_EQUAL(released(bench, 0), UINT64_MAX);
    fetch(bench, 0, 0, 1);
    CU_ASSERT_FALSE(waits(bench, 0));
    end_clock(bench, 1);
    CU_ASSERT_EQUAL(released(bench, 0), UINT64_MAX); /* worker 0 has taken it up again */
    end_clock(bench, 0);
    CU_ASSERT_EQUAL(released(bench, 0), 1);
    CU_ASSERT_EQUAL(released(bench, 1), UINT64_MAX);
    fetch(bench, 1, 0, 1);
    CU_ASSERT_TRUE(waits(bench, 1));
    CU_ASSERT_EQUAL(frames_of(bench, PSI_FRAME_FETCH), 1);
    bench_destroy(bench);
}

/* An answer that nobody waits for any more holds up others until it is released. */
static void an_answer_for_a_leaver_is_released(void) {
    bench *const bench = bench_create("vap:1", 2);
    fetch(bench, 0, 0, 1);
    const psi_client_event leave = {.kind = PSI_CLIENT_LEAVE, .worker = 0};
    CU_ASSERT_TRUE(step(bench, &leave));
    CU_ASSERT_TRUE(row_comes(bench, 0, 0, 0, 5));
    CU_ASSERT_EQUAL(released(bench, 0), 1);
    bench_destroy(bench);
}

static void news_that_no_shard_sends_is_refused(void) {
    static const char *const others[] = {"bsp", "ssp:1", "essp:1", "async"};
    for (size_t p = 0; p < 4; p++) {
        bench *const bench = bench_create(others[p], 1);
        CU_ASSERT_TRUE(is_refused(bench, seen_by_all(bench, 0, 3, 2)));
        bench_destroy(bench);
    }
    bench *const bench = bench_create("vap:1", 1);
    CU_ASSERT_TRUE(is_refused(bench, seen_by_all(bench, 0, 3, 4)));
    CU_ASSERT_TRUE(is_refused(bench, seen_by_all(bench, 0, 3, 0)));
    for (size_t size = 0; size < 12; size++) {
        psi_frame *const frame = seen_by_all(bench, 0, 3, 2);
        frame->size_bytes = PSI_FRAME_HEADER_BYTES + size;
        CU_ASSERT_TRUE(size == 8 || is_refused(bench, frame));
        if (size == 8) {
            psi_frame_release(&bench->pool, frame);
        }
    }
    CU_ASSERT_TRUE(receive(bench, seen_by_all(bench, 0, 3, 2)));
    CU_ASSERT_TRUE(is_refused(bench, seen_by_all(bench, 0, 3, 2))); /* no news */
    CU_ASSERT_TRUE(is_refused(bench, seen_by_all(bench, 0, 2, 2))); /* goes back */
    CU_ASSERT_TRUE(is_refused(bench, seen_by_all(bench, 2, 4, 4))); /* nobody */
    bench_destroy(bench);
}

/* ---- Refusals (G10) ---- */

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

static const suite_test tests[] = {
    SUITE_TEST(what_was_released_is_asked_for_again),
    SUITE_TEST(an_answer_for_a_leaver_is_released),
    SUITE_TEST(news_that_no_shard_sends_is_refused),
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
    SUITE_TEST(rows_that_no_shard_sends_are_refused),
    SUITE_TEST(every_truncation_of_rows_is_refused),
};
SUITE_MAIN("client", tests)
