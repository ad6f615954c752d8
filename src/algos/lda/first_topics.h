/* The first topics of a worker's tokens, from which a sampler walks on. */
#ifndef PSI_LDA_FIRST_TOPICS_H
#define PSI_LDA_FIRST_TOPICS_H

#include <stdint.h>

#include "tortoise/err.h"

#include "algos/lda/lda_problem.h"

/* Draws the first topics of all tokens of worker `rank`: topics_out[0..its tokens). They depend on
 * the seed and the layout alone, so every worker draws its own without asking another. Uniform
 * ones cost O(tokens); sequential ones psi_lda_first_units() times the topics that a word has, and
 * up to 6 bytes per token meanwhile. Returns PS_OK or PS_ENOMEM. */
PS_MUST_CHECK ps_err psi_lda_first_topics(const psi_lda_problem *problem, uint32_t rank,
                                          uint16_t *topics_out);

/* Tokens that psi_lda_first_topics() draws by equation (1): those of the worker and of the common
 * guide; 0 of uniform topics. O(blocks). */
double psi_lda_first_units(const psi_lda_problem *problem, uint32_t rank);

#endif
