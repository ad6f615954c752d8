#include "ps/policy.h"

/* Value-bounded asynchronous parallel (Dai et al., AAAI 2015): what a worker has added and not all
 * have seen stays below V / (P sqrt(clock + 1)); ps/transit.h and docs/adr/0005 have the details. A
 * bound that shrinks with the clock means something only if clocks are alike: no worker reads at
 * more than twice the clock of the slowest. */

static uint32_t read_clock(const psi_policy *policy, uint32_t clock) {
    (void)policy;
    return clock / 2;
}

static bool flush_is_due(const psi_policy *policy, bool client_advanced) {
    (void)policy;
    (void)client_advanced;
    return true;
}

const psi_policy_ops psi_policy_vap = {
    .name = "vap",
    .bounds_values = true,
    .read_clock = read_clock,
    .flush_is_due = flush_is_due,
};
