#include "algos/online/comparator.h"

#include <math.h>
#include <string.h>

#include "algos/online/hinge_comparator.h"

enum { BISECTIONS = 200, STEPS_MAX = 20000, STEPS_PER_CHECK = 10 };
static const double gap_per_round = 1e-10;

double psi_game_value(const psi_game *game, uint64_t t, const double *x) {
    const uint32_t d = game->set.dimension;
    const double margin = psi_dot(game->stream->a + t * d, x, d);
    return psi_loss_value(game->loss, margin, game->stream->y[t]) +
           0.5 * game->lambda * psi_dot(x, x, d);
}

void psi_game_gradient(const psi_game *game, uint64_t t, const double *x, double *gradient_out) {
    const uint32_t d = game->set.dimension;
    const double *const a = game->stream->a + t * d;
    const double slope = psi_loss_slope(game->loss, psi_dot(a, x, d), game->stream->y[t]);
    for (uint32_t i = 0; i < d; i++) {
        gradient_out[i] = slope * a[i] + game->lambda * x[i];
    }
}

/* A point of all rounds together. */
typedef struct sums {
    double value, gradient[PSI_SET_DIMENSION_MAX];
} sums;

static void sums_make(const psi_game *game, uint64_t round_count, const double *x, sums *all) {
    double one[PSI_SET_DIMENSION_MAX];
    *all = (sums){.value = 0};
    for (uint64_t t = 0; t < round_count; t++) {
        psi_game_gradient(game, t, x, one);
        all->value += psi_game_value(game, t, x);
        for (uint32_t i = 0; i < game->set.dimension; i++) {
            all->gradient[i] += one[i];
        }
    }
}

/* max over v in X of <gradient, x - v>: no point of X is better by more, as the sum is convex. */
static double gap_of(const psi_game *game, const double *x, const sums *all) {
    double v[PSI_SET_DIMENSION_MAX];
    psi_set_least(&game->set, all->gradient, v);
    return psi_dot(all->gradient, x, game->set.dimension) -
           psi_dot(all->gradient, v, game->set.dimension);
}

/* Keeps x if it is certified better than what is known. */
static void keep_better(const psi_game *game, const double *x, const sums *all,
                        psi_comparator *best) {
    const double gap = gap_of(game, x, all);
    if (gap < best->gap) {
        memcpy(best->x, x, game->set.dimension * sizeof *x);
        best->value = all->value;
        best->gap = fmax(gap, 0);
    }
}

/* The sum is T lambda/2 ||x||^2 + g . x: its least point is the one of X that is nearest to that of
 * the whole space. */
static void linear_find(const psi_game *game, uint64_t round_count, psi_comparator *best) {
    double x[PSI_SET_DIMENSION_MAX] = {0};
    sums all;
    sums_make(game, round_count, x, &all);
    if (game->lambda > 0) {
        for (uint32_t i = 0; i < game->set.dimension; i++) {
            x[i] = -all.gradient[i] / ((double)round_count * game->lambda);
        }
        psi_set_project(&game->set, x);
    } else {
        psi_set_least(&game->set, all.gradient, x);
    }
    sums_make(game, round_count, x, &all);
    keep_better(game, x, &all, best);
}

/* Between `left` with a falling and `right` with a rising sum. The least value is above both
 * tangents where they meet. */
static void line_find(const psi_game *game, uint64_t round_count, psi_comparator *best) {
    double left = -game->set.radius, right = game->set.radius;
    sums at_left, at_right;
    sums_make(game, round_count, &left, &at_left);
    sums_make(game, round_count, &right, &at_right);
    keep_better(game, &left, &at_left, best);
    keep_better(game, &right, &at_right, best);
    for (int step = 0; step < BISECTIONS && best->gap > gap_per_round; step++) {
        const double middle = 0.5 * (left + right);
        sums at;
        if (!(middle > left && middle < right)) {
            break;
        }
        sums_make(game, round_count, &middle, &at);
        keep_better(game, &middle, &at, best);
        if (at.gradient[0] > 0) {
            right = middle;
            at_right = at;
        } else {
            left = middle;
            at_left = at;
        }
    }
    const double between = at_left.gradient[0] - at_right.gradient[0];
    const double least = fmin(at_left.value, at_right.value);
    if (!(between < 0)) {
        return;
    }
    const double meeting = (at_right.value - at_left.value + at_left.gradient[0] * left -
                            at_right.gradient[0] * right) /
                           between;
    const double below = at_left.value + at_left.gradient[0] * (meeting - left);
    const double gap = fmax(least - below, 0);
    if (gap < best->gap) {
        best->x[0] = at_left.value <= at_right.value ? left : right;
        best->value = least;
        best->gap = gap;
    }
}

double psi_accelerate(double *x, double *y, const double *next, uint32_t d, double momentum) {
    double uphill = 0;
    for (uint32_t i = 0; i < d; i++) {
        uphill += (y[i] - next[i]) * (next[i] - x[i]);
    }
    const double after = uphill > 0 ? 1 : 0.5 * (1 + sqrt(1 + 4 * momentum * momentum));
    for (uint32_t i = 0; i < d; i++) {
        y[i] = next[i] + (uphill > 0 ? 0 : (momentum - 1) / after) * (next[i] - x[i]);
        x[i] = next[i];
    }
    return after;
}

static void gradient_find(const psi_game *game, uint64_t round_count, psi_comparator *best) {
    const uint32_t d = game->set.dimension;
    const double smoothness =
        (double)round_count * (psi_loss_curvature_max(game->loss) + game->lambda);
    double x[PSI_SET_DIMENSION_MAX], y[PSI_SET_DIMENSION_MAX], next[PSI_SET_DIMENSION_MAX];
    double momentum = 1;
    sums all;
    psi_set_start(&game->set, x);
    memcpy(y, x, sizeof y);
    for (int step = 0; step < STEPS_MAX; step++) {
        sums_make(game, round_count, y, &all);
        for (uint32_t i = 0; i < d; i++) {
            next[i] = y[i] - all.gradient[i] / smoothness;
        }
        psi_set_project(&game->set, next);
        momentum = psi_accelerate(x, y, next, d, momentum);
        if (step % STEPS_PER_CHECK == 0) {
            sums_make(game, round_count, x, &all);
            keep_better(game, x, &all, best);
            if (best->gap <= gap_per_round * (double)round_count) {
                return;
            }
        }
    }
}

void psi_comparator_find(const psi_game *game, uint64_t round_count, psi_comparator *best_out) {
    *best_out = (psi_comparator){.gap = INFINITY};
    if (round_count == 0) {
        psi_set_start(&game->set, best_out->x);
        best_out->gap = 0;
    } else if (game->loss == PSI_LOSS_LINEAR) {
        linear_find(game, round_count, best_out);
    } else if (game->set.dimension == 1 && game->set.kind != PSI_SET_SIMPLEX) {
        line_find(game, round_count, best_out);
    } else if (game->loss == PSI_LOSS_HINGE) {
        psi_hinge_find(game, round_count, gap_per_round * (double)round_count, best_out);
    } else {
        gradient_find(game, round_count, best_out);
    }
}
