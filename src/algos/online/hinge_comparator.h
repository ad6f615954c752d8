/* The best fixed point for hinge losses, which have no gradient where it matters most: a
 * primal-dual interior-point method (Mehrotra 1992; Wright 1997), with a true duality gap.
 *
 *     primal  P(x) = sum_t max(0, 1 - z_t . x) + T lambda/2 ||x||^2,  x in X,   z_t = y_t a_t
 *     dual    D(alpha) = sum_t alpha_t
 *                        + min over x in X of (T lambda/2 ||x||^2 - x . sum_t alpha_t z_t),
 *             0 <= alpha_t <= 1
 *
 * D(alpha) <= P(x) for all alpha and x, and the inner minimum is written down: so P(x) - D(alpha)
 * bounds how far x is from the best, however alpha was found. */
#ifndef PSI_HINGE_COMPARATOR_H
#define PSI_HINGE_COMPARATOR_H

#include "algos/online/comparator.h"

/* Improves *best (x, value, gap) until its gap is at most `gap_wanted`, or 100 steps were made, or
 * rounding stops it. Without memory *best stays as it was. O(rounds x d^2) a step. */
void psi_hinge_find(const psi_game *game, uint64_t round_count, double gap_wanted,
                    psi_comparator *best);

#endif
