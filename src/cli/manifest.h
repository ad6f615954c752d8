/* manifest.json: what was run, with what, on what, and what came of it; enough to run it again.
 *
 * What differs between two equal simulations is in command_line, start, end, host and the settings
 * out and jobs alone. */
#ifndef TT_MANIFEST_H
#define TT_MANIFEST_H

#include <stdbool.h>
#include <stddef.h>

#include <jansson.h>

#include "one_run.h"

/* The results in short, a new object: also the summary of --format json. NULL when memory is
 * exhausted. */
json_t *tt_manifest_results(const tt_run *run);

/* Writes `directory`/manifest.json. PS_EIO or PS_ENOMEM. */
PS_MUST_CHECK ps_err tt_manifest_write(const tt_run *run, const char *directory, ps_fault *fault);

/* Versions of the program and of what it is built on, a new object. Asking for the simulator's
 * loads it. */
json_t *tt_manifest_versions(bool with_simulator);

/* Reads the manifest of a run's directory. NULL, with the reason, when there is none or it is
 * damaged. */
json_t *tt_manifest_read(const char *directory, ps_fault *fault);

/* Whether `directory` holds a complete, good run with this key. */
bool tt_manifest_is_of(const char *directory, const char *key);

#endif
