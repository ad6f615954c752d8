/* Every experiment's numbers come from here: they must be Philox's, uniform, and the same
 * everywhere. */
#include "tortoise/random.h"

#include <gsl/gsl_cdf.h>
#include <gsl/gsl_randist.h>

#include "base/philox.h"
#include "support/suite.h"

/* The chance that a good generator fails one of the tests below. The streams are fixed, so it does
 * not. */
static const double p_value_min = 1e-4;

typedef struct known_answer {
    uint32_t counter[4], key[2], block[4];
} known_answer;

/* Why: the same numbers as every other Philox. Vectors of Random123 1.14 (kat_vectors, philox4x32
 * 10). */
static void philox_gives_the_known_answers(void) {
    static const known_answer answers[] = {
        {{0, 0, 0, 0}, {0, 0}, {0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}},
        {{0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff},
         {0xffffffff, 0xffffffff},
         {0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}},
        {{0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344},
         {0xa4093822, 0x299f31d0},
         {0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}},
    };
    for (size_t i = 0; i < sizeof answers / sizeof answers[0]; i++) {
        uint32_t block[4] = {0};
        psi_philox4x32(answers[i].counter, answers[i].key, block);
        CU_ASSERT_EQUAL(memcmp(block, answers[i].block, sizeof block), 0);
    }
}

/* Why: a stream is (seed, name, rank) and nothing else; a change here changes every published
 * result. */
static void streams_have_golden_numbers(void) {
    ps_random stream = ps_random_stream(20130901, "ratings", 17);
    uint32_t block[4];
    const uint32_t counter[4] = {0, 0, 17, 0};
    psi_philox4x32(counter, stream.key, block);
    for (size_t i = 0; i < 4; i++) {
        CU_ASSERT_EQUAL(ps_random_u32(&stream), block[i]);
    }
    CU_ASSERT_EQUAL(stream.key[0], 0xf47d63bc);
    CU_ASSERT_EQUAL(stream.key[1], 0x8e8061c4);
}

/* Why: two workers that draw the same numbers sample the same data. */
static void seed_name_and_rank_each_change_the_stream(void) {
    const ps_random streams[] = {
        ps_random_stream(1, "order", 0),
        ps_random_stream(2, "order", 0),
        ps_random_stream(1, "ordes", 0),
        ps_random_stream(1, "", 0),
        ps_random_stream(1, "order", 1),
        ps_random_stream(1, "order", UINT64_C(1) << 32),
        ps_random_stream(UINT64_C(1) << 32, "order", 0),
    };
    enum { COUNT = sizeof streams / sizeof streams[0] };
    uint32_t first[COUNT];
    for (size_t i = 0; i < COUNT; i++) {
        ps_random stream = streams[i];
        first[i] = ps_random_u32(&stream);
        for (size_t j = 0; j < i; j++) {
            CU_ASSERT_NOT_EQUAL(first[i], first[j]);
        }
    }
}

/* Why: after 2^34 numbers the low word of the counter wraps; the stream must go on, not start
 * again. */
static void counter_carries_into_its_second_word(void) {
    ps_random stream = ps_random_stream(5, "carry", 3);
    stream.counter[0] = UINT32_MAX;
    for (size_t i = 0; i < 5; i++) {
        (void)ps_random_u32(&stream);
    }
    CU_ASSERT_EQUAL(stream.counter[0], 1);
    CU_ASSERT_EQUAL(stream.counter[1], 1);
    CU_ASSERT_EQUAL(stream.counter[2], 3);
}

/* The chance of counts at least as uneven as counts[0..cell_count) (chi-square). */
static double evenness(const size_t *counts, size_t cell_count, size_t draw_count) {
    const double expected = (double)draw_count / (double)cell_count;
    double chi_square = 0;
    for (size_t i = 0; i < cell_count; i++) {
        const double difference = (double)counts[i] - expected;
        chi_square += difference * difference / expected;
    }
    return gsl_cdf_chisq_Q(chi_square, (double)(cell_count - 1));
}

static bool is_plausible(double p_value) {
    return p_value > p_value_min && p_value < 1 - p_value_min;
}

static void uniform_is_uniform_in_the_unit_interval(void) {
    enum { CELLS = 1000, DRAWS = 1000000 };
    static size_t counts[CELLS];
    ps_random stream = ps_random_stream(7, "uniform", 0);
    bool all_inside = true;
    double sum = 0;
    for (size_t i = 0; i < DRAWS; i++) {
        const double u = ps_random_uniform(&stream);
        all_inside = all_inside && u >= 0 && u < 1;
        counts[(size_t)(u * CELLS) % CELLS]++;
        sum += u;
    }
    CU_ASSERT_TRUE(all_inside);
    CU_ASSERT_TRUE(is_plausible(evenness(counts, CELLS, DRAWS)));
    CU_ASSERT_DOUBLE_EQUAL(sum / DRAWS, 0.5,
                           4.0 / 3464.1); /* 4 standard errors: sqrt(1/12/DRAWS) */
}

/* Why: 53 bits are promised; a uniform of 32 bits would have zeros below. */
static void uniform_fills_its_lowest_bits(void) {
    ps_random stream = ps_random_stream(11, "bits", 0);
    unsigned seen = 0;
    for (size_t i = 0; i < 200; i++) {
        const uint64_t digits = (uint64_t)(ps_random_uniform(&stream) * 0x1p53);
        seen |= (unsigned)(digits & 0xff);
    }
    CU_ASSERT_EQUAL(seen, 0xff);
}

/* Why: number % bound prefers small results, and a product's high half prefers every third of 3 *
 * 2^30 results: so results are counted both by size and by remainder. Bounds above 2^32 take a path
 * of their own. */
static void below_prefers_no_result(void) {
    static const uint64_t bounds[] = {
        3, 12, 999, UINT64_C(3) << 30, UINT64_C(3) << 32, UINT64_C(3) << 62,
    };
    enum { SIZES = 12, REMAINDERS = 3, DRAWS = 240000 };
    for (size_t b = 0; b < sizeof bounds / sizeof bounds[0]; b++) {
        size_t by_size[SIZES] = {0}, by_remainder[REMAINDERS] = {0};
        ps_random stream = ps_random_stream(13, "below", b);
        bool all_below = true;
        for (size_t i = 0; i < DRAWS; i++) {
            const uint64_t number = ps_random_below(&stream, bounds[b]);
            all_below = all_below && number < bounds[b];
            by_size[(size_t)((double)number / (double)bounds[b] * SIZES) % SIZES]++;
            by_remainder[number % REMAINDERS]++;
        }
        CU_ASSERT_TRUE(all_below);
        CU_ASSERT_TRUE(bounds[b] % SIZES != 0 || is_plausible(evenness(by_size, SIZES, DRAWS)));
        CU_ASSERT_TRUE(is_plausible(evenness(by_remainder, REMAINDERS, DRAWS)));
    }
}

/* Why: the smallest and the largest bounds are where an off-by-one would loop or overflow. */
static void below_takes_any_bound(void) {
    static const uint64_t bounds[] = {1, 2, UINT32_MAX, UINT64_C(1) << 32, UINT64_MAX};
    ps_random stream = ps_random_stream(14, "bounds", 0);
    for (size_t b = 0; b < sizeof bounds / sizeof bounds[0]; b++) {
        uint64_t largest = 0;
        for (size_t i = 0; i < 1000; i++) {
            const uint64_t number = ps_random_below(&stream, bounds[b]);
            CU_ASSERT_TRUE_FATAL(number < bounds[b]);
            largest = number > largest ? number : largest;
        }
        CU_ASSERT_TRUE(largest >= (bounds[b] - 1) / 100 * 98);
    }
}

/* Why: an uneven shuffle is a biased order of the data. All 24 orders of four must come equally
 * often. */
static void shuffle_gives_every_order_equally_often(void) {
    enum { ORDERS = 256, DRAWS = 240000, TRUE_ORDERS = 24 };
    size_t counts[ORDERS] = {0};
    ps_random stream = ps_random_stream(17, "shuffle", 0);
    for (size_t i = 0; i < DRAWS; i++) {
        uint32_t items[4] = {0, 1, 2, 3};
        ps_random_shuffle_u32(&stream, items, 4);
        counts[items[0] | items[1] << 2 | items[2] << 4 | items[3] << 6]++;
    }
    size_t seen[TRUE_ORDERS] = {0};
    size_t seen_count = 0;
    for (size_t i = 0; i < ORDERS; i++) {
        if (counts[i] > 0) {
            CU_ASSERT_TRUE_FATAL(seen_count < TRUE_ORDERS);
            seen[seen_count++] = counts[i];
        }
    }
    CU_ASSERT_EQUAL(seen_count, TRUE_ORDERS);
    CU_ASSERT_TRUE(is_plausible(evenness(seen, TRUE_ORDERS, DRAWS)));
    ps_random_shuffle_u32(&stream, NULL, 0);
}

/* Why: distributions are drawn by GSL; its generator must be the very stream, at its position. */
static void gsl_draws_from_the_stream(void) {
    ps_random stream = ps_random_stream(19, "noise", 4);
    (void)ps_random_u32(&stream);
    (void)ps_random_u32(&stream);
    gsl_rng *const rng = gsl_rng_alloc(ps_random_gsl_type());
    CU_ASSERT_PTR_NOT_NULL_FATAL(rng);
    ps_random_gsl(rng, stream);
    for (size_t i = 0; i < 9; i++) {
        CU_ASSERT_EQUAL(gsl_rng_get(rng), ps_random_u32(&stream));
    }
    CU_ASSERT_EQUAL(gsl_rng_uniform(rng), ps_random_uniform(&stream));
    CU_ASSERT_EQUAL(gsl_rng_min(rng), 0);
    CU_ASSERT_EQUAL(gsl_rng_max(rng), UINT32_MAX);
    gsl_rng_free(rng);
}

/* Why: the adapter feeds GSL's distributions; their moments show a generator that is wired wrongly.
 */
static void gsl_gaussians_have_their_moments(void) {
    enum { DRAWS = 200000 };
    gsl_rng *const rng = gsl_rng_alloc(ps_random_gsl_type());
    CU_ASSERT_PTR_NOT_NULL_FATAL(rng);
    ps_random_gsl(rng, ps_random_stream(23, "gauss", 0));
    double sum = 0, squares = 0;
    for (size_t i = 0; i < DRAWS; i++) {
        const double x = gsl_ran_gaussian(rng, 1);
        sum += x;
        squares += x * x;
    }
    CU_ASSERT_DOUBLE_EQUAL(sum / DRAWS, 0, 4 * 0.002237);     /* 1/sqrt(DRAWS) */
    CU_ASSERT_DOUBLE_EQUAL(squares / DRAWS, 1, 4 * 0.003163); /* sqrt(2/DRAWS) */
    gsl_rng_free(rng);
}

static const suite_test tests[] = {
    SUITE_TEST(philox_gives_the_known_answers),
    SUITE_TEST(streams_have_golden_numbers),
    SUITE_TEST(seed_name_and_rank_each_change_the_stream),
    SUITE_TEST(counter_carries_into_its_second_word),
    SUITE_TEST(uniform_is_uniform_in_the_unit_interval),
    SUITE_TEST(uniform_fills_its_lowest_bits),
    SUITE_TEST(below_prefers_no_result),
    SUITE_TEST(below_takes_any_bound),
    SUITE_TEST(shuffle_gives_every_order_equally_often),
    SUITE_TEST(gsl_draws_from_the_stream),
    SUITE_TEST(gsl_gaussians_have_their_moments),
};
SUITE_MAIN("random", tests)
