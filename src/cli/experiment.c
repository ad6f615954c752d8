#include "experiment.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <libconfig.h>

#include "base/nearest.h"
#include "config_text.h"
#include "subject.h"

/* What is being read, for messages. */
typedef struct source {
    tt_experiment *experiment;
    tt_settings *settings; /* of the world and the algorithm: the keys that there are */
    ps_fault *fault;
} source;

static ps_err refuse_key(const source *from, const config_setting_t *value,
                         const char *const *known, size_t count) {
    const char *const name = config_setting_name(value);
    const char *const nearest = psi_nearest(name, known, count);
    return ps_fault_set(from->fault, PS_EINVAL, "%s:%u: unknown key %s; did you mean %s?",
                        from->experiment->path, config_setting_source_line(value), name,
                        nearest == NULL ? known[0] : nearest);
}

static ps_err read_text(const source *from, const config_setting_t *value, char *text_out,
                        size_t size) {
    char text[TT_CONFIG_TEXT_BYTES];
    PS_TRY(tt_config_text(value, from->experiment->path, text, from->fault));
    if (strlen(text) >= size) {
        return ps_fault_set(from->fault, PS_EINVAL, "%s:%u: the text is too long",
                            from->experiment->path, config_setting_source_line(value));
    }
    (void)strcpy(text_out, text);
    return PS_OK;
}

/* Whether the option exists and may be part of an experiment. */
static ps_err check_option(const source *from, const config_setting_t *value) {
    char where[TT_CONFIG_TEXT_BYTES];
    const char *const name = config_setting_name(value);
    tt_config_where(value, from->experiment->path, where);
    if (!tt_setting_exists(from->settings, name)) {
        return tt_settings_refuse(from->settings, where, name, from->fault);
    }
    static const char *const ours[] = {"out", "force", "quiet", "format", "config"};
    for (size_t i = 0; i < sizeof ours / sizeof ours[0]; i++) {
        if (strcmp(name, ours[i]) == 0) {
            return ps_fault_set(from->fault, PS_EINVAL, "%s%s is the sweep's own affair", where,
                                name);
        }
    }
    return PS_OK;
}

static ps_err read_fixed_value(const source *from, const config_setting_t *key,
                               const config_setting_t *value) {
    tt_experiment *const experiment = from->experiment;
    if (experiment->fixed_count == TT_FIXED_MAX) {
        return ps_fault_set(from->fault, PS_EINVAL, "%s: more than %d settings", experiment->path,
                            TT_FIXED_MAX);
    }
    tt_assignment *const fixed = &experiment->fixed[experiment->fixed_count];
    (void)snprintf(fixed->name, sizeof fixed->name, "%s", config_setting_name(key));
    fixed->line = config_setting_source_line(key);
    PS_TRY(read_text(from, value, fixed->value, sizeof fixed->value));
    experiment->fixed_count++;
    return PS_OK;
}

static ps_err read_fixed(const source *from, const config_setting_t *group) {
    for (int i = 0; i < config_setting_length(group); i++) {
        const config_setting_t *const key = config_setting_get_elem(group, (unsigned)i);
        PS_TRY(check_option(from, key));
        if (config_setting_is_aggregate(key) == CONFIG_FALSE) {
            PS_TRY(read_fixed_value(from, key, key));
            continue;
        }
        if (!tt_setting_of(from->settings, config_setting_name(key))->option.is_repeatable) {
            return ps_fault_set(from->fault, PS_EINVAL, "%s:%u: %s takes one value, not a list",
                                from->experiment->path, config_setting_source_line(key),
                                config_setting_name(key));
        }
        for (int v = 0; v < config_setting_length(key); v++) {
            PS_TRY(read_fixed_value(from, key, config_setting_get_elem(key, (unsigned)v)));
        }
    }
    return PS_OK;
}

static ps_err read_axes(const source *from, const config_setting_t *group) {
    tt_experiment *const experiment = from->experiment;
    for (int i = 0; i < config_setting_length(group); i++) {
        const config_setting_t *const key = config_setting_get_elem(group, (unsigned)i);
        const unsigned line = config_setting_source_line(key);
        const int count = config_setting_length(key);
        PS_TRY(check_option(from, key));
        if (config_setting_is_aggregate(key) == CONFIG_FALSE ||
            config_setting_is_group(key) == CONFIG_TRUE || count < 1 ||
            count > TT_AXIS_VALUES_MAX) {
            return ps_fault_set(
                from->fault, PS_EINVAL, "%s:%u: an axis is a list of 1 to %d values: %s = [ ... ]",
                experiment->path, line, TT_AXIS_VALUES_MAX, config_setting_name(key));
        }
        if (experiment->axis_count == TT_AXES_MAX) {
            return ps_fault_set(from->fault, PS_EINVAL, "%s:%u: more than %d axes",
                                experiment->path, line, TT_AXES_MAX);
        }
        tt_axis *const axis = &experiment->axes[experiment->axis_count++];
        (void)snprintf(axis->name, sizeof axis->name, "%s", config_setting_name(key));
        axis->line = line;
        for (int v = 0; v < count; v++) {
            PS_TRY(read_text(from, config_setting_get_elem(key, (unsigned)v),
                             axis->values[axis->value_count], sizeof axis->values[0]));
            axis->value_count++;
        }
    }
    if (tt_experiment_run_count(experiment) > TT_SWEEP_RUNS_MAX) {
        return ps_fault_set(from->fault, PS_EINVAL, "%s: the axes make more than %d runs",
                            experiment->path, TT_SWEEP_RUNS_MAX);
    }
    return PS_OK;
}

/* "policy=bsp": an axis and one of its values. */
static ps_err read_choice(const source *from, const config_setting_t *value,
                          tt_assignment *choice_out) {
    const tt_experiment *const experiment = from->experiment;
    char text[TT_EXPERIMENT_TEXT_BYTES];
    PS_TRY(read_text(from, value, text, sizeof text));
    const unsigned line = config_setting_source_line(value);
    char *const sign = strchr(text, '=');
    if (sign == NULL) {
        return ps_fault_set(from->fault, PS_EINVAL,
                            "%s:%u: '%s' is not AXIS=VALUE, as in \"policy=bsp\"", experiment->path,
                            line, text);
    }
    *sign = '\0';
    const size_t at = tt_experiment_axis(experiment, text);
    if (at == experiment->axis_count) {
        return ps_fault_set(from->fault, PS_EINVAL, "%s:%u: there is no axis %s", experiment->path,
                            line, text);
    }
    for (size_t v = 0; v < experiment->axes[at].value_count; v++) {
        if (strcmp(experiment->axes[at].values[v], sign + 1) == 0) {
            (void)snprintf(choice_out->name, sizeof choice_out->name, "%s",
                           experiment->axes[at].name);
            (void)snprintf(choice_out->value, sizeof choice_out->value, "%s", sign + 1);
            choice_out->line = line;
            return PS_OK;
        }
    }
    return ps_fault_set(from->fault, PS_EINVAL, "%s:%u: the axis %s has no value %s",
                        experiment->path, line, text, sign + 1);
}

/* Finds the metric, and whether the bound of a fixed target (`bound`, or NULL) is the one that the
 * metric has. */
static ps_err read_target_metric(const source *from, unsigned line, const char *metric,
                                 const char *bound) {
    const tt_experiment *const experiment = from->experiment;
    tt_target *const target = &from->experiment->target;
    const ps_algo *const algo = experiment->algo;
    for (target->metric = 0; target->metric < algo->metric_count; target->metric++) {
        if (strcmp(algo->metrics[target->metric], metric) == 0) {
            break;
        }
    }
    if (target->metric == algo->metric_count) {
        return ps_fault_set(from->fault, PS_EINVAL, "%s:%u: %s has no metric '%s'",
                            experiment->path, line, algo->name, metric);
    }
    target->is_maximised = (algo->maximised >> target->metric & 1) != 0;
    const char *const right = target->is_maximised ? "at_least" : "at_most";
    if (bound != NULL && strcmp(bound, right) != 0) {
        return ps_fault_set(from->fault, PS_EINVAL, "%s:%u: of %s %s is better: say %s",
                            experiment->path, line, metric, target->is_maximised ? "more" : "less",
                            right);
    }
    return PS_OK;
}

static ps_err read_target(const source *from, const config_setting_t *group) {
    static const char *const known[] = {"metric", "at_most", "at_least", "reached_by", "factor"};
    tt_experiment *const experiment = from->experiment;
    tt_target *const target = &experiment->target;
    const char *metric = "objective";
    const char *bound = NULL;
    for (int i = 0; i < config_setting_length(group); i++) {
        const config_setting_t *const key = config_setting_get_elem(group, (unsigned)i);
        const char *const name = config_setting_name(key);
        const bool is_bound = strcmp(name, "at_most") == 0 || strcmp(name, "at_least") == 0;
        if (strcmp(name, "metric") == 0 && config_setting_type(key) == CONFIG_TYPE_STRING) {
            metric = config_setting_get_string(key);
        } else if (is_bound && config_setting_is_number(key) == CONFIG_TRUE) {
            target->is_fixed = true;
            bound = name;
            target->value = config_setting_get_float(key);
        } else if (strcmp(name, "reached_by") == 0) {
            PS_TRY(read_choice(from, key, &target->by));
        } else if (strcmp(name, "factor") == 0 && config_setting_is_number(key) == CONFIG_TRUE) {
            target->factor = config_setting_get_float(key);
        } else if (is_bound || strcmp(name, "factor") == 0 || strcmp(name, "metric") == 0) {
            return ps_fault_set(from->fault, PS_EINVAL, "%s:%u: %s is not of the right kind",
                                experiment->path, config_setting_source_line(key), name);
        } else {
            return refuse_key(from, key, known, sizeof known / sizeof known[0]);
        }
    }
    const unsigned line = config_setting_source_line(group);
    PS_TRY(read_target_metric(from, line, metric, bound));
    if (target->is_fixed == (target->by.name[0] != '\0') || !(target->factor > 0)) {
        return ps_fault_set(from->fault, PS_EINVAL,
                            "%s:%u: a target has either at_most (or at_least) or reached_by "
                            "(and factor > 0)",
                            experiment->path, line);
    }
    target->is_set = true;
    if (!target->is_fixed && experiment->baseline.name[0] == '\0') {
        experiment->baseline = target->by;
    }
    return PS_OK;
}

static ps_err read_name(const source *from, const config_setting_t *root) {
    tt_experiment *const experiment = from->experiment;
    const config_setting_t *const name = config_setting_get_member(root, "name");
    if (name == NULL) {
        return ps_fault_set(from->fault, PS_EINVAL, "%s: has no name (name = \"...\";)",
                            experiment->path);
    }
    PS_TRY(read_text(from, name, experiment->name, sizeof experiment->name));
    if (experiment->name[0] == '\0') {
        return ps_fault_set(from->fault, PS_EINVAL, "%s:%u: the name is empty", experiment->path,
                            config_setting_source_line(name));
    }
    for (const char *at = experiment->name; *at != '\0'; at++) {
        if (isalnum((unsigned char)*at) == 0 && *at != '-' && *at != '_') {
            return ps_fault_set(from->fault, PS_EINVAL,
                                "%s:%u: a name has letters, digits, '-' and '_' alone",
                                experiment->path, config_setting_source_line(name));
        }
    }
    const config_setting_t *const title = config_setting_get_member(root, "title");
    return title == NULL ? PS_OK
                         : read_text(from, title, experiment->title, sizeof experiment->title);
}

/* The world and the algorithm, which decide what keys there are. */
static ps_err read_subject(const source *from, const config_setting_t *root) {
    tt_experiment *const experiment = from->experiment;
    char text[TT_EXPERIMENT_TEXT_BYTES] = "sim";
    const config_setting_t *const world = config_setting_get_member(root, "world");
    const config_setting_t *const algo = config_setting_get_member(root, "algo");
    if (world != NULL) {
        PS_TRY(read_text(from, world, text, sizeof text));
        if (strcmp(text, "sim") != 0 && strcmp(text, "run") != 0) {
            return ps_fault_set(from->fault, PS_EINVAL,
                                "%s:%u: the world '%s' is neither sim nor run", experiment->path,
                                config_setting_source_line(world), text);
        }
    }
    experiment->world = strcmp(text, "sim") == 0 ? TT_SIM : TT_RUN;
    if (algo == NULL) {
        return ps_fault_set(from->fault, PS_EINVAL, "%s: has no algorithm (algo = \"mf\";)",
                            experiment->path);
    }
    PS_TRY(read_text(from, algo, text, sizeof text));
    ps_fault unknown = {0};
    if (tt_subject_of(text, &experiment->algo, &unknown) != PS_OK) {
        return ps_fault_set(from->fault, PS_EINVAL, "%s:%u: %s", experiment->path,
                            config_setting_source_line(algo), unknown.text);
    }
    return PS_OK;
}

static ps_err read_picture(const source *from, const config_setting_t *group) {
    static const char *const known[] = {"script", "caption"};
    tt_experiment *const experiment = from->experiment;
    tt_picture *const picture = &experiment->pictures[experiment->picture_count];
    const bool is_group = config_setting_is_group(group) == CONFIG_TRUE;
    for (int i = 0; is_group && i < config_setting_length(group); i++) {
        const config_setting_t *const key = config_setting_get_elem(group, (unsigned)i);
        if (strcmp(config_setting_name(key), known[0]) == 0) {
            PS_TRY(read_text(from, key, picture->script, sizeof picture->script));
        } else if (strcmp(config_setting_name(key), known[1]) == 0) {
            PS_TRY(read_text(from, key, picture->caption, sizeof picture->caption));
        } else {
            return refuse_key(from, key, known, sizeof known / sizeof known[0]);
        }
    }
    if (picture->script[0] == '\0' || strchr(picture->script, '/') != NULL) {
        return ps_fault_set(from->fault, PS_EINVAL,
                            "%s:%u: a picture is { script = \"NAME.gp\"; caption = \"...\"; }, a "
                            "script of plots/",
                            experiment->path, config_setting_source_line(group));
    }
    experiment->picture_count++;
    return PS_OK;
}

static ps_err read_pictures(const source *from, const config_setting_t *list) {
    const int count = config_setting_length(list);
    if (config_setting_is_list(list) == CONFIG_FALSE || count > TT_PICTURES_MAX) {
        return ps_fault_set(
            from->fault, PS_EINVAL, "%s:%u: pictures are a list of at most %d groups: ( { ... } )",
            from->experiment->path, config_setting_source_line(list), TT_PICTURES_MAX);
    }
    for (int i = 0; i < count; i++) {
        PS_TRY(read_picture(from, config_setting_get_elem(list, (unsigned)i)));
    }
    return PS_OK;
}

/* The order matters: a target names axes, and claims name both. */
static ps_err read_groups(const source *from, const config_setting_t *root) {
    static const char *const known[] = {"name", "title",  "world",    "algo",   "settings",
                                        "axes", "target", "baseline", "claims", "pictures"};
    for (int i = 0; i < config_setting_length(root); i++) {
        const config_setting_t *const key = config_setting_get_elem(root, (unsigned)i);
        size_t k = 0;
        while (k < sizeof known / sizeof known[0] &&
               strcmp(known[k], config_setting_name(key)) != 0) {
            k++;
        }
        if (k == sizeof known / sizeof known[0]) {
            return refuse_key(from, key, known, k);
        }
        const bool must_be_group = k >= 4 && k <= 6;
        if (must_be_group && config_setting_is_group(key) == CONFIG_FALSE) {
            return ps_fault_set(from->fault, PS_EINVAL, "%s:%u: %s is a group: %s = { ... };",
                                from->experiment->path, config_setting_source_line(key), known[k],
                                known[k]);
        }
    }
    const config_setting_t *const fixed = config_setting_get_member(root, "settings");
    const config_setting_t *const axes = config_setting_get_member(root, "axes");
    const config_setting_t *const baseline = config_setting_get_member(root, "baseline");
    const config_setting_t *const target = config_setting_get_member(root, "target");
    PS_TRY(fixed == NULL ? PS_OK : read_fixed(from, fixed));
    PS_TRY(axes == NULL ? PS_OK : read_axes(from, axes));
    PS_TRY(baseline == NULL ? PS_OK : read_choice(from, baseline, &from->experiment->baseline));
    PS_TRY(target == NULL ? PS_OK : read_target(from, target));
    const config_setting_t *const pictures = config_setting_get_member(root, "pictures");
    const config_setting_t *const claims = config_setting_get_member(root, "claims");
    PS_TRY(pictures == NULL ? PS_OK : read_pictures(from, pictures));
    return claims == NULL ? PS_OK : tt_claims_read(from->experiment, claims, from->fault);
}

ps_err tt_experiment_read(const char *path, tt_experiment **experiment_out, ps_fault *fault) {
    *experiment_out = NULL;
    tt_experiment *const experiment = calloc(1, sizeof *experiment);
    if (experiment == NULL) {
        return PS_ENOMEM;
    }
    (void)snprintf(experiment->path, sizeof experiment->path, "%s", path);
    experiment->target.factor = 1;
    tt_settings settings = {0};
    const source from = {.experiment = experiment, .settings = &settings, .fault = fault};
    config_t file;
    ps_err err = tt_config_open(&file, path, fault);
    const config_setting_t *const root = err == PS_OK ? config_root_setting(&file) : NULL;
    err = err != PS_OK ? err : read_name(&from, root);
    err = err != PS_OK ? err : read_subject(&from, root);
    err = err != PS_OK ? err : tt_settings_init(&settings, experiment->world, experiment->algo);
    err = err != PS_OK ? err : read_groups(&from, root);
    config_destroy(&file);
    tt_settings_fini(&settings);
    if (err != PS_OK) {
        free(experiment);
        return err;
    }
    *experiment_out = experiment;
    return PS_OK;
}

size_t tt_experiment_run_count(const tt_experiment *experiment) {
    size_t count = 1;
    for (size_t i = 0; i < experiment->axis_count && count <= TT_SWEEP_RUNS_MAX; i++) {
        count *= experiment->axes[i].value_count;
    }
    return count;
}

const char *tt_experiment_value(const tt_experiment *experiment, size_t run, size_t axis) {
    for (size_t i = experiment->axis_count; i-- > axis + 1;) {
        run /= experiment->axes[i].value_count;
    }
    return experiment->axes[axis].values[run % experiment->axes[axis].value_count];
}

size_t tt_experiment_axis(const tt_experiment *experiment, const char *name) {
    size_t at = 0;
    while (at < experiment->axis_count && strcmp(experiment->axes[at].name, name) != 0) {
        at++;
    }
    return at;
}
