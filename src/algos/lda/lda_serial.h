/* Topic modelling in one plain loop, without a parameter server: the reference for speed (`tortoise
 * bench lda`) and for results (the tests). The problem must have been opened for one worker. */
#ifndef PSI_LDA_SERIAL_H
#define PSI_LDA_SERIAL_H

#include "tortoise/err.h"

#include "algos/lda/lda_problem.h"

/* A model in training. Owned arrays; release with psi_lda_serial_fini(). */
typedef struct psi_lda_serial {
    const psi_lda_problem *problem; /* borrowed */
    uint16_t *topics;               /* of all tokens */
    uint32_t *pairs;                /* of all tokens, for warp; or NULL */
    int32_t *words;                 /* [V][K] */
    int64_t *totals;                /* [K] */
    int32_t **rows;                 /* of one block */
    psi_lda_sampler *sampler;
} psi_lda_serial;

/* Makes the initial model. Returns PS_OK or PS_ENOMEM; then there is nothing to release. */
PS_MUST_CHECK ps_err psi_lda_serial_init(psi_lda_serial *serial, const psi_lda_problem *problem);
void psi_lda_serial_fini(psi_lda_serial *serial);

/* Draws the topic of every token once. */
void psi_lda_serial_pass(psi_lda_serial *serial);

/* Evaluates the model: metrics[0..PSI_LDA_METRICS), nan without memory. */
void psi_lda_serial_evaluate(const psi_lda_serial *serial, double *metrics);

#endif
