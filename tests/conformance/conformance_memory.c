/* The conformance suite in the port `memory`: many seeds, so many interleavings. */
#include "conformance/promises.h"
#include "support/memory_port.h"

static ps_err run(const psi_plan *plan, uint64_t seed, psi_results *results, ps_fault *fault) {
    const memory_options options = {.seed = seed, .has_slow_parts = seed % 2 == 0};
    return memory_run(plan, &options, results, NULL, fault);
}

int main(int argc, char **argv) {
    const conformance_world world = {.name = "conformance, memory", .seeds = 20, .run = run};
    return conformance_main(&world, argc, argv);
}
