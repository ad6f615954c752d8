#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <gsl/gsl_deriv.h>

#include "algos/mf/model.h"
#include "support/suite.h"
#include "tortoise/random.h"

enum { WIDTH_MAX = 160 };

/* Two rows and a rating, and which number of which row is moved. */
typedef struct point {
    psi_mf_shape shape;
    double lambda, rating;
    double user[WIDTH_MAX], item[WIDTH_MAX];
    double *moved;
} point;

/* J of model.h, written down once more and in double precision. */
static double objective(double x, void *params) {
    const point *const at = params;
    const double before = *at->moved;
    *at->moved = x;
    double guess = 0, penalty = 0;
    for (uint32_t k = 0; k < at->shape.rank; k++) {
        guess += at->user[k] * at->item[k];
        penalty += at->user[k] * at->user[k] + at->item[k] * at->item[k];
    }
    if (at->shape.has_bias) {
        const double b_u = at->user[at->shape.rank], b_i = at->item[at->shape.rank];
        guess += b_u + b_i;
        penalty += b_u * b_u + b_i * b_i;
    }
    *at->moved = before;
    const double error = at->rating - guess;
    return error * error + at->lambda * penalty;
}

static void point_make(point *at, psi_mf_shape shape, double lambda, ps_random *random) {
    at->shape = shape;
    at->lambda = lambda;
    at->rating = 4 * ps_random_uniform(random) - 2;
    for (uint32_t k = 0; k < psi_mf_width(shape); k++) {
        at->user[k] = (double)(float)(ps_random_uniform(random) - 0.4);
        at->item[k] = (double)(float)(ps_random_uniform(random) - 0.6);
    }
    const uint32_t values = shape.rank + (shape.has_bias ? 1 : 0);
    for (uint32_t k = values; k < psi_mf_width(shape); k++) { /* sums of squares */
        at->user[k] = (double)(float)(0.5 + ps_random_uniform(random));
        at->item[k] = (double)(float)(0.5 + ps_random_uniform(random));
    }
}

/* -1/2 dJ/dx of every number, by central differences. */
static void gradient_make(point *at, double *row, double *gradient_out) {
    const uint32_t values = at->shape.rank + (at->shape.has_bias ? 1 : 0);
    const gsl_function function = {.function = objective, .params = at};
    for (uint32_t k = 0; k < values; k++) {
        double slope = 0, error = 0;
        at->moved = &row[k];
        CU_ASSERT_EQUAL_FATAL(gsl_deriv_central(&function, row[k], 1e-4, &slope, &error), 0);
        gradient_out[k] = -slope / 2;
    }
}

/* What one number must become, by the definition of AdaGrad; *squares is its sum of squares, or
 * NULL. */
static double stepped(double x, double step, double gradient, double square, double *squares) {
    if (squares != NULL) {
        *squares += square;
        step /= sqrt(*squares);
    }
    return x + step * gradient;
}

/* Moves `row` as the definitions say. */
static void row_step(const point *at, double *row, const double *gradient, double step) {
    const uint32_t rank = at->shape.rank, values = rank + (at->shape.has_bias ? 1 : 0);
    double mean_square = 0, factor_sum = 0;
    for (uint32_t k = 0; k < rank; k++) {
        mean_square += gradient[k] * gradient[k] / rank;
    }
    for (uint32_t k = 0; k < values; k++) {
        const double square = gradient[k] * gradient[k];
        switch (at->shape.adagrad) {
        case PSI_MF_ADAGRAD_NO:
            row[k] = stepped(row[k], step, gradient[k], 0, NULL);
            break;
        case PSI_MF_ADAGRAD_ROW:
            factor_sum = row[values];
            row[k] = k < rank ? stepped(row[k], step, gradient[k], mean_square, &factor_sum)
                              : stepped(row[k], step, gradient[k], square, &row[values + 1]);
            break;
        case PSI_MF_ADAGRAD_COORDINATE:
            row[k] = stepped(row[k], step, gradient[k], square, &row[values + k]);
            break;
        }
    }
    if (at->shape.adagrad == PSI_MF_ADAGRAD_ROW) {
        row[values] += mean_square;
    }
}

static void check_close(const float *got, const double *wanted, uint32_t count) {
    for (uint32_t k = 0; k < count; k++) {
        const double bound = 2e-6 * (1 + fabs(wanted[k]));
        if (!(fabs((double)got[k] - wanted[k]) <= bound)) {
            printf("number %u is %.9g, not %.9g\n", k, (double)got[k], wanted[k]);
        }
        CU_ASSERT(fabs((double)got[k] - wanted[k]) <= bound);
    }
}

static void check_step(psi_mf_shape shape, double lambda, ps_random *random) {
    point at;
    point_make(&at, shape, lambda, random);
    float user[WIDTH_MAX], item[WIDTH_MAX];
    const uint32_t width = psi_mf_width(shape);
    for (uint32_t k = 0; k < width; k++) {
        user[k] = (float)at.user[k];
        item[k] = (float)at.item[k];
    }
    double user_gradient[WIDTH_MAX], item_gradient[WIDTH_MAX];
    gradient_make(&at, at.user, user_gradient);
    gradient_make(&at, at.item, item_gradient);
    const double step = 0.07, scale = 0.3;
    row_step(&at, at.user, user_gradient, step);
    row_step(&at, at.item, item_gradient, step * scale);
    const psi_mf_item place = {.row = item, .step_scale = (float)scale};
    const psi_mf_rows rows = {.users = user, .items = &place};
    const psi_mf_rating rating = {.user = 0, .slot = 0, .value = (float)at.rating};
    const psi_mf_rate rate = {.step = (float)step, .lambda = (float)lambda};
    const double guess = (double)psi_mf_predict(shape, user, item);
    const double squares = psi_mf_sgd(shape, rate, &rating, 1, &rows);
    check_close(user, at.user, width);
    check_close(item, at.item, width);
    const double error = at.rating - guess;
    CU_ASSERT_DOUBLE_EQUAL(squares, error * error, 1e-5 * (1 + error * error));
}

/* A wrong sign or a forgotten penalty still learns something: only the derivative itself tells.
 * Ranks that the kernel is specialised for, and others, with every mixture of options. */
static void a_step_follows_the_gradient_of_the_objective(void) {
    static const uint32_t ranks[] = {1, 2, 7, 8, 9, 10, 15, 16, 20, 32, 33, 64, 70};
    ps_random random = ps_random_stream(2385, "gradient", 0);
    for (size_t r = 0; r < sizeof ranks / sizeof ranks[0]; r++) {
        for (int options = 0; options < 12; options++) {
            const psi_mf_shape shape = {.rank = ranks[r],
                                        .has_bias = options % 2 == 1,
                                        .adagrad = (psi_mf_adagrad)(options / 2 % 3)};
            check_step(shape, options < 6 ? 0.385 : 0, &random);
        }
    }
}

/* Sums of squares travel through the table as sums: two steps must add both gradients. */
static void adagrad_remembers_every_gradient(void) {
    const psi_mf_shape shape = {.rank = 1, .has_bias = false, .adagrad = PSI_MF_ADAGRAD_ROW};
    float user[] = {0.5F, 1}, item[] = {0.25F, 1};
    const psi_mf_item place = {.row = item, .step_scale = 1};
    const psi_mf_rows rows = {.users = user, .items = &place};
    const psi_mf_rating ratings[] = {{0, 0, 2}, {0, 0, 2}};
    const psi_mf_rate rate = {.step = 0.1F, .lambda = 0};
    double sum_user = 1, sum_item = 1;
    double p = 0.5, q = 0.25;
    for (int i = 0; i < 2; i++) {
        const double error = 2 - p * q, g_p = error * q, g_q = error * p;
        sum_user += g_p * g_p;
        sum_item += g_q * g_q;
        p += 0.1 / sqrt(sum_user) * g_p;
        q += 0.1 / sqrt(sum_item) * g_q;
    }
    (void)psi_mf_sgd(shape, rate, ratings, 2, &rows);
    CU_ASSERT_DOUBLE_EQUAL(user[0], p, 1e-6);
    CU_ASSERT_DOUBLE_EQUAL(item[0], q, 1e-6);
    CU_ASSERT_DOUBLE_EQUAL(user[1], sum_user, 1e-6);
    CU_ASSERT_DOUBLE_EQUAL(item[1], sum_item, 1e-6);
}

/* A row starts the same wherever it is made, within its bounds, and unlike its neighbour. */
static void rows_start_from_seed_and_index_alone(void) {
    const psi_mf_shape shape = {.rank = 16, .has_bias = true, .adagrad = PSI_MF_ADAGRAD_COORDINATE};
    float a[34], b[34], c[34];
    CU_ASSERT_EQUAL_FATAL(psi_mf_width(shape), 34);
    psi_mf_row_init(shape, 0.8F, 5, "mf-item", 1234567890123, a);
    psi_mf_row_init(shape, 0.8F, 5, "mf-item", 1234567890123, b);
    psi_mf_row_init(shape, 0.8F, 5, "mf-item", 1234567890124, c);
    CU_ASSERT_EQUAL(memcmp(a, b, sizeof a), 0);
    CU_ASSERT_NOT_EQUAL(memcmp(a, c, 16 * sizeof *a), 0);
    for (int k = 0; k < 16; k++) {
        CU_ASSERT(fabsf(a[k]) <= 0.2F);
    }
    CU_ASSERT_EQUAL(a[16], 0);
    for (int k = 17; k < 34; k++) {
        CU_ASSERT_EQUAL(a[k], 1);
    }
}

static const suite_test tests[] = {
    SUITE_TEST(a_step_follows_the_gradient_of_the_objective),
    SUITE_TEST(adagrad_remembers_every_gradient),
    SUITE_TEST(rows_start_from_seed_and_index_alone),
};
SUITE_MAIN("mf gradient", tests)
