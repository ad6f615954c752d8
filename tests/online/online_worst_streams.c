/* How near a search for bad streams comes to each bound: 1-D losses -y x on [-1, 1], labels +1
 * and -1. */
#include <stdio.h>

#include "algos/online/online_problem.h"
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
    const char *values[PSI_ONLINE_OPTIONS];
    for (size_t i = 0; i < PSI_ONLINE_OPTIONS; i++) {
        values[i] = psi_online_option_list[i].default_value;
    }
    values[PSI_ONLINE_THEOREM] = game->theorem;
    values[PSI_ONLINE_DELAY] = game->delay;
    values[PSI_ONLINE_DELAYS] = game->delays;
    values[PSI_ONLINE_STRONG] = game->strong;
    const ps_settings all = {.data = "synthetic",
                             .seed = 1,
                             .worker_count = 1,
                             .clock_count = 1,
                             .batch = ROUNDS,
                             .values = values};
    psi_online_problem *problem = NULL;
    ps_fault fault = {0};
    CU_ASSERT_EQUAL_FATAL(psi_online_problem_open(&all, &problem, &fault), PS_OK);
    return problem;
}

/* The regret as a share of the bound. */
static double ratio_of(const psi_online_problem *problem) {
    psi_learner learner;
    const psi_learner_options options = {.kind = problem->learner,
                                         .game = &problem->game,
                                         .theorem = problem->theorem,
                                         .facts = &problem->facts,
                                         .step_scale = problem->step_scale,
                                         .delays = problem->delays};
    CU_ASSERT_EQUAL_FATAL(psi_learner_init(&learner, &options), PS_OK);
    for (uint64_t t = 0; t < ROUNDS; t++) {
        psi_learner_round(&learner);
    }
    double sums[PSI_ONLINE_SUMS], metrics[PSI_ONLINE_METRICS];
    psi_online_evaluate(problem, 0, &learner.log, ROUNDS, sums);
    psi_online_finish(problem, sums, metrics);
    psi_learner_fini(&learner);
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
