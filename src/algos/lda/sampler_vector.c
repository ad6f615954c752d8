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
 * topics that suits the processor. All forms below add in the same order and draw the same. */
#include <stdlib.h>
#include <string.h>

#include "algos/lda/sampler_parts.h"

enum { LANES = 16, AHEAD = 6 };

typedef struct vector_state {
    float *weights;   /* owned, [vectors x LANES]: a_k */
    float *sums;      /* owned, the same */
    int32_t *padded;  /* owned, [LANES]: a row of fewer topics than that */
    uint32_t vectors; /* of a row */
    uint32_t last;    /* the topic at which the last one begins */
    float alpha, beta, smoothing;
    psi_lda_form form;
} vector_state;

static void vector_fini(psi_lda_sampler *sampler) {
    vector_state *const state = sampler->state;
    free(state->weights);
    free(state->sums);
    free(state->padded);
    free(state);
}

/* Where the weight of a topic is. Its other place, if there is one, stays 0. */
static inline uint32_t place_of(const vector_state *state, uint32_t topic) {
    const uint32_t before = (state->vectors - 1) * LANES;
    return topic < before ? topic : before + (topic - state->last);
}

static inline uint32_t topic_of(const vector_state *state, uint32_t vector, uint32_t lane) {
    return (vector + 1 < state->vectors ? vector * LANES : state->last) + lane;
}

/* The vector of a lane whose sum is the first beyond `at`. Rounding may leave none: then the last.
 */
static inline uint32_t vector_of(const vector_state *state, uint32_t lane, float at) {
    uint32_t vector = 0;
    for (uint32_t v = 0; v + 1 < state->vectors; v++) {
        vector += state->sums[v * LANES + lane] <= at;
    }
    return vector;
}

static inline uint32_t draw_plain(const vector_state *state, const int32_t *row, float uniform) {
    float sum[LANES] = {0};
    for (uint32_t v = 0; v < state->vectors; v++) {
        const int32_t *const counts = row + topic_of(state, v, 0);
        const float *const weights = state->weights + v * LANES;
        for (uint32_t l = 0; l < LANES; l++) {
            sum[l] += weights[l] * ((float)psi_lda_count(counts[l]) + state->beta);
            state->sums[v * LANES + l] = sum[l];
        }
    }
    for (uint32_t step = 1; step < LANES; step *= 2) { /* sums over the lanes */
        for (uint32_t l = LANES - 1; l >= step; l--) {
            sum[l] += sum[l - step];
        }
    }
    const float at = uniform * sum[LANES - 1];
    uint32_t lane = 0;
    for (uint32_t l = 0; l + 1 < LANES; l++) {
        lane += sum[l] <= at;
    }
    const float rest = lane == 0 ? at : at - sum[lane - 1];
    return topic_of(state, vector_of(state, lane, rest), lane);
}

#if PSI_LDA_HAS_WIDE
/* Sixteen lanes in two registers. */
typedef struct lanes_pair {
    __m256 low, high;
} lanes_pair;

PSI_LDA_AVX2 static inline __m256 terms_of_avx2(const float *weights, const int32_t *counts,
                                                __m256 beta) {
    const __m256i read = _mm256_loadu_si256((const __m256i *)(const void *)counts);
    const __m256i clamped = _mm256_max_epi32(read, _mm256_setzero_si256());
    return _mm256_mul_ps(_mm256_loadu_ps(weights),
                         _mm256_add_ps(_mm256_cvtepi32_ps(clamped), beta));
}

PSI_LDA_AVX2 static inline lanes_pair terms_add_avx2(lanes_pair sum, const float *weights,
                                                     const int32_t *counts, __m256 beta) {
    return (lanes_pair){_mm256_add_ps(sum.low, terms_of_avx2(weights, counts, beta)),
                        _mm256_add_ps(sum.high, terms_of_avx2(weights + 8, counts + 8, beta))};
}

/* Adds to each lane the one `step` before it. */
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

PSI_LDA_AVX2 static inline lanes_pair over_lanes_avx2(lanes_pair sum) {
    LANES_ADD(sum, 1);
    LANES_ADD(sum, 2);
    LANES_ADD(sum, 4);
    sum.high = _mm256_add_ps(sum.high, sum.low);
    return sum;
}

PSI_LDA_AVX2 static inline uint32_t draw_avx2(const vector_state *state, const int32_t *row,
                                              float uniform) {
    const __m256 beta = _mm256_set1_ps(state->beta);
    const uint32_t before = (state->vectors - 1) * LANES, last = state->last;
    const float *const weights = state->weights;
    float *const sums = state->sums;
    lanes_pair sum = {_mm256_setzero_ps(), _mm256_setzero_ps()};
    for (uint32_t k = 0; k < before; k += LANES) {
        sum = terms_add_avx2(sum, weights + k, row + k, beta);
        _mm256_storeu_ps(sums + k, sum.low);
        _mm256_storeu_ps(sums + k + 8, sum.high);
    }
    sum = over_lanes_avx2(terms_add_avx2(sum, weights + before, row + last, beta));
    float over_lanes[LANES + 1];
    over_lanes[0] = 0;
    _mm256_storeu_ps(over_lanes + 1, sum.low);
    _mm256_storeu_ps(over_lanes + 9, sum.high);
    const __m256 total = _mm256_permutevar8x32_ps(sum.high, _mm256_set1_epi32(7));
    const __m256 at = _mm256_mul_ps(_mm256_set1_ps(uniform), total);
    const int low = _mm256_movemask_ps(_mm256_cmp_ps(sum.low, at, _CMP_LE_OQ));
    const int high = _mm256_movemask_ps(_mm256_cmp_ps(sum.high, at, _CMP_LE_OQ));
    const uint32_t below = (uint32_t)low | (uint32_t)high << 8;
    const uint32_t lane = (uint32_t)__builtin_popcount(below & 0x7fffU);
    const float rest = _mm256_cvtss_f32(at) - over_lanes[lane];
    uint32_t k = 0;
    for (uint32_t v = 0; v < before; v += LANES) {
        k += sums[v + lane] <= rest ? LANES : 0;
    }
    return (k < before ? k : last) + lane;
}

/* Lanes move up by `step`, and zeros in. */
#define SHIFTED(lanes, step) \
    _mm512_castsi512_ps(     \
        _mm512_alignr_epi32(_mm512_castps_si512(lanes), _mm512_setzero_si512(), LANES - (step)))

PSI_LDA_WIDE static inline __m512 terms_of(const float *weights, const int32_t *counts,
                                           __m512 beta) {
    const __m512i clamped = _mm512_max_epi32(_mm512_loadu_si512(counts), _mm512_setzero_si512());
    return _mm512_mul_ps(_mm512_loadu_ps(weights),
                         _mm512_add_ps(_mm512_cvtepi32_ps(clamped), beta));
}

PSI_LDA_WIDE static inline uint32_t draw_wide(const vector_state *state, const int32_t *row,
                                              float uniform) {
    const __m512 beta = _mm512_set1_ps(state->beta);
    const uint32_t before = (state->vectors - 1) * LANES, last = state->last;
    const float *const weights = state->weights;
    float *const sums = state->sums;
    __m512 sum = _mm512_setzero_ps();
    for (uint32_t k = 0; k < before; k += LANES) {
        sum = _mm512_add_ps(sum, terms_of(weights + k, row + k, beta));
        _mm512_storeu_ps(sums + k, sum);
    }
    sum = _mm512_add_ps(sum, terms_of(weights + before, row + last, beta));
    sum = _mm512_add_ps(sum, SHIFTED(sum, 1));
    sum = _mm512_add_ps(sum, SHIFTED(sum, 2));
    sum = _mm512_add_ps(sum, SHIFTED(sum, 4));
    sum = _mm512_add_ps(sum, SHIFTED(sum, 8));
    float over_lanes[LANES + 1];
    over_lanes[0] = 0;
    _mm512_storeu_ps(over_lanes + 1, sum);
    const __m512 total = _mm512_permutexvar_ps(_mm512_set1_epi32(LANES - 1), sum);
    const __m512 at = _mm512_mul_ps(_mm512_set1_ps(uniform), total);
    const __mmask16 below = _mm512_cmp_ps_mask(sum, at, _CMP_LE_OQ);
    const uint32_t lane = (uint32_t)__builtin_popcount(below & 0x7fffU);
    const float rest = _mm512_cvtss_f32(at) - over_lanes[lane];
    uint32_t k = 0;
    for (uint32_t v = 0; v < before; v += LANES) {
        k += sums[v + lane] <= rest ? LANES : 0;
    }
    return (k < before ? k : last) + lane;
}
#endif

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
    const size_t size_bytes = (size_t)state->vectors * LANES * sizeof *state->weights;
    state->weights = aligned_alloc(LANES * sizeof *state->weights, size_bytes);
    if (state->weights != NULL) {
        memset(state->weights, 0, size_bytes);
    }
    state->sums = calloc((size_t)state->vectors * LANES, sizeof *state->sums);
    state->padded = calloc(LANES, sizeof *state->padded);
    const int has_all = state->weights != NULL && state->sums != NULL && state->padded != NULL;
    return has_all ? PS_OK : PS_ENOMEM;
}

static inline float weight_of(const psi_lda_sampler *sampler, const int64_t *totals,
                              uint32_t topic) {
    const vector_state *const state = sampler->state;
    const float total = (float)(totals[topic] > 0 ? totals[topic] : 0);
    return ((float)sampler->doc_counts[topic] + state->alpha) / (total + state->smoothing);
}

/* Moves a token of `topic` into the counts (step 1) or out of them (-1). */
static inline void token_move_plain(psi_lda_sampler *sampler, int32_t *row, int64_t *totals,
                                    uint32_t topic, int step) {
    const vector_state *const state = sampler->state;
    sampler->doc_counts[topic] += step;
    row[topic] += step;
    totals[topic] += step;
    state->weights[place_of(state, topic)] = weight_of(sampler, totals, topic);
}

#if PSI_LDA_HAS_WIDE
/* The same. A processor hands what was stored on to a load of the same width at once, to a wider
 * one only once it is in the cache: so the weight is stored with its neighbours. */
PSI_LDA_AVX2 static inline void token_move_avx2(psi_lda_sampler *sampler, int32_t *row,
                                                int64_t *totals, uint32_t topic, int step) {
    const vector_state *const state = sampler->state;
    const uint32_t place = place_of(state, topic), lane = place % 8;
    float *const vector = state->weights + (place - lane);
    sampler->doc_counts[topic] += step;
    row[topic] += step;
    totals[topic] += step;
    const __m256i lanes = _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7);
    const __m256i is_it = _mm256_cmpeq_epi32(lanes, _mm256_set1_epi32((int)lane));
    const __m256 weight = _mm256_set1_ps(weight_of(sampler, totals, topic));
    _mm256_store_ps(vector,
                    _mm256_blendv_ps(_mm256_load_ps(vector), weight, _mm256_castsi256_ps(is_it)));
}

PSI_LDA_WIDE static inline void token_move_wide(psi_lda_sampler *sampler, int32_t *row,
                                                int64_t *totals, uint32_t topic, int step) {
    const vector_state *const state = sampler->state;
    const uint32_t place = place_of(state, topic), lane = place % LANES;
    float *const vector = state->weights + (place - lane);
    sampler->doc_counts[topic] += step;
    row[topic] += step;
    totals[topic] += step;
    const __m512 weight = _mm512_set1_ps(weight_of(sampler, totals, topic));
    _mm512_store_ps(vector,
                    _mm512_mask_mov_ps(_mm512_load_ps(vector), (__mmask16)(1U << lane), weight));
}
#endif

static inline void row_prefetch(const int32_t *row, uint32_t topics) {
    for (uint32_t k = 0; row != NULL && k < topics; k += LANES) {
        __builtin_prefetch(row + k, 1);
    }
}

/* Counts the topics of tokens [begin, end), and sets the weights. */
static void document_begin(psi_lda_sampler *sampler, const psi_lda_block *block,
                           const int64_t *totals, uint32_t begin, uint32_t end) {
    const vector_state *const state = sampler->state;
    for (uint32_t i = begin; i < end; i++) {
        sampler->doc_counts[block->topics[i]]++;
    }
    for (uint32_t k = 0; k < sampler->prior.topic_count; k++) {
        state->weights[place_of(state, k)] = weight_of(sampler, totals, k);
    }
}

/* What has two forms. */
typedef struct form {
    uint32_t (*draw)(const vector_state *state, const int32_t *row, float uniform);
    void (*move)(psi_lda_sampler *sampler, int32_t *row, int64_t *totals, uint32_t topic, int step);
} form;

/* Draws the tokens [range[0], range[1]) of a document. Inlined once for each form. */
static inline __attribute__((always_inline)) void
tokens_draw(psi_lda_sampler *sampler, const psi_lda_block *block, const psi_lda_rows *rows,
            const uint32_t *range, const form *as) {
    const vector_state *const state = sampler->state;
    const uint32_t topics = sampler->prior.topic_count;
    const uint32_t end = range[1];
    for (uint32_t i = range[0]; i < end; i++) {
        int32_t *const row = rows->words[block->slots[i]];
        if (i + AHEAD < end) {
            row_prefetch(rows->words[block->slots[i + AHEAD]], topics);
        }
        if (row == NULL) {
            continue;
        }
        as->move(sampler, row, rows->totals, block->topics[i], -1);
        const int32_t *counts = row;
        if (topics < LANES) {
            memcpy(state->padded, row, topics * sizeof *row);
            counts = state->padded;
        }
        const float uniform =
            (float)(uint32_t)(psi_lda_random_next(&sampler->random) >> 40) * 0x1p-24F;
        uint32_t topic = as->draw(state, counts, uniform);
        topic = topic < topics ? topic : topics - 1; /* by rounding, of less than LANES topics */
        block->topics[i] = (uint16_t)topic;
        as->move(sampler, row, rows->totals, topic, 1);
    }
}

static void tokens_draw_plain(psi_lda_sampler *sampler, const psi_lda_block *block,
                              const psi_lda_rows *rows, const uint32_t *range) {
    tokens_draw(sampler, block, rows, range, &(const form){draw_plain, token_move_plain});
}

#if PSI_LDA_HAS_WIDE
PSI_LDA_AVX2 static void tokens_draw_avx2(psi_lda_sampler *sampler, const psi_lda_block *block,
                                          const psi_lda_rows *rows, const uint32_t *range) {
    tokens_draw(sampler, block, rows, range, &(const form){draw_avx2, token_move_avx2});
}

PSI_LDA_WIDE static void tokens_draw_wide(psi_lda_sampler *sampler, const psi_lda_block *block,
                                          const psi_lda_rows *rows, const uint32_t *range) {
    tokens_draw(sampler, block, rows, range, &(const form){draw_wide, token_move_wide});
}
#else
#define tokens_draw_avx2 tokens_draw_plain
#define tokens_draw_wide tokens_draw_plain
#endif

static void vector_pass(psi_lda_sampler *sampler, const psi_lda_block *block,
                        const psi_lda_rows *rows) {
    const vector_state *const state = sampler->state;
    const uint32_t first = block->doc_begins[0];
    for (uint32_t d = 0; d < block->doc_count; d++) {
        const uint32_t range[2] = {block->doc_begins[d] - first, block->doc_begins[d + 1] - first};
        document_begin(sampler, block, rows->totals, range[0], range[1]);
        if (state->form == PSI_LDA_FORM_AVX512) {
            tokens_draw_wide(sampler, block, rows, range);
        } else if (state->form == PSI_LDA_FORM_AVX2) {
            tokens_draw_avx2(sampler, block, rows, range);
        } else {
            tokens_draw_plain(sampler, block, rows, range);
        }
        memset(sampler->doc_counts, 0, sampler->prior.topic_count * sizeof *sampler->doc_counts);
    }
}

const psi_lda_method psi_lda_vector = {vector_init, vector_fini, vector_pass};
