/* How near a search for bad streams comes to each bound: 1-D losses -y x on [-1, 1], labels +1
 * and -1. */
#include <stdio.h>

#include "online_fixture.h"
#include "support/suite.h"
#include "tortoise/random.h"

enum { ROUNDS = 200, TRIES = 6000 };

static const struct game {
    const char *theorem, *delay, *delays, *strong;
} games[] = {
    {"lipschitz-tight", "0", "fixed", "0"},   {"lipschitz-tight", "8", "fixed", "0"},
    {"lipschitz", "8", "fixed", "0"},         {"strongly-convex", "0", "fixed", "0.1"},
    {"strongly-convex", "4", "fixed", "0.1"}, {"arbitrary-delays", "8", "burst", "0"},
    {"arbitrary-delays", "8", "heavy", "0"},
};
enum { GAMES = sizeof games / sizeof games[0] };

static psi_online_problem *problem_open(const struct game *game) {
    const option_setting settings[] = {{PSI_ONLINE_THEOREM, game->theorem},
                                       {PSI_ONLINE_DELAY, game->delay},
                                       {PSI_ONLINE_DELAYS, game->delays},
                                       {PSI_ONLINE_STRONG, game->strong}};
    return online_fixture_open(1, ROUNDS, settings, sizeof settings / sizeof settings[0]);
}

/* The regret as a share of the bound. */
static double ratio_of(const psi_online_problem *problem) {
    double metrics[PSI_ONLINE_METRICS];
    online_fixture_play(problem, metrics);
    CU_ASSERT_EQUAL_FATAL(metrics[PSI_ONLINE_HOLDS], 1);
    return metrics[PSI_ONLINE_RATIO];
}

static void signs_flip(psi_online_problem *problem, uint64_t from, uint64_t to) {
    for (uint64_t t = from; t < to; t++) {
        problem->stream.y[t] = -problem->stream.y[t];
    }
}

/* Turns the signs of random stretches, and keeps what does not lower the regret. */
static double worst_found(psi_online_problem *problem) {
    ps_random random = ps_random_stream(7, "worst-streams", 0);
    double worst = ratio_of(problem);
    for (int n = 0; n < TRIES; n++) {
        const uint64_t from = (uint64_t)(ROUNDS * ps_random_uniform(&random));
        const double share = ps_random_uniform(&random);
        const uint64_t length = 1 + (uint64_t)(share * share * (double)(ROUNDS - 1 - from));
        signs_flip(problem, from, from + length);
        const double ratio = ratio_of(problem);
        if (ratio >= worst) {
            worst = ratio;
        } else {
            signs_flip(problem, from, from + length);
        }
    }
    return worst;
}

static void no_stream_that_a_search_finds_breaks_a_bound(void) {
    for (size_t g = 0; g < GAMES; g++) {
        psi_online_problem *const problem = problem_open(&games[g]);
        const double before = ratio_of(problem), worst = worst_found(problem);
        printf("\n    %-16s delay %s %-6s: %.3f of the bound, %.3f before the search",
               games[g].theorem, games[g].delay, games[g].delays, worst, before);
        CU_ASSERT(worst <= 1);
        CU_ASSERT(worst > before);
        CU_ASSERT(g > 0 || worst > 0.5); /* half of the bound would be found to be wrong */
        psi_online_problem_close(problem);
    }
    printf("\n");
}

static const suite_test tests[] = {
    SUITE_TEST(no_stream_that_a_search_finds_breaks_a_bound),
};
SUITE_MAIN("online worst streams", tests)
