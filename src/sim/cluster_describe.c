#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <unistd.h>

#include "base/units.h"
#include "sim/disturbance.h"
#include "sim/straggler.h"

/* What SimGrid's LV08 makes of a link (Velho and Legrand, 2009; its network/latency-factor and
 * bandwidth-factor), and the TCP window that caps a flow at window / (2 x latency) in both fluid
 * models (network/TCP-gamma). */
static const double lv08_latency_factor = 13.01;
static const double lv08_bandwidth_factor = 0.97;
static const double tcp_gamma_bytes = 4194304.0;

/* What a simulated frame costs here in wall time, state machines included: `tortoise bench sim`.
 * The fluid model solves for all flows in flight whenever one of them comes or goes. */
static const double nic_frame_wall_s = 2.5e-6;
static const double flow_frame_wall_s = 8e-6;
static const double flow_flight_wall_s = 0.05e-6;

/* Text that is cut when it does not fit, and still counted. */
typedef struct text_out {
    char *text;
    size_t size_bytes;
    size_t length;
} text_out;

static void say(text_out *out, const char *format, ...) PS_PRINTF(2, 3);
static void say(text_out *out, const char *format, ...) {
    const size_t at = out->length < out->size_bytes ? out->length : out->size_bytes;
    va_list arguments;
    va_start(arguments, format);
    const int length = vsnprintf(out->text + at, out->size_bytes - at, format, arguments);
    va_end(arguments);
    out->length += length > 0 ? (size_t)length : 0;
}

/* A path between two nodes under the chosen model. */
typedef struct path_facts {
    double latency_s, bytes_per_s;
    double cap_bytes_per_s; /* of the TCP window; INFINITY in nic */
} path_facts;

static path_facts path_between(const psi_sim_spec *spec, size_t from, size_t to) {
    const psi_sim_node *const nodes = spec->nodes;
    path_facts path = {.latency_s = nodes[from].latency_s + nodes[to].latency_s,
                       .bytes_per_s = fmin(nodes[from].up_bytes_per_s, nodes[to].down_bytes_per_s),
                       .cap_bytes_per_s = INFINITY};
    if (spec->net == PSI_SIM_NET_FLOW) {
        const bool is_lv08 = spec->flow_model == PSI_SIM_FLOW_LV08;
        path.latency_s *= is_lv08 ? lv08_latency_factor : 1.0;
        path.bytes_per_s *= is_lv08 ? lv08_bandwidth_factor : 1.0;
        path.cap_bytes_per_s = tcp_gamma_bytes / (2.0 * path.latency_s);
    }
    return path;
}

static void rate_write(double bytes_per_s, char text[static PSI_UNITS_TEXT_MAX]) {
    if (isinf(bytes_per_s)) {
        memcpy(text, "unlimited", sizeof "unlimited");
    } else {
        psi_format_rate(bytes_per_s, text);
    }
}

static void network_describe(text_out *out, const psi_sim_spec *spec, const psi_plan *plan) {
    char latency[PSI_UNITS_TEXT_MAX];
    char rate[PSI_UNITS_TEXT_MAX];
    char time[PSI_UNITS_TEXT_MAX];
    const size_t last = spec->resolved_node_count - 1;
    const path_facts path = path_between(spec, 0, last == 0 ? 0 : 1);
    psi_format_seconds(path.latency_s, latency);
    rate_write(fmin(path.bytes_per_s, path.cap_bytes_per_s), rate);
    psi_format_seconds(path.latency_s + 1e6 / fmin(path.bytes_per_s, path.cap_bytes_per_s), time);
    say(out, "network: %s%s, a path has %s and %s; 1 MB takes %s\n",
        spec->net == PSI_SIM_NET_NIC            ? "nic"
        : spec->flow_model == PSI_SIM_FLOW_LV08 ? "flow, LV08 (latency x 13.01, bandwidth x 0.97)"
                                                : "flow, CM02",
        spec->jitter_s > 0.0 ? " with jitter" : "", latency, rate, time);
    if (path.cap_bytes_per_s < path.bytes_per_s) {
        char link[PSI_UNITS_TEXT_MAX];
        psi_format_rate(path.bytes_per_s, link);
        say(out,
            "warning: SimGrid's TCP window of 4 MiB over this latency caps a flow at %s of %s\n",
            rate, link);
    }
    if (spec->net == PSI_SIM_NET_FLOW && !psi_sim_flow_is_quick(plan)) {
        say(out,
            "warning: --net flow is slow with %u nodes x %u shards; --net nic is made for them\n",
            plan->node_count, plan->shard_count);
    }
}

static void disturbances_describe(text_out *out, const psi_sim_spec *spec) {
    for (size_t i = 0; i < spec->straggler_count; i++) {
        say(out, "straggler: %s\n", spec->stragglers[i].text);
        const bool has_no_mean =
            spec->stragglers[i].kind == PSI_STRAGGLER_PARETO && spec->stragglers[i].alpha <= 1.0;
        if (has_no_mean) {
            say(out, "warning: a Pareto distribution with alpha <= 1 has no mean; some clock will "
                     "take for ever\n");
        }
    }
    for (size_t i = 0; i < spec->failure_count; i++) {
        char text[128];
        (void)psi_failure_format(&spec->failures[i], text, sizeof text);
        say(out, "failure: %s\n", text);
    }
}

/* The mean over a few clocks of the slowest worker's noise (under bsp) or of the workers' mean. A
 * sample: the run's own numbers. */
static double noise_expected(const psi_sim_spec *spec, const psi_plan *plan) {
    enum { CLOCKS = 8, WORKERS_MAX = 512 };
    const psi_slowness slowness = psi_slowness_of(spec);
    const uint32_t workers_per_node = plan->worker_count / plan->node_count;
    const uint32_t count = plan->worker_count < WORKERS_MAX ? plan->worker_count : WORKERS_MAX;
    const bool waits_for_all =
        plan->policy.slack == 0 && plan->policy.ops->read_clock(&plan->policy, 1) > 0;
    double sum = 0.0;
    for (uint32_t clock = 0; clock < CLOCKS; clock++) {
        double slowest = 0.0;
        double clock_sum = 0.0;
        for (uint32_t rank = 0; rank < count; rank++) {
            const uint32_t node = rank / workers_per_node;
            double until_s = INFINITY;
            const double factor = psi_slowness_noise(&slowness, plan->seed, node, rank, clock) *
                                  fmin(psi_slowness_factor(&slowness, node, 0.0, &until_s), 1e6);
            slowest = fmax(slowest, factor);
            clock_sum += factor;
        }
        sum += waits_for_all ? slowest : clock_sum / count;
    }
    return sum / CLOCKS;
}

/* Of all workers, here. */
static double work_s(const psi_sim_spec *spec, const psi_plan *plan) {
    if (plan->algo->units_per_clock == NULL) {
        return 0.0;
    }
    return plan->clock_count * plan->algo->units_per_clock(plan->problem) *
           psi_sim_unit_cost_s(spec, plan);
}

double psi_sim_expected_wall_s(const psi_sim_spec *spec, const psi_plan *plan) {
    const long cores = sysconf(_SC_NPROCESSORS_ONLN);
    double threads = cores < 1 ? 1.0 : (double)cores;
    threads = spec->jobs > 0 ? fmin(threads, spec->jobs) : threads;
    const double flights = (double)plan->node_count * plan->shard_count;
    const double frames =
        4.0 * plan->clock_count * flights; /* fetch, rows, flush, and one for pushes */
    const double frame_s = spec->net == PSI_SIM_NET_NIC
                               ? nic_frame_wall_s
                               : flow_frame_wall_s + flow_flight_wall_s * flights;
    return work_s(spec, plan) / threads + frames * frame_s;
}

int psi_sim_describe(const psi_sim_spec *spec, const psi_plan *plan, char *text,
                     size_t text_size_bytes) {
    PS_ASSERT(spec->is_resolved && text_size_bytes > 0);
    text_out out = {.text = text, .size_bytes = text_size_bytes};
    char cost[PSI_UNITS_TEXT_MAX];
    char frame[PSI_UNITS_TEXT_MAX];
    char byte[PSI_UNITS_TEXT_MAX];
    char row[PSI_UNITS_TEXT_MAX];
    say(&out, "cluster: %u nodes%s%s, %u workers, %u server shards\n", plan->node_count,
        spec->cluster_path == NULL ? "" : " of ",
        spec->cluster_path == NULL ? "" : spec->cluster_path, plan->worker_count,
        plan->shard_count);
    if (spec->is_platform_xml) {
        say(&out, "hosts: by name; speeds relative to the first; profiles of speed or state are "
                  "not used\n");
    }
    network_describe(&out, spec, plan);
    psi_format_seconds(psi_sim_unit_cost_s(spec, plan), cost);
    psi_format_seconds(spec->server.per_frame_s, frame);
    psi_format_seconds(spec->server.per_byte_s, byte);
    psi_format_seconds(spec->server.per_row_s, row);
    say(&out, "work: %s per %s", cost, plan->algo->unit);
    if (spec->work_scale != 1.0) {
        say(&out, ", each of which stands for %g", spec->work_scale);
    }
    say(&out, "; a server takes %s per frame, %s per byte, %s per row\n", frame, byte, row);
    disturbances_describe(&out, spec);
    const double here_s = work_s(spec, plan) / plan->worker_count;
    psi_format_seconds(here_s * spec->work_scale * noise_expected(spec, plan), cost);
    psi_format_seconds(psi_sim_expected_wall_s(spec, plan), frame);
    say(&out, "expected: about %s of computing per worker in simulated time, about %s here\n", cost,
        frame);
    return (int)out.length;
}
