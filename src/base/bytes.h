/* Reading and writing bytes: little-endian integers, a bounded reader, a growable buffer.
 *
 * A reader never runs past its end: after the first short read it is failed, gives zeros, and stays
 * so; check `failed` once at the end. A buffer allocates only at a new high-water mark, so in
 * steady state it does not allocate at all. Nothing here knows what the bytes mean. */
#ifndef PSI_BYTES_H
#define PSI_BYTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "tortoise/err.h"

static inline void psi_put_u16(uint8_t *bytes, uint16_t value) {
    bytes[0] = (uint8_t)value;
    bytes[1] = (uint8_t)(value >> 8);
}

static inline void psi_put_u32(uint8_t *bytes, uint32_t value) {
    psi_put_u16(bytes, (uint16_t)value);
    psi_put_u16(bytes + 2, (uint16_t)(value >> 16));
}

static inline void psi_put_u64(uint8_t *bytes, uint64_t value) {
    psi_put_u32(bytes, (uint32_t)value);
    psi_put_u32(bytes + 4, (uint32_t)(value >> 32));
}

static inline uint16_t psi_load_u16(const uint8_t *bytes) {
    return (uint16_t)(bytes[0] | (unsigned)bytes[1] << 8);
}

static inline uint32_t psi_load_u32(const uint8_t *bytes) {
    return psi_load_u16(bytes) | (uint32_t)psi_load_u16(bytes + 2) << 16;
}

static inline uint64_t psi_load_u64(const uint8_t *bytes) {
    return psi_load_u32(bytes) | (uint64_t)psi_load_u32(bytes + 4) << 32;
}

/* What is left of a byte string that somebody else owns. */
typedef struct psi_reader {
    const uint8_t *at; /* borrowed */
    size_t left_bytes;
    bool failed;
} psi_reader;

static inline psi_reader psi_reader_of(const uint8_t *bytes, size_t size_bytes) {
    return (psi_reader){.at = bytes, .left_bytes = size_bytes, .failed = false};
}

/* Returns the next `size_bytes` bytes and steps over them, or NULL if so many are not left. O(1).
 */
static inline const uint8_t *psi_read_bytes(psi_reader *reader, size_t size_bytes) {
    if (reader->failed || reader->left_bytes < size_bytes) {
        reader->failed = true;
        return NULL;
    }
    const uint8_t *const bytes = reader->at;
    reader->at += size_bytes;
    reader->left_bytes -= size_bytes;
    return bytes;
}

static inline uint32_t psi_read_u32(psi_reader *reader) {
    const uint8_t *const bytes = psi_read_bytes(reader, 4);
    return bytes == NULL ? 0 : psi_load_u32(bytes);
}

static inline uint64_t psi_read_u64(psi_reader *reader) {
    const uint8_t *const bytes = psi_read_bytes(reader, 8);
    return bytes == NULL ? 0 : psi_load_u64(bytes);
}

/* A growable byte string. All zero is a valid empty one. */
typedef struct psi_buffer {
    uint8_t *bytes; /* owned */
    size_t size_bytes;
    size_t capacity_bytes;
} psi_buffer;

/* Makes room for `more_bytes` behind the content and returns where they go (uninitialised), or NULL
 * when memory is exhausted; then the buffer is unchanged. Amortised O(1). */
uint8_t *psi_buffer_extend(psi_buffer *buffer, size_t more_bytes);

/* Releases the memory; the buffer is empty and usable again. */
void psi_buffer_fini(psi_buffer *buffer);

/* Grows `*items`, an array of `*capacity` elements of `item_size_bytes`, to at least `needed`
 * elements, by doubling. New elements are zero. Returns false when memory is exhausted; the array
 * is then unchanged. */
PS_MUST_CHECK bool psi_array_reserve(void **items, size_t *capacity, size_t needed,
                                     size_t item_size_bytes);

#endif
