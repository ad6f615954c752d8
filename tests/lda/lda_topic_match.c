/* "The topics were found" is only as good as the matching: it must be the best there is. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "algos/lda/topic_match.h"
#include "support/suite.h"

enum { TOPICS_MAX = 7, WORDS = 5 };

static double random_next(uint64_t *state) {
    *state = *state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (double)(*state >> 40) / (double)(1 << 24);
}

static double cosine(const double *a, const double *b) {
    double product = 0, aa = 0, bb = 0;
    for (int w = 0; w < WORDS; w++) {
        product += a[w] * b[w];
        aa += a[w] * a[w];
        bb += b[w] * b[w];
    }
    return aa * bb > 0 ? product / sqrt(aa * bb) : 0;
}

/* The largest sum of cosines over all ways to give true topics t.. partners that are not used; at
 * most `skips` of them get none. */
static double best_sum(const psi_lda_topic_set *truth, const psi_lda_topic_set *learned, uint32_t t,
                       unsigned used, unsigned skips) {
    if (t == truth->topic_count) {
        return 0;
    }
    double best = skips > 0 ? best_sum(truth, learned, t + 1, used, skips - 1) : -INFINITY;
    for (uint32_t k = 0; k < learned->topic_count; k++) {
        if ((used >> k & 1U) == 0) {
            const double sum = cosine(truth->weights + t * WORDS, learned->weights + k * WORDS) +
                               best_sum(truth, learned, t + 1, used | 1U << k, skips);
            best = sum > best ? sum : best;
        }
    }
    return best;
}

/* The most alike pair first: what the exact matching is better than. */
static double greedy_sum(const psi_lda_topic_set *truth, const psi_lda_topic_set *learned) {
    unsigned used_t = 0, used_k = 0;
    double sum = 0;
    for (uint32_t pair = 0; pair < truth->topic_count; pair++) {
        double best = -1;
        uint32_t best_t = 0, best_k = 0;
        for (uint32_t t = 0; t < truth->topic_count; t++) {
            for (uint32_t k = 0; k < learned->topic_count; k++) {
                const double c = cosine(truth->weights + t * WORDS, learned->weights + k * WORDS);
                if ((used_t >> t & 1U) == 0 && (used_k >> k & 1U) == 0 && c > best) {
                    best = c;
                    best_t = t;
                    best_k = k;
                }
            }
        }
        used_t |= 1U << best_t;
        used_k |= 1U << best_k;
        sum += best;
    }
    return sum;
}

static void no_other_matching_has_a_larger_sum(void) {
    double weights[2][TOPICS_MAX * WORDS];
    uint64_t state = 1;
    unsigned greedy_lost = 0;
    for (int round = 0; round < 300; round++) {
        for (size_t i = 0; i < 2 * (size_t)TOPICS_MAX * WORDS; i++) {
            const double r = random_next(&state);
            weights[i / (TOPICS_MAX * WORDS)][i % (TOPICS_MAX * WORDS)] = r < 0.3 ? 0 : r;
        }
        const uint32_t t = 1 + (uint32_t)round % TOPICS_MAX, k = 1 + (uint32_t)(round / 7) % 7;
        const psi_lda_topic_set truth = {weights[0], t, WORDS}, learned = {weights[1], k, WORDS};
        uint32_t partners[TOPICS_MAX];
        double cosines[TOPICS_MAX], sum = 0;
        unsigned used = 0, partner_count = 0;
        CU_ASSERT_EQUAL_FATAL(psi_lda_topics_match(&truth, &learned, partners, cosines), PS_OK);
        for (uint32_t i = 0; i < t; i++) {
            sum += cosines[i];
            if (partners[i] == PSI_LDA_NO_TOPIC) {
                CU_ASSERT_EQUAL(cosines[i], 0);
                continue;
            }
            CU_ASSERT_FATAL(partners[i] < k && (used >> partners[i] & 1U) == 0);
            used |= 1U << partners[i];
            partner_count++;
            CU_ASSERT_DOUBLE_EQUAL(cosines[i],
                                   cosine(weights[0] + i * WORDS, weights[1] + partners[i] * WORDS),
                                   1e-12);
        }
        CU_ASSERT_EQUAL(partner_count, t < k ? t : k);
        CU_ASSERT_DOUBLE_EQUAL(sum, best_sum(&truth, &learned, 0, 0, t > k ? t - k : 0), 1e-9);
        greedy_lost += t == k && greedy_sum(&truth, &learned) < sum - 1e-9;
    }
    CU_ASSERT(greedy_lost > 5); /* a planted matching that is not the best would be seen */
}

static void topics_in_another_order_are_the_same_topics(void) {
    enum { TOPICS = 200, MANY = 300 };
    double *const truth = calloc((size_t)TOPICS * MANY, sizeof *truth);
    double *const learned = calloc((size_t)TOPICS * MANY, sizeof *learned);
    uint32_t partners[TOPICS];
    double cosines[TOPICS];
    CU_ASSERT_PTR_NOT_NULL_FATAL(truth);
    CU_ASSERT_PTR_NOT_NULL_FATAL(learned);
    uint64_t state = 5;
    for (size_t k = 0; k < TOPICS; k++) {
        for (size_t w = 0; w < MANY; w++) {
            truth[k * MANY + w] = random_next(&state);
        }
        memcpy(learned + k * 77 % TOPICS * MANY, truth + k * MANY, MANY * sizeof *truth);
    }
    const psi_lda_topic_set sets[] = {{truth, TOPICS, MANY}, {learned, TOPICS, MANY}};
    CU_ASSERT_EQUAL_FATAL(psi_lda_topics_match(&sets[0], &sets[1], partners, cosines), PS_OK);
    for (uint32_t k = 0; k < TOPICS; k++) {
        CU_ASSERT_EQUAL(partners[k], k * 77 % TOPICS);
        CU_ASSERT_DOUBLE_EQUAL(cosines[k], 1, 1e-12);
    }
    const psi_lda_topic_set fewer = {learned, TOPICS, MANY - 1};
    CU_ASSERT_EQUAL(psi_lda_topics_match(&sets[0], &fewer, partners, cosines), PS_EINVAL);
    free(truth);
    free(learned);
}

static const suite_test tests[] = {
    SUITE_TEST(no_other_matching_has_a_larger_sum),
    SUITE_TEST(topics_in_another_order_are_the_same_topics),
};
SUITE_MAIN("topic matching", tests)
