/* Which document of a block is a token of? For samplers that go word by word: 1/8 byte per token
 * finds it in a step or two. */
#ifndef PSI_LDA_DOC_FINDER_H
#define PSI_LDA_DOC_FINDER_H

#include <stdint.h>
#include <stdlib.h>

#include "tortoise/err.h"

#include "algos/lda/sampler.h"

/* A document is looked for from that of every PSI_LDA_STRIDE-th token on. */
enum { PSI_LDA_STRIDE = 32 };

typedef struct psi_lda_doc_finder {
    uint32_t *nearest; /* owned: the document of that token */
} psi_lda_doc_finder;

/* Returns PS_OK or PS_ENOMEM. psi_lda_doc_finder_fini() releases it in both cases. */
PS_MUST_CHECK static inline ps_err psi_lda_doc_finder_init(psi_lda_doc_finder *finder,
                                                           const psi_lda_limits *limits) {
    finder->nearest = calloc(limits->token_count / PSI_LDA_STRIDE + 1, sizeof *finder->nearest);
    return finder->nearest == NULL ? PS_ENOMEM : PS_OK;
}

static inline void psi_lda_doc_finder_fini(psi_lda_doc_finder *finder) {
    free(finder->nearest);
    finder->nearest = NULL;
}

/* Makes it one for this block. O(documents + tokens / PSI_LDA_STRIDE). */
static inline void psi_lda_doc_finder_make(psi_lda_doc_finder *finder, const psi_lda_block *block) {
    const uint32_t first = block->doc_begins[0];
    for (uint32_t d = 0, near = 0; d < block->doc_count; d++) {
        for (; near * PSI_LDA_STRIDE < block->doc_begins[d + 1] - first; near++) {
            finder->nearest[near] = d;
        }
    }
}

/* The document of a token. O(documents that begin in the stride before it). */
static inline uint32_t psi_lda_doc_find(const psi_lda_doc_finder *finder,
                                        const psi_lda_block *block, uint32_t token) {
    const uint32_t first = block->doc_begins[0];
    uint32_t doc = finder->nearest[token / PSI_LDA_STRIDE];
    while (block->doc_begins[doc + 1] - first <= token) {
        doc++;
    }
    return doc;
}

#endif
