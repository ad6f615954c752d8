#include "toy.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

enum { COLUMNS_MAX = 64, ROWS_MAX = 4096 };

static size_t toy_tables(const void *problem, ps_table_spec *specs) {
    const toy_problem *const toy = problem;
    specs[0] = (ps_table_spec){.name = "toy",
                               .type = PS_F64,
                               .layout = PS_DENSE,
                               .row_count = toy->row_count,
                               .column_count = toy->column_count};
    return 1;
}

static void toy_step(void *arg) {
    double *const done = arg;
    *done += 1.0;
}

static ps_err toy_worker(ps_worker *worker, const void *problem) {
    const toy_problem *const toy = problem;
    static const double one[COLUMNS_MAX] = {1.0};
    uint64_t rows[ROWS_MAX];
    for (uint32_t i = 0; i < toy->row_count; i++) {
        rows[i] = i;
    }
    double done = 0.0;
    const uint32_t rank = ps_rank(worker);
    for (uint32_t clock = 0; clock < ps_clock_count(worker); clock++) {
        PS_TRY(ps_fetch(worker, 0, rows, toy->row_count));
        const size_t index = (size_t)clock * toy->worker_count + rank;
        const bool is_endless = toy->has_endless_step && rank == 0 && clock == 1;
        PS_TRY(ps_compute(worker, is_endless ? INFINITY : toy->seconds[index], toy_step, &done));
        for (uint32_t i = 0; i < toy->row_count; i++) {
            PS_TRY(ps_add(worker, 0, i, one));
        }
        PS_TRY(ps_clock(worker));
    }
    PS_ASSERT(done == (double)ps_clock_count(worker)); /* the mathematics really ran */
    return PS_OK;
}

static void toy_evaluate(const void *problem, uint32_t rank, const void *local,
                         size_t local_size_bytes, const ps_model *model, double *sums) {
    (void)local;
    (void)local_size_bytes;
    const toy_problem *const toy = problem;
    const double *const values = model->dense[0];
    sums[0] = 0.0;
    for (uint32_t i = rank; i < toy->row_count; i += toy->worker_count) {
        sums[0] += values[(size_t)i * toy->column_count];
    }
}

static void toy_finish(const void *problem, const double *sums, double *metrics) {
    (void)problem;
    metrics[0] = sums[0];
}

static double toy_units_per_clock(const void *problem) {
    const toy_problem *const toy = problem;
    double sum = 0.0;
    for (size_t i = 0; i < (size_t)toy->clock_count * toy->worker_count; i++) {
        sum += toy->seconds[i];
    }
    return sum / toy->clock_count;
}

static const char *const toy_metrics[] = {"objective"};
static const ps_algo toy_algo = {.name = "toy",
                                 .summary = "computes for given times",
                                 .unit = "second",
                                 .unit_cost_s = 1.0,
                                 .default_clock_count = 1,
                                 .metrics = toy_metrics,
                                 .metric_count = 1,
                                 .sum_count = 1,
                                 .tables = toy_tables,
                                 .worker = toy_worker,
                                 .evaluate = toy_evaluate,
                                 .finish = toy_finish,
                                 .units_per_clock = toy_units_per_clock};

static ps_err spec_make(const toy_run *run, const psi_plan *plan, psi_sim_spec **spec_out,
                        ps_fault *fault) {
    PS_TRY(psi_sim_spec_create(spec_out));
    for (size_t i = 0; run->options != NULL && run->options[i] != NULL; i += 2) {
        if (strcmp(run->options[i], "cluster") == 0) {
            PS_TRY(psi_sim_spec_read_file(*spec_out, run->options[i + 1], fault));
        } else {
            PS_TRY(psi_sim_spec_set(*spec_out, run->options[i], run->options[i + 1], fault));
        }
    }
    if (run->adjust != NULL) {
        run->adjust(*spec_out);
    }
    return psi_sim_spec_resolve(*spec_out, plan, fault);
}

typedef struct interrupter {
    int after_metrics;
    volatile int is_set;
} interrupter;

static void count_metrics(void *context, const psi_metrics_row *row) {
    interrupter *const stop = context;
    (void)row;
    stop->after_metrics--;
    if (stop->after_metrics == 0) {
        stop->is_set = 1;
    }
}

static void outcome_fill(toy_outcome *outcome, const toy_run *run, const psi_results *results) {
    outcome->time_s = results->time_s;
    outcome->model_is_complete = results->model_is_complete;
    outcome->was_interrupted = results->was_interrupted;
    outcome->metrics_count = results->metrics_count;
    outcome->trace_count = results->trace_count;
    outcome->frames_sent = results->frames_sent;
    outcome->bytes_sent = results->bytes_sent;
    for (size_t i = 0; i < results->trace_count; i++) {
        const psi_trace_row *const row = psi_results_trace(results, i);
        const size_t index = (size_t)row->clock * run->problem.worker_count + row->rank;
        if (index < sizeof outcome->clock_end_s / sizeof outcome->clock_end_s[0]) {
            outcome->clock_end_s[index] = row->end_s;
            outcome->compute_s[index] = row->compute_s;
            outcome->wait_s[index] = row->wait_s;
        }
    }
    double sum = 0.0;
    const double *const values = results->model_dense[0];
    const size_t count = (size_t)run->problem.row_count * run->problem.column_count;
    for (size_t i = 0; values != NULL && i < count; i++) {
        sum += values[i];
    }
    memcpy(&outcome->model_sum_bits, &sum, sizeof sum);
}

static void child_run(const toy_run *run, toy_outcome *outcome) {
    interrupter stop = {.after_metrics = run->interrupt_after_metrics};
    psi_plan plan = {.algo = &toy_algo,
                     .problem = &run->problem,
                     .node_count = run->node_count,
                     .worker_count = run->problem.worker_count,
                     .shard_count = run->shard_count,
                     .process_count = 1,
                     .clock_count = run->problem.clock_count,
                     .eval_every_clocks = run->eval_every_clocks,
                     .seed = run->seed,
                     .observer = {.on_metrics = count_metrics, .context = &stop},
                     .interrupted = &stop.is_set};
    plan.table_count = toy_tables(&run->problem, plan.specs);
    ps_fault fault = {.err = PS_OK};
    psi_sim_spec *spec = NULL;
    psi_results results = {.metrics = NULL};
    outcome->err = psi_policy_parse(run->policy, &plan.policy, &fault);
    if (outcome->err == PS_OK) {
        outcome->err = spec_make(run, &plan, &spec, &fault);
    }
    if (outcome->err == PS_OK) {
        outcome->err = psi_sim_run(&plan, spec, &results, &fault);
        outcome_fill(outcome, run, &results);
    }
    memcpy(outcome->fault, fault.text, sizeof outcome->fault);
    psi_results_fini(&results, &plan);
    psi_sim_spec_destroy(spec);
}

bool toy_run_in_child(const toy_run *run, toy_outcome *outcome_out) {
    toy_outcome *const shared =
        mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (shared == MAP_FAILED) {
        return false;
    }
    (void)fflush(stdout);
    const pid_t child = fork();
    if (child == 0) {
        (void)alarm(120); /* a run that hangs is a failure of the test, not of its patience */
        child_run(run, shared);
        exit(0);
    }
    int status = -1;
    const bool has_ended = child > 0 && waitpid(child, &status, 0) == child && WIFEXITED(status);
    *outcome_out = *shared;
    (void)munmap(shared, sizeof *shared);
    return has_ended && WEXITSTATUS(status) == 0;
}
