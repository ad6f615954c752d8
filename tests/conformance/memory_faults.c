/* The port `memory` itself: a seed repeats a run, faults are found, and it is fast enough to be of
 * use. */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "conformance/tags.h"
#include "support/memory_port.h"
#include "support/suite.h"

static psi_plan plan_of(tags_problem *problem, const char *policy, uint32_t nodes, uint32_t shards,
                        uint32_t clocks) {
    psi_plan plan = {.node_count = nodes,
                     .worker_count = nodes,
                     .shard_count = shards,
                     .process_count = 1,
                     .clock_count = clocks,
                     .seed = 7};
    const ps_err err = psi_policy_parse(policy, &plan.policy, NULL);
    PS_ASSERT(err == PS_OK);
    *problem = (tags_problem){.leaving_rank = TAGS_NOBODY, .failing_rank = TAGS_NOBODY};
    tags_plan(problem, &plan);
    return plan;
}

static ps_err run(const psi_plan *plan, const memory_options *options, memory_stats *stats,
                  ps_fault *fault) {
    psi_results results = {0};
    ps_err err = memory_run(plan, options, &results, stats, fault);
    if (err == PS_OK && tags_complaint(plan, &results) != NULL) {
        err = PS_EBROKEN;
    }
    psi_results_fini(&results, plan);
    return err;
}

static void a_seed_repeats_a_run(void) {
    tags_problem problem;
    const psi_plan plan = plan_of(&problem, "async", 4, 2, 10);
    memory_stats stats[3];
    for (uint64_t i = 0; i < 3; i++) {
        const memory_options options = {.seed = 11 + i / 2, .has_slow_parts = true};
        ps_fault fault = {0};
        CU_ASSERT_EQUAL(run(&plan, &options, &stats[i], &fault), PS_OK);
    }
    CU_ASSERT_EQUAL(memcmp(&stats[0], &stats[1], sizeof stats[0]), 0);
    CU_ASSERT_NOT_EQUAL(memcmp(&stats[0], &stats[2], sizeof stats[0]), 0);
}

/* G11: whatever frame is lost, the run ends, and says who waits for what if somebody does. */
static void a_lost_frame_does_not_hang_the_run(void) {
    static const char *const policies[] = {"bsp", "ssp:1", "essp:1", "async", "vap:0.5"};
    size_t stalls = 0;
    for (size_t p = 0; p < 5; p++) {
        for (uint64_t lost = 1; lost < 120; lost++) {
            tags_problem problem;
            const psi_plan plan = plan_of(&problem, policies[p], 3, 2, 3);
            const memory_options options = {.seed = lost, .lose_frame = lost};
            ps_fault fault = {0};
            const ps_err err = run(&plan, &options, NULL, &fault);
            stalls += err == PS_ESTALL && strstr(fault.text, "has waited") != NULL;
            CU_ASSERT_TRUE(err == PS_OK || fault.text[0] != '\0' || err == PS_EBROKEN);
        }
    }
    CU_ASSERT_TRUE(stalls > 100);
}

/* G10: a flipped bit that no checksum caught is refused by the core, or found by the workers, or
 * harmless; nothing crashes. */
static void a_spoiled_frame_does_not_crash_the_run(void) {
    static const char *const policies[] = {"bsp", "ssp:1", "essp:1", "async", "vap:0.5"};
    size_t refused = 0;
    for (size_t p = 0; p < 5; p++) {
        for (uint64_t seed = 1; seed <= 300; seed++) {
            tags_problem problem;
            psi_plan plan = plan_of(&problem, policies[p], 3, 2, 3);
            problem.with_pushes = seed % 2 == 0;
            const memory_options options = {.seed = seed, .spoil_frame = 1 + seed % 100};
            ps_fault fault = {0};
            refused += run(&plan, &options, NULL, &fault) == PS_EBROKEN;
        }
    }
    CU_ASSERT_TRUE(refused > 100);
    printf("\n    %zu of 1500 runs with a spoiled frame were refused", refused);
}

/* ---- The rate ---- */

enum { LIGHT_ROWS = 64 };

static size_t light_tables(const void *problem, ps_table_spec *specs) {
    (void)problem;
    specs[0] = (ps_table_spec){"light", PS_F32, PS_DENSE, LIGHT_ROWS, 4, 1, false};
    return 1;
}

static ps_err light_work(ps_worker *worker, const void *problem) {
    (void)problem;
    uint64_t rows[LIGHT_ROWS];
    for (uint64_t row = 0; row < LIGHT_ROWS; row++) {
        rows[row] = row;
    }
    for (uint32_t clock = 0; clock < ps_clock_count(worker); clock++) {
        PS_TRY(ps_fetch(worker, 0, rows, LIGHT_ROWS));
        PS_TRY(ps_clock(worker));
    }
    return PS_OK;
}

static void light_evaluate(const void *problem, uint32_t rank, const void *local,
                           size_t local_size_bytes, const ps_model *model, double *sums) {
    (void)problem;
    (void)rank;
    (void)local;
    (void)local_size_bytes;
    (void)model;
    (void)sums;
}

static void light_finish(const void *problem, const double *sums, double *metrics) {
    (void)problem;
    (void)sums;
    metrics[0] = 0.0;
}

/* Not a timed test: it prints the rate. */
static void many_messages_pass(void) {
    static const char *const names[] = {"objective"};
    const ps_algo light = {.name = "light",
                           .metrics = names,
                           .metric_count = 1,
                           .tables = light_tables,
                           .worker = light_work,
                           .evaluate = light_evaluate,
                           .finish = light_finish};
    psi_plan plan = {.algo = &light,
                     .node_count = 32,
                     .worker_count = 32,
                     .shard_count = 16,
                     .process_count = 1,
                     .clock_count = 300,
                     .table_count = 1};
    light_tables(NULL, plan.specs);
    CU_ASSERT_EQUAL_FATAL(psi_policy_parse("ssp:1", &plan.policy, NULL), PS_OK);
    const memory_options options = {.seed = 1};
    memory_stats stats;
    ps_fault fault = {0};
    psi_results results = {0};
    const clock_t start = clock();
    CU_ASSERT_EQUAL(memory_run(&plan, &options, &results, &stats, &fault), PS_OK);
    const double time_s = (double)(clock() - start) / CLOCKS_PER_SEC;
    printf("\n    %llu frames and %llu switches in %.3f s: %.0f frames/s",
           (unsigned long long)stats.frames, (unsigned long long)stats.switches, time_s,
           (double)stats.frames / (time_s + 1e-9));
    psi_results_fini(&results, &plan);
    CU_ASSERT_TRUE(stats.frames > 300000);
}

static const suite_test tests[] = {
    SUITE_TEST(a_seed_repeats_a_run), SUITE_TEST(a_lost_frame_does_not_hang_the_run),
    SUITE_TEST(a_spoiled_frame_does_not_crash_the_run), SUITE_TEST(many_messages_pass)};
SUITE_MAIN("memory_faults", tests)
