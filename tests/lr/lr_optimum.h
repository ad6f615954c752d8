/* The least value of lr's objective, by GSL's minimiser: what stochastic steps must come near. For
 * problems without hashing. */
#ifndef TEST_LR_OPTIMUM_H
#define TEST_LR_OPTIMUM_H

#include "algos/lr/lr_problem.h"

/* The mean loss of the training examples and l2 / 2 ||w||^2, minimised by BFGS in at most so many
 * iterations. Fails the test unless the gradient's norm is below gradient_max then. weights_out,
 * which may be NULL, gets the weights. */
double lr_optimum(psi_lr_problem *problem, int iterations, double gradient_max,
                  double *weights_out);

#endif
