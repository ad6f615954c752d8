#include "ps/policy.h"

#include <string.h>

#include "base/nearest.h"

enum { POLICY_COUNT = 5, BOUND_FRACTION_DIGITS = 6 };

static const psi_policy_ops *const policies[POLICY_COUNT] = {
    &psi_policy_bsp, &psi_policy_ssp, &psi_policy_essp, &psi_policy_async, &psi_policy_vap};

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
                        "policy '%s' is unknown%s%s%s; use bsp, ssp:S, essp:S, async or vap:V",
                        text, nearest == NULL ? "" : " (did you mean '",
                        nearest == NULL ? "" : nearest, nearest == NULL ? "" : "'?)");
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

/* Reads a positive decimal number of at most 9 digits before the point and 6 behind it. */
static bool read_bound(const char *text, uint64_t *millionths_out) {
    uint64_t millionths = 0;
    size_t at = 0, whole_digits = 0, fraction_digits = 0;
    for (; text[at] >= '0' && text[at] <= '9'; at++) {
        if (++whole_digits > PSI_POLICY_BOUND_DIGITS) {
            return false;
        }
        millionths = millionths * 10 + (uint64_t)(text[at] - '0');
    }
    const bool has_point = text[at] == '.';
    at += has_point;
    for (; has_point && text[at] >= '0' && text[at] <= '9'; at++) {
        if (++fraction_digits > BOUND_FRACTION_DIGITS) {
            return false;
        }
        millionths = millionths * 10 + (uint64_t)(text[at] - '0');
    }
    const bool is_whole = whole_digits > 0 && (!has_point || fraction_digits > 0);
    for (; fraction_digits < BOUND_FRACTION_DIGITS; fraction_digits++) {
        millionths *= 10;
    }
    *millionths_out = millionths;
    return is_whole && text[at] == '\0' && millionths > 0;
}

static ps_err refuse_value(const char *text, const psi_policy_ops *ops, bool is_given,
                           ps_fault *fault) {
    if (ops->bounds_values) {
        return ps_fault_set(fault, PS_EINVAL,
                            is_given ? "policy '%s': the bound is not a positive decimal number "
                                       "from 0.000001 to 999999999.999999; write %s:0.5"
                                     : "policy '%s' needs a bound; write %s:V, for example %s:0.5",
                            text, ops->name, ops->name);
    }
    if (!ops->has_slack) {
        return ps_fault_set(fault, PS_EINVAL, "policy '%s' takes no staleness; write %s", text,
                            ops->name);
    }
    if (!is_given) {
        return ps_fault_set(fault, PS_EINVAL,
                            "policy '%s' needs a staleness; write %s:S, for example %s:3", text,
                            ops->name, ops->name);
    }
    return ps_fault_set(fault, PS_EINVAL,
                        "policy '%s': the staleness is not a whole number from 0 to %d; write %s:3",
                        text, PSI_POLICY_SLACK_MAX, ops->name);
}

ps_err psi_policy_parse(const char *text, psi_policy *policy_out, ps_fault *fault) {
    const size_t name_size = strcspn(text, ":");
    const psi_policy_ops *const ops = find(text, name_size);
    if (ops == NULL) {
        return refuse_name(text, name_size, fault);
    }
    const bool is_given = text[name_size] == ':';
    const char *const value = text + name_size + is_given;
    psi_policy policy = {.ops = ops};
    bool is_good = is_given == (ops->has_slack || ops->bounds_values);
    if (is_good && ops->has_slack) {
        is_good = read_slack(value, &policy.slack);
    }
    if (is_good && ops->bounds_values) {
        is_good = read_bound(value, &policy.bound_millionths);
    }
    if (!is_good) {
        return refuse_value(text, ops, is_given, fault);
    }
    *policy_out = policy;
    return PS_OK;
}

/* Writes a number in decimal digits, at least `digits_min` of them; returns the end. */
static char *put_digits(char *to, uint64_t number, size_t digits_min) {
    char digits[20];
    size_t count = 0;
    while (number > 0 || count < digits_min) {
        digits[count++] = (char)('0' + number % 10);
        number /= 10;
    }
    while (count > 0) {
        *to++ = digits[--count];
    }
    return to;
}

void psi_policy_format(const psi_policy *policy, char text[static 32]) {
    const size_t name_size = strlen(policy->ops->name);
    memcpy(text, policy->ops->name, name_size);
    char *to = text + name_size;
    if (policy->ops->has_slack) {
        *to++ = ':';
        to = put_digits(to, policy->slack, 1);
    }
    if (policy->ops->bounds_values) {
        *to++ = ':';
        to = put_digits(to, policy->bound_millionths / 1000000, 1);
        const uint64_t fraction = policy->bound_millionths % 1000000;
        if (fraction > 0) {
            *to++ = '.';
            to = put_digits(to, fraction, BOUND_FRACTION_DIGITS);
            while (to[-1] == '0') {
                to--;
            }
        }
    }
    *to = '\0';
}
