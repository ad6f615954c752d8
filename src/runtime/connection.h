/* One direction each of a TCP connection: a sender that writes queued frames from where they lie,
 * and a receiver that makes frames of the bytes that arrive. Neither locks, blocks or knows what
 * frames mean. */
#ifndef PSI_CONNECTION_H
#define PSI_CONNECTION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tortoise/err.h"

#include "ps/frame.h"

typedef enum psi_io {
    PSI_IO_DONE,    /* as much as there was */
    PSI_IO_BLOCKED, /* the socket takes or gives no more now */
    PSI_IO_ENDED,   /* the peer closed its direction (reading only) */
    PSI_IO_LOST     /* the connection is broken; errno_out says how */
} psi_io;

/* Frames on their way out. The queue is filled under the process's lock; what was loaded from it
 * belongs to the one thread that writes, until it reclaims. */
typedef struct psi_sender {
    psi_frame *queue, **queue_end; /* owned; waiting to be loaded */
    psi_frame *flight,
        **flight_end;    /* owned; being written, the first one from flight_offset_bytes on */
    psi_frame *unsealed; /* the first frame in flight without checksums */
    psi_frame *sent;     /* owned; written, to be reclaimed */
    size_t flight_offset_bytes;
    uint32_t sequence;
    size_t queued_bytes, queued_high_bytes; /* in the queue and in flight */
    uint64_t frames, bytes;                 /* reclaimed so far */
} psi_sender;

void psi_sender_init(psi_sender *sender);

/* Gives all frames back. */
void psi_sender_fini(psi_sender *sender, psi_frame_pool *pool);

/* Appends a frame or record and takes it over. O(1). */
void psi_sender_push(psi_sender *sender, psi_frame *frame);

/* Whether a frame is in the queue or in flight. */
bool psi_sender_is_busy(const psi_sender *sender);

/* Moves the queue behind what is in flight. O(1). */
void psi_sender_load(psi_sender *sender);

/* Seals and writes what is in flight until all is written (PSI_IO_DONE), or the socket takes no
 * more (PSI_IO_BLOCKED) or is broken (PSI_IO_LOST). Needs no lock. */
psi_io psi_sender_write(psi_sender *sender, int fd, int *errno_out);

/* Gives written frames to the pool. O(frames). */
void psi_sender_reclaim(psi_sender *sender, psi_frame_pool *pool);

/* Bytes on their way in. */
typedef struct psi_receiver {
    uint8_t *buffer; /* owned; holds bytes from begin to end */
    size_t capacity_bytes, begin, end;
    psi_frame
        *partial; /* owned; a frame whose payload is not yet all there; the buffer is empty then */
    size_t partial_filled_bytes;
    bool partial_is_record, partial_is_checked;
    psi_frame_header header;   /* of `partial` */
    psi_frame_verdict verdict; /* on the payload of `partial`, if partial_is_checked */
    uint32_t sequence;         /* that the next frame must have */
    bool is_greeted;           /* before that only a HELLO is accepted, and little memory taken */
    bool is_drained;           /* the last read took all that the socket had */
    const char *damage;        /* static; what was wrong, after PSI_RECEIVED_DAMAGE */
    uint64_t frames, bytes;
} psi_receiver;

/* Makes a receiver that accepts a greeting. Returns PS_OK or PS_ENOMEM. */
PS_MUST_CHECK ps_err psi_receiver_init(psi_receiver *receiver);

void psi_receiver_fini(psi_receiver *receiver, psi_frame_pool *pool);

/* From now on frames of any size are accepted. Returns PS_OK or PS_ENOMEM. */
PS_MUST_CHECK ps_err psi_receiver_open(psi_receiver *receiver);

/* Reads once what the socket has, payloads of large frames straight into place. Call
 * psi_receiver_next() until PSI_RECEIVED_NOTHING before the next read. Needs no lock. PSI_IO_DONE
 * means that something was read. */
psi_io psi_receiver_read(psi_receiver *receiver, int fd, int *errno_out);

typedef enum psi_received {
    PSI_RECEIVED_NOTHING, /* read more */
    PSI_RECEIVED_FRAME,
    PSI_RECEIVED_RECORD, /* of the link; frame->type is a psi_link_type */
    PSI_RECEIVED_DAMAGE, /* receiver->damage says what; the connection is of no more use */
    PSI_RECEIVED_NO_MEMORY
} psi_received;

/* Takes the next whole frame out of what was read; it becomes the caller's. Nothing is allocated
 * before the header is known to be good. */
psi_received psi_receiver_next(psi_receiver *receiver, psi_frame_pool *pool, psi_frame **frame_out);

/* Whether what came in so far ends between two frames. */
bool psi_receiver_is_between_frames(const psi_receiver *receiver);

#endif
