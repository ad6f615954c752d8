/* The subcommands of tortoise. */
#ifndef TT_COMMAND_H
#define TT_COMMAND_H

#include <stddef.h>

#include "tortoise/err.h"

/* A call of a subcommand: the whole command line, and what stands behind the subcommand's name.
 * Borrowed. */
typedef struct tt_call {
    size_t argument_count;
    char *const *arguments;
    size_t own_count;
    char *const *own;
} tt_call;

typedef struct tt_command {
    const char *name, *usage, *summary;
    /* Does it: results go to stdout, messages on stderr. What failed is returned, and its one line
     * is in `fault`, which the caller prints. */
    ps_err (*run)(const tt_call *call, ps_fault *fault);
} tt_command;

extern const tt_command tt_commands[]; /* main.c */
extern const size_t tt_command_count;

ps_err tt_command_sim(const tt_call *call, ps_fault *fault);
ps_err tt_command_run(const tt_call *call, ps_fault *fault);
ps_err tt_command_sweep(const tt_call *call, ps_fault *fault);
ps_err tt_command_data(const tt_call *call, ps_fault *fault);
ps_err tt_command_calibrate(const tt_call *call, ps_fault *fault);
ps_err tt_command_bench(const tt_call *call, ps_fault *fault);
ps_err tt_command_report(const tt_call *call, ps_fault *fault);
ps_err tt_command_doctor(const tt_call *call, ps_fault *fault);
ps_err tt_command_version(const tt_call *call, ps_fault *fault);
ps_err tt_command_help(const tt_call *call, ps_fault *fault);

#endif
