/* SIGINT or SIGTERM to any one process ends all of them in good order: what was acknowledged is in
 * the model exactly once, what was measured is kept, and the exit code is 0 everywhere. */
#define _GNU_SOURCE
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "support/signals.h"
#include "support/suite.h"
#include "trial.h"

enum { NODES = 3, WORKERS_EACH = 2 };

static void expect_interrupted(bool is_cluster, uint32_t target, int signal_number,
                               const char *policy) {
    trial t = {
        .test = {.nodes = NODES, .workers_each = WORKERS_EACH, .clocks = 20000, .policy = policy},
        .options = trial_quick,
        .is_cluster = is_cluster,
        .takes_signals = true};
    trial_start(&t);
    trial_await_clocks(&t, 200 + 60 * target);
    trial_await_metrics(&t, 2);
    signals_send(trial_await_process(&t, target), signal_number);
    trial_end(&t, 30.0);
    for (uint32_t rank = 0; rank < t.process_count; rank++) {
        CU_ASSERT_EQUAL(t.code[rank], 0);
        CU_ASSERT_TRUE(trial_says(&t, rank, ""));
    }
    const ledger_end *const end = &t.test.shared->ends[0];
    CU_ASSERT_EQUAL(end->err, PS_OK);
    CU_ASSERT_TRUE(end->was_interrupted);
    CU_ASSERT_TRUE(end->model_is_complete);
    CU_ASSERT_TRUE(end->metrics_count > 1);
    CU_ASSERT_TRUE(t.took_s < 15.0);
    if (!end->was_interrupted || t.code[0] != 0) {
        printf("  %s, signal %d to rank %u: code %d, %s\n", is_cluster ? "cluster" : "local",
               signal_number, target, t.code[0], trial_line(&t, 0));
    }
    trial_close(&t);
}

static void a_signal_to_any_process_ends_all(void) {
    for (uint32_t target = 0; target < NODES; target++) {
        expect_interrupted(false, target, SIGINT, "ssp:2");
        expect_interrupted(false, target, SIGTERM, "bsp");
        expect_interrupted(true, target, SIGINT, "bsp");
        expect_interrupted(true, target, SIGTERM, "async");
    }
}

/* While a rank is missing, nothing has been measured: an interrupted rank ends at once, and says
 * so; the others, which may be waiting for it as well, end when their time to start is over. */
static void a_signal_ends_the_waiting_for_others(void) {
    for (uint32_t target = 0; target < 2; target++) {
        trial t = {.test = {.nodes = NODES, .workers_each = 1, .clocks = 10, .policy = "bsp"},
                   .options = trial_quick,
                   .is_cluster = true,
                   .takes_signals = true,
                   .starts_stopped = true,
                   .stopped_rank = 2};
        t.options.start_timeout_s = 2.0;
        trial_start(&t);
        CU_ASSERT_TRUE(trial_await_ready(&t, target));
        signals_send(t.process[target], SIGINT);
        CU_ASSERT_TRUE(trial_await_end(&t, target, 2.0));
        CU_ASSERT_TRUE(trial_await_end(&t, 1 - target, 8.0));
        signals_send(t.process[2], SIGKILL);
        trial_end(&t, 10.0);
        CU_ASSERT_EQUAL(t.code[target], 0);
        CU_ASSERT_TRUE(trial_says(&t, target, "interrupted before all"));
        CU_ASSERT_TRUE(t.code[1 - target] == 0 || t.code[1 - target] == 5);
        CU_ASSERT_TRUE(
            trial_says(&t, 1 - target, t.code[1 - target] == 0 ? "interrupted" : "rank"));
        trial_close(&t);
    }
}

static const suite_test tests[] = {
    SUITE_TEST(a_signal_to_any_process_ends_all),
    SUITE_TEST(a_signal_ends_the_waiting_for_others),
};

int main(int argc, char **argv) {
    (void)trial_own_network();
    return suite_run("interrupted", tests, sizeof tests / sizeof tests[0],
                     argc > 1 ? argv[1] : NULL);
}
