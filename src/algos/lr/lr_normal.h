/* Steps that need no care for the scale of features nor for the size of the step: normalised,
 * adaptive and invariant, which is what Vowpal Wabbit does by default. From the papers:
 *
 *  - Ross, Mineiro and Langford, "Normalized online learning", UAI 2013, Algorithm 2 (NAG). Per
 *    weight j a scale s_j, the largest |x_j| so far; when it grows, w_j <- w_j s_j / |x_j|. Then
 *
 *        N <- N + sum_j x_j^2 / s_j^2     G_j <- G_j + (dl/dw_j)^2
 *        rate_j = eta sqrt(t / N) / (s_j sqrt(G_j))
 *
 *  - Karampatziakis and Langford, "Online importance weight aware updates", UAI 2011. The step goes
 *    where infinitely many infinitely small ones on this example would, never beyond: with
 *    q = sum_j rate_j x_j^2 and u = y m, the new u + d solves d + exp(u) (exp(d) - 1) = q, and
 *
 *        w_j <- w_j + y (d / q) rate_j x_j
 *
 * A worker knows its own t, N, G and s. Of P workers it takes the others' gradients to be as large
 * as its own (P G_j), and shrinks a weight by the P-th root where all will do so. */
#ifndef PSI_LR_NORMAL_H
#define PSI_LR_NORMAL_H

#include "algos/lr/lr_model.h"

/* What is known of a weight. */
typedef struct psi_lr_gauge {
    float squares; /* G */
    float inverse; /* 1 / s; infinity: not met yet */
} psi_lr_gauge;

/* The state of one worker. All zero is safe to release. */
typedef struct psi_lr_normal {
    psi_lr_gauge *gauges; /* owned, [weights] */
    float *rates;         /* owned, [most units of an example] */
    float *squares;       /* owned, as many: of one example's weights */
    uint32_t *places;     /* owned, as many: with pairs, of one example; else NULL */
    float *values;        /* owned, as places */
    const uint32_t *of;   /* the names of that example; NULL: none yet */
    double norm_sum;      /* N */
    double count;         /* t */
    float worker_count;   /* P; 1 where workers do not add up */
} psi_lr_normal;

/* Room for all weights of the shape and any of the examples. PS_OK or PS_ENOMEM; the state is then
 * safe to release. O(weights + examples). */
PS_MUST_CHECK ps_err psi_lr_normal_init(psi_lr_normal *normal, const psi_lr_shape *shape,
                                        const psi_examples *examples, double worker_count);
void psi_lr_normal_fini(psi_lr_normal *normal);

/* Meets an example: scales grow, weights shrink, and then its margin is taken and returned. Values
 * below 1.2e-38 count as 0 for scales and steps. O(units). */
float psi_lr_normal_meet(psi_lr_normal *normal, const psi_lr_shape *shape, float *const *rows,
                         const psi_lr_view *x);

/* A step on an example whose margin was `margin`. Of `step`, rate, l2 and inverse_shares count; the
 * penalty is w_j <- w_j / (1 + rate_j l2 / share_j), which goes beyond 0 at no rate. O(units). */
void psi_lr_normal_learn(psi_lr_normal *normal, const psi_lr_shape *shape, const psi_lr_step *step,
                         float *const *rows, const psi_lr_view *x, psi_lr_scored asked);

/* The solution d >= 0 of d + exp(u) (exp(d) - 1) = q, q >= 0, relative to d to 1e-7. O(1). */
double psi_lr_invariant(double u, double q);

#endif
