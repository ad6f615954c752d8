/* Messages between two real processes, beside what one bare TCP connection over loopback does in
 * the same run: worker 0, in the first process, pulls from and pushes to the shard of the second.
 */
#include <stdlib.h>

#include <unistd.h>

#include "bench.h"
#include "loopback.h"
#include "runtime/runtime.h"

enum {
    COLUMNS = 64,
    ROWS_AWAY = 4096, /* on the other process's shard: every other row */
    ROW_BYTES = COLUMNS * 8,
    BULK_BYTES = ROWS_AWAY * ROW_BYTES,
    PIPELINE = 64,
    SAMPLES_MAX = 20000,
    ROUNDS_WARM = 200
};

/* What worker 0 found, in process 0's memory. */
typedef struct transport_answer {
    double round_trip_s, local_round_trip_s; /* medians */
    double pipelined_per_s;
    double pull_bytes_per_s, push_bytes_per_s;
} transport_answer;

typedef struct transport_problem {
    double budget_s; /* per measurement */
    transport_answer *answer;
} transport_problem;

/* Memory of the measurements. */
typedef struct transport_work {
    ps_worker *worker;
    double budget_s;
    double *samples;
    double *values;
    uint64_t rows[ROWS_AWAY];
} transport_work;

static int compare(const void *left, const void *right) {
    const double a = *(const double *)left;
    const double b = *(const double *)right;
    return (a > b) - (a < b);
}

static ps_err pull_once(transport_work *work, const uint64_t *rows, size_t row_count) {
    const ps_keys keys = {.table = 0, .rows = rows, .row_count = row_count};
    uint64_t handle;
    PS_TRY(ps_pull(work->worker, &keys, work->values, &handle));
    return ps_wait(work->worker, handle);
}

/* The median time to pull one row. */
static ps_err round_trip(transport_work *work, uint64_t row, double *median_s_out) {
    size_t count = 0;
    const double end_s = tt_bench_now_s() + work->budget_s;
    for (size_t i = 0; i < SAMPLES_MAX && (count == 0 || tt_bench_now_s() < end_s); i++) {
        const double start_s = tt_bench_now_s();
        PS_TRY(pull_once(work, &row, 1));
        if (i >= ROUNDS_WARM) {
            work->samples[count++] = tt_bench_now_s() - start_s;
        }
    }
    qsort(work->samples, count, sizeof *work->samples, compare);
    *median_s_out = work->samples[count / 2];
    return PS_OK;
}

/* Pulls of one row per second with many under way. */
static ps_err pipelined(transport_work *work, double *per_s_out) {
    const double start_s = tt_bench_now_s();
    size_t count = 0;
    while (tt_bench_now_s() < start_s + work->budget_s) {
        uint64_t handles[PIPELINE];
        for (size_t i = 0; i < PIPELINE; i++) {
            const ps_keys keys = {.table = 0, .rows = &work->rows[i], .row_count = 1};
            PS_TRY(ps_pull(work->worker, &keys, work->values + i * COLUMNS, &handles[i]));
        }
        for (size_t i = 0; i < PIPELINE; i++) {
            PS_TRY(ps_wait(work->worker, handles[i]));
        }
        count += PIPELINE;
    }
    *per_s_out = (double)count / (tt_bench_now_s() - start_s);
    return PS_OK;
}

/* Bytes of rows per second, all rows of the other shard at a time. */
static ps_err bulk(transport_work *work, bool is_push, double *bytes_per_s_out) {
    const ps_keys keys = {.table = 0, .rows = work->rows, .row_count = ROWS_AWAY};
    const double start_s = tt_bench_now_s();
    size_t count = 0;
    while (tt_bench_now_s() < start_s + work->budget_s) {
        uint64_t handle;
        if (is_push) {
            PS_TRY(ps_push(work->worker, &keys, work->values, &handle));
        } else {
            PS_TRY(ps_pull(work->worker, &keys, work->values, &handle));
        }
        PS_TRY(ps_wait(work->worker, handle));
        count++;
    }
    *bytes_per_s_out = (double)count * BULK_BYTES / (tt_bench_now_s() - start_s);
    return PS_OK;
}

static ps_err measure_all(transport_work *work, transport_answer *answer) {
    PS_TRY(round_trip(work, 1, &answer->round_trip_s));
    PS_TRY(round_trip(work, 0, &answer->local_round_trip_s));
    PS_TRY(pipelined(work, &answer->pipelined_per_s));
    PS_TRY(bulk(work, false, &answer->pull_bytes_per_s));
    return bulk(work, true, &answer->push_bytes_per_s);
}

static ps_err transport_worker(ps_worker *worker, const void *problem) {
    const transport_problem *const task = problem;
    if (ps_rank(worker) != 0) {
        return PS_OK;
    }
    transport_work *const work = calloc(1, sizeof *work);
    double *const samples = calloc(SAMPLES_MAX, sizeof *samples);
    double *const values = calloc((size_t)ROWS_AWAY * COLUMNS, sizeof *values);
    ps_err err = PS_ENOMEM;
    if (work != NULL && samples != NULL && values != NULL) {
        work->worker = worker;
        work->budget_s = task->budget_s;
        work->samples = samples;
        work->values = values;
        for (uint64_t i = 0; i < ROWS_AWAY; i++) {
            work->rows[i] = 2 * i + 1;
        }
        err = measure_all(work, task->answer);
    }
    free(values);
    free(samples);
    free(work);
    return err;
}

static void transport_evaluate(const void *problem, uint32_t rank, const void *local,
                               size_t local_size_bytes, const ps_model *model, double *sums) {
    (void)problem;
    (void)rank;
    (void)local;
    (void)local_size_bytes;
    (void)model;
    sums[0] = 0.0;
}

static void transport_finish(const void *problem, const double *sums, double *metrics) {
    (void)problem;
    metrics[0] = sums[0];
}

static ps_err run_two(const transport_problem *problem, ps_fault *fault) {
    static const char *const metrics[] = {"objective"};
    const ps_algo algo = {.name = "transport",
                          .metrics = metrics,
                          .metric_count = 1,
                          .sum_count = 1,
                          .worker = transport_worker,
                          .evaluate = transport_evaluate,
                          .finish = transport_finish};
    const psi_plan plan = {.algo = &algo,
                           .problem = problem,
                           .node_count = 2,
                           .worker_count = 2,
                           .shard_count = 2,
                           .process_count = 2,
                           .clock_count = 1,
                           .seed = 1,
                           .policy = {.ops = &psi_policy_async},
                           .table_count = 1,
                           .specs = {{.name = "rows",
                                      .type = PS_F64,
                                      .layout = PS_DENSE,
                                      .row_count = 2 * ROWS_AWAY,
                                      .column_count = COLUMNS}}};
    psi_results results = {0};
    uint32_t process = 0;
    const ps_err err = psi_runtime_run_local(&plan, NULL, &results, &process, fault);
    if (process != 0) {
        _exit(ps_err_exit_code(err));
    }
    psi_results_fini(&results, &plan);
    return err;
}

static ps_err transport_run(const tt_bench_options *options, ps_fault *fault) {
    const double budget_s = options->is_quick ? 0.1 : 1.0;
    tt_loopback raw;
    transport_answer answer = {0};
    const transport_problem problem = {.budget_s = budget_s, .answer = &answer};
    PS_TRY(tt_loopback_measure(2.0 * budget_s, &raw, fault));
    PS_TRY(run_two(&problem, fault));
    const double raw_per_s = 1.0 / (2.0 * raw.latency_s);
    const char *const name = tt_bench_transport.name;
    const tt_bench_line lines[] = {
        {name, "round trips, one row of 512 B", 1.0 / answer.round_trip_s, "1/s", raw_per_s,
         "TCP ping-pong of one byte"},
        {name, "the same, 64 under way", answer.pipelined_per_s, "1/s", raw_per_s,
         "TCP ping-pong of one byte"},
        {name, "round trips inside of a process", 1.0 / answer.local_round_trip_s, "1/s", 0.0,
         NULL},
        {name, "pull of 4096 rows, 2 MiB", answer.pull_bytes_per_s, "B/s",
         raw.bandwidth_bytes_per_s, "one TCP stream"},
        {name, "push of 4096 rows, 2 MiB", answer.push_bytes_per_s, "B/s",
         raw.bandwidth_bytes_per_s, "one TCP stream"},
    };
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
        tt_bench_print(&lines[i]);
    }
    return PS_OK;
}

const tt_bench tt_bench_transport = {
    .name = "transport",
    .summary = "messages between two processes over loopback, beside bare TCP",
    .run = transport_run,
};
