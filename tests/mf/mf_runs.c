/* mf through the whole parameter server: a process per worker, over TCP on this machine. */
#define _POSIX_C_SOURCE 200809L /* _exit */

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "algos/mf/app.h"
#include "algos/mf/serial.h"
#include "mf_fixture.h"
#include "support/local_run.h"

static const char small_data[] = "synthetic:users=400,items=80,rank=5,ratings=16000";

/* Runs mf for `clocks` clocks, a process per worker. Fails the test if the run fails. */
static psi_plan run(const psi_mf_problem *problem, const char *policy, uint32_t shards,
                    uint32_t clocks, psi_results *results) {
    const psi_plan plan = {.algo = &psi_mf_algo,
                           .problem = problem,
                           .worker_count = problem->worker_count,
                           .shard_count = shards,
                           .clock_count = clocks,
                           .eval_every_clocks = 5,
                           .seed = problem->seed};
    return local_run(plan, policy, results);
}

/* The server must not change what is learned: one worker ends where the plain loop ends, but for
 * the rounding of differences. */
static void one_worker_learns_what_the_plain_loop_learns(void) {
    static const char *const variants[] = {"rank=8", "rank=8 adagrad=coordinate",
                                           "rank=5 biases=no schedule=bold-driver"};
    for (size_t v = 0; v < sizeof variants / sizeof variants[0]; v++) {
        psi_mf_problem *const problem = mf_fixture_open(small_data, 3, 1, variants[v]);
        psi_mf_serial serial;
        CU_ASSERT_EQUAL_FATAL(psi_mf_serial_init(&serial, problem), PS_OK);
        for (int pass = 0; pass < 20; pass++) {
            (void)psi_mf_serial_pass(&serial);
        }
        double wanted[PSI_MF_METRICS];
        psi_mf_serial_evaluate(&serial, wanted);
        psi_results results;
        const psi_plan plan = run(problem, "bsp", 1, 200, &results);
        for (size_t m = 0; m < PSI_MF_METRICS; m++) {
            const double got = local_run_last(&results, m);
            if (!(fabs(got - wanted[m]) <= 0.002 * wanted[m])) {
                printf("%s: %s is %.5g, not %.5g\n", variants[v], psi_mf_algo.metrics[m], got,
                       wanted[m]);
            }
            CU_ASSERT_DOUBLE_EQUAL(got, wanted[m], 0.002 * wanted[m]);
        }
        psi_results_fini(&results, &plan);
        psi_mf_serial_fini(&serial);
        psi_mf_problem_close(problem);
    }
}

/* Threads come and go in any order; under bsp the bits of the model do not, wherever its rows are.
 */
static void bsp_gives_equal_bits_however_threads_and_shards_fall(void) {
    psi_mf_problem *const problem = mf_fixture_open(small_data, 5, 4, "rank=8");
    const size_t size = problem->item_count * psi_mf_width(problem->shape) * sizeof(float);
    psi_results first;
    const psi_plan plan = run(problem, "bsp", 1, 30, &first);
    static const uint32_t shards[] = {1, 2, 3, 4, 1, 2, 4};
    for (size_t s = 0; s < sizeof shards / sizeof shards[0]; s++) {
        psi_results again;
        const psi_plan other = run(problem, "bsp", shards[s], 30, &again);
        CU_ASSERT_EQUAL(memcmp(first.model_dense[0], again.model_dense[0], size), 0);
        CU_ASSERT_EQUAL(first.metrics_count, again.metrics_count);
        CU_ASSERT_EQUAL(local_run_last(&first, PSI_MF_OBJECTIVE),
                        local_run_last(&again, PSI_MF_OBJECTIVE));
        psi_results_fini(&again, &other);
    }
    psi_results_fini(&first, &plan);
    psi_mf_problem_close(problem);
}

/* Every policy must learn, and the evaluation must see users and items of the same moment. How far
 * async gets depends on how the machine schedules its workers: of it only learning is asked. */
static void every_policy_learns(void) {
    static const char *const policies[] = {"bsp", "ssp:3", "essp:3", "async"};
    for (size_t p = 0; p < sizeof policies / sizeof policies[0]; p++) {
        psi_mf_problem *const problem = mf_fixture_open("synthetic", 1, 4, NULL);
        psi_results results;
        const psi_plan plan = run(problem, policies[p], 2, 200, &results);
        const double heldout = local_run_last(&results, PSI_MF_HELDOUT_RMSE);
        const bool is_bounded = strcmp(policies[p], "async") != 0;
        if (!(heldout < 0.57)) {
            printf("%s: held-out %.4f\n", policies[p], heldout);
        }
        CU_ASSERT(!is_bounded || heldout < 0.57);
        CU_ASSERT(results.metrics[0].values[PSI_MF_OBJECTIVE] >
                  local_run_last(&results, PSI_MF_OBJECTIVE));
        psi_results_fini(&results, &plan);
        psi_mf_problem_close(problem);
    }
}

/* Workers without users have nothing to do, and must not keep the others from ending. */
static void more_workers_than_users_end_well(void) {
    psi_mf_problem *const problem =
        mf_fixture_open("synthetic:users=3,items=20,rank=2,ratings=60", 1, 8, "rank=2");
    psi_results results;
    const psi_plan plan = run(problem, "ssp:2", 1, 20, &results);
    CU_ASSERT(isfinite(local_run_last(&results, PSI_MF_OBJECTIVE)));
    psi_results_fini(&results, &plan);
    psi_mf_problem_close(problem);
}

/* A run that diverges ends like any other and says so in its numbers. */
static void a_run_that_diverges_ends_well(void) {
    psi_mf_problem *const problem =
        mf_fixture_open(small_data, 1, 4, "step=50 damping=0 schedule=constant");
    psi_results results;
    const psi_plan plan = run(problem, "ssp:3", 2, 30, &results);
    CU_ASSERT_FALSE(isfinite(local_run_last(&results, PSI_MF_OBJECTIVE)));
    psi_results_fini(&results, &plan);
    psi_mf_problem_close(problem);
}

static const suite_test tests[] = {
    SUITE_TEST(one_worker_learns_what_the_plain_loop_learns),
    SUITE_TEST(bsp_gives_equal_bits_however_threads_and_shards_fall),
    SUITE_TEST(every_policy_learns),
    SUITE_TEST(more_workers_than_users_end_well),
    SUITE_TEST(a_run_that_diverges_ends_well),
};
SUITE_MAIN("mf runs", tests)
