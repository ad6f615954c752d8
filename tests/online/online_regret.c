#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "online_fixture.h"
#include "support/suite.h"

/* ---- The definition once more: in one dimension, losses -y x on [-1, 1], by plain loops ---- */

static double naive_regret(const psi_stream *stream, uint64_t tau, double sigma) {
    const uint64_t rounds = stream->round_count;
    double *const x = calloc(rounds + 2, sizeof *x);
    CU_ASSERT_PTR_NOT_NULL_FATAL(x);
    double loss = 0, sum = 0;
    for (uint64_t t = 1; t <= rounds; t++) {
        loss += -stream->y[t - 1] * x[t];
        sum += stream->y[t - 1];
        x[t + 1] = x[t];
        if (t > tau) {
            const double gradient = -stream->y[t - tau - 1];
            const double moved = x[t] - sigma / sqrt((double)(t - tau)) * gradient;
            x[t + 1] = fmax(-1, fmin(1, moved));
        }
    }
    free(x);
    return loss + fabs(sum); /* the best fixed point is the sign of the sum */
}

static void the_regret_is_that_of_the_definition(void) {
    static const char *const delays[] = {"0", "1", "16", "100"};
    for (int n = 0; n < 24; n++) {
        const option_setting settings[] = {{PSI_ONLINE_DELAY, delays[n % 4]},
                                           {PSI_ONLINE_STREAM, n % 3 == 0 ? "iid" : "block"}};
        psi_online_problem *const problem = online_fixture_open((uint64_t)n, 3000, settings, 2);
        const double tau = problem->facts.delay;
        const double sigma = sqrt(2) / sqrt(1 + 2 * tau); /* F = sqrt 2, L = 1 */
        double metrics[PSI_ONLINE_METRICS];
        online_fixture_play(problem, metrics);
        const double wanted = naive_regret(&problem->stream, (uint64_t)tau, sigma);
        CU_ASSERT_DOUBLE_EQUAL(metrics[PSI_ONLINE_REGRET], wanted, 1e-12 * (1 + fabs(wanted)));
        CU_ASSERT_EQUAL(metrics[PSI_ONLINE_HOLDS], 1);
        psi_online_problem_close(problem);
    }
}

/* As others found for this game: 20000 rounds, the steps of theorem 2, ten seeds. */
static double mean_regret(const char *stream, const char *delay) {
    double sum = 0;
    for (uint64_t seed = 0; seed < 10; seed++) {
        const option_setting settings[] = {{PSI_ONLINE_THEOREM, "lipschitz"},
                                           {PSI_ONLINE_DELAY, delay},
                                           {PSI_ONLINE_STREAM, stream}};
        psi_online_problem *const problem = online_fixture_open(seed, 20000, settings, 3);
        double metrics[PSI_ONLINE_METRICS];
        online_fixture_play(problem, metrics);
        sum += metrics[PSI_ONLINE_REGRET] / 10;
        psi_online_problem_close(problem);
    }
    return sum;
}

static void a_block_stream_costs_the_root_of_the_delay_and_an_iid_one_nothing(void) {
    static const char *const delays[] = {"1", "4", "16", "64", "256"};
    for (int d = 0; d < 5; d++) {
        const double tau = strtod(delays[d], NULL);
        const double block = mean_regret("block", delays[d]) / sqrt((tau + 1) * 20000);
        const double iid = mean_regret("iid", delays[d]);
        if (!(block > 0.5 && block < 1.3) || !(iid > 60 && iid < 180)) {
            printf("delay %s: %.3g of sqrt((tau + 1) T), iid %.4g\n", delays[d], block, iid);
        }
        CU_ASSERT(block > 0.5 && block < 1.3);
        CU_ASSERT(iid > 60 && iid < 180);
    }
}

/* ---- Bounds ---- */

/* A game, by its options, and a theorem whose assumptions it meets. */
static const option_setting games[][5] = {
    {{PSI_ONLINE_THEOREM, "lipschitz-tight"}, {PSI_ONLINE_DELAY, "0"}},
    {{PSI_ONLINE_THEOREM, "lipschitz-tight"},
     {PSI_ONLINE_DELAY, "7"},
     {PSI_ONLINE_SET, "box"},
     {PSI_ONLINE_DIMENSION, "3"},
     {PSI_ONLINE_LOSS, "smooth-hinge"}},
    {{PSI_ONLINE_THEOREM, "lipschitz"}, {PSI_ONLINE_DELAY, "7"}, {PSI_ONLINE_LOSS, "hinge"}},
    {{PSI_ONLINE_THEOREM, "lipschitz"},
     {PSI_ONLINE_DELAY, "3"},
     {PSI_ONLINE_SET, "simplex"},
     {PSI_ONLINE_DIMENSION, "4"},
     {PSI_ONLINE_LOSS, "squared"}},
    {{PSI_ONLINE_THEOREM, "strongly-convex"}, {PSI_ONLINE_DELAY, "5"}, {PSI_ONLINE_STRONG, "0.3"}},
    {{PSI_ONLINE_THEOREM, "strongly-convex"},
     {PSI_ONLINE_DELAY, "2"},
     {PSI_ONLINE_STRONG, "0.1"},
     {PSI_ONLINE_DIMENSION, "2"},
     {PSI_ONLINE_LOSS, "logistic"}},
    {{PSI_ONLINE_THEOREM, "smooth-iid"},
     {PSI_ONLINE_DELAY, "4"},
     {PSI_ONLINE_STREAM, "iid"},
     {PSI_ONLINE_LOSS, "squared"}},
    {{PSI_ONLINE_THEOREM, "arbitrary-delays"},
     {PSI_ONLINE_DELAY, "6"},
     {PSI_ONLINE_DELAYS, "heavy"}},
    {{PSI_ONLINE_THEOREM, "arbitrary-delays"},
     {PSI_ONLINE_DELAY, "6"},
     {PSI_ONLINE_DELAYS, "burst"},
     {PSI_ONLINE_DIMENSION, "2"}},
    {{PSI_ONLINE_THEOREM, "arbitrary-delays"},
     {PSI_ONLINE_DELAY, "6"},
     {PSI_ONLINE_DELAYS, "geometric"},
     {PSI_ONLINE_STREAM, "drift"},
     {PSI_ONLINE_BLOCK, "100"}},
};
enum { GAMES = sizeof games / sizeof games[0], SEEDS = 1000, ROUNDS = 250 };

static void no_seed_breaks_a_bound_whose_assumptions_hold(void) {
    for (int g = 0; g < GAMES; g++) {
        double worst = -INFINITY;
        size_t count = 0;
        while (count < 5 && games[g][count].value != NULL) {
            count++;
        }
        for (uint64_t seed = 0; seed < SEEDS; seed++) {
            psi_online_problem *const problem = online_fixture_open(seed, ROUNDS, games[g], count);
            double metrics[PSI_ONLINE_METRICS];
            online_fixture_play(problem, metrics);
            CU_ASSERT_EQUAL_FATAL(metrics[PSI_ONLINE_HOLDS], 1);
            worst = fmax(worst, metrics[PSI_ONLINE_RATIO]);
            psi_online_problem_close(problem);
        }
        printf("\n    %-18s delay %s: regret at most %.3f of the bound", games[g][0].value,
               games[g][1].value, worst);
        CU_ASSERT(worst <= 1);
        CU_ASSERT(worst > 0);
    }
    printf("\n");
}

/* A bound that is too small by 3 must not pass: blocks that last longer than the delay come near
 * enough to it. */
static void a_third_of_the_bound_is_broken_by_a_block_stream(void) {
    double worst = -INFINITY;
    for (uint64_t seed = 0; seed < 400; seed++) {
        const option_setting settings[] = {{PSI_ONLINE_DELAY, "64"}, {PSI_ONLINE_BLOCK, "150"}};
        psi_online_problem *const problem = online_fixture_open(seed, 3000, settings, 2);
        double metrics[PSI_ONLINE_METRICS];
        online_fixture_play(problem, metrics);
        CU_ASSERT(metrics[PSI_ONLINE_RATIO] <= 1);
        worst = fmax(worst, metrics[PSI_ONLINE_RATIO]);
        psi_online_problem_close(problem);
    }
    printf("\n    at most %.3f of the bound\n", worst);
    CU_ASSERT(worst > 1.0 / 3);
}

/* A bound says nothing where its assumptions are broken, and the run knows. */
static void broken_assumptions_are_named(void) {
    static const option_setting broken[][3] = {
        {{PSI_ONLINE_STEP_SCALE, "2"}},
        {{PSI_ONLINE_LEARNER, "adadelay"}},
        {{PSI_ONLINE_DELAYS, "geometric"}, {PSI_ONLINE_DELAY, "3"}},
        {{PSI_ONLINE_THEOREM, "lipschitz"}},
        {{PSI_ONLINE_THEOREM, "lipschitz"}, {PSI_ONLINE_DELAY, "30"}},
        {{PSI_ONLINE_THEOREM, "smooth-iid"}, {PSI_ONLINE_DELAY, "3"}, {PSI_ONLINE_STREAM, "iid"}},
        {{PSI_ONLINE_THEOREM, "smooth-iid"}, {PSI_ONLINE_DELAY, "3"}, {PSI_ONLINE_LOSS, "squared"}},
    };
    for (size_t b = 0; b < sizeof broken / sizeof broken[0]; b++) {
        size_t count = 0;
        while (count < 3 && broken[b][count].value != NULL) {
            count++;
        }
        psi_online_problem *const problem = online_fixture_open(1, 200, broken[b], count);
        double metrics[PSI_ONLINE_METRICS];
        online_fixture_play(problem, metrics);
        if (metrics[PSI_ONLINE_HOLDS] != 0) {
            printf("case %zu: nothing is broken\n", b);
        }
        CU_ASSERT_EQUAL(metrics[PSI_ONLINE_HOLDS], 0);
        psi_online_problem_close(problem);
    }
}

/* ---- The other learners ---- */

/* Without delays AdaptiveRevision is AdaGrad: sums of squares from 1 on. */
static void adaptive_revision_without_delay_is_adagrad(void) {
    const option_setting settings[] = {{PSI_ONLINE_LEARNER, "adarevision"},
                                       {PSI_ONLINE_LOSS, "squared"},
                                       {PSI_ONLINE_STREAM, "iid"}};
    psi_online_problem *const problem = online_fixture_open(9, 500, settings, 3);
    double x = 0, squares = 1, loss = 0;
    for (uint64_t t = 0; t < 500; t++) {
        const double gradient = x - problem->stream.y[t];
        loss += 0.5 * gradient * gradient;
        squares += gradient * gradient;
        x = fmax(-1, fmin(1, x - sqrt(2) / sqrt(squares) * gradient));
    }
    double metrics[PSI_ONLINE_METRICS];
    online_fixture_play(problem, metrics);
    CU_ASSERT_DOUBLE_EQUAL(500 * metrics[PSI_ONLINE_OBJECTIVE], loss, 1e-9);
    psi_online_problem_close(problem);
}

/* A delay that adapts must do better than one that does not know, where gradients repeat. */
static void every_learner_learns_under_long_delays(void) {
    static const char *const learners[] = {"sgd", "dual", "adarevision", "adadelay", "lazy"};
    for (size_t l = 0; l < sizeof learners / sizeof *learners; l++) {
        const option_setting settings[] = {
            {PSI_ONLINE_LEARNER, learners[l]}, {PSI_ONLINE_LOSS, "logistic"},
            {PSI_ONLINE_STREAM, "iid"},        {PSI_ONLINE_NOISE, "0.1"},
            {PSI_ONLINE_DELAY, "50"},          {PSI_ONLINE_RADIUS, "3"}};
        psi_online_problem *const problem = online_fixture_open(5, 4000, settings, 6);
        double metrics[PSI_ONLINE_METRICS];
        online_fixture_play(problem, metrics);
        CU_ASSERT(metrics[PSI_ONLINE_OBJECTIVE] < 0.5); /* ln 2 at the start */
        psi_online_problem_close(problem);
    }
}

static const suite_test tests[] = {
    SUITE_TEST(the_regret_is_that_of_the_definition),
    SUITE_TEST(a_block_stream_costs_the_root_of_the_delay_and_an_iid_one_nothing),
    SUITE_TEST(no_seed_breaks_a_bound_whose_assumptions_hold),
    SUITE_TEST(a_third_of_the_bound_is_broken_by_a_block_stream),
    SUITE_TEST(broken_assumptions_are_named),
    SUITE_TEST(adaptive_revision_without_delay_is_adagrad),
    SUITE_TEST(every_learner_learns_under_long_delays),
};
SUITE_MAIN("online regret", tests)
