#include <math.h>
#include <stdlib.h>

#include "algos/finite/averaging.h"
#include "algos/finite/blocks.h"
#include "algos/finite/mixing.h"

static const double errors_above = 3; /* standard errors that an estimate is raised by */

uint32_t psi_finite_column_count(const psi_finite_problem *problem) {
    const uint32_t d = problem->game.set.dimension;
    switch (problem->theorem->method) {
    case PSI_METHOD_PROXIMAL:
        return d;
    case PSI_METHOD_BLOCKS:
        return d + 1;
    case PSI_METHOD_MIXING:
        return d + PSI_MIXING_COLUMNS;
    case PSI_METHOD_AVERAGING:
        break;
    }
    return d * (uint32_t)problem->replica_count;
}

static void averages_sum(const psi_finite_problem *problem, const double *const *rows,
                         double *sums) {
    const psi_averages all = psi_averages_make(problem, rows);
    const double least = problem->least - problem->gap;
    sums[PSI_FINITE_VALUE] = all.mean_value;
    sums[PSI_FINITE_VARIANCE_SUM] = all.mean_value - all.value_of_mean;
    switch (problem->theorem->measure) {
    case PSI_FINITE_MEAN_EXCESS:
        sums[PSI_FINITE_ERROR] = all.value_error;
        sums[PSI_FINITE_MEASURED_SUM] = all.mean_value - least + errors_above * all.value_error;
        break;
    case PSI_FINITE_EXCESS_OF_MEAN: /* c of a mean that is estimated is too large, if anything */
        sums[PSI_FINITE_MEASURED_SUM] = all.value_of_mean - least;
        break;
    case PSI_FINITE_DISTANCE:
        sums[PSI_FINITE_ERROR] = all.distance_error;
        sums[PSI_FINITE_MEASURED_SUM] = all.mean_distance + errors_above * all.distance_error;
        break;
    }
}

/* The epoch that was not read by anybody yet is in the rows. */
static void mixing_sum(const psi_finite_problem *problem, const double *const *rows, double *sums) {
    const uint32_t d = problem->game.set.dimension;
    double w[PSI_SET_DIMENSION_MAX];
    sums[PSI_FINITE_MEASURED_SUM] += psi_mixing_mix(problem, rows, w);
    sums[PSI_FINITE_VALUE] = psi_mixing_error(problem, w);
    for (uint32_t q = 0; q < problem->worker_count; q++) {
        sums[PSI_FINITE_LATE_COUNT] +=
            rows[q][d + PSI_MIXING_EPOCHS] != sums[PSI_FINITE_STEP_COUNT];
    }
}

void psi_finite_evaluate(const psi_finite_problem *problem, uint32_t rank,
                         const psi_finite_log *log, const ps_model *model, double *sums) {
    for (int s = 0; s < PSI_FINITE_SUMS; s++) {
        sums[s] = 0;
    }
    sums[PSI_FINITE_LATE_COUNT] = log->late_count;
    sums[PSI_FINITE_MISTAKE_COUNT] = log->mistakes;
    if (rank == 0 || problem->theorem->method == PSI_METHOD_BLOCKS) {
        sums[PSI_FINITE_MEASURED_SUM] = log->measured;
    }
    if (rank > 0) {
        return;
    }
    const double *const values = model->dense[0];
    const double **const rows = calloc(problem->worker_count, sizeof *rows);
    if (rows == NULL) {
        sums[PSI_FINITE_MEASURED_SUM] = NAN;
        return;
    }
    for (uint32_t p = 0; p < problem->worker_count; p++) {
        rows[p] = values + (size_t)p * psi_finite_column_count(problem);
    }
    sums[PSI_FINITE_STEP_COUNT] = (double)model->clock * (double)problem->steps_per_clock;
    double x[PSI_SET_DIMENSION_MAX];
    switch (problem->theorem->method) {
    case PSI_METHOD_PROXIMAL:
        sums[PSI_FINITE_VALUE] = psi_finite_value(problem, rows[0]);
        break;
    case PSI_METHOD_BLOCKS:
        psi_blocks_point(problem, rows, x);
        sums[PSI_FINITE_VALUE] = psi_finite_value(problem, x);
        break;
    case PSI_METHOD_MIXING:
        mixing_sum(problem, rows, sums);
        break;
    case PSI_METHOD_AVERAGING:
        averages_sum(problem, rows, sums);
        break;
    }
    free(rows);
}

psi_facts psi_finite_facts(const psi_finite_problem *problem, const double *sums) {
    psi_facts facts = problem->facts;
    facts.rounds = sums[PSI_FINITE_STEP_COUNT];
    facts.reads_too_old = sums[PSI_FINITE_LATE_COUNT];
    return facts;
}

void psi_finite_finish(const psi_finite_problem *problem, const double *sums, double *metrics) {
    const psi_facts facts = psi_finite_facts(problem, sums);
    const psi_theorem *const theorem = &problem->theorem->theorem;
    const double measured = sums[PSI_FINITE_MEASURED_SUM], bound = theorem->bound(&facts);
    metrics[PSI_FINITE_OBJECTIVE] = sums[PSI_FINITE_VALUE];
    metrics[PSI_FINITE_MEASURED] = measured;
    metrics[PSI_FINITE_BOUND] = bound;
    metrics[PSI_FINITE_RATIO] = facts.rounds > 0 ? measured / bound : 0;
    metrics[PSI_FINITE_HOLDS] = psi_theorem_broken(theorem, &facts) == NULL;
    metrics[PSI_FINITE_STEPS] = facts.rounds;
    metrics[PSI_FINITE_STANDARD_ERROR] = sums[PSI_FINITE_ERROR];
    metrics[PSI_FINITE_VARIANCE] = sums[PSI_FINITE_VARIANCE_SUM];
    metrics[PSI_FINITE_MISTAKES] = sums[PSI_FINITE_MISTAKE_COUNT];
    metrics[PSI_FINITE_COMPARATOR_GAP] = problem->gap;
}
