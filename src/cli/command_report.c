/* `tortoise report DIR`: one self-contained HTML page of a run or a sweep, DIR/report.html. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>
#include <unistd.h>

#include "command.h"
#include "csv_table.h"
#include "html_page.h"
#include "manifest.h"
#include "numbers.h"
#include "outdir.h"
#include "report.h"
#include "report_pictures.h"
#include "report_topics.h"
#include "settings.h"

static const char *text_of(const json_t *object, const char *name) {
    const char *const text = json_string_value(json_object_get(object, name));
    return text == NULL ? "" : text;
}

/* A JSON value as people read it. */
static void format_value(const json_t *value, char *text, size_t text_size_bytes) {
    text[0] = '\0';
    if (json_is_string(value)) {
        (void)snprintf(text, text_size_bytes, "%s", json_string_value(value));
    } else if (json_is_integer(value)) {
        (void)snprintf(text, text_size_bytes, "%lld", (long long)json_integer_value(value));
    } else if (json_is_real(value)) {
        (void)snprintf(text, text_size_bytes, "%.6g", json_real_value(value));
    } else if (json_is_boolean(value)) {
        (void)snprintf(text, text_size_bytes, "%s", json_is_true(value) ? "yes" : "no");
    } else if (json_is_array(value)) {
        size_t used = 0;
        for (size_t i = 0; i < json_array_size(value) && used + 1 < text_size_bytes; i++) {
            const char *const item = json_string_value(json_array_get(value, i));
            used += (size_t)snprintf(text + used, text_size_bytes - used, "%s%s",
                                     i == 0 ? "" : "; ", item == NULL ? "" : item);
        }
    }
}

static void put_pairs(FILE *page, const json_t *object, const char *name) {
    const char *const names[] = {name, ""};
    const char *key = NULL;
    json_t *value = NULL;
    tt_html_table_begin(page, names, 2, 2);
    json_t *const open_object = json_incref((json_t *)(uintptr_t)object);
    json_object_foreach(open_object, key, value) {
        char text[1024];
        format_value(value, text, sizeof text);
        const char *const cells[] = {key, text};
        if (text[0] != '\0') {
            tt_html_table_row(page, cells, 2, 2);
        }
    }
    json_decref(open_object);
    tt_html_table_end(page);
}

static void put_row(FILE *page, const char *name, const char *value) {
    const char *const cells[] = {name, value};
    tt_html_table_row(page, cells, 2, 1);
}

static void put_results(FILE *page, const json_t *manifest) {
    static const char *const names[] = {"result", ""};
    json_t *const results = json_object_get(manifest, "results");
    char text[TT_NUMBER_TEXT_BYTES];
    char line[128];
    const char *key = NULL;
    json_t *value = NULL;
    tt_html_heading(page, "Results");
    tt_html_table_begin(page, names, 2, 1);
    json_object_foreach(json_object_get(results, "metrics"), key, value) {
        format_value(value, line, sizeof line);
        put_row(page, key, line[0] == '\0' ? "not a finite number" : line);
    }
    const bool is_sim = strcmp(text_of(manifest, "world"), "sim") == 0;
    put_row(page, is_sim ? "simulated time" : "time",
            tt_number_time(json_number_value(json_object_get(results, "time_s")), text));
    format_value(json_object_get(results, "clock_min"), line, sizeof line);
    put_row(page, "clocks of the slowest worker", line);
    (void)snprintf(line, sizeof line, "%.1f %% / %.1f %%",
                   100 * json_number_value(json_object_get(results, "compute_share")),
                   100 * json_number_value(json_object_get(results, "wait_share")));
    put_row(page, "workers computing / waiting", line);
    put_row(page, "sent",
            tt_number_bytes(json_number_value(json_object_get(results, "bytes_sent")), text));
    format_value(json_object_get(results, "frames_sent"), line, sizeof line);
    put_row(page, "frames", line);
    if (json_is_true(json_object_get(manifest, "interrupted"))) {
        put_row(page, "interrupted", "yes");
    }
    if (text_of(manifest, "failure")[0] != '\0') {
        put_row(page, "failure", text_of(manifest, "failure"));
    }
    tt_html_table_end(page);
}

static void put_settings(FILE *page, const json_t *manifest) {
    static const char *const names[] = {"setting", "value", "from"};
    json_t *const settings = json_object_get(manifest, "settings");
    const char *key = NULL;
    json_t *value = NULL;
    tt_html_heading(page, "Settings");
    tt_html_table_begin(page, names, 3, 3);
    json_object_foreach(settings, key, value) {
        char text[1024];
        format_value(json_object_get(value, "value"), text, sizeof text);
        const char *const cells[] = {key, text, text_of(value, "origin")};
        if (text[0] != '\0') {
            tt_html_table_row(page, cells, 3, 3);
        }
    }
    tt_html_table_end(page);
}

static void put_command(FILE *page, const json_t *manifest) {
    const json_t *const words = json_object_get(manifest, "command_line");
    tt_html_heading(page, "Command");
    (void)fputs("<pre>", page);
    for (size_t i = 0; i < json_array_size(words); i++) {
        const char *const word = json_string_value(json_array_get(words, i));
        const char *const slash = i > 0 || word == NULL ? NULL : strrchr(word, '/');
        (void)fputs(i == 0 ? "" : " ", page);
        tt_html_text(page, slash != NULL ? slash + 1 : word == NULL ? "" : word);
    }
    (void)fputs("</pre>\n", page);
}

/* The files that stand beside the page, as links. */
static void put_files(FILE *page, const char *directory, const char *const *names, size_t count) {
    tt_html_heading(page, "Files");
    (void)fputs("<p>", page);
    for (size_t i = 0; i < count; i++) {
        char path[TT_PATH_MAX];
        if (tt_path_join(path, directory, names[i]) && access(path, R_OK) == 0) {
            (void)fprintf(page, "<a href=\"%s\">%s</a> ", names[i], names[i]);
        }
    }
    (void)fputs("</p>\n", page);
}

static void say_without_pictures(const tt_pictures *pictures) {
    if (pictures->drawn == 0) {
        (void)fputs("<p>There are no pictures here, because gnuplot could not draw them. "
                    "The data are in the files below.</p>\n",
                    pictures->page);
    }
}

/* Whether more is better of a metric of the run. */
static bool is_maximised(const json_t *manifest, const char *metric) {
    const json_t *const names = json_object_get(manifest, "maximised");
    for (size_t i = 0; i < json_array_size(names); i++) {
        const char *const name = json_string_value(json_array_get(names, i));
        if (name != NULL && strcmp(name, metric) == 0) {
            return true;
        }
    }
    return false;
}

static ps_err write_run(FILE *page, const char *directory, ps_fault *fault) {
    static const char *const files[] = {"manifest.json", "metrics.csv", "workers.csv",
                                        "staleness.csv", "topics.txt",  "topics.csv",
                                        "delays.csv",    "model/"};
    json_t *const manifest = tt_manifest_read(directory, fault);
    if (manifest == NULL) {
        return PS_EFORMAT;
    }
    const json_t *const settings = json_object_get(manifest, "settings");
    const char *const policy = text_of(json_object_get(settings, "policy"), "value");
    const char *const nodes = text_of(json_object_get(settings, "nodes"), "value");
    const char *const workers = text_of(json_object_get(settings, "workers"), "value");
    char title[256];
    char subtitle[1024];
    (void)snprintf(title, sizeof title, "%s under %s, %s", text_of(manifest, "algorithm"), policy,
                   strcmp(text_of(manifest, "world"), "sim") == 0 ? "simulated" : "for real");
    (void)snprintf(subtitle, sizeof subtitle, "%s nodes, %s workers, data: %.512s; %s", nodes,
                   workers, text_of(manifest, "data"), text_of(manifest, "start"));
    tt_html_begin(page, title, subtitle);
    put_results(page, manifest);
    tt_html_heading(page, "Pictures");
    tt_pictures pictures = {.page = page, .directory = directory};
    const tt_curves curves = {.directories = {directory}, .labels = {policy}, .count = 1};
    tt_pictures_objective(&pictures, &curves, "objective", is_maximised(manifest, "objective"));
    tt_pictures_workers(&pictures, directory);
    tt_pictures_staleness(&pictures, &curves);
    say_without_pictures(&pictures);
    tt_report_topics(page, directory);
    put_command(page, manifest);
    put_settings(page, manifest);
    tt_html_heading(page, "Made with");
    put_pairs(page, json_object_get(manifest, "versions"), "version of");
    (void)fputs("<p>", page);
    static const char *const digests[] = {"data_sha256", "model_sha256", "metrics_sha256"};
    for (size_t i = 0; i < sizeof digests / sizeof digests[0]; i++) {
        (void)fprintf(page, "%s <code>%s</code><br>\n", digests[i], text_of(manifest, digests[i]));
    }
    (void)fputs("</p>\n", page);
    put_files(page, directory, files, sizeof files / sizeof files[0]);
    tt_html_end(page);
    json_decref(manifest);
    return PS_OK;
}

/* Numbers of groups.csv as the table of the page shows them. */
static void format_cell(const tt_csv_table *groups, size_t row, const char *column,
                        char text[static 64]) {
    char number[TT_NUMBER_TEXT_BYTES];
    const size_t at = tt_csv_column(groups, column);
    const double value = at < groups->column_count ? tt_csv_number(groups, row, at) : (double)NAN;
    if (!isfinite(value)) {
        (void)strcpy(text, strcmp(column, "time_to_target_s") == 0 ? "never" : "");
    } else if (strcmp(column, "time_to_target_s") == 0 || strcmp(column, "time_s") == 0) {
        (void)snprintf(text, 64, "%s", tt_number_time(value, number));
    } else if (strcmp(column, "wait_share") == 0) {
        (void)snprintf(text, 64, "%.1f %%", 100 * value);
    } else if (strcmp(column, "bytes_sent") == 0) {
        (void)snprintf(text, 64, "%s", tt_number_bytes(value, number));
    } else if (strcmp(column, "time_ratio") == 0) {
        (void)snprintf(text, 64, "%.2f", value);
    } else {
        (void)snprintf(text, 64, "%.6g", value);
    }
}

static void put_groups(FILE *page, const tt_csv_table *groups, const char *metric,
                       bool has_target) {
    char final[96];
    (void)snprintf(final, sizeof final, "final_%s", metric);
    const char *const columns[] = {
        "time_to_target_s", "time_ratio", "arrived",    "runs",      final,
        "time_s",           "clocks",     "wait_share", "bytes_sent"};
    const char *const titles[] = {"group", "time to target", "ratio",  "arrived", "runs",
                                  final,   "time",           "clocks", "waiting", "sent"};
    enum { COUNT = sizeof columns / sizeof columns[0], TARGET_COLUMNS = 3 };
    const size_t skipped = has_target ? 0 : TARGET_COLUMNS;
    const char *head[COUNT + 1] = {titles[0]};
    memcpy(head + 1, titles + 1 + skipped, (COUNT - skipped) * sizeof *titles);
    tt_html_table_begin(page, head, COUNT - skipped + 1, 1);
    for (size_t row = 0; row < groups->row_count; row++) {
        char texts[COUNT][64];
        const char *cells[COUNT + 1] = {tt_csv_text(groups, row, tt_csv_column(groups, "group"))};
        for (size_t c = skipped; c < COUNT; c++) {
            format_cell(groups, row, columns[c], texts[c]);
            cells[c - skipped + 1] = texts[c];
        }
        tt_html_table_row(page, cells, COUNT - skipped + 1, 1);
    }
    tt_html_table_end(page);
}

static bool column_has_numbers(const tt_csv_table *table, const char *name) {
    const size_t at = tt_csv_column(table, name);
    for (size_t row = 0; at < table->column_count && row < table->row_count; row++) {
        if (isfinite(tt_csv_number(table, row, at))) {
            return true;
        }
    }
    return false;
}

/* The first run of every group that there is one of. `paths` holds their directories. */
static tt_curves curves_of(const char *directory, const tt_csv_table *groups,
                           char paths[static TT_CURVES_MAX][TT_PATH_MAX]) {
    tt_curves curves = {.count = 0};
    const size_t run = tt_csv_column(groups, "first_run");
    const size_t name = tt_csv_column(groups, "group");
    for (size_t row = 0; row < groups->row_count && curves.count < TT_CURVES_MAX; row++) {
        char *const path = paths[curves.count];
        if (tt_path_join(path, directory, tt_csv_text(groups, row, run)) &&
            tt_outdir_holds_run(path)) {
            curves.directories[curves.count] = path;
            curves.labels[curves.count] = tt_csv_text(groups, row, name);
            curves.count++;
        }
    }
    return curves;
}

/* The claims that were checked, if they were. */
static void put_claims(FILE *page, const char *directory) {
    static const char *const names[] = {"", "claim", "measured of", "number"};
    char path[TT_PATH_MAX];
    json_t *const file =
        tt_path_join(path, directory, "claims.json") ? json_load_file(path, 0, NULL) : NULL;
    const json_t *const claims = json_object_get(file, "claims");
    if (json_array_size(claims) > 0) {
        tt_html_heading(page, "Claims");
        tt_html_table_begin(page, names, 4, 3);
    }
    for (size_t i = 0; i < json_array_size(claims); i++) {
        const json_t *const claim = json_array_get(claims, i);
        const json_t *const measured = json_object_get(claim, "measured");
        const char *const head[] = {json_is_true(json_object_get(claim, "holds")) ? "PASS" : "FAIL",
                                    text_of(claim, "name"), text_of(claim, "demand"), ""};
        tt_html_table_row(page, head, 4, 3);
        for (size_t m = 0; m < json_array_size(measured); m++) {
            const json_t *const one = json_array_get(measured, m);
            char number[64];
            format_value(json_object_get(one, "number"), number, sizeof number);
            const char *const cells[] = {json_is_true(json_object_get(one, "holds")) ? "" : "fails",
                                         "", text_of(one, "of"),
                                         number[0] == '\0' ? "none" : number};
            tt_html_table_row(page, cells, 4, 3);
        }
    }
    if (json_array_size(claims) > 0) {
        tt_html_table_end(page);
    }
    json_decref(file);
}

static void put_sweep(FILE *page, const char *directory, const json_t *sweep,
                      const tt_csv_table *groups) {
    static const char *const files[] = {"sweep.json", "summary.csv", "groups.csv", "claims.txt",
                                        "claims.json"};
    const bool has_target = column_has_numbers(groups, "target");
    const char *const metric = text_of(sweep, "metric");
    const bool is_maximised = json_is_true(json_object_get(sweep, "is_maximised"));
    const char *const title = text_of(sweep, "title");
    char subtitle[512];
    char paths[TT_CURVES_MAX][TT_PATH_MAX];
    (void)snprintf(subtitle, sizeof subtitle,
                   "Experiment %s: %s, %s; %zu groups of runs, tortoise %s", text_of(sweep, "name"),
                   text_of(sweep, "algorithm"),
                   strcmp(text_of(sweep, "world"), "sim") == 0 ? "simulated" : "for real",
                   groups->row_count, text_of(sweep, "tortoise"));
    tt_html_begin(page, title[0] == '\0' ? text_of(sweep, "name") : title, subtitle);
    put_claims(page, directory);
    tt_html_heading(page, "Results, means over seeds");
    put_groups(page, groups, metric, has_target);
    if (has_target) {
        char number[64];
        format_cell(groups, 0, "target", number);
        (void)fprintf(page, "<p class=\"sub\">The target: %s at %s %s.</p>\n", metric,
                      is_maximised ? "least" : "most", number);
    }
    tt_html_heading(page, "Pictures");
    tt_pictures pictures = {.page = page, .directory = directory};
    const tt_curves curves = curves_of(directory, groups, paths);
    const json_t *const own = json_object_get(sweep, "pictures");
    for (size_t i = 0; i < json_array_size(own); i++) {
        const json_t *const one = json_array_get(own, i);
        tt_pictures_own(&pictures, text_of(one, "script"), text_of(one, "caption"));
    }
    tt_pictures_sweep(&pictures, has_target);
    tt_pictures_objective(&pictures, &curves, metric, is_maximised);
    tt_pictures_staleness(&pictures, &curves);
    if (curves.count > 0) {
        tt_pictures_workers(&pictures, curves.directories[0]);
    }
    say_without_pictures(&pictures);
    tt_html_heading(page, "Settings");
    put_pairs(page, json_object_get(sweep, "axes"), "axis");
    static const char *const names[] = {"setting", "value"};
    tt_html_table_begin(page, names, 2, 2);
    const json_t *const settings = json_object_get(sweep, "settings");
    for (size_t i = 0; i < json_array_size(settings); i++) {
        const json_t *const one = json_array_get(settings, i);
        const char *const cells[] = {text_of(one, "name"), text_of(one, "value")};
        tt_html_table_row(page, cells, 2, 2);
    }
    tt_html_table_end(page);
    put_files(page, directory, files, sizeof files / sizeof files[0]);
    tt_html_end(page);
}

static ps_err write_sweep(FILE *page, const char *directory, ps_fault *fault) {
    char description[TT_PATH_MAX];
    char table[TT_PATH_MAX];
    json_error_t error;
    tt_csv_table groups;
    if (!tt_path_join(description, directory, "sweep.json") ||
        !tt_path_join(table, directory, "groups.csv")) {
        return ps_fault_set(fault, PS_EINVAL, "%s: the path is too long", directory);
    }
    PS_TRY(tt_csv_read(table, &groups, fault));
    json_t *const sweep = json_load_file(description, 0, &error);
    ps_err err = PS_OK;
    if (!json_is_object(sweep)) {
        err = ps_fault_set(fault, PS_EFORMAT, "%s:%d:%d: %s", description, error.line, error.column,
                           error.text);
    } else if (tt_csv_column(&groups, "group") != 0 ||
               tt_csv_column(&groups, "first_run") == groups.column_count) {
        err = ps_fault_set(fault, PS_EFORMAT, "%s:1: is not the table of a sweep", table);
    } else {
        put_sweep(page, directory, sweep, &groups);
    }
    json_decref(sweep);
    tt_csv_fini(&groups);
    return err;
}

ps_err tt_report_write(const char *given, ps_fault *fault) {
    char directory[TT_PATH_MAX];
    char path[TT_PATH_MAX];
    char mark[TT_PATH_MAX];
    (void)snprintf(directory, sizeof directory, "%s", given);
    const size_t length = strlen(directory);
    if (length > 1 && directory[length - 1] == '/') {
        directory[length - 1] = '\0';
    }
    if (!tt_path_join(path, directory, "report.html") ||
        !tt_path_join(mark, directory, "sweep.json")) {
        return ps_fault_set(fault, PS_EINVAL, "%s: the path is too long", directory);
    }
    if (!tt_outdir_holds_run(directory)) {
        return ps_fault_set(fault, PS_EINVAL, "%s: holds no run and no sweep", directory);
    }
    char *text = NULL;
    size_t size_bytes = 0;
    FILE *const page = open_memstream(&text, &size_bytes);
    if (page == NULL) {
        return PS_ENOMEM;
    }
    ps_err err = access(mark, R_OK) == 0 ? write_sweep(page, directory, fault)
                                         : write_run(page, directory, fault);
    if (fclose(page) != 0 && err == PS_OK) {
        err = PS_ENOMEM;
    }
    if (err == PS_OK) {
        err = tt_file_replace(path, text, size_bytes, fault);
    }
    if (err == PS_OK) {
        (void)printf("%s\n", path);
    }
    free(text);
    return err;
}

ps_err tt_command_report(const tt_call *call, ps_fault *fault) {
    tt_settings settings;
    tt_words words;
    PS_TRY(tt_settings_init_of(&settings, "report", NULL, 0));
    ps_err err = tt_settings_read_arguments(&settings, call->own_count, call->own, &words, fault);
    tt_settings_fini(&settings);
    PS_TRY(err);
    if (words.help_is_wanted) {
        (void)printf("example: tortoise report out/demo\nusage: tortoise report DIR; the page is "
                     "DIR/report.html, "
                     "its pictures are in DIR/plots\n");
        return PS_OK;
    }
    if (words.count != 1) {
        return words.count == 0
                   ? ps_fault_set(fault, PS_EINVAL, "report needs the DIR of a run or a sweep")
                   : ps_fault_set(fault, PS_EINVAL, "unexpected argument '%s'", words.words[1]);
    }
    return tt_report_write(words.words[0], fault);
}
