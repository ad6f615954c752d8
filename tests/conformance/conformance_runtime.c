/* The conformance suite in real processes over TCP. */
#define _DEFAULT_SOURCE /* _exit */
#include <unistd.h>

#include "conformance/promises.h"
#include "runtime/runtime.h"

static ps_err run(const psi_plan *plan, uint64_t seed, psi_results *results, ps_fault *fault) {
    (void)seed; /* the real world takes none */
    uint32_t process = 0;
    const psi_runtime_options options = {.stall_timeout_s = 20.0};
    const ps_err err = psi_runtime_run_local(plan, &options, results, &process, fault);
    if (process > 0) {
        _exit(ps_err_exit_code(err));
    }
    return err;
}

int main(int argc, char **argv) {
    const conformance_world world = {.name = "conformance, runtime",
                                     .has_processes = true,
                                     .needs_a_child = true,
                                     .seeds = 1,
                                     .run = run};
    return conformance_main(&world, argc, argv);
}
