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
 * Most tokens keep their topic o, and then nothing changes. So the token is left in the counts at
 * first, and drawn from
 *
 *     q(k) = n_dk f_k + alpha f_k     with it;      q(k) = p(k) for k != o
 *
 * If o is drawn, it is kept with probability p(o) / q(o): for the two parts of q, which are drawn
 * apart, that is (n_do - 1) f_o^- / (n_do f_o) and f_o^- / f_o. Else the token is taken out, and
 * drawn from p itself. Both ways together draw from p.
 *
 * The terms of a list are added in lanes, as sampler_vector.c does it. */
#include <stdlib.h>
#include <string.h>

#include "algos/lda/doc_finder.h"
#include "algos/lda/doc_lists.h"
#include "algos/lda/sampler_parts.h"

enum { LANES = 16, HALF = 8, QUARTER = 4, AHEAD = 8 };

typedef struct fplus_state {
    psi_lda_doc_lists lists;
    psi_lda_doc_finder docs;
    float *inverse;   /* owned, [K]: 1 / (n_k + V beta) */
    float *factors;   /* owned, [groups x LANES]: f_k, 0 beyond K */
    double *groups;   /* owned, [clusters x LANES]: sums of 16 factors */
    double *clusters; /* owned, [clusters]: sums of 16 groups */
    float *sums;      /* owned, [entries of the longest list, and a vector] */
    double mass;      /* of all factors */
    float smoothing;  /* V beta */
    uint32_t group_count, cluster_count;
    psi_lda_form form;
} fplus_state;

static void fplus_fini(psi_lda_sampler *sampler) {
    fplus_state *const state = sampler->state;
    psi_lda_doc_lists_fini(&state->lists);
    psi_lda_doc_finder_fini(&state->docs);
    free(state->inverse);
    free(state->factors);
    free(state->groups);
    free(state->clusters);
    free(state->sums);
    free(state);
}

/* ---- A document's list ---- */

/* Sets sums[v][l] = n f of entries l, 16 + l, ..., 16 v + l, and over_lanes[l] of the lanes before
 * l. */
static inline void list_sum_plain(const fplus_state *state, const psi_lda_entry *list,
                                  uint32_t count, float *over_lanes) {
    float sum[LANES] = {0};
    for (uint32_t begin = 0; begin < count; begin += LANES) {
        for (uint32_t l = 0; l < LANES; l++) {
            const psi_lda_entry e = begin + l < count ? list[begin + l] : 0;
            sum[l] += (float)psi_lda_entry_count(e) * state->factors[psi_lda_entry_topic(e)];
        }
        memcpy(state->sums + begin, sum, sizeof sum);
    }
    for (uint32_t step = 1; step < LANES; step *= 2) { /* sums over the lanes */
        for (uint32_t l = LANES - 1; l >= step; l--) {
            sum[l] += sum[l - step];
        }
    }
    over_lanes[0] = 0;
    memcpy(over_lanes + 1, sum, sizeof sum);
}

#if PSI_LDA_HAS_WIDE
PSI_LDA_AVX2 static inline __m256 terms_avx2(const fplus_state *state, const psi_lda_entry *list,
                                             uint32_t left) {
    const __m256i entries = psi_lda_entries_left(list, left);
    const __m256i topics = _mm256_and_si256(entries, _mm256_set1_epi32(0xffff));
    const float *const factors = state->factors;
    const __m256 values = _mm256_i32gather_ps(factors, topics, 4);
    return _mm256_mul_ps(_mm256_cvtepi32_ps(_mm256_srli_epi32(entries, 16)), values);
}

/* Adds to each lane the one `step` <= 4 before it. */
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

PSI_LDA_AVX2 static inline void list_sum_avx2(const fplus_state *state, const psi_lda_entry *list,
                                              uint32_t count, float *over_lanes) {
    float *const sums = state->sums;
    __m256 low = _mm256_setzero_ps(), high = _mm256_setzero_ps();
    for (uint32_t begin = 0; begin < count; begin += LANES) {
        const uint32_t left = count - begin;
        low = _mm256_add_ps(low, terms_avx2(state, list + begin, left));
        if (left > HALF) {
            high = _mm256_add_ps(high, terms_avx2(state, list + begin + HALF, left - HALF));
        }
        _mm256_storeu_ps(sums + begin, low);
        _mm256_storeu_ps(sums + begin + HALF, high);
    }
    LANES_ADD(low, high, 1);
    LANES_ADD(low, high, 2);
    LANES_ADD(low, high, 4);
    over_lanes[0] = 0;
    _mm256_storeu_ps(over_lanes + 1, low);
    _mm256_storeu_ps(over_lanes + 1 + HALF, _mm256_add_ps(high, low));
}

/* Lanes move up by `step`, and zeros in. */
#define SHIFTED(lanes, step) \
    _mm512_castsi512_ps(     \
        _mm512_alignr_epi32(_mm512_castps_si512(lanes), _mm512_setzero_si512(), LANES - (step)))

PSI_LDA_WIDE static inline void list_sum_wide(const fplus_state *state, const psi_lda_entry *list,
                                              uint32_t count, float *over_lanes) {
    const __m512i low = _mm512_set1_epi32(0xffff);
    __m512 sum = _mm512_setzero_ps();
    for (uint32_t begin = 0; begin < count; begin += LANES) {
        const uint32_t left = count - begin;
        const __mmask16 there = (__mmask16)(left >= LANES ? 0xffffU : (1U << left) - 1);
        const __m512i entries = _mm512_maskz_loadu_epi32(there, list + begin);
        const __m512i topics = _mm512_and_si512(entries, low);
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wsign-conversion" /* the macro that the gather is without -O2 */
        const __m512 values = _mm512_i32gather_ps(topics, state->factors, 4);
#pragma GCC diagnostic pop
        const __m512 counts = _mm512_cvtepi32_ps(_mm512_srli_epi32(entries, 16));
        sum = _mm512_add_ps(sum, _mm512_mul_ps(counts, values));
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

/* What has forms. */
typedef struct form {
    void (*list_sum)(const fplus_state *state, const psi_lda_entry *list, uint32_t count,
                     float *over_lanes);
    psi_lda_list_finder *list_find;
} form;

/* ---- The block ---- */

static ps_err fplus_init(psi_lda_sampler *sampler, const psi_lda_limits *limits) {
    fplus_state *const state = calloc(1, sizeof *state);
    if (state == NULL) {
        return PS_ENOMEM;
    }
    sampler->state = state;
    const size_t tokens = limits->token_count, topics = sampler->prior.topic_count;
    state->form = psi_lda_form_of(sampler->options.form);
    state->smoothing = (float)((double)sampler->prior.word_count * sampler->prior.beta);
    state->group_count = (uint32_t)((topics + LANES - 1) / LANES);
    state->cluster_count = (state->group_count + LANES - 1) / LANES;
    state->inverse = calloc(topics, sizeof *state->inverse);
    state->factors = calloc((size_t)state->group_count * LANES, sizeof *state->factors);
    state->groups = calloc((size_t)state->cluster_count * LANES, sizeof *state->groups);
    state->clusters = calloc(state->cluster_count, sizeof *state->clusters);
    const size_t longest = tokens / UINT16_MAX + 2 * topics; /* entries of a list */
    state->sums = calloc(longest + LANES, sizeof *state->sums);
    const int has_all = state->inverse != NULL && state->factors != NULL && state->groups != NULL &&
                        state->clusters != NULL && state->sums != NULL;
    if (!has_all || psi_lda_doc_lists_init(&state->lists, limits) != PS_OK) {
        return PS_ENOMEM;
    }
    return psi_lda_doc_finder_init(&state->docs, limits);
}

/* ---- A word ---- */

/* f of all topics, and its sums. O(K). */
static inline __attribute__((always_inline)) void factors_make(psi_lda_sampler *sampler,
                                                               const int32_t *row) {
    fplus_state *const state = sampler->state;
    const float beta = (float)sampler->prior.beta, *const inverse = state->inverse;
    float *const factors = state->factors;
    for (uint32_t k = 0; k < sampler->prior.topic_count; k++) {
        factors[k] = ((float)psi_lda_count(row[k]) + beta) * inverse[k];
    }
    state->mass = 0;
    for (uint32_t c = 0; c < state->cluster_count; c++) {
        state->clusters[c] = 0;
    }
    for (uint32_t g = 0; g < state->group_count; g++) {
        double sums[QUARTER] = {0};
        for (uint32_t l = 0; l < LANES; l++) {
            sums[l % QUARTER] += factors[g * LANES + l];
        }
        const double sum = (sums[0] + sums[1]) + (sums[2] + sums[3]);
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

/* Where `at` falls among sixteen values: the place of the first whose sum with those before is
 * beyond it, or the last. Takes the sum of those before from `at`. */
static inline uint32_t place_among(const double *values, double *at) {
    double quarters[QUARTER], before = 0;
    uint32_t quarter = 0, place = 0;
    for (uint32_t q = 0; q < QUARTER; q++) {
        const double *const of = values + (size_t)q * QUARTER;
        quarters[q] = (of[0] + of[1]) + (of[2] + of[3]);
    }
    double sum = 0;
    for (uint32_t q = 0; q + 1 < QUARTER; q++) {
        sum += quarters[q];
        before = sum <= *at ? sum : before;
        quarter += sum <= *at;
    }
    *at -= before;
    const double *const of = values + (size_t)quarter * QUARTER;
    sum = 0;
    before = 0;
    for (uint32_t l = 0; l + 1 < QUARTER; l++) {
        sum += of[l];
        before = sum <= *at ? sum : before;
        place += sum <= *at;
    }
    *at -= before;
    return quarter * QUARTER + place;
}

/* The topic where `at` falls among the factors. Rounding may let it fall behind: then the last. */
static inline uint32_t factor_draw(const psi_lda_sampler *sampler, double at) {
    const fplus_state *const state = sampler->state;
    uint32_t cluster = 0;
    for (; cluster + 1 < state->cluster_count && at >= state->clusters[cluster]; cluster++) {
        at -= state->clusters[cluster];
    }
    uint32_t group = cluster * LANES + place_among(state->groups + (size_t)cluster * LANES, &at);
    group = group < state->group_count ? group : state->group_count - 1;
    double factors[LANES];
    for (uint32_t l = 0; l < LANES; l++) {
        factors[l] = state->factors[group * LANES + l];
    }
    const uint32_t topic = group * LANES + place_among(factors, &at);
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
    const float *const sums = state->sums + lane;
    uint32_t i = lane;
    for (uint32_t begin = 0; begin + LANES + lane < count; begin += LANES) {
        i += sums[begin] <= rest ? LANES : 0;
    }
    return i < count ? i : count - 1; /* by rounding */
}

/* A token: the list of its document, and where its topic is. */
typedef struct token_view {
    psi_lda_entry *list;
    uint32_t *count;
    uint16_t *topic;
    int is_short; /* a document whose topics have one entry each */
} token_view;

/* A topic, and the place in the list where it was drawn; if it was drawn among the factors,
 * `is_listed` is 0. */
typedef struct choice {
    uint32_t topic, place;
    int is_listed;
} choice;

static inline __attribute__((always_inline)) choice
choose(psi_lda_sampler *sampler, const token_view *token, const form *as) {
    const fplus_state *const state = sampler->state;
    float over_lanes[LANES + 1];
    as->list_sum(state, token->list, *token->count, over_lanes);
    const double document = over_lanes[LANES], alpha = sampler->prior.alpha;
    const double at = psi_lda_random_uniform(&sampler->random) * (document + alpha * state->mass);
    if (at < document) {
        const uint32_t place = entry_draw(state, *token->count, over_lanes, (float)at);
        return (choice){psi_lda_entry_topic(token->list[place]), place, 1};
    }
    return (choice){factor_draw(sampler, (at - document) / alpha), 0, 0};
}

/* Whether the topic of a token is kept that was drawn with the token in the counts. */
static inline int topic_is_kept(psi_lda_sampler *sampler, const psi_lda_entry *list,
                                const choice *drawn, int32_t count, int64_t total) {
    const fplus_state *const state = sampler->state;
    const float n = drawn->is_listed ? (float)psi_lda_entry_count(list[drawn->place]) : 1;
    const float after =
        ((float)(count - 1) + (float)sampler->prior.beta) / ((float)(total - 1) + state->smoothing);
    const float kept = (drawn->is_listed ? n - 1 : 1) * after;
    const double all = (double)(n * state->factors[drawn->topic]);
    return psi_lda_random_uniform(&sampler->random) * all < (double)kept;
}

/* Takes one of `topic` out of the counts and of the list. Returns its place, where an entry that
 * falls to 0 stays. */
static inline __attribute__((always_inline)) uint32_t token_take(psi_lda_sampler *sampler,
                                                                 const token_view *token,
                                                                 int32_t *row, int64_t *totals,
                                                                 uint32_t topic, const form *as) {
    const uint32_t place = as->list_find(token->list, *token->count, topic);
    counts_change(sampler, row, totals, topic, -1);
    token->list[place] -= psi_lda_entry_one;
    return place;
}

/* Draws the topic of a token. */
static inline __attribute__((always_inline)) void token_draw(psi_lda_sampler *sampler,
                                                             const token_view *token, int32_t *row,
                                                             int64_t *totals, const form *as) {
    const uint32_t old = *token->topic;
    const int32_t count = row[old];
    psi_lda_entry *const list = token->list;
    choice drawn = {.topic = old};
    /* f_o^- <= f_o must hold, which stale counts may not do, and of one token little is kept. */
    int is_drawn = token->is_short && count > 1 && totals[old] >= count;
    if (is_drawn) {
        drawn = choose(sampler, token, as);
        if (drawn.topic == old) {
            if (topic_is_kept(sampler, list, &drawn, count, totals[old])) {
                return;
            }
            is_drawn = 0;
        }
    }
    const uint32_t place = token_take(sampler, token, row, totals, old, as);
    if (!is_drawn) {
        drawn = choose(sampler, token, as);
    }
    if (drawn.is_listed && psi_lda_entry_count(list[drawn.place]) < UINT16_MAX) {
        list[drawn.place] += psi_lda_entry_one;
        psi_lda_list_trim(list, token->count, place);
    } else {
        psi_lda_list_trim(list, token->count,
                          place); /* first: there is no room for an entry more */
        psi_lda_list_add(list, token->count, drawn.topic, as->list_find);
    }
    counts_change(sampler, row, totals, drawn.topic, 1);
    *token->topic = (uint16_t)drawn.topic;
}

/* Draws the tokens of a word. Inlined once for each form. */
static inline __attribute__((always_inline)) void word_visit(psi_lda_sampler *sampler,
                                                             const psi_lda_block *block,
                                                             const psi_lda_rows *rows, uint32_t w,
                                                             const form *as) {
    const fplus_state *const state = sampler->state;
    const uint32_t begin = block->word_begins[w], count = block->word_begins[w + 1] - begin;
    const uint32_t *const places = block->by_word + begin;
    uint32_t docs[AHEAD];
    factors_make(sampler, sampler->row.counts);
    for (uint32_t i = 0; i < count + AHEAD; i++) {
        if (i >= AHEAD) {
            const uint32_t doc = docs[i % AHEAD];
            const token_view token = {
                .list = state->lists.entries + (block->doc_begins[doc] - block->doc_begins[0]),
                .count = &state->lists.counts[doc],
                .topic = &block->topics[places[i - AHEAD]],
                .is_short = block->doc_begins[doc + 1] - block->doc_begins[doc] <= UINT16_MAX};
            token_draw(sampler, &token, sampler->row.counts, rows->totals, as);
        }
        if (i < count) { /* what the token that is AHEAD will need */
            const uint32_t doc = psi_lda_doc_find(&state->docs, block, places[i]);
            const psi_lda_entry *const list =
                state->lists.entries + (block->doc_begins[doc] - block->doc_begins[0]);
            psi_lda_list_prefetch(list, state->lists.counts[doc]);
            __builtin_prefetch(block->topics + places[i], 1);
            docs[i % AHEAD] = doc;
        }
    }
}

static void word_visit_plain(psi_lda_sampler *sampler, const psi_lda_block *block,
                             const psi_lda_rows *rows, uint32_t w) {
    const form as = {list_sum_plain, psi_lda_list_find_plain};
    word_visit(sampler, block, rows, w, &as);
}

#if PSI_LDA_HAS_WIDE
PSI_LDA_AVX2 static void word_visit_avx2(psi_lda_sampler *sampler, const psi_lda_block *block,
                                         const psi_lda_rows *rows, uint32_t w) {
    const form as = {list_sum_avx2, psi_lda_list_find_avx2};
    word_visit(sampler, block, rows, w, &as);
}

PSI_LDA_WIDE static void word_visit_wide(psi_lda_sampler *sampler, const psi_lda_block *block,
                                         const psi_lda_rows *rows, uint32_t w) {
    const form as = {list_sum_wide, psi_lda_list_find_wide};
    word_visit(sampler, block, rows, w, &as);
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
    psi_lda_doc_finder_make(&state->docs, block);
    psi_lda_doc_lists_make(&state->lists, block, 0, sampler->doc_counts);
    for (uint32_t w = 0; w < block->word_count; w++) {
        if (!psi_lda_open_row_begin(&sampler->row, block, rows, w)) {
            continue;
        }
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
