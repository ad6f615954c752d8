/* Between the program and the plug-in module that knows SimGrid: one constant structure, found by
 * its name.
 *
 * The module is looked up where the build puts it, beside the program, and where it is installed.
 * It must come from the same build: sizes of the shared structures are compared before anything of
 * it is called. */
#ifndef PSI_PLUGIN_H
#define PSI_PLUGIN_H

#include "sim/sim.h"

#define PSI_PLUGIN_SYMBOL "psi_sim_plugin"

/* Goes up when the meaning of something in this header or in sim.h changes. */
enum { PSI_PLUGIN_VERSION = 1, PSI_SIM_FLOW_NODES_LIMIT = 4096 };

/* What a SimGrid platform has, as far as the run's nodes are concerned. */
typedef struct psi_platform_facts {
    uint64_t host_count;
    double first_speed; /* of the first host, in flop/s: the reference */
} psi_platform_facts;

typedef struct psi_plugin {
    uint32_t version;
    uint32_t spec_size_bytes, plan_size_bytes, results_size_bytes, frame_size_bytes;
    const char *tortoise_version;

    /* psi_sim_run() behind its checks. */
    ps_err (*run)(const psi_plan *plan, const psi_sim_spec *spec, psi_results *results,
                  ps_fault *fault);

    /* Loads spec->cluster_path and fills spec->nodes[0..resolved_node_count) and the facts. SimGrid
     * exits or aborts on a bad platform: only for a child process. */
    void (*probe)(psi_sim_spec *spec, psi_platform_facts *facts_out);

    /* The version of the SimGrid library that is loaded, and of the one it was built with. */
    void (*simgrid_version)(char *text, size_t text_size_bytes);
} psi_plugin;

/* Loads the plug-in. On failure PS_EINVAL, and `fault` says what to install. Not concurrently. */
PS_MUST_CHECK ps_err psi_plugin_load(const psi_plugin **plugin_out, ps_fault *fault);

/* Tries the platform XML of `spec` in a child process and fills its nodes' speeds and links. What
 * SimGrid has to say of a bad file becomes the line in `fault`. */
PS_MUST_CHECK ps_err psi_platform_probe(psi_sim_spec *spec, ps_fault *fault);

#endif
