/* Words that must be one of a few, and the message when they are not. */
#ifndef PSI_KEYWORD_H
#define PSI_KEYWORD_H

#include <stddef.h>

#include "tortoise/err.h"

/* Sets `fault` to "unknown <what> '<word>'; nearest is '<one of known[0..count)>'", or to a list of
 * all that are known when none is near, and returns PS_EINVAL. O(count x length^2). */
ps_err psi_keyword_refuse(const char *what, const char *word, const char *const *known,
                          size_t count, ps_fault *fault);

#endif
