/* The counts of the word that a sampler is at, when it goes word by word: K numbers in any case. A
 * dense row is used as it is. A sparse row is spread out, and what the sampler changed is given
 * back when it goes on to the next word.
 *
 *     sparse row      3:1  8:2  9:1              its source
 *       open    ->    0 0 0 1 0 0 0 0 2 1 ...    counts, which the sampler changes
 *       close   ->    3:-1  7:+1                 changes, to the source */
#ifndef PSI_LDA_OPEN_ROW_H
#define PSI_LDA_OPEN_ROW_H

#include <stdint.h>

#include "tortoise/err.h"
#include "tortoise/worker.h"

#include "algos/lda/sampler.h"

/* Owned arrays; release with psi_lda_open_row_fini(). */
typedef struct psi_lda_open_row {
    int32_t *counts;      /* [K]: of the open row; borrowed */
    ps_sparse_row had;    /* what a sparse row had when it was opened; columns NULL: it is dense */
    int32_t *spread;      /* [K]: all 0 while no sparse row is open */
    int32_t *changes;     /* [K]: all 0 between rows */
    uint64_t *marks;      /* [K / 64 + 1]: topics that may have changed; all 0 between rows */
    uint32_t *topics;     /* [K]: of the changes that are given back */
    int32_t *differences; /* [K] */
    uint16_t *before; /* [before_count]: topics of the word's tokens when a sparse row was opened */
    size_t before_count;
    uint32_t mark_begin, mark_end; /* marks outside are 0 */
} psi_lda_open_row;

/* Returns PS_OK or PS_ENOMEM; the row is safe to release in both cases. */
PS_MUST_CHECK ps_err psi_lda_open_row_init(psi_lda_open_row *row, uint32_t topic_count,
                                           const psi_lda_limits *limits);
void psi_lda_open_row_fini(psi_lda_open_row *row);

/* Opens the row of word `w` of the block, whose tokens have the topics block->topics. Returns 0 if
 * it is not there. O(1), or O(what a sparse row has + tokens of the word). */
int psi_lda_open_row_begin(psi_lda_open_row *row, const psi_lda_block *block,
                           const psi_lda_rows *rows, uint32_t w);

/* Ends what psi_lda_open_row_begin() began, if that found a row: the tokens have their new topics
 * in block->topics now. O(1), or O(the same + K / 64). */
void psi_lda_open_row_end(psi_lda_open_row *row, const psi_lda_block *block,
                          const psi_lda_rows *rows, uint32_t w);

#endif
