#include "algos/finite/examples.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>

#include <gsl/gsl_eigen.h>
#include <gsl/gsl_matrix.h>
#include <gsl/gsl_randist.h>
#include <gsl/gsl_vector.h>

#include "tortoise/random.h"

/* In one dimension GSL has no directions. */
static void direction_draw(gsl_rng *rng, uint32_t dimension, double *a_out) {
    if (dimension == 1) {
        a_out[0] = gsl_rng_uniform(rng) < 0.5 ? -1 : 1;
    } else {
        gsl_ran_dir_nd(rng, dimension, a_out);
    }
}

/* Moves a on the sphere until |a . u| is `margin`: along u, the rest is made shorter. */
static void margin_keep(const psi_finite_spec *spec, const double *u, double *a) {
    const uint32_t d = spec->dimension;
    const double along = psi_dot(a, u, d), across = sqrt(fmax(1 - along * along, 0));
    if (fabs(along) >= spec->margin || !(across > 0)) {
        return;
    }
    const double wanted = along < 0 ? -spec->margin : spec->margin;
    const double shrunk = sqrt(1 - wanted * wanted) / across;
    for (uint32_t i = 0; i < d; i++) {
        a[i] = wanted * u[i] + shrunk * (a[i] - along * u[i]);
    }
}

static void examples_fill(const psi_finite_spec *spec, gsl_rng *rng, psi_stream *examples,
                          double *u) {
    const uint32_t d = spec->dimension;
    ps_random_gsl(rng, ps_random_stream(spec->seed, "finite-separator", 0));
    direction_draw(rng, d, u);
    for (uint32_t i = 0; spec->directions == PSI_DIRECTIONS_AXES && i < d; i++) {
        u[i] = u[i] < 0 ? -1 / sqrt(d) : 1 / sqrt(d);
    }
    ps_random_gsl(rng, ps_random_stream(spec->seed, "finite-examples", 0));
    for (uint64_t n = 0; n < spec->count; n++) {
        double *const a = examples->a + n * d;
        if (spec->directions == PSI_DIRECTIONS_AXES) {
            a[n % d] = 1;
        } else {
            direction_draw(rng, d, a);
            margin_keep(spec, u, a);
        }
        const double sign = psi_dot(a, u, d) < 0 ? -1 : 1;
        const double coin = gsl_rng_uniform(rng) < 0.5 ? -1 : 1;
        examples->y[n] = gsl_rng_uniform(rng) < spec->noise ? coin : sign;
    }
}

ps_err psi_finite_examples_make(const psi_finite_spec *spec, psi_stream *examples_out,
                                double separator_out[PSI_SET_DIMENSION_MAX]) {
    gsl_rng *const rng = gsl_rng_alloc(ps_random_gsl_type());
    *examples_out = (psi_stream){.dimension = spec->dimension, .round_count = spec->count};
    examples_out->a = calloc(spec->count, spec->dimension * sizeof *examples_out->a);
    examples_out->y = calloc(spec->count, sizeof *examples_out->y);
    const int has_all = rng != NULL && examples_out->a != NULL && examples_out->y != NULL;
    if (has_all) {
        examples_fill(spec, rng, examples_out, separator_out);
    } else {
        psi_stream_fini(examples_out);
    }
    if (rng != NULL) {
        gsl_rng_free(rng);
    }
    return has_all ? PS_OK : PS_ENOMEM;
}

/* What rounding may do to a sum of d products of numbers whose squares sum to 1 or so. */
static double rounding_of(uint32_t dimension) {
    return 4 * (dimension + 2.0) * DBL_EPSILON;
}

double psi_finite_margin(const psi_stream *examples, const double *separator) {
    const uint32_t d = examples->dimension;
    const double norm = sqrt(psi_dot(separator, separator, d));
    double least = INFINITY;
    for (uint64_t n = 0; n < examples->round_count; n++) {
        least = fmin(least, examples->y[n] * psi_dot(examples->a + n * d, separator, d) / norm);
    }
    return least - rounding_of(d);
}

double psi_finite_norm_max(const psi_stream *examples) {
    const uint32_t d = examples->dimension;
    double most = 0;
    for (uint64_t n = 0; n < examples->round_count; n++) {
        most = fmax(most, sqrt(psi_dot(examples->a + n * d, examples->a + n * d, d)));
    }
    return most * (1 + rounding_of(d));
}

static void moments_sum(const psi_stream *examples, const psi_part *part, gsl_matrix *sum) {
    const uint32_t d = examples->dimension, stride = part->coordinate_stride;
    for (uint64_t n = part->first_example; n < examples->round_count; n += part->example_stride) {
        const double *const a = examples->a + n * d;
        for (uint32_t i = part->first_coordinate; i < d; i += stride) {
            for (uint32_t j = part->first_coordinate; j < d; j += stride) {
                *gsl_matrix_ptr(sum, i, j) += a[i] * a[j];
            }
        }
    }
}

ps_err psi_finite_curvature(const psi_stream *examples, const psi_part *part,
                            double *curvature_out) {
    const uint32_t d = examples->dimension;
    gsl_matrix *const sum = gsl_matrix_calloc(d, d);
    gsl_vector *const values = gsl_vector_alloc(d);
    gsl_eigen_symm_workspace *const workspace = gsl_eigen_symm_alloc(d);
    const int has_all = sum != NULL && values != NULL && workspace != NULL;
    int is_found = 0;
    if (has_all) {
        moments_sum(examples, part, sum);
        is_found = gsl_eigen_symm(sum, values, workspace) == 0;
        *curvature_out = is_found ? gsl_vector_max(values) : NAN;
    }
    gsl_matrix_free(sum);
    gsl_vector_free(values);
    gsl_eigen_symm_free(workspace);
    return has_all && is_found ? PS_OK : PS_ENOMEM;
}
