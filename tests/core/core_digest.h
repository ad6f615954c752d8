/* Digests of the core's state machines: equal states have equal digests, whatever their history
 * was.
 *
 * Left out is what no later step depends on: statistics, marks that are compared within one step
 * only, capacities and addresses. Used to see that a refused frame changed nothing, and to know
 * visited states again. */
#ifndef TEST_CORE_DIGEST_H
#define TEST_CORE_DIGEST_H

#include "ps/client.h"
#include "ps/shard.h"

uint64_t digest_bytes(uint64_t digest, const void *bytes, size_t size_bytes);

static inline uint64_t digest_u64(uint64_t digest, uint64_t value) {
    digest = (digest ^ value) * UINT64_C(0x9e3779b97f4a7c15);
    return digest ^ digest >> 29;
}

uint64_t digest_client(uint64_t digest, const psi_client *client);
uint64_t digest_shard(uint64_t digest, const psi_shard *shard);

#endif
