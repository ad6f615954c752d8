/* WarpLDA: J. Chen, K. Li, J. Zhu and W. Chen, "WarpLDA: a cache efficient O(1) algorithm for
 * latent Dirichlet allocation", VLDB 2016. A proposal needs one of the two factors of equation (1),
 * and the decision about it the other one. So a token's proposals by word are made while the pass
 * goes word by word, and decided while it goes document by document, and the other way round:
 *
 *     by document:  decide t ~ q_w    pi = (n_dt^- + alpha) (n_s + V beta) /
 *                                          ((n_ds^- + alpha) (n_t + V beta))
 *                   propose t ~ n_dt^- + alpha
 *     by word:      decide t ~ q_d    pi = (n_tw^- + beta) (n_s + V beta) /
 *                                          ((n_sw^- + beta) (n_t + V beta))
 *                   propose t ~ n_tw^- + beta
 *
 * for a current topic s, taken with probability min(1, pi). Either pass touches one row of counts
 * at a time, which stays in the processor's nearest cache, at the price of a delay: when a proposal
 * is decided, the counts that it was drawn from have moved on, and the n_k are those of the pass's
 * begin. So the chain's distribution is not exactly the posterior; it is close to it where a token
 * is a small part of its document and word.
 *
 * Unlike in the paper, a pass keeps the counts of the row that it is at up to date, and takes the
 * token itself out of them; else a word that occurs once votes for the topic that it has.
 *
 * Of n_tw, the block's own tokens are drawn from by position. The rest, which other blocks and
 * workers have, is written out behind them as a list of as many topics; where that would be many
 * times the own tokens, it is searched in sums. */
#include <stdlib.h>

#include "algos/lda/sampler_parts.h"

/* The rest of a word is written out if it is at most so many times the own tokens. */
enum { REST_TIMES = 4, AHEAD = 16, TOKENS_PER_MARK = 64 };

typedef struct warp_state {
    uint32_t *tokens;    /* borrowed: the pairs of the current block */
    uint16_t *gathered;  /* owned, [listed_max + 1]: topics of the current word's tokens, then
                          * those of the rest, if they are written out */
    float *inverse;      /* owned, [K]: 1 / (n_k + V beta), of the pass's begin */
    uint32_t *rest_sums; /* owned, [K]: of the row without the block's tokens, over its topics */
    uint16_t *rest_topics;
    uint32_t rest_count; /* topics with a rest */
    uint32_t listed;     /* tokens of the rest that are written out */
    size_t listed_max;   /* with the own ones */
    float rest_scale;    /* rest_count / the last sum */
    uint16_t *guides; /* owned, [K]: where a search that begins at a share of the last sum starts */
    uint64_t *is_there; /* owned, a bit per token: whether the word's row is; 0 between passes */
    int lacks_rows;     /* of the current block; else is_there is of no use */
} warp_state;

static void warp_fini(psi_lda_sampler *sampler) {
    warp_state *const state = sampler->state;
    free(state->gathered);
    free(state->inverse);
    free(state->rest_sums);
    free(state->rest_topics);
    free(state->guides);
    free(state->is_there);
    free(state);
}

static ps_err warp_init(psi_lda_sampler *sampler, const psi_lda_limits *limits) {
    warp_state *const state = calloc(1, sizeof *state);
    if (state == NULL) {
        return PS_ENOMEM;
    }
    sampler->state = state;
    const size_t topics = sampler->prior.topic_count;
    const size_t listed = (1 + REST_TIMES) * (size_t)limits->occurrence_count;
    state->listed_max = listed < limits->frequency_count ? listed : limits->frequency_count;
    state->gathered = calloc(state->listed_max + 1, sizeof *state->gathered);
    state->inverse = calloc(topics, sizeof *state->inverse);
    state->rest_sums = calloc(topics, sizeof *state->rest_sums);
    state->rest_topics = calloc(topics, sizeof *state->rest_topics);
    state->guides = calloc(topics, sizeof *state->guides);
    state->is_there = calloc(limits->token_count / TOKENS_PER_MARK + 1, sizeof *state->is_there);
    const int has_all = state->is_there != NULL && state->gathered != NULL &&
                        state->inverse != NULL && state->rest_sums != NULL &&
                        state->rest_topics != NULL && state->guides != NULL;
    return has_all ? PS_OK : PS_ENOMEM;
}

static inline uint16_t topic_of(uint32_t token) {
    return (uint16_t)token;
}

static inline uint16_t proposal_of(uint32_t token) {
    return (uint16_t)(token >> 16);
}

static inline uint32_t token_of(uint16_t topic, uint16_t proposal) {
    return (uint32_t)topic | (uint32_t)proposal << 16;
}

static void inverse_refresh(psi_lda_sampler *sampler, const int64_t *totals) {
    warp_state *const state = sampler->state;
    psi_lda_inverse_set_all(sampler, totals);
    for (uint32_t k = 0; k < sampler->prior.topic_count; k++) {
        state->inverse[k] = (float)sampler->inverse[k];
    }
}

static inline float uniform_float(psi_lda_random *random) {
    return (float)(uint32_t)(psi_lda_random_next(random) >> 40) * 0x1p-24F;
}

/* A row of counts: a document's, or a word's. The decision of one token. */
typedef struct decision {
    int32_t *counts;      /* the token included */
    int64_t *totals;      /* n_k */
    const float *inverse; /* 1 / (n_k + V beta) */
    float smoothing;      /* alpha or beta */
} decision;

/* Returns the topic that the token of topic s has from now on. */
static inline uint16_t decide(const decision *d, psi_lda_random *random, uint16_t s, uint16_t t) {
    const float to = ((float)psi_lda_count(d->counts[t]) + d->smoothing) * d->inverse[t];
    const float from = ((float)psi_lda_count(d->counts[s] - 1) + d->smoothing) * d->inverse[s];
    if (uniform_float(random) * from >= to) {
        return s;
    }
    d->counts[s]--;
    d->counts[t]++;
    d->totals[s]--;
    d->totals[t]++;
    return t;
}

/* Whether the row of a token's word is there. */
static inline int token_is_there(const warp_state *state, uint32_t token) {
    return !state->lacks_rows ||
           (state->is_there[token / TOKENS_PER_MARK] >> token % TOKENS_PER_MARK & 1) != 0;
}

/* One document: the tokens [begin, begin + count) of the block. */
static void document_visit(psi_lda_sampler *sampler, const decision *d, uint32_t begin,
                           uint32_t count) {
    const warp_state *const state = sampler->state;
    uint32_t *const tokens = state->tokens + begin;
    psi_lda_random random = sampler->random;
    for (uint32_t i = 0; i < count; i++) {
        d->counts[topic_of(tokens[i])]++;
    }
    for (uint32_t i = 0; i < count; i++) {
        const uint16_t s = topic_of(tokens[i]), t = proposal_of(tokens[i]);
        if (s != t && token_is_there(state, begin + i)) {
            tokens[i] = decide(d, &random, s, t);
        }
    }
    const double others = (double)count - 1, alpha = sampler->prior.alpha;
    const double mass = others + alpha * (double)sampler->prior.topic_count;
    for (uint32_t i = 0; i < count; i++) {
        const uint16_t topic = topic_of(tokens[i]);
        uint32_t proposed;
        d->counts[topic] = 0;
        if (!token_is_there(state, begin + i)) {
            continue; /* its proposal waits */
        }
        const double at = psi_lda_random_uniform(&random) * mass;
        if (at < others) {
            const uint32_t other = (uint32_t)at;
            proposed = topic_of(tokens[other + (other >= i)]);
        } else {
            proposed = (uint32_t)((at - others) / alpha);
            proposed -= proposed == sampler->prior.topic_count; /* by rounding */
        }
        tokens[i] = token_of(topic, (uint16_t)proposed);
    }
    sampler->random = random;
}

static void pass_by_document(psi_lda_sampler *sampler, const psi_lda_block *block,
                             const psi_lda_rows *rows) {
    warp_state *const state = sampler->state;
    inverse_refresh(sampler, rows->totals);
    const decision d = {.counts = sampler->doc_counts,
                        .totals = rows->totals,
                        .inverse = state->inverse,
                        .smoothing = (float)sampler->prior.alpha};
    const uint32_t first = block->doc_begins[0];
    for (uint32_t i = 0; i < block->doc_count; i++) {
        const uint32_t begin = block->doc_begins[i] - first;
        document_visit(sampler, &d, begin, block->doc_begins[i + 1] - first - begin);
    }
}

/* Chen and Asau's guide table (1974): of the sums that begin in each of rest_count equal parts, the
 * first. O(topics with a rest). */
static void guides_make(warp_state *state) {
    const uint32_t count = state->rest_count;
    const float part = count == 0 ? 0 : (float)state->rest_sums[count - 1] / (float)count;
    uint32_t i = 0;
    state->rest_scale = count == 0 ? 0 : 1 / part;
    for (uint32_t g = 0; g < count; g++) {
        const uint32_t at = (uint32_t)((float)g * part);
        while (i + 1 < count && state->rest_sums[i] <= at) {
            i++;
        }
        state->guides[g] = (uint16_t)i;
    }
}

/* Writes the topics of the rest behind the own tokens. O(rest). */
static void rest_list(warp_state *state, uint32_t count) {
    uint16_t *to = state->gathered + count;
    uint32_t before = 0;
    for (uint32_t i = 0; i < state->rest_count; i++) {
        for (; before < state->rest_sums[i]; before++) {
            *to++ = state->rest_topics[i];
        }
    }
    state->listed = before;
    state->rest_count = 0;
}

/* What the row has beside the block's `count` tokens of the word: sums over the topics that have
 * any. O(count + K), or O(count + what a sparse row had). */
static void rest_make(psi_lda_sampler *sampler, uint32_t count) {
    warp_state *const state = sampler->state;
    int32_t *const row = sampler->row.counts;
    const uint32_t *const had = sampler->row.had.columns;
    const uint32_t places = had == NULL ? sampler->prior.topic_count : sampler->row.had.count;
    uint32_t sum = 0, topics = 0;
    for (uint32_t i = 0; i < count; i++) {
        row[state->gathered[i]]--;
    }
    for (uint32_t i = 0; i < places; i++) {
        const uint32_t k = had == NULL ? i : had[i];
        if (row[k] > 0) {
            sum += (uint32_t)row[k];
            state->rest_sums[topics] = sum;
            state->rest_topics[topics++] = (uint16_t)k;
        }
    }
    for (uint32_t i = 0; i < count; i++) {
        row[state->gathered[i]]++;
    }
    state->rest_count = topics;
    if (sum > (uint64_t)REST_TIMES * count || (uint64_t)count + sum > state->listed_max) {
        guides_make(state);
    } else {
        rest_list(state, count);
    }
}

/* The topic of the first sum beyond `at`. O(1) in expectation. */
static inline uint16_t rest_draw(const warp_state *state, uint32_t at) {
    uint32_t guide = (uint32_t)((float)at * state->rest_scale);
    guide = guide < state->rest_count ? guide : state->rest_count - 1;
    uint32_t i = state->guides[guide];
    while (i > 0 && state->rest_sums[i - 1] > at) { /* by rounding */
        i--;
    }
    while (state->rest_sums[i] <= at) {
        i++;
    }
    return state->rest_topics[i];
}

/* Proposes topics for the tokens of a word. */
static void word_propose(psi_lda_sampler *sampler, const uint32_t *places, uint32_t count) {
    warp_state *const state = sampler->state;
    psi_lda_random random = sampler->random;
    const double beta = sampler->prior.beta;
    const double others = (double)count - 1 + (double)state->listed;
    const double rest =
        state->rest_count == 0 ? 0 : (double)state->rest_sums[state->rest_count - 1];
    const double mass = others + rest + beta * (double)sampler->prior.topic_count;
    for (uint32_t i = 0; i < count; i++) {
        const double at = psi_lda_random_uniform(&random) * mass;
        uint32_t proposed;
        if (at < others) {
            const uint32_t other = (uint32_t)at;
            proposed = state->gathered[other + (other >= i)];
        } else if (at - others < rest) {
            proposed = rest_draw(state, (uint32_t)(at - others));
        } else {
            proposed = (uint32_t)((at - others - rest) / beta);
            proposed -= proposed == sampler->prior.topic_count; /* by rounding */
        }
        state->tokens[places[i]] = token_of(state->gathered[i], (uint16_t)proposed);
    }
    sampler->random = random;
}

/* Brings the row up to date with the pass by document, whose changes are those between
 * block->topics and the tokens, and decides. */
static void word_decide(psi_lda_sampler *sampler, const psi_lda_block *block, const decision *d,
                        const uint32_t *places, uint32_t count) {
    warp_state *const state = sampler->state;
    psi_lda_random random = sampler->random;
    for (uint32_t i = 0; i < count; i++) {
        const uint32_t next = places[i + AHEAD < count ? i + AHEAD : i];
        __builtin_prefetch(block->topics + next, 1);
        __builtin_prefetch(state->tokens + next, 1);
        d->counts[block->topics[places[i]]]--;
        d->counts[topic_of(state->tokens[places[i]])]++;
    }
    for (uint32_t i = 0; i < count; i++) {
        const uint32_t token = state->tokens[places[i]];
        const uint16_t s = topic_of(token), t = proposal_of(token);
        const uint16_t topic = s == t ? s : decide(d, &random, s, t);
        state->gathered[i] = topic;
        block->topics[places[i]] = topic;
    }
    sampler->random = random;
}

static void pass_by_word(psi_lda_sampler *sampler, const psi_lda_block *block,
                         const psi_lda_rows *rows) {
    warp_state *const state = sampler->state;
    inverse_refresh(sampler, rows->totals);
    for (uint32_t w = 0; w < block->word_count; w++) {
        if (!psi_lda_open_row_begin(&sampler->row, block, rows, w)) {
            continue;
        }
        const uint32_t *const places = block->by_word + block->word_begins[w];
        const uint32_t count = block->word_begins[w + 1] - block->word_begins[w];
        const decision d = {.counts = sampler->row.counts,
                            .totals = rows->totals,
                            .inverse = state->inverse,
                            .smoothing = (float)sampler->prior.beta};
        word_decide(sampler, block, &d, places, count);
        state->rest_count = 0;
        state->listed = 0;
        if (count < block->frequencies[w]) { /* others have tokens of this word, too */
            rest_make(sampler, count);
        }
        psi_lda_open_row_end(&sampler->row, block, rows, w);
        word_propose(sampler, places, count);
    }
}

/* Turns is_there of the tokens whose words have rows. Returns whether a row lacks. */
static int tokens_mark(const warp_state *state, const psi_lda_block *block,
                       const psi_lda_rows *rows) {
    int lacks_rows = 0;
    for (uint32_t w = 0; w < block->word_count && rows->sparse == NULL; w++) {
        lacks_rows |= rows->words[w] == NULL;
    }
    for (uint32_t w = 0; w < block->word_count && lacks_rows; w++) {
        const uint32_t end = rows->words[w] == NULL ? 0 : block->word_begins[w + 1];
        for (uint32_t i = block->word_begins[w]; i < end; i++) {
            const uint32_t token = block->by_word[i];
            state->is_there[token / TOKENS_PER_MARK] ^= UINT64_C(1) << token % TOKENS_PER_MARK;
        }
    }
    return lacks_rows;
}

static void warp_pass(psi_lda_sampler *sampler, const psi_lda_block *block,
                      const psi_lda_rows *rows) {
    warp_state *const state = sampler->state;
    state->tokens = block->pairs;
    state->lacks_rows = tokens_mark(state, block, rows);
    for (uint32_t round = 0; round < sampler->options.mh_steps; round++) {
        pass_by_document(sampler, block, rows);
        pass_by_word(sampler, block, rows);
    }
    (void)tokens_mark(state, block, rows);
}

const psi_lda_method psi_lda_warp = {warp_init, warp_fini, warp_pass};
