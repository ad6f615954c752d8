/* Proposals from the words, as alias and light draw them: for a word w, topic t with a weight
 *
 *     q_w(t) = (n~_tw + beta) / (n~_t + V beta)
 *
 * of counts n~ that are those of the last build, and go stale from then on. The first part is kept
 * where n~_tw > 0, the second once for all words, each in a table of A. J. Walker ("An efficient
 * method for generating discrete random variables with general distributions", ACM TOMS 3, 1977),
 * built as M. D. Vose showed (IEEE TSE 17, 1991); so a draw takes O(1). */
#ifndef PSI_LDA_WORD_PROPOSAL_H
#define PSI_LDA_WORD_PROPOSAL_H

#include <stdint.h>

#include "tortoise/err.h"

#include "algos/lda/fast_random.h"
#include "algos/lda/sampler.h"

/* A column of a table: it is its own topic with probability `share`, else that of column `other`.
 * */
typedef struct psi_lda_column {
    float weight, share;
    uint16_t topic, other;
} psi_lda_column;

/* Owned arrays; release with psi_lda_word_proposal_fini(). */
typedef struct psi_lda_word_proposal {
    psi_lda_prior prior;
    psi_lda_column *smoothing; /* [K]: beta / (n~_t + V beta) */
    double smoothing_mass;
    psi_lda_column *columns; /* all words' tables, one behind the other; topics ascend */
    uint64_t capacity;       /* of columns */
    uint64_t *begins;        /* [words + 1] */
    double *masses;          /* [words] */
    uint32_t *stack;         /* [K], for building */
} psi_lda_word_proposal;

/* Returns PS_OK or PS_ENOMEM; the proposal is safe to release in both cases. */
PS_MUST_CHECK ps_err psi_lda_word_proposal_init(psi_lda_word_proposal *proposal,
                                                const psi_lda_prior *prior,
                                                const psi_lda_limits *limits);
void psi_lda_word_proposal_fini(psi_lda_word_proposal *proposal);

/* Builds the table that all words share, from 1 / (n_t + V beta). O(K). */
void psi_lda_word_proposal_begin(psi_lda_word_proposal *proposal, const double *inverse);

/* Builds the table of one word; those of the slots before it are built, but for slot 0. `row` has
 * i32 counts of ascending topics, or of all topics if its columns are NULL. Those for which there
 * is no room have no column of their own. O(row). */
void psi_lda_word_proposal_word(psi_lda_word_proposal *proposal, uint32_t slot,
                                const ps_sparse_row *row, const double *inverse);

/* Builds the tables of all words of the block from the counts as they are. `inverse` is 1 / (n_t +
 * V beta). O(words x K). */
void psi_lda_word_proposal_build(psi_lda_word_proposal *proposal, const psi_lda_block *block,
                                 const psi_lda_rows *rows, const double *inverse);

/* Draws a topic for the word of `slot`. O(1). */
uint16_t psi_lda_word_proposal_draw(const psi_lda_word_proposal *proposal, uint32_t slot,
                                    psi_lda_random *random);

/* q_w(topic). O(log of the topics that the word had). */
double psi_lda_word_proposal_weight(const psi_lda_word_proposal *proposal, uint32_t slot,
                                    uint16_t topic);

/* The sum of q_w over all topics. O(1). */
static inline double psi_lda_word_proposal_mass(const psi_lda_word_proposal *proposal,
                                                uint32_t slot) {
    return proposal->masses[slot] + proposal->smoothing_mass;
}

#endif
