/* Finite sums beside the bounds of their theorems, as an algorithm of the program. */
#ifndef PSI_FINITE_APP_H
#define PSI_FINITE_APP_H

#include "tortoise/algo.h"

extern const ps_algo psi_finite_algo;

#endif
