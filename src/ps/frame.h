/* Frames: the messages between endpoints, as bytes with a 32-byte header, and the pool that they
 * come from.
 *
 *     0       4    5    6      8     12   16            20            24         28          32
 *     +-------+----+----+------+-----+----+-------------+-------------+----------+-----------+----
 *     | magic |ver |type|flags | from| to | payload_size| payload_crc | sequence | header_crc| pay-
 *     +-------+----+----+------+-----+----+-------------+-------------+----------+-----------+ load
 *
 * All integers are little-endian. The checksums are filled and checked where a frame leaves or
 * enters a process (psi_frame_seal, psi_frame_open); inside a process frames are handed over, not
 * copied. docs/wire-format.md has the payloads. */
#ifndef PSI_FRAME_H
#define PSI_FRAME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tortoise/err.h"

enum {
    PSI_FRAME_HEADER_BYTES = 32,
    PSI_FRAME_VERSION = 2,
    PSI_FRAME_PAYLOAD_MAX_BYTES = 1 << 30,
    PSI_FRAME_CLASSES = 32 /* power-of-two sizes that a pool keeps apart */
};

#define PSI_FRAME_MAGIC UINT32_C(0x46535454) /* "TTSF" */

typedef enum psi_frame_type {
    PSI_FRAME_FETCH = 1, /* client -> shard: send me these rows, at least as fresh as this clock */
    PSI_FRAME_ROWS,      /* shard -> client: rows, asked for or pushed */
    PSI_FRAME_FLUSH,     /* client -> shard: updates of a clock, and the client's new clock */
    PSI_FRAME_LEAVE,     /* client -> shard: no more updates will come */
    PSI_FRAME_PUSH,      /* client -> shard: updates outside of clocks */
    PSI_FRAME_PUSH_ACK,  /* shard -> client: they are applied */
    PSI_FRAME_PULL,      /* client -> shard: send me these rows as they are */
    PSI_FRAME_PULL_ROWS, /* shard -> client: there they are */
    PSI_FRAME_MODEL,     /* monitor -> monitor: a shard's tables at a clock, for evaluation */
    PSI_FRAME_SUMS,      /* monitor -> monitor: a worker's share of an evaluation */
    PSI_FRAME_TRACE,     /* monitor -> monitor: what a process recorded, at the end */
    PSI_FRAME_STOP,      /* monitor -> monitor: the run is to end */
    PSI_FRAME_SEEN,      /* client -> shard: which of your answers are no longer read from */
    PSI_FRAME_SEEN_BY_ALL, /* shard -> client: the row clock that all reads are known to have */
    PSI_FRAME_TYPES
} psi_frame_type;

/* A frame: memory of a pool. `size_bytes` counts header and payload; the header's fields from, to,
 * type and payload_size are always filled, the checksums and the sequence only between processes.
 */
typedef struct psi_frame {
    struct psi_frame *next; /* for whoever owns the frame */
    uint32_t from, to;      /* endpoints */
    uint32_t type;          /* psi_frame_type */
    uint32_t row_count; /* rows that it carries or asks for: what its handling costs beside bytes */
    size_t size_bytes;
    uint32_t size_class;
    _Alignas(16) uint8_t bytes[];
} psi_frame;

/* Free frames by size class. All zero is a valid empty pool. Guarded by its owner. */
typedef struct psi_frame_pool {
    psi_frame *free_frames[PSI_FRAME_CLASSES];
    uint64_t allocated_bytes;
    uint64_t free_bytes, free_low_bytes; /* now, and the least since the last trim */
} psi_frame_pool;

/* Takes a frame with room for `payload_size_bytes` from the pool; its content is uninitialised but
 * for the header, which is filled as for psi_frame_open() without checksums. Returns NULL when
 * memory is exhausted or the payload would exceed PSI_FRAME_PAYLOAD_MAX_BYTES. Allocates only when
 * no free frame of the class is left. O(1). */
psi_frame *psi_frame_take(psi_frame_pool *pool, psi_frame_type type, uint32_t from, uint32_t to,
                          size_t payload_size_bytes);

/* Gives a frame back; NULL is accepted. The pool need not be the one it was taken from. O(1). */
void psi_frame_release(psi_frame_pool *pool, psi_frame *frame);

/* Gives memory back that was free all the time since the last trim, but for `keep_bytes` of it: to
 * be called now and then, so that a burst is not kept for ever. Frees some frames at a time. */
void psi_frame_pool_trim(psi_frame_pool *pool, uint64_t keep_bytes);

/* Frees all frames of the pool. Frames that are still out are not its concern. */
void psi_frame_pool_fini(psi_frame_pool *pool);

static inline const uint8_t *psi_frame_payload(const psi_frame *frame) {
    return frame->bytes + PSI_FRAME_HEADER_BYTES;
}

static inline size_t psi_frame_payload_size_bytes(const psi_frame *frame) {
    return frame->size_bytes - PSI_FRAME_HEADER_BYTES;
}

/* A header, decoded. */
typedef struct psi_frame_header {
    uint32_t type, from, to, payload_size_bytes, payload_crc, sequence;
} psi_frame_header;

typedef enum psi_frame_verdict {
    PSI_FRAME_GOOD,
    PSI_FRAME_BAD_MAGIC,
    PSI_FRAME_BAD_VERSION,
    PSI_FRAME_BAD_TYPE,
    PSI_FRAME_BAD_SIZE,
    PSI_FRAME_BAD_HEADER_CRC,
    PSI_FRAME_BAD_PAYLOAD_CRC
} psi_frame_verdict;

/* Says what is wrong, in a few words. Static text. */
const char *psi_frame_verdict_text(psi_frame_verdict verdict);

/* Completes the header before the frame leaves the process: sequence and both checksums. O(size).
 */
void psi_frame_seal(psi_frame *frame, uint32_t sequence);

/* What tells one kind of frames from another with the same header. */
typedef struct psi_frame_format {
    uint32_t magic, version, type_count, payload_max_bytes;
} psi_frame_format;

/* Decodes `bytes`[0..32): the first thing done with bytes from outside, before any memory is taken
 * for the payload. header_out is filled only if the verdict is PSI_FRAME_GOOD. O(1). */
psi_frame_verdict psi_frame_header_read(const uint8_t *bytes, psi_frame_header *header_out);

/* The same for a header of another format. */
psi_frame_verdict psi_frame_header_read_as(const psi_frame_format *format, const uint8_t *bytes,
                                           psi_frame_header *header_out);

/* Checks the payload of a frame against the checksum of its header. O(size). */
psi_frame_verdict psi_frame_payload_check(const psi_frame_header *header, const uint8_t *payload);

#endif
