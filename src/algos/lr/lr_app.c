/* One table: the weights, in rows of 64. Per clock, a worker fetches the rows that its next
 * examples and their pairs need, takes a step after each example, and publishes the difference. */
#include "algos/lr/lr_app.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "algos/lr/lr_learner.h"

enum { TABLE_WEIGHTS, TABLES, DEFAULT_CLOCKS = 200 /* one pass, with the default batch */ };

/* The share of a visit's time that hashing its pairs and finding their rows takes: measured, 0.22
 * of a plain step, 0.09 of a normalised one. */
#define FINDING_SHARE_PLAIN 0.22
#define FINDING_SHARE_NORMALIZED 0.09

/* Seconds per non-zero of a visit on one core of an AMD EPYC (Zen 5, gcc 12 -O3), weights in the
 * second-level cache, of plain steps; those with a rate per weight take up to twice as long.
 * `tortoise calibrate` measures it anew. */
#define REFERENCE_COST_S 6e-9

static ps_err lr_open(const ps_settings *settings, void **problem_out, ps_fault *fault) {
    psi_lr_problem *problem = NULL;
    const ps_err err = psi_lr_problem_open(settings, &problem, fault);
    *problem_out = problem;
    return err;
}

static void lr_close(void *problem) {
    psi_lr_problem_close(problem);
}

static int lr_describe(const void *problem, char *text, size_t text_size) {
    const psi_lr_problem *const lr = problem;
    return snprintf(text, text_size,
                    "%zu training and %zu held-out examples of %u features, %.4g non-zeros each; "
                    "%zu weights%s, %zu examples a clock",
                    lr->training_count, lr->heldout_count, lr->examples.feature_count,
                    (double)lr->examples.nonzero_count / (double)lr->examples.count,
                    psi_lr_weight_count(&lr->shape),
                    lr->shape.is_quadratic ? ", those of pairs among them" : "",
                    psi_lr_batch_size(lr, 0) * lr->worker_count);
}

static size_t lr_tables(const void *problem, ps_table_spec *specs) {
    const psi_lr_problem *const lr = problem;
    specs[TABLE_WEIGHTS] = (ps_table_spec){.name = "weights",
                                           .type = PS_F32,
                                           .layout = PS_DENSE,
                                           .row_count = psi_lr_row_count(&lr->shape),
                                           .column_count = PSI_LR_COLUMNS};
    return TABLES;
}

/* A worker at work. */
typedef struct work {
    psi_lr_learner learner;
    psi_lr_row_set wanted; /* the rows of the clock's examples; arrays owned */
    float *before;         /* owned, [wanted][64]: rows as they were fetched, to mix; or NULL */
} work;

static void work_fini(work *w) {
    psi_lr_learner_fini(&w->learner);
    free(w->wanted.rows);
    free(w->wanted.stamps);
    free(w->before);
}

/* Safe to release whatever this returns. */
static ps_err work_init(work *w, const psi_lr_problem *problem, ps_worker *worker) {
    const size_t rows = psi_lr_row_count(&problem->shape);
    *w = (work){.before = NULL};
    w->wanted.rows = calloc(rows, sizeof *w->wanted.rows);
    w->wanted.stamps = calloc(rows, sizeof *w->wanted.stamps);
    w->before = problem->mixes ? calloc(rows * PSI_LR_COLUMNS, sizeof *w->before) : NULL;
    PS_TRY(psi_lr_learner_init(&w->learner, problem, ps_rank(worker)));
    const int has_before = !problem->mixes || w->before != NULL;
    return has_before && w->wanted.rows != NULL && w->wanted.stamps != NULL ? PS_OK : PS_ENOMEM;
}

static void rows_find(void *arg) {
    work *const w = arg;
    psi_lr_learner_find(&w->learner, &w->wanted);
}

/* Fetches the rows that were found, and takes their places once. */
static ps_err rows_fetch(work *w, ps_worker *worker) {
    const uint64_t *const wanted = w->wanted.rows;
    PS_TRY(ps_fetch(worker, TABLE_WEIGHTS, wanted, w->wanted.count));
    for (size_t i = 0; i < w->wanted.count; i++) {
        float *const row = ps_edit(worker, TABLE_WEIGHTS, wanted[i]);
        if (row == NULL) {
            return PS_ENOMEM;
        }
        w->learner.rows[wanted[i]] = row;
        if (w->before != NULL) {
            memcpy(w->before + i * PSI_LR_COLUMNS, row, PSI_LR_COLUMNS * sizeof *row);
        }
    }
    return PS_OK;
}

/* Iterative parameter mixing (McDonald, Hall and Mann 2010), uniform: of what each worker made of
 * the common weights, the mean, since the others add their shares. */
static void rows_mix(const work *w) {
    const float share = 1 / (float)w->learner.problem->worker_count;
    for (size_t i = 0; i < w->wanted.count; i++) {
        float *const row = w->learner.rows[w->wanted.rows[i]];
        const float *const before = w->before + i * PSI_LR_COLUMNS;
        for (int c = 0; c < PSI_LR_COLUMNS; c++) {
            row[c] = before[c] + share * (row[c] - before[c]);
        }
    }
}

static void visits_make(void *arg) {
    work *const w = arg;
    psi_lr_learner_visit(&w->learner);
    if (w->before != NULL) {
        rows_mix(w);
    }
}

/* Which rows a clock needs is part of its work where pairs must be hashed for it. */
static ps_err clock_make(work *w, ps_worker *worker) {
    const int is_quadratic = w->learner.problem->shape.is_quadratic;
    const int is_normalized = w->learner.problem->schedule == PSI_LR_NORMALIZED;
    const double share = is_normalized ? FINDING_SHARE_NORMALIZED : FINDING_SHARE_PLAIN;
    const double units = psi_lr_learner_begin(&w->learner);
    const double units_of_finding = is_quadratic ? share * units : 0;
    w->wanted.stamp = ps_clock_now(worker) + 1;
    w->wanted.count = 0;
    if (is_quadratic) {
        PS_TRY(ps_compute(worker, units_of_finding, rows_find, w));
    } else {
        rows_find(w);
    }
    PS_TRY(rows_fetch(w, worker));
    PS_TRY(ps_compute(worker, units - units_of_finding, visits_make, w));
    return ps_clock(worker);
}

static ps_err lr_worker(ps_worker *worker, const void *problem) {
    work w;
    ps_err err = work_init(&w, problem, worker);
    if (err == PS_OK) {
        ps_publish(worker, &w.learner.progress, sizeof w.learner.progress);
    }
    for (uint32_t clock = 0; clock < ps_clock_count(worker) && err == PS_OK; clock++) {
        err = clock_make(&w, worker);
    }
    work_fini(&w);
    return err;
}

/* A worker that has published nothing yet has seen nothing. */
static void lr_evaluate(const void *problem, uint32_t rank, const void *local,
                        size_t local_size_bytes, const ps_model *model, double *sums) {
    const psi_lr_progress nothing = {0};
    const int is_known = local != NULL && local_size_bytes == sizeof(psi_lr_progress);
    psi_lr_evaluate(problem, rank, is_known ? local : &nothing, model->dense[TABLE_WEIGHTS], sums);
}

static void lr_finish(const void *problem, const double *sums, double *metrics) {
    psi_lr_finish(problem, sums, metrics);
}

static double lr_units_per_clock(const void *problem) {
    const psi_lr_problem *const lr = problem;
    double units = 0, examples = 0;
    for (size_t i = 0; i < lr->training_count; i++) {
        const psi_lr_view x = psi_lr_view_of(&lr->shape, &lr->examples, lr->training[i]);
        units += psi_lr_units(&x);
    }
    for (uint32_t w = 0; w < lr->worker_count; w++) {
        examples += (double)psi_lr_batch_size(lr, w);
    }
    return units / (double)lr->training_count * examples;
}

static ps_err lr_leave(const void *problem, const ps_model *model, const ps_sink *sink) {
    (void)model;
    return psi_lr_leave(problem, sink);
}

static const char *const metrics[PSI_LR_METRICS] = {
    [PSI_LR_OBJECTIVE] = "objective",
    [PSI_LR_PROGRESSIVE_LOSS] = "progressive_loss",
    [PSI_LR_PROGRESSIVE_ERROR] = "progressive_error",
    [PSI_LR_HELDOUT_LOSS] = "heldout_loss",
    [PSI_LR_HELDOUT_ERROR] = "heldout_error",
    [PSI_LR_AUC] = "auc",
    [PSI_LR_EXAMPLES] = "examples",
    [PSI_LR_SINCE_LOSS] = "since_last_loss",
    [PSI_LR_SINCE_ERROR] = "since_last_error",
};

static const ps_since since[] = {{PSI_LR_SINCE_LOSS, PSI_LR_PROGRESSIVE_LOSS, PSI_LR_EXAMPLES},
                                 {PSI_LR_SINCE_ERROR, PSI_LR_PROGRESSIVE_ERROR, PSI_LR_EXAMPLES}};

const ps_algo psi_lr_algo = {
    .name = "lr",
    .summary = "logistic regression by stochastic gradient descent",
    .unit = "non-zero",
    .unit_cost_s = REFERENCE_COST_S,
    .default_clock_count = DEFAULT_CLOCKS,
    .options = psi_lr_option_list,
    .option_count = PSI_LR_OPTIONS,
    .metrics = metrics,
    .metric_count = PSI_LR_METRICS,
    .maximised = 1U << PSI_LR_AUC | 1U << PSI_LR_EXAMPLES,
    .since = since,
    .since_count = sizeof since / sizeof since[0],
    .sum_count = PSI_LR_SUMS,
    .open = lr_open,
    .close = lr_close,
    .describe = lr_describe,
    .tables = lr_tables,
    .worker = lr_worker,
    .evaluate = lr_evaluate,
    .finish = lr_finish,
    .units_per_clock = lr_units_per_clock,
    .leave = lr_leave,
    .infer = psi_lr_infer,
};
