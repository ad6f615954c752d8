/* An experiment on a finite sum: the examples, the theorem to be checked, and the options. Made
 * once in each process and shared by its workers, who do not change it.
 *
 *     F(x) = f(x) + l1 ||x||_1,   f(x) = 1/N sum_n phi(a_n . x, y_n) + strong/2 ||x||^2,   ||a_n||
 * = 1 */
#ifndef PSI_FINITE_PROBLEM_H
#define PSI_FINITE_PROBLEM_H

#include "tortoise/algo.h"

#include "algos/finite/examples.h"
#include "algos/finite/finite_theorem.h"
#include "algos/online/comparator.h"

typedef enum psi_shard_delays {
    PSI_SHARD_DELAYS_FIXED,    /* tau */
    PSI_SHARD_DELAYS_UNIFORM,  /* 0 .. tau */
    PSI_SHARD_DELAYS_GEOMETRIC /* of mean tau, and no longest one */
} psi_shard_delays;

typedef struct psi_finite_problem {
    const psi_finite_theorem *theorem;
    psi_stream examples;                     /* owned */
    double separator[PSI_SET_DIMENSION_MAX]; /* of the labels but for the noise */
    psi_game game;                           /* loss, strong, where x must be; of the examples */
    double l1;
    uint32_t shard_count, block_count; /* of proximal steps */
    psi_shard_delays delays;
    int weighs_by_errors;     /* mixing: mu by error counts, else uniform */
    uint64_t replica_count;   /* averaging: independent repetitions */
    uint64_t steps_per_clock; /* of a worker; mixing, blocks: 1 */
    double least, gap;        /* F at `best`, which is above min F by at most the gap; of proximal
                                 * steps and averaging */
    double best[PSI_SET_DIMENSION_MAX];
    psi_facts facts; /* but for what the run shows */
    uint64_t seed;
    uint32_t worker_count;
} psi_finite_problem;

/* The options, in the order of ps_settings.values. */
enum {
    PSI_FINITE_THEOREM,
    PSI_FINITE_LOSS,
    PSI_FINITE_STRONG,
    PSI_FINITE_L1,
    PSI_FINITE_RADIUS,
    PSI_FINITE_DIMENSION,
    PSI_FINITE_EXAMPLES,
    PSI_FINITE_DIRECTIONS,
    PSI_FINITE_MARGIN,
    PSI_FINITE_NOISE,
    PSI_FINITE_DELAYS,
    PSI_FINITE_DELAY,
    PSI_FINITE_STALENESS,
    PSI_FINITE_SHARDS,
    PSI_FINITE_BLOCKS,
    PSI_FINITE_WEIGHTS,
    PSI_FINITE_REPLICAS,
    PSI_FINITE_STEP_SCALE,
    PSI_FINITE_OPTIONS
};
extern const ps_option psi_finite_option_list[PSI_FINITE_OPTIONS];

enum { PSI_FINITE_DEFAULT_CLOCKS = 100 };

/* As ps_algo.open and ps_algo.close. Finds the least value of F. */
PS_MUST_CHECK ps_err psi_finite_problem_open(const ps_settings *settings,
                                             psi_finite_problem **problem_out, ps_fault *fault);
void psi_finite_problem_close(psi_finite_problem *problem);

/* F(x). O(N d). */
double psi_finite_value(const psi_finite_problem *problem, const double *x);

/* What was seen so far: of one worker, to be added up. */
typedef struct psi_finite_log {
    double step_count; /* steps, or epochs */
    double measured;   /* squared moves, or weighted mistakes of the epochs that were mixed */
    double late_count; /* gradients, or rows, older than they may be */
    double mistakes;   /* all of the worker's own */
} psi_finite_log;

/* Places of the partial sums, and of the metrics. */
enum {
    PSI_FINITE_VALUE, /* worker 0's from here on */
    PSI_FINITE_ERROR,
    PSI_FINITE_VARIANCE_SUM,
    PSI_FINITE_STEP_COUNT,
    PSI_FINITE_MEASURED_SUM, /* of blocks: all workers' */
    PSI_FINITE_LATE_COUNT,   /* all workers' from here on */
    PSI_FINITE_MISTAKE_COUNT,
    PSI_FINITE_SUMS
};
enum {
    PSI_FINITE_OBJECTIVE,
    PSI_FINITE_MEASURED,
    PSI_FINITE_BOUND,
    PSI_FINITE_RATIO,
    PSI_FINITE_HOLDS,
    PSI_FINITE_STEPS,
    PSI_FINITE_STANDARD_ERROR,
    PSI_FINITE_VARIANCE,
    PSI_FINITE_MISTAKES,
    PSI_FINITE_COMPARATOR_GAP,
    PSI_FINITE_METRICS
};

/* The share of worker `rank`; worker 0 looks at the rows of all, [workers][columns], as the methods
 * lay them out. Fills sums[0..PSI_FINITE_SUMS). */
void psi_finite_evaluate(const psi_finite_problem *problem, uint32_t rank,
                         const psi_finite_log *log, const ps_model *model, double *sums);

/* Makes the metrics. What is measured of a mean is three standard errors above the estimate, so
 * that no ratio is too small by chance. assumptions_hold as of the games. */
void psi_finite_finish(const psi_finite_problem *problem, const double *sums, double *metrics);

/* The facts of a run so far, as the bound wants them. */
psi_facts psi_finite_facts(const psi_finite_problem *problem, const double *sums);

/* Numbers in a worker's row of the one table. */
uint32_t psi_finite_column_count(const psi_finite_problem *problem);

#endif
