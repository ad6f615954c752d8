/* A topic model with options by name, for the tests. */
#ifndef TEST_LDA_FIXTURE_H
#define TEST_LDA_FIXTURE_H

#include <stdint.h>

#include "algos/lda/lda_problem.h"

/* Opens `data` for `worker_count` workers with the defaults, but for `options`: "name=value
 * name=value batch=0.5", or NULL. The caller closes it. Fails the test if it cannot be opened. */
psi_lda_problem *lda_fixture_open(const char *data, uint64_t seed, uint32_t worker_count,
                                  const char *options);

/* The counts of all words, [V][K], wherever the tables have them. The caller frees it. */
int32_t *lda_fixture_counts(const psi_lda_problem *problem, const psi_lda_tables *tables);

/* G6: the tables hold every token once, each word as often as it is in the corpus, and no count is
 * below 0. Fails the test if not. */
void lda_fixture_sums_check(const psi_lda_problem *problem, const psi_lda_tables *tables);

#endif
