/* SparseLDA: L. Yao, D. Mimno and A. McCallum, "Efficient methods for topic model inference on
 * streaming document collections", KDD 2009. Equation (1) is a sum of three, whose masses are
 *
 *     s = sum_k alpha beta / (n_k + V beta)                       the same for all tokens
 *     r = sum_k n_dk beta / (n_k + V beta)                        where n_dk > 0
 *     q = sum_k (n_dk + alpha) / (n_k + V beta)  n_kw             where n_kw > 0
 *
 * (all without the token). A share of s + r + q falls into q nearly always. The first factor of q
 * is kept for the current document (`factors`); the topics of a word are kept as a list, in
 * descending order of their counts, so that the search ends early. s and r are kept up to date by
 * differences within a document and summed up anew for the next. */
#include <stdlib.h>

#include "algos/lda/sampler_parts.h"

/* An entry of a word's list: how often in the upper, the topic in the lower 16 bits. A topic that
 * occurs more often than that has several, of which all but one are full. */
typedef uint32_t entry;

static inline uint16_t entry_topic(entry e) {
    return (uint16_t)e;
}

static inline uint32_t entry_count(entry e) {
    return e >> 16;
}

static const entry entry_one = UINT32_C(1) << 16;

typedef struct sparse_state {
    double *factors;  /* owned, [K]: (n_dk + alpha) / (n_k + V beta) of the current document */
    entry *entries;   /* owned: all lists of a block, one behind the other */
    uint64_t *begins; /* owned, [words + 1]: where a list begins */
    uint32_t *counts; /* owned, [words]: how long it is */
    double *terms;    /* owned, [room of the longest list]: of q, of the current token */
    double s, r;
} sparse_state;

static void sparse_fini(psi_lda_sampler *sampler) {
    sparse_state *const state = sampler->state;
    free(state->factors);
    free(state->entries);
    free(state->begins);
    free(state->counts);
    free(state->terms);
    free(state);
}

static ps_err sparse_init(psi_lda_sampler *sampler, const psi_lda_limits *limits) {
    sparse_state *const state = calloc(1, sizeof *state);
    if (state == NULL) {
        return PS_ENOMEM;
    }
    sampler->state = state;
    state->factors = calloc(sampler->prior.topic_count, sizeof *state->factors);
    state->terms = calloc((size_t)limits->room_count + 1, sizeof *state->terms);
    state->entries = calloc(limits->nonzero_count + 1, sizeof *state->entries);
    state->begins = calloc((size_t)limits->word_count + 1, sizeof *state->begins);
    state->counts = calloc((size_t)limits->word_count + 1, sizeof *state->counts);
    const int has_all = state->factors != NULL && state->terms != NULL && state->entries != NULL &&
                        state->begins != NULL && state->counts != NULL;
    return has_all ? PS_OK : PS_ENOMEM;
}

static int entry_compare(const void *left, const void *right) {
    const entry a = *(const entry *)left, b = *(const entry *)right;
    return (a < b) - (a > b);
}

/* Makes the lists of all words of the block. O(words x K). */
static void lists_make(psi_lda_sampler *sampler, const psi_lda_block *block,
                       const psi_lda_rows *rows) {
    sparse_state *const state = sampler->state;
    const uint32_t topics = sampler->prior.topic_count;
    uint64_t begin = 0;
    for (uint32_t w = 0; w < block->word_count; w++) {
        const int32_t *const row = rows->words[w];
        const uint32_t room = row == NULL ? 0 : psi_lda_room(block->frequencies[w], topics);
        uint32_t count = 0;
        for (uint32_t k = 0; k < topics && count < room; k++) {
            uint32_t left = (uint32_t)psi_lda_count(row[k]);
            for (; left > UINT16_MAX && count < room; left -= UINT16_MAX) {
                state->entries[begin + count++] = UINT32_C(0xffff0000) | k;
            }
            if (left > 0 && count < room) {
                state->entries[begin + count++] = left << 16 | k;
            }
        }
        qsort(state->entries + begin, count, sizeof *state->entries, entry_compare);
        state->begins[w] = begin;
        state->counts[w] = count;
        begin += room;
    }
    state->begins[block->word_count] = begin;
}

/* Takes one of `topic` from a list, of the entry that is not full where there is one; the order
 * stays. */
static void list_remove(entry *list, uint32_t *count, uint16_t topic) {
    uint32_t i = 0;
    while (i < *count && (entry_topic(list[i]) != topic || entry_count(list[i]) == UINT16_MAX)) {
        i++;
    }
    for (uint32_t full = 0; i == *count && full < *count; full++) {
        i = entry_topic(list[full]) == topic ? full : i;
    }
    if (i == *count) { /* it was clamped: the row says that there is none */
        return;
    }
    const entry lower = list[i] - entry_one;
    for (; i + 1 < *count && list[i + 1] > lower; i++) {
        list[i] = list[i + 1];
    }
    list[i] = lower;
    *count -= entry_count(lower) == 0; /* then it is the last */
}

/* Adds one of `topic`, where it is or new. Room is bounded by the frequency. */
static void list_add(entry *list, uint32_t *count, uint32_t room, uint16_t topic) {
    uint32_t i = 0;
    while (i < *count && (entry_topic(list[i]) != topic || entry_count(list[i]) == UINT16_MAX)) {
        i++;
    }
    if (i == *count) {
        if (*count == room) {
            return;
        }
        list[(*count)++] = topic;
    }
    const entry higher = list[i] + entry_one;
    for (; i > 0 && list[i - 1] < higher; i--) {
        list[i] = list[i - 1];
    }
    list[i] = higher;
}

/* Sums r up, and sets `factors` for the document's topics. */
static void document_sum(psi_lda_sampler *sampler) {
    sparse_state *const state = sampler->state;
    state->s = 0;
    state->r = 0;
    for (uint32_t k = 0; k < sampler->prior.topic_count; k++) {
        state->s += sampler->inverse[k];
        state->factors[k] = sampler->prior.alpha * sampler->inverse[k];
    }
    state->s *= sampler->prior.alpha * sampler->prior.beta;
    for (uint32_t i = 0; i < sampler->doc_topic_count; i++) {
        const uint16_t k = sampler->doc_topics[i];
        const double part = (double)sampler->doc_counts[k] * sampler->inverse[k];
        state->r += part * sampler->prior.beta;
        state->factors[k] += part;
    }
}

/* Changes the counts of a topic in the document and in all by `step`, and what follows from them.
 * */
static void counts_change(psi_lda_sampler *sampler, int64_t *totals, uint16_t topic, int step) {
    sparse_state *const state = sampler->state;
    const double alpha = sampler->prior.alpha, beta = sampler->prior.beta;
    const double before = sampler->inverse[topic];
    state->r -= (double)sampler->doc_counts[topic] * before * beta;
    totals[topic] += step;
    psi_lda_inverse_set(sampler, topic, totals[topic]);
    if (step > 0) {
        psi_lda_doc_add(sampler, topic);
    } else {
        psi_lda_doc_remove(sampler, topic);
    }
    const double after = sampler->inverse[topic], count = (double)sampler->doc_counts[topic];
    state->s += (after - before) * alpha * beta;
    state->r += count * after * beta;
    state->factors[topic] = (count + alpha) * after;
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

static uint16_t topic_draw(psi_lda_sampler *sampler, const entry *list, uint32_t count) {
    const sparse_state *const state = sampler->state;
    double q = 0;
    for (uint32_t i = 0; i < count; i++) {
        const double term = state->factors[entry_topic(list[i])] * (double)entry_count(list[i]);
        state->terms[i] = term;
        q += term;
    }
    double at = psi_lda_random_uniform(&sampler->random) * (state->s + state->r + q);
    if (at < q) {
        uint32_t i = 0;
        for (; i + 1 < count; i++) {
            at -= state->terms[i];
            if (at < 0) {
                break;
            }
        }
        return entry_topic(list[i]);
    }
    return rest_draw(sampler, at - q);
}

static void sparse_pass(psi_lda_sampler *sampler, const psi_lda_block *block,
                        const psi_lda_rows *rows) {
    sparse_state *const state = sampler->state;
    const uint32_t first = block->doc_begins[0];
    lists_make(sampler, block, rows);
    for (uint32_t d = 0; d < block->doc_count; d++) {
        const uint32_t begin = block->doc_begins[d] - first, end = block->doc_begins[d + 1] - first;
        psi_lda_doc_begin(sampler, block->topics + begin, end - begin);
        document_sum(sampler);
        for (uint32_t i = begin; i < end; i++) {
            const uint32_t w = block->slots[i];
            if (rows->words[w] == NULL) {
                continue;
            }
            const uint16_t old = block->topics[i];
            entry *const list = state->entries + state->begins[w];
            const uint32_t room = (uint32_t)(state->begins[w + 1] - state->begins[w]);
            counts_change(sampler, rows->totals, old, -1);
            list_remove(list, &state->counts[w], old);
            const uint16_t fresh = topic_draw(sampler, list, state->counts[w]);
            counts_change(sampler, rows->totals, fresh, 1);
            list_add(list, &state->counts[w], room, fresh);
            rows->words[w][old]--;
            rows->words[w][fresh]++;
            block->topics[i] = fresh;
        }
        psi_lda_doc_end(sampler);
    }
}

const psi_lda_method psi_lda_sparse = {sparse_init, sparse_fini, sparse_pass};
