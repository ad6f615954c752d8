#include <math.h>
#include <stdio.h>
#include <string.h>

#include <gsl/gsl_deriv.h>
#include <gsl/gsl_errno.h>

#include "algos/online/comparator.h"
#include "support/suite.h"
#include "tortoise/random.h"

enum { D_MAX = 6, LOSSES = 5, SETS = 3, SAMPLES = 300 };

static double between(ps_random *random, double low, double high) {
    return low + (high - low) * ps_random_uniform(random);
}

/* A point of the set, corners and faces among them. */
static void point_draw(const psi_set *set, ps_random *random, double *x_out) {
    double sum = 0, squares = 0;
    for (uint32_t i = 0; i < set->dimension; i++) {
        x_out[i] =
            set->kind == PSI_SET_SIMPLEX ? -log(between(random, 1e-9, 1)) : between(random, -1, 1);
        sum += x_out[i];
        squares += x_out[i] * x_out[i];
    }
    for (uint32_t i = 0; i < set->dimension; i++) {
        if (set->kind == PSI_SET_SIMPLEX) {
            x_out[i] *= set->radius / sum;
        } else if (set->kind == PSI_SET_BALL) {
            x_out[i] *= set->radius / sqrt(squares);
        } else {
            x_out[i] *= set->radius;
        }
    }
}

static int is_in(const psi_set *set, const double *x) {
    double sum = 0, squares = 0, most = 0, least = INFINITY;
    for (uint32_t i = 0; i < set->dimension; i++) {
        sum += x[i];
        squares += x[i] * x[i];
        most = fmax(most, fabs(x[i]));
        least = fmin(least, x[i]);
    }
    switch (set->kind) {
    case PSI_SET_BALL:
        return sqrt(squares) <= set->radius * (1 + 1e-12);
    case PSI_SET_BOX:
        return most <= set->radius;
    case PSI_SET_SIMPLEX:
        break;
    }
    return least >= 0 && fabs(sum - set->radius) <= 1e-12 * set->radius;
}

/* p is the nearest point of a convex set exactly when <x - p, v - p> <= 0 for all v of the set. */
static void a_projection_is_the_nearest_point(void) {
    ps_random random = ps_random_stream(1, "projection", 0);
    for (int n = 0; n < 600; n++) {
        const psi_set set = {.kind = (psi_set_kind)(n % SETS),
                             .dimension = 1 + (uint32_t)(n / SETS) % D_MAX,
                             .radius = between(&random, 0.1, 3)};
        double x[D_MAX], p[D_MAX], v[D_MAX];
        for (uint32_t i = 0; i < set.dimension; i++) {
            x[i] = between(&random, -4, 4);
            p[i] = x[i];
        }
        psi_set_project(&set, p);
        CU_ASSERT_FATAL(is_in(&set, p));
        for (int sample = 0; sample < SAMPLES; sample++) {
            point_draw(&set, &random, v);
            double product = 0;
            for (uint32_t i = 0; i < set.dimension; i++) {
                product += (x[i] - p[i]) * (v[i] - p[i]);
            }
            CU_ASSERT(product <= 1e-9);
        }
        memcpy(x, p, sizeof x);
        psi_set_project(&set, p); /* what is in the set stays where it is */
        for (uint32_t i = 0; i < set.dimension; i++) {
            CU_ASSERT_DOUBLE_EQUAL(p[i], x[i], 1e-12);
        }
    }
}

static void sizes_of_sets_are_the_largest_distances(void) {
    ps_random random = ps_random_stream(2, "sizes", 0);
    for (int n = 0; n < SETS * D_MAX; n++) {
        const psi_set set = {.kind = (psi_set_kind)(n % SETS),
                             .dimension = 1 + (uint32_t)(n / SETS),
                             .radius = between(&random, 0.1, 3)};
        double v[D_MAX], w[D_MAX], g[D_MAX], start[D_MAX], least[D_MAX];
        double widest = 0, longest = 0, furthest = 0;
        psi_set_start(&set, start);
        CU_ASSERT(is_in(&set, start));
        for (int sample = 0; sample < 20 * SAMPLES; sample++) {
            double across = 0, away = 0;
            point_draw(&set, &random, g);
            g[0] -= sample % 2;        /* any direction */
            psi_set_least(&set, g, v); /* corners */
            for (uint32_t i = 0; i < set.dimension; i++) {
                g[i] = -g[i];
            }
            psi_set_least(&set, g, w);
            point_draw(&set, &random, least);
            CU_ASSERT(psi_dot(g, w, set.dimension) <= psi_dot(g, least, set.dimension) + 1e-12);
            for (uint32_t i = 0; i < set.dimension; i++) {
                across += (v[i] - w[i]) * (v[i] - w[i]);
                away += (v[i] - start[i]) * (v[i] - start[i]);
            }
            widest = fmax(widest, sqrt(across));
            furthest = fmax(furthest, sqrt(away));
            longest = fmax(longest, sqrt(psi_dot(v, v, set.dimension)));
        }
        CU_ASSERT(widest <= psi_set_diameter(&set) + 1e-12);
        CU_ASSERT(widest >= psi_set_diameter(&set) * 0.999 || set.dimension > 4);
        CU_ASSERT_DOUBLE_EQUAL(longest, psi_set_norm_max(&set), 1e-9 * set.radius);
        CU_ASSERT_DOUBLE_EQUAL(furthest, psi_set_reach(&set), 1e-9 * set.radius);
    }
}

typedef struct at {
    psi_loss loss;
    double label;
} at;

static double value_at(double margin, void *params) {
    const at *const where = params;
    return psi_loss_value(where->loss, margin, where->label);
}

/* Slopes by differences, and constants that no sample beats and one comes near to. */
static void slopes_and_constants_are_those_of_the_losses(void) {
    for (int loss = 0; loss < LOSSES; loss++) {
        const double margin_max = 3;
        double steepest = 0, most_curved = 0;
        for (double label = -1; label <= 1; label += 2) {
            at where = {.loss = (psi_loss)loss, .label = label};
            const gsl_function function = {.function = value_at, .params = &where};
            for (double m = -margin_max; m <= margin_max + 1e-9; m += 0.0625) {
                double slope = 0, error = 0;
                const int at_a_kink = fabs(fabs(m) - 1) < 1e-9 || fabs(m) < 1e-9;
                (void)gsl_deriv_central(&function, m, 1e-4, &slope, &error);
                const double ours = psi_loss_slope((psi_loss)loss, m, label);
                CU_ASSERT(at_a_kink || fabs(slope - ours) < 1e-6);
                steepest = fmax(steepest, fabs(ours));
                const double further = psi_loss_slope((psi_loss)loss, m + 1e-3, label);
                most_curved = fmax(most_curved, fabs(further - ours) / 1e-3);
            }
        }
        const double curvature = psi_loss_curvature_max((psi_loss)loss);
        CU_ASSERT_DOUBLE_EQUAL(steepest, psi_loss_slope_max((psi_loss)loss, margin_max), 1e-6);
        CU_ASSERT(isinf(curvature) ? most_curved > 100 : fabs(most_curved - curvature) < 1e-3);
    }
}

/* No other way to look finds a better point than the certificate allows. */
static void the_comparator_is_as_good_as_its_certificate_says(void) {
    (void)gsl_set_error_handler_off();
    ps_random random = ps_random_stream(3, "comparator", 0);
    for (int n = 0; n < LOSSES * SETS * 4; n++) {
        const psi_loss loss = (psi_loss)(n % LOSSES);
        const psi_set set = {.kind = (psi_set_kind)(n / LOSSES % SETS),
                             .dimension = 1 + (uint32_t)n % D_MAX,
                             .radius = 1.5};
        const psi_stream_spec spec = {.order = PSI_ORDER_IID,
                                      .dimension = set.dimension,
                                      .round_count = 300,
                                      .block = 1,
                                      .noise = 0.3,
                                      .seed = (uint64_t)n};
        psi_stream stream;
        CU_ASSERT_EQUAL_FATAL(psi_stream_make(&spec, &stream), PS_OK);
        const psi_game game = {
            .loss = loss, .lambda = n % 2 == 0 ? 0 : 0.2, .set = set, .stream = &stream};
        psi_comparator best;
        psi_comparator_find(&game, spec.round_count, &best);
        CU_ASSERT(is_in(&set, best.x));
        if (!(best.gap >= 0 && best.gap <= 1e-10 * 300)) {
            printf("loss %d on set %d of %u dimensions: gap %g\n", loss, set.kind, set.dimension,
                   best.gap);
        }
        CU_ASSERT(best.gap >= 0 && best.gap <= 1e-10 * 300);
        for (int sample = 0; sample < 200; sample++) {
            double v[D_MAX], value = 0;
            point_draw(&set, &random, v);
            for (uint32_t i = 0; i < set.dimension; i++) { /* near and far */
                v[i] = best.x[i] + (v[i] - best.x[i]) * (sample % 2 == 0 ? 1 : 1e-3);
            }
            for (uint64_t t = 0; t < spec.round_count; t++) {
                value += psi_game_value(&game, t, v);
            }
            CU_ASSERT(value >= best.value - best.gap - 1e-9);
        }
        psi_stream_fini(&stream);
    }
}

/* ---- Hinge losses once more, in two dimensions: a sum of them is least at a corner ---- */

enum { HINGES = 30, LINES = HINGES + 4 };

typedef struct line {
    double a[2], c; /* a . x = c */
} line;

static double value_of(const psi_game *game, const double *x) {
    double value = 0;
    for (uint64_t t = 0; t < HINGES; t++) {
        value += psi_game_value(game, t, x);
    }
    return value;
}

/* The least of all corners that two lines make in the box: kinks y a . x = 1, and edges. */
static double best_corner(const psi_game *game) {
    line lines[LINES];
    double least = INFINITY;
    for (int i = 0; i < LINES; i++) {
        const double edge = i % 2 == 0 ? game->set.radius : -game->set.radius;
        const double *const a = game->stream->a + (ptrdiff_t)i * 2;
        lines[i] = i < HINGES ? (line){{a[0], a[1]}, game->stream->y[i]}
                              : (line){{i < HINGES + 2, i >= HINGES + 2}, edge};
    }
    for (int i = 0; i < LINES; i++) {
        for (int j = 0; j < i; j++) {
            const line *const p = &lines[i], *const q = &lines[j];
            const double area = p->a[0] * q->a[1] - p->a[1] * q->a[0];
            const double x[2] = {(p->c * q->a[1] - p->a[1] * q->c) / area,
                                 (p->a[0] * q->c - p->c * q->a[0]) / area};
            const double most = fmax(fabs(x[0]), fabs(x[1]));
            if (fabs(area) > 1e-9 && most <= game->set.radius * (1 + 1e-12)) {
                least = fmin(least, value_of(game, x));
            }
        }
    }
    return least;
}

/* The certificate is below the true minimum and the value above it, both by little: a dual that is
 * too large would make regrets too small without a sign of it. */
static void the_best_of_hinges_is_a_corner(void) {
    for (uint64_t seed = 0; seed < 60; seed++) {
        const psi_stream_spec spec = {.order = PSI_ORDER_IID,
                                      .dimension = 2,
                                      .round_count = HINGES,
                                      .block = 1,
                                      .noise = 0.4,
                                      .seed = seed};
        psi_stream stream;
        CU_ASSERT_EQUAL_FATAL(psi_stream_make(&spec, &stream), PS_OK);
        const psi_game game = {
            .loss = PSI_LOSS_HINGE,
            .set = {.kind = PSI_SET_BOX, .dimension = 2, .radius = seed % 3 == 0 ? 0.7 : 3.1},
            .stream = &stream};
        psi_comparator best;
        psi_comparator_find(&game, HINGES, &best);
        const double least = best_corner(&game);
        CU_ASSERT(best.gap <= 1e-10 * HINGES);
        CU_ASSERT_DOUBLE_EQUAL(best.value, least, 1e-8);
        CU_ASSERT(best.value - best.gap <= least + 1e-12 * HINGES);
        CU_ASSERT_DOUBLE_EQUAL(value_of(&game, best.x), best.value, 1e-12 * HINGES);
        psi_stream_fini(&stream);
    }
}

static const suite_test tests[] = {
    SUITE_TEST(a_projection_is_the_nearest_point),
    SUITE_TEST(sizes_of_sets_are_the_largest_distances),
    SUITE_TEST(slopes_and_constants_are_those_of_the_losses),
    SUITE_TEST(the_comparator_is_as_good_as_its_certificate_says),
    SUITE_TEST(the_best_of_hinges_is_a_corner),
};
SUITE_MAIN("online convex", tests)
