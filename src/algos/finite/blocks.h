/* Proximal gradient steps by several workers through the parameter server (after Li et al. 2014,
 * "delayed block proximal gradient"): worker p owns the coordinates p, p + P, ... and in each clock
 * moves them by one step from what it reads, its own block fresh and the others as old, or as new,
 * as the policy lets them be:
 *
 *     x^p_{c+1} = argmin over x^p of h(x^p) + <grad_p f(x~_c), x^p> + ||x^p - x^p_c||^2 / (2 gamma)
 *
 * The row of a worker is [its coordinates in their places, others 0; clocks done]. */
#ifndef PSI_BLOCKS_H
#define PSI_BLOCKS_H

#include "algos/finite/finite_problem.h"

/* x~ of rows: rows[p] is that of worker p. O(d). */
void psi_blocks_point(const psi_finite_problem *problem, const double *const *rows, double *x_out);

/* How many of the rows are more than s clocks away from `clock`. O(P). */
double psi_blocks_late(const psi_finite_problem *problem, const double *const *rows, double clock);

/* Moves the coordinates of worker `rank` in x, which is x~ with its own block fresh. Returns the
 * squared length of the move. O(N d). */
double psi_blocks_step(const psi_finite_problem *problem, uint32_t rank, double *x);

/* L and Lambda = sqrt(sum_p L_p^2): the gradient in block p changes by at most L_p times the
 * distance, where L_p^2 <= L L_pp and L_pp is of the block alone. PS_OK or PS_ENOMEM. */
PS_MUST_CHECK ps_err psi_blocks_constants(const psi_finite_problem *problem, double *smoothness_out,
                                          double *coupling_out);

#endif
