#include "algos/registry.h"

#include <stdio.h>
#include <string.h>

#include "algos/finite/finite_app.h"
#include "algos/lda/lda_app.h"
#include "algos/lr/lr_app.h"
#include "algos/mf/app.h"
#include "algos/online/online_app.h"
#include "data/keyword.h"
#include "data/synthetic.h"
#include "data/synthetic_corpus.h"
#include "data/synthetic_examples.h"

static const ps_algo *const algos[] = {&psi_mf_algo, &psi_lda_algo, &psi_lr_algo, &psi_online_algo,
                                       &psi_finite_algo};
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

ps_err psi_algo_synthetic_text(const ps_algo *algo, const ps_settings *settings, char *text,
                               size_t text_size, ps_fault *fault) {
    if (algo == &psi_lda_algo) {
        psi_synthetic_corpus corpus;
        PS_TRY(psi_synthetic_corpus_parse(settings->data, settings->seed, settings->worker_count,
                                          &corpus, fault));
        (void)psi_synthetic_corpus_format(&corpus, text, text_size);
        return PS_OK;
    }
    if (algo == &psi_lr_algo) {
        psi_synthetic_examples examples;
        PS_TRY(psi_synthetic_examples_parse(settings->data, settings->seed, settings->worker_count,
                                            &examples, fault));
        (void)psi_synthetic_examples_format(&examples, text, text_size);
        return PS_OK;
    }
    if (algo == &psi_online_algo || algo == &psi_finite_algo) { /* their options say all */
        (void)snprintf(text, text_size, "%s", settings->data);
        return PS_OK;
    }
    psi_synthetic ratings;
    PS_TRY(psi_synthetic_parse(settings->data, settings->seed, settings->worker_count, &ratings,
                               fault));
    (void)psi_synthetic_format(&ratings, text, text_size);
    return PS_OK;
}
