/* What a corpus looks like, in numbers: `tortoise data info`. */
#ifndef PSI_CORPUS_SUMMARY_H
#define PSI_CORPUS_SUMMARY_H

#include <stddef.h>
#include <stdint.h>

#include "tortoise/err.h"

#include "data/corpus.h"

enum { PSI_FREQUENT_MAX = 10 };

typedef struct psi_corpus_summary {
    size_t pair_count;        /* of a document and a word that it has: the non-zeros */
    size_t merged_count;      /* entries that said again what another said; 0 of synthetic ones */
    uint32_t empty_count;     /* documents without words */
    uint32_t used_word_count; /* words that some document has */
    uint32_t length_min, length_max; /* tokens of a document, of all documents */
    double length_median, length_mean;
    struct {
        uint32_t word;
        uint64_t count;           /* tokens */
    } frequent[PSI_FREQUENT_MAX]; /* the most frequent words; of equal ones the first */
    size_t frequent_count;
} psi_corpus_summary;

/* Fills summary_out. Returns PS_OK or PS_ENOMEM. O(tokens + documents log documents); tokens as
 * often as there are windows of 4 million words with one that is used. Takes 17 MB and 4 bytes per
 * document. */
PS_MUST_CHECK ps_err psi_corpus_summary_make(const psi_corpus *corpus,
                                             psi_corpus_summary *summary_out);

#endif
