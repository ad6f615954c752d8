/* Bounds against numbers that were computed by hand from docs/theory.md. */
#include <math.h>
#include <stddef.h>

#include "algos/online/theorem.h"
#include "support/suite.h"

/* L = 2, H = 3, lambda = 1/2, F = 5, reach 4, T = 100 of 400, tau = 9, D = 1000, s = 1, P = 4, d =
 * 9, V = 1/2. */
static const psi_facts facts = {.lipschitz = 2,
                                .smoothness = 3,
                                .strong = 0.5,
                                .radius = 5,
                                .reach = 4,
                                .rounds = 100,
                                .horizon = 400,
                                .delay = 9,
                                .delay_sum = 1000,
                                .staleness = 1,
                                .workers = 4,
                                .dimension = 9,
                                .value_bound = 0.5,
                                .in_flight_mean = 6,
                                .in_flight_variance = 2,
                                .in_flight_weighted = 30};

static double bound_of(const char *name) {
    const psi_theorem *const theorem = psi_theorem_find(name);
    CU_ASSERT_PTR_NOT_NULL_FATAL(theorem);
    return theorem->bound(&facts);
}

static double step_of(const char *name, double t) {
    return psi_theorem_find(name)->step(&facts, t);
}

static void bounds_and_steps_are_those_of_the_theory(void) {
    CU_ASSERT_DOUBLE_EQUAL(bound_of("lipschitz"), 1200, 1e-9);
    CU_ASSERT_DOUBLE_EQUAL(step_of("lipschitz", 4), 2.5 / sqrt(72), 1e-12);
    CU_ASSERT_DOUBLE_EQUAL(bound_of("lipschitz-tight"), 20 * sqrt(1900), 1e-9);
    CU_ASSERT_DOUBLE_EQUAL(step_of("lipschitz-tight", 4), 2.5 / sqrt(76), 1e-12);
    CU_ASSERT_DOUBLE_EQUAL(bound_of("strongly-convex"), 112.5 + 76 * (1 + log(100)), 1e-9);
    CU_ASSERT_DOUBLE_EQUAL(step_of("strongly-convex", 4), 0.5, 1e-12);
    CU_ASSERT_DOUBLE_EQUAL(bound_of("smooth-iid"),
                           81 * (28.3 * 75 + 20.0 / 3 + 100 * log(100)) + 800.0 / 3, 1e-6);
    CU_ASSERT_DOUBLE_EQUAL(bound_of("arbitrary-delays"), 10 * sqrt(2) * sqrt(4400), 1e-9);
    CU_ASSERT_DOUBLE_EQUAL(step_of("arbitrary-delays", 77), 2.5 * sqrt(2) / sqrt(4400), 1e-12);
    CU_ASSERT_DOUBLE_EQUAL(bound_of("ssp"), 40 * sqrt(1600), 1e-9);
    CU_ASSERT_DOUBLE_EQUAL(step_of("ssp", 4), 0.3125, 1e-12);
    CU_ASSERT_DOUBLE_EQUAL(bound_of("ssp-in-flight"), 0.625 * 4 * (10 + 30) + 25 * 10 / 0.625,
                           1e-9);
    CU_ASSERT_DOUBLE_EQUAL(bound_of("ssp-dual"), 8 * sqrt(38 * 100), 1e-9);
    CU_ASSERT_DOUBLE_EQUAL(step_of("ssp-dual", 4), 1 / sqrt(38), 1e-12);
    CU_ASSERT_DOUBLE_EQUAL(bound_of("ssp-dual-in-flight"),
                           40 * sqrt(38) + 2 / sqrt(38) * 4 * (10 + 30), 1e-9);
    CU_ASSERT_DOUBLE_EQUAL(bound_of("vap"), 200 * sqrt(2) + 90 * (1 + 2 * sqrt(2)), 1e-9);
    CU_ASSERT_DOUBLE_EQUAL(step_of("vap", 7), sqrt(2) / 8, 1e-12);
    CU_ASSERT_DOUBLE_EQUAL(bound_of("vap-dual"), 160 + 90 * (1 + 2 * sqrt(2)), 1e-9);
    CU_ASSERT_DOUBLE_EQUAL(step_of("vap-dual", 7), 0.1, 1e-12);
}

/* The excess solves exp(-T x^2 / (2 e v + w x)) = 0.01. */
static void the_excess_in_probability_is_what_its_tail_says(void) {
    const double sigma = 0.625, mean = sigma * 4 + 25 / sigma + 2 * sigma * 4 * 6;
    const double excess = bound_of("ssp-probability") / 100 - mean / 10;
    const double spread = sigma * sigma * 16 * (log(100) + 1) / 100;
    const double tail =
        exp(-100 * excess * excess / (2 * spread * 2 + 2.0 / 3 * sigma * 4 * 3 * 4 * excess));
    CU_ASSERT_DOUBLE_EQUAL(tail, 0.01, 1e-9);
}

/* A step that the theorem does not state, tried instead, must make the proof's sum larger. */
static void stated_steps_make_the_proven_sums_least(void) {
    const double square = 4, root = 10, sigma = 2.5 / sqrt(19);
    for (double scale = 0.5; scale < 2.1; scale *= 1.2) {
        const double sum = scale * sigma * square * root * 19 + 25 * root / (scale * sigma);
        CU_ASSERT(sum >= bound_of("lipschitz-tight") - 1e-9);
    }
}

/* Bounds with one constant of the run larger must not be smaller: a sign or a root in the wrong
 * place shows here. Steps never grow. */
static void more_of_what_hurts_never_lowers_a_bound(void) {
    static const size_t places[] = {offsetof(psi_facts, lipschitz),
                                    offsetof(psi_facts, rounds),
                                    offsetof(psi_facts, delay),
                                    offsetof(psi_facts, delay_sum),
                                    offsetof(psi_facts, horizon),
                                    offsetof(psi_facts, value_bound),
                                    offsetof(psi_facts, dimension),
                                    offsetof(psi_facts, in_flight_mean),
                                    offsetof(psi_facts, in_flight_variance),
                                    offsetof(psi_facts, in_flight_weighted)};
    size_t count = 0;
    const psi_theorem *const all = psi_theorems(&count);
    for (size_t i = 0; i < count; i++) {
        for (size_t k = 0; k < sizeof places / sizeof places[0]; k++) {
            psi_facts worse = facts;
            *(double *)((char *)&worse + places[k]) *= 1.5;
            CU_ASSERT(all[i].bound(&worse) >= all[i].bound(&facts) * (1 - 1e-12));
        }
        psi_facts larger = facts;
        larger.radius *= 1.5;
        larger.reach *= 1.5;
        CU_ASSERT(all[i].bound(&larger) > all[i].bound(&facts));
        CU_ASSERT(all[i].step(&facts, 9) <= all[i].step(&facts, 4));
    }
}

/* Exponents of the bounds themselves: with twice the constant, the bound over that of before. */
static void bounds_grow_with_the_exponents_that_are_claimed(void) {
    psi_facts stale = facts;
    stale.staleness = 2 * facts.staleness + 1; /* s + 1 twice as large */
    CU_ASSERT_DOUBLE_EQUAL(psi_theorem_find("ssp")->bound(&stale) / bound_of("ssp"), sqrt(2),
                           1e-12);
    psi_facts late = facts;
    late.delay *= 2;
    CU_ASSERT_DOUBLE_EQUAL(psi_theorem_find("lipschitz")->bound(&late) / bound_of("lipschitz"),
                           sqrt(2), 1e-12);
    psi_facts longer = facts;
    longer.rounds *= 2;
    static const char *const roots[] = {"lipschitz", "lipschitz-tight", "ssp", "ssp-dual"};
    for (size_t i = 0; i < sizeof roots / sizeof roots[0]; i++) {
        CU_ASSERT_DOUBLE_EQUAL(psi_theorem_find(roots[i])->bound(&longer) / bound_of(roots[i]),
                               sqrt(2), 1e-12);
    }
    const double added = psi_theorem_find("strongly-convex")->bound(&longer);
    CU_ASSERT_DOUBLE_EQUAL(added - bound_of("strongly-convex"), 76 * log(2), 1e-9);
}

static void every_theorem_says_where_it_is_from_and_what_it_assumes(void) {
    size_t count = 0;
    const psi_theorem *const all = psi_theorems(&count);
    CU_ASSERT(count >= 12);
    for (size_t i = 0; i < count; i++) {
        CU_ASSERT(strlen(all[i].paper) > 10 && strlen(all[i].certainty) > 5);
        CU_ASSERT_PTR_NOT_NULL(all[i].assumptions[0].text);
        CU_ASSERT_PTR_EQUAL(psi_theorem_find(all[i].name), &all[i]);
        CU_ASSERT_PTR_NOT_NULL(strstr(psi_theorem_words, all[i].name));
        CU_ASSERT_PTR_NOT_NULL(psi_theorem_broken(&all[i], &facts)); /* is_plain is not set */
    }
    CU_ASSERT_PTR_NULL(psi_theorem_find("riemann"));
}

static const suite_test tests[] = {
    SUITE_TEST(bounds_and_steps_are_those_of_the_theory),
    SUITE_TEST(the_excess_in_probability_is_what_its_tail_says),
    SUITE_TEST(stated_steps_make_the_proven_sums_least),
    SUITE_TEST(more_of_what_hurts_never_lowers_a_bound),
    SUITE_TEST(bounds_grow_with_the_exponents_that_are_claimed),
    SUITE_TEST(every_theorem_says_where_it_is_from_and_what_it_assumes),
};
SUITE_MAIN("online theorems", tests)
