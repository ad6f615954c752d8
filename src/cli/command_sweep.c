/* `tortoise sweep FILE [-n] [-j J]`: the runs of an experiment file, one process each. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "command.h"
#include "command_sweep.h"
#include "numbers.h"
#include "settings.h"

static const tt_option sweep_options[] = {
    {.name = "dry-run", .help = "-n: list the runs and whether they are there; run nothing"},
    {.name = "parallel",
     .argument = "J",
     .default_value = "1",
     .help = "-j J: runs at the same time"},
    {.name = "out",
     .argument = "DIR",
     .help = "where files go (default out/NAME, as the file says)"},
    {.name = "force", .help = "run also what is there already"},
    {.name = "quiet", .help = "no progress on stderr"},
};
const tt_option_list tt_sweep_option_list = {sweep_options,
                                             sizeof sweep_options / sizeof sweep_options[0]};

void tt_sweep_default_directory(const tt_experiment *experiment, const char *wanted,
                                char directory[static TT_PATH_MAX]) {
    (void)snprintf(directory, TT_PATH_MAX, "%s%s", wanted == NULL ? "out/" : wanted,
                   wanted == NULL ? experiment->name : "");
}

ps_err tt_sweep_manner_read(const tt_settings *settings, tt_sweep_manner *manner_out,
                            ps_fault *fault) {
    uint64_t parallel = 0;
    PS_TRY(tt_number_read_count("-j", tt_setting_text(settings, "parallel"), 1, 1024, &parallel,
                                fault));
    *manner_out = (tt_sweep_manner){.parallel = (unsigned)parallel,
                                    .is_quiet = tt_setting_flag(settings, "quiet"),
                                    .is_forced = tt_setting_flag(settings, "force")};
    return PS_OK;
}

static ps_err perform(const tt_settings *settings, const char *path, ps_fault *fault) {
    tt_experiment *experiment = NULL;
    tt_sweep sweep = {0};
    tt_sweep_manner manner;
    char directory[TT_PATH_MAX];
    PS_TRY(tt_sweep_manner_read(settings, &manner, fault));
    PS_TRY(tt_experiment_read(path, &experiment, fault));
    tt_sweep_default_directory(experiment, tt_setting_text(settings, "out"), directory);
    ps_err err = tt_sweep_plan(&sweep, experiment, directory, fault);
    if (err == PS_OK && tt_setting_flag(settings, "dry-run")) {
        tt_sweep_list(&sweep);
    } else if (err == PS_OK) {
        err = tt_sweep_do(&sweep, &manner, fault);
    }
    tt_sweep_fini(&sweep);
    free(experiment);
    return err;
}

ps_err tt_sweep_lengthen(const tt_call *call, char **own_out, size_t *count_out, size_t own_max,
                         ps_fault *fault) {
    static char dry_run[] = "--dry-run";
    static char parallel[] = "--parallel";
    size_t count = 0;
    for (size_t i = 0; i < call->own_count; i++) {
        char *const argument = call->own[i];
        if (count + 2 > own_max) {
            return ps_fault_set(fault, PS_EINVAL, "too many arguments");
        }
        if (strcmp(argument, "-n") == 0) {
            own_out[count++] = dry_run;
        } else if (strncmp(argument, "-j", 2) == 0) {
            own_out[count++] = parallel;
            if (argument[2] != '\0') {
                own_out[count++] = argument + 2;
            }
        } else {
            own_out[count++] = argument;
        }
    }
    *count_out = count;
    return PS_OK;
}

ps_err tt_command_sweep(const tt_call *call, ps_fault *fault) {
    tt_settings settings;
    tt_words words;
    char *own[64];
    size_t count = 0;
    PS_TRY(tt_sweep_lengthen(call, own, &count, sizeof own / sizeof own[0], fault));
    PS_TRY(tt_settings_init_of(&settings, "sweep", sweep_options,
                               sizeof sweep_options / sizeof sweep_options[0]));
    ps_err err = tt_settings_read_arguments(&settings, count, own, &words, fault);
    if (err == PS_OK && words.help_is_wanted) {
        (void)printf("example: tortoise sweep experiments/demo.cfg -j 2\nusage: tortoise sweep "
                     "FILE [-n] [-j J]\n");
        tt_settings_print_help(&settings, false);
    } else if (err == PS_OK && words.count != 1) {
        err = words.count == 0
                  ? ps_fault_set(fault, PS_EINVAL, "sweep needs an experiment FILE")
                  : ps_fault_set(fault, PS_EINVAL, "unexpected argument '%s'", words.words[1]);
    } else if (err == PS_OK) {
        err = perform(&settings, words.words[0], fault);
    }
    tt_settings_fini(&settings);
    return err;
}
