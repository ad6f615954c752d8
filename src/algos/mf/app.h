/* Matrix factorisation as a distributed algorithm: what registry.c lists. */
#ifndef PSI_MF_APP_H
#define PSI_MF_APP_H

#include "tortoise/algo.h"

extern const ps_algo psi_mf_algo;

#endif
