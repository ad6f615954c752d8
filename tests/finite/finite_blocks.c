/* Proximal steps in blocks against the method in one place, and against their bound where every
 * block is as old as it may be. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "algos/finite/blocks.h"
#include "finite_fixture.h"
#include "support/suite.h"

enum { SETTINGS_MAX = 8, CLOCKS = 120 };

static void blocks_from_one_point_are_the_method_in_one_place(void) {
    static const option_setting common[] = {{PSI_FINITE_NOISE, "0.3"},
                                            {PSI_FINITE_DIMENSION, "7"},
                                            {PSI_FINITE_LOSS, "squared"},
                                            {PSI_FINITE_L1, "0.01"}};
    double one[PSI_FINITE_METRICS], many[PSI_FINITE_METRICS];
    option_setting settings[5] = {{PSI_FINITE_THEOREM, "delayed-proximal"}};
    memcpy(settings + 1, common, sizeof common);
    finite_fixture_run((finite_size){.seed = 3, .workers = 1, .clocks = 1, .batch = CLOCKS},
                       settings, 5, one);
    settings[0].value = "block-proximal";
    finite_fixture_run((finite_size){.seed = 3, .workers = 3, .clocks = CLOCKS}, settings, 5, many);
    CU_ASSERT_DOUBLE_EQUAL(many[PSI_FINITE_MEASURED], one[PSI_FINITE_MEASURED], 1e-12);
    CU_ASSERT_DOUBLE_EQUAL(many[PSI_FINITE_OBJECTIVE], one[PSI_FINITE_OBJECTIVE], 1e-12);
    CU_ASSERT_DOUBLE_EQUAL(many[PSI_FINITE_BOUND], one[PSI_FINITE_BOUND], 1e-9);
    CU_ASSERT_EQUAL(many[PSI_FINITE_HOLDS], 1);
}

/* Every worker reads each other block at a random age of at most s clocks. Returns the sum of
 * squared moves as a share of the bound. */
static double ratio_of_old_reads(const psi_finite_problem *problem, uint64_t seed) {
    const uint32_t d = problem->game.set.dimension, workers = problem->worker_count;
    double *const history = calloc((CLOCKS + 1) * (size_t)d, sizeof *history);
    CU_ASSERT_PTR_NOT_NULL_FATAL(history);
    ps_random random = ps_random_stream(seed, "ages", 0);
    double sum = 0;
    for (uint32_t c = 0; c < CLOCKS; c++) {
        for (uint32_t p = 0; p < workers; p++) {
            double x[PSI_SET_DIMENSION_MAX];
            for (uint32_t i = 0; i < d; i++) {
                const double oldest = fmin(c, problem->facts.staleness);
                const uint64_t drawn = ps_random_below(&random, (uint64_t)oldest + 1);
                const uint64_t age = i % workers == p ? 0 : seed % 2 ? drawn : (uint64_t)oldest;
                x[i] = history[(c - age) * d + i];
            }
            sum += psi_blocks_step(problem, p, x);
            for (uint32_t i = p; i < d; i += workers) {
                history[(c + 1) * (size_t)d + i] = x[i];
            }
        }
    }
    free(history);
    return sum / problem->theorem->theorem.bound(&problem->facts);
}

static const option_setting games[][SETTINGS_MAX] = {
    {{PSI_FINITE_DIMENSION, "6"}, {PSI_FINITE_LOSS, "squared"}, {PSI_FINITE_STALENESS, "1"}},
    {{PSI_FINITE_DIMENSION, "6"},
     {PSI_FINITE_LOSS, "squared"},
     {PSI_FINITE_STALENESS, "5"},
     {PSI_FINITE_EXAMPLES, "6"},
     {PSI_FINITE_STEP_SCALE, "0.5"}},
    {{PSI_FINITE_DIMENSION, "9"},
     {PSI_FINITE_STALENESS, "4"},
     {PSI_FINITE_L1, "0.01"},
     {PSI_FINITE_STRONG, "0.1"},
     {PSI_FINITE_EXAMPLES, "30"}},
};
enum { GAMES = sizeof games / sizeof games[0], SEEDS = 60 };

static void no_reads_as_old_as_s_break_the_bound(void) {
    for (int g = 0; g < GAMES; g++) {
        double worst = 0;
        for (uint64_t seed = 0; seed < SEEDS; seed++) {
            option_setting settings[SETTINGS_MAX + 2] = {{PSI_FINITE_THEOREM, "block-proximal"},
                                                         {PSI_FINITE_NOISE, "0.3"}};
            memcpy(settings + 2, games[g], sizeof games[g]);
            psi_finite_problem *const problem =
                finite_fixture_open((finite_size){.seed = seed, .workers = 3, .clocks = CLOCKS},
                                    settings, SETTINGS_MAX + 2);
            CU_ASSERT_PTR_NULL(psi_theorem_broken(&problem->theorem->theorem, &problem->facts));
            worst = fmax(worst, ratio_of_old_reads(problem, seed));
            psi_finite_problem_close(problem);
        }
        printf("\n    game %d: at most %.3f of the bound", g, worst);
        CU_ASSERT(worst > 0 && worst <= 1);
    }
    printf("\n");
}

/* L is attained by squared losses, along the steepest direction v; and blocks that change together
 * along it are within Lambda. Lambda is at least L, as it allows each block a direction of its own.
 * */
static void the_constants_are_those_of_finite_differences(void) {
    static const option_setting settings[] = {{PSI_FINITE_THEOREM, "block-proximal"},
                                              {PSI_FINITE_LOSS, "squared"},
                                              {PSI_FINITE_DIMENSION, "6"},
                                              {PSI_FINITE_STRONG, "0.05"},
                                              {PSI_FINITE_EXAMPLES, "12"}};
    psi_finite_problem *const problem =
        finite_fixture_open((finite_size){.seed = 4, .workers = 3, .clocks = 1}, settings, 5);
    double v[6] = {1, -0.9, 0.8, 0.7, -0.6, 0.5}, steepest = 0;
    for (int n = 0; n < 4000; n++) { /* power iteration on the Hessian */
        double next[6], norm = 0;
        for (int i = 0; i < 6; i++) {
            next[i] = 0.05 * v[i];
        }
        for (uint64_t e = 0; e < 12; e++) {
            const double *const a = problem->examples.a + e * 6;
            const double along = psi_dot(a, v, 6);
            for (int i = 0; i < 6; i++) {
                next[i] += along * a[i] / 12;
            }
        }
        norm = sqrt(psi_dot(next, next, 6)); /* v has length 1 from the second time on */
        steepest = norm;
        for (int i = 0; i < 6; i++) {
            v[i] = next[i] / norm;
        }
    }
    CU_ASSERT_DOUBLE_EQUAL(problem->facts.smoothness, steepest, 1e-9);
    CU_ASSERT(problem->facts.coupling >= steepest);
    CU_ASSERT(problem->facts.coupling <= sqrt(3) * steepest);
    psi_finite_problem_close(problem);
}

static void rows_are_put_together_by_owner(void) {
    static const option_setting settings[] = {{PSI_FINITE_THEOREM, "block-proximal"},
                                              {PSI_FINITE_DIMENSION, "5"},
                                              {PSI_FINITE_NOISE, "0.3"},
                                              {PSI_FINITE_STALENESS, "2"}};
    static const double first[] = {1.5, 0, 3.5, 0, 5.5, 4}, second[] = {0, 2.5, 0, 4.5, 0, 9};
    const double *const rows[] = {first, second};
    psi_finite_problem *const problem =
        finite_fixture_open((finite_size){.seed = 4, .workers = 2, .clocks = 1}, settings, 4);
    double x[PSI_SET_DIMENSION_MAX];
    psi_blocks_point(problem, rows, x);
    for (int i = 0; i < 5; i++) {
        CU_ASSERT_EQUAL(x[i], i + 1.5);
    }
    CU_ASSERT_EQUAL(psi_blocks_late(problem, rows, 6), 1); /* 4 is near, 9 is not */
    CU_ASSERT_EQUAL(psi_blocks_late(problem, rows, 7), 1); /* 9 is near, 4 is not */
    CU_ASSERT_EQUAL(psi_blocks_late(problem, rows, 12), 2);
    CU_ASSERT_EQUAL(psi_blocks_late(problem, rows, 1), 2);
    psi_finite_problem_close(problem);
}

static const suite_test tests[] = {
    SUITE_TEST(blocks_from_one_point_are_the_method_in_one_place),
    SUITE_TEST(no_reads_as_old_as_s_break_the_bound),
    SUITE_TEST(the_constants_are_those_of_finite_differences),
    SUITE_TEST(rows_are_put_together_by_owner),
};
SUITE_MAIN("finite blocks", tests)
