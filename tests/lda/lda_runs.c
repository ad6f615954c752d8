/* lda through the whole parameter server: a process per worker, over TCP on this machine. */
#define _POSIX_C_SOURCE 200809L /* _exit */

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "algos/lda/lda_app.h"
#include "algos/lda/lda_serial.h"
#include "lda_fixture.h"
#include "support/local_run.h"

static const char small_data[] = "synthetic:docs=400,words=300,topics=6,length=60";

/* Runs lda for `clocks` clocks, a process per worker. Fails the test if the run fails. */
static psi_plan run(const psi_lda_problem *problem, const char *policy, uint32_t shards,
                    uint32_t clocks, psi_results *results) {
    const psi_plan plan = {.algo = &psi_lda_algo,
                           .problem = problem,
                           .worker_count = problem->worker_count,
                           .shard_count = shards,
                           .clock_count = clocks,
                           .eval_every_clocks = 1,
                           .seed = problem->seed};
    return local_run(plan, policy, results);
}

static size_t table_size_bytes(const psi_lda_problem *problem) {
    return (size_t)problem->prior.word_count * problem->prior.topic_count * sizeof(int32_t);
}

static psi_lda_tables tables_of(const psi_lda_problem *problem, const psi_results *results) {
    return psi_lda_tables_of(problem, results->model_dense[0], results->model_dense[1],
                             results->model_sparse[2]);
}

static void sums_check(const psi_lda_problem *problem, const psi_results *results) {
    const psi_lda_tables tables = tables_of(problem, results);
    lda_fixture_sums_check(problem, &tables);
}

/* Whether a run ended with these counts of words. */
static int counts_are(const psi_lda_problem *problem, const psi_results *results,
                      const int32_t *wanted) {
    const psi_lda_tables tables = tables_of(problem, results);
    int32_t *const counts = lda_fixture_counts(problem, &tables);
    const int are_equal = memcmp(counts, wanted, table_size_bytes(problem)) == 0;
    free(counts);
    return are_equal;
}

/* The server must not change what is learned: one worker is the plain loop, to the last count. */
static void one_worker_is_the_plain_loop(void) {
    static const char *const variants[] = {"sampler=dense topics=8",  "sampler=sparse topics=8",
                                           "sampler=alias topics=8",  "sampler=light topics=8",
                                           "sampler=warp topics=8",   "sampler=vector topics=8",
                                           "sampler=fplus topics=8",  "sampler=light topics=500",
                                           "sampler=warp topics=500", "sampler=fplus topics=500"};
    for (size_t v = 0; v < sizeof variants / sizeof variants[0]; v++) {
        psi_lda_problem *const problem = lda_fixture_open(small_data, 3, 1, variants[v]);
        psi_lda_serial serial;
        CU_ASSERT_EQUAL_FATAL(psi_lda_serial_init(&serial, problem), PS_OK);
        for (int pass = 0; pass < 3; pass++) {
            psi_lda_serial_pass(&serial);
        }
        double wanted[PSI_LDA_METRICS];
        psi_lda_serial_evaluate(&serial, wanted);
        psi_results results;
        const psi_plan plan = run(problem, "bsp", 1, 31, &results);
        CU_ASSERT(counts_are(problem, &results, serial.words));
        for (size_t m = 0; m < PSI_LDA_RATE; m++) {
            /* The sums over the topics of rare words go in another order. */
            CU_ASSERT_DOUBLE_EQUAL(local_run_last(&results, m), wanted[m], 1e-12 * fabs(wanted[m]));
        }
        const psi_metrics_row *const last = &results.metrics[results.metrics_count - 1];
        CU_ASSERT_EQUAL(last->values[PSI_LDA_RATE], last->work_units / last->time_s);
        psi_results_fini(&results, &plan);
        psi_lda_serial_fini(&serial);
        psi_lda_problem_close(problem);
    }
}

/* Under bsp the counts do not depend on where the rows are, nor on how the processes were run. */
static void bsp_gives_equal_counts_however_shards_fall(void) {
    static const char *const variants[] = {"sampler=sparse topics=8", "sampler=warp topics=8",
                                           "sampler=fplus topics=500", "sampler=light topics=500"};
    for (size_t v = 0; v < sizeof variants / sizeof variants[0]; v++) {
        psi_lda_problem *const problem = lda_fixture_open(small_data, 5, 4, variants[v]);
        psi_results first;
        const psi_plan plan = run(problem, "bsp", 1, 25, &first);
        sums_check(problem, &first);
        const psi_lda_tables tables = tables_of(problem, &first);
        int32_t *const counts = lda_fixture_counts(problem, &tables);
        for (uint32_t shards = 2; shards <= 4; shards++) {
            psi_results again;
            const psi_plan other = run(problem, "bsp", shards, 25, &again);
            CU_ASSERT(counts_are(problem, &again, counts));
            CU_ASSERT_EQUAL_FATAL(first.metrics_count, again.metrics_count);
            for (size_t i = 0; i < first.metrics_count; i++) {
                CU_ASSERT_EQUAL(memcmp(first.metrics[i].values, again.metrics[i].values,
                                       PSI_LDA_RATE * sizeof(double)),
                                0);
            }
            psi_results_fini(&again, &other);
        }
        free(counts);
        psi_results_fini(&first, &plan);
        psi_lda_problem_close(problem);
    }
}

/* Every policy learns and loses no token, after any number of clocks. */
static void every_policy_keeps_every_token(void) {
    static const char *const policies[] = {"bsp", "ssp:3", "essp:3", "async"};
    for (size_t p = 0; p < sizeof policies / sizeof policies[0]; p++) {
        static const uint32_t clocks[] = {1, 2, 13, 80};
        for (size_t c = 0; c < sizeof clocks / sizeof clocks[0]; c++) {
            psi_lda_problem *const problem =
                lda_fixture_open(small_data, 1, 4, "topics=8 first-topics=uniform");
            psi_results results;
            const psi_plan plan = run(problem, policies[p], 2, clocks[c], &results);
            sums_check(problem, &results);
            CU_ASSERT(results.metrics[0].values[0] < local_run_last(&results, PSI_LDA_OBJECTIVE));
            CU_ASSERT(clocks[c] < 80 || local_run_last(&results, PSI_LDA_OBJECTIVE) >
                                            results.metrics[1].values[0] + 0.5);
            psi_results_fini(&results, &plan);
            psi_lda_problem_close(problem);
        }
    }
}

/* Workers without documents have nothing to do, and must not keep the others from ending. */
static void more_workers_than_documents_end_well(void) {
    psi_lda_problem *const problem = lda_fixture_open("synthetic:docs=3,words=20,topics=2", 1, 8,
                                                      "topics=2 heldout=0 sampler=warp");
    psi_results results;
    const psi_plan plan = run(problem, "ssp:2", 1, 20, &results);
    sums_check(problem, &results);
    CU_ASSERT(isfinite(local_run_last(&results, PSI_LDA_OBJECTIVE)));
    CU_ASSERT_EQUAL(local_run_last(&results, PSI_LDA_PERPLEXITY), 0);
    psi_results_fini(&results, &plan);
    psi_lda_problem_close(problem);
}

static const suite_test tests[] = {
    SUITE_TEST(one_worker_is_the_plain_loop),
    SUITE_TEST(bsp_gives_equal_counts_however_shards_fall),
    SUITE_TEST(every_policy_keeps_every_token),
    SUITE_TEST(more_workers_than_documents_end_well),
};
SUITE_MAIN("lda runs", tests)
