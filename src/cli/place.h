/* Where the files are that come with the program: plots and experiments.
 *
 * They are found relative to the program, or to the library libtortoise that a program of one's own
 * uses, so that an installed tree can be moved. */
#ifndef TT_PLACE_H
#define TT_PLACE_H

#include <stdbool.h>

#include "outdir.h"

/* Finds the file or folder `name`, such as "plots/metrics.gp", and writes its path. False if it is
 * not there or cannot be read. */
bool tt_place_find(const char *name, char path[static TT_PATH_MAX]);

#endif
