/* An algorithm, as the rest of tortoise sees it: options, tables, the worker's loop and the evaluation.
 *
 * An algorithm lives in a folder of its own under src/algos and is one constant `ps_algo` that is listed in
 * src/algos/registry.c. It includes this header, tortoise/worker.h and the readers of src/data, and knows
 * nothing of processes, networks or clocks on the wall. */
#ifndef TORTOISE_ALGO_H
#define TORTOISE_ALGO_H

#include "tortoise/saved.h"
#include "tortoise/worker.h"

/* The largest numbers of partial sums and of metrics that an algorithm may have. */
enum { PS_SUMS_MAX = 16, PS_METRICS_MAX = 16 };

typedef enum ps_option_kind {
    PS_OPTION_COUNT,  /* a whole number */
    PS_OPTION_NUMBER, /* a real number */
    PS_OPTION_WORD,   /* one of `words`, separated by '|' */
    PS_OPTION_FLAG,   /* yes or no */
    PS_OPTION_SIZE    /* bytes, with a unit: "64MiB"; "0" needs none */
} ps_option_kind;

/* One option of an algorithm, "--name VALUE" on the command line and a key in experiment files. */
typedef struct ps_option {
    const char *name;
    ps_option_kind kind;
    const char *words;         /* of PS_OPTION_WORD: "constant|inverse-sqrt" */
    const char *default_value; /* as it would be typed */
    double min, max;           /* of COUNT, NUMBER and SIZE, inclusive */
    const char *help;          /* one line, with the unit */
} ps_option;

/* The number that the value of a PS_OPTION_COUNT or PS_OPTION_NUMBER says, which is checked before open(). */
double ps_option_number(const char *value);

/* The bytes that the value of a PS_OPTION_SIZE says, which is checked before open(); 0 if it says none. */
uint64_t ps_option_bytes(const char *value);

/* The place of `value` among the words of a PS_OPTION_WORD, from 0: 1 of "b" in "a|b|c". It is one of them,
 * which is checked before open(). O(words). */
int ps_option_place(const ps_option *option, const char *value);

/* The settings that an algorithm is opened with. Borrowed for the call of open(). */
typedef struct ps_settings {
    const char *data; /* a file, or "synthetic[:k=v,...]" */
    uint64_t seed;
    uint32_t worker_count;
    uint32_t clock_count;      /* 0: the algorithm's default */
    double staleness;          /* s that the policy promises: 0 of bsp; infinity: none */
    double batch;              /* in a clock: examples if >= 1, a share if < 1; 0: default */
    const char *const *values; /* of ps_algo.options, in their order; kind and range are checked */
} ps_settings;

/* A read-only state of all tables, as the evaluation sees it: dense[t] is row_count x column_count numbers
 * in row order, or, for a sparse table, NULL and sparse[t] is an array of row_count rows. */
typedef struct ps_model {
    uint32_t clock; /* of the slowest worker when the state was taken */
    size_t table_count;
    const ps_table_spec *specs;
    const void *const *dense;
    const ps_sparse_row *const *sparse;
} ps_model;

/* A metric that the run itself fills in: the mean of `mean`, which is one over all that `count` has counted
 * so far, over what was counted since the evaluation before; 0 if nothing was. Places among the metrics. */
typedef struct ps_since {
    size_t metric, mean, count;
} ps_since;

/* A file of a run that says how often its workers met each whole number: "policy,NUMBER,COLUMN,..." with a
 * row for every number that was met, ascending. See ps_tally(). */
typedef struct ps_tally_file {
    const char *name;           /* "delays.csv" */
    const char *number;         /* what the numbers are: "rounds" */
    const char *const *columns; /* what is counted by number */
    size_t column_count;        /* at least 1 */
} ps_tally_file;

typedef struct ps_algo {
    const char *name;    /* "mf" */
    const char *summary; /* one line */
    const char *unit;    /* what `units` of ps_compute() counts: "rating x rank" */
    double unit_cost_s;  /* seconds on the reference machine; a calibration file overrides it */
    uint32_t default_clock_count;

    const ps_option *options;
    size_t option_count;

    const char *const *metrics; /* columns; the first is "objective" */
    size_t metric_count;
    uint32_t maximised;    /* bit m is set: of metrics[m] more is better; else less is */
    size_t rate_metric;    /* a metric that the run itself fills in: work_units / time_s; 0: none */
    const ps_since *since; /* more of them */
    size_t since_count;
    size_t sum_count; /* of partial sums that evaluate() fills */
    const ps_tally_file *tally; /* NULL: none */

    /* Reads the data and makes the problem, which all workers of the process share and none changes. On
     * failure `fault` says why in one line and *problem_out is NULL. May take long; no other thread runs. */
    PS_MUST_CHECK ps_err (*open)(const ps_settings *settings, void **problem_out, ps_fault *fault);
    void (*close)(void *problem); /* accepts NULL */

    /* Describes the data and the model in one line for people. Returns the length, as snprintf does. May be
     * NULL. */
    int (*describe)(const void *problem, char *text, size_t text_size);

    /* Fills specs[0..PS_TABLES_MAX) and returns how many tables there are. */
    size_t (*tables)(const void *problem, ps_table_spec *specs);

    /* Writes the initial value of a dense row. Depends on its arguments alone. NULL: all zero. */
    void (*row_init)(const void *problem, uint32_t table, uint64_t row, void *values_out);

    /* The worker's whole life. Returns what stopped it; PS_ESTOPPED is no failure. */
    PS_MUST_CHECK ps_err (*worker)(ps_worker *worker, const void *problem);

    /* The share of one worker in the evaluation of `model`: fills sums[0..sum_count). `local` is a copy of
     * what the worker gave to ps_publish(), or NULL if it never did. Pure; several may run at once. */
    void (*evaluate)(const void *problem, uint32_t rank, const void *local, size_t local_size_bytes,
                     const ps_model *model, double *sums);

    /* Makes the metrics of the sums over all workers, which were added in rank order. */
    void (*finish)(const void *problem, const double *sums, double *metrics);

    /* Work units per clock of all workers together, for the expected time. May be NULL: not known. */
    double (*units_per_clock)(const void *problem);

    /* Makes what is to be kept of the final model beside its tables, and gives it to `sink` piece by piece.
     * Returns what went wrong first. One thread; may take seconds. NULL: the tables are all. */
    ps_err (*leave)(const void *problem, const ps_model *model, const ps_sink *sink);

    /* Answers for new data with a trained model; needs no open(). Checks that the pieces fit together:
     * PS_EFORMAT, with the line for people, if not. On failure answer_out is empty. NULL: there is no such
     * thing as `infer` for this algorithm. */
    ps_err (*infer)(const ps_question *question, ps_answer *answer_out, ps_fault *fault);
} ps_algo;

#endif
