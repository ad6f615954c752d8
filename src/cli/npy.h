/* Arrays as NumPy's .npy files, version 1.0: numpy.load() reads them.
 *
 * Only little-endian numbers in C order with one or two dimensions. */
#ifndef TT_NPY_H
#define TT_NPY_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "tortoise/saved.h"
#include "tortoise/worker.h"

/* NumPy's letters for the numbers of a table, and for the indices of a sparse one. */
const char *tt_npy_type(ps_type type); /* "<f4", "<f8", "<i4", "<i8" */
#define TT_NPY_U32 "<u4"
#define TT_NPY_U64 "<u8"

/* Writes the header of an array of row_count x column_count numbers; column_count 0: one dimension
 * of row_count. The numbers follow in the file. Returns PS_OK or PS_EIO. */
PS_MUST_CHECK ps_err tt_npy_write_header(FILE *file, const char *type, uint64_t row_count,
                                         uint64_t column_count);

/* Reads an array of one of the tables' types into piece->type, row_count, column_count, content
 * (owned by the caller: free()) and size_bytes. Strict: the file is as tt_npy_write_header() and
 * the numbers make it, and no byte longer. PS_EINVAL where it cannot be opened, PS_EFORMAT where it
 * is not that, PS_ENOMEM; each with the file's name, and the piece has no content then. */
PS_MUST_CHECK ps_err tt_npy_read(const char *path, ps_piece *piece, ps_fault *fault);

#endif
