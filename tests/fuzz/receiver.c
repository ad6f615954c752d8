/* The receiving end of a connection: a stream of frames and records, some of them damaged, cut into
 * pieces of any size. What was sent whole before the first damage comes out, in order and to the
 * byte; nothing else does; and before a greeting little memory is taken. */
#define _GNU_SOURCE /* SOCK_NONBLOCK */
#include <errno.h>
#include <string.h>

#include <sys/socket.h>
#include <unistd.h>

#include "base/bytes.h"
#include "base/crc32c.h"
#include "fuzz/fuzz.h"
#include "runtime/connection.h"
#include "runtime/link.h"

enum { STREAM_MAX_BYTES = 1 << 17, SENT_MAX = 64, SMALL_PIECES_MAX = 500 };

/* The stream, and which bytes of it are frames that must arrive. */
typedef struct stream {
    uint8_t bytes[STREAM_MAX_BYTES];
    size_t size;
    size_t begins[SENT_MAX + 1];
    size_t sent_count;
    bool is_damaged; /* from begins[sent_count] on no frame is good */
    bool is_unknown; /* or any bytes at all follow, which may happen to be one */
    uint32_t sequence;
} stream;

static void append(stream *to, const uint8_t *bytes, size_t size) {
    const size_t room = STREAM_MAX_BYTES - to->size;
    memcpy(to->bytes + to->size, bytes, size < room ? size : room);
    to->size += size < room ? size : room;
    to->is_damaged |= size > room;
}

/* Appends one sealed frame. `how` says what it is and what is wrong with it. */
static void append_frame(stream *to, psi_frame_pool *pool, fuzz_input *input, uint8_t how) {
    size_t size = 0;
    const bool is_link = (how & 1) != 0;
    const bool is_large = (how & 2) != 0;
    const size_t wanted = is_large ? fuzz_u16(input) : fuzz_u8(input);
    const uint8_t *const payload = fuzz_bytes(input, is_large ? 8 : wanted, &size);
    const size_t payload_size = is_large ? wanted : size;
    const uint32_t type_count = is_link ? (uint32_t)PSI_LINK_TYPES : (uint32_t)PSI_FRAME_TYPES;
    const uint32_t type = 1 + fuzz_u8(input) % type_count;
    psi_frame *const frame = psi_frame_take(pool, (psi_frame_type)type, 1, 0, payload_size);
    FUZZ_CHECK(frame != NULL);
    memset(frame->bytes + PSI_FRAME_HEADER_BYTES, 0xa5, payload_size);
    memcpy(frame->bytes + PSI_FRAME_HEADER_BYTES, payload,
           size < payload_size ? size : payload_size);
    if (is_link) {
        psi_put_u32(frame->bytes, PSI_LINK_MAGIC);
        frame->bytes[4] = (uint8_t)PSI_LINK_VERSION;
    }
    const bool is_out_of_order = (how & 4) != 0;
    psi_frame_seal(frame, to->sequence + is_out_of_order);
    bool is_good = !is_out_of_order;
    is_good &= type < type_count;
    is_good &= !is_link || payload_size <= PSI_LINK_PAYLOAD_MAX_BYTES;
    if ((how & 8) != 0) { /* a bit is flipped on the way */
        const size_t bit = fuzz_u16(input) % (frame->size_bytes * 8);
        frame->bytes[bit / 8] ^= (uint8_t)(1U << bit % 8);
        is_good = false;
    }
    if (to->sent_count == 0) { /* the first word must be a greeting */
        is_good &= is_link && type == PSI_LINK_HELLO;
    }
    append(to, frame->bytes, frame->size_bytes);
    psi_frame_release(pool, frame);
    to->is_damaged |= !is_good;
    if (!to->is_damaged) {
        to->begins[++to->sent_count] = to->size;
        to->sequence++;
    }
}

static void make_stream(stream *to, psi_frame_pool *pool, fuzz_input *input) {
    for (uint32_t op = 0; input->left > 0 && op < SENT_MAX; op++) {
        const uint8_t how = fuzz_u8(input);
        if ((how & 16) == 0) {
            append_frame(to, pool, input, how);
            continue;
        }
        size_t size = 0;
        const uint8_t *const bytes = fuzz_bytes(input, fuzz_u8(input), &size);
        append(to, bytes, size);
        to->is_unknown |= size > 0 && !to->is_damaged;
        to->is_damaged |= size > 0;
    }
}

/* What came out so far. */
typedef struct judge {
    const stream *stream;
    psi_receiver receiver;
    psi_frame_pool pool;
    size_t count;
    bool is_over;
} judge;

static void take_frame(judge *j, psi_frame *frame, bool is_record) {
    const stream *const sent = j->stream;
    if (j->count < sent->sent_count) {
        const size_t begin = sent->begins[j->count];
        FUZZ_CHECK(frame->size_bytes == sent->begins[j->count + 1] - begin);
        /* The header was decoded into the frame, all but its checksums and sequence. */
        FUZZ_CHECK(memcmp(psi_frame_payload(frame), sent->bytes + begin + PSI_FRAME_HEADER_BYTES,
                          frame->size_bytes - PSI_FRAME_HEADER_BYTES) == 0);
        FUZZ_CHECK(frame->type == sent->bytes[begin + 5]);
        FUZZ_CHECK(is_record == (psi_load_u32(sent->bytes + begin) == PSI_LINK_MAGIC));
    } else {
        FUZZ_CHECK(sent->is_unknown);
    }
    if (j->count == 0) {
        FUZZ_CHECK(is_record && frame->type == PSI_LINK_HELLO);
        FUZZ_CHECK(psi_receiver_open(&j->receiver) == PS_OK);
    }
    j->count++;
    psi_frame_release(&j->pool, frame);
}

/* Takes out all that came in. */
static void drain(judge *j) {
    for (;;) {
        psi_frame *frame = NULL;
        const psi_received received = psi_receiver_next(&j->receiver, &j->pool, &frame);
        switch (received) {
        case PSI_RECEIVED_NOTHING:
            return;
        case PSI_RECEIVED_FRAME:
        case PSI_RECEIVED_RECORD:
            take_frame(j, frame, received == PSI_RECEIVED_RECORD);
            break;
        case PSI_RECEIVED_DAMAGE:
            FUZZ_CHECK(j->receiver.damage != NULL && j->receiver.damage[0] != '\0');
            FUZZ_CHECK(j->stream->is_damaged && j->count >= j->stream->sent_count);
            j->is_over = true;
            return;
        case PSI_RECEIVED_NO_MEMORY:
            FUZZ_CHECK(received != PSI_RECEIVED_NO_MEMORY);
        }
    }
}

/* Sends the stream piece by piece, and reads after each. */
static void transfer(judge *j, const int ends[2], const uint8_t cuts[8]) {
    const stream *const sent = j->stream;
    size_t done = 0;
    for (uint32_t i = 0; done < sent->size && !j->is_over; i++) {
        size_t piece = 1 + cuts[i % 8] * (size_t)(cuts[i % 8] < 128 ? 1 : 97);
        const size_t left = sent->size - done;
        piece = piece < left && i < SMALL_PIECES_MAX ? piece : left;
        const ssize_t written = write(ends[0], sent->bytes + done, piece);
        FUZZ_CHECK(written > 0);
        done += (size_t)written;
        int error = 0;
        psi_io io = PSI_IO_DONE;
        while (io == PSI_IO_DONE && !j->is_over) {
            io = psi_receiver_read(&j->receiver, ends[1], &error);
            FUZZ_CHECK(io == PSI_IO_DONE || io == PSI_IO_BLOCKED);
            drain(j);
            if (j->count == 0) { /* nobody has greeted yet */
                FUZZ_CHECK(j->pool.allocated_bytes + j->receiver.capacity_bytes <= 4096);
            }
        }
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    fuzz_input input = {data, size};
    uint8_t cuts[8];
    for (size_t i = 0; i < sizeof cuts; i++) {
        cuts[i] = fuzz_u8(&input);
    }
    static stream memory; /* too large for the stack; its bytes need not be cleared */
    stream *const sent = &memory;
    sent->size = 0;
    sent->begins[0] = 0;
    sent->sent_count = 0;
    sent->is_damaged = false;
    sent->is_unknown = false;
    sent->sequence = 0;
    judge j = {.stream = sent};
    int ends[2];
    FUZZ_CHECK(psi_receiver_init(&j.receiver) == PS_OK);
    FUZZ_CHECK(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends) == 0);
    psi_frame_pool pool = {0};
    make_stream(sent, &pool, &input);
    transfer(&j, ends, cuts);
    FUZZ_CHECK(j.is_over || j.count >= sent->sent_count);
    if (!sent->is_damaged) {
        FUZZ_CHECK(j.count == sent->sent_count && psi_receiver_is_between_frames(&j.receiver));
    }
    psi_receiver_fini(&j.receiver, &j.pool);
    psi_frame_pool_fini(&j.pool);
    psi_frame_pool_fini(&pool);
    (void)close(ends[0]);
    (void)close(ends[1]);
    return 0;
}
