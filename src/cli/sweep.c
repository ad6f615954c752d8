#include "sweep.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "manifest.h"
#include "one_run.h"

enum { ARGUMENTS_MAX = 2 * (TT_FIXED_MAX + TT_AXES_MAX) + 32 };

/* Makes the directory's name of the axes' values: what is no letter or digit becomes '-'. */
static void name_run(const tt_experiment *experiment, size_t index,
                     char id[static TT_SWEEP_ID_BYTES]) {
    char text[TT_AXES_MAX * (64 + TT_EXPERIMENT_TEXT_BYTES)] = "";
    size_t used = 0;
    for (size_t i = 0; i < experiment->axis_count; i++) {
        used +=
            (size_t)snprintf(text + used, sizeof text - used, "%s%s=%s", i == 0 ? "" : "_",
                             experiment->axes[i].name, tt_experiment_value(experiment, index, i));
    }
    size_t length = 0;
    for (size_t i = 0; i < used && length + 8 < TT_SWEEP_ID_BYTES; i++) {
        const bool is_plain =
            isalnum((unsigned char)text[i]) != 0 || text[i] == '_' || text[i] == '.';
        id[length++] = is_plain ? text[i] : '-';
    }
    id[length] = '\0';
    if (length == 0) {
        (void)strcpy(id, "run");
    }
}

/* Names that were cut may be equal; a number makes them differ. */
static void name_all(tt_sweep *sweep) {
    for (size_t i = 0; i < sweep->count; i++) {
        char *const id = sweep->runs[i].id;
        name_run(sweep->experiment, i, id);
        for (size_t before = 0; before < i; before++) {
            if (strcmp(sweep->runs[before].id, id) == 0) {
                const size_t length = strlen(id);
                (void)snprintf(id + length, TT_SWEEP_ID_BYTES - length, "_%zu", i);
                break;
            }
        }
    }
}

/* Whether an axis gives this option its values; then a fixed one is not used. */
static bool is_axis(const tt_experiment *experiment, const char *name) {
    return tt_experiment_axis(experiment, name) < experiment->axis_count;
}

static ps_err set_one(const tt_experiment *experiment, tt_settings *settings, const char *name,
                      const char *value, unsigned line, ps_fault *fault) {
    char where[TT_PATH_MAX + 32];
    (void)snprintf(where, sizeof where, "%s:%u: ", experiment->path, line);
    return value[0] == '\0'
               ? PS_OK
               : tt_settings_set(settings, where, name, value, TT_BY_COMMAND_LINE, fault);
}

static ps_err set_all(const tt_experiment *experiment, size_t index, tt_settings *settings,
                      ps_fault *fault) {
    for (size_t i = 0; i < experiment->fixed_count; i++) {
        const tt_assignment *const fixed = &experiment->fixed[i];
        if (!is_axis(experiment, fixed->name)) {
            PS_TRY(set_one(experiment, settings, fixed->name, fixed->value, fixed->line, fault));
        }
    }
    for (size_t i = 0; i < experiment->axis_count; i++) {
        const tt_axis *const axis = &experiment->axes[i];
        PS_TRY(set_one(experiment, settings, axis->name, tt_experiment_value(experiment, index, i),
                       axis->line, fault));
    }
    return PS_OK;
}

/* Checks the settings of a run and computes its key. */
static ps_err identify(tt_sweep *sweep, size_t index, ps_fault *fault) {
    const tt_experiment *const experiment = sweep->experiment;
    tt_sweep_run *const planned = &sweep->runs[index];
    tt_settings settings;
    PS_TRY(tt_settings_init(&settings, experiment->world, experiment->algo));
    tt_run run = {0};
    ps_fault trouble = {0};
    ps_err err = set_all(experiment, index, &settings, fault);
    if (err == PS_OK) {
        err = tt_run_read(&run, &settings, &trouble);
        err = err != PS_OK ? err : tt_run_identify(&run, &trouble);
        if (err != PS_OK) {
            (void)ps_fault_set(fault, err, "%s: run %s: %s", experiment->path, planned->id,
                               trouble.text);
        }
        memcpy(planned->key, run.key, sizeof planned->key);
    }
    tt_settings_fini(&settings);
    tt_run_fini(&run);
    return err;
}

bool tt_sweep_run_directory(const tt_sweep *sweep, size_t index, char path[static TT_PATH_MAX]) {
    return tt_path_join(path, sweep->directory, sweep->runs[index].id);
}

bool tt_sweep_run_is_complete(const tt_sweep *sweep, size_t index) {
    char path[TT_PATH_MAX];
    return tt_sweep_run_directory(sweep, index, path) &&
           tt_manifest_is_of(path, sweep->runs[index].key);
}

ps_err tt_sweep_plan(tt_sweep *sweep, const tt_experiment *experiment, const char *directory,
                     ps_fault *fault) {
    *sweep = (tt_sweep){.experiment = experiment, .count = tt_experiment_run_count(experiment)};
    if (strlen(directory) + TT_SWEEP_ID_BYTES + 32 > sizeof sweep->directory) {
        return ps_fault_set(fault, PS_EINVAL, "--out: the path is too long");
    }
    (void)strcpy(sweep->directory, directory);
    sweep->runs = calloc(sweep->count, sizeof *sweep->runs);
    if (sweep->runs == NULL) {
        return PS_ENOMEM;
    }
    name_all(sweep);
    for (size_t i = 0; i < sweep->count; i++) {
        PS_TRY(identify(sweep, i, fault));
        sweep->runs[i].is_there = tt_sweep_run_is_complete(sweep, i);
    }
    return PS_OK;
}

void tt_sweep_fini(tt_sweep *sweep) {
    free(sweep->runs);
    *sweep = (tt_sweep){0};
}

void tt_sweep_arguments_free(char **arguments) {
    for (size_t i = 0; arguments != NULL && arguments[i] != NULL; i++) {
        free(arguments[i]);
    }
    free(arguments);
}

/* Appends "--name" and, unless it is NULL, a value. */
static bool append(char **arguments, size_t *count, const char *name, const char *value) {
    char option[80];
    (void)snprintf(option, sizeof option, "--%s", name);
    PS_ASSERT(*count + 2 < ARGUMENTS_MAX);
    const size_t expected = *count + (value == NULL ? 1 : 2);
    arguments[*count] = strdup(option);
    *count += arguments[*count] == NULL ? 0 : 1;
    if (value != NULL) {
        arguments[*count] = strdup(value);
        *count += arguments[*count] == NULL ? 0 : 1;
    }
    return *count >= expected;
}

char **tt_sweep_arguments(const tt_sweep *sweep, size_t index, unsigned jobs) {
    const tt_experiment *const experiment = sweep->experiment;
    char path[TT_PATH_MAX];
    char **const arguments = calloc(ARGUMENTS_MAX, sizeof *arguments);
    if (arguments == NULL || !tt_sweep_run_directory(sweep, index, path)) {
        free(arguments);
        return NULL;
    }
    const char *const head[] = {"tortoise", experiment->world == TT_SIM ? "sim" : "run",
                                experiment->algo->name};
    size_t count = 0;
    bool is_good = true;
    bool says_jobs = experiment->world == TT_RUN;
    for (; count < 3 && is_good; count++) {
        arguments[count] = strdup(head[count]);
        is_good = arguments[count] != NULL;
    }
    for (size_t i = 0; i < experiment->fixed_count && is_good; i++) {
        const tt_assignment *const fixed = &experiment->fixed[i];
        says_jobs = says_jobs || strcmp(fixed->name, "jobs") == 0;
        if (!is_axis(experiment, fixed->name) && fixed->value[0] != '\0') {
            is_good = append(arguments, &count, fixed->name, fixed->value);
        }
    }
    for (size_t i = 0; i < experiment->axis_count && is_good; i++) {
        const char *const value = tt_experiment_value(experiment, index, i);
        says_jobs = says_jobs || strcmp(experiment->axes[i].name, "jobs") == 0;
        is_good = value[0] == '\0' || append(arguments, &count, experiment->axes[i].name, value);
    }
    char text[16];
    (void)snprintf(text, sizeof text, "%u", jobs);
    is_good = is_good && (says_jobs || append(arguments, &count, "jobs", text));
    is_good = is_good && append(arguments, &count, "out", path);
    is_good = is_good && append(arguments, &count, "force", NULL) &&
              append(arguments, &count, "quiet", NULL);
    if (!is_good) {
        tt_sweep_arguments_free(arguments);
        return NULL;
    }
    return arguments;
}
