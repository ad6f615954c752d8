/* Host files, as those of Open MPI, MPICH and SimGrid:
 *
 *     # comment
 *     n01 slots=4        a host and how many ranks it takes (max_slots=N is read over)
 *     n02:4              the same
 *     n[03-10]           several, in Slurm's short form
 *     [fe80::1] slots=2
 *
 * A host per line; lines may end with CR LF, the last one without anything. Strict and bounded like
 * hostlist.h. A host that comes twice gets slots twice, as with Open MPI. */
#ifndef PSI_HOSTFILE_H
#define PSI_HOSTFILE_H

#include <stddef.h>

#include "tortoise/err.h"

#include "runtime/hostlist.h"

/* Reads bytes[0..size_bytes), the content of the file `path`, and appends its hosts. Returns PS_OK,
 * PS_EFORMAT (file, line, what is wrong; also if there is no host) or PS_ENOMEM. O(size + hosts).
 */
PS_MUST_CHECK ps_err psi_hostfile_parse(const char *bytes, size_t size_bytes, const char *path,
                                        psi_hosts *hosts, ps_fault *fault);

/* The same for a file, of at most PSI_HOSTLIST_TEXT_MAX_BYTES. PS_EIO if it cannot be read. */
PS_MUST_CHECK ps_err psi_hostfile_read(const char *path, psi_hosts *hosts, ps_fault *fault);

#endif
