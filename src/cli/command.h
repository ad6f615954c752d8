/* The subcommands of tortoise. */
#ifndef TT_COMMAND_H
#define TT_COMMAND_H

#include <stddef.h>

#include "tortoise/err.h"

#include "settings.h"

/* A call of a subcommand: the whole command line, and what stands behind the subcommand's name.
 * Borrowed. */
typedef struct tt_call {
    size_t argument_count;
    char *const *arguments;
    size_t own_count;
    char *const *own;
} tt_call;

/* What a command is. The help, the manual page and the completion of the shell are made of this, so
 * a command that stands here with all its options is documented. */
typedef struct tt_command {
    const char *name, *usage, *summary;
    /* Does it: results go to stdout, messages on stderr. What failed is returned, and its one line
     * is in `fault`, which the caller prints. */
    ps_err (*run)(const tt_call *call, ps_fault *fault);
    /* Its own table, NULL where there is none; or the world whose settings it reads, 0: none. */
    const tt_option_list *options;
    unsigned world;
    /* What may stand first behind the name: words separated by '|', or TT_WORD_... */
    const char *words;
    const char *example;     /* for the manual page, without the program's name */
    const char *description; /* sentences; an empty line begins a paragraph */
} tt_command;

/* Kinds of words that the completion knows how to find. */
#define TT_WORD_ALGO "ALGO"
#define TT_WORD_COMMAND "COMMAND"
#define TT_WORD_FILE "FILE"
#define TT_WORD_DIRECTORY "DIR"
#define TT_WORD_BENCH "NAME"

extern const tt_command tt_commands[]; /* program.c */
extern const size_t tt_command_count;

/* The command `name`, or NULL. */
const tt_command *tt_command_find(const char *name);

/* Says that there is no command `name`, and which is the nearest. Returns PS_EINVAL. */
PS_MUST_CHECK ps_err tt_command_refuse(const char *name, ps_fault *fault);

/* Makes the settings of a command, and of an algorithm unless it is NULL, at their defaults. They
 * are empty without options. PS_ENOMEM. */
PS_MUST_CHECK ps_err tt_command_settings(const tt_command *command, const ps_algo *algo,
                                         tt_settings *settings_out);

/* "tortoise", or the name of the program that gave ps_main() its own algorithm. Static. */
const char *tt_program_name(void);

/* The tables of the commands that have one; each stands where its command is implemented. */
extern const tt_option_list tt_bench_option_list, tt_calibrate_option_list, tt_data_option_list,
    tt_doctor_option_list, tt_help_option_list, tt_infer_option_list, tt_launch_option_list,
    tt_reproduce_option_list, tt_sweep_option_list, tt_version_option_list;

ps_err tt_command_sim(const tt_call *call, ps_fault *fault);
ps_err tt_command_run(const tt_call *call, ps_fault *fault);
ps_err tt_command_launch(const tt_call *call, ps_fault *fault);
ps_err tt_command_sweep(const tt_call *call, ps_fault *fault);
ps_err tt_command_reproduce(const tt_call *call, ps_fault *fault);
ps_err tt_command_data(const tt_call *call, ps_fault *fault);
ps_err tt_command_calibrate(const tt_call *call, ps_fault *fault);
ps_err tt_command_bench(const tt_call *call, ps_fault *fault);
ps_err tt_command_infer(const tt_call *call, ps_fault *fault);
ps_err tt_command_report(const tt_call *call, ps_fault *fault);
ps_err tt_command_doctor(const tt_call *call, ps_fault *fault);
ps_err tt_command_version(const tt_call *call, ps_fault *fault);
ps_err tt_command_help(const tt_call *call, ps_fault *fault);

#endif
