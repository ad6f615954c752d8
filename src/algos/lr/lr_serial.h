/* Logistic regression in one plain loop, without a parameter server: the reference for speed
 * (`tortoise bench lr`) and for results (the tests). The problem must be one of a single worker. */
#ifndef PSI_LR_SERIAL_H
#define PSI_LR_SERIAL_H

#include "algos/lr/lr_learner.h"

typedef struct psi_lr_serial {
    psi_lr_learner learner;
    float *weights;     /* owned, [rows][64] */
    psi_lr_row_set set; /* arrays owned */
} psi_lr_serial;

/* All weights are 0. PS_OK or PS_ENOMEM; then there is nothing to release. */
PS_MUST_CHECK ps_err psi_lr_serial_init(psi_lr_serial *serial, const psi_lr_problem *problem);
void psi_lr_serial_fini(psi_lr_serial *serial);

/* Makes the visits of one clock. O(units). */
void psi_lr_serial_clock(psi_lr_serial *serial);

#endif
