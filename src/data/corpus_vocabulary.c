#define _POSIX_C_SOURCE 200809L /* access */

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <unistd.h>

#include "data/corpus_format.h"

enum { PATH_MAX_BYTES = 4096 };

bool psi_corpus_vocabulary_path(const char *path, char *vocabulary_out, size_t size) {
    static const char prefix[] = "docword.";
    const char *const slash = strrchr(path, '/');
    const char *const name = slash == NULL ? path : slash + 1;
    if (strncmp(name, prefix, sizeof prefix - 1) != 0) {
        return false;
    }
    const char *const rest = name + sizeof prefix - 1;
    size_t rest_length = strlen(rest);
    if (rest_length > 3 && strcmp(rest + rest_length - 3, ".gz") == 0) {
        rest_length -= 3;
    }
    const int length = snprintf(vocabulary_out, size, "%.*svocab.%.*s", (int)(name - path), path,
                                (int)rest_length, rest);
    return length > 0 && (size_t)length < size;
}

/* Appends the current line to the vocabulary as the text of `word`. */
static ps_err word_append(const psi_line_input *input, psi_corpus *corpus, uint32_t word,
                          size_t *used_bytes, size_t *capacity_bytes) {
    const size_t size = input->text_size + 1;
    if (*used_bytes + size > *capacity_bytes) {
        const size_t capacity = 2 * (*used_bytes + size);
        char *const grown = realloc(corpus->vocabulary, capacity);
        if (grown == NULL) {
            return PS_ENOMEM;
        }
        corpus->vocabulary = grown;
        *capacity_bytes = capacity;
    }
    memcpy(corpus->vocabulary + *used_bytes, input->text, size);
    corpus->word_texts[word] = *used_bytes;
    *used_bytes += size;
    return PS_OK;
}

static ps_err words_read(psi_line_input *input, psi_corpus *corpus, ps_fault *fault) {
    size_t used_bytes = 0, capacity_bytes = 0;
    uint32_t word = 0;
    bool has_line = false;
    PS_TRY(psi_line_input_next(input, &has_line, fault));
    while (has_line && word < corpus->word_count) {
        PS_TRY(word_append(input, corpus, word++, &used_bytes, &capacity_bytes));
        PS_TRY(psi_line_input_next(input, &has_line, fault));
    }
    if (has_line || word < corpus->word_count) {
        return ps_fault_set(fault, PS_EFORMAT,
                            "%s:%zu:1: the vocabulary has %s words than the %u of the corpus; "
                            "fetch both again, or rename it",
                            input->path, input->line + !has_line, has_line ? "more" : "fewer",
                            corpus->word_count);
    }
    return PS_OK;
}

ps_err psi_corpus_vocabulary_read(const char *path, psi_corpus *corpus, ps_fault *fault) {
    char vocabulary[PATH_MAX_BYTES];
    if (corpus->format != PSI_CORPUS_DOCWORD ||
        !psi_corpus_vocabulary_path(path, vocabulary, sizeof vocabulary)) {
        return PS_OK;
    }
    if (access(vocabulary, F_OK) != 0) {
        return PS_OK; /* the words have no names */
    }
    corpus->word_texts = calloc((size_t)corpus->word_count + 1, sizeof *corpus->word_texts);
    if (corpus->word_texts == NULL) {
        return PS_ENOMEM;
    }
    psi_line_input input;
    PS_TRY(psi_line_input_open(vocabulary, &input, fault));
    const ps_err err = words_read(&input, corpus, fault);
    psi_line_input_close(&input);
    return err;
}
