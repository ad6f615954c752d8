#include "base/chunks.h"

#include <stdlib.h>

#include "base/bytes.h"

enum { CHUNK_BYTES = 1 << 16 };

psi_chunks psi_chunks_of(size_t item_size_bytes) {
    psi_chunks chunks = {.item_size_bytes = item_size_bytes};
    while (item_size_bytes << (chunks.shift + 1) <= CHUNK_BYTES) {
        chunks.shift++;
    }
    return chunks;
}

/* The first chunk grows by doubling up to its size, so that a few items cost little. */
static bool grow_first(psi_chunks *chunks, size_t item_count) {
    const size_t capacity_max = (size_t)1 << chunks->shift;
    size_t capacity = chunks->first_capacity == 0 ? 1 : chunks->first_capacity;
    while (capacity < item_count && capacity < capacity_max) {
        capacity *= 2;
    }
    if (capacity == chunks->first_capacity) {
        return true;
    }
    uint8_t *const first = realloc(chunks->chunk_count == 0 ? NULL : chunks->chunks[0],
                                   capacity * chunks->item_size_bytes);
    if (first == NULL) {
        return false;
    }
    memset(first + chunks->first_capacity * chunks->item_size_bytes, 0,
           (capacity - chunks->first_capacity) * chunks->item_size_bytes);
    chunks->chunks[0] = first;
    chunks->chunk_count = chunks->chunk_count == 0 ? 1 : chunks->chunk_count;
    chunks->first_capacity = capacity;
    return true;
}

bool psi_chunks_reserve(psi_chunks *chunks, size_t item_count) {
    if (item_count <= psi_chunks_capacity(chunks)) {
        return true;
    }
    const size_t chunk_count = ((item_count - 1) >> chunks->shift) + 1;
    void *items = chunks->chunks;
    const bool has_room =
        psi_array_reserve(&items, &chunks->chunk_capacity, chunk_count, sizeof *chunks->chunks);
    chunks->chunks = items;
    if (!has_room || !grow_first(chunks, item_count)) {
        return false;
    }
    while (chunks->chunk_count < chunk_count) {
        uint8_t *const chunk = calloc((size_t)1 << chunks->shift, chunks->item_size_bytes);
        if (chunk == NULL) {
            return false;
        }
        chunks->chunks[chunks->chunk_count++] = chunk;
    }
    return true;
}

void psi_chunks_fini(psi_chunks *chunks) {
    for (size_t i = 0; i < chunks->chunk_count; i++) {
        free(chunks->chunks[i]);
    }
    free(chunks->chunks);
    *chunks = (psi_chunks){0};
}
