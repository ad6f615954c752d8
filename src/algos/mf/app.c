/* One table: the rows of the items. The rows of a worker's users never leave it. Per clock, a
 * worker fetches the items of one batch, at once or slice by slice, makes a step for each rating of
 * it, and publishes the difference. */
#include "algos/mf/app.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "algos/mf/batch_order.h"
#include "algos/mf/problem.h"

enum { TABLE_ITEMS = 0, DEFAULT_CLOCKS = 200 };

/* Seconds per rating and rank of psi_mf_sgd() on one core of an AMD EPYC (Zen 5, gcc 12 -O3), ranks
 * 16 and 32 with biases, data beyond the second-level cache. `tortoise calibrate` measures it anew.
 */
#define REFERENCE_COST_S 8.5e-10

static ps_err mf_open(const ps_settings *settings, void **problem_out, ps_fault *fault) {
    psi_mf_problem *problem = NULL;
    const ps_err err = psi_mf_problem_open(settings, &problem, fault);
    *problem_out = problem;
    return err;
}

static void mf_close(void *problem) {
    psi_mf_problem_close(problem);
}

static int mf_describe(const void *problem, char *text, size_t text_size) {
    const psi_mf_problem *const mf = problem;
    return snprintf(text, text_size,
                    "%u users x %u items, %zu training and %zu held-out ratings, mean %.4g, "
                    "deviation %.4g; rank %u%s, %.4g batches per pass",
                    mf->user_count, mf->item_count, mf->training_count, mf->heldout_count, mf->mean,
                    mf->deviation, mf->shape.rank, mf->shape.has_bias ? " with biases" : "",
                    (double)mf->blocks.shares[mf->worker_count].batch_begin / mf->worker_count);
}

static size_t mf_tables(const void *problem, ps_table_spec *specs) {
    const psi_mf_problem *const mf = problem;
    specs[TABLE_ITEMS] = (ps_table_spec){.name = "items",
                                         .type = PS_F32,
                                         .layout = PS_DENSE,
                                         .row_count = mf->item_count,
                                         .column_count = psi_mf_width(mf->shape),
                                         .block_rows = 0};
    return 1;
}

static void mf_row_init(const void *problem, uint32_t table, uint64_t row, void *values_out) {
    (void)table;
    psi_mf_item_init(problem, row, values_out);
}

/* A worker at work. */
typedef struct solver {
    const psi_mf_problem *problem;
    uint32_t rank;
    float *users;       /* owned: its users' rows */
    psi_mf_item *items; /* owned: of the current batch */
    uint64_t *rows;     /* owned: the same, as the table numbers them */
    psi_mf_batch_order order;
    psi_mf_learning_rate rate;
    size_t batch;   /* the current one */
    uint32_t slice; /* the current one of it */
    double loss;    /* of the batch so far */
} solver;

static void solver_fini(solver *s) {
    free(s->users);
    free(s->items);
    free(s->rows);
    psi_mf_batch_order_fini(&s->order);
}

/* Items of the largest batch of a worker. */
static size_t items_most(const psi_mf_blocks *blocks, uint32_t rank) {
    size_t most = 1;
    for (size_t b = blocks->shares[rank].batch_begin; b < blocks->shares[rank + 1].batch_begin;
         b++) {
        const size_t count = psi_mf_batch_item_count(blocks, b);
        most = count > most ? count : most;
    }
    return most;
}

/* Bytes of a worker's users' rows; never 0. */
static size_t users_size_bytes(const psi_mf_problem *problem, uint32_t rank) {
    const size_t users = psi_mf_user_count(&problem->blocks, rank);
    const size_t size = users * psi_mf_width(problem->shape) * sizeof(float);
    return size > 0 ? size : sizeof(float);
}

/* The solver is safe to release whatever this returns. */
static ps_err solver_init(solver *s, const psi_mf_problem *problem, ps_worker *worker) {
    const psi_mf_blocks *const blocks = &problem->blocks;
    *s = (solver){.problem = problem, .rank = ps_rank(worker)};
    const size_t batch_count = psi_mf_batch_count(blocks, s->rank);
    const size_t item_count = items_most(blocks, s->rank);
    s->users = malloc(users_size_bytes(problem, s->rank));
    s->items = calloc(item_count, sizeof *s->items);
    s->rows = calloc(item_count, sizeof *s->rows);
    if (s->users == NULL || s->items == NULL || s->rows == NULL) {
        return PS_ENOMEM;
    }
    psi_mf_users_init(problem, s->rank, s->users);
    s->rate = psi_mf_learning_rate_start(problem->schedule, (double)problem->step, batch_count);
    return psi_mf_batch_order_init(&s->order, batch_count,
                                   ps_worker_random(worker, PSI_MF_ORDER_STREAM));
}

/* Fetches the items of the slice and takes their places once, so that the steps look nothing up. */
static ps_err items_fetch(solver *s, ps_worker *worker) {
    const psi_mf_blocks *const blocks = &s->problem->blocks;
    const uint32_t *const items = blocks->items + blocks->batches[s->batch].item_begin;
    const size_t count = psi_mf_batch_item_count(blocks, s->batch);
    const size_t begin = psi_mf_slice_first(blocks, count, s->slice);
    const size_t end = psi_mf_slice_first(blocks, count, s->slice + 1);
    for (size_t i = begin; i < end; i++) {
        s->rows[i] = items[i];
    }
    PS_TRY(ps_fetch(worker, TABLE_ITEMS, s->rows + begin, end - begin));
    for (size_t i = begin; i < end; i++) {
        s->items[i] = (psi_mf_item){.row = ps_edit(worker, TABLE_ITEMS, s->rows[i]),
                                    .step_scale = s->problem->step_scales[items[i]]};
        PS_ASSERT(s->items[i].row != NULL);
    }
    return PS_OK;
}

/* Ratings [*begin_out, returned end) of the current slice. */
static size_t slice_ratings(const solver *s, size_t *begin_out) {
    const psi_mf_blocks *const blocks = &s->problem->blocks;
    const size_t *const ends = blocks->slice_ends + s->batch * blocks->slice_count;
    *begin_out = s->slice == 0 ? blocks->batches[s->batch].rating_begin : ends[s->slice - 1];
    return ends[s->slice];
}

/* The work of a slice: touches the solver and the fetched rows alone. */
static void slice_learn(void *arg) {
    solver *const s = arg;
    const psi_mf_blocks *const blocks = &s->problem->blocks;
    const psi_mf_rate rate = {.step = (float)psi_mf_learning_rate_step(&s->rate),
                              .lambda = s->problem->lambda};
    const psi_mf_rows rows = {.users = s->users, .items = s->items};
    size_t begin;
    const size_t end = slice_ratings(s, &begin);
    s->loss += psi_mf_sgd(s->problem->shape, rate, blocks->ratings + begin, end - begin, &rows);
}

static ps_err solver_clock(solver *s, ps_worker *worker) {
    if (s->rate.batch_count == 0) { /* more workers than users: this one has nothing to do */
        return ps_clock(worker);
    }
    const size_t first = s->problem->blocks.shares[s->rank].batch_begin;
    s->batch = first + psi_mf_batch_order_next(&s->order);
    s->loss = 0.0;
    for (s->slice = 0; s->slice < s->problem->blocks.slice_count; s->slice++) {
        size_t begin;
        const size_t end = slice_ratings(s, &begin);
        PS_TRY(items_fetch(s, worker));
        const double units = (double)(end - begin) * s->problem->shape.rank;
        PS_TRY(ps_compute(worker, units, slice_learn, s));
    }
    psi_mf_learning_rate_advance(&s->rate, s->loss);
    return ps_clock(worker);
}

static ps_err mf_worker(ps_worker *worker, const void *problem) {
    solver s;
    ps_err err = solver_init(&s, problem, worker);
    if (err == PS_OK) {
        ps_publish(worker, s.users, users_size_bytes(problem, s.rank));
    }
    for (uint32_t clock = 0; clock < ps_clock_count(worker) && err == PS_OK; clock++) {
        err = solver_clock(&s, worker);
    }
    solver_fini(&s);
    return err;
}

static void sums_spoil(double *sums) {
    for (int i = 0; i < PSI_MF_SUMS; i++) {
        sums[i] = NAN;
    }
}

/* A worker that has published nothing yet has its initial users. */
static void mf_evaluate(const void *problem, uint32_t rank, const void *local,
                        size_t local_size_bytes, const ps_model *model, double *sums) {
    const psi_mf_problem *const mf = problem;
    const size_t size = users_size_bytes(mf, rank);
    const float *users = local;
    float *initial = NULL;
    if (local == NULL) {
        initial = malloc(size);
        if (initial != NULL) {
            psi_mf_users_init(mf, rank, initial);
        }
        users = initial;
    } else if (local_size_bytes != size) {
        users = NULL;
    }
    if (users == NULL) { /* not to be known: said by the metrics, as nan */
        sums_spoil(sums);
    } else {
        psi_mf_evaluate(mf, rank, users, model->dense[TABLE_ITEMS], sums);
    }
    free(initial);
}

static void mf_finish(const void *problem, const double *sums, double *metrics) {
    psi_mf_finish(problem, sums, metrics);
}

static double mf_units_per_clock(const void *problem) {
    const psi_mf_problem *const mf = problem;
    double ratings = 0;
    for (uint32_t w = 0; w < mf->worker_count; w++) {
        const psi_mf_share *const share = &mf->blocks.shares[w];
        const size_t batches = psi_mf_batch_count(&mf->blocks, w);
        if (batches > 0) {
            const size_t count = mf->blocks.batches[share[1].batch_begin].rating_begin -
                                 mf->blocks.batches[share->batch_begin].rating_begin;
            ratings += (double)count / (double)batches;
        }
    }
    return ratings * mf->shape.rank;
}

static const char *const metrics[PSI_MF_METRICS] = {
    [PSI_MF_OBJECTIVE] = "objective",
    [PSI_MF_TRAIN_RMSE] = "train_rmse",
    [PSI_MF_HELDOUT_RMSE] = "heldout_rmse",
};

const ps_algo psi_mf_algo = {
    .name = "mf",
    .summary = "matrix factorisation by stochastic gradient descent",
    .unit = "rating x rank",
    .unit_cost_s = REFERENCE_COST_S,
    .default_clock_count = DEFAULT_CLOCKS,
    .options = psi_mf_options,
    .option_count = PSI_MF_OPTIONS,
    .metrics = metrics,
    .metric_count = PSI_MF_METRICS,
    .sum_count = PSI_MF_SUMS,
    .open = mf_open,
    .close = mf_close,
    .describe = mf_describe,
    .tables = mf_tables,
    .row_init = mf_row_init,
    .worker = mf_worker,
    .evaluate = mf_evaluate,
    .finish = mf_finish,
    .units_per_clock = mf_units_per_clock,
};
