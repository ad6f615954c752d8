#include "lr/lr_optimum.h"

#include <gsl/gsl_blas.h>
#include <gsl/gsl_multimin.h>

#include "support/suite.h"

static double margin_of(const gsl_vector *w, const psi_examples *examples, size_t i) {
    double margin = 0;
    for (size_t n = examples->begins[i]; n < examples->begins[i + 1]; n++) {
        margin += gsl_vector_get(w, examples->features[n]) * (double)examples->values[n];
    }
    return margin;
}

static double objective(const gsl_vector *w, void *params) {
    const psi_lr_problem *const problem = params;
    double sum = 0, norm = 0;
    for (size_t t = 0; t < problem->training_count; t++) {
        const size_t i = problem->training[t];
        sum += psi_lr_loss(margin_of(w, &problem->examples, i), problem->examples.labels[i]);
    }
    for (size_t j = 0; j + 1 < w->size; j++) {
        norm += gsl_vector_get(w, j) * gsl_vector_get(w, j);
    }
    return sum / (double)problem->training_count + 0.5 * problem->l2 * norm;
}

static void slope(const gsl_vector *w, void *params, gsl_vector *gradient) {
    const psi_lr_problem *const problem = params;
    const psi_examples *const examples = &problem->examples;
    gsl_vector_set_zero(gradient);
    for (size_t t = 0; t < problem->training_count; t++) {
        const size_t i = problem->training[t];
        const double part = psi_lr_slope(margin_of(w, examples, i), examples->labels[i]) /
                            (double)problem->training_count;
        for (size_t n = examples->begins[i]; n < examples->begins[i + 1]; n++) {
            *gsl_vector_ptr(gradient, examples->features[n]) += part * (double)examples->values[n];
        }
    }
    for (size_t j = 0; j + 1 < w->size; j++) {
        *gsl_vector_ptr(gradient, j) += problem->l2 * gsl_vector_get(w, j);
    }
}

static void both(const gsl_vector *w, void *params, double *value, gsl_vector *gradient) {
    *value = objective(w, params);
    slope(w, params, gradient);
}

double lr_optimum(psi_lr_problem *problem, int iterations, double gradient_max,
                  double *weights_out) {
    const size_t count = psi_lr_weight_count(&problem->shape);
    gsl_multimin_function_fdf function = {
        .f = objective, .df = slope, .fdf = both, .n = count, .params = problem};
    gsl_vector *const start = gsl_vector_calloc(count);
    gsl_multimin_fdfminimizer *const minimiser =
        gsl_multimin_fdfminimizer_alloc(gsl_multimin_fdfminimizer_vector_bfgs2, count);
    CU_ASSERT_FATAL(start != NULL && minimiser != NULL);
    const double wanted = 0.3 * gradient_max;
    gsl_multimin_fdfminimizer_set(minimiser, &function, start, 0.1, 0.1);
    for (int i = 0; i < iterations; i++) {
        if (gsl_multimin_test_gradient(minimiser->gradient, wanted) == 0 ||
            gsl_multimin_fdfminimizer_iterate(minimiser) != 0) {
            break;
        }
    }
    CU_ASSERT_EQUAL(gsl_multimin_test_gradient(minimiser->gradient, gradient_max), 0);
    for (size_t j = 0; j < count && weights_out != NULL; j++) {
        weights_out[j] = gsl_vector_get(minimiser->x, j);
    }
    const double value = minimiser->f;
    gsl_multimin_fdfminimizer_free(minimiser);
    gsl_vector_free(start);
    return value;
}
