/* With slacks xi_t >= 0 and s_t = xi_t - (1 - z_t . x) >= 0, multipliers 1 - alpha_t and alpha_t:
 *
 *     T lambda x - sum_t alpha_t z_t + (multipliers of X) = 0
 *     xi_t (1 - alpha_t) = mu,   s_t alpha_t = mu,   the same for the constraints of X
 *
 * Newton's step for them, with all but dx eliminated, solves a system in d unknowns. mu goes to 0
 * with the mean of the products. */
#include "algos/online/hinge_comparator.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <gsl/gsl_errno.h>
#include <gsl/gsl_linalg.h>

enum { STEPS_MAX = 100, SIDES_MAX = 2 * PSI_SET_DIMENSION_MAX };
static const double nearly = 0.995; /* of the way to where something would become negative */

/* One round. */
typedef struct term {
    double xi, slack, alpha;
    double pull, weight; /* of the step: d alpha = weight (pull - z . dx) */
} term;

/* One inequality of the set: room >= 0, with its multiplier. */
typedef struct side {
    double room, multiplier, d_room, d_multiplier;
} side;

typedef struct interior {
    const psi_game *game;
    uint64_t round_count;
    uint32_t d, side_count;
    double x[PSI_SET_DIMENSION_MAX], dx[PSI_SET_DIMENSION_MAX];
    double mu;   /* aimed at */
    term *terms; /* owned, [round_count] */
    side sides[SIDES_MAX];
    gsl_matrix *matrix;             /* owned, d x d */
    gsl_vector *right, *ones, *way; /* owned, d */
} interior;

static void interior_fini(interior *in) {
    free(in->terms);
    if (in->matrix != NULL) {
        gsl_matrix_free(in->matrix);
    }
    gsl_vector *const vectors[] = {in->right, in->ones, in->way};
    for (int i = 0; i < 3; i++) {
        if (vectors[i] != NULL) {
            gsl_vector_free(vectors[i]);
        }
    }
}

/* z_t . v */
static double along(const interior *in, uint64_t t, const double *v) {
    const psi_stream *const stream = in->game->stream;
    return stream->y[t] * psi_dot(stream->a + t * in->d, v, in->d);
}

/* The room of an inequality of the set at x: of the box r - x_i, then r + x_i; of the simplex x_i;
 * of the ball (r^2 - ||x||^2) / 2. */
static double room_at(const interior *in, uint32_t i, const double *x) {
    const psi_set *const set = &in->game->set;
    switch (set->kind) {
    case PSI_SET_BALL:
        return 0.5 * (set->radius * set->radius - psi_dot(x, x, in->d));
    case PSI_SET_BOX:
        return set->radius + (i < in->d ? -x[i] : x[i - in->d]);
    case PSI_SET_SIMPLEX:
        break;
    }
    return x[i];
}

/* The derivative of a room along coordinate j. */
static double room_slope(const interior *in, uint32_t i, uint32_t j) {
    switch (in->game->set.kind) {
    case PSI_SET_BALL:
        return -in->x[j];
    case PSI_SET_BOX:
        return i % in->d != j ? 0 : i < in->d ? -1 : 1;
    case PSI_SET_SIMPLEX:
        break;
    }
    return i == j;
}

static int interior_init(interior *in, const psi_game *game, uint64_t round_count) {
    const uint32_t d = game->set.dimension;
    *in = (interior){.game = game, .round_count = round_count, .d = d};
    in->side_count = game->set.kind == PSI_SET_BALL ? 1 : game->set.kind == PSI_SET_BOX ? 2 * d : d;
    in->terms = calloc(round_count, sizeof *in->terms);
    in->matrix = gsl_matrix_alloc(d, d);
    in->right = gsl_vector_alloc(d);
    in->ones = gsl_vector_alloc(d);
    in->way = gsl_vector_alloc(d);
    if (in->terms == NULL || in->matrix == NULL || in->right == NULL || in->ones == NULL ||
        in->way == NULL) {
        return 0;
    }
    psi_set_start(&game->set, in->x);
    for (uint64_t t = 0; t < round_count; t++) {
        const double hinge = 1 - along(in, t, in->x);
        const double xi = fmax(hinge, 0) + 1;
        in->terms[t] = (term){.xi = xi, .slack = xi - hinge, .alpha = 0.5};
    }
    for (uint32_t i = 0; i < in->side_count; i++) {
        in->sides[i] = (side){.room = room_at(in, i, in->x), .multiplier = 1};
    }
    return 1;
}

/* The mean of all products, which is what is left of the gap for each. */
static double products_mean(const interior *in) {
    double sum = 0;
    for (uint64_t t = 0; t < in->round_count; t++) {
        const term *const one = &in->terms[t];
        sum += one->xi * (1 - one->alpha) + one->slack * one->alpha;
    }
    for (uint32_t i = 0; i < in->side_count; i++) {
        sum += in->sides[i].room * in->sides[i].multiplier;
    }
    return sum / (2 * (double)in->round_count + in->side_count);
}

static void matrix_add(interior *in, uint32_t i, uint32_t j, double value) {
    gsl_matrix_set(in->matrix, i, j, gsl_matrix_get(in->matrix, i, j) + value);
}

static void right_add(interior *in, uint32_t i, double value) {
    gsl_vector_set(in->right, i, gsl_vector_get(in->right, i) + value);
}

/* Rounds: alpha_t z_t moves to the right, with the part of d alpha that dx does not make. */
static void rounds_add(interior *in) {
    const psi_stream *const stream = in->game->stream;
    for (uint64_t t = 0; t < in->round_count; t++) {
        term *const one = &in->terms[t];
        const double beta = 1 - one->alpha;
        one->pull = in->mu / one->alpha - one->slack - in->mu / beta + one->xi;
        one->weight = 1 / (one->slack / one->alpha + one->xi / beta);
        const double *const a = stream->a + t * in->d;
        const double force = stream->y[t] * (one->alpha + one->weight * one->pull);
        for (uint32_t i = 0; i < in->d; i++) {
            double *const row = gsl_matrix_ptr(in->matrix, i, 0);
            const double weighted = one->weight * a[i];
            right_add(in, i, force * a[i]);
            for (uint32_t j = 0; j <= i; j++) {
                row[j] += weighted * a[j];
            }
        }
    }
}

/* The set: the multipliers of its inequalities and, of the ball, the curvature of its only one. */
static void set_add(interior *in) {
    const int is_ball = in->game->set.kind == PSI_SET_BALL;
    const double strong = (double)in->round_count * in->game->lambda;
    for (uint32_t i = 0; i < in->d; i++) {
        matrix_add(in, i, i, strong + (is_ball ? in->sides[0].multiplier : 0));
        right_add(in, i, -strong * in->x[i]);
    }
    for (uint32_t k = 0; k < in->side_count; k++) {
        const side *const one = &in->sides[k];
        for (uint32_t i = 0; i < in->d; i++) {
            const double slope = room_slope(in, k, i);
            if (slope == 0) {
                continue;
            }
            right_add(in, i, slope * in->mu / one->room);
            for (uint32_t j = 0; j <= i; j++) {
                matrix_add(in, i, j, one->multiplier / one->room * slope * room_slope(in, k, j));
            }
        }
    }
}

/* Of the simplex sum dx = 0, so this adds nothing; but at a corner there is no other curvature
 * along the coordinate that is not 0. */
static void simplex_add(interior *in) {
    double trace = 0;
    for (uint32_t i = 0; i < in->d; i++) {
        trace += gsl_matrix_get(in->matrix, i, i);
    }
    for (uint32_t i = 0; i < in->d; i++) {
        for (uint32_t j = 0; j <= i; j++) {
            matrix_add(in, i, j, trace / in->d);
        }
    }
}

/* Solves for dx; of the simplex with sum dx = 0. False where the matrix is singular to rounding. */
static int direction_find(interior *in) {
    gsl_matrix_set_zero(in->matrix);
    gsl_vector_set_zero(in->right);
    rounds_add(in);
    set_add(in);
    if (in->game->set.kind == PSI_SET_SIMPLEX) {
        simplex_add(in);
    }
    if (gsl_linalg_cholesky_decomp1(in->matrix) != GSL_SUCCESS ||
        gsl_linalg_cholesky_solve(in->matrix, in->right, in->way) != GSL_SUCCESS) {
        return 0;
    }
    double along_ones = 0, of_ones = 1;
    if (in->game->set.kind == PSI_SET_SIMPLEX) {
        gsl_vector_set_all(in->right, 1);
        if (gsl_linalg_cholesky_solve(in->matrix, in->right, in->ones) != GSL_SUCCESS) {
            return 0;
        }
        of_ones = 0;
        for (uint32_t i = 0; i < in->d; i++) {
            along_ones += gsl_vector_get(in->way, i);
            of_ones += gsl_vector_get(in->ones, i);
        }
    } else {
        gsl_vector_set_zero(in->ones);
    }
    int is_finite = 1;
    for (uint32_t i = 0; i < in->d; i++) {
        in->dx[i] = gsl_vector_get(in->way, i) - along_ones / of_ones * gsl_vector_get(in->ones, i);
        is_finite &= isfinite(in->dx[i]) != 0;
    }
    return is_finite;
}

/* How far `value` may go along `change`, at most `step`, and stay positive. */
static double shortened(double step, double value, double change) {
    return change < 0 ? fmin(step, -nearly * value / change) : step;
}

/* d alpha, and from it d xi and d s. */
static void term_changes(const interior *in, const term *one, double z_dx, double *d_alpha,
                         double *d_xi, double *d_slack) {
    const double beta = 1 - one->alpha;
    *d_alpha = one->weight * (one->pull - z_dx);
    *d_xi = (in->mu + one->xi * *d_alpha) / beta - one->xi;
    *d_slack = *d_xi + z_dx;
}

static double step_length(interior *in) {
    double step = 1;
    for (uint64_t t = 0; t < in->round_count; t++) {
        const term *const one = &in->terms[t];
        double d_alpha, d_xi, d_slack;
        term_changes(in, one, along(in, t, in->dx), &d_alpha, &d_xi, &d_slack);
        step = shortened(step, one->alpha, d_alpha);
        step = shortened(step, 1 - one->alpha, -d_alpha);
        step = shortened(step, one->xi, d_xi);
        step = shortened(step, one->slack, d_slack);
    }
    for (uint32_t k = 0; k < in->side_count; k++) {
        side *const one = &in->sides[k];
        one->d_room = 0;
        for (uint32_t i = 0; i < in->d; i++) {
            one->d_room += room_slope(in, k, i) * in->dx[i];
        }
        one->d_multiplier = (in->mu - one->multiplier * one->d_room) / one->room - one->multiplier;
        step = shortened(step, one->multiplier, one->d_multiplier);
        step = shortened(step, one->room, one->d_room);
    }
    return step;
}

/* Goes the step; where the ball bends away it is halved until x is inside. */
static double step_make(interior *in, double step) {
    double next[PSI_SET_DIMENSION_MAX];
    for (int halvings = 0; halvings < 60; halvings++) {
        for (uint32_t i = 0; i < in->d; i++) {
            next[i] = in->x[i] + step * in->dx[i];
        }
        if (in->game->set.kind != PSI_SET_BALL || room_at(in, 0, next) > 0) {
            break;
        }
        step *= 0.5;
    }
    for (uint64_t t = 0; t < in->round_count; t++) {
        term *const one = &in->terms[t];
        double d_alpha, d_xi, d_slack;
        term_changes(in, one, along(in, t, in->dx), &d_alpha, &d_xi, &d_slack);
        one->alpha += step * d_alpha;
        one->xi += step * d_xi;
        one->slack += step * d_slack;
    }
    for (uint32_t k = 0; k < in->side_count; k++) {
        side *const one = &in->sides[k];
        one->multiplier += step * one->d_multiplier;
        one->room = in->game->set.kind == PSI_SET_BALL ? room_at(in, k, next)
                                                       : one->room + step * one->d_room;
    }
    memcpy(in->x, next, in->d * sizeof *next);
    return step;
}

/* D(alpha), which is below all P. */
static double dual_value(const interior *in) {
    const psi_set *const set = &in->game->set;
    const psi_stream *const stream = in->game->stream;
    const double strong = (double)in->round_count * in->game->lambda;
    double force[PSI_SET_DIMENSION_MAX] = {0}, v[PSI_SET_DIMENSION_MAX], sum = 0;
    for (uint64_t t = 0; t < in->round_count; t++) {
        const double alpha = fmax(0, fmin(1, in->terms[t].alpha));
        sum += alpha;
        for (uint32_t i = 0; i < in->d; i++) {
            force[i] -= alpha * stream->y[t] * stream->a[t * in->d + i];
        }
    }
    if (strong > 0) {
        for (uint32_t i = 0; i < in->d; i++) {
            v[i] = -force[i] / strong;
        }
        psi_set_project(set, v);
    } else {
        psi_set_least(set, force, v);
    }
    return sum + psi_dot(force, v, in->d) + 0.5 * strong * psi_dot(v, v, in->d);
}

/* Keeps x if its gap is smaller than what is known. */
static void gap_note(const interior *in, psi_comparator *best) {
    double x[PSI_SET_DIMENSION_MAX], value = 0;
    memcpy(x, in->x, sizeof x);
    psi_set_project(&in->game->set, x); /* rounding may have left it */
    for (uint64_t t = 0; t < in->round_count; t++) {
        value += psi_game_value(in->game, t, x);
    }
    const double gap = value - dual_value(in);
    if (gap < best->gap) {
        memcpy(best->x, x, in->d * sizeof *x);
        best->value = value;
        best->gap = fmax(gap, 0);
    }
}

void psi_hinge_find(const psi_game *game, uint64_t round_count, double gap_wanted,
                    psi_comparator *best) {
    static const double near_centre = 0.1, far_from_it = 0.5;
    interior in;
    if (interior_init(&in, game, round_count)) {
        double share = far_from_it;
        for (int step = 0; step < STEPS_MAX && best->gap > gap_wanted; step++) {
            in.mu = share * products_mean(&in);
            if (!direction_find(&in)) {
                break;
            }
            share = step_make(&in, step_length(&in)) > 0.8 ? near_centre : far_from_it;
            gap_note(&in, best);
        }
    }
    interior_fini(&in);
}
