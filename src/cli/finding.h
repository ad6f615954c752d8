/* What `doctor` finds: one line of a machine each, with what to do about it. */
#ifndef TT_FINDING_H
#define TT_FINDING_H

#include <stddef.h>

#include "tortoise/err.h"

typedef enum tt_verdict { TT_GOOD, TT_WARNING, TT_BAD } tt_verdict;

typedef struct tt_finding {
    tt_verdict verdict;
    char what[32];    /* "open files" */
    char text[256];   /* what was found */
    char advice[256]; /* what to do; empty if it is good */
} tt_finding;

enum { TT_FINDINGS_MAX = 96 };

typedef struct tt_findings {
    tt_finding items[TT_FINDINGS_MAX];
    size_t count;
} tt_findings;

/* Adds a finding and returns it, for a verdict that is not good: see tt_finding_judge(). One that
 * does not fit any more is written over the last. */
tt_finding *tt_finding_add(tt_findings *all, const char *what, const char *format, ...)
    PS_PRINTF(3, 4);

/* Makes `finding` a warning, or a bad one, with what to do about it. A worse verdict stays. */
void tt_finding_judge(tt_finding *finding, tt_verdict verdict, const char *format, ...)
    PS_PRINTF(3, 4);

/* The parts of the examination. Each blocks for less than a second. */
void tt_doctor_machine(tt_findings *all);  /* limits, processors, memory, disk, clock */
void tt_doctor_network(tt_findings *all);  /* buffers, loopback, interfaces */
void tt_doctor_software(tt_findings *all); /* this program, the simulator, gnuplot */

#endif
