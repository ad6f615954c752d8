/* Frames are checked by this sum in every world: both ways to compute it must be the standard's. */
#include "base/crc32c.h"

#include "support/suite.h"
#include "tortoise/random.h"

/* Without the instructions, two of the ways are the portable one; that is no error. */
static uint32_t by_tables(uint32_t crc, const void *bytes, size_t size_bytes) {
    return psi_crc32c_by(PSI_CRC32C_PORTABLE, crc, bytes, size_bytes);
}

static uint32_t by_folding(uint32_t crc, const void *bytes, size_t size_bytes) {
    return psi_crc32c_by(PSI_CRC32C_FOLD_128, crc, bytes, size_bytes);
}

static uint32_t by_wide_folding(uint32_t crc, const void *bytes, size_t size_bytes) {
    return psi_crc32c_by(PSI_CRC32C_FOLD_512, crc, bytes, size_bytes);
}

typedef uint32_t (*crc_function)(uint32_t crc, const void *bytes, size_t size_bytes);
static const crc_function functions[] = {psi_crc32c, by_tables, by_folding, by_wide_folding};
enum { FUNCTION_COUNT = 4, WALK_BYTES = 1031, LONG_BYTES = 5000 };

/* An independent one, bit by bit, as the polynomial is written in RFC 3720 (reflected). */
static uint32_t crc_by_bits(uint32_t crc, const uint8_t *bytes, size_t size_bytes) {
    crc = ~crc;
    for (size_t i = 0; i < size_bytes; i++) {
        crc ^= bytes[i];
        for (int bit = 0; bit < 8; bit++) {
            crc = (crc & 1) != 0 ? crc >> 1 ^ UINT32_C(0x82f63b78) : crc >> 1;
        }
    }
    return ~crc;
}

/* Why: peers of other makes compute what the RFC says. Vectors of RFC 3720, appendix B.4. */
static void gives_the_vectors_of_rfc_3720(void) {
    uint8_t zeros[32], ones[32], up[32], down[32];
    for (size_t i = 0; i < 32; i++) {
        zeros[i] = 0x00;
        ones[i] = 0xff;
        up[i] = (uint8_t)i;
        down[i] = (uint8_t)(31 - i);
    }
    static const uint8_t scsi_read[48] = {
        0x01, 0xc0, 0, 0,    0, 0, 0, 0,    0,    0, 0, 0, 0, 0, 0, 0, 0x14, 0, 0, 0, 0, 0, 4, 0,
        0,    0,    0, 0x14, 0, 0, 0, 0x18, 0x28, 0, 0, 0, 0, 0, 0, 0, 0x02, 0, 0, 0, 0, 0, 0, 0};
    for (size_t f = 0; f < FUNCTION_COUNT; f++) {
        CU_ASSERT_EQUAL(functions[f](0, "123456789", 9), 0xe3069283);
        CU_ASSERT_EQUAL(functions[f](0, zeros, 32), 0x8a9136aa);
        CU_ASSERT_EQUAL(functions[f](0, ones, 32), 0x62a8ab43);
        CU_ASSERT_EQUAL(functions[f](0, up, 32), 0x46dd794e);
        CU_ASSERT_EQUAL(functions[f](0, down, 32), 0x113fdb5c);
        CU_ASSERT_EQUAL(functions[f](0, scsi_read, 48), 0xd9963a56);
        CU_ASSERT_EQUAL(functions[f](0x2385u, NULL, 0), 0x2385u);
    }
}

/* Why: the fast paths treat heads, middles and tails apart; every length and offset crosses them.
 */
static void agrees_with_bits_at_every_length_and_offset(void) {
    uint8_t bytes[WALK_BYTES + 8];
    ps_random random = ps_random_stream(2385, "crc", 0);
    for (size_t i = 0; i < sizeof bytes; i++) {
        bytes[i] = (uint8_t)ps_random_u32(&random);
    }
    for (size_t size = 0; size < WALK_BYTES; size += size < 70 ? 1 : 31) {
        for (size_t offset = 0; offset < 8; offset++) {
            const uint32_t expected = crc_by_bits(0x5a17u, bytes + offset, size);
            for (size_t f = 0; f < FUNCTION_COUNT; f++) {
                CU_ASSERT_EQUAL(functions[f](0x5a17u, bytes + offset, size), expected);
            }
        }
    }
}

/* Why: beyond a few blocks the sums run side by side; every number of blocks and every rest ends
 * them. */
static void agrees_with_tables_at_every_length(void) {
    uint8_t bytes[LONG_BYTES + 1];
    ps_random random = ps_random_stream(2385, "long crc", 0);
    for (size_t i = 0; i < sizeof bytes; i++) {
        bytes[i] = (uint8_t)ps_random_u32(&random);
    }
    size_t wrong = 0;
    for (size_t size = 0; size < LONG_BYTES; size++) {
        const uint32_t expected = by_tables(0x7e57u, bytes + 1, size);
        for (size_t f = 0; f < FUNCTION_COUNT; f++) {
            wrong += functions[f](0x7e57u, bytes + 1, size) != expected;
        }
    }
    CU_ASSERT_EQUAL(wrong, 0);
}

/* Why: a frame's parts are summed one after another. */
static void parts_continue_the_sum(void) {
    static const char text[] = "a frame in three parts, of which none is a multiple of eight";
    for (size_t f = 0; f < FUNCTION_COUNT; f++) {
        uint32_t crc = functions[f](0, text, 7);
        crc = functions[f](crc, text + 7, 19);
        crc = functions[f](crc, text + 26, sizeof text - 26);
        CU_ASSERT_EQUAL(crc, functions[(f + 1) % FUNCTION_COUNT](0, text, sizeof text));
    }
}

/* Why: that is what the sum is for. */
static void every_single_flipped_bit_is_seen(void) {
    uint8_t bytes[577];
    memset(bytes, 0xa7, sizeof bytes);
    const uint32_t whole = psi_crc32c(0, bytes, sizeof bytes);
    for (size_t bit = 0; bit < 8 * sizeof bytes; bit++) {
        bytes[bit / 8] ^= (uint8_t)(1U << bit % 8);
        CU_ASSERT_NOT_EQUAL(psi_crc32c(0, bytes, sizeof bytes), whole);
        bytes[bit / 8] ^= (uint8_t)(1U << bit % 8);
    }
}

static const suite_test tests[] = {
    SUITE_TEST(gives_the_vectors_of_rfc_3720),
    SUITE_TEST(agrees_with_bits_at_every_length_and_offset),
    SUITE_TEST(agrees_with_tables_at_every_length),
    SUITE_TEST(parts_continue_the_sum),
    SUITE_TEST(every_single_flipped_bit_is_seen),
};
SUITE_MAIN("crc32c", tests)
