/* A client on a bench: one worker or more, two shards that the test plays, 8 rows of one i32. */
#ifndef CLIENT_BENCH_H
#define CLIENT_BENCH_H

#include <stdlib.h>

#include "core/core_digest.h"
#include "ps/client.h"
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

static inline bench *bench_create(const char *policy, uint32_t workers) {
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

static inline void drop_frames(bench *bench) {
    while (bench->effects.frames != NULL) {
        psi_frame *const frame = bench->effects.frames;
        bench->effects.frames = frame->next;
        psi_frame_release(&bench->pool, frame);
    }
    bench->effects = (psi_effects){.pool = &bench->pool, .woken = bench->woken};
}

static inline void bench_destroy(bench *bench) {
    drop_frames(bench);
    psi_client_fini(&bench->client);
    for (uint32_t w = 0; w < WORKERS_MAX; w++) {
        psi_rows_fini(&bench->rows[w]);
        psi_block_fini(&bench->blocks[w]);
    }
    psi_frame_pool_fini(&bench->pool);
    free(bench);
}

static inline bool step(bench *bench, const psi_client_event *event) {
    drop_frames(bench);
    return psi_client_step(&bench->client, event, &bench->effects);
}

static inline bool waits(const bench *bench, uint32_t worker) {
    return psi_client_is_waiting(&bench->client, worker);
}

static inline bool receive(bench *bench, psi_frame *frame) {
    const psi_client_event event = {.kind = PSI_CLIENT_FRAME, .frame = frame};
    const bool is_good = step(bench, &event);
    psi_frame_release(&bench->pool, frame);
    return is_good;
}

static inline size_t frames_of(const bench *bench, psi_frame_type type) {
    size_t count = 0;
    for (const psi_frame *frame = bench->effects.frames; frame != NULL; frame = frame->next) {
        count += frame->type == type;
    }
    return count;
}

static inline bool is_refused(bench *bench, psi_frame *frame) {
    const uint64_t before = digest_client(0, &bench->client);
    const bool is_taken = receive(bench, frame);
    return !is_taken && digest_client(0, &bench->client) == before &&
           bench->effects.frames == NULL && bench->effects.woken_count == 0;
}

#endif
