#include "sim/disturbance.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/nearest.h"
#include "base/units.h"

enum { WORD_MAX = 64, KEYS_MAX = 8 };

typedef enum value_kind { VALUE_FACTOR, VALUE_NUMBER, VALUE_SECONDS, VALUE_NODE } value_kind;

/* A key of "key=value,key=value": how its value is read and where it goes. */
typedef struct key_rule {
    const char *name;
    value_kind kind;
    bool is_required;
    size_t offset;
} key_rule;

typedef struct rule_set {
    const char *what; /* the setting, for messages */
    const char *of;   /* "rotate", or "" */
    const char *example;
    const key_rule *rules; /* at most KEYS_MAX */
    size_t count;
} rule_set;

static ps_err value_read(const rule_set *set, const key_rule *rule, const char *text, void *target,
                         ps_fault *fault) {
    char what[WORD_MAX * 2];
    (void)snprintf(what, sizeof what, "%s: %s", set->what, rule->name);
    uint8_t *const field = (uint8_t *)target + rule->offset;
    double number = 0.0;
    uint64_t count = 0;
    uint32_t node = 0;
    switch (rule->kind) {
    case VALUE_FACTOR:
        PS_TRY(psi_parse_factor(text, what, &number, fault));
        break;
    case VALUE_NUMBER:
        PS_TRY(psi_parse_number(text, what, &number, fault));
        break;
    case VALUE_SECONDS:
        PS_TRY(psi_parse_seconds(text, what, &number, fault));
        break;
    case VALUE_NODE:
        PS_TRY(psi_parse_count(text, what, &count, fault));
        if (count >= PSI_SIM_NODES_MAX) {
            return ps_fault_set(fault, PS_EINVAL, "%s: node %s is beyond the largest, %d",
                                set->what, text, PSI_SIM_NODES_MAX - 1);
        }
        node = (uint32_t)count;
        memcpy(field, &node, sizeof node);
        return PS_OK;
    }
    memcpy(field, &number, sizeof number);
    return PS_OK;
}

static ps_err key_unknown(const rule_set *set, const char *key, ps_fault *fault) {
    const char *names[KEYS_MAX];
    for (size_t i = 0; i < set->count; i++) {
        names[i] = set->rules[i].name;
    }
    const char *const near = psi_nearest(key, names, set->count);
    return ps_fault_set(fault, PS_EINVAL, "%s: %s%sunknown key '%s'%s%s%s; an example: %s",
                        set->what, set->of, set->of[0] == '\0' ? "" : ": ", key,
                        near == NULL ? "" : ", did you mean '", near == NULL ? "" : near,
                        near == NULL ? "" : "'", set->example);
}

/* Takes the text up to `end_char` (or the end) off *at; false if it is empty or too long. */
static bool word_take(const char **at, const char *ends, char word[static WORD_MAX]) {
    const size_t length = strcspn(*at, ends);
    if (length == 0 || length >= WORD_MAX) {
        return false;
    }
    memcpy(word, *at, length);
    word[length] = '\0';
    *at += length;
    return true;
}

/* Reads "key=value,key=value" into `target`. Each key once, required ones must be there. */
static ps_err pairs_read(const rule_set *set, const char *text, void *target, ps_fault *fault) {
    PS_ASSERT(set->count <= KEYS_MAX);
    bool seen[KEYS_MAX] = {false};
    for (const char *at = text; *at != '\0';) {
        char key[WORD_MAX];
        char value[WORD_MAX];
        const bool has_key = word_take(&at, "=,", key) && *at == '=';
        at += has_key ? 1 : 0;
        if (!has_key || !word_take(&at, ",", value)) {
            return ps_fault_set(fault, PS_EINVAL,
                                "%s: '%s' is not key=value,key=value; an example: %s", set->what,
                                text, set->example);
        }
        size_t index = 0;
        while (index < set->count && strcmp(set->rules[index].name, key) != 0) {
            index++;
        }
        if (index == set->count) {
            return key_unknown(set, key, fault);
        }
        if (seen[index]) {
            return ps_fault_set(fault, PS_EINVAL, "%s: '%s' stands twice in '%s'", set->what, key,
                                text);
        }
        seen[index] = true;
        PS_TRY(value_read(set, &set->rules[index], value, target, fault));
        if (*at == ',' && *++at == '\0') {
            return ps_fault_set(fault, PS_EINVAL, "%s: '%s' ends with a comma", set->what, text);
        }
    }
    for (size_t i = 0; i < set->count; i++) {
        if (set->rules[i].is_required && !seen[i]) {
            return ps_fault_set(fault, PS_EINVAL, "%s: %s%s'%s' is missing; an example: %s",
                                set->what, set->of, set->of[0] == '\0' ? "" : ": ",
                                set->rules[i].name, set->example);
        }
    }
    return PS_OK;
}

#define FIELD(member) offsetof(psi_straggler, member)

static const key_rule slow_rules[] = {{"node", VALUE_NODE, true, FIELD(node)},
                                      {"factor", VALUE_FACTOR, true, FIELD(factor)}};
static const key_rule lognormal_rules[] = {{"sigma", VALUE_NUMBER, true, FIELD(sigma)},
                                           {"node", VALUE_NODE, false, FIELD(node)}};
static const key_rule exponential_rules[] = {{"mean", VALUE_NUMBER, true, FIELD(mean)},
                                             {"node", VALUE_NODE, false, FIELD(node)}};
static const key_rule pareto_rules[] = {{"alpha", VALUE_NUMBER, true, FIELD(alpha)},
                                        {"node", VALUE_NODE, false, FIELD(node)}};
static const key_rule rotate_rules[] = {{"factor", VALUE_FACTOR, true, FIELD(factor)},
                                        {"period", VALUE_SECONDS, true, FIELD(period_s)}};
static const key_rule pause_rules[] = {{"node", VALUE_NODE, true, FIELD(node)},
                                       {"at", VALUE_SECONDS, true, FIELD(at_s)},
                                       {"for", VALUE_SECONDS, true, FIELD(for_s)}};

/* By psi_straggler_kind; a trace has a file and no keys. */
static const struct {
    const char *name;
    const char *example;
    const key_rule *rules;
    size_t count;
} kinds[] = {
    {"slow", "slow:node=0,factor=2x", slow_rules, sizeof slow_rules / sizeof *slow_rules},
    {"lognormal", "lognormal:sigma=0.5", lognormal_rules,
     sizeof lognormal_rules / sizeof *lognormal_rules},
    {"exponential", "exponential:mean=0.3", exponential_rules,
     sizeof exponential_rules / sizeof *exponential_rules},
    {"pareto", "pareto:alpha=1.5", pareto_rules, sizeof pareto_rules / sizeof *pareto_rules},
    {"rotate", "rotate:factor=4x,period=10s", rotate_rules,
     sizeof rotate_rules / sizeof *rotate_rules},
    {"pause", "pause:node=3,at=5s,for=2s", pause_rules, sizeof pause_rules / sizeof *pause_rules},
    {"trace", "trace:FILE", NULL, 0},
};
enum { KIND_COUNT = sizeof kinds / sizeof *kinds };

static ps_err kind_read(const char *text, const char *what, psi_straggler_kind *kind_out,
                        ps_fault *fault) {
    const size_t length = strcspn(text, ":");
    const char *names[KIND_COUNT];
    for (size_t i = 0; i < KIND_COUNT; i++) {
        names[i] = kinds[i].name;
        if (strlen(kinds[i].name) == length && strncmp(kinds[i].name, text, length) == 0) {
            if (text[length] != ':' || text[length + 1] == '\0') {
                return ps_fault_set(fault, PS_EINVAL,
                                    "%s: '%s' says no more than its kind; an example: %s", what,
                                    text, kinds[i].example);
            }
            *kind_out = (psi_straggler_kind)i;
            return PS_OK;
        }
    }
    char word[WORD_MAX] = "";
    if (length < WORD_MAX) {
        memcpy(word, text, length);
        word[length] = '\0';
    }
    const char *const near = psi_nearest(word, names, KIND_COUNT);
    return ps_fault_set(
        fault, PS_EINVAL,
        "%s: unknown kind '%s'%s%s%s (slow, lognormal, exponential, pareto, rotate, pause, trace)",
        what, word, near == NULL ? "" : ", did you mean '", near == NULL ? "" : near,
        near == NULL ? "" : "'?");
}

/* Ranges beyond what the parsers of units check. */
static ps_err straggler_check(const psi_straggler *straggler, const char *what, ps_fault *fault) {
    switch (straggler->kind) {
    case PSI_STRAGGLER_LOGNORMAL:
        return straggler->sigma <= 10.0
                   ? PS_OK
                   : ps_fault_set(fault, PS_EINVAL, "%s: sigma is %g, at most 10 makes sense", what,
                                  straggler->sigma);
    case PSI_STRAGGLER_PARETO:
        return straggler->alpha >= 0.1
                   ? PS_OK
                   : ps_fault_set(fault, PS_EINVAL, "%s: alpha is %g, at least 0.1 is needed", what,
                                  straggler->alpha);
    case PSI_STRAGGLER_EXPONENTIAL:
        return straggler->mean > 0.0
                   ? PS_OK
                   : ps_fault_set(fault, PS_EINVAL, "%s: mean must be above 0", what);
    case PSI_STRAGGLER_ROTATE:
        return straggler->period_s >= 1e-6
                   ? PS_OK
                   : ps_fault_set(fault, PS_EINVAL, "%s: period must be at least 1us", what);
    case PSI_STRAGGLER_SLOW:
    case PSI_STRAGGLER_PAUSE:
    case PSI_STRAGGLER_TRACE:
        break;
    }
    return PS_OK;
}

ps_err psi_straggler_parse(const char *text, const char *what, psi_straggler *straggler_out,
                           ps_fault *fault) {
    psi_straggler straggler = {.node = PSI_SIM_ALL_NODES, .factor = 1.0};
    PS_TRY(kind_read(text, what, &straggler.kind, fault));
    const char *const rest = strchr(text, ':') + 1;
    if (straggler.kind == PSI_STRAGGLER_TRACE) {
        PS_TRY(psi_slowdowns_read(rest, &straggler.steps, &straggler.step_count, fault));
    } else {
        const rule_set set = {.what = what,
                              .of = kinds[straggler.kind].name,
                              .example = kinds[straggler.kind].example,
                              .rules = kinds[straggler.kind].rules,
                              .count = kinds[straggler.kind].count};
        PS_TRY(pairs_read(&set, rest, &straggler, fault));
        PS_TRY(straggler_check(&straggler, what, fault));
    }
    const size_t size_bytes = strlen(text) + 1;
    straggler.text = malloc(size_bytes);
    if (straggler.text == NULL) {
        psi_straggler_fini(&straggler);
        return ps_fault_set(fault, PS_ENOMEM, "%s: memory is exhausted", what);
    }
    memcpy(straggler.text, text, size_bytes);
    *straggler_out = straggler;
    return PS_OK;
}

void psi_straggler_fini(psi_straggler *straggler) {
    free(straggler->steps);
    free(straggler->text);
    *straggler = (psi_straggler){.steps = NULL};
}

ps_err psi_failure_parse(const char *text, const char *what, psi_failure *failure_out,
                         ps_fault *fault) {
    static const char example[] = "node=3,at=5s or link=3,at=5s,until=7s";
    static const key_rule node_rules[] = {
        {"node", VALUE_NODE, true, offsetof(psi_failure, node)},
        {"at", VALUE_SECONDS, true, offsetof(psi_failure, at_s)},
        {"until", VALUE_SECONDS, false, offsetof(psi_failure, until_s)}};
    static const key_rule link_rules[] = {
        {"link", VALUE_NODE, true, offsetof(psi_failure, node)},
        {"at", VALUE_SECONDS, true, offsetof(psi_failure, at_s)},
        {"until", VALUE_SECONDS, false, offsetof(psi_failure, until_s)}};
    psi_failure failure = {.is_link =
                               strncmp(text, "link=", 5) == 0 || strstr(text, ",link=") != NULL,
                           .until_s = INFINITY};
    const rule_set set = {.what = what,
                          .of = "",
                          .example = example,
                          .rules = failure.is_link ? link_rules : node_rules,
                          .count = sizeof node_rules / sizeof *node_rules};
    PS_TRY(pairs_read(&set, text, &failure, fault));
    if (failure.until_s <= failure.at_s) {
        return ps_fault_set(fault, PS_EINVAL, "%s: in '%s' it returns before it fails", what, text);
    }
    *failure_out = failure;
    return PS_OK;
}

int psi_failure_format(const psi_failure *failure, char *text, size_t text_size_bytes) {
    const char *const kind = failure->is_link ? "link" : "node";
    return isinf(failure->until_s) ? snprintf(text, text_size_bytes, "%s=%u,at=%.9gs", kind,
                                              failure->node, failure->at_s)
                                   : snprintf(text, text_size_bytes, "%s=%u,at=%.9gs,until=%.9gs",
                                              kind, failure->node, failure->at_s, failure->until_s);
}

ps_err psi_server_cost_parse(const char *text, const char *what, psi_sim_server_cost *cost,
                             ps_fault *fault) {
    static const key_rule rules[] = {
        {"frame", VALUE_SECONDS, false, offsetof(psi_sim_server_cost, per_frame_s)},
        {"byte", VALUE_SECONDS, false, offsetof(psi_sim_server_cost, per_byte_s)},
        {"row", VALUE_SECONDS, false, offsetof(psi_sim_server_cost, per_row_s)}};
    if (strcmp(text, "none") == 0) {
        *cost = (psi_sim_server_cost){.per_frame_s = 0.0};
        return PS_OK;
    }
    const rule_set set = {.what = what,
                          .of = "",
                          .example = "frame=2us,byte=0.1ns,row=50ns or none",
                          .rules = rules,
                          .count = sizeof rules / sizeof *rules};
    psi_sim_server_cost changed = *cost;
    if (text[0] == '\0') {
        return ps_fault_set(fault, PS_EINVAL, "%s: empty; an example: %s", what, set.example);
    }
    PS_TRY(pairs_read(&set, text, &changed, fault));
    *cost = changed;
    return PS_OK;
}
