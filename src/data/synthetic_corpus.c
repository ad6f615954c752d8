#include "data/synthetic_corpus.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <gsl/gsl_randist.h>

#include "data/synthetic.h"
#include "data/synthetic_keys.h"
#include "tortoise/random.h"

enum { DOCS_MIN = 2000, DOCS_PER_WORKER = 16 };
static const uint64_t cells_max = UINT64_C(1) << 28;

static const psi_synthetic_key key_rows[] = {
    {"docs", PSI_KEY_COUNT, offsetof(psi_synthetic_corpus, docs), 1, 0x1p31},
    {"words", PSI_KEY_COUNT, offsetof(psi_synthetic_corpus, words), 1, 0x1p24},
    {"topics", PSI_KEY_COUNT, offsetof(psi_synthetic_corpus, topics), 1, 65536},
    {"length", PSI_KEY_NUMBER, offsetof(psi_synthetic_corpus, length), 1e-3, 1e7},
    {"alpha", PSI_KEY_NUMBER, offsetof(psi_synthetic_corpus, alpha), 1e-6, 1e6},
    {"beta", PSI_KEY_NUMBER, offsetof(psi_synthetic_corpus, beta), 1e-6, 1e6},
    {"zipf", PSI_KEY_NUMBER, offsetof(psi_synthetic_corpus, zipf), 0, 4},
    {"seed", PSI_KEY_COUNT, offsetof(psi_synthetic_corpus, seed), 0, 0x1p64},
};
static const psi_synthetic_keys keys = {.keys = key_rows,
                                        .count = sizeof key_rows / sizeof key_rows[0],
                                        .what = "key of a synthetic corpus",
                                        .example = "synthetic:docs=2000,topics=20"};

static ps_err spec_check(const psi_synthetic_corpus *spec, ps_fault *fault) {
    PS_TRY(psi_synthetic_keys_check(&keys, spec, fault));
    if (spec->topics * spec->words > cells_max) {
        return ps_fault_set(fault, PS_EINVAL,
                            "synthetic: %" PRIu64 " topics x %" PRIu64
                            " words are too many; topics x words is at most 2^28",
                            spec->topics, spec->words);
    }
    if ((double)spec->docs * spec->length > 4e9) {
        return ps_fault_set(fault, PS_EINVAL,
                            "synthetic: %" PRIu64 " docs of length %g are too many tokens",
                            spec->docs, spec->length);
    }
    return PS_OK;
}

ps_err psi_synthetic_corpus_parse(const char *data, uint64_t seed, uint32_t worker_count,
                                  psi_synthetic_corpus *spec_out, ps_fault *fault) {
    PS_ASSERT(psi_synthetic_is_named(data));
    const uint64_t docs = (uint64_t)worker_count * DOCS_PER_WORKER;
    psi_synthetic_corpus spec = {.docs = docs > DOCS_MIN ? docs : DOCS_MIN,
                                 .words = 2000,
                                 .topics = 20,
                                 .length = 100,
                                 .alpha = 0.1,
                                 .beta = 0.05,
                                 .zipf = 1,
                                 .seed = seed};
    PS_TRY(psi_synthetic_keys_read(&keys, data, &spec, fault));
    PS_TRY(spec_check(&spec, fault));
    *spec_out = spec;
    return PS_OK;
}

int psi_synthetic_corpus_format(const psi_synthetic_corpus *spec, char *text, size_t text_size) {
    return snprintf(text, text_size,
                    "synthetic:docs=%" PRIu64 ",words=%" PRIu64 ",topics=%" PRIu64
                    ",length=%.17g,alpha=%.17g,beta=%.17g,zipf=%.17g,seed=%" PRIu64,
                    spec->docs, spec->words, spec->topics, spec->length, spec->alpha, spec->beta,
                    spec->zipf, spec->seed);
}

/* What making a corpus needs beside the spec. */
typedef struct maker {
    const psi_synthetic_corpus *spec;
    gsl_rng *rng;              /* owned */
    double *parameters;        /* owned, [words]: of every topic's Dirichlet distribution */
    double *phi;               /* owned, [words] */
    double *alpha, *theta;     /* owned, [topics] */
    gsl_ran_discrete_t **laws; /* owned, [topics]: phi, for drawing words */
} maker;

static void maker_fini(maker *m) {
    for (uint64_t k = 0; m->laws != NULL && k < m->spec->topics; k++) {
        if (m->laws[k] != NULL) {
            gsl_ran_discrete_free(m->laws[k]);
        }
    }
    if (m->rng != NULL) {
        gsl_rng_free(m->rng);
    }
    free(m->parameters);
    free(m->phi);
    free(m->alpha);
    free(m->theta);
    free(m->laws);
}

/* The maker is safe to release whatever this returns. */
static ps_err maker_init(maker *m, const psi_synthetic_corpus *spec) {
    *m = (maker){.spec = spec};
    m->rng = gsl_rng_alloc(ps_random_gsl_type());
    m->parameters = calloc(spec->words, sizeof *m->parameters);
    m->phi = calloc(spec->words, sizeof *m->phi);
    m->alpha = calloc(spec->topics, sizeof *m->alpha);
    m->theta = calloc(spec->topics, sizeof *m->theta);
    m->laws = calloc(spec->topics, sizeof *m->laws);
    if (m->rng == NULL || m->parameters == NULL || m->phi == NULL || m->alpha == NULL ||
        m->theta == NULL || m->laws == NULL) {
        return PS_ENOMEM;
    }
    double sum = 0;
    for (uint64_t w = 0; w < spec->words; w++) {
        m->parameters[w] = pow((double)w + 1, -spec->zipf);
        sum += m->parameters[w];
    }
    for (uint64_t w = 0; w < spec->words; w++) {
        m->parameters[w] *= spec->beta * (double)spec->words / sum;
    }
    for (uint64_t k = 0; k < spec->topics; k++) {
        m->alpha[k] = spec->alpha;
    }
    return PS_OK;
}

static void phi_make(const maker *m, uint64_t topic, double *phi_out) {
    ps_random_gsl(m->rng, ps_random_stream(m->spec->seed, "synthetic-topic", topic));
    gsl_ran_dirichlet(m->rng, m->spec->words, m->parameters, phi_out);
}

static ps_err document_make(maker *m, uint32_t doc, psi_corpus_draft *draft) {
    const psi_synthetic_corpus *const spec = m->spec;
    ps_random_gsl(m->rng, ps_random_stream(spec->seed, "synthetic-document", doc));
    const unsigned length = gsl_ran_poisson(m->rng, spec->length);
    gsl_ran_dirichlet(m->rng, spec->topics, m->alpha, m->theta);
    gsl_ran_discrete_t *const topics = gsl_ran_discrete_preproc(spec->topics, m->theta);
    ps_err err = topics == NULL ? PS_ENOMEM : PS_OK;
    for (unsigned n = 0; n < length && err == PS_OK; n++) {
        const size_t topic = gsl_ran_discrete(m->rng, topics);
        const size_t word = gsl_ran_discrete(m->rng, m->laws[topic]);
        err = psi_corpus_draft_add(draft, (psi_corpus_entry){doc, (uint32_t)word, 1});
    }
    if (topics != NULL) {
        gsl_ran_discrete_free(topics);
    }
    return err;
}

ps_err psi_synthetic_corpus_make(const psi_synthetic_corpus *spec, psi_corpus *corpus_out,
                                 ps_fault *fault) {
    *corpus_out = (psi_corpus){0};
    PS_TRY(spec_check(spec, fault));
    maker m;
    psi_corpus_draft draft = {0};
    ps_err err = maker_init(&m, spec);
    for (uint64_t k = 0; k < spec->topics && err == PS_OK; k++) {
        phi_make(&m, k, m.phi);
        m.laws[k] = gsl_ran_discrete_preproc(spec->words, m.phi);
        err = m.laws[k] == NULL ? PS_ENOMEM : PS_OK;
    }
    for (uint32_t d = 0; d < spec->docs && err == PS_OK; d++) {
        err = document_make(&m, d, &draft);
    }
    maker_fini(&m);
    if (err == PS_OK && draft.token_count == 0) {
        err = ps_fault_set(fault, PS_EINVAL, "synthetic: no token was drawn; raise docs or length");
    }
    if (err == PS_OK) {
        err = psi_corpus_make(&draft, (uint32_t)spec->docs, (uint32_t)spec->words, corpus_out);
    }
    psi_corpus_draft_fini(&draft);
    if (err != PS_OK) {
        return ps_fault_set(fault, err, "synthetic: %s", ps_err_text(err));
    }
    corpus_out->format = PSI_CORPUS_SYNTHETIC;
    return PS_OK;
}

ps_err psi_synthetic_corpus_topic(const psi_synthetic_corpus *spec, uint64_t topic,
                                  double *phi_out) {
    maker m;
    const ps_err err = maker_init(&m, spec);
    if (err == PS_OK) {
        phi_make(&m, topic, phi_out);
    }
    maker_fini(&m);
    return err;
}
