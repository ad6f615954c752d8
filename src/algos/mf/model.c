#include "algos/mf/model.h"

#include <math.h>

#include "tortoise/random.h"

/* Partial sums of a dot product. Their number and the order of the final sums are part of the
 * result; eight fill one or two registers of every processor of today. */
enum { LANES = 8 };

/* What the compiler must see as a constant for a tight loop, it sees as one: every function of this
 * file that takes a shape is inlined into sgd_<rank>() and friends. */
#define ALWAYS_INLINE static inline __attribute__((always_inline))

/* lane[0] + ... + lane[LANES - 1], as a tree. */
ALWAYS_INLINE float lanes_sum(const float *lane) {
    const float a = (lane[0] + lane[4]) + (lane[2] + lane[6]);
    const float b = (lane[1] + lane[5]) + (lane[3] + lane[7]);
    return a + b;
}

ALWAYS_INLINE float dot(const float *x, const float *y, uint32_t rank) {
    float lane[LANES] = {0};
    uint32_t k = 0;
    for (; k + LANES <= rank; k += LANES) {
        for (uint32_t l = 0; l < LANES; l++) {
            lane[l] += x[k + l] * y[k + l];
        }
    }
    for (uint32_t l = 0; k + l < rank; l++) {
        lane[l] += x[k + l] * y[k + l];
    }
    return lanes_sum(lane);
}

ALWAYS_INLINE float predict(psi_mf_shape shape, const float *user, const float *item) {
    const float product = dot(user, item, shape.rank);
    return shape.has_bias ? product + (user[shape.rank] + item[shape.rank]) : product;
}

/* The two rows of a step, and the steps of both. */
typedef struct pair {
    float *restrict user;
    float *restrict item;
    float user_step, item_step, lambda;
} pair;

/* x + step (e y - lambda x), for both sides at once. */
ALWAYS_INLINE void step_plain(psi_mf_shape shape, pair at, float error) {
    float *const restrict p = at.user;
    float *const restrict q = at.item;
    const float p_keep = 1 - at.user_step * at.lambda, p_gain = at.user_step * error;
    const float q_keep = 1 - at.item_step * at.lambda, q_gain = at.item_step * error;
    for (uint32_t k = 0; k < shape.rank; k++) {
        const float p_k = p[k], q_k = q[k];
        p[k] = p_k * p_keep + q_k * p_gain;
        q[k] = q_k * q_keep + p_k * q_gain;
    }
    if (shape.has_bias) {
        p[shape.rank] = p[shape.rank] * p_keep + p_gain;
        q[shape.rank] = q[shape.rank] * q_keep + q_gain;
    }
}

/* Adds gradient^2 to *squares and returns the step divided by its root. */
ALWAYS_INLINE float adagrad_step(float step, float gradient_square, float *squares) {
    *squares += gradient_square;
    return step / sqrtf(*squares);
}

/* One number of a row with a sum of squares of its own. */
ALWAYS_INLINE void step_number(float *x, float *squares, float step, float gradient) {
    *x += adagrad_step(step, gradient * gradient, squares) * gradient;
}

ALWAYS_INLINE void step_biases(psi_mf_shape shape, pair at, float error, uint32_t squares) {
    if (shape.has_bias) {
        float *const b_u = &at.user[shape.rank], *const b_i = &at.item[shape.rank];
        step_number(b_u, &at.user[squares], at.user_step, error - at.lambda * *b_u);
        step_number(b_i, &at.item[squares], at.item_step, error - at.lambda * *b_i);
    }
}

/* |gain y - loss x|^2: the square of a row's gradient. */
ALWAYS_INLINE float gradient_square(const float *x, float loss, const float *y, float gain,
                                    uint32_t rank) {
    float lane[LANES] = {0};
    uint32_t k = 0;
    for (; k + LANES <= rank; k += LANES) {
        for (uint32_t l = 0; l < LANES; l++) {
            const float gradient = gain * y[k + l] - loss * x[k + l];
            lane[l] += gradient * gradient;
        }
    }
    for (uint32_t l = 0; k + l < rank; l++) {
        const float gradient = gain * y[k + l] - loss * x[k + l];
        lane[l] += gradient * gradient;
    }
    return lanes_sum(lane);
}

/* One step for the factors of a row: by the mean square of the gradient over the rank. */
ALWAYS_INLINE void step_row(psi_mf_shape shape, pair at, float error) {
    float *const restrict p = at.user;
    float *const restrict q = at.item;
    const uint32_t values = shape.rank + (shape.has_bias ? 1 : 0);
    const float p_square = gradient_square(p, at.lambda, q, error, shape.rank);
    const float q_square = gradient_square(q, at.lambda, p, error, shape.rank);
    const float share = 1 / (float)shape.rank;
    const float p_step = adagrad_step(at.user_step, p_square * share, &p[values]);
    const float q_step = adagrad_step(at.item_step, q_square * share, &q[values]);
    const float p_keep = 1 - p_step * at.lambda, p_gain = p_step * error;
    const float q_keep = 1 - q_step * at.lambda, q_gain = q_step * error;
    for (uint32_t k = 0; k < shape.rank; k++) {
        const float p_k = p[k], q_k = q[k];
        p[k] = p_k * p_keep + q_k * p_gain;
        q[k] = q_k * q_keep + p_k * q_gain;
    }
    step_biases(shape, at, error, values + 1);
}

ALWAYS_INLINE void step_coordinates(psi_mf_shape shape, pair at, float error) {
    float *const restrict p = at.user;
    float *const restrict q = at.item;
    const uint32_t values = shape.rank + (shape.has_bias ? 1 : 0);
    float *const restrict p_squares = at.user + values;
    float *const restrict q_squares = at.item + values;
    for (uint32_t k = 0; k < shape.rank; k++) {
        const float p_gradient = error * q[k] - at.lambda * p[k];
        const float q_gradient = error * p[k] - at.lambda * q[k];
        const float p_sum = p_squares[k] + p_gradient * p_gradient;
        const float q_sum = q_squares[k] + q_gradient * q_gradient;
        p_squares[k] = p_sum;
        q_squares[k] = q_sum;
        p[k] += at.user_step / sqrtf(p_sum) * p_gradient;
        q[k] += at.item_step / sqrtf(q_sum) * q_gradient;
    }
    step_biases(shape, at, error, values + shape.rank);
}

ALWAYS_INLINE double sgd(psi_mf_shape shape, psi_mf_rate rate, const psi_mf_rating *ratings,
                         size_t count, const psi_mf_rows *rows) {
    const size_t width = psi_mf_width(shape);
    double squares = 0;
    for (size_t i = 0; i < count; i++) {
        const psi_mf_rating rating = ratings[i];
        const psi_mf_item item = rows->items[rating.slot];
        const pair at = {.user = rows->users + rating.user * width,
                         .item = item.row,
                         .user_step = rate.step,
                         .item_step = rate.step * item.step_scale,
                         .lambda = rate.lambda};
        const float error = rating.value - predict(shape, at.user, at.item);
        squares += (double)error * (double)error;
        switch (shape.adagrad) {
        case PSI_MF_ADAGRAD_NO:
            step_plain(shape, at, error);
            break;
        case PSI_MF_ADAGRAD_ROW:
            step_row(shape, at, error);
            break;
        case PSI_MF_ADAGRAD_COORDINATE:
            step_coordinates(shape, at, error);
            break;
        }
    }
    return squares;
}

/* A loop with the rank as a constant, where the rank is a usual one. */
ALWAYS_INLINE double sgd_of_rank(psi_mf_shape shape, psi_mf_rate rate, const psi_mf_rating *ratings,
                                 size_t count, const psi_mf_rows *rows) {
    switch (shape.rank) {
    case 8:
        shape.rank = 8;
        return sgd(shape, rate, ratings, count, rows);
    case 16:
        shape.rank = 16;
        return sgd(shape, rate, ratings, count, rows);
    case 32:
        shape.rank = 32;
        return sgd(shape, rate, ratings, count, rows);
    case 64:
        shape.rank = 64;
        return sgd(shape, rate, ratings, count, rows);
    default:
        return sgd(shape, rate, ratings, count, rows);
    }
}

ALWAYS_INLINE double sgd_of_bias(psi_mf_shape shape, psi_mf_rate rate, const psi_mf_rating *ratings,
                                 size_t count, const psi_mf_rows *rows) {
    if (shape.has_bias) {
        shape.has_bias = true;
        return sgd_of_rank(shape, rate, ratings, count, rows);
    }
    shape.has_bias = false;
    return sgd_of_rank(shape, rate, ratings, count, rows);
}

double psi_mf_sgd(psi_mf_shape shape, psi_mf_rate rate, const psi_mf_rating *ratings, size_t count,
                  const psi_mf_rows *rows) {
    switch (shape.adagrad) {
    case PSI_MF_ADAGRAD_NO:
        shape.adagrad = PSI_MF_ADAGRAD_NO;
        break;
    case PSI_MF_ADAGRAD_ROW:
        shape.adagrad = PSI_MF_ADAGRAD_ROW;
        return sgd_of_bias(shape, rate, ratings, count, rows);
    case PSI_MF_ADAGRAD_COORDINATE:
        shape.adagrad = PSI_MF_ADAGRAD_COORDINATE;
        return sgd_of_bias(shape, rate, ratings, count, rows);
    }
    return sgd_of_bias(shape, rate, ratings, count, rows);
}

float psi_mf_predict(psi_mf_shape shape, const float *user_row, const float *item_row) {
    return predict(shape, user_row, item_row);
}

double psi_mf_penalty(psi_mf_shape shape, const float *row) {
    double sum = 0;
    const uint32_t values = shape.rank + (shape.has_bias ? 1 : 0);
    for (uint32_t k = 0; k < values; k++) {
        sum += (double)row[k] * (double)row[k];
    }
    return sum;
}

void psi_mf_row_init(psi_mf_shape shape, float scale, uint64_t seed, const char *name,
                     uint64_t index, float *row_out) {
    ps_random random = ps_random_stream(seed, name, index);
    const double factor = (double)scale / sqrt((double)shape.rank);
    for (uint32_t k = 0; k < shape.rank; k++) {
        row_out[k] = (float)((2 * ps_random_uniform(&random) - 1) * factor);
    }
    uint32_t k = shape.rank;
    if (shape.has_bias) {
        row_out[k++] = 0;
    }
    for (; k < psi_mf_width(shape); k++) {
        row_out[k] = 1;
    }
}
