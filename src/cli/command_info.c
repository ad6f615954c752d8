/* `tortoise version` and `tortoise help`. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <jansson.h>

#include "command.h"
#include "completion.h"
#include "features.h"
#include "man_page.h"
#include "manifest.h"
#include "outdir.h"
#include "settings.h"
#include "sim/sim.h"
#include "subject.h"
#include "version.h"

static const tt_option version_options[] = {
    {.name = "features", .help = "also what it was built with, and whether it can simulate"},
};
const tt_option_list tt_version_option_list = {version_options,
                                               sizeof version_options / sizeof version_options[0]};

static void print_features(void) {
    (void)printf("  %-12s %s\n", "build", tt_feature_build());
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
    (void)printf("\n  %-12s bsp, ssp, essp, async, vap\n", "policies");
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

static const tt_option help_options[] = {
    {.name = "man", .help = "the manual page, of COMMAND or of the program"},
    {.name = "bash-completion", .help = "what bash needs to complete command lines"},
    {.name = "out",
     .argument = "DIR",
     .help = "writes all manual pages and the completion into the folder"},
};
const tt_option_list tt_help_option_list = {help_options,
                                            sizeof help_options / sizeof help_options[0]};

static void print_commands(void) {
    const char *const program = tt_program_name();
    (void)printf("example: %s sim %s --policy ssp:3 --nodes 32 --straggler lognormal:sigma=0.5\n\n",
                 program, tt_subject_first()->name);
    for (size_t i = 0; i < tt_command_count; i++) {
        (void)printf("  %s %-26s %s\n", program, tt_commands[i].usage, tt_commands[i].summary);
    }
    (void)printf("\nalgorithms: ");
    tt_subject_print_names();
    (void)printf(
        "\n'%s COMMAND --help' has the options of a command.\n"
        "exit codes: 0 ok, 1 failed, 2 usage or bad input, 3 a guarantee was violated, 4 stall,\n"
        "            5 refused or lost peer, 77 skipped\n",
        program);
}

/* Writes a manual page, or the completion, into a file of `folder`. */
static ps_err write_file(const char *folder, const tt_command *command, bool is_completion,
                         ps_fault *fault) {
    char name[256];
    char path[TT_PATH_MAX];
    (void)snprintf(name, sizeof name, "%s%s%s%s", tt_program_name(), command == NULL ? "" : "-",
                   command == NULL ? "" : command->name, is_completion ? ".bash" : ".1");
    if (!tt_path_join(path, folder, name)) {
        return ps_fault_set(fault, PS_EINVAL, "--out: the path is too long");
    }
    FILE *const file = fopen(path, "w");
    if (file == NULL) {
        return ps_fault_set(fault, PS_EINVAL, "%s: %s", path, strerror(errno));
    }
    ps_err err = is_completion ? tt_completion_write(file) : tt_man_page_write(command, file);
    if ((ferror(file) != 0) + (fclose(file) != 0) > 0 && err == PS_OK) {
        err = ps_fault_set(fault, PS_EIO, "%s: cannot be written", path);
    }
    return err;
}

static ps_err write_all(const char *folder, ps_fault *fault) {
    PS_TRY(write_file(folder, NULL, false, fault));
    PS_TRY(write_file(folder, NULL, true, fault));
    for (size_t i = 0; i < tt_command_count; i++) {
        PS_TRY(write_file(folder, &tt_commands[i], false, fault));
    }
    return PS_OK;
}

/* "help run mf" is "run mf --help". */
static ps_err help_of(const tt_call *call, const tt_words *words, ps_fault *fault) {
    char first[128];
    char help[] = "--help";
    char *own[] = {first, help};
    const bool has_second = words->count == 2;
    (void)snprintf(first, sizeof first, "%s", has_second ? words->words[1] : help);
    const tt_call inner = {.argument_count = call->argument_count,
                           .arguments = call->arguments,
                           .own_count = has_second ? 2 : 1,
                           .own = own};
    return tt_command_find(words->words[0])->run(&inner, fault);
}

static ps_err help(const tt_call *call, const tt_settings *settings, const tt_words *words,
                   ps_fault *fault) {
    const char *const folder = tt_setting_text(settings, "out");
    const tt_command *const command = words->count == 0 ? NULL : tt_command_find(words->words[0]);
    if (words->help_is_wanted) {
        print_commands();
        (void)printf("options of help:\n");
        tt_settings_print_help(settings, false);
        return PS_OK;
    }
    if (words->count > 2) {
        return ps_fault_set(fault, PS_EINVAL, "unexpected argument '%s'", words->words[2]);
    }
    if (words->count > 0 && command == NULL) {
        return tt_command_refuse(words->words[0], fault);
    }
    if (folder != NULL) {
        return write_all(folder, fault);
    }
    if (tt_setting_flag(settings, "bash-completion")) {
        return tt_completion_write(stdout);
    }
    if (tt_setting_flag(settings, "man")) {
        return tt_man_page_write(command, stdout);
    }
    if (command == NULL || strcmp(command->name, "help") == 0) {
        print_commands();
        return PS_OK;
    }
    return help_of(call, words, fault);
}

ps_err tt_command_help(const tt_call *call, ps_fault *fault) {
    tt_settings settings;
    tt_words words;
    /* "tortoise --help" and "-h" come here, too. */
    PS_TRY(tt_settings_init_of(&settings, "help", help_options,
                               sizeof help_options / sizeof help_options[0]));
    ps_err err = tt_settings_read_arguments(&settings, call->own_count, call->own, &words, fault);
    if (err == PS_OK) {
        err = help(call, &settings, &words, fault);
    }
    tt_settings_fini(&settings);
    return err;
}
