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

#include "algos/lda/sampler_parts.h"

#if defined(__x86_64__)
#include <immintrin.h>
#define HAS_WIDE 1
#define TARGET_WIDE __attribute__((target("avx512f,avx512bw,avx512vl,avx512dq")))
#else
#define HAS_WIDE 0
#endif

/* A document is looked for from that of every STRIDE-th token on. */
enum { LANES = 16, STRIDE = 32, AHEAD = 8 };

/* An entry of a document's list: how often in the upper, the topic in the lower 16 bits. A topic
 * that occurs more often has several. */
typedef uint32_t entry;

static const entry entry_one = UINT32_C(1) << 16;

typedef struct fplus_state fplus_state;

/* What differs between processors: finds the entry of a topic, or `count`; and sets
 * sums[v][l] = n f of entries l, 16 + l, ..., 16 v + l, and over_lanes[l] of the lanes before l. */
typedef struct list_methods {
    uint32_t (*find)(const entry *list, uint32_t count, uint32_t topic);
    void (*sum)(const fplus_state *state, const entry *list, uint32_t count, float *over_lanes);
} list_methods;

struct fplus_state {
    list_methods list;
    entry *entries;    /* owned, [tokens]: the list of a document begins with its tokens */
    uint32_t *counts;  /* owned, [documents]: how long a list is */
    uint32_t *nearest; /* owned, [tokens / STRIDE + 1]: the document of that token */
    float *inverse;    /* owned, [K]: 1 / (n_k + V beta) */
    float *factors;    /* owned, [groups x LANES]: f_k, 0 beyond K */
    double *groups;    /* owned, [groups]: sums of 16 factors */
    float *sums;       /* owned, [groups x LANES], and a vector more */
    double mass;       /* of all factors */
    uint32_t group_count;
};

static void fplus_fini(psi_lda_sampler *sampler) {
    fplus_state *const state = sampler->state;
    free(state->entries);
    free(state->counts);
    free(state->nearest);
    free(state->inverse);
    free(state->factors);
    free(state->groups);
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

static uint32_t find_plain(const entry *list, uint32_t count, uint32_t topic) {
    uint32_t i = 0;
    while (i < count && entry_topic(list[i]) != topic) {
        i++;
    }
    return i;
}

static void sum_plain(const fplus_state *state, const entry *list, uint32_t count,
                      float *over_lanes) {
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
}

#if HAS_WIDE
TARGET_WIDE static inline __m512i entries_load(const entry *list, uint32_t begin, uint32_t count) {
    const uint32_t left = count - begin;
    return _mm512_maskz_loadu_epi32((__mmask16)(left >= LANES ? 0xffffU : (1U << left) - 1),
                                    list + begin);
}

TARGET_WIDE static uint32_t find_wide(const entry *list, uint32_t count, uint32_t topic) {
    const __m512i wanted = _mm512_set1_epi32((int)topic), low = _mm512_set1_epi32(0xffff);
    for (uint32_t begin = 0; begin < count; begin += LANES) {
        const __m512i topics = _mm512_and_si512(entries_load(list, begin, count), low);
        const __mmask16 found = _mm512_cmpeq_epi32_mask(topics, wanted);
        if (found != 0) { /* beyond the list every entry is of topic 0 */
            const uint32_t at = begin + (uint32_t)__builtin_ctz(found);
            return at < count ? at : count;
        }
    }
    return count;
}

/* Lanes move up by `step`, and zeros in. */
#define SHIFTED(lanes, step) \
    _mm512_castsi512_ps(     \
        _mm512_alignr_epi32(_mm512_castps_si512(lanes), _mm512_setzero_si512(), LANES - (step)))

TARGET_WIDE static void sum_wide(const fplus_state *state, const entry *list, uint32_t count,
                                 float *over_lanes) {
    const __m512i low = _mm512_set1_epi32(0xffff);
    __m512 sum = _mm512_setzero_ps();
    for (uint32_t begin = 0; begin < count; begin += LANES) {
        const __m512i entries = entries_load(list, begin, count);
        const __m512 factors =
            _mm512_i32gather_ps(_mm512_and_si512(entries, low), state->factors, 4);
        const __m512 counts = _mm512_cvtepi32_ps(_mm512_srli_epi32(entries, 16));
        sum = _mm512_add_ps(sum, _mm512_mul_ps(counts, factors));
        _mm512_storeu_ps(state->sums + begin, sum);
    }
    sum = _mm512_add_ps(sum, SHIFTED(sum, 1));
    sum = _mm512_add_ps(sum, SHIFTED(sum, 2));
    sum = _mm512_add_ps(sum, SHIFTED(sum, 4));
    sum = _mm512_add_ps(sum, SHIFTED(sum, 8));
    over_lanes[0] = 0;
    _mm512_storeu_ps(over_lanes + 1, sum);
}
#endif

static list_methods methods_choose(void) {
#if HAS_WIDE
    if (__builtin_cpu_supports("avx512f") != 0 && __builtin_cpu_supports("avx512bw") != 0 &&
        __builtin_cpu_supports("avx512vl") != 0 && __builtin_cpu_supports("avx512dq") != 0) {
        return (list_methods){find_wide, sum_wide};
    }
#endif
    return (list_methods){find_plain, sum_plain};
}

static void list_remove(const list_methods *methods, entry *list, uint32_t *count, uint32_t topic) {
    const uint32_t at = methods->find(list, *count, topic);
    PS_ASSERT(at < *count);
    list[at] -= entry_one;
    if (entry_count(list[at]) == 0) {
        list[at] = list[--*count];
    }
}

static void list_add(const list_methods *methods, entry *list, uint32_t *count, uint32_t topic) {
    uint32_t at = methods->find(list, *count, topic);
    while (at < *count && (entry_topic(list[at]) != topic || entry_count(list[at]) == UINT16_MAX)) {
        at++;
    }
    if (at == *count) {
        list[(*count)++] = topic;
    }
    list[at] += entry_one;
}

/* ---- The block ---- */

static ps_err fplus_init(psi_lda_sampler *sampler, const psi_lda_limits *limits) {
    fplus_state *const state = calloc(1, sizeof *state);
    if (state == NULL) {
        return PS_ENOMEM;
    }
    sampler->state = state;
    const size_t tokens = (size_t)limits->token_count + 1, topics = sampler->prior.topic_count;
    state->list = methods_choose();
    state->group_count = (uint32_t)((topics + LANES - 1) / LANES);
    state->entries = calloc(tokens, sizeof *state->entries);
    state->counts = calloc((size_t)limits->doc_count + 1, sizeof *state->counts);
    state->nearest = calloc(tokens / STRIDE + 1, sizeof *state->nearest);
    state->inverse = calloc(topics, sizeof *state->inverse);
    state->factors = calloc((size_t)state->group_count * LANES, sizeof *state->factors);
    state->groups = calloc(state->group_count, sizeof *state->groups);
    const size_t longest = tokens / UINT16_MAX + topics; /* entries of a list */
    state->sums = calloc(longest + LANES, sizeof *state->sums);
    const int has_all = state->entries != NULL && state->counts != NULL && state->nearest != NULL &&
                        state->inverse != NULL && state->factors != NULL && state->groups != NULL &&
                        state->sums != NULL;
    return has_all ? PS_OK : PS_ENOMEM;
}

/* Makes the lists of all documents, and finds the documents of every STRIDE-th token. */
static void lists_make(psi_lda_sampler *sampler, const psi_lda_block *block) {
    fplus_state *const state = sampler->state;
    const uint32_t first = block->doc_begins[0];
    for (uint32_t d = 0, near = 0; d < block->doc_count; d++) {
        const uint32_t begin = block->doc_begins[d] - first, end = block->doc_begins[d + 1] - first;
        for (; near * STRIDE < end; near++) {
            state->nearest[near] = d;
        }
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

static inline uint32_t doc_of(const fplus_state *state, const psi_lda_block *block,
                              uint32_t token) {
    const uint32_t first = block->doc_begins[0];
    uint32_t doc = state->nearest[token / STRIDE];
    while (block->doc_begins[doc + 1] - first <= token) {
        doc++;
    }
    return doc;
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
    for (uint32_t g = 0; g < state->group_count; g++) {
        double sum = 0;
        for (uint32_t l = 0; l < LANES; l++) {
            sum += state->factors[g * LANES + l];
        }
        state->groups[g] = sum;
        state->mass += sum;
    }
}

/* Adds `step` tokens of a topic to the counts of the word and of all. */
static inline void counts_change(psi_lda_sampler *sampler, int32_t *row, int64_t *totals,
                                 uint32_t topic, int step) {
    fplus_state *const state = sampler->state;
    row[topic] += step;
    totals[topic] += step;
    psi_lda_inverse_set(sampler, topic, totals[topic]);
    state->inverse[topic] = (float)sampler->inverse[topic];
    const float after =
        ((float)psi_lda_count(row[topic]) + (float)sampler->prior.beta) * state->inverse[topic];
    const double change = (double)after - (double)state->factors[topic];
    state->factors[topic] = after;
    state->groups[topic / LANES] += change;
    state->mass += change;
}

/* The topic where `at` falls among the factors. Rounding may let it fall behind: then the last. */
static uint32_t factor_draw(const psi_lda_sampler *sampler, double at) {
    const fplus_state *const state = sampler->state;
    uint32_t group = 0, lane = 0;
    for (; group + 1 < state->group_count && at >= state->groups[group]; group++) {
        at -= state->groups[group];
    }
    for (; lane + 1 < LANES && at >= state->factors[group * LANES + lane]; lane++) {
        at -= state->factors[group * LANES + lane];
    }
    const uint32_t topic = group * LANES + lane;
    return topic < sampler->prior.topic_count ? topic : sampler->prior.topic_count - 1;
}

static uint32_t topic_draw(psi_lda_sampler *sampler, const entry *list, uint32_t count) {
    const fplus_state *const state = sampler->state;
    float over_lanes[LANES + 1] = {0};
    state->list.sum(state, list, count, over_lanes);
    const double document = over_lanes[LANES], alpha = sampler->prior.alpha;
    const double at = psi_lda_random_uniform(&sampler->random) * (document + alpha * state->mass);
    if (at >= document) {
        return factor_draw(sampler, (at - document) / alpha);
    }
    uint32_t lane = 0;
    for (uint32_t l = 1; l < LANES; l++) {
        lane += over_lanes[l] <= (float)at;
    }
    const float rest = (float)at - over_lanes[lane];
    uint32_t i = lane;
    while (i + LANES < count && state->sums[i] <= rest) {
        i += LANES;
    }
    return entry_topic(list[i < count ? i : count - 1]);
}

static void word_visit(psi_lda_sampler *sampler, const psi_lda_block *block,
                       const psi_lda_rows *rows, uint32_t w) {
    fplus_state *const state = sampler->state;
    int32_t *const row = rows->words[w];
    const uint32_t first = block->doc_begins[0];
    factors_make(sampler, row);
    for (uint32_t i = block->word_begins[w]; i < block->word_begins[w + 1]; i++) {
        const uint32_t token = block->by_word[i], doc = doc_of(state, block, token);
        if (i + AHEAD < block->word_begins[block->word_count]) {
            const uint32_t ahead = block->by_word[i + AHEAD], its = doc_of(state, block, ahead);
            const entry *const list = state->entries + (block->doc_begins[its] - first);
            __builtin_prefetch(list, 1);
            __builtin_prefetch(list + LANES, 1);
            __builtin_prefetch(block->topics + ahead, 1);
        }
        entry *const list = state->entries + (block->doc_begins[doc] - first);
        const uint32_t old = block->topics[token];
        list_remove(&state->list, list, &state->counts[doc], old);
        counts_change(sampler, row, rows->totals, old, -1);
        const uint32_t topic = topic_draw(sampler, list, state->counts[doc]);
        list_add(&state->list, list, &state->counts[doc], topic);
        counts_change(sampler, row, rows->totals, topic, 1);
        block->topics[token] = (uint16_t)topic;
    }
}

static void fplus_pass(psi_lda_sampler *sampler, const psi_lda_block *block,
                       const psi_lda_rows *rows) {
    fplus_state *const state = sampler->state;
    psi_lda_inverse_set_all(sampler, rows->totals);
    for (uint32_t k = 0; k < sampler->prior.topic_count; k++) {
        state->inverse[k] = (float)sampler->inverse[k];
    }
    lists_make(sampler, block);
    for (uint32_t w = 0; w < block->word_count; w++) {
        word_visit(sampler, block, rows, w);
    }
}

const psi_lda_method psi_lda_fplus = {fplus_init, fplus_fini, fplus_pass};
