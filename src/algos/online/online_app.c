/* One table of one row: x, and for every worker how many of its updates are in it. A worker adds 1
 * to its own place with each update, so that whoever reads the row knows exactly which updates it
 * has read: updates of one worker apply in order. It counts in units of 2^-60, so that a policy
 * that bounds values sees x alone.
 *
 * One worker plays rounds with delays of its own (learner.h), or for virtual workers, whose reads
 * are as stale as SSP admits (virtual_workers.h). Several play one round each a clock,
 * round number t = clock P + rank + 1, and the delays are those that the server's policy, the
 * network and the other workers make (Ho et al. 2013): x is what was read, and not projected. Of
 * dual averaging the row has the sum of all -g instead, and x = project(start + eta_t sum); of the
 * lazy learner x is projected when it is read. */
#include "algos/online/online_app.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "algos/online/stale_read.h"
#include "algos/online/virtual_workers.h"

enum { TABLE_X, TABLES };
enum { TALLY_IN_FLIGHT, TALLY_DELAY, TALLIES };

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
    const int is_sum = online->worker_count > 1 || online->virtual_workers > 0;
    if (!is_sum || online->learner != PSI_LEARNER_DUAL) {
        psi_set_start(&online->game.set, values);
    }
}

static ps_err read_tally(ps_worker *worker, const psi_read *read) {
    PS_TRY(ps_tally(worker, TALLY_IN_FLIGHT, read->in_flight));
    return ps_tally(worker, TALLY_DELAY, read->delay);
}

/* ---- One worker ---- */

/* Plays by itself, or for all the workers that are virtual. */
typedef struct solo {
    const psi_online_problem *problem;
    psi_learner learner;
    psi_virtual workers;
    psi_read *reads;      /* owned, [rounds_per_clock]: of a clock */
    uint64_t round_count; /* played so far */
} solo;

static void solo_play(void *arg) {
    solo *const s = arg;
    const uint64_t first = s->round_count;
    s->round_count += s->problem->rounds_per_clock;
    if (s->problem->virtual_workers > 0) {
        psi_virtual_play(&s->workers, s->round_count);
    }
    for (uint64_t round = first; round < s->round_count; round++) {
        if (s->problem->virtual_workers > 0) {
            s->reads[round - first] = s->workers.played[round].read;
        } else {
            psi_learner_round(&s->learner);
            s->reads[round - first] = s->learner.read;
        }
    }
}

static ps_err solo_clock(solo *s, ps_worker *worker) {
    const uint32_t d = s->problem->game.set.dimension;
    PS_TRY(ps_fetch(worker, TABLE_X, (const uint64_t[]){0}, 1));
    double *const row = ps_edit(worker, TABLE_X, 0);
    if (row == NULL) {
        return PS_ENOMEM;
    }
    PS_TRY(ps_compute(worker, (double)s->problem->rounds_per_clock, solo_play, s));
    if (s->problem->virtual_workers > 0) {
        psi_virtual_sum(&s->workers, row);
    } else {
        memcpy(row, s->learner.x, d * sizeof *row);
    }
    row[d] = (double)s->round_count;
    for (uint64_t i = 0; i < s->problem->rounds_per_clock; i++) {
        PS_TRY(read_tally(worker, &s->reads[i]));
    }
    return ps_clock(worker);
}

static ps_err solo_init(solo *s) {
    const psi_online_problem *const problem = s->problem;
    const psi_learner_options options = {.kind = problem->learner,
                                         .game = &problem->game,
                                         .theorem = problem->theorem,
                                         .facts = &problem->facts,
                                         .step_scale = problem->step_scale,
                                         .delays = problem->delays};
    s->reads = calloc(problem->rounds_per_clock, sizeof *s->reads);
    if (s->reads == NULL) {
        return PS_ENOMEM;
    }
    return problem->virtual_workers > 0 ? psi_virtual_init(&s->workers, problem)
                                        : psi_learner_init(&s->learner, &options);
}

static ps_err solo_work(ps_worker *worker, const psi_online_problem *problem) {
    solo s = {.problem = problem};
    const psi_online_log *const log =
        problem->virtual_workers > 0 ? &s.workers.log : &s.learner.log;
    ps_err err = solo_init(&s);
    if (err == PS_OK) {
        ps_publish(worker, log, sizeof *log);
    }
    for (uint32_t clock = 0; clock < ps_clock_count(worker) && err == PS_OK; clock++) {
        err = solo_clock(&s, worker);
    }
    free(s.reads);
    psi_virtual_fini(&s.workers);
    psi_learner_fini(&s.learner);
    return err;
}

/* ---- Several ---- */

typedef struct player {
    const psi_online_problem *problem;
    const double *row; /* as it was read */
    uint32_t rank;
    uint32_t clock;
    double value_bound; /* of the policy */
    psi_read read;
    double *delta; /* owned, as a row */
    psi_online_log log;
} player;

/* What the read lacks or has too many, against all of the rounds before this one. */
static psi_read read_of(const player *p) {
    const uint32_t workers = p->problem->worker_count;
    const double *const counts = p->row + p->problem->game.set.dimension;
    const double promised = (double)p->clock - p->problem->facts.staleness;
    const uint64_t own = (uint64_t)p->clock * workers + p->rank;
    psi_read read = {0};
    for (uint32_t q = 0; q < workers; q++) {
        const uint64_t before = (uint64_t)p->clock + (q < p->rank);
        const uint64_t has = (uint64_t)(counts[q] / COUNT_UNIT);
        read.in_flight += has < before ? before - has : has - before;
        read.is_too_old |= (double)has < promised;
        if (has < before && own - (has * workers + q) > read.delay) {
            read.delay = own - (has * workers + q);
        }
    }
    return read;
}

static void player_play(void *arg) {
    player *const p = arg;
    const psi_online_problem *const problem = p->problem;
    const uint64_t t = (uint64_t)p->clock * problem->worker_count + p->rank + 1;
    p->read = read_of(p);
    const psi_played played = psi_stale_play(problem, p->row, p->read, t, p->delta);
    psi_stale_log(problem, &played, t, &p->log);
    p->log.rounds_unbounded += p->value_bound > problem->facts.value_bound;
    p->delta[problem->game.set.dimension + p->rank] = COUNT_UNIT;
}

static ps_err player_clock(player *p, ps_worker *worker) {
    PS_TRY(ps_fetch(worker, TABLE_X, (const uint64_t[]){0}, 1));
    p->row = ps_get(worker, TABLE_X, 0);
    p->clock = ps_clock_now(worker);
    PS_TRY(ps_compute(worker, 1, player_play, p));
    PS_TRY(ps_add(worker, TABLE_X, 0, p->delta));
    PS_TRY(read_tally(worker, &p->read));
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
    [PSI_ONLINE_FLIGHT_SHARE] = "in_flight_share",
};

/* How many updates a read lacks or has too many, and how many rounds ago the oldest was made that
 * it lacks. */
static const char *const tallies[TALLIES] = {
    [TALLY_IN_FLIGHT] = "in_flight", [TALLY_DELAY] = "delay"};
static const ps_tally_file tally_file = {
    .name = "delays.csv", .number = "rounds", .columns = tallies, .column_count = TALLIES};

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
    .tally = &tally_file,
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
