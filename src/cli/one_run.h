/* One run of an algorithm, from its settings to its files: what `sim` and `run` do, and `sweep`
 * many times.
 *
 *     tt_run_read        settings -> plan and simulated cluster; no data is read
 *     tt_run_open        reads the data, makes the problem and its tables
 *     tt_run_perform     runs it, in the world that the settings are of
 *     tt_run_record      writes the files; also of a run that was interrupted or failed half-way
 *     tt_run_fini */
#ifndef TT_ONE_RUN_H
#define TT_ONE_RUN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include "tortoise/algo.h"

#include "digest.h"
#include "model_files.h"
#include "node/run.h"
#include "outdir.h"
#include "rank_setup.h"
#include "settings.h"
#include "sim/sim.h"

typedef struct tt_run {
    tt_settings settings; /* owned */
    size_t argument_count;
    char *const *arguments; /* the whole command line; borrowed */

    psi_plan plan;
    double batch;
    psi_sim_spec *sim;          /* owned; NULL in TT_RUN */
    const char **option_values; /* of the algorithm; owned array, texts of `settings` */
    void *problem;              /* owned */
    char data_text[512];        /* the file, or all keys of synthetic data */
    char data_sha256[TT_DIGEST_TEXT_BYTES];
    char key[TT_DIGEST_TEXT_BYTES]; /* of all that decides the result: settings, program, data */

    tt_rank rank; /* of `run`; all zero: this process starts all others */
    psi_runtime_options runtime;

    tt_outdir out;
    psi_results results;
    ps_err ended_with;
    ps_fault failure;       /* of the run itself */
    bool workers_abandoned; /* threads still read plan and problem: leave them and exit */
    struct timespec start, end;
    char model_sha256[TT_DIGEST_TEXT_BYTES]; /* empty: no complete model */
    char metrics_sha256[TT_DIGEST_TEXT_BYTES];
    tt_extras extras; /* known when the files are written */
} tt_run;

/* Takes `settings` over and fits them together. PS_EINVAL and the like with the line for people. */
PS_MUST_CHECK ps_err tt_run_read(tt_run *run, tt_settings *settings, ps_fault *fault);

/* Computes run->data_sha256 and run->key. Reads the data file once. */
PS_MUST_CHECK ps_err tt_run_identify(tt_run *run, ps_fault *fault);

/* Opens the problem and completes the plan. */
PS_MUST_CHECK ps_err tt_run_open(tt_run *run, ps_fault *fault);

/* Runs. `interrupted` may become non-zero at any time and ends the run early. The outcome is in
 * run->ended_with and run->failure. A child process of a real run does not return. */
void tt_run_perform(tt_run *run, const volatile int *interrupted, const psi_observer *observer);

/* Whether something was measured that is worth keeping. */
bool tt_run_has_results(const tt_run *run);

/* Writes all files of the run to run->out, which was opened before. */
PS_MUST_CHECK ps_err tt_run_record(tt_run *run, ps_fault *fault);

void tt_run_fini(tt_run *run);

/* The default of --out: "out/mf-sim-ssp-3-n4-w4-s1". */
void tt_run_default_directory(const tt_run *run, char path[static TT_PATH_MAX]);

/* Seconds on the wall between start and end. */
double tt_run_wall_s(const tt_run *run);

#endif
