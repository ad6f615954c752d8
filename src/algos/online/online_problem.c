#include "algos/online/online_problem.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { DEFAULT_ROUNDS = 100 /* a clock of one worker */ };
static const double numbers_max = 0x1p28; /* of a stream */

const ps_option psi_online_option_list[PSI_ONLINE_OPTIONS] = {
    [PSI_ONLINE_THEOREM] = {"theorem", PS_OPTION_WORD, psi_theorem_words, "lipschitz-tight", 0, 0,
                            "whose steps are taken, and whose bound is drawn"},
    [PSI_ONLINE_LEARNER] = {"learner", PS_OPTION_WORD, "auto|sgd|dual|adarevision|adadelay|lazy",
                            "auto", 0, 0, "auto: that of the theorem; ada... are for one worker"},
    [PSI_ONLINE_LOSS] = {"loss", PS_OPTION_WORD, "linear|hinge|squared|logistic|smooth-hinge",
                         "linear", 0, 0, "of a margin a.x; |a| = 1, labels -1 and +1"},
    [PSI_ONLINE_STRONG] = {"strong", PS_OPTION_NUMBER, NULL, "0", 0, 1e6,
                           "adds strong/2 |x|^2 to every loss"},
    [PSI_ONLINE_SET] = {"set", PS_OPTION_WORD, "ball|box|simplex", "ball", 0, 0, "where x must be"},
    [PSI_ONLINE_RADIUS] = {"radius", PS_OPTION_NUMBER, NULL, "1", 1e-6, 1e6, "of the set"},
    [PSI_ONLINE_DIMENSION] = {"dimension", PS_OPTION_COUNT, NULL, "1", 1, PSI_SET_DIMENSION_MAX,
                              "of x"},
    [PSI_ONLINE_STREAM] = {"stream", PS_OPTION_WORD, "iid|block|alternate|drift", "block", 0, 0,
                           "order of the examples"},
    [PSI_ONLINE_BLOCK] = {"block", PS_OPTION_COUNT, NULL, "0", 0, 1e9,
                          "rounds of a block, or of a turn; 0: what delays make worst"},
    [PSI_ONLINE_NOISE] = {"noise", PS_OPTION_NUMBER, NULL, "1", 0, 1,
                          "share of labels that are thrown like a coin"},
    [PSI_ONLINE_DELAYS] = {"delays", PS_OPTION_WORD, "fixed|geometric|heavy|burst", "fixed", 0, 0,
                           "of gradients, with one worker"},
    [PSI_ONLINE_DELAY] = {"delay", PS_OPTION_COUNT, NULL, "0", 0, 1e6,
                          "tau: mean rounds between a gradient and its use"},
    [PSI_ONLINE_STALENESS] = {"staleness", PS_OPTION_NUMBER, NULL, "0", -1, 1e6,
                              "s that steps and bound are for; -1: what the policy promises"},
    [PSI_ONLINE_VALUE_BOUND] = {"value-bound", PS_OPTION_NUMBER, NULL, "0", 0, 1e9,
                                "V of the policy vap:V, for the bound"},
    [PSI_ONLINE_STEP_SCALE] = {"step-scale", PS_OPTION_NUMBER, NULL, "1", 1e-9, 1e9,
                               "multiplies the theorem's steps, which is then broken"},
    [PSI_ONLINE_VIRTUAL_WORKERS] = {"virtual-workers", PS_OPTION_COUNT, NULL, "0", 0, 65536,
                                    "P workers under ssp that one worker plays for; 0: none"},
    [PSI_ONLINE_READS] = {"reads", PS_OPTION_WORD, "fresh|stalest|farthest|random", "stalest", 0, 0,
                          "of virtual workers: which updates they have, of those ssp leaves free"},
};

static int place_of(const ps_settings *settings, int option) {
    return ps_option_place(&psi_online_option_list[option], settings->values[option]);
}

/* s of the bound. */
static double staleness_of(const ps_settings *settings) {
    const double own = ps_option_number(settings->values[PSI_ONLINE_STALENESS]);
    return own == -1 ? settings->staleness : own;
}

/* P, be they real or virtual. */
static uint32_t workers_of(const ps_settings *settings) {
    const double unreal = ps_option_number(settings->values[PSI_ONLINE_VIRTUAL_WORKERS]);
    return unreal > 0 ? (uint32_t)unreal : settings->worker_count;
}

/* What staleness and virtual workers are not for. */
static ps_err stale_check(const ps_settings *settings, ps_fault *fault) {
    const double staleness = staleness_of(settings);
    const int is_adaptive = strncmp(settings->values[PSI_ONLINE_LEARNER], "ada", 3) == 0;
    if (!isfinite(staleness)) {
        return ps_fault_set(fault, PS_EINVAL,
                            "--staleness -1: the policy promises none; give a number");
    }
    if (staleness != floor(staleness) || staleness < 0) {
        return ps_fault_set(fault, PS_EINVAL, "--staleness %s is neither a whole number nor -1",
                            settings->values[PSI_ONLINE_STALENESS]);
    }
    if (ps_option_number(settings->values[PSI_ONLINE_VIRTUAL_WORKERS]) == 0) {
        return PS_OK;
    }
    if (settings->worker_count > 1) {
        return ps_fault_set(fault, PS_EINVAL,
                            "--virtual-workers are played by one; add --workers 1");
    }
    if (is_adaptive || ps_option_number(settings->values[PSI_ONLINE_DELAY]) > 0) {
        return ps_fault_set(fault, PS_EINVAL,
                            "--virtual-workers have no %s: their delays are those of --reads",
                            is_adaptive ? settings->values[PSI_ONLINE_LEARNER] : "--delay");
    }
    return PS_OK;
}

static ps_err options_check(const ps_settings *settings, ps_fault *fault) {
    if (strcmp(settings->data, "synthetic") != 0) {
        return ps_fault_set(fault, PS_EINVAL,
                            "--data %s: online makes its own stream; leave --data out",
                            settings->data);
    }
    const char *const learner = settings->values[PSI_ONLINE_LEARNER];
    const char *const theorem = settings->values[PSI_ONLINE_THEOREM];
    if (settings->worker_count > 1 && strncmp(learner, "ada", 3) == 0) {
        return ps_fault_set(fault, PS_EINVAL, "--learner %s is for one worker; add --workers 1",
                            learner);
    }
    if (settings->worker_count > 1 && strncmp(theorem, "ada", 3) == 0) {
        return ps_fault_set(fault, PS_EINVAL, "--theorem %s is for one worker; add --workers 1",
                            theorem);
    }
    if (settings->worker_count > 1 && ps_option_number(settings->values[PSI_ONLINE_DELAY]) > 0) {
        return ps_fault_set(
            fault, PS_EINVAL,
            "--delay is for one worker; of several the delays are those that happen");
    }
    return stale_check(settings, fault);
}

/* The largest |a_t . x| of the stream and the set. */
static double margin_max(const psi_online_problem *problem) {
    const psi_stream *const stream = &problem->stream;
    double most = 0;
    for (uint64_t t = 0; t < stream->round_count; t++) {
        const double *const a = stream->a + t * stream->dimension;
        double sum = 0, largest = 0, squares = 0;
        for (uint32_t i = 0; i < stream->dimension; i++) {
            sum += fabs(a[i]);
            largest = fmax(largest, fabs(a[i]));
            squares += a[i] * a[i];
        }
        const psi_set_kind kind = problem->game.set.kind;
        most = fmax(most, kind == PSI_SET_BALL  ? sqrt(squares)
                          : kind == PSI_SET_BOX ? sum
                                                : largest);
    }
    return most * problem->game.set.radius;
}

/* L: on the set, or everywhere if points are not kept there. */
static double slope_max(const psi_online_problem *problem) {
    const psi_game *const game = &problem->game;
    if (problem->theorem->learner == PSI_LEARNER_ADAREVISION) {
        return game->lambda > 0 ? INFINITY : psi_loss_slope_max(game->loss, INFINITY);
    }
    return psi_loss_slope_max(game->loss, margin_max(problem)) +
           game->lambda * psi_set_norm_max(&game->set);
}

static void facts_make(psi_online_problem *problem, const ps_settings *settings) {
    const psi_game *const game = &problem->game;
    psi_facts *const facts = &problem->facts;
    facts->lipschitz = slope_max(problem);
    facts->smoothness = psi_loss_curvature_max(game->loss) + game->lambda;
    facts->strong = game->lambda;
    facts->radius = psi_set_diameter(&game->set) / sqrt(2);
    facts->reach = psi_set_reach(&game->set);
    facts->horizon = (double)problem->stream.round_count;
    facts->delay = ps_option_number(settings->values[PSI_ONLINE_DELAY]);
    facts->staleness = staleness_of(settings);
    facts->workers = workers_of(settings);
    facts->dimension = game->set.dimension;
    facts->value_bound = ps_option_number(settings->values[PSI_ONLINE_VALUE_BOUND]);
    facts->has_fixed_delay = place_of(settings, PSI_ONLINE_DELAYS) == PSI_DELAY_FIXED;
    facts->is_iid = place_of(settings, PSI_ONLINE_STREAM) == PSI_ORDER_IID;
    facts->is_projected = problem->worker_count == 1 && problem->virtual_workers == 0;
    for (uint64_t t = 0; t < problem->stream.round_count; t++) {
        facts->delay_sum += problem->delays[t];
    }
}

static psi_stream_spec stream_spec_of(const ps_settings *settings, uint64_t round_count) {
    const double staleness = staleness_of(settings);
    const double block = ps_option_number(settings->values[PSI_ONLINE_BLOCK]);
    const int is_stale = workers_of(settings) > 1 ||
                         ps_option_number(settings->values[PSI_ONLINE_VIRTUAL_WORKERS]) > 0;
    const double in_flight = is_stale ? (staleness + 1) * workers_of(settings)
                                      : ps_option_number(settings->values[PSI_ONLINE_DELAY]) + 1;
    const psi_order order = (psi_order)place_of(settings, PSI_ONLINE_STREAM);
    const double turn =
        order == PSI_ORDER_ALTERNATE ? 2 : 1; /* a quarter of a period late: worst */
    return (psi_stream_spec){.order = order,
                             .dimension =
                                 (uint32_t)ps_option_number(settings->values[PSI_ONLINE_DIMENSION]),
                             .round_count = round_count,
                             .block = (uint64_t)(block > 0 ? block : turn * in_flight),
                             .noise = ps_option_number(settings->values[PSI_ONLINE_NOISE]),
                             .seed = settings->seed};
}

static ps_err problem_fill(psi_online_problem *problem, const ps_settings *settings,
                           ps_fault *fault) {
    const uint64_t clocks =
        settings->clock_count > 0 ? settings->clock_count : PSI_ONLINE_DEFAULT_CLOCKS;
    const double batch = settings->batch >= 1 ? floor(settings->batch) : DEFAULT_ROUNDS;
    problem->worker_count = settings->worker_count;
    problem->rounds_per_clock =
        settings->worker_count > 1 ? settings->worker_count : (uint64_t)batch;
    const psi_stream_spec spec = stream_spec_of(settings, clocks * problem->rounds_per_clock);
    if ((double)spec.round_count * spec.dimension > numbers_max) {
        return ps_fault_set(fault, PS_EINVAL, "%g rounds of %u dimensions are too many",
                            (double)spec.round_count, spec.dimension);
    }
    problem->virtual_workers =
        (uint32_t)ps_option_number(settings->values[PSI_ONLINE_VIRTUAL_WORKERS]);
    problem->reads = (psi_reads)place_of(settings, PSI_ONLINE_READS);
    problem->staleness = (uint64_t)staleness_of(settings);
    problem->seed = settings->seed;
    problem->step_scale = ps_option_number(settings->values[PSI_ONLINE_STEP_SCALE]);
    problem->theorem = psi_theorem_find(settings->values[PSI_ONLINE_THEOREM]);
    if (problem->theorem == NULL) {
        return PS_EINVAL;
    }
    const int learner = place_of(settings, PSI_ONLINE_LEARNER);
    const psi_learner_kind stated = problem->theorem->learner;
    problem->learner = learner == 0 ? stated : (psi_learner_kind)(learner - 1);
    problem->facts.is_plain = problem->learner == stated && problem->step_scale == 1;
    problem->game =
        (psi_game){.loss = (psi_loss)place_of(settings, PSI_ONLINE_LOSS),
                   .lambda = ps_option_number(settings->values[PSI_ONLINE_STRONG]),
                   .set = {.kind = (psi_set_kind)place_of(settings, PSI_ONLINE_SET),
                           .dimension = spec.dimension,
                           .radius = ps_option_number(settings->values[PSI_ONLINE_RADIUS])},
                   .stream = &problem->stream};
    PS_TRY(psi_stream_make(&spec, &problem->stream));
    problem->delays = calloc(spec.round_count, sizeof *problem->delays);
    if (problem->delays == NULL) {
        return PS_ENOMEM;
    }
    PS_TRY(psi_delays_make((psi_delay_kind)place_of(settings, PSI_ONLINE_DELAYS),
                           (uint32_t)ps_option_number(settings->values[PSI_ONLINE_DELAY]),
                           spec.round_count, settings->seed, problem->delays));
    facts_make(problem, settings);
    problem->update_max =
        problem->facts.value_bound / (problem->worker_count * sqrt((double)clocks + 1));
    if (!isfinite(problem->theorem->step(&problem->facts, 1))) { /* 1 / (lambda t) */
        return ps_fault_set(fault, PS_EINVAL, "the steps of %s need --strong above 0, say 0.1",
                            problem->theorem->name);
    }
    return PS_OK;
}

ps_err psi_online_problem_open(const ps_settings *settings, psi_online_problem **problem_out,
                               ps_fault *fault) {
    *problem_out = NULL;
    PS_TRY(options_check(settings, fault));
    psi_online_problem *const problem = calloc(1, sizeof *problem);
    const ps_err err = problem == NULL ? PS_ENOMEM : problem_fill(problem, settings, fault);
    if (err != PS_OK) {
        psi_online_problem_close(problem);
        return ps_fault_set(fault, err, "online: %s", ps_err_text(err));
    }
    *problem_out = problem;
    return PS_OK;
}

void psi_online_problem_close(psi_online_problem *problem) {
    if (problem != NULL) {
        psi_stream_fini(&problem->stream);
        free(problem->delays);
        free(problem);
    }
}

void psi_online_evaluate(const psi_online_problem *problem, uint32_t rank,
                         const psi_online_log *log, uint64_t round_count, double *sums) {
    sums[PSI_ONLINE_LOSS_SUM] = log->loss_sum;
    sums[PSI_ONLINE_ROUND_COUNT] = log->round_count;
    sums[PSI_ONLINE_FLIGHT_SUM] = log->in_flight_sum;
    sums[PSI_ONLINE_FLIGHT_SQUARES] = log->in_flight_squares;
    sums[PSI_ONLINE_FLIGHT_WEIGHTED] = log->in_flight_weighted;
    sums[PSI_ONLINE_OUTSIDE] = log->reads_outside;
    sums[PSI_ONLINE_TOO_OLD] = log->reads_too_old;
    sums[PSI_ONLINE_UNBOUNDED] = log->rounds_unbounded;
    sums[PSI_ONLINE_TOO_LONG] = log->updates_too_long;
    sums[PSI_ONLINE_REVISED] = log->revised;
    sums[PSI_ONLINE_BEST] = 0;
    sums[PSI_ONLINE_GAP] = 0;
    if (rank == 0) {
        psi_comparator best;
        psi_comparator_find(&problem->game, round_count, &best);
        sums[PSI_ONLINE_BEST] = best.value;
        sums[PSI_ONLINE_GAP] = best.gap;
    }
}

psi_facts psi_online_facts(const psi_online_problem *problem, const double *sums) {
    psi_facts facts = problem->facts;
    const double rounds = fmax(sums[PSI_ONLINE_ROUND_COUNT], 1);
    const double mean = sums[PSI_ONLINE_FLIGHT_SUM] / rounds;
    facts.rounds = sums[PSI_ONLINE_ROUND_COUNT];
    facts.in_flight_mean = mean;
    facts.in_flight_variance = fmax(sums[PSI_ONLINE_FLIGHT_SQUARES] / rounds - mean * mean, 0);
    facts.in_flight_weighted = sums[PSI_ONLINE_FLIGHT_WEIGHTED];
    facts.reads_outside = sums[PSI_ONLINE_OUTSIDE];
    facts.reads_too_old = sums[PSI_ONLINE_TOO_OLD];
    facts.rounds_unbounded = sums[PSI_ONLINE_UNBOUNDED];
    facts.updates_too_long = sums[PSI_ONLINE_TOO_LONG];
    facts.revised = sums[PSI_ONLINE_REVISED];
    return facts;
}

void psi_online_finish(const psi_online_problem *problem, const double *sums, double *metrics) {
    const psi_facts facts = psi_online_facts(problem, sums);
    const double regret =
        sums[PSI_ONLINE_LOSS_SUM] - (sums[PSI_ONLINE_BEST] - sums[PSI_ONLINE_GAP]);
    const double bound = problem->theorem->bound(&facts);
    metrics[PSI_ONLINE_OBJECTIVE] = sums[PSI_ONLINE_LOSS_SUM] / fmax(facts.rounds, 1);
    metrics[PSI_ONLINE_REGRET] = facts.rounds > 0 ? regret : 0;
    metrics[PSI_ONLINE_BOUND] = bound;
    metrics[PSI_ONLINE_RATIO] = facts.rounds > 0 ? regret / bound : 0;
    metrics[PSI_ONLINE_HOLDS] = psi_theorem_broken(problem->theorem, &facts) == NULL;
    metrics[PSI_ONLINE_ROUNDS] = facts.rounds;
    metrics[PSI_ONLINE_FLIGHT_MEAN] = facts.in_flight_mean;
    metrics[PSI_ONLINE_FLIGHT_VARIANCE] = facts.in_flight_variance;
    metrics[PSI_ONLINE_COMPARATOR_GAP] = sums[PSI_ONLINE_GAP];
    const double most = (2 * facts.staleness + 1) * (facts.workers - 1);
    metrics[PSI_ONLINE_FLIGHT_SHARE] = most > 0 ? facts.in_flight_mean / most : 0;
}
