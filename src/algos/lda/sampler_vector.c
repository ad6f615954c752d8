/* Equation (1) as it stands, sixteen topics at a time. For K of some hundreds a processor with wide
 * registers computes all K terms sooner than it follows the lists of a sparse sampler, and what is
 * drawn is exact. With the own token taken out,
 *
 *     p(k) = a_k (n_kw + beta)        a_k = (n_dk + alpha) / (n_k + V beta)
 *
 * where `weights` holds a_k of the current document, and only those of the old and the new topic
 * change from token to token. Lane l of vector v is topic 16 v + l; the last vector begins at
 * K - 16 and has weight 0 where it overlaps the one before. Sums are kept per lane:
 *
 *     sums[v][l] = p(l) + p(16 + l) + ... + p(16 v + l)
 *
 * so a draw finds its lane by the last sums, then its vector within the lane, in any order of
 * topics that suits the processor. All forms below add in the same order and draw the same.
 *
 * The sums of a token do not wait for the topic z of the token before. They are made without it,
 * and what it adds to p(z) is one term more, `extra`:
 *
 *     take i out | sums of i | draw i - 1 | put i - 1 in, extra of i | take i + 1 out | ...
 *
 * A draw is then z with probability extra / (total + extra), else by the sums. So the processor
 * sums up for a token while it still searches for the topic of the one before. One token more makes
 * a topic more likely in its document, so extra >= 0, but for stale counts or an alpha above V
 * beta: then the sums are made anew. */
#include <stdlib.h>
#include <string.h>

#include "algos/lda/sampler_parts.h"

enum { LANES = 16, HALF = 8, AHEAD = 6 };

typedef struct vector_state {
    float *weights;      /* owned, [vectors x LANES]: a_k */
    float *sums;         /* owned, the same */
    float *over_lanes;   /* owned, [2 x LANES]: 0, then sums over all vectors and lanes 0 .. l */
    float *denominators; /* owned, [K]: n_k + V beta */
    int32_t *padded;     /* owned, [LANES]: a row of fewer topics than that */
    uint32_t vectors;    /* of a row */
    uint32_t last;       /* the topic at which the last one begins */
    float alpha, beta, smoothing;
    psi_lda_form form;
} vector_state;

static void vector_fini(psi_lda_sampler *sampler) {
    vector_state *const state = sampler->state;
    free(state->weights);
    free(state->sums);
    free(state->over_lanes);
    free(state->denominators);
    free(state->padded);
    free(state);
}

/* Zeros that begin where a register may be loaded from; NULL without memory. */
static float *floats_make(size_t count) {
    const size_t size_bytes = (count + LANES - 1) / LANES * LANES * sizeof(float);
    float *const floats = aligned_alloc(LANES * sizeof *floats, size_bytes);
    return floats == NULL ? NULL : memset(floats, 0, size_bytes);
}

static ps_err vector_init(psi_lda_sampler *sampler, const psi_lda_limits *limits) {
    (void)limits;
    vector_state *const state = calloc(1, sizeof *state);
    if (state == NULL) {
        return PS_ENOMEM;
    }
    sampler->state = state;
    const uint32_t topics = sampler->prior.topic_count;
    state->vectors = (topics + LANES - 1) / LANES;
    state->last = topics < LANES ? 0 : topics - LANES;
    state->alpha = (float)sampler->prior.alpha;
    state->beta = (float)sampler->prior.beta;
    state->smoothing = (float)((double)sampler->prior.word_count * sampler->prior.beta);
    state->form = psi_lda_form_of(sampler->options.form);
    state->weights = floats_make(topics);
    state->sums = floats_make(topics);
    state->over_lanes = floats_make((size_t)2 * LANES);
    state->denominators = floats_make(topics);
    state->padded = calloc(LANES, sizeof *state->padded);
    const int has_all = state->weights != NULL && state->sums != NULL &&
                        state->over_lanes != NULL && state->denominators != NULL &&
                        state->padded != NULL;
    return has_all ? PS_OK : PS_ENOMEM;
}

/* Where the weight of a topic is. Its other place, if there is one, stays 0. */
static inline uint32_t place_of(const vector_state *state, uint32_t topic) {
    const uint32_t before = (state->vectors - 1) * LANES;
    return topic < before ? topic : before + (topic - state->last);
}

static inline uint32_t topic_of(const vector_state *state, uint32_t vector, uint32_t lane) {
    return (vector + 1 < state->vectors ? vector * LANES : state->last) + lane;
}

static inline float total_of(const vector_state *state) {
    return state->over_lanes[2 * LANES - 1];
}

/* What falls into a lane: `at` without the sums of the lanes before. */
static inline float rest_in(const vector_state *state, uint32_t lane, float at) {
    return at - state->over_lanes[LANES - 1 + lane];
}

/* The topic in a lane whose sum is the first beyond `rest`. Rounding may leave none: then the last.
 */
static inline __attribute__((always_inline)) uint32_t topic_in(const vector_state *state,
                                                               uint32_t lane, float rest) {
    const uint32_t before = (state->vectors - 1) * LANES;
    const float *const sums = state->sums + lane;
    uint32_t k = 0;
    for (uint32_t v = 0; v < before; v += LANES) {
        k += sums[v] <= rest ? LANES : 0;
    }
    return (k < before ? k : state->last) + lane;
}

/* ---- The forms ---- */

/* Fills the sums for a row. */
static inline void sums_make_plain(const vector_state *state, const int32_t *row) {
    const float beta = state->beta;
    float sum[LANES] = {0};
    for (uint32_t v = 0; v < state->vectors; v++) {
        const int32_t *const counts = row + topic_of(state, v, 0);
        const float *const weights = state->weights + v * LANES;
        float *const sums = state->sums + v * LANES;
        for (uint32_t l = 0; l < LANES; l++) {
            sum[l] += weights[l] * ((float)psi_lda_count(counts[l]) + beta);
        }
        memcpy(sums, sum, sizeof sum);
    }
    for (uint32_t step = 1; step < LANES; step *= 2) { /* sums over the lanes */
        for (uint32_t l = LANES - 1; l >= step; l--) {
            sum[l] += sum[l - step];
        }
    }
    memcpy(state->over_lanes + LANES, sum, sizeof sum);
}

/* The topic where `at` falls among the sums. */
static inline uint32_t find_plain(const vector_state *state, float at) {
    uint32_t lane = 0;
    for (uint32_t l = 0; l + 1 < LANES; l++) {
        lane += state->over_lanes[LANES + l] <= at;
    }
    return topic_in(state, lane, rest_in(state, lane, at));
}

static inline void weight_set_plain(const vector_state *state, uint32_t place, float weight) {
    state->weights[place] = weight;
}

#if PSI_LDA_HAS_WIDE
/* Sixteen lanes in two registers. */
typedef struct lanes_pair {
    __m256 low, high;
} lanes_pair;

PSI_LDA_AVX2 static inline __m256 terms_avx2(const float *weights, const int32_t *counts,
                                             __m256 beta) {
    const __m256i read = _mm256_loadu_si256((const __m256i *)(const void *)counts);
    const __m256i clamped = _mm256_max_epi32(read, _mm256_setzero_si256());
    return _mm256_mul_ps(_mm256_load_ps(weights), _mm256_add_ps(_mm256_cvtepi32_ps(clamped), beta));
}

PSI_LDA_AVX2 static inline lanes_pair terms_add_avx2(lanes_pair sum, const float *weights,
                                                     const int32_t *counts, __m256 beta) {
    sum.low = _mm256_add_ps(sum.low, terms_avx2(weights, counts, beta));
    sum.high = _mm256_add_ps(sum.high, terms_avx2(weights + HALF, counts + HALF, beta));
    return sum;
}

/* Adds to each lane the one `step` <= 4 before it. */
#define LANES_ADD(sum, step)                                                         \
    do {                                                                             \
        const __m256i low = _mm256_castps_si256((sum).low);                          \
        const __m256i high = _mm256_castps_si256((sum).high);                        \
        const __m256i zero_low = _mm256_permute2x128_si256(low, low, 0x08);          \
        const __m256i low_high = _mm256_permute2x128_si256(low, high, 0x21);         \
        const __m256i low_up = _mm256_alignr_epi8(low, zero_low, 16 - 4 * (step));   \
        const __m256i high_up = _mm256_alignr_epi8(high, low_high, 16 - 4 * (step)); \
        (sum).low = _mm256_add_ps((sum).low, _mm256_castsi256_ps(low_up));           \
        (sum).high = _mm256_add_ps((sum).high, _mm256_castsi256_ps(high_up));        \
    } while (0)

PSI_LDA_AVX2 static inline void sums_make_avx2(const vector_state *state, const int32_t *row) {
    const __m256 beta = _mm256_set1_ps(state->beta);
    const uint32_t before = (state->vectors - 1) * LANES, last = state->last;
    const float *const weights = state->weights;
    float *const sums = state->sums, *const over_lanes = state->over_lanes;
    lanes_pair sum = {_mm256_setzero_ps(), _mm256_setzero_ps()};
    for (uint32_t k = 0; k < before; k += LANES) {
        sum = terms_add_avx2(sum, weights + k, row + k, beta);
        _mm256_store_ps(sums + k, sum.low);
        _mm256_store_ps(sums + k + HALF, sum.high);
    }
    sum = terms_add_avx2(sum, weights + before, row + last, beta);
    LANES_ADD(sum, 1);
    LANES_ADD(sum, 2);
    LANES_ADD(sum, 4);
    _mm256_store_ps(over_lanes + LANES, sum.low);
    _mm256_store_ps(over_lanes + LANES + HALF, _mm256_add_ps(sum.high, sum.low));
}

PSI_LDA_AVX2 static inline uint32_t find_avx2(const vector_state *state, float at) {
    const __m256 wide = _mm256_set1_ps(at), low = _mm256_load_ps(state->over_lanes + LANES),
                 high = _mm256_load_ps(state->over_lanes + LANES + HALF);
    const int low_below = _mm256_movemask_ps(_mm256_cmp_ps(low, wide, _CMP_LE_OQ));
    const int high_below = _mm256_movemask_ps(_mm256_cmp_ps(high, wide, _CMP_LE_OQ));
    const uint32_t below = (uint32_t)low_below | (uint32_t)high_below << HALF;
    const uint32_t lane = (uint32_t)__builtin_popcount(below & 0x7fffU);
    return topic_in(state, lane, rest_in(state, lane, at));
}

/* A processor hands what was stored on to a load of the same width at once, to a wider one only
 * once it is in the cache: so the weight is stored with its neighbours. */
PSI_LDA_AVX2 static inline void weight_set_avx2(const vector_state *state, uint32_t place,
                                                float weight) {
    const uint32_t lane = place % HALF;
    float *const vector = state->weights + (place - lane);
    const __m256i lanes = _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7);
    const __m256i is_it = _mm256_cmpeq_epi32(lanes, _mm256_set1_epi32((int)lane));
    _mm256_store_ps(vector, _mm256_blendv_ps(_mm256_load_ps(vector), _mm256_set1_ps(weight),
                                             _mm256_castsi256_ps(is_it)));
}

/* Lanes move up by `step`, and zeros in. */
#define SHIFTED(lanes, step) \
    _mm512_castsi512_ps(     \
        _mm512_alignr_epi32(_mm512_castps_si512(lanes), _mm512_setzero_si512(), LANES - (step)))

PSI_LDA_WIDE static inline __m512 terms_wide(const float *weights, const int32_t *counts,
                                             __m512 beta) {
    const __m512i clamped = _mm512_max_epi32(_mm512_loadu_si512(counts), _mm512_setzero_si512());
    return _mm512_mul_ps(_mm512_load_ps(weights), _mm512_add_ps(_mm512_cvtepi32_ps(clamped), beta));
}

PSI_LDA_WIDE static inline void sums_make_wide(const vector_state *state, const int32_t *row) {
    const __m512 beta = _mm512_set1_ps(state->beta);
    const uint32_t before = (state->vectors - 1) * LANES, last = state->last;
    const float *const weights = state->weights;
    float *const sums = state->sums;
    __m512 sum = _mm512_setzero_ps();
    for (uint32_t k = 0; k < before; k += LANES) {
        sum = _mm512_add_ps(sum, terms_wide(weights + k, row + k, beta));
        _mm512_store_ps(sums + k, sum);
    }
    sum = _mm512_add_ps(sum, terms_wide(weights + before, row + last, beta));
    sum = _mm512_add_ps(sum, SHIFTED(sum, 1));
    sum = _mm512_add_ps(sum, SHIFTED(sum, 2));
    sum = _mm512_add_ps(sum, SHIFTED(sum, 4));
    sum = _mm512_add_ps(sum, SHIFTED(sum, 8));
    _mm512_store_ps(state->over_lanes + LANES, sum);
}

PSI_LDA_WIDE static inline uint32_t find_wide(const vector_state *state, float at) {
    const __m512 sum = _mm512_load_ps(state->over_lanes + LANES);
    const __mmask16 below = _mm512_cmp_ps_mask(sum, _mm512_set1_ps(at), _CMP_LE_OQ);
    const uint32_t lane = (uint32_t)__builtin_popcount(below & 0x7fffU);
    return topic_in(state, lane, rest_in(state, lane, at));
}

PSI_LDA_WIDE static inline void weight_set_wide(const vector_state *state, uint32_t place,
                                                float weight) {
    const uint32_t lane = place % LANES;
    float *const vector = state->weights + (place - lane);
    const __m512 changed =
        _mm512_mask_mov_ps(_mm512_load_ps(vector), (__mmask16)(1U << lane), _mm512_set1_ps(weight));
    _mm512_store_ps(vector, changed);
}
#endif

/* What has forms. */
typedef struct form {
    void (*sums_make)(const vector_state *state, const int32_t *row);
    uint32_t (*find)(const vector_state *state, float at);
    void (*weight_set)(const vector_state *state, uint32_t place, float weight);
} form;

/* ---- Documents and tokens ---- */

static inline float denominator_of(const vector_state *state, int64_t total) {
    return (float)(total > 0 ? total : 0) + state->smoothing;
}

/* Counts the topics of tokens [begin, end), and sets the weights. */
static inline __attribute__((always_inline)) void
document_begin(psi_lda_sampler *sampler, const uint16_t *topics, size_t count) {
    const vector_state *const state = sampler->state;
    const uint32_t topic_count = sampler->prior.topic_count;
    const uint32_t before = (state->vectors - 1) * LANES;
    int32_t *const counts = sampler->doc_counts;
    const float *const denominators = state->denominators;
    float *const weights = state->weights, alpha = state->alpha;
    for (size_t i = 0; i < count; i++) {
        counts[topics[i]]++;
    }
    for (uint32_t k = 0; k < before; k++) {
        weights[k] = ((float)counts[k] + alpha) / denominators[k];
    }
    for (uint32_t k = before; k < topic_count; k++) {
        weights[place_of(state, k)] = ((float)counts[k] + alpha) / denominators[k];
    }
}

/* Moves a token of `topic` into the counts (step 1) or out of them (-1). Returns the new weight. */
static inline float token_move(psi_lda_sampler *sampler, int32_t *row, int64_t *totals,
                               uint32_t topic, int step) {
    const vector_state *const state = sampler->state;
    const int32_t count = sampler->doc_counts[topic] += step;
    const float denominator = denominator_of(state, totals[topic] += step);
    row[topic] += step;
    state->denominators[topic] = denominator;
    return ((float)count + state->alpha) / denominator;
}

static inline __attribute__((always_inline)) void row_sum(const psi_lda_sampler *sampler,
                                                          const int32_t *row, const form *as) {
    const vector_state *const state = sampler->state;
    if (sampler->prior.topic_count < LANES) {
        memcpy(state->padded, row, sampler->prior.topic_count * sizeof *row);
        row = state->padded;
    }
    as->sums_make(state, row);
}

/* Puts the token before in. Returns what that adds to the sums, which are of the token with `row`.
 */
static inline __attribute__((always_inline)) float token_put(psi_lda_sampler *sampler,
                                                             int32_t *row_before,
                                                             const int32_t *row, int64_t *totals,
                                                             uint32_t topic, const form *as) {
    const vector_state *const state = sampler->state;
    const uint32_t place = place_of(state, topic);
    const float was = state->weights[place] * ((float)psi_lda_count(row[topic]) + state->beta);
    const float weight = token_move(sampler, row_before, totals, topic, 1);
    as->weight_set(state, place, weight);
    return weight * ((float)psi_lda_count(row[topic]) + state->beta) - was;
}

/* A token whose topic is being drawn: it is not in the counts, and its sums are made. */
typedef struct open_token {
    int32_t *row;    /* NULL: there is none */
    uint16_t *topic; /* what is drawn goes there */
    float extra;     /* of the topic that was drawn last */
    uint32_t last;
} open_token;

static inline __attribute__((always_inline)) uint32_t
token_draw(psi_lda_sampler *sampler, const open_token *token, const form *as) {
    const vector_state *const state = sampler->state;
    const uint32_t topics = sampler->prior.topic_count;
    const float uniform = (float)(uint32_t)(psi_lda_random_next(&sampler->random) >> 40) * 0x1p-24F;
    const float at = uniform * (total_of(state) + token->extra) - token->extra;
    uint32_t topic = as->find(state, at);
    topic = topic < topics ? topic : topics - 1; /* by rounding, of less than LANES topics */
    topic = at < 0 ? token->last : topic;
    *token->topic = (uint16_t)topic;
    return topic;
}

static inline void row_prefetch(const int32_t *row, uint32_t topics) {
    for (uint32_t k = 0; row != NULL && k < topics; k += LANES) {
        __builtin_prefetch(row + k, 1);
    }
}

/* Draws the tokens [range[0], range[1]) of a document. Inlined once for each form. */
static inline __attribute__((always_inline)) void
document_draw(psi_lda_sampler *sampler, const psi_lda_block *block, const psi_lda_rows *rows,
              const uint32_t *range, const form *as) {
    const vector_state *const state = sampler->state;
    const uint32_t topics = sampler->prior.topic_count, end = range[1];
    open_token open = {.row = NULL};
    document_begin(sampler, block->topics + range[0], end - range[0]);
    for (uint32_t i = range[0]; i < end; i++) {
        int32_t *const row = rows->words[block->slots[i]];
        if (i + AHEAD < end) {
            row_prefetch(rows->words[block->slots[i + AHEAD]], topics);
        }
        if (row == NULL) {
            continue;
        }
        const uint32_t old = block->topics[i];
        const float weight = token_move(sampler, row, rows->totals, old, -1);
        as->weight_set(state, place_of(state, old), weight);
        open_token next = {.row = row, .topic = &block->topics[i], .extra = 0};
        if (open.row != NULL) {
            const open_token before = open;
            next.last = token_draw(sampler, &before, as);
            row_sum(sampler, row, as);
            next.extra = token_put(sampler, before.row, row, rows->totals, next.last, as);
        } else {
            row_sum(sampler, row, as);
        }
        if (next.extra < 0) {
            row_sum(sampler, row, as);
            next.extra = 0;
        }
        open = next;
    }
    if (open.row != NULL) {
        (void)token_move(sampler, open.row, rows->totals, token_draw(sampler, &open, as), 1);
    }
    memset(sampler->doc_counts, 0, topics * sizeof *sampler->doc_counts);
}

static void document_draw_plain(psi_lda_sampler *sampler, const psi_lda_block *block,
                                const psi_lda_rows *rows, const uint32_t *range) {
    const form as = {sums_make_plain, find_plain, weight_set_plain};
    document_draw(sampler, block, rows, range, &as);
}

#if PSI_LDA_HAS_WIDE
PSI_LDA_AVX2 static void document_draw_avx2(psi_lda_sampler *sampler, const psi_lda_block *block,
                                            const psi_lda_rows *rows, const uint32_t *range) {
    const form as = {sums_make_avx2, find_avx2, weight_set_avx2};
    document_draw(sampler, block, rows, range, &as);
}

PSI_LDA_WIDE static void document_draw_wide(psi_lda_sampler *sampler, const psi_lda_block *block,
                                            const psi_lda_rows *rows, const uint32_t *range) {
    const form as = {sums_make_wide, find_wide, weight_set_wide};
    document_draw(sampler, block, rows, range, &as);
}
#else
#define document_draw_avx2 document_draw_plain
#define document_draw_wide document_draw_plain
#endif

static void vector_pass(psi_lda_sampler *sampler, const psi_lda_block *block,
                        const psi_lda_rows *rows) {
    const vector_state *const state = sampler->state;
    const uint32_t first = block->doc_begins[0];
    for (uint32_t k = 0; k < sampler->prior.topic_count; k++) {
        state->denominators[k] = denominator_of(state, rows->totals[k]);
    }
    for (uint32_t d = 0; d < block->doc_count; d++) {
        const uint32_t range[2] = {block->doc_begins[d] - first, block->doc_begins[d + 1] - first};
        if (state->form == PSI_LDA_FORM_AVX512) {
            document_draw_wide(sampler, block, rows, range);
        } else if (state->form == PSI_LDA_FORM_AVX2) {
            document_draw_avx2(sampler, block, rows, range);
        } else {
            document_draw_plain(sampler, block, rows, range);
        }
    }
}

const psi_lda_method psi_lda_vector = {vector_init, vector_fini, vector_pass};
