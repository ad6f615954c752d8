/* What the samplers share. Each is one `psi_lda_method` in a file of its own. */
#ifndef PSI_LDA_SAMPLER_PARTS_H
#define PSI_LDA_SAMPLER_PARTS_H

#include <stddef.h>
#include <stdint.h>

#include "tortoise/err.h"

#include "algos/lda/fast_random.h"
#include "algos/lda/open_row.h"
#include "algos/lda/sampler.h"

/* Some samplers have more forms of what costs them most: functions that are marked PSI_LDA_AVX2 and
 * PSI_LDA_WIDE, for processors with registers of 256 and 512 bits. All forms draw the same. */
#if defined(__x86_64__)
#include <immintrin.h>
#define PSI_LDA_HAS_WIDE 1
#define PSI_LDA_AVX2 __attribute__((target("avx2,popcnt")))
#define PSI_LDA_WIDE __attribute__((target("avx512f,avx512bw,avx512vl,avx512dq,popcnt")))
#else
#define PSI_LDA_HAS_WIDE 0
#endif

/* The widest form that the processor has and that `most` allows. */
psi_lda_form psi_lda_form_of(psi_lda_form most);

/* A way to sample. `state` is its own. */
typedef struct psi_lda_method {
    PS_MUST_CHECK ps_err (*init)(psi_lda_sampler *sampler, const psi_lda_limits *limits);
    void (*fini)(psi_lda_sampler *sampler);
    void (*pass)(psi_lda_sampler *sampler, const psi_lda_block *block, const psi_lda_rows *rows);
} psi_lda_method;

extern const psi_lda_method psi_lda_dense, psi_lda_sparse, psi_lda_alias, psi_lda_light,
    psi_lda_warp, psi_lda_vector, psi_lda_fplus;

struct psi_lda_sampler {
    const psi_lda_method *method;
    psi_lda_options options;
    psi_lda_prior prior;
    psi_lda_random random;
    double *inverse;      /* owned, [K]: 1 / (n_k + V beta) */
    int32_t *doc_counts;  /* owned, [K]: n_dk of the current document; all 0 between documents */
    uint16_t *doc_topics; /* owned, [K]: the topics with n_dk > 0, in any order */
    uint32_t *doc_places; /* owned, [K]: where a topic is in doc_topics */
    uint32_t doc_topic_count;
    psi_lda_open_row row; /* of samplers that go by word */
    void *state;          /* owned by the method */
};

/* A count as a sampler sees it. */
static inline int32_t psi_lda_count(int32_t count) {
    return count > 0 ? count : 0;
}

/* Sets `inverse` of one topic, and of all. */
static inline void psi_lda_inverse_set(psi_lda_sampler *sampler, uint32_t topic, int64_t total) {
    const double smoothing = (double)sampler->prior.word_count * sampler->prior.beta;
    sampler->inverse[topic] = 1 / ((double)(total > 0 ? total : 0) + smoothing);
}

static inline void psi_lda_inverse_set_all(psi_lda_sampler *sampler, const int64_t *totals) {
    for (uint32_t k = 0; k < sampler->prior.topic_count; k++) {
        psi_lda_inverse_set(sampler, k, totals[k]);
    }
}

/* Adds a token of `topic` to the current document, and takes one out. O(1). */
static inline void psi_lda_doc_add(psi_lda_sampler *sampler, uint16_t topic) {
    if (sampler->doc_counts[topic]++ == 0) {
        sampler->doc_places[topic] = sampler->doc_topic_count;
        sampler->doc_topics[sampler->doc_topic_count++] = topic;
    }
}

static inline void psi_lda_doc_remove(psi_lda_sampler *sampler, uint16_t topic) {
    if (--sampler->doc_counts[topic] == 0) {
        const uint16_t last = sampler->doc_topics[--sampler->doc_topic_count];
        sampler->doc_topics[sampler->doc_places[topic]] = last;
        sampler->doc_places[last] = sampler->doc_places[topic];
    }
}

/* Begins a document with these topics, and ends it. O(count). */
static inline void psi_lda_doc_begin(psi_lda_sampler *sampler, const uint16_t *topics,
                                     size_t count) {
    for (size_t i = 0; i < count; i++) {
        psi_lda_doc_add(sampler, topics[i]);
    }
}

static inline void psi_lda_doc_end(psi_lda_sampler *sampler) {
    for (uint32_t i = 0; i < sampler->doc_topic_count; i++) {
        sampler->doc_counts[sampler->doc_topics[i]] = 0;
    }
    sampler->doc_topic_count = 0;
}

/* Takes a token out of all counts, and puts it in with another topic. O(1). */
static inline void psi_lda_token_remove(psi_lda_sampler *sampler, int32_t *row, int64_t *totals,
                                        uint16_t topic) {
    psi_lda_doc_remove(sampler, topic);
    row[topic]--;
    psi_lda_inverse_set(sampler, topic, --totals[topic]);
}

static inline void psi_lda_token_add(psi_lda_sampler *sampler, int32_t *row, int64_t *totals,
                                     uint16_t topic) {
    psi_lda_doc_add(sampler, topic);
    row[topic]++;
    psi_lda_inverse_set(sampler, topic, ++totals[topic]);
}

#endif
