/* Matrix factorisation in one plain loop, without a parameter server: the reference for speed
 * (`tortoise bench mf`) and for results (the tests). The steps are those of worker 0, in the order
 * of the batches; the problem must have been opened for one worker. */
#ifndef PSI_MF_SERIAL_H
#define PSI_MF_SERIAL_H

#include "tortoise/err.h"

#include "algos/mf/batch_order.h"
#include "algos/mf/problem.h"

/* A model in training. Owned arrays; release with psi_mf_serial_fini(). */
typedef struct psi_mf_serial {
    const psi_mf_problem *problem; /* borrowed */
    float *users, *items;          /* all rows, psi_mf_width() numbers each */
    psi_mf_item *places;           /* of the items of one batch */
    psi_mf_batch_order order;
    psi_mf_learning_rate rate;
} psi_mf_serial;

/* Makes the initial model. Returns PS_OK or PS_ENOMEM; then there is nothing to release. */
PS_MUST_CHECK ps_err psi_mf_serial_init(psi_mf_serial *serial, const psi_mf_problem *problem);
void psi_mf_serial_fini(psi_mf_serial *serial);

/* Makes one step per training rating. Returns the sum of squared errors on the way. O(ratings x
 * rank). */
double psi_mf_serial_pass(psi_mf_serial *serial);

/* Evaluates the model: metrics[0..PSI_MF_METRICS). O(ratings x rank). */
void psi_mf_serial_evaluate(const psi_mf_serial *serial, double *metrics);

#endif
