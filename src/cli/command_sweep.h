/* What the commands sweep and reproduce share: their options. */
#ifndef TT_COMMAND_SWEEP_H
#define TT_COMMAND_SWEEP_H

#include <stddef.h>

#include "command.h"
#include "sweep.h"

/* Writes the two short options -n and -j long, for the one reader of options. own_out has room for
 * own_max words. PS_EINVAL: there are too many. */
PS_MUST_CHECK ps_err tt_sweep_lengthen(const tt_call *call, char **own_out, size_t *count_out,
                                       size_t own_max, ps_fault *fault);

/* Reads --parallel, --quiet and --force. */
PS_MUST_CHECK ps_err tt_sweep_manner_read(const tt_settings *settings, tt_sweep_manner *manner_out,
                                          ps_fault *fault);

/* The folder that was asked for, or out/NAME. */
void tt_sweep_default_directory(const tt_experiment *experiment, const char *wanted,
                                char directory[static TT_PATH_MAX]);

#endif
