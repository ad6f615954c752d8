#include "lr/vw_reference.h"

#include <math.h>
#include <stdlib.h>

#include <gsl/gsl_roots.h>
#include <gsl/gsl_sf_lambert.h>

#include "support/suite.h"

typedef struct state {
    const vw_rules *rules;
    double *w, *s, *g; /* [features]: weights, scales, sums of squared gradients */
    double norm_sum;   /* N */
    double t;          /* examples so far, this one included */
} state;

double vw_lambert_of_exp(double z) {
    if (z < 500) {
        return gsl_sf_lambert_W0(exp(z));
    }
    double w = z; /* w + ln w = z: a contraction by 1 / w */
    for (int i = 0; i < 20; i++) {
        w = z - log(w);
    }
    return w;
}

/* d + exp(u) (exp(d) - 1) - q, which is 0 where the margin's path y p = u ... u + d ends. */
typedef struct path {
    double u, q;
} path;

static double path_rest(double d, void *params) {
    const path *const at = params;
    return d + exp(at->u) * expm1(d) - at->q;
}

/* The step along x of an importance weight of 1: -y s(1) of Table 1, with p the prediction and xx
 * the squared norm of x, both times the rates. The closed form, (xx + exp(y p) - W(exp(xx + y p +
 * exp(y p)))) / xx, is a difference of large numbers, so its equation is solved (Brent). */
static double invariant_step(double y, double p, double xx) {
    path at = {.u = fmin(y * p, 700), .q = xx};
    gsl_function rest = {.function = path_rest, .params = &at};
    double low = 0, high = fmin(xx, log1p(xx / exp(at.u)));
    if (!(path_rest(high, &at) > 0)) {
        return high / xx;
    }
    gsl_root_fsolver *const solver = gsl_root_fsolver_alloc(gsl_root_fsolver_brent);
    CU_ASSERT_EQUAL_FATAL(gsl_root_fsolver_set(solver, &rest, low, high), 0);
    double d = high;
    for (int i = 0; i < 100; i++) {
        CU_ASSERT_EQUAL_FATAL(gsl_root_fsolver_iterate(solver), 0);
        d = gsl_root_fsolver_root(solver);
        low = gsl_root_fsolver_x_lower(solver);
        high = gsl_root_fsolver_x_upper(solver);
        if (gsl_root_test_interval(low, high, 0, 1e-9) == 0) {
            break;
        }
    }
    gsl_root_fsolver_free(solver);
    return d / xx;
}

static void scales_grow(state *at, uint32_t j, double x) {
    if (fabs(x) <= at->s[j]) {
        return;
    }
    if (at->s[j] > 0) {
        const double ratio = at->s[j] / fabs(x);
        at->w[j] *= at->rules->is_adaptive ? ratio : ratio * ratio;
    }
    at->s[j] = fabs(x);
}

/* What multiplies the gradient of weight j. */
static double rate_of(const state *at, uint32_t j) {
    const vw_rules *const rules = at->rules;
    double rate = rules->eta;
    if (rules->is_adaptive && at->g[j] <= 0) { /* the square of a tiny gradient is 0 */
        return 0;
    }
    if (rules->is_adaptive) {
        rate /= sqrt(at->g[j]);
    } else {
        rate *= pow(rules->initial_t / (rules->initial_t + at->t - 1), rules->power_t);
    }
    if (rules->is_normalized) {
        const double share = at->t / at->norm_sum;
        rate *= rules->is_adaptive ? sqrt(share) / at->s[j] : share / (at->s[j] * at->s[j]);
    }
    return rate;
}

/* Returns the loss before the step. */
static double example_learn(state *at, const psi_examples *all, size_t i) {
    const double y = (double)all->labels[i];
    double p = 0;
    at->t += 1;
    for (size_t n = all->begins[i]; n < all->begins[i + 1]; n++) {
        const double x = (double)all->values[n];
        const uint32_t j = all->features[n];
        if (at->rules->is_normalized && x != 0) {
            scales_grow(at, j, x);
            at->norm_sum += x * x / (at->s[j] * at->s[j]);
        }
        p += at->w[j] * x;
    }
    const double slope = 1 / (1 + exp(y * p)); /* -y times the derivative of the loss */
    double xx = 0;
    for (size_t n = all->begins[i]; n < all->begins[i + 1]; n++) {
        const double x = (double)all->values[n];
        const uint32_t j = all->features[n];
        at->g[j] += slope * x * slope * x;
        xx += x != 0 ? rate_of(at, j) * x * x : 0;
    }
    const double step = at->rules->is_invariant && xx > 0 ? invariant_step(y, p, xx) : slope;
    for (size_t n = all->begins[i]; n < all->begins[i + 1]; n++) {
        const double x = (double)all->values[n];
        const uint32_t j = all->features[n];
        at->w[j] += x != 0 ? y * step * rate_of(at, j) * x : 0;
    }
    const double loss = log1p(exp(-fabs(p)));
    return y * p > 0 ? loss : loss + fabs(p);
}

double vw_reference_run(const psi_examples *examples, size_t feature_count, const vw_rules *rules,
                        double *weights_out) {
    state at = {.rules = rules};
    at.w = calloc(feature_count, sizeof *at.w);
    at.s = calloc(feature_count, sizeof *at.s);
    at.g = calloc(feature_count, sizeof *at.g);
    CU_ASSERT_FATAL(at.w != NULL && at.s != NULL && at.g != NULL);
    double loss = 0;
    for (size_t i = 0; i < examples->count; i++) {
        loss += example_learn(&at, examples, i);
    }
    for (size_t j = 0; j < feature_count && weights_out != NULL; j++) {
        weights_out[j] = at.w[j];
    }
    free(at.w);
    free(at.s);
    free(at.g);
    return loss / (double)examples->count;
}
