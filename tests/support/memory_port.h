/* The port `memory`: a whole run in one thread, without a network and without time. Workers are
 * coroutines; what happens next (which worker goes on, which frame arrives) is chosen by a seeded
 * random stream, so a seed repeats a run exactly, and other seeds are other interleavings.
 *
 * Faults can be asked for: a frame that is lost, or one with a flipped bit, and channels and
 * workers that are slow. It does not model time: a second is a million actions. */
#ifndef TEST_MEMORY_PORT_H
#define TEST_MEMORY_PORT_H

#include <stdint.h>

#include "node/run.h"

typedef struct memory_options {
    uint64_t seed;
    bool has_slow_parts;  /* some workers and channels act a hundred times less often than others */
    uint64_t lose_frame;  /* the n-th frame sent is lost; 0: none */
    uint64_t spoil_frame; /* a bit of the n-th frame's payload is flipped; 0: none */
} memory_options;

typedef struct memory_stats {
    uint64_t frames, actions, switches; /* delivered, done, to a worker and back */
} memory_stats;

/* Runs `plan` (plan->process_count is 1) and fills `results`, an all-zero one. `stats` may be NULL.
 * Returns PS_OK; PS_ESTALL when nothing can happen any more though workers wait (`fault` names
 * them); PS_EBROKEN when a frame was refused; PS_ENOMEM; or what the algorithm failed with. Not
 * reentrant. */
PS_MUST_CHECK ps_err memory_run(const psi_plan *plan, const memory_options *options,
                                psi_results *results, memory_stats *stats, ps_fault *fault);

#endif
