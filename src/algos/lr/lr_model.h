/* Logistic regression: the mathematics, and nothing else. Where the weights lie is the caller's.
 *
 * An example has a label y in {-1, +1} and sparse features x; with margin m = w . x,
 *
 *     P(y | x) = 1 / (1 + exp(-y m))     l = ln(1 + exp(-y m))     dl/dm = -y / (1 + exp(y m))
 *
 * Weights are numbered by hashing features into 2^bits places (Weinberger, Dasgupta, Langford,
 * Smola and Attenberg, ICML 2009), or, with bits = 0, by the features' ids. Pairs of features (the
 * outer product of x with itself, each pair once) are hashed when they are needed; whoever needs
 * them twice may keep their places (psi_lr_pairs_place()). */
#ifndef PSI_LR_MODEL_H
#define PSI_LR_MODEL_H

#include <stddef.h>
#include <stdint.h>

#include "tortoise/err.h"

#include "data/examples.h"

/* Weights lie in rows of so many. */
enum { PSI_LR_COLUMNS = 64, PSI_LR_COLUMN_BITS = 6, PSI_LR_BITS_MAX = 30 };

/* Which weights there are. */
typedef struct psi_lr_shape {
    uint32_t bits;          /* of hashing, 1 .. PSI_LR_BITS_MAX; 0: none */
    int is_quadratic;       /* pairs are features, too; bits > 0 */
    int has_bias;           /* a constant feature is the last one of every example */
    uint32_t feature_count; /* with bits = 0; others are not known to the model */
} psi_lr_shape;

/* Numbers of weights and of rows. O(1). */
size_t psi_lr_weight_count(const psi_lr_shape *shape);
size_t psi_lr_row_count(const psi_lr_shape *shape);

/* Prepares examples for the functions below: adds the bias, and names features by the places of
 * their weights (by their hashes of 32 bits where pairs are hashed from them). A feature that the
 * model does not know gets the value 0. Returns PS_OK or PS_ENOMEM; the examples are then good for
 * nothing but psi_examples_fini(). O(non-zeros). */
PS_MUST_CHECK ps_err psi_lr_prepare(const psi_lr_shape *shape, psi_examples *examples);

/* An example, prepared, as the functions below see it. Borrows what it points to. */
typedef struct psi_lr_view {
    const uint32_t *names; /* [count]: places of weights; hashes where there are pairs */
    const float *values;   /* [count] */
    size_t count, pairing; /* non-zeros, and those of them (the first) that make pairs */
    const uint32_t *pairs; /* of psi_lr_pairs_place(); NULL: pairs are hashed again */
} psi_lr_view;

/* Example i, with pairs == NULL. O(1). */
psi_lr_view psi_lr_view_of(const psi_lr_shape *shape, const psi_examples *examples, size_t i);

/* Pairs of features of an example. O(1). */
static inline size_t psi_lr_pair_count(const psi_lr_view *x) {
    return x->pairing > 0 ? x->pairing * (x->pairing - 1) / 2 : 0;
}

/* Writes the places of the weights of all pairs: places_out[0..psi_lr_pair_count(x)). O(pairs). */
void psi_lr_pairs_place(const psi_lr_shape *shape, const psi_lr_view *x, uint32_t *places_out);

/* Writes places and values of all features and, behind them, of all pairs. O(units). */
void psi_lr_flatten(const psi_lr_shape *shape, const psi_lr_view *x, uint32_t *places_out,
                    float *values_out);

static inline float *psi_lr_weight_at(float *const *rows, uint32_t place) {
    return &rows[place >> PSI_LR_COLUMN_BITS][place & (PSI_LR_COLUMNS - 1)];
}

/* Non-zeros of an example, those of pairs included: the work of one visit. O(1). */
static inline double psi_lr_units(const psi_lr_view *x) {
    return (double)x->count + (double)psi_lr_pair_count(x);
}

/* m = w . x. rows[r] are weights 64 r and following; of rows that the example does not need, the
 * pointer may be anything. O(units). */
float psi_lr_margin(const psi_lr_shape *shape, float *const *rows, const psi_lr_view *x);

/* l and dl/dm at a margin. */
double psi_lr_loss(double margin, float label);
double psi_lr_slope(double margin, float label);

/* Whether the sign is wrong; no sign is, too. */
static inline int psi_lr_is_error(float margin, float label) {
    return margin * label <= 0;
}

/* How far to go, and what is kept for it. */
typedef struct psi_lr_step {
    float rate;                  /* eta */
    float l2;                    /* lambda */
    const float *inverse_shares; /* [weights]: see psi_lr_shares(); NULL if l2 = 0 */
    float *squares; /* [weights]: sums of squared gradients (AdaGrad: Duchi, Hazan and Singer
                            * 2011): the rate of a weight is eta / sqrt(square); NULL: eta itself */
} psi_lr_step;

/* w -= eta (slope x + lambda w / share), in the coordinates where x is not 0: over all examples the
 * last term has the mean lambda w. O(units). */
void psi_lr_learn(const psi_lr_shape *shape, const psi_lr_step *step, float *const *rows,
                  const psi_lr_view *x, float slope);

/* 1 / the share of the examples in which a weight occurs, of every weight; 0 for the bias, which is
 * not regularised, and for weights that occur nowhere. inverse_out has room for all weights.
 * O(units of all examples). */
void psi_lr_shares(const psi_lr_shape *shape, const psi_examples *examples, float *inverse_out);

/* Rows that some examples need, each once. */
typedef struct psi_lr_row_set {
    uint32_t *stamps; /* [rows]: borrowed; a row is in the set where this is `stamp` */
    uint32_t stamp;   /* not 0; another one for every set */
    uint64_t *rows;   /* [rows]: borrowed; the set, in the order in which it grew */
    size_t count;
} psi_lr_row_set;

/* Adds the rows of an example: exactly those that margin and step touch. O(units), or O(1) when all
 * rows are in the set. */
void psi_lr_rows_add(const psi_lr_shape *shape, const psi_lr_view *x, psi_lr_row_set *set);

/* Puts the rows into ascending order, in which they travel in fewer bytes, if that costs little: if
 * they are not few among all. O(1) or O(rows). */
void psi_lr_rows_order(const psi_lr_shape *shape, psi_lr_row_set *set);

/* The area under the ROC curve: the probability that a positive example has the higher score, ties
 * counting half; 0 if one class is empty, nan if a score is. Reorders the pairs.
 * O(count log count). */
typedef struct psi_lr_scored {
    float score, label; /* label > 0: positive */
} psi_lr_scored;
double psi_lr_auc(psi_lr_scored *scored, size_t count);

#endif
