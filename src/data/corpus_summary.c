#include "data/corpus_summary.h"

#include <stdlib.h>
#include <string.h>

#include "data/corpus_writer.h"

enum { WINDOW_WORDS = 1 << 22 };

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

/* Counts the tokens of each word, a window of words at a time: a small file may say that there are
 * billions of words, and memory is to follow what is there. */
static void words_count(const psi_corpus *corpus, uint32_t *counts, psi_corpus_summary *summary) {
    uint32_t next;
    for (uint32_t begin = 0; begin < corpus->word_count; begin = next) {
        next = corpus->word_count; /* or the first word behind the window that there is */
        memset(counts, 0, WINDOW_WORDS * sizeof *counts);
        for (size_t i = 0; i < corpus->token_count; i++) {
            const uint32_t word = corpus->words[i];
            if (word >= begin && word - begin < WINDOW_WORDS) {
                counts[word - begin]++;
            } else if (word >= begin && word < next) {
                next = word;
            }
        }
        for (uint32_t w = 0; w < WINDOW_WORDS; w++) {
            if (counts[w] > 0) {
                summary->used_word_count++;
                frequent_add(summary, begin + w, counts[w]);
            }
        }
    }
}

ps_err psi_corpus_summary_make(const psi_corpus *corpus, psi_corpus_summary *summary_out) {
    psi_corpus_summary summary = {.pair_count = psi_corpus_pair_count(corpus)};
    uint32_t *const lengths = calloc((size_t)corpus->doc_count + 1, sizeof *lengths);
    uint32_t *const counts = calloc(WINDOW_WORDS, sizeof *counts);
    const ps_err err = lengths == NULL || counts == NULL ? PS_ENOMEM : PS_OK;
    if (err == PS_OK && corpus->doc_count > 0) {
        lengths_fill(corpus, lengths, &summary);
        words_count(corpus, counts, &summary);
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
