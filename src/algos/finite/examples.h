/* Examples of a finite sum: directions of length 1 and labels, from the seed, and what is certain
 * of them: the margin of the separator that labelled them, and how curved their sum is. */
#ifndef PSI_FINITE_EXAMPLES_H
#define PSI_FINITE_EXAMPLES_H

#include "tortoise/err.h"

#include "algos/online/stream.h"

typedef enum psi_directions {
    PSI_DIRECTIONS_SPHERE, /* uniform on the sphere */
    PSI_DIRECTIONS_AXES    /* the axes by turns, 1, 2, ..., d, 1, ...: the worst for a perceptron */
} psi_directions;

typedef struct psi_finite_spec {
    psi_directions directions;
    uint32_t dimension; /* 1 .. PSI_SET_DIMENSION_MAX */
    uint64_t count;     /* >= 1 */
    double margin;      /* of sphere: examples nearer to the separator are moved away, 0 .. 1 */
    double noise;       /* share of labels that are thrown like a coin, 0 .. 1 */
    uint64_t seed;
} psi_finite_spec;

/* Fills `examples_out` (owned; psi_stream_fini()) and the separator u, ||u|| = 1, whose signs the
 * labels are, but for the noise. PS_OK or PS_ENOMEM. O(count x d). */
PS_MUST_CHECK ps_err psi_finite_examples_make(const psi_finite_spec *spec, psi_stream *examples_out,
                                              double separator_out[PSI_SET_DIMENSION_MAX]);

/* A certificate: y (a . u) / ||u|| of every example is at least this, rounding allowed for. Not
 * above 0 if u separates nothing. O(count x d). */
double psi_finite_margin(const psi_stream *examples, const double *separator);

/* The largest ||a||, or a little more. O(count x d). */
double psi_finite_norm_max(const psi_stream *examples);

/* Some of the examples, and some of their coordinates: first, first + stride, ... */
typedef struct psi_part {
    uint64_t first_example, example_stride;       /* stride >= 1 */
    uint32_t first_coordinate, coordinate_stride; /* stride >= 1 */
} psi_part;

/* The largest eigenvalue of the sum of a a^T over a part, to about 1e-12. PS_OK or PS_ENOMEM.
 * O(count d^2 + d^3). */
PS_MUST_CHECK ps_err psi_finite_curvature(const psi_stream *examples, const psi_part *part,
                                          double *curvature_out);

#endif
