#include "algos/lr/lr_normal.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>

ps_err psi_lr_normal_init(psi_lr_normal *normal, const psi_lr_shape *shape,
                          const psi_examples *examples, double worker_count) {
    double most = 0;
    for (size_t i = 0; i < examples->count; i++) {
        const psi_lr_view x = psi_lr_view_of(shape, examples, i);
        const double units = psi_lr_units(&x);
        most = units > most ? units : most;
    }
    const size_t room = (size_t)most + 1;
    *normal = (psi_lr_normal){.worker_count = (float)worker_count};
    normal->gauges = calloc(psi_lr_weight_count(shape), sizeof *normal->gauges);
    for (size_t w = 0; normal->gauges != NULL && w < psi_lr_weight_count(shape); w++) {
        normal->gauges[w].inverse = INFINITY;
    }
    normal->rates = calloc(room, sizeof *normal->rates);
    normal->squares = calloc(room, sizeof *normal->squares);
    if (shape->is_quadratic) {
        normal->places = calloc(room, sizeof *normal->places);
        normal->values = calloc(room, sizeof *normal->values);
    }
    const int has_flat = normal->places != NULL && normal->values != NULL;
    const int has_all = normal->gauges != NULL && normal->rates != NULL && normal->squares != NULL;
    return has_all && (has_flat || !shape->is_quadratic) ? PS_OK : PS_ENOMEM;
}

void psi_lr_normal_fini(psi_lr_normal *normal) {
    free(normal->gauges);
    free(normal->rates);
    free(normal->squares);
    free(normal->places);
    free(normal->values);
}

/* An example in which pairs are features like others. */
typedef struct flat {
    const uint32_t *places;
    const float *values;
    size_t count;
} flat;

static flat flat_of(psi_lr_normal *normal, const psi_lr_shape *shape, const psi_lr_view *x) {
    if (!shape->is_quadratic) {
        return (flat){x->names, x->values, x->count};
    }
    if (normal->of != x->names) {
        psi_lr_flatten(shape, x, normal->places, normal->values);
        normal->of = x->names;
    }
    return (flat){normal->places, normal->values, x->count + psi_lr_pair_count(x)};
}

/* How far above its scale a value must be to count as larger: a product is not exact. */
static const float RATIO_MAX = 1.000001F;

/* The feature at `place` is larger than ever, or 0 before it was met. Returns |x| / s. */
static float scale_grow(const psi_lr_normal *normal, float *const *rows, uint32_t place,
                        float size) {
    psi_lr_gauge *const gauge = &normal->gauges[place];
    if (!(size >= FLT_MIN)) {
        return 0;
    }
    if (!isinf(gauge->inverse)) {
        const float ratio = 1 / (size * gauge->inverse), share = normal->worker_count;
        *psi_lr_weight_at(rows, place) *= share > 1 ? powf(ratio, 1 / share) : ratio;
    }
    gauge->inverse = 1 / size;
    return 1;
}

float psi_lr_normal_meet(psi_lr_normal *normal, const psi_lr_shape *shape, float *const *rows,
                         const psi_lr_view *x) {
    const flat all = flat_of(normal, shape, x);
    float norm = 0, margin = 0;
    for (size_t n = 0; n < all.count; n++) {
        const float size = fabsf(all.values[n]);
        float ratio = size * normal->gauges[all.places[n]].inverse;
        if (!(ratio <= RATIO_MAX)) { /* nan is 0 times infinity */
            ratio = scale_grow(normal, rows, all.places[n], size);
        }
        norm += ratio * ratio;
        margin += *psi_lr_weight_at(rows, all.places[n]) * all.values[n];
    }
    normal->norm_sum += (double)norm;
    normal->count += 1;
    return margin;
}

/* Adds the squares of an example's gradients, and makes the rates of its weights. Loops of one kind
 * of work each, for the sake of vectors. */
static void rates_make(psi_lr_normal *normal, const flat *all, float slope, float eta) {
    float *const rates = normal->rates, *const squares = normal->squares;
    for (size_t n = 0; n < all->count; n++) {
        psi_lr_gauge *const gauge = &normal->gauges[all->places[n]];
        const float gradient = slope * all->values[n];
        gauge->squares += gradient * gradient;
        squares[n] = gauge->squares;
        rates[n] = gauge->inverse <= FLT_MAX ? gauge->inverse : 0;
    }
    const double share = normal->norm_sum > 0 ? normal->count / normal->norm_sum : 0;
    const float common = eta * (float)sqrt(share / (double)normal->worker_count);
    for (size_t n = 0; n < all->count; n++) { /* the square of a tiny gradient may be 0 */
        const float known = squares[n] > 0 ? 1 : 0, square = squares[n] > 0 ? squares[n] : 1;
        rates[n] = known * (common * rates[n] / sqrtf(square));
    }
}

double psi_lr_invariant(double u, double q) {
    const double e = exp(u < 700 ? u : 700); /* beyond, d is nothing */
    const double bound = log1p(q / e);
    double d = q < bound ? q : bound; /* not below the solution, and the function is convex */
    for (int i = 0; i < 50; i++) {
        const double rest = d + e * expm1(d) - q;
        const double change = rest / (1 + e * exp(d));
        d -= change;
        if (!(fabs(change) > 1e-5 * d)) { /* the error is of the order of its square */
            break;
        }
    }
    return d;
}

void psi_lr_normal_learn(psi_lr_normal *normal, const psi_lr_shape *shape, const psi_lr_step *step,
                         float *const *rows, const psi_lr_view *x, psi_lr_scored asked) {
    const flat all = flat_of(normal, shape, x);
    const float slope = (float)psi_lr_slope((double)asked.score, asked.label);
    rates_make(normal, &all, slope, step->rate);
    float q = 0;
    for (size_t n = 0; n < all.count; n++) {
        q += normal->rates[n] * all.values[n] * all.values[n];
    }
    const double u = (double)asked.label * (double)asked.score;
    const float h = q > 0 ? (float)(psi_lr_invariant(u, (double)q) / (double)q) : 0;
    const float pull = asked.label > 0 ? h : -h;
    for (size_t n = 0; n < all.count; n++) {
        float *const weight = psi_lr_weight_at(rows, all.places[n]);
        *weight += pull * normal->rates[n] * all.values[n];
        if (step->inverse_shares != NULL) {
            *weight /= 1 + normal->rates[n] * step->l2 * step->inverse_shares[all.places[n]];
        }
    }
}
