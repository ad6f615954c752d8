#include "algos/mf/batch_order.h"

#include <stdlib.h>

ps_err psi_mf_batch_order_init(psi_mf_batch_order *order, size_t count, ps_random random) {
    *order = (psi_mf_batch_order){.count = count, .random = random};
    order->batches = calloc(count > 0 ? count : 1, sizeof *order->batches);
    if (order->batches == NULL) {
        return PS_ENOMEM;
    }
    for (size_t b = 0; b < count; b++) {
        order->batches[b] = (uint32_t)b;
    }
    return PS_OK;
}

uint32_t psi_mf_batch_order_next(psi_mf_batch_order *order) {
    PS_ASSERT(order->count > 0);
    if (order->at == 0) {
        ps_random_shuffle_u32(&order->random, order->batches, order->count);
    }
    const uint32_t batch = order->batches[order->at];
    order->at = (order->at + 1) % order->count;
    return batch;
}

void psi_mf_batch_order_fini(psi_mf_batch_order *order) {
    free(order->batches);
    *order = (psi_mf_batch_order){.count = 0};
}
