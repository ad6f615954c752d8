/* AliasLDA: A. Q. Li, A. Ahmed, S. Ravi and A. J. Smola, "Reducing the sampling complexity of topic
 * models", KDD 2014. Equation (1) is a sum of two,
 *
 *     p(k) = n_dk^- (n_kw^- + beta) / (n_k^- + V beta)  +  alpha (n_kw^- + beta) / (n_k^- + V beta)
 *
 * the first of which has as few terms as the document has topics, and is computed exactly. The
 * second is replaced by alpha q_w(k) of stale tables (word_proposal.h). So a proposal t for the
 * current topic s is drawn from
 *
 *     q(k) = n_dk^- (n_kw^- + beta) / (n_k^- + V beta)  +  alpha q_w(k)
 *
 * and taken with probability min(1, p(t) q(s) / (p(s) q(t))) (Metropolis and Hastings). */
#include <stdlib.h>

#include "algos/lda/sampler_parts.h"
#include "algos/lda/word_proposal.h"

typedef struct alias_state {
    psi_lda_word_proposal proposal;
    double *sums; /* owned, [K]: of the first part, up to a topic of the document */
    int is_built;
} alias_state;

static void alias_fini(psi_lda_sampler *sampler) {
    alias_state *const state = sampler->state;
    psi_lda_word_proposal_fini(&state->proposal);
    free(state->sums);
    free(state);
}

static ps_err alias_init(psi_lda_sampler *sampler, const psi_lda_limits *limits) {
    alias_state *const state = calloc(1, sizeof *state);
    if (state == NULL) {
        return PS_ENOMEM;
    }
    sampler->state = state;
    PS_TRY(psi_lda_word_proposal_init(&state->proposal, &sampler->prior, limits));
    state->sums = calloc(sampler->prior.topic_count, sizeof *state->sums);
    return state->sums == NULL ? PS_ENOMEM : PS_OK;
}

/* A token that is drawn: its word and the counts of it, without the token. */
typedef struct token_view {
    const int32_t *row;
    uint32_t slot;
} token_view;

/* (n_kw^- + beta) / (n_k^- + V beta). */
static inline double word_factor(const psi_lda_sampler *sampler, const int32_t *row, uint16_t k) {
    return ((double)psi_lda_count(row[k]) + sampler->prior.beta) * sampler->inverse[k];
}

/* p(k) / q(k). */
static double ratio_of(const psi_lda_sampler *sampler, const token_view *token, uint16_t k) {
    const alias_state *const state = sampler->state;
    const double alpha = sampler->prior.alpha, count = (double)sampler->doc_counts[k];
    const double factor = word_factor(sampler, token->row, k);
    const double stale = psi_lda_word_proposal_weight(&state->proposal, token->slot, k);
    return (count + alpha) * factor / (count * factor + alpha * stale);
}

/* The sum of the first part; `sums` are the sums up to each topic of the document. */
static double document_sum(psi_lda_sampler *sampler, const token_view *token) {
    alias_state *const state = sampler->state;
    double sum = 0;
    for (uint32_t i = 0; i < sampler->doc_topic_count; i++) {
        const uint16_t k = sampler->doc_topics[i];
        sum += (double)sampler->doc_counts[k] * word_factor(sampler, token->row, k);
        state->sums[i] = sum;
    }
    return sum;
}

static uint16_t proposal_draw(psi_lda_sampler *sampler, const token_view *token, double doc_mass) {
    const alias_state *const state = sampler->state;
    const double stale_mass =
        sampler->prior.alpha * psi_lda_word_proposal_mass(&state->proposal, token->slot);
    const double at = psi_lda_random_uniform(&sampler->random) * (doc_mass + stale_mass);
    if (at >= doc_mass || sampler->doc_topic_count == 0) {
        return psi_lda_word_proposal_draw(&state->proposal, token->slot, &sampler->random);
    }
    uint32_t low = 0, high = sampler->doc_topic_count - 1;
    while (low < high) { /* the first sum beyond `at` */
        const uint32_t middle = (low + high) / 2;
        if (state->sums[middle] > at) {
            high = middle;
        } else {
            low = middle + 1;
        }
    }
    return sampler->doc_topics[low];
}

static uint16_t topic_draw(psi_lda_sampler *sampler, const token_view *token, uint16_t topic) {
    const double doc_mass = document_sum(sampler, token);
    double ratio = ratio_of(sampler, token, topic);
    for (uint32_t step = 0; step < sampler->options.mh_steps; step++) {
        const uint16_t proposed = proposal_draw(sampler, token, doc_mass);
        if (proposed == topic) {
            continue;
        }
        const double other = ratio_of(sampler, token, proposed);
        if (psi_lda_random_uniform(&sampler->random) * ratio < other) {
            topic = proposed;
            ratio = other;
        }
    }
    return topic;
}

static void alias_pass(psi_lda_sampler *sampler, const psi_lda_block *block,
                       const psi_lda_rows *rows) {
    alias_state *const state = sampler->state;
    const uint32_t first = block->doc_begins[0];
    if (!state->is_built || !sampler->options.keeps_tables) {
        psi_lda_word_proposal_build(&state->proposal, block, rows, sampler->inverse);
        state->is_built = 1;
    }
    for (uint32_t d = 0; d < block->doc_count; d++) {
        const uint32_t begin = block->doc_begins[d] - first, end = block->doc_begins[d + 1] - first;
        psi_lda_doc_begin(sampler, block->topics + begin, end - begin);
        for (uint32_t i = begin; i < end; i++) {
            int32_t *const row = rows->words[block->slots[i]];
            if (row == NULL) {
                continue;
            }
            const token_view token = {.row = row, .slot = block->slots[i]};
            psi_lda_token_remove(sampler, row, rows->totals, block->topics[i]);
            block->topics[i] = topic_draw(sampler, &token, block->topics[i]);
            psi_lda_token_add(sampler, row, rows->totals, block->topics[i]);
        }
        psi_lda_doc_end(sampler);
    }
}

const psi_lda_method psi_lda_alias = {alias_init, alias_fini, alias_pass};
