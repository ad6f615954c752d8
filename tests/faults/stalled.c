/* No silent hang: when nothing moves for the stall time, the run ends with exit code 4 and a line
 * that names who computes, then who waits, for which row of which shard at which clock, and since
 * when. A worker that computes for less than the stall time is nobody's stall. */
#define _GNU_SOURCE
#include <poll.h>
#include <stdio.h>
#include <string.h>

#include "support/suite.h"
#include "trial.h"

enum { NODES = 3, WORKERS_EACH = 2, BUSY_RANK = 3 };

/* Who computes for how long, at which clock. */
typedef struct slow_step {
    uint32_t rank, clock;
    int time_ms;
} slow_step;

static void compute_long(void *context, ps_worker *worker, ledger_phase phase) {
    const slow_step *const slow = context;
    if (phase == LEDGER_IN_COMPUTE && ps_rank(worker) == slow->rank &&
        ps_clock_now(worker) == slow->clock) {
        (void)poll(NULL, 0, slow->time_ms); /* the work itself */
    }
}

static trial trial_of(slow_step *slow) {
    trial t = {.test = {.nodes = NODES,
                        .workers_each = WORKERS_EACH,
                        .clocks = 40,
                        .policy = "ssp:1",
                        .at = compute_long,
                        .context = slow},
               .options = trial_quick,
               .is_cluster = true};
    t.options.stall_timeout_s = 1.5;
    t.options.stop_timeout_s = 0.5;
    return t;
}

static uint32_t times_said(const char *text, const char *words) {
    uint32_t count = 0;
    for (const char *at = strstr(text, words); at != NULL; at = strstr(at + 1, words)) {
        count++;
    }
    return count;
}

static void the_line_says_who_waits_for_whom(void) {
    slow_step slow = {.rank = BUSY_RANK, .clock = 7, .time_ms = 60000};
    trial t = trial_of(&slow);
    trial_start(&t);
    trial_end(&t, 20.0);
    CU_ASSERT_EQUAL(t.code[0], 4);
    CU_ASSERT_TRUE(trial_says(&t, 0, "nothing moved for 1."));
    CU_ASSERT_TRUE(trial_says(&t, 0, "worker 3 (process 1) has been computing clock 7 for 1."));
    CU_ASSERT_TRUE(trial_says(&t, 0, "worker 0 at clock 9 has waited 1."));
    CU_ASSERT_TRUE(trial_says(&t, 0, " of table cells at clock 8 from shard "));
    /* Five wait: as many as there is room for are named, the others counted. */
    const char *const line = trial_line(&t, 0);
    const char *const counted = strstr(line, " more of 6 wait");
    CU_ASSERT_PTR_NOT_NULL_FATAL(counted);
    CU_ASSERT_TRUE(times_said(line, "has waited") >= 2);
    CU_ASSERT_EQUAL(times_said(line, "has waited") + (uint32_t)(counted[-1] - '0'), 5);
    printf("  %s\n", line);
    trial_close(&t);
}

/* Under vap a clock waits, too: the line says what all must have seen before it can end. */
static void the_line_says_what_all_must_see(void) {
    slow_step slow = {.rank = BUSY_RANK, .clock = 7, .time_ms = 60000};
    trial t = trial_of(&slow);
    t.test.policy = "vap:0.01";
    trial_start(&t);
    trial_end(&t, 20.0);
    CU_ASSERT_EQUAL(t.code[0], 4);
    CU_ASSERT_TRUE(trial_says(&t, 0, "worker 3 (process 1) has been computing clock 7 for 1."));
    CU_ASSERT_TRUE(trial_says(&t, 0, " until all workers have seen its updates before clock "));
    CU_ASSERT_TRUE(trial_says(&t, 0, ", last heard of: those before clock "));
    printf("  %s\n", trial_line(&t, 0));
    trial_close(&t);
}

/* Long steps, each shorter than the stall time, that take longer than it together. */
static void a_long_computation_is_no_stall(void) {
    slow_step slow = {.rank = BUSY_RANK, .clock = 7, .time_ms = 1100};
    trial t = trial_of(&slow);
    t.test.slow_rank = BUSY_RANK;
    t.test.slow_ms = 60; /* in every clock */
    trial_start(&t);
    trial_end(&t, 60.0);
    for (uint32_t rank = 0; rank < NODES; rank++) {
        CU_ASSERT_EQUAL(t.code[rank], 0);
        CU_ASSERT_TRUE(trial_says(&t, rank, ""));
    }
    trial_close(&t);
}

static const suite_test tests[] = {
    SUITE_TEST(the_line_says_who_waits_for_whom),
    SUITE_TEST(the_line_says_what_all_must_see),
    SUITE_TEST(a_long_computation_is_no_stall),
};

int main(int argc, char **argv) {
    (void)trial_own_network();
    return suite_run("stalled", tests, sizeof tests / sizeof tests[0], argc > 1 ? argv[1] : NULL);
}
