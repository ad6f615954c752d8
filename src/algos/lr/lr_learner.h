/* A learner: it visits a worker's examples, is asked about each, and learns from it, perhaps later.
 * Where the weights lie, and who else changes them, it does not know. */
#ifndef PSI_LR_LEARNER_H
#define PSI_LR_LEARNER_H

#include "algos/lr/lr_normal.h"
#include "algos/lr/lr_problem.h"

typedef struct psi_lr_learner {
    const psi_lr_problem *problem; /* borrowed */
    uint32_t rank;
    float **rows;                     /* owned, [rows]: where the rows that a clock needs lie */
    float *squares;                   /* owned, [weights]: of the adaptive schedule; else NULL */
    psi_lr_normal normal;             /* of the normalized schedule */
    float *margins;                   /* owned, [delay + 1]: of gradients not used yet, by visit */
    uint64_t first, visit, visit_end; /* of the clock: the oldest gradient that it will use */
    uint32_t *pairs;                  /* owned, [pairs_max]: places, of visit after visit */
    size_t *pair_begins;              /* owned, [delay + batch]: of visit first + i */
    size_t pairs_max;
    psi_lr_progress progress;
} psi_lr_learner;

/* Worker `rank` of the problem. PS_OK or PS_ENOMEM; the learner is then safe to release. */
PS_MUST_CHECK ps_err psi_lr_learner_init(psi_lr_learner *learner, const psi_lr_problem *problem,
                                         uint32_t rank);
void psi_lr_learner_fini(psi_lr_learner *learner);

/* Begins a clock and returns the units of its visits. O(visits). */
double psi_lr_learner_begin(psi_lr_learner *learner);

/* Adds the rows that the clock will touch to `set`: those of its visits, and of the ones before
 * whose gradients are still to be used. Keeps the places of their pairs, as far as there is room.
 * O(units), or O(visits) without pairs when all rows are in the set. */
void psi_lr_learner_find(psi_lr_learner *learner, psi_lr_row_set *set);

/* Makes the visits of the clock; `rows` of the set that was found are filled in. O(units). */
void psi_lr_learner_visit(psi_lr_learner *learner);

#endif
