/* Reads the claims of an experiment file, and refuses what could never be decided. */
#include <fnmatch.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/nearest.h"
#include "claims.h"
#include "config_text.h"
#include "experiment.h"

/* What is being read, for messages. */
typedef struct source {
    tt_experiment *experiment;
    const config_setting_t *claim;
    ps_fault *fault;
} source;

static unsigned line_of(const config_setting_t *value) {
    return config_setting_source_line(value);
}

static ps_err refuse_word(const source *from, const config_setting_t *value, const char *what,
                          const char *word, const char *const *known, size_t count) {
    const char *const nearest = psi_nearest(word, known, count);
    return ps_fault_set(from->fault, PS_EINVAL, "%s:%u: unknown %s '%s'; did you mean %s?",
                        from->experiment->path, line_of(value), what, word,
                        nearest == NULL ? known[0] : nearest);
}

static ps_err text_of(const source *from, const config_setting_t *value, const char **text_out) {
    if (config_setting_type(value) != CONFIG_TYPE_STRING) {
        return ps_fault_set(from->fault, PS_EINVAL, "%s:%u: %s is a text in quotes",
                            from->experiment->path, line_of(value),
                            config_setting_name(value) == NULL ? "a value"
                                                               : config_setting_name(value));
    }
    *text_out = config_setting_get_string(value);
    return PS_OK;
}

static ps_err axis_of(const source *from, const config_setting_t *value, const char *name,
                      size_t *axis_out) {
    *axis_out = tt_experiment_axis(from->experiment, name);
    return *axis_out < from->experiment->axis_count
               ? PS_OK
               : ps_fault_set(from->fault, PS_EINVAL, "%s:%u: there is no axis %s",
                              from->experiment->path, line_of(value), name);
}

/* ---- Choices of runs ---- */

/* Adds the values of an axis that a pattern matches; a number matches itself. */
static ps_err choose(const source *from, const config_setting_t *value, size_t axis,
                     tt_choice *choice) {
    char pattern[TT_CONFIG_TEXT_BYTES];
    const tt_axis *const values = &from->experiment->axes[axis];
    size_t found = 0;
    PS_TRY(tt_config_text(value, from->experiment->path, pattern, from->fault));
    for (size_t v = 0; v < values->value_count; v++) {
        if (fnmatch(pattern, values->values[v], 0) == 0) {
            choice->values[axis][v] = true;
            found++;
        }
    }
    return found > 0 ? PS_OK
                     : ps_fault_set(from->fault, PS_EINVAL, "%s:%u: the axis %s has no value %s",
                                    from->experiment->path, line_of(value), values->name, pattern);
}

static ps_err read_choice(const source *from, const config_setting_t *group, tt_choice *choice) {
    if (config_setting_is_group(group) == CONFIG_FALSE || config_setting_length(group) == 0) {
        return ps_fault_set(from->fault, PS_EINVAL, "%s:%u: %s is a group of axes: %s = { ... };",
                            from->experiment->path, line_of(group), config_setting_name(group),
                            config_setting_name(group));
    }
    choice->is_set = true;
    for (int i = 0; i < config_setting_length(group); i++) {
        const config_setting_t *const key = config_setting_get_elem(group, (unsigned)i);
        size_t axis = 0;
        PS_TRY(axis_of(from, key, config_setting_name(key), &axis));
        choice->names[axis] = true;
        if (config_setting_is_aggregate(key) == CONFIG_FALSE) {
            PS_TRY(choose(from, key, axis, choice));
            continue;
        }
        for (int v = 0; v < config_setting_length(key); v++) {
            PS_TRY(choose(from, config_setting_get_elem(key, (unsigned)v), axis, choice));
        }
    }
    return PS_OK;
}

/* An axis that was not named has all its values. */
static void choose_rest(const tt_experiment *experiment, tt_choice *choice) {
    for (size_t axis = 0; axis < experiment->axis_count; axis++) {
        for (size_t v = 0; v < experiment->axes[axis].value_count && !choice->names[axis]; v++) {
            choice->values[axis][v] = true;
        }
    }
}

/* ---- One claim ---- */

static bool is_column(const ps_algo *algo, const char *name) {
    static const char *const ours[] = {"time_s",     "clock_min",  "clock_max",
                                       "work_units", "bytes_sent", "frames_sent"};
    for (size_t i = 0; i < sizeof ours / sizeof ours[0]; i++) {
        if (strcmp(ours[i], name) == 0) {
            return true;
        }
    }
    for (size_t i = 0; i < algo->metric_count; i++) {
        if (strcmp(algo->metrics[i], name) == 0) {
            return true;
        }
    }
    return false;
}

/* Of summary.csv alone; what both have is read of metrics.csv. */
static const char *const summary_columns[] = {
    "time_to_target_s", "clocks_to_target", "bytes_to_target", "compute_s",
    "wait_s",           "wait_share",       "clocks"};
enum { OF_TARGET = 3 }; /* the first ones need a target */

static ps_err read_quantity(const source *from, const config_setting_t *value, tt_claim *claim) {
    const tt_experiment *const experiment = from->experiment;
    const char *name = "";
    PS_TRY(text_of(from, value, &name));
    (void)snprintf(claim->quantity, sizeof claim->quantity, "%s", name);
    if (is_column(experiment->algo, name)) {
        claim->source = TT_FROM_METRICS;
        return PS_OK;
    }
    for (size_t i = 0; i < TT_STALENESS_FIGURES; i++) {
        if (strcmp(tt_staleness_figures[i], name) == 0) {
            claim->source = TT_FROM_STALENESS;
            return PS_OK;
        }
    }
    for (size_t i = 0; i < sizeof summary_columns / sizeof summary_columns[0]; i++) {
        if (strcmp(summary_columns[i], name) == 0) {
            claim->source = TT_FROM_SUMMARY;
            return i >= OF_TARGET || experiment->target.is_set
                       ? PS_OK
                       : ps_fault_set(from->fault, PS_EINVAL,
                                      "%s:%u: %s needs a target = { ... } in this experiment",
                                      experiment->path, line_of(value), name);
        }
    }
    return ps_fault_set(from->fault, PS_EINVAL,
                        "%s:%u: '%s' is no quantity: a metric of %s (%s, ...), time_s, "
                        "time_to_target_s, wait_share, staleness_mean ...",
                        experiment->path, line_of(value), name, experiment->algo->name,
                        experiment->algo->metrics[0]);
}

/* "end", or "clock=50". */
static ps_err read_at(const source *from, const config_setting_t *value, tt_claim *claim) {
    const char *text = "";
    PS_TRY(text_of(from, value, &text));
    if (strcmp(text, "end") == 0) {
        return PS_OK;
    }
    const size_t length = strcspn(text, "=");
    char *end = NULL;
    const double number = text[length] == '=' ? strtod(text + length + 1, &end) : (double)NAN;
    if (length < sizeof claim->at_column) {
        (void)snprintf(claim->at_column, sizeof claim->at_column, "%.*s", (int)length, text);
    }
    if (strcmp(claim->at_column, "clock") == 0) {
        (void)strcpy(claim->at_column, "clock_min");
    }
    if (end == NULL || end == text + length + 1 || *end != '\0' || !isfinite(number) ||
        !is_column(from->experiment->algo, claim->at_column)) {
        return ps_fault_set(from->fault, PS_EINVAL,
                            "%s:%u: at = \"%s\" is neither \"end\" nor COLUMN=NUMBER, as in "
                            "\"clock=50\" or \"time_s=30\"",
                            from->experiment->path, line_of(value), text);
    }
    claim->at_value = number;
    return PS_OK;
}

static ps_err read_bound(const source *from, const config_setting_t *value, bool *has_out,
                         double *bound_out) {
    *has_out = config_setting_is_number(value) == CONFIG_TRUE;
    *bound_out = *has_out ? config_setting_get_float(value) : 0;
    return *has_out && isfinite(*bound_out)
               ? PS_OK
               : ps_fault_set(from->fault, PS_EINVAL, "%s:%u: %s is a number",
                              from->experiment->path, line_of(value), config_setting_name(value));
}

static ps_err read_statistic(const source *from, const config_setting_t *value, tt_claim *claim) {
    const char *text = "";
    PS_TRY(text_of(from, value, &text));
    for (size_t s = 0; s < TT_STATISTICS; s++) {
        if (strcmp(tt_statistic_names[s], text) == 0) {
            claim->statistic = (tt_statistic)s;
            return PS_OK;
        }
    }
    return refuse_word(from, value, "statistic", text, tt_statistic_names, TT_STATISTICS);
}

static ps_err read_compare(const source *from, const config_setting_t *value, tt_claim *claim) {
    static const char *const words[] = {"ratio", "difference"};
    const char *text = "";
    PS_TRY(text_of(from, value, &text));
    claim->is_difference = strcmp(text, words[1]) == 0;
    return claim->is_difference || strcmp(text, words[0]) == 0
               ? PS_OK
               : refuse_word(from, value, "comparison", text, words, 2);
}

static ps_err read_key(const source *from, const config_setting_t *key, tt_claim *claim) {
    static const char *const known[] = {"name",     "quantity", "at",        "of",
                                        "over",     "against",  "statistic", "compare",
                                        "at_least", "at_most",  "averaged",  "plus"};
    const char *const name = config_setting_name(key);
    const char *text = "";
    bool has_plus = false;
    size_t k = 0;
    while (k < sizeof known / sizeof known[0] && strcmp(known[k], name) != 0) {
        k++;
    }
    switch (k) {
    case 0:
        PS_TRY(text_of(from, key, &text));
        (void)snprintf(claim->name, sizeof claim->name, "%s", text);
        return PS_OK;
    case 1:
        return read_quantity(from, key, claim);
    case 2:
        return read_at(from, key, claim);
    case 3:
        return read_choice(from, key, &claim->of);
    case 4:
        PS_TRY(text_of(from, key, &text));
        return axis_of(from, key, text, &claim->over);
    case 5:
        return read_choice(from, key, &claim->against);
    case 6:
        return read_statistic(from, key, claim);
    case 7:
        return read_compare(from, key, claim);
    case 8:
        return read_bound(from, key, &claim->has_at_least, &claim->at_least);
    case 9:
        return read_bound(from, key, &claim->has_at_most, &claim->at_most);
    case 10:
        PS_TRY(text_of(from, key, &text));
        return axis_of(from, key, text, &claim->averaged);
    case 11:
        return read_bound(from, key, &has_plus, &claim->plus);
    default:
        return refuse_word(from, key, "key", name, known, sizeof known / sizeof known[0]);
    }
}

/* Slopes need numbers on their axis, exponents positive ones. */
static ps_err check_numbers(const source *from, const tt_claim *claim) {
    const tt_axis *const axis = &from->experiment->axes[claim->over];
    const bool is_needed = claim->statistic == TT_SLOPE || claim->statistic == TT_EXPONENT;
    for (size_t v = 0; is_needed && v < axis->value_count; v++) {
        const double number = tt_claim_axis_number(axis->values[v]) + claim->plus;
        if (claim->of.values[claim->over][v] &&
            (!isfinite(number) || (claim->statistic == TT_EXPONENT && !(number > 0)))) {
            return ps_fault_set(from->fault, PS_EINVAL,
                                "%s:%u: %s over %s: '%s' has no number%s; leave it out with 'of'",
                                from->experiment->path, claim->line,
                                tt_statistic_names[claim->statistic], axis->name, axis->values[v],
                                claim->statistic == TT_EXPONENT ? " above 0" : "");
        }
    }
    return PS_OK;
}

/* What does not fit together. */
static const char *misfit_of(const tt_experiment *experiment, const tt_claim *claim) {
    const bool has_over = claim->over < experiment->axis_count;
    size_t along = 0;
    for (size_t v = 0; has_over && v < experiment->axes[claim->over].value_count; v++) {
        along += claim->of.values[claim->over][v] ? 1 : 0;
    }
    if (claim->name[0] == '\0') {
        return "a claim has a name = \"...\"";
    }
    if (claim->quantity[0] == '\0') {
        return "a claim has a quantity = \"...\"";
    }
    if (!claim->has_at_most && !claim->has_at_least) {
        return "a claim has at_most or at_least";
    }
    if (claim->has_at_most && claim->has_at_least && claim->at_most < claim->at_least) {
        return "at_most is below at_least";
    }
    if (has_over != (claim->statistic != TT_VALUE)) {
        return "'over' and a 'statistic' go together";
    }
    if (has_over && along < 2) {
        return "'of' leaves fewer than two values on the axis of 'over'";
    }
    if (claim->averaged < experiment->axis_count &&
        (claim->averaged == claim->over || claim->against.names[claim->averaged])) {
        return "'averaged' is an axis of its own, which neither 'over' nor 'against' names";
    }
    if (claim->plus != 0 && claim->statistic != TT_SLOPE && claim->statistic != TT_EXPONENT) {
        return "'plus' is for slopes and exponents";
    }
    if (claim->at_column[0] != '\0' && claim->source != TT_FROM_METRICS) {
        return "'at' is for columns of metrics.csv alone";
    }
    if (claim->is_difference && !claim->against.is_set) {
        return "'compare' needs 'against'";
    }
    return NULL;
}

/* A claim over no runs would say nothing. */
static ps_err check_extent(const source *from, const tt_claim *claim) {
    const size_t runs = tt_experiment_run_count(from->experiment);
    double *const values = calloc(runs, sizeof *values);
    tt_verdict verdict;
    if (values == NULL) {
        return PS_ENOMEM;
    }
    ps_err err = tt_claim_decide(from->experiment, claim, values, &verdict);
    free(values);
    PS_TRY(err);
    err = verdict.count > 0 ? PS_OK
                            : ps_fault_set(from->fault, PS_EINVAL,
                                           "%s:%u: 'against' names no other runs than 'of' does",
                                           from->experiment->path, claim->line);
    tt_verdict_fini(&verdict);
    return err;
}

static ps_err read_claim(const source *from, tt_claim *claim) {
    tt_experiment *const experiment = from->experiment;
    if (config_setting_is_group(from->claim) == CONFIG_FALSE) {
        return ps_fault_set(from->fault, PS_EINVAL, "%s:%u: a claim is a group: { name = ...; }",
                            experiment->path, line_of(from->claim));
    }
    *claim = (tt_claim){.averaged = experiment->axis_count,
                        .over = experiment->axis_count,
                        .line = line_of(from->claim)};
    for (int i = 0; i < config_setting_length(from->claim); i++) {
        PS_TRY(read_key(from, config_setting_get_elem(from->claim, (unsigned)i), claim));
    }
    choose_rest(experiment, &claim->of);
    choose_rest(experiment, &claim->against);
    const char *const misfit = misfit_of(experiment, claim);
    if (misfit != NULL) {
        return ps_fault_set(from->fault, PS_EINVAL, "%s:%u: %s", experiment->path, claim->line,
                            misfit);
    }
    PS_TRY(claim->over < experiment->axis_count ? check_numbers(from, claim) : PS_OK);
    return check_extent(from, claim);
}

ps_err tt_claims_read(tt_experiment *experiment, const config_setting_t *list, ps_fault *fault) {
    const int count = config_setting_length(list);
    if (config_setting_is_list(list) == CONFIG_FALSE || count < 1 || count > TT_CLAIMS_MAX) {
        return ps_fault_set(fault, PS_EINVAL,
                            "%s:%u: claims are a list of 1 to %d groups: claims = ( { ... } );",
                            experiment->path, line_of(list), TT_CLAIMS_MAX);
    }
    for (int i = 0; i < count; i++) {
        const source from = {.experiment = experiment,
                             .claim = config_setting_get_elem(list, (unsigned)i),
                             .fault = fault};
        PS_TRY(read_claim(&from, &experiment->claims[i]));
        experiment->claim_count++;
    }
    return PS_OK;
}
