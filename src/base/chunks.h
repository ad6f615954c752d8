/* A growable array in chunks: beyond its first chunk it grows without a copy, and never has more
 * than one chunk of memory that it does not use; doubling would have as much again as it uses. */
#ifndef PSI_CHUNKS_H
#define PSI_CHUNKS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tortoise/err.h"

typedef struct psi_chunks {
    uint8_t **chunks; /* owned, each owned */
    size_t chunk_count, chunk_capacity;
    size_t first_capacity; /* items of the first chunk, which starts small */
    size_t item_size_bytes;
    uint32_t shift; /* a chunk has 2^shift items */
} psi_chunks;

/* An empty array of items of `item_size_bytes` > 0. All zero is a valid one for psi_chunks_fini().
 */
psi_chunks psi_chunks_of(size_t item_size_bytes);

/* Makes sure that items 0..item_count-1 are there; new ones are zero. The address of an item is
 * stable unless it lies in the first 64 KiB. Returns false when memory is exhausted; the items that
 * were there are unchanged. O(1) amortised. */
PS_MUST_CHECK bool psi_chunks_reserve(psi_chunks *chunks, size_t item_count);

void psi_chunks_fini(psi_chunks *chunks);

/* The items that there is memory for. O(1). */
static inline size_t psi_chunks_capacity(const psi_chunks *chunks) {
    return chunks->chunk_count < 2 ? chunks->first_capacity : chunks->chunk_count << chunks->shift;
}

/* Item `index`, which is there. O(1). */
static inline void *psi_chunks_at(const psi_chunks *chunks, size_t index) {
    const size_t within = index & (((size_t)1 << chunks->shift) - 1);
    return chunks->chunks[index >> chunks->shift] + within * chunks->item_size_bytes;
}

#endif
