/* The reference: collapsed Gibbs sampling as it stands in T. L. Griffiths and M. Steyvers, "Finding
 * scientific topics", PNAS 101, 2004. For every token, all K terms of
 *
 *     p(z = k | the rest)  ~  (n_dk^- + alpha) (n_kw^- + beta) / (n_k^- + V beta)
 *
 * are summed up, and the topic is where a uniform share of the sum falls. */
#include <stdlib.h>

#include "algos/lda/sampler_parts.h"

static ps_err dense_init(psi_lda_sampler *sampler, const psi_lda_limits *limits) {
    (void)limits;
    sampler->state = calloc(sampler->prior.topic_count, sizeof(double)); /* sums of p up to k */
    return sampler->state == NULL ? PS_ENOMEM : PS_OK;
}

static void dense_fini(psi_lda_sampler *sampler) {
    free(sampler->state);
}

static uint16_t topic_draw(psi_lda_sampler *sampler, const int32_t *row) {
    const double alpha = sampler->prior.alpha, beta = sampler->prior.beta;
    double *const sums = sampler->state;
    double sum = 0;
    for (uint32_t k = 0; k < sampler->prior.topic_count; k++) {
        sum += ((double)sampler->doc_counts[k] + alpha) * ((double)psi_lda_count(row[k]) + beta) *
               sampler->inverse[k];
        sums[k] = sum;
    }
    const double at = psi_lda_random_uniform(&sampler->random) * sum;
    uint32_t topic = 0;
    while (topic + 1 < sampler->prior.topic_count && at >= sums[topic]) {
        topic++;
    }
    return (uint16_t)topic;
}

static void dense_pass(psi_lda_sampler *sampler, const psi_lda_block *block,
                       const psi_lda_rows *rows) {
    const uint32_t first = block->doc_begins[0];
    for (uint32_t d = 0; d < block->doc_count; d++) {
        const uint32_t begin = block->doc_begins[d] - first, end = block->doc_begins[d + 1] - first;
        psi_lda_doc_begin(sampler, block->topics + begin, end - begin);
        for (uint32_t i = begin; i < end; i++) {
            int32_t *const row = rows->words[block->slots[i]];
            if (row == NULL) {
                continue;
            }
            psi_lda_token_remove(sampler, row, rows->totals, block->topics[i]);
            block->topics[i] = topic_draw(sampler, row);
            psi_lda_token_add(sampler, row, rows->totals, block->topics[i]);
        }
        psi_lda_doc_end(sampler);
    }
}

const psi_lda_method psi_lda_dense = {dense_init, dense_fini, dense_pass};
