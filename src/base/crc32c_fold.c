/* Folding (Gopal et al., "Fast CRC computation for generic polynomials using PCLMULQDQ", 2009): 16
 * bytes A that stand d bytes before others B have the remainder of x^(8d) A + B, so they are
 * multiplied by that power, taken modulo the polynomial, and added to B. Several sums run side by
 * side; at the end they are folded into one, whose 16 bytes the crc32 instruction finishes.
 *
 * Bits are reflected: the low half of A holds the higher powers. The factors for a distance of d
 * bytes are therefore x^(8d+32) and x^(8d-32) mod P, bits reversed, times x. */
#include "base/crc32c_fold.h"

#if defined(__x86_64__)

#include <immintrin.h>

#include "base/bytes.h"
#include "tortoise/err.h"

enum { LANE_BYTES = 16, WIDE_BYTES = 64, BLOCK_128_BYTES = 64, BLOCK_512_BYTES = 256 };

#define FACTORS_16 INT64_C(0x14cd00bd6), INT64_C(0xf20c0dfe) /* high half, low half */
#define FACTORS_64 INT64_C(0x9e4addf8), INT64_C(0x740eef02)
#define FACTORS_256 INT64_C(0xb9e02b86), INT64_C(0xdcb17aa4)
#define FOUR_TIMES(...) __VA_ARGS__, __VA_ARGS__, __VA_ARGS__, __VA_ARGS__

#define TARGET_128 __attribute__((target("sse4.2,pclmul")))
#define TARGET_512 __attribute__((target("sse4.2,pclmul,vpclmulqdq,avx512f,avx512vl")))

bool psi_crc32c_can_fold_128(void) {
    return __builtin_cpu_supports("sse4.2") != 0 && __builtin_cpu_supports("pclmul") != 0;
}

bool psi_crc32c_can_fold_512(void) {
    return psi_crc32c_can_fold_128() && __builtin_cpu_supports("avx512vl") != 0 &&
           __builtin_cpu_supports("vpclmulqdq") != 0;
}

/* The instruction alone, on a register that is not inverted. */
TARGET_128 static uint32_t finish(uint64_t state, const uint8_t *at, size_t size_bytes) {
    for (; size_bytes >= 8; size_bytes -= 8, at += 8) {
        state = _mm_crc32_u64(state, psi_load_u64(at));
    }
    uint32_t low = (uint32_t)state;
    for (; size_bytes > 0; size_bytes--, at++) {
        low = _mm_crc32_u8(low, *at);
    }
    return low;
}

TARGET_128 static __m128i load_lane(const uint8_t *at) {
    return _mm_loadu_si128((const __m128i *)(const void *)at);
}

TARGET_128 static __m128i fold_lane(__m128i sum, __m128i factors, __m128i next) {
    const __m128i low = _mm_clmulepi64_si128(sum, factors, 0x00);
    const __m128i high = _mm_clmulepi64_si128(sum, factors, 0x11);
    return _mm_xor_si128(_mm_xor_si128(low, high), next);
}

/* The remainder of the 16 bytes of `sum` and what follows. */
TARGET_128 static uint32_t finish_lane(__m128i sum, const uint8_t *at, size_t size_bytes) {
    uint64_t state = _mm_crc32_u64(0, (uint64_t)_mm_cvtsi128_si64(sum));
    state = _mm_crc32_u64(state, (uint64_t)_mm_extract_epi64(sum, 1));
    return ~finish(state, at, size_bytes);
}

TARGET_128 uint32_t psi_crc32c_fold_128(uint32_t crc, const uint8_t *at, size_t size_bytes) {
    if (size_bytes < 2 * BLOCK_128_BYTES) {
        return ~finish(~crc, at, size_bytes);
    }
    const __m128i by_64 = _mm_set_epi64x(FACTORS_64);
    const __m128i by_16 = _mm_set_epi64x(FACTORS_16);
    __m128i sums[4];
    for (int i = 0; i < 4; i++) {
        sums[i] = load_lane(at + i * LANE_BYTES);
    }
    sums[0] = _mm_xor_si128(sums[0], _mm_cvtsi32_si128((int32_t)~crc));
    at += BLOCK_128_BYTES;
    size_bytes -= BLOCK_128_BYTES;
    for (; size_bytes >= BLOCK_128_BYTES; size_bytes -= BLOCK_128_BYTES, at += BLOCK_128_BYTES) {
        for (int i = 0; i < 4; i++) {
            sums[i] = fold_lane(sums[i], by_64, load_lane(at + i * LANE_BYTES));
        }
    }
    for (int i = 1; i < 4; i++) {
        sums[i] = fold_lane(sums[i - 1], by_16, sums[i]);
    }
    return finish_lane(sums[3], at, size_bytes);
}

TARGET_512 static __m512i fold_wide(__m512i sum, __m512i factors, __m512i next) {
    const __m512i low = _mm512_clmulepi64_epi128(sum, factors, 0x00);
    const __m512i high = _mm512_clmulepi64_epi128(sum, factors, 0x11);
    return _mm512_xor_si512(_mm512_xor_si512(low, high), next);
}

TARGET_512 uint32_t psi_crc32c_fold_512(uint32_t crc, const uint8_t *at, size_t size_bytes) {
    if (size_bytes < 2 * BLOCK_512_BYTES) {
        return psi_crc32c_fold_128(crc, at, size_bytes);
    }
    const __m512i by_256 = _mm512_set_epi64(FOUR_TIMES(FACTORS_256));
    const __m512i by_64 = _mm512_set_epi64(FOUR_TIMES(FACTORS_64));
    const __m128i by_16 = _mm_set_epi64x(FACTORS_16);
    const __m512i first = _mm512_zextsi128_si512(_mm_cvtsi32_si128((int32_t)~crc));
    __m512i sums[4];
    for (int i = 0; i < 4; i++) {
        sums[i] = _mm512_loadu_si512(at + i * WIDE_BYTES);
    }
    sums[0] = _mm512_xor_si512(sums[0], first);
    at += BLOCK_512_BYTES;
    size_bytes -= BLOCK_512_BYTES;
    for (; size_bytes >= BLOCK_512_BYTES; size_bytes -= BLOCK_512_BYTES, at += BLOCK_512_BYTES) {
        for (int i = 0; i < 4; i++) {
            sums[i] = fold_wide(sums[i], by_256, _mm512_loadu_si512(at + i * WIDE_BYTES));
        }
    }
    for (int i = 1; i < 4; i++) {
        sums[i] = fold_wide(sums[i - 1], by_64, sums[i]);
    }
    __m128i lane = _mm512_extracti32x4_epi32(sums[3], 0);
    lane = fold_lane(lane, by_16, _mm512_extracti32x4_epi32(sums[3], 1));
    lane = fold_lane(lane, by_16, _mm512_extracti32x4_epi32(sums[3], 2));
    lane = fold_lane(lane, by_16, _mm512_extracti32x4_epi32(sums[3], 3));
    for (; size_bytes >= LANE_BYTES; size_bytes -= LANE_BYTES, at += LANE_BYTES) {
        lane = fold_lane(lane, by_16, load_lane(at));
    }
    return finish_lane(lane, at, size_bytes);
}

#else

bool psi_crc32c_can_fold_128(void) {
    return false;
}

bool psi_crc32c_can_fold_512(void) {
    return false;
}

uint32_t psi_crc32c_fold_128(uint32_t crc, const uint8_t *bytes, size_t size_bytes) {
    (void)bytes;
    (void)size_bytes;
    return crc;
}

uint32_t psi_crc32c_fold_512(uint32_t crc, const uint8_t *bytes, size_t size_bytes) {
    return psi_crc32c_fold_128(crc, bytes, size_bytes);
}

#endif
