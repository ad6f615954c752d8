/* Games of one worker, without a server, for the tests. */
#ifndef TEST_ONLINE_FIXTURE_H
#define TEST_ONLINE_FIXTURE_H

#include "algos/online/online_problem.h"
#include "support/options.h"

/* Opens `rounds` rounds with the defaults, but for `settings`. The caller closes it. Fails the test
 * if it cannot be opened. */
psi_online_problem *online_fixture_open(uint64_t seed, uint32_t rounds,
                                        const option_setting *settings, size_t count);

/* Plays all rounds, and fills metrics[0..PSI_ONLINE_METRICS). */
void online_fixture_play(const psi_online_problem *problem, double *metrics);

#endif
