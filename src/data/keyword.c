#include "data/keyword.h"

#include <stdio.h>

#include "base/nearest.h"

ps_err psi_keyword_refuse(const char *what, const char *word, const char *const *known,
                          size_t count, ps_fault *fault) {
    const char *const nearest = psi_nearest(word, known, count);
    if (nearest != NULL) {
        return ps_fault_set(fault, PS_EINVAL, "unknown %s '%s'; nearest is '%s'", what, word,
                            nearest);
    }
    char list[256];
    size_t length = 0;
    list[0] = '\0';
    for (size_t i = 0; i < count && length < sizeof list; i++) {
        const int more =
            snprintf(list + length, sizeof list - length, "%s%s", i == 0 ? "" : ", ", known[i]);
        length += more > 0 ? (size_t)more : 0;
    }
    return ps_fault_set(fault, PS_EINVAL, "unknown %s '%s'; known: %s", what, word, list);
}
