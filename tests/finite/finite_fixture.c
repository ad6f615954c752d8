#include "finite_fixture.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "algos/finite/averaging.h"
#include "algos/finite/blocks.h"
#include "algos/finite/mixing.h"
#include "algos/finite/proximal.h"
#include "support/suite.h"

psi_finite_problem *finite_fixture_open(finite_size size, const option_setting *settings,
                                        size_t count) {
    const char *values[PSI_FINITE_OPTIONS];
    size_t given = 0;
    while (given < count && settings[given].value != NULL) {
        given++;
    }
    options_set(psi_finite_option_list, PSI_FINITE_OPTIONS, settings, given, values);
    const ps_settings all = {.data = "synthetic",
                             .seed = size.seed,
                             .worker_count = size.workers,
                             .clock_count = size.clocks,
                             .batch = size.batch,
                             .values = values};
    psi_finite_problem *problem = NULL;
    ps_fault fault = {0};
    if (psi_finite_problem_open(&all, &problem, &fault) != PS_OK) {
        printf("%s\n", fault.text);
    }
    CU_ASSERT_PTR_NOT_NULL_FATAL(problem);
    return problem;
}

/* What workers would leave in the table, [workers][columns], and have seen. */
typedef struct outcome {
    double *rows;         /* owned */
    psi_finite_log *logs; /* owned, [workers] */
    size_t columns;
} outcome;

static void proximal_play(const psi_finite_problem *problem, uint32_t clocks, outcome *out) {
    psi_proximal method;
    CU_ASSERT_EQUAL_FATAL(psi_proximal_init(&method, problem), PS_OK);
    for (uint64_t t = 0; t < clocks * problem->steps_per_clock; t++) {
        psi_proximal_step(&method);
    }
    memcpy(out->rows, psi_proximal_point(&method), out->columns * sizeof *out->rows);
    out->logs[0] = method.log;
    psi_proximal_fini(&method);
}

static void epochs_play(const psi_finite_problem *problem, uint32_t clocks, outcome *out) {
    const uint32_t d = problem->game.set.dimension, workers = problem->worker_count;
    const double **const rows = calloc(workers, sizeof *rows);
    CU_ASSERT_PTR_NOT_NULL_FATAL(rows);
    for (uint32_t p = 0; p < workers; p++) {
        rows[p] = out->rows + p * out->columns;
    }
    for (uint32_t n = 0; n < clocks; n++) {
        double common[PSI_SET_DIMENSION_MAX];
        out->logs[0].measured += psi_mixing_mix(problem, rows, common);
        for (uint32_t p = 0; p < workers; p++) {
            double *const row = out->rows + p * out->columns;
            memcpy(row, common, d * sizeof *row);
            row[d + PSI_MIXING_MISTAKES] = psi_mixing_epoch(problem, p, row);
            row[d + PSI_MIXING_EPOCHS] = n + 1;
            out->logs[p].mistakes += row[d + PSI_MIXING_MISTAKES];
        }
    }
    free(rows);
}

/* All blocks from the same point. */
static void blocks_play(const psi_finite_problem *problem, uint32_t clocks, outcome *out) {
    const uint32_t d = problem->game.set.dimension, workers = problem->worker_count;
    double x[PSI_SET_DIMENSION_MAX] = {0};
    for (uint32_t n = 0; n < clocks; n++) {
        double next[PSI_SET_DIMENSION_MAX];
        for (uint32_t p = 0; p < workers; p++) {
            double own[PSI_SET_DIMENSION_MAX];
            memcpy(own, x, sizeof own);
            out->logs[p].measured += psi_blocks_step(problem, p, own);
            for (uint32_t i = p; i < d; i += workers) {
                next[i] = out->rows[p * out->columns + i] = own[i];
            }
            out->rows[p * out->columns + d] = n + 1;
        }
        memcpy(x, next, d * sizeof *x);
    }
}

static void machines_play(const psi_finite_problem *problem, uint32_t clocks, outcome *out) {
    for (uint32_t p = 0; p < problem->worker_count; p++) {
        psi_machine machine;
        CU_ASSERT_EQUAL_FATAL(psi_machine_init(&machine, problem, p), PS_OK);
        psi_machine_steps(&machine, clocks * problem->steps_per_clock);
        memcpy(out->rows + p * out->columns, machine.w, out->columns * sizeof *out->rows);
        psi_machine_fini(&machine);
    }
}

void finite_fixture_play(const psi_finite_problem *problem, uint32_t clocks, double *metrics) {
    outcome out = {.columns = psi_finite_column_count(problem)};
    out.rows = calloc(problem->worker_count * out.columns, sizeof *out.rows);
    out.logs = calloc(problem->worker_count, sizeof *out.logs);
    CU_ASSERT_PTR_NOT_NULL_FATAL(out.rows);
    CU_ASSERT_PTR_NOT_NULL_FATAL(out.logs);
    switch (problem->theorem->method) {
    case PSI_METHOD_PROXIMAL:
        proximal_play(problem, clocks, &out);
        break;
    case PSI_METHOD_BLOCKS:
        blocks_play(problem, clocks, &out);
        break;
    case PSI_METHOD_MIXING:
        epochs_play(problem, clocks, &out);
        break;
    case PSI_METHOD_AVERAGING:
        machines_play(problem, clocks, &out);
        break;
    }
    const ps_model model = {
        .clock = clocks, .table_count = 1, .dense = (const void *const[]){out.rows}};
    double sums[PSI_FINITE_SUMS] = {0}, share[PSI_FINITE_SUMS];
    for (uint32_t p = 0; p < problem->worker_count; p++) {
        psi_finite_evaluate(problem, p, &out.logs[p], &model, share);
        for (int s = 0; s < PSI_FINITE_SUMS; s++) {
            sums[s] += share[s];
        }
    }
    psi_finite_finish(problem, sums, metrics);
    free(out.rows);
    free(out.logs);
}

void finite_fixture_run(finite_size size, const option_setting *settings, size_t count,
                        double *metrics) {
    psi_finite_problem *const problem = finite_fixture_open(size, settings, count);
    finite_fixture_play(problem, size.clocks, metrics);
    psi_finite_problem_close(problem);
}
