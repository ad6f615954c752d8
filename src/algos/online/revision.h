/* What the bound of AdaptiveRevision is made of, as a run goes on (docs/theory.md): for each
 * coordinate z' with all gradients read, those in flight as well, and how far the points
 *
 *     u_{n+1} = u_n - eta_{n+tau} g_n,   eta_n = alpha / sqrt(z'_n)
 *
 * ever were from 0. Delays must all be tau. */
#ifndef PSI_REVISION_H
#define PSI_REVISION_H

#include "algos/online/convex.h"

typedef struct psi_revision {
    uint32_t dimension;
    double alpha, tau;
    double z[PSI_SET_DIMENSION_MAX], z_max[PSI_SET_DIMENSION_MAX]; /* from 1 on */
    double u[PSI_SET_DIMENSION_MAX], farthest[PSI_SET_DIMENSION_MAX];
    double total[PSI_SET_DIMENSION_MAX]; /* of all gradients that were read */
} psi_revision;

/* Begins at `start`, [d]. */
psi_revision psi_revision_make(const psi_set *set, double alpha, double tau);

/* Notes the gradient g_n of a round, [d]; `used` is the sum of those that were used before it, and
 * `oldest` is g_{n-tau}, or NULL in the first tau rounds. O(d). */
void psi_revision_note(psi_revision *revision, const double *gradient, const double *used,
                       const double *oldest);

/* sum over coordinates of (D^2 / (2 alpha) + alpha) sqrt(z'): D = radius and the farthest |u|, to
 * which tau steps of `slope` are added for what is in flight. O(d). */
double psi_revision_sum(const psi_revision *revision, double radius, double slope);

#endif
