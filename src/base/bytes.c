#include "base/bytes.h"

#include <stdlib.h>

enum { CAPACITY_MIN_BYTES = 64, CAPACITY_MIN_ITEMS = 8 };

uint8_t *psi_buffer_extend(psi_buffer *buffer, size_t more_bytes) {
    if (more_bytes > SIZE_MAX / 2 - buffer->size_bytes) {
        return NULL;
    }
    const size_t needed = buffer->size_bytes + more_bytes;
    if (needed > buffer->capacity_bytes || buffer->bytes == NULL) {
        size_t capacity = buffer->capacity_bytes;
        if (capacity < CAPACITY_MIN_BYTES) {
            capacity = CAPACITY_MIN_BYTES;
        }
        while (capacity < needed) {
            capacity *= 2;
        }
        uint8_t *const bytes = realloc(buffer->bytes, capacity);
        if (bytes == NULL) {
            return NULL;
        }
        buffer->bytes = bytes;
        buffer->capacity_bytes = capacity;
    }
    uint8_t *const at = buffer->bytes + buffer->size_bytes;
    buffer->size_bytes = needed;
    return at;
}

void psi_buffer_fini(psi_buffer *buffer) {
    free(buffer->bytes);
    *buffer = (psi_buffer){0};
}

bool psi_array_reserve(void **items, size_t *capacity, size_t needed, size_t item_size_bytes) {
    if (needed <= *capacity) {
        return true;
    }
    size_t grown = *capacity < CAPACITY_MIN_ITEMS ? CAPACITY_MIN_ITEMS : *capacity;
    while (grown < needed) {
        if (grown > SIZE_MAX / 4) {
            return false;
        }
        grown *= 2;
    }
    if (grown > SIZE_MAX / 2 / item_size_bytes) {
        return false;
    }
    uint8_t *const bytes = realloc(*items, grown * item_size_bytes);
    if (bytes == NULL) {
        return false;
    }
    memset(bytes + *capacity * item_size_bytes, 0, (grown - *capacity) * item_size_bytes);
    *items = bytes;
    *capacity = grown;
    return true;
}
