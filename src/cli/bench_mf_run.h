/* One real run of matrix factorisation for the benchmarks, and its speed. */
#ifndef TT_BENCH_MF_RUN_H
#define TT_BENCH_MF_RUN_H

#include <stdint.h>

#include "algos/mf/problem.h"
#include "tortoise/err.h"

/* Opens the data for `worker_count` workers with the default options, but for the rank of the
 * factors. Blocks. The errors are those of the reader. */
PS_MUST_CHECK ps_err tt_mf_open(const char *data, const char *rank, uint32_t worker_count,
                                psi_mf_problem **problem_out, ps_fault *fault);

typedef struct tt_mf_run {
    const psi_mf_problem *problem; /* borrowed; opened for all workers of the run */
    uint32_t process_count;        /* each has a shard; divides the number of workers */
    uint32_t passes;               /* over all ratings */
    const char *policy;            /* "ssp:3" */
} tt_mf_run;

/* Runs it and gives the ratings per second, from the first clock's begin to the last one's end.
 * Returns in the calling process alone. Blocks; no other thread may exist. After a failure the
 * problem may still be in use: the program must end without closing it. */
PS_MUST_CHECK ps_err tt_mf_run_measure(const tt_mf_run *run, double *rate_out, ps_fault *fault);

/* Ratings per second of the same steps in one plain loop, for a problem of one worker. PS_ENOMEM.
 */
PS_MUST_CHECK ps_err tt_mf_serial_measure(const psi_mf_problem *problem, uint32_t passes,
                                          double *rate_out, ps_fault *fault);

#endif
