/* tortoise: one binary, its subcommands. */
#include <stdio.h>
#include <string.h>

#include <gsl/gsl_errno.h>

#include "base/nearest.h"
#include "command.h"

const tt_command tt_commands[] = {
    {"sim", "sim ALGO [options]", "one run on a simulated cluster", tt_command_sim},
    {"run", "run ALGO [options]", "one run for real, in local processes", tt_command_run},
    {"sweep", "sweep FILE [-n] [-j J]", "the runs of an experiment file; resumes what is missing",
     tt_command_sweep},
    {"data", "data gen|info|convert", "make, describe or convert data", tt_command_data},
    {"calibrate", "calibrate", "seconds per unit of work here; latency and bandwidth",
     tt_command_calibrate},
    {"bench", "bench [NAME]", "microbenchmarks beside the raw limit of each", tt_command_bench},
    {"report", "report DIR", "one self-contained HTML page of a run or a sweep", tt_command_report},
    {"doctor", "doctor", "is all here that tortoise needs?", tt_command_doctor},
    {"version", "version [--features]", "version, and what it was built with", tt_command_version},
    {"help", "help [COMMAND]", "this, or the options of a command", tt_command_help},
};
const size_t tt_command_count = sizeof tt_commands / sizeof tt_commands[0];

static const tt_command *find(const char *name) {
    for (size_t i = 0; i < tt_command_count; i++) {
        if (strcmp(tt_commands[i].name, name) == 0) {
            return &tt_commands[i];
        }
    }
    return NULL;
}

static ps_err refuse(const char *name, ps_fault *fault) {
    const char *names[sizeof tt_commands / sizeof tt_commands[0]];
    for (size_t i = 0; i < tt_command_count; i++) {
        names[i] = tt_commands[i].name;
    }
    const char *const nearest = psi_nearest(name, names, tt_command_count);
    if (nearest == NULL) {
        return ps_fault_set(fault, PS_EINVAL, "unknown command '%s'; 'tortoise help' lists them",
                            name);
    }
    return ps_fault_set(fault, PS_EINVAL, "unknown command '%s'; did you mean '%s'?", name,
                        nearest);
}

int main(int argc, char **argv) {
    (void)gsl_set_error_handler_off();
    ps_fault fault = {0};
    const char *name = argc < 2 ? "" : argv[1];
    if (strcmp(name, "--help") == 0 || strcmp(name, "-h") == 0) {
        name = "help";
    }
    if (strcmp(name, "--version") == 0) {
        name = "version";
    }
    const tt_command *const command = find(name);
    ps_err err = PS_OK;
    if (argc < 2) {
        err = ps_fault_set(&fault, PS_EINVAL, "no command; 'tortoise help' lists them");
    } else if (command == NULL) {
        err = refuse(name, &fault);
    } else {
        const tt_call call = {.argument_count = (size_t)argc,
                              .arguments = argv,
                              .own_count = (size_t)argc - 2,
                              .own = argv + 2};
        err = command->run(&call, &fault);
    }
    if ((fflush(stdout) != 0 || ferror(stdout) != 0) && err == PS_OK) {
        err = ps_fault_set(&fault, PS_EIO, "standard output cannot be written");
    }
    if (err != PS_OK) {
        (void)fprintf(stderr, "tortoise: %s\n",
                      fault.text[0] == '\0' ? ps_err_text(err) : fault.text);
    }
    return ps_err_exit_code(err);
}
