/* A corpus: the words of every document, as a bag, in memory of four bytes per token.
 *
 * Formats, told apart by name first and then by content; each plain or compressed with gzip:
 *   docword   UCI bag of words: three lines D, W, NNZ, then NNZ lines "doc word count"; ids start
 *             at 1. Of "docword.NAME.txt", the words are read from "vocab.NAME.txt" beside it.
 *   lda-c     a document per line, "M word:count ... word:count"; ids start at 0 (*.ldac, *.lda-c)
 *   libsvm    a document per line, "label word:count ..."; ids start at 1, counts are whole
 *             numbers, a '#' begins a comment (*.svm, *.libsvm)
 * Reading is strict: a damaged file is refused with "file:line:column: what; what to do". What a
 * line says twice of a word adds up, and a document without words stays a document. Nothing here
 * knows what a corpus is for. */
#ifndef PSI_CORPUS_H
#define PSI_CORPUS_H

#include <stddef.h>
#include <stdint.h>

#include "tortoise/err.h"

typedef enum psi_corpus_format {
    PSI_CORPUS_DOCWORD,
    PSI_CORPUS_LDA_C,
    PSI_CORPUS_LIBSVM,
    PSI_CORPUS_SYNTHETIC /* made here, not read */
} psi_corpus_format;

/* Owned arrays; release with psi_corpus_fini(). All zero is empty. */
typedef struct psi_corpus {
    uint32_t *words;    /* [token_count], from 0, < word_count; ascending within a document */
    size_t *doc_begins; /* [doc_count + 1]: of words; the last is token_count */
    size_t token_count; /* < 2^32 */
    size_t entry_count; /* that it was made of; some may have said the same word of a document */
    uint32_t doc_count, word_count;
    char *vocabulary;   /* word after word, each ended by NUL; NULL: the words have no names */
    size_t *word_texts; /* [word_count]: where each begins in vocabulary */
    psi_corpus_format format;
} psi_corpus;

/* "docword", "lda-c", "libsvm" or "synthetic". Static. */
const char *psi_corpus_format_name(psi_corpus_format format);

/* Reads the file `path`, and its vocabulary if there is one. At least one token is there on
 * success. On failure corpus_out is all zero and `fault` says in one line what is wrong and where.
 * Blocks on the file. Returns PS_OK; PS_EIO when the operating system refuses the file; PS_EFORMAT
 * for damaged or empty content; PS_ENOMEM. O(bytes + tokens). */
PS_MUST_CHECK ps_err psi_corpus_read(const char *path, psi_corpus *corpus_out, ps_fault *fault);

/* Reads a file, or makes what "synthetic[:k=v,...]" asks for (synthetic_corpus.h), as `data` says.
 * `seed` and `worker_count` are for synthetic data alone. Errors as those of psi_corpus_read() and
 * psi_synthetic_corpus_parse(). */
PS_MUST_CHECK ps_err psi_corpus_open(const char *data, uint64_t seed, uint32_t worker_count,
                                     psi_corpus *corpus_out, ps_fault *fault);

/* Releases the arrays; the corpus is empty then. */
void psi_corpus_fini(psi_corpus *corpus);

/* The text of a word, or NULL if the corpus has no vocabulary. Lives as long as the corpus. O(1).
 */
const char *psi_corpus_word(const psi_corpus *corpus, uint32_t word);

/* A word of a document, `count` times. */
typedef struct psi_corpus_entry {
    uint32_t doc, word, count;
} psi_corpus_entry;

/* Entries in any order, from which a corpus is made. Owned; release with psi_corpus_draft_fini().
 * All zero is empty. */
typedef struct psi_corpus_draft {
    psi_corpus_entry *entries;
    size_t count, capacity;
    uint64_t token_count; /* of all entries */
} psi_corpus_draft;

/* Appends an entry. Returns PS_OK, PS_ENOMEM, or PS_EINVAL where the corpus would get 2^32 tokens
 * or more; the draft is unchanged then. Amortised O(1). */
PS_MUST_CHECK ps_err psi_corpus_draft_add(psi_corpus_draft *draft, psi_corpus_entry entry);

void psi_corpus_draft_fini(psi_corpus_draft *draft);

/* Makes the corpus of a draft; every entry's doc is < doc_count and its word < word_count. Returns
 * PS_OK, or PS_ENOMEM; corpus_out is all zero then. O(doc_count + tokens), times log of a
 * document's tokens where its words do not ascend. */
PS_MUST_CHECK ps_err psi_corpus_make(const psi_corpus_draft *draft, uint32_t doc_count,
                                     uint32_t word_count, psi_corpus *corpus_out);

#endif
