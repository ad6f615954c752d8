#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <libconfig.h>

#include "base/bytes.h"
#include "base/nearest.h"
#include "base/units.h"
#include "sim/cluster_spec.h"
#include "sim/disturbance.h"

enum {
    CLUSTER_FILE_MAX_BYTES = 64 << 20,
    WHERE_MAX = 320,
    VALUE_MAX = 64,
    KEYS_MAX = 24,
    HEAD_BYTES = 512
};

/* What is being read, for messages: "lab.cfg:12: net". */
typedef struct place {
    const char *path;
    const config_setting_t *setting;
} place;

static void place_write(const place *at, char text[static WHERE_MAX]) {
    const char *const name = config_setting_name(at->setting);
    (void)snprintf(text, WHERE_MAX, "%s:%u%s%s", at->path, config_setting_source_line(at->setting),
                   name == NULL ? "" : ": ", name == NULL ? "" : name);
}

/* A scalar as text, so that numbers and strings are read alike. NULL if it is no scalar. */
static const char *value_text(const config_setting_t *setting, char text[static VALUE_MAX]) {
    switch (config_setting_type(setting)) {
    case CONFIG_TYPE_STRING:
        return config_setting_get_string(setting);
    case CONFIG_TYPE_INT:
    case CONFIG_TYPE_INT64:
        (void)snprintf(text, VALUE_MAX, "%lld", config_setting_get_int64(setting));
        return text;
    case CONFIG_TYPE_FLOAT:
        (void)snprintf(text, VALUE_MAX, "%.17g", config_setting_get_float(setting));
        return text;
    default:
        return NULL;
    }
}

/* A key of a group, and what reads its value into `target`. */
typedef struct file_key {
    const char *name;
    ps_err (*read)(const place *at, void *target, ps_fault *fault);
} file_key;

/* Reads a group whose keys must all be known. */
static ps_err group_read(const place *at, const file_key *keys, size_t key_count, void *target,
                         ps_fault *fault) {
    PS_ASSERT(key_count <= KEYS_MAX);
    char where[WHERE_MAX];
    place_write(at, where);
    if (!config_setting_is_group(at->setting)) {
        return ps_fault_set(fault, PS_EFORMAT, "%s: expected a group { ... }", where);
    }
    const int count = config_setting_length(at->setting);
    for (int i = 0; i < count; i++) {
        const place inner = {.path = at->path,
                             .setting = config_setting_get_elem(at->setting, (unsigned)i)};
        const char *names[KEYS_MAX];
        size_t index = 0;
        for (size_t k = 0; k < key_count; k++) {
            names[k] = keys[k].name;
        }
        while (index < key_count &&
               strcmp(keys[index].name, config_setting_name(inner.setting)) != 0) {
            index++;
        }
        if (index == key_count) {
            const char *const word = config_setting_name(inner.setting);
            const char *const near = psi_nearest(word, names, key_count);
            return ps_fault_set(fault, PS_EFORMAT, "%s:%u: unknown key '%s'%s%s%s", at->path,
                                config_setting_source_line(inner.setting), word,
                                near == NULL ? "" : ", did you mean '", near == NULL ? "" : near,
                                near == NULL ? "" : "'?");
        }
        PS_TRY(keys[index].read(&inner, target, fault));
    }
    return PS_OK;
}

/* Reads a list ( ... ) or array [ ... ] element by element; anything else is one element. */
static ps_err each_read(const place *at,
                        ps_err (*read)(const place *at, void *target, ps_fault *fault),
                        void *target, ps_fault *fault) {
    const bool is_many =
        config_setting_is_list(at->setting) || config_setting_is_array(at->setting);
    if (!is_many) {
        return read(at, target, fault);
    }
    const int count = config_setting_length(at->setting);
    for (int i = 0; i < count; i++) {
        const place inner = {.path = at->path,
                             .setting = config_setting_get_elem(at->setting, (unsigned)i)};
        PS_TRY(read(&inner, target, fault));
    }
    return PS_OK;
}

typedef ps_err (*scalar_parser)(const char *text, const char *what, double *value_out,
                                ps_fault *fault);

static ps_err scalar_read(const place *at, scalar_parser parse, double *value_out,
                          ps_fault *fault) {
    char where[WHERE_MAX];
    char buffer[VALUE_MAX];
    place_write(at, where);
    const char *const text = value_text(at->setting, buffer);
    if (text == NULL) {
        return ps_fault_set(fault, PS_EFORMAT, "%s: expected a number or a text", where);
    }
    return parse(text, where, value_out, fault);
}

typedef ps_err (*text_parser)(psi_sim_spec *spec, const char *text, const char *what,
                              ps_fault *fault);

static ps_err text_read(const place *at, text_parser parse, psi_sim_spec *spec, ps_fault *fault) {
    char where[WHERE_MAX];
    char buffer[VALUE_MAX];
    place_write(at, where);
    const char *const text = value_text(at->setting, buffer);
    return text == NULL ? ps_fault_set(fault, PS_EFORMAT, "%s: expected a text", where)
                        : parse(spec, text, where, fault);
}

static ps_err count_read(const place *at, uint64_t max, uint32_t *value_out, ps_fault *fault) {
    char where[WHERE_MAX];
    char buffer[VALUE_MAX];
    uint64_t value = 0;
    place_write(at, where);
    const char *const text = value_text(at->setting, buffer);
    if (text == NULL) {
        return ps_fault_set(fault, PS_EFORMAT, "%s: expected a whole number", where);
    }
    PS_TRY(psi_parse_count(text, where, &value, fault));
    if (value > max) {
        return ps_fault_set(fault, PS_EFORMAT, "%s: %s is beyond the largest, %llu", where, text,
                            (unsigned long long)max);
    }
    *value_out = (uint32_t)value;
    return PS_OK;
}

/* Exceptions: hosts = ( { nodes = [0, 3]; speed = 0.5; bandwidth = "100Mbps"; } ). */

static ps_err group_speed(const place *at, void *target, ps_fault *fault) {
    return scalar_read(at, psi_parse_factor, &((psi_sim_group *)target)->speed, fault);
}

static ps_err group_up(const place *at, void *target, ps_fault *fault) {
    return scalar_read(at, psi_spec_parse_rate, &((psi_sim_group *)target)->up_bytes_per_s, fault);
}

static ps_err group_down(const place *at, void *target, ps_fault *fault) {
    return scalar_read(at, psi_spec_parse_rate, &((psi_sim_group *)target)->down_bytes_per_s,
                       fault);
}

static ps_err group_bandwidth(const place *at, void *target, ps_fault *fault) {
    PS_TRY(group_up(at, target, fault));
    return group_down(at, target, fault);
}

static ps_err group_latency(const place *at, void *target, ps_fault *fault) {
    return scalar_read(at, psi_parse_seconds, &((psi_sim_group *)target)->latency_s, fault);
}

/* "nodes = 3" or "nodes = [first, last]". */
static ps_err group_nodes(const place *at, void *target, ps_fault *fault) {
    psi_sim_group *const group = target;
    if (!config_setting_is_aggregate(at->setting)) {
        PS_TRY(count_read(at, PSI_SIM_NODES_MAX - 1, &group->first, fault));
        group->last = group->first;
        return PS_OK;
    }
    char where[WHERE_MAX];
    place_write(at, where);
    if (config_setting_length(at->setting) != 2 || config_setting_is_group(at->setting)) {
        return ps_fault_set(fault, PS_EFORMAT, "%s: expected a node or [first, last]", where);
    }
    const place first = {.path = at->path, .setting = config_setting_get_elem(at->setting, 0)};
    const place last = {.path = at->path, .setting = config_setting_get_elem(at->setting, 1)};
    PS_TRY(count_read(&first, PSI_SIM_NODES_MAX - 1, &group->first, fault));
    PS_TRY(count_read(&last, PSI_SIM_NODES_MAX - 1, &group->last, fault));
    return group->first <= group->last
               ? PS_OK
               : ps_fault_set(fault, PS_EFORMAT, "%s: the first node, %u, is behind the last, %u",
                              where, group->first, group->last);
}

static ps_err host_read(const place *at, void *target, ps_fault *fault) {
    static const file_key keys[] = {{"nodes", group_nodes},         {"speed", group_speed},
                                    {"bandwidth", group_bandwidth}, {"up", group_up},
                                    {"down", group_down},           {"latency", group_latency}};
    psi_sim_spec *const spec = target;
    psi_sim_group group = {.first = UINT32_MAX,
                           .speed = -1.0,
                           .up_bytes_per_s = -1.0,
                           .down_bytes_per_s = -1.0,
                           .latency_s = -1.0};
    PS_TRY(group_read(at, keys, sizeof keys / sizeof *keys, &group, fault));
    char where[WHERE_MAX];
    place_write(at, where);
    if (group.first == UINT32_MAX) {
        return ps_fault_set(fault, PS_EFORMAT, "%s: 'nodes' is missing; an example: nodes = [0, 3]",
                            where);
    }
    void *groups = spec->groups;
    if (!psi_array_reserve(&groups, &spec->group_capacity, spec->group_count + 1, sizeof group)) {
        return ps_fault_set(fault, PS_ENOMEM, "%s: memory is exhausted", where);
    }
    spec->groups = groups;
    spec->groups[spec->group_count++] = group;
    return PS_OK;
}

/* The keys of the whole file. */

static ps_err key_nodes(const place *at, void *target, ps_fault *fault) {
    return count_read(at, PSI_SIM_NODES_MAX, &((psi_sim_spec *)target)->node_count, fault);
}

static ps_err key_net(const place *at, void *target, ps_fault *fault) {
    return text_read(at, psi_spec_set_net, target, fault);
}

static ps_err key_flow_model(const place *at, void *target, ps_fault *fault) {
    return text_read(at, psi_spec_set_flow_model, target, fault);
}

static ps_err key_speed(const place *at, void *target, ps_fault *fault) {
    return scalar_read(at, psi_parse_factor, &((psi_sim_spec *)target)->speed, fault);
}

static ps_err key_bandwidth(const place *at, void *target, ps_fault *fault) {
    return scalar_read(at, psi_spec_parse_rate, &((psi_sim_spec *)target)->bandwidth_bytes_per_s,
                       fault);
}

static ps_err key_latency(const place *at, void *target, ps_fault *fault) {
    return scalar_read(at, psi_parse_seconds, &((psi_sim_spec *)target)->latency_s, fault);
}

static ps_err key_jitter(const place *at, void *target, ps_fault *fault) {
    return scalar_read(at, psi_parse_seconds, &((psi_sim_spec *)target)->jitter_s, fault);
}

static ps_err key_loopback_bandwidth(const place *at, void *target, ps_fault *fault) {
    return scalar_read(at, psi_spec_parse_rate, &((psi_sim_spec *)target)->loopback_bytes_per_s,
                       fault);
}

static ps_err key_loopback_latency(const place *at, void *target, ps_fault *fault) {
    return scalar_read(at, psi_parse_seconds, &((psi_sim_spec *)target)->loopback_latency_s, fault);
}

static ps_err server_cost_set(psi_sim_spec *spec, const char *text, const char *what,
                              ps_fault *fault) {
    return psi_server_cost_parse(text, what, &spec->server, fault);
}

static ps_err key_server_cost(const place *at, void *target, ps_fault *fault) {
    return text_read(at, server_cost_set, target, fault);
}

static ps_err key_unit_cost(const place *at, void *target, ps_fault *fault) {
    return scalar_read(at, psi_spec_parse_unit_cost, &((psi_sim_spec *)target)->unit_cost_s, fault);
}

static ps_err straggler_read(const place *at, void *target, ps_fault *fault) {
    return text_read(at, psi_spec_add_straggler, target, fault);
}

static ps_err failure_read(const place *at, void *target, ps_fault *fault) {
    return text_read(at, psi_spec_add_failure, target, fault);
}

static ps_err key_work_scale(const place *at, void *target, ps_fault *fault) {
    return scalar_read(at, psi_parse_factor, &((psi_sim_spec *)target)->work_scale, fault);
}

static ps_err key_stragglers(const place *at, void *target, ps_fault *fault) {
    return each_read(at, straggler_read, target, fault);
}

static ps_err key_failures(const place *at, void *target, ps_fault *fault) {
    return each_read(at, failure_read, target, fault);
}

static ps_err key_hosts(const place *at, void *target, ps_fault *fault) {
    return each_read(at, host_read, target, fault);
}

static const file_key cluster_keys[] = {{"nodes", key_nodes},
                                        {"net", key_net},
                                        {"flow-model", key_flow_model},
                                        {"speed", key_speed},
                                        {"bandwidth", key_bandwidth},
                                        {"latency", key_latency},
                                        {"jitter", key_jitter},
                                        {"loopback-bandwidth", key_loopback_bandwidth},
                                        {"loopback-latency", key_loopback_latency},
                                        {"server-cost", key_server_cost},
                                        {"unit-cost", key_unit_cost},
                                        {"work-scale", key_work_scale},
                                        {"stragglers", key_stragglers},
                                        {"failures", key_failures},
                                        {"hosts", key_hosts}};

/* Whether the file begins like XML does: told by its content, for people name such files as they
 * like. */
static bool text_is_xml(const char *head) {
    while (isspace((unsigned char)*head)) {
        head++;
    }
    return *head == '<';
}

static ps_err file_head(FILE *file, const char *path, char head[static HEAD_BYTES],
                        ps_fault *fault) {
    const size_t size_bytes = fread(head, 1, HEAD_BYTES - 1, file);
    head[size_bytes] = '\0';
    if (ferror(file)) {
        return ps_fault_set(fault, PS_EIO, "%s: %s", path, strerror(errno));
    }
    if (size_bytes == 0) {
        return ps_fault_set(fault, PS_EFORMAT, "%s: the file is empty", path);
    }
    if (memchr(head, '\0', size_bytes) != NULL) {
        return ps_fault_set(fault, PS_EFORMAT,
                            "%s: this is no text; a cluster file is libconfig or platform XML",
                            path);
    }
    if (fseek(file, 0, SEEK_END) != 0 || ftell(file) > CLUSTER_FILE_MAX_BYTES) {
        return ps_fault_set(fault, PS_EFORMAT, "%s: larger than %d MiB, or no plain file", path,
                            CLUSTER_FILE_MAX_BYTES >> 20);
    }
    rewind(file);
    return PS_OK;
}

static ps_err config_load(psi_sim_spec *spec, FILE *file, const char *path, ps_fault *fault) {
    config_t config;
    config_init(&config);
    ps_err err = PS_OK;
    if (config_read(&config, file) == CONFIG_FALSE) {
        err = ps_fault_set(fault, PS_EFORMAT, "%s:%d: %s", path, config_error_line(&config),
                           config_error_text(&config));
    } else {
        const place root = {.path = path, .setting = config_root_setting(&config)};
        err = group_read(&root, cluster_keys, sizeof cluster_keys / sizeof *cluster_keys, spec,
                         fault);
    }
    config_destroy(&config);
    return err;
}

ps_err psi_sim_spec_read_file(psi_sim_spec *spec, const char *path, ps_fault *fault) {
    FILE *const file = fopen(path, "r");
    if (file == NULL) {
        return ps_fault_set(fault, PS_EIO, "%s: %s", path, strerror(errno));
    }
    char head[HEAD_BYTES];
    ps_err err = file_head(file, path, head, fault);
    if (err == PS_OK && text_is_xml(head)) {
        spec->is_platform_xml = true;
    } else if (err == PS_OK) {
        err = config_load(spec, file, path, fault);
    }
    (void)fclose(file);
    if (err != PS_OK) {
        return err;
    }
    const size_t size_bytes = strlen(path) + 1;
    spec->cluster_path = malloc(size_bytes);
    if (spec->cluster_path == NULL) {
        return ps_fault_set(fault, PS_ENOMEM, "%s: memory is exhausted", path);
    }
    memcpy(spec->cluster_path, path, size_bytes);
    return PS_OK;
}
