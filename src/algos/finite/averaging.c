#include "algos/finite/averaging.h"

#include <math.h>
#include <stdlib.h>

ps_err psi_machine_init(psi_machine *machine, const psi_finite_problem *problem, uint32_t rank) {
    const uint64_t replicas = problem->replica_count;
    *machine = (psi_machine){.problem = problem};
    machine->w = calloc(replicas * problem->game.set.dimension, sizeof *machine->w);
    machine->draws = calloc(replicas, sizeof *machine->draws);
    for (uint64_t r = 0; r < replicas && machine->draws != NULL; r++) {
        machine->draws[r] =
            ps_random_stream(problem->seed, "finite-draws", r * problem->worker_count + rank);
    }
    return machine->w != NULL && machine->draws != NULL ? PS_OK : PS_ENOMEM;
}

void psi_machine_fini(psi_machine *machine) {
    free(machine->w);
    free(machine->draws);
    *machine = (psi_machine){.w = NULL};
}

void psi_machine_steps(psi_machine *machine, uint64_t count) {
    const psi_finite_problem *const problem = machine->problem;
    const uint32_t d = problem->game.set.dimension;
    double gradient[PSI_SET_DIMENSION_MAX];
    for (uint64_t r = 0; r < problem->replica_count; r++) {
        double *const w = machine->w + r * d;
        for (uint64_t t = 0; t < count; t++) {
            const uint64_t n = ps_random_below(&machine->draws[r], problem->examples.round_count);
            psi_game_gradient(&problem->game, n, w, gradient);
            for (uint32_t i = 0; i < d; i++) {
                w[i] -= problem->facts.step * gradient[i];
            }
        }
    }
    machine->log.step_count += (double)count;
}

/* A mean and its standard error, as they grow. */
typedef struct estimate {
    double count, mean, squares;
} estimate;

static void estimate_add(estimate *e, double value) {
    e->count += 1;
    const double before = value - e->mean;
    e->mean += before / e->count;
    e->squares += before * (value - e->mean);
}

static double estimate_error(const estimate *e) {
    return e->count > 1 ? sqrt(e->squares / (e->count - 1) / e->count) : 0;
}

/* The longest that the distance to the true w* can be: c is lambda-strongly convex, so that w* is
 * within sqrt(2 gap / lambda) of `best`. */
static double squared_distance(const psi_finite_problem *problem, const double *w) {
    double sum = 0;
    for (uint32_t i = 0; i < problem->game.set.dimension; i++) {
        sum += (w[i] - problem->best[i]) * (w[i] - problem->best[i]);
    }
    const double longer = sqrt(sum) + sqrt(2 * problem->gap / problem->game.lambda);
    return longer * longer;
}

psi_averages psi_averages_make(const psi_finite_problem *problem, const double *const *rows) {
    const uint32_t d = problem->game.set.dimension;
    const double machines = problem->worker_count;
    double all[PSI_SET_DIMENSION_MAX] = {0};
    estimate values = {0}, distances = {0};
    for (uint64_t r = 0; r < problem->replica_count; r++) {
        double average[PSI_SET_DIMENSION_MAX] = {0}, distance = 0;
        for (uint32_t p = 0; p < problem->worker_count; p++) {
            for (uint32_t i = 0; i < d; i++) {
                average[i] += rows[p][r * d + i] / machines;
            }
            distance += squared_distance(problem, rows[p] + r * d) / machines;
        }
        for (uint32_t i = 0; i < d; i++) {
            all[i] += average[i] / (double)problem->replica_count;
        }
        estimate_add(&values, psi_finite_value(problem, average));
        estimate_add(&distances, distance);
    }
    return (psi_averages){.mean_value = values.mean,
                          .value_error = estimate_error(&values),
                          .value_of_mean = psi_finite_value(problem, all),
                          .mean_distance = distances.mean,
                          .distance_error = estimate_error(&distances)};
}
