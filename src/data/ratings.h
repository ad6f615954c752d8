/* Ratings: who rated what how highly, read from a file as a structure of arrays.
 *
 * Formats, told apart by content first and then by name; each plain or compressed with gzip:
 *   text            "user item rating [timestamp]" per line; ids start at 1; lines that begin with
 * '#' are comments MatrixMarket    "%%MatrixMarket matrix coordinate real|integer general"; rows
 * are users, columns are items Reading is strict: a damaged file is refused with "file:line:column:
 * what; what to do". Nothing here knows what the ratings are for; ids are not renumbered. */
#ifndef PSI_RATINGS_H
#define PSI_RATINGS_H

#include <stddef.h>
#include <stdint.h>

#include "tortoise/err.h"

typedef enum psi_ratings_format {
    PSI_RATINGS_TEXT,
    PSI_RATINGS_MATRIX_MARKET,
    PSI_RATINGS_SYNTHETIC /* made here, not read */
} psi_ratings_format;

/* `count` ratings in the order of the file. Owned arrays; release with psi_ratings_fini(). All zero
 * is empty. */
typedef struct psi_ratings {
    uint32_t *user; /* [count], from 0: the file's id - 1; < user_count */
    uint32_t *item; /* [count], from 0: the file's id - 1; < item_count */
    float *value;   /* [count], finite */
    size_t count, capacity;
    uint32_t user_count,
        item_count;        /* the highest ids of the file, or what MatrixMarket's size line says */
    double min, max, mean; /* of value; 0 while count == 0 */
    psi_ratings_format format;
} psi_ratings;

/* "text", "MatrixMarket" or "synthetic". Static. */
const char *psi_ratings_format_name(psi_ratings_format format);

/* Reads the file `path`. At least one rating is there on success. On failure ratings_out is all
 * zero and `fault` says in one line what is wrong and where. Blocks on the file. Returns PS_OK;
 * PS_EIO when the operating system refuses the file or it is no regular file; PS_EFORMAT for
 * damaged or empty content; PS_ENOMEM. O(bytes). */
PS_MUST_CHECK ps_err psi_ratings_read(const char *path, psi_ratings *ratings_out, ps_fault *fault);

/* Reads a file, or makes what "synthetic[:k=v,...]" asks for (synthetic.h), as `data` says. `seed`
 * and `worker_count` are for synthetic data alone. Errors as psi_ratings_read() and
 * psi_synthetic_parse(). */
PS_MUST_CHECK ps_err psi_ratings_open(const char *data, uint64_t seed, uint32_t worker_count,
                                      psi_ratings *ratings_out, ps_fault *fault);

/* Appends a rating; user and item count from 0. The statistics are not kept up to date: end with
 * psi_ratings_complete(). Returns PS_OK or PS_ENOMEM. Amortised O(1). */
PS_MUST_CHECK ps_err psi_ratings_append(psi_ratings *ratings, uint32_t user, uint32_t item,
                                        float value);

/* Computes min, max and mean, and raises user_count and item_count to what the ids need. O(count).
 */
void psi_ratings_complete(psi_ratings *ratings);

/* Releases the arrays; the ratings are empty and usable again. */
void psi_ratings_fini(psi_ratings *ratings);

#endif
