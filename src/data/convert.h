/* Writes ratings to a file: `tortoise data gen` and `tortoise data convert`.
 *
 * The format follows the name: "*.mtx" and "*.mtx.gz" are MatrixMarket, everything else is text;
 * names that end in
 * ".gz" are compressed. What psi_ratings_read() makes of the file is equal to what was written, to
 * the last bit. The file is written under a temporary name in the same folder, synced and renamed:
 * it is there whole or not at all. */
#ifndef PSI_CONVERT_H
#define PSI_CONVERT_H

#include <stdbool.h>
#include <stdint.h>

#include "tortoise/err.h"

#include "data/ratings.h"

typedef struct psi_write_options {
    bool may_replace;    /* an existing file may be replaced; else it is refused */
    const char *comment; /* one line without newline that goes to the head of the file, or NULL */
} psi_write_options;

/* Writes all ratings to `path`. Blocks on the file. Returns PS_OK; PS_EINVAL when the file exists
 * and may not be replaced; PS_EIO when the operating system refuses; nothing is left behind then,
 * and `fault` says why. O(count). */
PS_MUST_CHECK ps_err psi_ratings_write(const psi_ratings *ratings, const char *path,
                                       const psi_write_options *options, ps_fault *fault);

#endif
