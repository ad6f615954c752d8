/* The known word that somebody probably meant, for messages such as "unknown option --latensy;
 * nearest is
 * --latency". Knows spelling (insertions, deletions, substitutions, swapped neighbours), not
 * meaning. */
#ifndef PSI_NEAREST_H
#define PSI_NEAREST_H

#include <stddef.h>

/* Returns the word of known[0..count) that is nearest to `word`, or NULL if none is near: one
 * change is, and one more for each four letters. Of equally near words, one with the same first
 * letter is preferred, then the first. Upper and lower case are alike. NULLs in `known` are
 * skipped. The result points into `known`. O(count x length^2); words of 64 letters and more are
 * never near. */
const char *psi_nearest(const char *word, const char *const *known, size_t count);

#endif
