/* What the runs of a sweep did, run by run and as means over seeds. */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "csv_table.h"
#include "manifest.h"
#include "numbers.h"
#include "sweep.h"
#include "version.h"

/* The run that differs from run `index` in the axis of `choice` alone, where it has that choice. */
static size_t partner_of(const tt_experiment *experiment, size_t index,
                         const tt_assignment *choice) {
    const size_t axis = tt_experiment_axis(experiment, choice->name);
    size_t stride = 1;
    for (size_t i = axis + 1; i < experiment->axis_count; i++) {
        stride *= experiment->axes[i].value_count;
    }
    const tt_axis *const values = &experiment->axes[axis];
    const size_t own = index / stride % values->value_count;
    size_t wanted = 0;
    while (wanted < values->value_count && strcmp(values->values[wanted], choice->value) != 0) {
        wanted++;
    }
    PS_ASSERT(wanted < values->value_count);
    return index - own * stride + wanted * stride;
}

static double number_of(const json_t *results, const char *name) {
    const json_t *const value = json_object_get(results, name);
    return json_is_number(value) ? json_number_value(value) : (double)NAN;
}

static ps_err read_outcome(tt_sweep *sweep, size_t index, ps_fault *fault) {
    tt_sweep_outcome *const outcome = &sweep->runs[index].outcome;
    const tt_experiment *const experiment = sweep->experiment;
    char path[TT_PATH_MAX];
    if (!tt_sweep_run_directory(sweep, index, path)) {
        return PS_EINVAL;
    }
    json_t *const manifest = tt_manifest_read(path, fault);
    if (manifest == NULL) {
        return PS_EFORMAT;
    }
    const json_t *const results = json_object_get(manifest, "results");
    const json_t *const metrics = json_object_get(results, "metrics");
    outcome->time_s = number_of(results, "time_s");
    outcome->clocks = number_of(results, "clock_min");
    outcome->compute_s = number_of(results, "compute_s");
    outcome->wait_s = number_of(results, "wait_s");
    outcome->wait_share = number_of(results, "wait_share");
    outcome->bytes_sent = number_of(results, "bytes_sent");
    outcome->frames_sent = number_of(results, "frames_sent");
    outcome->final_value = number_of(metrics, experiment->algo->metrics[experiment->target.metric]);
    json_decref(manifest);
    return PS_OK;
}

/* The first evaluation at the target, or on its better side, tells when it was reached. */
static ps_err find_arrival(tt_sweep *sweep, size_t index, ps_fault *fault) {
    tt_sweep_outcome *const outcome = &sweep->runs[index].outcome;
    const tt_experiment *const experiment = sweep->experiment;
    char directory[TT_PATH_MAX];
    char path[TT_PATH_MAX];
    if (!tt_sweep_run_directory(sweep, index, directory) ||
        !tt_path_join(path, directory, "metrics.csv")) {
        return PS_EINVAL;
    }
    tt_csv_table table;
    PS_TRY(tt_csv_read(path, &table, fault));
    const size_t value =
        tt_csv_column(&table, experiment->algo->metrics[experiment->target.metric]);
    const size_t time = tt_csv_column(&table, "time_s");
    const size_t clock = tt_csv_column(&table, "clock_min");
    const size_t bytes = tt_csv_column(&table, "bytes_sent");
    for (size_t row = 0; row < table.row_count; row++) {
        const double reached = tt_csv_number(&table, row, value);
        if (experiment->target.is_maximised ? reached >= outcome->target
                                            : reached <= outcome->target) {
            outcome->time_to_target_s = tt_csv_number(&table, row, time);
            outcome->clocks_to_target = tt_csv_number(&table, row, clock);
            outcome->bytes_to_target = tt_csv_number(&table, row, bytes);
            break;
        }
    }
    tt_csv_fini(&table);
    return PS_OK;
}

ps_err tt_sweep_collect(tt_sweep *sweep, ps_fault *fault) {
    const tt_target *const target = &sweep->experiment->target;
    for (size_t i = 0; i < sweep->count; i++) {
        const double unknown = (double)NAN;
        sweep->runs[i].outcome =
            (tt_sweep_outcome){unknown, unknown, unknown, unknown, unknown, unknown,
                               unknown, unknown, unknown, unknown, unknown, unknown};
        if (sweep->runs[i].is_there) {
            PS_TRY(read_outcome(sweep, i, fault));
        }
    }
    for (size_t i = 0; i < sweep->count && target->is_set; i++) {
        double value = target->value;
        if (!target->is_fixed) {
            value = sweep->runs[partner_of(sweep->experiment, i, &target->by)].outcome.final_value;
        }
        sweep->runs[i].outcome.target = value * target->factor;
        if (sweep->runs[i].is_there && isfinite(value)) {
            PS_TRY(find_arrival(sweep, i, fault));
        }
    }
    return PS_OK;
}

/* The columns of numbers, in the order of tt_sweep_outcome; final_value is called after the metric.
 */
static const char *const columns[] = {
    "time_s",           "clocks",           "final_value",     "target",
    "time_to_target_s", "clocks_to_target", "bytes_to_target", "compute_s",
    "wait_s",           "wait_share",       "bytes_sent",      "frames_sent",
};
enum { COLUMNS = sizeof columns / sizeof columns[0] };

static void outcome_numbers(const tt_sweep_outcome *outcome, double numbers[COLUMNS]) {
    const double all[COLUMNS] = {
        outcome->time_s,          outcome->clocks,           outcome->final_value,
        outcome->target,          outcome->time_to_target_s, outcome->clocks_to_target,
        outcome->bytes_to_target, outcome->compute_s,        outcome->wait_s,
        outcome->wait_share,      outcome->bytes_sent,       outcome->frames_sent,
    };
    memcpy(numbers, all, sizeof all);
}

static void put_names(FILE *file, const tt_sweep *sweep, size_t seed_axis) {
    const tt_experiment *const experiment = sweep->experiment;
    for (size_t i = 0; i < experiment->axis_count; i++) {
        if (i != seed_axis) {
            (void)fprintf(file, "%s,", experiment->axes[i].name);
        }
    }
}

/* A cell has no comma. */
static void cell_text(const char *value, char text[static TT_EXPERIMENT_TEXT_BYTES]) {
    (void)snprintf(text, TT_EXPERIMENT_TEXT_BYTES, "%s", value);
    for (char *at = text; *at != '\0'; at++) {
        *at = *at == ',' ? ';' : *at;
    }
}

static void put_values(FILE *file, const tt_sweep *sweep, size_t index, size_t seed_axis) {
    for (size_t i = 0; i < sweep->experiment->axis_count; i++) {
        char text[TT_EXPERIMENT_TEXT_BYTES];
        if (i != seed_axis) {
            cell_text(tt_experiment_value(sweep->experiment, index, i), text);
            (void)fprintf(file, "%s,", text);
        }
    }
}

static void put_column_names(FILE *file, const tt_sweep *sweep) {
    const tt_experiment *const experiment = sweep->experiment;
    for (size_t c = 0; c < COLUMNS; c++) {
        if (strcmp(columns[c], "final_value") == 0) {
            (void)fprintf(file, ",final_%s", experiment->algo->metrics[experiment->target.metric]);
        } else {
            (void)fprintf(file, ",%s", columns[c]);
        }
    }
}

/* An empty cell is a number that there is none of. */
static void put_number(FILE *file, double value) {
    char text[TT_NUMBER_TEXT_BYTES];
    (void)fprintf(file, ",%s", isnan(value) ? "" : tt_number_exact(value, text));
}

static void write_runs(FILE *file, const tt_sweep *sweep) {
    put_names(file, sweep, SIZE_MAX);
    (void)fputs("run,state", file);
    put_column_names(file, sweep);
    (void)fputc('\n', file);
    for (size_t i = 0; i < sweep->count; i++) {
        const tt_sweep_run *const run = &sweep->runs[i];
        double numbers[COLUMNS];
        outcome_numbers(&run->outcome, numbers);
        put_values(file, sweep, i, SIZE_MAX);
        (void)fprintf(file, "%s,%s", run->id,
                      run->is_there     ? "ok"
                      : run->has_failed ? "failed"
                                        : "missing");
        for (size_t c = 0; c < COLUMNS; c++) {
            put_number(file, numbers[c]);
        }
        (void)fputc('\n', file);
    }
}

/* A group: the runs that differ in their seed alone. Means are over the runs that have the number.
 */
typedef struct group {
    size_t first, runs, arrived;
    double means[COLUMNS];
    double ratio; /* of the mean time to target to that of the baseline's group */
} group;

static size_t seed_axis_of(const tt_sweep *sweep) {
    return tt_experiment_axis(sweep->experiment, "seed");
}

static size_t seed_stride_of(const tt_sweep *sweep, size_t seed_axis, size_t *seeds_out) {
    const tt_experiment *const experiment = sweep->experiment;
    size_t stride = 1;
    for (size_t i = seed_axis + 1; i < experiment->axis_count; i++) {
        stride *= experiment->axes[i].value_count;
    }
    *seeds_out = seed_axis < experiment->axis_count ? experiment->axes[seed_axis].value_count : 1;
    return stride;
}

static group group_of(const tt_sweep *sweep, size_t first) {
    size_t seeds = 0;
    const size_t stride = seed_stride_of(sweep, seed_axis_of(sweep), &seeds);
    group made = {.first = first, .ratio = (double)NAN};
    double sums[COLUMNS] = {0};
    size_t counts[COLUMNS] = {0};
    for (size_t s = 0; s < seeds; s++) {
        const tt_sweep_run *const run = &sweep->runs[first + s * stride];
        double numbers[COLUMNS];
        outcome_numbers(&run->outcome, numbers);
        made.runs += run->is_there ? 1 : 0;
        made.arrived += isfinite(run->outcome.time_to_target_s) ? 1 : 0;
        for (size_t c = 0; c < COLUMNS; c++) {
            if (isfinite(numbers[c])) {
                sums[c] += numbers[c];
                counts[c]++;
            }
        }
    }
    for (size_t c = 0; c < COLUMNS; c++) {
        made.means[c] = counts[c] == 0 ? (double)NAN : sums[c] / (double)counts[c];
    }
    return made;
}

/* Indices into `columns`. */
enum {
    TIME = 0,
    FINAL_VALUE = 2,
    TIME_TO_TARGET = 4,
    WAIT_SHARE = 9,
    BYTES_SENT = 10,
    WIDTH_MAX = 48
};

/* Calls `take` for each group, in order. */
static void for_groups(const tt_sweep *sweep, void (*take)(const tt_sweep *, const group *, void *),
                       void *arg) {
    const tt_experiment *const experiment = sweep->experiment;
    size_t seeds = 0;
    const size_t stride = seed_stride_of(sweep, seed_axis_of(sweep), &seeds);
    for (size_t i = 0; i < sweep->count; i++) {
        if (i / stride % seeds != 0) {
            continue;
        }
        group made = group_of(sweep, i);
        if (experiment->baseline.name[0] != '\0') {
            const group base = group_of(sweep, partner_of(experiment, i, &experiment->baseline));
            made.ratio = made.means[TIME_TO_TARGET] / base.means[TIME_TO_TARGET];
        }
        take(sweep, &made, arg);
    }
}

/* The name of a group: its values of all axes but the seed. */
static void put_group_name(FILE *file, const tt_sweep *sweep, size_t index) {
    const tt_experiment *const experiment = sweep->experiment;
    const size_t seed_axis = seed_axis_of(sweep);
    const char *gap = "";
    for (size_t i = 0; i < experiment->axis_count; i++) {
        char text[TT_EXPERIMENT_TEXT_BYTES];
        if (i == seed_axis) {
            continue;
        }
        cell_text(tt_experiment_value(experiment, index, i), text);
        (void)fprintf(file, "%s%s", gap, text);
        gap = " ";
    }
    (void)fputs(gap[0] == '\0' ? "all," : ",", file);
}

static void put_group(const tt_sweep *sweep, const group *made, void *arg) {
    FILE *const file = arg;
    put_group_name(file, sweep, made->first);
    put_values(file, sweep, made->first, seed_axis_of(sweep));
    (void)fprintf(file, "%s,%zu,%zu", sweep->runs[made->first].id, made->runs, made->arrived);
    put_number(file, made->ratio);
    for (size_t c = 0; c < COLUMNS; c++) {
        put_number(file, made->means[c]);
    }
    (void)fputc('\n', file);
}

static void write_groups(FILE *file, const tt_sweep *sweep) {
    (void)fputs("group,", file);
    put_names(file, sweep, seed_axis_of(sweep));
    (void)fputs("first_run,runs,arrived,time_ratio", file);
    put_column_names(file, sweep);
    (void)fputc('\n', file);
    for_groups(sweep, put_group, file);
}

static void write_description(FILE *file, const tt_sweep *sweep) {
    const tt_experiment *const experiment = sweep->experiment;
    json_t *const axes = json_object();
    json_t *const fixed = json_array();
    json_t *const runs = json_array();
    json_t *const pictures = json_array();
    for (size_t i = 0; i < experiment->axis_count; i++) {
        json_t *const values = json_array();
        for (size_t v = 0; v < experiment->axes[i].value_count; v++) {
            (void)json_array_append_new(values, json_string(experiment->axes[i].values[v]));
        }
        (void)json_object_set_new(axes, experiment->axes[i].name, values);
    }
    for (size_t i = 0; i < experiment->fixed_count; i++) {
        (void)json_array_append_new(fixed, json_pack("{s:s,s:s}", "name", experiment->fixed[i].name,
                                                     "value", experiment->fixed[i].value));
    }
    for (size_t i = 0; i < sweep->count; i++) {
        (void)json_array_append_new(runs, json_pack("{s:s,s:s,s:b}", "id", sweep->runs[i].id, "key",
                                                    sweep->runs[i].key, "is_there",
                                                    (int)sweep->runs[i].is_there));
    }
    for (size_t i = 0; i < experiment->picture_count; i++) {
        const tt_picture *const picture = &experiment->pictures[i];
        (void)json_array_append_new(pictures, json_pack("{s:s,s:s}", "script", picture->script,
                                                        "caption", picture->caption));
    }
    json_t *const object = json_pack(
        "{s:i,s:s,s:s,s:s,s:s,s:s,s:b,s:s,s:o,s:o,s:o,s:o}", "format", 1, "name", experiment->name,
        "title", experiment->title, "world", experiment->world == TT_SIM ? "sim" : "run",
        "algorithm", experiment->algo->name, "metric",
        experiment->algo->metrics[experiment->target.metric], "is_maximised",
        (experiment->algo->maximised >> experiment->target.metric & 1) != 0, "tortoise",
        TT_VERSION " " TT_GIT, "axes", axes, "settings", fixed, "runs", runs, "pictures", pictures);
    (void)json_dumpf(object, file, JSON_INDENT(2));
    json_decref(object);
}

static ps_err write_with(const tt_sweep *sweep, const char *name,
                         void (*write)(FILE *, const tt_sweep *), ps_fault *fault) {
    char path[TT_PATH_MAX];
    char *text = NULL;
    size_t size_bytes = 0;
    FILE *const file = open_memstream(&text, &size_bytes);
    if (file == NULL || !tt_path_join(path, sweep->directory, name)) {
        return PS_ENOMEM;
    }
    write(file, sweep);
    ps_err err = fclose(file) == 0 ? PS_OK : PS_ENOMEM;
    if (err == PS_OK) {
        err = tt_file_replace(path, text, size_bytes, fault);
    }
    free(text);
    return err;
}

ps_err tt_sweep_write(const tt_sweep *sweep, ps_fault *fault) {
    PS_TRY(tt_directory_create(sweep->directory, fault));
    PS_TRY(write_with(sweep, "summary.csv", write_runs, fault));
    PS_TRY(write_with(sweep, "groups.csv", write_groups, fault));
    return write_with(sweep, "sweep.json", write_description, fault);
}

/* How wide the column of an axis is: as its longest value. */
static int axis_width(const tt_axis *axis) {
    size_t width = strlen(axis->name);
    for (size_t v = 0; v < axis->value_count; v++) {
        const size_t length = strlen(axis->values[v]);
        width = length > width ? length : width;
    }
    return (int)(width > WIDTH_MAX ? WIDTH_MAX : width);
}

static void print_group(const tt_sweep *sweep, const group *made, void *arg) {
    (void)arg;
    const tt_experiment *const experiment = sweep->experiment;
    char time[TT_NUMBER_TEXT_BYTES];
    char bytes[TT_NUMBER_TEXT_BYTES];
    char ratio[32] = "";
    for (size_t i = 0; i < experiment->axis_count; i++) {
        if (i != seed_axis_of(sweep)) {
            (void)printf("%-*s ", axis_width(&experiment->axes[i]),
                         tt_experiment_value(experiment, made->first, i));
        }
    }
    if (made->runs == 0) {
        (void)printf("no run is there\n");
        return;
    }
    if (isfinite(made->ratio)) {
        (void)snprintf(ratio, sizeof ratio, "%.2f x", made->ratio);
    }
    if (experiment->target.is_set) {
        (void)printf("%12s %8s %5zu/%zu",
                     made->arrived > 0 ? tt_number_time(made->means[TIME_TO_TARGET], time)
                                       : "never",
                     ratio, made->arrived, made->runs);
    } else {
        (void)printf("%12s %7zu", tt_number_time(made->means[TIME], time), made->runs);
    }
    (void)printf(" %12.6g %7.1f%% %10s\n", made->means[FINAL_VALUE], 100 * made->means[WAIT_SHARE],
                 tt_number_bytes(made->means[BYTES_SENT], bytes));
}

void tt_sweep_print(const tt_sweep *sweep) {
    const tt_experiment *const experiment = sweep->experiment;
    char ratio[32] = "";
    if (experiment->title[0] != '\0') {
        (void)printf("%s\n", experiment->title);
    }
    for (size_t i = 0; i < experiment->axis_count; i++) {
        if (i != seed_axis_of(sweep)) {
            (void)printf("%-*s ", axis_width(&experiment->axes[i]), experiment->axes[i].name);
        }
    }
    if (experiment->baseline.name[0] != '\0') {
        (void)snprintf(ratio, sizeof ratio, "/ %.14s", experiment->baseline.value);
    }
    if (experiment->target.is_set) {
        (void)printf("%12s %8s %7s", "to target", ratio, "arrived");
    } else {
        (void)printf("%12s %7s", "time", "runs");
    }
    (void)printf(" %12s %8s %10s\n", experiment->algo->metrics[experiment->target.metric],
                 "waiting", "sent");
    for_groups(sweep, print_group, NULL);
}
