/* F+LDA, word by word: H.-F. Yu, C.-J. Hsieh, H. Yun, S. Vishwanathan and I. Dhillon, "A scalable
 * asynchronous distributed algorithm for topic modeling", WWW 2015. For one word w, equation (1) is
 *
 *     p(k) = n_dk f_k + alpha f_k        f_k = (n_kw + beta) / (n_k + V beta)
 *
 * without the token. All tokens of a word are drawn in a row, so f stays in the nearest cache and
 * only two of its K values change per token. The first part has as few terms as the document has
 * topics; they are kept in a list per document. The sum of the second is kept over all topics and
 * over groups of them, as two levels in the place of the paper's tree: a draw searches a group,
 * then within it. Draws are exact.
 *
 * The terms of a list are added in lanes, as sampler_vector.c does it. */
#include <stdlib.h>

#include "algos/lda/doc_finder.h"
#include "algos/lda/sampler_parts.h"

enum { LANES = 16, AHEAD = 8 };

/* An entry of a document's list: how often in the upper, the topic in the lower 16 bits. A topic
 * that occurs more often has several. */
typedef uint32_t entry;

static const entry entry_one = UINT32_C(1) << 16;

typedef struct fplus_state {
    entry *entries;   /* owned, [tokens]: the list of a document begins with its tokens */
    uint32_t *counts; /* owned, [documents]: how long a list is */
    psi_lda_doc_finder docs;
    float *inverse;   /* owned, [K]: 1 / (n_k + V beta) */
    float *factors;   /* owned, [groups x LANES]: f_k, 0 beyond K */
    double *groups;   /* owned, [groups]: sums of 16 factors */
    double *clusters; /* owned, [clusters]: sums of 16 groups */
    float *sums;      /* owned, [entries of the longest list, and a vector] */
    double mass;      /* of all factors */
    float smoothing;  /* V beta */
    uint32_t group_count, cluster_count;
    psi_lda_form form;
} fplus_state;

static void fplus_fini(psi_lda_sampler *sampler) {
    fplus_state *const state = sampler->state;
    free(state->entries);
    free(state->counts);
    psi_lda_doc_finder_fini(&state->docs);
    free(state->inverse);
    free(state->factors);
    free(state->groups);
    free(state->clusters);
    free(state->sums);
    free(state);
}

/* ---- A document's list ---- */

static inline uint32_t entry_topic(entry e) {
    return e & 0xffffU;
}

static inline uint32_t entry_count(entry e) {
    return e >> 16;
}

/* Takes one of `topic` out of a list and returns its place; an entry that falls to 0 stays where it
 * is. Sets sums[v][l] = n f of entries l, 16 + l, ..., 16 v + l, and over_lanes[l] of the lanes
 * before l. */
static inline uint32_t list_sum_plain(const fplus_state *state, entry *list, uint32_t count,
                                      uint32_t topic, float *over_lanes) {
    uint32_t place = 0;
    while (place + 1 < count && entry_topic(list[place]) != topic) {
        place++;
    }
    list[place] -= entry_one;
    float sum[LANES] = {0};
    for (uint32_t begin = 0; begin < count; begin += LANES) {
        for (uint32_t l = 0; l < LANES; l++) {
            const entry e = begin + l < count ? list[begin + l] : 0;
            sum[l] += (float)entry_count(e) * state->factors[entry_topic(e)];
            state->sums[begin + l] = sum[l];
        }
    }
    for (uint32_t step = 1; step < LANES; step *= 2) { /* sums over the lanes */
        for (uint32_t l = LANES - 1; l >= step; l--) {
            sum[l] += sum[l - step];
        }
    }
    over_lanes[0] = 0;
    for (uint32_t l = 0; l < LANES; l++) {
        over_lanes[l + 1] = sum[l];
    }
    return place;
}

#if PSI_LDA_HAS_WIDE
/* The same, eight entries at a time. Factors are read one by one: to gather them is slower. */
PSI_LDA_AVX2 static inline __m256 entry_terms_avx2(const fplus_state *state, __m256i entries) {
    const float *const f = state->factors;
    entry e[8];
    _mm256_storeu_si256((__m256i *)(void *)e, entries);
    const __m256 values = _mm256_setr_ps(
        f[entry_topic(e[0])], f[entry_topic(e[1])], f[entry_topic(e[2])], f[entry_topic(e[3])],
        f[entry_topic(e[4])], f[entry_topic(e[5])], f[entry_topic(e[6])], f[entry_topic(e[7])]);
    return _mm256_mul_ps(_mm256_cvtepi32_ps(_mm256_srli_epi32(entries, 16)), values);
}

/* The lanes of which there are so many. */
PSI_LDA_AVX2 static inline __m256i lanes_below(uint32_t count) {
    const __m256i lanes = _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7);
    return _mm256_cmpgt_epi32(_mm256_set1_epi32((int)(count < 8 ? count : 8)), lanes);
}

/* Adds to each lane the one `step` before it. */
#define LANES_ADD(low, high, step)                                                 \
    do {                                                                           \
        const __m256i a = _mm256_castps_si256(low), b = _mm256_castps_si256(high); \
        const __m256i zero_a = _mm256_permute2x128_si256(a, a, 0x08);              \
        const __m256i a_b = _mm256_permute2x128_si256(a, b, 0x21);                 \
        const __m256i a_up = _mm256_alignr_epi8(a, zero_a, 16 - 4 * (step));       \
        const __m256i b_up = _mm256_alignr_epi8(b, a_b, 16 - 4 * (step));          \
        (low) = _mm256_add_ps(low, _mm256_castsi256_ps(a_up));                     \
        (high) = _mm256_add_ps(high, _mm256_castsi256_ps(b_up));                   \
    } while (0)

PSI_LDA_AVX2 static inline uint32_t list_sum_avx2(const fplus_state *state, entry *list,
                                                  uint32_t count, uint32_t topic,
                                                  float *over_lanes) {
    float *const sums = state->sums;
    uint32_t place = 0;
    while (place + 1 < count && entry_topic(list[place]) != topic) {
        place++;
    }
    list[place] -= entry_one;
    __m256 low = _mm256_setzero_ps(), high = _mm256_setzero_ps();
    for (uint32_t begin = 0; begin < count; begin += LANES) {
        const uint32_t left = count - begin;
        const __m256i first = _mm256_maskload_epi32((const int *)list + begin, lanes_below(left));
        low = _mm256_add_ps(low, entry_terms_avx2(state, first));
        if (left > 8) {
            const __m256i second =
                _mm256_maskload_epi32((const int *)list + begin + 8, lanes_below(left - 8));
            high = _mm256_add_ps(high, entry_terms_avx2(state, second));
        }
        _mm256_storeu_ps(sums + begin, low);
        _mm256_storeu_ps(sums + begin + 8, high);
    }
    LANES_ADD(low, high, 1);
    LANES_ADD(low, high, 2);
    LANES_ADD(low, high, 4);
    high = _mm256_add_ps(high, low);
    over_lanes[0] = 0;
    _mm256_storeu_ps(over_lanes + 1, low);
    _mm256_storeu_ps(over_lanes + 9, high);
    return place;
}

/* Lanes move up by `step`, and zeros in. */
#define SHIFTED(lanes, step) \
    _mm512_castsi512_ps(     \
        _mm512_alignr_epi32(_mm512_castps_si512(lanes), _mm512_setzero_si512(), LANES - (step)))

/* The same. The list is changed in the register: a store of one entry would hold up its loads. */
PSI_LDA_WIDE static inline uint32_t list_sum_wide(const fplus_state *state, entry *list,
                                                  uint32_t count, uint32_t topic,
                                                  float *over_lanes) {
    const __m512i low = _mm512_set1_epi32(0xffff), one = _mm512_set1_epi32((int)entry_one);
    const __m512i wanted = _mm512_set1_epi32((int)topic);
    const float *const factors = state->factors;
    float *const sums = state->sums;
    uint32_t place = UINT32_MAX;
    __m512 sum = _mm512_setzero_ps();
    for (uint32_t begin = 0; begin < count; begin += LANES) {
        const uint32_t left = count - begin;
        const __mmask16 there = (__mmask16)(left >= LANES ? 0xffffU : (1U << left) - 1);
        __m512i entries = _mm512_maskz_loadu_epi32(there, list + begin);
        const __m512i topics = _mm512_and_si512(entries, low);
        uint32_t found = _mm512_mask_cmpeq_epi32_mask(there, topics, wanted);
        found = place == UINT32_MAX ? found & -found : 0; /* a topic may have several entries */
        place = found != 0 ? begin + (uint32_t)__builtin_ctz(found | 0x10000U) : place;
        entries = _mm512_mask_sub_epi32(entries, (__mmask16)found, entries, one);
        _mm512_mask_storeu_epi32(list + begin, there, entries);
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wsign-conversion" /* the macro that the gather is without -O2 */
        const __m512 values = _mm512_i32gather_ps(topics, factors, 4);
#pragma GCC diagnostic pop
        const __m512 counts = _mm512_cvtepi32_ps(_mm512_srli_epi32(entries, 16));
        sum = _mm512_add_ps(sum, _mm512_mul_ps(counts, values));
        _mm512_storeu_ps(sums + begin, sum);
    }
    sum = _mm512_add_ps(sum, SHIFTED(sum, 1));
    sum = _mm512_add_ps(sum, SHIFTED(sum, 2));
    sum = _mm512_add_ps(sum, SHIFTED(sum, 4));
    sum = _mm512_add_ps(sum, SHIFTED(sum, 8));
    over_lanes[0] = 0;
    _mm512_storeu_ps(over_lanes + 1, sum);
    return place;
}

#endif
static inline void list_add(entry *list, uint32_t *count, uint32_t topic) {
    uint32_t at = 0;
    while (at < *count && (entry_topic(list[at]) != topic || entry_count(list[at]) == UINT16_MAX)) {
        at++;
    }
    if (at == *count) {
        list[(*count)++] = topic;
    }
    list[at] += entry_one;
}

/* Takes an entry out that has fallen to 0. */
static inline void list_trim(entry *list, uint32_t *count, uint32_t place) {
    if (entry_count(list[place]) == 0) {
        list[place] = list[--*count];
    }
}

/* ---- The block ---- */

static ps_err fplus_init(psi_lda_sampler *sampler, const psi_lda_limits *limits) {
    fplus_state *const state = calloc(1, sizeof *state);
    if (state == NULL) {
        return PS_ENOMEM;
    }
    sampler->state = state;
    const size_t tokens = (size_t)limits->token_count + 1, topics = sampler->prior.topic_count;
    state->form = psi_lda_form_of(sampler->options.form);
    state->smoothing = (float)((double)sampler->prior.word_count * sampler->prior.beta);
    state->group_count = (uint32_t)((topics + LANES - 1) / LANES);
    state->cluster_count = (state->group_count + LANES - 1) / LANES;
    state->entries = calloc(tokens, sizeof *state->entries);
    state->counts = calloc((size_t)limits->doc_count + 1, sizeof *state->counts);
    state->inverse = calloc(topics, sizeof *state->inverse);
    state->factors = calloc((size_t)state->group_count * LANES, sizeof *state->factors);
    state->groups = calloc(state->group_count, sizeof *state->groups);
    state->clusters = calloc(state->cluster_count, sizeof *state->clusters);
    const size_t longest = tokens / UINT16_MAX + topics; /* entries of a list */
    state->sums = calloc(longest + LANES, sizeof *state->sums);
    const int has_all = state->entries != NULL && state->counts != NULL && state->inverse != NULL &&
                        state->factors != NULL && state->groups != NULL &&
                        state->clusters != NULL && state->sums != NULL;
    return has_all ? psi_lda_doc_finder_init(&state->docs, limits) : PS_ENOMEM;
}

/* Makes the lists of all documents. */
static void lists_make(psi_lda_sampler *sampler, const psi_lda_block *block) {
    fplus_state *const state = sampler->state;
    const uint32_t first = block->doc_begins[0];
    psi_lda_doc_finder_make(&state->docs, block);
    for (uint32_t d = 0; d < block->doc_count; d++) {
        const uint32_t begin = block->doc_begins[d] - first, end = block->doc_begins[d + 1] - first;
        entry *const list = state->entries + begin;
        uint32_t count = 0;
        psi_lda_doc_begin(sampler, block->topics + begin, end - begin);
        for (uint32_t i = 0; i < sampler->doc_topic_count; i++) {
            const uint32_t topic = sampler->doc_topics[i];
            uint32_t left = (uint32_t)sampler->doc_counts[topic];
            for (; left > UINT16_MAX; left -= UINT16_MAX) {
                list[count++] = UINT32_C(0xffff0000) | topic;
            }
            list[count++] = left << 16 | topic;
        }
        psi_lda_doc_end(sampler);
        state->counts[d] = count;
    }
}

/* ---- A word ---- */

/* f of all topics, and its sums. O(K). */
static void factors_make(psi_lda_sampler *sampler, const int32_t *row) {
    fplus_state *const state = sampler->state;
    const float beta = (float)sampler->prior.beta;
    for (uint32_t k = 0; k < sampler->prior.topic_count; k++) {
        state->factors[k] = ((float)psi_lda_count(row[k]) + beta) * state->inverse[k];
    }
    state->mass = 0;
    for (uint32_t c = 0; c < state->cluster_count; c++) {
        state->clusters[c] = 0;
    }
    for (uint32_t g = 0; g < state->group_count; g++) {
        double sum = 0;
        for (uint32_t l = 0; l < LANES; l++) {
            sum += state->factors[g * LANES + l];
        }
        state->groups[g] = sum;
        state->clusters[g / LANES] += sum;
        state->mass += sum;
    }
}

/* Adds `step` tokens of a topic to the counts of the word and of all. */
static inline void counts_change(const psi_lda_sampler *sampler, int32_t *row, int64_t *totals,
                                 uint32_t topic, int step) {
    fplus_state *const state = sampler->state;
    row[topic] += step;
    totals[topic] += step;
    const float total = (float)(totals[topic] > 0 ? totals[topic] : 0);
    const float inverse = 1 / (total + state->smoothing);
    const float after = ((float)psi_lda_count(row[topic]) + (float)sampler->prior.beta) * inverse;
    const double change = (double)after - (double)state->factors[topic];
    state->inverse[topic] = inverse;
    state->factors[topic] = after;
    state->groups[topic / LANES] += change;
    state->clusters[topic / (LANES * LANES)] += change;
    state->mass += change;
}

/* The topic where `at` falls among the factors. Rounding may let it fall behind: then the last. */
static uint32_t factor_draw(const psi_lda_sampler *sampler, double at) {
    const fplus_state *const state = sampler->state;
    uint32_t cluster = 0, lane = 0;
    for (; cluster + 1 < state->cluster_count && at >= state->clusters[cluster]; cluster++) {
        at -= state->clusters[cluster];
    }
    uint32_t group = cluster * LANES;
    const uint32_t last = group + LANES < state->group_count ? group + LANES : state->group_count;
    for (; group + 1 < last && at >= state->groups[group]; group++) {
        at -= state->groups[group];
    }
    for (; lane + 1 < LANES && at >= state->factors[group * LANES + lane]; lane++) {
        at -= state->factors[group * LANES + lane];
    }
    const uint32_t topic = group * LANES + lane;
    return topic < sampler->prior.topic_count ? topic : sampler->prior.topic_count - 1;
}

/* The entry where `at` falls among those of the list, whose sums are set. */
static inline uint32_t entry_draw(const fplus_state *state, uint32_t count, const float *over_lanes,
                                  float at) {
    uint32_t lane = 0;
    for (uint32_t l = 1; l < LANES; l++) {
        lane += over_lanes[l] <= at;
    }
    const float rest = at - over_lanes[lane];
    uint32_t i = lane;
    while (i + LANES < count && state->sums[i] <= rest) {
        i += LANES;
    }
    return i < count ? i : count - 1; /* by rounding */
}

/* A token: the list of its document, and where its topic is. */
typedef struct token_view {
    entry *list;
    uint32_t *count;
    uint16_t *topic;
} token_view;

typedef uint32_t list_sum_function(const fplus_state *state, entry *list, uint32_t count,
                                   uint32_t topic, float *over_lanes);

/* Draws the topic of a token. Inlined once for each form of list_sum(). */
static inline __attribute__((always_inline)) void token_draw(psi_lda_sampler *sampler,
                                                             const token_view *token, int32_t *row,
                                                             int64_t *totals,
                                                             list_sum_function *list_sum) {
    const fplus_state *const state = sampler->state;
    entry *const list = token->list;
    float over_lanes[LANES + 1];
    counts_change(sampler, row, totals, *token->topic, -1);
    const uint32_t old = list_sum(state, list, *token->count, *token->topic, over_lanes);
    const double document = over_lanes[LANES], alpha = sampler->prior.alpha;
    const double at = psi_lda_random_uniform(&sampler->random) * (document + alpha * state->mass);
    uint32_t topic;
    if (at < document) {
        const uint32_t place = entry_draw(state, *token->count, over_lanes, (float)at);
        topic = entry_topic(list[place]);
        list[place] += entry_one;
        list_trim(list, token->count, old);
    } else {
        topic = factor_draw(sampler, (at - document) / alpha);
        list_trim(list, token->count, old); /* first: there is no room for an entry more */
        list_add(list, token->count, topic);
    }
    counts_change(sampler, row, totals, topic, 1);
    *token->topic = (uint16_t)topic;
}

static inline __attribute__((always_inline)) void word_visit(psi_lda_sampler *sampler,
                                                             const psi_lda_block *block,
                                                             const psi_lda_rows *rows, uint32_t w,
                                                             list_sum_function *list_sum) {
    const fplus_state *const state = sampler->state;
    const uint32_t begin = block->word_begins[w], count = block->word_begins[w + 1] - begin;
    const uint32_t *const places = block->by_word + begin;
    uint32_t docs[AHEAD];
    for (uint32_t i = 0; i < count + AHEAD; i++) {
        if (i >= AHEAD) {
            const uint32_t doc = docs[i % AHEAD];
            const token_view token = {.list = state->entries +
                                              (block->doc_begins[doc] - block->doc_begins[0]),
                                      .count = &state->counts[doc],
                                      .topic = &block->topics[places[i - AHEAD]]};
            token_draw(sampler, &token, sampler->row.counts, rows->totals, list_sum);
        }
        if (i < count) { /* what the token that is AHEAD will need */
            const uint32_t doc = psi_lda_doc_find(&state->docs, block, places[i]);
            const entry *const list =
                state->entries + (block->doc_begins[doc] - block->doc_begins[0]);
            for (uint32_t e = 0; e < state->counts[doc]; e += LANES) {
                __builtin_prefetch(list + e, 1);
            }
            __builtin_prefetch(block->topics + places[i], 1);
            docs[i % AHEAD] = doc;
        }
    }
}

static void word_visit_plain(psi_lda_sampler *sampler, const psi_lda_block *block,
                             const psi_lda_rows *rows, uint32_t w) {
    word_visit(sampler, block, rows, w, list_sum_plain);
}

#if PSI_LDA_HAS_WIDE
PSI_LDA_AVX2 static void word_visit_avx2(psi_lda_sampler *sampler, const psi_lda_block *block,
                                         const psi_lda_rows *rows, uint32_t w) {
    word_visit(sampler, block, rows, w, list_sum_avx2);
}

PSI_LDA_WIDE static void word_visit_wide(psi_lda_sampler *sampler, const psi_lda_block *block,
                                         const psi_lda_rows *rows, uint32_t w) {
    word_visit(sampler, block, rows, w, list_sum_wide);
}
#else
#define word_visit_avx2 word_visit_plain
#define word_visit_wide word_visit_plain
#endif

static void fplus_pass(psi_lda_sampler *sampler, const psi_lda_block *block,
                       const psi_lda_rows *rows) {
    fplus_state *const state = sampler->state;
    psi_lda_inverse_set_all(sampler, rows->totals);
    for (uint32_t k = 0; k < sampler->prior.topic_count; k++) {
        state->inverse[k] = (float)sampler->inverse[k];
    }
    lists_make(sampler, block);
    for (uint32_t w = 0; w < block->word_count; w++) {
        if (!psi_lda_open_row_begin(&sampler->row, block, rows, w)) {
            continue;
        }
        factors_make(sampler, sampler->row.counts);
        if (state->form == PSI_LDA_FORM_AVX512) {
            word_visit_wide(sampler, block, rows, w);
        } else if (state->form == PSI_LDA_FORM_AVX2) {
            word_visit_avx2(sampler, block, rows, w);
        } else {
            word_visit_plain(sampler, block, rows, w);
        }
        psi_lda_open_row_end(&sampler->row, block, rows, w);
    }
}

const psi_lda_method psi_lda_fplus = {fplus_init, fplus_fini, fplus_pass};
