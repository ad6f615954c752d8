/* What topic models are for: the measures are right, the true topics are found, and every sampler
 * ends where the reference ends. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <gsl/gsl_sf_gamma.h>

#include "algos/lda/lda_serial.h"
#include "algos/lda/topic_match.h"
#include "data/synthetic_corpus.h"
#include "lda_fixture.h"
#include "support/suite.h"

static const char *const samplers[] = {"dense", "sparse", "alias", "light", "warp"};
enum { SAMPLERS = sizeof samplers / sizeof samplers[0] };

static psi_lda_serial start(const psi_lda_problem *problem) {
    psi_lda_serial serial;
    CU_ASSERT_EQUAL_FATAL(psi_lda_serial_init(&serial, problem), PS_OK);
    return serial;
}

/* ln p(w, z) / N as the equation stands, from the tokens alone: all counts, zero or not. */
static double loglik_dense(const psi_lda_serial *serial) {
    const psi_lda_problem *const problem = serial->problem;
    const psi_lda_blocks *const blocks = &problem->blocks;
    const uint32_t K = problem->prior.topic_count, V = problem->prior.word_count;
    const double alpha = problem->prior.alpha, beta = problem->prior.beta;
    double sum = 0;
    for (uint32_t d = 0; d < blocks->doc_count; d++) {
        const uint32_t begin = blocks->doc_begins[d], end = blocks->doc_begins[d + 1];
        sum += gsl_sf_lngamma(K * alpha) - gsl_sf_lngamma(end - begin + K * alpha);
        for (uint32_t k = 0; k < K; k++) {
            double n = 0;
            for (uint32_t i = begin; i < end; i++) {
                n += serial->topics[i] == k;
            }
            sum += gsl_sf_lngamma(n + alpha) - gsl_sf_lngamma(alpha);
        }
    }
    for (uint32_t k = 0; k < K; k++) {
        double total = 0;
        for (uint32_t w = 0; w < V; w++) {
            total += serial->words[(size_t)w * K + k];
            sum += gsl_sf_lngamma(serial->words[(size_t)w * K + k] + beta) - gsl_sf_lngamma(beta);
        }
        sum += gsl_sf_lngamma(V * beta) - gsl_sf_lngamma(total + V * beta);
    }
    return sum / (double)blocks->token_count;
}

static void the_sparse_likelihood_is_the_dense_one(void) {
    psi_lda_problem *const problem =
        lda_fixture_open("synthetic:docs=300,words=200,topics=5,length=60", 3, 1, "topics=7");
    psi_lda_serial serial = start(problem);
    for (int pass = 0; pass < 3; pass++) {
        double metrics[PSI_LDA_METRICS];
        psi_lda_serial_evaluate(&serial, metrics);
        CU_ASSERT_DOUBLE_EQUAL(metrics[PSI_LDA_LOGLIK], loglik_dense(&serial), 1e-9);
        CU_ASSERT_EQUAL(metrics[PSI_LDA_OBJECTIVE], metrics[PSI_LDA_LOGLIK]);
        psi_lda_serial_pass(&serial);
    }
    psi_lda_serial_fini(&serial);
    psi_lda_problem_close(problem);
}

/* The counts are sums over the tokens, whatever the sampler did. */
static void counts_follow_the_topics(void) {
    for (int s = 0; s < SAMPLERS; s++) {
        char options[64];
        (void)snprintf(options, sizeof options, "topics=9 batch=0.3 sampler=%s", samplers[s]);
        psi_lda_problem *const problem =
            lda_fixture_open("synthetic:docs=300,words=200,topics=5,length=60", 3, 1, options);
        psi_lda_serial serial = start(problem);
        for (int pass = 0; pass < 5; pass++) {
            psi_lda_serial_pass(&serial);
        }
        int64_t totals[9] = {0}, sum = 0;
        for (size_t i = 0; i < problem->blocks.token_count; i++) {
            totals[serial.topics[i]]++;
        }
        CU_ASSERT_EQUAL(memcmp(totals, serial.totals, sizeof totals), 0);
        for (size_t i = 0; i < 200 * 9; i++) {
            CU_ASSERT(serial.words[i] >= 0);
            totals[i % 9] -= serial.words[i];
            sum += serial.words[i];
        }
        CU_ASSERT_EQUAL((uint64_t)sum, problem->blocks.token_count);
        for (int k = 0; k < 9; k++) {
            CU_ASSERT_EQUAL(totals[k], 0);
        }
        psi_lda_serial_fini(&serial);
        psi_lda_problem_close(problem);
    }
}

/* A stale read may show anything, even counts below zero: a pass must live with it, and change the
 * rows by what it did and nothing else. */
static void negative_counts_do_no_harm(void) {
    for (int s = 0; s < SAMPLERS; s++) {
        char options[64];
        (void)snprintf(options, sizeof options, "topics=6 sampler=%s", samplers[s]);
        psi_lda_problem *const problem =
            lda_fixture_open("synthetic:docs=100,words=50,topics=3,length=30", 3, 1, options);
        psi_lda_serial serial = start(problem);
        int64_t sum = 0, now = 0;
        for (size_t i = 0; i < 50 * 6; i++) {
            serial.words[i] -= i % 3 == 0 ? 40 : 0;
            sum += serial.words[i];
        }
        serial.totals[2] = -1000;
        for (int pass = 0; pass < 5; pass++) {
            psi_lda_serial_pass(&serial);
        }
        for (size_t i = 0; i < 50 * 6; i++) {
            now += serial.words[i];
        }
        CU_ASSERT_EQUAL(now, sum);
        for (size_t i = 0; i < problem->blocks.token_count; i++) {
            CU_ASSERT_FATAL(serial.topics[i] < 6);
        }
        psi_lda_serial_fini(&serial);
        psi_lda_problem_close(problem);
    }
}

/* ---- The true topics ---- */

enum { TRUTH_TOPICS = 10, TRUTH_WORDS = 1000 };
static const char truth_data[] =
    "synthetic:docs=2000,words=1000,topics=10,length=100,alpha=0.1,beta=0.05,zipf=0.7,seed=5";

static void truth_make(double *phi) {
    psi_synthetic_corpus spec;
    CU_ASSERT_EQUAL_FATAL(psi_synthetic_corpus_parse(truth_data, 1, 1, &spec, NULL), PS_OK);
    for (uint64_t k = 0; k < TRUTH_TOPICS; k++) {
        CU_ASSERT_EQUAL_FATAL(psi_synthetic_corpus_topic(&spec, k, phi + k * TRUTH_WORDS), PS_OK);
    }
}

/* Mean cosine of the best matching. */
static double matching(const double *phi, const psi_lda_serial *serial) {
    static double found[TRUTH_TOPICS * TRUTH_WORDS];
    double cosines[TRUTH_TOPICS], sum = 0;
    uint32_t partners[TRUTH_TOPICS];
    for (int w = 0; w < TRUTH_WORDS; w++) {
        for (int k = 0; k < TRUTH_TOPICS; k++) {
            found[k * TRUTH_WORDS + w] = serial->words[w * TRUTH_TOPICS + k];
        }
    }
    const psi_lda_topic_set truth = {phi, TRUTH_TOPICS, TRUTH_WORDS};
    const psi_lda_topic_set learned = {found, TRUTH_TOPICS, TRUTH_WORDS};
    CU_ASSERT_EQUAL_FATAL(psi_lda_topics_match(&truth, &learned, partners, cosines), PS_OK);
    for (int t = 0; t < TRUTH_TOPICS; t++) {
        sum += cosines[t];
    }
    return sum / TRUTH_TOPICS;
}

/* Runs one chain. Returns its log-likelihood per token. */
static double chain(const char *sampler, uint64_t seed, const double *phi, double *matching_out) {
    char options[64];
    (void)snprintf(options, sizeof options, "topics=10 beta=0.05 sampler=%s", sampler);
    psi_lda_problem *const problem = lda_fixture_open(truth_data, seed, 1, options);
    psi_lda_serial serial = start(problem);
    double metrics[PSI_LDA_METRICS];
    for (int pass = 0; pass < 100; pass++) {
        psi_lda_serial_pass(&serial);
    }
    psi_lda_serial_evaluate(&serial, metrics);
    *matching_out = matching(phi, &serial);
    psi_lda_serial_fini(&serial);
    psi_lda_problem_close(problem);
    return metrics[PSI_LDA_LOGLIK];
}

/* Of three chains the likeliest: with every sampler, dense too, one chain in three or four has two
 * topics in one after 100 passes, and the likelihood tells. */
static void the_true_topics_are_found(void) {
    double *const phi = calloc((size_t)TRUTH_TOPICS * TRUTH_WORDS, sizeof *phi);
    CU_ASSERT_PTR_NOT_NULL_FATAL(phi);
    truth_make(phi);
    for (int s = 0; s < SAMPLERS; s++) {
        double best_loglik = -INFINITY, best = 0;
        for (uint64_t seed = 1; seed <= 3; seed++) {
            double mean = 0;
            const double loglik = chain(samplers[s], seed, phi, &mean);
            best = loglik > best_loglik ? mean : best;
            best_loglik = fmax(loglik, best_loglik);
        }
        printf("%s %.4f; ", samplers[s], best);
        CU_ASSERT(best >= 0.95);
    }
    free(phi);
}

/* Final log-likelihoods within 1 % of the reference, on real text. */
static void every_sampler_ends_where_the_reference_ends(void) {
    char path[512];
    if (!suite_data_path("docword.kos.txt.gz", path, sizeof path)) {
        printf("no docword.kos.txt.gz; ");
        return;
    }
    double reference = 0;
    for (int s = 0; s < SAMPLERS; s++) {
        char options[96];
        (void)snprintf(options, sizeof options, "topics=20 sampler=%s", samplers[s]);
        psi_lda_problem *const problem = lda_fixture_open(path, 1, 1, options);
        psi_lda_serial serial = start(problem);
        double metrics[PSI_LDA_METRICS];
        for (int pass = 0; pass < 60; pass++) {
            psi_lda_serial_pass(&serial);
        }
        psi_lda_serial_evaluate(&serial, metrics);
        reference = s == 0 ? metrics[PSI_LDA_LOGLIK] : reference;
        printf("%s %.4f, perplexity %.1f; ", samplers[s], metrics[PSI_LDA_LOGLIK],
               metrics[PSI_LDA_PERPLEXITY]);
        CU_ASSERT_DOUBLE_EQUAL(metrics[PSI_LDA_LOGLIK], reference, 0.01 * fabs(reference));
        psi_lda_serial_fini(&serial);
        psi_lda_problem_close(problem);
    }
}

static const suite_test tests[] = {
    SUITE_TEST(the_sparse_likelihood_is_the_dense_one),
    SUITE_TEST(counts_follow_the_topics),
    SUITE_TEST(negative_counts_do_no_harm),
    SUITE_TEST(the_true_topics_are_found),
    SUITE_TEST(every_sampler_ends_where_the_reference_ends),
};
SUITE_MAIN("lda learning", tests)
