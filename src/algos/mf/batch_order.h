/* The order in which a worker visits its batches: every pass visits each once, in a random order of
 * its own. */
#ifndef PSI_MF_BATCH_ORDER_H
#define PSI_MF_BATCH_ORDER_H

#include <stddef.h>
#include <stdint.h>

#include "tortoise/err.h"
#include "tortoise/random.h"

typedef struct psi_mf_batch_order {
    uint32_t *batches; /* owned, [count]: a permutation */
    size_t count, at;
    ps_random random;
} psi_mf_batch_order;

/* The stream of a worker's order: (seed, this, rank). */
#define PSI_MF_ORDER_STREAM "mf-order"

/* Starts before the first batch of `count`, which may be 0. Returns PS_OK or PS_ENOMEM; the order
 * is safe to release in both cases. O(count). */
PS_MUST_CHECK ps_err psi_mf_batch_order_init(psi_mf_batch_order *order, size_t count,
                                             ps_random random);

/* Returns the next batch, 0 .. count - 1; count > 0. O(1), and O(count) where a pass begins. */
uint32_t psi_mf_batch_order_next(psi_mf_batch_order *order);

/* Releases the memory. */
void psi_mf_batch_order_fini(psi_mf_batch_order *order);

#endif
