#include "algos/lda/open_row.h"

#include <stdlib.h>

enum { MARK_BITS = 64 };

ps_err psi_lda_open_row_init(psi_lda_open_row *row, uint32_t topic_count,
                             const psi_lda_limits *limits) {
    const size_t topics = topic_count;
    *row = (psi_lda_open_row){.mark_begin = UINT32_MAX};
    row->spread = calloc(topics, sizeof *row->spread);
    row->changes = calloc(topics, sizeof *row->changes);
    row->marks = calloc(topics / MARK_BITS + 1, sizeof *row->marks);
    row->topics = calloc(topics, sizeof *row->topics);
    row->differences = calloc(topics, sizeof *row->differences);
    const size_t most = PSI_LDA_RARE_TIMES * topics;
    row->before_count = limits->occurrence_count < most ? limits->occurrence_count : most;
    row->before = calloc(row->before_count + 1, sizeof *row->before);
    const int has_all = row->spread != NULL && row->changes != NULL && row->marks != NULL &&
                        row->topics != NULL && row->differences != NULL && row->before != NULL;
    return has_all ? PS_OK : PS_ENOMEM;
}

void psi_lda_open_row_fini(psi_lda_open_row *row) {
    free(row->spread);
    free(row->changes);
    free(row->marks);
    free(row->topics);
    free(row->differences);
    free(row->before);
    *row = (psi_lda_open_row){.counts = NULL};
}

int psi_lda_open_row_begin(psi_lda_open_row *row, const psi_lda_block *block,
                           const psi_lda_rows *rows, uint32_t w) {
    row->counts = rows->words[w];
    row->had = (ps_sparse_row){.columns = NULL};
    if (row->counts != NULL || rows->sparse == NULL) {
        return row->counts != NULL;
    }
    if (!rows->sparse->read(rows->sparse->context, w, &row->had)) {
        return 0;
    }
    if (row->had.count == 0) {
        row->had.columns = row->topics; /* of none; not NULL, which says dense */
    }
    const int32_t *const values = row->had.values;
    for (uint32_t i = 0; i < row->had.count; i++) {
        row->spread[row->had.columns[i]] = values[i];
    }
    const uint32_t *const places = block->by_word + block->word_begins[w];
    const uint32_t count = block->word_begins[w + 1] - block->word_begins[w];
    PS_ASSERT(count <= row->before_count);
    for (uint32_t i = 0; i < count; i++) {
        row->before[i] = block->topics[places[i]];
    }
    row->counts = row->spread;
    return 1;
}

static void topic_change(psi_lda_open_row *row, uint32_t topic, int32_t change) {
    const uint32_t mark = topic / MARK_BITS;
    row->changes[topic] += change;
    row->marks[mark] |= UINT64_C(1) << topic % MARK_BITS;
    row->mark_begin = mark < row->mark_begin ? mark : row->mark_begin;
    row->mark_end = mark < row->mark_end ? row->mark_end : mark + 1;
}

/* The changes of all topics that were marked, ascending; clears changes and marks. */
static ps_sparse_row changes_take(psi_lda_open_row *row) {
    uint32_t count = 0;
    for (uint32_t m = row->mark_begin; m < row->mark_end; m++) {
        for (uint64_t bits = row->marks[m]; bits != 0; bits &= bits - 1) {
            const uint32_t topic = m * MARK_BITS + (uint32_t)__builtin_ctzll(bits);
            row->topics[count] = topic;
            row->differences[count] = row->changes[topic];
            count += row->changes[topic] != 0;
            row->changes[topic] = 0;
        }
        row->marks[m] = 0;
    }
    row->mark_begin = UINT32_MAX;
    row->mark_end = 0;
    return (ps_sparse_row){.count = count, .columns = row->topics, .values = row->differences};
}

void psi_lda_open_row_end(psi_lda_open_row *row, const psi_lda_block *block,
                          const psi_lda_rows *rows, uint32_t w) {
    if (row->counts != row->spread) {
        return;
    }
    const uint32_t *const places = block->by_word + block->word_begins[w];
    const uint32_t count = block->word_begins[w + 1] - block->word_begins[w];
    for (uint32_t i = 0; i < row->had.count; i++) {
        row->spread[row->had.columns[i]] = 0;
    }
    for (uint32_t i = 0; i < count; i++) {
        const uint16_t topic = block->topics[places[i]];
        row->spread[topic] = 0;
        row->spread[row->before[i]] = 0; /* it may be below 0, where the row had nothing */
        if (topic != row->before[i]) {
            topic_change(row, row->before[i], -1);
            topic_change(row, topic, 1);
        }
    }
    const ps_sparse_row changes = changes_take(row);
    if (changes.count > 0) {
        rows->sparse->add(rows->sparse->context, w, &changes);
    }
}
