/* Mixed perceptrons against plain loops and against their bound of mistakes. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "finite_fixture.h"
#include "support/suite.h"

enum { SETTINGS_MAX = 8 };
#define MIXING \
    { PSI_FINITE_THEOREM, "mixing-mistakes" }

/* A perceptron as textbooks have it, until a pass has no mistake. */
static double serial_mistakes(const psi_finite_problem *problem) {
    const uint32_t d = problem->game.set.dimension;
    double w[PSI_SET_DIMENSION_MAX] = {0}, mistakes = 0;
    for (int has_any = 1; has_any;) {
        has_any = 0;
        for (uint64_t n = 0; n < problem->examples.round_count; n++) {
            double score = 0;
            for (uint32_t i = 0; i < d; i++) {
                score += w[i] * problem->examples.a[n * d + i];
            }
            if (score * problem->examples.y[n] <= 0) {
                has_any = 1;
                mistakes += 1;
                for (uint32_t i = 0; i < d; i++) {
                    w[i] += problem->examples.y[n] * problem->examples.a[n * d + i];
                }
            }
        }
    }
    return mistakes;
}

static void one_worker_is_the_serial_perceptron(void) {
    for (uint64_t seed = 0; seed < 20; seed++) {
        static const option_setting settings[] = {
            MIXING, {PSI_FINITE_DIMENSION, "7"}, {PSI_FINITE_EXAMPLES, "90"}};
        const finite_size size = {.seed = seed, .workers = 1, .clocks = 60};
        psi_finite_problem *const problem = finite_fixture_open(size, settings, 3);
        double metrics[PSI_FINITE_METRICS];
        finite_fixture_play(problem, size.clocks, metrics);
        CU_ASSERT_EQUAL(metrics[PSI_FINITE_MEASURED], serial_mistakes(problem));
        CU_ASSERT_EQUAL(metrics[PSI_FINITE_MISTAKES], metrics[PSI_FINITE_MEASURED]);
        CU_ASSERT_EQUAL(metrics[PSI_FINITE_OBJECTIVE], 0);
        psi_finite_problem_close(problem);
    }
}

/* Six axes, three workers: each has two, and errs at both in the first epoch and never again.
 * Uniform: 6/3. By errors, all of which are equal: the same. Alone: 6, which is R^2 / gamma^2. */
static void mistakes_on_axes_are_those_by_hand(void) {
    for (int by_errors = 0; by_errors < 2; by_errors++) {
        const option_setting settings[] = {MIXING,
                                           {PSI_FINITE_DIRECTIONS, "axes"},
                                           {PSI_FINITE_DIMENSION, "6"},
                                           {PSI_FINITE_EXAMPLES, "6"},
                                           {PSI_FINITE_WEIGHTS, by_errors ? "errors" : "uniform"}};
        double metrics[PSI_FINITE_METRICS];
        finite_fixture_run((finite_size){.seed = 1, .workers = 3, .clocks = 4}, settings, 5,
                           metrics);
        CU_ASSERT_DOUBLE_EQUAL(metrics[PSI_FINITE_MEASURED], 2, 1e-12);
        CU_ASSERT_EQUAL(metrics[PSI_FINITE_MISTAKES], 6);
        CU_ASSERT_DOUBLE_EQUAL(metrics[PSI_FINITE_BOUND], 6, 1e-9);
        finite_fixture_run((finite_size){.seed = 1, .workers = 1, .clocks = 4}, settings, 5,
                           metrics);
        CU_ASSERT_EQUAL(metrics[PSI_FINITE_MEASURED], 6);
        CU_ASSERT(metrics[PSI_FINITE_RATIO] > 0.999); /* the bound is attained */
        CU_ASSERT(metrics[PSI_FINITE_RATIO] <= 1);
    }
}

/* Of three axes worker 0 has the first and the third, worker 1 the second: mu = 2/3 and 1/3. */
static void weights_by_errors_are_those_by_hand(void) {
    static const option_setting settings[] = {MIXING,
                                              {PSI_FINITE_DIRECTIONS, "axes"},
                                              {PSI_FINITE_DIMENSION, "3"},
                                              {PSI_FINITE_EXAMPLES, "3"},
                                              {PSI_FINITE_WEIGHTS, "errors"}};
    double metrics[PSI_FINITE_METRICS];
    finite_fixture_run((finite_size){.seed = 1, .workers = 2, .clocks = 5}, settings, 5, metrics);
    CU_ASSERT_DOUBLE_EQUAL(metrics[PSI_FINITE_MEASURED], 2.0 / 3 * 2 + 1.0 / 3 * 1, 1e-12);
}

static const struct game {
    uint32_t workers;
    option_setting settings[SETTINGS_MAX];
} games[] = {
    {1, {MIXING, {PSI_FINITE_DIMENSION, "10"}, {PSI_FINITE_MARGIN, "0.03"}}},
    {4, {MIXING, {PSI_FINITE_DIMENSION, "10"}, {PSI_FINITE_MARGIN, "0.03"}}},
    {4,
     {MIXING,
      {PSI_FINITE_DIMENSION, "10"},
      {PSI_FINITE_MARGIN, "0.03"},
      {PSI_FINITE_WEIGHTS, "errors"}}},
    {16,
     {MIXING,
      {PSI_FINITE_DIMENSION, "3"},
      {PSI_FINITE_MARGIN, "0.1"},
      {PSI_FINITE_WEIGHTS, "errors"}}},
    {2, {MIXING, {PSI_FINITE_DIMENSION, "50"}, {PSI_FINITE_DIRECTIONS, "axes"}}},
    {1, {MIXING, {PSI_FINITE_DIMENSION, "50"}, {PSI_FINITE_DIRECTIONS, "axes"}}},
};
enum { GAMES = sizeof games / sizeof games[0], SEEDS = 200 };

static void no_seed_breaks_the_bound(void) {
    for (int g = 0; g < GAMES; g++) {
        double worst = 0, most = 0;
        for (uint64_t seed = 0; seed < SEEDS; seed++) {
            double metrics[PSI_FINITE_METRICS];
            finite_fixture_run(
                (finite_size){.seed = seed, .workers = games[g].workers, .clocks = 60},
                games[g].settings, SETTINGS_MAX, metrics);
            CU_ASSERT_EQUAL_FATAL(metrics[PSI_FINITE_HOLDS], 1);
            worst = fmax(worst, metrics[PSI_FINITE_RATIO]);
            most = fmax(most, metrics[PSI_FINITE_MISTAKES] / metrics[PSI_FINITE_MEASURED]);
        }
        printf("\n    game %d: at most %.3f of the bound; all mistakes are up to %.2f times mixed",
               g, worst, most);
        CU_ASSERT(worst > 0 && worst <= 1);
        CU_ASSERT(most <= games[g].workers + 1e-9); /* uniform: exactly; by errors: less */
    }
    printf("\n");
}

/* The certificate of the margin is of the examples as they are, whatever was asked for. */
static void the_margin_is_certified_and_labels_that_are_thrown_break_it(void) {
    static const option_setting settings[] = {
        MIXING, {PSI_FINITE_DIMENSION, "5"}, {PSI_FINITE_MARGIN, "0.2"}, {PSI_FINITE_NOISE, "0.1"}};
    for (size_t count = 3; count <= 4; count++) {
        psi_finite_problem *const problem = finite_fixture_open(
            (finite_size){.seed = 4, .workers = 2, .clocks = 5}, settings, count);
        double least = INFINITY;
        for (uint64_t n = 0; n < problem->examples.round_count; n++) {
            double along = 0, norm = 0;
            for (uint64_t i = 0; i < 5; i++) {
                along += problem->examples.a[n * 5 + i] * problem->separator[i];
                norm += problem->examples.a[n * 5 + i] * problem->examples.a[n * 5 + i];
            }
            least = fmin(least, problem->examples.y[n] * along);
            CU_ASSERT_DOUBLE_EQUAL(norm, 1, 1e-12);
            CU_ASSERT(sqrt(norm) <= problem->facts.norm_max);
        }
        CU_ASSERT(problem->facts.margin <= least);
        CU_ASSERT_DOUBLE_EQUAL(problem->facts.margin, least, 1e-12);
        double metrics[PSI_FINITE_METRICS];
        finite_fixture_play(problem, 5, metrics);
        CU_ASSERT_EQUAL(metrics[PSI_FINITE_HOLDS], count == 3);
        CU_ASSERT_EQUAL(isfinite(metrics[PSI_FINITE_BOUND]), count == 3);
        if (count == 3) {
            CU_ASSERT_DOUBLE_EQUAL(least, 0.2, 1e-12);
        }
        psi_finite_problem_close(problem);
    }
}

static const suite_test tests[] = {
    SUITE_TEST(one_worker_is_the_serial_perceptron),
    SUITE_TEST(mistakes_on_axes_are_those_by_hand),
    SUITE_TEST(weights_by_errors_are_those_by_hand),
    SUITE_TEST(no_seed_breaks_the_bound),
    SUITE_TEST(the_margin_is_certified_and_labels_that_are_thrown_break_it),
};
SUITE_MAIN("finite mixing", tests)
