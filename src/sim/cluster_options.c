#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/nearest.h"
#include "base/units.h"
#include "sim/cluster_spec.h"
#include "sim/disturbance.h"

/* The order of psi_sim_options. */
typedef enum option_id {
    OPTION_NET,
    OPTION_FLOW_MODEL,
    OPTION_BANDWIDTH,
    OPTION_LATENCY,
    OPTION_JITTER,
    OPTION_LOOPBACK_BANDWIDTH,
    OPTION_LOOPBACK_LATENCY,
    OPTION_SPEED,
    OPTION_SERVER_COST,
    OPTION_UNIT_COST,
    OPTION_WORK_SCALE,
    OPTION_STRAGGLER,
    OPTION_FAIL,
    OPTION_JOBS,
    OPTION_COUNT
} option_id;

const psi_sim_option psi_sim_options[] = {
    [OPTION_NET] = {"net", "nic|flow", "", false,
                    "network model (by size: flow for small clusters, else nic)"},
    [OPTION_FLOW_MODEL] = {"flow-model", "LV08|CM02", "LV08", false,
                           "SimGrid's fluid model, of --net flow"},
    [OPTION_BANDWIDTH] = {"bandwidth", "RATE", "1Gbps", false,
                          "of each node's link, each way, or 'unlimited'"},
    [OPTION_LATENCY] = {"latency", "TIME", "50us", false, "one way, from any node to any other"},
    [OPTION_JITTER] = {"jitter", "TIME", "0", false,
                       "more latency, uniform up to this, per frame (--net nic)"},
    [OPTION_LOOPBACK_BANDWIDTH] = {"loopback-bandwidth", "RATE", "10GB/s", false, "inside a node"},
    [OPTION_LOOPBACK_LATENCY] = {"loopback-latency", "TIME", "0", false, "inside a node"},
    [OPTION_SPEED] = {"speed", "FACTOR", "1x", false,
                      "of each node; 1x is where unit costs were measured"},
    [OPTION_SERVER_COST] = {"server-cost", "frame=T,byte=T,row=T|none",
                            "frame=2us,byte=0.25ns,row=50ns", false,
                            "time that a node spends on each frame it gets"},
    [OPTION_UNIT_COST] = {"unit-cost", "TIME", "", false,
                          "of one unit of work (calibrated, or the algorithm's)"},
    [OPTION_WORK_SCALE] = {"work-scale", "FACTOR", "1x", false,
                           "units that each unit of work stands for, in time alone"},
    [OPTION_STRAGGLER] =
        {"straggler", "SPEC", "", true,
         "slow:node=0,factor=2x | lognormal:sigma=0.5 | exponential:mean=0.3 | pareto:alpha=1.5 | "
         "rotate:factor=4x,period=10s | pause:node=3,at=5s,for=2s | trace:FILE"},
    [OPTION_FAIL] = {"fail", "SPEC", "", true,
                     "node=3,at=5s | link=3,at=5s,until=7s: ends the run then"},
    [OPTION_JOBS] = {"jobs", "J", "", false, "OS threads for the mathematics (all cores)"},
};
const size_t psi_sim_option_count = OPTION_COUNT;

static ps_err option_find(const char *name, size_t *index_out, ps_fault *fault) {
    const char *names[OPTION_COUNT];
    for (size_t i = 0; i < OPTION_COUNT; i++) {
        names[i] = psi_sim_options[i].name;
        if (strcmp(names[i], name) == 0) {
            *index_out = i;
            return PS_OK;
        }
    }
    const char *const near = psi_nearest(name, names, OPTION_COUNT);
    return ps_fault_set(fault, PS_EINVAL, "unknown option '--%s'%s%s%s", name,
                        near == NULL ? "" : ", did you mean '--", near == NULL ? "" : near,
                        near == NULL ? "" : "'?");
}

static ps_err jobs_set(psi_sim_spec *spec, const char *value, const char *what, ps_fault *fault) {
    uint64_t jobs = 0;
    PS_TRY(psi_parse_count(value, what, &jobs, fault));
    if (jobs == 0 || jobs > PSI_SIM_JOBS_MAX) {
        return ps_fault_set(fault, PS_EINVAL, "%s: %s is out of range, 1..%d", what, value,
                            PSI_SIM_JOBS_MAX);
    }
    spec->jobs = (uint32_t)jobs;
    return PS_OK;
}

static ps_err option_apply(psi_sim_spec *spec, option_id id, const char *value, const char *what,
                           ps_fault *fault) {
    switch (id) {
    case OPTION_NET:
        return psi_spec_set_net(spec, value, what, fault);
    case OPTION_FLOW_MODEL:
        return psi_spec_set_flow_model(spec, value, what, fault);
    case OPTION_BANDWIDTH:
        return psi_spec_parse_rate(value, what, &spec->bandwidth_bytes_per_s, fault);
    case OPTION_LATENCY:
        return psi_parse_seconds(value, what, &spec->latency_s, fault);
    case OPTION_JITTER:
        return psi_parse_seconds(value, what, &spec->jitter_s, fault);
    case OPTION_LOOPBACK_BANDWIDTH:
        return psi_spec_parse_rate(value, what, &spec->loopback_bytes_per_s, fault);
    case OPTION_LOOPBACK_LATENCY:
        return psi_parse_seconds(value, what, &spec->loopback_latency_s, fault);
    case OPTION_SPEED:
        return psi_parse_factor(value, what, &spec->speed, fault);
    case OPTION_SERVER_COST:
        return psi_server_cost_parse(value, what, &spec->server, fault);
    case OPTION_UNIT_COST:
        return psi_spec_parse_unit_cost(value, what, &spec->unit_cost_s, fault);
    case OPTION_WORK_SCALE:
        return psi_parse_factor(value, what, &spec->work_scale, fault);
    case OPTION_STRAGGLER:
        return psi_spec_add_straggler(spec, value, what, fault);
    case OPTION_FAIL:
        return psi_spec_add_failure(spec, value, what, fault);
    case OPTION_JOBS:
        return jobs_set(spec, value, what, fault);
    case OPTION_COUNT:
        break;
    }
    return ps_fault_set(fault, PS_EINVAL, "%s: no such option", what);
}

ps_err psi_sim_spec_set(psi_sim_spec *spec, const char *name, const char *value, ps_fault *fault) {
    size_t index = 0;
    PS_TRY(option_find(name, &index, fault));
    char what[48];
    (void)snprintf(what, sizeof what, "--%s", name);
    PS_TRY(option_apply(spec, (option_id)index, value, what, fault));
    spec->options_set |= UINT64_C(1) << index;
    return PS_OK;
}

/* Appends to text[0..text_size_bytes) at `length`, as far as it fits; returns the new full length.
 */
static size_t text_append(char *text, size_t text_size_bytes, size_t length, const char *more) {
    for (size_t i = 0; more[i] != '\0'; i++, length++) {
        if (length + 1 < text_size_bytes) {
            text[length] = more[i];
            text[length + 1] = '\0';
        }
    }
    return length;
}

static int repeated_write(const psi_sim_spec *spec, option_id id, char *text,
                          size_t text_size_bytes) {
    size_t length = 0;
    if (text_size_bytes > 0) {
        text[0] = '\0';
    }
    const size_t count = id == OPTION_STRAGGLER ? spec->straggler_count : spec->failure_count;
    for (size_t i = 0; i < count; i++) {
        char failure[128] = "";
        if (id == OPTION_FAIL) {
            (void)psi_failure_format(&spec->failures[i], failure, sizeof failure);
        }
        length = text_append(text, text_size_bytes, length, i == 0 ? "" : " ");
        length = text_append(text, text_size_bytes, length,
                             id == OPTION_STRAGGLER ? spec->stragglers[i].text : failure);
    }
    return (int)length;
}

static int rate_write(double bytes_per_s, char *text, size_t text_size_bytes) {
    return isinf(bytes_per_s) ? snprintf(text, text_size_bytes, "unlimited")
                              : snprintf(text, text_size_bytes, "%.12gB/s", bytes_per_s);
}

int psi_sim_spec_value(const psi_sim_spec *spec, size_t index, char *text, size_t text_size_bytes) {
    PS_ASSERT(index < OPTION_COUNT);
    switch ((option_id)index) {
    case OPTION_NET:
        return snprintf(text, text_size_bytes, "%s",
                        spec->net == PSI_SIM_NET_NIC    ? "nic"
                        : spec->net == PSI_SIM_NET_FLOW ? "flow"
                                                        : "");
    case OPTION_FLOW_MODEL:
        return snprintf(text, text_size_bytes, "%s",
                        spec->flow_model == PSI_SIM_FLOW_LV08 ? "LV08" : "CM02");
    case OPTION_BANDWIDTH:
        return rate_write(spec->bandwidth_bytes_per_s, text, text_size_bytes);
    case OPTION_LATENCY:
        return snprintf(text, text_size_bytes, "%.12gs", spec->latency_s);
    case OPTION_JITTER:
        return snprintf(text, text_size_bytes, "%.12gs", spec->jitter_s);
    case OPTION_LOOPBACK_BANDWIDTH:
        return rate_write(spec->loopback_bytes_per_s, text, text_size_bytes);
    case OPTION_LOOPBACK_LATENCY:
        return snprintf(text, text_size_bytes, "%.12gs", spec->loopback_latency_s);
    case OPTION_SPEED:
        return snprintf(text, text_size_bytes, "%.12gx", spec->speed);
    case OPTION_SERVER_COST:
        return snprintf(text, text_size_bytes, "frame=%.12gs,byte=%.12gs,row=%.12gs",
                        spec->server.per_frame_s, spec->server.per_byte_s, spec->server.per_row_s);
    case OPTION_UNIT_COST:
        return spec->unit_cost_s > 0.0
                   ? snprintf(text, text_size_bytes, "%.12gs", spec->unit_cost_s)
                   : snprintf(text, text_size_bytes, "%s", "");
    case OPTION_WORK_SCALE:
        return snprintf(text, text_size_bytes, "%.12gx", spec->work_scale);
    case OPTION_STRAGGLER:
    case OPTION_FAIL:
        return repeated_write(spec, (option_id)index, text, text_size_bytes);
    case OPTION_JOBS:
        return spec->jobs > 0 ? snprintf(text, text_size_bytes, "%u", spec->jobs)
                              : snprintf(text, text_size_bytes, "%s", "");
    case OPTION_COUNT:
        break;
    }
    return 0;
}
