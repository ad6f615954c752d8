/* What the topics of a model are about: their most frequent words, and how well those go together.
 * Texts are made in memory. */
#ifndef PSI_LDA_TOPICS_H
#define PSI_LDA_TOPICS_H

#include <stddef.h>
#include <stdint.h>

#include "tortoise/err.h"

#include "algos/lda/lda_problem.h"

enum { PSI_LDA_TOP_WORDS = 20, PSI_LDA_COHERENCE_WORDS = 10 };

/* The most frequent words of a topic, in descending order of their counts, then ascending. */
typedef struct psi_lda_top {
    uint32_t count; /* of words that occur in it, at most PSI_LDA_TOP_WORDS */
    uint32_t words[PSI_LDA_TOP_WORDS];
    int32_t counts[PSI_LDA_TOP_WORDS]; /* > 0 */
} psi_lda_top;

/* Fills tops[0..K). O(V K). */
void psi_lda_tops_find(const psi_lda_prior *prior, const psi_lda_tables *tables, psi_lda_top *tops);

/* The coherence of each topic in the documents that are learned from (lda_coherence.c):
 * npmi_out[0..K), each in -1 .. 1, or nan for a topic with fewer than two words. Returns PS_OK or
 * PS_ENOMEM. O(tokens + sum over the topics' words of the documents that have them + 10,000 K);
 * documents that are drawn are so twice. */
PS_MUST_CHECK ps_err psi_lda_coherence(const psi_lda_problem *problem, const psi_lda_top *tops,
                                       double *npmi_out);

/* The mean over the topics that have one; nan if none has. O(K). */
double psi_lda_coherence_mean(const double *npmi, uint32_t topic_count);

/* The topics, the largest first, as people read them (topics.txt) or, with `is_table`, as
 * topics.csv: "topic,tokens,share,npmi,words", the words as "word:count word:count ...", with '_'
 * for what would break the table. *text_out is owned: free(). Returns PS_OK or PS_ENOMEM. */
typedef struct psi_lda_topics {
    const psi_lda_problem *problem;
    const psi_lda_tables *tables;
    const psi_lda_top *tops;
    const double *npmi;
} psi_lda_topics;
PS_MUST_CHECK ps_err psi_lda_topics_text(const psi_lda_topics *topics, int is_table,
                                         char **text_out, size_t *size_out);

#endif
