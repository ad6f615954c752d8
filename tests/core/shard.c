/* A server shard, frame by frame: when it answers, in which order it adds, and what it refuses. */
#include "ps/shard.h"

#include <stdio.h>

#include "core/core_digest.h"
#include "support/suite.h"

enum { CLIENTS = 2, ROWS = 6, BYTES_MAX = 512 };

typedef struct bench {
    psi_layout layout;
    psi_shard shard;
    psi_frame_pool pool;
    psi_effects effects; /* of the last step */
} bench;

static bench *bench_create(const char *policy, uint32_t workers) {
    bench *const bench = calloc(1, sizeof *bench);
    CU_ASSERT_PTR_NOT_NULL_FATAL(bench);
    const ps_table_spec specs[] = {
        {.name = "d", .type = PS_F32, .layout = PS_DENSE, .row_count = ROWS, .column_count = 1},
        {.name = "s", .type = PS_I64, .layout = PS_SPARSE, .row_count = ROWS, .column_count = 9}};
    CU_ASSERT_EQUAL_FATAL(psi_layout_init(&bench->layout, specs, 2, 1), PS_OK);
    psi_shard_options options = {
        .layout = &bench->layout, .client_count = CLIENTS, .worker_count = workers};
    CU_ASSERT_EQUAL_FATAL(psi_policy_parse(policy, &options.policy, NULL), PS_OK);
    CU_ASSERT_EQUAL_FATAL(psi_shard_init(&bench->shard, &options), PS_OK);
    return bench;
}

static void drop_frames(bench *bench) {
    while (bench->effects.frames != NULL) {
        psi_frame *const frame = bench->effects.frames;
        bench->effects.frames = frame->next;
        psi_frame_release(&bench->pool, frame);
    }
    bench->effects = (psi_effects){.pool = &bench->pool};
}

static void bench_destroy(bench *bench) {
    drop_frames(bench);
    psi_shard_fini(&bench->shard);
    psi_frame_pool_fini(&bench->pool);
    free(bench);
}

/* Hands the shard a frame of `payload`. Its effects replace those of the step before. */
static bool step(bench *bench, psi_frame_type type, uint32_t from, const uint8_t *payload,
                 size_t size) {
    drop_frames(bench);
    psi_frame *const frame = psi_frame_take(&bench->pool, type, from, CLIENTS, size);
    CU_ASSERT_PTR_NOT_NULL_FATAL(frame);
    if (size > 0) {
        memcpy(frame->bytes + PSI_FRAME_HEADER_BYTES, payload, size);
    }
    const bool is_good = psi_shard_step(&bench->shard, frame, &bench->effects);
    psi_frame_release(&bench->pool, frame);
    return is_good;
}

static uint8_t *put_flush(uint8_t *to, uint64_t sequence, uint32_t clock, uint32_t sections) {
    psi_put_u64(to, sequence);
    psi_put_u32(to + 8, clock);
    psi_put_u32(to + 12, sections);
    return to + 16;
}

/* A section that adds `value` to one row of table 0. */
static uint8_t *put_section(uint8_t *to, uint32_t rank, uint32_t stamp, uint32_t row, float value) {
    psi_put_u32(to, rank);
    psi_put_u32(to + 4, stamp);
    psi_put_u32(to + 8, 1);
    psi_put_u32(to + 12, 20);
    to = psi_part_put_header(to + 16, 0, PSI_PART_VALUES, 1, row);
    memcpy(to, &value, sizeof value);
    return to + sizeof value;
}

/* A flush with one section. */
static bool flush(bench *bench, uint32_t client, uint64_t sequence, uint32_t clock, uint32_t stamp,
                  float value) {
    uint8_t bytes[BYTES_MAX];
    const uint32_t rank = client * bench->shard.options.worker_count / CLIENTS;
    const uint8_t *const end =
        put_section(put_flush(bytes, sequence, clock, 1), rank, stamp, 3, value);
    return step(bench, PSI_FRAME_FLUSH, client, bytes, (size_t)(end - bytes));
}

static bool flush_nothing(bench *bench, uint32_t client, uint64_t sequence, uint32_t clock) {
    uint8_t bytes[16];
    (void)put_flush(bytes, sequence, clock, 0);
    return step(bench, PSI_FRAME_FLUSH, client, bytes, sizeof bytes);
}

static bool fetch(bench *bench, uint32_t client, uint32_t need_clock, uint32_t row) {
    uint8_t bytes[BYTES_MAX];
    psi_put_u32(bytes, need_clock);
    psi_put_u32(bytes + 4, 1);
    const uint8_t *const end = psi_part_put_header(bytes + 8, 0, PSI_PART_RANGE, 1, row);
    return step(bench, PSI_FRAME_FETCH, client, bytes, (size_t)(end - bytes));
}

static float row_of(const bench *bench, uint32_t row) {
    float value;
    memcpy(&value, psi_shard_dense_row(&bench->shard, 0, row), sizeof value);
    return value;
}

static size_t frame_count(const bench *bench) {
    size_t count = 0;
    for (const psi_frame *frame = bench->effects.frames; frame != NULL; frame = frame->next) {
        count++;
    }
    return count;
}

/* The last step's frame to `client`, as clock and first dense value. */
static bool answers(const bench *bench, uint32_t client, uint32_t clock, float value) {
    for (const psi_frame *frame = bench->effects.frames; frame != NULL; frame = frame->next) {
        const uint8_t *const payload = psi_frame_payload(frame);
        float seen;
        if (frame->to == client && psi_frame_payload_size_bytes(frame) >= 36) {
            memcpy(&seen, payload + 32, sizeof seen);
            return frame->type == PSI_FRAME_ROWS && psi_load_u32(payload + 8) == clock &&
                   seen == value;
        }
    }
    return false;
}

/* ---- Claims ---- */

/* G1: a request for a clock that is not there waits; it is answered by the flush that completes the
 * clock. */
static void parks_until_the_clock_is_complete(void) {
    bench *const bench = bench_create("ssp:2", CLIENTS);
    CU_ASSERT_TRUE(fetch(bench, 0, 0, 3));
    CU_ASSERT_TRUE(answers(bench, 0, 0, 0.0f));
    CU_ASSERT_TRUE(fetch(bench, 0, 1, 3));
    CU_ASSERT_EQUAL(frame_count(bench), 0);
    CU_ASSERT_TRUE(flush(bench, 0, 1, 1, 0, 2.5f));
    CU_ASSERT_EQUAL(frame_count(bench), 0);
    CU_ASSERT_FALSE(bench->effects.clock_advanced);
    CU_ASSERT_EQUAL(row_of(bench, 3), 2.5f); /* takes effect on arrival */
    CU_ASSERT_TRUE(flush(bench, 1, 1, 1, 0, 0.25f));
    CU_ASSERT_TRUE(bench->effects.clock_advanced);
    CU_ASSERT_TRUE(answers(bench, 0, 1, 2.75f));
    CU_ASSERT_EQUAL(bench->shard.parked_count, 0);
    bench_destroy(bench);
}

/* G1 under bsp: whoever comes first, floats are added in rank order, and only when the clock is
 * complete. */
static void bsp_adds_in_rank_order(void) {
    static const float values[] = {1e8f, -1e8f, 0.75f}; /* in this order 0.75, in another 0 */
    for (int first = 0; first < 2; first++) {
        bench *const bench = bench_create("bsp", CLIENTS);
        uint8_t bytes[BYTES_MAX];
        for (int i = 0; i < 2; i++) {
            const uint32_t client = (uint32_t)(first ^ i);
            CU_ASSERT_TRUE(flush(bench, client, 1, 1, 0, values[client]));
            CU_ASSERT_EQUAL(row_of(bench, 3), i == 0 ? 0.0f : values[0] + values[1]);
        }
        /* Clock 1: client 1 alone adds, client 0 says nothing. */
        const uint8_t *const end = put_section(put_flush(bytes, 2, 2, 1), 1, 1, 3, values[2]);
        CU_ASSERT_TRUE(step(bench, PSI_FRAME_FLUSH, 1, bytes, (size_t)(end - bytes)));
        CU_ASSERT_EQUAL(row_of(bench, 3), 0.0f);
        CU_ASSERT_TRUE(flush_nothing(bench, 0, 2, 2));
        CU_ASSERT_EQUAL(row_of(bench, 3), 0.75f);
        CU_ASSERT_EQUAL(bench->shard.held_count, 0);
        bench_destroy(bench);
    }
}

/* A worker that runs ahead inside its process: its later updates wait for their own clock. */
static void bsp_holds_what_comes_early(void) {
    bench *const bench = bench_create("bsp", 2 * CLIENTS);
    uint8_t bytes[BYTES_MAX];
    uint8_t *end = put_flush(bytes, 1, 1, 3); /* rank 0 at clock 1, rank 1 at clock 3 */
    end = put_section(end, 0, 0, 3, 1.0f);
    end = put_section(end, 1, 0, 3, 2.0f);
    end = put_section(end, 1, 1, 3, 4.0f);
    CU_ASSERT_TRUE(step(bench, PSI_FRAME_FLUSH, 0, bytes, (size_t)(end - bytes)));
    CU_ASSERT_TRUE(flush(bench, 1, 1, 1, 0, 8.0f));
    CU_ASSERT_EQUAL(row_of(bench, 3), 11.0f);
    CU_ASSERT_TRUE(flush_nothing(bench, 1, 2, 2));
    CU_ASSERT_TRUE(flush_nothing(bench, 0, 2, 2));
    CU_ASSERT_EQUAL(row_of(bench, 3), 15.0f);
    bench_destroy(bench);
}

/* essp: each advance sends every client the rows that it once asked for and that changed, or the
 * clock alone. */
static void essp_pushes_subscribed_dirty_rows(void) {
    bench *const bench = bench_create("essp:1", CLIENTS);
    CU_ASSERT_TRUE(fetch(bench, 0, 0, 3));
    CU_ASSERT_TRUE(flush(bench, 0, 1, 1, 0, 1.5f));
    CU_ASSERT_EQUAL(frame_count(bench), 0);
    CU_ASSERT_TRUE(flush(bench, 1, 1, 1, 0, 2.0f));
    CU_ASSERT_EQUAL(frame_count(bench), 2);
    CU_ASSERT_TRUE(answers(bench, 0, 1, 3.5f));
    CU_ASSERT_FALSE(answers(bench, 1, 1, 3.5f)); /* it never asked */
    CU_ASSERT_TRUE(flush_nothing(bench, 0, 2, 2));
    CU_ASSERT_TRUE(flush_nothing(bench, 1, 2, 2));
    CU_ASSERT_EQUAL(frame_count(bench), 2);
    CU_ASSERT_EQUAL(psi_frame_payload_size_bytes(bench->effects.frames),
                    16); /* nothing was dirty */
    bench_destroy(bench);
}

/* Who hears of a clock takes its subscribed rows for that new: they must have been sent before. */
static void essp_pushes_before_it_answers(void) {
    bench *const bench = bench_create("essp:0", CLIENTS);
    CU_ASSERT_TRUE(fetch(bench, 0, 0, 3));
    CU_ASSERT_TRUE(fetch(bench, 0, 1, 4)); /* parked */
    CU_ASSERT_TRUE(flush(bench, 1, 1, 1, 0, 2.0f));
    CU_ASSERT_TRUE(flush_nothing(bench, 0, 1, 1));
    const psi_frame *const first = bench->effects.frames;
    CU_ASSERT_EQUAL_FATAL(frame_count(bench), 3);
    CU_ASSERT_EQUAL(first->to, 0);
    CU_ASSERT_EQUAL(psi_load_u32(psi_frame_payload(first) + 16 + 8), 3); /* row 3, which is dirty */
    bench_destroy(bench);
}

/* G5: a client that leaves holds nobody up, and the clock does not go back. */
static void leaving_completes_the_clock(void) {
    bench *const bench = bench_create("bsp", CLIENTS);
    CU_ASSERT_TRUE(flush(bench, 0, 1, 1, 0, 2.0f));
    CU_ASSERT_TRUE(fetch(bench, 0, 1, 3));
    CU_ASSERT_EQUAL(frame_count(bench), 0);
    CU_ASSERT_TRUE(step(bench, PSI_FRAME_LEAVE, 1, NULL, 0));
    CU_ASSERT_TRUE(answers(bench, 0, 1, 2.0f));
    CU_ASSERT_EQUAL(bench->shard.clock_min, 1);
    CU_ASSERT_FALSE(bench->effects.all_left);
    CU_ASSERT_TRUE(flush(bench, 0, 2, 1, 1, 3.0f)); /* an update of a clock that never ends */
    CU_ASSERT_EQUAL(row_of(bench, 3), 2.0f);
    CU_ASSERT_TRUE(step(bench, PSI_FRAME_LEAVE, 0, NULL, 0));
    CU_ASSERT_TRUE(bench->effects.all_left);
    CU_ASSERT_EQUAL(bench->shard.clock_min, 1);
    CU_ASSERT_EQUAL(row_of(bench, 3), 5.0f); /* G6 */
    bench_destroy(bench);
}

/* When the slowest of several workers leaves, its client's clock may go up by more than one. */
static void clocks_of_several_workers_may_jump(void) {
    bench *const bench = bench_create("ssp:3", 2 * CLIENTS);
    CU_ASSERT_TRUE(flush_nothing(bench, 0, 1, 3));
    bench_destroy(bench);
}

/* Nobody is there to read what was asked for. */
static void those_who_left_get_no_answers(void) {
    bench *const bench = bench_create("ssp:0", CLIENTS);
    CU_ASSERT_TRUE(fetch(bench, 1, 1, 3));
    CU_ASSERT_TRUE(step(bench, PSI_FRAME_LEAVE, 1, NULL, 0));
    CU_ASSERT_TRUE(flush_nothing(bench, 0, 1, 1));
    CU_ASSERT_EQUAL(frame_count(bench), 0);
    CU_ASSERT_EQUAL(bench->shard.parked_count, 0);
    bench_destroy(bench);
}

/* ---- Refusals (G10) ---- */

/* Sends a payload that is wrong and looks whether anything changed. */
static bool is_refused(bench *bench, psi_frame_type type, uint32_t from, const uint8_t *bytes,
                       size_t size) {
    const uint64_t before = digest_shard(0, &bench->shard);
    const bool is_taken = step(bench, type, from, bytes, size);
    return !is_taken && bench->effects.frames == NULL && digest_shard(0, &bench->shard) == before;
}

/* A shard in the midst of its life: clock 1, a request parked, updates held. */
static bench *busy_bench(const char *policy) {
    bench *const bench = bench_create(policy, 2 * CLIENTS);
    CU_ASSERT_TRUE(flush(bench, 0, 1, 1, 0, 1.0f));
    CU_ASSERT_TRUE(flush(bench, 1, 1, 1, 0, 2.0f));
    CU_ASSERT_TRUE(flush(bench, 1, 2, 2, 1, 4.0f));
    CU_ASSERT_TRUE(fetch(bench, 1, 2, 5));
    return bench;
}

typedef struct wrong_flush {
    uint64_t sequence;
    uint32_t from, clock, rank, stamp, row;
} wrong_flush;

static void flushes_out_of_order_are_refused(void) {
    static const wrong_flush cases[] = {
        {1, 0, 2, 0, 1, 3},          {3, 0, 2, 0, 1, 3}, /* sequence */
        {0, 0, 2, 0, 1, 3},          {2, 0, 0, 0, 1, 3}, /* clock goes back */
        {2, 0, UINT32_MAX, 0, 1, 3}, {2, 0, 2, 0, 0, 3}, /* stamp of a finished clock */
        {2, 0, 2, 2, 1, 3},          {2, 0, 2, 4, 1, 3}, /* somebody else's rank, nobody's */
        {2, 0, 2, UINT32_MAX, 1, 3}, {2, 0, 2, 0, UINT32_MAX, 3},
        {2, 0, 2, 0, 1, ROWS},       {2, 2, 2, 0, 1, 3}, /* row, sender */
    };
    static const char *const policies[] = {"bsp", "ssp:1", "essp:1", "async"};
    for (size_t p = 0; p < 4; p++) {
        bench *const bench = busy_bench(policies[p]);
        for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
            const wrong_flush *const wrong = &cases[i];
            uint8_t bytes[BYTES_MAX];
            uint8_t *const to = put_flush(bytes, wrong->sequence, wrong->clock, 1);
            const uint8_t *const end = put_section(to, wrong->rank, wrong->stamp, wrong->row, 9.0f);
            CU_ASSERT_TRUE(
                is_refused(bench, PSI_FRAME_FLUSH, wrong->from, bytes, (size_t)(end - bytes)));
        }
        CU_ASSERT_TRUE(flush(bench, 0, 2, 2, 1, 9.0f)); /* the right one is not */
        bench_destroy(bench);
    }
}

/* G3: the same worker and clock twice in one flush would be an update applied twice. */
static void repeated_sections_are_refused(void) {
    bench *const bench = busy_bench("ssp:1");
    uint8_t bytes[BYTES_MAX];
    uint8_t *end = put_flush(bytes, 2, 2, 2);
    end = put_section(put_section(end, 0, 1, 3, 1.0f), 0, 1, 4, 1.0f);
    CU_ASSERT_TRUE(is_refused(bench, PSI_FRAME_FLUSH, 0, bytes, (size_t)(end - bytes)));
    end = put_flush(bytes, 2, 2, 2);
    end = put_section(put_section(end, 1, 1, 3, 1.0f), 0, 1, 4, 1.0f); /* not by rank */
    CU_ASSERT_TRUE(is_refused(bench, PSI_FRAME_FLUSH, 0, bytes, (size_t)(end - bytes)));
    end = put_flush(bytes, 2, 2, 1);
    memset(end, 0, 16); /* a section without parts: rank 0, stamp 0 */
    psi_put_u32(end + 4, 1);
    CU_ASSERT_TRUE(is_refused(bench, PSI_FRAME_FLUSH, 0, bytes, (size_t)(end + 16 - bytes)));
    bench_destroy(bench);
}

/* Whatever is cut off or added, the frame is refused as a whole. */
static void every_truncation_is_refused(void) {
    bench *const bench = busy_bench("essp:1");
    uint8_t bytes[BYTES_MAX] = {0};
    uint8_t *end = put_flush(bytes, 2, 2, 2);
    end = put_section(put_section(end, 0, 1, 3, 1.0f), 1, 1, 4, 1.0f);
    const size_t flush_bytes = (size_t)(end - bytes);
    for (size_t size = 0; size <= flush_bytes + 1; size++) {
        CU_ASSERT_TRUE(size == flush_bytes || is_refused(bench, PSI_FRAME_FLUSH, 0, bytes, size));
    }
    const uint32_t rows[] = {5, 1};
    static const psi_frame_type types[] = {PSI_FRAME_FETCH, PSI_FRAME_PULL, PSI_FRAME_PUSH};
    for (size_t t = 0; t < 3; t++) {
        const size_t header_bytes = types[t] == PSI_FRAME_FETCH ? 8 : 16;
        const bool with_values = types[t] == PSI_FRAME_PUSH;
        memset(bytes, 0, sizeof bytes);
        psi_put_u32(bytes + (types[t] == PSI_FRAME_FETCH ? 4 : 8), 1);
        const psi_keys keys = psi_keys_of_locals(0, rows, 2);
        end = psi_part_put_keys(bytes + header_bytes, &keys, with_values);
        const size_t whole = (size_t)(end - bytes) + (with_values ? 8 : 0);
        for (size_t size = 0; size <= whole + 1; size++) {
            CU_ASSERT_TRUE(size == whole || is_refused(bench, types[t], 0, bytes, size));
        }
        CU_ASSERT_TRUE(step(bench, types[t], 0, bytes, whole));
        CU_ASSERT_EQUAL(frame_count(bench), 1);
    }
    CU_ASSERT_TRUE(is_refused(bench, PSI_FRAME_LEAVE, 0, bytes, 1));
    bench_destroy(bench);
}

static void strange_frames_are_refused(void) {
    bench *const bench = busy_bench("bsp");
    uint8_t bytes[16] = {0};
    for (uint32_t type = 0; type <= PSI_FRAME_TYPES; type++) {
        const bool is_known = type == PSI_FRAME_LEAVE || type == PSI_FRAME_FETCH ||
                              type == PSI_FRAME_PULL || type == PSI_FRAME_PUSH;
        CU_ASSERT_TRUE(is_known || is_refused(bench, (psi_frame_type)type, 0, bytes, 16));
    }
    CU_ASSERT_TRUE(is_refused(bench, PSI_FRAME_LEAVE, CLIENTS, NULL, 0));
    CU_ASSERT_TRUE(is_refused(bench, PSI_FRAME_LEAVE, UINT32_MAX, NULL, 0));
    CU_ASSERT_TRUE(step(bench, PSI_FRAME_LEAVE, 0, NULL, 0));
    CU_ASSERT_TRUE(is_refused(bench, PSI_FRAME_LEAVE, 0, NULL, 0)); /* gone is gone */
    CU_ASSERT_TRUE(is_refused(bench, PSI_FRAME_FETCH, 0, bytes, 8));
    bench_destroy(bench);
}

/* ---- Bounded values ---- */

static bool seen(bench *bench, uint32_t client, uint64_t released, uint32_t wanted) {
    uint8_t bytes[16];
    psi_put_u64(bytes, released);
    psi_put_u32(bytes + 8, wanted);
    psi_put_u32(bytes + 12, 0);
    return step(bench, PSI_FRAME_SEEN, client, bytes, sizeof bytes);
}

/* Whether the last step tells `client` alone that all have seen `clock`. */
static bool tells(const bench *bench, uint32_t client, uint32_t clock) {
    const psi_frame *const frame = bench->effects.frames;
    return frame_count(bench) == 1 && frame->type == PSI_FRAME_SEEN_BY_ALL && frame->to == client &&
           psi_load_u32(psi_frame_payload(frame) + 4) == clock;
}

/* G7: what one client reads from counts, whichever it is and however far the clock is. */
static void an_answer_in_use_holds_back_what_all_have_seen(void) {
    for (uint32_t holder = 0; holder < CLIENTS; holder++) {
        bench *const bench = bench_create("vap:1", CLIENTS);
        CU_ASSERT_TRUE(fetch(bench, holder, 0, 3)); /* at clock 0 */
        CU_ASSERT_TRUE(flush_nothing(bench, 0, 1, 1));
        CU_ASSERT_TRUE(flush_nothing(bench, 1, 1, 1));
        CU_ASSERT_TRUE(seen(bench, 1 - holder, 0, 1));
        CU_ASSERT_EQUAL(frame_count(bench), 0);
        CU_ASSERT_TRUE(fetch(bench, holder, 0, 3)); /* a newer answer beside it is no help */
        CU_ASSERT_EQUAL(frame_count(bench), 1);
        CU_ASSERT_TRUE(seen(bench, holder, 1, 0));
        CU_ASSERT_TRUE(tells(bench, 1 - holder, 1));
        CU_ASSERT_TRUE(flush_nothing(bench, 0, 2, 2));
        CU_ASSERT_TRUE(flush_nothing(bench, 1, 2, 2));
        CU_ASSERT_TRUE(seen(bench, 1 - holder, 0, 2));
        CU_ASSERT_EQUAL(frame_count(bench), 0); /* the newer answer is of clock 1 */
        CU_ASSERT_TRUE(step(bench, PSI_FRAME_LEAVE, holder, NULL, 0));
        CU_ASSERT_TRUE(tells(bench, 1 - holder, 2)); /* whoever left reads nothing */
        bench_destroy(bench);
    }
}

/* Whoever reads nothing is answered at the clock of that moment, so the clock is what all have. */
static void the_clock_is_seen_where_nobody_reads(void) {
    bench *const bench = bench_create("vap:1", CLIENTS);
    CU_ASSERT_TRUE(seen(bench, 0, 0, 1));
    CU_ASSERT_TRUE(flush_nothing(bench, 0, 1, 1));
    CU_ASSERT_EQUAL(frame_count(bench), 0);
    CU_ASSERT_TRUE(flush_nothing(bench, 1, 1, 1));
    CU_ASSERT_TRUE(tells(bench, 0, 1));
    CU_ASSERT_TRUE(fetch(bench, 1, 0, 3)); /* hears of it with its rows */
    CU_ASSERT_EQUAL(frame_count(bench), 2);
    CU_ASSERT_TRUE(seen(bench, 1, 0, 1)); /* has been told: nothing more */
    CU_ASSERT_EQUAL(frame_count(bench), 0);
    bench_destroy(bench);
}

static void releases_that_no_client_sends_are_refused(void) {
    static const char *const others[] = {"bsp", "ssp:1", "essp:1", "async"};
    uint8_t bytes[24] = {0};
    for (size_t p = 0; p < 4; p++) {
        bench *const bench = bench_create(others[p], CLIENTS);
        CU_ASSERT_TRUE(is_refused(bench, PSI_FRAME_SEEN, 0, bytes, 16));
        bench_destroy(bench);
    }
    bench *const bench = bench_create("vap:1", CLIENTS);
    psi_put_u64(bytes, 1);
    CU_ASSERT_TRUE(is_refused(bench, PSI_FRAME_SEEN, 0, bytes, 16)); /* none was sent */
    CU_ASSERT_TRUE(fetch(bench, 0, 0, 3));
    for (size_t size = 0; size <= 24; size++) {
        CU_ASSERT_TRUE(size == 16 || is_refused(bench, PSI_FRAME_SEEN, 0, bytes, size));
    }
    bytes[12] = 1;
    CU_ASSERT_TRUE(is_refused(bench, PSI_FRAME_SEEN, 0, bytes, 16));
    CU_ASSERT_TRUE(seen(bench, 0, 1, 0));
    psi_put_u64(bytes, 0);
    bytes[12] = 0;
    CU_ASSERT_TRUE(is_refused(bench, PSI_FRAME_SEEN, 0, bytes, 16)); /* goes back */
    bench_destroy(bench);
}

static const suite_test tests[] = {SUITE_TEST(an_answer_in_use_holds_back_what_all_have_seen),
                                   SUITE_TEST(the_clock_is_seen_where_nobody_reads),
                                   SUITE_TEST(releases_that_no_client_sends_are_refused),
                                   SUITE_TEST(parks_until_the_clock_is_complete),
                                   SUITE_TEST(bsp_adds_in_rank_order),
                                   SUITE_TEST(bsp_holds_what_comes_early),
                                   SUITE_TEST(essp_pushes_subscribed_dirty_rows),
                                   SUITE_TEST(essp_pushes_before_it_answers),
                                   SUITE_TEST(leaving_completes_the_clock),
                                   SUITE_TEST(clocks_of_several_workers_may_jump),
                                   SUITE_TEST(those_who_left_get_no_answers),
                                   SUITE_TEST(flushes_out_of_order_are_refused),
                                   SUITE_TEST(repeated_sections_are_refused),
                                   SUITE_TEST(every_truncation_is_refused),
                                   SUITE_TEST(strange_frames_are_refused)};
SUITE_MAIN("shard", tests)
