/* The files of a run: metrics.csv, workers.csv, staleness.csv, model/<table>.npy, and what the
 * algorithm leaves beside them (model_files.h).
 *
 * They hold no wall time and no name of a machine, and numbers are written in one way only, so
 * equal results are equal files. The manifest is in manifest.h. */
#ifndef TT_RUN_FILES_H
#define TT_RUN_FILES_H

#include "tortoise/err.h"

#include "model_files.h"
#include "node/run.h"

/* Writes all of them into `directory`, which exists. The model, and what is left of it, is left out
 * when it is not complete. PS_EIO or PS_ENOMEM, with the file's name. */
PS_MUST_CHECK ps_err tt_run_files_write(const char *directory, const psi_plan *plan,
                                        const psi_results *results, tt_extras *extras_out,
                                        ps_fault *fault);

/* What a run comes down to. Shares are of the workers' time between the start and the end of their
 * clocks. */
typedef struct tt_totals {
    double compute_s, wait_s, clocks_s;
    double wait_share, compute_share;
    uint32_t clock_min, clock_max;
    double time_s; /* of the end, or of the last evaluation of a run that failed */
    uint64_t bytes_sent, frames_sent;
} tt_totals;

tt_totals tt_totals_of(const psi_results *results);

#endif
