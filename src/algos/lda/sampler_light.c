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
 * then does not depend on where the chain is, its factors cancel, and the step is exact.
 *
 * Tokens are visited word by word. So the row of the word and its table stay in the nearest cache
 * however many topics there are, and there is one table at a time, built from the row when its word
 * comes. n_dk is counted among the topics of the document when needed, 32 tokens at a time
 * where the processor has registers of 512 bits. */
#include <stdlib.h>

#include "algos/lda/doc_finder.h"
#include "algos/lda/sampler_parts.h"
#include "algos/lda/word_proposal.h"

enum { LANES = 32, AHEAD = 8, TOPICS_PER_LINE = 32, TOPICS_AHEAD = 16 * TOPICS_PER_LINE };

typedef struct light_state {
    psi_lda_word_proposal proposal; /* of the current word, or, if tables are kept, of all */
    psi_lda_doc_finder docs;
    float *own; /* owned, [K]: n~_tw / (n~_t + V beta) of the current word; all 0 between words */
    psi_lda_form form;
    int is_built;
} light_state;

static void light_fini(psi_lda_sampler *sampler) {
    light_state *const state = sampler->state;
    psi_lda_word_proposal_fini(&state->proposal);
    psi_lda_doc_finder_fini(&state->docs);
    free(state->own);
    free(state);
}

static ps_err light_init(psi_lda_sampler *sampler, const psi_lda_limits *limits) {
    light_state *const state = calloc(1, sizeof *state);
    if (state == NULL) {
        return PS_ENOMEM;
    }
    sampler->state = state;
    state->form = psi_lda_form_of(sampler->options.form);
    psi_lda_limits one_word = *limits;
    one_word.word_count = 1;
    one_word.nonzero_count = limits->room_count;
    PS_TRY(psi_lda_doc_finder_init(&state->docs, limits));
    state->own = calloc(sampler->prior.topic_count, sizeof *state->own);
    return state->own == NULL
               ? PS_ENOMEM
               : psi_lda_word_proposal_init(&state->proposal, &sampler->prior,
                                            sampler->options.keeps_tables ? limits : &one_word);
}

/* ---- Counting among the topics of a document ---- */

/* A token that is drawn, and the document that it is in. Its own topic there is `old` until it has
 * a new one. */
typedef struct token_view {
    uint16_t *doc; /* the topics of its tokens */
    uint32_t doc_count, place, slot;
    uint16_t old;
} token_view;

/* n_da and n_db, the token itself included. */
typedef struct pair {
    uint32_t a, b;
} pair;

typedef pair counting_function(const uint16_t *doc, uint32_t count, pair wanted);

static inline pair count_plain(const uint16_t *doc, uint32_t count, pair wanted) {
    pair found = {0, 0};
    for (uint32_t i = 0; i < count; i++) {
        found.a += doc[i] == wanted.a;
        found.b += doc[i] == wanted.b;
    }
    return found;
}

#if PSI_LDA_HAS_WIDE
PSI_LDA_WIDE static inline pair count_wide(const uint16_t *doc, uint32_t count, pair wanted) {
    const __m512i a = _mm512_set1_epi16((short)wanted.a), b = _mm512_set1_epi16((short)wanted.b);
    pair found = {0, 0};
    for (uint32_t begin = 0; begin < count; begin += LANES) {
        const uint32_t left = count - begin;
        const __mmask32 there = left >= LANES ? UINT32_MAX : (UINT32_C(1) << left) - 1;
        const __m512i topics = _mm512_maskz_loadu_epi16(there, doc + begin);
        found.a += (uint32_t)__builtin_popcount(_mm512_mask_cmpeq_epi16_mask(there, topics, a));
        found.b += (uint32_t)__builtin_popcount(_mm512_mask_cmpeq_epi16_mask(there, topics, b));
    }
    return found;
}
#endif

/* ---- A token ---- */

/* f(k): (n_kw^- + beta) / (n_k^- + V beta). */
static inline double word_factor(const psi_lda_sampler *sampler, uint16_t k) {
    return ((double)psi_lda_count(sampler->row.counts[k]) + sampler->prior.beta) *
           sampler->inverse[k];
}

/* q_w(k) of the current word. */
static inline double word_weight(const light_state *state, uint16_t k) {
    return (double)state->proposal.smoothing[k].weight + (double)state->own[k];
}

static inline int is_taken(psi_lda_sampler *sampler, double numerator, double denominator) {
    return psi_lda_random_uniform(&sampler->random) * denominator < numerator;
}

static inline __attribute__((always_inline)) uint16_t step_by_word(psi_lda_sampler *sampler,
                                                                   const token_view *token,
                                                                   uint16_t s,
                                                                   counting_function *counting) {
    const light_state *const state = sampler->state;
    const double alpha = sampler->prior.alpha;
    const uint16_t t = psi_lda_word_proposal_draw(&state->proposal, token->slot, &sampler->random);
    if (t == s) {
        return s;
    }
    pair n = counting(token->doc, token->doc_count, (pair){t, s});
    n.a -= t == token->old;
    n.b -= s == token->old;
    const double to = ((double)n.a + alpha) * word_factor(sampler, t) * word_weight(state, s);
    const double from = ((double)n.b + alpha) * word_factor(sampler, s) * word_weight(state, t);
    return is_taken(sampler, to, from) ? t : s;
}

static inline uint16_t step_by_document(psi_lda_sampler *sampler, const token_view *token,
                                        uint16_t s) {
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
    const int stays =
        t == s || !is_taken(sampler, word_factor(sampler, t), word_factor(sampler, s));
    return stays ? s : t;
}

/* Adds `step` tokens of a topic to the counts of the word and of all. */
static inline void counts_change(psi_lda_sampler *sampler, int64_t *totals, uint16_t topic,
                                 int step) {
    sampler->row.counts[topic] += step;
    totals[topic] += step;
    psi_lda_inverse_set(sampler, topic, totals[topic]);
}

static inline __attribute__((always_inline)) void token_draw(psi_lda_sampler *sampler,
                                                             const token_view *token,
                                                             int64_t *totals,
                                                             counting_function *counting) {
    uint16_t topic = token->old;
    counts_change(sampler, totals, topic, -1);
    for (uint32_t step = 0; step < sampler->options.mh_steps; step++) {
        topic = step_by_word(sampler, token, topic, counting);
        topic = step_by_document(sampler, token, topic);
    }
    counts_change(sampler, totals, topic, 1);
    token->doc[token->place] = topic;
}

/* ---- A word ---- */

static inline token_view token_of(const psi_lda_block *block, uint32_t doc, uint32_t token,
                                  uint32_t slot) {
    const uint32_t begin = block->doc_begins[doc] - block->doc_begins[0];
    return (token_view){.doc = block->topics + begin,
                        .doc_count = block->doc_begins[doc + 1] - block->doc_begins[0] - begin,
                        .place = token - begin,
                        .slot = slot,
                        .old = block->topics[token]};
}

static inline __attribute__((always_inline)) void word_visit(psi_lda_sampler *sampler,
                                                             const psi_lda_block *block,
                                                             int64_t *totals, uint32_t w,
                                                             counting_function *counting) {
    const light_state *const state = sampler->state;
    const uint32_t begin = block->word_begins[w], count = block->word_begins[w + 1] - begin;
    const uint32_t *const places = block->by_word + begin;
    const uint32_t slot = sampler->options.keeps_tables ? w : 0;
    uint32_t docs[AHEAD];
    for (uint32_t i = 0; i < count + AHEAD; i++) {
        if (i >= AHEAD) {
            const token_view token = token_of(block, docs[i % AHEAD], places[i - AHEAD], slot);
            token_draw(sampler, &token, totals, counting);
        }
        if (i < count) { /* what the token that is AHEAD will need */
            const uint32_t doc = psi_lda_doc_find(&state->docs, block, places[i]);
            uint32_t at = block->doc_begins[doc] - block->doc_begins[0];
            uint32_t end = block->doc_begins[doc + 1] - block->doc_begins[0];
            end = end - at < TOPICS_AHEAD ? end : at + TOPICS_AHEAD;
            for (; at < end; at += TOPICS_PER_LINE) {
                __builtin_prefetch(block->topics + at, 1);
            }
            docs[i % AHEAD] = doc;
        }
    }
}

static void word_visit_plain(psi_lda_sampler *sampler, const psi_lda_block *block, int64_t *totals,
                             uint32_t w) {
    word_visit(sampler, block, totals, w, count_plain);
}

#if PSI_LDA_HAS_WIDE
PSI_LDA_WIDE static void word_visit_wide(psi_lda_sampler *sampler, const psi_lda_block *block,
                                         int64_t *totals, uint32_t w) {
    word_visit(sampler, block, totals, w, count_wide);
}
#else
#define word_visit_wide word_visit_plain
#endif

/* Builds the word's table, unless it is kept from an earlier pass, and sets `own`. */
static void own_make(psi_lda_sampler *sampler, uint32_t w) {
    light_state *const state = sampler->state;
    psi_lda_word_proposal *const proposal = &state->proposal;
    const uint32_t slot = sampler->options.keeps_tables ? w : 0;
    ps_sparse_row row = sampler->row.had;
    if (row.columns == NULL) {
        row = (ps_sparse_row){.count = sampler->prior.topic_count, .values = sampler->row.counts};
    }
    if (!state->is_built || !sampler->options.keeps_tables) {
        psi_lda_word_proposal_word(proposal, slot, &row, sampler->inverse);
    }
    for (uint64_t i = proposal->begins[slot]; i < proposal->begins[slot + 1]; i++) {
        state->own[proposal->columns[i].topic] = proposal->columns[i].weight;
    }
}

static void own_clear(const light_state *state, uint32_t slot) {
    const psi_lda_word_proposal *const proposal = &state->proposal;
    for (uint64_t i = proposal->begins[slot]; i < proposal->begins[slot + 1]; i++) {
        state->own[proposal->columns[i].topic] = 0;
    }
}

static void light_pass(psi_lda_sampler *sampler, const psi_lda_block *block,
                       const psi_lda_rows *rows) {
    light_state *const state = sampler->state;
    psi_lda_doc_finder_make(&state->docs, block);
    if (!state->is_built || !sampler->options.keeps_tables) {
        psi_lda_word_proposal_begin(&state->proposal, sampler->inverse);
    }
    for (uint32_t w = 0; w < block->word_count; w++) {
        if (!psi_lda_open_row_begin(&sampler->row, block, rows, w)) {
            PS_ASSERT(!sampler->options.keeps_tables);
            continue;
        }
        own_make(sampler, w);
        if (state->form == PSI_LDA_FORM_AVX512) {
            word_visit_wide(sampler, block, rows->totals, w);
        } else {
            word_visit_plain(sampler, block, rows->totals, w);
        }
        own_clear(state, sampler->options.keeps_tables ? w : 0);
        psi_lda_open_row_end(&sampler->row, block, rows, w);
    }
    state->is_built = 1;
}

const psi_lda_method psi_lda_light = {light_init, light_fini, light_pass};
