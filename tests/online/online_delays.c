/* Delays of one learner: a bound for tau says nothing of a run whose gradients come a round later
 * than was said, and delays.csv nothing if it counts something else. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "online_fixture.h"
#include "support/suite.h"

enum { DRAWS = 40000 };

static uint32_t *delays_of(psi_delay_kind kind, uint32_t tau) {
    uint32_t *const delays = calloc(DRAWS, sizeof *delays);
    CU_ASSERT_PTR_NOT_NULL_FATAL(delays);
    CU_ASSERT_EQUAL_FATAL(psi_delays_make(kind, tau, DRAWS, 11, delays), PS_OK);
    return delays;
}

static void fixed_and_bursty_delays_are_exact(void) {
    uint32_t *const fixed = delays_of(PSI_DELAY_FIXED, 7);
    uint32_t *const burst = delays_of(PSI_DELAY_BURST, 7);
    for (uint64_t t = 0; t < DRAWS; t++) {
        CU_ASSERT_EQUAL(fixed[t], 7);
        CU_ASSERT_EQUAL(t + burst[t], t / 8 * 8 + 7); /* the end of its block of tau + 1 */
    }
    free(fixed);
    free(burst);
}

static int rising(const void *left, const void *right) {
    const uint32_t a = *(const uint32_t *)left, b = *(const uint32_t *)right;
    return (a > b) - (a < b);
}

/* Geometric from 0 on: mean tau, variance tau (tau + 1). The heavy ones have no variance: their
 * least is tau / 3 and their median 2^(2/3) times that. */
static void random_delays_have_the_mean_and_the_median_that_are_said(void) {
    const double tau = 30;
    uint32_t *const geometric = delays_of(PSI_DELAY_GEOMETRIC, 30);
    uint32_t *const heavy = delays_of(PSI_DELAY_HEAVY, 30);
    double sum = 0, squares = 0;
    for (uint64_t t = 0; t < DRAWS; t++) {
        sum += geometric[t];
        squares += (double)geometric[t] * geometric[t];
    }
    const double mean = sum / DRAWS, variance = squares / DRAWS - mean * mean;
    const double error = sqrt(tau * (tau + 1) / DRAWS);
    CU_ASSERT(fabs(mean - tau) < 4 * error);
    CU_ASSERT(fabs(variance / (tau * (tau + 1)) - 1) < 0.1);
    qsort(heavy, DRAWS, sizeof *heavy, rising);
    CU_ASSERT_EQUAL(heavy[0], 10);
    CU_ASSERT_EQUAL(heavy[DRAWS / 2], 15); /* of 15.87, rounded down */
    CU_ASSERT(heavy[DRAWS - 1] > 300);
    free(geometric);
    free(heavy);
}

/* Of every round: how many gradients of earlier ones were not used yet, and how old the oldest is.
 */
static void a_read_lacks_what_has_not_arrived(void) {
    static const char *const kinds[] = {"fixed", "geometric", "heavy", "burst"};
    for (int k = 0; k < 4; k++) {
        const option_setting settings[] = {{PSI_ONLINE_THEOREM, "arbitrary-delays"},
                                           {PSI_ONLINE_DELAYS, kinds[k]},
                                           {PSI_ONLINE_DELAY, "9"}};
        psi_online_problem *const problem = online_fixture_open(6, 700, settings, 3);
        psi_learner learner;
        const psi_learner_options options = {.kind = problem->learner,
                                             .game = &problem->game,
                                             .theorem = problem->theorem,
                                             .facts = &problem->facts,
                                             .step_scale = 1,
                                             .delays = problem->delays};
        CU_ASSERT_EQUAL_FATAL(psi_learner_init(&learner, &options), PS_OK);
        for (uint64_t t = 0; t < 700; t++) {
            uint64_t lacking = 0, oldest = 0;
            for (uint64_t r = t; r-- > 0;) {
                const int is_late = r + problem->delays[r] >= t;
                lacking += is_late ? 1 : 0;
                oldest = is_late ? t - r : oldest;
            }
            psi_learner_round(&learner);
            CU_ASSERT_EQUAL(learner.read.in_flight, lacking);
            CU_ASSERT_EQUAL(learner.read.delay, oldest);
        }
        psi_learner_fini(&learner);
        psi_online_problem_close(problem);
    }
}

static const suite_test tests[] = {
    SUITE_TEST(fixed_and_bursty_delays_are_exact),
    SUITE_TEST(random_delays_have_the_mean_and_the_median_that_are_said),
    SUITE_TEST(a_read_lacks_what_has_not_arrived),
};
SUITE_MAIN("online delays", tests)
