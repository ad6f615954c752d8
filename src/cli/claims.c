#include "claims.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <gsl/gsl_cdf.h>
#include <gsl/gsl_fit.h>

#include "experiment.h"
#include "numbers.h"

const char *const tt_statistic_names[TT_STATISTICS] = {
    "value", "mean", "min", "max", "spread", "slope", "exponent", "smallest_step", "largest_step"};

const char *const tt_staleness_figures[TT_STALENESS_FIGURES] = {
    "staleness_mean", "staleness_deviation", "staleness_fresh_share"};

double tt_claim_axis_number(const char *value) {
    const char *const colon = strrchr(value, ':');
    const char *const text = colon == NULL ? value : colon + 1;
    char *end = NULL;
    const double number = strtod(text, &end);
    return end == text || *end != '\0' ? (double)NAN : number;
}

/* ---- The number of a run ---- */

double tt_claim_of_metrics(const tt_claim *claim, const tt_csv_table *metrics) {
    const size_t value = tt_csv_column(metrics, claim->quantity);
    const size_t rows = metrics->row_count;
    if (value == metrics->column_count || rows == 0) {
        return (double)NAN;
    }
    if (claim->at_column[0] == '\0') {
        return tt_csv_number(metrics, rows - 1, value);
    }
    const size_t at = tt_csv_column(metrics, claim->at_column);
    if (at == metrics->column_count) {
        return (double)NAN;
    }
    for (size_t row = 0; row < rows; row++) {
        const double right = tt_csv_number(metrics, row, at);
        if (!(right >= claim->at_value)) {
            continue;
        }
        const double after = tt_csv_number(metrics, row, value);
        if (right == claim->at_value || row == 0) {
            return right == claim->at_value ? after : (double)NAN;
        }
        const double left = tt_csv_number(metrics, row - 1, at);
        const double before = tt_csv_number(metrics, row - 1, value);
        return before + (after - before) * (claim->at_value - left) / (right - left);
    }
    return (double)NAN;
}

double tt_claim_of_staleness(const tt_claim *claim, const tt_csv_table *staleness) {
    const size_t difference = tt_csv_column(staleness, "clock_difference");
    const size_t reads = tt_csv_column(staleness, "reads");
    if (difference == staleness->column_count || reads == staleness->column_count) {
        return (double)NAN;
    }
    double total = 0;
    double sum = 0;
    double squares = 0;
    double fresh = 0;
    for (size_t row = 0; row < staleness->row_count; row++) {
        const double clocks = tt_csv_number(staleness, row, difference);
        const double count = tt_csv_number(staleness, row, reads);
        total += count;
        sum += count * clocks;
        squares += count * clocks * clocks;
        fresh += clocks >= -1 ? count : 0;
    }
    const double mean = sum / total;
    if (strcmp(claim->quantity, tt_staleness_figures[0]) == 0) {
        return mean;
    }
    return strcmp(claim->quantity, tt_staleness_figures[1]) == 0
               ? sqrt(fmax(0, squares / total - mean * mean))
               : fresh / total;
}

double tt_claim_of_summary(const tt_claim *claim, const tt_csv_table *summary, size_t row) {
    const size_t state = tt_csv_column(summary, "state");
    const size_t value = tt_csv_column(summary, claim->quantity);
    if (state == summary->column_count || value == summary->column_count ||
        row >= summary->row_count || strcmp(tt_csv_text(summary, row, state), "ok") != 0) {
        return (double)NAN;
    }
    const double number = tt_csv_number(summary, row, value);
    const bool is_of_target = strstr(claim->quantity, "_to_target") != NULL;
    return isnan(number) && is_of_target ? (double)INFINITY : number;
}

/* ---- The number of several runs ---- */

static size_t stride_of(const tt_experiment *experiment, size_t axis) {
    size_t stride = 1;
    for (size_t i = axis + 1; i < experiment->axis_count; i++) {
        stride *= experiment->axes[i].value_count;
    }
    return stride;
}

static size_t place_of(const tt_experiment *experiment, size_t run, size_t axis) {
    return run / stride_of(experiment, axis) % experiment->axes[axis].value_count;
}

/* The slope of the line of least squares; NaN if all x are equal. *half_out is half of its
 * confidence interval of 95 per cent (Student's t), infinite of two points. */
static double slope_of(const double *x, const double *y, size_t count, double *half_out) {
    double intercept, slope, at_0, covariance, at_1, squares;
    (void)gsl_fit_linear(x, 1, y, 1, count, &intercept, &slope, &at_0, &covariance, &at_1,
                         &squares);
    *half_out =
        count > 2 ? gsl_cdf_tdist_Pinv(0.975, (double)count - 2) * sqrt(at_1) : (double)INFINITY;
    return slope;
}

static double slope_along(const tt_claim *claim, double *x, double *y, size_t count,
                          double *half_out) {
    for (size_t i = 0; i < count && claim->statistic == TT_EXPONENT; i++) {
        x[i] = log(x[i]);
        y[i] = log(y[i]);
    }
    return slope_of(x, y, count, half_out);
}

/* One number of those along an axis. One that is missing (NaN) makes the result NaN. */
static double reduce(const tt_claim *claim, double *x, double *y, size_t count, double *half_out) {
    double sum = 0;
    double least = (double)INFINITY;
    double most = -(double)INFINITY;
    double shortest = (double)INFINITY;
    double longest = -(double)INFINITY;
    for (size_t i = 0; i < count; i++) {
        if (isnan(y[i])) {
            return (double)NAN;
        }
        sum += y[i];
        least = fmin(least, y[i]);
        most = fmax(most, y[i]);
        shortest = i == 0 ? shortest : fmin(shortest, y[i] - y[i - 1]);
        longest = i == 0 ? longest : fmax(longest, y[i] - y[i - 1]);
    }
    switch (claim->statistic) {
    case TT_MEAN:
        return sum / (double)count;
    case TT_MIN:
        return least;
    case TT_MAX:
        return most;
    case TT_SPREAD:
        return most - least;
    case TT_SMALLEST_STEP:
        return shortest;
    case TT_LARGEST_STEP:
        return longest;
    default:
        return slope_along(claim, x, y, count, half_out);
    }
}

/* The number of a run, or the mean of those that differ from it on the axis of `averaged` alone.
 * One that is missing makes it NaN. */
static double value_of(const tt_experiment *experiment, const tt_claim *claim,
                       const tt_choice *choice, size_t run, const double *values) {
    const size_t axis = claim->averaged;
    if (axis == experiment->axis_count) {
        return values[run];
    }
    const size_t stride = stride_of(experiment, axis);
    const size_t first = run - place_of(experiment, run, axis) * stride;
    double sum = 0;
    size_t count = 0;
    for (size_t v = 0; v < experiment->axes[axis].value_count; v++) {
        sum += choice->values[axis][v] ? values[first + v * stride] : 0;
        count += choice->values[axis][v] ? 1 : 0;
    }
    return sum / (double)count;
}

/* The number of the runs that agree with `run` on all axes but that of `over`, of those that
 * `choice` has; of `run` itself if there is no such axis. *half_out is half of a slope's confidence
 * interval, or NaN. */
static double number_of(const tt_experiment *experiment, const tt_claim *claim,
                        const tt_choice *choice, size_t run, const double *values,
                        double *half_out) {
    double x[TT_AXIS_VALUES_MAX];
    double y[TT_AXIS_VALUES_MAX];
    size_t count = 0;
    *half_out = (double)NAN;
    if (claim->over == experiment->axis_count) {
        return value_of(experiment, claim, choice, run, values);
    }
    const tt_axis *const axis = &experiment->axes[claim->over];
    const size_t stride = stride_of(experiment, claim->over);
    const size_t own = place_of(experiment, run, claim->over);
    for (size_t v = 0; v < axis->value_count; v++) {
        if (choice->values[claim->over][v]) {
            const size_t other = run - own * stride + v * stride;
            x[count] = tt_claim_axis_number(axis->values[v]) + claim->plus;
            y[count++] = value_of(experiment, claim, choice, other, values);
        }
    }
    return reduce(claim, x, y, count, half_out);
}

/* ---- The decision ---- */

/* Whether a run is of the choice, and the first of its group along `over` and `averaged`. */
static bool is_first(const tt_experiment *experiment, const tt_claim *claim,
                     const tt_choice *choice, size_t run) {
    for (size_t axis = 0; axis < experiment->axis_count; axis++) {
        const size_t place = place_of(experiment, run, axis);
        if (!choice->values[axis][place]) {
            return false;
        }
        const bool is_joined = axis == claim->over || axis == claim->averaged;
        for (size_t v = 0; is_joined && v < place; v++) {
            if (choice->values[axis][v]) {
                return false;
            }
        }
    }
    return true;
}

/* Whether two runs agree on every axis that neither `against` nor `over` names. */
static bool are_partners(const tt_experiment *experiment, const tt_claim *claim, size_t run,
                         size_t other) {
    for (size_t axis = 0; axis < experiment->axis_count; axis++) {
        if (!claim->against.names[axis] && axis != claim->over && axis != claim->averaged &&
            place_of(experiment, run, axis) != place_of(experiment, other, axis)) {
            return false;
        }
    }
    return true;
}

static ps_err add(tt_verdict *verdict, const tt_claim *claim, tt_measured measured) {
    tt_measured *const grown =
        realloc(verdict->measured, (verdict->count + 1) * sizeof *verdict->measured);
    if (grown == NULL) {
        return PS_ENOMEM;
    }
    /* Not a number holds neither way. */
    measured.holds = !isnan(measured.number) &&
                     (!claim->has_at_most || measured.number <= claim->at_most) &&
                     (!claim->has_at_least || measured.number >= claim->at_least);
    verdict->measured = grown;
    verdict->measured[verdict->count++] = measured;
    verdict->failed += measured.holds ? 0 : 1;
    return PS_OK;
}

/* Compares a run with all its partners. */
static ps_err decide_against(const tt_experiment *experiment, const tt_claim *claim, size_t run,
                             const double *values, tt_verdict *verdict) {
    const size_t count = tt_experiment_run_count(experiment);
    double half;
    const double own = number_of(experiment, claim, &claim->of, run, values, &half);
    for (size_t other = 0; other < count; other++) {
        if (!is_first(experiment, claim, &claim->against, other) ||
            !are_partners(experiment, claim, run, other) || other == run) {
            continue;
        }
        const double theirs = number_of(experiment, claim, &claim->against, other, values, &half);
        PS_TRY(add(verdict, claim,
                   (tt_measured){.run = run,
                                 .partner = other,
                                 .number = claim->is_difference ? own - theirs : own / theirs,
                                 .half = (double)NAN}));
    }
    return PS_OK;
}

ps_err tt_claim_decide(const tt_experiment *experiment, const tt_claim *claim, const double *values,
                       tt_verdict *verdict_out) {
    tt_verdict verdict = {0};
    const size_t count = tt_experiment_run_count(experiment);
    ps_err err = PS_OK;
    for (size_t run = 0; run < count && err == PS_OK; run++) {
        if (!is_first(experiment, claim, &claim->of, run)) {
            continue;
        }
        if (claim->against.is_set) {
            err = decide_against(experiment, claim, run, values, &verdict);
        } else {
            tt_measured measured = {.run = run, .partner = run};
            measured.number = number_of(experiment, claim, &claim->of, run, values, &measured.half);
            err = add(&verdict, claim, measured);
        }
    }
    if (err != PS_OK) {
        tt_verdict_fini(&verdict);
        return err;
    }
    verdict.holds = verdict.count > 0 && verdict.failed == 0;
    *verdict_out = verdict;
    return PS_OK;
}

void tt_verdict_fini(tt_verdict *verdict) {
    free(verdict->measured);
    *verdict = (tt_verdict){0};
}

/* ---- As text ---- */

static void put_choice(FILE *file, const tt_experiment *experiment, const tt_choice *choice) {
    for (size_t axis = 0; axis < experiment->axis_count; axis++) {
        const char *gap = "=";
        if (!choice->names[axis]) {
            continue;
        }
        (void)fprintf(file, " %s", experiment->axes[axis].name);
        for (size_t v = 0; v < experiment->axes[axis].value_count; v++) {
            if (choice->values[axis][v]) {
                (void)fprintf(file, "%s%s", gap, experiment->axes[axis].values[v]);
                gap = "|";
            }
        }
    }
}

void tt_claim_put(FILE *file, const tt_experiment *experiment, const tt_claim *claim) {
    (void)fputs(claim->quantity, file);
    if (claim->at_column[0] != '\0') {
        (void)fprintf(file, " at %s=%.9g", claim->at_column, claim->at_value);
    }
    if (claim->averaged < experiment->axis_count) {
        (void)fprintf(file, ", mean over %s", experiment->axes[claim->averaged].name);
    }
    if (claim->over < experiment->axis_count) {
        (void)fprintf(file, ", %s over %s", tt_statistic_names[claim->statistic],
                      experiment->axes[claim->over].name);
    }
    if (claim->plus != 0) {
        (void)fprintf(file, " + %.9g", claim->plus);
    }
    if (claim->of.is_set) {
        (void)fputs(", of", file);
        put_choice(file, experiment, &claim->of);
    }
    if (claim->against.is_set) {
        (void)fprintf(file, ", %s", claim->is_difference ? "less that of" : "divided by that of");
        put_choice(file, experiment, &claim->against);
    }
    (void)fputs(": ", file);
    if (claim->has_at_least) {
        (void)fprintf(file, "at least %.9g", claim->at_least);
    }
    if (claim->has_at_most) {
        (void)fprintf(file, "%sat most %.9g", claim->has_at_least ? ", " : "", claim->at_most);
    }
}

static void put_run(FILE *file, const tt_experiment *experiment, const tt_claim *claim,
                    size_t run) {
    const char *gap = "";
    for (size_t axis = 0; axis < experiment->axis_count; axis++) {
        if (axis != claim->over && axis != claim->averaged) {
            (void)fprintf(file, "%s%s=%s", gap, experiment->axes[axis].name,
                          tt_experiment_value(experiment, run, axis));
            gap = " ";
        }
    }
    (void)fputs(gap[0] == '\0' ? "all runs" : "", file);
}

void tt_measured_put(FILE *file, const tt_experiment *experiment, const tt_claim *claim,
                     const tt_measured *measured) {
    put_run(file, experiment, claim, measured->run);
    if (!claim->against.is_set) {
        return;
    }
    (void)fputs(" against", file);
    for (size_t axis = 0; axis < experiment->axis_count; axis++) {
        if (claim->against.names[axis] && axis != claim->over) {
            (void)fprintf(file, " %s=%s", experiment->axes[axis].name,
                          tt_experiment_value(experiment, measured->partner, axis));
        }
    }
    if (claim->over < experiment->axis_count && claim->against.names[claim->over]) {
        (void)fputs(" the others", file);
    }
}
