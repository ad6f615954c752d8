#include "data/corpus.h"

#include <stdlib.h>
#include <string.h>

#include "data/corpus_format.h"
#include "data/line_input.h"
#include "data/synthetic.h"
#include "data/synthetic_corpus.h"

enum { CAPACITY_MIN = 1024 };

const char *psi_corpus_format_name(psi_corpus_format format) {
    switch (format) {
    case PSI_CORPUS_DOCWORD:
        return "docword";
    case PSI_CORPUS_LDA_C:
        return "lda-c";
    case PSI_CORPUS_LIBSVM:
        return "libsvm";
    case PSI_CORPUS_SYNTHETIC:
        return "synthetic";
    }
    return "unknown";
}

void psi_corpus_fini(psi_corpus *corpus) {
    free(corpus->words);
    free(corpus->doc_begins);
    free(corpus->vocabulary);
    free(corpus->word_texts);
    *corpus = (psi_corpus){0};
}

const char *psi_corpus_word(const psi_corpus *corpus, uint32_t word) {
    return corpus->vocabulary == NULL ? NULL : corpus->vocabulary + corpus->word_texts[word];
}

ps_err psi_corpus_draft_add(psi_corpus_draft *draft, psi_corpus_entry entry) {
    if (draft->token_count + entry.count > UINT32_MAX) {
        return PS_EINVAL;
    }
    if (draft->count == draft->capacity) {
        const size_t capacity = draft->capacity == 0 ? CAPACITY_MIN : draft->capacity * 2;
        if (capacity > SIZE_MAX / sizeof *draft->entries) {
            return PS_ENOMEM;
        }
        psi_corpus_entry *const grown = realloc(draft->entries, capacity * sizeof *grown);
        if (grown == NULL) {
            return PS_ENOMEM;
        }
        draft->entries = grown;
        draft->capacity = capacity;
    }
    draft->entries[draft->count++] = entry;
    draft->token_count += entry.count;
    return PS_OK;
}

void psi_corpus_draft_fini(psi_corpus_draft *draft) {
    free(draft->entries);
    *draft = (psi_corpus_draft){0};
}

static int word_compare(const void *left, const void *right) {
    uint32_t a, b;
    memcpy(&a, left, sizeof a);
    memcpy(&b, right, sizeof b);
    return (a > b) - (a < b);
}

/* Puts the words of each document into ascending order. */
static void documents_sort(psi_corpus *corpus) {
    for (uint32_t d = 0; d < corpus->doc_count; d++) {
        uint32_t *const words = corpus->words + corpus->doc_begins[d];
        const size_t count = corpus->doc_begins[d + 1] - corpus->doc_begins[d];
        size_t ascending = 1;
        while (ascending < count && words[ascending - 1] <= words[ascending]) {
            ascending++;
        }
        if (ascending < count) {
            qsort(words, count, sizeof *words, word_compare);
        }
    }
}

ps_err psi_corpus_make(const psi_corpus_draft *draft, uint32_t doc_count, uint32_t word_count,
                       psi_corpus *corpus_out) {
    psi_corpus corpus = {.token_count = draft->token_count,
                         .entry_count = draft->count,
                         .doc_count = doc_count,
                         .word_count = word_count,
                         .doc_begins = calloc((size_t)doc_count + 2, sizeof *corpus.doc_begins),
                         .words = calloc(draft->token_count + 1, sizeof *corpus.words)};
    *corpus_out = (psi_corpus){0};
    if (corpus.doc_begins == NULL || corpus.words == NULL) {
        psi_corpus_fini(&corpus);
        return PS_ENOMEM;
    }
    /* First at [d + 2] what d has, then at [d + 1] where d begins, which moves to where it ends. */
    for (size_t i = 0; i < draft->count; i++) {
        corpus.doc_begins[(size_t)draft->entries[i].doc + 2] += draft->entries[i].count;
    }
    for (size_t d = 2; d <= doc_count; d++) {
        corpus.doc_begins[d] += corpus.doc_begins[d - 1];
    }
    for (size_t i = 0; i < draft->count; i++) {
        const psi_corpus_entry *const entry = &draft->entries[i];
        for (uint32_t n = 0; n < entry->count; n++) {
            corpus.words[corpus.doc_begins[(size_t)entry->doc + 1]++] = entry->word;
        }
    }
    documents_sort(&corpus);
    *corpus_out = corpus;
    return PS_OK;
}

ps_err psi_corpus_read(const char *path, psi_corpus *corpus_out, ps_fault *fault) {
    *corpus_out = (psi_corpus){0};
    psi_line_input input;
    psi_corpus_text text = {.format = PSI_CORPUS_DOCWORD};
    PS_TRY(psi_line_input_open(path, &input, fault));
    ps_err err = psi_corpus_text_read(&input, &text, fault);
    psi_line_input_close(&input);
    if (err == PS_OK && text.draft.token_count == 0) {
        err = ps_fault_set(fault, PS_EFORMAT, "%s: there is no word in the file", path);
    }
    if (err == PS_OK) {
        err = psi_corpus_make(&text.draft, text.doc_count, text.word_count, corpus_out);
    }
    psi_corpus_draft_fini(&text.draft);
    if (err == PS_OK) {
        corpus_out->format = text.format;
        err = psi_corpus_vocabulary_read(path, corpus_out, fault);
    }
    if (err != PS_OK) {
        psi_corpus_fini(corpus_out);
        return ps_fault_set(fault, err, "%s: %s", path, ps_err_text(err));
    }
    return PS_OK;
}

ps_err psi_corpus_open(const char *data, uint64_t seed, uint32_t worker_count,
                       psi_corpus *corpus_out, ps_fault *fault) {
    if (!psi_synthetic_is_named(data)) {
        return psi_corpus_read(data, corpus_out, fault);
    }
    *corpus_out = (psi_corpus){0};
    psi_synthetic_corpus spec;
    PS_TRY(psi_synthetic_corpus_parse(data, seed, worker_count, &spec, fault));
    return psi_synthetic_corpus_make(&spec, corpus_out, fault);
}
