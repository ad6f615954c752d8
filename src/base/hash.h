/* A hash of integers for tables in memory. Never a source of order. */
#ifndef PSI_HASH_H
#define PSI_HASH_H

#include <stdint.h>

/* Mixes all bits of `value` into all bits of the result: multiply and fold, twice. O(1). */
static inline uint64_t psi_hash_u64(uint64_t value) {
    value ^= value >> 32;
    value *= UINT64_C(0xd6e8feb86659fd93);
    value ^= value >> 32;
    value *= UINT64_C(0xd6e8feb86659fd93);
    return value ^ value >> 32;
}

#endif
