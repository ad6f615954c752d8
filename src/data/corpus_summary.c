#include "data/corpus_summary.h"

#include <stdlib.h>

#include "data/corpus_writer.h"

static int length_compare(const void *left, const void *right) {
    const uint32_t *const a = left, *const b = right;
    return (*a > *b) - (*a < *b);
}

/* Fills what follows from the lengths, which it sorts. There is a document. */
static void lengths_fill(const psi_corpus *corpus, uint32_t *lengths, psi_corpus_summary *summary) {
    const size_t count = corpus->doc_count;
    for (size_t d = 0; d < count; d++) {
        lengths[d] = (uint32_t)(corpus->doc_begins[d + 1] - corpus->doc_begins[d]);
        summary->empty_count += lengths[d] == 0;
    }
    qsort(lengths, count, sizeof *lengths, length_compare);
    summary->length_min = lengths[0];
    summary->length_max = lengths[count - 1];
    summary->length_median = ((double)lengths[(count - 1) / 2] + (double)lengths[count / 2]) / 2;
    summary->length_mean = (double)corpus->token_count / (double)count;
}

/* Puts a word among the most frequent ones, if it is. */
static void frequent_add(psi_corpus_summary *summary, uint32_t word, uint64_t count) {
    size_t at = summary->frequent_count;
    if (at < PSI_FREQUENT_MAX) {
        summary->frequent_count++;
    } else if (summary->frequent[--at].count >= count) {
        return;
    }
    for (; at > 0 && summary->frequent[at - 1].count < count; at--) {
        summary->frequent[at] = summary->frequent[at - 1];
    }
    summary->frequent[at].word = word;
    summary->frequent[at].count = count;
}

ps_err psi_corpus_summary_make(const psi_corpus *corpus, psi_corpus_summary *summary_out) {
    psi_corpus_summary summary = {.pair_count = psi_corpus_pair_count(corpus)};
    uint32_t *const lengths = calloc((size_t)corpus->doc_count + 1, sizeof *lengths);
    uint64_t *const counts = calloc((size_t)corpus->word_count + 1, sizeof *counts);
    const ps_err err = lengths == NULL || counts == NULL ? PS_ENOMEM : PS_OK;
    if (err == PS_OK && corpus->doc_count > 0) {
        lengths_fill(corpus, lengths, &summary);
        for (size_t i = 0; i < corpus->token_count; i++) {
            counts[corpus->words[i]]++;
        }
        for (uint32_t w = 0; w < corpus->word_count; w++) {
            if (counts[w] > 0) {
                summary.used_word_count++;
                frequent_add(&summary, w, counts[w]);
            }
        }
    }
    if (corpus->format != PSI_CORPUS_SYNTHETIC) {
        summary.merged_count = corpus->entry_count - summary.pair_count;
    }
    free(lengths);
    free(counts);
    if (err == PS_OK) {
        *summary_out = summary;
    }
    return err;
}
