#include "algos/lda/corpus_part.h"

#include <stdlib.h>

void psi_lda_part_close(psi_lda_part *part) {
    if (part->own != NULL) {
        psi_lda_blocks_fini(&part->own->blocks);
        free(part->own);
    }
    *part = (psi_lda_part){.problem = NULL};
}

/* Cut into blocks by itself, a worker's share of the documents has those that it has among all. */
static ps_err own_draw(const psi_lda_problem *whole, uint32_t rank, psi_lda_problem *own) {
    const psi_lda_share *const share = &whole->blocks.shares[rank];
    psi_corpus corpus;
    *own = *whole;
    own->blocks = (psi_lda_blocks){.shares = NULL};
    own->doc_first = share->doc_begin;
    own->layout.worker_count = 1;
    PS_TRY(psi_synthetic_source_draw(whole->source, whole->doc_ids + share->doc_begin,
                                     share[1].doc_begin - share->doc_begin, &corpus));
    const ps_err err = psi_lda_blocks_make(&own->layout, &corpus, &own->blocks);
    psi_corpus_fini(&corpus);
    return err;
}

ps_err psi_lda_part_open(const psi_lda_problem *problem, uint32_t rank, psi_lda_part *part_out) {
    *part_out = (psi_lda_part){.problem = problem, .rank = rank};
    if (problem->source == NULL) {
        return PS_OK;
    }
    psi_lda_part part = {.own = calloc(1, sizeof *part.own)};
    part.problem = part.own;
    const ps_err err = part.own == NULL ? PS_ENOMEM : own_draw(problem, rank, part.own);
    if (err != PS_OK) {
        psi_lda_part_close(&part);
    }
    *part_out = part;
    return err;
}
