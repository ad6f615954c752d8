#include "subject.h"

#include <stdio.h>
#include <string.h>

#include "algos/registry.h"

ps_err tt_subject_of(const char *name, const ps_algo **algo_out, ps_fault *fault) {
    *algo_out = psi_algo_find(name, fault);
    return *algo_out == NULL ? PS_EINVAL : PS_OK;
}

ps_err tt_subject_find(size_t count, char *const *arguments, const ps_algo **algo_out,
                       ps_fault *fault) {
    *algo_out = NULL;
    if (count > 0 && arguments[0][0] != '-') {
        return tt_subject_of(arguments[0], algo_out, fault);
    }
    for (size_t i = 0; i < count; i++) {
        if (tt_subject_of(arguments[i], algo_out, NULL) == PS_OK) {
            return PS_OK;
        }
    }
    return PS_OK;
}

const ps_algo *tt_subject_first(void) {
    size_t count = 0;
    const ps_algo *const *const algos = psi_algos(&count);
    PS_ASSERT(count > 0);
    return algos[0];
}

void tt_subject_print_names(void) {
    size_t count = 0;
    const ps_algo *const *const algos = psi_algos(&count);
    for (size_t i = 0; i < count; i++) {
        (void)printf("%s%s", i == 0 ? "" : ", ", algos[i]->name);
    }
}
