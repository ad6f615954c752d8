/* AdaptiveRevision against what its proof says it is, and against its bound. */
#include <math.h>
#include <stdio.h>

#include "online_fixture.h"
#include "support/suite.h"

enum { ROUNDS = 300, SETTINGS_MAX = 6 };

/* The learner once more, in one dimension with hinge losses, from the proof alone: all that was
 * used has the step of the last use that it was in flight for. Returns the sum of losses, and the
 * bound.
 *
 *     X_n = - sum over s <= n of eta_{min(n, s + tau)} g_s,   x_n = X_{n-1-tau}
 *     u_n = - sum over s < n of eta_{s+tau} g_s */
static double by_the_proof(const psi_stream *stream, int tau, double *bound_out) {
    const double radius = 1.3, alpha = radius * sqrt(2); /* no margin is exactly 1 */
    double g[ROUNDS + 1] = {0}, eta[ROUNDS + 1] = {0};
    double loss = 0, z = 1, z_max = 1, farthest = 0;
    for (int n = 1; n <= ROUNDS; n++) {
        const int used = n - 1 - tau;
        double x = 0, back = 0, u = 0;
        for (int s = 1; s <= used; s++) {
            x -= eta[s + tau < used ? s + tau : used] * g[s];
        }
        const double y = stream->y[n - 1];
        loss += fmax(0, 1 - y * x);
        g[n] = y * x < 1 ? -y : 0;
        for (int s = n - tau < 1 ? 1 : n - tau; s < n; s++) {
            back += g[s];
        }
        z += g[n] * g[n] + 2 * g[n] * back;
        z_max = fmax(z_max, z);
        eta[n] = alpha / sqrt(z_max);
        for (int s = 1; s + tau <= n; s++) {
            u -= eta[s + tau] * g[s];
        }
        farthest = fmax(farthest, fabs(u));
    }
    const double reach = radius + farthest + tau * eta[ROUNDS];
    *bound_out = (reach * reach / (2 * alpha) + alpha) * sqrt(z_max) + alpha * tau * (tau + 1);
    return loss;
}

static void the_learner_and_its_bound_are_those_of_the_proof(void) {
    static const char *const delays[] = {"0", "1", "6", "40"};
    for (int k = 0; k < 12; k++) {
        const option_setting settings[] = {{PSI_ONLINE_THEOREM, "adaptive-revision"},
                                           {PSI_ONLINE_LOSS, "hinge"},
                                           {PSI_ONLINE_NOISE, "0.4"},
                                           {PSI_ONLINE_RADIUS, "1.3"},
                                           {PSI_ONLINE_STREAM, k % 3 == 0 ? "iid" : "block"},
                                           {PSI_ONLINE_DELAY, delays[k % 4]}};
        psi_online_problem *const problem = online_fixture_open((uint64_t)k, ROUNDS, settings, 6);
        double metrics[PSI_ONLINE_METRICS], bound = 0;
        const double loss = by_the_proof(&problem->stream, (int)problem->facts.delay, &bound);
        online_fixture_play(problem, metrics);
        CU_ASSERT_EQUAL(metrics[PSI_ONLINE_HOLDS], 1);
        CU_ASSERT_DOUBLE_EQUAL(ROUNDS * metrics[PSI_ONLINE_OBJECTIVE], loss, 1e-9 * loss);
        CU_ASSERT_DOUBLE_EQUAL(metrics[PSI_ONLINE_BOUND], bound, 1e-9 * bound);
        psi_online_problem_close(problem);
    }
}

static const option_setting games[][SETTINGS_MAX] = {
    {{PSI_ONLINE_DELAY, "0"}, {PSI_ONLINE_STREAM, "alternate"}, {PSI_ONLINE_LOSS, "logistic"}},
    {{PSI_ONLINE_DELAY, "0"}, {PSI_ONLINE_STREAM, "iid"}, {PSI_ONLINE_DIMENSION, "3"}},
    {{PSI_ONLINE_DELAY, "5"}, {PSI_ONLINE_SET, "box"}, {PSI_ONLINE_DIMENSION, "2"}},
    {{PSI_ONLINE_DELAY, "5"}, {PSI_ONLINE_BLOCK, "15"}, {PSI_ONLINE_RADIUS, "3"}},
    {{PSI_ONLINE_DELAY, "20"},
     {PSI_ONLINE_STREAM, "drift"},
     {PSI_ONLINE_BLOCK, "50"},
     {PSI_ONLINE_LOSS, "smooth-hinge"},
     {PSI_ONLINE_SET, "simplex"},
     {PSI_ONLINE_DIMENSION, "3"}},
};
enum { GAMES = sizeof games / sizeof games[0], SEEDS = 400 };

static void no_seed_breaks_the_bound_and_a_third_of_it_is_broken(void) {
    double worst_of_all = 0;
    for (int g = 0; g < GAMES; g++) {
        double worst = -INFINITY;
        for (uint64_t seed = 0; seed < SEEDS; seed++) {
            option_setting settings[SETTINGS_MAX + 1] = {{PSI_ONLINE_THEOREM, "adaptive-revision"}};
            size_t count = 1;
            for (; count <= SETTINGS_MAX && games[g][count - 1].value != NULL; count++) {
                settings[count] = games[g][count - 1];
            }
            psi_online_problem *const problem = online_fixture_open(seed, ROUNDS, settings, count);
            double metrics[PSI_ONLINE_METRICS];
            online_fixture_play(problem, metrics);
            CU_ASSERT_EQUAL_FATAL(metrics[PSI_ONLINE_HOLDS], 1);
            worst = fmax(worst, metrics[PSI_ONLINE_RATIO]);
            psi_online_problem_close(problem);
        }
        printf("\n    game %d: at most %.3f of the bound", g, worst);
        CU_ASSERT(worst <= 1);
        worst_of_all = fmax(worst_of_all, worst);
    }
    printf("\n");
    CU_ASSERT(worst_of_all > 1.0 / 3);
}

/* Gradients that grow with the point, delays that vary, another step: the proof says nothing. */
static void what_the_proof_needs_is_asked_of_the_run(void) {
    static const option_setting broken[][2] = {
        {{PSI_ONLINE_LOSS, "squared"}},
        {{PSI_ONLINE_STRONG, "0.1"}},
        {{PSI_ONLINE_DELAYS, "geometric"}, {PSI_ONLINE_DELAY, "3"}},
        {{PSI_ONLINE_STEP_SCALE, "2"}},
        {{PSI_ONLINE_LEARNER, "sgd"}},
    };
    for (size_t b = 0; b < sizeof broken / sizeof broken[0]; b++) {
        const option_setting settings[] = {
            {PSI_ONLINE_THEOREM, "adaptive-revision"}, broken[b][0], broken[b][1]};
        psi_online_problem *const problem =
            online_fixture_open(1, 100, settings, broken[b][1].value == NULL ? 2 : 3);
        double metrics[PSI_ONLINE_METRICS];
        online_fixture_play(problem, metrics);
        CU_ASSERT_EQUAL(metrics[PSI_ONLINE_HOLDS], 0);
        psi_online_problem_close(problem);
    }
}

static const suite_test tests[] = {
    SUITE_TEST(the_learner_and_its_bound_are_those_of_the_proof),
    SUITE_TEST(no_seed_breaks_the_bound_and_a_third_of_it_is_broken),
    SUITE_TEST(what_the_proof_needs_is_asked_of_the_run),
};
SUITE_MAIN("online revision", tests)
