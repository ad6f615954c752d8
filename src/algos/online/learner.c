#include "algos/online/learner.h"

#include <math.h>
#include <stdlib.h>

ps_err psi_learner_init(psi_learner *learner, const psi_learner_options *options) {
    const uint64_t rounds = options->game->stream->round_count;
    const uint32_t d = options->game->set.dimension;
    const int revises = options->kind == PSI_LEARNER_ADAREVISION;
    *learner = (psi_learner){.options = *options};
    psi_set_start(&options->game->set, learner->x);
    learner->gradients = calloc(rounds, d * sizeof *learner->gradients);
    learner->heads = calloc(rounds, sizeof *learner->heads);
    learner->tails = calloc(rounds, sizeof *learner->tails);
    learner->following = calloc(rounds, sizeof *learner->following);
    learner->is_used = calloc(rounds, sizeof *learner->is_used);
    learner->revision = psi_revision_make(
        &options->game->set, options->step_scale * options->facts->radius, options->facts->delay);
    learner->marks = revises ? calloc(rounds, d * sizeof *learner->marks) : NULL;
    for (uint32_t i = 0; i < d; i++) {
        learner->z[i] = learner->z_max[i] = 1;
    }
    const int has_all = learner->gradients != NULL && learner->heads != NULL &&
                        learner->tails != NULL && learner->following != NULL &&
                        learner->is_used != NULL && (!revises || learner->marks != NULL);
    return has_all ? PS_OK : PS_ENOMEM;
}

void psi_learner_fini(psi_learner *learner) {
    free(learner->gradients);
    free(learner->heads);
    free(learner->tails);
    free(learner->following);
    free(learner->is_used);
    free(learner->marks);
    *learner = (psi_learner){.gradients = NULL};
}

/* One coordinate of AdaptiveRevision; the step that others took meanwhile is revised, too. */
static void coordinate_revise(psi_learner *learner, uint64_t round, uint32_t i, double scale) {
    const size_t at = round * learner->options.game->set.dimension + i;
    const double g = learner->gradients[at], back = learner->sum[i] - learner->marks[at];
    const double before = scale / sqrt(learner->z_max[i]);
    learner->z[i] += g * g + 2 * g * back;
    learner->z_max[i] = fmax(learner->z_max[i], learner->z[i]);
    const double after = scale / sqrt(learner->z_max[i]);
    learner->x[i] += -after * g + (before - after) * back;
    learner->sum[i] += g;
}

static double step_of(const psi_learner *learner, uint64_t round) {
    const psi_learner_options *const options = &learner->options;
    const psi_facts *const facts = options->facts;
    if (options->kind == PSI_LEARNER_SGD || options->kind == PSI_LEARNER_LAZY) {
        return options->step_scale * options->theorem->step(facts, (double)round + 1);
    }
    /* Round + 1 + delay is now, and the delay counts once more. */
    const double t = (double)round + 1 + 2 * (double)options->delays[round];
    return options->step_scale * psi_adadelay_step(facts, t);
}

/* Uses the gradient of a round. */
static void gradient_use(psi_learner *learner, uint64_t round) {
    const uint32_t d = learner->options.game->set.dimension;
    const psi_learner_kind kind = learner->options.kind;
    const double scale = learner->options.step_scale * learner->options.facts->radius;
    const int steps =
        kind == PSI_LEARNER_SGD || kind == PSI_LEARNER_ADADELAY || kind == PSI_LEARNER_LAZY;
    const double step = steps ? step_of(learner, round) : 0;
    for (uint32_t i = 0; i < d; i++) {
        if (kind == PSI_LEARNER_ADAREVISION) {
            coordinate_revise(learner, round, i, scale);
        } else if (kind == PSI_LEARNER_DUAL) {
            learner->sum[i] += learner->gradients[round * d + i];
        } else if (kind == PSI_LEARNER_LAZY) {
            learner->sum[i] += step * learner->gradients[round * d + i];
        } else {
            learner->x[i] -= step * learner->gradients[round * d + i];
        }
    }
    learner->in_flight--;
    learner->is_used[round] = 1;
}

/* The point of the next round, of dual averaging; if lazy, the steps are in the sum. */
static void dual_point(psi_learner *learner) {
    const psi_learner_options *const options = &learner->options;
    const double next = (double)learner->round + 1;
    const double step = options->kind == PSI_LEARNER_LAZY
                            ? 1
                            : options->step_scale * options->theorem->step(options->facts, next);
    psi_set_start(&options->game->set, learner->x);
    for (uint32_t i = 0; i < options->game->set.dimension; i++) {
        learner->x[i] -= step * learner->sum[i];
    }
}

/* Puts a round on the list of those that arrive at the end of round `arrival`. */
static void arrival_note(psi_learner *learner, uint64_t round, uint64_t arrival) {
    if (arrival >= learner->options.game->stream->round_count) {
        return; /* after the last round */
    }
    if (learner->heads[arrival] == 0) {
        learner->heads[arrival] = round + 1;
    } else {
        learner->following[learner->tails[arrival] - 1] = round + 1;
    }
    learner->tails[arrival] = round + 1;
}

/* AdaptiveRevision as its theorem has it: not projected. */
static int is_free(const psi_learner *learner) {
    return learner->options.kind == PSI_LEARNER_ADAREVISION &&
           learner->options.theorem->learner == PSI_LEARNER_ADAREVISION;
}

static void revision_log(psi_learner *learner, uint64_t round) {
    const psi_learner_options *const options = &learner->options;
    const uint32_t d = options->game->set.dimension;
    const double tau = options->facts->delay;
    const double *const gradient = learner->gradients + round * d;
    psi_revision_note(&learner->revision, gradient, learner->sum,
                      (double)round >= tau ? gradient - (size_t)tau * d : NULL);
    learner->log.revised =
        psi_revision_sum(&learner->revision, options->game->set.radius, options->facts->lipschitz);
}

/* What the point of round t does not know yet, to the log. */
static void read_log(psi_learner *learner, uint64_t t) {
    while (learner->oldest < t && learner->is_used[learner->oldest]) {
        learner->oldest++;
    }
    learner->read = (psi_read){.in_flight = learner->in_flight, .delay = t - learner->oldest};
    const double in_flight = (double)learner->in_flight;
    learner->log.in_flight_weighted += in_flight / sqrt((double)learner->round);
    learner->log.in_flight_sum += in_flight;
    learner->log.in_flight_squares += in_flight * in_flight;
    learner->log.round_count += 1;
}

void psi_learner_round(psi_learner *learner) {
    const psi_game *const game = learner->options.game;
    const uint32_t d = game->set.dimension;
    const uint64_t t = learner->round++;
    read_log(learner, t);
    learner->log.loss_sum += psi_game_value(game, t, learner->x);
    psi_game_gradient(game, t, learner->x, learner->gradients + t * d);
    for (uint32_t i = 0; i < d && learner->marks != NULL; i++) {
        learner->marks[t * d + i] = learner->sum[i];
    }
    if (is_free(learner)) {
        revision_log(learner, t);
    }
    learner->in_flight++;
    arrival_note(learner, t, t + learner->options.delays[t]);
    for (uint64_t r = learner->heads[t]; r != 0; r = learner->following[r - 1]) {
        gradient_use(learner, r - 1);
    }
    if (learner->options.kind == PSI_LEARNER_DUAL || learner->options.kind == PSI_LEARNER_LAZY) {
        dual_point(learner);
    }
    if (!is_free(learner)) {
        psi_set_project(&game->set, learner->x);
    }
}
