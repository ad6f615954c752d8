/* Samplers of topics for latent Dirichlet allocation: the mathematics, and nothing else. A sampler
 * does not know where the counts live, who else changes them, or what a clock is.
 *
 * The model (Blei, Ng and Jordan 2003; collapsed by Griffiths and Steyvers 2004) has K topics and V
 * words. Of the tokens, n_dk are of document d and topic k, n_kw of word w and topic k, n_k of
 * topic k in all. What every sampler here aims at is, for a token of word w in document d whose own
 * topic is taken out of the counts (the minus),
 *
 *     p(z = k | the rest)  ~  (n_dk^- + alpha) (n_kw^- + beta) / (n_k^- + V beta).              (1)
 *
 * Counts that come from elsewhere may be stale: together they may be of no moment that ever was,
 * and even be negative. A negative count is taken for 0 here, and stays what it is in its row. */
#ifndef PSI_LDA_SAMPLER_H
#define PSI_LDA_SAMPLER_H

#include <stddef.h>
#include <stdint.h>

#include "tortoise/err.h"
#include "tortoise/random.h"
#include "tortoise/worker.h"

/* A topic fits 16 bits. */
enum { PSI_LDA_TOPICS_MAX = 65536 };

typedef struct psi_lda_prior {
    uint32_t topic_count; /* K, 1 .. PSI_LDA_TOPICS_MAX */
    uint32_t word_count;  /* V */
    double alpha, beta;   /* > 0; the same for all topics and words */
} psi_lda_prior;

/* Some documents and their words, numbered by "slots" 0 .. word_count - 1. Tokens are in the order
 * of the documents. All borrowed. */
typedef struct psi_lda_block {
    uint32_t doc_count, word_count;
    const uint32_t *doc_begins;  /* [doc_count + 1]: of tokens; counts from doc_begins[0] */
    const uint32_t *word_begins; /* [word_count + 1]: of by_word, from 0 */
    const uint32_t *frequencies; /* [word_count]: the sum of the word's row is at most this */
    const uint32_t *slots;       /* [tokens]: the slot of each token's word, or NULL: see below */
    const uint32_t *by_word;     /* [tokens]: the tokens of slot 0, then of slot 1, ..., or NULL */
    uint16_t *topics;            /* [tokens]: z, which a pass changes */
    uint32_t *pairs; /* [tokens]: kept from pass to pass for warp, who alone changes them: z in the
                       * lower 16 bits and a proposal in the upper ones, at first z; or NULL */
} psi_lda_block;

/* Words with sparse rows have at most so many tokens per topic. A sparse row costs some 20 ns per
 * topic that occurs on its way through a clock, a dense one some 7 ns per topic. Of words with as
 * many tokens as there are topics a tenth of the topics occur, once these have taken shape; with 4
 * and 16 times as many a clock was slower (docs/benchmarks.md). */
enum { PSI_LDA_RARE_TIMES = 1 };

/* Where sparse rows come from, and where their changes go; `w` is a word of the block. read() fills
 * row_out with i32 counts of ascending topics, valid until the next call, and returns 0 if the row
 * is not there; add() takes changes of ascending topics, borrowed for the call, which the next
 * read() shows. Neither blocks. */
typedef struct psi_lda_sparse_rows {
    int (*read)(void *context, uint32_t w, ps_sparse_row *row_out);
    void (*add)(void *context, uint32_t w, const ps_sparse_row *changes);
    void *context;
} psi_lda_sparse_rows;

/* The counts that the block's words have in all, the block's own tokens included. Borrowed; a pass
 * changes them with z. A row that is neither dense nor sparse is not there: the tokens of its word
 * keep their topics, and count for their documents all the same. */
typedef struct psi_lda_rows {
    int32_t *const *words;             /* [block.word_count][K]: n_kw, or NULL */
    int64_t *totals;                   /* [K]: n_k */
    const psi_lda_sparse_rows *sparse; /* of the words whose row is NULL and that have at most
                                        * PSI_LDA_RARE_TIMES K tokens, for samplers that go by
                                        * word; or NULL. With it all rows are there */
} psi_lda_rows;

typedef enum psi_lda_kind {
    PSI_LDA_DENSE,  /* equation (1) as it stands: O(K) a token */
    PSI_LDA_SPARSE, /* three buckets (Yao, Mimno and McCallum 2009): O(k_d + k_w) */
    PSI_LDA_ALIAS,  /* stale alias tables of words, exact documents (Li et al. 2014): O(k_d) */
    PSI_LDA_LIGHT,  /* cycles of two proposals (Yuan et al. 2015): O(1 + k_d / 8) */
    PSI_LDA_WARP,   /* delayed counts, a pass by document, one by word (Chen et al. 2016): O(1) */
    PSI_LDA_VECTOR, /* dense, many topics at a time: O(K) of vectors */
    PSI_LDA_FPLUS,  /* word by word, sums of the word's part (Yu et al. 2015): O(k_d + sqrt K) */
    PSI_LDA_AUTO    /* the exact one that is fastest for K; never that of a sampler */
} psi_lda_kind;

/* "dense|sparse|...|auto", and the kind of one of them; auto is settled by the number of topics. */
extern const char psi_lda_kind_words[];
psi_lda_kind psi_lda_kind_of(const char *word, uint32_t topic_count);

/* Whether a sampler needs pairs of a block. */
static inline int psi_lda_needs_pairs(psi_lda_kind kind) {
    return kind == PSI_LDA_WARP;
}

/* The pair of a token whose proposal is what is there already, which changes nothing. */
static inline uint32_t psi_lda_first_pair(uint16_t topic) {
    return (uint32_t)topic | (uint32_t)topic << 16;
}

/* Whether a sampler needs by_word of a block, or its slots. */
static inline int psi_lda_goes_by_word(psi_lda_kind kind) {
    return kind == PSI_LDA_WARP || kind == PSI_LDA_FPLUS || kind == PSI_LDA_LIGHT;
}

/* The largest block that a sampler will see. */
typedef struct psi_lda_limits {
    uint32_t token_count, word_count, doc_count;
    uint32_t occurrence_count; /* of one word in a block */
    uint32_t frequency_count;  /* of one word in all */
    uint32_t room_count;       /* psi_lda_room() of one word */
    uint64_t nonzero_count;    /* sum over a block's words of psi_lda_room() */
} psi_lda_limits;

/* Entries of 16 bits each that hold the counts of a word's topics, if there are so many tokens of
 * it: one per topic, and one more for every 65535 tokens. O(1). */
static inline uint32_t psi_lda_room(uint32_t frequency, uint32_t topic_count) {
    const uint32_t room = topic_count + frequency / UINT16_MAX;
    return frequency < room ? frequency : room;
}

/* What a sampler is computed with. */
typedef enum psi_lda_form {
    PSI_LDA_FORM_WIDEST, /* that the processor has */
    PSI_LDA_FORM_PLAIN,  /* C alone */
    PSI_LDA_FORM_AVX2,
    PSI_LDA_FORM_AVX512
} psi_lda_form;

typedef struct psi_lda_options {
    psi_lda_kind kind;
    uint32_t
        mh_steps;     /* alias: proposals, light: pairs of them, warp: rounds, per token and pass */
    int keeps_tables; /* alias: never rebuild the first block's tables; for tests: a chain
                        * whose proposals do not depend on its past is exact */
    psi_lda_form
        form; /* no wider one than this; for tests and benchmarks: all forms draw the same */
    uint32_t listed_min; /* light: tokens of a document from which on it has a list of its topics;
                          * 0: what was measured to be fastest; for tests: all draw the same */
} psi_lda_options;

typedef struct psi_lda_sampler psi_lda_sampler;

/* Makes a sampler, which draws from `random` on. Returns PS_OK or PS_ENOMEM; *sampler_out is NULL
 * then. O(limits + K). */
PS_MUST_CHECK ps_err psi_lda_sampler_create(const psi_lda_options *options,
                                            const psi_lda_prior *prior,
                                            const psi_lda_limits *limits, ps_random random,
                                            psi_lda_sampler **sampler_out);
void psi_lda_sampler_destroy(psi_lda_sampler *sampler); /* accepts NULL */

/* Draws the topic of every token of the block whose word's row is there once (warp: mh_steps
 * rounds), and keeps the rows in step. Allocates nothing. One caller at a time. */
void psi_lda_sampler_pass(psi_lda_sampler *sampler, const psi_lda_block *block,
                          const psi_lda_rows *rows);

#endif
