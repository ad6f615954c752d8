/* A trained topic model as it is kept: what a run leaves, and what `infer` is given. No files here.
 *
 *     word_topic      i32 [V][K]   n_kw: the table, or those of frequent and rare words together
 *     topics          i64 [1][K]   n_k, the table
 *     alpha           f64 [K]      prior counts of the topics in a document
 *     beta, topics, words          numbers: beta, K and V
 *     vocabulary.txt               a word per line, V of them; only where words have names
 *
 * Beside metrics.csv stand topics.txt and topics.csv (lda_topics.h), and npmi is a result. */
#ifndef PSI_LDA_MODEL_H
#define PSI_LDA_MODEL_H

#include "tortoise/saved.h"

#include "algos/lda/lda_problem.h"

/* A model that was read. Borrows from the pieces. */
typedef struct psi_lda_model {
    uint32_t topic_count, word_count;
    double beta;
    const double *alpha;    /* [K] */
    const int32_t *words;   /* [V][K] */
    const int64_t *totals;  /* [K] */
    const char *vocabulary; /* NULL: the words have no names */
    size_t vocabulary_bytes;
} psi_lda_model;

/* Gives all of the above to `sink` but for what is a table. Returns PS_OK, PS_ENOMEM, PS_EFORMAT
 * where the vocabulary has a word that no line can hold, or what the sink returned. */
PS_MUST_CHECK ps_err psi_lda_leave(const psi_lda_problem *problem, const psi_lda_tables *tables,
                                   const ps_sink *sink);

/* Puts the pieces together and checks that they fit: shapes, ranges, and that each topic's total
 * is the sum of its words. PS_EFORMAT says in one line what does not. O(V K). */
PS_MUST_CHECK ps_err psi_lda_model_of(const ps_question *question, psi_lda_model *model_out,
                                      ps_fault *fault);

/* Topic mixtures of new documents (lda_infer.c); as ps_algo.infer. */
PS_MUST_CHECK ps_err psi_lda_infer(const ps_question *question, ps_answer *answer_out,
                                   ps_fault *fault);

#endif
