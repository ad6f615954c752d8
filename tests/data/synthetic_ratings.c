#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "data/compact.h"
#include "data/summary.h"
#include "data/synthetic.h"
#include "support/suite.h"

/* Values of text cannot be wrong in silence: a typo would make another data set. */
static void refuses_what_it_does_not_know(void) {
    static const char *const cases[][2] = {
        {"synthetic:usres=10", "nearest is 'users'"},
        {"synthetic:zzz=10", "users, items, rank"},
        {"synthetic:users", "no key=value"},
        {"synthetic:users=", "users"},
        {"synthetic:users=-4", "users"},
        {"synthetic:users=0", "out of range"},
        {"synthetic:rank=5000", "out of range"},
        {"synthetic:noise=x", "noise"},
        {"synthetic:users=10,users=20", "twice"},
        {"synthetic:users=10,items=10,ratings=101", "at most 100"},
        {"synthetic:users=10,items=10,ratings=51,skew=1", "at most 50"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        psi_synthetic spec = {.users = 77};
        ps_fault fault = {0};
        CU_ASSERT_EQUAL(psi_synthetic_parse(cases[i][0], 1, 1, &spec, &fault), PS_EINVAL);
        if (strstr(fault.text, cases[i][1]) == NULL) {
            printf("%s: %s\n", cases[i][0], fault.text);
        }
        CU_ASSERT_PTR_NOT_NULL(strstr(fault.text, cases[i][1]));
        CU_ASSERT_EQUAL(spec.users, 77);
    }
    CU_ASSERT_FALSE(psi_synthetic_is_named("synthetically.txt"));
    CU_ASSERT_FALSE(psi_synthetic_is_named("synth"));
}

/* What is printed into a manifest makes the same data again. */
static void format_and_parse_are_inverse(void) {
    psi_synthetic spec, again;
    char text[256];
    CU_ASSERT_EQUAL_FATAL(
        psi_synthetic_parse("synthetic:noise=0.3,skew=1.1,items=77,seed=9", 5, 3, &spec, NULL),
        PS_OK);
    CU_ASSERT(psi_synthetic_format(&spec, text, sizeof text) < (int)sizeof text);
    CU_ASSERT_EQUAL_FATAL(psi_synthetic_parse(text, 1, 99, &again, NULL), PS_OK);
    CU_ASSERT(spec.users == again.users && spec.items == 77 && again.items == 77 &&
              spec.rank == again.rank && spec.ratings == again.ratings &&
              spec.noise == again.noise && spec.skew == again.skew && spec.seed == again.seed);
}

/* The reachable error is `noise` only if what is left beside the known factors is noise of that
 * size. */
static void what_the_factors_do_not_explain_is_noise(void) {
    psi_synthetic spec;
    psi_ratings ratings;
    CU_ASSERT_EQUAL_FATAL(psi_synthetic_parse("synthetic:noise=0.385,rank=7", 3, 4, &spec, NULL),
                          PS_OK);
    CU_ASSERT_EQUAL_FATAL(psi_synthetic_make(&spec, &ratings, NULL), PS_OK);
    CU_ASSERT_EQUAL(ratings.count, spec.ratings);
    double *const items = calloc(spec.items * spec.rank, sizeof *items);
    CU_ASSERT_PTR_NOT_NULL_FATAL(items);
    for (uint64_t i = 0; i < spec.items; i++) {
        CU_ASSERT_EQUAL_FATAL(
            psi_synthetic_factors(&spec, PSI_SYNTHETIC_ITEM, i, items + i * spec.rank), PS_OK);
    }
    double user[7], noise = 0, signal = 0, mean = 0;
    for (size_t r = 0; r < ratings.count; r++) {
        if (r == 0 || ratings.user[r] != ratings.user[r - 1]) {
            CU_ASSERT_EQUAL_FATAL(
                psi_synthetic_factors(&spec, PSI_SYNTHETIC_USER, ratings.user[r], user), PS_OK);
        }
        double dot = 0;
        for (uint64_t k = 0; k < spec.rank; k++) {
            dot += user[k] * items[ratings.item[r] * spec.rank + k];
        }
        const double rest = (double)ratings.value[r] - dot;
        noise += rest * rest;
        mean += rest;
        signal += dot * dot;
    }
    const double count = (double)ratings.count;
    CU_ASSERT_DOUBLE_EQUAL(sqrt(noise / count), 0.385, 0.385 * 4 / sqrt(2 * count));
    CU_ASSERT_DOUBLE_EQUAL(mean / count, 0, 4 * 0.385 / sqrt(count));
    CU_ASSERT_DOUBLE_EQUAL(signal / count, 1, 0.1);
    free(items);
    psi_ratings_fini(&ratings);
}

static bool ratings_are_equal(const psi_ratings *a, const psi_ratings *b) {
    return a->count == b->count && memcmp(a->user, b->user, a->count * 4) == 0 &&
           memcmp(a->item, b->item, a->count * 4) == 0 &&
           memcmp(a->value, b->value, a->count * 4) == 0;
}

/* The seed is the data: nothing else goes in, and every bit of it matters. */
static void equal_seeds_make_equal_data(void) {
    static const char *const specs[] = {"synthetic:users=200,items=50,ratings=4001",
                                        "synthetic:users=200,items=50,ratings=4001,skew=0.8"};
    for (size_t i = 0; i < 2; i++) {
        psi_ratings a, b, c;
        CU_ASSERT_EQUAL_FATAL(psi_ratings_open(specs[i], 41, 1, &a, NULL), PS_OK);
        CU_ASSERT_EQUAL_FATAL(psi_ratings_open(specs[i], 41, 77, &b, NULL), PS_OK);
        CU_ASSERT_EQUAL_FATAL(psi_ratings_open(specs[i], 42, 1, &c, NULL), PS_OK);
        CU_ASSERT(ratings_are_equal(&a, &b));
        CU_ASSERT_FALSE(ratings_are_equal(&a, &c));
        CU_ASSERT_EQUAL(a.count, 4001);
        psi_ratings_fini(&a);
        psi_ratings_fini(&b);
        psi_ratings_fini(&c);
    }
}

/* A pair that is rated twice would be trained on and held out at once. */
static void no_user_rates_an_item_twice(void) {
    static const char *const specs[] = {"synthetic:users=300,items=40,ratings=12000",
                                        "synthetic:users=300,items=40,ratings=6000,skew=2"};
    for (size_t i = 0; i < 2; i++) {
        psi_ratings ratings;
        CU_ASSERT_EQUAL_FATAL(psi_ratings_open(specs[i], 6, 1, &ratings, NULL), PS_OK);
        static unsigned char seen[300][40];
        memset(seen, 0, sizeof seen);
        for (size_t r = 0; r < ratings.count; r++) {
            CU_ASSERT_EQUAL_FATAL(seen[ratings.user[r]][ratings.item[r]]++, 0);
        }
        psi_ratings_fini(&ratings);
    }
}

/* With skew, few items have most of the ratings; the ratio of the first two is 2^skew where nothing
 * runs out. */
static void skew_makes_some_items_popular(void) {
    psi_ratings ratings;
    CU_ASSERT_EQUAL_FATAL(
        psi_ratings_open("synthetic:users=200000,items=1000,ratings=200000,skew=1", 8, 1, &ratings,
                         NULL),
        PS_OK);
    double first = 0, second = 0;
    for (size_t r = 0; r < ratings.count; r++) {
        first += ratings.item[r] == 0;
        second += ratings.item[r] == 1;
    }
    CU_ASSERT_DOUBLE_EQUAL(first / second, 2, 0.1);
    psi_ratings_fini(&ratings);
}

/* Ids of other systems have holes; memory must not follow the largest id. */
static void ids_are_renumbered_in_order(void) {
    uint32_t dense[] = {7, 3, 7, 0, 9}, sparse[] = {4000000000U, 5, 4000000000U, 70000};
    uint32_t distinct = 0;
    CU_ASSERT_EQUAL(psi_ids_compact(dense, 5, 10, &distinct), PS_OK);
    CU_ASSERT_EQUAL(distinct, 4);
    static const uint32_t dense_wanted[] = {2, 1, 2, 0, 3}, sparse_wanted[] = {2, 0, 2, 1};
    CU_ASSERT_EQUAL(memcmp(dense, dense_wanted, sizeof dense), 0);
    CU_ASSERT_EQUAL(psi_ids_compact(sparse, 4, 4294967295U, &distinct), PS_OK);
    CU_ASSERT_EQUAL(distinct, 3);
    CU_ASSERT_EQUAL(memcmp(sparse, sparse_wanted, sizeof sparse), 0);
}

/* The figures of `tortoise data info`, by hand: users 1 and 4 rate 3 and 1 items. */
static void summary_counts_what_is_there(void) {
    psi_ratings ratings = {0};
    CU_ASSERT_EQUAL_FATAL(psi_ratings_append(&ratings, 0, 0, 1), PS_OK);
    CU_ASSERT_EQUAL_FATAL(psi_ratings_append(&ratings, 0, 1, 2), PS_OK);
    CU_ASSERT_EQUAL_FATAL(psi_ratings_append(&ratings, 0, 3, 3), PS_OK);
    CU_ASSERT_EQUAL_FATAL(psi_ratings_append(&ratings, 3, 1, 6), PS_OK);
    psi_ratings_complete(&ratings);
    psi_summary summary;
    CU_ASSERT_EQUAL_FATAL(psi_summary_make(&ratings, &summary), PS_OK);
    CU_ASSERT(summary.rating_count == 4 && summary.user_count == 4 && summary.item_count == 4);
    CU_ASSERT(summary.min == 1 && summary.max == 6 && summary.mean == 3);
    CU_ASSERT_DOUBLE_EQUAL(summary.deviation, sqrt(14.0 / 4), 1e-12);
    CU_ASSERT_EQUAL(summary.density, 0.25);
    CU_ASSERT(summary.per_user.rated_count == 2 && summary.per_user.min == 1 &&
              summary.per_user.max == 3 && summary.per_user.median == 2 &&
              summary.per_user.mean == 2);
    CU_ASSERT(summary.per_item.rated_count == 3 && summary.per_item.median == 1);
    psi_ratings_fini(&ratings);
    CU_ASSERT_EQUAL(psi_summary_make(&ratings, &summary), PS_EINVAL);
}

static const suite_test tests[] = {
    SUITE_TEST(refuses_what_it_does_not_know),
    SUITE_TEST(format_and_parse_are_inverse),
    SUITE_TEST(what_the_factors_do_not_explain_is_noise),
    SUITE_TEST(equal_seeds_make_equal_data),
    SUITE_TEST(no_user_rates_an_item_twice),
    SUITE_TEST(skew_makes_some_items_popular),
    SUITE_TEST(ids_are_renumbered_in_order),
    SUITE_TEST(summary_counts_what_is_there),
};
SUITE_MAIN("synthetic ratings", tests)
