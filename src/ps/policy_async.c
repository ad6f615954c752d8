#include "ps/policy.h"

/* No bound on staleness: a read takes what the cache has and asks for newer rows behind the
 * worker's back. Updates leave at each worker's own clock. */

static uint32_t read_clock(const psi_policy *policy, uint32_t clock) {
    (void)policy;
    (void)clock;
    return 0;
}

static bool flush_is_due(const psi_policy *policy, bool client_advanced) {
    (void)policy;
    (void)client_advanced;
    return true;
}

const psi_policy_ops psi_policy_async = {
    .name = "async",
    .read_clock = read_clock,
    .flush_is_due = flush_is_due,
    .refreshes = true,
};
