/* The conformance suite on a simulated cluster with noise, so that workers drift apart. */
#include "conformance/promises.h"
#include "sim/sim.h"

#include "support/suite.h"

static ps_err run_spec(const psi_plan *plan, uint64_t seed, psi_sim_spec *spec,
                       psi_results *results, ps_fault *fault) {
    PS_TRY(psi_sim_spec_set(spec, "straggler", "lognormal:sigma=0.5", fault));
    PS_TRY(psi_sim_spec_set(spec, "net", seed % 2 == 0 ? "flow" : "nic", fault));
    PS_TRY(psi_sim_spec_set(spec, "jobs", seed % 3 == 0 ? "2" : "1", fault));
    PS_TRY(psi_sim_spec_resolve(spec, plan, fault));
    return psi_sim_run(plan, spec, results, fault);
}

static ps_err run(const psi_plan *plan, uint64_t seed, psi_results *results, ps_fault *fault) {
    psi_sim_spec *spec;
    PS_TRY(psi_sim_spec_create(&spec));
    const ps_err err = run_spec(plan, seed, spec, results, fault);
    psi_sim_spec_destroy(spec);
    return err;
}

int main(int argc, char **argv) {
    const conformance_world world = {
        .name = "conformance, sim", .needs_a_child = true, .seeds = 2, .run = run};
    char text[200];
    ps_fault fault = {0};
    if (psi_sim_available(text, sizeof text, &fault) != PS_OK) {
        suite_skip(fault.text);
    }
    return conformance_main(&world, argc, argv);
}
