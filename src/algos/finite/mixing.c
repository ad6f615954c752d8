#include "algos/finite/mixing.h"

double psi_mixing_mix(const psi_finite_problem *problem, const double *const *rows, double *w_out) {
    const uint32_t d = problem->game.set.dimension;
    const double workers = problem->worker_count;
    double all = 0, weighted = 0;
    for (uint32_t q = 0; q < problem->worker_count; q++) {
        all += rows[q][d + PSI_MIXING_MISTAKES];
    }
    for (uint32_t i = 0; i < d; i++) {
        w_out[i] = 0;
    }
    for (uint32_t q = 0; q < problem->worker_count; q++) {
        const double mistakes = rows[q][d + PSI_MIXING_MISTAKES];
        const double mu = problem->weighs_by_errors && all > 0 ? mistakes / all : 1 / workers;
        weighted += mu * mistakes;
        for (uint32_t i = 0; i < d; i++) {
            w_out[i] += mu * rows[q][i];
        }
    }
    return weighted;
}

double psi_mixing_epoch(const psi_finite_problem *problem, uint32_t rank, double *w) {
    const uint32_t d = problem->game.set.dimension;
    double mistakes = 0;
    for (uint64_t n = rank; n < problem->examples.round_count; n += problem->worker_count) {
        const double *const a = problem->examples.a + n * d;
        const double y = problem->examples.y[n];
        if (y * psi_dot(a, w, d) > 0) {
            continue;
        }
        mistakes += 1;
        for (uint32_t i = 0; i < d; i++) {
            w[i] += y * a[i];
        }
    }
    return mistakes;
}

double psi_mixing_error(const psi_finite_problem *problem, const double *w) {
    const uint32_t d = problem->game.set.dimension;
    double errors = 0;
    for (uint64_t n = 0; n < problem->examples.round_count; n++) {
        errors += problem->examples.y[n] * psi_dot(problem->examples.a + n * d, w, d) <= 0;
    }
    return errors / (double)problem->examples.round_count;
}
