/* The plug-in module: the one symbol that it exports. */
#include "sim/plugin/platform.h"
#include "sim/plugin/world.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

#include <simgrid/version.h>

__attribute__((visibility("default"))) extern const psi_plugin psi_sim_plugin;

/* SimGrid's engine is a global of the process and cannot be started twice; neither can this. */
static bool engine_was_started;

static ps_err module_run(const psi_plan *plan, const psi_sim_spec *spec, psi_results *results,
                         ps_fault *fault) {
    if (engine_was_started) {
        return ps_fault_set(fault, PS_EINVAL,
                            "SimGrid cannot start twice in one process; run one simulation each");
    }
    PS_TRY(psi_plan_check(plan, fault));
    engine_was_started = true;
    psi_world world;
    const bool is_nic = spec->net == PSI_SIM_NET_NIC;
    ps_err err = psi_world_init(&world, plan, spec,
                                is_nic ? &psi_world_nic_ops : &psi_world_flow_ops, results);
    sg_host_t *const hosts = calloc(plan->node_count, sizeof(sg_host_t));
    if (err == PS_OK && hosts == NULL) {
        err = PS_ENOMEM;
    }
    if (err == PS_OK) {
        err = psi_platform_load(spec, hosts);
    }
    if (err == PS_OK) {
        for (uint32_t i = 0; i < plan->node_count; i++) {
            world.nodes[i].host = hosts[i];
        }
        if (is_nic) {
            psi_world_nic_run(&world);
        } else {
            psi_world_flow_run(&world);
        }
        const volatile int *const interrupted = plan->interrupted;
        results->was_interrupted |= interrupted != NULL && *interrupted != 0;
        err = world.fault.err == PS_OK
                  ? PS_OK
                  : ps_fault_set(fault, world.fault.err, "%s", world.fault.text);
    } else {
        (void)ps_fault_set(fault, err, "the simulation of %u nodes did not start: %s",
                           plan->node_count, ps_err_text(err));
    }
    psi_world_fini(&world);
    free(hosts);
    return err;
}

static void module_simgrid_version(char *text, size_t text_size_bytes) {
    int major = 0;
    int minor = 0;
    int patch = 0;
    sg_version_get(&major, &minor, &patch);
    const int loaded = major * 10000 + minor * 100;
    const int built = (int)(SIMGRID_VERSION / 100 * 100);
    (void)snprintf(text, text_size_bytes,
                   loaded == built ? "SimGrid %d.%d" : "SimGrid %d.%d (built with another: %d)",
                   major, minor, (int)SIMGRID_VERSION);
}

const psi_plugin psi_sim_plugin = {.version = PSI_PLUGIN_VERSION,
                                   .spec_size_bytes = sizeof(psi_sim_spec),
                                   .plan_size_bytes = sizeof(psi_plan),
                                   .results_size_bytes = sizeof(psi_results),
                                   .frame_size_bytes = sizeof(psi_frame),
                                   .tortoise_version = TORTOISE_VERSION,
                                   .run = module_run,
                                   .probe = psi_platform_describe,
                                   .simgrid_version = module_simgrid_version};
