/* The trace of a run for people to look at: JSON in the Trace Event format, which Perfetto
 * (ui.perfetto.dev) and Chrome (chrome://tracing) show. Equal in form whatever the world that the
 * run was made in; the same run gives the same file.
 *
 *     process "node 1"
 *       thread "worker 2"    clock > compute, wait (for which row or answer); left
 *       thread "client 1"    the frames that it handles
 *       thread "shard 1"     the same
 *       thread "evaluation"  its share of each evaluation
 *       async "FLUSH" ...    a frame, from its sending to its handling; at the sender's node
 *       counter              bytes under way that the node sent; the clock of the slowest worker
 *
 * Times are microseconds since the start of the run. */
#ifndef TT_TRACE_FILE_H
#define TT_TRACE_FILE_H

#include "tortoise/err.h"

#include "node/run.h"

/* Writes the spans of `results` as the file `path`, by a temporary file that takes the name when it
 * is complete. The results are only read. PS_EIO or PS_ENOMEM, with the file's name. O(n log n). */
PS_MUST_CHECK ps_err tt_trace_write(const char *path, const psi_plan *plan,
                                    const psi_results *results, ps_fault *fault);

/* Checks before a run that the file can be written later. PS_EIO. */
PS_MUST_CHECK ps_err tt_trace_check(const char *path, ps_fault *fault);

#endif
