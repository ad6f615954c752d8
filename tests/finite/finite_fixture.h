/* Runs on finite sums without a server, for the tests. */
#ifndef TEST_FINITE_FIXTURE_H
#define TEST_FINITE_FIXTURE_H

#include "algos/finite/finite_problem.h"
#include "support/options.h"

typedef struct finite_size {
    uint64_t seed;
    uint32_t workers, clocks, batch; /* batch 0: the default */
} finite_size;

/* Opens a problem with the defaults, but for `settings`, up to the first without a value or `count`
 * of them. The caller closes it. Fails the test if it cannot be opened. */
psi_finite_problem *finite_fixture_open(finite_size size, const option_setting *settings,
                                        size_t count);

/* Plays all clocks, every worker after the other, and fills metrics[0..PSI_FINITE_METRICS). */
void finite_fixture_play(const psi_finite_problem *problem, uint32_t clocks, double *metrics);

/* Opens, plays and closes. */
void finite_fixture_run(finite_size size, const option_setting *settings, size_t count,
                        double *metrics);

#endif
