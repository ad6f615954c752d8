/* Synthetic corpora drawn from the model that latent Dirichlet allocation assumes (Blei, Ng and
 * Jordan, JMLR 3, 2003), with known topics, so that what a learner finds can be compared to them:
 *
 *     phi_k ~ Dirichlet(beta V m),  m_w ~ (w + 1)^-zipf      words of topic k
 *     theta_d ~ Dirichlet(alpha)                             topics of document d
 *     N_d ~ Poisson(length),  z ~ theta_d,  w ~ phi_z        its tokens
 *
 * With zipf > 0, words are as unequal as in real text: the first ones are frequent in all topics.
 * The numbers are those of the seed alone: every topic and every document has a random stream of
 * its own. */
#ifndef PSI_SYNTHETIC_CORPUS_H
#define PSI_SYNTHETIC_CORPUS_H

#include <stdint.h>

#include "tortoise/err.h"

#include "data/corpus.h"

typedef struct psi_synthetic_corpus {
    uint64_t docs;   /* 1 .. 2^31 */
    uint64_t words;  /* V, 1 .. 2^24 */
    uint64_t topics; /* 1 .. 65536; topics x words at most 2^28 */
    double length;   /* mean tokens of a document, > 0 */
    double alpha;    /* > 0 */
    double beta;     /* mean parameter of a topic's Dirichlet distribution, > 0 */
    double zipf;     /* exponent, 0 (words alike) .. 4 */
    uint64_t seed;
} psi_synthetic_corpus;

/* Reads "synthetic" or "synthetic:docs=2000,words=2000,topics=20,length=100,alpha=0.1,beta=0.05,
 * zipf=1,seed=7", with any choice of keys in any order. The default of docs grows with
 * `worker_count`, so that every worker has some; that of seed is `seed`. `data` begins with
 * "synthetic" (psi_synthetic_is_named()). Returns PS_OK, or PS_EINVAL with the reason (an unknown
 * key names the nearest known one); spec_out is then unchanged. O(length). */
PS_MUST_CHECK ps_err psi_synthetic_corpus_parse(const char *data, uint64_t seed,
                                                uint32_t worker_count,
                                                psi_synthetic_corpus *spec_out, ps_fault *fault);

/* Makes the corpus. On failure corpus_out is all zero. Returns PS_OK,
 * PS_ENOMEM, or PS_EINVAL when the spec is out of its ranges or no token was drawn. Holds topics x
 * words x 16 bytes meanwhile. O(docs x topics + tokens + topics x words). */
PS_MUST_CHECK ps_err psi_synthetic_corpus_make(const psi_synthetic_corpus *spec,
                                               psi_corpus *corpus_out, ps_fault *fault);

/* The same corpus, of which nobody holds more than asked for: a document follows from the spec and
 * its number alone. Not changed by drawing, so threads may share it. */
typedef struct psi_synthetic_source psi_synthetic_source;

/* Makes the topics. Returns PS_OK, PS_ENOMEM, or PS_EINVAL when the spec is out of its ranges;
 * source_out is NULL then. Holds topics x words x 16 bytes. O(topics x words). */
PS_MUST_CHECK ps_err psi_synthetic_source_open(const psi_synthetic_corpus *spec,
                                               psi_synthetic_source **source_out, ps_fault *fault);
void psi_synthetic_source_close(psi_synthetic_source *source); /* accepts NULL */

/* Documents and words of the whole corpus. O(1). */
uint32_t psi_synthetic_source_docs(const psi_synthetic_source *source);
uint32_t psi_synthetic_source_words(const psi_synthetic_source *source);

/* Draws documents docs[0..doc_count) of the corpus (NULL: the first ones), which become documents
 * 0, 1, ... of corpus_out, of all words; it may be without tokens. Returns PS_OK, PS_ENOMEM, or
 * PS_EINVAL where these would have 2^32 tokens or more; corpus_out is all zero then. O(doc_count x
 * topics + tokens). */
PS_MUST_CHECK ps_err psi_synthetic_source_draw(const psi_synthetic_source *source,
                                               const uint32_t *docs, uint32_t doc_count,
                                               psi_corpus *corpus_out);

/* The truth: writes phi of `topic` to phi_out[0..words). Returns PS_OK or PS_ENOMEM. O(words). */
PS_MUST_CHECK ps_err psi_synthetic_corpus_topic(const psi_synthetic_corpus *spec, uint64_t topic,
                                                double *phi_out);

/* Writes the spec as psi_synthetic_corpus_parse() reads it, all keys. Returns the length, as
 * snprintf does. */
int psi_synthetic_corpus_format(const psi_synthetic_corpus *spec, char *text, size_t text_size);

#endif
