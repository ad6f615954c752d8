/* Which rank of how many this process is, and where rank 0 is: from the options, our own variables,
 * or those of the launcher that started it. docs/deploy.md has the order. No name is looked up and
 * nothing is printed; the host file is read if one is named. */
#ifndef PSI_PLACEMENT_H
#define PSI_PLACEMENT_H

#include <stdbool.h>
#include <stdint.h>

#include "tortoise/err.h"

#include "runtime/hostlist.h"
#include "runtime/socket.h"

enum { PSI_PLACEMENT_TEXT_BYTES = 128, PSI_PLACEMENT_JOB_MAX = 100 /* characters */ };

/* What the command line says; NULL where it says nothing. Borrowed. */
typedef struct psi_placement_options {
    const char *launcher; /* "auto" (also NULL), "none", or a name of psi_placement_launchers */
    const char *rank, *size, *coordinator, *hosts, *hostfile, *job;
} psi_placement_options;

/* The environment: the value of a variable, or NULL; and the parent, by which ranks that one shell
 * starts know each other. */
typedef struct psi_environment {
    const char *(*get)(void *context, const char *name);
    void *context;
    long parent_pid;
} psi_environment;

typedef struct psi_placement {
    bool is_ranked; /* false: nothing says that this is one of several; all else is then empty */
    uint32_t rank, size;
    char coordinator[PSI_ADDRESS_HOST_BYTES + 8]; /* "host:port"; empty: all are on this machine */
    char meeting[2 * PSI_PLACEMENT_TEXT_BYTES];   /* names their meeting, if so */
    char job[PSI_PLACEMENT_TEXT_BYTES];           /* the run's name */
    psi_hosts hosts;       /* owned; of the ranks in order, empty if not known */
    bool names_may_appear; /* the coordinator's name may not be known at once */
    char line[512];        /* what was used and where it came from, for people */
} psi_placement;

/* "auto|none|slurm|..." */
extern const char psi_placement_launchers[];

/* Fills `placement`. PS_EINVAL when what is said contradicts itself or is incomplete, with the
 * option or variable in question; PS_EIO and PS_EFORMAT for the host file; PS_ENOMEM.
 * psi_placement_fini() is due in any case. */
PS_MUST_CHECK ps_err psi_placement_find(psi_placement *placement,
                                        const psi_placement_options *options,
                                        const psi_environment *environment, ps_fault *fault);

void psi_placement_fini(psi_placement *placement);

#endif
