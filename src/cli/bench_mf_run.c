#include "bench_mf_run.h"

#include <math.h>

#include <unistd.h>

#include "algos/mf/app.h"
#include "algos/mf/serial.h"
#include "bench.h"
#include "node/run.h"
#include "runtime/runtime.h"

ps_err tt_mf_open(const char *data, const char *rank, uint32_t worker_count,
                  psi_mf_problem **problem_out, ps_fault *fault) {
    const char *values[PSI_MF_OPTIONS];
    for (size_t i = 0; i < PSI_MF_OPTIONS; i++) {
        values[i] = psi_mf_options[i].default_value;
    }
    values[PSI_MF_RANK] = rank;
    const ps_settings settings = {
        .data = data, .seed = 1, .worker_count = worker_count, .values = values};
    return psi_mf_problem_open(&settings, problem_out, fault);
}

ps_err tt_mf_serial_measure(const psi_mf_problem *problem, uint32_t passes, double *rate_out,
                            ps_fault *fault) {
    psi_mf_serial serial;
    const ps_err err = psi_mf_serial_init(&serial, problem);
    if (err != PS_OK) {
        return ps_fault_set(fault, err, "the plain loop: %s", ps_err_text(err));
    }
    const double begin_s = tt_bench_now_s();
    for (uint32_t pass = 0; pass < passes; pass++) {
        (void)psi_mf_serial_pass(&serial);
    }
    *rate_out = passes * (double)problem->training_count / (tt_bench_now_s() - begin_s);
    psi_mf_serial_fini(&serial);
    return PS_OK;
}

/* Seconds from the first clock's begin to the last one's end, over all workers. */
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

ps_err tt_mf_run_measure(const tt_mf_run *run, double *rate_out, ps_fault *fault) {
    const psi_mf_problem *const problem = run->problem;
    psi_plan plan = {.algo = &psi_mf_algo,
                     .problem = problem,
                     .node_count = run->process_count,
                     .worker_count = problem->worker_count,
                     .shard_count = run->process_count,
                     .process_count = run->process_count,
                     .clock_count = run->passes * (uint32_t)psi_mf_batch_count(&problem->blocks, 0),
                     .seed = 1};
    plan.table_count = psi_mf_algo.tables(problem, plan.specs);
    PS_TRY(psi_policy_parse(run->policy, &plan.policy, fault));
    psi_results results = {.metrics = NULL};
    psi_runtime_stats stats = {0};
    const psi_runtime_options options = {.stats = &stats};
    uint32_t process = 0;
    ps_err err = psi_runtime_run_local(&plan, &options, &results, &process, fault);
    if (process != 0) {
        _exit(ps_err_exit_code(err));
    }
    if (stats.workers_abandoned) { /* a thread still uses plan and problem: nothing may be freed */
        return err;
    }
    const size_t clocks = (size_t)plan.clock_count * plan.worker_count;
    if (err == PS_OK && results.trace_count != clocks) {
        err = ps_fault_set(fault, PS_EFAILED, "the workers' trace has %zu clocks, not %zu",
                           results.trace_count, clocks);
    }
    if (err == PS_OK) {
        *rate_out = run->passes * (double)problem->training_count / traced_s(&results);
    }
    psi_results_fini(&results, &plan);
    return err;
}
