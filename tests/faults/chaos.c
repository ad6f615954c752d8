/* A bad network between the ranks. Delays, and writes of single bytes, change not a bit under bsp.
 * Stalls, resets, ends in the middle and flipped bits end the run everywhere, each with one line
 * and exit code 5: no hang, no damaged result.
 *
 *     TORTOISE_FAULT_TRIALS=25 test_chaos     trials of each kind; TORTOISE_FAULT_SEED: other ones
 */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "support/suite.h"
#include "trial.h"

enum { NODES = 3 };

static trial trial_of(const char *policy, uint32_t clocks, chaos_kind kind, uint64_t seed) {
    trial t = {.test = {.nodes = NODES, .workers_each = 1, .clocks = clocks, .policy = policy},
               .options = trial_quick,
               .is_cluster = true,
               .chaos = {.kind = kind, .seed = seed}};
    return t;
}

static uint64_t digest_through(chaos_kind kind, const char *policy, uint64_t seed) {
    trial t = trial_of(policy, 24, kind, seed);
    trial_start(&t);
    trial_end(&t, 90.0);
    for (uint32_t rank = 0; rank < NODES; rank++) {
        CU_ASSERT_EQUAL(t.code[rank], 0);
        CU_ASSERT_TRUE(trial_says(&t, rank, ""));
    }
    const uint64_t digest = t.test.shared->ends[0].model_digest;
    CU_ASSERT_TRUE(kind == CHAOS_NOTHING || atomic_load(&t.chaos_state->bytes) > 10000);
    trial_close(&t);
    return digest;
}

static void delays_and_single_bytes_change_no_bit(void) {
    const uint64_t seed = trial_number("TORTOISE_FAULT_SEED", 1);
    const uint64_t expected = digest_through(CHAOS_NOTHING, "bsp", seed);
    CU_ASSERT_EQUAL(digest_through(CHAOS_DELAY, "bsp", seed), expected);
    CU_ASSERT_EQUAL(digest_through(CHAOS_BYTES, "bsp", seed), expected);
    (void)digest_through(CHAOS_DELAY, "ssp:2", seed); /* judged by the ledger alone */
    (void)digest_through(CHAOS_BYTES, "essp:2", seed);
}

/* Does one thing to one connection. Early bytes, the greeting, are as likely as late ones. */
static void one_trial(chaos_kind kind, uint64_t seed) {
    trial t = trial_of(trial_draw(seed, 0, 2) == 0 ? "bsp" : "ssp:2", 20000, kind, seed);
    t.options.silence_timeout_s = 1.5;
    t.options.start_timeout_s = 3.0;
    t.options.stop_timeout_s = 3.0;
    t.chaos.gate = trial_draw(seed, 1, NODES - 1); /* nobody connects to the last rank */
    t.chaos.is_upstream = trial_draw(seed, 2, 2) == 0;
    t.chaos.after_bytes = (uint64_t)exp(trial_draw(seed, 3, 1000) * 0.0125);
    trial_start(&t);
    trial_end(&t, 60.0);
    CU_ASSERT_TRUE(atomic_load(&t.chaos_state->is_done));
    for (uint32_t rank = 0; rank < NODES; rank++) {
        CU_ASSERT_EQUAL(t.code[rank], 5);
        CU_ASSERT_TRUE(trial_says(&t, rank, "process "));
        CU_ASSERT_FALSE(t.test.shared->ends[rank].model_is_complete);
    }
    printf("  seed %llu: %s of rank %u's %s stream after %llu bytes, %.2f s: %s\n",
           (unsigned long long)seed, chaos_kind_name(kind), t.chaos.gate,
           t.chaos.is_upstream ? "incoming" : "outgoing", (unsigned long long)t.chaos.after_bytes,
           t.took_s, trial_line(&t, 0));
    trial_close(&t);
}

static void what_breaks_a_connection_ends_the_run(void) {
    const uint64_t first = trial_number("TORTOISE_FAULT_SEED", 1);
    const uint64_t count = trial_number("TORTOISE_FAULT_TRIALS", 2);
    for (chaos_kind kind = CHAOS_STALL; kind < CHAOS_KINDS; kind++) {
        for (uint64_t i = 0; i < count; i++) {
            one_trial(kind, first + i * CHAOS_KINDS + kind);
        }
    }
}

static const suite_test tests[] = {
    SUITE_TEST(delays_and_single_bytes_change_no_bit),
    SUITE_TEST(what_breaks_a_connection_ends_the_run),
};

int main(int argc, char **argv) {
    (void)trial_own_network();
    return suite_run("chaos", tests, sizeof tests / sizeof tests[0], argc > 1 ? argv[1] : NULL);
}
