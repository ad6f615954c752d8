/* LightLDA: J. Yuan et al., "LightLDA: big topic models on modest computer clusters", WWW 2015
 * (arXiv 1412.1576). Equation (1) is a product of two, and each proposal knows one of them:
 *
 *     by word      t ~ q_w(t) = (n~_tw + beta) / (n~_t + V beta)    of stale tables
 *     by document  t ~ n_dt^- + alpha                               the topic of another token of
 *                                                                   the document, or any topic
 *
 * They are drawn by turns, --mh-steps pairs per token. A proposal t is taken instead of the current
 * topic s with probability min(1, pi), Metropolis and Hastings:
 *
 *     by word      pi = (n_dt^- + alpha) f(t) q_w(s) / ((n_ds^- + alpha) f(s) q_w(t))
 *     by document  pi = f(t) / f(s)            f(k) = (n_kw^- + beta) / (n_k^- + V beta)
 *
 * The paper's proposal by document counts the token itself. Here it is left out: what is proposed
 * then does not depend on where the chain is, its factors cancel, and the step is exact. */
#include <stdlib.h>

#include "algos/lda/sampler_parts.h"
#include "algos/lda/word_proposal.h"

typedef struct light_state {
    psi_lda_word_proposal proposal;
    int is_built;
} light_state;

static void light_fini(psi_lda_sampler *sampler) {
    light_state *const state = sampler->state;
    psi_lda_word_proposal_fini(&state->proposal);
    free(state);
}

static ps_err light_init(psi_lda_sampler *sampler, const psi_lda_limits *limits) {
    light_state *const state = calloc(1, sizeof *state);
    if (state == NULL) {
        return PS_ENOMEM;
    }
    sampler->state = state;
    return psi_lda_word_proposal_init(&state->proposal, &sampler->prior, limits);
}

/* A token that is drawn, and the document that it is in. */
typedef struct token_view {
    const int32_t *row;
    uint32_t slot;
    const uint16_t *doc; /* the topics of its tokens */
    uint32_t doc_count, place;
} token_view;

/* f(k): (n_kw^- + beta) / (n_k^- + V beta). */
static inline double word_factor(const psi_lda_sampler *sampler, const token_view *token,
                                 uint16_t k) {
    return ((double)psi_lda_count(token->row[k]) + sampler->prior.beta) * sampler->inverse[k];
}

static inline int is_taken(psi_lda_sampler *sampler, double numerator, double denominator) {
    return psi_lda_random_uniform(&sampler->random) * denominator < numerator;
}

static uint16_t step_by_word(psi_lda_sampler *sampler, const token_view *token, uint16_t s) {
    const psi_lda_word_proposal *const proposal = &((light_state *)sampler->state)->proposal;
    const double alpha = sampler->prior.alpha;
    const uint16_t t = psi_lda_word_proposal_draw(proposal, token->slot, &sampler->random);
    if (t == s) {
        return s;
    }
    const double to = ((double)sampler->doc_counts[t] + alpha) * word_factor(sampler, token, t) *
                      psi_lda_word_proposal_weight(proposal, token->slot, s);
    const double from = ((double)sampler->doc_counts[s] + alpha) * word_factor(sampler, token, s) *
                        psi_lda_word_proposal_weight(proposal, token->slot, t);
    return is_taken(sampler, to, from) ? t : s;
}

static uint16_t step_by_document(psi_lda_sampler *sampler, const token_view *token, uint16_t s) {
    const uint32_t topics = sampler->prior.topic_count;
    const double others = (double)token->doc_count - 1;
    const double at =
        psi_lda_random_uniform(&sampler->random) * (others + (double)topics * sampler->prior.alpha);
    uint16_t t;
    if (at < others) {
        const uint32_t other = (uint32_t)at;
        t = token->doc[other + (other >= token->place)];
    } else {
        t = (uint16_t)psi_lda_random_below(&sampler->random, topics);
    }
    const int stays = t == s || !is_taken(sampler, word_factor(sampler, token, t),
                                          word_factor(sampler, token, s));
    return stays ? s : t;
}

static void light_pass(psi_lda_sampler *sampler, const psi_lda_block *block,
                       const psi_lda_rows *rows) {
    light_state *const state = sampler->state;
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
            const token_view token = {.row = row,
                                      .slot = block->slots[i],
                                      .doc = block->topics + begin,
                                      .doc_count = end - begin,
                                      .place = i - begin};
            uint16_t topic = block->topics[i];
            psi_lda_token_remove(sampler, row, rows->totals, topic);
            for (uint32_t step = 0; step < sampler->options.mh_steps; step++) {
                topic = step_by_word(sampler, &token, topic);
                topic = step_by_document(sampler, &token, topic);
            }
            block->topics[i] = topic;
            psi_lda_token_add(sampler, row, rows->totals, topic);
        }
        psi_lda_doc_end(sampler);
    }
}

const psi_lda_method psi_lda_light = {light_init, light_fini, light_pass};
