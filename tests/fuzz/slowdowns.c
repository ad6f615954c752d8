/* Traces of slowdowns, one step a line: sorted when read, and found again at any time. */
#include <math.h>
#include <stdio.h>

#include "fuzz/fuzz.h"
#include "sim/disturbance.h"
#include "sim/sim.h"
#include "sim/straggler.h"

/* At every step of the trace its factor is in force. */
static void check_trace(const psi_straggler *trace) {
    uint32_t node_count = 1;
    for (size_t i = 0; i < trace->step_count; i++) {
        const psi_slowdown *const step = &trace->steps[i];
        FUZZ_CHECK(step->time_s >= 0 && isfinite(step->time_s) && step->factor > 0);
        FUZZ_CHECK(step->node < PSI_SIM_NODES_MAX);
        FUZZ_CHECK(i == 0 || step[-1].node < step->node ||
                   (step[-1].node == step->node && step[-1].time_s < step->time_s));
        node_count = step->node + 1;
    }
    if (node_count > 64) {
        return;
    }
    psi_sim_node nodes[64];
    for (uint32_t i = 0; i < node_count; i++) {
        nodes[i] = (psi_sim_node){.speed = 1};
    }
    const psi_slowness slowness = {
        .stragglers = trace, .straggler_count = 1, .nodes = nodes, .node_count = node_count};
    for (size_t i = 0; i < trace->step_count; i++) {
        const psi_slowdown *const step = &trace->steps[i];
        double until_s = 0;
        const double factor = psi_slowness_factor(&slowness, step->node, step->time_s, &until_s);
        FUZZ_CHECK(!(factor < step->factor) && !(factor > step->factor));
        FUZZ_CHECK(until_s > step->time_s);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    const fuzz_input input = {data, size};
    char spec[96];
    psi_straggler trace = {.steps = NULL};
    ps_fault fault = {0};
    (void)snprintf(spec, sizeof spec, "trace:%s", fuzz_file(&input));
    const ps_err err = psi_straggler_parse(spec, "--straggler", &trace, &fault);
    fuzz_check_fault(err, &fault);
    if (err == PS_OK) {
        FUZZ_CHECK(trace.step_count > 0);
        check_trace(&trace);
    }
    psi_straggler_fini(&trace);
    return 0;
}
