/* Frames: what was sealed opens, and whatever is damaged is found before it is used (G10). */
#include "ps/frame.h"

#include <stdio.h>

#include "base/bytes.h"
#include "base/crc32c.h"
#include "support/suite.h"

enum { PAYLOAD_BYTES = 301 };

static psi_frame *sealed_frame(psi_frame_pool *pool) {
    psi_frame *const frame = psi_frame_take(pool, PSI_FRAME_FLUSH, 7, 11, PAYLOAD_BYTES);
    CU_ASSERT_PTR_NOT_NULL_FATAL(frame);
    for (size_t i = 0; i < PAYLOAD_BYTES; i++) {
        frame->bytes[PSI_FRAME_HEADER_BYTES + i] = (uint8_t)(i * 31 + 5);
    }
    psi_frame_seal(frame, 0x01020304);
    return frame;
}

static void sealed_frames_open(void) {
    psi_frame_pool pool = {0};
    psi_frame *const frame = sealed_frame(&pool);
    psi_frame_header header;
    CU_ASSERT_EQUAL_FATAL(psi_frame_header_read(frame->bytes, &header), PSI_FRAME_GOOD);
    CU_ASSERT_EQUAL(header.type, PSI_FRAME_FLUSH);
    CU_ASSERT_EQUAL(header.from, 7);
    CU_ASSERT_EQUAL(header.to, 11);
    CU_ASSERT_EQUAL(header.payload_size_bytes, PAYLOAD_BYTES);
    CU_ASSERT_EQUAL(header.sequence, 0x01020304);
    CU_ASSERT_EQUAL(psi_frame_payload_check(&header, psi_frame_payload(frame)), PSI_FRAME_GOOD);
    psi_frame_release(&pool, frame);
    psi_frame_pool_fini(&pool);
}

/* One bit anywhere, in header or payload, is found. */
static void every_flipped_bit_is_found(void) {
    psi_frame_pool pool = {0};
    psi_frame *const frame = sealed_frame(&pool);
    size_t missed = 0;
    for (size_t bit = 0; bit < frame->size_bytes * 8; bit++) {
        frame->bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
        psi_frame_header header;
        psi_frame_verdict verdict = psi_frame_header_read(frame->bytes, &header);
        if (verdict == PSI_FRAME_GOOD) {
            verdict = psi_frame_payload_check(&header, psi_frame_payload(frame));
        }
        missed += verdict == PSI_FRAME_GOOD;
        frame->bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
    CU_ASSERT_EQUAL(missed, 0);
    psi_frame_release(&pool, frame);
    psi_frame_pool_fini(&pool);
}

typedef struct damage {
    size_t at;
    uint8_t byte;
    psi_frame_verdict verdict;
} damage;

/* Damage that carries a right checksum, as a hostile or a different program would send it, is
 * named. */
static void wrong_headers_are_named(void) {
    static const damage cases[] = {
        {0, 'X', PSI_FRAME_BAD_MAGIC},  {4, PSI_FRAME_VERSION + 1, PSI_FRAME_BAD_VERSION},
        {5, 0, PSI_FRAME_BAD_TYPE},     {5, PSI_FRAME_TYPES, PSI_FRAME_BAD_TYPE},
        {5, 255, PSI_FRAME_BAD_TYPE},   {6, 1, PSI_FRAME_BAD_TYPE},
        {19, 0x41, PSI_FRAME_BAD_SIZE},
    };
    psi_frame_pool pool = {0};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        psi_frame *const frame = sealed_frame(&pool);
        frame->bytes[cases[i].at] = cases[i].byte;
        psi_put_u32(frame->bytes + 28, psi_crc32c(0, frame->bytes, 28));
        psi_frame_header header = {.type = 99};
        CU_ASSERT_EQUAL(psi_frame_header_read(frame->bytes, &header), cases[i].verdict);
        CU_ASSERT_EQUAL(header.type, 99);
        CU_ASSERT_TRUE(strlen(psi_frame_verdict_text(cases[i].verdict)) > 5);
        psi_frame_release(&pool, frame);
    }
    psi_frame_pool_fini(&pool);
}

/* In steady state frames come back from the pool and nothing is allocated. */
static void pools_reuse_frames(void) {
    psi_frame_pool pool = {0};
    static const size_t sizes[] = {0, 1, 223, 224, 225, 4000, 100000};
    for (int round = 0; round < 3; round++) {
        const uint64_t before = pool.allocated_bytes;
        psi_frame *frames[7];
        for (size_t i = 0; i < 7; i++) {
            frames[i] = psi_frame_take(&pool, PSI_FRAME_ROWS, 1, 2, sizes[i]);
            CU_ASSERT_PTR_NOT_NULL_FATAL(frames[i]);
            CU_ASSERT_EQUAL(psi_frame_payload_size_bytes(frames[i]), sizes[i]);
            CU_ASSERT_EQUAL(psi_load_u32(frames[i]->bytes + 16), sizes[i]);
            memset(frames[i]->bytes, 0xff, frames[i]->size_bytes);
        }
        for (size_t i = 0; i < 7; i++) {
            psi_frame_release(&pool, frames[i]);
        }
        CU_ASSERT_TRUE(round == 0 || pool.allocated_bytes == before);
    }
    CU_ASSERT_PTR_NULL(
        psi_frame_take(&pool, PSI_FRAME_ROWS, 1, 2, PSI_FRAME_PAYLOAD_MAX_BYTES + 1ul));
    psi_frame_release(&pool, NULL);
    psi_frame_pool_fini(&pool);
}

static const suite_test tests[] = {
    SUITE_TEST(sealed_frames_open), SUITE_TEST(every_flipped_bit_is_found),
    SUITE_TEST(wrong_headers_are_named), SUITE_TEST(pools_reuse_frames)};
SUITE_MAIN("frame", tests)
