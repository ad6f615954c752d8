#include "algos/online/stream.h"

#include <math.h>
#include <stdlib.h>

#include <gsl/gsl_math.h>
#include <gsl/gsl_randist.h>

#include "tortoise/random.h"

void psi_stream_fini(psi_stream *stream) {
    free(stream->a);
    free(stream->y);
    *stream = (psi_stream){0};
}

/* The hidden truth at round t: it turns in the plane of the first two coordinates. */
static double truth_dot(const psi_stream_spec *spec, const double *u, const double *a, uint64_t t) {
    double sum = psi_dot(u, a, spec->dimension);
    if (spec->order == PSI_ORDER_DRIFT && spec->dimension > 1) {
        const double angle = 2 * M_PI * (double)(t % spec->block) / (double)spec->block;
        const double along = cos(angle), across = cos(angle - M_PI_2);
        sum += ((along - 1) * u[0] - across * u[1]) * a[0] +
               (across * u[0] + (along - 1) * u[1]) * a[1];
    } else if (spec->order == PSI_ORDER_DRIFT) {
        sum *= t % spec->block < spec->block / 2 ? 1 : -1;
    }
    return sum;
}

static void direction_draw(gsl_rng *rng, uint32_t dimension, double *a_out) {
    if (dimension == 1) {
        a_out[0] = 1;
    } else {
        gsl_ran_dir_nd(rng, dimension, a_out);
    }
}

static void rounds_fill(const psi_stream_spec *spec, gsl_rng *rng, psi_stream *stream) {
    double u[PSI_SET_DIMENSION_MAX];
    const uint32_t dimension = spec->dimension;
    ps_random_gsl(rng, ps_random_stream(spec->seed, "online-truth", 0));
    direction_draw(rng, dimension, u);
    ps_random_gsl(rng, ps_random_stream(spec->seed, "online-examples", 0));
    for (uint64_t t = 0; t < spec->round_count; t++) {
        double *const a = stream->a + t * dimension;
        if (spec->order == PSI_ORDER_ALTERNATE) {
            a[0] = 1;
            stream->y[t] = t / spec->block % 2 == 0 ? 1 : -1;
            continue;
        }
        if (spec->order == PSI_ORDER_BLOCK && t % spec->block != 0) {
            for (uint32_t i = 0; i < dimension; i++) {
                a[i] = a[(ptrdiff_t)i - (ptrdiff_t)dimension];
            }
            stream->y[t] = stream->y[t - 1];
            continue;
        }
        direction_draw(rng, dimension, a);
        const double sign = truth_dot(spec, u, a, t) < 0 ? -1 : 1;
        const double coin = gsl_rng_uniform(rng) < 0.5 ? -1 : 1;
        stream->y[t] = gsl_rng_uniform(rng) < spec->noise ? coin : sign;
    }
}

ps_err psi_stream_make(const psi_stream_spec *spec, psi_stream *stream_out) {
    gsl_rng *const rng = gsl_rng_alloc(ps_random_gsl_type());
    *stream_out = (psi_stream){.dimension = spec->dimension, .round_count = spec->round_count};
    stream_out->a = calloc(spec->round_count, spec->dimension * sizeof *stream_out->a);
    stream_out->y = calloc(spec->round_count, sizeof *stream_out->y);
    const int has_all = rng != NULL && stream_out->a != NULL && stream_out->y != NULL;
    if (has_all) {
        rounds_fill(spec, rng, stream_out);
    } else {
        psi_stream_fini(stream_out);
    }
    if (rng != NULL) {
        gsl_rng_free(rng);
    }
    return has_all ? PS_OK : PS_ENOMEM;
}

static uint32_t delay_draw(gsl_rng *rng, psi_delay_kind kind, uint32_t tau, uint64_t t) {
    static const double exponent = 1.5; /* of Pareto: the mean of what is above 1 is 3 */
    const double mean = tau;
    switch (kind) {
    case PSI_DELAY_FIXED:
        return tau;
    case PSI_DELAY_GEOMETRIC:
        return gsl_ran_geometric(rng, 1 / (1 + mean)) - 1;
    case PSI_DELAY_HEAVY:
        return (uint32_t)fmin(gsl_ran_pareto(rng, exponent, mean / 3), 1e9);
    case PSI_DELAY_BURST:
        break;
    }
    return tau - (uint32_t)(t % ((uint64_t)tau + 1));
}

ps_err psi_delays_make(psi_delay_kind kind, uint32_t tau, uint64_t round_count, uint64_t seed,
                       uint32_t *delays_out) {
    gsl_rng *const rng = gsl_rng_alloc(ps_random_gsl_type());
    if (rng == NULL) {
        return PS_ENOMEM;
    }
    ps_random_gsl(rng, ps_random_stream(seed, "online-delays", 0));
    for (uint64_t t = 0; t < round_count; t++) {
        delays_out[t] = tau == 0 ? 0 : delay_draw(rng, kind, tau, t);
    }
    gsl_rng_free(rng);
    return PS_OK;
}
