#include "base/philox.h"

enum { ROUNDS = 10 };

/* M and W of the paper's table 2: multipliers, and the Weyl steps of the key. */
#define M0 UINT32_C(0xd2511f53)
#define M1 UINT32_C(0xcd9e8d57)
#define W0 UINT32_C(0x9e3779b9)
#define W1 UINT32_C(0xbb67ae85)

void psi_philox4x32(const uint32_t counter[static 4], const uint32_t key[static 2],
                    uint32_t block_out[static 4]) {
    uint32_t c0 = counter[0], c1 = counter[1], c2 = counter[2], c3 = counter[3];
    uint32_t k0 = key[0], k1 = key[1];
    for (int round = 0; round < ROUNDS; round++) {
        const uint64_t product0 = (uint64_t)M0 * c0;
        const uint64_t product1 = (uint64_t)M1 * c2;
        c0 = (uint32_t)(product1 >> 32) ^ c1 ^ k0;
        c1 = (uint32_t)product1;
        c2 = (uint32_t)(product0 >> 32) ^ c3 ^ k1;
        c3 = (uint32_t)product0;
        k0 += W0;
        k1 += W1;
    }
    block_out[0] = c0;
    block_out[1] = c1;
    block_out[2] = c2;
    block_out[3] = c3;
}
