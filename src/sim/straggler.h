/* How long work takes on a node that is slow: noise per (worker, clock), and slowness that varies
 * with time.
 *
 * Everything is a pure function of the spec, the seed and its arguments: noise comes from
 * counter-based streams, and the end of a piece of work is the exact piecewise integral of the
 * node's rate. So neither the order of calls nor the number of threads can change a result. */
#ifndef PSI_STRAGGLER_H
#define PSI_STRAGGLER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sim/sim.h"

/* What slows the nodes of a run down. Borrowed views of a resolved spec. */
typedef struct psi_slowness {
    const psi_straggler *stragglers;
    size_t straggler_count;
    const psi_sim_node *nodes;
    uint32_t node_count;
} psi_slowness;

psi_slowness psi_slowness_of(const psi_sim_spec *spec);

/* The product of all noise factors of worker `rank` on `node` at its clock `clock`: one uniform
 * number of the stream (seed, name of the kind and its position, rank and clock), through GSL's
 * inverse distribution functions. 1 without noise. > 0 and finite. O(stragglers). */
double psi_slowness_noise(const psi_slowness *slowness, uint64_t seed, uint32_t node, uint32_t rank,
                          uint32_t clock);

/* How many times slower than the reference machine the node is at `time_s` >= 0; INFINITY while it
 * pauses. The value holds until `*until_s`, which is > time_s or INFINITY. O(stragglers + log
 * trace). */
double psi_slowness_factor(const psi_slowness *slowness, uint32_t node, double time_s,
                           double *until_s);

/* When `work_s` seconds of work (on the reference machine) are done that start at `start_s` on
 * `node`: the smallest end with integral from start_s to end of dt / factor(t) = work_s. Equals
 * start_s for no work. O(changes of the node's factor in between). */
double psi_slowness_end_s(const psi_slowness *slowness, uint32_t node, double start_s,
                          double work_s);

#endif
