/* The tables are linear: the entry of a byte is the exclusive or of the entries of its bits. So
 * each table is spelled by its eight entries at 1, 2, 4 ... 128, and the compiler makes the rest;
 * nothing is computed, and nothing written, while the program runs. Table k advances a byte over k
 * further zero bytes. */
#include "base/crc32c.h"

#include "base/bytes.h"
#include "base/crc32c_fold.h"

enum { STEP_BYTES = 8 };

#define BIT(n, bit, value) (((n) >> (bit)&1U) * UINT32_C(value))
#define ENTRY(n, a, b, c, d, e, f, g, h)                                                       \
    (BIT(n, 0, a) ^ BIT(n, 1, b) ^ BIT(n, 2, c) ^ BIT(n, 3, d) ^ BIT(n, 4, e) ^ BIT(n, 5, f) ^ \
     BIT(n, 6, g) ^ BIT(n, 7, h))
#define FILL_4(n, ...)                                                                 \
    ENTRY(n, __VA_ARGS__), ENTRY((n) + 1U, __VA_ARGS__), ENTRY((n) + 2U, __VA_ARGS__), \
        ENTRY((n) + 3U, __VA_ARGS__)
#define FILL_16(n, ...)                                                                   \
    FILL_4(n, __VA_ARGS__), FILL_4((n) + 4U, __VA_ARGS__), FILL_4((n) + 8U, __VA_ARGS__), \
        FILL_4((n) + 12U, __VA_ARGS__)
#define FILL_64(n, ...)                                                                        \
    FILL_16(n, __VA_ARGS__), FILL_16((n) + 16U, __VA_ARGS__), FILL_16((n) + 32U, __VA_ARGS__), \
        FILL_16((n) + 48U, __VA_ARGS__)
#define FILL(...)                                                                        \
    {                                                                                    \
        FILL_64(0U, __VA_ARGS__), FILL_64(64U, __VA_ARGS__), FILL_64(128U, __VA_ARGS__), \
            FILL_64(192U, __VA_ARGS__)                                                   \
    }

static const uint32_t tables[STEP_BYTES][256] = {
    FILL(0xf26b8303, 0xe13b70f7, 0xc79a971f, 0x8ad958cf, 0x105ec76f, 0x20bd8ede, 0x417b1dbc,
         0x82f63b78),
    FILL(0x13a29877, 0x274530ee, 0x4e8a61dc, 0x9d14c3b8, 0x3fc5f181, 0x7f8be302, 0xff17c604,
         0xfbc3faf9),
    FILL(0xa541927e, 0x4f6f520d, 0x9edea41a, 0x38513ec5, 0x70a27d8a, 0xe144fb14, 0xc76580d9,
         0x8b277743),
    FILL(0xdd45aab8, 0xbf672381, 0x7b2231f3, 0xf64463e6, 0xe964b13d, 0xd725148b, 0xaba65fe7,
         0x52a0c93f),
    FILL(0x38116fac, 0x7022df58, 0xe045beb0, 0xc5670b91, 0x8f2261d3, 0x1ba8b557, 0x37516aae,
         0x6ea2d55c),
    FILL(0xef306b19, 0xdb8ca0c3, 0xb2f53777, 0x6006181f, 0xc00c303e, 0x85f4168d, 0x0e045beb,
         0x1c08b7d6),
    FILL(0x68032cc8, 0xd0065990, 0xa5e0c5d1, 0x4e2dfd53, 0x9c5bfaa6, 0x3d5b83bd, 0x7ab7077a,
         0xf56e0ef4),
    FILL(0x493c7d27, 0x9278fa4e, 0x211d826d, 0x423b04da, 0x847609b4, 0x0d006599, 0x1a00cb32,
         0x34019664),
};

static uint32_t crc32c_portable(uint32_t crc, const void *bytes, size_t size_bytes) {
    const uint8_t *at = bytes;
    crc = ~crc;
    for (; size_bytes >= STEP_BYTES; size_bytes -= STEP_BYTES, at += STEP_BYTES) {
        const uint32_t low = crc ^ psi_load_u32(at);
        const uint32_t high = psi_load_u32(at + 4);
        crc = tables[7][low & 0xff] ^ tables[6][low >> 8 & 0xff] ^ tables[5][low >> 16 & 0xff] ^
              tables[4][low >> 24] ^ tables[3][high & 0xff] ^ tables[2][high >> 8 & 0xff] ^
              tables[1][high >> 16 & 0xff] ^ tables[0][high >> 24];
    }
    for (; size_bytes > 0; size_bytes--, at++) {
        crc = crc >> 8 ^ tables[0][(crc ^ *at) & 0xff];
    }
    return ~crc;
}

uint32_t psi_crc32c_by(psi_crc32c_way way, uint32_t crc, const void *bytes, size_t size_bytes) {
    switch (way) {
    case PSI_CRC32C_FOLD_512:
        if (psi_crc32c_can_fold_512()) {
            return psi_crc32c_fold_512(crc, bytes, size_bytes);
        }
        break;
    case PSI_CRC32C_FOLD_128:
        if (psi_crc32c_can_fold_128()) {
            return psi_crc32c_fold_128(crc, bytes, size_bytes);
        }
        break;
    case PSI_CRC32C_PORTABLE:
        break;
    }
    return crc32c_portable(crc, bytes, size_bytes);
}

uint32_t psi_crc32c(uint32_t crc, const void *bytes, size_t size_bytes) {
    if (size_bytes >= PSI_CRC32C_FOLD_512_MIN_BYTES && psi_crc32c_can_fold_512()) {
        return psi_crc32c_fold_512(crc, bytes, size_bytes);
    }
    return psi_crc32c_by(PSI_CRC32C_FOLD_128, crc, bytes, size_bytes);
}
