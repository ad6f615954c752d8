#include "algos/finite/blocks.h"

#include <math.h>

#include "algos/finite/proximal.h"

void psi_blocks_point(const psi_finite_problem *problem, const double *const *rows, double *x_out) {
    for (uint32_t i = 0; i < problem->game.set.dimension; i++) {
        x_out[i] = rows[i % problem->worker_count][i];
    }
}

double psi_blocks_late(const psi_finite_problem *problem, const double *const *rows, double clock) {
    double late = 0;
    for (uint32_t q = 0; q < problem->worker_count; q++) {
        late += fabs(rows[q][problem->game.set.dimension] - clock) > problem->facts.staleness;
    }
    return late;
}

double psi_blocks_step(const psi_finite_problem *problem, uint32_t rank, double *x) {
    double gradient[PSI_SET_DIMENSION_MAX] = {0}, squares = 0;
    psi_proximal_gradient_add(problem, 0, 1, x, gradient);
    for (uint32_t i = rank; i < problem->game.set.dimension; i += problem->worker_count) {
        const double gamma = problem->facts.step;
        const double next = psi_proximal_map(problem, x[i] - gamma * gradient[i], gamma);
        squares += (next - x[i]) * (next - x[i]);
        x[i] = next;
    }
    return squares;
}

ps_err psi_blocks_constants(const psi_finite_problem *problem, double *smoothness_out,
                            double *coupling_out) {
    const double curvature =
        psi_loss_curvature_max(problem->game.loss) / (double)problem->examples.round_count;
    const psi_part all = {.example_stride = 1, .coordinate_stride = 1};
    double whole = 0, sum = 0;
    PS_TRY(psi_finite_curvature(&problem->examples, &all, &whole));
    for (uint32_t p = 0; p < problem->worker_count; p++) {
        const psi_part block = {
            .example_stride = 1, .first_coordinate = p, .coordinate_stride = problem->worker_count};
        double own = 0;
        PS_TRY(psi_finite_curvature(&problem->examples, &block, &own));
        sum += curvature * own + problem->game.lambda;
    }
    *smoothness_out = curvature * whole + problem->game.lambda;
    *coupling_out = sqrt(*smoothness_out * sum);
    return PS_OK;
}
