#include "bench_plan.h"

#include <math.h>

#include <unistd.h>

void tt_bench_evaluate(const void *problem, uint32_t rank, const void *local,
                       size_t local_size_bytes, const ps_model *model, double *sums) {
    (void)problem;
    (void)rank;
    (void)local;
    (void)local_size_bytes;
    (void)model;
    sums[0] = 0.0;
}

void tt_bench_finish(const void *problem, const double *sums, double *metrics) {
    (void)problem;
    metrics[0] = sums[0];
}

void tt_bench_plan_init(tt_bench_plan *plan,
                        ps_err (*worker)(ps_worker *worker, const void *problem),
                        const void *problem) {
    static const char *const metrics[] = {"objective"};
    plan->algo = (ps_algo){.name = "bench",
                           .metrics = metrics,
                           .metric_count = 1,
                           .sum_count = 1,
                           .worker = worker,
                           .evaluate = tt_bench_evaluate,
                           .finish = tt_bench_finish};
    plan->plan = (psi_plan){.algo = &plan->algo,
                            .problem = problem,
                            .node_count = 1,
                            .worker_count = 1,
                            .shard_count = 1,
                            .process_count = 1,
                            .clock_count = 1,
                            .seed = 1,
                            .policy = {.ops = &psi_policy_bsp}};
}

ps_err tt_bench_plan_run(const tt_bench_plan *plan, const psi_runtime_options *options,
                         ps_fault *fault) {
    psi_results results = {0};
    uint32_t process = 0;
    const ps_err err = psi_runtime_run_local(&plan->plan, options, &results, &process, fault);
    if (process != 0) {
        _exit(ps_err_exit_code(err));
    }
    if (options == NULL || options->stats == NULL || !options->stats->workers_abandoned) {
        psi_results_fini(&results, &plan->plan);
    }
    return err;
}

static double traced_s(const psi_results *results) {
    double begin_s = INFINITY;
    double end_s = 0;
    for (size_t i = 0; i < results->trace_count; i++) {
        const psi_trace_row *const row = psi_results_trace(results, i);
        begin_s = row->start_s < begin_s ? row->start_s : begin_s;
        end_s = row->end_s > end_s ? row->end_s : end_s;
    }
    return end_s - begin_s;
}

ps_err tt_bench_timed_run(const psi_plan *plan, double *seconds_out, ps_fault *fault) {
    psi_results results = {.metrics = NULL};
    psi_runtime_stats stats = {0};
    const psi_runtime_options options = {.stats = &stats};
    uint32_t process = 0;
    ps_err err = psi_runtime_run_local(plan, &options, &results, &process, fault);
    if (process != 0) {
        _exit(ps_err_exit_code(err));
    }
    if (stats.workers_abandoned) { /* a thread still uses plan and problem: nothing may be freed */
        return err;
    }
    const size_t clocks = (size_t)plan->clock_count * plan->worker_count;
    if (err == PS_OK && results.trace_count != clocks) {
        err = ps_fault_set(fault, PS_EFAILED, "the workers' trace has %zu clocks, not %zu",
                           results.trace_count, clocks);
    }
    if (err == PS_OK) {
        *seconds_out = traced_s(&results);
    }
    psi_results_fini(&results, plan);
    return err;
}
