#define _POSIX_C_SOURCE 200809L /* access */

#include "data/corpus_writer.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include <unistd.h>

#include "data/corpus_format.h"
#include "data/file_name.h"
#include "data/file_writer.h"
#include "data/line_input.h"

enum { PATH_MAX_BYTES = 4096, PAIR_MAX_BYTES = 48, FILES_MAX = 3 };

uint32_t psi_corpus_run(const psi_corpus *corpus, uint32_t doc, size_t *at, uint32_t *word_out) {
    const size_t begin = *at, end = corpus->doc_begins[(size_t)doc + 1];
    *word_out = corpus->words[begin];
    while (*at < end && corpus->words[*at] == *word_out) {
        (*at)++;
    }
    return (uint32_t)(*at - begin);
}

static uint32_t document_pair_count(const psi_corpus *corpus, uint32_t doc) {
    uint32_t count = 0, word;
    for (size_t at = corpus->doc_begins[doc]; at < corpus->doc_begins[(size_t)doc + 1]; count++) {
        (void)psi_corpus_run(corpus, doc, &at, &word);
    }
    return count;
}

size_t psi_corpus_pair_count(const psi_corpus *corpus) {
    size_t count = 0;
    for (uint32_t d = 0; d < corpus->doc_count; d++) {
        count += document_pair_count(corpus, d);
    }
    return count;
}

static psi_corpus_format format_of(const char *path) {
    psi_corpus_format format = PSI_CORPUS_DOCWORD;
    (void)psi_corpus_format_named(path, &format);
    return format;
}

bool psi_corpus_write_has_names(const psi_corpus *corpus, const char *path) {
    char vocabulary[PATH_MAX_BYTES];
    return corpus->vocabulary != NULL && format_of(path) == PSI_CORPUS_DOCWORD &&
           psi_corpus_vocabulary_path(path, vocabulary, sizeof vocabulary);
}

/* ---- The formats ---- */

static ps_err docword_write(psi_file_writer *w, const psi_corpus *corpus, ps_fault *fault) {
    const size_t pair_count = psi_corpus_pair_count(corpus);
    if (!psi_docword_can_say(corpus->doc_count, pair_count)) {
        return ps_fault_set(fault, PS_EINVAL,
                            "%s: docword cannot hold %" PRIu32 " documents with %zu entries in "
                            "all; name it *.ldac or *.svm",
                            w->path, corpus->doc_count, pair_count);
    }
    PS_TRY(psi_file_writer_print(w, fault, "%" PRIu32 "\n%" PRIu32 "\n%zu\n", corpus->doc_count,
                                 corpus->word_count, pair_count));
    for (uint32_t d = 0; d < corpus->doc_count; d++) {
        for (size_t at = corpus->doc_begins[d]; at < corpus->doc_begins[(size_t)d + 1];) {
            uint32_t word;
            const uint32_t count = psi_corpus_run(corpus, d, &at, &word);
            PS_TRY(psi_file_writer_print(w, fault, "%" PRIu32 " %" PRIu32 " %" PRIu32 "\n", d + 1,
                                         word + 1, count));
        }
    }
    return PS_OK;
}

/* A line while it is written. */
typedef struct line_end {
    psi_file_writer *writer;
    uint32_t doc;
    size_t size_bytes; /* so far */
} line_end;

static ps_err line_put(line_end *line, const char *text, ps_fault *fault) {
    const size_t size = strlen(text);
    line->size_bytes += size;
    if (line->size_bytes > PSI_LINE_MAX_BYTES) {
        return ps_fault_set(fault, PS_EINVAL,
                            "%s: document %" PRIu32 " needs a line beyond %d bytes, which are not "
                            "read; write it as docword",
                            line->writer->path, line->doc, PSI_LINE_MAX_BYTES);
    }
    return psi_file_writer_put(line->writer, text, size, fault);
}

/* The words of a document; ids start at `first`. */
static ps_err pairs_put(line_end *line, const psi_corpus *corpus, uint32_t first, ps_fault *fault) {
    for (size_t at = corpus->doc_begins[line->doc];
         at < corpus->doc_begins[(size_t)line->doc + 1];) {
        char pair[PAIR_MAX_BYTES];
        uint32_t word;
        const uint32_t count = psi_corpus_run(corpus, line->doc, &at, &word);
        (void)snprintf(pair, sizeof pair, " %" PRIu32 ":%" PRIu32, word + first, count);
        PS_TRY(line_put(line, pair, fault));
    }
    return PS_OK;
}

static ps_err lda_c_write(psi_file_writer *w, const psi_corpus *corpus, ps_fault *fault) {
    for (uint32_t d = 0; d < corpus->doc_count; d++) {
        line_end line = {.writer = w, .doc = d};
        char count[PAIR_MAX_BYTES];
        (void)snprintf(count, sizeof count, "%" PRIu32, document_pair_count(corpus, d));
        PS_TRY(line_put(&line, count, fault));
        PS_TRY(pairs_put(&line, corpus, 0, fault));
        PS_TRY(psi_file_writer_put(w, "\n", 1, fault));
    }
    return PS_OK;
}

static ps_err libsvm_write(psi_file_writer *w, const psi_corpus *corpus, ps_fault *fault) {
    uint32_t word_end = 0; /* words up to it are named */
    for (size_t i = 0; i < corpus->token_count; i++) {
        word_end = corpus->words[i] >= word_end ? corpus->words[i] + 1 : word_end;
    }
    for (uint32_t d = 0; d < corpus->doc_count; d++) {
        line_end line = {.writer = w, .doc = d};
        PS_TRY(line_put(&line, "0", fault));
        PS_TRY(pairs_put(&line, corpus, 1, fault));
        if (d + 1 == corpus->doc_count && word_end < corpus->word_count) {
            char pair[PAIR_MAX_BYTES]; /* the last word, no times: how many words there are */
            (void)snprintf(pair, sizeof pair, " %" PRIu32 ":0", corpus->word_count);
            PS_TRY(line_put(&line, pair, fault));
        }
        PS_TRY(psi_file_writer_put(w, "\n", 1, fault));
    }
    return PS_OK;
}

static ps_err corpus_put(psi_file_writer *w, const psi_corpus *corpus, ps_fault *fault) {
    switch (format_of(w->path)) {
    case PSI_CORPUS_LDA_C:
        return lda_c_write(w, corpus, fault);
    case PSI_CORPUS_LIBSVM:
        return libsvm_write(w, corpus, fault);
    case PSI_CORPUS_DOCWORD:
    case PSI_CORPUS_SYNTHETIC:
        break;
    }
    return docword_write(w, corpus, fault);
}

/* ---- The vocabulary ---- */

/* Whether the vocabulary that is beside `path` already is that of the corpus. */
static bool names_are_there(const psi_corpus *corpus, const char *path) {
    psi_corpus other = {.word_count = corpus->word_count, .format = PSI_CORPUS_DOCWORD};
    bool are_equal = psi_corpus_vocabulary_read(path, &other, NULL) == PS_OK &&
                     other.vocabulary != NULL && corpus->vocabulary != NULL;
    for (uint32_t w = 0; are_equal && w < corpus->word_count; w++) {
        are_equal = strcmp(psi_corpus_word(corpus, w), psi_corpus_word(&other, w)) == 0;
    }
    psi_corpus_fini(&other);
    return are_equal;
}

/* Decides whether `vocabulary`, which belongs to `path`, is to be written. */
static ps_err names_wanted(const psi_corpus *corpus, const char *path, const char *vocabulary,
                           bool *is_wanted_out, ps_fault *fault) {
    const bool is_there = access(vocabulary, F_OK) == 0;
    *is_wanted_out = corpus->vocabulary != NULL && !(is_there && names_are_there(corpus, path));
    if (is_there && corpus->vocabulary == NULL) {
        return ps_fault_set(fault, PS_EINVAL,
                            "%s: %s is there and would name its words; choose another name", path,
                            vocabulary);
    }
    return PS_OK;
}

static ps_err names_put(psi_file_writer *w, const psi_corpus *corpus, ps_fault *fault) {
    for (uint32_t word = 0; word < corpus->word_count; word++) {
        const char *const text = psi_corpus_word(corpus, word);
        PS_TRY(psi_file_writer_put(w, text, strlen(text), fault));
        PS_TRY(psi_file_writer_put(w, "\n", 1, fault));
    }
    return PS_OK;
}

/* ---- All files together ---- */

typedef struct files {
    psi_file_writer writers[FILES_MAX];
    size_t count; /* those to be released */
} files;

static ps_err file_next(files *f, const char *path, bool may_replace, psi_file_writer **writer_out,
                        ps_fault *fault) {
    *writer_out = &f->writers[f->count++];
    return psi_file_writer_open(*writer_out, path, may_replace, fault);
}

static ps_err files_write(files *f, const psi_corpus *corpus, const char *path,
                          const psi_corpus_write_options *options, ps_fault *fault) {
    char vocabulary[PATH_MAX_BYTES];
    const psi_companion *const companion = options->companion;
    psi_file_writer *w;
    bool is_wanted = false;
    if (psi_file_name_ends(path, ".mtx")) {
        return ps_fault_set(fault, PS_EINVAL,
                            "%s: a corpus is not written as MatrixMarket; name it docword.*, "
                            "*.ldac or *.svm",
                            path);
    }
    if (format_of(path) == PSI_CORPUS_DOCWORD &&
        psi_corpus_vocabulary_path(path, vocabulary, sizeof vocabulary)) {
        PS_TRY(names_wanted(corpus, path, vocabulary, &is_wanted, fault));
    }
    PS_TRY(file_next(f, path, options->may_replace, &w, fault));
    PS_TRY(corpus_put(w, corpus, fault));
    if (is_wanted) {
        PS_TRY(file_next(f, vocabulary, options->may_replace, &w, fault));
        PS_TRY(names_put(w, corpus, fault));
    }
    if (companion != NULL) {
        PS_TRY(file_next(f, companion->path, options->may_replace, &w, fault));
        PS_TRY(psi_file_writer_put(w, companion->content, companion->size_bytes, fault));
    }
    return psi_file_writers_complete(f->writers, f->count, fault);
}

ps_err psi_corpus_write(const psi_corpus *corpus, const char *path,
                        const psi_corpus_write_options *options, ps_fault *fault) {
    files f = {.count = 0};
    const ps_err err = files_write(&f, corpus, path, options, fault);
    for (size_t i = 0; i < f.count; i++) {
        psi_file_writer_fini(&f.writers[i]);
    }
    return err;
}
