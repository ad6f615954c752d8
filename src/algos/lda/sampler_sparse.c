/* SparseLDA: L. Yao, D. Mimno and A. McCallum, "Efficient methods for topic model inference on
 * streaming document collections", KDD 2009. Equation (1) is a sum of three, whose masses are
 *
 *     s = sum_k alpha beta / (n_k + V beta)                       the same for all tokens
 *     r = sum_k n_dk beta / (n_k + V beta)                        where n_dk > 0
 *     q = sum_k (n_dk + alpha) / (n_k + V beta)  n_kw             where n_kw > 0
 *
 * (all without the token). A share of s + r + q falls into q nearly always. The first factor of q
 * is kept for the current document (`factors`), and where n_dk = 0 it is as good for the next; the
 * topics of a word are kept as a list, which begins a pass in descending order of the counts, so
 * that the search ends early. s and r are kept up to date by differences, r within a document and s
 * within a pass.
 *
 * The token stays in the list of its word while q is summed up, less its own share, and where it
 * keeps its topic, as most tokens do in the end, nothing has to move. Sums are kept for pieces of
 * the list, in which four additions are under way at a time. A pass moves the counts of its words
 * from their rows, which are far apart in memory, into the lists, and at its end back. */
#include <stdlib.h>
#include <string.h>

#include "algos/lda/sampler_parts.h"

enum { PIECE = 16, UNDER_WAY = 4, AHEAD = 4 };

static const uint32_t nowhere = UINT32_MAX;

/* What an entry of a list counts at most, exactly as a float; more take several entries. */
static const float number_max = 0x1p23F;

typedef struct sparse_state {
    float *factors;   /* owned, [K]: (n_dk + alpha) / (n_k + V beta) of the current document */
    uint16_t *topics; /* owned: of all lists of a block, one behind the other */
    float *numbers;   /* owned, the same: how often the topic occurs, > 0 */
    uint64_t *begins; /* owned, [words + 1]: where a list begins */
    uint32_t *counts; /* owned, [words]: how long it is */
    uint64_t *sorted; /* owned, [room of the longest list]: entries that are sorted */
    double *sums;     /* owned, [pieces of the longest list]: of terms of q, of the current token */
    double s, r;
} sparse_state;

static void sparse_fini(psi_lda_sampler *sampler) {
    sparse_state *const state = sampler->state;
    free(state->factors);
    free(state->topics);
    free(state->numbers);
    free(state->begins);
    free(state->counts);
    free(state->sorted);
    free(state->sums);
    free(state);
}

static ps_err sparse_init(psi_lda_sampler *sampler, const psi_lda_limits *limits) {
    sparse_state *const state = calloc(1, sizeof *state);
    if (state == NULL) {
        return PS_ENOMEM;
    }
    sampler->state = state;
    const size_t entries = limits->nonzero_count + 1, words = (size_t)limits->word_count + 1;
    state->factors = calloc(sampler->prior.topic_count, sizeof *state->factors);
    state->topics = calloc(entries, sizeof *state->topics);
    state->numbers = calloc(entries, sizeof *state->numbers);
    state->begins = calloc(words, sizeof *state->begins);
    state->counts = calloc(words, sizeof *state->counts);
    state->sorted = calloc((size_t)limits->room_count + 1, sizeof *state->sorted);
    state->sums = calloc((size_t)limits->room_count / PIECE + 1, sizeof *state->sums);
    const int has_all = state->factors != NULL && state->topics != NULL && state->numbers != NULL &&
                        state->begins != NULL && state->counts != NULL && state->sorted != NULL &&
                        state->sums != NULL;
    return has_all ? PS_OK : PS_ENOMEM;
}

/* ---- Lists of words ---- */

static int number_compare(const void *left, const void *right) {
    const uint64_t a = *(const uint64_t *)left, b = *(const uint64_t *)right;
    return (a < b) - (a > b);
}

/* Moves the counts of a row into `sorted`, of which there are `room`; in the row stays what is
 * below 0, and what there is no room for. Returns how many there are. */
static uint32_t row_take(const sparse_state *state, int32_t *row, uint32_t topics, uint32_t room) {
    const int32_t most = (int32_t)number_max;
    uint32_t count = 0;
    for (uint32_t k = 0; k < topics; k++) {
        while (row[k] > 0 && count < room) {
            const int32_t number = row[k] < most ? row[k] : most;
            state->sorted[count++] = (uint64_t)number << 16 | k;
            row[k] -= number;
        }
    }
    qsort(state->sorted, count, sizeof *state->sorted, number_compare);
    return count;
}

/* Makes the lists of all words of the block. O(words x K). */
static void lists_make(psi_lda_sampler *sampler, const psi_lda_block *block,
                       const psi_lda_rows *rows) {
    sparse_state *const state = sampler->state;
    const uint32_t topics = sampler->prior.topic_count;
    uint64_t begin = 0;
    for (uint32_t w = 0; w < block->word_count; w++) {
        int32_t *const row = rows->words[w];
        const uint32_t room = row == NULL ? 0 : psi_lda_room(block->frequencies[w], topics);
        state->begins[w] = begin;
        state->counts[w] = row == NULL ? 0 : row_take(state, row, topics, room);
        for (uint32_t i = 0; i < state->counts[w]; i++) {
            state->topics[begin + i] = (uint16_t)state->sorted[i];
            state->numbers[begin + i] = (float)(state->sorted[i] >> 16);
        }
        begin += room;
    }
    state->begins[block->word_count] = begin;
}

/* Moves the counts back into the rows. */
static void lists_end(const sparse_state *state, const psi_lda_block *block,
                      const psi_lda_rows *rows) {
    for (uint32_t w = 0; w < block->word_count; w++) {
        const uint64_t begin = state->begins[w];
        for (uint64_t i = begin; i < begin + state->counts[w]; i++) {
            rows->words[w][state->topics[i]] += (int32_t)state->numbers[i];
        }
    }
}

static const uint64_t ones = UINT64_C(0x0001000100010001);

/* Whether one of four topics is `wanted`, which is there four times: in the difference, 1 can be
 * borrowed from a topic's highest bit only where all its bits are 0. */
static inline int is_among(const uint16_t *four, uint64_t wanted) {
    uint64_t differences;
    memcpy(&differences, four, sizeof differences);
    differences ^= wanted;
    return ((differences - ones) & ~differences & ones << 15) != 0;
}

/* An entry of `topic`, or nowhere. */
static inline uint32_t list_find(const uint16_t *topics, uint32_t count, uint16_t topic) {
    uint32_t i = 0;
    while (i + 4 <= count && !is_among(topics + i, ones * topic)) {
        i += 4;
    }
    while (i < count && topics[i] != topic) {
        i++;
    }
    return i < count ? i : nowhere;
}

/* The list of a word; the entry that has the token which is drawn, and the one that was drawn. */
typedef struct list_view {
    uint16_t *topics;
    float *numbers;
    uint32_t *count, room, from, to;
    int32_t *row; /* what is in no list */
} list_view;

static inline void list_remove(const list_view *list, uint16_t topic) {
    if (list->from == nowhere) {
        list->row[topic]--;
        return;
    }
    list->numbers[list->from]--;
    if (list->numbers[list->from] == 0) {
        const uint32_t last = --*list->count;
        list->topics[list->from] = list->topics[last];
        list->numbers[list->from] = list->numbers[last];
    }
}

/* Adds one of a topic, where it is or new. */
static void list_add(const list_view *list, uint16_t topic) {
    uint32_t i = 0;
    while (i < *list->count && (list->topics[i] != topic || list->numbers[i] >= number_max)) {
        i++;
    }
    if (i == list->room) {
        list->row[topic]++;
        return;
    }
    if (i == *list->count) {
        list->topics[i] = topic;
        list->numbers[i] = 0;
        ++*list->count;
    }
    list->numbers[i]++;
}

/* Moves a token from `old` to `fresh`. */
static inline void list_move(const list_view *list, uint16_t old, uint16_t fresh) {
    const int is_there = list->to != nowhere && list->numbers[list->to] < number_max;
    if (is_there) {
        list->numbers[list->to]++;
    }
    list_remove(list, old);
    if (!is_there) {
        list_add(list, fresh);
    }
}

/* ---- Masses ---- */

/* Sums s up, and sets `factors` as for a document without tokens. O(K). */
static void smoothing_sum(psi_lda_sampler *sampler) {
    sparse_state *const state = sampler->state;
    state->s = 0;
    for (uint32_t k = 0; k < sampler->prior.topic_count; k++) {
        state->s += sampler->inverse[k];
        state->factors[k] = (float)(sampler->prior.alpha * sampler->inverse[k]);
    }
    state->s *= sampler->prior.alpha * sampler->prior.beta;
}

/* Begins a document with these topics: sums r up, and sets `factors` for them. O(count). */
static void document_begin(psi_lda_sampler *sampler, const uint16_t *topics, size_t count) {
    sparse_state *const state = sampler->state;
    state->r = 0;
    psi_lda_doc_begin(sampler, topics, count);
    for (uint32_t i = 0; i < sampler->doc_topic_count; i++) {
        const uint16_t k = sampler->doc_topics[i];
        const double part = (double)sampler->doc_counts[k] * sampler->inverse[k];
        state->r += part * sampler->prior.beta;
        state->factors[k] = (float)(part + sampler->prior.alpha * sampler->inverse[k]);
    }
}

static void document_end(psi_lda_sampler *sampler) {
    const sparse_state *const state = sampler->state;
    for (uint32_t i = 0; i < sampler->doc_topic_count; i++) {
        const uint16_t k = sampler->doc_topics[i];
        state->factors[k] = (float)(sampler->prior.alpha * sampler->inverse[k]);
    }
    psi_lda_doc_end(sampler);
}

/* What a topic has in the sums. */
typedef struct topic_share {
    double s, r, inverse;
    float factor;
} topic_share;

static inline topic_share share_of(const psi_lda_sampler *sampler, uint16_t topic) {
    const sparse_state *const state = sampler->state;
    return (topic_share){state->s, state->r, sampler->inverse[topic], state->factors[topic]};
}

/* Changes the counts of a topic in the document and in all by `step`. */
static inline void counts_change(psi_lda_sampler *sampler, int64_t *totals, uint16_t topic,
                                 int step) {
    totals[topic] += step;
    if (step > 0) {
        psi_lda_doc_add(sampler, topic);
    } else {
        psi_lda_doc_remove(sampler, topic);
    }
}

/* The same, with what follows from it. */
static inline void token_move(psi_lda_sampler *sampler, int64_t *totals, uint16_t topic, int step) {
    sparse_state *const state = sampler->state;
    const double alpha = sampler->prior.alpha, beta = sampler->prior.beta;
    const double before = sampler->inverse[topic];
    state->r -= (double)sampler->doc_counts[topic] * before * beta;
    counts_change(sampler, totals, topic, step);
    psi_lda_inverse_set(sampler, topic, totals[topic]);
    const double after = sampler->inverse[topic], count = (double)sampler->doc_counts[topic];
    state->s += (after - before) * alpha * beta;
    state->r += count * after * beta;
    state->factors[topic] = (float)((count + alpha) * after);
}

/* Takes back what took a token of `topic` out; `share` is what the topic had. */
static inline void token_restore(psi_lda_sampler *sampler, int64_t *totals, uint16_t topic,
                                 const topic_share *share) {
    sparse_state *const state = sampler->state;
    counts_change(sampler, totals, topic, 1);
    sampler->inverse[topic] = share->inverse;
    state->factors[topic] = share->factor;
    state->s = share->s;
    state->r = share->r;
}

/* The topic where `at` falls behind q. Rounding may let it fall behind everything: then it is the
 * last that has a mass. */
static uint16_t rest_draw(const psi_lda_sampler *sampler, double at) {
    const sparse_state *const state = sampler->state;
    const double beta = sampler->prior.beta;
    uint32_t k = 0;
    if (at < state->r && sampler->doc_topic_count > 0) {
        for (; k + 1 < sampler->doc_topic_count; k++) {
            const uint16_t topic = sampler->doc_topics[k];
            at -= (double)sampler->doc_counts[topic] * sampler->inverse[topic] * beta;
            if (at < 0) {
                break;
            }
        }
        return sampler->doc_topics[k];
    }
    at = (at - state->r) / (sampler->prior.alpha * beta);
    for (; k + 1 < sampler->prior.topic_count; k++) {
        at -= sampler->inverse[k];
        if (at < 0) {
            break;
        }
    }
    return (uint16_t)k;
}

/* The terms of q. */

static inline float term_of(const sparse_state *state, const list_view *list, uint32_t i) {
    return state->factors[list->topics[i]] * list->numbers[i];
}

/* Sets `sums` without a token of `old`. Returns q. */
static inline double list_sum(const sparse_state *state, const list_view *list, uint16_t old) {
    const uint32_t count = *list->count;
    double q = 0;
    for (uint32_t begin = 0; begin < count; begin += PIECE) {
        const uint32_t end = begin + PIECE < count ? begin + PIECE : count;
        float sum[UNDER_WAY] = {0};
        uint32_t i = begin;
        for (; i + UNDER_WAY <= end; i += UNDER_WAY) {
            for (uint32_t l = 0; l < UNDER_WAY; l++) {
                sum[l] += term_of(state, list, i + l);
            }
        }
        for (; i < end; i++) {
            sum[0] += term_of(state, list, i);
        }
        const double piece = (double)(sum[0] + sum[1]) + (double)(sum[2] + sum[3]);
        state->sums[begin / PIECE] = piece;
        q += piece;
    }
    if (list->from != nowhere) {
        state->sums[list->from / PIECE] -= (double)state->factors[old];
        q -= (double)state->factors[old];
    }
    return q;
}

/* The entry where `at` falls among the terms, whose sums are set. Rounding may let it fall behind:
 * then the last. */
static inline uint32_t entry_draw(const sparse_state *state, const list_view *list, double at) {
    const uint32_t count = *list->count;
    uint32_t piece = 0;
    while ((piece + 1) * PIECE < count && at >= state->sums[piece]) {
        at -= state->sums[piece++];
    }
    uint32_t i = piece * PIECE;
    for (; i + 1 < count && i + 1 < (piece + 1) * PIECE; i++) {
        const float out = i == list->from ? state->factors[list->topics[i]] : 0;
        at -= (double)(term_of(state, list, i) - out);
        if (at < 0) {
            break;
        }
    }
    return i;
}

/* Draws a topic for a token of `old` that is out of all counts but the list. */
static inline uint16_t topic_draw(psi_lda_sampler *sampler, list_view *list, uint16_t old) {
    const sparse_state *const state = sampler->state;
    const double q = list_sum(state, list, old);
    const double at = psi_lda_random_uniform(&sampler->random) * (state->s + state->r + q);
    if (at < q) {
        list->to = entry_draw(state, list, at);
        return list->topics[list->to];
    }
    list->to = nowhere;
    return rest_draw(sampler, at - q);
}

static inline void token_draw(psi_lda_sampler *sampler, const psi_lda_block *block,
                              const psi_lda_rows *rows, uint32_t i) {
    sparse_state *const state = sampler->state;
    const uint32_t w = block->slots[i];
    const uint16_t old = block->topics[i];
    const uint64_t begin = state->begins[w];
    list_view list = {.topics = state->topics + begin,
                      .numbers = state->numbers + begin,
                      .count = &state->counts[w],
                      .room = (uint32_t)(state->begins[w + 1] - begin),
                      .from = list_find(state->topics + begin, state->counts[w], old),
                      .row = rows->words[w]};
    const topic_share before = share_of(sampler, old);
    token_move(sampler, rows->totals, old, -1);
    const uint16_t fresh = topic_draw(sampler, &list, old);
    if (fresh == old) {
        token_restore(sampler, rows->totals, old, &before);
        return;
    }
    token_move(sampler, rows->totals, fresh, 1);
    list_move(&list, old, fresh);
    block->topics[i] = fresh;
}

/* What a token will need that is drawn soon. */
static inline void list_prefetch(const sparse_state *state, uint32_t w) {
    __builtin_prefetch(state->topics + state->begins[w], 1);
    __builtin_prefetch(state->numbers + state->begins[w], 1);
}

static void sparse_pass(psi_lda_sampler *sampler, const psi_lda_block *block,
                        const psi_lda_rows *rows) {
    const uint32_t first = block->doc_begins[0];
    lists_make(sampler, block, rows);
    smoothing_sum(sampler);
    for (uint32_t d = 0; d < block->doc_count; d++) {
        const uint32_t begin = block->doc_begins[d] - first, end = block->doc_begins[d + 1] - first;
        document_begin(sampler, block->topics + begin, end - begin);
        for (uint32_t i = begin; i < end; i++) {
            if (i + AHEAD < end) {
                list_prefetch(sampler->state, block->slots[i + AHEAD]);
            }
            if (rows->words[block->slots[i]] != NULL) {
                token_draw(sampler, block, rows, i);
            }
        }
        document_end(sampler);
    }
    lists_end(sampler->state, block, rows);
}

const psi_lda_method psi_lda_sparse = {sparse_init, sparse_fini, sparse_pass};
