/* Topics of tokens in as few bits as K topics need: the copy that an evaluation looks at, while the
 * worker goes on. Topic i begins at bit i x bits, the least bits of a byte first. */
#ifndef PSI_LDA_PACKED_TOPICS_H
#define PSI_LDA_PACKED_TOPICS_H

#include <stddef.h>
#include <stdint.h>

/* Bits of a topic, 1 .. 16. O(1). */
static inline uint32_t psi_lda_topic_bits(uint32_t topic_count) {
    uint32_t bits = 1;
    while (bits < 16 && topic_count > UINT32_C(1) << bits) {
        bits++;
    }
    return bits;
}

/* Bytes of `count` topics, with those that a look at the last one reads in vain. O(1). */
static inline size_t psi_lda_packed_size_bytes(size_t count, uint32_t bits) {
    return count / 8 * bits + (count % 8 * bits + 7) / 8 + 2;
}

/* Packs topics[0..count), each < 2^bits, into `to`, which has room for them. O(count). */
static inline void psi_lda_topics_pack(const uint16_t *topics, size_t count, uint32_t bits,
                                       uint8_t *to) {
    uint32_t held = 0, held_bits = 0;
    for (size_t i = 0; i < count; i++) {
        held |= (uint32_t)topics[i] << held_bits;
        for (held_bits += bits; held_bits >= 8; held_bits -= 8) {
            *to++ = (uint8_t)held;
            held >>= 8;
        }
    }
    to[0] = (uint8_t)held;
    to[1] = 0;
    to[held_bits > 0 ? 2 : 1] = 0;
}

/* Topic `i`. O(1). */
static inline uint16_t psi_lda_packed_topic(const uint8_t *packed, size_t i, uint32_t bits) {
    const size_t first = i % 8 * bits; /* of its bits, in the bytes of its eight topics */
    const uint8_t *const at = packed + i / 8 * bits + first / 8;
    const uint32_t word = (uint32_t)at[0] | (uint32_t)at[1] << 8 | (uint32_t)at[2] << 16;
    return (uint16_t)(word >> first % 8 & ((UINT32_C(1) << bits) - 1));
}

#endif
