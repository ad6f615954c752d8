/* Inside src/sim only: what the files that fill a psi_sim_spec share. */
#ifndef PSI_CLUSTER_SPEC_H
#define PSI_CLUSTER_SPEC_H

#include "sim/sim.h"

/* Each parses one setting and changes the spec only if it is good. `what` names the setting in
 * messages:
 * "--net" or "lab.cfg:12: net". */
PS_MUST_CHECK ps_err psi_spec_set_net(psi_sim_spec *spec, const char *value, const char *what,
                                      ps_fault *fault);
PS_MUST_CHECK ps_err psi_spec_set_flow_model(psi_sim_spec *spec, const char *value,
                                             const char *what, ps_fault *fault);
PS_MUST_CHECK ps_err psi_spec_add_straggler(psi_sim_spec *spec, const char *value, const char *what,
                                            ps_fault *fault);
PS_MUST_CHECK ps_err psi_spec_add_failure(psi_sim_spec *spec, const char *value, const char *what,
                                          ps_fault *fault);

/* Like psi_parse_seconds(), but above 0: to the spec, 0 means the algorithm's own cost. */
PS_MUST_CHECK ps_err psi_spec_parse_unit_cost(const char *value, const char *what,
                                              double *seconds_out, ps_fault *fault);

/* Like psi_parse_rate(), and "unlimited" is INFINITY. */
PS_MUST_CHECK ps_err psi_spec_parse_rate(const char *value, const char *what,
                                         double *bytes_per_s_out, ps_fault *fault);

#endif
