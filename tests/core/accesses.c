/* Pushes and pulls of a client, event by event: what belongs to which handle, and when it is
 * complete. The test plays the shards. */
#include "core/client_bench.h"
#include "ps/part.h"

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
    CU_ASSERT_FALSE(receive(bench, acknowledged(bench, 0, piece))); /* nor by another shard */
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
    SUITE_TEST(pulls_arrive_in_the_order_of_keys),
    SUITE_TEST(no_keys_are_complete_at_once),
    SUITE_TEST(a_place_is_used_again_under_another_handle),
    SUITE_TEST(a_push_in_pieces_is_complete_when_all_are),
    SUITE_TEST(pulls_of_those_who_left_are_dropped),
    SUITE_TEST(answers_that_nobody_waits_for_are_refused),
};
SUITE_MAIN("accesses", tests)
