/* A sampler must draw from what its equations say. On a corpus of five tokens all 3^5 assignments
 * of topics can be listed, so the posterior is known: ln p(w, z), normalised. Every sampler walks 2
 * million passes, its states are counted every tenth, and a chi-square test compares them. The seed
 * is fixed, so the test is not flaky.
 *
 * alias draws from stale tables. Whatever these say the walk is exact, if they do not depend on it:
 * so the tables of the first pass, which are those of an arbitrary state, are kept. Stale they are
 * then for good, which shows errors of the acceptance ratios best.
 *
 * warp decides about proposals with counts that have moved on since they were drawn, so the
 * posterior is not what it walks on. Its own walk is listed instead: every transition of the two
 * passes, worked out here from their description, and the distribution that it leaves unchanged. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <gsl/gsl_cdf.h>
#include <gsl/gsl_sf_gamma.h>

#include "algos/lda/sampler.h"
#include "support/chi_square.h"
#include "support/suite.h"

enum { K = 3, V = 3, N = 5, D = 2, STATES = 243, SAMPLES = 200000, THINNING = 10 };

static const uint32_t words[N] = {0, 0, 1, 1, 2}, docs[N] = {0, 0, 0, 1, 1};
static const psi_lda_prior prior = {.topic_count = K, .word_count = V, .alpha = 0.7, .beta = 0.4};

static void topics_of_state(int state, uint16_t *topics) {
    for (int i = 0; i < N; i++) {
        topics[i] = (uint16_t)(state % K);
        state /= K;
    }
}

static int state_of(const uint16_t *topics) {
    int state = 0;
    for (int i = N - 1; i >= 0; i--) {
        state = state * K + topics[i];
    }
    return state;
}

/* How the sampler of a test is used: with rows that are sparse, and with counts that other workers
 * have, which stay as they are. Of the word 1 these are many, of the others few. */
static int is_sparse, has_others, sample_count = SAMPLES;
static uint32_t listed_min; /* psi_lda_options.listed_min */
static const int32_t others[V][K] = {{1, 0, 2}, {20, 3, 0}, {0, 4, 0}};

typedef struct counts {
    double doc[D][K], word[V][K], topic[K];
} counts;

static counts count(const uint16_t *topics) {
    counts c = {0};
    for (int w = 0; w < V && has_others; w++) {
        for (int k = 0; k < K; k++) {
            c.word[w][k] += others[w][k];
            c.topic[k] += others[w][k];
        }
    }
    for (int i = 0; i < N; i++) {
        c.doc[docs[i]][topics[i]]++;
        c.word[words[i]][topics[i]]++;
        c.topic[topics[i]]++;
    }
    return c;
}

static void normalise(double *p) {
    double sum = 0;
    for (int s = 0; s < STATES; s++) {
        sum += p[s];
    }
    for (int s = 0; s < STATES; s++) {
        p[s] /= sum;
    }
}

/* p(z | w) of every state. */
static void posterior_make(double *p) {
    for (int s = 0; s < STATES; s++) {
        uint16_t topics[N];
        topics_of_state(s, topics);
        const counts c = count(topics);
        double log_p = 0;
        for (int k = 0; k < K; k++) {
            for (int d = 0; d < D; d++) {
                log_p += gsl_sf_lngamma(c.doc[d][k] + prior.alpha);
            }
            for (int w = 0; w < V; w++) {
                log_p += gsl_sf_lngamma(c.word[w][k] + prior.beta);
            }
            log_p -= gsl_sf_lngamma(c.topic[k] + V * prior.beta);
        }
        p[s] = exp(log_p);
    }
    normalise(p);
}

/* One pass of warp from `start`: to[s] is the probability of ending in s. By document, what is
 * proposed knows the words and what decides knows the documents; by word the other way round. */
static void warp_pass(int start, int is_by_document, double *to) {
    uint16_t topics[N];
    topics_of_state(start, topics);
    const counts first = count(topics);
    double now[STATES] = {0};
    now[start] = 1;
    for (int i = 0; i < N; i++) {
        double weights[K], sum = 0;
        for (int t = 0; t < K; t++) {
            const double all = is_by_document ? first.word[words[i]][t] + prior.beta
                                              : first.doc[docs[i]][t] + prior.alpha;
            weights[t] = all - (t == topics[i]);
            sum += weights[t];
        }
        double next[STATES] = {0};
        for (int s = 0; s < STATES; s++) {
            uint16_t here[N];
            topics_of_state(s, here);
            const counts c = count(here);
            const uint16_t old = here[i];
            for (uint16_t t = 0; t < K && now[s] > 0; t++) {
                const double *const row = is_by_document ? c.doc[docs[i]] : c.word[words[i]];
                const double smoothing = is_by_document ? prior.alpha : prior.beta;
                const double ratio =
                    (row[t] + smoothing) * (first.topic[old] + V * prior.beta) /
                    ((row[old] - 1 + smoothing) * (first.topic[t] + V * prior.beta));
                const double taken = t == old ? 1 : fmin(1, ratio);
                const double mass = now[s] * weights[t] / sum;
                next[s] += mass * (1 - taken);
                here[i] = t;
                next[state_of(here)] += mass * taken;
            }
        }
        memcpy(now, next, sizeof now);
    }
    memcpy(to, now, sizeof now);
}

/* The distribution that a pass by document and one by word leave unchanged. */
static void warp_make(double *p) {
    static double by_document[STATES][STATES], by_word[STATES][STATES];
    for (int s = 0; s < STATES; s++) {
        warp_pass(s, 1, by_document[s]);
        warp_pass(s, 0, by_word[s]);
        p[s] = 1.0 / STATES;
    }
    for (int round = 0; round < 300; round++) {
        double middle[STATES] = {0}, end[STATES] = {0};
        for (int s = 0; s < STATES; s++) {
            for (int t = 0; t < STATES; t++) {
                middle[t] += p[s] * by_document[s][t];
            }
        }
        for (int s = 0; s < STATES; s++) {
            for (int t = 0; t < STATES; t++) {
                end[t] += middle[s] * by_word[s][t];
            }
        }
        memcpy(p, end, sizeof end);
    }
    normalise(p);
}

/* Rows for samplers that take sparse ones. */
typedef struct source {
    int32_t rows[V][K];
    uint32_t columns[K];
    int32_t values[K];
} source;

static int source_read(void *context, uint32_t w, ps_sparse_row *row_out) {
    source *const from = context;
    uint32_t count = 0;
    for (uint32_t k = 0; k < K; k++) {
        from->columns[count] = k;
        from->values[count] = from->rows[w][k];
        count += from->rows[w][k] != 0;
    }
    *row_out = (ps_sparse_row){.count = count, .columns = from->columns, .values = from->values};
    return 1;
}

static void source_add(void *context, uint32_t w, const ps_sparse_row *changes) {
    const int32_t *const values = changes->values;
    for (uint32_t i = 0; i < changes->count; i++) {
        ((source *)context)->rows[w][changes->columns[i]] += values[i];
    }
}

/* Walks, and counts the states. */
static void walk(psi_lda_kind kind, uint32_t mh_steps, double *seen) {
    static const uint32_t doc_begins[D + 1] = {10, 13, 15}, word_begins[V + 1] = {0, 2, 4, 5};
    static const uint32_t by_word[N] = {0, 1, 2, 3, 4};
    const uint32_t frequencies[V] = {has_others ? 5 : 2, has_others ? 25 : 2, has_others ? 5 : 1};
    const psi_lda_options options = {
        .kind = kind, .mh_steps = mh_steps, .keeps_tables = 1, .listed_min = listed_min};
    const psi_lda_limits limits = {.token_count = N,
                                   .word_count = V,
                                   .doc_count = D,
                                   .occurrence_count = 2,
                                   .frequency_count = 25,
                                   .room_count = K,
                                   .nonzero_count = (uint64_t)V * K};
    uint16_t topics[N] = {0, 1, 2, 1, 0};
    uint32_t pairs[N];
    source from = {.rows = {{0}}};
    int64_t totals[K] = {0};
    const counts start = count(topics);
    for (int i = 0; i < N; i++) {
        pairs[i] = psi_lda_first_pair(topics[i]);
    }
    for (int k = 0; k < K; k++) {
        totals[k] = (int64_t)start.topic[k];
        for (int w = 0; w < V; w++) {
            from.rows[w][k] = (int32_t)start.word[w][k];
        }
    }
    int32_t *const dense[V] = {from.rows[0], from.rows[1], from.rows[2]}, *const none[V] = {NULL};
    const psi_lda_sparse_rows sparse = {source_read, source_add, &from};
    const psi_lda_rows in = {
        .words = is_sparse ? none : dense, .totals = totals, .sparse = is_sparse ? &sparse : NULL};
    const psi_lda_block block = {.doc_count = D,
                                 .word_count = V,
                                 .doc_begins = doc_begins,
                                 .word_begins = word_begins,
                                 .frequencies = frequencies,
                                 .slots = words,
                                 .by_word = by_word,
                                 .topics = topics,
                                 .pairs = pairs};
    psi_lda_sampler *sampler = NULL;
    const ps_random random = ps_random_stream(4711, "lda-posterior", 0);
    CU_ASSERT_EQUAL_FATAL(psi_lda_sampler_create(&options, &prior, &limits, random, &sampler),
                          PS_OK);
    for (int s = 0; s < STATES; s++) {
        seen[s] = 0;
    }
    for (int i = 0; i < sample_count * THINNING; i++) {
        psi_lda_sampler_pass(sampler, &block, &in);
        seen[state_of(topics)] += i % THINNING == 0;
    }
    psi_lda_sampler_destroy(sampler);
    const counts c = count(topics);
    for (int k = 0; k < K; k++) {
        CU_ASSERT_EQUAL((double)totals[k], c.topic[k]);
        for (int w = 0; w < V; w++) {
            CU_ASSERT_EQUAL((double)from.rows[w][k], c.word[w][k]);
        }
    }
}

static void check(psi_lda_kind kind, uint32_t mh_steps, const double *p) {
    double seen[STATES];
    int freedom = 0;
    walk(kind, mh_steps, seen);
    const double chi = chi_square_of(seen, p, STATES, sample_count, &freedom);
    printf("chi-square %.1f of %d degrees, limit %.1f; ", chi, freedom, chi_square_limit(freedom));
    CU_ASSERT(chi < chi_square_limit(freedom));
}

static void dense_draws_from_the_posterior(void) {
    double p[STATES];
    posterior_make(p);
    check(PSI_LDA_DENSE, 1, p);
}

static void sparse_draws_from_the_posterior(void) {
    double p[STATES];
    posterior_make(p);
    check(PSI_LDA_SPARSE, 1, p);
}

static void alias_draws_from_the_posterior(void) {
    double p[STATES];
    posterior_make(p);
    check(PSI_LDA_ALIAS, 2, p);
}

static void light_draws_from_the_posterior(void) {
    double p[STATES];
    posterior_make(p);
    check(PSI_LDA_LIGHT, 2, p);
    listed_min = 1;
    check(PSI_LDA_LIGHT, 2, p);
    listed_min = 0;
}

static void vector_draws_from_the_posterior(void) {
    double p[STATES];
    posterior_make(p);
    check(PSI_LDA_VECTOR, 1, p);
}

static void fplus_draws_from_the_posterior(void) {
    double p[STATES];
    posterior_make(p);
    check(PSI_LDA_FPLUS, 1, p);
}

static void warp_draws_from_the_law_of_its_own_walk(void) {
    double p[STATES], posterior[STATES], distance = 0;
    warp_make(p);
    posterior_make(posterior);
    for (int s = 0; s < STATES; s++) {
        distance += fabs(p[s] - posterior[s]) / 2;
    }
    printf("total variation from the posterior %.3f; ", distance);
    CU_ASSERT(distance < 0.2); /* a token is a third of its document here */
    check(PSI_LDA_WARP, 1, p);
}

/* Where other workers have counts, too, in few or in many times the tokens of a word. */
static void all_draw_beside_the_counts_of_others(void) {
    double p[STATES];
    has_others = 1;
    sample_count = SAMPLES / 4;
    posterior_make(p);
    check(PSI_LDA_DENSE, 1, p);
    check(PSI_LDA_SPARSE, 1, p);
    check(PSI_LDA_ALIAS, 2, p);
    check(PSI_LDA_LIGHT, 2, p);
    check(PSI_LDA_VECTOR, 1, p);
    check(PSI_LDA_FPLUS, 1, p);
    warp_make(p);
    check(PSI_LDA_WARP, 1, p);
    has_others = 0;
    sample_count = SAMPLES;
}

/* Samplers that go word by word take sparse rows as well, and give back what they changed. */
static void sparse_rows_draw_as_dense_ones_do(void) {
    double p[STATES];
    is_sparse = has_others = 1;
    sample_count = SAMPLES / 4;
    posterior_make(p);
    check(PSI_LDA_LIGHT, 2, p);
    check(PSI_LDA_FPLUS, 1, p);
    warp_make(p);
    check(PSI_LDA_WARP, 1, p);
    is_sparse = has_others = 0;
    sample_count = SAMPLES;
}

/* The power of the test: a walk whose distribution has a total variation of 0.02 from the right
 * one, spread over the states as evenly as it goes (which is hardest to see), has a noncentrality
 * of 4 x 0.02^2 x SAMPLES. That is seen with a probability of more than 0.999. */
static void the_test_sees_small_errors(void) {
    const double freedom = STATES - 1, noncentrality = 4 * 0.02 * 0.02 * SAMPLES;
    const double mean = freedom + noncentrality,
                 deviation = sqrt(2 * (freedom + 2 * noncentrality));
    const double power = gsl_cdf_ugaussian_Q((chi_square_limit(STATES - 1) - mean) / deviation);
    printf("power %.5f; ", power);
    CU_ASSERT(power > 0.999);
    double p[STATES], wrong[STATES], seen[STATES];
    int freedom_seen = 0;
    posterior_make(p);
    for (int s = 0; s < STATES; s++) {
        wrong[s] = p[s] * (s % 2 == 0 ? 1.04 : 0.96);
    }
    normalise(wrong);
    walk(PSI_LDA_DENSE, 1, seen);
    CU_ASSERT(chi_square_of(seen, wrong, STATES, SAMPLES, &freedom_seen) >
              chi_square_limit(freedom_seen));
}

static const suite_test tests[] = {
    SUITE_TEST(dense_draws_from_the_posterior),
    SUITE_TEST(sparse_draws_from_the_posterior),
    SUITE_TEST(alias_draws_from_the_posterior),
    SUITE_TEST(light_draws_from_the_posterior),
    SUITE_TEST(vector_draws_from_the_posterior),
    SUITE_TEST(fplus_draws_from_the_posterior),
    SUITE_TEST(warp_draws_from_the_law_of_its_own_walk),
    SUITE_TEST(all_draw_beside_the_counts_of_others),
    SUITE_TEST(sparse_rows_draw_as_dense_ones_do),
    SUITE_TEST(the_test_sees_small_errors),
};
SUITE_MAIN("lda posterior", tests)
