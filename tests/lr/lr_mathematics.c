#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <gsl/gsl_deriv.h>

#include "algos/lr/lr_model.h"
#include "support/suite.h"
#include "tortoise/random.h"

enum { FEATURES = 12, EXAMPLES = 30, ROWS_MAX = 1 << 16 };

/* Examples of about half of the features, in any order, and the same as a matrix. */
static void examples_make(psi_examples *examples, double x[EXAMPLES][FEATURES], uint64_t seed) {
    ps_random random = ps_random_stream(seed, "lr-examples", 0);
    *examples = (psi_examples){0};
    memset(x, 0, EXAMPLES * sizeof *x);
    for (int i = 0; i < EXAMPLES; i++) {
        uint32_t order[FEATURES];
        for (uint32_t j = 0; j < FEATURES; j++) {
            order[j] = j;
        }
        ps_random_shuffle_u32(&random, order, FEATURES);
        const float label = ps_random_u32(&random) & 1 ? 1 : -1;
        CU_ASSERT_EQUAL_FATAL(psi_examples_add(examples, label), PS_OK);
        for (int n = 0; n < 1 + i % (FEATURES - 1); n++) {
            const float value = (float)(2 * ps_random_uniform(&random) - 1);
            x[i][order[n]] = (double)value;
            CU_ASSERT_EQUAL_FATAL(psi_examples_add_feature(examples, order[n], value), PS_OK);
        }
    }
    examples->feature_count = FEATURES;
}

/* Weights, all zero, in rows. */
typedef struct weights {
    float *values;
    float **rows;
} weights;

static weights weights_make(const psi_lr_shape *shape) {
    const size_t rows = psi_lr_row_count(shape);
    weights w = {calloc(rows * PSI_LR_COLUMNS, sizeof(float)), calloc(rows, sizeof(float *))};
    CU_ASSERT_FATAL(w.values != NULL && w.rows != NULL);
    for (size_t r = 0; r < rows; r++) {
        w.rows[r] = w.values + r * PSI_LR_COLUMNS;
    }
    return w;
}

static void weights_free(weights *w) {
    free(w->values);
    free(w->rows);
}

static double loss_at(double margin, void *label) {
    return psi_lr_loss(margin, *(float *)label);
}

static void the_slope_is_the_derivative_of_the_loss(void) {
    for (int sign = -1; sign <= 1; sign += 2) {
        float label = (float)sign;
        const gsl_function function = {.function = loss_at, .params = &label};
        for (double margin = -20; margin <= 20; margin += 0.7) {
            double slope = 0, error = 0;
            CU_ASSERT_EQUAL_FATAL(gsl_deriv_central(&function, margin, 1e-3, &slope, &error), 0);
            CU_ASSERT_DOUBLE_EQUAL(psi_lr_slope(margin, label), slope, 1e-7);
        }
        CU_ASSERT_DOUBLE_EQUAL(psi_lr_loss(-800 * (double)sign, label), 800, 1e-9);
        CU_ASSERT_DOUBLE_EQUAL(psi_lr_loss(800 * (double)sign, label), 0, 1e-9);
        CU_ASSERT_DOUBLE_EQUAL(psi_lr_slope(-800 * (double)sign, label), -(double)sign, 1e-9);
    }
}

/* sum_i x_i z_i, and of pairs (x_i x_j) (z_i z_j), and the bias. */
static double kernel(const psi_lr_shape *shape, const double *x, const double *z) {
    double sum = shape->has_bias;
    for (int i = 0; i < FEATURES; i++) {
        sum += x[i] * z[i];
        for (int j = i + 1; j < FEATURES && shape->is_quadratic; j++) {
            sum += x[i] * x[j] * z[i] * z[j];
        }
    }
    return sum;
}

/* One step from 0 leaves -eta slope times the features as weights: the margin of any example is
 * then a kernel, whatever the places of the weights, as long as no two share one. */
static void margins_after_a_step_are_the_kernel(void) {
    static const psi_lr_shape shapes[] = {
        {.feature_count = FEATURES},
        {.feature_count = FEATURES, .has_bias = 1},
        {.bits = 20, .has_bias = 1, .feature_count = FEATURES},
        {.bits = 20, .is_quadratic = 1, .feature_count = FEATURES},
        {.bits = 20, .is_quadratic = 1, .has_bias = 1, .feature_count = FEATURES},
    };
    for (size_t s = 0; s < sizeof shapes / sizeof shapes[0]; s++) {
        double x[EXAMPLES][FEATURES];
        psi_examples examples;
        examples_make(&examples, x, s);
        CU_ASSERT_EQUAL_FATAL(psi_lr_prepare(&shapes[s], &examples), PS_OK);
        for (size_t i = 0; i < EXAMPLES; i++) {
            weights w = weights_make(&shapes[s]);
            const psi_lr_step step = {.rate = 0.5F};
            const psi_lr_view x_i = psi_lr_view_of(&shapes[s], &examples, i);
            psi_lr_learn(&shapes[s], &step, w.rows, &x_i, -2);
            for (size_t z = 0; z < EXAMPLES; z++) {
                const psi_lr_view x_z = psi_lr_view_of(&shapes[s], &examples, z);
                const double margin = (double)psi_lr_margin(&shapes[s], w.rows, &x_z);
                CU_ASSERT_DOUBLE_EQUAL(margin, kernel(&shapes[s], x[i], x[z]), 1e-5);
            }
            weights_free(&w);
        }
        psi_examples_fini(&examples);
    }
}

/* J of README.md at w, in double precision, with a weight moved. */
typedef struct point {
    const psi_examples *examples;
    double (*x)[FEATURES];
    double w[FEATURES + 1], l2;
    int moved;
} point;

static double objective(double value, void *params) {
    point *const at = params;
    const double before = at->w[at->moved];
    at->w[at->moved] = value;
    double sum = 0, norm = 0;
    for (int i = 0; i < EXAMPLES; i++) {
        double margin = at->w[FEATURES];
        for (int j = 0; j < FEATURES; j++) {
            margin += at->w[j] * at->x[i][j];
        }
        sum += log1p(exp(-(double)at->examples->labels[i] * margin));
    }
    for (int j = 0; j < FEATURES; j++) {
        norm += at->w[j] * at->w[j];
    }
    at->w[at->moved] = before;
    return sum / EXAMPLES + 0.5 * at->l2 * norm;
}

/* A penalty that is charged where a feature occurs must still be that of the objective. */
static void the_mean_of_all_steps_is_the_gradient_of_the_objective(void) {
    double x[EXAMPLES][FEATURES];
    psi_examples examples;
    examples_make(&examples, x, 77);
    const psi_lr_shape shape = {.feature_count = FEATURES, .has_bias = 1};
    CU_ASSERT_EQUAL_FATAL(psi_lr_prepare(&shape, &examples), PS_OK);
    float inverse_shares[FEATURES + 1];
    psi_lr_shares(&shape, &examples, inverse_shares);
    point at = {.examples = &examples, .x = x, .l2 = 0.3};
    weights w = weights_make(&shape);
    for (int j = 0; j <= FEATURES; j++) {
        at.w[j] = 0.1 * (j - 5);
    }
    double steps[FEATURES + 1] = {0};
    const psi_lr_step step = {.rate = 1, .l2 = 0.3F, .inverse_shares = inverse_shares};
    for (size_t i = 0; i < EXAMPLES; i++) {
        for (int j = 0; j <= FEATURES; j++) {
            w.values[j] = (float)at.w[j];
        }
        const psi_lr_view view = psi_lr_view_of(&shape, &examples, i);
        const double margin = (double)psi_lr_margin(&shape, w.rows, &view);
        psi_lr_learn(&shape, &step, w.rows, &view, (float)psi_lr_slope(margin, examples.labels[i]));
        for (int j = 0; j <= FEATURES; j++) {
            steps[j] += ((double)w.values[j] - at.w[j]) / EXAMPLES;
        }
    }
    const gsl_function function = {.function = objective, .params = &at};
    for (at.moved = 0; at.moved <= FEATURES; at.moved++) {
        double slope = 0, error = 0;
        const int moved = at.moved;
        CU_ASSERT_EQUAL_FATAL(gsl_deriv_central(&function, at.w[moved], 1e-4, &slope, &error), 0);
        CU_ASSERT_DOUBLE_EQUAL(steps[moved], -slope, 2e-6);
    }
    weights_free(&w);
    psi_examples_fini(&examples);
}

static void adaptive_steps_fall_with_every_square(void) {
    psi_examples examples = {0};
    CU_ASSERT_EQUAL_FATAL(psi_examples_add(&examples, 1), PS_OK);
    CU_ASSERT_EQUAL_FATAL(psi_examples_add_feature(&examples, 0, 2), PS_OK);
    CU_ASSERT_EQUAL_FATAL(psi_examples_add_feature(&examples, 1, 1e-25F), PS_OK);
    const psi_lr_shape shape = {.feature_count = 2};
    weights w = weights_make(&shape);
    float squares[2] = {0, 0};
    const psi_lr_step step = {.rate = 0.1F, .squares = squares};
    const psi_lr_view x = psi_lr_view_of(&shape, &examples, 0);
    psi_lr_learn(&shape, &step, w.rows, &x, -0.5F);
    CU_ASSERT_DOUBLE_EQUAL(w.values[0], 0.1, 1e-6);
    psi_lr_learn(&shape, &step, w.rows, &x, -1);
    CU_ASSERT_DOUBLE_EQUAL(w.values[0], 0.1 + 0.1 * 2 / sqrt(5), 1e-6);
    CU_ASSERT_DOUBLE_EQUAL(squares[0], 5, 1e-6);
    CU_ASSERT_EQUAL(w.values[1], 0); /* the square of its gradient is below all numbers */
    weights_free(&w);
    psi_examples_fini(&examples);
}

/* Rows of the set lie in memory, all others nowhere: a step that touched one would crash. */
static void rows_check(const psi_lr_shape *shape, const psi_lr_view *x, const psi_lr_row_set *set) {
    weights w = weights_make(shape);
    const size_t row_count = psi_lr_row_count(shape);
    float **const fetched = calloc(row_count, sizeof *fetched);
    CU_ASSERT_PTR_NOT_NULL_FATAL(fetched);
    for (size_t r = 0; r < set->count; r++) {
        CU_ASSERT_PTR_NULL(fetched[set->rows[r]]); /* each once */
        fetched[set->rows[r]] = w.rows[set->rows[r]];
    }
    const psi_lr_step step = {.rate = 1};
    psi_lr_learn(shape, &step, w.rows, x, 1);
    size_t touched = 0;
    for (size_t r = 0; r < row_count; r++) {
        int is_touched = 0;
        for (size_t c = 0; c < PSI_LR_COLUMNS; c++) {
            is_touched |= w.rows[r][c] != 0;
        }
        touched += (size_t)is_touched;
        CU_ASSERT_EQUAL_FATAL(is_touched, fetched[r] != NULL); /* neither more nor fewer */
    }
    CU_ASSERT(touched > 0);
    const float before = psi_lr_margin(shape, w.rows, x);
    CU_ASSERT_EQUAL(psi_lr_margin(shape, fetched, x), before);
    free(fetched);
    weights_free(&w);
}

/* A clock declares what it will touch. Were a row missing, a step would read what the last clock
 * left; were there more, they would be sent for nothing. */
static void rows_that_are_declared_are_those_that_a_step_touches(void) {
    double x[EXAMPLES][FEATURES];
    static const psi_lr_shape shapes[] = {
        {.bits = 12, .has_bias = 1, .feature_count = FEATURES},
        {.bits = 12, .is_quadratic = 1, .feature_count = FEATURES},
        {.bits = 16, .is_quadratic = 1, .has_bias = 1, .feature_count = FEATURES}};
    for (int s = 0; s < 3; s++) {
        psi_examples examples;
        examples_make(&examples, x, 5);
        CU_ASSERT_EQUAL_FATAL(psi_lr_prepare(&shapes[s], &examples), PS_OK);
        uint32_t stamps[1 << 10] = {0}, pairs[FEATURES * FEATURES];
        uint64_t rows[1 << 10];
        for (size_t i = 0; i < EXAMPLES; i++) {
            psi_lr_view view = psi_lr_view_of(&shapes[s], &examples, i);
            psi_lr_row_set set = {.stamps = stamps, .stamp = 9 + 2 * (uint32_t)i, .rows = rows};
            psi_lr_rows_add(&shapes[s], &view, &set);
            psi_lr_rows_add(&shapes[s], &view, &set);
            rows_check(&shapes[s], &view, &set);
            psi_lr_pairs_place(&shapes[s], &view, pairs);
            view.pairs = pairs;
            const psi_lr_row_set first = set;
            set = (psi_lr_row_set){.stamps = stamps, .stamp = first.stamp + 1, .rows = rows};
            psi_lr_rows_add(&shapes[s], &view, &set);
            CU_ASSERT_EQUAL(set.count, first.count);
            psi_lr_rows_order(&shapes[s], &set);
            CU_ASSERT_EQUAL(set.count, first.count);
            rows_check(&shapes[s], &view, &set);
        }
        psi_examples_fini(&examples);
    }
}

/* Every pair of a positive and a negative example. */
static double auc_by_pairs(const psi_lr_scored *scored, size_t count) {
    double wins = 0, pairs = 0;
    for (size_t i = 0; i < count; i++) {
        for (size_t j = 0; j < count; j++) {
            if (scored[i].label > 0 && scored[j].label < 0) {
                pairs += 1;
                wins += scored[i].score > scored[j].score    ? 1
                        : scored[i].score == scored[j].score ? 0.5
                                                             : 0;
            }
        }
    }
    return pairs > 0 ? wins / pairs : 0;
}

static void auc_is_the_share_of_pairs_in_order(void) {
    ps_random random = ps_random_stream(3, "auc", 0);
    for (size_t count = 0; count < 60; count++) {
        psi_lr_scored scored[60];
        for (size_t i = 0; i < count; i++) {
            scored[i].score = (float)(ps_random_below(&random, 1 + count / 2));
            scored[i].label = ps_random_u32(&random) & 1 ? 1 : -1;
        }
        const double wanted = auc_by_pairs(scored, count);
        CU_ASSERT_DOUBLE_EQUAL(psi_lr_auc(scored, count), wanted, 1e-12);
    }
    psi_lr_scored unknown[] = {{NAN, 1}, {0, -1}};
    CU_ASSERT(isnan(psi_lr_auc(unknown, 2)));
}

/* A model without hashing knows the features that it was learned with. */
static void features_that_the_model_does_not_know_change_nothing(void) {
    psi_examples examples = {0};
    CU_ASSERT_EQUAL_FATAL(psi_examples_add(&examples, 1), PS_OK);
    CU_ASSERT_EQUAL_FATAL(psi_examples_add_feature(&examples, 1, 3), PS_OK);
    CU_ASSERT_EQUAL_FATAL(psi_examples_add_feature(&examples, 1000000, 5), PS_OK);
    const psi_lr_shape shape = {.feature_count = 2};
    CU_ASSERT_EQUAL_FATAL(psi_lr_prepare(&shape, &examples), PS_OK);
    weights w = weights_make(&shape);
    w.values[0] = 7;
    w.values[1] = 2;
    const psi_lr_view x = psi_lr_view_of(&shape, &examples, 0);
    CU_ASSERT_EQUAL(psi_lr_margin(&shape, w.rows, &x), 6);
    weights_free(&w);
    psi_examples_fini(&examples);
}

static const suite_test tests[] = {
    SUITE_TEST(the_slope_is_the_derivative_of_the_loss),
    SUITE_TEST(margins_after_a_step_are_the_kernel),
    SUITE_TEST(the_mean_of_all_steps_is_the_gradient_of_the_objective),
    SUITE_TEST(adaptive_steps_fall_with_every_square),
    SUITE_TEST(rows_that_are_declared_are_those_that_a_step_touches),
    SUITE_TEST(auc_is_the_share_of_pairs_in_order),
    SUITE_TEST(features_that_the_model_does_not_know_change_nothing),
};
SUITE_MAIN("lr mathematics", tests)
