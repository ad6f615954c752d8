/* A sweep: the runs of an experiment, where their files are, and which of them are there already.
 */
#ifndef TT_SWEEP_H
#define TT_SWEEP_H

#include <stdbool.h>
#include <stddef.h>

#include <sys/types.h>

#include "digest.h"
#include "experiment.h"
#include "outdir.h"

enum { TT_SWEEP_ID_BYTES = 128 };

/* What a run did, as its files tell. Numbers that are not known are NaN. */
typedef struct tt_sweep_outcome {
    double time_s, clocks, final_value;
    double target, time_to_target_s, clocks_to_target, bytes_to_target;
    double compute_s, wait_s, wait_share, bytes_sent, frames_sent;
} tt_sweep_outcome;

typedef struct tt_sweep_run {
    char id[TT_SWEEP_ID_BYTES]; /* its directory's name: "policy-ssp-3_seed-1" */
    char key[TT_DIGEST_TEXT_BYTES];
    bool is_there; /* a complete run with this key */
    bool has_failed;
    pid_t process; /* while it runs; else 0 */
    char trouble[512];
    tt_sweep_outcome outcome;
} tt_sweep_run;

typedef struct tt_sweep {
    const tt_experiment *experiment; /* borrowed */
    char directory[TT_PATH_MAX];
    tt_sweep_run *runs; /* owned */
    size_t count;
} tt_sweep;

/* Plans all runs, checks the settings of each, and looks which are there. PS_EINVAL names the file
 * and the run. */
PS_MUST_CHECK ps_err tt_sweep_plan(tt_sweep *sweep, const tt_experiment *experiment,
                                   const char *directory, ps_fault *fault);
void tt_sweep_fini(tt_sweep *sweep);

/* The arguments of the program that does run `index`, NULL at the end; owned by the caller:
 * tt_sweep_arguments_free(). `jobs` is for simulations that do not say themselves. NULL when memory
 * is exhausted. */
char **tt_sweep_arguments(const tt_sweep *sweep, size_t index, unsigned jobs);
void tt_sweep_arguments_free(char **arguments);

/* The directory of a run. */
PS_MUST_CHECK bool tt_sweep_run_directory(const tt_sweep *sweep, size_t index,
                                          char path[static TT_PATH_MAX]);

/* Whether its files are there, whole and of this key. */
bool tt_sweep_run_is_complete(const tt_sweep *sweep, size_t index);

/* How to go about it. */
typedef struct tt_sweep_manner {
    unsigned parallel; /* runs at the same time */
    bool is_quiet, is_forced;
} tt_sweep_manner;

/* Does the runs that are missing (all, if forced), one process each, writes the tables and prints
 * them. Blocks. PS_EFAILED: some failed, or SIGINT ended it; what is there is written all the same.
 * sweep_pool.c. */
PS_MUST_CHECK ps_err tt_sweep_do(tt_sweep *sweep, const tt_sweep_manner *manner, ps_fault *fault);

/* Prints every run, and whether it is there. */
void tt_sweep_list(const tt_sweep *sweep);

/* Reads what the runs that are there did, and works out targets; sweep_summary.c. */
PS_MUST_CHECK ps_err tt_sweep_collect(tt_sweep *sweep, ps_fault *fault);

/* Writes summary.csv (a row per run), groups.csv (means over seeds) and sweep.json; prints the
 * table of groups. */
PS_MUST_CHECK ps_err tt_sweep_write(const tt_sweep *sweep, ps_fault *fault);
void tt_sweep_print(const tt_sweep *sweep);

#endif
