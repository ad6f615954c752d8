#include "bench_mf_run.h"

#include "algos/mf/app.h"
#include "algos/mf/serial.h"
#include "bench.h"
#include "bench_plan.h"
#include "node/run.h"

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
    double seconds = 0;
    PS_TRY(tt_bench_timed_run(&plan, &seconds, fault));
    *rate_out = run->passes * (double)problem->training_count / seconds;
    return PS_OK;
}
