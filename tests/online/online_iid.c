/* Bounds of the expected regret speak of a mean, so they are held to the mean of many seeds; and
 * the terms that the delay costs must be needed: a bound without one of them is broken. */
#include <math.h>
#include <stdio.h>

#include "online_fixture.h"
#include "support/suite.h"

enum { SEEDS = 300, SETTINGS_MAX = 8 };

typedef struct game {
    uint32_t rounds;
    option_setting settings[SETTINGS_MAX]; /* up to the first without a value */
} game;

static const game games[] = {
    {300,
     {{PSI_ONLINE_THEOREM, "smooth-iid-proven"},
      {PSI_ONLINE_STREAM, "iid"},
      {PSI_ONLINE_LOSS, "squared"},
      {PSI_ONLINE_DELAY, "0"}}},
    {300,
     {{PSI_ONLINE_THEOREM, "smooth-iid-proven"},
      {PSI_ONLINE_STREAM, "iid"},
      {PSI_ONLINE_LOSS, "squared"},
      {PSI_ONLINE_DELAY, "7"},
      {PSI_ONLINE_DIMENSION, "3"},
      {PSI_ONLINE_NOISE, "0.3"}}},
    {400,
     {{PSI_ONLINE_THEOREM, "smooth-iid-proven"},
      {PSI_ONLINE_STREAM, "iid"},
      {PSI_ONLINE_LOSS, "smooth-hinge"},
      {PSI_ONLINE_DELAY, "40"},
      {PSI_ONLINE_NOISE, "0"}}},
    {400,
     {{PSI_ONLINE_THEOREM, "smooth-iid-proven"},
      {PSI_ONLINE_STREAM, "iid"},
      {PSI_ONLINE_DELAY, "200"},
      {PSI_ONLINE_NOISE, "0"},
      {PSI_ONLINE_SET, "simplex"},
      {PSI_ONLINE_DIMENSION, "2"}}},
    {300,
     {{PSI_ONLINE_THEOREM, "strongly-convex-iid"},
      {PSI_ONLINE_STREAM, "iid"},
      {PSI_ONLINE_STRONG, "0.3"},
      {PSI_ONLINE_DELAY, "0"}}},
    {300,
     {{PSI_ONLINE_THEOREM, "strongly-convex-iid"},
      {PSI_ONLINE_STREAM, "iid"},
      {PSI_ONLINE_STRONG, "0.1"},
      {PSI_ONLINE_LOSS, "logistic"},
      {PSI_ONLINE_SET, "box"},
      {PSI_ONLINE_DIMENSION, "2"},
      {PSI_ONLINE_DELAY, "5"}}},
    {400,
     {{PSI_ONLINE_THEOREM, "strongly-convex-iid"},
      {PSI_ONLINE_STREAM, "iid"},
      {PSI_ONLINE_STRONG, "2"},
      {PSI_ONLINE_LOSS, "squared"},
      {PSI_ONLINE_NOISE, "0"},
      {PSI_ONLINE_DELAY, "30"}}},
    {300,
     {{PSI_ONLINE_THEOREM, "adadelay"},
      {PSI_ONLINE_STREAM, "iid"},
      {PSI_ONLINE_LOSS, "squared"},
      {PSI_ONLINE_DELAY, "0"}}},
    {300,
     {{PSI_ONLINE_THEOREM, "adadelay"},
      {PSI_ONLINE_STREAM, "iid"},
      {PSI_ONLINE_LOSS, "logistic"},
      {PSI_ONLINE_RADIUS, "4"},
      {PSI_ONLINE_DIMENSION, "3"},
      {PSI_ONLINE_NOISE, "0.1"},
      {PSI_ONLINE_DELAY, "20"}}},
};
enum { GAMES = sizeof games / sizeof games[0] };

/* Over seeds: the mean regret, its standard error, and the bound, which depends on the seed only
 * where L does. */
typedef struct outcome {
    double mean, error, bound;
} outcome;

static size_t options_of(const game *g) {
    size_t count = 0;
    while (count < SETTINGS_MAX && g->settings[count].value != NULL) {
        count++;
    }
    return count;
}

static outcome seeds_play(const game *g, uint64_t seeds) {
    double sum = 0, squares = 0, bound = 0;
    for (uint64_t seed = 0; seed < seeds; seed++) {
        psi_online_problem *const problem =
            online_fixture_open(seed, g->rounds, g->settings, options_of(g));
        double metrics[PSI_ONLINE_METRICS];
        online_fixture_play(problem, metrics);
        CU_ASSERT_EQUAL_FATAL(metrics[PSI_ONLINE_HOLDS], 1);
        sum += metrics[PSI_ONLINE_REGRET];
        squares += metrics[PSI_ONLINE_REGRET] * metrics[PSI_ONLINE_REGRET];
        bound += metrics[PSI_ONLINE_BOUND];
        psi_online_problem_close(problem);
    }
    const double n = (double)seeds, mean = sum / n;
    return (outcome){mean, sqrt(fmax(squares / n - mean * mean, 0) / (n - 1)), bound / n};
}

static void the_mean_of_many_seeds_keeps_every_bound(void) {
    for (int i = 0; i < GAMES; i++) {
        const outcome all = seeds_play(&games[i], SEEDS);
        printf("\n    %-20s game %d: %.2f +- %.2f, %.3f of the bound", games[i].settings[0].value,
               i, all.mean, all.error, all.mean / all.bound);
        CU_ASSERT(all.mean + 4 * all.error <= all.bound);
        CU_ASSERT(all.mean > 0);
    }
    printf("\n");
}

/* With one label and straight losses nothing is learned before the first gradient comes: the regret
 * is tau L reach, and what else the bound has is small beside it. */
static void the_time_before_the_first_gradient_is_needed(void) {
    static const game blind = {1010,
                               {{PSI_ONLINE_THEOREM, "smooth-iid-proven"},
                                {PSI_ONLINE_STREAM, "iid"},
                                {PSI_ONLINE_DELAY, "1000"},
                                {PSI_ONLINE_NOISE, "0"}}};
    const outcome all = seeds_play(&blind, 4);
    printf("\n    %.3f of the bound\n", all.mean / all.bound);
    CU_ASSERT(all.mean <= all.bound);
    CU_ASSERT(all.mean > 0.85 * all.bound);
}

/* tau^2 is no artefact of the proof: while eta_t tau H > pi/2, for 0.2 tau^2 rounds, the point
 * swings from one end of the set to the other. A bound without this term is broken. */
static void the_square_of_the_delay_is_needed(void) {
    static const game swing = {10000,
                               {{PSI_ONLINE_THEOREM, "smooth-iid-proven"},
                                {PSI_ONLINE_STREAM, "iid"},
                                {PSI_ONLINE_LOSS, "squared"},
                                {PSI_ONLINE_DELAY, "256"},
                                {PSI_ONLINE_NOISE, "0.5"}}};
    const outcome all = seeds_play(&swing, 12);
    const double reach = 1, lipschitz = 2, radius = sqrt(2);
    const double without = 2 * radius * lipschitz * sqrt(10000) + 256 * lipschitz * reach;
    printf("\n    regret %.1f +- %.1f, bound %.1f, %.1f without tau^2\n", all.mean, all.error,
           all.bound, without);
    CU_ASSERT(all.mean <= all.bound);
    CU_ASSERT(all.mean - 4 * all.error > without);
}

/* Under fixed delays the learner and the theorem's steps must be one thing. */
static void adadelay_takes_the_steps_of_its_theorem(void) {
    double regrets[2];
    for (int l = 0; l < 2; l++) {
        const option_setting settings[] = {{PSI_ONLINE_THEOREM, "adadelay"},
                                           {PSI_ONLINE_LEARNER, l == 0 ? "sgd" : "auto"},
                                           {PSI_ONLINE_STREAM, "iid"},
                                           {PSI_ONLINE_LOSS, "squared"},
                                           {PSI_ONLINE_DELAY, "9"}};
        psi_online_problem *const problem = online_fixture_open(3, 500, settings, 5);
        CU_ASSERT_EQUAL(problem->learner, l == 0 ? PSI_LEARNER_SGD : PSI_LEARNER_ADADELAY);
        double metrics[PSI_ONLINE_METRICS];
        online_fixture_play(problem, metrics);
        regrets[l] = metrics[PSI_ONLINE_REGRET];
        psi_online_problem_close(problem);
    }
    CU_ASSERT_EQUAL(regrets[0], regrets[1]);
}

/* A mean over losses that are not iid, that jump, or whose delays vary, is another mean. */
static void what_the_proofs_need_is_asked_of_the_run(void) {
    static const option_setting broken[][4] = {
        {{PSI_ONLINE_STREAM, "block"}, {PSI_ONLINE_LOSS, "squared"}},
        {{PSI_ONLINE_STREAM, "iid"}, {PSI_ONLINE_LOSS, "hinge"}},
        {{PSI_ONLINE_STREAM, "iid"}, {PSI_ONLINE_DELAYS, "geometric"}, {PSI_ONLINE_DELAY, "3"}},
        {{PSI_ONLINE_STREAM, "iid"}, {PSI_ONLINE_STEP_SCALE, "2"}},
    };
    static const char *const theorems[] = {"smooth-iid-proven", "strongly-convex-iid", "adadelay"};
    for (size_t b = 0; b < sizeof broken / sizeof broken[0]; b++) {
        for (int k = 0; k < 3; k++) {
            option_setting settings[6] = {{PSI_ONLINE_THEOREM, theorems[k]},
                                          {PSI_ONLINE_STRONG, "0.2"}};
            size_t count = 2;
            for (; count < 6 && broken[b][count - 2].value != NULL; count++) {
                settings[count] = broken[b][count - 2];
            }
            psi_online_problem *const problem = online_fixture_open(1, 100, settings, count);
            double metrics[PSI_ONLINE_METRICS];
            online_fixture_play(problem, metrics);
            CU_ASSERT_EQUAL(metrics[PSI_ONLINE_HOLDS], 0);
            psi_online_problem_close(problem);
        }
    }
}

static const suite_test tests[] = {
    SUITE_TEST(the_mean_of_many_seeds_keeps_every_bound),
    SUITE_TEST(the_time_before_the_first_gradient_is_needed),
    SUITE_TEST(the_square_of_the_delay_is_needed),
    SUITE_TEST(adadelay_takes_the_steps_of_its_theorem),
    SUITE_TEST(what_the_proofs_need_is_asked_of_the_run),
};
SUITE_MAIN("online iid", tests)
