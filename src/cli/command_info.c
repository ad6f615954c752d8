/* `tortoise version` and `tortoise help`. */
#include <stdio.h>
#include <string.h>

#include <jansson.h>

#include "base/nearest.h"
#include "command.h"
#include "manifest.h"
#include "settings.h"
#include "sim/sim.h"
#include "subject.h"
#include "version.h"

static const tt_option version_options[] = {
    {.name = "features", .help = "also what it was built with, and whether it can simulate"},
};
const tt_option_list tt_version_option_list = {version_options,
                                               sizeof version_options / sizeof version_options[0]};

static const tt_option help_options[] = {
    {.name = "man", .help = "the manual page, of COMMAND or of the program"},
    {.name = "bash-completion", .help = "what bash needs to complete command lines"},
};
const tt_option_list tt_help_option_list = {help_options,
                                            sizeof help_options / sizeof help_options[0]};

static void print_features(void) {
    json_t *const versions = tt_manifest_versions(false);
    const char *name = NULL;
    json_t *value = NULL;
    json_object_foreach(versions, name, value) {
        if (json_is_string(value) && strcmp(name, "tortoise") != 0) {
            (void)printf("  %-12s %s\n", name, json_string_value(value));
        }
    }
    json_decref(versions);
    char simulator[512];
    ps_fault fault = {0};
    const bool can_simulate = psi_sim_available(simulator, sizeof simulator, &fault) == PS_OK;
    (void)printf("  %-12s %s\n", "simulator", can_simulate ? simulator : fault.text);
    (void)printf("  %-12s ", "algorithms");
    tt_subject_print_names();
    (void)printf("\n  %-12s bsp, ssp, essp, async\n", "policies");
}

ps_err tt_command_version(const tt_call *call, ps_fault *fault) {
    tt_settings settings;
    tt_words words;
    PS_TRY(tt_settings_init_of(&settings, "version", version_options, 1));
    ps_err err = tt_settings_read_arguments(&settings, call->own_count, call->own, &words, fault);
    if (err == PS_OK && words.help_is_wanted) {
        (void)printf("example: tortoise version --features\n");
        tt_settings_print_help(&settings, false);
    } else if (err == PS_OK && words.count > 0) {
        err = ps_fault_set(fault, PS_EINVAL, "unexpected argument '%s'", words.words[0]);
    } else if (err == PS_OK) {
        (void)printf("tortoise %s (%s)\n", TT_VERSION, TT_GIT);
        if (tt_setting_flag(&settings, "features")) {
            print_features();
        }
    }
    tt_settings_fini(&settings);
    return err;
}

static void print_commands(void) {
    (void)printf(
        "example: tortoise sim %s --policy ssp:3 --nodes 32 --straggler lognormal:sigma=0.5\n\n",
        tt_subject_first()->name);
    for (size_t i = 0; i < tt_command_count; i++) {
        (void)printf("  tortoise %-26s %s\n", tt_commands[i].usage, tt_commands[i].summary);
    }
    (void)printf("\nalgorithms: ");
    tt_subject_print_names();
    (void)printf(
        "\n'tortoise COMMAND --help' has the options of a command.\n"
        "exit codes: 0 ok, 1 failed, 2 usage or bad input, 3 a guarantee was violated, 4 stall,\n"
        "            5 refused or lost peer, 77 skipped\n");
}

ps_err tt_command_help(const tt_call *call, ps_fault *fault) {
    const bool is_alone = call->own_count == 0 || strcmp(call->own[0], "--help") == 0 ||
                          strcmp(call->own[0], "help") == 0;
    if (is_alone) {
        print_commands();
        return PS_OK;
    }
    if (call->own_count > 2) {
        return ps_fault_set(fault, PS_EINVAL, "unexpected argument '%s'", call->own[2]);
    }
    const char *names[32];
    size_t count = 0;
    for (; count < tt_command_count; count++) {
        names[count] = tt_commands[count].name;
        if (strcmp(names[count], call->own[0]) == 0) {
            static char help[] = "--help";
            char *own[] = {call->own_count == 2 ? call->own[1] : help, help};
            const tt_call inner = {.argument_count = call->argument_count,
                                   .arguments = call->arguments,
                                   .own_count = call->own_count,
                                   .own = own};
            return tt_commands[count].run(&inner, fault);
        }
    }
    const char *const nearest = psi_nearest(call->own[0], names, count);
    return ps_fault_set(fault, PS_EINVAL, "unknown command '%s'%s%s%s", call->own[0],
                        nearest == NULL ? "; 'tortoise help' lists them" : "; did you mean '",
                        nearest == NULL ? "" : nearest, nearest == NULL ? "" : "'?");
}
