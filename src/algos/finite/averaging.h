/* ParallelSGD (Zinkevich, Weimer, Smola and Li 2010): k machines, each of which takes T steps
 *
 *     w <- w - eta (grad l(w, example) + lambda w)      from w = 0, examples drawn at random
 *
 * with a fixed eta and without a word to the others; their average is the result. Means over the
 * draws are estimated from repetitions (replicas), all of which a worker makes at once: its row is
 * [replicas][d]. */
#ifndef PSI_AVERAGING_H
#define PSI_AVERAGING_H

#include "algos/finite/finite_problem.h"

typedef struct psi_machine {
    const psi_finite_problem *problem; /* borrowed */
    double *w;                         /* owned, [replicas][d] */
    ps_random *draws;                  /* owned, [replicas] */
    psi_finite_log log;
} psi_machine;

/* Returns PS_OK or PS_ENOMEM; psi_machine_fini() is safe either way. O(replicas d). */
PS_MUST_CHECK ps_err psi_machine_init(psi_machine *machine, const psi_finite_problem *problem,
                                      uint32_t rank);
void psi_machine_fini(psi_machine *machine);

/* `count` steps of every replica. O(count replicas d). */
void psi_machine_steps(psi_machine *machine, uint64_t count);

/* What the theorems speak of, estimated from the rows of k = P machines. */
typedef struct psi_averages {
    double mean_value, value_error; /* of c(average of k), over replicas; its standard error */
    double value_of_mean;           /* c(average of all machines of all replicas) */
    double mean_distance, distance_error; /* of ||w - w*||^2, one machine */
} psi_averages;

/* rows[p] is that of machine p. The distance is that to `best`, made longer by what the gap allows.
 * O(replicas (N + P) d). */
psi_averages psi_averages_make(const psi_finite_problem *problem, const double *const *rows);

#endif
