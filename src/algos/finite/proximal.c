#include "algos/finite/proximal.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "algos/online/comparator.h"

enum { LEAST_STEPS_MAX = 20000, STEPS_PER_CHECK = 10 };
static const double gap_wanted = 1e-12;

ps_err psi_proximal_init(psi_proximal *method, const psi_finite_problem *problem) {
    const size_t points = (size_t)problem->facts.horizon + 1;
    *method = (psi_proximal){.problem = problem,
                             .delays = ps_random_stream(problem->seed, "finite-delays", 0),
                             .blocks = ps_random_stream(problem->seed, "finite-blocks", 0)};
    method->history = calloc(points * problem->game.set.dimension, sizeof *method->history);
    return method->history != NULL ? PS_OK : PS_ENOMEM;
}

void psi_proximal_fini(psi_proximal *method) {
    free(method->history);
    *method = (psi_proximal){.history = NULL};
}

const double *psi_proximal_point(const psi_proximal *method) {
    return method->history + method->step * method->problem->game.set.dimension;
}

/* How old the gradient of a shard is; nothing is older than the start. */
static uint64_t delay_draw(psi_proximal *method) {
    const double tau = method->problem->facts.delay;
    double delay = tau;
    switch (method->problem->delays) {
    case PSI_SHARD_DELAYS_FIXED:
        break;
    case PSI_SHARD_DELAYS_UNIFORM:
        delay = (double)ps_random_below(&method->delays, (uint64_t)tau + 1);
        break;
    case PSI_SHARD_DELAYS_GEOMETRIC:
        delay =
            tau > 0 ? floor(log1p(-ps_random_uniform(&method->delays)) / log(tau / (1 + tau))) : 0;
        break;
    }
    delay = fmin(delay, (double)method->step);
    method->log.late_count += delay > tau;
    return (uint64_t)delay;
}

void psi_proximal_gradient_add(const psi_finite_problem *problem, uint64_t first, uint64_t stride,
                               const double *x, double *gradient) {
    const double share = 1 / (double)problem->examples.round_count;
    double one[PSI_SET_DIMENSION_MAX];
    for (uint64_t n = first; n < problem->examples.round_count; n += stride) {
        psi_game_gradient(&problem->game, n, x, one);
        for (uint32_t i = 0; i < problem->game.set.dimension; i++) {
            gradient[i] += share * one[i];
        }
    }
}

double psi_proximal_map(const psi_finite_problem *problem, double value, double step) {
    const double radius = problem->game.set.radius, shrink = step * problem->l1;
    const double left = fabs(value) > shrink ? fabs(value) - shrink : 0;
    return (value < 0 ? -1 : 1) * fmin(left, radius);
}

void psi_proximal_step(psi_proximal *method) {
    const psi_finite_problem *const problem = method->problem;
    const uint32_t d = problem->game.set.dimension;
    const double gamma = problem->facts.step;
    const uint64_t block = ps_random_below(&method->blocks, problem->block_count);
    double gradient[PSI_SET_DIMENSION_MAX] = {0};
    for (uint32_t shard = 0; shard < problem->shard_count; shard++) {
        const uint64_t read = method->step - delay_draw(method);
        psi_proximal_gradient_add(problem, shard, problem->shard_count, method->history + read * d,
                                  gradient);
    }
    const double *const x = psi_proximal_point(method);
    double *const next = method->history + (method->step + 1) * d;
    for (uint32_t i = 0; i < d; i++) {
        const int is_moved = i % problem->block_count == block;
        next[i] = is_moved ? psi_proximal_map(problem, x[i] - gamma * gradient[i], gamma) : x[i];
        method->log.measured += (next[i] - x[i]) * (next[i] - x[i]);
    }
    method->step++;
    method->log.step_count += 1;
}

/* ---- The least value ---- */

static double gap_of(const psi_finite_problem *problem, const double *x) {
    double gradient[PSI_SET_DIMENSION_MAX] = {0};
    psi_proximal_gradient_add(problem, 0, 1, x, gradient);
    double gap = 0;
    for (uint32_t i = 0; i < problem->game.set.dimension; i++) {
        const double beyond = fabs(gradient[i]) - problem->l1; /* v_i = 0, or a corner */
        gap += gradient[i] * x[i] + problem->l1 * fabs(x[i]) +
               (beyond > 0 ? beyond * problem->game.set.radius : 0);
    }
    return gap;
}

static void keep_better(psi_finite_problem *problem, const double *x) {
    const double gap = gap_of(problem, x);
    if (gap < problem->gap) {
        memcpy(problem->best, x, sizeof problem->best);
        problem->least = psi_finite_value(problem, x);
        problem->gap = fmax(gap, 0);
    }
}

void psi_proximal_least(psi_finite_problem *problem) {
    const uint32_t d = problem->game.set.dimension;
    const double step = 1 / problem->facts.smoothness;
    double x[PSI_SET_DIMENSION_MAX] = {0}, y[PSI_SET_DIMENSION_MAX] = {0};
    double momentum = 1;
    problem->gap = INFINITY;
    keep_better(problem, x);
    for (int n = 0; n < LEAST_STEPS_MAX && problem->gap > gap_wanted; n++) {
        double gradient[PSI_SET_DIMENSION_MAX] = {0}, next[PSI_SET_DIMENSION_MAX] = {0};
        psi_proximal_gradient_add(problem, 0, 1, y, gradient);
        for (uint32_t i = 0; i < d; i++) {
            next[i] = psi_proximal_map(problem, y[i] - step * gradient[i], step);
        }
        momentum = psi_accelerate(x, y, next, d, momentum);
        if (n % STEPS_PER_CHECK == 0) {
            keep_better(problem, x);
        }
    }
}
