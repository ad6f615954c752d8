/* Synthetic examples for classification with a known answer, so that what a learner finds can be
 * compared to it: binary features, drawn with probability proportional to (j + 1)^-skew without
 * repetition, and
 *
 *     w*_j ~ N(0, margin^2 / nonzeros),   y = +1 with probability 1 / (1 + exp(-w* . x)), else -1
 *
 * The numbers are those of the seed alone: every weight and every example has a random stream of
 * its own. */
#ifndef PSI_SYNTHETIC_EXAMPLES_H
#define PSI_SYNTHETIC_EXAMPLES_H

#include <stdint.h>

#include "tortoise/err.h"

#include "data/examples.h"

typedef struct psi_synthetic_examples {
    uint64_t examples; /* 1 .. 2^31 */
    uint64_t features; /* 1 .. 2^28 */
    uint64_t nonzeros; /* features of an example, 1 .. features / 2 */
    double margin;     /* standard deviation of w* . x, > 0 */
    double skew;       /* exponent of popularity, 0 (all alike) .. 4 */
    uint64_t seed;
} psi_synthetic_examples;

/* Reads "synthetic" or "synthetic:examples=10000,features=1000,nonzeros=20,margin=3,skew=1,seed=7",
 * with any choice of keys in any order. The default of examples grows with `worker_count`; that of
 * seed is `seed`. Returns PS_OK, or PS_EINVAL with the reason; spec_out is then unchanged. */
PS_MUST_CHECK ps_err psi_synthetic_examples_parse(const char *data, uint64_t seed,
                                                  uint32_t worker_count,
                                                  psi_synthetic_examples *spec_out,
                                                  ps_fault *fault);

/* Makes the examples, one by one. On failure examples_out is all zero. Returns PS_OK, PS_ENOMEM, or
 * PS_EINVAL when the spec is out of its ranges. O(features + examples x nonzeros). */
PS_MUST_CHECK ps_err psi_synthetic_examples_make(const psi_synthetic_examples *spec,
                                                 psi_examples *examples_out, ps_fault *fault);

/* The truth: writes w* to weights_out[0..features). Returns PS_OK or PS_ENOMEM. O(features). */
PS_MUST_CHECK ps_err psi_synthetic_examples_weights(const psi_synthetic_examples *spec,
                                                    double *weights_out);

/* Writes the spec as psi_synthetic_examples_parse() reads it, all keys. Returns the length, as
 * snprintf does. */
int psi_synthetic_examples_format(const psi_synthetic_examples *spec, char *text, size_t text_size);

#endif
