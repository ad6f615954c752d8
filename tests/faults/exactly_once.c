/* G1 to G6 in real processes: every add and every acknowledged push is in the model exactly once,
 * every read includes what it must and nothing from the future; and the workload that says so sees
 * each bug that is planted into it. */
#include "support/suite.h"
#include "trial.h"

static trial trial_of(uint32_t nodes, uint32_t workers_each, const char *policy, bool is_cluster) {
    return (trial){
        .test = {.nodes = nodes, .workers_each = workers_each, .clocks = 90, .policy = policy},
        .options = trial_quick,
        .is_cluster = is_cluster};
}

static void expect_good(trial *t) {
    trial_start(t);
    trial_end(t, 60.0);
    CU_ASSERT_EQUAL(t->code[0], 0);
    uint32_t unfinished = 0;
    for (uint32_t rank = 0; rank < t->test.nodes * t->test.workers_each; rank++) {
        unfinished += atomic_load(&t->test.shared->clocks_done[rank]) != t->test.clocks;
        unfinished += atomic_load(&t->test.shared->pushes_acked[rank]) != t->test.clocks;
    }
    CU_ASSERT_EQUAL(unfinished, 0);
    CU_ASSERT_TRUE(trial_says(t, 0, ""));
    trial_close(t);
}

static void every_add_counts_once(void) {
    const char *const policies[] = {"bsp", "ssp:1", "ssp:3", "essp:2", "async", "vap:0.01"};
    const uint32_t shapes[][2] = {{1, 3}, {2, 2}, {3, 1}, {4, 3}};
    for (size_t p = 0; p < sizeof policies / sizeof policies[0]; p++) {
        for (size_t s = 0; s < sizeof shapes / sizeof shapes[0]; s++) {
            trial t = trial_of(shapes[s][0], shapes[s][1], policies[p], s % 2 == p % 2);
            expect_good(&t);
        }
    }
}

/* A checker that has never seen a bug proves nothing. */
static void planted_bugs_are_seen(void) {
    const char *const words[LEDGER_BUG_COUNT] = {
        [LEDGER_ADDS_TWICE] = "worker 1 at clock 7",
        [LEDGER_LOSES_AN_ADD] = "worker 1 at clock 7",
        [LEDGER_SWAPS_ADDS] = "worker 1 at clock",
        [LEDGER_PUSHES_TWICE] = "worker 1 at clock 7",
        [LEDGER_LOSES_A_PUSH] = "worker 1 at clock 7",
    };
    const char *const policies[] = {"bsp", "async"};
    for (ledger_bug bug = LEDGER_ADDS_TWICE; bug < LEDGER_BUG_COUNT; bug++) {
        for (size_t p = 0; p < sizeof policies / sizeof policies[0]; p++) {
            trial t = trial_of(2, 2, policies[p], false);
            t.test.bug = bug;
            trial_start(&t);
            trial_end(&t, 60.0);
            CU_ASSERT_EQUAL(t.code[0], 3);
            CU_ASSERT_TRUE(atomic_load(&t.test.shared->is_violated));
            CU_ASSERT_PTR_NOT_NULL(strstr(t.test.shared->violation, words[bug]));
            trial_close(&t);
        }
    }
}

/* The same for a policy that lets reads be staler than it says. */
static void a_stale_read_is_seen(void) {
    trial t = trial_of(2, 1, "ssp:3", false);
    t.test.claims_bsp = true;
    t.test.slow_rank = 0;
    t.test.slow_ms = 2;
    trial_start(&t);
    trial_end(&t, 60.0);
    CU_ASSERT_EQUAL(t.code[0], 3);
    CU_ASSERT_PTR_NOT_NULL(strstr(t.test.shared->violation, "is missing (G1)"));
    trial_close(&t);
}

static const suite_test tests[] = {
    SUITE_TEST(every_add_counts_once),
    SUITE_TEST(planted_bugs_are_seen),
    SUITE_TEST(a_stale_read_is_seen),
};
SUITE_MAIN("exactly_once", tests)
