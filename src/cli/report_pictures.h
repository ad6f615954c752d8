/* The pictures of a report: gnuplot draws them as SVG and PNG into DIR/plots, from the CSV files
 * that are there. */
#ifndef TT_REPORT_PICTURES_H
#define TT_REPORT_PICTURES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "tortoise/err.h"

enum { TT_CURVES_MAX = 10 };

/* The curves of one picture: directories of runs and what to call them. Borrowed. */
typedef struct tt_curves {
    const char *directories[TT_CURVES_MAX];
    const char *labels[TT_CURVES_MAX];
    size_t count;
} tt_curves;

/* Where pictures go. `is_off` is set, and one line printed on stderr, when the first could not be
 * drawn for want of gnuplot: the others are not tried. */
typedef struct tt_pictures {
    FILE *page;            /* the report */
    const char *directory; /* DIR */
    bool is_off;
    size_t drawn;
} tt_pictures;

/* A metric against time, clocks and bytes. */
void tt_pictures_objective(tt_pictures *pictures, const tt_curves *curves, const char *metric,
                           bool is_maximised);

/* Compute and wait per worker, and the timeline, of the run in `directory`. */
void tt_pictures_workers(tt_pictures *pictures, const char *directory);

/* The histogram of staleness. */
void tt_pictures_staleness(tt_pictures *pictures, const tt_curves *curves);

/* Compute and wait, and time to target, for the groups of the sweep in pictures->directory. */
void tt_pictures_sweep(tt_pictures *pictures, bool has_target);

/* A picture of the experiment's own: plots/`script` gets `directory`, that of the sweep. */
void tt_pictures_own(tt_pictures *pictures, const char *script, const char *caption);

#endif
