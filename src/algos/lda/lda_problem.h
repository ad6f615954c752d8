/* A topic model to be learned: the documents, split and laid out, and the options. Made once in
 * each process and shared by its workers, who do not change it. Synthetic documents need not be
 * held: they are drawn by the worker that learns from them (corpus_part.h). */
#ifndef PSI_LDA_PROBLEM_H
#define PSI_LDA_PROBLEM_H

#include <stddef.h>
#include <stdint.h>

#include "tortoise/algo.h"

#include "algos/lda/doc_blocks.h"
#include "algos/lda/log_rising.h"
#include "algos/lda/sampler.h"
#include "data/synthetic_corpus.h"

/* Documents that are not learned from. Each one's words are split in two at random: its topics are
 * estimated from the first part, which then says how likely the second is. Owned arrays. */
typedef struct psi_lda_heldout {
    uint32_t doc_count;
    size_t *begins;  /* [doc_count + 1]: of words */
    size_t *middles; /* [doc_count]: where the second part begins */
    uint32_t *words;
} psi_lda_heldout;

/* The topics that a chain begins with, in the order of the option's words: see first_topics.h. */
typedef enum psi_lda_first { PSI_LDA_FIRST_UNIFORM, PSI_LDA_FIRST_SEQUENTIAL } psi_lda_first;

typedef struct psi_lda_problem {
    psi_lda_prior prior;
    psi_lda_options sampler;
    psi_lda_first first_topics;
    uint64_t seed;
    uint32_t worker_count;
    uint32_t slice_rows; /* of words that a worker holds at a time; 0: all of a block */
    psi_lda_layout layout;
    psi_lda_blocks blocks; /* with `source`: who has which documents, but no tokens and no words */
    psi_lda_heldout heldout;
    uint32_t *word_places; /* owned; [V], or NULL: no word is rare, and a place is the word */
    uint32_t frequent_count, rare_count;        /* of words */
    psi_lda_log_rising doc_rising, word_rising; /* of alpha and of beta */
    char *vocabulary;             /* owned; as in psi_corpus: NULL where the words have no names */
    size_t *word_texts;           /* owned; [V] */
    psi_synthetic_source *source; /* owned: of the documents; NULL: `blocks` holds them */
    uint32_t *doc_ids;            /* owned, [documents of blocks]: their numbers there; or NULL */
    uint32_t *frequencies;        /* owned, [V]: of the words in all of them; or NULL */
    const struct psi_lda_problem *whole; /* borrowed: of which this is a part; NULL: it is whole */
    uint32_t doc_first, rank_first; /* the numbers of the first document and worker in the whole */
} psi_lda_problem;

/* The options, in the order of ps_settings.values. */
enum {
    PSI_LDA_TOPICS,
    PSI_LDA_ALPHA,
    PSI_LDA_BETA,
    PSI_LDA_SAMPLER,
    PSI_LDA_MH_STEPS,
    PSI_LDA_HELDOUT,
    PSI_LDA_MODEL_MEMORY,
    PSI_LDA_DOCUMENTS,
    PSI_LDA_FIRST_TOPICS,
    PSI_LDA_OPTIONS
};
extern const ps_option psi_lda_option_list[PSI_LDA_OPTIONS];

/* As ps_algo.open and ps_algo.close. */
PS_MUST_CHECK ps_err psi_lda_problem_open(const ps_settings *settings,
                                          psi_lda_problem **problem_out, ps_fault *fault);
void psi_lda_problem_close(psi_lda_problem *problem);

/* The text of a word, or NULL where words have no names. O(1). */
static inline const char *psi_lda_word(const psi_lda_problem *problem, uint32_t word) {
    return problem->vocabulary == NULL ? NULL : problem->vocabulary + problem->word_texts[word];
}

/* Bytes of `rows` rows of word_topic that a worker holds: the rows and their differences. O(1). */
static inline uint64_t psi_lda_held_bytes(const psi_lda_problem *problem, uint32_t rows) {
    return (uint64_t)2 * rows * problem->prior.topic_count * sizeof(int32_t);
}

/* Where the counts of a word are: words with many tokens have dense rows of a table, rare ones
 * sparse rows of another. The place is the row, and PSI_LDA_RARE if it is of the second. */
#define PSI_LDA_RARE (UINT32_C(1) << 31)

/* The tables as an evaluation sees them. */
typedef struct psi_lda_tables {
    const int32_t *words;      /* [V][K]: n_kw; with places, of the frequent words alone */
    const int64_t *totals;     /* [K]: n_k */
    const ps_sparse_row *rare; /* with places: of the rare words, i32 */
    const uint32_t *places;    /* [V], or NULL: `words` has all of them */
} psi_lda_tables;

/* The counts of a word: i32 of ascending topics; columns NULL: of all K topics. O(1). */
static inline ps_sparse_row psi_lda_word_counts(const psi_lda_tables *tables, uint32_t topic_count,
                                                uint32_t word) {
    const uint32_t place = tables->places == NULL ? word : tables->places[word];
    if (tables->places != NULL && (place & PSI_LDA_RARE) != 0) {
        static const uint32_t none[1] = {0};
        const ps_sparse_row row = tables->rare[place & ~PSI_LDA_RARE];
        return row.count > 0 ? row : (ps_sparse_row){.columns = none};
    }
    return (ps_sparse_row){.count = topic_count,
                           .values = tables->words + (size_t)place * topic_count};
}

/* Places of the partial sums of an evaluation, which add up to the logarithm of
 *
 *     p(w, z) = prod_d [ Gamma(K alpha) / Gamma(N_d + K alpha)
 *                          prod_k Gamma(n_dk + alpha) / Gamma(alpha) ]
 *               prod_k [ Gamma(V beta) / Gamma(n_k + V beta)
 *                          prod_w Gamma(n_kw + beta) / Gamma(beta) ]                            */
enum {
    PSI_LDA_DOC_SUM,   /* the first product: of the worker's documents */
    PSI_LDA_WORD_SUM,  /* the second without the totals: of a share of the words */
    PSI_LDA_TOPIC_SUM, /* the totals: by worker 0 */
    PSI_LDA_TOKENS,    /* of the worker's documents */
    PSI_LDA_HELDOUT_SUM,
    PSI_LDA_HELDOUT_TOKENS,
    PSI_LDA_SUMS
};

/* Places of the metrics. */
enum { PSI_LDA_OBJECTIVE, PSI_LDA_LOGLIK, PSI_LDA_PERPLEXITY, PSI_LDA_RATE, PSI_LDA_METRICS };

/* The share of worker `rank` in an evaluation; `packed` are the topics of its tokens
 * (packed_topics.h). Fills
 * sums[0..PSI_LDA_SUMS), with nan if there is no memory. O(tokens + V K / workers + 20 K x held-out
 * tokens of the share). */
void psi_lda_evaluate(const psi_lda_problem *problem, uint32_t rank, const uint8_t *packed,
                      const psi_lda_tables *tables, double *sums);

/* metrics[0..PSI_LDA_RATE) of the sums of all workers: loglik_per_token is ln p(w, z) / tokens,
 * objective is the same, and perplexity is exp of minus the mean of ln p(w) over the second halves
 * of the held-out documents, or 0 if there are none. The rate is the run's to say. */
void psi_lda_finish(const psi_lda_problem *problem, const double *sums, double *metrics);

#endif
