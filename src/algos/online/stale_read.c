#include "algos/online/stale_read.h"

#include <math.h>
#include <string.h>

/* Whether the point that the rounds before this one make might be outside of the set: it is no
 * further from what was read than the updates in flight are long. */
static int is_outside(const psi_set *set, const double *x, double drift) {
    double most = 0;
    for (uint32_t i = 0; i < set->dimension; i++) {
        most = fmax(most, fabs(x[i]));
    }
    const double norm = sqrt(psi_dot(x, x, set->dimension));
    return set->kind == PSI_SET_SIMPLEX ||
           (set->kind == PSI_SET_BALL ? norm : most) + drift > set->radius;
}

/* x~_t of what was read; of dual averaging by the step of round t. */
static void point_make(const psi_online_problem *problem, const double *values, double step,
                       double *x_out) {
    const psi_set *const set = &problem->game.set;
    if (problem->learner != PSI_LEARNER_DUAL) {
        memcpy(x_out, values, set->dimension * sizeof *x_out);
        if (problem->learner == PSI_LEARNER_LAZY) {
            psi_set_project(set, x_out);
        }
        return;
    }
    psi_set_start(set, x_out);
    for (uint32_t i = 0; i < set->dimension; i++) {
        x_out[i] += step * values[i];
    }
    psi_set_project(set, x_out);
}

/* The earliest round whose update may be in flight in round t. */
static double oldest_of(const psi_online_problem *problem, double t) {
    const psi_facts *const facts = &problem->facts;
    const int is_dual = problem->learner == PSI_LEARNER_DUAL;
    return is_dual ? t : fmax(1, t - (facts->staleness + 1) * facts->workers);
}

psi_played psi_stale_play(const psi_online_problem *problem, const double *values, psi_read read,
                          uint64_t t, double *update_out) {
    const psi_facts *const facts = &problem->facts;
    const psi_theorem *const theorem = problem->theorem;
    const uint32_t d = problem->game.set.dimension;
    const int is_dual = problem->learner == PSI_LEARNER_DUAL;
    const double step = problem->step_scale * theorem->step(facts, (double)t);
    const double longest = problem->step_scale *
                           theorem->step(facts, oldest_of(problem, (double)t)) * facts->lipschitz;
    double x[PSI_SET_DIMENSION_MAX];
    point_make(problem, values, step, x);
    psi_played played = {.loss = psi_game_value(&problem->game, t - 1, x),
                         .read = read,
                         .is_outside =
                             problem->learner == PSI_LEARNER_SGD &&
                             is_outside(&problem->game.set, x, (double)read.in_flight * longest)};
    psi_game_gradient(&problem->game, t - 1, x, update_out);
    for (uint32_t i = 0; i < d; i++) {
        update_out[i] *= is_dual ? -1 : -step;
        played.is_too_long |= fabs(update_out[i]) > problem->update_max;
    }
    return played;
}

void psi_stale_log(const psi_online_problem *problem, const psi_played *played, uint64_t t,
                   psi_online_log *log) {
    const double in_flight = (double)played->read.in_flight;
    log->loss_sum += played->loss;
    log->round_count += 1;
    log->in_flight_sum += in_flight;
    log->in_flight_squares += in_flight * in_flight;
    log->in_flight_weighted += in_flight / sqrt(oldest_of(problem, (double)t));
    log->reads_outside += played->is_outside;
    log->reads_too_old += played->read.is_too_old;
    log->updates_too_long += played->is_too_long;
}
