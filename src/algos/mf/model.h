/* Matrix factorisation: the mathematics, and nothing else. No data set, no worker, no clock.
 *
 * Ratings are centred and scaled before they come here: z = (r - mean) / deviation. The model is
 *
 *     zhat_ui = b_u + b_i + p_u . q_i                                 (Koren, Bell and Volinsky
 * 2009)
 *
 * and what is minimised is the mean over the N training ratings of
 *
 *     J_ui = (z_ui - zhat_ui)^2 + lambda (|p_u|^2 + |q_i|^2 + b_u^2 + b_i^2).
 *
 * A row holds what belongs to one user or one item:
 *
 *     [ factors: rank | bias: 1, if biases | sums of squared gradients, if AdaGrad: see
 * psi_mf_adagrad ]
 *
 * All sums run in an order that is fixed here, whatever the processor, so results are equal to the
 * last bit wherever IEEE single precision is. */
#ifndef PSI_MF_MODEL_H
#define PSI_MF_MODEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Sums of squared gradients that divide the step (Duchi, Hazan and Singer 2011). */
typedef enum psi_mf_adagrad {
    PSI_MF_ADAGRAD_NO,
    PSI_MF_ADAGRAD_ROW, /* one for the factors of a row (Chin et al. 2015) and one for its bias */
    PSI_MF_ADAGRAD_COORDINATE /* one for every number */
} psi_mf_adagrad;

typedef struct psi_mf_shape {
    uint32_t rank; /* at least 1 */
    bool has_bias;
    psi_mf_adagrad adagrad;
} psi_mf_shape;

/* Numbers of a row, in all. O(1). */
static inline uint32_t psi_mf_width(psi_mf_shape shape) {
    const uint32_t values = shape.rank + (shape.has_bias ? 1 : 0);
    switch (shape.adagrad) {
    case PSI_MF_ADAGRAD_NO:
        break;
    case PSI_MF_ADAGRAD_ROW:
        return values + (shape.has_bias ? 2 : 1);
    case PSI_MF_ADAGRAD_COORDINATE:
        return 2 * values;
    }
    return values;
}

/* A rating, with places instead of ids: of the user's row and of the item in an array of
 * psi_mf_item. */
typedef struct psi_mf_rating {
    uint32_t user, slot;
    float value; /* z */
} psi_mf_rating;

/* An item's row, and the factor (0..1] on the step of its updates. */
typedef struct psi_mf_item {
    float *row; /* borrowed */
    float step_scale;
} psi_mf_item;

/* Where the rows are. `users` is row after row, psi_mf_width() numbers each; borrowed. */
typedef struct psi_mf_rows {
    float *users;
    const psi_mf_item *items;
} psi_mf_rows;

typedef struct psi_mf_rate {
    float step, lambda;
} psi_mf_rate;

/* One step of stochastic gradient descent per rating, in order: with e = z - zhat,
 *
 *     p_u += step (e q_i - lambda p_u),   b_u += step (e - lambda b_u),   and the same for the
 * item,
 *
 * both of the old values; the item's step is times step_scale; with AdaGrad each step is divided by
 * the root of its sum of squared gradients, this one included. Users' and items' rows must not
 * overlap. Returns the sum of e^2 before each step. O(count x rank). */
double psi_mf_sgd(psi_mf_shape shape, psi_mf_rate rate, const psi_mf_rating *ratings, size_t count,
                  const psi_mf_rows *rows);

/* zhat of two rows. O(rank). */
float psi_mf_predict(psi_mf_shape shape, const float *user_row, const float *item_row);

/* |p|^2 + b^2 of a row: what lambda is multiplied with. O(rank). */
double psi_mf_penalty(psi_mf_shape shape, const float *row);

/* Fills a row that has not learned yet: factors uniform in [-scale, scale] / sqrt(rank), drawn from
 * the stream (seed, name, index); bias 0; sums of squares 1, so that `step` is the first step.
 * O(width). */
void psi_mf_row_init(psi_mf_shape shape, float scale, uint64_t seed, const char *name,
                     uint64_t index, float *row_out);

#endif
