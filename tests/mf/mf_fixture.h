/* A matrix factorisation with options by name, for the tests. */
#ifndef TEST_MF_FIXTURE_H
#define TEST_MF_FIXTURE_H

#include <stdint.h>

#include "algos/mf/problem.h"

/* Opens `data` for `worker_count` workers with the defaults, but for `options`: "name=value
 * name=value", or NULL. The caller closes it. Fails the test if it cannot be opened. */
psi_mf_problem *mf_fixture_open(const char *data, uint64_t seed, uint32_t worker_count,
                                const char *options);

#endif
