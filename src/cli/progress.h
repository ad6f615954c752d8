/* Shows how far a run is, on stderr: a bar with the time left on a terminal, a plain line every ten
 * seconds elsewhere. */
#ifndef TT_PROGRESS_H
#define TT_PROGRESS_H

#include <stdbool.h>
#include <stdint.h>

#include "one_run.h"

typedef struct tt_progress {
    const tt_run *run; /* borrowed */
    bool is_quiet, is_terminal, is_shown;
    double start_s, last_s;
    psi_metrics_row row; /* the last one */
    bool has_row;
} tt_progress;

/* Starts watching. `is_quiet`: show nothing. */
void tt_progress_begin(tt_progress *progress, const tt_run *run, bool is_quiet);

/* What the run shall call; borrows `progress` until the run is over. */
psi_observer tt_progress_observer(tt_progress *progress);

/* Clears the bar. */
void tt_progress_end(tt_progress *progress);

#endif
