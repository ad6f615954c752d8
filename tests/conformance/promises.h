/* The conformance suite: one set of tests that every world passes. A world says how it runs a plan;
 * what it must keep is in promises.c. */
#ifndef TEST_CONFORMANCE_PROMISES_H
#define TEST_CONFORMANCE_PROMISES_H

#include "node/run.h"

typedef struct conformance_world {
    const char *name;
    bool has_processes; /* a process per node */
    bool needs_a_child; /* each run must be in a process of its own */
    uint32_t seeds;     /* of interleavings to try where a seed chooses them */

    /* Runs the plan, as the world's own function does. A process that has nothing to report ends by
     * itself. */
    ps_err (*run)(const psi_plan *plan, uint64_t seed, psi_results *results, ps_fault *fault);
} conformance_world;

/* Runs the suite; to be returned from main(). */
int conformance_main(const conformance_world *world, int argc, char **argv);

#endif
