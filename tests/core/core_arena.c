#include "core/core_arena.h"

#include <stdint.h>
#include <string.h>

enum { ARENA_BYTES = 1 << 22, ALIGN = 16 };

void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *bytes, size_t size);
void __real_free(void *bytes);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *bytes, size_t size);
void __wrap_free(void *bytes);

static _Alignas(ALIGN) uint8_t arena[ARENA_BYTES];
static size_t used;
static bool is_active;

void arena_open(void) {
    used = 0;
    is_active = true;
}

void arena_close(void) {
    is_active = false;
}

void arena_pause(void) {
    is_active = false;
}

void arena_resume(void) {
    is_active = true;
}

size_t arena_used_bytes(void) {
    return used;
}

void arena_save(void *to) {
    memcpy(to, arena, used);
}

void arena_restore(const void *from, size_t used_bytes) {
    memcpy(arena, from, used_bytes);
    used = used_bytes;
}

static bool is_ours(const void *bytes) {
    const uintptr_t at = (uintptr_t)bytes;
    return at >= (uintptr_t)arena && at < (uintptr_t)arena + ARENA_BYTES;
}

/* The size of a piece stands before it. */
static void *take(size_t size) {
    const size_t whole = ALIGN + (size + ALIGN - 1) / ALIGN * ALIGN;
    if (size > ARENA_BYTES || whole > ARENA_BYTES - used) {
        return NULL;
    }
    uint8_t *const at = arena + used;
    used += whole;
    memcpy(at, &size, sizeof size);
    return at + ALIGN;
}

void *__wrap_malloc(size_t size) {
    return is_active ? take(size) : __real_malloc(size);
}

void *__wrap_calloc(size_t count, size_t size) {
    if (!is_active) {
        return __real_calloc(count, size);
    }
    void *const bytes = take(count * size);
    return bytes == NULL ? NULL : memset(bytes, 0, count * size);
}

void *__wrap_realloc(void *bytes, size_t size) {
    if (bytes == NULL) {
        return __wrap_malloc(size);
    }
    if (!is_ours(bytes)) {
        return __real_realloc(bytes, size);
    }
    size_t before;
    memcpy(&before, (const uint8_t *)bytes - ALIGN, sizeof before);
    void *const fresh = take(size);
    return fresh == NULL ? NULL : memcpy(fresh, bytes, before < size ? before : size);
}

void __wrap_free(void *bytes) {
    if (!is_ours(bytes)) {
        __real_free(bytes);
    }
}
