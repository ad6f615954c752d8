/* A real run whose workers are a benchmark's own function: they measure with the public worker API
 * and leave their answers in memory of the benchmark. */
#ifndef TT_BENCH_PLAN_H
#define TT_BENCH_PLAN_H

#include "node/run.h"
#include "runtime/runtime.h"
#include "tortoise/err.h"
#include "tortoise/worker.h"

typedef struct tt_bench_plan {
    ps_algo algo;
    psi_plan plan; /* the caller fills in tables and counts */
} tt_bench_plan;

/* Evaluation and finish of an algorithm without an objective, where what is measured is the time:
 * one sum and one metric, which are 0. */
void tt_bench_evaluate(const void *problem, uint32_t rank, const void *local,
                       size_t local_size_bytes, const ps_model *model, double *sums);
void tt_bench_finish(const void *problem, const double *sums, double *metrics);

/* One node with one worker and one shard, bsp, no evaluation but at the end, no tables yet.
 * `problem` is borrowed until the run is over. */
void tt_bench_plan_init(tt_bench_plan *plan,
                        ps_err (*worker)(ps_worker *worker, const void *problem),
                        const void *problem);

/* Runs it; returns in the calling process alone, the others end. `options` may be NULL. Blocks. */
PS_MUST_CHECK ps_err tt_bench_plan_run(const tt_bench_plan *plan,
                                       const psi_runtime_options *options, ps_fault *fault);

/* Runs a plan of an algorithm and gives the seconds from the first clock's begin to the last one's
 * end, over all workers. Returns in the calling process alone. Blocks; no other thread may exist.
 * After a failure the plan's problem may still be in use: the program must end without closing it.
 */
PS_MUST_CHECK ps_err tt_bench_timed_run(const psi_plan *plan, double *seconds_out, ps_fault *fault);

#endif
