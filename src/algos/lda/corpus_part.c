#include "algos/lda/corpus_part.h"

#include <stdlib.h>

void psi_lda_part_close(psi_lda_part *part) {
    if (part->own != NULL) {
        psi_lda_blocks_fini(&part->own->blocks);
        free(part->own);
    }
    *part = (psi_lda_part){.problem = NULL};
}

/* Draws documents [begin, end) of the whole, and lays them out as `layout` says. */
static ps_err own_draw(const psi_lda_problem *whole, uint32_t begin, uint32_t end,
                       psi_lda_problem *own) {
    psi_corpus corpus;
    own->whole = whole;
    own->blocks = (psi_lda_blocks){.shares = NULL};
    own->doc_first = begin;
    own->layout.worker_count = 1;
    PS_TRY(psi_synthetic_source_draw(whole->source, whole->doc_ids + begin, end - begin, &corpus));
    const ps_err err = psi_lda_blocks_make(&own->layout, &corpus, &own->blocks);
    psi_corpus_fini(&corpus);
    return err;
}

/* A part of nothing yet: a copy of the whole. */
static ps_err own_begin(const psi_lda_problem *whole, psi_lda_part *part) {
    *part = (psi_lda_part){.own = malloc(sizeof *part->own)};
    part->problem = part->own;
    if (part->own == NULL) {
        return PS_ENOMEM;
    }
    *part->own = *whole;
    part->own->blocks = (psi_lda_blocks){.shares = NULL};
    return PS_OK;
}

/* Cut into blocks by itself, a worker's share of the documents has those that it has among all. */
ps_err psi_lda_part_open(const psi_lda_problem *problem, uint32_t rank, psi_lda_part *part_out) {
    *part_out = (psi_lda_part){.problem = problem, .rank = rank};
    if (problem->source == NULL) {
        return PS_OK;
    }
    const psi_lda_share *const share = &problem->blocks.shares[rank];
    ps_err err = own_begin(problem, part_out);
    if (err == PS_OK) {
        part_out->own->rank_first = rank;
        err = own_draw(problem, share->doc_begin, share[1].doc_begin, part_out->own);
    }
    if (err != PS_OK) {
        psi_lda_part_close(part_out);
    }
    return err;
}

ps_err psi_lda_part_open_block(const psi_lda_problem *problem, size_t block,
                               psi_lda_part *part_out) {
    *part_out = (psi_lda_part){.problem = problem, .block = block};
    if (problem->source == NULL) {
        return PS_OK;
    }
    const psi_lda_block_place *const place = &problem->blocks.places[block];
    ps_err err = own_begin(problem, part_out);
    if (err == PS_OK) {
        part_out->own->layout.batch = (double)UINT32_MAX; /* all of them */
        err = own_draw(problem, place->doc_begin, place[1].doc_begin, part_out->own);
    }
    if (err != PS_OK) {
        psi_lda_part_close(part_out);
    }
    return err;
}
