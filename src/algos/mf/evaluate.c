#include <math.h>

#include "algos/mf/problem.h"

/* What a pass over ratings looks at. */
typedef struct view {
    const psi_mf_problem *problem;
    const float *users, *items; /* rows */
    size_t width;
} view;

static double square_of(const view *v, uint32_t user, uint32_t item, float value) {
    const float guess =
        psi_mf_predict(v->problem->shape, v->users + user * v->width, v->items + item * v->width);
    const double error = (double)(value - guess);
    return error * error;
}

/* The training ratings of a worker: every stride-th of them. */
static void training_sum(const view *v, uint32_t rank, double *sums) {
    const psi_mf_blocks *const blocks = &v->problem->blocks;
    const psi_mf_share *const share = &blocks->shares[rank];
    const size_t stride = (size_t)nearbyint(1 / v->problem->eval_share);
    size_t at = blocks->batches[share->batch_begin].rating_begin;
    for (size_t b = share->batch_begin; b < share[1].batch_begin; b++) {
        const psi_mf_batch *const batch = &blocks->batches[b];
        const uint32_t *const items = blocks->items + batch->item_begin;
        for (; at < batch[1].rating_begin; at += stride) {
            const psi_mf_rating *const rating = &blocks->ratings[at];
            sums[PSI_MF_TRAIN_SQUARES] +=
                square_of(v, rating->user, items[rating->slot], rating->value);
            sums[PSI_MF_TRAIN_COUNT] += 1;
        }
    }
}

static void heldout_sum(const view *v, uint32_t rank, double *sums) {
    const psi_mf_blocks *const blocks = &v->problem->blocks;
    const psi_mf_share *const share = &blocks->shares[rank];
    for (size_t i = share->heldout_begin; i < share[1].heldout_begin; i++) {
        const psi_mf_rating *const rating = &blocks->heldout[i];
        sums[PSI_MF_HELDOUT_SQUARES] += square_of(v, rating->user, rating->slot, rating->value);
        sums[PSI_MF_HELDOUT_COUNT] += 1;
    }
}

void psi_mf_evaluate(const psi_mf_problem *problem, uint32_t rank, const float *users,
                     const float *items, double *sums) {
    const view v = {problem, users, items, psi_mf_width(problem->shape)};
    const psi_mf_blocks *const blocks = &problem->blocks;
    for (int s = 0; s < PSI_MF_SUMS; s++) {
        sums[s] = 0;
    }
    training_sum(&v, rank, sums);
    heldout_sum(&v, rank, sums);
    const uint32_t begin = blocks->shares[rank].user_begin;
    for (uint32_t u = 0; u < psi_mf_user_count(blocks, rank); u++) {
        sums[PSI_MF_USER_PENALTY] +=
            blocks->user_counts[begin + u] * psi_mf_penalty(problem->shape, users + u * v.width);
    }
    for (uint32_t i = 0; rank == 0 && i < problem->item_count; i++) {
        sums[PSI_MF_ITEM_PENALTY] +=
            blocks->item_counts[i] * psi_mf_penalty(problem->shape, items + i * v.width);
    }
}

void psi_mf_finish(const psi_mf_problem *problem, const double *sums, double *metrics) {
    const double train = sums[PSI_MF_TRAIN_SQUARES] / sums[PSI_MF_TRAIN_COUNT];
    const double penalty =
        (sums[PSI_MF_USER_PENALTY] + sums[PSI_MF_ITEM_PENALTY]) / (double)problem->training_count;
    const double heldout = sums[PSI_MF_HELDOUT_COUNT] > 0
                               ? sums[PSI_MF_HELDOUT_SQUARES] / sums[PSI_MF_HELDOUT_COUNT]
                               : 0;
    metrics[PSI_MF_OBJECTIVE] = train + (double)problem->lambda * penalty;
    metrics[PSI_MF_TRAIN_RMSE] = problem->deviation * sqrt(train);
    metrics[PSI_MF_HELDOUT_RMSE] = problem->deviation * sqrt(heldout);
}
