/* SHA-256 of bytes, files and models, by OpenSSL. */
#ifndef TT_DIGEST_H
#define TT_DIGEST_H

#include <stdbool.h>
#include <stddef.h>

#include "tortoise/algo.h"
#include "tortoise/err.h"

#include "node/run.h"

enum { TT_DIGEST_TEXT_BYTES = 65 }; /* 64 hexadecimal digits and the end */

typedef struct tt_digest tt_digest;

/* Starts a digest; NULL when OpenSSL cannot. Released by tt_digest_end(). */
tt_digest *tt_digest_begin(void);

/* Adds bytes. A digest that failed once stays failed. */
void tt_digest_add(tt_digest *digest, const void *bytes, size_t size_bytes);

/* Ends the digest, writes it as lower-case hexadecimal digits and releases it. Accepts NULL.
 * Returns false, and an empty text, when anything failed. */
PS_MUST_CHECK bool tt_digest_end(tt_digest *digest, char text_out[static TT_DIGEST_TEXT_BYTES]);

/* The digest of a file's bytes. PS_EIO names the file. */
PS_MUST_CHECK ps_err tt_digest_file(const char *path, char text_out[static TT_DIGEST_TEXT_BYTES],
                                    ps_fault *fault);

/* The digest of the final tables: in table order, in row order, the numbers of a dense row as they
 * lie in memory; for a sparse row its count and its columns (u32, little-endian) and then its
 * values. False when the model is not complete. */
PS_MUST_CHECK bool tt_digest_model(const psi_plan *plan, const psi_results *results,
                                   char text_out[static TT_DIGEST_TEXT_BYTES]);

#endif
