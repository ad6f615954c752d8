#include "algos/finite/finite_problem.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "algos/finite/blocks.h"
#include "algos/finite/proximal.h"

enum { DEFAULT_STEPS = 100 /* of a clock */, REPLICA_COLUMNS_MAX = 1 << 16 };
static const double numbers_max = 0x1p26; /* of the examples, or of what a worker keeps */
static const double rounding = 1 + 1e-12;

static const char loss_words[] = "logistic|linear|squared|smooth-hinge";
static const psi_loss losses[] = {PSI_LOSS_LOGISTIC, PSI_LOSS_LINEAR, PSI_LOSS_SQUARED,
                                  PSI_LOSS_SMOOTH_HINGE};

const ps_option psi_finite_option_list[PSI_FINITE_OPTIONS] = {
    [PSI_FINITE_THEOREM] = {"theorem", PS_OPTION_WORD, psi_finite_theorem_words, "delayed-proximal",
                            0, 0, "whose algorithm runs, and whose bound is drawn"},
    [PSI_FINITE_LOSS] = {"loss", PS_OPTION_WORD, loss_words, "logistic", 0, 0,
                         "of a margin a.x; |a| = 1, labels -1 and +1"},
    [PSI_FINITE_STRONG] = {"strong", PS_OPTION_NUMBER, NULL, "0", 0, 1e6,
                           "lambda: adds strong/2 |x|^2 to every loss"},
    [PSI_FINITE_L1] = {"l1", PS_OPTION_NUMBER, NULL, "0", 0, 1e6,
                       "adds l1 |x|_1, of delayed-proximal"},
    [PSI_FINITE_RADIUS] = {"radius", PS_OPTION_NUMBER, NULL, "10", 1e-6, 1e6,
                           "of the box where x must be, of delayed-proximal"},
    [PSI_FINITE_DIMENSION] = {"dimension", PS_OPTION_COUNT, NULL, "4", 1, PSI_SET_DIMENSION_MAX,
                              "of x"},
    [PSI_FINITE_EXAMPLES] = {"examples", PS_OPTION_COUNT, NULL, "200", 1, 1e7, "N, of all workers"},
    [PSI_FINITE_DIRECTIONS] = {"directions", PS_OPTION_WORD, "sphere|axes", "sphere", 0, 0,
                               "of examples; axes: the worst of perceptrons"},
    [PSI_FINITE_MARGIN] = {"margin", PS_OPTION_NUMBER, NULL, "0.1", 0, 0.999,
                           "examples nearer to the separator are moved away, of sphere"},
    [PSI_FINITE_NOISE] = {"noise", PS_OPTION_NUMBER, NULL, "0", 0, 1,
                          "share of labels that are thrown like a coin"},
    [PSI_FINITE_DELAYS] = {"delays", PS_OPTION_WORD, "fixed|uniform|geometric", "fixed", 0, 0,
                           "of the shards' gradients, of delayed-proximal"},
    [PSI_FINITE_DELAY] = {"delay", PS_OPTION_COUNT, NULL, "0", 0, 1e5,
                          "tau: the longest; of geometric ones the mean"},
    [PSI_FINITE_STALENESS] = {"staleness", PS_OPTION_COUNT, NULL, "0", 0, 1e5,
                              "s of the policy, of block-proximal"},
    [PSI_FINITE_SHARDS] = {"shards", PS_OPTION_COUNT, NULL, "1", 1, 1e4,
                           "each with delays of its own, of delayed-proximal"},
    [PSI_FINITE_BLOCKS] = {"blocks", PS_OPTION_COUNT, NULL, "1", 1, PSI_SET_DIMENSION_MAX,
                           "of coordinates; a step moves a random one, of delayed-proximal"},
    [PSI_FINITE_WEIGHTS] = {"weights", PS_OPTION_WORD, "uniform|errors", "uniform", 0, 0,
                            "mu, of mixing-mistakes"},
    [PSI_FINITE_REPLICAS] = {"replicas", PS_OPTION_COUNT, NULL, "100", 2, 1e5,
                             "repetitions that the mean is estimated from, of averaging"},
    [PSI_FINITE_STEP_SCALE] = {"step-scale", PS_OPTION_NUMBER, NULL, "1", 1e-9, 1e9,
                               "multiplies the largest step that the theorem allows"},
};

static int place_of(const ps_settings *settings, int option) {
    return ps_option_place(&psi_finite_option_list[option], settings->values[option]);
}

static ps_err options_check(const psi_finite_problem *problem, const ps_settings *settings,
                            ps_fault *fault) {
    const char *const name = problem->theorem->theorem.name;
    const psi_finite_method method = problem->theorem->method;
    if (strcmp(settings->data, "synthetic") != 0) {
        return ps_fault_set(fault, PS_EINVAL,
                            "--data %s: finite makes its own examples; leave --data out",
                            settings->data);
    }
    if (method == PSI_METHOD_PROXIMAL && problem->worker_count > 1) {
        return ps_fault_set(fault, PS_EINVAL,
                            "%s is for one worker, whose shards have delays; add --workers 1",
                            name);
    }
    const int is_single = method == PSI_METHOD_MIXING || method == PSI_METHOD_BLOCKS;
    if (is_single && settings->batch > 0) {
        return ps_fault_set(fault, PS_EINVAL, "a clock of %s is one %s; leave --batch out", name,
                            method == PSI_METHOD_MIXING ? "epoch of a shard" : "step of a block");
    }
    if (method == PSI_METHOD_BLOCKS && problem->game.set.dimension < problem->worker_count) {
        return ps_fault_set(fault, PS_EINVAL,
                            "%u dimensions are too few for %u workers; raise --dimension",
                            problem->game.set.dimension, problem->worker_count);
    }
    const uint32_t shares = method == PSI_METHOD_MIXING     ? problem->worker_count
                            : method == PSI_METHOD_PROXIMAL ? problem->shard_count
                                                            : 1;
    if (problem->examples.round_count < shares) {
        return ps_fault_set(fault, PS_EINVAL,
                            "%g examples are too few for %u shards; raise --examples",
                            (double)problem->examples.round_count, shares);
    }
    if (method == PSI_METHOD_AVERAGING && !(problem->game.lambda > 0)) {
        return ps_fault_set(fault, PS_EINVAL, "%s needs --strong above 0, say 0.1", name);
    }
    if (method == PSI_METHOD_AVERAGING && problem->game.loss == PSI_LOSS_SQUARED) {
        return ps_fault_set(fault, PS_EINVAL,
                            "%s needs a loss of bounded slope; use --loss logistic", name);
    }
    const int is_proximal = method == PSI_METHOD_PROXIMAL || method == PSI_METHOD_BLOCKS;
    if (is_proximal && problem->game.loss == PSI_LOSS_LINEAR && !(problem->game.lambda > 0)) {
        return ps_fault_set(fault, PS_EINVAL,
                            "linear losses have no largest step; add --strong 0.1, or use "
                            "--loss logistic");
    }
    return PS_OK;
}

static void options_take(psi_finite_problem *problem, const ps_settings *settings) {
    const double batch = settings->batch >= 1 ? floor(settings->batch) : DEFAULT_STEPS;
    const uint64_t clocks =
        settings->clock_count > 0 ? settings->clock_count : PSI_FINITE_DEFAULT_CLOCKS;
    const int is_single = problem->theorem->method == PSI_METHOD_MIXING ||
                          problem->theorem->method == PSI_METHOD_BLOCKS;
    problem->seed = settings->seed;
    problem->worker_count = settings->worker_count;
    problem->l1 = ps_option_number(settings->values[PSI_FINITE_L1]);
    problem->shard_count = (uint32_t)ps_option_number(settings->values[PSI_FINITE_SHARDS]);
    problem->block_count = (uint32_t)ps_option_number(settings->values[PSI_FINITE_BLOCKS]);
    problem->delays = (psi_shard_delays)place_of(settings, PSI_FINITE_DELAYS);
    problem->weighs_by_errors = place_of(settings, PSI_FINITE_WEIGHTS) == 1;
    problem->replica_count = (uint64_t)ps_option_number(settings->values[PSI_FINITE_REPLICAS]);
    problem->steps_per_clock = is_single ? 1 : (uint64_t)batch;
    problem->game = (psi_game){
        .loss = losses[place_of(settings, PSI_FINITE_LOSS)],
        .lambda = ps_option_number(settings->values[PSI_FINITE_STRONG]),
        .set = {.kind = PSI_SET_BOX,
                .dimension = (uint32_t)ps_option_number(settings->values[PSI_FINITE_DIMENSION]),
                .radius = ps_option_number(settings->values[PSI_FINITE_RADIUS])},
        .stream = &problem->examples};
    problem->facts =
        (psi_facts){.horizon = (double)(clocks * problem->steps_per_clock),
                    .strong = problem->game.lambda,
                    .delay = ps_option_number(settings->values[PSI_FINITE_DELAY]),
                    .staleness = ps_option_number(settings->values[PSI_FINITE_STALENESS]),
                    .workers = settings->worker_count,
                    .is_iid = 1,
                    .is_plain = 1};
    if (problem->block_count > problem->game.set.dimension) {
        problem->block_count = problem->game.set.dimension;
    }
}

static ps_err sizes_check(const psi_finite_problem *problem, ps_fault *fault) {
    const double d = problem->game.set.dimension, steps = problem->facts.horizon;
    const double replicas = (double)problem->replica_count;
    if (problem->theorem->method == PSI_METHOD_PROXIMAL && steps * d > numbers_max) {
        return ps_fault_set(fault, PS_EINVAL, "%g steps of %g dimensions are too many", steps, d);
    }
    if (problem->theorem->method == PSI_METHOD_AVERAGING && replicas * d > REPLICA_COLUMNS_MAX) {
        return ps_fault_set(fault, PS_EINVAL, "%g replicas of %g dimensions are too many", replicas,
                            d);
    }
    return PS_OK;
}

/* G, and H of an average: ||a|| = 1. */
static void averaging_prepare(psi_finite_problem *problem) {
    psi_facts *const facts = &problem->facts;
    facts->lipschitz = psi_loss_slope_max(problem->game.loss, INFINITY);
    facts->smoothness = psi_loss_curvature_max(problem->game.loss) + problem->game.lambda;
    /* No point of a machine leaves this ball, and the best one is in it, too. */
    problem->game.set.kind = PSI_SET_BALL;
    problem->game.set.radius = facts->lipschitz / facts->strong;
    psi_comparator best;
    psi_comparator_find(&problem->game, problem->examples.round_count, &best);
    problem->least = best.value / (double)problem->examples.round_count;
    problem->gap = best.gap / (double)problem->examples.round_count;
    memcpy(problem->best, best.x, sizeof best.x);
}

/* The least value, and how far the start is from it. */
static void least_prepare(psi_finite_problem *problem) {
    const double start[PSI_SET_DIMENSION_MAX] = {0};
    psi_proximal_least(problem);
    /* The bound is attained by one step without delay, so rounding is allowed for. */
    problem->facts.start_gap =
        rounding * fmax(psi_finite_value(problem, start) - problem->least, 0);
}

/* L = sum of L_i of the shards. */
static ps_err shards_prepare(psi_finite_problem *problem) {
    const double count = (double)problem->examples.round_count;
    psi_facts *const facts = &problem->facts;
    facts->smoothness = problem->game.lambda;
    for (uint32_t s = 0; s < problem->shard_count; s++) {
        const psi_part shard = {
            .first_example = s, .example_stride = problem->shard_count, .coordinate_stride = 1};
        double curvature = 0;
        PS_TRY(psi_finite_curvature(&problem->examples, &shard, &curvature));
        facts->smoothness += psi_loss_curvature_max(problem->game.loss) * curvature / count;
    }
    return PS_OK;
}

static ps_err method_prepare(psi_finite_problem *problem) {
    psi_facts *const facts = &problem->facts;
    switch (problem->theorem->method) {
    case PSI_METHOD_PROXIMAL:
        PS_TRY(shards_prepare(problem));
        least_prepare(problem);
        break;
    case PSI_METHOD_BLOCKS:
        PS_TRY(psi_blocks_constants(problem, &facts->smoothness, &facts->coupling));
        least_prepare(problem);
        break;
    case PSI_METHOD_AVERAGING:
        averaging_prepare(problem);
        break;
    case PSI_METHOD_MIXING:
        facts->margin = psi_finite_margin(&problem->examples, problem->separator);
        facts->norm_max = psi_finite_norm_max(&problem->examples);
        break;
    }
    return PS_OK;
}

static ps_err problem_fill(psi_finite_problem *problem, const ps_settings *settings,
                           ps_fault *fault) {
    problem->theorem = psi_finite_theorem_find(settings->values[PSI_FINITE_THEOREM]);
    if (problem->theorem == NULL) {
        return PS_EINVAL;
    }
    options_take(problem, settings);
    const psi_finite_spec spec = {
        .directions = (psi_directions)place_of(settings, PSI_FINITE_DIRECTIONS),
        .dimension = problem->game.set.dimension,
        .count = (uint64_t)ps_option_number(settings->values[PSI_FINITE_EXAMPLES]),
        .margin = ps_option_number(settings->values[PSI_FINITE_MARGIN]),
        .noise = ps_option_number(settings->values[PSI_FINITE_NOISE]),
        .seed = settings->seed};
    if ((double)spec.count * spec.dimension > numbers_max) {
        return ps_fault_set(fault, PS_EINVAL, "%g examples of %u dimensions are too many",
                            (double)spec.count, spec.dimension);
    }
    problem->examples.round_count = spec.count;
    PS_TRY(options_check(problem, settings, fault));
    PS_TRY(sizes_check(problem, fault));
    PS_TRY(psi_finite_examples_make(&spec, &problem->examples, problem->separator));
    PS_TRY(method_prepare(problem));
    problem->facts.step = ps_option_number(settings->values[PSI_FINITE_STEP_SCALE]) *
                          problem->theorem->theorem.step(&problem->facts, 1);
    return PS_OK;
}

ps_err psi_finite_problem_open(const ps_settings *settings, psi_finite_problem **problem_out,
                               ps_fault *fault) {
    *problem_out = NULL;
    psi_finite_problem *const problem = calloc(1, sizeof *problem);
    const ps_err err = problem == NULL ? PS_ENOMEM : problem_fill(problem, settings, fault);
    if (err != PS_OK) {
        psi_finite_problem_close(problem);
        return ps_fault_set(fault, err, "finite: %s", ps_err_text(err));
    }
    *problem_out = problem;
    return PS_OK;
}

void psi_finite_problem_close(psi_finite_problem *problem) {
    if (problem != NULL) {
        psi_stream_fini(&problem->examples);
        free(problem);
    }
}

double psi_finite_value(const psi_finite_problem *problem, const double *x) {
    double sum = 0, absolute = 0;
    for (uint64_t n = 0; n < problem->examples.round_count; n++) {
        sum += psi_game_value(&problem->game, n, x);
    }
    for (uint32_t i = 0; i < problem->game.set.dimension; i++) {
        absolute += fabs(x[i]);
    }
    return sum / (double)problem->examples.round_count + problem->l1 * absolute;
}
