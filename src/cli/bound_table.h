/* The table of theorems of an experiment whose runs measure what a theorem bounds. */
#ifndef TT_BOUND_TABLE_H
#define TT_BOUND_TABLE_H

#include "sweep.h"
#include "tortoise/err.h"

/* If the runs of the sweep have `regret` or `measured`, and `bound`, `ratio` and
 * `assumptions_hold`, prints a line for each theorem: how many runs there are and in how many its
 * assumptions hold, the largest ratio of what was measured and bound among these with both, and
 * PASS if it is at most 1. Else prints nothing. Reads the metrics of all runs. Returns PS_OK, or
 * what went wrong in reading them. */
PS_MUST_CHECK ps_err tt_bound_table_print(const tt_sweep *sweep, ps_fault *fault);

#endif
