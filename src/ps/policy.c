#include "ps/policy.h"

#include <string.h>

#include "base/nearest.h"

enum { POLICY_COUNT = 4 };

static const psi_policy_ops *const policies[POLICY_COUNT] = {&psi_policy_bsp, &psi_policy_ssp,
                                                             &psi_policy_essp, &psi_policy_async};

static const psi_policy_ops *find(const char *name, size_t name_size) {
    for (size_t i = 0; i < POLICY_COUNT; i++) {
        if (strlen(policies[i]->name) == name_size &&
            memcmp(policies[i]->name, name, name_size) == 0) {
            return policies[i];
        }
    }
    return NULL;
}

static ps_err refuse_name(const char *text, size_t name_size, ps_fault *fault) {
    const char *names[POLICY_COUNT];
    for (size_t i = 0; i < POLICY_COUNT; i++) {
        names[i] = policies[i]->name;
    }
    char name[32] = "";
    if (name_size < sizeof name) {
        memcpy(name, text, name_size);
    }
    const char *const nearest = psi_nearest(name, names, POLICY_COUNT);
    return ps_fault_set(fault, PS_EINVAL,
                        "policy '%s' is unknown%s%s%s; use bsp, ssp:S, essp:S or async", text,
                        nearest == NULL ? "" : " (did you mean '", nearest == NULL ? "" : nearest,
                        nearest == NULL ? "" : "'?)");
}

/* Reads decimal digits up to PSI_POLICY_SLACK_MAX. */
static bool read_slack(const char *text, uint32_t *slack_out) {
    uint32_t slack = 0;
    size_t digits = 0;
    while (text[digits] >= '0' && text[digits] <= '9' && digits < 8) {
        slack = slack * 10 + (uint32_t)(text[digits] - '0');
        digits++;
    }
    *slack_out = slack;
    return digits > 0 && text[digits] == '\0' && slack <= PSI_POLICY_SLACK_MAX;
}

ps_err psi_policy_parse(const char *text, psi_policy *policy_out, ps_fault *fault) {
    const size_t name_size = strcspn(text, ":");
    const psi_policy_ops *const ops = find(text, name_size);
    if (ops == NULL) {
        return refuse_name(text, name_size, fault);
    }
    const bool slack_is_given = text[name_size] == ':';
    if (slack_is_given != ops->has_slack) {
        return ps_fault_set(fault, PS_EINVAL,
                            ops->has_slack
                                ? "policy '%s' needs a staleness; write %s:S, for example %s:3"
                                : "policy '%s' takes no staleness; write %s",
                            text, ops->name, ops->name);
    }
    uint32_t slack = 0;
    if (slack_is_given && !read_slack(text + name_size + 1, &slack)) {
        return ps_fault_set(
            fault, PS_EINVAL,
            "policy '%s': the staleness is not a whole number from 0 to %d; write %s:3", text,
            PSI_POLICY_SLACK_MAX, ops->name);
    }
    *policy_out = (psi_policy){.ops = ops, .slack = slack};
    return PS_OK;
}

void psi_policy_format(const psi_policy *policy, char text[static 32]) {
    size_t at = strlen(policy->ops->name);
    memcpy(text, policy->ops->name, at);
    if (policy->ops->has_slack) {
        char digits[10];
        size_t count = 0;
        uint32_t slack = policy->slack;
        do {
            digits[count++] = (char)('0' + slack % 10);
            slack /= 10;
        } while (slack > 0);
        text[at++] = ':';
        while (count > 0) {
            text[at++] = digits[--count];
        }
    }
    text[at] = '\0';
}
