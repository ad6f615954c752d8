#define _GNU_SOURCE /* MSG_NOSIGNAL, struct iovec */
#include "runtime/connection.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <sys/socket.h>
#include <sys/uio.h>

#include "base/bytes.h"
#include "runtime/link.h"

enum {
    GREETING_BUFFER_BYTES = 2048, /* holds a header and the largest record */
    BUFFER_BYTES = 64 * 1024,
    LARGE_BYTES = 32 * 1024, /* that a frame lacks */
    ASIDE_BYTES = 512,
    PIECES_MAX = 256 /* frames that one system call writes */
};

void psi_sender_init(psi_sender *sender) {
    *sender = (psi_sender){0};
    sender->queue_end = &sender->queue;
    sender->flight_end = &sender->flight;
}

static void release_all(psi_frame *frames, psi_frame_pool *pool) {
    while (frames != NULL) {
        psi_frame *const frame = frames;
        frames = frame->next;
        psi_frame_release(pool, frame);
    }
}

void psi_sender_fini(psi_sender *sender, psi_frame_pool *pool) {
    release_all(sender->queue, pool);
    release_all(sender->flight, pool);
    release_all(sender->sent, pool);
    psi_sender_init(sender);
}

void psi_sender_push(psi_sender *sender, psi_frame *frame) {
    frame->next = NULL;
    *sender->queue_end = frame;
    sender->queue_end = &frame->next;
    sender->queued_bytes += frame->size_bytes;
    if (sender->queued_bytes > sender->queued_high_bytes) {
        sender->queued_high_bytes = sender->queued_bytes;
    }
}

bool psi_sender_is_busy(const psi_sender *sender) {
    return sender->queue != NULL || sender->flight != NULL;
}

void psi_sender_load(psi_sender *sender) {
    if (sender->queue == NULL) {
        return;
    }
    if (sender->unsealed == NULL) {
        sender->unsealed = sender->queue;
    }
    *sender->flight_end = sender->queue;
    sender->flight_end = sender->queue_end;
    sender->queue = NULL;
    sender->queue_end = &sender->queue;
}

static void seal_all(psi_sender *sender) {
    for (psi_frame *frame = sender->unsealed; frame != NULL; frame = frame->next) {
        psi_frame_seal(frame, sender->sequence);
        sender->sequence++;
    }
    sender->unsealed = NULL;
}

/* Steps over `written` bytes: frames that are written whole go to `sent`. */
static void flight_advance(psi_sender *sender, size_t written) {
    sender->flight_offset_bytes += written;
    while (sender->flight != NULL && sender->flight_offset_bytes >= sender->flight->size_bytes) {
        psi_frame *const frame = sender->flight;
        sender->flight_offset_bytes -= frame->size_bytes;
        sender->flight = frame->next;
        frame->next = sender->sent;
        sender->sent = frame;
    }
    if (sender->flight == NULL) {
        PS_ASSERT(sender->flight_offset_bytes == 0);
        sender->flight_end = &sender->flight;
    }
}

psi_io psi_sender_write(psi_sender *sender, int fd, int *errno_out) {
    seal_all(sender);
    while (sender->flight != NULL) {
        struct iovec pieces[PIECES_MAX];
        size_t piece_count = 0;
        size_t offset = sender->flight_offset_bytes;
        for (psi_frame *frame = sender->flight; frame != NULL && piece_count < PIECES_MAX;
             frame = frame->next) {
            pieces[piece_count].iov_base = frame->bytes + offset;
            pieces[piece_count].iov_len = frame->size_bytes - offset;
            piece_count++;
            offset = 0;
        }
        const struct msghdr message = {.msg_iov = pieces, .msg_iovlen = piece_count};
        const ssize_t written = sendmsg(fd, &message, MSG_NOSIGNAL);
        if (written >= 0) {
            flight_advance(sender, (size_t)written);
        } else if (errno == EAGAIN || errno == EWOULDBLOCK) {
            return PSI_IO_BLOCKED;
        } else if (errno != EINTR) {
            *errno_out = errno;
            return PSI_IO_LOST;
        }
    }
    return PSI_IO_DONE;
}

void psi_sender_reclaim(psi_sender *sender, psi_frame_pool *pool) {
    while (sender->sent != NULL) {
        psi_frame *const frame = sender->sent;
        sender->sent = frame->next;
        sender->queued_bytes -= frame->size_bytes;
        sender->bytes += frame->size_bytes;
        sender->frames++;
        psi_frame_release(pool, frame);
    }
}

ps_err psi_receiver_init(psi_receiver *receiver) {
    *receiver = (psi_receiver){0};
    receiver->buffer = malloc(GREETING_BUFFER_BYTES);
    if (receiver->buffer == NULL) {
        return PS_ENOMEM;
    }
    receiver->capacity_bytes = GREETING_BUFFER_BYTES;
    return PS_OK;
}

void psi_receiver_fini(psi_receiver *receiver, psi_frame_pool *pool) {
    free(receiver->buffer);
    psi_frame_release(pool, receiver->partial);
    *receiver = (psi_receiver){0};
}

ps_err psi_receiver_open(psi_receiver *receiver) {
    uint8_t *const buffer = realloc(receiver->buffer, BUFFER_BYTES);
    if (buffer == NULL) {
        return PS_ENOMEM;
    }
    receiver->buffer = buffer;
    receiver->capacity_bytes = BUFFER_BYTES;
    receiver->is_greeted = true;
    return PS_OK;
}

/* The checksum of a large payload is computed here, where no lock is held. */
static void check_partial(psi_receiver *receiver) {
    const bool is_whole = receiver->partial_filled_bytes == receiver->partial->size_bytes;
    if (is_whole && !receiver->partial_is_checked) {
        receiver->verdict =
            psi_frame_payload_check(&receiver->header, psi_frame_payload(receiver->partial));
        receiver->partial_is_checked = true;
    }
}

psi_io psi_receiver_read(psi_receiver *receiver, int fd, int *errno_out) {
    if (receiver->begin > 0) {
        memmove(receiver->buffer, receiver->buffer + receiver->begin,
                receiver->end - receiver->begin);
        receiver->end -= receiver->begin;
        receiver->begin = 0;
    }
    struct iovec pieces[2];
    int piece_count = 0;
    size_t missing_bytes = 0;
    if (receiver->partial != NULL) {
        missing_bytes = receiver->partial->size_bytes - receiver->partial_filled_bytes;
        pieces[piece_count].iov_base = receiver->partial->bytes + receiver->partial_filled_bytes;
        pieces[piece_count].iov_len = missing_bytes;
        piece_count++;
    }
    /* What follows a large frame is most likely another: no more of it than its header and a small
     * frame's worth is read aside, from where it has to be copied. */
    const size_t free_bytes = receiver->capacity_bytes - receiver->end;
    const bool is_large = missing_bytes >= LARGE_BYTES && free_bytes > ASIDE_BYTES;
    pieces[piece_count].iov_base = receiver->buffer + receiver->end;
    pieces[piece_count].iov_len = is_large ? ASIDE_BYTES : free_bytes;
    piece_count++;
    ssize_t got;
    do {
        got = readv(fd, pieces, piece_count);
    } while (got < 0 && errno == EINTR);
    if (got == 0) {
        return PSI_IO_ENDED;
    }
    if (got < 0) {
        *errno_out = errno;
        return errno == EAGAIN || errno == EWOULDBLOCK ? PSI_IO_BLOCKED : PSI_IO_LOST;
    }
    const size_t count = (size_t)got;
    receiver->bytes += count;
    receiver->is_drained = count < missing_bytes + (is_large ? ASIDE_BYTES : free_bytes);
    const size_t to_partial = count < missing_bytes ? count : missing_bytes;
    receiver->end += count - to_partial;
    if (receiver->partial != NULL) {
        receiver->partial_filled_bytes += to_partial;
        check_partial(receiver);
    }
    return PSI_IO_DONE;
}

static psi_received damaged(psi_receiver *receiver, const char *damage) {
    receiver->damage = damage;
    return PSI_RECEIVED_DAMAGE;
}

/* Decodes the header at the front of the buffer and takes a frame for it. */
static psi_received begin_frame(psi_receiver *receiver, psi_frame_pool *pool) {
    const uint8_t *const bytes = receiver->buffer + receiver->begin;
    const bool is_record = psi_load_u32(bytes) == PSI_LINK_MAGIC;
    const psi_frame_verdict verdict = is_record ? psi_link_header_read(bytes, &receiver->header)
                                                : psi_frame_header_read(bytes, &receiver->header);
    if (verdict != PSI_FRAME_GOOD) {
        return damaged(receiver, psi_frame_verdict_text(verdict));
    }
    const psi_frame_header *const header = &receiver->header;
    if (!receiver->is_greeted && (!is_record || header->type != PSI_LINK_HELLO)) {
        return damaged(receiver, "something else than a greeting");
    }
    if (header->sequence != receiver->sequence) {
        return damaged(receiver, "a frame out of sequence");
    }
    psi_frame *const frame = psi_frame_take(pool, (psi_frame_type)header->type, header->from,
                                            header->to, header->payload_size_bytes);
    if (frame == NULL) {
        return PSI_RECEIVED_NO_MEMORY;
    }
    receiver->sequence++;
    receiver->begin += PSI_FRAME_HEADER_BYTES;
    receiver->partial = frame;
    receiver->partial_filled_bytes = PSI_FRAME_HEADER_BYTES;
    receiver->partial_is_record = is_record;
    receiver->partial_is_checked = false;
    return PSI_RECEIVED_NOTHING;
}

psi_received psi_receiver_next(psi_receiver *receiver, psi_frame_pool *pool,
                               psi_frame **frame_out) {
    *frame_out = NULL;
    if (receiver->partial == NULL) {
        if (receiver->end - receiver->begin < PSI_FRAME_HEADER_BYTES) {
            return PSI_RECEIVED_NOTHING;
        }
        const psi_received begun = begin_frame(receiver, pool);
        if (begun != PSI_RECEIVED_NOTHING) {
            return begun;
        }
    }
    psi_frame *const frame = receiver->partial;
    const size_t missing_bytes = frame->size_bytes - receiver->partial_filled_bytes;
    const size_t there_bytes = receiver->end - receiver->begin;
    const size_t size_bytes = missing_bytes < there_bytes ? missing_bytes : there_bytes;
    memcpy(frame->bytes + receiver->partial_filled_bytes, receiver->buffer + receiver->begin,
           size_bytes);
    receiver->partial_filled_bytes += size_bytes;
    receiver->begin += size_bytes;
    if (size_bytes < missing_bytes) {
        return PSI_RECEIVED_NOTHING;
    }
    check_partial(receiver);
    if (receiver->verdict != PSI_FRAME_GOOD) {
        return damaged(receiver, psi_frame_verdict_text(receiver->verdict));
    }
    receiver->partial = NULL;
    receiver->frames++;
    *frame_out = frame;
    return receiver->partial_is_record ? PSI_RECEIVED_RECORD : PSI_RECEIVED_FRAME;
}

bool psi_receiver_is_between_frames(const psi_receiver *receiver) {
    return receiver->partial == NULL && receiver->begin == receiver->end;
}
