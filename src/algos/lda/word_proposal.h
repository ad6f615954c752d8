/* Proposals from the words, as alias draws them: for a word w, topic t with a weight
 *
 *     q_w(t) = (n~_tw + beta) / (n~_t + V beta)
 *
 * of counts n~ that are those of the last build, and go stale from then on. The first part is kept
 * where n~_tw > 0, the second once for all words, each in a table (alias_table.h). */
#ifndef PSI_LDA_WORD_PROPOSAL_H
#define PSI_LDA_WORD_PROPOSAL_H

#include <stdint.h>

#include "tortoise/err.h"

#include "algos/lda/alias_table.h"
#include "algos/lda/fast_random.h"
#include "algos/lda/sampler.h"

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
