/* A tiny algorithm for the tests of simulated runs, and running it in a child process each time,
 * because SimGrid starts once per process.
 *
 * Every worker fetches the rows it is told to, computes for the seconds that a table gives, adds 1
 * to a number of every row, and ends its clock: so all times can be worked out by hand. */
#ifndef TEST_TOY_H
#define TEST_TOY_H

#include <stdbool.h>
#include <stdint.h>

#include "node/run.h"
#include "sim/sim.h"

typedef struct toy_problem {
    uint32_t row_count, column_count;
    uint32_t worker_count, clock_count;
    const double *seconds; /* [clock * worker_count + rank] */
    bool has_endless_step; /* worker 0 computes for ever at its clock 1 */
} toy_problem;

/* A run of the toy: what is asked for. */
typedef struct toy_run {
    toy_problem problem;
    uint32_t node_count, shard_count, eval_every_clocks;
    uint64_t seed;
    const char *policy;
    const char *const *options;         /* name, value, name, value ..., NULL */
    void (*adjust)(psi_sim_spec *spec); /* last changes before the spec is resolved; may be NULL */
    int interrupt_after_metrics;        /* > 0: as if SIGINT came after that many evaluations */
} toy_run;

/* What came of it, as the child reported it. */
typedef struct toy_outcome {
    ps_err err;
    char fault[512];
    double time_s;
    uint64_t model_sum_bits; /* of the doubles of the final model, in row order */
    bool model_is_complete, was_interrupted;
    size_t metrics_count, trace_count;
    uint64_t frames_sent, bytes_sent;
    double clock_end_s[4096]; /* [clock * worker_count + rank] */
    double compute_s[4096];
    double wait_s[4096];
} toy_outcome;

/* Runs it in a child process and fills outcome_out. Returns false if the child crashed or could not
 * be made. */
bool toy_run_in_child(const toy_run *run, toy_outcome *outcome_out);

#endif
