#include "algos/mf/problem.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "data/compact.h"
#include "data/ratings.h"

static const double default_batch = 0.1;

const ps_option psi_mf_options[PSI_MF_OPTIONS] = {
    [PSI_MF_RANK] = {"rank", PS_OPTION_COUNT, NULL, "16", 1, 4096, "factors per user and item"},
    [PSI_MF_STEP] = {"step", PS_OPTION_NUMBER, NULL, "0.1", 0, 1e3,
                     "learning rate at the start, of ratings scaled to variance 1"},
    [PSI_MF_LAMBDA] = {"lambda", PS_OPTION_NUMBER, NULL, "0.05", 0, 1e3,
                       "weight of the L2 penalty per rating, of ratings scaled to variance 1"},
    [PSI_MF_SCHEDULE] = {"schedule", PS_OPTION_WORD, "constant|inverse-sqrt|bold-driver",
                         "inverse-sqrt", 0, 0, "how the step changes over the passes"},
    [PSI_MF_ADAGRAD] = {"adagrad", PS_OPTION_WORD, "no|row|coordinate", "no", 0, 0,
                        "divide steps by the root of the sum of squared gradients"},
    [PSI_MF_BIASES] = {"biases", PS_OPTION_FLAG, NULL, "yes", 0, 0, "a bias per user and item"},
    [PSI_MF_INIT] = {"init", PS_OPTION_NUMBER, NULL, "1", 0, 1e3,
                     "factors start uniform in +-init/sqrt(rank)"},
    [PSI_MF_HELDOUT] = {"heldout", PS_OPTION_NUMBER, NULL, "0.1", 0, 0.9,
                        "share of the ratings that is not trained on"},
    [PSI_MF_DAMPING] = {"damping", PS_OPTION_NUMBER, NULL, "3", 0, 1e6,
                        "slows items that many workers update in one clock; 0: plain SGD"},
    [PSI_MF_EVAL_SHARE] = {"eval-share", PS_OPTION_NUMBER, NULL, "1", 1e-6, 1,
                           "share of the training ratings that an evaluation looks at"},
    [PSI_MF_SLICES] = {"slices", PS_OPTION_COUNT, NULL, "1", 1, 65536,
                       "parts of a clock's items, each fetched when its turn comes"},
};

static bool value_is(const ps_settings *settings, int option, const char *word) {
    return strcmp(settings->values[option], word) == 0;
}

static void options_take(psi_mf_problem *problem, const ps_settings *settings) {
    problem->shape.rank = (uint32_t)ps_option_number(settings->values[PSI_MF_RANK]);
    problem->shape.has_bias = value_is(settings, PSI_MF_BIASES, "yes");
    problem->shape.adagrad = value_is(settings, PSI_MF_ADAGRAD, "row") ? PSI_MF_ADAGRAD_ROW
                             : value_is(settings, PSI_MF_ADAGRAD, "coordinate")
                                 ? PSI_MF_ADAGRAD_COORDINATE
                                 : PSI_MF_ADAGRAD_NO;
    problem->schedule = value_is(settings, PSI_MF_SCHEDULE, "constant")      ? PSI_MF_CONSTANT
                        : value_is(settings, PSI_MF_SCHEDULE, "bold-driver") ? PSI_MF_BOLD_DRIVER
                                                                             : PSI_MF_INVERSE_SQRT;
    problem->step = (float)ps_option_number(settings->values[PSI_MF_STEP]);
    problem->lambda = (float)ps_option_number(settings->values[PSI_MF_LAMBDA]);
    problem->init_scale = (float)ps_option_number(settings->values[PSI_MF_INIT]);
    problem->damping = ps_option_number(settings->values[PSI_MF_DAMPING]);
    problem->eval_share = ps_option_number(settings->values[PSI_MF_EVAL_SHARE]);
    problem->seed = settings->seed;
    problem->worker_count = settings->worker_count;
    (void)snprintf(problem->data, sizeof problem->data, "%s", settings->data);
}

/* Whether rating number `position` of the file is held out: by a hash of it and the seed, so that
 * the split depends on nothing else. */
static bool is_held_out(uint64_t seed, uint64_t position, double share) {
    uint64_t hash = seed * UINT64_C(0x9e3779b97f4a7c15) + position; /* SplitMix64's steps */
    for (int round = 0; round < 2; round++) {
        hash += UINT64_C(0x9e3779b97f4a7c15);
        hash = (hash ^ hash >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
        hash = (hash ^ hash >> 27) * UINT64_C(0x94d049bb133111eb);
        hash ^= hash >> 31;
    }
    return (double)(hash >> 11) * 0x1p-53 < share;
}

/* Mean and deviation of the first `count` triples, which become the units of all. */
static void values_scale(psi_mf_problem *problem, psi_mf_triple *triples, size_t count,
                         size_t total) {
    double sum = 0, squares = 0;
    for (size_t i = 0; i < count; i++) {
        sum += (double)triples[i].value;
    }
    problem->mean = sum / (double)count;
    for (size_t i = 0; i < count; i++) {
        const double distance = (double)triples[i].value - problem->mean;
        squares += distance * distance;
    }
    const double deviation = sqrt(squares / (double)count);
    problem->deviation = deviation > 0 ? deviation : 1; /* all ratings are equal */
    for (size_t i = 0; i < total; i++) {
        triples[i].value = (float)(((double)triples[i].value - problem->mean) / problem->deviation);
    }
}

/* Puts the training ratings in front and the held-out ones behind, each in the order of the file.
 */
static ps_err ratings_split(psi_mf_problem *problem, const psi_ratings *ratings, double share,
                            psi_mf_triple *triples) {
    size_t training = 0;
    for (size_t i = 0; i < ratings->count; i++) {
        training += !is_held_out(problem->seed, i, share);
    }
    if (training == 0) {
        return PS_EFORMAT;
    }
    size_t front = 0, behind = training;
    for (size_t i = 0; i < ratings->count; i++) {
        const size_t at = is_held_out(problem->seed, i, share) ? behind++ : front++;
        triples[at] = (psi_mf_triple){
            .user = ratings->user[i], .item = ratings->item[i], .value = ratings->value[i]};
    }
    problem->training_count = training;
    problem->heldout_count = ratings->count - training;
    values_scale(problem, triples, training, ratings->count);
    return PS_OK;
}

/* Within a clock, workers update an item without seeing each other. Together they make m updates, a
 * share 1 - 1/P of them unseen by a worker; steps that are right one after the other overshoot when
 * they are added up. An item's step is therefore divided by 1 + damping x step x m (1 - 1/P), which
 * bounds what one clock can do to it and changes nothing where one worker learns alone. AdaGrad
 * slows down by itself, but only after the first clock: there it is the root of that. */
static ps_err step_scales_make(psi_mf_problem *problem) {
    const psi_mf_blocks *const blocks = &problem->blocks;
    problem->step_scales = calloc(problem->item_count, sizeof *problem->step_scales);
    double *const updates = calloc(problem->item_count, sizeof *updates); /* m, per item */
    if (problem->step_scales == NULL || updates == NULL) {
        free(updates);
        return PS_ENOMEM;
    }
    for (uint32_t w = 0; w < problem->worker_count; w++) {
        const psi_mf_share *const share = &blocks->shares[w];
        for (size_t b = share->batch_begin; b < share[1].batch_begin; b++) {
            const psi_mf_batch *const batch = &blocks->batches[b];
            for (size_t i = batch->rating_begin; i < batch[1].rating_begin; i++) {
                const size_t item = batch->item_begin + blocks->ratings[i].slot;
                updates[blocks->items[item]] += 1 / (double)psi_mf_batch_count(blocks, w);
            }
        }
    }
    const double unseen = 1 - 1 / (double)problem->worker_count;
    for (uint32_t i = 0; i < problem->item_count; i++) {
        const double crowd = 1 + problem->damping * (double)problem->step * updates[i] * unseen;
        const bool adapts = problem->shape.adagrad != PSI_MF_ADAGRAD_NO;
        problem->step_scales[i] = (float)(1 / (adapts ? sqrt(crowd) : crowd));
    }
    free(updates);
    return PS_OK;
}

/* Everything from the ratings on; their ids are renumbered. */
static ps_err problem_fill(psi_mf_problem *problem, const ps_settings *settings,
                           psi_ratings *ratings, ps_fault *fault) {
    PS_TRY(
        psi_ids_compact(ratings->user, ratings->count, ratings->user_count, &problem->user_count));
    PS_TRY(
        psi_ids_compact(ratings->item, ratings->count, ratings->item_count, &problem->item_count));
    psi_mf_triple *const triples = malloc(ratings->count * sizeof *triples);
    if (triples == NULL) {
        return PS_ENOMEM;
    }
    ps_err err = ratings_split(problem, ratings, ps_option_number(settings->values[PSI_MF_HELDOUT]),
                               triples);
    if (err != PS_OK) {
        (void)ps_fault_set(fault, err, "%s: no rating is left to train on; lower --heldout",
                           problem->data);
    } else {
        const double batch = settings->batch > 0 ? settings->batch : default_batch;
        const psi_mf_layout layout = {
            .user_count = problem->user_count,
            .item_count = problem->item_count,
            .worker_count = problem->worker_count,
            .slice_count = (uint32_t)ps_option_number(settings->values[PSI_MF_SLICES]),
            .batch = batch,
            .seed = problem->seed};
        err = psi_mf_blocks_make(&layout, triples, problem->training_count,
                                 triples + problem->training_count, problem->heldout_count,
                                 &problem->blocks);
    }
    free(triples);
    PS_TRY(err);
    return step_scales_make(problem);
}

ps_err psi_mf_problem_open(const ps_settings *settings, psi_mf_problem **problem_out,
                           ps_fault *fault) {
    *problem_out = NULL;
    psi_ratings ratings;
    PS_TRY(
        psi_ratings_open(settings->data, settings->seed, settings->worker_count, &ratings, fault));
    psi_mf_problem *const problem = calloc(1, sizeof *problem);
    ps_err err = problem == NULL ? PS_ENOMEM : PS_OK;
    if (err == PS_OK && ratings.count >= UINT32_MAX) {
        err = ps_fault_set(fault, PS_EINVAL, "%s: 2^32-1 ratings and more are not supported",
                           settings->data);
    }
    if (err == PS_OK) {
        options_take(problem, settings);
        err = problem_fill(problem, settings, &ratings, fault);
    }
    psi_ratings_fini(&ratings);
    if (err != PS_OK) {
        psi_mf_problem_close(problem);
        return ps_fault_set(fault, err, "%s: %s", settings->data, ps_err_text(err));
    }
    *problem_out = problem;
    return PS_OK;
}

void psi_mf_problem_close(psi_mf_problem *problem) {
    if (problem != NULL) {
        psi_mf_blocks_fini(&problem->blocks);
        free(problem->step_scales);
        free(problem);
    }
}

void psi_mf_users_init(const psi_mf_problem *problem, uint32_t rank, float *users_out) {
    const uint32_t begin = problem->blocks.shares[rank].user_begin;
    const uint32_t count = psi_mf_user_count(&problem->blocks, rank);
    const size_t width = psi_mf_width(problem->shape);
    for (uint32_t u = 0; u < count; u++) {
        psi_mf_row_init(problem->shape, problem->init_scale, problem->seed, "mf-user", begin + u,
                        users_out + u * width);
    }
}

void psi_mf_item_init(const psi_mf_problem *problem, uint64_t item, float *row_out) {
    psi_mf_row_init(problem->shape, problem->init_scale, problem->seed, "mf-item", item, row_out);
}
