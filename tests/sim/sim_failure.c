/* What goes wrong in a simulated cluster ends the run at that time, with a line that says who and
 * who waits; and never hangs. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support/suite.h"
#include "toy.h"

enum { WORKERS = 4, CLOCKS = 20 };

static double seconds[CLOCKS * WORKERS];
static const char *const nets[] = {"nic", "flow"};

static toy_run run_of(const char *policy, const char *const *options) {
    for (uint32_t i = 0; i < CLOCKS * WORKERS; i++) {
        seconds[i] = i % WORKERS == 3 ? 1.0 : 0.25; /* worker 3 is slow: the others wait for it */
    }
    return (toy_run){.problem = {.row_count = 5,
                                 .column_count = 4,
                                 .worker_count = WORKERS,
                                 .clock_count = CLOCKS,
                                 .seconds = seconds},
                     .node_count = WORKERS,
                     .shard_count = 2,
                     .eval_every_clocks = 1,
                     .seed = 1,
                     .policy = policy,
                     .options = options};
}

static void fault_says(const toy_outcome *outcome, const char *what) {
    if (strstr(outcome->fault, what) == NULL) {
        printf("\n    '%s' does not say '%s'\n", outcome->fault, what);
        CU_FAIL("the report does not help");
    }
}

static void a_failed_node_ends_the_run_and_is_named(void) {
    for (size_t i = 0; i < 2; i++) {
        const char *const options[] = {"net",  nets[i],        "fail", "node=3,at=2.6s",
                                       "fail", "node=1,at=7s", NULL};
        static toy_outcome outcome;
        toy_run run = run_of("bsp", options);
        CU_ASSERT_TRUE_FATAL(toy_run_in_child(&run, &outcome));
        CU_ASSERT_EQUAL(outcome.err, PS_EPEER);
        CU_ASSERT_EQUAL(ps_err_exit_code(outcome.err), 5);
        fault_says(&outcome, "node 3 failed at 2.6 s");
        fault_says(&outcome, "worker 0 at clock 3 has waited");
        fault_says(&outcome, "worker 1 at clock 3");
        CU_ASSERT_DOUBLE_EQUAL(outcome.time_s, 2.6, 1e-3);
        CU_ASSERT_TRUE(outcome.metrics_count >= 2); /* what was measured so far is there */
        CU_ASSERT_TRUE(outcome.trace_count >= 9);
    }
}

static void a_failed_link_ends_the_run_and_is_named(void) {
    for (size_t i = 0; i < 2; i++) {
        const char *const options[] = {"net", nets[i], "fail", "link=2,at=5.1s,until=6s", NULL};
        static toy_outcome outcome;
        toy_run run = run_of("ssp:1", options);
        CU_ASSERT_TRUE_FATAL(toy_run_in_child(&run, &outcome));
        CU_ASSERT_EQUAL(outcome.err, PS_EPEER);
        fault_says(&outcome, "the link of node 2 failed at 5.1 s (until 6 s");
        CU_ASSERT_DOUBLE_EQUAL(outcome.time_s, 5.1, 1e-3);
    }
}

static void a_failure_after_the_end_is_none(void) {
    for (size_t i = 0; i < 2; i++) {
        const char *const options[] = {"net", nets[i], "fail", "node=2,at=1h", NULL};
        static toy_outcome outcome;
        toy_run run = run_of("ssp:1", options);
        CU_ASSERT_TRUE_FATAL(toy_run_in_child(&run, &outcome));
        CU_ASSERT_EQUAL(outcome.err, PS_OK);
        CU_ASSERT_TRUE(outcome.time_s < 21.0);
    }
}

/* Worker 0 computes for ever: the others must not hang for it. */
static void a_stall_says_who_waits_for_whom(void) {
    for (size_t i = 0; i < 2; i++) {
        const char *const options[] = {"net", nets[i], NULL};
        static toy_outcome outcome;
        toy_run run = run_of("ssp:2", options);
        run.problem.has_endless_step = true;
        CU_ASSERT_TRUE_FATAL(toy_run_in_child(&run, &outcome));
        CU_ASSERT_EQUAL(outcome.err, PS_ESTALL);
        CU_ASSERT_EQUAL(ps_err_exit_code(outcome.err), 4);
        fault_says(&outcome, "nothing can move any more");
        fault_says(&outcome, "worker 1 at clock 4 has waited");
        fault_says(&outcome, "for row");
    }
}

static void an_interrupted_run_keeps_what_was_measured(void) {
    for (size_t i = 0; i < 2; i++) {
        const char *const options[] = {"net", nets[i], NULL};
        static toy_outcome outcome;
        toy_run run = run_of("ssp:2", options);
        run.interrupt_after_metrics = 5;
        CU_ASSERT_TRUE_FATAL(toy_run_in_child(&run, &outcome));
        CU_ASSERT_EQUAL(outcome.err, PS_OK);
        CU_ASSERT_TRUE(outcome.was_interrupted);
        CU_ASSERT_TRUE(outcome.metrics_count >= 5);
        CU_ASSERT_TRUE(outcome.metrics_count < CLOCKS);
        CU_ASSERT_TRUE(outcome.time_s < 10.0);
    }
}

static const suite_test tests[] = {
    SUITE_TEST(a_failed_node_ends_the_run_and_is_named),
    SUITE_TEST(a_failed_link_ends_the_run_and_is_named),
    SUITE_TEST(a_failure_after_the_end_is_none),
    SUITE_TEST(a_stall_says_who_waits_for_whom),
    SUITE_TEST(an_interrupted_run_keeps_what_was_measured),
};
SUITE_MAIN("sim_failure", tests)
