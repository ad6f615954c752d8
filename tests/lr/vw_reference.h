/* The learner that Vowpal Wabbit is documented to be, written from the papers in double precision,
 * one example after the other, without hashing: what lr is compared with, and shares nothing with.
 *
 *   sgd         eta_t = eta (t0 / (t0 + t))^p, t from 0 (--sgd --power_t p --initial_t t0)
 *   adaptive    eta / sqrt(G_j)             Duchi, Hazan and Singer, JMLR 12, 2011
 *   normalized  NAG and NG of Ross, Mineiro and Langford, UAI 2013, Algorithms 2 and 1
 *   invariant   Karampatziakis and Langford, UAI 2011, Table 1 (logistic loss, importance 1) */
#ifndef TEST_VW_REFERENCE_H
#define TEST_VW_REFERENCE_H

#include "data/examples.h"

typedef struct vw_rules {
    int is_adaptive, is_normalized, is_invariant;
    double eta, power_t, initial_t; /* the last two: where not adaptive */
} vw_rules;

/* Goes once through the examples, labels -1 and +1, and returns the mean progressive loss (natural
 * logarithm). weights_out[0..feature_count), may be NULL, gets the weights. */
double vw_reference_run(const psi_examples *examples, size_t feature_count, const vw_rules *rules,
                        double *weights_out);

/* W(exp(z)), W being Lambert's function. */
double vw_lambert_of_exp(double z);

#endif
