/* Iterative parameter mixing of perceptrons (McDonald, Hall and Mann 2010). In epoch n each worker
 * goes once through its own examples (those at rank, rank + P, ...), from the common weights w^n:
 *
 *     where y (a . w) <= 0:  w += y a, a mistake        w^{n+1} = sum over i of mu_{i,n} w^{i,n}
 *
 * mu uniform, or in proportion to the mistakes of the epoch. A clock is an epoch. The row of worker
 * i is [w^{i,n}, mistakes of epoch n, epochs done], and each worker mixes what it reads. */
#ifndef PSI_MIXING_H
#define PSI_MIXING_H

#include "algos/finite/finite_problem.h"

/* Columns of a row behind the weights. */
enum { PSI_MIXING_MISTAKES, PSI_MIXING_EPOCHS, PSI_MIXING_COLUMNS };

/* What rows say: w_out = sum of mu_i w^i, [d]; returns sum of mu_i k_i. rows[i] is that of worker
 * i. O(P d). */
double psi_mixing_mix(const psi_finite_problem *problem, const double *const *rows, double *w_out);

/* One epoch of worker `rank` from w, [d], which it changes. Returns the mistakes. O(N d / P). */
double psi_mixing_epoch(const psi_finite_problem *problem, uint32_t rank, double *w);

/* The share of all examples whose sign is wrong at w, or missing. O(N d). */
double psi_mixing_error(const psi_finite_problem *problem, const double *w);

#endif
