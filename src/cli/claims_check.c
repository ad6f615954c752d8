#include "claims_check.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "numbers.h"
#include "version.h"

/* So many measurements are printed one by one; of more, the range and those that fail. */
enum { SHOWN_MAX = 6 };

/* ---- Reading ---- */

/* The number of one run, of the files in its folder. NaN if the run is not there. */
static ps_err read_value(const tt_sweep *sweep, const tt_claim *claim, size_t run,
                         const tt_csv_table *summary, double *value_out, ps_fault *fault) {
    const bool is_staleness = claim->source == TT_FROM_STALENESS;
    char directory[TT_PATH_MAX];
    char path[TT_PATH_MAX];
    tt_csv_table table;
    *value_out = (double)NAN;
    if (claim->source == TT_FROM_SUMMARY) {
        *value_out = tt_claim_of_summary(claim, summary, run);
        return PS_OK;
    }
    if (!sweep->runs[run].is_there) {
        return PS_OK;
    }
    if (!tt_sweep_run_directory(sweep, run, directory) ||
        !tt_path_join(path, directory, is_staleness ? "staleness.csv" : "metrics.csv")) {
        return ps_fault_set(fault, PS_EINVAL, "%s: the path is too long", sweep->directory);
    }
    PS_TRY(tt_csv_read(path, &table, fault));
    *value_out =
        is_staleness ? tt_claim_of_staleness(claim, &table) : tt_claim_of_metrics(claim, &table);
    tt_csv_fini(&table);
    return PS_OK;
}

static ps_err decide(const tt_sweep *sweep, const tt_claim *claim, const tt_csv_table *summary,
                     tt_verdict *verdict_out, ps_fault *fault) {
    double *const values = calloc(sweep->count, sizeof *values);
    ps_err err = values == NULL ? PS_ENOMEM : PS_OK;
    for (size_t run = 0; run < sweep->count && err == PS_OK; run++) {
        err = read_value(sweep, claim, run, summary, &values[run], fault);
    }
    err = err != PS_OK ? err : tt_claim_decide(sweep->experiment, claim, values, verdict_out);
    free(values);
    return err;
}

/* ---- Writing ---- */

static const char *number_text(double number, char text[static 32]) {
    if (isnan(number)) {
        return "no number: a run is missing, or ended before";
    }
    if (isinf(number)) {
        return number > 0 ? "infinite" : "less than any";
    }
    (void)snprintf(text, 32, "%.6g", number);
    return text;
}

static void put_range(FILE *file, const tt_verdict *verdict) {
    double least = (double)INFINITY;
    double most = -(double)INFINITY;
    char text[2][32];
    for (size_t i = 0; i < verdict->count; i++) {
        least = fmin(least, verdict->measured[i].number);
        most = fmax(most, verdict->measured[i].number);
    }
    (void)fprintf(file, "      %s to %s in %zu measurements", number_text(least, text[0]),
                  number_text(most, text[1]), verdict->count);
    (void)(verdict->failed > 0 ? fprintf(file, ", of which %zu do not hold:\n", verdict->failed)
                               : fprintf(file, "\n"));
}

static void put_claim(FILE *file, const tt_sweep *sweep, const tt_claim *claim,
                      const tt_verdict *verdict, size_t shown_max) {
    (void)fprintf(file, "%s  %s\n      ", verdict->holds ? "PASS" : "FAIL", claim->name);
    tt_claim_put(file, sweep->experiment, claim);
    (void)fputc('\n', file);
    const bool shows_all = verdict->count <= shown_max;
    if (!shows_all) {
        put_range(file, verdict);
    }
    for (size_t i = 0, shown = 0; i < verdict->count && shown < shown_max; i++) {
        const tt_measured *const measured = &verdict->measured[i];
        char text[32];
        if (!shows_all && measured->holds) {
            continue;
        }
        (void)fprintf(file, "      %s  ", measured->holds ? " " : "!");
        tt_measured_put(file, sweep->experiment, claim, measured);
        (void)fprintf(file, ": %s", number_text(measured->number, text));
        if (isfinite(measured->half)) {
            (void)fprintf(file, " +- %.2g (95 %%)", measured->half);
        }
        (void)fputc('\n', file);
        shown++;
    }
}

/* A text that a function writes; owned by the caller, NULL when memory is exhausted. */
static char *demand_text(const tt_sweep *sweep, const tt_claim *claim,
                         const tt_measured *measured) {
    char *text = NULL;
    size_t size = 0;
    FILE *const file = open_memstream(&text, &size);
    if (file == NULL) {
        return NULL;
    }
    if (measured == NULL) {
        tt_claim_put(file, sweep->experiment, claim);
    } else {
        tt_measured_put(file, sweep->experiment, claim, measured);
    }
    return fclose(file) == 0 ? text : NULL;
}

static json_t *describe(const tt_sweep *sweep, const tt_claim *claim, const tt_verdict *verdict) {
    json_t *const all = json_array();
    for (size_t i = 0; i < verdict->count; i++) {
        const tt_measured *const measured = &verdict->measured[i];
        char *const text = demand_text(sweep, claim, measured);
        json_t *const number =
            isfinite(measured->number) ? json_real(measured->number) : json_null();
        json_t *const object = json_pack("{s:s*,s:o,s:b}", "of", text, "number", number, "holds",
                                         (int)measured->holds);
        if (object != NULL && isfinite(measured->half)) {
            (void)json_object_set_new(object, "half_interval", json_real(measured->half));
        }
        (void)json_array_append_new(all, object);
        free(text);
    }
    char *const demand = demand_text(sweep, claim, NULL);
    json_t *const object = json_pack("{s:s,s:s*,s:b,s:o}", "name", claim->name, "demand", demand,
                                     "holds", (int)verdict->holds, "measured", all);
    free(demand);
    return object;
}

/* What is gathered claim by claim. */
typedef struct outcome {
    FILE *text;   /* claims.txt */
    json_t *list; /* owned */
    size_t failed;
} outcome;

static ps_err check_all(const tt_sweep *sweep, outcome *out, ps_fault *fault) {
    const tt_experiment *const experiment = sweep->experiment;
    char path[TT_PATH_MAX];
    tt_csv_table summary;
    ps_err err = PS_OK;
    if (!tt_path_join(path, sweep->directory, "summary.csv")) {
        return ps_fault_set(fault, PS_EINVAL, "%s: the path is too long", sweep->directory);
    }
    PS_TRY(tt_csv_read(path, &summary, fault));
    for (size_t c = 0; c < experiment->claim_count && err == PS_OK; c++) {
        const tt_claim *const claim = &experiment->claims[c];
        tt_verdict verdict = {0};
        err = decide(sweep, claim, &summary, &verdict, fault);
        if (err == PS_OK) {
            put_claim(stdout, sweep, claim, &verdict, SHOWN_MAX);
            put_claim(out->text, sweep, claim, &verdict, verdict.count);
            (void)json_array_append_new(out->list, describe(sweep, claim, &verdict));
            out->failed += verdict.holds ? 0 : 1;
        }
        tt_verdict_fini(&verdict);
    }
    tt_csv_fini(&summary);
    return err;
}

static ps_err write_file(const tt_sweep *sweep, const char *name, const char *text, size_t size,
                         ps_fault *fault) {
    char path[TT_PATH_MAX];
    if (text == NULL) {
        return PS_ENOMEM;
    }
    return tt_path_join(path, sweep->directory, name)
               ? tt_file_replace(path, text, size, fault)
               : ps_fault_set(fault, PS_EINVAL, "%s: the path is too long", sweep->directory);
}

ps_err tt_claims_check(const tt_sweep *sweep, size_t *failed_out, ps_fault *fault) {
    char *text = NULL;
    size_t size = 0;
    outcome out = {.text = open_memstream(&text, &size), .list = json_array()};
    if (out.text == NULL) {
        json_decref(out.list);
        return PS_ENOMEM;
    }
    ps_err err = check_all(sweep, &out, fault);
    if (fclose(out.text) != 0 && err == PS_OK) {
        err = PS_ENOMEM;
    }
    json_t *const object =
        json_pack("{s:i,s:s,s:b,s:s,s:o}", "format", 1, "name", sweep->experiment->name, "holds",
                  (int)(out.failed == 0), "tortoise", TT_VERSION " " TT_GIT, "claims", out.list);
    char *const described = json_dumps(object, JSON_INDENT(2));
    err = err != PS_OK ? err : write_file(sweep, "claims.txt", text, size, fault);
    err = err != PS_OK ? err
                       : write_file(sweep, "claims.json", described,
                                    described == NULL ? 0 : strlen(described), fault);
    *failed_out = out.failed;
    json_decref(object);
    free(described);
    free(text);
    return err;
}
