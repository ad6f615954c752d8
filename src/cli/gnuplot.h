/* gnuplot, the external program that draws. It is found on the PATH, or as $TORTOISE_GNUPLOT. */
#ifndef TT_GNUPLOT_H
#define TT_GNUPLOT_H

#include <stdbool.h>
#include <stddef.h>

#include "tortoise/err.h"

/* Writes "gnuplot 5.4 patchlevel 4" into `text`. False when there is none. */
bool tt_gnuplot_version(char *text, size_t text_size_bytes);

/* One "name='value'" of a gnuplot script. */
typedef struct tt_gnuplot_variable {
    const char *name, *value;
} tt_gnuplot_variable;

/* Runs the script plots/`script` with string variables (at most 16) set before it. What it
 * complains of goes into the fault, one line. PS_EINVAL: there is no gnuplot or no such script;
 * PS_EFAILED: it could not draw. */
PS_MUST_CHECK ps_err tt_gnuplot_draw(const char *script, const tt_gnuplot_variable *variables,
                                     size_t count, ps_fault *fault);

#endif
