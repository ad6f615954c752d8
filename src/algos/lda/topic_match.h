/* Which learned topic is which true one: the one-to-one matching whose cosines have the largest
 * sum, found exactly (the Hungarian algorithm of Kuhn, 1955, by shortest augmenting paths). */
#ifndef PSI_LDA_TOPIC_MATCH_H
#define PSI_LDA_TOPIC_MATCH_H

#include <stdint.h>

#include "tortoise/err.h"

/* A set of topics: row k holds the weights of the words in topic k, finite and >= 0. */
typedef struct psi_lda_topic_set {
    const double *weights; /* [topic_count][word_count] */
    uint32_t topic_count;  /* >= 1 */
    uint32_t word_count;
} psi_lda_topic_set;

/* Of a topic without a partner, where one side has more. */
#define PSI_LDA_NO_TOPIC UINT32_MAX

/* Writes the partner among `learned` of each of `truth`, and their cosine (0 without a partner), to
 * partners_out and cosines_out, [truth->topic_count]. Both sets have the same words. The cosine
 * with a topic of no weight is 0. Returns PS_OK, PS_EINVAL where the words differ in number, or
 * PS_ENOMEM. O(T K V + min(T, K)^2 max(T, K)) time, O(T K) memory. */
PS_MUST_CHECK ps_err psi_lda_topics_match(const psi_lda_topic_set *truth,
                                          const psi_lda_topic_set *learned, uint32_t *partners_out,
                                          double *cosines_out);

#endif
