#include "sim/cluster_spec.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/nearest.h"
#include "base/units.h"
#include "sim/disturbance.h"
#include "sim/plugin.h"

/* What a server spends on a frame, put together from benchmarks on a 2-core machine. Frame: 0.15 us
 * in the state machines (`bench transport`: 3.7 million round trips a second inside of a process)
 * and about 1 us for each of two system calls; with cores shared by both ends a real server took up
 * to 6 us (80 000 round trips a second over TCP). Byte: 0.1 ns for the checksum (`bench core`) and
 * about as much for copying it in. Row: a quarter of the 200 ns that a row costs on its whole way
 * (`bench sim`, 32 x 1). */
static const psi_sim_server_cost server_cost_default = {
    .per_frame_s = 2e-6, .per_byte_s = 0.25e-9, .per_row_s = 50e-9};

ps_err psi_sim_spec_create(psi_sim_spec **spec_out) {
    psi_sim_spec *const spec = calloc(1, sizeof *spec);
    *spec_out = spec;
    if (spec == NULL) {
        return PS_ENOMEM;
    }
    spec->speed = 1.0;
    spec->work_scale = 1.0;
    spec->bandwidth_bytes_per_s = 1e9 / 8.0;
    spec->latency_s = 50e-6;
    spec->loopback_bytes_per_s = 10e9;
    spec->server = server_cost_default;
    return PS_OK;
}

void psi_sim_spec_destroy(psi_sim_spec *spec) {
    if (spec == NULL) {
        return;
    }
    for (size_t i = 0; i < spec->straggler_count; i++) {
        psi_straggler_fini(&spec->stragglers[i]);
    }
    free(spec->stragglers);
    free(spec->failures);
    free(spec->groups);
    free(spec->nodes);
    free(spec->cluster_path);
    free(spec);
}

/* The index of `value` in words[0..count), or a fault that names them and the nearest. */
static ps_err word_find(const char *value, const char *what, const char *const *words, size_t count,
                        size_t *index_out, ps_fault *fault) {
    for (size_t i = 0; i < count; i++) {
        if (strcmp(words[i], value) == 0) {
            *index_out = i;
            return PS_OK;
        }
    }
    const char *const near = psi_nearest(value, words, count);
    return ps_fault_set(fault, PS_EINVAL, "%s: unknown word '%s'%s%s%s (%s or %s)", what, value,
                        near == NULL ? "" : ", did you mean '", near == NULL ? "" : near,
                        near == NULL ? "" : "'?", words[0], words[1]);
}

ps_err psi_spec_set_net(psi_sim_spec *spec, const char *value, const char *what, ps_fault *fault) {
    static const char *const words[] = {"nic", "flow"};
    size_t index = 0;
    PS_TRY(word_find(value, what, words, 2, &index, fault));
    spec->net = index == 0 ? PSI_SIM_NET_NIC : PSI_SIM_NET_FLOW;
    return PS_OK;
}

ps_err psi_spec_set_flow_model(psi_sim_spec *spec, const char *value, const char *what,
                               ps_fault *fault) {
    static const char *const words[] = {"LV08", "CM02"};
    size_t index = 0;
    PS_TRY(word_find(value, what, words, 2, &index, fault));
    spec->flow_model = index == 0 ? PSI_SIM_FLOW_LV08 : PSI_SIM_FLOW_CM02;
    return PS_OK;
}

ps_err psi_spec_parse_rate(const char *value, const char *what, double *bytes_per_s_out,
                           ps_fault *fault) {
    if (strcmp(value, "unlimited") == 0) {
        *bytes_per_s_out = INFINITY;
        return PS_OK;
    }
    return psi_parse_rate(value, what, bytes_per_s_out, fault);
}

ps_err psi_spec_parse_unit_cost(const char *value, const char *what, double *seconds_out,
                                ps_fault *fault) {
    double seconds = 0.0;
    PS_TRY(psi_parse_seconds(value, what, &seconds, fault));
    if (!(seconds > 0.0)) {
        return ps_fault_set(fault, PS_EINVAL,
                            "%s: '%s' is no cost above 0; without it, the algorithm's own holds",
                            what, value);
    }
    *seconds_out = seconds;
    return PS_OK;
}

ps_err psi_spec_add_straggler(psi_sim_spec *spec, const char *value, const char *what,
                              ps_fault *fault) {
    void *stragglers = spec->stragglers;
    if (!psi_array_reserve(&stragglers, &spec->straggler_capacity, spec->straggler_count + 1,
                           sizeof *spec->stragglers)) {
        return ps_fault_set(fault, PS_ENOMEM, "%s: memory is exhausted", what);
    }
    spec->stragglers = stragglers;
    PS_TRY(psi_straggler_parse(value, what, &spec->stragglers[spec->straggler_count], fault));
    spec->straggler_count++;
    return PS_OK;
}

ps_err psi_spec_add_failure(psi_sim_spec *spec, const char *value, const char *what,
                            ps_fault *fault) {
    void *failures = spec->failures;
    if (!psi_array_reserve(&failures, &spec->failure_capacity, spec->failure_count + 1,
                           sizeof *spec->failures)) {
        return ps_fault_set(fault, PS_ENOMEM, "%s: memory is exhausted", what);
    }
    spec->failures = failures;
    PS_TRY(psi_failure_parse(value, what, &spec->failures[spec->failure_count], fault));
    spec->failure_count++;
    return PS_OK;
}

/* Gives every node what holds for all, and then what its groups say; a later group beats an earlier
 * one. */
static ps_err nodes_fill(psi_sim_spec *spec, uint32_t node_count, ps_fault *fault) {
    spec->nodes = calloc(node_count, sizeof *spec->nodes);
    if (spec->nodes == NULL) {
        return ps_fault_set(fault, PS_ENOMEM, "memory for %u nodes is exhausted", node_count);
    }
    spec->resolved_node_count = node_count;
    for (uint32_t i = 0; i < node_count; i++) {
        spec->nodes[i] = (psi_sim_node){.speed = spec->speed,
                                        .up_bytes_per_s = spec->bandwidth_bytes_per_s,
                                        .down_bytes_per_s = spec->bandwidth_bytes_per_s,
                                        .latency_s = spec->latency_s / 2.0};
    }
    for (size_t g = 0; g < spec->group_count; g++) {
        const psi_sim_group *const group = &spec->groups[g];
        for (uint32_t i = group->first; i <= group->last && i < node_count; i++) {
            psi_sim_node *const node = &spec->nodes[i];
            node->speed = group->speed > 0.0 ? group->speed : node->speed;
            node->up_bytes_per_s =
                group->up_bytes_per_s > 0.0 ? group->up_bytes_per_s : node->up_bytes_per_s;
            node->down_bytes_per_s =
                group->down_bytes_per_s > 0.0 ? group->down_bytes_per_s : node->down_bytes_per_s;
            node->latency_s = group->latency_s >= 0.0 ? group->latency_s / 2.0 : node->latency_s;
        }
    }
    return PS_OK;
}

/* All that names a node must name one of the run. */
static ps_err names_check(const psi_sim_spec *spec, uint32_t node_count, ps_fault *fault) {
    for (size_t i = 0; i < spec->straggler_count; i++) {
        const psi_straggler *const straggler = &spec->stragglers[i];
        const bool is_known = straggler->node == PSI_SIM_ALL_NODES || straggler->node < node_count;
        if (!is_known) {
            return ps_fault_set(fault, PS_EINVAL,
                                "straggler '%s' names node %u, the run has %u nodes (0..%u)",
                                straggler->text, straggler->node, node_count, node_count - 1);
        }
        for (size_t k = 0; k < straggler->step_count; k++) {
            if (straggler->steps[k].node >= node_count) {
                return ps_fault_set(
                    fault, PS_EINVAL, "straggler '%s' names node %u, the run has %u nodes (0..%u)",
                    straggler->text, straggler->steps[k].node, node_count, node_count - 1);
            }
        }
    }
    for (size_t i = 0; i < spec->failure_count; i++) {
        if (spec->failures[i].node >= node_count) {
            char text[128];
            (void)psi_failure_format(&spec->failures[i], text, sizeof text);
            return ps_fault_set(fault, PS_EINVAL,
                                "failure '%s' names node %u, the run has %u nodes (0..%u)", text,
                                spec->failures[i].node, node_count, node_count - 1);
        }
    }
    return PS_OK;
}

/* What the fluid model cannot do, said before SimGrid would abort over it. */
static ps_err flow_check(const psi_sim_spec *spec, uint32_t node_count, ps_fault *fault) {
    if (node_count > PSI_SIM_FLOW_NODES_LIMIT) {
        return ps_fault_set(fault, PS_EINVAL,
                            "--net flow cannot carry %u nodes (at most %d); use --net nic",
                            node_count, PSI_SIM_FLOW_NODES_LIMIT);
    }
    if (spec->jitter_s > 0.0) {
        return ps_fault_set(fault, PS_EINVAL, "--net flow has no jitter; use --net nic");
    }
    for (uint32_t i = 0; i < node_count; i++) {
        const bool is_limited =
            isfinite(spec->nodes[i].up_bytes_per_s) && isfinite(spec->nodes[i].down_bytes_per_s);
        if (!is_limited) {
            return ps_fault_set(fault, PS_EINVAL,
                                "--net flow needs a limited bandwidth; use --net nic");
        }
    }
    return isfinite(spec->loopback_bytes_per_s)
               ? PS_OK
               : ps_fault_set(fault, PS_EINVAL,
                              "--net flow needs a limited --loopback-bandwidth; use --net nic");
}

ps_err psi_sim_spec_resolve(psi_sim_spec *spec, const psi_plan *plan, ps_fault *fault) {
    PS_ASSERT(!spec->is_resolved);
    const uint32_t node_count = plan->node_count;
    if (node_count == 0 || node_count > PSI_SIM_NODES_MAX) {
        return ps_fault_set(fault, PS_EINVAL, "%u nodes cannot be simulated (1..%d)", node_count,
                            PSI_SIM_NODES_MAX);
    }
    if (spec->node_count != 0 && spec->node_count < node_count) {
        return ps_fault_set(fault, PS_EINVAL, "the run has %u nodes, %s only %u", node_count,
                            spec->cluster_path == NULL ? "the cluster" : spec->cluster_path,
                            spec->node_count);
    }
    PS_TRY(nodes_fill(spec, node_count, fault));
    if (spec->is_platform_xml) {
        PS_TRY(psi_platform_probe(spec, fault));
    }
    PS_TRY(names_check(spec, node_count, fault));
    if (spec->net == PSI_SIM_NET_BY_SIZE) {
        const bool needs_nic = !psi_sim_flow_is_quick(plan) || spec->jitter_s > 0.0 ||
                               isinf(spec->bandwidth_bytes_per_s);
        spec->net = needs_nic ? PSI_SIM_NET_NIC : PSI_SIM_NET_FLOW;
    }
    if (spec->net == PSI_SIM_NET_FLOW) {
        PS_TRY(flow_check(spec, node_count, fault));
    }
    spec->is_resolved = true;
    return PS_OK;
}
