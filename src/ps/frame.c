#include "ps/frame.h"

#include <stdlib.h>

#include "base/bytes.h"
#include "base/crc32c.h"
#include "tortoise/err.h"

/* Smallest frame memory: 2^8 bytes hold the header and most requests. */
enum { CLASS_MIN = 8 };

static uint32_t class_of(size_t size_bytes) {
    if (size_bytes <= (size_t)1 << CLASS_MIN) {
        return CLASS_MIN;
    }
    return 64 - (uint32_t)__builtin_clzll(size_bytes - 1);
}

psi_frame *psi_frame_take(psi_frame_pool *pool, psi_frame_type type, uint32_t from, uint32_t to,
                          size_t payload_size_bytes) {
    if (payload_size_bytes > PSI_FRAME_PAYLOAD_MAX_BYTES) {
        return NULL;
    }
    const size_t size_bytes = PSI_FRAME_HEADER_BYTES + payload_size_bytes;
    const uint32_t size_class = class_of(size_bytes);
    psi_frame *frame = pool->free_frames[size_class];
    if (frame != NULL) {
        pool->free_frames[size_class] = frame->next;
        pool->free_bytes -= (uint64_t)1 << size_class;
        if (pool->free_bytes < pool->free_low_bytes) {
            pool->free_low_bytes = pool->free_bytes;
        }
    } else {
        frame = malloc(sizeof *frame + ((size_t)1 << size_class));
        if (frame == NULL) {
            return NULL;
        }
        frame->size_class = size_class;
        pool->allocated_bytes += (size_t)1 << size_class;
    }
    frame->next = NULL;
    frame->from = from;
    frame->to = to;
    frame->type = type;
    frame->row_count = 0;
    frame->size_bytes = size_bytes;
    psi_put_u32(frame->bytes, PSI_FRAME_MAGIC);
    frame->bytes[4] = PSI_FRAME_VERSION;
    frame->bytes[5] = (uint8_t)type;
    psi_put_u16(frame->bytes + 6, 0);
    psi_put_u32(frame->bytes + 8, from);
    psi_put_u32(frame->bytes + 12, to);
    psi_put_u32(frame->bytes + 16, (uint32_t)payload_size_bytes);
    psi_put_u32(frame->bytes + 20, 0);
    psi_put_u32(frame->bytes + 24, 0);
    psi_put_u32(frame->bytes + 28, 0);
    return frame;
}

void psi_frame_release(psi_frame_pool *pool, psi_frame *frame) {
    if (frame == NULL) {
        return;
    }
    frame->next = pool->free_frames[frame->size_class];
    pool->free_frames[frame->size_class] = frame;
    pool->free_bytes += (uint64_t)1 << frame->size_class;
}

void psi_frame_pool_trim(psi_frame_pool *pool, uint64_t keep_bytes) {
    enum { FREED_MAX = 64 };
    uint64_t spare_bytes =
        pool->free_low_bytes > keep_bytes ? pool->free_low_bytes - keep_bytes : 0;
    uint32_t freed = 0;
    for (uint32_t size_class = PSI_FRAME_CLASSES; size_class-- > 0;) {
        const uint64_t size_bytes = (uint64_t)1 << size_class;
        while (pool->free_frames[size_class] != NULL && size_bytes <= spare_bytes &&
               freed < FREED_MAX) {
            psi_frame *const frame = pool->free_frames[size_class];
            pool->free_frames[size_class] = frame->next;
            free(frame);
            freed++;
            spare_bytes -= size_bytes;
            pool->free_bytes -= size_bytes;
            pool->allocated_bytes -= size_bytes;
        }
    }
    pool->free_low_bytes = pool->free_bytes;
}

void psi_frame_pool_fini(psi_frame_pool *pool) {
    for (size_t i = 0; i < PSI_FRAME_CLASSES; i++) {
        while (pool->free_frames[i] != NULL) {
            psi_frame *const frame = pool->free_frames[i];
            pool->free_frames[i] = frame->next;
            free(frame);
        }
    }
    *pool = (psi_frame_pool){0};
}

const char *psi_frame_verdict_text(psi_frame_verdict verdict) {
    static const char *const texts[] = {
        [PSI_FRAME_GOOD] = "good",
        [PSI_FRAME_BAD_MAGIC] = "not a tortoise frame",
        [PSI_FRAME_BAD_VERSION] = "a frame of another protocol version",
        [PSI_FRAME_BAD_TYPE] = "a frame of unknown type",
        [PSI_FRAME_BAD_SIZE] = "a frame that is too large",
        [PSI_FRAME_BAD_HEADER_CRC] = "a frame with a damaged header",
        [PSI_FRAME_BAD_PAYLOAD_CRC] = "a frame with a damaged payload",
    };
    return texts[verdict];
}

void psi_frame_seal(psi_frame *frame, uint32_t sequence) {
    const uint32_t crc =
        psi_crc32c(0, psi_frame_payload(frame), psi_frame_payload_size_bytes(frame));
    psi_put_u32(frame->bytes + 20, crc);
    psi_put_u32(frame->bytes + 24, sequence);
    psi_put_u32(frame->bytes + 28, psi_crc32c(0, frame->bytes, 28));
}

psi_frame_verdict psi_frame_header_read_as(const psi_frame_format *format, const uint8_t *bytes,
                                           psi_frame_header *header_out) {
    if (psi_load_u32(bytes) != format->magic) {
        return PSI_FRAME_BAD_MAGIC;
    }
    if (bytes[4] != format->version) {
        return PSI_FRAME_BAD_VERSION;
    }
    if (psi_load_u32(bytes + 28) != psi_crc32c(0, bytes, 28)) {
        return PSI_FRAME_BAD_HEADER_CRC;
    }
    if (bytes[5] == 0 || bytes[5] >= format->type_count || psi_load_u16(bytes + 6) != 0) {
        return PSI_FRAME_BAD_TYPE;
    }
    if (psi_load_u32(bytes + 16) > format->payload_max_bytes) {
        return PSI_FRAME_BAD_SIZE;
    }
    *header_out = (psi_frame_header){
        .type = bytes[5],
        .from = psi_load_u32(bytes + 8),
        .to = psi_load_u32(bytes + 12),
        .payload_size_bytes = psi_load_u32(bytes + 16),
        .payload_crc = psi_load_u32(bytes + 20),
        .sequence = psi_load_u32(bytes + 24),
    };
    return PSI_FRAME_GOOD;
}

psi_frame_verdict psi_frame_header_read(const uint8_t *bytes, psi_frame_header *header_out) {
    static const psi_frame_format format = {.magic = PSI_FRAME_MAGIC,
                                            .version = PSI_FRAME_VERSION,
                                            .type_count = PSI_FRAME_TYPES,
                                            .payload_max_bytes = PSI_FRAME_PAYLOAD_MAX_BYTES};
    return psi_frame_header_read_as(&format, bytes, header_out);
}

psi_frame_verdict psi_frame_payload_check(const psi_frame_header *header, const uint8_t *payload) {
    const uint32_t crc = psi_crc32c(0, payload, header->payload_size_bytes);
    return crc == header->payload_crc ? PSI_FRAME_GOOD : PSI_FRAME_BAD_PAYLOAD_CRC;
}
