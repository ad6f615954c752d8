/* LightLDA: J. Yuan et al., "LightLDA: big topic models on modest computer clusters", WWW 2015
 * (arXiv 1412.1576). Equation (1) is a product of two, and each proposal knows one of them:
 *
 *     by word      t ~ n_tw^- + beta      the topic of another token of the word, or any topic
 *     by document  t ~ n_dt^- + alpha     the topic of another token of the document, or any topic
 *
 * They are drawn by turns, --mh-steps pairs per token. A proposal t is taken instead of the current
 * topic s with probability min(1, pi), Metropolis and Hastings:
 *
 *     by word      pi = g(t) / g(s)       g(k) = (n_dk^- + alpha) / (n_k^- + V beta)
 *     by document  pi = f(t) / f(s)       f(k) = (n_kw^- + beta) / (n_k^- + V beta)
 *
 * In the paper both proposals count the token itself, and tables of words go stale. Then what is
 * proposed depends on where the chain is, and pi does not know it: a token of a rare word leaves
 * the topic that its document likes too often, which costs held-out perplexity much and likelihood
 * little. Here neither proposal knows the token's own topic, what is proposed follows from the
 * counts as they are, and every step is exact.
 *
 * Tokens are visited word by word. Of the word's tokens, those of the block are in `word_topics`,
 * from which another is picked at random. All others do not move meanwhile: they are in one alias
 * table, built when the word's turn comes. n_dk is counted when needed: among the topics of a short
 * document's tokens, as many at a time as the processor's registers take; a longer one has a list
 * of its topics. */
#include <stdlib.h>

#include "algos/lda/alias_table.h"
#include "algos/lda/doc_finder.h"
#include "algos/lda/doc_lists.h"
#include "algos/lda/sampler_parts.h"

enum {
    LANES = 32,
    LANES_AVX2 = 16,
    EIGHT = 8,
    LISTED_MIN = 192,         /* psi_lda_options.listed_min */
    LISTED_MIN_MAX = 1 << 18, /* a lane of 16 bits counts up to 2^15 */
    AHEAD = 8,
    TOPICS_PER_LINE = 32
};

/* A topic of which others seem to have fewer than 0 tokens, and how many fewer. */
typedef struct lifted_topic {
    uint32_t topic;
    int32_t lack;
} lifted_topic;

typedef struct light_state {
    psi_lda_doc_finder docs;
    psi_lda_doc_lists lists; /* of documents with listed_min tokens or more */
    uint16_t *word_topics;   /* owned, [tokens of a word]: topics of the current word's tokens */
    psi_lda_column *others;  /* owned, [K]: the current word's tokens outside of the block */
    uint32_t *stack;         /* owned, [K]: for building the table */
    lifted_topic *lifted;    /* owned, [K]: of the current word */
    double others_mass;      /* tokens in `others` */
    uint32_t others_count, lifted_count, listed_min;
    psi_lda_form form;
} light_state;

static void light_fini(psi_lda_sampler *sampler) {
    light_state *const state = sampler->state;
    psi_lda_doc_finder_fini(&state->docs);
    psi_lda_doc_lists_fini(&state->lists);
    free(state->word_topics);
    free(state->others);
    free(state->stack);
    free(state->lifted);
    free(state);
}

static ps_err light_init(psi_lda_sampler *sampler, const psi_lda_limits *limits) {
    light_state *const state = calloc(1, sizeof *state);
    if (state == NULL) {
        return PS_ENOMEM;
    }
    sampler->state = state;
    state->form = psi_lda_form_of(sampler->options.form);
    const uint32_t listed_min = sampler->options.listed_min;
    state->listed_min = listed_min == 0 ? LISTED_MIN : listed_min;
    state->listed_min = state->listed_min < LISTED_MIN_MAX ? state->listed_min : LISTED_MIN_MAX;
    const size_t topics = sampler->prior.topic_count, tokens = limits->occurrence_count;
    state->word_topics = calloc(tokens + 1, sizeof *state->word_topics);
    state->others = calloc(topics, sizeof *state->others);
    state->stack = calloc(topics, sizeof *state->stack);
    state->lifted = calloc(topics, sizeof *state->lifted);
    const int has_all = state->word_topics != NULL && state->others != NULL &&
                        state->stack != NULL && state->lifted != NULL;
    if (!has_all || psi_lda_doc_lists_init(&state->lists, limits) != PS_OK) {
        return PS_ENOMEM;
    }
    return psi_lda_doc_finder_init(&state->docs, limits);
}

/* ---- Counting among the topics of a document ---- */

/* A token that is drawn: in its document, and among the tokens of its word in the block. Its own
 * topic is `old` in both until it has a new one. */
typedef struct token_view {
    uint16_t *doc;        /* the topics of the document's tokens */
    psi_lda_entry *list;  /* of the document, or NULL */
    uint32_t *list_count; /* how long it is */
    uint32_t doc_count, doc_place, word_count, word_place;
    uint16_t old;
} token_view;

/* n_da and n_db, the token itself included. */
typedef struct pair {
    uint32_t a, b;
} pair;

static inline pair count_plain(const uint16_t *doc, uint32_t count, pair wanted) {
    pair found = {0, 0};
    for (uint32_t i = 0; i < count; i++) {
        found.a += doc[i] == wanted.a;
        found.b += doc[i] == wanted.b;
    }
    return found;
}

static inline pair count_listed_plain(const psi_lda_entry *list, uint32_t count, pair wanted) {
    pair found = {0, 0};
    for (uint32_t i = 0; i < count; i++) {
        const uint32_t topic = psi_lda_entry_topic(list[i]), n = psi_lda_entry_count(list[i]);
        found.a += topic == wanted.a ? n : 0;
        found.b += topic == wanted.b ? n : 0;
    }
    return found;
}

#if PSI_LDA_HAS_WIDE
/* Minus one in the lanes of 16 topics that are `wanted`. */
PSI_LDA_AVX2 static inline __m256i same_avx2(__m256i topics, uint32_t wanted) {
    return _mm256_cmpeq_epi16(topics, _mm256_set1_epi16((short)wanted));
}

/* The sum of eight lanes. */
PSI_LDA_AVX2 static inline uint32_t eight_sum_avx2(__m256i lanes) {
    __m128i sum = _mm_add_epi32(_mm256_castsi256_si128(lanes), _mm256_extracti128_si256(lanes, 1));
    sum = _mm_add_epi32(sum, _mm_shuffle_epi32(sum, 0x4e));
    sum = _mm_add_epi32(sum, _mm_shuffle_epi32(sum, 0xb1));
    return (uint32_t)_mm_cvtsi128_si32(sum);
}

/* The sum of 16 lanes, none below 0. */
PSI_LDA_AVX2 static inline uint32_t lanes_sum_avx2(__m256i lanes) {
    return eight_sum_avx2(_mm256_madd_epi16(lanes, _mm256_set1_epi16(1)));
}

/* Counts in lanes, and adds these up at the end. The last vector begins LANES_AVX2 before the end,
 * and leaves out what it shares with the one before. */
PSI_LDA_AVX2 static inline pair count_avx2(const uint16_t *doc, uint32_t count, pair wanted) {
    if (count < LANES_AVX2) {
        return count_plain(doc, count, wanted);
    }
    __m256i a = _mm256_setzero_si256(), b = a;
    for (uint32_t begin = 0; begin + LANES_AVX2 <= count; begin += LANES_AVX2) {
        const __m256i topics = _mm256_loadu_si256((const __m256i *)(const void *)(doc + begin));
        a = _mm256_sub_epi16(a, same_avx2(topics, wanted.a));
        b = _mm256_sub_epi16(b, same_avx2(topics, wanted.b));
    }
    const __m256i lanes = _mm256_setr_epi16(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
    const short shared = (short)(LANES_AVX2 - 1 - count % LANES_AVX2);
    const __m256i fresh = _mm256_cmpgt_epi16(lanes, _mm256_set1_epi16(shared));
    const __m256i topics =
        _mm256_loadu_si256((const __m256i *)(const void *)(doc + count - LANES_AVX2));
    a = _mm256_sub_epi16(a, _mm256_and_si256(same_avx2(topics, wanted.a), fresh));
    b = _mm256_sub_epi16(b, _mm256_and_si256(same_avx2(topics, wanted.b), fresh));
    return (pair){lanes_sum_avx2(a), lanes_sum_avx2(b)};
}

/* Eight entries at a time, of which `count` are in the list. */
PSI_LDA_AVX2 static inline pair count_listed_avx2(const psi_lda_entry *list, uint32_t count,
                                                  pair wanted) {
    const __m256i low = _mm256_set1_epi32(0xffff);
    const __m256i a = _mm256_set1_epi32((int)wanted.a), b = _mm256_set1_epi32((int)wanted.b);
    __m256i sum_a = _mm256_setzero_si256(), sum_b = sum_a;
    for (uint32_t begin = 0; begin < count; begin += EIGHT) {
        const __m256i entries = psi_lda_entries_left(list + begin, count - begin);
        const __m256i topics = _mm256_and_si256(entries, low), n = _mm256_srli_epi32(entries, 16);
        sum_a = _mm256_add_epi32(sum_a, _mm256_and_si256(_mm256_cmpeq_epi32(topics, a), n));
        sum_b = _mm256_add_epi32(sum_b, _mm256_and_si256(_mm256_cmpeq_epi32(topics, b), n));
    }
    return (pair){eight_sum_avx2(sum_a), eight_sum_avx2(sum_b)};
}

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

/* What has forms. */
typedef struct form {
    pair (*count_topics)(const uint16_t *doc, uint32_t count, pair wanted);
    pair (*count_listed)(const psi_lda_entry *list, uint32_t count, pair wanted);
    psi_lda_list_finder *list_find;
} form;

static inline __attribute__((always_inline)) pair counts_of(const token_view *token, pair wanted,
                                                            const form *as) {
    return token->list == NULL ? as->count_topics(token->doc, token->doc_count, wanted)
                               : as->count_listed(token->list, *token->list_count, wanted);
}

/* ---- A token ---- */

/* f(k): (n_kw^- + beta) / (n_k^- + V beta). */
static inline double word_factor(const psi_lda_sampler *sampler, uint16_t k) {
    return ((double)sampler->row.counts[k] + sampler->prior.beta) * sampler->inverse[k];
}

static inline int is_taken(psi_lda_sampler *sampler, double numerator, double denominator) {
    return psi_lda_random_uniform(&sampler->random) * denominator < numerator;
}

static inline uint16_t any_topic(psi_lda_sampler *sampler) {
    return (uint16_t)psi_lda_random_below(&sampler->random, sampler->prior.topic_count);
}

static inline uint16_t propose_by_word(psi_lda_sampler *sampler, const token_view *token) {
    const light_state *const state = sampler->state;
    const double siblings = (double)token->word_count - 1;
    const double smoothing = (double)sampler->prior.topic_count * sampler->prior.beta;
    const double at =
        psi_lda_random_uniform(&sampler->random) * (siblings + state->others_mass + smoothing);
    if (at < siblings) {
        const uint32_t other = (uint32_t)at;
        return state->word_topics[other + (other >= token->word_place)];
    }
    if (at < siblings + state->others_mass) {
        return psi_lda_table_draw(state->others, state->others_count, &sampler->random);
    }
    return any_topic(sampler);
}

static inline uint16_t propose_by_document(psi_lda_sampler *sampler, const token_view *token) {
    const double others = (double)token->doc_count - 1;
    const double smoothing = (double)sampler->prior.topic_count * sampler->prior.alpha;
    const double at = psi_lda_random_uniform(&sampler->random) * (others + smoothing);
    if (at < others) {
        const uint32_t other = (uint32_t)at;
        return token->doc[other + (other >= token->doc_place)];
    }
    return any_topic(sampler);
}

static inline __attribute__((always_inline)) uint16_t
step_by_word(psi_lda_sampler *sampler, const token_view *token, uint16_t s, const form *as) {
    const double alpha = sampler->prior.alpha;
    const uint16_t t = propose_by_word(sampler, token);
    if (t == s) {
        return s;
    }
    pair n = counts_of(token, (pair){t, s}, as);
    n.a -= t == token->old;
    n.b -= s == token->old;
    const double to = ((double)n.a + alpha) * sampler->inverse[t];
    const double from = ((double)n.b + alpha) * sampler->inverse[s];
    return is_taken(sampler, to, from) ? t : s;
}

static inline uint16_t step_by_document(psi_lda_sampler *sampler, const token_view *token,
                                        uint16_t s) {
    const uint16_t t = propose_by_document(sampler, token);
    if (t == s) {
        return s;
    }
    return is_taken(sampler, word_factor(sampler, t), word_factor(sampler, s)) ? t : s;
}

/* Adds `step` tokens of a topic to the counts of the word and of all. */
static inline void counts_change(psi_lda_sampler *sampler, int64_t *totals, uint16_t topic,
                                 int step) {
    sampler->row.counts[topic] += step;
    totals[topic] += step;
    psi_lda_inverse_set(sampler, topic, totals[topic]);
}

/* The token's topic in its document's list becomes `topic`. */
static inline __attribute__((always_inline)) void list_change(const token_view *token,
                                                              uint16_t topic, const form *as) {
    const uint32_t place = as->list_find(token->list, *token->list_count, token->old);
    token->list[place] -= psi_lda_entry_one;
    psi_lda_list_trim(token->list, token->list_count, place);
    psi_lda_list_add(token->list, token->list_count, topic, as->list_find);
}

static inline __attribute__((always_inline)) void
token_draw(psi_lda_sampler *sampler, const token_view *token, int64_t *totals, const form *as) {
    const light_state *const state = sampler->state;
    uint16_t topic = token->old;
    counts_change(sampler, totals, topic, -1);
    for (uint32_t step = 0; step < sampler->options.mh_steps; step++) {
        topic = step_by_word(sampler, token, topic, as);
        topic = step_by_document(sampler, token, topic);
    }
    counts_change(sampler, totals, topic, 1);
    if (topic != token->old) {
        state->word_topics[token->word_place] = topic;
        token->doc[token->doc_place] = topic;
        if (token->list != NULL) {
            list_change(token, topic, as);
        }
    }
}

/* ---- A word ---- */

/* The counts without the block's tokens, as a sampler sees them: what is below 0 is lifted to 0. */
static inline void other_take(psi_lda_sampler *sampler, uint32_t k) {
    light_state *const state = sampler->state;
    int32_t *const count = &sampler->row.counts[k];
    if (*count > 0) {
        state->others[state->others_count++] =
            (psi_lda_column){.weight = (float)*count, .topic = (uint16_t)k};
        state->others_mass += (double)*count;
    } else if (*count < 0) {
        state->lifted[state->lifted_count++] = (lifted_topic){.topic = k, .lack = -*count};
        *count = 0;
    }
}

/* Makes the table of the word's tokens that are not in the block, of which word_topics[0..count)
 * are. O(what the row has + count). */
static void others_make(psi_lda_sampler *sampler, uint32_t count) {
    light_state *const state = sampler->state;
    const ps_sparse_row *const had = &sampler->row.had;
    for (uint32_t i = 0; i < count; i++) {
        sampler->row.counts[state->word_topics[i]]--;
    }
    const uint32_t topics = had->columns == NULL ? sampler->prior.topic_count : had->count;
    for (uint32_t i = 0; i < topics; i++) {
        other_take(sampler, had->columns == NULL ? i : had->columns[i]);
    }
    for (uint32_t i = 0; i < count; i++) { /* a sparse row may not have them */
        if (sampler->row.counts[state->word_topics[i]] < 0) {
            other_take(sampler, state->word_topics[i]);
        }
    }
    for (uint32_t i = 0; i < count; i++) {
        sampler->row.counts[state->word_topics[i]]++;
    }
    psi_lda_table_build(state->others, state->others_count, state->others_mass, state->stack);
}

/* Begins a word: its tokens' topics, and the table, unless all of its tokens are in the block. */
static void word_begin(psi_lda_sampler *sampler, const psi_lda_block *block, uint32_t w) {
    light_state *const state = sampler->state;
    const uint32_t begin = block->word_begins[w], count = block->word_begins[w + 1] - begin;
    for (uint32_t i = 0; i < count; i++) {
        state->word_topics[i] = block->topics[block->by_word[begin + i]];
    }
    state->others_mass = 0;
    state->others_count = 0;
    state->lifted_count = 0;
    if (count < block->frequencies[w]) {
        others_make(sampler, count);
    }
}

static void word_end(psi_lda_sampler *sampler) {
    const light_state *const state = sampler->state;
    for (uint32_t i = 0; i < state->lifted_count; i++) {
        sampler->row.counts[state->lifted[i].topic] -= state->lifted[i].lack;
    }
}

static inline void token_prefetch(const token_view *token) {
    if (token->list != NULL) {
        psi_lda_list_prefetch(token->list, *token->list_count);
        __builtin_prefetch(token->doc + token->doc_place, 1);
        return;
    }
    for (uint32_t i = 0; i < token->doc_count; i += TOPICS_PER_LINE) {
        __builtin_prefetch(token->doc + i, 1);
    }
}

static inline __attribute__((always_inline)) void word_visit(psi_lda_sampler *sampler,
                                                             const psi_lda_block *block,
                                                             int64_t *totals, uint32_t w,
                                                             const form *as) {
    light_state *const state = sampler->state;
    const uint32_t begin = block->word_begins[w], count = block->word_begins[w + 1] - begin;
    const uint32_t *const places = block->by_word + begin;
    token_view ahead[AHEAD];
    for (uint32_t i = 0; i < count + AHEAD; i++) {
        if (i >= AHEAD) {
            token_view token = ahead[i % AHEAD];
            token.old = state->word_topics[i - AHEAD];
            token_draw(sampler, &token, totals, as);
        }
        if (i < count) { /* what the token that is AHEAD will need */
            const uint32_t doc = psi_lda_doc_find(&state->docs, block, places[i]);
            const uint32_t at = block->doc_begins[doc] - block->doc_begins[0];
            const uint32_t doc_count = block->doc_begins[doc + 1] - block->doc_begins[doc];
            const int is_listed = doc_count >= state->listed_min;
            const token_view token = {.doc = block->topics + at,
                                      .list = is_listed ? state->lists.entries + at : NULL,
                                      .list_count = &state->lists.counts[doc],
                                      .doc_count = doc_count,
                                      .doc_place = places[i] - at,
                                      .word_count = count,
                                      .word_place = i};
            token_prefetch(&token);
            ahead[i % AHEAD] = token;
        }
    }
}

static void word_visit_plain(psi_lda_sampler *sampler, const psi_lda_block *block, int64_t *totals,
                             uint32_t w) {
    const form as = {count_plain, count_listed_plain, psi_lda_list_find_plain};
    word_visit(sampler, block, totals, w, &as);
}

#if PSI_LDA_HAS_WIDE
PSI_LDA_WIDE static void word_visit_wide(psi_lda_sampler *sampler, const psi_lda_block *block,
                                         int64_t *totals, uint32_t w) {
    const form as = {count_wide, count_listed_avx2, psi_lda_list_find_wide};
    word_visit(sampler, block, totals, w, &as);
}

PSI_LDA_AVX2 static void word_visit_avx2(psi_lda_sampler *sampler, const psi_lda_block *block,
                                         int64_t *totals, uint32_t w) {
    const form as = {count_avx2, count_listed_avx2, psi_lda_list_find_avx2};
    word_visit(sampler, block, totals, w, &as);
}
#else
#define word_visit_wide word_visit_plain
#define word_visit_avx2 word_visit_plain
#endif

static void light_pass(psi_lda_sampler *sampler, const psi_lda_block *block,
                       const psi_lda_rows *rows) {
    light_state *const state = sampler->state;
    psi_lda_doc_finder_make(&state->docs, block);
    psi_lda_doc_lists_make(&state->lists, block, state->listed_min, sampler->doc_counts);
    for (uint32_t w = 0; w < block->word_count; w++) {
        if (!psi_lda_open_row_begin(&sampler->row, block, rows, w)) {
            continue;
        }
        word_begin(sampler, block, w);
        switch (state->form) {
        case PSI_LDA_FORM_AVX512:
            word_visit_wide(sampler, block, rows->totals, w);
            break;
        case PSI_LDA_FORM_AVX2:
            word_visit_avx2(sampler, block, rows->totals, w);
            break;
        default:
            word_visit_plain(sampler, block, rows->totals, w);
        }
        word_end(sampler);
        psi_lda_open_row_end(&sampler->row, block, rows, w);
    }
}

const psi_lda_method psi_lda_light = {light_init, light_fini, light_pass};
