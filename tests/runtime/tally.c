#define _GNU_SOURCE
#include "tally.h"

#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <sys/mman.h>
#include <unistd.h>

#include "support/signals.h"

/* ---- The algorithm: every worker adds a number of its own to every cell of four rows per clock
 * ---- */

static int64_t delta_of(uint32_t rank, uint32_t clock, uint32_t row, uint32_t column) {
    return (int64_t)(rank + 1) * 1009 + (int64_t)clock * 31 + (int64_t)row * 7 + column;
}

static bool touches(uint32_t rank, uint32_t clock, uint32_t row) {
    return (rank + clock + row) % 3 == 0;
}

int64_t tally_expected(uint32_t worker_count, uint32_t clocks, uint32_t row, uint32_t column) {
    int64_t sum = (int64_t)row * 100 + column;
    for (uint32_t rank = 0; rank < worker_count; rank++) {
        for (uint32_t clock = 0; clock < clocks; clock++) {
            sum += touches(rank, clock, row) ? delta_of(rank, clock, row, column) : 0;
        }
    }
    return sum;
}

static void misbehave(void *arg) {
    const tally_case *const test = arg;
    if (test->deed == TALLY_DIE) {
        (void)raise(SIGKILL);
    } else if (test->deed == TALLY_FREEZE) {
        (void)raise(SIGSTOP);
    } else if (test->deed == TALLY_EXIT) {
        _exit(7);
    }
    while (test->deed == TALLY_SLEEP) {
        (void)pause();
    }
}

/* For TALLY_DIE_LAST. */
static void sleep_for_ever(void *arg) {
    const tally_case *const test = arg;
    atomic_fetch_add(&test->shared->sleeper_count, 1);
    for (;;) {
        (void)pause();
    }
}

static void die_last(void *arg) {
    const tally_case *const test = arg;
    while (atomic_load(&test->shared->sleeper_count) + 1 < test->nodes * test->workers_each) {
        (void)poll(NULL, 0, 1);
    }
    (void)raise(SIGKILL);
}

static void work(void *arg) {
    (void)arg;
}

static ps_err add_rows(ps_worker *worker) {
    for (uint32_t row = 0; row < TALLY_ROWS; row++) {
        if (!touches(ps_rank(worker), ps_clock_now(worker), row)) {
            continue;
        }
        int64_t delta[TALLY_COLUMNS];
        for (uint32_t column = 0; column < TALLY_COLUMNS; column++) {
            delta[column] = delta_of(ps_rank(worker), ps_clock_now(worker), row, column);
        }
        PS_TRY(ps_add(worker, 0, row, delta));
    }
    return PS_OK;
}

static ps_err tally_worker(ps_worker *worker, const void *problem) {
    tally_case test = *(const tally_case *)problem;
    uint64_t rows[TALLY_ROWS];
    for (uint32_t i = 0; i < TALLY_ROWS; i++) {
        rows[i] = i;
    }
    for (uint32_t clock = 0; clock < ps_clock_count(worker); clock++) {
        PS_TRY(ps_fetch(worker, 0, rows, TALLY_ROWS));
        const bool is_due =
            test.deed != TALLY_NOTHING && ps_rank(worker) == test.rank && clock == test.clock;
        if (is_due && test.deed == TALLY_FAIL) {
            return PS_EFAILED;
        }
        void (*what)(void *arg) = is_due ? misbehave : work;
        if (test.deed == TALLY_DIE_LAST && clock == test.clock) {
            what = is_due ? die_last : sleep_for_ever;
        }
        PS_TRY(ps_compute(worker, 1.0, what, &test));
        PS_TRY(add_rows(worker));
        PS_TRY(ps_clock(worker));
        atomic_fetch_add(&test.shared->clocks_done, 1);
    }
    return PS_OK;
}

static void tally_row_init(const void *problem, uint32_t table, uint64_t row, void *values_out) {
    (void)problem;
    (void)table;
    int64_t *const values = values_out;
    for (uint32_t column = 0; column < TALLY_COLUMNS; column++) {
        values[column] = (int64_t)row * 100 + column;
    }
}

static void tally_evaluate(const void *problem, uint32_t rank, const void *local,
                           size_t local_size_bytes, const ps_model *model, double *sums) {
    (void)problem;
    (void)local;
    (void)local_size_bytes;
    const int64_t *const cells = model->dense[0];
    sums[0] = rank == 0 ? (double)cells[0] : 0.0;
}

static void tally_finish(const void *problem, const double *sums, double *metrics) {
    (void)problem;
    metrics[0] = sums[0];
}

static const char *const metric_names[] = {"objective"};

static const ps_algo tally_algo = {
    .name = "tally",
    .metrics = metric_names,
    .metric_count = 1,
    .sum_count = 1,
    .row_init = tally_row_init,
    .worker = tally_worker,
    .evaluate = tally_evaluate,
    .finish = tally_finish,
};

/* ---- Running it ---- */

static volatile int interrupted;

static void on_interrupt(int signal) {
    (void)signal;
    interrupted = 1;
}

void tally_plan(const tally_case *test, psi_plan *plan_out) {
    *plan_out = (psi_plan){
        .algo = &tally_algo,
        .problem = test,
        .node_count = test->nodes,
        .worker_count = test->nodes * test->workers_each,
        .shard_count = test->nodes,
        .process_count = test->nodes,
        .clock_count = test->clocks,
        .eval_every_clocks = 1,
        .seed = 4711,
        .table_count = 1,
        .specs = {{.name = "cells",
                   .type = PS_I64,
                   .layout = PS_DENSE,
                   .row_count = TALLY_ROWS,
                   .column_count = TALLY_COLUMNS}},
        .interrupted = &interrupted,
    };
    ps_fault fault = {0};
    if (psi_policy_parse(test->policy, &plan_out->policy, &fault) != PS_OK) {
        abort();
    }
}

/* The life of every process of the run. */
static _Noreturn void run_process(const tally_case *test) {
    (void)signal(SIGINT, on_interrupt);
    psi_plan plan;
    tally_plan(test, &plan);
    psi_runtime_stats stats = {0};
    psi_runtime_options options = test->options;
    options.stats = &stats;
    psi_results results = {0};
    uint32_t process = 0;
    ps_fault fault = {0};
    const ps_err err = psi_runtime_run_local(&plan, &options, &results, &process, &fault);
    const int code = ps_err_exit_code(err);
    if (process == 0) {
        tally_shared *const shared = test->shared;
        shared->err = err;
        shared->fault = fault;
        shared->was_interrupted = results.was_interrupted;
        shared->model_is_complete = results.model_is_complete;
        shared->model_clock = results.model_clock;
        shared->metrics_count = results.metrics_count;
        shared->trace_count = results.trace_count;
        shared->remote_frames = stats.frames_received;
        shared->workers_abandoned = stats.workers_abandoned;
        if (err == PS_OK && results.model_is_complete) {
            memcpy(shared->cells, results.model_dense[0], sizeof shared->cells);
        }
        atomic_store(&shared->has_ended, true);
    }
    if (stats.workers_abandoned) {
        _exit(code);
    }
    psi_results_fini(&results, &plan);
    exit(code);
}

void tally_start(tally_run *run, const tally_case *test) {
    run->test = *test;
    run->test.shared = mmap(NULL, sizeof *run->test.shared, PROT_READ | PROT_WRITE,
                            MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    int pipe_fds[2];
    if (run->test.shared == MAP_FAILED || pipe(pipe_fds) != 0) {
        abort();
    }
    fflush(NULL);
    run->process = fork();
    if (run->process < 0) {
        abort();
    }
    if (run->process == 0) {
        (void)setpgid(0, 0);
        (void)close(pipe_fds[0]); /* the other end is open as long as a process of the run lives */
        run_process(&run->test);
    }
    (void)setpgid(run->process, run->process);
    (void)close(pipe_fds[1]);
    run->left_over = pipe_fds[0];
}

static double now_s(void) {
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

int tally_end(tally_run *run, double timeout_s, bool *none_left_out) {
    const double until_s = now_s() + timeout_s;
    bool has_ended = false;
    while (!(has_ended = signals_child_has_ended(run->process)) && now_s() < until_s) {
        (void)poll(NULL, 0, 5);
    }
    struct pollfd left_over = {.fd = run->left_over, .events = POLLIN};
    *none_left_out = poll(&left_over, 1, has_ended ? 1000 : 0) == 1;
    if (!*none_left_out) {
        signals_send_to_group(run->process, SIGKILL);
    }
    const int code = signals_take_code(run->process);
    return has_ended ? code : -1;
}

void tally_close(tally_run *run) {
    (void)close(run->left_over);
    (void)munmap(run->test.shared, sizeof *run->test.shared);
}

void tally_signal(const tally_run *run, int signal, bool to_all) {
    if (to_all) {
        signals_send_to_group(run->process, signal);
    } else {
        signals_send(run->process, signal);
    }
}

bool tally_await_clocks(const tally_run *run, uint32_t clocks) {
    const double until_s = now_s() + 20.0;
    while (atomic_load(&run->test.shared->clocks_done) < clocks) {
        if (now_s() > until_s) {
            return false;
        }
        (void)poll(NULL, 0, 1);
    }
    return true;
}
