/* The ends of file names, by which formats are told. */
#ifndef PSI_FILE_NAME_H
#define PSI_FILE_NAME_H

#include <stdbool.h>

/* Whether the name ends in ".gz" and has something before it. O(length). */
bool psi_file_name_is_gz(const char *path);

/* Whether `path`, without ".gz", ends in `tail` (".svm") and has something before it. O(length). */
bool psi_file_name_ends(const char *path, const char *tail);

#endif
