#include "report_pictures.h"

#include <string.h>

#include "gnuplot.h"
#include "html_page.h"
#include "outdir.h"

enum { WORDS_BYTES = TT_CURVES_MAX * (TT_PATH_MAX + 8), VARIABLES_MAX = 12 };

/* Joins `count` texts as gnuplot's words: "a" "b". False when one holds a quote, which gnuplot
 * could not take. */
static bool join_words(char words[static WORDS_BYTES], const char *const *texts, size_t count,
                       const char *file) {
    size_t used = 0;
    words[0] = '\0';
    for (size_t i = 0; i < count; i++) {
        if (strpbrk(texts[i], "\"'\\`") != NULL) {
            return false;
        }
        const int length =
            snprintf(words + used, WORDS_BYTES - used, "%s\"%s%s%s\"", i == 0 ? "" : " ", texts[i],
                     file == NULL ? "" : "/", file == NULL ? "" : file);
        if (length < 0 || used + (size_t)length >= WORDS_BYTES) {
            return false;
        }
        used += (size_t)length;
    }
    return true;
}

/* Draws one picture as SVG and PNG, and puts it into the page. `name` is the file's, without its
 * ending. */
static void draw(tt_pictures *pictures, const char *script, const char *name, const char *caption,
                 const tt_gnuplot_variable *given, size_t given_count) {
    static const char *const endings[] = {"svg", "png"};
    char inner[TT_PATH_MAX];
    char paths[2][TT_PATH_MAX];
    ps_fault fault = {0};
    if (pictures->is_off) {
        return;
    }
    PS_ASSERT(given_count + 2 <= VARIABLES_MAX);
    ps_err err = tt_path_join(inner, pictures->directory, "plots")
                     ? tt_directory_create(inner, &fault)
                     : PS_EINVAL;
    for (size_t i = 0; i < 2 && err == PS_OK; i++) {
        tt_gnuplot_variable variables[VARIABLES_MAX];
        memcpy(variables, given, given_count * sizeof *given);
        (void)snprintf(paths[i], sizeof paths[i], "%.900s/%s.%s", inner, name, endings[i]);
        variables[given_count] = (tt_gnuplot_variable){"output", paths[i]};
        variables[given_count + 1] = (tt_gnuplot_variable){"picture", name};
        err = tt_gnuplot_draw(script, variables, given_count + 2, &fault);
    }
    err = err != PS_OK ? err : tt_html_picture(pictures->page, paths[0], caption, &fault);
    if (err != PS_OK) {
        (void)fprintf(stderr, "tortoise: no picture %s: %s\n", name, fault.text);
        pictures->is_off = err == PS_EINVAL;
        return;
    }
    pictures->drawn++;
}

void tt_pictures_objective(tt_pictures *pictures, const tt_curves *curves, const char *metric,
                           bool is_maximised) {
    static const struct {
        const char *column, *name, *caption;
    } kinds[] = {
        {"time_s", "objective_time", "against time"},
        {"clock_min", "objective_clocks", "against clocks of the slowest worker"},
        {"bytes_sent", "objective_bytes", "against bytes sent"},
    };
    char files[WORDS_BYTES];
    char labels[WORDS_BYTES];
    if (curves->count == 0 ||
        !join_words(files, curves->directories, curves->count, "metrics.csv") ||
        !join_words(labels, curves->labels, curves->count, NULL)) {
        return;
    }
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        const tt_gnuplot_variable variables[] = {{"files", files},
                                                 {"labels", labels},
                                                 {"metric", metric},
                                                 {"against", kinds[i].column},
                                                 {"is_maximised", is_maximised ? "1" : "0"}};
        char caption[256];
        (void)snprintf(caption, sizeof caption, "The %s %s. %s is better.", metric,
                       kinds[i].caption, is_maximised ? "Higher" : "Lower");
        draw(pictures, "objective.gp", kinds[i].name, caption, variables, 5);
    }
}

void tt_pictures_workers(tt_pictures *pictures, const char *directory) {
    char file[TT_PATH_MAX];
    if (!tt_path_join(file, directory, "workers.csv") || strpbrk(file, "\"'\\`") != NULL) {
        return;
    }
    const tt_gnuplot_variable variables[] = {
        {"file", file}, {"clocks_shown", "12"}, {"ranks_shown", "32"}};
    draw(pictures, "workers.gp", "workers", "What each worker did with its time.", variables, 1);
    draw(pictures, "timeline.gp", "timeline",
         "The first clocks, worker by worker: each bar is a clock.", variables, 3);
}

void tt_pictures_staleness(tt_pictures *pictures, const tt_curves *curves) {
    char files[WORDS_BYTES];
    char labels[WORDS_BYTES];
    if (curves->count == 0 ||
        !join_words(files, curves->directories, curves->count, "staleness.csv") ||
        !join_words(labels, curves->labels, curves->count, NULL)) {
        return;
    }
    const tt_gnuplot_variable variables[] = {{"files", files}, {"labels", labels}};
    draw(pictures, "staleness.gp", "staleness",
         "How stale reads were: -1 is as fresh as a finished clock can be; further left is older.",
         variables, 2);
}

void tt_pictures_sweep(tt_pictures *pictures, bool has_target) {
    char file[TT_PATH_MAX];
    if (!tt_path_join(file, pictures->directory, "groups.csv") || strpbrk(file, "\"'\\`") != NULL) {
        return;
    }
    const tt_gnuplot_variable variables[] = {{"file", file}, {"label", "group"}};
    if (has_target) {
        draw(pictures, "sweep_target.gp", "target", "Time to reach the target, mean over seeds.",
             variables, 2);
    }
    draw(pictures, "sweep_breakdown.gp", "breakdown",
         "Where the time of the workers went, mean over seeds.", variables, 2);
}

void tt_pictures_own(tt_pictures *pictures, const char *script, const char *caption) {
    char name[64];
    (void)snprintf(name, sizeof name, "%.*s", (int)strcspn(script, "."), script);
    if (strpbrk(pictures->directory, "\"'\\`") != NULL || strpbrk(script, "\"'\\`/") != NULL) {
        return;
    }
    const tt_gnuplot_variable variables[] = {{"directory", pictures->directory}};
    draw(pictures, script, name, caption, variables, 1);
}
