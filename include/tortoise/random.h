/* Seeded random streams: Philox4x32-10, a counter-based generator (Salmon, Moraes, Dror and Shaw,
 * "Parallel random numbers: as easy as 1, 2, 3", SC 2011).
 *
 * A stream is named by (seed, name, rank). The n-th number of a stream depends on nothing else, so it is
 * the same in every world, for any number of threads and in any order of use. Distributions are GSL's:
 * ps_random_gsl() makes a gsl_rng draw from a stream. */
#ifndef TORTOISE_RANDOM_H
#define TORTOISE_RANDOM_H

#include <stdint.h>

#include <gsl/gsl_rng.h>

typedef struct ps_random {
    uint32_t key[2];     /* seed and name, hashed */
    uint32_t counter[4]; /* block number (low words) and rank (high words) */
    uint32_t block[4];   /* the current block of four numbers */
    uint32_t used;       /* how many of them were handed out */
} ps_random;

/* Returns the stream (seed, name, rank), at its start. `name` is borrowed for the call. O(1). */
ps_random ps_random_stream(uint64_t seed, const char *name, uint64_t rank);

/* Returns the next number, uniform in [0, 2^32). O(1). */
uint32_t ps_random_u32(ps_random *random);

/* Returns the next number, uniform in [0, 1), with 53 random bits. O(1). */
double ps_random_uniform(ps_random *random);

/* Returns an unbiased number in [0, bound); bound > 0. O(1) in expectation. */
uint64_t ps_random_below(ps_random *random, uint64_t bound);

/* Permutes `items`[0..count) uniformly (Fisher and Yates). O(count). */
void ps_random_shuffle_u32(ps_random *random, uint32_t *items, uint64_t count);

/* GSL's view of a stream: gsl_rng_alloc(ps_random_gsl_type()), then ps_random_gsl(rng, stream). */
const gsl_rng_type *ps_random_gsl_type(void);

/* Sets `rng`, made of ps_random_gsl_type(), to the current position of `stream` (copied). O(1). */
void ps_random_gsl(gsl_rng *rng, ps_random stream);

#endif
