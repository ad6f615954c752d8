/* `tortoise bench mf`: ratings per second of one worker in one process, through the whole parameter
 * server, beside the same steps in one plain loop. Both run the same kernel over the same data in
 * the same order of batches; what differs is the server, the cache and the clocks between them. */
#include "bench.h"

#include <stdio.h>
#include <stdlib.h>

#include "algos/mf/app.h"
#include "algos/mf/problem.h"
#include "algos/mf/serial.h"
#include "node/run.h"
#include "runtime/runtime.h"

/* Users, items and ratings of the size at which rival programs were measured (docs/benchmarks.md).
 */
static const char default_data[] =
    "synthetic:users=50000,items=10000,rank=16,ratings=4750000,noise=0.5";
static const char quick_data[] = "synthetic:users=5000,items=1000,rank=16,ratings=475000,noise=0.5";

enum { PASSES = 3, REPETITIONS = 5 };

/* Opens the data for one worker with the defaults, but for the rank. */
static ps_err problem_open(const char *data, const char *rank, psi_mf_problem **problem_out,
                           ps_fault *fault) {
    const char *values[PSI_MF_OPTIONS];
    for (size_t i = 0; i < PSI_MF_OPTIONS; i++) {
        values[i] = psi_mf_options[i].default_value;
    }
    values[PSI_MF_RANK] = rank;
    const ps_settings settings = {.data = data, .seed = 1, .worker_count = 1, .values = values};
    return psi_mf_problem_open(&settings, problem_out, fault);
}

/* Ratings per second of the plain loop. */
static ps_err serial_measure(const psi_mf_problem *problem, double *rate_out) {
    psi_mf_serial serial;
    PS_TRY(psi_mf_serial_init(&serial, problem));
    const double begin_s = tt_bench_now_s();
    for (int pass = 0; pass < PASSES; pass++) {
        (void)psi_mf_serial_pass(&serial);
    }
    *rate_out = PASSES * (double)problem->training_count / (tt_bench_now_s() - begin_s);
    psi_mf_serial_fini(&serial);
    return PS_OK;
}

/* Ratings per second of a worker: from its first clock's begin to its last one's end. */
static ps_err worker_measure(const psi_mf_problem *problem, double *rate_out, ps_fault *fault) {
    psi_plan plan = {.algo = &psi_mf_algo,
                     .problem = problem,
                     .node_count = 1,
                     .worker_count = 1,
                     .shard_count = 1,
                     .process_count = 1,
                     .clock_count = PASSES * (uint32_t)psi_mf_batch_count(&problem->blocks, 0),
                     .eval_every_clocks = 0,
                     .seed = 1};
    plan.table_count = psi_mf_algo.tables(problem, plan.specs);
    PS_TRY(psi_policy_parse("bsp", &plan.policy, fault));
    psi_results results = {.metrics = NULL};
    psi_runtime_stats stats = {0};
    const psi_runtime_options options = {.stats = &stats};
    uint32_t process = 0;
    ps_err err = psi_runtime_run_local(&plan, &options, &results, &process, fault);
    if (stats.workers_abandoned) { /* a thread still uses plan and problem: nothing may be freed */
        return err;
    }
    if (err == PS_OK && results.trace_count != plan.clock_count) {
        err = ps_fault_set(fault, PS_EFAILED, "the worker's trace has %zu clocks, not %u",
                           results.trace_count, plan.clock_count);
    }
    if (err == PS_OK) {
        const double time_s = results.trace[plan.clock_count - 1].end_s - results.trace[0].start_s;
        *rate_out = PASSES * (double)problem->training_count / time_s;
    }
    psi_results_fini(&results, &plan);
    return err;
}

/* Measures both by turns, so that a busy machine is unfair to neither, and prints the best of each.
 */
static ps_err problem_measure(const psi_mf_problem *problem, bool is_quick, ps_fault *fault) {
    double serial_best = 0, worker_best = 0;
    for (int i = 0; i < (is_quick ? 1 : REPETITIONS); i++) {
        double serial = 0, worker = 0;
        const ps_err err = serial_measure(problem, &serial);
        if (err != PS_OK) {
            return ps_fault_set(fault, err, "bench mf: %s", ps_err_text(err));
        }
        PS_TRY(worker_measure(problem, &worker, fault));
        serial_best = serial > serial_best ? serial : serial_best;
        worker_best = worker > worker_best ? worker : worker_best;
    }
    char what[64];
    (void)snprintf(what, sizeof what, "serial loop, rank %u", problem->shape.rank);
    tt_bench_print(
        &(tt_bench_line){.bench = "mf", .what = what, .value = serial_best, .unit = "ratings/s"});
    (void)snprintf(what, sizeof what, "one worker, rank %u", problem->shape.rank);
    tt_bench_print(&(tt_bench_line){.bench = "mf",
                                    .what = what,
                                    .value = worker_best,
                                    .unit = "ratings/s",
                                    .limit = serial_best,
                                    .limit_name = "serial loop"});
    return PS_OK;
}

static ps_err mf_run(const tt_bench_options *options, ps_fault *fault) {
    static const char *const ranks[] = {"16", "32", "64"};
    const char *data = options->data;
    if (data == NULL) {
        data = options->is_quick ? quick_data : default_data;
    }
    for (size_t r = 0; r < sizeof ranks / sizeof ranks[0]; r++) {
        psi_mf_problem *problem = NULL;
        PS_TRY(problem_open(data, ranks[r], &problem, fault));
        const ps_err err = problem_measure(problem, options->is_quick, fault);
        if (err != PS_OK) { /* a worker may still use the problem; the program ends now anyway */
            return err;
        }
        psi_mf_problem_close(problem);
    }
    return PS_OK;
}

const tt_bench tt_bench_mf = {
    .name = "mf",
    .summary = "matrix factorisation: one worker beside a plain loop of the same steps",
    .run = mf_run,
};
