/* Bounds of finite sums against numbers that were computed by hand from docs/theory.md. */
#include <math.h>
#include <stddef.h>

#include "algos/finite/finite_theorem.h"
#include "support/suite.h"

/* G = 3, H = L = 2, lambda = 1/4, eta = 1/8, so eta lambda = 1/32; k = 4, T = 64, tau = 9;
 * F(x_1) - F* = 6; gamma = 1/10, R = 5. */
static const psi_facts facts = {.lipschitz = 3,
                                .smoothness = 2,
                                .strong = 0.25,
                                .rounds = 64,
                                .delay = 9,
                                .workers = 4,
                                .step = 0.125,
                                .staleness = 3,
                                .coupling = 5,
                                .start_gap = 6,
                                .margin = 0.1,
                                .norm_max = 5,
                                .is_plain = 1};

static double bound_with(const char *name, const psi_facts *f) {
    const psi_finite_theorem *const theorem = psi_finite_theorem_find(name);
    CU_ASSERT_PTR_NOT_NULL_FATAL(theorem);
    return theorem->theorem.bound(f);
}

static double bound_of(const char *name) {
    return bound_with(name, &facts);
}

static void bounds_and_steps_are_those_of_the_theory(void) {
    psi_facts late = facts;
    late.step = 0.05; /* 1 / ((1 + 9) 2): the largest */
    CU_ASSERT_DOUBLE_EQUAL(bound_with("delayed-proximal", &late), 6, 1e-12);
    late.step = 0.025; /* eps = 20 */
    CU_ASSERT_DOUBLE_EQUAL(bound_with("delayed-proximal", &late), 6.0 / 21, 1e-12);
    CU_ASSERT_DOUBLE_EQUAL(psi_finite_theorem_find("delayed-proximal")->theorem.step(&facts, 7),
                           0.05, 1e-12);
    late.step = 1 / (2 + 15 * sqrt(2)); /* 1 / (L + sqrt(2) s Lambda): the largest */
    CU_ASSERT_DOUBLE_EQUAL(psi_finite_theorem_find("block-proximal")->theorem.step(&facts, 7),
                           late.step, 1e-12);
    CU_ASSERT_DOUBLE_EQUAL(bound_with("block-proximal", &late), 6, 1e-9);
    late.step = 1 / (6 + 15 * sqrt(2)); /* eps = 4 */
    CU_ASSERT_DOUBLE_EQUAL(bound_with("block-proximal", &late), 1.2, 1e-9);
    CU_ASSERT_DOUBLE_EQUAL(bound_of("mixing-mistakes"), 2500, 1e-9);
    const double left = 12 * pow(31.0 / 32, 64); /* (1 - eta lambda)^T G / lambda */
    const double spread = 4.5 / (63.0 / 32 / 4); /* 4 eta G^2 / ((2 - eta lambda) lambda) */
    const double mean = 2.25 + 2 * 3 * 0.5 * left + left * left;
    CU_ASSERT_DOUBLE_EQUAL(bound_of("averaging-distance"), spread + left * left, 1e-12);
    CU_ASSERT_DOUBLE_EQUAL(bound_of("averaging-mean"), mean, 1e-12);
    CU_ASSERT_DOUBLE_EQUAL(bound_of("averaging-proven"), mean + (spread + left * left) / 4, 1e-12);
    CU_ASSERT_DOUBLE_EQUAL(bound_of("averaging"), 9 * sqrt(2) + 18 + 2.25, 1e-12);
    CU_ASSERT_DOUBLE_EQUAL(psi_finite_theorem_find("averaging")->theorem.step(&facts, 7), 0.5,
                           1e-12);
}

/* Where the paper's theorem 12 applies it must not be below what is proven here. */
static void what_the_paper_allows_averages_is_implied(void) {
    const psi_theorem *const paper = &psi_finite_theorem_find("averaging")->theorem;
    size_t count = 0;
    for (double strong = 0.001; strong < 2; strong *= 1.7) {
        for (double share = 0.001; share <= 1; share *= 1.6) {
            for (double workers = 1; workers < 3000; workers *= 3) {
                psi_facts f = facts;
                f.strong = strong;
                f.smoothness = strong + 1;
                f.step = share / f.smoothness;
                f.workers = workers;
                f.rounds = ceil((log(workers) - log(f.step * strong)) / (2 * f.step * strong));
                CU_ASSERT_PTR_NULL(psi_theorem_broken(paper, &f));
                CU_ASSERT(bound_with("averaging-proven", &f) <= paper->bound(&f));
                count++;
            }
        }
    }
    CU_ASSERT(count > 500);
}

static void assumptions_are_named_where_a_run_breaks_them(void) {
    static const struct {
        const char *theorem;
        size_t place;
        double value;
        const char *broken;
    } cases[] = {
        {"delayed-proximal", offsetof(psi_facts, step), 0.051, "gamma <= 1 / ((1 + tau) L)"},
        {"delayed-proximal", offsetof(psi_facts, reads_too_old), 1, "no gradient older than tau"},
        {"block-proximal", offsetof(psi_facts, step), 0.05, "gamma <= 1 / (L + sqrt(2) s Lambda)"},
        {"block-proximal", offsetof(psi_facts, reads_too_old), 1,
         "no block further than s clocks away"},
        {"mixing-mistakes", offsetof(psi_facts, margin), 0, "separable by a margin"},
        {"mixing-mistakes", offsetof(psi_facts, reads_too_old), 1,
         "all of the last epoch, and no more, is mixed"},
        {"averaging", offsetof(psi_facts, rounds), 3,
         "T >= (ln k - ln(eta lambda)) / (2 eta lambda)"},
        {"averaging-mean", offsetof(psi_facts, step), 0.51, "eta <= 1 / H"},
        {"averaging-distance", offsetof(psi_facts, strong), 0, "strongly convex"},
        {"averaging-proven", offsetof(psi_facts, lipschitz), INFINITY,
         "slope of the loss at most G"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const psi_theorem *const theorem = &psi_finite_theorem_find(cases[i].theorem)->theorem;
        psi_facts f = facts;
        f.step = 0.04;
        f.rounds = 1000;
        CU_ASSERT_PTR_NULL(psi_theorem_broken(theorem, &f));
        *(double *)((char *)&f + cases[i].place) = cases[i].value;
        const char *const broken = psi_theorem_broken(theorem, &f);
        CU_ASSERT_PTR_NOT_NULL_FATAL(broken);
        CU_ASSERT_STRING_EQUAL(broken, cases[i].broken);
    }
}

static void every_theorem_says_what_is_measured_and_where_it_is_from(void) {
    size_t count = 0;
    const psi_finite_theorem *const all = psi_finite_theorems(&count);
    CU_ASSERT_EQUAL(count, 7);
    for (size_t i = 0; i < count; i++) {
        const psi_theorem *const theorem = &all[i].theorem;
        CU_ASSERT(strlen(theorem->paper) > 10 && strlen(theorem->certainty) > 5);
        CU_ASSERT(strlen(theorem->measured) > 5);
        CU_ASSERT_PTR_NOT_NULL(theorem->assumptions[0].text);
        CU_ASSERT_PTR_EQUAL(psi_finite_theorem_find(theorem->name), &all[i]);
        CU_ASSERT_PTR_NOT_NULL(strstr(psi_finite_theorem_words, theorem->name));
    }
    CU_ASSERT_PTR_NULL(psi_finite_theorem_find("riemann"));
}

static const suite_test tests[] = {
    SUITE_TEST(bounds_and_steps_are_those_of_the_theory),
    SUITE_TEST(what_the_paper_allows_averages_is_implied),
    SUITE_TEST(assumptions_are_named_where_a_run_breaks_them),
    SUITE_TEST(every_theorem_says_what_is_measured_and_where_it_is_from),
};
SUITE_MAIN("finite theorems", tests)
