/* The SimGrid side of a cluster: starting the engine, its options, and the platform with its hosts.
 */
#ifndef PSI_PLATFORM_H
#define PSI_PLATFORM_H

#include <simgrid/host.h>

#include "sim/plugin.h"

/* Starts SimGrid and loads the platform of a resolved spec. hosts_out[0..node_count) are its hosts,
 * node by node. Returns PS_OK, PS_ENOMEM or PS_EIO. A platform XML must have been probed before:
 * SimGrid ends the process over a bad one. */
PS_MUST_CHECK ps_err psi_platform_load(const psi_sim_spec *spec, sg_host_t *hosts_out);

/* psi_plugin.probe. */
void psi_platform_describe(psi_sim_spec *spec, psi_platform_facts *facts_out);

#endif
