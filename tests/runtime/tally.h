/* A small algorithm with known answers, which misbehaves on request, and a way to run it in
 * processes of its own. For tests of the runtime. */
#ifndef TEST_TALLY_H
#define TEST_TALLY_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tortoise/algo.h"

#include "runtime/runtime.h"

enum { TALLY_ROWS = 12, TALLY_COLUMNS = 5 };

/* What worker `rank` does instead of its work at clock `clock`. */
typedef enum tally_deed {
    TALLY_NOTHING,
    TALLY_DIE,     /* its process gets SIGKILL */
    TALLY_FREEZE,  /* its process gets SIGSTOP */
    TALLY_SLEEP,   /* it never returns from its mathematics */
    TALLY_FAIL,    /* it returns PS_EFAILED */
    TALLY_EXIT,    /* its process calls _exit(7) */
    TALLY_DIE_LAST /* all others sleep for ever at that clock; once they do, its process gets
                      SIGKILL */
} tally_deed;

/* What the processes of a run share with the test. */
typedef struct tally_shared {
    atomic_uint clocks_done, sleeper_count;
    atomic_bool has_ended;
    ps_fault fault;
    ps_err err;
    bool was_interrupted, until_reached, model_is_complete, workers_abandoned;
    uint32_t model_clock;
    size_t metrics_count, trace_count;
    uint64_t remote_frames;
    int64_t cells[TALLY_ROWS * TALLY_COLUMNS];
} tally_shared;

typedef struct tally_case {
    uint32_t nodes, workers_each, clocks;
    const char *policy;
    tally_deed deed;
    uint32_t rank, clock;
    psi_runtime_options options;
    tally_shared *shared; /* set by tally_start() */
} tally_case;

/* A run that goes on in processes of its own. */
typedef struct tally_run {
    tally_case test;
    int process;   /* of process 0 and of the group of all */
    int left_over; /* ends when no process of the run is left */
} tally_run;

/* Starts the run. Its result is in run->test.shared once tally_end() has returned. */
void tally_start(tally_run *run, const tally_case *test);

/* Waits for the run's end, at most `timeout_s`. Returns the exit code of process 0, 128 + signal if
 * it was killed, or -1 if it did not end; then all its processes are killed. `none_left_out`: no
 * other process of the run is there a second later. */
int tally_end(tally_run *run, double timeout_s, bool *none_left_out);

/* Forgets the run. */
void tally_close(tally_run *run);

/* Sends a signal to process 0, or to all processes of the run. */
void tally_signal(const tally_run *run, int signal, bool to_all);

/* Waits until the workers have done `clocks` clocks in all. Returns false if it takes more than 20
 * s. */
bool tally_await_clocks(const tally_run *run, uint32_t clocks);

/* What a cell holds after `worker_count` workers have done `clocks` clocks. */
int64_t tally_expected(uint32_t worker_count, uint32_t clocks, uint32_t row, uint32_t column);

/* The plan of a case; `problem` is the case itself. */
void tally_plan(const tally_case *test, psi_plan *plan_out);

#endif
