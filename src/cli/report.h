/* The page of a run or a sweep. */
#ifndef TT_REPORT_H
#define TT_REPORT_H

#include "tortoise/err.h"

/* Makes DIR/report.html of the files in `directory`, with pictures in DIR/plots where gnuplot is
 * there, and prints its path on stdout. Blocks. PS_EINVAL: it holds no run and no sweep. */
PS_MUST_CHECK ps_err tt_report_write(const char *directory, ps_fault *fault);

#endif
