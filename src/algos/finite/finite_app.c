/* One table with a row for each worker, which nobody else writes. Proximal steps are one worker's,
 * or each worker's in its own block; perceptrons and blocks read the rows of all once a clock;
 * averaged machines read nothing of each other. */
#include "algos/finite/finite_app.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "algos/finite/averaging.h"
#include "algos/finite/blocks.h"
#include "algos/finite/mixing.h"
#include "algos/finite/proximal.h"

enum { TABLE_ROWS, TABLES };

/* Seconds per visit of an example, of order of magnitude: set --unit-cost where time matters. */
#define REFERENCE_COST_S 1e-8

static ps_err finite_open(const ps_settings *settings, void **problem_out, ps_fault *fault) {
    psi_finite_problem *problem = NULL;
    const ps_err err = psi_finite_problem_open(settings, &problem, fault);
    *problem_out = problem;
    return err;
}

static void finite_close(void *problem) {
    psi_finite_problem_close(problem);
}

static int finite_describe(const void *problem, char *text, size_t text_size) {
    const psi_finite_problem *const finite = problem;
    const psi_theorem *const theorem = &finite->theorem->theorem;
    return snprintf(
        text, text_size, "%g examples in %u dimensions; step %.4g; %s: %s is measured; %s (%s)",
        (double)finite->examples.round_count, finite->game.set.dimension, finite->facts.step,
        theorem->name, theorem->measured, theorem->paper, theorem->certainty);
}

static size_t finite_tables(const void *problem, ps_table_spec *specs) {
    const psi_finite_problem *const finite = problem;
    specs[TABLE_ROWS] = (ps_table_spec){.name = "rows",
                                        .type = PS_F64,
                                        .layout = PS_DENSE,
                                        .row_count = finite->worker_count,
                                        .column_count = psi_finite_column_count(finite)};
    return TABLES;
}

/* Visits of examples by worker `rank` in a clock. */
static double units_of(const psi_finite_problem *problem, uint32_t rank) {
    const double count = (double)problem->examples.round_count;
    const double steps = (double)problem->steps_per_clock;
    switch (problem->theorem->method) {
    case PSI_METHOD_PROXIMAL:
    case PSI_METHOD_BLOCKS:
        return count * steps;
    case PSI_METHOD_MIXING:
        return (double)((problem->examples.round_count + problem->worker_count - 1 - rank) /
                        problem->worker_count);
    case PSI_METHOD_AVERAGING:
        break;
    }
    return steps * (double)problem->replica_count;
}

/* The worker's own row, to be written whole. */
static double *row_open(ps_worker *worker) {
    return ps_edit(worker, TABLE_ROWS, ps_rank(worker));
}

/* ---- Proximal steps ---- */

static void proximal_steps(void *arg) {
    psi_proximal *const method = arg;
    for (uint64_t n = 0; n < method->problem->steps_per_clock; n++) {
        psi_proximal_step(method);
    }
}

static ps_err proximal_clock(psi_proximal *method, ps_worker *worker) {
    PS_TRY(ps_fetch(worker, TABLE_ROWS, (const uint64_t[]){0}, 1));
    double *const row = row_open(worker);
    if (row == NULL) {
        return PS_ENOMEM;
    }
    PS_TRY(ps_compute(worker, units_of(method->problem, 0), proximal_steps, method));
    memcpy(row, psi_proximal_point(method), method->problem->game.set.dimension * sizeof *row);
    return ps_clock(worker);
}

static ps_err proximal_work(ps_worker *worker, const psi_finite_problem *problem) {
    psi_proximal method;
    ps_err err = psi_proximal_init(&method, problem);
    if (err == PS_OK) {
        ps_publish(worker, &method.log, sizeof method.log);
    }
    for (uint32_t clock = 0; clock < ps_clock_count(worker) && err == PS_OK; clock++) {
        err = proximal_clock(&method, worker);
    }
    psi_proximal_fini(&method);
    return err;
}

/* ---- Perceptrons, and blocks ---- */

typedef struct reader {
    const psi_finite_problem *problem;
    uint32_t rank;
    uint64_t *numbers;               /* owned, [P]: of all rows */
    const double **rows;             /* owned, [P]: as they were read */
    double *row;                     /* the own one, to be written */
    double w[PSI_SET_DIMENSION_MAX]; /* the common weights, or the own block */
    psi_finite_log log;
} reader;

/* Mixes what the last epoch made of the weights: nothing before the first one. */
static void rows_mix(reader *r) {
    const uint32_t d = r->problem->game.set.dimension;
    for (uint32_t q = 0; q < r->problem->worker_count; q++) {
        r->log.late_count += r->rows[q][d + PSI_MIXING_EPOCHS] != r->log.step_count;
    }
    r->log.measured += psi_mixing_mix(r->problem, r->rows, r->w);
}

static void epoch_make(void *arg) {
    reader *const r = arg;
    const uint32_t d = r->problem->game.set.dimension;
    rows_mix(r);
    const double mistakes = psi_mixing_epoch(r->problem, r->rank, r->w);
    r->log.mistakes += mistakes;
    r->log.step_count += 1;
    memcpy(r->row, r->w, d * sizeof *r->row);
    r->row[d + PSI_MIXING_MISTAKES] = mistakes;
    r->row[d + PSI_MIXING_EPOCHS] = r->log.step_count;
}

/* A step of the own block, which is kept: what is read of it is the same but for rounding. */
static void block_move(void *arg) {
    reader *const r = arg;
    const psi_finite_problem *const problem = r->problem;
    const uint32_t d = problem->game.set.dimension, stride = problem->worker_count;
    double x[PSI_SET_DIMENSION_MAX];
    psi_blocks_point(problem, r->rows, x);
    for (uint32_t i = r->rank; i < d; i += stride) {
        x[i] = r->w[i];
    }
    r->log.late_count += psi_blocks_late(problem, r->rows, r->log.step_count);
    r->log.measured += psi_blocks_step(problem, r->rank, x);
    r->log.step_count += 1;
    for (uint32_t i = r->rank; i < d; i += stride) {
        r->row[i] = r->w[i] = x[i];
    }
    r->row[d] = r->log.step_count;
}

static ps_err reader_clock(reader *r, ps_worker *worker) {
    PS_TRY(ps_fetch(worker, TABLE_ROWS, r->numbers, r->problem->worker_count));
    r->row = row_open(worker);
    if (r->row == NULL) {
        return PS_ENOMEM;
    }
    for (uint32_t q = 0; q < r->problem->worker_count; q++) {
        r->rows[q] = ps_get(worker, TABLE_ROWS, q);
    }
    const int has_blocks = r->problem->theorem->method == PSI_METHOD_BLOCKS;
    PS_TRY(
        ps_compute(worker, units_of(r->problem, r->rank), has_blocks ? block_move : epoch_make, r));
    return ps_clock(worker);
}

static ps_err reader_work(ps_worker *worker, const psi_finite_problem *problem) {
    reader r = {.problem = problem, .rank = ps_rank(worker)};
    r.numbers = calloc(problem->worker_count, sizeof *r.numbers);
    r.rows = calloc(problem->worker_count, sizeof *r.rows);
    ps_err err = r.numbers != NULL && r.rows != NULL ? PS_OK : PS_ENOMEM;
    for (uint32_t q = 0; q < problem->worker_count && err == PS_OK; q++) {
        r.numbers[q] = q;
    }
    if (err == PS_OK) {
        ps_publish(worker, &r.log, sizeof r.log);
    }
    for (uint32_t clock = 0; clock < ps_clock_count(worker) && err == PS_OK; clock++) {
        err = reader_clock(&r, worker);
    }
    free(r.numbers);
    free(r.rows);
    return err;
}

/* ---- Machines that are averaged ---- */

static void machine_play(void *arg) {
    psi_machine *const machine = arg;
    psi_machine_steps(machine, machine->problem->steps_per_clock);
}

static ps_err machine_clock(psi_machine *machine, ps_worker *worker) {
    const psi_finite_problem *const problem = machine->problem;
    PS_TRY(ps_fetch(worker, TABLE_ROWS, (const uint64_t[]){ps_rank(worker)}, 1));
    double *const row = row_open(worker);
    if (row == NULL) {
        return PS_ENOMEM;
    }
    PS_TRY(ps_compute(worker, units_of(problem, 0), machine_play, machine));
    memcpy(row, machine->w, psi_finite_column_count(problem) * sizeof *row);
    return ps_clock(worker);
}

static ps_err machine_work(ps_worker *worker, const psi_finite_problem *problem) {
    psi_machine machine;
    ps_err err = psi_machine_init(&machine, problem, ps_rank(worker));
    if (err == PS_OK) {
        ps_publish(worker, &machine.log, sizeof machine.log);
    }
    for (uint32_t clock = 0; clock < ps_clock_count(worker) && err == PS_OK; clock++) {
        err = machine_clock(&machine, worker);
    }
    psi_machine_fini(&machine);
    return err;
}

static ps_err finite_worker(ps_worker *worker, const void *problem) {
    const psi_finite_problem *const finite = problem;
    switch (finite->theorem->method) {
    case PSI_METHOD_PROXIMAL:
        return proximal_work(worker, finite);
    case PSI_METHOD_BLOCKS:
    case PSI_METHOD_MIXING:
        return reader_work(worker, finite);
    case PSI_METHOD_AVERAGING:
        break;
    }
    return machine_work(worker, finite);
}

/* A worker that has published nothing yet has done nothing. */
static void finite_evaluate(const void *problem, uint32_t rank, const void *local,
                            size_t local_size_bytes, const ps_model *model, double *sums) {
    const psi_finite_log nothing = {0};
    const int is_known = local != NULL && local_size_bytes == sizeof(psi_finite_log);
    psi_finite_evaluate(problem, rank, is_known ? local : &nothing, model, sums);
}

static void finite_finish(const void *problem, const double *sums, double *metrics) {
    psi_finite_finish(problem, sums, metrics);
}

static double finite_units_per_clock(const void *problem) {
    const psi_finite_problem *const finite = problem;
    double units = 0;
    for (uint32_t rank = 0; rank < finite->worker_count; rank++) {
        units += units_of(finite, rank);
    }
    return units;
}

static const char *const metrics[PSI_FINITE_METRICS] = {
    [PSI_FINITE_OBJECTIVE] = "objective",
    [PSI_FINITE_MEASURED] = "measured",
    [PSI_FINITE_BOUND] = "bound",
    [PSI_FINITE_RATIO] = "ratio",
    [PSI_FINITE_HOLDS] = "assumptions_hold",
    [PSI_FINITE_STEPS] = "steps",
    [PSI_FINITE_STANDARD_ERROR] = "standard_error",
    [PSI_FINITE_VARIANCE] = "variance",
    [PSI_FINITE_MISTAKES] = "mistakes",
    [PSI_FINITE_COMPARATOR_GAP] = "comparator_gap",
};

const ps_algo psi_finite_algo = {
    .name = "finite",
    .summary = "finite sums: delayed proximal steps, mixed perceptrons, averaged machines, beside "
               "their bounds",
    .unit = "example",
    .unit_cost_s = REFERENCE_COST_S,
    .default_clock_count = PSI_FINITE_DEFAULT_CLOCKS,
    .options = psi_finite_option_list,
    .option_count = PSI_FINITE_OPTIONS,
    .metrics = metrics,
    .metric_count = PSI_FINITE_METRICS,
    .maximised = 1U << PSI_FINITE_HOLDS | 1U << PSI_FINITE_STEPS,
    .sum_count = PSI_FINITE_SUMS,
    .open = finite_open,
    .close = finite_close,
    .describe = finite_describe,
    .tables = finite_tables,
    .worker = finite_worker,
    .evaluate = finite_evaluate,
    .finish = finite_finish,
    .units_per_clock = finite_units_per_clock,
};
