/* The block function of Philox4x32-10 (Salmon, Moraes, Dror and Shaw, SC 2011, section 3.3): a
 * bijection of the counter for each key. Streams and distributions are elsewhere
 * (tortoise/random.h). */
#ifndef PSI_PHILOX_H
#define PSI_PHILOX_H

#include <stdint.h>

/* Writes the block of `counter` under `key` to block_out, which may be `counter`. O(1). */
void psi_philox4x32(const uint32_t counter[static 4], const uint32_t key[static 2],
                    uint32_t block_out[static 4]);

#endif
