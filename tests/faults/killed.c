/* kill -9 of any rank at any moment: the run ends within seconds, with one line that says who died
 * and at which clock, with exit code 5, and leaves neither process nor port behind. No guarantee is
 * violated on the way: what was read until then was right.
 *
 *     TORTOISE_FAULT_TRIALS=100 test_killed     more trials; TORTOISE_FAULT_SEED: other ones
 */
#define _GNU_SOURCE
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support/signals.h"
#include "support/suite.h"
#include "trial.h"

enum { NODES = 3, WORKERS_EACH = 2, CLOCK_MAX = 400 };

static const double end_within_s = 8.0; /* on a machine with as many other tests as it can take */

/* Who is killed, by whom and when. */
typedef struct deed {
    const ledger *test;
    uint32_t victim, killer_rank, clock;
    ledger_phase phase;
} deed;

static void kill_at(void *context, ps_worker *worker, ledger_phase phase) {
    const deed *const d = context;
    if (phase != d->phase || ps_rank(worker) != d->killer_rank ||
        ps_clock_now(worker) != d->clock) {
        return;
    }
    int victim = 0;
    while ((victim = atomic_load(&d->test->shared->processes[d->victim])) == 0) {
        (void)poll(NULL, 0, 1); /* it has joined, but its workers have not begun */
    }
    signals_send(victim, SIGKILL);
}

/* The clock that a line names last; -1 if it names none. */
static long clock_named(const char *line) {
    long clock = -1;
    for (const char *at = strstr(line, "at clock "); at != NULL; at = strstr(at + 1, "at clock ")) {
        clock = strtol(at + strlen("at clock "), NULL, 10);
    }
    return clock;
}

/* What a process that outlived the victim says. */
static void check_survivor(const trial *t, const deed *d, uint32_t rank) {
    char who[48];
    uint32_t clock_max = 0;
    (void)snprintf(who, sizeof who, "process %u (node %u)", d->victim, d->victim);
    for (uint32_t i = 0; i < WORKERS_EACH; i++) {
        const uint32_t done =
            atomic_load(&t->test.shared->clocks_done[d->victim * WORKERS_EACH + i]);
        clock_max = done > clock_max ? done : clock_max;
    }
    const long clock = clock_named(trial_line(t, rank));
    CU_ASSERT_EQUAL(t->code[t->is_cluster ? rank : 0], 5);
    CU_ASSERT_TRUE(trial_says(t, rank, who));
    CU_ASSERT_TRUE(clock >= 0 && clock <= (long)clock_max + 1);
    CU_ASSERT_FALSE(t->test.shared->ends[rank].model_is_complete);
}

static void one_trial(uint64_t seed) {
    static const char *const policies[] = {"bsp", "ssp:2", "essp:2", "async"};
    trial t = {.test = {.nodes = NODES,
                        .workers_each = WORKERS_EACH,
                        .clocks = 20000,
                        .policy = policies[trial_draw(seed, 0, 4)]},
               .options = trial_quick,
               .is_cluster = seed % 2 == 1};
    deed d = {.test = &t.test,
              .victim = trial_draw(seed, 1, NODES),
              .killer_rank = trial_draw(seed, 2, NODES * WORKERS_EACH),
              .clock = trial_draw(seed, 3, CLOCK_MAX),
              .phase = (ledger_phase)trial_draw(seed, 4, LEDGER_PHASES)};
    t.test.at = kill_at;
    t.test.context = &d;
    trial_start(&t);
    trial_end(&t, 60.0);
    CU_ASSERT_TRUE(t.took_s < end_within_s);
    CU_ASSERT_EQUAL(t.code[t.is_cluster ? d.victim : 0],
                    t.is_cluster || d.victim == 0 ? 128 + SIGKILL : 5);
    for (uint32_t rank = 0; rank < t.process_count; rank++) {
        if (rank != d.victim) {
            check_survivor(&t, &d, rank);
        }
    }
    printf("  seed %llu: %s, %s, rank %u killed at clock %u after %.2f s: %s\n",
           (unsigned long long)seed, t.is_cluster ? "cluster" : "local", t.test.policy, d.victim,
           d.clock, t.took_s, trial_line(&t, d.victim == 0 && t.is_cluster ? 1 : 0));
    trial_close(&t);
}

static void any_rank_may_be_killed_at_any_clock(void) {
    const uint64_t first = trial_number("TORTOISE_FAULT_SEED", 1);
    const uint64_t count = trial_number("TORTOISE_FAULT_TRIALS", 8);
    for (uint64_t i = 0; i < count; i++) {
        one_trial(first + i);
    }
}

static const suite_test tests[] = {
    SUITE_TEST(any_rank_may_be_killed_at_any_clock),
};

int main(int argc, char **argv) {
    (void)trial_own_network();
    return suite_run("killed", tests, sizeof tests / sizeof tests[0], argc > 1 ? argv[1] : NULL);
}
