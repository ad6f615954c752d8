/* Latent Dirichlet allocation as a distributed algorithm: what registry.c lists. */
#ifndef PSI_LDA_APP_H
#define PSI_LDA_APP_H

#include "tortoise/algo.h"

extern const ps_algo psi_lda_algo;

#endif
