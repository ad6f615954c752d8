/* A round that is played at a stale sum of updates: what real workers read of the server, and what
 * virtual ones may read at worst. */
#ifndef PSI_STALE_READ_H
#define PSI_STALE_READ_H

#include <stdint.h>

#include "algos/online/online_problem.h"

/* What a round came to. */
typedef struct psi_played {
    double loss;
    psi_read read;
    int is_outside;  /* the point that the rounds before make may be outside of the set */
    int is_too_long; /* the update has a number above problem->update_max */
} psi_played;

/* Plays round t >= 1 at the sum `values` [d] that was read, which of dual averaging makes a point
 * that is projected, and fills update_out with u_t = -eta_t grad f_t(x), or without eta_t for dual
 * averaging. The lazy learner's point is projected, too. O(d). */
psi_played psi_stale_play(const psi_online_problem *problem, const double *values, psi_read read,
                          uint64_t t, double *update_out);

/* Adds round t to the log. O(1). */
void psi_stale_log(const psi_online_problem *problem, const psi_played *played, uint64_t t,
                   psi_online_log *log);

#endif
