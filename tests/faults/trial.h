/* A trial: one run of the ledger in processes of its own, to which something may be done. Either
 * process 0 forks the others, as `tortoise run` does on one machine, or each rank is started by
 * itself, as on a cluster; then a proxy may stand between them. */
#ifndef TEST_TRIAL_H
#define TEST_TRIAL_H

#include <stdbool.h>
#include <stdint.h>

#include "runtime/runtime.h"

#include "chaos_proxy.h"
#include "ledger.h"

typedef struct trial {
    ledger test;
    psi_runtime_options options;
    bool is_cluster;     /* every rank is a process of its own, started by the test */
    chaos_plan chaos;    /* what the proxy does; CHAOS_NOTHING: there is none. Needs is_cluster */
    bool takes_signals;  /* SIGINT and SIGTERM interrupt the run */
    bool starts_stopped; /* `stopped_rank` stops itself (SIGSTOP) before it connects */
    uint32_t stopped_rank;

    /* Set by trial_start(). */
    uint32_t process_count; /* that the test started: 1, or one per rank */
    int process[LEDGER_NODES_MAX];
    int proxy;
    chaos_state *chaos_state; /* shared with the proxy */
    int left_over;            /* readable once no process of the run is left */
    double started_s;

    /* Set by trial_end(): by process that the test started. */
    int code[LEDGER_NODES_MAX]; /* exit code, 128 + signal, or -1: it did not end in time */
    bool has_ended, none_left;
    double took_s; /* from trial_start() */
} trial;

/* Short enough for tests, long enough for a loaded machine under a sanitizer. */
extern const psi_runtime_options trial_quick;

/* Whoever calls this gets a network of its own, so that no port of others is counted. Returns
 * false if the system does not allow it; ports are then not counted. Call it first in main(). */
bool trial_own_network(void);

void trial_start(trial *t);

/* Waits until the workers have ended `clocks` clocks in all, or until process 0 has `rows` rows of
 * metrics, or the run is over. */
void trial_await_clocks(const trial *t, uint32_t clocks);
void trial_await_metrics(const trial *t, uint32_t rows);

/* Waits until the workers of `node` have begun; returns its process, which is never 0. */
int trial_await_process(const trial *t, uint32_t node);

/* Waits until process `rank` has ended, at most `timeout_s`. Returns whether it has. */
bool trial_await_end(const trial *t, uint32_t rank, double timeout_s);

/* Waits until process `rank` of a cluster takes signals. Returns false after 10 s. */
bool trial_await_ready(const trial *t, uint32_t rank);

/* Waits for the end, at most `timeout_s`; what is left then is killed. Fills the last fields and
 * claims (CU_ASSERT) what holds for every trial: it ended, nothing is left of it, neither process
 * nor port, and no guarantee was violated. */
void trial_end(trial *t, double timeout_s);

/* Forgets the trial. */
void trial_close(trial *t);

/* The line of process `rank`'s end; empty if it left none. */
const char *trial_line(const trial *t, uint32_t rank);

/* Whether the line of `rank` holds the text; prints the line if not. */
bool trial_says(const trial *t, uint32_t rank, const char *text);

/* Numbers that follow from a seed: the n-th draw, below `bound`. */
uint32_t trial_draw(uint64_t seed, uint32_t n, uint32_t bound);

/* A whole number from the environment, or the default. */
uint64_t trial_number(const char *name, uint64_t default_value);

double trial_now_s(void);

#endif
