#include "bench_local.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <malloc.h>
#include <sys/mman.h>

#include "bench.h"
#include "bench_plan.h"
#include "bench_raw.h"
#include "tortoise/worker.h"

/* ---- Push and pull against memcpy() ---- */

enum { COLUMNS = 1000, ROW_BYTES = 4 * COLUMNS, CLOCKS_MAX = 1 << 30 };

/* Through the cache: clocks that fetch and add to all rows. Directly: a push and a pull of them. */
typedef enum local_way { BY_PUSH_PULL, BY_CLOCKS, WAYS } local_way;

typedef struct local_problem {
    const tt_exchange_options *options;
    size_t row_count;
    double bytes_per_s[WAYS]; /* the worker's answer */
    bool is_wrong;
} local_problem;

typedef struct local_work {
    ps_worker *worker;
    local_problem *problem;
    uint64_t *rows;
    float *deltas, *values; /* row_count x COLUMNS */
    uint64_t rounds;        /* so far: how often each row was added to, by all ways */
} local_work;

/* The way in which deltas[i] depends on its place keeps all sums whole numbers. */
static float delta_of(size_t i) {
    return (float)(i % 5);
}

static bool are_right(const local_work *work, const float *values, size_t first, size_t count) {
    for (size_t i = 0; i < count; i++) {
        const float expected = (float)work->rounds * delta_of(first + i);
        if (memcmp(&values[i], &expected, sizeof expected) != 0) {
            return false;
        }
    }
    return true;
}

static ps_err round_of_push_pull(local_work *work) {
    const ps_keys keys = {.table = 0, .row_count = work->problem->row_count};
    uint64_t handle = 0;
    PS_TRY(ps_push(work->worker, &keys, work->deltas, &handle));
    PS_TRY(ps_wait(work->worker, handle));
    PS_TRY(ps_pull(work->worker, &keys, work->values, &handle));
    return ps_wait(work->worker, handle);
}

static ps_err round_of_clock(local_work *work) {
    const size_t count = work->problem->row_count;
    PS_TRY(ps_fetch(work->worker, 0, work->rows, count));
    for (size_t i = 0; i < count; i++) {
        PS_TRY(ps_add(work->worker, 0, work->rows[i], work->deltas + i * COLUMNS));
    }
    return ps_clock(work->worker);
}

/* Rows read by the way at hand hold all that was ever added. */
static ps_err check(local_work *work, local_way way) {
    const size_t count = work->problem->row_count;
    bool is_right = true;
    if (way == BY_PUSH_PULL) {
        is_right = are_right(work, work->values, 0, count * COLUMNS);
    } else {
        PS_TRY(ps_fetch(work->worker, 0, work->rows, count));
        for (size_t i = 0; i < count && is_right; i++) {
            const float *const row = ps_get(work->worker, 0, work->rows[i]);
            is_right = row != NULL && are_right(work, row, i * COLUMNS, COLUMNS);
        }
    }
    work->problem->is_wrong |= !is_right;
    return is_right ? PS_OK : PS_EBROKEN;
}

static ps_err measure_way(local_work *work, local_way way) {
    const tt_exchange_options *const options = work->problem->options;
    const double round_bytes = 2.0 * (double)work->problem->row_count * ROW_BYTES;
    double rates[TT_EXCHANGE_REPEATS_MAX];
    for (int i = 0; i < options->repeats; i++) {
        const double begin_s = tt_bench_now_s();
        double now_s = begin_s;
        double bytes = 0;
        while (now_s < begin_s + options->budget_s / options->repeats) {
            PS_TRY(way == BY_PUSH_PULL ? round_of_push_pull(work) : round_of_clock(work));
            work->rounds++;
            bytes += round_bytes;
            now_s = tt_bench_now_s();
        }
        rates[i] = bytes / (now_s - begin_s);
        PS_TRY(check(work, way));
    }
    work->problem->bytes_per_s[way] = tt_bench_quantile(rates, (size_t)options->repeats, 0.5);
    return PS_OK;
}

static ps_err local_worker(ps_worker *worker, const void *argument) {
    const local_problem *const *const problem = argument;
    const size_t count = (*problem)->row_count;
    local_work work = {.worker = worker,
                       .problem = (local_problem *)(uintptr_t)*problem,
                       .rows = calloc(count, sizeof *work.rows),
                       .deltas = calloc(count, ROW_BYTES),
                       .values = calloc(count, ROW_BYTES)};
    ps_err err = PS_ENOMEM;
    if (work.rows != NULL && work.deltas != NULL && work.values != NULL) {
        for (size_t i = 0; i < count * COLUMNS; i++) {
            work.deltas[i] = delta_of(i);
        }
        for (size_t i = 0; i < count; i++) {
            work.rows[i] = i;
        }
        err = measure_way(&work, BY_PUSH_PULL);
        err = err != PS_OK ? err : measure_way(&work, BY_CLOCKS);
    }
    free(work.rows);
    free(work.deltas);
    free(work.values);
    return err;
}

static ps_err print_ways(const tt_exchange_options *options, size_t row_count, ps_fault *fault) {
    static const char *const names[WAYS] = {"ps_push, ps_pull", "ps_fetch, ps_add, ps_clock"};
    double memcpy_per_s = 0;
    local_problem problem = {.options = options, .row_count = row_count};
    const local_problem *const argument = &problem;
    tt_bench_plan plan;
    PS_TRY(tt_raw_memcpy(row_count * ROW_BYTES, options->repeats, options->budget_s, &memcpy_per_s,
                         fault));
    tt_bench_plan_init(&plan, local_worker, &argument);
    plan.plan.policy = (psi_policy){.ops = &psi_policy_ssp, .slack = 3};
    plan.plan.clock_count = CLOCKS_MAX;
    plan.plan.table_count = 1;
    plan.plan.specs[0] = (ps_table_spec){.name = "rows",
                                         .type = PS_F32,
                                         .layout = PS_DENSE,
                                         .row_count = row_count,
                                         .column_count = COLUMNS};
    const ps_err err = tt_bench_plan_run(&plan, NULL, fault);
    if (problem.is_wrong) {
        *fault = (ps_fault){0}; /* of the run, which knows less */
        return ps_fault_set(fault, PS_EBROKEN, "rows within one process hold wrong numbers");
    }
    PS_TRY(err);
    for (int way = 0; way < WAYS; way++) {
        char what[64];
        (void)snprintf(what, sizeof what, "%s, %zu rows of 4 kB", names[way], row_count);
        const tt_bench_line line = {.bench = "transport",
                                    .what = what,
                                    .value = problem.bytes_per_s[way],
                                    .unit = "B/s",
                                    .limit = memcpy_per_s,
                                    .limit_name = "memcpy",
                                    .ratio_asked = way == BY_CLOCKS ? 0.4 : 0};
        tt_bench_print(&line);
    }
    return PS_OK;
}

/* ---- The memory of a cached row ---- */

enum {
    CACHED_ROWS = 1000000,
    CACHED_COLUMNS = 16,
    CACHED_ROW_BYTES = 4 * CACHED_COLUMNS,
    SLICE_ROWS = 10000,
    SLICES = CACHED_ROWS / SLICE_ROWS
};

/* Worker 1 has no shard in its process: all that grows there is the cache, and buffers for one
 * slice, which count. */
static ps_err memory_worker(ps_worker *worker, const void *argument) {
    double *const *const row_bytes = argument;
    uint64_t rows[SLICE_ROWS];
    PS_TRY(ps_fetch(worker, 0, &(const uint64_t){0}, 1));
    const double begin_bytes = tt_process_resident_bytes();
    for (uint64_t slice = 0; ps_rank(worker) == 1 && slice < SLICES; slice++) {
        for (uint64_t i = 0; i < SLICE_ROWS; i++) {
            rows[i] = slice * SLICE_ROWS + i;
        }
        PS_TRY(ps_fetch(worker, 0, rows, SLICE_ROWS));
        PS_TRY(ps_clock(worker));
    }
    if (ps_rank(worker) == 1) {
        const double grown_bytes = tt_process_resident_bytes() - begin_bytes;
        **row_bytes = grown_bytes / CACHED_ROWS;
    }
    return PS_OK;
}

/* No number is 0, so that no page of zeros is shared. */
static void memory_row_init(const void *problem, uint32_t table, uint64_t row, void *values_out) {
    float *const values = values_out;
    (void)problem;
    for (uint32_t i = 0; i < CACHED_COLUMNS; i++) {
        values[i] = (float)(table + row % 1000 + i + 1);
    }
}

static ps_err print_memory(ps_fault *fault) {
    void *shared = NULL;
    PS_TRY(tt_shared_memory(sizeof(double), &shared, fault));
    double *const row_bytes = shared;
    tt_bench_plan plan;
    tt_bench_plan_init(&plan, memory_worker, &row_bytes);
    plan.algo.row_init = memory_row_init;
    (void)malloc_trim(0); /* or the cache would fill memory that earlier measurements left behind */
    plan.plan.policy = (psi_policy){.ops = &psi_policy_ssp, .slack = 3};
    plan.plan.node_count = plan.plan.worker_count = plan.plan.process_count = 2;
    plan.plan.clock_count = SLICES;
    plan.plan.table_count = 1;
    plan.plan.specs[0] = (ps_table_spec){.name = "rows",
                                         .type = PS_F32,
                                         .layout = PS_DENSE,
                                         .row_count = CACHED_ROWS,
                                         .column_count = CACHED_COLUMNS};
    const ps_err err = tt_bench_plan_run(&plan, NULL, fault);
    const tt_bench_line line = {.bench = "transport",
                                .what = "memory of a cached row of 64 B",
                                .value = *row_bytes,
                                .unit = "B",
                                .is_cost = true,
                                .limit = CACHED_ROW_BYTES,
                                .limit_name = "the payload",
                                .asked = CACHED_ROW_BYTES + 64};
    (void)munmap(row_bytes, sizeof *row_bytes);
    PS_TRY(err);
    tt_bench_print(&line);
    return PS_OK;
}

ps_err tt_local_print(const tt_exchange_options *options, ps_fault *fault) {
    PS_TRY(print_ways(options, 250, fault));
    PS_TRY(print_ways(options, 5000, fault));
    return print_memory(fault);
}
