/* `tortoise bench workers`: how much faster two workers are than one, in one process and in two,
 * beside two plain loops that share nothing; and how often a row crosses the wire when the workers
 * of a process share a cache. */
#include <stdio.h>
#include <stdlib.h>

#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bench.h"
#include "bench_mf_run.h"
#include "bench_plan.h"
#include "bench_process.h"
#include "tortoise/worker.h"

static const char jester_data[] = "../shared/data/jester1.uir.txt.gz";
static const char synthetic_data[] =
    "synthetic:users=25000,items=500,rank=16,ratings=2000000,noise=0.5";

enum { REPEATS_MAX = 9 };

/* What is run by turns. */
typedef enum crew { ONE_LOOP, TWO_LOOPS, ONE_WORKER, TWO_THREADS, TWO_PROCESSES, CREWS } crew;

typedef struct workers_run {
    psi_mf_problem *one, *two; /* opened for one and for two workers */
    int repeats;
    uint32_t passes;
    double rates[CREWS][REPEATS_MAX];
} workers_run;

/* ---- Two plain loops at once: what the machine itself allows ---- */

/* The sum of the rates of two processes that run the plain loop at the same time. */
static ps_err two_loops(const workers_run *run, double *rate_out, ps_fault *fault) {
    void *shared = NULL;
    PS_TRY(tt_shared_memory(2 * sizeof(double), &shared, fault));
    double *const rates = shared;
    const pid_t child = fork();
    if (child == 0) {
        _exit(tt_mf_serial_measure(run->one, run->passes, &rates[1], fault) == PS_OK ? 0 : 1);
    }
    ps_err err = child < 0 ? ps_fault_set(fault, PS_EIO, "no second process for the plain loop")
                           : tt_mf_serial_measure(run->one, run->passes, &rates[0], fault);
    int status = 0;
    if (child > 0 && (waitpid(child, &status, 0) != child || status != 0) && err == PS_OK) {
        err = ps_fault_set(fault, PS_EFAILED, "the second plain loop failed");
    }
    *rate_out = rates[0] + rates[1];
    (void)munmap(rates, 2 * sizeof *rates);
    return err;
}

static ps_err measure(const workers_run *run, crew who, double *rate_out, ps_fault *fault) {
    tt_mf_run workers = {
        .problem = run->two, .process_count = 1, .passes = run->passes, .policy = "ssp:3"};
    switch (who) {
    case ONE_LOOP:
        return tt_mf_serial_measure(run->one, run->passes, rate_out, fault);
    case TWO_LOOPS:
        return two_loops(run, rate_out, fault);
    case ONE_WORKER:
        workers.problem = run->one;
        break;
    case TWO_PROCESSES:
        workers.process_count = 2;
        break;
    case TWO_THREADS:
    case CREWS:
        break;
    }
    return tt_mf_run_measure(&workers, rate_out, fault);
}

static void print_crews(workers_run *run) {
    static const struct {
        const char *what, *beside;
        double ratio_asked;
        crew base;
    } told[CREWS] = {
        [ONE_LOOP] = {"one plain loop", NULL, 0, CREWS},
        [TWO_LOOPS] = {"two plain loops that share nothing", "one plain loop", 0, ONE_LOOP},
        [ONE_WORKER] = {"one worker", "one plain loop", 0, ONE_LOOP},
        [TWO_THREADS] = {"two workers in one process", "one worker", 1.8, ONE_WORKER},
        [TWO_PROCESSES] = {"two processes with a worker each", "one worker", 1.8, ONE_WORKER},
    };
    double medians[CREWS];
    for (crew who = ONE_LOOP; who < CREWS; who++) {
        medians[who] = tt_bench_quantile(run->rates[who], (size_t)run->repeats, 0.5);
        const tt_bench_line line = {.bench = "workers",
                                    .what = told[who].what,
                                    .value = medians[who],
                                    .unit = "ratings/s",
                                    .limit = told[who].base == CREWS ? 0 : medians[told[who].base],
                                    .limit_name = told[who].beside,
                                    .ratio_asked = told[who].ratio_asked};
        tt_bench_print(&line);
    }
}

/* By turns, so that a busy machine is unfair to none. */
static ps_err run_crews(workers_run *run, ps_fault *fault) {
    for (int i = 0; i < run->repeats; i++) {
        for (crew who = ONE_LOOP; who < CREWS; who++) {
            PS_TRY(measure(run, who, &run->rates[who][i], fault));
        }
    }
    print_crews(run);
    return PS_OK;
}

/* ---- Rows on the wire ---- */

enum { ROWS = 1000, COLUMNS = 64, ROW_BYTES = 4 * COLUMNS, CLOCKS = 50 };

/* Workers 0 and 1, of the first process, read all rows of the second one's shard in every clock;
 * the others change them all, so that no old copy serves. */
static ps_err rows_worker(ps_worker *worker, const void *problem) {
    (void)problem;
    const float delta[COLUMNS] = {1.0F};
    uint64_t rows[ROWS];
    for (uint64_t i = 0; i < ROWS; i++) {
        rows[i] = ROWS + i;
    }
    for (uint32_t clock = 0; clock < CLOCKS; clock++) {
        for (size_t i = 0; ps_rank(worker) >= 2 && i < ROWS; i++) {
            PS_TRY(ps_add(worker, 0, rows[i], delta));
        }
        if (ps_rank(worker) < 2) {
            PS_TRY(ps_fetch(worker, 0, rows, ROWS));
            const float *const row = ps_get(worker, 0, rows[ROWS - 1]);
            if (row == NULL || row[0] < 2.0F * (float)clock || row[0] > 2.0F * (float)clock) {
                return PS_EBROKEN; /* two workers have added 1 in each clock before */
            }
        }
        PS_TRY(ps_clock(worker));
    }
    return PS_OK;
}

static ps_err print_rows(ps_fault *fault) {
    psi_runtime_stats stats = {0};
    const psi_runtime_options options = {.stats = &stats};
    tt_bench_plan plan;
    tt_bench_plan_init(&plan, rows_worker, NULL);
    plan.plan.node_count = plan.plan.shard_count = plan.plan.process_count = 2;
    plan.plan.worker_count = 4;
    plan.plan.clock_count = CLOCKS;
    plan.plan.table_count = 1;
    plan.plan.specs[0] = (ps_table_spec){.name = "rows",
                                         .type = PS_F32,
                                         .layout = PS_DENSE,
                                         .row_count = 2 * (uint64_t)ROWS,
                                         .column_count = COLUMNS,
                                         .block_rows = ROWS};
    PS_TRY(tt_bench_plan_run(&plan, &options, fault));
    /* The final model of the other process came in, too. */
    const double clocks_bytes = (double)stats.bytes_received - (double)ROWS * ROW_BYTES;
    const tt_bench_line bytes = {.bench = "workers",
                                 .what = "received per row, process and clock",
                                 .value = clocks_bytes / ((double)ROWS * CLOCKS),
                                 .unit = "B",
                                 .is_cost = true,
                                 .limit = ROW_BYTES,
                                 .limit_name = "the row, two workers read it",
                                 .ratio_asked = 1.2};
    const tt_bench_line frames = {.bench = "workers",
                                  .what = "frames received per process and clock",
                                  .value = (double)stats.frames_received / CLOCKS,
                                  .unit = "frames",
                                  .is_cost = true};
    tt_bench_print(&bytes);
    tt_bench_print(&frames);
    return PS_OK;
}

/* ---- All of it ---- */

static ps_err workers_run_all(const tt_bench_options *options, ps_fault *fault) {
    workers_run run = {.repeats = options->is_quick ? 1 : 5, .passes = options->is_quick ? 4 : 12};
    int cpus[2];
    const char *data = options->data;
    if (data == NULL) {
        data = access(jester_data, R_OK) == 0 ? jester_data : synthetic_data;
    }
    if (tt_cpus_allowed(cpus) >= 2) {
        tt_bench_remark("# mf under ssp:3 on %s; the system places the threads", data);
        PS_TRY(tt_mf_open(data, "16", 1, &run.one, fault));
        PS_TRY(tt_mf_open(data, "16", 2, &run.two, fault));
        PS_TRY(run_crews(&run, fault)); /* a worker may still use the problems after a failure */
        psi_mf_problem_close(run.one);
        psi_mf_problem_close(run.two);
    } else {
        tt_bench_remark("# skipped: two workers need two cores, and this process may use only one");
    }
    return print_rows(fault);
}

const tt_bench tt_bench_workers = {
    .name = "workers",
    .summary = "two workers beside one, in one process and in two; rows on the wire",
    .run = workers_run_all,
};
