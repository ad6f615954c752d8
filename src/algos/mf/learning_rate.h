/* The step size over a run. A step of 1 moves a row by its whole gradient.
 *
 *     constant        step
 *     inverse-sqrt    step / sqrt(1 + t), t in passes over the worker's data so far (fractions
 * count); the schedule of the regret bounds of stale gradients (Ho et al. 2013) bold-driver step
 * x 1.05 after a pass whose loss fell, x 0.5 after one whose loss did not (Battiti 1989); a worker
 * judges by its own training loss */
#ifndef PSI_MF_LEARNING_RATE_H
#define PSI_MF_LEARNING_RATE_H

#include <stdbool.h>
#include <stddef.h>

typedef enum psi_mf_schedule {
    PSI_MF_CONSTANT,
    PSI_MF_INVERSE_SQRT,
    PSI_MF_BOLD_DRIVER
} psi_mf_schedule;

typedef struct psi_mf_learning_rate {
    psi_mf_schedule schedule;
    double base;                      /* the step at the start */
    double factor;                    /* bold driver: of base, so far */
    double last_loss;                 /* bold driver: of the last whole pass; < 0: there was none */
    double loss;                      /* of the current pass, so far */
    size_t batch_count, batches_done; /* per pass; so far, in all */
} psi_mf_learning_rate;

/* A schedule at its start. `batch_count` > 0 batches are a pass. */
psi_mf_learning_rate psi_mf_learning_rate_start(psi_mf_schedule schedule, double base,
                                                size_t batch_count);

/* The step for the next batch. Pure. */
double psi_mf_learning_rate_step(const psi_mf_learning_rate *rate);

/* Takes note of a finished batch and its loss, a sum over its ratings. */
void psi_mf_learning_rate_advance(psi_mf_learning_rate *rate, double loss);

#endif
