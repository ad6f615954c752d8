#include "ps/policy.h"

/* Bulk synchronous parallel: a read at clock c sees exactly the updates stamped <= c-1 (G1 with s =
 * 0), summed in rank order, so that a run is equal to the last bit wherever it runs. */

static uint32_t read_clock(const psi_policy *policy, uint32_t clock) {
    (void)policy;
    return clock;
}

static bool flush_is_due(const psi_policy *policy, bool client_advanced) {
    (void)policy;
    return client_advanced;
}

const psi_policy_ops psi_policy_bsp = {
    .name = "bsp",
    .read_clock = read_clock,
    .flush_is_due = flush_is_due,
    .applies_in_rank_order = true,
};
