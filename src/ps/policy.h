/* Consistency policies: what a read may miss and when updates travel, as small vtables.
 *
 * A new policy is a new file policy_<name>.c with one constant psi_policy_ops, listed in policy.c.
 * Policies are pure functions of clocks; they hold no state but their slack or bound. */
#ifndef PSI_POLICY_H
#define PSI_POLICY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tortoise/err.h"

typedef struct psi_policy psi_policy;

typedef struct psi_policy_ops {
    const char *name;
    bool has_slack;     /* written "name:S" */
    bool bounds_values; /* written "name:V": updates that not all workers have seen are bounded, as
                           ps/transit.h says */

    /* The row clock that a read at worker clock `clock` needs (design, section 1: r >= c - s). */
    uint32_t (*read_clock)(const psi_policy *policy, uint32_t clock);

    /* Whether a client sends its updates when one of its workers ends a clock: `client_advanced`
     * says that the slowest worker of the client did. */
    bool (*flush_is_due)(const psi_policy *policy, bool client_advanced);

    /* Updates are held by the shard until all of their clock are there, and then applied in rank
     * order. */
    bool applies_in_rank_order;

    /* The shard sends subscribed rows that changed whenever its clock advances; clients never ask
     * twice. */
    bool pushes;

    /* A client asks for rows that it has again, once per clock and without waiting. */
    bool refreshes;
} psi_policy_ops;

struct psi_policy {
    const psi_policy_ops *ops; /* borrowed, static */
    uint32_t slack;            /* staleness s; 0 where the policy has none */
    uint64_t bound_millionths; /* V; 0 where the policy has none. Decimal, so that it is written as
                                  it was read. */
};

enum { PSI_POLICY_SLACK_MAX = 1000000, PSI_POLICY_BOUND_DIGITS = 9 /* before the point */ };

/* V as a number; 0 where the policy has none. */
static inline double psi_policy_bound(const psi_policy *policy) {
    return (double)policy->bound_millionths / 1e6;
}

/* Reads "bsp", "ssp:S", "essp:S", "async" or "vap:V" into policy_out. On failure `fault` names the
 * nearest known policy and policy_out is unchanged. Returns PS_OK or PS_EINVAL. */
PS_MUST_CHECK ps_err psi_policy_parse(const char *text, psi_policy *policy_out, ps_fault *fault);

/* Writes the policy as psi_policy_parse() reads it. `text` holds at least 32 bytes. */
void psi_policy_format(const psi_policy *policy, char text[static 32]);

extern const psi_policy_ops psi_policy_bsp, psi_policy_ssp, psi_policy_essp, psi_policy_async,
    psi_policy_vap;

#endif
