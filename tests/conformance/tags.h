/* The algorithm of the conformance suite. Its updates are tags, so every worker sees in every read
 * which updates of whom are in it, and fails with PS_EBROKEN where the policy promises something
 * else.
 *
 * Worker w's update of its clock k to a row, if tags_is_update(w, k, row), adds 1 to column w *
 * clock_count + k. Table 0 holds tags densely, table 1 sparsely, table 2 a chaotic sum of doubles
 * that depends on what was read (so that under bsp one wrong bit anywhere changes the end), table 3
 * the tags of pushes. */
#ifndef TEST_CONFORMANCE_TAGS_H
#define TEST_CONFORMANCE_TAGS_H

#include "node/run.h"

enum { TAGS_ROWS = 7, TAGS_OFFSET = 3, TAGS_NOBODY = -1 };

typedef struct tags_problem {
    uint32_t worker_count, clock_count;
    bool is_bounded, is_exact; /* of the policy: ssp and essp; bsp */
    uint32_t slack;
    bool is_halved; /* vap: a read at clock c has row clock c / 2 */
    bool with_pushes;
    int32_t leaving_rank; /* returns PS_OK at the beginning of `deed_clock`, or TAGS_NOBODY */
    int32_t failing_rank; /* returns PS_EFAILED there */
    uint32_t deed_clock;
} tags_problem;

/* Columns of the metrics. */
enum { TAGS_LEFT, TAGS_BELOW, TAGS_ABOVE, TAGS_LOCALS, TAGS_SPARSE, TAGS_METRICS };

extern const ps_algo tags_algo;

/* Fills the plan for a problem; counts and policy must be set in the plan. */
void tags_plan(tags_problem *problem, psi_plan *plan);

/* Whether the worker makes such an update in its life. */
bool tags_is_update(const tags_problem *problem, uint32_t rank, uint32_t clock, uint64_t row);

/* Says what is wrong with the results of a run that came to its end, or returns NULL. Static text.
 */
const char *tags_complaint(const psi_plan *plan, const psi_results *results);

/* A digest of the final model's tables 0 to 2. */
uint64_t tags_digest(const psi_results *results, const tags_problem *problem);

#endif
