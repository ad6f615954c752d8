/* Online convex problems: losses of a margin, and sets to stay in, with their exact constants.
 *
 *     f(x) = phi(a . x, y) + lambda/2 ||x||^2,   x in X
 *
 *     linear        -y m
 *     hinge         max(0, 1 - y m)
 *     squared       (m - y)^2 / 2
 *     logistic      ln(1 + exp(-y m))
 *     smooth-hinge  0 for y m >= 1,  1/2 - y m for y m <= 0,  (1 - y m)^2 / 2 between
 *
 * Pure functions; vectors are of doubles and belong to the caller. */
#ifndef PSI_CONVEX_H
#define PSI_CONVEX_H

#include <stdint.h>

typedef enum psi_loss {
    PSI_LOSS_LINEAR,
    PSI_LOSS_HINGE,
    PSI_LOSS_SQUARED,
    PSI_LOSS_LOGISTIC,
    PSI_LOSS_SMOOTH_HINGE
} psi_loss;

/* phi at a margin, and a subgradient dphi/dm. O(1). */
double psi_loss_value(psi_loss loss, double margin, double label);
double psi_loss_slope(psi_loss loss, double margin, double label);

/* The largest |dphi/dm| where |m| <= margin_max and |y| <= 1, and the largest second derivative
 * (infinity where the first one jumps). */
double psi_loss_slope_max(psi_loss loss, double margin_max);
double psi_loss_curvature_max(psi_loss loss);

typedef enum psi_set_kind {
    PSI_SET_BALL,   /* ||x|| <= radius */
    PSI_SET_BOX,    /* |x_i| <= radius */
    PSI_SET_SIMPLEX /* x_i >= 0, sum x_i = radius */
} psi_set_kind;

typedef struct psi_set {
    psi_set_kind kind;
    uint32_t dimension; /* 1 .. PSI_SET_DIMENSION_MAX */
    double radius;      /* > 0 */
} psi_set;

enum { PSI_SET_DIMENSION_MAX = 256 };

/* The largest ||x - x'|| and the largest ||x|| in the set. */
double psi_set_diameter(const psi_set *set);
double psi_set_norm_max(const psi_set *set);

/* The largest ||x - start|| in the set. */
double psi_set_reach(const psi_set *set);

/* The point where learners start: 0, or the middle of the simplex. */
void psi_set_start(const psi_set *set, double *x_out);

/* Replaces x by the nearest point of the set. O(d), of the simplex O(d log d) (Held, Wolfe and
 * Crowder 1974). */
void psi_set_project(const psi_set *set, double *x);

/* A point v of the set with the least g . v. O(d). */
void psi_set_least(const psi_set *set, const double *g, double *v_out);

double psi_dot(const double *a, const double *b, uint32_t dimension);

#endif
