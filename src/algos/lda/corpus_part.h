/* What one worker has of the corpus: its blocks, with their tokens. A corpus that is held has them
 * in the problem, which the part then points to. Of one whose documents are drawn
 * (psi_lda_problem.source) a worker draws its own when the part is opened, and nobody else's. The
 * blocks are the same either way, so nothing that is learned depends on it. */
#ifndef PSI_LDA_CORPUS_PART_H
#define PSI_LDA_CORPUS_PART_H

#include "algos/lda/lda_problem.h"

typedef struct psi_lda_part {
    const psi_lda_problem *problem; /* borrowed, or `own`: its blocks have the worker's tokens */
    uint32_t rank;                  /* of the worker in these blocks */
    size_t block;                   /* there, of psi_lda_part_open_block() */
    psi_lda_problem *own;           /* owned with its blocks, the rest is the whole's; or NULL */
} psi_lda_part;

/* Opens the part of worker `rank`, which borrows `problem` until it is closed. Any thread, several
 * at once. Returns PS_OK or PS_ENOMEM; part_out is all zero then. O(1) if the corpus is held; else
 * O(V + documents x topics + tokens x log), of the worker. */
PS_MUST_CHECK ps_err psi_lda_part_open(const psi_lda_problem *problem, uint32_t rank,
                                       psi_lda_part *part_out);

/* Opens block `block` of all alone, whosever it is, in the same way. */
PS_MUST_CHECK ps_err psi_lda_part_open_block(const psi_lda_problem *problem, size_t block,
                                             psi_lda_part *part_out);
void psi_lda_part_close(psi_lda_part *part); /* accepts all zero */

#endif
