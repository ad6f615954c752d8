/* Reading what disturbs a cluster: stragglers ("rotate:factor=4x,period=10s") and failures
 * ("node=3,at=5s"), written alike on the command line, in experiment files and in cluster files.
 * Inside src/sim only. */
#ifndef PSI_DISTURBANCE_H
#define PSI_DISTURBANCE_H

#include "sim/sim.h"

/* Parses a straggler. `what` names the setting in messages ("--straggler"). A trace's file is read.
 * On success the caller owns the content of *straggler_out (psi_straggler_fini). On failure `fault`
 * has the line, with the nearest known word, and *straggler_out is unchanged. Returns PS_OK,
 * PS_EINVAL, PS_EIO, PS_EFORMAT or PS_ENOMEM. */
PS_MUST_CHECK ps_err psi_straggler_parse(const char *text, const char *what,
                                         psi_straggler *straggler_out, ps_fault *fault);
void psi_straggler_fini(psi_straggler *straggler);

/* Parses a failure, likewise. */
PS_MUST_CHECK ps_err psi_failure_parse(const char *text, const char *what, psi_failure *failure_out,
                                       ps_fault *fault);

/* Writes a failure as psi_failure_parse() reads it. Returns the length, as snprintf does. */
int psi_failure_format(const psi_failure *failure, char *text, size_t text_size_bytes);

/* Parses "frame=2us,byte=0.3ns,row=50ns"; what is not named stays as it is. "none": all zero. */
PS_MUST_CHECK ps_err psi_server_cost_parse(const char *text, const char *what,
                                           psi_sim_server_cost *cost, ps_fault *fault);

/* Reads a straggler trace: lines "time_s node factor" in any order; '#' begins a comment. The
 * steps, sorted by (node, time), are the caller's. `fault` has file and line. */
PS_MUST_CHECK ps_err psi_slowdowns_read(const char *path, psi_slowdown **steps_out,
                                        size_t *count_out, ps_fault *fault);

#endif
