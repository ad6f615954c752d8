/* The formats of corpora: from lines of text to entries, for corpus.c, and what the writer must
 * know of them. */
#ifndef PSI_CORPUS_FORMAT_H
#define PSI_CORPUS_FORMAT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tortoise/err.h"

#include "data/corpus.h"
#include "data/line_input.h"

/* What a file says. The draft is owned. All zero but for the format is empty. */
typedef struct psi_corpus_text {
    psi_corpus_draft draft;
    uint32_t doc_count, word_count;
    psi_corpus_format format;
} psi_corpus_text;

/* Reads all lines of `input`, which stands before its first. Returns PS_OK, PS_EIO, PS_EFORMAT or
 * PS_ENOMEM with the reason in `fault`; the draft is to be released in any case. */
PS_MUST_CHECK ps_err psi_corpus_text_read(psi_line_input *input, psi_corpus_text *text,
                                          ps_fault *fault);

/* The format that the name of a file says (lda-c or libsvm); false: the name says none. */
bool psi_corpus_format_named(const char *path, psi_corpus_format *format_out);

/* Whether a docword file may have that many documents for its entries. A head that says far more
 * than there is would take memory for nothing. */
bool psi_docword_can_say(uint64_t doc_count, uint64_t entry_count);

/* The path of the vocabulary of "FOLDER/docword.NAME[.gz]": "FOLDER/vocab.NAME". Returns false if
 * `path` is not named like that, or the result does not fit. */
bool psi_corpus_vocabulary_path(const char *path, char *vocabulary_out, size_t size);

/* Reads the vocabulary that lies beside the docword file `path`; none is no failure. It must have
 * a line for every word of the corpus. Returns PS_OK, PS_EIO, PS_EFORMAT or PS_ENOMEM. */
PS_MUST_CHECK ps_err psi_corpus_vocabulary_read(const char *path, psi_corpus *corpus,
                                                ps_fault *fault);

#endif
