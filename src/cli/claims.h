/* Claims: what the runs of an experiment must show. They are data in the experiment file:
 *
 *     claims = (
 *       { name = "ESSP is nearly insensitive to s";      one line; PASS or FAIL stands before it
 *         quantity = "loglik_per_token";                 one number of every run, see below
 *         at = "clock=50";                               or "time_s=30", "end" (the default)
 *         of = { policy = "essp:*"; };                   the runs: values of axes, or patterns, or
 *                                                        a list of them; default: all runs
 *         averaged = "seed";                             mean of the runs along an axis
 *         over = "policy"; statistic = "spread";         one number of the runs along an axis
 *         plus = 1;                                      a slope or exponent against s + 1
 *         against = { policy = "ssp:*"; };               compared with that of these runs
 *         compare = "ratio";                             (default), or "difference"
 *         at_most = 0.5; }                               and, or, at_least = 0.1
 *     );
 *
 * Whatever axis the claim does not name, it must hold at each of its values: on each seed.
 * docs/reproduce.md has all words. */
#ifndef TT_CLAIMS_H
#define TT_CLAIMS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include <libconfig.h>

#include "tortoise/err.h"

#include "csv_table.h"

enum { TT_CLAIMS_MAX = 32, TT_CHOICE_AXES = 8, TT_CHOICE_VALUES = 64, TT_CLAIM_NAME_BYTES = 160 };

/* Where the number of a run is found. */
typedef enum tt_claim_source {
    TT_FROM_METRICS,  /* a column of metrics.csv, at `at` */
    TT_FROM_SUMMARY,  /* a column of the sweep's summary.csv */
    TT_FROM_STALENESS /* a figure of the histogram staleness.csv */
} tt_claim_source;

/* One number of the runs along an axis. */
typedef enum tt_statistic {
    TT_VALUE, /* of each run; the only one without `over` */
    TT_MEAN,
    TT_MIN,
    TT_MAX,
    TT_SPREAD,        /* largest minus smallest */
    TT_SLOPE,         /* of the line of least squares against the axis' numbers */
    TT_EXPONENT,      /* the same of the logarithms: 1 is proportional, 0 is flat */
    TT_SMALLEST_STEP, /* from a value of the axis to the next, in the order of the file */
    TT_LARGEST_STEP,
    TT_STATISTICS
} tt_statistic;

/* Values of the axes of an experiment. */
typedef struct tt_choice {
    bool is_set;
    bool names[TT_CHOICE_AXES]; /* an axis that it does not name has all its values */
    bool values[TT_CHOICE_AXES][TT_CHOICE_VALUES];
} tt_choice;

typedef struct tt_claim {
    char name[TT_CLAIM_NAME_BYTES];
    char quantity[64];
    tt_claim_source source;
    char at_column[64]; /* empty: at the end */
    double at_value;
    tt_choice of, against;
    size_t averaged; /* an axis over which numbers are averaged before all else, or axis_count */
    size_t over;     /* an axis; with TT_VALUE there is none */
    tt_statistic statistic;
    double plus; /* added to the numbers of the axis, of slopes and exponents */
    bool is_difference;
    bool has_at_most, has_at_least;
    double at_most, at_least;
    unsigned line;
} tt_claim;

struct tt_experiment;

/* The words for statistics, and for the figures of a histogram of staleness. */
enum { TT_STALENESS_FIGURES = 3 };
extern const char *const tt_statistic_names[TT_STATISTICS];
extern const char *const tt_staleness_figures[TT_STALENESS_FIGURES];

/* The number of an axis' value: what stands behind its colon ("ssp:3"), or all of it. NaN if that
 * is none. */
double tt_claim_axis_number(const char *value);

/* Reads the list `claims` of an experiment whose axes and target are read, into its `claims`.
 * PS_EINVAL with file and line. */
PS_MUST_CHECK ps_err tt_claims_read(struct tt_experiment *experiment, const config_setting_t *list,
                                    ps_fault *fault);

/* The number of one run: of its table metrics.csv between the two rows around `at`, or of its
 * staleness.csv, or of row `row` of summary.csv. NaN if there is none. */
double tt_claim_of_metrics(const tt_claim *claim, const tt_csv_table *metrics);
double tt_claim_of_staleness(const tt_claim *claim, const tt_csv_table *staleness);
double tt_claim_of_summary(const tt_claim *claim, const tt_csv_table *summary, size_t row);

/* One thing that was measured: for `run` (the first of its runs, where there are several along an
 * axis), compared with `partner` unless that is equal to it. */
typedef struct tt_measured {
    size_t run, partner;
    double number;
    /* Of a slope or exponent: its confidence interval of 95 per cent is number +- half. Else NaN.
     */
    double half;
    bool holds;
} tt_measured;

typedef struct tt_verdict {
    tt_measured *measured; /* owned: tt_verdict_fini() */
    size_t count, failed;
    bool holds; /* all do, and there is at least one */
} tt_verdict;

/* Decides a claim: values[run] is its number of every run. No I/O. PS_ENOMEM. */
PS_MUST_CHECK ps_err tt_claim_decide(const struct tt_experiment *experiment, const tt_claim *claim,
                                     const double *values, tt_verdict *verdict_out);
void tt_verdict_fini(tt_verdict *verdict);

/* Writes what the claim demands as a line: "loglik_per_token at the end, spread over policy, at
 * most 0.02"; and which runs one measurement is of: "policy=essp:3 seed=1". */
void tt_claim_put(FILE *file, const struct tt_experiment *experiment, const tt_claim *claim);
void tt_measured_put(FILE *file, const struct tt_experiment *experiment, const tt_claim *claim,
                     const tt_measured *measured);

#endif
