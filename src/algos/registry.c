#include "algos/registry.h"

#include <string.h>

#include "algos/lda/lda_app.h"
#include "algos/mf/app.h"
#include "data/keyword.h"

static const ps_algo *const algos[] = {&psi_mf_algo, &psi_lda_algo};
enum { ALGOS = sizeof algos / sizeof algos[0] };

const ps_algo *const *psi_algos(size_t *count_out) {
    *count_out = ALGOS;
    return algos;
}

const ps_algo *psi_algo_find(const char *name, ps_fault *fault) {
    const char *names[ALGOS];
    for (size_t i = 0; i < ALGOS; i++) {
        if (strcmp(algos[i]->name, name) == 0) {
            return algos[i];
        }
        names[i] = algos[i]->name;
    }
    (void)psi_keyword_refuse("algorithm", name, names, ALGOS, fault);
    return NULL;
}
