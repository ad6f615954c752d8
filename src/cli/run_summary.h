/* What a run came to, on stdout: for people, as JSON, or as CSV with a line of names. */
#ifndef TT_RUN_SUMMARY_H
#define TT_RUN_SUMMARY_H

#include "one_run.h"

/* Prints it in the run's --format. The files are named if they were written. */
void tt_run_summary_print(const tt_run *run, bool has_files);

#endif
