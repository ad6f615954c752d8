/* A fast generator for the samplers, which draw a few numbers per token: xoroshiro128++ (Blackman
 * and Vigna, "Scrambled linear pseudorandom number generators", ACM TOMS 47, 2021), seeded from a
 * stream of the run, so it is the same in every world. */
#ifndef PSI_LDA_FAST_RANDOM_H
#define PSI_LDA_FAST_RANDOM_H

#include <stdint.h>

#include "tortoise/random.h"

typedef struct psi_lda_random {
    uint64_t low, high;
} psi_lda_random;

/* Seeds from the next four numbers of `stream`. O(1). */
static inline psi_lda_random psi_lda_random_from(ps_random *stream) {
    psi_lda_random random;
    random.low = (uint64_t)ps_random_u32(stream) << 32;
    random.low |= ps_random_u32(stream);
    random.high = (uint64_t)ps_random_u32(stream) << 32;
    random.high |= ps_random_u32(stream) | 1U; /* not all zero */
    return random;
}

/* Uniform in [0, 2^64). O(1). */
static inline uint64_t psi_lda_random_next(psi_lda_random *random) {
    const uint64_t low = random->low, sum = low + random->high;
    const uint64_t mixed = random->high ^ low;
    random->low = (low << 49 | low >> 15) ^ mixed ^ mixed << 21;
    random->high = mixed << 28 | mixed >> 36;
    return (sum << 17 | sum >> 47) + low;
}

/* Uniform in [0, 1), with 53 random bits. O(1). */
static inline double psi_lda_random_uniform(psi_lda_random *random) {
    return (double)(psi_lda_random_next(random) >> 11) * 0x1p-53;
}

/* Uniform in [0, bound), bound < 2^32, from 32 random bits: off by less than bound x 2^-32, which
 * no test of these samplers can see. O(1). */
static inline uint32_t psi_lda_below(uint32_t bits, uint32_t bound) {
    return (uint32_t)((uint64_t)bits * bound >> 32);
}

static inline uint32_t psi_lda_random_below(psi_lda_random *random, uint32_t bound) {
    return psi_lda_below((uint32_t)(psi_lda_random_next(random) >> 32), bound);
}

#endif
