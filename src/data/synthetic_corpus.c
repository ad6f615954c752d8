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

/* ---- Topics ---- */

/* What making a topic needs beside the spec. */
typedef struct maker {
    gsl_rng *rng;       /* owned */
    double *parameters; /* owned, [words]: of every topic's Dirichlet distribution */
    double *phi;        /* owned, [words] */
} maker;

static void maker_fini(maker *m) {
    if (m->rng != NULL) {
        gsl_rng_free(m->rng);
    }
    free(m->parameters);
    free(m->phi);
}

/* The maker is safe to release whatever this returns. */
static ps_err maker_init(maker *m, const psi_synthetic_corpus *spec) {
    *m = (maker){.rng = gsl_rng_alloc(ps_random_gsl_type()),
                 .parameters = calloc(spec->words, sizeof *m->parameters),
                 .phi = calloc(spec->words, sizeof *m->phi)};
    if (m->rng == NULL || m->parameters == NULL || m->phi == NULL) {
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
    return PS_OK;
}

static void phi_make(const maker *m, const psi_synthetic_corpus *spec, uint64_t topic,
                     double *phi_out) {
    ps_random_gsl(m->rng, ps_random_stream(spec->seed, "synthetic-topic", topic));
    gsl_ran_dirichlet(m->rng, spec->words, m->parameters, phi_out);
}

ps_err psi_synthetic_corpus_topic(const psi_synthetic_corpus *spec, uint64_t topic,
                                  double *phi_out) {
    maker m;
    const ps_err err = maker_init(&m, spec);
    if (err == PS_OK) {
        phi_make(&m, spec, topic, phi_out);
    }
    maker_fini(&m);
    return err;
}

/* ---- Documents ---- */

struct psi_synthetic_source {
    psi_synthetic_corpus spec;
    double *alpha;             /* owned, [topics] */
    gsl_ran_discrete_t **laws; /* owned, [topics]: phi, for drawing words */
};

void psi_synthetic_source_close(psi_synthetic_source *source) {
    if (source != NULL) {
        for (uint64_t k = 0; source->laws != NULL && k < source->spec.topics; k++) {
            if (source->laws[k] != NULL) {
                gsl_ran_discrete_free(source->laws[k]);
            }
        }
        free(source->laws);
        free(source->alpha);
        free(source);
    }
}

static ps_err laws_make(psi_synthetic_source *source) {
    const psi_synthetic_corpus *const spec = &source->spec;
    maker m;
    ps_err err = maker_init(&m, spec);
    for (uint64_t k = 0; k < spec->topics && err == PS_OK; k++) {
        source->alpha[k] = spec->alpha;
        phi_make(&m, spec, k, m.phi);
        source->laws[k] = gsl_ran_discrete_preproc(spec->words, m.phi);
        err = source->laws[k] == NULL ? PS_ENOMEM : PS_OK;
    }
    maker_fini(&m);
    return err;
}

ps_err psi_synthetic_source_open(const psi_synthetic_corpus *spec,
                                 psi_synthetic_source **source_out, ps_fault *fault) {
    *source_out = NULL;
    PS_TRY(spec_check(spec, fault));
    psi_synthetic_source *const source = calloc(1, sizeof *source);
    ps_err err = source == NULL ? PS_ENOMEM : PS_OK;
    if (err == PS_OK) {
        *source = (psi_synthetic_source){.spec = *spec,
                                         .alpha = calloc(spec->topics, sizeof *source->alpha),
                                         .laws = calloc(spec->topics, sizeof *source->laws)};
        const int has_memory = source->alpha != NULL && source->laws != NULL;
        err = has_memory ? laws_make(source) : PS_ENOMEM;
    }
    if (err != PS_OK) {
        psi_synthetic_source_close(source);
        return ps_fault_set(fault, err, "synthetic: %s", ps_err_text(err));
    }
    *source_out = source;
    return PS_OK;
}

uint32_t psi_synthetic_source_docs(const psi_synthetic_source *source) {
    return (uint32_t)source->spec.docs;
}

uint32_t psi_synthetic_source_words(const psi_synthetic_source *source) {
    return (uint32_t)source->spec.words;
}

/* Draws document `doc` of the corpus, which becomes document `place` of the draft. `theta` has room
 * for the topics. */
static ps_err document_draw(const psi_synthetic_source *source, uint32_t doc, uint32_t place,
                            gsl_rng *rng, double *theta, psi_corpus_draft *draft) {
    const psi_synthetic_corpus *const spec = &source->spec;
    ps_random_gsl(rng, ps_random_stream(spec->seed, "synthetic-document", doc));
    const unsigned length = gsl_ran_poisson(rng, spec->length);
    gsl_ran_dirichlet(rng, spec->topics, source->alpha, theta);
    gsl_ran_discrete_t *const topics = gsl_ran_discrete_preproc(spec->topics, theta);
    ps_err err = topics == NULL ? PS_ENOMEM : PS_OK;
    for (unsigned n = 0; n < length && err == PS_OK; n++) {
        const size_t topic = gsl_ran_discrete(rng, topics);
        const size_t word = gsl_ran_discrete(rng, source->laws[topic]);
        err = psi_corpus_draft_add(draft, (psi_corpus_entry){place, (uint32_t)word, 1});
    }
    if (topics != NULL) {
        gsl_ran_discrete_free(topics);
    }
    return err;
}

ps_err psi_synthetic_source_draw(const psi_synthetic_source *source, const uint32_t *docs,
                                 uint32_t doc_count, psi_corpus *corpus_out) {
    *corpus_out = (psi_corpus){0};
    gsl_rng *const rng = gsl_rng_alloc(ps_random_gsl_type());
    double *const theta = calloc(source->spec.topics, sizeof *theta);
    psi_corpus_draft draft = {0};
    ps_err err = rng == NULL || theta == NULL ? PS_ENOMEM : PS_OK;
    for (uint32_t i = 0; i < doc_count && err == PS_OK; i++) {
        err = document_draw(source, docs == NULL ? i : docs[i], i, rng, theta, &draft);
    }
    if (err == PS_OK) {
        err = psi_corpus_make(&draft, doc_count, (uint32_t)source->spec.words, corpus_out);
    }
    corpus_out->format = err == PS_OK ? PSI_CORPUS_SYNTHETIC : corpus_out->format;
    psi_corpus_draft_fini(&draft);
    free(theta);
    if (rng != NULL) {
        gsl_rng_free(rng);
    }
    return err;
}

ps_err psi_synthetic_corpus_make(const psi_synthetic_corpus *spec, psi_corpus *corpus_out,
                                 ps_fault *fault) {
    *corpus_out = (psi_corpus){0};
    psi_synthetic_source *source = NULL;
    PS_TRY(psi_synthetic_source_open(spec, &source, fault));
    const ps_err err =
        psi_synthetic_source_draw(source, NULL, psi_synthetic_source_docs(source), corpus_out);
    psi_synthetic_source_close(source);
    if (err != PS_OK) {
        return ps_fault_set(fault, err, "synthetic: %s", ps_err_text(err));
    }
    if (corpus_out->token_count == 0) {
        psi_corpus_fini(corpus_out);
        return ps_fault_set(fault, PS_EINVAL,
                            "synthetic: no token was drawn; raise docs or length");
    }
    return PS_OK;
}
