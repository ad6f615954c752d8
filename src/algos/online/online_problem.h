/* An experiment on regret: the game, the delays, the theorem to be checked, and the options. Made
 * once in each process and shared by its workers, who do not change it. */
#ifndef PSI_ONLINE_PROBLEM_H
#define PSI_ONLINE_PROBLEM_H

#include "tortoise/algo.h"

#include "algos/online/learner.h"

typedef struct psi_online_problem {
    psi_game game;
    psi_stream stream;
    uint32_t *delays; /* owned, [rounds] */
    psi_learner_kind learner;
    const psi_theorem *theorem;
    psi_facts facts; /* for the steps: what is known before the first round */
    double step_scale;
    uint32_t worker_count;
    uint64_t rounds_per_clock; /* of all workers together */
    double update_max;         /* V / (P sqrt(clocks + 1)): the largest number of an update */
} psi_online_problem;

/* The options, in the order of ps_settings.values. */
enum {
    PSI_ONLINE_THEOREM,
    PSI_ONLINE_LEARNER,
    PSI_ONLINE_LOSS,
    PSI_ONLINE_STRONG,
    PSI_ONLINE_SET,
    PSI_ONLINE_RADIUS,
    PSI_ONLINE_DIMENSION,
    PSI_ONLINE_STREAM,
    PSI_ONLINE_BLOCK,
    PSI_ONLINE_NOISE,
    PSI_ONLINE_DELAYS,
    PSI_ONLINE_DELAY,
    PSI_ONLINE_STALENESS,
    PSI_ONLINE_VALUE_BOUND,
    PSI_ONLINE_STEP_SCALE,
    PSI_ONLINE_OPTIONS
};
extern const ps_option psi_online_option_list[PSI_ONLINE_OPTIONS];

enum { PSI_ONLINE_DEFAULT_CLOCKS = 100 };

/* As ps_algo.open and ps_algo.close. */
PS_MUST_CHECK ps_err psi_online_problem_open(const ps_settings *settings,
                                             psi_online_problem **problem_out, ps_fault *fault);
void psi_online_problem_close(psi_online_problem *problem);

/* Places of the partial sums: the log's, then the comparator's, by worker 0; and of the metrics. */
enum {
    PSI_ONLINE_LOSS_SUM,
    PSI_ONLINE_ROUND_COUNT,
    PSI_ONLINE_FLIGHT_SUM,
    PSI_ONLINE_FLIGHT_SQUARES,
    PSI_ONLINE_FLIGHT_WEIGHTED,
    PSI_ONLINE_OUTSIDE,
    PSI_ONLINE_TOO_OLD,
    PSI_ONLINE_UNBOUNDED,
    PSI_ONLINE_TOO_LONG,
    PSI_ONLINE_BEST,
    PSI_ONLINE_GAP,
    PSI_ONLINE_SUMS
};
enum {
    PSI_ONLINE_OBJECTIVE,
    PSI_ONLINE_REGRET,
    PSI_ONLINE_BOUND,
    PSI_ONLINE_RATIO,
    PSI_ONLINE_HOLDS,
    PSI_ONLINE_ROUNDS,
    PSI_ONLINE_FLIGHT_MEAN,
    PSI_ONLINE_FLIGHT_VARIANCE,
    PSI_ONLINE_COMPARATOR_GAP,
    PSI_ONLINE_METRICS
};

/* The share of worker `rank` in an evaluation after `round_count` rounds of all. Worker 0 finds the
 * comparator: O(rounds x d x steps). */
void psi_online_evaluate(const psi_online_problem *problem, uint32_t rank,
                         const psi_online_log *log, uint64_t round_count, double *sums);

/* The regret is sum_t f_t(x_t) - f_t(x*), the value at x* lowered by its certificate's gap, so that
 * what is compared with a bound is never too small. assumptions_hold is 0 where the run breaks one
 * of the theorem's; its bound then says nothing. */
void psi_online_finish(const psi_online_problem *problem, const double *sums, double *metrics);

/* The facts of a run so far, as the bound wants them. */
psi_facts psi_online_facts(const psi_online_problem *problem, const double *sums);

#endif
