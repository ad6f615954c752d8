/* A rank that is stopped (SIGSTOP, or a machine that hangs): for longer than the others wait, it is
 * dead for them, and when it comes back it finds that out and ends, too; for less, nobody minds. */
#define _GNU_SOURCE
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "support/signals.h"
#include "support/suite.h"
#include "trial.h"

static trial trial_of(const char *policy, uint32_t clocks, double silence_s) {
    trial t = {.test = {.nodes = 3, .workers_each = 1, .clocks = clocks, .policy = policy},
               .options = trial_quick,
               .is_cluster = true};
    t.options.silence_timeout_s = silence_s;
    return t;
}

static void sleep_s(double time_s) {
    const struct timespec pause = {.tv_sec = (time_t)time_s,
                                   .tv_nsec = (long)((time_s - (double)(time_t)time_s) * 1e9)};
    (void)nanosleep(&pause, NULL); /* the pause itself, not a synchronisation */
}

/* The others end with one line that names the stopped rank; then it goes on and is refused. */
static void expect_fenced(uint32_t victim) {
    char who[64];
    (void)snprintf(who, sizeof who, "process %u (node %u)", victim, victim);
    trial t = trial_of(victim == 1 ? "bsp" : "ssp:2", 20000, 1.5);
    trial_start(&t);
    trial_await_clocks(&t, 60);
    signals_send(t.process[victim], SIGSTOP);
    const double stopped_s = trial_now_s();
    for (uint32_t rank = 0; rank < t.test.nodes; rank++) {
        CU_ASSERT_TRUE(rank == victim || trial_await_end(&t, rank, 20.0));
    }
    CU_ASSERT_TRUE(trial_now_s() - stopped_s < 1.5 + 2.5); /* nobody waits for its last word */
    const uint32_t clocks_then = atomic_load(&t.test.shared->clocks_done[victim]);
    const uint32_t acked_then = atomic_load(&t.test.shared->pushes_acked[victim]);
    signals_send(t.process[victim], SIGCONT);
    trial_end(&t, 20.0);
    for (uint32_t rank = 0; rank < t.test.nodes; rank++) {
        CU_ASSERT_EQUAL(t.code[rank], 5);
        CU_ASSERT_TRUE(trial_says(&t, rank, rank == victim ? "process" : who));
        CU_ASSERT_TRUE(rank == victim || trial_says(&t, rank, "has been silent for"));
        CU_ASSERT_FALSE(t.test.shared->ends[rank].model_is_complete);
    }
    /* What was under way in the stopped rank may end, but nothing new is acknowledged to it. */
    CU_ASSERT_TRUE(atomic_load(&t.test.shared->clocks_done[victim]) <= clocks_then + 1);
    CU_ASSERT_TRUE(atomic_load(&t.test.shared->pushes_acked[victim]) <= acked_then + 1);
    trial_close(&t);
}

static void a_long_stop_is_a_death(void) {
    for (uint32_t victim = 0; victim < 3; victim++) {
        expect_fenced(victim);
    }
}

static uint64_t digest_of(uint32_t victim) {
    trial t = trial_of("bsp", 400, 4.0);
    trial_start(&t);
    if (victim < t.test.nodes) {
        trial_await_clocks(&t, 90);
        signals_send(t.process[victim], SIGSTOP);
        sleep_s(1.2);
        signals_send(t.process[victim], SIGCONT);
    }
    trial_end(&t, 60.0);
    for (uint32_t rank = 0; rank < t.test.nodes; rank++) {
        CU_ASSERT_EQUAL(t.code[rank], 0);
        CU_ASSERT_TRUE(trial_says(&t, rank, ""));
    }
    const uint64_t digest = t.test.shared->ends[0].model_digest;
    trial_close(&t);
    return digest;
}

static void a_short_stop_changes_no_bit(void) {
    const uint64_t expected = digest_of(UINT32_MAX);
    for (uint32_t victim = 0; victim < 2; victim++) {
        CU_ASSERT_EQUAL(digest_of(victim), expected);
    }
}

static const suite_test tests[] = {
    SUITE_TEST(a_long_stop_is_a_death),
    SUITE_TEST(a_short_stop_changes_no_bit),
};

int main(int argc, char **argv) {
    (void)trial_own_network();
    return suite_run("paused", tests, sizeof tests / sizeof tests[0], argc > 1 ? argv[1] : NULL);
}
