/* Writes a corpus to a file: `tortoise data gen` and `tortoise data convert`.
 *
 * The format follows the name: "*.svm" and "*.libsvm" are libsvm, "*.ldac" and "*.lda-c" are lda-c,
 * all else is docword; each with ".gz" behind it is compressed. The vocabulary of "docword.NAME"
 * goes to "vocab.NAME" beside it; other names have no place for one. What psi_corpus_read() makes
 * of the file has the same tokens in the same documents; lda-c forgets words at the end that no
 * document has. A document's label in libsvm is 0. All files are there whole or none is. */
#ifndef PSI_CORPUS_WRITER_H
#define PSI_CORPUS_WRITER_H

#include <stdbool.h>
#include <stddef.h>

#include "tortoise/err.h"

#include "data/corpus.h"

/* A file that is to lie beside the corpus. */
typedef struct psi_companion {
    const char *path;
    const void *content;
    size_t size_bytes;
} psi_companion;

typedef struct psi_corpus_write_options {
    bool may_replace;               /* existing files may be replaced; else they are refused */
    const psi_companion *companion; /* or NULL */
} psi_corpus_write_options;

/* Writes to `path`. Blocks on the file. Returns PS_OK; PS_EINVAL when a file exists and may not be
 * replaced, when a vocabulary that is not the corpus's would name its words, or when the format
 * cannot hold it (a line beyond what is read, far more empty documents than words); PS_EIO when
 * the operating system refuses; PS_ENOMEM. Nothing is left behind then, and `fault` says why.
 * O(tokens + documents). */
PS_MUST_CHECK ps_err psi_corpus_write(const psi_corpus *corpus, const char *path,
                                      const psi_corpus_write_options *options, ps_fault *fault);

/* Whether the names of the words would be written with `path`. */
bool psi_corpus_write_has_names(const psi_corpus *corpus, const char *path);

/* The number of pairs of a document and a word that it has. O(tokens). */
size_t psi_corpus_pair_count(const psi_corpus *corpus);

/* Steps through the words of a document: returns how often the word at *at occurs, and moves *at
 * to the next one. *at is below corpus->doc_begins[doc + 1]. */
uint32_t psi_corpus_run(const psi_corpus *corpus, uint32_t doc, size_t *at, uint32_t *word_out);

#endif
