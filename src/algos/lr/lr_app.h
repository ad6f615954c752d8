/* Logistic regression as an algorithm of the program. */
#ifndef PSI_LR_APP_H
#define PSI_LR_APP_H

#include "tortoise/algo.h"

extern const ps_algo psi_lr_algo;

#endif
