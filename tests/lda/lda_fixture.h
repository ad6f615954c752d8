/* A topic model with options by name, for the tests. */
#ifndef TEST_LDA_FIXTURE_H
#define TEST_LDA_FIXTURE_H

#include <stdint.h>

#include "algos/lda/lda_problem.h"

/* Opens `data` for `worker_count` workers with the defaults, but for `options`: "name=value
 * name=value batch=0.5", or NULL. The caller closes it. Fails the test if it cannot be opened. */
psi_lda_problem *lda_fixture_open(const char *data, uint64_t seed, uint32_t worker_count,
                                  const char *options);

#endif
