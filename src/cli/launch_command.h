/* The command that starts one rank: tortoise itself with variables, or ssh with both in one text.
 */
#ifndef TT_LAUNCH_COMMAND_H
#define TT_LAUNCH_COMMAND_H

#include <stddef.h>
#include <stdint.h>

#include <sys/types.h>

#include "tortoise/err.h"

#include "launched.h"

typedef struct tt_launch_command {
    char **arguments;   /* owned, as its texts; ends with NULL */
    char **environment; /* owned, as its texts; ends with NULL */
} tt_launch_command;

/* Makes the command of a rank. PS_ENOMEM. tt_launch_command_fini() is due in any case. */
PS_MUST_CHECK ps_err tt_launch_command_make(tt_launch_command *command, const tt_launch_plan *plan,
                                            uint32_t rank, ps_fault *fault);

/* Starts it in a process group of its own, so that Ctrl-C reaches the launcher alone, with ends[0]
 * as standard input and ends[1], ends[2] as output where they are not -1. Returns 0 or an errno. */
int tt_launch_command_spawn(const tt_launch_command *command, const int ends[3], pid_t *pid_out);

void tt_launch_command_fini(tt_launch_command *command);

#endif
