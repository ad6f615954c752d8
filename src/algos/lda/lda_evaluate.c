#include <math.h>
#include <stdlib.h>

#include "algos/lda/lda_problem.h"
#include "algos/lda/packed_topics.h"

enum { FOLD_IN_ROUNDS = 20 };

/* Of the worker's documents: sum_d [ sum_k ln rising(alpha, n_dk) - ln rising(K alpha, N_d) ].
 * counts[0..K) are all 0, before and after. */
static double documents_sum(const psi_lda_problem *problem, uint32_t rank, const uint8_t *packed,
                            uint32_t *counts) {
    const psi_lda_blocks *const blocks = &problem->blocks;
    const double k_alpha = (double)problem->prior.topic_count * problem->prior.alpha;
    const double log_gamma = gsl_sf_lngamma(k_alpha);
    const uint32_t bits = psi_lda_topic_bits(problem->prior.topic_count);
    const size_t first = psi_lda_token_begin(blocks, rank);
    double sum = 0;
    for (uint32_t d = blocks->shares[rank].doc_begin; d < blocks->shares[rank + 1].doc_begin; d++) {
        const size_t begin = blocks->doc_begins[d] - first, end = blocks->doc_begins[d + 1] - first;
        for (size_t i = begin; i < end; i++) {
            counts[psi_lda_packed_topic(packed, i, bits)]++;
        }
        for (size_t i = begin; i < end; i++) { /* each topic that occurs counts once */
            uint32_t *const count = &counts[psi_lda_packed_topic(packed, i, bits)];
            sum += psi_lda_log_rising_at(&problem->doc_rising, *count);
            *count = 0;
        }
        sum -= gsl_sf_lngamma(k_alpha + (double)(end - begin)) - log_gamma;
    }
    return sum;
}

/* Of a share of the words: sum_kw ln rising(beta, n_kw). */
static double words_sum(const psi_lda_problem *problem, uint32_t rank,
                        const psi_lda_tables *tables) {
    const uint64_t count = problem->prior.word_count, workers = problem->worker_count;
    double sum = 0;
    for (uint64_t w = count * rank / workers; w < count * (rank + 1) / workers; w++) {
        const ps_sparse_row row =
            psi_lda_word_counts(tables, problem->prior.topic_count, (uint32_t)w);
        const int32_t *const counts = row.values;
        for (uint32_t i = 0; i < row.count; i++) {
            sum += counts[i] > 0 ? psi_lda_log_rising_at(&problem->word_rising, counts[i]) : 0;
        }
    }
    return sum;
}

/* - sum_k ln rising(V beta, n_k). */
static double totals_sum(const psi_lda_problem *problem, const int64_t *totals) {
    const double v_beta = (double)problem->prior.word_count * problem->prior.beta;
    const double log_gamma = gsl_sf_lngamma(v_beta);
    double sum = 0;
    for (uint32_t k = 0; k < problem->prior.topic_count; k++) {
        const int64_t total = totals[k] > 0 ? totals[k] : 0;
        sum -= gsl_sf_lngamma(v_beta + (double)total) - log_gamma;
    }
    return sum;
}

/* ---- Document completion ---- */

/* A held-out document and the model that it is looked at with. */
typedef struct completion {
    const psi_lda_problem *problem;
    const psi_lda_tables *tables;
    double *inverse;      /* [K]: 1 / (n_k + V beta) */
    double *theta, *next; /* [K]: topics of the document, and their sums of the next round */
    double *terms;        /* [K]: theta_k phi_kw of a word */
} completion;

/* sum_k theta_k phi_kw, phi_kw = (n_kw + beta) / (n_k + V beta); the terms of it to c->terms. */
static double word_probability(const completion *c, uint32_t word) {
    const uint32_t topics = c->problem->prior.topic_count;
    const ps_sparse_row row = psi_lda_word_counts(c->tables, topics, word);
    const int32_t *const counts = row.values;
    double sum = 0;
    for (uint32_t k = 0; k < topics; k++) {
        const double count = row.columns == NULL && counts[k] > 0 ? (double)counts[k] : 0;
        c->terms[k] = c->theta[k] * (count + c->problem->prior.beta) * c->inverse[k];
        sum += c->terms[k];
    }
    for (uint32_t i = 0; row.columns != NULL && i < row.count; i++) {
        const uint32_t k = row.columns[i];
        const double more = counts[i] > 0 ? c->theta[k] * (double)counts[i] * c->inverse[k] : 0;
        c->terms[k] += more;
        sum += more;
    }
    return sum;
}

/* Estimates theta of the first part by rounds of expectation and maximisation, phi being fixed:
 * theta_k ~ alpha + sum over tokens of p(k | word). */
static void theta_fit(const completion *c, const uint32_t *words, size_t count) {
    const uint32_t topics = c->problem->prior.topic_count;
    const double alpha = c->problem->prior.alpha;
    for (uint32_t k = 0; k < topics; k++) {
        c->theta[k] = 1 / (double)topics;
    }
    for (int round = 0; round < FOLD_IN_ROUNDS && count > 0; round++) {
        for (uint32_t k = 0; k < topics; k++) {
            c->next[k] = alpha;
        }
        for (size_t i = 0; i < count; i++) {
            const double share = 1 / word_probability(c, words[i]);
            for (uint32_t k = 0; k < topics; k++) {
                c->next[k] += c->terms[k] * share;
            }
        }
        const double scale = 1 / ((double)count + alpha * (double)topics);
        for (uint32_t k = 0; k < topics; k++) {
            c->theta[k] = c->next[k] * scale;
        }
    }
}

/* A share of the held-out documents. `scratch` is 4 K numbers. */
static void heldout_sums(const psi_lda_problem *problem, uint32_t rank,
                         const psi_lda_tables *tables, double *scratch, double *sums) {
    const psi_lda_heldout *const heldout = &problem->heldout;
    const size_t topics = problem->prior.topic_count;
    const completion c = {.problem = problem,
                          .tables = tables,
                          .inverse = scratch,
                          .theta = scratch + topics,
                          .next = scratch + 2 * topics,
                          .terms = scratch + 3 * topics};
    for (size_t k = 0; k < topics; k++) {
        const double total = tables->totals[k] > 0 ? (double)tables->totals[k] : 0;
        c.inverse[k] = 1 / (total + (double)problem->prior.word_count * problem->prior.beta);
    }
    const uint64_t docs = heldout->doc_count, workers = problem->worker_count;
    for (size_t d = docs * rank / workers; d < docs * (rank + 1) / workers; d++) {
        const size_t begin = heldout->begins[d], middle = heldout->middles[d];
        theta_fit(&c, heldout->words + begin, middle - begin);
        for (size_t i = middle; i < heldout->begins[d + 1]; i++) {
            sums[PSI_LDA_HELDOUT_SUM] += log(word_probability(&c, heldout->words[i]));
            sums[PSI_LDA_HELDOUT_TOKENS] += 1;
        }
    }
}

void psi_lda_evaluate(const psi_lda_problem *problem, uint32_t rank, const uint8_t *packed,
                      const psi_lda_tables *tables, double *sums) {
    uint32_t *const counts = calloc(problem->prior.topic_count, sizeof *counts);
    double *const scratch = calloc(problem->prior.topic_count, 4 * sizeof *scratch);
    const int has_memory = counts != NULL && scratch != NULL;
    for (int s = 0; s < PSI_LDA_SUMS; s++) {
        sums[s] = has_memory ? 0 : NAN;
    }
    if (has_memory) {
        sums[PSI_LDA_DOC_SUM] = documents_sum(problem, rank, packed, counts);
        sums[PSI_LDA_WORD_SUM] = words_sum(problem, rank, tables);
        sums[PSI_LDA_TOPIC_SUM] = rank == 0 ? totals_sum(problem, tables->totals) : 0;
        sums[PSI_LDA_TOKENS] = (double)psi_lda_token_count(&problem->blocks, rank);
        heldout_sums(problem, rank, tables, scratch, sums);
    }
    free(counts);
    free(scratch);
}

void psi_lda_finish(const psi_lda_problem *problem, const double *sums, double *metrics) {
    (void)problem;
    const double log_p = sums[PSI_LDA_DOC_SUM] + sums[PSI_LDA_WORD_SUM] + sums[PSI_LDA_TOPIC_SUM];
    const double heldout = sums[PSI_LDA_HELDOUT_TOKENS];
    metrics[PSI_LDA_LOGLIK] = log_p / sums[PSI_LDA_TOKENS];
    metrics[PSI_LDA_OBJECTIVE] = metrics[PSI_LDA_LOGLIK];
    metrics[PSI_LDA_PERPLEXITY] =
        heldout > 0 ? exp(-sums[PSI_LDA_HELDOUT_SUM] / heldout) : heldout; /* nan stays nan */
}
