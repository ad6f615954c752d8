/* A logistic regression to be learned: the examples, prepared and split, and the options. Made once
 * in each process and shared by its workers, who do not change it. */
#ifndef PSI_LR_PROBLEM_H
#define PSI_LR_PROBLEM_H

#include "tortoise/algo.h"

#include "algos/lr/lr_model.h"

typedef enum psi_lr_schedule {
    PSI_LR_CONSTANT,     /* eta */
    PSI_LR_INVERSE_SQRT, /* eta / sqrt(t): Langford, Smola and Zinkevich 2009, Algorithm 1 */
    PSI_LR_ADAPTIVE,     /* eta / sqrt(sum of the weight's squared gradients, of all workers) */
    PSI_LR_NORMALIZED    /* adaptive, normalised and invariant: lr_normal.h */
} psi_lr_schedule;

typedef struct psi_lr_problem {
    psi_lr_shape shape;
    psi_examples examples; /* prepared; labels are -1 and +1 */
    uint32_t *training;    /* owned, [training_count]: as in the stream, or shuffled */
    uint32_t *heldout;     /* owned, [heldout_count] */
    size_t training_count, heldout_count;
    float *inverse_shares;  /* owned; NULL if l2 = 0 */
    double step, l2, batch; /* batch as in ps_settings, never 0 */
    psi_lr_schedule schedule;
    uint32_t delay; /* examples of a worker between a gradient and its use */
    int mixes;      /* workers' differences are averaged, not added */
    uint32_t worker_count;
} psi_lr_problem;

/* The options, in the order of ps_settings.values. */
enum {
    PSI_LR_BITS,
    PSI_LR_QUADRATIC,
    PSI_LR_BIAS,
    PSI_LR_STEP,
    PSI_LR_SCHEDULE,
    PSI_LR_L2,
    PSI_LR_DELAY,
    PSI_LR_MIXING,
    PSI_LR_HELDOUT,
    PSI_LR_SHUFFLE,
    PSI_LR_OPTIONS
};
extern const ps_option psi_lr_option_list[PSI_LR_OPTIONS];

/* As ps_algo.open and ps_algo.close. */
PS_MUST_CHECK ps_err psi_lr_problem_open(const ps_settings *settings, psi_lr_problem **problem_out,
                                         ps_fault *fault);
void psi_lr_problem_close(psi_lr_problem *problem);

/* Turns labels of 0 and 1 into -1 and +1. PS_EFORMAT, with the line for people, if there are
 * others; `data` names them. */
PS_MUST_CHECK ps_err psi_lr_labels_check(psi_examples *examples, const char *data, ps_fault *fault);

/* Training examples are dealt round robin: worker p has those at p, p + P, ... of the stream. */
static inline size_t psi_lr_own_count(const psi_lr_problem *problem, uint32_t rank) {
    return (problem->training_count + problem->worker_count - 1 - rank) / problem->worker_count;
}

/* The example of a worker's visit, which goes through its own ones again and again. */
static inline size_t psi_lr_example_of(const psi_lr_problem *problem, uint32_t rank,
                                       uint64_t visit) {
    const uint64_t own = visit % psi_lr_own_count(problem, rank);
    return problem->training[own * problem->worker_count + rank];
}

/* Examples of a worker in a clock. O(1). */
size_t psi_lr_batch_size(const psi_lr_problem *problem, uint32_t rank);

/* What a worker has seen: before it learned from an example, it was asked about it. */
typedef struct psi_lr_progress {
    double loss_sum, error_count, visit_count;
} psi_lr_progress;

/* Places of the partial sums, and of the metrics. */
enum {
    PSI_LR_TRAIN_LOSS_SUM,
    PSI_LR_TRAIN_COUNT,
    PSI_LR_PENALTY,
    PSI_LR_SEEN_LOSS_SUM,
    PSI_LR_SEEN_ERRORS,
    PSI_LR_SEEN_COUNT,
    PSI_LR_HELDOUT_LOSS_SUM,
    PSI_LR_HELDOUT_ERRORS,
    PSI_LR_HELDOUT_AUC,
    PSI_LR_HELDOUT_COUNT,
    PSI_LR_SUMS
};
enum {
    PSI_LR_OBJECTIVE,
    PSI_LR_PROGRESSIVE_LOSS,
    PSI_LR_PROGRESSIVE_ERROR,
    PSI_LR_HELDOUT_LOSS,
    PSI_LR_HELDOUT_ERROR,
    PSI_LR_AUC,
    PSI_LR_EXAMPLES,
    PSI_LR_SINCE_LOSS, /* these two are filled in by the run */
    PSI_LR_SINCE_ERROR,
    PSI_LR_METRICS
};

/* The share of worker `rank` in an evaluation at `weights`; worker 0 looks at the held-out ones.
 * Fills sums[0..PSI_LR_SUMS), with nan if there is no memory. O(units of its examples). */
void psi_lr_evaluate(const psi_lr_problem *problem, uint32_t rank, const psi_lr_progress *progress,
                     const float *weights, double *sums);

/* Makes the metrics: objective is the mean loss of the training examples and l2 / 2 ||w||^2. */
void psi_lr_finish(const psi_lr_problem *problem, const double *sums, double *metrics);

/* As ps_algo.leave and ps_algo.infer. */
PS_MUST_CHECK ps_err psi_lr_leave(const psi_lr_problem *problem, const ps_sink *sink);
PS_MUST_CHECK ps_err psi_lr_infer(const ps_question *question, ps_answer *answer_out,
                                  ps_fault *fault);

/* rows_out[r] = weights + 64 r, for psi_lr_margin(), which changes nothing. */
void psi_lr_rows_of(const psi_lr_shape *shape, const float *weights, float **rows_out);

#endif
