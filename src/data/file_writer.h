/* Files that are there whole or not at all: each is written under a temporary name in the same
 * folder, synced, and renamed. Names that end in ".gz" are compressed. */
#ifndef PSI_FILE_WRITER_H
#define PSI_FILE_WRITER_H

#include <stdbool.h>
#include <stddef.h>

#include <zlib.h>

#include "tortoise/err.h"

/* A file while it is written. All zero but for descriptor -1 is none. */
typedef struct psi_file_writer {
    const char *path; /* borrowed */
    char *temporary;  /* owned; the name that it has until it is whole */
    int descriptor;   /* owned; -1: none. For syncing: `file` has a copy of its own */
    gzFile file;      /* owned */
    bool may_replace;
    bool is_new; /* it has its name, and took it from no other file */
} psi_file_writer;

/* Opens "path.XXXXXX". Returns PS_OK; PS_EINVAL when there is a file already and it may not be
 * replaced; PS_EIO when it is no regular file or the operating system refuses; PS_ENOMEM. The
 * writer is safe to release whatever this returns. Blocks, as all of these do. */
PS_MUST_CHECK ps_err psi_file_writer_open(psi_file_writer *w, const char *path, bool may_replace,
                                          ps_fault *fault);

/* Appends bytes. Returns PS_OK or PS_EIO. */
PS_MUST_CHECK ps_err psi_file_writer_put(psi_file_writer *w, const void *bytes, size_t size_bytes,
                                         ps_fault *fault);

/* Appends a text of at most 1023 bytes; more is cut. Returns PS_OK or PS_EIO. */
PS_MUST_CHECK ps_err psi_file_writer_print(psi_file_writer *w, ps_fault *fault, const char *format,
                                           ...) PS_PRINTF(3, 4);

/* Syncs writers[0..count) and then gives them their names, so that a full disk leaves none of
 * them. Returns PS_OK, PS_EIO, or PS_EINVAL where a file came into being meanwhile. On failure no
 * file that is new stays; one that took the place of another does. */
PS_MUST_CHECK ps_err psi_file_writers_complete(psi_file_writer *writers, size_t count,
                                               ps_fault *fault);

/* Releases, and removes what was not completed. */
void psi_file_writer_fini(psi_file_writer *w);

#endif
