/* The best fixed point in hindsight, x* = argmin over X of sum_t f_t(x), found by other means than
 * the learners', with a certificate of how good it is. */
#ifndef PSI_COMPARATOR_H
#define PSI_COMPARATOR_H

#include "algos/online/convex.h"
#include "algos/online/stream.h"

/* What is to be minimised. Borrowed. */
typedef struct psi_game {
    psi_loss loss;
    double lambda; /* >= 0 */
    psi_set set;
    const psi_stream *stream;
} psi_game;

/* f_t(x); and a subgradient of it. O(d). */
double psi_game_value(const psi_game *game, uint64_t t, const double *x);
void psi_game_gradient(const psi_game *game, uint64_t t, const double *x, double *gradient_out);

typedef struct psi_comparator {
    double x[PSI_SET_DIMENSION_MAX];
    double value; /* sum_t f_t(x*) */
    double gap;   /* certificate: value is at most so much above the least */
} psi_comparator;

/* Of rounds 0 .. round_count - 1:
 *   linear losses          closed form; the gap is that of rounding, and computed, too
 *   one dimension          bisection on the derivative; the gap is that between the tangents
 *   hinge                  interior points (hinge_comparator.h); the gap is that to the dual
 *   else                   accelerated projected gradient (Beck and Teboulle 2009), restarted;
 *                          the gap is that of Frank and Wolfe, max over v in X of <grad, x - v>
 * until the gap is below 1e-10 a round, or no longer falls.
 * O(rounds x d x steps). */
void psi_comparator_find(const psi_game *game, uint64_t round_count, psi_comparator *best_out);

/* A step of accelerated gradient: x becomes `next`, which was found from y, and y goes on beyond
 * it; where that would be against the step, it begins anew (O'Donoghue and Candes 2015). `momentum`
 * is 1 at first. Returns the momentum of the next step. O(d). */
double psi_accelerate(double *x, double *y, const double *next, uint32_t d, double momentum);

#endif
