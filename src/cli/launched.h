/* Processes that 'tortoise launch' starts and watches, one per rank, here or through ssh. */
#ifndef TT_LAUNCHED_H
#define TT_LAUNCHED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <sys/types.h>

#include "tortoise/err.h"

/* What is launched. Borrowed texts. */
typedef struct tt_launch_plan {
    uint32_t size;
    const char *const *hosts; /* of each rank; NULL: this machine */
    const char *program;      /* path of tortoise, also on the other hosts */
    const char *ssh;          /* command and options, separated by blanks */
    const char *coordinator;  /* NULL: all are here */
    const char *host_list;    /* for PS_HOSTS, or NULL */
    const char *job;          /* NULL: as the ranks find it */
    const char *id;           /* of this launch: no two share it */
    char *const *arguments;   /* "run", ... */
    size_t argument_count;
} tt_launch_plan;

/* Starts all ranks and watches them until the last has ended. Rank 0 has this program's output;
 * what the others write goes to stderr, each line behind "[rank@host]". An interrupt (*interrupted)
 * is passed on once. When a rank fails, the others get a few seconds to end by themselves, then
 * SIGTERM, then SIGKILL.
 *
 * PS_OK if all ended well; otherwise the error whose exit code the first rank that failed had, and
 * which one it was. */
PS_MUST_CHECK ps_err tt_launched_run(const tt_launch_plan *plan, const volatile int *interrupted,
                                     ps_fault *fault);

#endif
