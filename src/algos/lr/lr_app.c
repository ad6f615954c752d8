/* One table: the weights, in rows of 64. Per clock, a worker fetches the rows that its next
 * examples need, takes a step after each example, and publishes the difference. */
#include "algos/lr/lr_app.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "algos/lr/lr_problem.h"

enum { TABLE_WEIGHTS, TABLES, DEFAULT_CLOCKS = 200 /* one pass, with the default batch */ };

/* Seconds per non-zero of a visit on one core of an AMD EPYC (Zen 5, gcc 12 -O3), weights in the
 * second-level cache. `tortoise calibrate` measures it anew. */
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
typedef struct learner {
    const psi_lr_problem *problem;
    uint32_t rank;
    float **rows;     /* owned, [rows]: the fetched ones */
    uint64_t *wanted; /* owned, [rows]: those of the current examples */
    uint32_t *stamps; /* owned, [rows]: the clock that wanted a row last, + 1 */
    float *squares;   /* owned, [weights]: of the adaptive schedule; else NULL */
    float *slopes;    /* owned, [delay + 1]: gradients that are not used yet, by visit */
    float *before;    /* owned, [wanted][64]: rows as they were fetched, to mix; or NULL */
    size_t wanted_count;
    uint64_t visit, visit_end; /* of the current clock */
    psi_lr_progress progress;
} learner;

static void learner_fini(learner *l) {
    free(l->rows);
    free(l->wanted);
    free(l->stamps);
    free(l->squares);
    free(l->slopes);
    free(l->before);
}

/* The learner is safe to release whatever this returns. */
static ps_err learner_init(learner *l, const psi_lr_problem *problem, ps_worker *worker) {
    const size_t rows = psi_lr_row_count(&problem->shape);
    const int is_adaptive = problem->schedule == PSI_LR_ADAPTIVE;
    *l = (learner){.problem = problem, .rank = ps_rank(worker)};
    l->rows = calloc(rows, sizeof *l->rows);
    l->wanted = calloc(rows, sizeof *l->wanted);
    l->stamps = calloc(rows, sizeof *l->stamps);
    l->squares = is_adaptive ? calloc(rows * PSI_LR_COLUMNS, sizeof *l->squares) : NULL;
    l->slopes = calloc((size_t)problem->delay + 1, sizeof *l->slopes);
    l->before = problem->mixes ? calloc(rows * PSI_LR_COLUMNS, sizeof *l->before) : NULL;
    const int has_all = (!problem->mixes || l->before != NULL) && l->rows != NULL &&
                        l->wanted != NULL && l->stamps != NULL &&
                        (!is_adaptive || l->squares != NULL) && l->slopes != NULL;
    return has_all ? PS_OK : PS_ENOMEM;
}

/* Fetches the rows of the visits of this clock, and of those before whose gradients are still to be
 * used, and takes their places once. */
static ps_err rows_fetch(learner *l, ps_worker *worker) {
    const psi_lr_problem *const problem = l->problem;
    const uint64_t delay = problem->delay;
    psi_lr_row_set set = {
        .stamps = l->stamps, .stamp = ps_clock_now(worker) + 1, .rows = l->wanted};
    for (uint64_t v = l->visit < delay ? 0 : l->visit - delay; v < l->visit_end; v++) {
        psi_lr_rows_add(&problem->shape, &problem->examples, psi_lr_example_of(problem, l->rank, v),
                        &set);
    }
    PS_TRY(ps_fetch(worker, TABLE_WEIGHTS, l->wanted, set.count));
    for (size_t i = 0; i < set.count; i++) {
        l->rows[l->wanted[i]] = ps_edit(worker, TABLE_WEIGHTS, l->wanted[i]);
        if (l->rows[l->wanted[i]] == NULL) {
            return PS_ENOMEM;
        }
        if (problem->mixes) {
            memcpy(l->before + i * PSI_LR_COLUMNS, l->rows[l->wanted[i]],
                   PSI_LR_COLUMNS * sizeof *l->before);
        }
    }
    l->wanted_count = set.count;
    return PS_OK;
}

/* Iterative parameter mixing (McDonald, Hall and Mann 2010), uniform: of what each worker made of
 * the common weights, the mean, since the others add their shares. */
static void rows_mix(const learner *l) {
    const float share = 1 / (float)l->problem->worker_count;
    for (size_t i = 0; i < l->wanted_count; i++) {
        float *const row = l->rows[l->wanted[i]];
        const float *const before = l->before + i * PSI_LR_COLUMNS;
        for (int c = 0; c < PSI_LR_COLUMNS; c++) {
            row[c] = before[c] + share * (row[c] - before[c]);
        }
    }
}

/* The step that uses the gradient of `visit`, which is number t of all workers' together. Under the
 * adaptive schedule a worker takes the others' gradients to be as large as its own, so that P of
 * them go as far as one would. Where workers mix, each learns as if it were alone. */
static psi_lr_step step_of(const learner *l, uint64_t visit) {
    const psi_lr_problem *const problem = l->problem;
    const double workers = problem->mixes ? 1 : problem->worker_count;
    double fall = problem->schedule == PSI_LR_ADAPTIVE ? workers : 1;
    if (problem->schedule == PSI_LR_INVERSE_SQRT) {
        fall = (double)visit * workers + (problem->mixes ? 0 : l->rank) + 1;
    }
    return (psi_lr_step){.rate = (float)(problem->step / sqrt(fall)),
                         .l2 = (float)problem->l2,
                         .inverse_shares = problem->inverse_shares,
                         .squares = l->squares};
}

/* Is asked about an example, and learns from the one `delay` visits before. */
static void visit_one(learner *l, uint64_t visit) {
    const psi_lr_problem *const problem = l->problem;
    const uint64_t delay = problem->delay;
    const size_t asked = psi_lr_example_of(problem, l->rank, visit);
    const float label = problem->examples.labels[asked];
    const float margin = psi_lr_margin(&problem->shape, l->rows, &problem->examples, asked);
    l->progress.loss_sum += psi_lr_loss((double)margin, label);
    l->progress.error_count += psi_lr_is_error(margin, label);
    l->progress.visit_count += 1;
    l->slopes[visit % (delay + 1)] = (float)psi_lr_slope((double)margin, label);
    if (visit >= delay) {
        const uint64_t used = visit - delay;
        const psi_lr_step step = step_of(l, used);
        psi_lr_learn(&problem->shape, &step, l->rows, &problem->examples,
                     psi_lr_example_of(problem, l->rank, used), l->slopes[used % (delay + 1)]);
    }
}

static void visits_make(void *arg) {
    learner *const l = arg;
    for (; l->visit < l->visit_end; l->visit++) {
        visit_one(l, l->visit);
    }
    if (l->problem->mixes) {
        rows_mix(l);
    }
}

static ps_err learner_clock(learner *l, ps_worker *worker) {
    const psi_lr_problem *const problem = l->problem;
    l->visit_end = l->visit + psi_lr_batch_size(problem, l->rank);
    PS_TRY(rows_fetch(l, worker));
    double units = 0;
    for (uint64_t v = l->visit; v < l->visit_end; v++) {
        units += psi_lr_units(&problem->shape, &problem->examples,
                              psi_lr_example_of(problem, l->rank, v));
    }
    PS_TRY(ps_compute(worker, units, visits_make, l));
    return ps_clock(worker);
}

static ps_err lr_worker(ps_worker *worker, const void *problem) {
    learner l;
    ps_err err = learner_init(&l, problem, worker);
    if (err == PS_OK) {
        ps_publish(worker, &l.progress, sizeof l.progress);
    }
    for (uint32_t clock = 0; clock < ps_clock_count(worker) && err == PS_OK; clock++) {
        err = learner_clock(&l, worker);
    }
    learner_fini(&l);
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
        units += psi_lr_units(&lr->shape, &lr->examples, lr->training[i]);
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
};

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
