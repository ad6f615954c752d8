/* A stale read can hold a count below zero. A sampler must take it for 0, or a weight is negative
 * and what is drawn is nothing at all; and it must leave the row as it is, or tokens appear from
 * nowhere. One token is drawn again and again beside such counts. What it should be is known:
 *
 *     p(k)  ~  (max(0, n_kw) + beta) / (max(0, n_k) + V beta),    its own topic taken out. */
#include <stdio.h>
#include <string.h>

#include <gsl/gsl_cdf.h>

#include "algos/lda/open_row.h"
#include "algos/lda/sampler.h"
#include "support/suite.h"

enum { K = 3, V = 3, SAMPLES = 60000, THINNING = 6 };

static const psi_lda_prior prior = {.topic_count = K, .word_count = V, .alpha = 0.7, .beta = 0.4};

/* Counts as they are read, without the token. */
typedef struct read_counts {
    int32_t row[K];
    int64_t totals[K];
} read_counts;

/* Of a word; so many tokens that warp, which takes its token out of none of them, is exact, too. */
static const read_counts negative_row = {{5, -7, 2}, {9000000, 9000000, 9000000}};
static const read_counts negative_total = {{5, 0, 2}, {40, -60, 25}};

static double known(const read_counts *read, int k) {
    const double count = read->row[k] > 0 ? read->row[k] : 0;
    const double total = read->totals[k] > 0 ? (double)read->totals[k] : 0;
    return (count + prior.beta) / (total + V * prior.beta);
}

/* Draws the token's topic, and counts what it was. */
static void draw(psi_lda_kind kind, const read_counts *read, double *seen) {
    static const uint32_t doc_begins[] = {4, 5}, word_begins[] = {0, 1}, zero[] = {0};
    static const uint32_t frequencies[] = {9};
    const psi_lda_options options = {.kind = kind, .mh_steps = 2, .keeps_tables = 1};
    const psi_lda_limits limits = {.token_count = 1,
                                   .word_count = 1,
                                   .doc_count = 1,
                                   .occurrence_count = 1,
                                   .room_count = K,
                                   .nonzero_count = K};
    read_counts now = *read;
    uint16_t topic = 0;
    uint32_t pair = psi_lda_first_pair(topic);
    int32_t *const rows[] = {now.row};
    const psi_lda_rows in = {.words = rows, .totals = now.totals};
    const psi_lda_block block = {.doc_count = 1,
                                 .word_count = 1,
                                 .doc_begins = doc_begins,
                                 .word_begins = word_begins,
                                 .frequencies = frequencies,
                                 .slots = zero,
                                 .by_word = zero,
                                 .topics = &topic,
                                 .pairs = &pair};
    psi_lda_sampler *sampler = NULL;
    CU_ASSERT_EQUAL_FATAL(psi_lda_sampler_create(&options, &prior, &limits,
                                                 ps_random_stream(29, "lda-negative", kind),
                                                 &sampler),
                          PS_OK);
    now.row[topic]++;
    now.totals[topic]++;
    for (int i = 0; i < SAMPLES * THINNING; i++) {
        psi_lda_sampler_pass(sampler, &block, &in);
        CU_ASSERT_FATAL(topic < K);
        seen[topic] += i % THINNING == 0;
    }
    psi_lda_sampler_destroy(sampler);
    for (int k = 0; k < K; k++) {
        CU_ASSERT_EQUAL(now.row[k], read->row[k] + (k == topic));
        CU_ASSERT_EQUAL(now.totals[k], read->totals[k] + (k == topic));
    }
}

/* Chi-square with K - 1 degrees of freedom, at p = 1e-4. */
static void check(psi_lda_kind kind, const read_counts *read) {
    double seen[K] = {0}, sum = 0, chi = 0;
    draw(kind, read, seen);
    for (int k = 0; k < K; k++) {
        sum += known(read, k);
    }
    for (int k = 0; k < K; k++) {
        const double wanted = SAMPLES * known(read, k) / sum;
        chi += (seen[k] - wanted) * (seen[k] - wanted) / wanted;
    }
    printf("chi-square %.1f; ", chi);
    CU_ASSERT(chi < gsl_cdf_chisq_Qinv(1e-4, K - 1));
}

static void dense_takes_what_is_negative_for_zero(void) {
    check(PSI_LDA_DENSE, &negative_row);
    check(PSI_LDA_DENSE, &negative_total);
}

static void sparse_takes_what_is_negative_for_zero(void) {
    check(PSI_LDA_SPARSE, &negative_row);
    check(PSI_LDA_SPARSE, &negative_total);
}

static void alias_takes_what_is_negative_for_zero(void) {
    check(PSI_LDA_ALIAS, &negative_row);
    check(PSI_LDA_ALIAS, &negative_total);
}

static void light_takes_what_is_negative_for_zero(void) {
    check(PSI_LDA_LIGHT, &negative_row);
    check(PSI_LDA_LIGHT, &negative_total);
}

/* Not exact where totals are small: its own topic stays in them. */
static void warp_takes_what_is_negative_for_zero(void) {
    check(PSI_LDA_WARP, &negative_row);
}

static void vector_takes_what_is_negative_for_zero(void) {
    check(PSI_LDA_VECTOR, &negative_row);
    check(PSI_LDA_VECTOR, &negative_total);
}

static void fplus_takes_what_is_negative_for_zero(void) {
    check(PSI_LDA_FPLUS, &negative_row);
    check(PSI_LDA_FPLUS, &negative_total);
}

/* Others have -1 of topic 1, the word's only token is 1 more: the sparse row has nothing of it. */
static int row_read(void *context, uint32_t w, ps_sparse_row *row_out) {
    static const uint32_t columns[] = {0, 2};
    static const int32_t values[] = {5, 2};
    (void)context, (void)w;
    *row_out = (ps_sparse_row){.count = 2, .columns = columns, .values = values};
    return 1;
}

static void row_add(void *context, uint32_t w, const ps_sparse_row *changes) {
    int32_t *const sums = context;
    const int32_t *const values = changes->values;
    (void)w;
    for (uint32_t i = 0; i < changes->count; i++) {
        sums[changes->columns[i]] += values[i];
    }
}

/* What is below zero in one word must not be found in the next. */
static void a_sparse_row_leaves_nothing_behind(void) {
    static const uint32_t word_begins[] = {0, 1}, zero[] = {0};
    const psi_lda_limits limits = {.occurrence_count = 1};
    uint16_t topic = 1;
    int32_t sums[K] = {0}, *const none[] = {NULL};
    const psi_lda_block block = {
        .word_count = 1, .word_begins = word_begins, .by_word = zero, .topics = &topic};
    const psi_lda_sparse_rows sparse = {row_read, row_add, sums};
    const psi_lda_rows rows = {.words = none, .sparse = &sparse};
    psi_lda_open_row row;
    CU_ASSERT_EQUAL_FATAL(psi_lda_open_row_init(&row, K, &limits), PS_OK);
    CU_ASSERT_FATAL(psi_lda_open_row_begin(&row, &block, &rows, 0));
    row.counts[1]--;
    row.counts[2]++;
    topic = 2;
    psi_lda_open_row_end(&row, &block, &rows, 0);
    CU_ASSERT(sums[0] == 0 && sums[1] == -1 && sums[2] == 1);
    for (int k = 0; k < K; k++) {
        CU_ASSERT_EQUAL(row.spread[k], 0);
    }
    psi_lda_open_row_fini(&row);
}

static const suite_test tests[] = {
    SUITE_TEST(a_sparse_row_leaves_nothing_behind),
    SUITE_TEST(dense_takes_what_is_negative_for_zero),
    SUITE_TEST(sparse_takes_what_is_negative_for_zero),
    SUITE_TEST(alias_takes_what_is_negative_for_zero),
    SUITE_TEST(light_takes_what_is_negative_for_zero),
    SUITE_TEST(warp_takes_what_is_negative_for_zero),
    SUITE_TEST(vector_takes_what_is_negative_for_zero),
    SUITE_TEST(fplus_takes_what_is_negative_for_zero),
};
SUITE_MAIN("lda negative counts", tests)
