/* Which kind of data a file holds, by its name and then by its first line. */
#ifndef PSI_KIND_H
#define PSI_KIND_H

#include "tortoise/err.h"

typedef enum psi_data_kind { PSI_DATA_RATINGS, PSI_DATA_CORPUS } psi_data_kind;

/* "ratings" or "corpus". Static. */
const char *psi_data_kind_name(psi_data_kind kind);

/* Tells the kind of the file `path`: a corpus if it is named "docword.*", *.ldac, *.lda-c, *.svm or
 * *.libsvm, or if its first line that is neither blank nor a comment has a ':' or a single field;
 * ratings otherwise. An empty file passes as ratings, whose reader refuses it. Blocks on the file.
 * Returns PS_OK, PS_EIO, PS_EFORMAT (damaged compression) or PS_ENOMEM. O(first lines). */
PS_MUST_CHECK ps_err psi_data_kind_of(const char *path, psi_data_kind *kind_out, ps_fault *fault);

#endif
