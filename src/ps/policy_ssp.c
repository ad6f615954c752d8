#include "ps/policy.h"

/* Stale synchronous parallel (Ho et al., NIPS 2013): a read at clock c needs row clock c-s, so
 * cached rows serve several clocks and workers may drift s clocks apart. */

static uint32_t read_clock(const psi_policy *policy, uint32_t clock) {
    return clock > policy->slack ? clock - policy->slack : 0;
}

static bool flush_is_due(const psi_policy *policy, bool client_advanced) {
    (void)policy;
    return client_advanced;
}

const psi_policy_ops psi_policy_ssp = {
    .name = "ssp",
    .has_slack = true,
    .read_clock = read_clock,
    .flush_is_due = flush_is_due,
};

/* Eager SSP (Dai et al., AAAI 2015): the same guarantee, but a shard sends the rows that a client
 * once asked for whenever its clock advances and they changed, so reads are fresher and rarely
 * wait. */
const psi_policy_ops psi_policy_essp = {
    .name = "essp",
    .has_slack = true,
    .read_clock = read_clock,
    .flush_is_due = flush_is_due,
    .pushes = true,
};
