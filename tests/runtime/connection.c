/* Framing over a real socket: whatever the pieces in which bytes arrive, the same frames come out,
 * and whatever is wrong with them is named before it costs memory. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include <sys/socket.h>
#include <unistd.h>

#include "base/bytes.h"
#include "base/crc32c.h"
#include "runtime/connection.h"
#include "runtime/link.h"

#include "support/suite.h"

enum { FRAMES = 7, BIG_BYTES = 300 * 1024 };

typedef struct fixture {
    int fds[2]; /* bytes go in at 0 and come out at 1 */
    psi_frame_pool pool;
    psi_sender sender;
    psi_receiver receiver;
} fixture;

static void open_fixture(fixture *f, bool is_greeted) {
    memset(f, 0, sizeof *f);
    CU_ASSERT_EQUAL_FATAL(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, f->fds), 0);
    psi_sender_init(&f->sender);
    CU_ASSERT_EQUAL_FATAL(psi_receiver_init(&f->receiver), PS_OK);
    if (is_greeted) {
        CU_ASSERT_EQUAL_FATAL(psi_receiver_open(&f->receiver), PS_OK);
    }
}

static void close_fixture(fixture *f) {
    psi_sender_fini(&f->sender, &f->pool);
    psi_receiver_fini(&f->receiver, &f->pool);
    psi_frame_pool_fini(&f->pool);
    for (int i = 0; i < 2; i++) {
        if (f->fds[i] >= 0) {
            close(f->fds[i]);
        }
    }
}

static uint8_t content(size_t frame, size_t index) {
    return (uint8_t)(frame * 131 + index * 31 + index / 251);
}

static size_t size_of(size_t frame) {
    const size_t sizes[FRAMES] = {0, 1, 31, 32, 4099, BIG_BYTES, 3};
    return sizes[frame];
}

static psi_frame *make(fixture *f, size_t frame) {
    psi_frame *const made =
        psi_frame_take(&f->pool, PSI_FRAME_FLUSH, (uint32_t)frame, 77, size_of(frame));
    CU_ASSERT_PTR_NOT_NULL_FATAL(made);
    for (size_t i = 0; i < size_of(frame); i++) {
        made->bytes[PSI_FRAME_HEADER_BYTES + i] = content(frame, i);
    }
    return made;
}

static void check(fixture *f, psi_frame *got, size_t frame) {
    CU_ASSERT_EQUAL(got->type, PSI_FRAME_FLUSH);
    CU_ASSERT_EQUAL(got->from, frame);
    CU_ASSERT_EQUAL(got->to, 77);
    CU_ASSERT_EQUAL_FATAL(psi_frame_payload_size_bytes(got), size_of(frame));
    size_t wrong = 0;
    for (size_t i = 0; i < size_of(frame); i++) {
        wrong += psi_frame_payload(got)[i] != content(frame, i);
    }
    CU_ASSERT_EQUAL(wrong, 0);
    psi_frame_release(&f->pool, got);
}

/* Takes what was read and compares it with the frames from *next_frame on. */
static psi_received take(fixture *f, size_t *next_frame) {
    for (;;) {
        psi_frame *frame;
        const psi_received received = psi_receiver_next(&f->receiver, &f->pool, &frame);
        if (received != PSI_RECEIVED_FRAME) {
            return received;
        }
        check(f, frame, *next_frame);
        ++*next_frame;
    }
}

/* All frames as one string of bytes, sealed. Returns their size. */
static size_t encode(fixture *f, uint8_t *bytes) {
    size_t size = 0;
    for (size_t i = 0; i < FRAMES; i++) {
        psi_frame *const frame = make(f, i);
        psi_frame_seal(frame, (uint32_t)i);
        memcpy(bytes + size, frame->bytes, frame->size_bytes);
        size += frame->size_bytes;
        psi_frame_release(&f->pool, frame);
    }
    return size;
}

static uint8_t bytes[2 * BIG_BYTES];

/* A sender and a receiver that take turns pass everything on in order, although the big frame does
 * not fit into the socket at once. */
static void sends_and_receives_in_turns(void) {
    fixture f;
    open_fixture(&f, true);
    const int small = 8192;
    setsockopt(f.fds[0], SOL_SOCKET, SO_SNDBUF, &small, sizeof small);
    for (size_t i = 0; i < FRAMES; i++) {
        psi_sender_push(&f.sender, make(&f, i));
    }
    size_t got = 0;
    size_t blocked = 0;
    int error = 0;
    for (size_t turn = 0; turn < 100000 && got < FRAMES; turn++) {
        psi_sender_load(&f.sender);
        const psi_io io = psi_sender_write(&f.sender, f.fds[0], &error);
        CU_ASSERT_TRUE_FATAL(io == PSI_IO_DONE || io == PSI_IO_BLOCKED);
        blocked += io == PSI_IO_BLOCKED;
        psi_sender_reclaim(&f.sender, &f.pool);
        if (psi_receiver_read(&f.receiver, f.fds[1], &error) == PSI_IO_DONE) {
            CU_ASSERT_EQUAL_FATAL(take(&f, &got), PSI_RECEIVED_NOTHING);
        }
    }
    CU_ASSERT_EQUAL(got, FRAMES);
    CU_ASSERT_TRUE(blocked > 0);
    CU_ASSERT_EQUAL(f.sender.frames, FRAMES);
    CU_ASSERT_EQUAL(f.sender.queued_bytes, 0);
    CU_ASSERT_EQUAL(f.sender.bytes, f.receiver.bytes);
    CU_ASSERT_FALSE(psi_sender_is_busy(&f.sender));
    CU_ASSERT_TRUE(psi_receiver_is_between_frames(&f.receiver));
    close_fixture(&f);
}

/* Frames pushed while others are in flight stay behind them. */
static void later_frames_stay_behind_earlier_ones(void) {
    fixture f;
    open_fixture(&f, true);
    int error = 0;
    psi_sender_push(&f.sender, make(&f, 0));
    psi_sender_load(&f.sender);
    psi_sender_push(&f.sender, make(&f, 1));
    psi_sender_load(&f.sender);
    psi_sender_push(&f.sender, make(&f, 2));
    CU_ASSERT_EQUAL(psi_sender_write(&f.sender, f.fds[0], &error), PSI_IO_DONE);
    psi_sender_load(&f.sender);
    CU_ASSERT_EQUAL(psi_sender_write(&f.sender, f.fds[0], &error), PSI_IO_DONE);
    size_t got = 0;
    CU_ASSERT_EQUAL(psi_receiver_read(&f.receiver, f.fds[1], &error), PSI_IO_DONE);
    CU_ASSERT_EQUAL(take(&f, &got), PSI_RECEIVED_NOTHING);
    CU_ASSERT_EQUAL(got, 3);
    close_fixture(&f);
}

/* Every piece size: single bytes, split headers, several frames at once. */
static void any_pieces_give_the_same_frames(void) {
    const size_t pieces[] = {1, 2, 3, 31, 32, 33, 63, 64, 65, 1000, 4131, 65536, 100003};
    for (size_t p = 0; p < sizeof pieces / sizeof pieces[0]; p++) {
        fixture f;
        open_fixture(&f, true);
        const size_t size = encode(&f, bytes);
        size_t sent = 0;
        size_t got = 0;
        int error = 0;
        while (got < FRAMES) {
            if (sent < size) {
                const size_t left = size - sent;
                const ssize_t put =
                    write(f.fds[0], bytes + sent, left < pieces[p] ? left : pieces[p]);
                sent += put > 0 ? (size_t)put : 0;
            }
            const psi_io io = psi_receiver_read(&f.receiver, f.fds[1], &error);
            CU_ASSERT_EQUAL_FATAL(io, PSI_IO_DONE);
            CU_ASSERT_EQUAL_FATAL(take(&f, &got), PSI_RECEIVED_NOTHING);
        }
        CU_ASSERT_EQUAL(sent, size);
        CU_ASSERT_EQUAL(psi_receiver_read(&f.receiver, f.fds[1], &error), PSI_IO_BLOCKED);
        close_fixture(&f);
    }
}

/* Sends `size` bytes to a fresh receiver; returns what it makes of them and what memory it took. */
static psi_received judge(const uint8_t *input, size_t size, bool is_greeted,
                          const char **damage_out, uint64_t *allocated_out) {
    fixture f;
    open_fixture(&f, is_greeted);
    psi_received received = PSI_RECEIVED_NOTHING;
    int error = 0;
    size_t sent = 0;
    while (sent < size && received == PSI_RECEIVED_NOTHING) {
        const size_t piece = size - sent < 1500 ? size - sent : 1500;
        CU_ASSERT_EQUAL_FATAL(write(f.fds[0], input + sent, piece), (ssize_t)piece);
        sent += piece;
        CU_ASSERT_EQUAL_FATAL(psi_receiver_read(&f.receiver, f.fds[1], &error), PSI_IO_DONE);
        psi_frame *frame;
        received = psi_receiver_next(&f.receiver, &f.pool, &frame);
        psi_frame_release(&f.pool, frame);
    }
    *damage_out = f.receiver.damage;
    *allocated_out = f.pool.allocated_bytes;
    close_fixture(&f);
    return received;
}

/* A header of its own making, with a good checksum. */
static void header(uint8_t *out, uint32_t magic, uint8_t version, uint8_t type, uint32_t size,
                   uint32_t sequence) {
    memset(out, 0, PSI_FRAME_HEADER_BYTES);
    psi_put_u32(out, magic);
    out[4] = version;
    out[5] = type;
    psi_put_u32(out + 16, size);
    psi_put_u32(out + 24, sequence);
    psi_put_u32(out + 28, psi_crc32c(0, out, 28));
}

static void expect_damage(const uint8_t *input, size_t size, bool is_greeted, const char *what) {
    const char *damage = NULL;
    uint64_t allocated = 0;
    CU_ASSERT_EQUAL_FATAL(judge(input, size, is_greeted, &damage, &allocated), PSI_RECEIVED_DAMAGE);
    CU_ASSERT_PTR_NOT_NULL_FATAL(damage);
    CU_ASSERT_PTR_NOT_NULL(strstr(damage, what));
    CU_ASSERT_EQUAL(allocated, 0);
    if (strstr(damage, what) == NULL) {
        printf("  got \"%s\", expected \"%s\"\n", damage, what);
    }
}

/* What is wrong with a header is named, and costs no memory for a payload that may never come. */
static void bad_headers_are_refused_before_allocation(void) {
    uint8_t h[PSI_FRAME_HEADER_BYTES];
    header(h, UINT32_C(0x20544547), 1, 1, 0, 0); /* "GET " */
    expect_damage(h, sizeof h, true, "not a tortoise frame");
    header(h, PSI_FRAME_MAGIC, PSI_FRAME_VERSION + 1, PSI_FRAME_FETCH, 0, 0);
    expect_damage(h, sizeof h, true, "another protocol version");
    header(h, PSI_FRAME_MAGIC, PSI_FRAME_VERSION, PSI_FRAME_TYPES, 0, 0);
    expect_damage(h, sizeof h, true, "unknown type");
    header(h, PSI_FRAME_MAGIC, PSI_FRAME_VERSION, PSI_FRAME_FETCH, UINT32_C(0xfffffff0), 0);
    expect_damage(h, sizeof h, true, "too large");
    header(h, PSI_FRAME_MAGIC, PSI_FRAME_VERSION, PSI_FRAME_FETCH, PSI_FRAME_PAYLOAD_MAX_BYTES + 1u,
           0);
    expect_damage(h, sizeof h, true, "too large");
    header(h, PSI_FRAME_MAGIC, PSI_FRAME_VERSION, PSI_FRAME_FETCH, 10, 0);
    h[9] ^= 0x40;
    expect_damage(h, sizeof h, true, "damaged header");
    header(h, PSI_FRAME_MAGIC, PSI_FRAME_VERSION, PSI_FRAME_FETCH, 10, 1);
    expect_damage(h, sizeof h, true, "out of sequence");
    header(h, PSI_LINK_MAGIC, PSI_LINK_VERSION + 1, PSI_LINK_HELLO, 0, 0);
    expect_damage(h, sizeof h, true, "another protocol version");
    header(h, PSI_LINK_MAGIC, PSI_LINK_VERSION, PSI_LINK_TYPES, 0, 0);
    expect_damage(h, sizeof h, true, "unknown type");
    header(h, PSI_LINK_MAGIC, PSI_LINK_VERSION, PSI_LINK_FAILURE, PSI_LINK_PAYLOAD_MAX_BYTES + 1u,
           0);
    expect_damage(h, sizeof h, true, "too large");
}

/* Before a connection has greeted it gets no more than a greeting's memory, whatever it announces.
 */
static void strangers_cost_little(void) {
    uint8_t h[PSI_FRAME_HEADER_BYTES];
    header(h, PSI_FRAME_MAGIC, PSI_FRAME_VERSION, PSI_FRAME_FETCH, 1 << 29, 0);
    expect_damage(h, sizeof h, false, "greeting");
    header(h, PSI_LINK_MAGIC, PSI_LINK_VERSION, PSI_LINK_HEARTBEAT, 24, 0);
    expect_damage(h, sizeof h, false, "greeting");
    header(h, PSI_LINK_MAGIC, PSI_LINK_VERSION, PSI_LINK_HELLO, PSI_LINK_PAYLOAD_MAX_BYTES, 0);
    const char *damage;
    uint64_t allocated;
    CU_ASSERT_EQUAL(judge(h, sizeof h, false, &damage, &allocated), PSI_RECEIVED_NOTHING);
    fixture f;
    open_fixture(&f, false);
    CU_ASSERT_TRUE(allocated + f.receiver.capacity_bytes <= 4096);
    close_fixture(&f);
}

/* Every single flipped bit of a frame is found. */
static void every_flipped_bit_is_found(void) {
    fixture f;
    open_fixture(&f, true);
    psi_frame *const frame = make(&f, 2);
    psi_frame_seal(frame, 0);
    const size_t size = frame->size_bytes;
    memcpy(bytes, frame->bytes, size);
    psi_frame_release(&f.pool, frame);
    close_fixture(&f);
    size_t unnoticed = 0;
    for (size_t bit = 0; bit < 8 * size; bit++) {
        bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
        const char *damage;
        uint64_t allocated;
        unnoticed += judge(bytes, size, true, &damage, &allocated) != PSI_RECEIVED_DAMAGE;
        bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
    CU_ASSERT_EQUAL(unnoticed, 0);
    const char *damage;
    uint64_t allocated;
    CU_ASSERT_EQUAL(judge(bytes, size, true, &damage, &allocated), PSI_RECEIVED_FRAME);
}

/* A large payload is checked, too: it takes another way, straight into place. */
static void damage_in_a_large_payload_is_found(void) {
    fixture f;
    open_fixture(&f, true);
    psi_frame *const frame = make(&f, 5);
    psi_frame_seal(frame, 0);
    const size_t size = frame->size_bytes;
    memcpy(bytes, frame->bytes, size);
    psi_frame_release(&f.pool, frame);
    close_fixture(&f);
    bytes[size - 1] ^= 0x10;
    const char *damage = NULL;
    uint64_t allocated;
    CU_ASSERT_EQUAL(judge(bytes, size, true, &damage, &allocated), PSI_RECEIVED_DAMAGE);
    CU_ASSERT_STRING_EQUAL(damage, "a frame with a damaged payload");
}

/* The end of a connection within a frame is not the same as an orderly end. */
static void an_end_within_a_frame_is_seen(void) {
    const size_t cuts[] = {0, 1, 31, 32, 33, 60, 63};
    for (size_t i = 0; i < sizeof cuts / sizeof cuts[0]; i++) {
        fixture f;
        open_fixture(&f, true);
        psi_frame *const frame = make(&f, 2);
        psi_frame_seal(frame, 0);
        CU_ASSERT_EQUAL_FATAL(write(f.fds[0], frame->bytes, cuts[i]), (ssize_t)cuts[i]);
        close(f.fds[0]);
        f.fds[0] = -1;
        psi_io io;
        int error = 0;
        while ((io = psi_receiver_read(&f.receiver, f.fds[1], &error)) == PSI_IO_DONE) {
            psi_frame *got;
            const psi_received received = psi_receiver_next(&f.receiver, &f.pool, &got);
            CU_ASSERT_EQUAL(received, cuts[i] == frame->size_bytes ? PSI_RECEIVED_FRAME
                                                                   : PSI_RECEIVED_NOTHING);
            psi_frame_release(&f.pool, got);
        }
        CU_ASSERT_EQUAL(io, PSI_IO_ENDED);
        const bool is_orderly = cuts[i] == 0 || cuts[i] == frame->size_bytes;
        CU_ASSERT_EQUAL(psi_receiver_is_between_frames(&f.receiver), is_orderly);
        psi_frame_release(&f.pool, frame);
        close_fixture(&f);
    }
}

/* Writing to a connection that is gone is a loss that is reported, not a signal that kills. */
static void writing_to_a_closed_socket_is_a_loss(void) {
    fixture f;
    open_fixture(&f, true);
    close(f.fds[1]);
    f.fds[1] = -1;
    psi_sender_push(&f.sender, make(&f, 1));
    psi_sender_load(&f.sender);
    int error = 0;
    CU_ASSERT_EQUAL(psi_sender_write(&f.sender, f.fds[0], &error), PSI_IO_LOST);
    CU_ASSERT_EQUAL(error, EPIPE);
    close_fixture(&f);
}

/* The queue's high-water mark is what waited at once, not what was sent in all. */
static void queue_high_water_is_of_what_waits(void) {
    fixture f;
    open_fixture(&f, true);
    int error = 0;
    for (int i = 0; i < 10; i++) {
        psi_sender_push(&f.sender, make(&f, 3));
        psi_sender_load(&f.sender);
        CU_ASSERT_EQUAL(psi_sender_write(&f.sender, f.fds[0], &error), PSI_IO_DONE);
        psi_sender_reclaim(&f.sender, &f.pool);
    }
    CU_ASSERT_EQUAL(f.sender.queued_high_bytes, 64);
    CU_ASSERT_EQUAL(f.sender.bytes, 640);
    close_fixture(&f);
}

static const suite_test tests[] = {
    SUITE_TEST(sends_and_receives_in_turns),
    SUITE_TEST(later_frames_stay_behind_earlier_ones),
    SUITE_TEST(any_pieces_give_the_same_frames),
    SUITE_TEST(bad_headers_are_refused_before_allocation),
    SUITE_TEST(strangers_cost_little),
    SUITE_TEST(every_flipped_bit_is_found),
    SUITE_TEST(damage_in_a_large_payload_is_found),
    SUITE_TEST(an_end_within_a_frame_is_seen),
    SUITE_TEST(writing_to_a_closed_socket_is_a_loss),
    SUITE_TEST(queue_high_water_is_of_what_waits),
};
SUITE_MAIN("connection", tests)
