/* `tortoise bench soak`: two processes exchange rows in every way for a long time; memory,
 * descriptors and threads must not grow. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sys/mman.h>

#include "bench.h"
#include "bench_plan.h"
#include "bench_process.h"
#include "tortoise/worker.h"

enum {
    ROWS = 2000,
    COLUMNS = 100,
    PROCESSES = 2,
    WORKERS = 4,
    PUSHED_ROWS = 100,
    EXCHANGES_PER_CLOCK = 16,
    SLACK = 3,
    CHECKS_EVERY_CLOCKS = 16,
    CLOCKS_MAX = 1 << 30
};

/* What a process uses. */
typedef struct soak_sample {
    double at_s, resident_bytes;
    uint32_t clock;
    size_t descriptors, threads;
} soak_sample;

typedef struct soak_shared {
    soak_sample begin[PROCESSES], end[PROCESSES]; /* each written by one worker of the process */
    double peak_bytes[PROCESSES];
    uint32_t clocks;
    bool is_wrong;
} soak_shared;

typedef struct soak_problem {
    double warm_s, duration_s; /* one after the other */
    double start_s;
    soak_shared *shared;
} soak_problem;

typedef struct soak_work {
    ps_worker *worker;
    const soak_problem *problem;
    uint64_t rows[ROWS];
    float delta[COLUMNS];
    float values[PUSHED_ROWS * COLUMNS], zeros[PUSHED_ROWS * COLUMNS];
} soak_work;

static soak_sample sample_at(uint32_t clock) {
    return (soak_sample){.at_s = tt_bench_now_s(),
                         .clock = clock,
                         .resident_bytes = tt_process_resident_bytes(),
                         .descriptors = tt_process_descriptors(),
                         .threads = tt_process_threads()};
}

/* Pushes to and pulls from table 1, two under way. */
static ps_err exchange(soak_work *work, uint32_t clock) {
    ps_keys keys = {.table = 1, .row_count = PUSHED_ROWS};
    for (uint32_t i = 0; i < EXCHANGES_PER_CLOCK; i++) {
        uint64_t pushed = 0;
        uint64_t pulled = 0;
        keys.row_begin = (clock * 7 + i * 191) % (ROWS - PUSHED_ROWS);
        PS_TRY(ps_push(work->worker, &keys, work->zeros, &pushed));
        PS_TRY(ps_pull(work->worker, &keys, work->values, &pulled));
        PS_TRY(ps_wait(work->worker, pushed));
        PS_TRY(ps_wait(work->worker, pulled));
    }
    return PS_OK;
}

/* Table 0 is read, added to and clocked. Each of its rows says how many clocks were counted: under
 * ssp no fewer than the bound allows. */
static ps_err one_clock(soak_work *work, uint32_t clock) {
    PS_TRY(ps_fetch(work->worker, 0, work->rows, ROWS));
    const float *const row = ps_get(work->worker, 0, clock % ROWS);
    const double least = clock > SLACK ? (double)WORKERS * (clock - SLACK) : 0;
    const double most = (double)WORKERS * (clock + SLACK + 1);
    if (row == NULL || (double)row[0] < least || (double)row[0] > most) {
        work->problem->shared->is_wrong = true;
        return PS_EBROKEN;
    }
    for (size_t i = 0; i < ROWS; i++) {
        PS_TRY(ps_add(work->worker, 0, work->rows[i], work->delta));
    }
    PS_TRY(exchange(work, clock));
    return ps_clock(work->worker);
}

/* Notes what the process of the worker uses; one worker of each does. A worker leaves only after
 * the end, so what was counted before it is of a process with all its threads. */
static void look(const soak_work *work, uint32_t process, uint32_t clock, double end_s) {
    soak_shared *const shared = work->problem->shared;
    const soak_sample sample = sample_at(clock);
    if (tt_bench_now_s() >= end_s) {
        return;
    }
    if (!(shared->begin[process].at_s > 0)) {
        shared->begin[process] = sample;
    }
    shared->end[process] = sample;
    if (sample.resident_bytes > shared->peak_bytes[process]) {
        shared->peak_bytes[process] = sample.resident_bytes;
    }
}

static ps_err soak(soak_work *work) {
    const soak_problem *const problem = work->problem;
    const uint32_t rank = ps_rank(work->worker);
    const uint32_t process = rank / (WORKERS / PROCESSES);
    const bool looks = rank % (WORKERS / PROCESSES) == 0;
    const double begin_s = problem->start_s + problem->warm_s;
    const double end_s = begin_s + problem->duration_s;
    for (uint32_t clock = 0; tt_bench_now_s() < end_s; clock++) {
        PS_TRY(one_clock(work, clock));
        if (looks && clock % CHECKS_EVERY_CLOCKS == 0 && tt_bench_now_s() >= begin_s) {
            look(work, process, clock, end_s);
        }
        problem->shared->clocks = rank == 0 ? clock + 1 : problem->shared->clocks;
    }
    return PS_OK;
}

static ps_err soak_worker(ps_worker *worker, const void *problem) {
    soak_work *const work = calloc(1, sizeof *work);
    if (work == NULL) {
        return PS_ENOMEM;
    }
    work->worker = worker;
    work->problem = problem;
    work->delta[0] = 1.0F;
    for (uint64_t i = 0; i < ROWS; i++) {
        work->rows[i] = i;
    }
    const ps_err err = soak(work);
    free(work);
    return err;
}

/* A run remembers a row of its trace (workers.csv) per worker and clock: that growth is meant. */
static double remembered_bytes(const soak_sample *begin, const soak_sample *end) {
    return (double)(end->clock - begin->clock) * (WORKERS / PROCESSES) * sizeof(psi_trace_row);
}

static ps_err print_process(const soak_shared *shared, size_t process, ps_fault *fault) {
    const soak_sample *const begin = &shared->begin[process];
    const soak_sample *const end = &shared->end[process];
    char what[64];
    if (!(end->at_s > begin->at_s)) {
        return ps_fault_set(fault, PS_EFAILED, "the soak was too short to compare anything");
    }
    const double trace_bytes = remembered_bytes(begin, end);
    (void)snprintf(what, sizeof what, "process %zu, resident after %.0f s, no trace", process,
                   end->at_s - begin->at_s);
    const tt_bench_line memory = {.bench = "soak",
                                  .what = what,
                                  .value = end->resident_bytes - trace_bytes,
                                  .unit = "B",
                                  .is_cost = true,
                                  .limit = begin->resident_bytes,
                                  .limit_name = "resident at the start",
                                  .ratio_asked = end->at_s - begin->at_s >= 60 ? 1.02 : 0};
    tt_bench_print(&memory);
    tt_bench_remark("# process %zu: %.0f B -> %.0f B (peak %.0f B), %.0f B of it for %u clocks of "
                    "the trace; descriptors %zu -> %zu, threads %zu -> %zu",
                    process, begin->resident_bytes, end->resident_bytes,
                    shared->peak_bytes[process], trace_bytes, end->clock - begin->clock,
                    begin->descriptors, end->descriptors, begin->threads, end->threads);
    if (begin->descriptors != end->descriptors || begin->threads != end->threads) {
        return ps_fault_set(
            fault, PS_EFAILED, "process %zu: %zu descriptors and %zu threads became %zu and %zu",
            process, begin->descriptors, begin->threads, end->descriptors, end->threads);
    }
    return PS_OK;
}

static ps_err print_soak(const soak_shared *shared, ps_fault *fault) {
    tt_bench_remark("# %u clocks of %d workers", shared->clocks, WORKERS);
    for (size_t process = 0; process < PROCESSES; process++) {
        PS_TRY(print_process(shared, process, fault));
    }
    return PS_OK;
}

static ps_err soak_run(const tt_bench_options *options, ps_fault *fault) {
    const double duration_s = options->duration_s > 0 ? options->duration_s
                              : options->is_quick     ? 10
                                                      : 600;
    soak_problem problem = {.warm_s = duration_s / 5,
                            .duration_s = duration_s - duration_s / 5,
                            .start_s = tt_bench_now_s()};
    void *shared = NULL;
    PS_TRY(tt_shared_memory(sizeof *problem.shared, &shared, fault));
    problem.shared = shared;
    tt_bench_plan plan;
    tt_bench_plan_init(&plan, soak_worker, &problem);
    plan.plan.policy = (psi_policy){.ops = &psi_policy_ssp, .slack = SLACK};
    plan.plan.node_count = plan.plan.shard_count = plan.plan.process_count = PROCESSES;
    plan.plan.worker_count = WORKERS;
    plan.plan.clock_count = CLOCKS_MAX;
    plan.plan.table_count = 2;
    for (size_t t = 0; t < 2; t++) {
        plan.plan.specs[t] = (ps_table_spec){.name = t == 0 ? "clocked" : "pushed",
                                             .type = PS_F32,
                                             .layout = PS_DENSE,
                                             .row_count = ROWS,
                                             .column_count = COLUMNS};
    }
    ps_err err = tt_bench_plan_run(&plan, NULL, fault);
    if (problem.shared->is_wrong) {
        *fault = (ps_fault){0}; /* of the run, which knows less */
        err = ps_fault_set(fault, PS_EBROKEN, "a row was staler than the policy allows");
    }
    if (err == PS_OK) {
        err = print_soak(problem.shared, fault);
    }
    (void)munmap(problem.shared, sizeof *problem.shared);
    return err;
}

const tt_bench tt_bench_soak = {
    .name = "soak",
    .summary =
        "ten minutes (--quick: ten seconds): memory, descriptors and threads stay as they are",
    .run = soak_run,
    .is_by_name = true,
};
