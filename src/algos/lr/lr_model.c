#include "algos/lr/lr_model.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Odd, so that multiplying by it loses nothing of 32 bits: 2^32 over the golden ratio. */
static const uint32_t hash_factor = UINT32_C(0x9e3779b1);
static const uint64_t pair_factors[2] = {UINT64_C(0x9e3779b97f4a7c15),
                                         UINT64_C(0xd6e8feb86659fd93)};

size_t psi_lr_weight_count(const psi_lr_shape *shape) {
    return shape->bits > 0 ? (size_t)1 << shape->bits
                           : (size_t)shape->feature_count + (shape->has_bias != 0);
}

size_t psi_lr_row_count(const psi_lr_shape *shape) {
    return (psi_lr_weight_count(shape) + PSI_LR_COLUMNS - 1) / PSI_LR_COLUMNS;
}

static inline uint32_t place_of_hash(uint32_t hash, uint32_t bits) {
    return hash >> (32 - bits);
}

/* Where the weight of two features is, whichever comes first. */
static inline uint32_t place_of_pair(uint32_t a, uint32_t b, uint32_t bits) {
    const uint64_t low = a < b ? a : b, high = a < b ? b : a;
    return (uint32_t)((low * pair_factors[0] + high) * pair_factors[1] >> (64 - bits));
}

/* What an example's feature is named: see psi_lr_prepare(). */
static uint32_t name_of(const psi_lr_shape *shape, uint32_t feature) {
    if (shape->bits == 0) {
        return feature;
    }
    const uint32_t hash = (feature + 1) * hash_factor;
    return shape->is_quadratic ? hash : place_of_hash(hash, shape->bits);
}

/* The bias is feature -1 to the hash, and behind all others without one. */
static uint32_t bias_name(const psi_lr_shape *shape) {
    return name_of(shape, shape->bits == 0 ? shape->feature_count : UINT32_MAX);
}

/* Moves the features apart, from the last example to the first, and puts the bias between. */
static ps_err bias_add(const psi_lr_shape *shape, psi_examples *examples) {
    const size_t total = examples->nonzero_count + examples->count;
    uint32_t *const features = realloc(examples->features, total * sizeof *features);
    examples->features = features == NULL ? examples->features : features;
    float *const values = realloc(examples->values, total * sizeof *values);
    examples->values = values == NULL ? examples->values : values;
    if (features == NULL || values == NULL) {
        return PS_ENOMEM;
    }
    for (size_t i = examples->count; i-- > 0;) {
        const size_t from = examples->begins[i], count = examples->begins[i + 1] - from;
        memmove(features + from + i, features + from, count * sizeof *features);
        memmove(values + from + i, values + from, count * sizeof *values);
        features[from + i + count] = bias_name(shape);
        values[from + i + count] = 1;
    }
    for (size_t i = 0; i <= examples->count; i++) {
        examples->begins[i] += i;
    }
    examples->nonzero_count = examples->nonzero_capacity = total;
    return PS_OK;
}

ps_err psi_lr_prepare(const psi_lr_shape *shape, psi_examples *examples) {
    for (size_t n = 0; n < examples->nonzero_count; n++) {
        if (shape->bits == 0 && examples->features[n] >= shape->feature_count) {
            examples->features[n] = 0;
            examples->values[n] = 0;
        }
        examples->features[n] = name_of(shape, examples->features[n]);
    }
    return shape->has_bias ? bias_add(shape, examples) : PS_OK;
}

psi_lr_view psi_lr_view_of(const psi_lr_shape *shape, const psi_examples *examples, size_t i) {
    const size_t begin = examples->begins[i], count = examples->begins[i + 1] - begin;
    return (psi_lr_view){.names = examples->features + begin,
                         .values = examples->values + begin,
                         .count = count,
                         .pairing = shape->is_quadratic ? count - (shape->has_bias != 0) : 0};
}

static inline uint32_t place_of_name(const psi_lr_shape *shape, uint32_t name) {
    return shape->is_quadratic ? place_of_hash(name, shape->bits) : name;
}

void psi_lr_pairs_place(const psi_lr_shape *shape, const psi_lr_view *x, uint32_t *places_out) {
    for (size_t a = 0; a < x->pairing; a++) {
        for (size_t b = a + 1; b < x->pairing; b++) {
            *places_out++ = place_of_pair(x->names[a], x->names[b], shape->bits);
        }
    }
}

/* The place of the pair of features a and b of x, which is number `pair` of all. */
static inline uint32_t pair_at(const psi_lr_shape *shape, const psi_lr_view *x, size_t a, size_t b,
                               size_t pair) {
    return x->pairs != NULL ? x->pairs[pair] : place_of_pair(x->names[a], x->names[b], shape->bits);
}

void psi_lr_flatten(const psi_lr_shape *shape, const psi_lr_view *x, uint32_t *places_out,
                    float *values_out) {
    for (size_t a = 0; a < x->count; a++) {
        *places_out++ = place_of_name(shape, x->names[a]);
        *values_out++ = x->values[a];
    }
    for (size_t a = 0, pair = 0; a < x->pairing; a++) {
        for (size_t b = a + 1; b < x->pairing; b++, pair++) {
            *places_out++ = pair_at(shape, x, a, b, pair);
            *values_out++ = x->values[a] * x->values[b];
        }
    }
}

float psi_lr_margin(const psi_lr_shape *shape, float *const *rows, const psi_lr_view *x) {
    float sum = 0;
    for (size_t a = 0; a < x->count; a++) {
        sum += *psi_lr_weight_at(rows, place_of_name(shape, x->names[a])) * x->values[a];
    }
    for (size_t a = 0, pair = 0; a < x->pairing; a++) {
        float part = 0;
        for (size_t b = a + 1; b < x->pairing; b++, pair++) {
            part += *psi_lr_weight_at(rows, pair_at(shape, x, a, b, pair)) * x->values[b];
        }
        sum += part * x->values[a];
    }
    return sum;
}

double psi_lr_loss(double margin, float label) {
    const double at = -(double)label * margin;
    return at > 0 ? at + log1p(exp(-at)) : log1p(exp(at)); /* no overflow on either side */
}

double psi_lr_slope(double margin, float label) {
    return -(double)label / (1 + exp((double)label * margin));
}

static inline void weight_learn(const psi_lr_step *step, float *weight, uint32_t place,
                                float gradient) {
    if (step->inverse_shares != NULL) {
        gradient += step->l2 * step->inverse_shares[place] * *weight;
    }
    if (step->squares == NULL) {
        *weight -= step->rate * gradient;
        return;
    }
    step->squares[place] += gradient * gradient;
    if (step->squares[place] > 0) { /* the square of a tiny gradient may be 0 */
        *weight -= step->rate * gradient / sqrtf(step->squares[place]);
    }
}

void psi_lr_learn(const psi_lr_shape *shape, const psi_lr_step *step, float *const *rows,
                  const psi_lr_view *x, float slope) {
    for (size_t a = 0; a < x->count; a++) {
        const uint32_t place = place_of_name(shape, x->names[a]);
        weight_learn(step, psi_lr_weight_at(rows, place), place, slope * x->values[a]);
    }
    for (size_t a = 0, pair = 0; a < x->pairing; a++) {
        for (size_t b = a + 1; b < x->pairing; b++, pair++) {
            const uint32_t place = pair_at(shape, x, a, b, pair);
            weight_learn(step, psi_lr_weight_at(rows, place), place,
                         slope * x->values[a] * x->values[b]);
        }
    }
}

void psi_lr_shares(const psi_lr_shape *shape, const psi_examples *examples, float *inverse_out) {
    const size_t count = psi_lr_weight_count(shape);
    memset(inverse_out, 0, count * sizeof *inverse_out);
    for (size_t i = 0; i < examples->count; i++) {
        const psi_lr_view x = psi_lr_view_of(shape, examples, i);
        for (size_t a = 0; a < x.count; a++) {
            inverse_out[place_of_name(shape, x.names[a])] += 1;
        }
        for (size_t a = 0; a < x.pairing; a++) {
            for (size_t b = a + 1; b < x.pairing; b++) {
                inverse_out[place_of_pair(x.names[a], x.names[b], shape->bits)] += 1;
            }
        }
    }
    for (size_t w = 0; w < count; w++) {
        inverse_out[w] = inverse_out[w] > 0 ? (float)examples->count / inverse_out[w] : 0;
    }
    if (shape->has_bias) {
        inverse_out[place_of_name(shape, bias_name(shape))] = 0;
    }
}

static inline void row_add(psi_lr_row_set *set, uint32_t place) {
    const uint32_t row = place >> PSI_LR_COLUMN_BITS;
    if (set->stamps[row] != set->stamp) {
        set->stamps[row] = set->stamp;
        set->rows[set->count++] = row;
    }
}

void psi_lr_rows_add(const psi_lr_shape *shape, const psi_lr_view *x, psi_lr_row_set *set) {
    const size_t row_count = psi_lr_row_count(shape);
    if (set->count == row_count) {
        return;
    }
    for (size_t a = 0; a < x->count; a++) {
        row_add(set, place_of_name(shape, x->names[a]));
    }
    for (size_t a = 0, pair = 0; a < x->pairing && set->count < row_count; a++) {
        for (size_t b = a + 1; b < x->pairing; b++, pair++) {
            row_add(set, pair_at(shape, x, a, b, pair));
        }
    }
}

void psi_lr_rows_order(const psi_lr_shape *shape, psi_lr_row_set *set) {
    const size_t row_count = psi_lr_row_count(shape);
    if (set->count < row_count / 16) {
        return;
    }
    set->count = 0;
    for (size_t r = 0; r < row_count; r++) {
        if (set->stamps[r] == set->stamp) {
            set->rows[set->count++] = r;
        }
    }
}

static int scored_compare(const void *left, const void *right) {
    const float a = ((const psi_lr_scored *)left)->score, b = ((const psi_lr_scored *)right)->score;
    return (a > b) - (a < b);
}

double psi_lr_auc(psi_lr_scored *scored, size_t count) {
    for (size_t i = 0; i < count; i++) {
        if (isnan(scored[i].score)) { /* it has no place in an order */
            return NAN;
        }
    }
    qsort(scored, count, sizeof *scored, scored_compare);
    double positives = 0, negatives = 0, wins = 0;
    for (size_t begin = 0, end; begin < count; begin = end) {
        double tied[2] = {0, 0};
        for (end = begin; end < count && scored[end].score == scored[begin].score; end++) {
            tied[scored[end].label > 0]++;
        }
        wins += tied[1] * (negatives + 0.5 * tied[0]);
        negatives += tied[0];
        positives += tied[1];
    }
    return positives > 0 && negatives > 0 ? wins / (positives * negatives) : 0;
}
