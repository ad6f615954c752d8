/* The documents of a corpus, laid out once so that a worker only streams through them: documents
 * are dealt to workers in runs of nearly as many tokens, and each run is cut into blocks the same
 * way.
 *
 *      all documents    [ worker 0                | worker 1               | ... ]
 *      one worker       [ block 0 | block 1 | ... ]       a block is the work of one clock
 *
 * Each block knows its distinct words, ascending; a token names its word by its place ("slot") in
 * that list. Four bytes are kept per token: its slot, or, for samplers that go word by word, the
 * block's tokens in the order of their words. */
#ifndef PSI_LDA_DOC_BLOCKS_H
#define PSI_LDA_DOC_BLOCKS_H

#include <stddef.h>
#include <stdint.h>

#include "data/corpus.h"
#include "tortoise/err.h"

#include "algos/lda/sampler.h"

/* Documents [doc_begin, next one's), and all that is theirs. */
typedef struct psi_lda_block_place {
    uint32_t doc_begin;
    size_t word_begin;
} psi_lda_block_place;

typedef struct psi_lda_share {
    uint32_t doc_begin;
    size_t block_begin;
} psi_lda_share;

/* Owned arrays; release with psi_lda_blocks_fini(). All zero is empty. */
typedef struct psi_lda_blocks {
    uint32_t worker_count, doc_count, word_count;
    size_t token_count;
    psi_lda_share *shares;       /* [worker_count + 1] */
    psi_lda_block_place *places; /* [blocks + 1] */
    uint32_t *doc_begins;        /* [doc_count + 1]: of tokens */
    uint32_t *tokens;            /* [token_count]: psi_lda_block.slots or by_word */
    uint32_t *words;             /* of every block, ascending */
    uint32_t *frequencies;       /* the same: how often the word is in the corpus */
    uint32_t *word_begins;       /* the same, and one more per block: psi_lda_block.word_begins */
    int goes_by_word;            /* tokens are by_word */
    psi_lda_limits limits;       /* of all blocks */
} psi_lda_blocks;

/* How to lay out. */
typedef struct psi_lda_layout {
    uint32_t worker_count, topic_count;
    double batch; /* documents per clock if >= 1, else the share of a worker's own */
    int goes_by_word;
    const uint32_t *frequencies; /* [V]: of a larger corpus, of which this is part; or NULL */
} psi_lda_layout;

/* Cuts documents [doc_begin, doc_end) into `count` runs of nearly as many tokens; begins_out has
 * count + 1 of them. A run may be empty. O(count x log documents). */
void psi_lda_docs_cut(const uint32_t *doc_begins, uint32_t doc_begin, uint32_t doc_end,
                      uint32_t count, uint32_t *begins_out);

/* Lays out the corpus, whose words are taken over and become `tokens`. If it has none (NULL), its
 * documents are dealt and that is all. Returns PS_OK or PS_ENOMEM;
 * blocks_out is all zero then. O(tokens + words of all blocks x log). */
PS_MUST_CHECK ps_err psi_lda_blocks_make(const psi_lda_layout *layout, psi_corpus *corpus,
                                         psi_lda_blocks *blocks_out);
void psi_lda_blocks_fini(psi_lda_blocks *blocks);

/* Blocks and tokens of a worker. O(1). */
static inline size_t psi_lda_block_count(const psi_lda_blocks *blocks, uint32_t rank) {
    return blocks->shares[rank + 1].block_begin - blocks->shares[rank].block_begin;
}

static inline size_t psi_lda_token_begin(const psi_lda_blocks *blocks, uint32_t rank) {
    return blocks->doc_begins[blocks->shares[rank].doc_begin];
}

static inline size_t psi_lda_token_count(const psi_lda_blocks *blocks, uint32_t rank) {
    return psi_lda_token_begin(blocks, rank + 1) - psi_lda_token_begin(blocks, rank);
}

/* Tokens of block `block` of all. O(1). */
static inline uint32_t psi_lda_block_tokens(const psi_lda_blocks *blocks, size_t block) {
    return blocks->doc_begins[blocks->places[block + 1].doc_begin] -
           blocks->doc_begins[blocks->places[block].doc_begin];
}

/* Block `block` of all as a sampler sees it. `topics` and `pairs` (or NULL) are those of all
 * tokens of worker `rank`, whose block it is. O(1). */
psi_lda_block psi_lda_block_view(const psi_lda_blocks *blocks, uint32_t rank, size_t block,
                                 uint16_t *topics, uint32_t *pairs);

/* The slots of the block's tokens in the order of the documents, whichever order it keeps them in:
 * slots_out[0..its tokens). O(tokens). */
void psi_lda_block_slots(const psi_lda_blocks *blocks, size_t block, uint32_t *slots_out);

#endif
