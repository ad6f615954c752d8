/* A matrix factorisation to be solved: the data, split and laid out, and the options. Made once in
 * each process and shared by its workers, who do not change it. */
#ifndef PSI_MF_PROBLEM_H
#define PSI_MF_PROBLEM_H

#include <stddef.h>
#include <stdint.h>

#include "tortoise/algo.h"

#include "algos/mf/learning_rate.h"
#include "algos/mf/model.h"
#include "algos/mf/rating_blocks.h"

typedef struct psi_mf_problem {
    psi_mf_shape shape;
    psi_mf_schedule schedule;
    float step, lambda, init_scale;
    double damping, eval_share;
    uint64_t seed;
    double mean, deviation; /* of the training ratings: z = (r - mean) / deviation */
    uint32_t user_count, item_count, worker_count;
    size_t training_count, heldout_count;
    psi_mf_blocks blocks;
    float *step_scales; /* owned, [item_count]: see psi_mf_item */
    char data[128];     /* what was read, for people */
} psi_mf_problem;

/* The options, in the order of ps_settings.values. */
enum {
    PSI_MF_RANK,
    PSI_MF_STEP,
    PSI_MF_LAMBDA,
    PSI_MF_SCHEDULE,
    PSI_MF_ADAGRAD,
    PSI_MF_BIASES,
    PSI_MF_INIT,
    PSI_MF_HELDOUT,
    PSI_MF_DAMPING,
    PSI_MF_EVAL_SHARE,
    PSI_MF_SLICES,
    PSI_MF_OPTIONS
};
extern const ps_option psi_mf_options[PSI_MF_OPTIONS];

/* As ps_algo.open and ps_algo.close. */
PS_MUST_CHECK ps_err psi_mf_problem_open(const ps_settings *settings, psi_mf_problem **problem_out,
                                         ps_fault *fault);
void psi_mf_problem_close(psi_mf_problem *problem);

/* Initial rows of users rank's users, one after the other, psi_mf_width() numbers each; and of one
 * item. Depend on the seed and the row alone. */
void psi_mf_users_init(const psi_mf_problem *problem, uint32_t rank, float *users_out);
void psi_mf_item_init(const psi_mf_problem *problem, uint64_t item, float *row_out);

/* Places of the partial sums of an evaluation. */
enum {
    PSI_MF_TRAIN_SQUARES,   /* sum of (z - zhat)^2 over the training ratings that were looked at */
    PSI_MF_TRAIN_COUNT,     /* how many those are */
    PSI_MF_HELDOUT_SQUARES, /* the same over the held-out ratings */
    PSI_MF_HELDOUT_COUNT,
    PSI_MF_USER_PENALTY, /* sum of |p_u|^2 + b_u^2 over all training ratings */
    PSI_MF_ITEM_PENALTY, /* the same of items, counted by worker 0 */
    PSI_MF_SUMS
};

/* Places of the metrics. */
enum { PSI_MF_OBJECTIVE, PSI_MF_TRAIN_RMSE, PSI_MF_HELDOUT_RMSE, PSI_MF_METRICS };

/* The share of worker `rank` in an evaluation: `users` are its users' rows, `items` all items'
 * rows, both psi_mf_width() numbers each. Fills sums[0..PSI_MF_SUMS). O(ratings of the worker x
 * rank). */
void psi_mf_evaluate(const psi_mf_problem *problem, uint32_t rank, const float *users,
                     const float *items, double *sums);

/* metrics[0..PSI_MF_METRICS) of the sums of all workers. The objective is the mean of J (model.h),
 * in units of the ratings' variance: 1 is what predicting the mean gives. The others are in the
 * units of the ratings; heldout_rmse is 0 when nothing is held out. */
void psi_mf_finish(const psi_mf_problem *problem, const double *sums, double *metrics);

#endif
