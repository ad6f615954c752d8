/* `tortoise bench sim`: what a simulated frame costs, and what simulating costs beside the
 * mathematics.
 *
 * Every simulation runs in a child process of its own: SimGrid starts once per process. */
#include "bench.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "algos/mf/app.h"
#include "algos/mf/problem.h"
#include "algos/mf/serial.h"
#include "bench_plan.h"
#include "bench_process.h"
#include "node/run.h"
#include "sim/event_heap.h"
#include "sim/sim.h"

enum { COLUMNS = 8, ROWS_PER_SHARD = 2, MF_WORKERS = 32 };

/* An algorithm that does nothing but talk to every server: fetches rows of all shards and updates
 * each. */
typedef struct talk_problem {
    uint32_t shard_count;
} talk_problem;

static size_t talk_tables(const void *problem, ps_table_spec *specs) {
    const talk_problem *const talk = problem;
    specs[0] = (ps_table_spec){.name = "talk",
                               .type = PS_F32,
                               .layout = PS_DENSE,
                               .row_count = (uint64_t)talk->shard_count * ROWS_PER_SHARD,
                               .column_count = COLUMNS};
    return 1;
}

static void talk_step(void *arg) {
    (void)arg;
}

static ps_err talk_rows(ps_worker *worker, const uint64_t *rows, size_t row_count) {
    static const float delta[COLUMNS] = {0.5F, 0.25F};
    for (uint32_t clock = 0; clock < ps_clock_count(worker); clock++) {
        PS_TRY(ps_fetch(worker, 0, rows, row_count));
        PS_TRY(ps_compute(worker, 1.0, talk_step, NULL));
        for (size_t i = 0; i < row_count; i++) {
            PS_TRY(ps_add(worker, 0, rows[i], delta));
        }
        PS_TRY(ps_clock(worker));
    }
    return PS_OK;
}

static ps_err talk_worker(ps_worker *worker, const void *problem) {
    const talk_problem *const talk = problem;
    const size_t row_count = talk->shard_count; /* one per shard */
    uint64_t *const rows = malloc(row_count * sizeof *rows);
    if (rows == NULL) {
        return PS_ENOMEM;
    }
    for (size_t i = 0; i < row_count; i++) {
        rows[i] = i;
    }
    const ps_err err = talk_rows(worker, rows, row_count);
    free(rows);
    return err;
}

static double talk_units_per_clock(const void *problem) {
    (void)problem;
    return 1.0;
}

static const char *const talk_metrics[] = {"objective"};
static const ps_algo talk_algo = {.name = "talk",
                                  .summary = "talks to every server",
                                  .unit = "step",
                                  .unit_cost_s = 1e-3,
                                  .default_clock_count = 1,
                                  .metrics = talk_metrics,
                                  .metric_count = 1,
                                  .sum_count = 1,
                                  .tables = talk_tables,
                                  .worker = talk_worker,
                                  .evaluate = tt_bench_evaluate,
                                  .finish = tt_bench_finish,
                                  .units_per_clock = talk_units_per_clock};

/* A simulation, and what a child process reports of it. */
typedef struct sim_case {
    const ps_algo *algo;
    const void *problem;
    uint32_t node_count, shard_count, clock_count, jobs;
    const char *net;
} sim_case;

typedef struct sim_report {
    ps_fault fault;
    double wall_s, cpu_s;
    double evaluation_s; /* of wall time */
    uint64_t frames_sent;
    uint64_t resident_bytes; /* at most */
} sim_report;

static ps_err case_run(const sim_case *what, sim_report *report) {
    psi_plan plan = {.algo = what->algo,
                     .problem = what->problem,
                     .node_count = what->node_count,
                     .worker_count = what->node_count,
                     .shard_count = what->shard_count,
                     .process_count = 1,
                     .clock_count = what->clock_count,
                     .seed = 1};
    psi_sim_spec *spec = NULL;
    psi_results results = {.metrics = NULL};
    plan.table_count = what->algo->tables(what->problem, plan.specs);
    ps_err err = psi_policy_parse("ssp:3", &plan.policy, &report->fault);
    err = err == PS_OK ? psi_sim_spec_create(&spec) : err;
    if (err == PS_OK) {
        spec->jobs = what->jobs;
        err = psi_sim_spec_set(spec, "net", what->net, &report->fault);
    }
    err = err == PS_OK ? psi_sim_spec_resolve(spec, &plan, &report->fault) : err;
    const double wall_begin_s = tt_bench_now_s();
    const double cpu_begin_s = tt_bench_cpu_s();
    err = err == PS_OK ? psi_sim_run(&plan, spec, &results, &report->fault) : err;
    report->wall_s = tt_bench_now_s() - wall_begin_s;
    report->cpu_s = tt_bench_cpu_s() - cpu_begin_s;
    report->evaluation_s = results.evaluation_s;
    report->frames_sent = results.frames_sent;
    struct rusage usage;
    report->resident_bytes =
        getrusage(RUSAGE_SELF, &usage) == 0 ? (uint64_t)usage.ru_maxrss * 1024 : 0;
    psi_results_fini(&results, &plan);
    psi_sim_spec_destroy(spec);
    return err;
}

/* Runs the case in a child process. */
static ps_err case_run_in_child(const sim_case *what, sim_report *report_out, ps_fault *fault) {
    void *memory = NULL;
    PS_TRY(tt_shared_memory(sizeof(sim_report), &memory, fault));
    sim_report *const shared = memory;
    (void)fflush(stdout);
    const pid_t child = fork();
    if (child == 0) {
        const ps_err err = case_run(what, shared);
        (void)ps_fault_set(&shared->fault, err, "%s", ps_err_text(err));
        _exit(0);
    }
    int status = -1;
    const bool has_ended = child > 0 && waitpid(child, &status, 0) == child && status == 0;
    *report_out = *shared;
    (void)munmap(shared, sizeof *shared);
    if (!has_ended) {
        return ps_fault_set(fault, PS_EFAILED, "bench sim: the child process ended with status %d",
                            status);
    }
    return report_out->fault.err == PS_OK ? PS_OK
                                          : ps_fault_set(fault, report_out->fault.err,
                                                         "bench sim: %s", report_out->fault.text);
}

/* The limit beside which frames per second are printed: the heap alone, one event in and one out.
 */
static double heap_events_per_s(size_t events_waiting, size_t count) {
    psi_event_heap heap = {.events = NULL};
    psi_event event = {.time_s = 0.0};
    bool is_good = true;
    for (size_t i = 0; i < events_waiting && is_good; i++) {
        event.time_s = (double)(i * 7919 % events_waiting);
        is_good = psi_event_heap_push(&heap, event);
    }
    const double begin_s = tt_bench_now_s();
    for (size_t i = 0; i < count && is_good; i++) {
        (void)psi_event_heap_pop(&heap, &event);
        event.time_s += (double)(i * 7919 % events_waiting);
        event.sequence = psi_event_heap_sequence(&heap);
        is_good = psi_event_heap_push(&heap, event);
    }
    const double wall_s = tt_bench_now_s() - begin_s;
    psi_event_heap_fini(&heap);
    return is_good ? (double)count / wall_s : 0.0;
}

static ps_err frames_measure(uint32_t node_count, uint32_t shard_count, uint32_t clock_count,
                             ps_fault *fault) {
    const talk_problem problem = {.shard_count = shard_count};
    const sim_case what = {.algo = &talk_algo,
                           .problem = &problem,
                           .node_count = node_count,
                           .shard_count = shard_count,
                           .clock_count = clock_count,
                           .jobs = 1,
                           .net = "nic"};
    sim_report report;
    char name[64];
    PS_TRY(case_run_in_child(&what, &report, fault));
    (void)snprintf(name, sizeof name, "nic frames, %u x %u", node_count, shard_count);
    tt_bench_print(&(tt_bench_line){.bench = "sim",
                                    .what = name,
                                    .value = (double)report.frames_sent / report.wall_s,
                                    .unit = "frames/s",
                                    .limit = heap_events_per_s(node_count, 2000000),
                                    .limit_name = "heap alone"});
    (void)snprintf(name, sizeof name, "largest memory, %u x %u", node_count, shard_count);
    tt_bench_print(&(tt_bench_line){
        .bench = "sim", .what = name, .value = (double)report.resident_bytes, .unit = "B"});
    return PS_OK;
}

/* Matrix factorisation, opened as `tortoise sim mf --batch B` does; `*problem_out` is the
 * caller's. */
static ps_err mf_open(const char *data, uint32_t worker_count, double batch, void **problem_out,
                      ps_fault *fault) {
    const char *values[PSI_MF_OPTIONS];
    for (size_t i = 0; i < psi_mf_algo.option_count; i++) {
        values[i] = psi_mf_algo.options[i].default_value;
    }
    const ps_settings settings = {
        .data = data, .seed = 1, .worker_count = worker_count, .batch = batch, .values = values};
    return psi_mf_algo.open(&settings, problem_out, fault);
}

/* Seconds of processor time per update of one plain loop: the best of the passes. */
static ps_err mf_serial_measure(const char *data, uint32_t pass_count, double *update_s_out,
                                ps_fault *fault) {
    void *problem = NULL;
    psi_mf_serial serial;
    double best_s = INFINITY;
    PS_TRY(mf_open(data, 1, 0.1, &problem, fault));
    const psi_mf_problem *const mf = problem;
    if (psi_mf_serial_init(&serial, mf) != PS_OK) {
        psi_mf_algo.close(problem);
        return ps_fault_set(fault, PS_ENOMEM, "bench sim: memory is exhausted");
    }
    for (uint32_t i = 0; i < pass_count; i++) {
        const double begin_s = tt_bench_cpu_s();
        (void)psi_mf_serial_pass(&serial);
        best_s = fmin(best_s, tt_bench_cpu_s() - begin_s);
    }
    *update_s_out = best_s / (double)mf->training_count;
    psi_mf_serial_fini(&serial);
    psi_mf_algo.close(problem);
    return PS_OK;
}

/* A simulation of 32 workers of mf, one per node: the best of three, for processor time and for
 * wall time. */
static ps_err mf_simulate(const void *problem, uint32_t shard_count, uint32_t clock_count,
                          uint32_t jobs, sim_report *best_out, ps_fault *fault) {
    const sim_case what = {.algo = &psi_mf_algo,
                           .problem = problem,
                           .node_count = MF_WORKERS,
                           .shard_count = shard_count,
                           .clock_count = clock_count,
                           .jobs = jobs,
                           .net = "nic"};
    PS_TRY(case_run_in_child(&what, best_out, fault));
    for (int i = 1; i < 3; i++) {
        sim_report report;
        PS_TRY(case_run_in_child(&what, &report, fault));
        best_out->wall_s = fmin(best_out->wall_s, report.wall_s);
        if (report.cpu_s - report.evaluation_s < best_out->cpu_s - best_out->evaluation_s) {
            best_out->cpu_s = report.cpu_s;
            best_out->evaluation_s = report.evaluation_s;
        }
    }
    return PS_OK;
}

/* A plain loop's processor time per update beside that of simulated workers. The evaluation at the
 * end is not counted: the loop makes none. */
static ps_err mf_overhead_measure(const char *data, bool is_quick, ps_fault *fault) {
    static const uint32_t shard_counts[] = {1, 4, 32};
    const uint32_t pass_count = is_quick ? 4 : 40;
    void *problem = NULL;
    double serial_update_s = 0.0;
    PS_TRY(mf_serial_measure(data, is_quick ? 2 : 10, &serial_update_s, fault));
    PS_TRY(mf_open(data, MF_WORKERS, 0.1, &problem, fault));
    const psi_mf_problem *const mf = problem;
    const double updates = (double)pass_count * (double)mf->training_count;
    ps_err err = PS_OK;
    for (size_t i = 0; i < sizeof shard_counts / sizeof shard_counts[0] && err == PS_OK; i++) {
        sim_report report;
        char name[64];
        err = mf_simulate(problem, shard_counts[i], pass_count * 10, 1, &report, fault);
        (void)snprintf(name, sizeof name, "mf updates per cpu s, 32 x %u", shard_counts[i]);
        if (err == PS_OK) {
            tt_bench_print(&(tt_bench_line){.bench = "sim",
                                            .what = name,
                                            .value = updates / (report.cpu_s - report.evaluation_s),
                                            .unit = "updates/s",
                                            .limit = 1.0 / serial_update_s,
                                            .limit_name = "a plain loop"});
        }
    }
    psi_mf_algo.close(problem);
    return err;
}

/* What a second thread brings when the mathematics dominates: half of the data per clock. */
static ps_err mf_threads_measure(const char *data, const tt_bench_options *options,
                                 ps_fault *fault) {
    const uint32_t clock_count = options->is_quick ? 8 : 80;
    const uint32_t jobs = options->jobs < 2 ? 2 : options->jobs;
    void *problem = NULL;
    sim_report one;
    sim_report many;
    char name[64];
    PS_TRY(mf_open(data, MF_WORKERS, 0.5, &problem, fault));
    ps_err err = mf_simulate(problem, 4, clock_count, 1, &one, fault);
    err = err == PS_OK ? mf_simulate(problem, 4, clock_count, jobs, &many, fault) : err;
    const double updates =
        clock_count / 2.0 * (double)((const psi_mf_problem *)problem)->training_count;
    psi_mf_algo.close(problem);
    PS_TRY(err);
    (void)snprintf(name, sizeof name, "mf updates per s, --jobs %u", jobs);
    tt_bench_print(&(tt_bench_line){.bench = "sim",
                                    .what = name,
                                    .value = updates / many.wall_s,
                                    .unit = "updates/s",
                                    .limit = updates / one.wall_s,
                                    .limit_name = "--jobs 1"});
    return PS_OK;
}

static const char *data_choose(const tt_bench_options *options) {
    static const char jester[] = "../shared/data/jester1.uir.txt.gz";
    if (options->data != NULL) {
        return options->data;
    }
    return access(jester, R_OK) == 0 ? jester : "synthetic";
}

static ps_err bench_run(const tt_bench_options *options, ps_fault *fault) {
    PS_TRY(frames_measure(256, 16, options->is_quick ? 10 : 100, fault));
    PS_TRY(frames_measure(6000, 100, options->is_quick ? 1 : 4, fault));
    PS_TRY(mf_overhead_measure(data_choose(options), options->is_quick, fault));
    return mf_threads_measure(data_choose(options), options, fault);
}

const tt_bench tt_bench_sim = {
    .name = "sim", .summary = "cost of simulated frames; overhead of simulating", .run = bench_run};
