/* One table: the weights, in rows of 64. Per clock, a worker fetches the rows that its next
 * examples and their pairs need, takes a step after each example, and publishes the difference. */
#include "algos/lr/lr_app.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "algos/lr/lr_problem.h"

enum { TABLE_WEIGHTS, TABLES, DEFAULT_CLOCKS = 200 /* one pass, with the default batch */ };

/* Places of pairs that a worker keeps at most: 64 MiB. Those of other examples are hashed again. */
enum { PAIRS_MAX = 1 << 24 };
#define PAIRS_NONE SIZE_MAX

/* The share of a visit's time that hashing its pairs and finding their rows takes. */
#define FINDING_SHARE 0.4

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
    uint32_t stamp;                   /* of the current clock */
    uint64_t first, visit, visit_end; /* of the current clock: the oldest gradient to be used */
    uint32_t *pairs;                  /* owned, [pairs_max]: places, of visit after visit */
    size_t *pair_begins;              /* owned, [delay + batch]: of visit first + i; PAIRS_NONE */
    size_t pairs_max;
    psi_lr_progress progress;
} learner;

/* The example of one of the worker's visits, without the places of its pairs. */
static psi_lr_view view_of_visit(const learner *l, uint64_t visit) {
    return psi_lr_view_of(&l->problem->shape, &l->problem->examples,
                          psi_lr_example_of(l->problem, l->rank, visit));
}

/* The same, of a visit of this clock, with them. */
static psi_lr_view view_with_pairs(const learner *l, uint64_t visit) {
    psi_lr_view x = view_of_visit(l, visit);
    if (l->problem->shape.is_quadratic) {
        const size_t begin = l->pair_begins[visit - l->first];
        x.pairs = begin == PAIRS_NONE ? NULL : l->pairs + begin;
    }
    return x;
}

static void learner_fini(learner *l) {
    free(l->rows);
    free(l->wanted);
    free(l->stamps);
    free(l->squares);
    free(l->slopes);
    free(l->before);
    free(l->pairs);
    free(l->pair_begins);
}

/* Room for the places of the pairs of a clock's examples: for all, or for as many as may be kept. */
static ps_err pairs_init(learner *l) {
    const psi_lr_problem *const problem = l->problem;
    const size_t visits = problem->delay + psi_lr_batch_size(problem, l->rank);
    size_t most = 0;
    for (size_t v = 0; v < psi_lr_own_count(problem, l->rank); v++) {
        const psi_lr_view x = view_of_visit(l, v);
        const size_t pairs = psi_lr_pair_count(&x);
        most = pairs > most ? pairs : most;
    }
    l->pairs_max = most > PAIRS_MAX / visits ? PAIRS_MAX : most * visits;
    l->pairs = malloc((l->pairs_max + 1) * sizeof *l->pairs);
    l->pair_begins = calloc(visits, sizeof *l->pair_begins);
    return l->pairs == NULL || l->pair_begins == NULL ? PS_ENOMEM : PS_OK;
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
    if (!has_all) {
        return PS_ENOMEM;
    }
    return problem->shape.is_quadratic ? pairs_init(l) : PS_OK;
}

/* Finds the rows of the visits of this clock, and of those before whose gradients are still to be
 * used, and keeps the places of their pairs, as far as there is room. */
static void rows_find(void *arg) {
    learner *const l = arg;
    const psi_lr_shape *const shape = &l->problem->shape;
    psi_lr_row_set set = {.stamps = l->stamps, .stamp = l->stamp, .rows = l->wanted};
    size_t used = 0;
    for (uint64_t v = l->first; v < l->visit_end; v++) {
        psi_lr_view x = view_of_visit(l, v);
        if (shape->is_quadratic) {
            const size_t count = psi_lr_pair_count(&x);
            const int is_kept = count <= l->pairs_max - used;
            l->pair_begins[v - l->first] = is_kept ? used : PAIRS_NONE;
            if (is_kept) {
                psi_lr_pairs_place(shape, &x, l->pairs + used);
                x.pairs = l->pairs + used;
                used += count;
            }
        }
        psi_lr_rows_add(shape, &x, &set);
    }
    psi_lr_rows_order(shape, &set);
    l->wanted_count = set.count;
}

/* Fetches the rows that were found, and takes their places once. */
static ps_err rows_fetch(learner *l, ps_worker *worker) {
    PS_TRY(ps_fetch(worker, TABLE_WEIGHTS, l->wanted, l->wanted_count));
    for (size_t i = 0; i < l->wanted_count; i++) {
        l->rows[l->wanted[i]] = ps_edit(worker, TABLE_WEIGHTS, l->wanted[i]);
        if (l->rows[l->wanted[i]] == NULL) {
            return PS_ENOMEM;
        }
        if (l->problem->mixes) {
            memcpy(l->before + i * PSI_LR_COLUMNS, l->rows[l->wanted[i]],
                   PSI_LR_COLUMNS * sizeof *l->before);
        }
    }
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
    const float label = problem->examples.labels[psi_lr_example_of(problem, l->rank, visit)];
    const psi_lr_view asked = view_with_pairs(l, visit);
    const float margin = psi_lr_margin(&problem->shape, l->rows, &asked);
    l->progress.loss_sum += psi_lr_loss((double)margin, label);
    l->progress.error_count += psi_lr_is_error(margin, label);
    l->progress.visit_count += 1;
    l->slopes[visit % (delay + 1)] = (float)psi_lr_slope((double)margin, label);
    if (visit >= delay) {
        const uint64_t used = visit - delay;
        const psi_lr_step step = step_of(l, used);
        const psi_lr_view x = delay == 0 ? asked : view_with_pairs(l, used);
        psi_lr_learn(&problem->shape, &step, l->rows, &x, l->slopes[used % (delay + 1)]);
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

/* Which rows a clock needs is part of its work where pairs must be hashed for it. */
static ps_err learner_clock(learner *l, ps_worker *worker) {
    const psi_lr_problem *const problem = l->problem;
    l->stamp = ps_clock_now(worker) + 1;
    l->first = l->visit < problem->delay ? 0 : l->visit - problem->delay;
    l->visit_end = l->visit + psi_lr_batch_size(problem, l->rank);
    double units = 0;
    for (uint64_t v = l->visit; v < l->visit_end; v++) {
        const psi_lr_view x = view_of_visit(l, v);
        units += psi_lr_units(&x);
    }
    const double units_of_finding = problem->shape.is_quadratic ? FINDING_SHARE * units : 0;
    if (problem->shape.is_quadratic) {
        PS_TRY(ps_compute(worker, units_of_finding, rows_find, l));
    } else {
        rows_find(l);
    }
    PS_TRY(rows_fetch(l, worker));
    PS_TRY(ps_compute(worker, units - units_of_finding, visits_make, l));
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
