/* Latent Dirichlet allocation as a distributed algorithm: what registry.c lists. */
#ifndef PSI_LDA_APP_H
#define PSI_LDA_APP_H

#include "tortoise/algo.h"

#include "algos/lda/lda_problem.h"

extern const ps_algo psi_lda_algo;

/* The three tables that it has, in their order; `rare` is NULL where the last one is not there. */
psi_lda_tables psi_lda_tables_of(const psi_lda_problem *problem, const void *words,
                                 const void *totals, const ps_sparse_row *rare);

#endif
