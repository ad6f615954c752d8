/* `tortoise reproduce [NAME...]`: the runs of experiments, their pictures, and whether what they
 * claim holds. */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <unistd.h>

#include "base/nearest.h"
#include "bound_table.h"
#include "claims_check.h"
#include "command.h"
#include "command_sweep.h"
#include "place.h"
#include "report.h"
#include "settings.h"

static const tt_option reproduce_options[] = {
    {.name = "dry-run", .help = "-n: list the runs and the claims; run nothing"},
    {.name = "parallel",
     .argument = "J",
     .default_value = "1",
     .help = "-j J: runs at the same time; leave it at 1 where real time is measured"},
    {.name = "out",
     .argument = "DIR",
     .help = "where files go (default out/NAME, as the file says)"},
    {.name = "force", .help = "run also what is there already"},
    {.name = "quiet", .help = "no progress on stderr"},
};
const tt_option_list tt_reproduce_option_list = {
    reproduce_options, sizeof reproduce_options / sizeof reproduce_options[0]};

/* ---- Experiments by name ---- */

enum { EXPERIMENTS_MAX = 128 };

/* The names of the experiments that come with the program, sorted. */
typedef struct catalogue {
    char folder[TT_PATH_MAX];
    char *names[EXPERIMENTS_MAX]; /* owned */
    size_t count;
} catalogue;

static int by_name(const void *a, const void *b) {
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static ps_err catalogue_init(catalogue *known, ps_fault *fault) {
    *known = (catalogue){0};
    DIR *const folder = tt_place_find("experiments", known->folder) ? opendir(known->folder) : NULL;
    if (folder == NULL) {
        return ps_fault_set(
            fault, PS_EINVAL,
            "the experiments that come with the program are not found; give a file");
    }
    for (const struct dirent *entry = readdir(folder);
         entry != NULL && known->count < EXPERIMENTS_MAX; entry = readdir(folder)) {
        const size_t length = strlen(entry->d_name);
        if (length > 4 && strcmp(entry->d_name + length - 4, ".cfg") == 0) {
            known->names[known->count] = strndup(entry->d_name, length - 4);
            known->count += known->names[known->count] == NULL ? 0 : 1;
        }
    }
    (void)closedir(folder);
    qsort(known->names, known->count, sizeof *known->names, by_name);
    return PS_OK;
}

static void catalogue_fini(catalogue *known) {
    for (size_t i = 0; i < known->count; i++) {
        free(known->names[i]);
    }
    *known = (catalogue){0};
}

/* The file of an experiment: of those that come with the program, or a path. */
static ps_err find(const char *name, char path[static TT_PATH_MAX], ps_fault *fault) {
    char file[TT_PATH_MAX];
    const size_t length = strlen(name);
    const bool is_file = length > 4 && strcmp(name + length - 4, ".cfg") == 0;
    if (is_file || strchr(name, '/') != NULL) {
        (void)snprintf(path, TT_PATH_MAX, "%s", name);
        return PS_OK;
    }
    (void)snprintf(file, sizeof file, "experiments/%s.cfg", name);
    if (tt_place_find(file, path)) {
        return PS_OK;
    }
    catalogue known;
    PS_TRY(catalogue_init(&known, fault));
    const char *const nearest = psi_nearest(name, (const char *const *)known.names, known.count);
    const ps_err err = ps_fault_set(
        fault, PS_EINVAL, "there is no experiment '%s'%s%s; 'reproduce' lists them", name,
        nearest == NULL ? "" : "; did you mean ", nearest == NULL ? "" : nearest);
    catalogue_fini(&known);
    return err;
}

/* Lists the experiments: name, how many runs and claims, title. */
static ps_err list_all(ps_fault *fault) {
    catalogue known;
    PS_TRY(catalogue_init(&known, fault));
    ps_err err = PS_OK;
    (void)printf("%-22s %6s %7s  %s\n", "experiment", "runs", "claims", "what it shows");
    for (size_t i = 0; i < known.count && err == PS_OK; i++) {
        tt_experiment *experiment = NULL;
        char path[TT_PATH_MAX];
        err = find(known.names[i], path, fault);
        err = err != PS_OK ? err : tt_experiment_read(path, &experiment, fault);
        if (err == PS_OK) {
            (void)printf("%-22s %6zu %7zu  %s\n", known.names[i],
                         tt_experiment_run_count(experiment), experiment->claim_count,
                         experiment->title);
        }
        free(experiment);
    }
    catalogue_fini(&known);
    return err;
}

/* ---- One experiment ---- */

static ps_err require_data(const tt_experiment *experiment, const char *data, ps_fault *fault) {
    const bool is_file = data[0] != '\0' && strncmp(data, "synthetic", 9) != 0;
    return !is_file || access(data, R_OK) == 0
               ? PS_OK
               : ps_fault_set(fault, PS_ESKIPPED, "skipped: %s: its data %s is not here",
                              experiment->name, data);
}

/* Whether all data are here that its runs read. PS_ESKIPPED if not. */
static ps_err require_all_data(const tt_experiment *experiment, ps_fault *fault) {
    for (size_t i = 0; i < experiment->fixed_count; i++) {
        if (strcmp(experiment->fixed[i].name, "data") == 0) {
            PS_TRY(require_data(experiment, experiment->fixed[i].value, fault));
        }
    }
    const size_t axis = tt_experiment_axis(experiment, "data");
    for (size_t v = 0; axis < experiment->axis_count && v < experiment->axes[axis].value_count;
         v++) {
        PS_TRY(require_data(experiment, experiment->axes[axis].values[v], fault));
    }
    return PS_OK;
}

static void list_one(const tt_sweep *sweep) {
    const tt_experiment *const experiment = sweep->experiment;
    tt_sweep_list(sweep);
    for (size_t i = 0; i < experiment->claim_count; i++) {
        (void)printf("claim    %s\n         ", experiment->claims[i].name);
        tt_claim_put(stdout, experiment, &experiment->claims[i]);
        (void)printf("\n");
    }
}

/* Runs what is missing, checks, draws. A claim that does not hold is no reason to draw nothing. */
static ps_err carry_out(tt_sweep *sweep, const tt_sweep_manner *manner, ps_fault *fault) {
    const size_t count = sweep->experiment->claim_count;
    size_t failed = 0;
    PS_TRY(tt_sweep_do(sweep, manner, fault));
    (void)printf("\n");
    PS_TRY(tt_claims_check(sweep, &failed, fault));
    PS_TRY(tt_bound_table_print(sweep, fault));
    (void)printf("%s: %zu of %zu claims hold\n", sweep->experiment->name, count - failed, count);
    PS_TRY(tt_report_write(sweep->directory, fault));
    return failed == 0 ? PS_OK
                       : ps_fault_set(fault, PS_EFAILED, "%s: %zu of %zu claims do not hold",
                                      sweep->experiment->name, failed, count);
}

static ps_err reproduce(const tt_settings *settings, const char *name, ps_fault *fault) {
    tt_experiment *experiment = NULL;
    tt_sweep sweep = {0};
    tt_sweep_manner manner;
    char path[TT_PATH_MAX];
    char directory[TT_PATH_MAX];
    PS_TRY(tt_sweep_manner_read(settings, &manner, fault));
    PS_TRY(find(name, path, fault));
    PS_TRY(tt_experiment_read(path, &experiment, fault));
    tt_sweep_default_directory(experiment, tt_setting_text(settings, "out"), directory);
    ps_err err = require_all_data(experiment, fault);
    err = err != PS_OK ? err : tt_sweep_plan(&sweep, experiment, directory, fault);
    if (err == PS_OK && tt_setting_flag(settings, "dry-run")) {
        list_one(&sweep);
    } else if (err == PS_OK) {
        err = carry_out(&sweep, &manner, fault);
    }
    tt_sweep_fini(&sweep);
    free(experiment);
    return err;
}

/* The experiments to reproduce: `names` as they were given, or those of the program whose names
 * begin with a given one and '-', where that is no experiment itself. */
typedef struct chosen {
    catalogue known;
    const char *names[EXPERIMENTS_MAX]; /* borrowed of the words, or of `known` */
    size_t count;
} chosen;

static void choose(chosen *all, const char *name) {
    char file[TT_PATH_MAX], path[TT_PATH_MAX];
    const size_t length = strlen(name), before = all->count;
    (void)snprintf(file, sizeof file, "experiments/%s.cfg", name);
    const bool is_experiment = tt_place_find(file, path);
    for (size_t i = 0; i < all->known.count && !is_experiment; i++) {
        const char *const known = all->known.names[i];
        if (strncmp(known, name, length) == 0 && known[length] == '-' &&
            all->count < EXPERIMENTS_MAX) {
            all->names[all->count++] = known;
        }
    }
    if (all->count == before && all->count < EXPERIMENTS_MAX) {
        all->names[all->count++] = name;
    }
}

/* Each in turn. One that fails does not stop the others; a skipped one matters only where nothing
 * is worse. */
static ps_err reproduce_chosen(const tt_settings *settings, const chosen *all, ps_fault *fault) {
    ps_err worst = PS_OK;
    if (all->count > 1 && tt_setting_text(settings, "out") != NULL) {
        return ps_fault_set(fault, PS_EINVAL, "--out is for one experiment");
    }
    for (size_t i = 0; i < all->count; i++) {
        ps_fault own = {0};
        const ps_err err = reproduce(settings, all->names[i], &own);
        if (err != PS_OK && all->count > 1) {
            (void)fprintf(stderr, "%s: %s\n", all->names[i],
                          own.text[0] == '\0' ? ps_err_text(err) : own.text);
        }
        if (err != PS_OK && (worst == PS_OK || worst == PS_ESKIPPED)) {
            worst = err;
            *fault = own;
        }
    }
    return worst;
}

static ps_err reproduce_all(const tt_settings *settings, const tt_words *words, ps_fault *fault) {
    chosen all = {.count = 0};
    ps_fault unknown = {0};
    (void)catalogue_init(&all.known, &unknown); /* without it names are files */
    for (size_t i = 0; i < words->count; i++) {
        choose(&all, words->words[i]);
    }
    const ps_err err = reproduce_chosen(settings, &all, fault);
    catalogue_fini(&all.known);
    return err;
}

ps_err tt_command_reproduce(const tt_call *call, ps_fault *fault) {
    tt_settings settings;
    tt_words words;
    char *own[64];
    size_t count = 0;
    PS_TRY(tt_sweep_lengthen(call, own, &count, sizeof own / sizeof own[0], fault));
    PS_TRY(tt_settings_init_of(&settings, "reproduce", reproduce_options,
                               tt_reproduce_option_list.count));
    ps_err err = tt_settings_read_arguments(&settings, count, own, &words, fault);
    if (err == PS_OK && words.help_is_wanted) {
        (void)printf("example: tortoise reproduce lda-samplers\nusage: tortoise reproduce "
                     "[NAME...] [-n] [-j J]; without NAME it lists the experiments\n");
        tt_settings_print_help(&settings, false);
    } else if (err == PS_OK) {
        err = words.count == 0 ? list_all(fault) : reproduce_all(&settings, &words, fault);
    }
    tt_settings_fini(&settings);
    return err;
}
