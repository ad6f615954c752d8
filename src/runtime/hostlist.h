/* Lists of hosts as people and launchers write them:
 *
 *     a,b:2,c                      names; ":2" is room for two ranks
 *     n[01-04,7],gpu[1-2]x[3-4]    Slurm's short form; zeros in front are kept, the last bracket
 *                                  changes fastest
 *     10.0.0.1,[fe80::1]:2         addresses; IPv6 in brackets
 *
 * Strict: what is not of this form is refused with the position and an example. No names are looked
 * up. Time and memory are bounded whatever the text says: at most PSI_HOSTS_MAX hosts and
 * PSI_HOSTLIST_TEXT_MAX_BYTES of text. Any thread. */
#ifndef PSI_HOSTLIST_H
#define PSI_HOSTLIST_H

#include <stddef.h>
#include <stdint.h>

#include "tortoise/err.h"

enum {
    PSI_HOST_NAME_BYTES = 254, /* with the final zero; DNS allows 253 characters */
    PSI_HOSTS_MAX = 4096,
    PSI_HOST_SLOTS_MAX = 4096,
    PSI_HOSTLIST_TEXT_MAX_BYTES = 1 << 20
};

typedef struct psi_host {
    char name[PSI_HOST_NAME_BYTES]; /* without brackets */
    uint32_t slots;                 /* ranks that it takes, at least 1 */
} psi_host;

/* Hosts in the order in which they were written. All zero is a valid empty list. */
typedef struct psi_hosts {
    psi_host *items; /* owned */
    size_t count, capacity;
} psi_hosts;

void psi_hosts_fini(psi_hosts *hosts);

/* Reads text[0..length), which need not end with a zero, and appends its hosts. `what` stands
 * before every message ("--hosts", "hosts.txt:12"). Returns PS_OK, PS_EINVAL or PS_ENOMEM; after a
 * failure `hosts` holds what came before. O(length + hosts). */
PS_MUST_CHECK ps_err psi_hostlist_parse(const char *text, size_t length, const char *what,
                                        psi_hosts *hosts, ps_fault *fault);

/* Reads Slurm's tasks per node, "2(x3),1", into the slots of `hosts`, which it must fit exactly.
 * Returns PS_OK or PS_EINVAL. O(length + hosts). */
PS_MUST_CHECK ps_err psi_hostlist_parse_tasks(const char *text, size_t length, const char *what,
                                              psi_hosts *hosts, ps_fault *fault);

/* Sum of the slots. O(hosts). */
uint32_t psi_hosts_slots(const psi_hosts *hosts);

/* The name of the host of `rank` when ranks fill the slots host by host; NULL behind the last one.
 * O(hosts). */
const char *psi_hosts_name_of(const psi_hosts *hosts, uint32_t rank);

#endif
