/* The delayed (block) proximal gradient method (Li et al. 2013 and 2014), in one place: f is the
 * sum of the shards' f_i, each gradient of which is as old as it likes, up to tau steps.
 *
 *     g_t     = sum_i grad f_i(x_{t - d_{i,t}})
 *     x_{t+1} = argmin over x of h(x) + <g_t, x> + ||x - x_t||^2 / (2 gamma)
 *
 * in the block of step t. h(x) = l1 ||x||_1 in the box |x_i| <= radius, so each coordinate is
 * shrunk by gamma l1 and cut. */
#ifndef PSI_PROXIMAL_H
#define PSI_PROXIMAL_H

#include "algos/finite/finite_problem.h"

typedef struct psi_proximal {
    const psi_finite_problem *problem; /* borrowed */
    double *history;                   /* owned, [steps + 1][d]: every point */
    uint64_t step;                     /* that comes next */
    ps_random delays, blocks;
    psi_finite_log log;
} psi_proximal;

/* Returns PS_OK or PS_ENOMEM; psi_proximal_fini() is safe either way. At most
 * problem->facts.horizon steps may follow. */
PS_MUST_CHECK ps_err psi_proximal_init(psi_proximal *method, const psi_finite_problem *problem);
void psi_proximal_fini(psi_proximal *method);

/* One step. O(N d). */
void psi_proximal_step(psi_proximal *method);

/* x_t, of the step that comes next: [d]. */
const double *psi_proximal_point(const psi_proximal *method);

/* Adds the gradient of the mean loss of examples first, first + stride, ... (of all N) at x, and
 * lambda x in their share. O(N d). */
void psi_proximal_gradient_add(const psi_finite_problem *problem, uint64_t first, uint64_t stride,
                               const double *x, double *gradient);

/* The proximal map of h in one coordinate. */
double psi_proximal_map(const psi_finite_problem *problem, double value, double step);

/* Fills best, least and gap: accelerated proximal gradient without delay, restarted (Beck and
 * Teboulle 2009), until the gap is below 1e-12 or no longer falls. The gap is
 * max over v in the box of <grad f(x), x - v> + l1 (||x||_1 - ||v||_1). O(N d steps). */
void psi_proximal_least(psi_finite_problem *problem);

#endif
