#include "algos/online/convex.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

double psi_dot(const double *a, const double *b, uint32_t dimension) {
    double sum = 0;
    for (uint32_t i = 0; i < dimension; i++) {
        sum += a[i] * b[i];
    }
    return sum;
}

double psi_loss_value(psi_loss loss, double margin, double label) {
    const double z = label * margin;
    switch (loss) {
    case PSI_LOSS_LINEAR:
        return -z;
    case PSI_LOSS_HINGE:
        return z < 1 ? 1 - z : 0;
    case PSI_LOSS_SQUARED:
        return 0.5 * (margin - label) * (margin - label);
    case PSI_LOSS_LOGISTIC:
        return z < 0 ? log1p(exp(z)) - z : log1p(exp(-z));
    case PSI_LOSS_SMOOTH_HINGE:
        break;
    }
    if (z >= 1) {
        return 0;
    }
    return z <= 0 ? 0.5 - z : 0.5 * (1 - z) * (1 - z);
}

double psi_loss_slope(psi_loss loss, double margin, double label) {
    const double z = label * margin;
    switch (loss) {
    case PSI_LOSS_LINEAR:
        return -label;
    case PSI_LOSS_HINGE:
        return z < 1 ? -label : 0;
    case PSI_LOSS_SQUARED:
        return margin - label;
    case PSI_LOSS_LOGISTIC:
        return -label / (1 + exp(z));
    case PSI_LOSS_SMOOTH_HINGE:
        break;
    }
    if (z >= 1) {
        return 0;
    }
    return z <= 0 ? -label : -label * (1 - z);
}

double psi_loss_slope_max(psi_loss loss, double margin_max) {
    switch (loss) {
    case PSI_LOSS_SQUARED:
        return margin_max + 1;
    case PSI_LOSS_LOGISTIC:
        return 1 / (1 + exp(-margin_max));
    case PSI_LOSS_LINEAR:
    case PSI_LOSS_HINGE:
    case PSI_LOSS_SMOOTH_HINGE:
        break;
    }
    return 1;
}

double psi_loss_curvature_max(psi_loss loss) {
    switch (loss) {
    case PSI_LOSS_LINEAR:
        return 0;
    case PSI_LOSS_HINGE:
        return INFINITY;
    case PSI_LOSS_LOGISTIC:
        return 0.25;
    case PSI_LOSS_SQUARED:
    case PSI_LOSS_SMOOTH_HINGE:
        break;
    }
    return 1;
}

double psi_set_diameter(const psi_set *set) {
    switch (set->kind) {
    case PSI_SET_BALL:
        return 2 * set->radius;
    case PSI_SET_BOX:
        return 2 * set->radius * sqrt(set->dimension);
    case PSI_SET_SIMPLEX:
        break;
    }
    return set->dimension == 1 ? 0 : sqrt(2) * set->radius;
}

double psi_set_norm_max(const psi_set *set) {
    return set->kind == PSI_SET_BOX ? set->radius * sqrt(set->dimension) : set->radius;
}

double psi_set_reach(const psi_set *set) {
    return set->kind == PSI_SET_SIMPLEX ? set->radius * sqrt(1 - 1.0 / set->dimension)
                                        : psi_set_norm_max(set);
}

void psi_set_start(const psi_set *set, double *x_out) {
    for (uint32_t i = 0; i < set->dimension; i++) {
        x_out[i] = set->kind == PSI_SET_SIMPLEX ? set->radius / set->dimension : 0;
    }
}

static int falling(const void *left, const void *right) {
    const double a = *(const double *)left, b = *(const double *)right;
    return (a < b) - (a > b);
}

/* The threshold that leaves a sum of `radius`: of the largest k numbers that stay above it. */
static void project_to_simplex(const psi_set *set, double *x) {
    double sorted[PSI_SET_DIMENSION_MAX];
    memcpy(sorted, x, set->dimension * sizeof *x);
    qsort(sorted, set->dimension, sizeof *sorted, falling);
    double sum = 0, threshold = 0;
    for (uint32_t k = 0; k < set->dimension; k++) {
        sum += sorted[k];
        const double candidate = (sum - set->radius) / (k + 1);
        if (sorted[k] > candidate) {
            threshold = candidate;
        }
    }
    for (uint32_t i = 0; i < set->dimension; i++) {
        x[i] = x[i] > threshold ? x[i] - threshold : 0;
    }
}

void psi_set_project(const psi_set *set, double *x) {
    if (set->kind == PSI_SET_SIMPLEX) {
        project_to_simplex(set, x);
    } else if (set->kind == PSI_SET_BOX) {
        for (uint32_t i = 0; i < set->dimension; i++) {
            x[i] = fmax(-set->radius, fmin(set->radius, x[i]));
        }
    } else {
        const double norm = sqrt(psi_dot(x, x, set->dimension));
        for (uint32_t i = 0; i < set->dimension && norm > set->radius; i++) {
            x[i] *= set->radius / norm;
        }
    }
}

void psi_set_least(const psi_set *set, const double *g, double *v_out) {
    const double norm = sqrt(psi_dot(g, g, set->dimension));
    uint32_t least = 0;
    for (uint32_t i = 0; i < set->dimension; i++) {
        least = g[i] < g[least] ? i : least;
    }
    for (uint32_t i = 0; i < set->dimension; i++) {
        switch (set->kind) {
        case PSI_SET_BALL:
            v_out[i] = norm > 0 ? -set->radius * g[i] / norm : 0;
            break;
        case PSI_SET_BOX:
            v_out[i] = g[i] > 0 ? -set->radius : set->radius;
            break;
        case PSI_SET_SIMPLEX:
            v_out[i] = i == least ? set->radius : 0;
            break;
        }
    }
}
