#include "algos/lda/sampler.h"

#include <stdlib.h>
#include <string.h>

#include "algos/lda/sampler_parts.h"

const char psi_lda_kind_words[] = "dense|sparse|alias|light|warp|vector|fplus|auto";

/* Up to here `vector` was measured to be faster than `fplus` (docs/benchmarks.md). */
enum { VECTOR_TOPICS_MAX = 256 };

psi_lda_kind psi_lda_kind_of(const char *word, uint32_t topic_count) {
    static const char *const words[] = {
        [PSI_LDA_DENSE] = "dense", [PSI_LDA_SPARSE] = "sparse", [PSI_LDA_ALIAS] = "alias",
        [PSI_LDA_LIGHT] = "light", [PSI_LDA_WARP] = "warp",     [PSI_LDA_VECTOR] = "vector",
        [PSI_LDA_FPLUS] = "fplus"};
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        if (strcmp(word, words[i]) == 0) {
            return (psi_lda_kind)i;
        }
    }
    return topic_count <= VECTOR_TOPICS_MAX ? PSI_LDA_VECTOR : PSI_LDA_FPLUS;
}

static const psi_lda_method *method_of(psi_lda_kind kind) {
    switch (kind) {
    case PSI_LDA_DENSE:
        break;
    case PSI_LDA_SPARSE:
        return &psi_lda_sparse;
    case PSI_LDA_ALIAS:
        return &psi_lda_alias;
    case PSI_LDA_LIGHT:
        return &psi_lda_light;
    case PSI_LDA_WARP:
        return &psi_lda_warp;
    case PSI_LDA_VECTOR:
        return &psi_lda_vector;
    case PSI_LDA_FPLUS:
        return &psi_lda_fplus;
    case PSI_LDA_AUTO:
        break;
    }
    return &psi_lda_dense;
}

psi_lda_form psi_lda_form_of(psi_lda_form most) {
    psi_lda_form has = PSI_LDA_FORM_PLAIN;
#if PSI_LDA_HAS_WIDE
    if (__builtin_cpu_supports("avx2") != 0 && __builtin_cpu_supports("popcnt") != 0) {
        const int is_wide =
            __builtin_cpu_supports("avx512f") != 0 && __builtin_cpu_supports("avx512bw") != 0 &&
            __builtin_cpu_supports("avx512vl") != 0 && __builtin_cpu_supports("avx512dq") != 0;
        has = is_wide ? PSI_LDA_FORM_AVX512 : PSI_LDA_FORM_AVX2;
    }
#endif
    return most == PSI_LDA_FORM_WIDEST || most > has ? has : most;
}

ps_err psi_lda_sampler_create(const psi_lda_options *options, const psi_lda_prior *prior,
                              const psi_lda_limits *limits, ps_random random,
                              psi_lda_sampler **sampler_out) {
    PS_ASSERT(prior->topic_count >= 1 && prior->topic_count <= PSI_LDA_TOPICS_MAX);
    *sampler_out = NULL;
    psi_lda_sampler *const sampler = calloc(1, sizeof *sampler);
    if (sampler == NULL) {
        return PS_ENOMEM;
    }
    const size_t topics = prior->topic_count;
    sampler->method = method_of(options->kind);
    sampler->options = *options;
    sampler->prior = *prior;
    sampler->random = psi_lda_random_from(&random);
    sampler->inverse = calloc(topics, sizeof *sampler->inverse);
    sampler->doc_counts = calloc(topics, sizeof *sampler->doc_counts);
    sampler->doc_topics = calloc(topics, sizeof *sampler->doc_topics);
    sampler->doc_places = calloc(topics, sizeof *sampler->doc_places);
    ps_err err = PS_OK;
    if (sampler->inverse == NULL || sampler->doc_counts == NULL || sampler->doc_topics == NULL ||
        sampler->doc_places == NULL) {
        err = PS_ENOMEM;
    }
    if (err == PS_OK && psi_lda_goes_by_word(options->kind)) {
        err = psi_lda_open_row_init(&sampler->row, prior->topic_count, limits);
    }
    if (err == PS_OK) {
        err = sampler->method->init(sampler, limits);
    }
    if (err != PS_OK) {
        psi_lda_sampler_destroy(sampler);
        return err;
    }
    *sampler_out = sampler;
    return PS_OK;
}

void psi_lda_sampler_destroy(psi_lda_sampler *sampler) {
    if (sampler == NULL) {
        return;
    }
    if (sampler->state != NULL) {
        sampler->method->fini(sampler);
    }
    free(sampler->inverse);
    free(sampler->doc_counts);
    free(sampler->doc_topics);
    free(sampler->doc_places);
    psi_lda_open_row_fini(&sampler->row);
    free(sampler);
}

void psi_lda_sampler_pass(psi_lda_sampler *sampler, const psi_lda_block *block,
                          const psi_lda_rows *rows) {
    psi_lda_inverse_set_all(sampler, rows->totals);
    sampler->method->pass(sampler, block, rows);
}
