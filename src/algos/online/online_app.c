/* One table of one row: x, and for every worker how many of its updates are in it. A worker adds 1
 * to its own place with each update, so that whoever reads the row knows exactly which updates it
 * has read: updates of one worker apply in order. It counts in units of 2^-60, so that a policy
 * that bounds values sees x alone.
 *
 * One worker plays rounds with delays of its own (learner.h). Several play one round each a clock,
 * round number t = clock P + rank + 1, and the delays are those that the server's policy, the
 * network and the other workers make (Ho et al. 2013): x is what was read, and not projected. Of
 * dual averaging the row has the sum of all -g instead, and x = project(start + eta_t sum); of the
 * lazy learner x is projected when it is read. */
#include "algos/online/online_app.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "algos/online/online_problem.h"

enum { TABLE_X, TABLES };

/* One update in its worker's place: so small that counts are exact and weigh nothing beside x. */
#define COUNT_UNIT 0x1p-60

/* Seconds per round, of order of magnitude: set --unit-cost where time matters. */
#define REFERENCE_COST_S 1e-7

static ps_err online_open(const ps_settings *settings, void **problem_out, ps_fault *fault) {
    psi_online_problem *problem = NULL;
    const ps_err err = psi_online_problem_open(settings, &problem, fault);
    *problem_out = problem;
    return err;
}

static void online_close(void *problem) {
    psi_online_problem_close(problem);
}

static int online_describe(const void *problem, char *text, size_t text_size) {
    const psi_online_problem *const online = problem;
    const psi_facts *const facts = &online->facts;
    return snprintf(text, text_size,
                    "%g rounds in %u dimensions; L = %.4g, H = %.4g, lambda = %.4g, F = %.4g; "
                    "%s: %s (%s)",
                    facts->horizon, online->game.set.dimension, facts->lipschitz, facts->smoothness,
                    facts->strong, facts->radius, online->theorem->name, online->theorem->paper,
                    online->theorem->certainty);
}

static size_t online_tables(const void *problem, ps_table_spec *specs) {
    const psi_online_problem *const online = problem;
    specs[TABLE_X] =
        (ps_table_spec){.name = "x",
                        .type = PS_F64,
                        .layout = PS_DENSE,
                        .row_count = 1,
                        .column_count = online->game.set.dimension + online->worker_count};
    return TABLES;
}

static void online_row_init(const void *problem, uint32_t table, uint64_t row, void *values_out) {
    const psi_online_problem *const online = problem;
    double *const values = values_out;
    (void)table, (void)row;
    for (uint32_t i = 0; i < online->game.set.dimension + online->worker_count; i++) {
        values[i] = 0;
    }
    if (online->worker_count == 1 || online->learner != PSI_LEARNER_DUAL) {
        psi_set_start(&online->game.set, values);
    }
}

/* ---- One worker ---- */

typedef struct solo {
    psi_learner learner;
    uint64_t round_count; /* of a clock */
} solo;

static void solo_play(void *arg) {
    solo *const s = arg;
    for (uint64_t i = 0; i < s->round_count; i++) {
        psi_learner_round(&s->learner);
    }
}

static ps_err solo_clock(solo *s, ps_worker *worker) {
    const uint32_t d = s->learner.options.game->set.dimension;
    PS_TRY(ps_fetch(worker, TABLE_X, (const uint64_t[]){0}, 1));
    double *const row = ps_edit(worker, TABLE_X, 0);
    if (row == NULL) {
        return PS_ENOMEM;
    }
    PS_TRY(ps_compute(worker, (double)s->round_count, solo_play, s));
    memcpy(row, s->learner.x, d * sizeof *row);
    row[d] = (double)s->learner.round;
    return ps_clock(worker);
}

static ps_err solo_work(ps_worker *worker, const psi_online_problem *problem) {
    solo s = {.round_count = problem->rounds_per_clock};
    const psi_learner_options options = {.kind = problem->learner,
                                         .game = &problem->game,
                                         .theorem = problem->theorem,
                                         .facts = &problem->facts,
                                         .step_scale = problem->step_scale,
                                         .delays = problem->delays};
    ps_err err = psi_learner_init(&s.learner, &options);
    if (err == PS_OK) {
        ps_publish(worker, &s.learner.log, sizeof s.learner.log);
    }
    for (uint32_t clock = 0; clock < ps_clock_count(worker) && err == PS_OK; clock++) {
        err = solo_clock(&s, worker);
    }
    psi_learner_fini(&s.learner);
    return err;
}

/* ---- Several ---- */

typedef struct player {
    const psi_online_problem *problem;
    const double *row; /* as it was read */
    uint32_t rank;
    uint32_t clock;
    double value_bound;              /* of the policy */
    double x[PSI_SET_DIMENSION_MAX]; /* the point that is played */
    double *delta;                   /* owned, as a row */
    psi_online_log log;
} player;

/* Updates that the read lacks or has too many, against all of the rounds before this one. */
static double in_flight_of(player *p) {
    const psi_online_problem *const problem = p->problem;
    const double *const counts = p->row + problem->game.set.dimension;
    const double promised = (double)p->clock - problem->facts.staleness;
    double in_flight = 0;
    int is_too_old = 0;
    for (uint32_t q = 0; q < problem->worker_count; q++) {
        const double before = (double)p->clock + (q < p->rank);
        const double count = counts[q] / COUNT_UNIT;
        in_flight += fabs(count - before);
        is_too_old |= count < promised;
    }
    p->log.reads_too_old += is_too_old;
    return in_flight;
}

/* Whether the point that the rounds before this one make might be outside of the set: it is no
 * further from what was read than the updates in flight are long. */
static int is_outside(const player *p, double drift) {
    const psi_set *const set = &p->problem->game.set;
    double most = 0;
    for (uint32_t i = 0; i < set->dimension; i++) {
        most = fmax(most, fabs(p->x[i]));
    }
    const double norm = sqrt(psi_dot(p->x, p->x, set->dimension));
    return set->kind == PSI_SET_SIMPLEX ||
           (set->kind == PSI_SET_BALL ? norm : most) + drift > set->radius;
}

/* x~_t of what was read; of dual averaging by the step of round t. */
static void point_make(player *p, double step) {
    const psi_online_problem *const problem = p->problem;
    const psi_set *const set = &problem->game.set;
    if (problem->learner != PSI_LEARNER_DUAL) {
        memcpy(p->x, p->row, set->dimension * sizeof *p->x);
        if (problem->learner == PSI_LEARNER_LAZY) {
            psi_set_project(set, p->x);
        }
        return;
    }
    psi_set_start(set, p->x);
    for (uint32_t i = 0; i < set->dimension; i++) {
        p->x[i] += step * p->row[i];
    }
    psi_set_project(set, p->x);
}

static void read_log(player *p, double t) {
    const psi_online_problem *const problem = p->problem;
    const psi_facts *const facts = &problem->facts;
    const int is_dual = problem->learner == PSI_LEARNER_DUAL;
    const double oldest = is_dual ? t : fmax(1, t - (facts->staleness + 1) * facts->workers);
    const double in_flight = in_flight_of(p);
    const double longest =
        problem->step_scale * problem->theorem->step(facts, oldest) * facts->lipschitz;
    p->log.round_count += 1;
    p->log.in_flight_sum += in_flight;
    p->log.in_flight_squares += in_flight * in_flight;
    p->log.in_flight_weighted += in_flight / sqrt(oldest);
    p->log.reads_outside +=
        problem->learner == PSI_LEARNER_SGD && is_outside(p, in_flight * longest);
    p->log.rounds_unbounded += p->value_bound > facts->value_bound;
}

/* u_t = - eta_t grad f_t(x~_t), or, of dual averaging, without eta_t. */
static void player_play(void *arg) {
    player *const p = arg;
    const psi_online_problem *const problem = p->problem;
    const uint64_t round = (uint64_t)p->clock * problem->worker_count + p->rank;
    const double t = (double)round + 1;
    const double step = problem->step_scale * problem->theorem->step(&problem->facts, t);
    const uint32_t d = problem->game.set.dimension;
    point_make(p, step);
    read_log(p, t);
    p->log.loss_sum += psi_game_value(&problem->game, round, p->x);
    psi_game_gradient(&problem->game, round, p->x, p->delta);
    double longest = 0;
    for (uint32_t i = 0; i < d; i++) {
        p->delta[i] *= problem->learner == PSI_LEARNER_DUAL ? -1 : -step;
        longest = fmax(longest, fabs(p->delta[i]));
    }
    p->log.updates_too_long += longest > problem->update_max;
    p->delta[d + p->rank] = COUNT_UNIT;
}

static ps_err player_clock(player *p, ps_worker *worker) {
    PS_TRY(ps_fetch(worker, TABLE_X, (const uint64_t[]){0}, 1));
    p->row = ps_get(worker, TABLE_X, 0);
    p->clock = ps_clock_now(worker);
    PS_TRY(ps_compute(worker, 1, player_play, p));
    PS_TRY(ps_add(worker, TABLE_X, 0, p->delta));
    return ps_clock(worker);
}

static ps_err players_work(ps_worker *worker, const psi_online_problem *problem) {
    player p = {.problem = problem, .rank = ps_rank(worker), .value_bound = ps_value_bound(worker)};
    p.delta = calloc((size_t)problem->game.set.dimension + problem->worker_count, sizeof *p.delta);
    ps_err err = p.delta == NULL ? PS_ENOMEM : PS_OK;
    if (err == PS_OK) {
        ps_publish(worker, &p.log, sizeof p.log);
    }
    for (uint32_t clock = 0; clock < ps_clock_count(worker) && err == PS_OK; clock++) {
        err = player_clock(&p, worker);
    }
    free(p.delta);
    return err;
}

static ps_err online_worker(ps_worker *worker, const void *problem) {
    const psi_online_problem *const online = problem;
    return online->worker_count == 1 ? solo_work(worker, online) : players_work(worker, online);
}

/* A worker that has published nothing yet has played nothing. */
static void online_evaluate(const void *problem, uint32_t rank, const void *local,
                            size_t local_size_bytes, const ps_model *model, double *sums) {
    const psi_online_problem *const online = problem;
    const psi_online_log nothing = {0};
    const int is_known = local != NULL && local_size_bytes == sizeof(psi_online_log);
    psi_online_evaluate(online, rank, is_known ? local : &nothing,
                        model->clock * online->rounds_per_clock, sums);
}

static void online_finish(const void *problem, const double *sums, double *metrics) {
    psi_online_finish(problem, sums, metrics);
}

static double online_units_per_clock(const void *problem) {
    return (double)((const psi_online_problem *)problem)->rounds_per_clock;
}

static const char *const metrics[PSI_ONLINE_METRICS] = {
    [PSI_ONLINE_OBJECTIVE] = "objective",
    [PSI_ONLINE_REGRET] = "regret",
    [PSI_ONLINE_BOUND] = "bound",
    [PSI_ONLINE_RATIO] = "ratio",
    [PSI_ONLINE_HOLDS] = "assumptions_hold",
    [PSI_ONLINE_ROUNDS] = "rounds",
    [PSI_ONLINE_FLIGHT_MEAN] = "in_flight_mean",
    [PSI_ONLINE_FLIGHT_VARIANCE] = "in_flight_variance",
    [PSI_ONLINE_COMPARATOR_GAP] = "comparator_gap",
};

const ps_algo psi_online_algo = {
    .name = "online",
    .summary = "online convex optimisation with delayed gradients: regret beside its bound",
    .unit = "round",
    .unit_cost_s = REFERENCE_COST_S,
    .default_clock_count = PSI_ONLINE_DEFAULT_CLOCKS,
    .options = psi_online_option_list,
    .option_count = PSI_ONLINE_OPTIONS,
    .metrics = metrics,
    .metric_count = PSI_ONLINE_METRICS,
    .maximised = 1U << PSI_ONLINE_HOLDS | 1U << PSI_ONLINE_ROUNDS,
    .sum_count = PSI_ONLINE_SUMS,
    .open = online_open,
    .close = online_close,
    .describe = online_describe,
    .tables = online_tables,
    .row_init = online_row_init,
    .worker = online_worker,
    .evaluate = online_evaluate,
    .finish = online_finish,
    .units_per_clock = online_units_per_clock,
};
