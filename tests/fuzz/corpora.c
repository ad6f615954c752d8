/* The readers of corpora: docword, lda-c and libsvm, told apart by content, and what tells a corpus
 * from ratings. A corpus takes memory by its tokens, and a short file may say many, so that only
 * small ones are made here. */
#include <stdlib.h>

#include "data/corpus_format.h"
#include "data/corpus_summary.h"
#include "data/kind.h"
#include "fuzz/fuzz.h"

enum { TOKENS_MAX = 1 << 16 };

static void check_corpus(const psi_corpus *corpus) {
    FUZZ_CHECK(corpus->doc_begins[0] == 0);
    FUZZ_CHECK(corpus->doc_begins[corpus->doc_count] == corpus->token_count);
    for (uint32_t d = 0; d < corpus->doc_count; d++) {
        FUZZ_CHECK(corpus->doc_begins[d] <= corpus->doc_begins[d + 1]);
        for (size_t i = corpus->doc_begins[d]; i < corpus->doc_begins[d + 1]; i++) {
            FUZZ_CHECK(corpus->words[i] < corpus->word_count);
            FUZZ_CHECK(i == corpus->doc_begins[d] || corpus->words[i - 1] <= corpus->words[i]);
        }
    }
}

static void check_text(const psi_corpus_text *text, const char *path) {
    uint64_t token_count = 0;
    for (size_t i = 0; i < text->draft.count; i++) {
        const psi_corpus_entry *const entry = &text->draft.entries[i];
        FUZZ_CHECK(entry->doc < text->doc_count && entry->word < text->word_count);
        token_count += entry->count;
    }
    FUZZ_CHECK(text->draft.token_count == token_count && token_count <= UINT32_MAX);
    if (token_count > TOKENS_MAX) {
        return;
    }
    psi_corpus corpus;
    ps_fault fault = {0};
    const ps_err err = psi_corpus_read(path, &corpus, &fault);
    fuzz_check_fault(err, &fault);
    FUZZ_CHECK((err == PS_OK) == (token_count > 0));
    if (err == PS_OK) {
        FUZZ_CHECK(corpus.token_count == token_count && corpus.doc_count == text->doc_count);
        check_corpus(&corpus);
        psi_corpus_summary summary;
        FUZZ_CHECK(psi_corpus_summary_make(&corpus, &summary) == PS_OK);
        FUZZ_CHECK(summary.pair_count + summary.merged_count == text->draft.count);
    }
    psi_corpus_fini(&corpus);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    const fuzz_input input = {data, size};
    const char *const path = fuzz_file(&input);
    psi_line_input lines;
    psi_corpus_text text = {.format = PSI_CORPUS_DOCWORD};
    ps_fault fault = {0};
    psi_data_kind kind;
    fuzz_check_fault(psi_data_kind_of(path, &kind, &fault), &fault);
    fault = (ps_fault){0};
    FUZZ_CHECK(psi_line_input_open(path, &lines, NULL) == PS_OK);
    const ps_err err = psi_corpus_text_read(&lines, &text, &fault);
    fuzz_check_fault(err, &fault);
    psi_line_input_close(&lines);
    if (err == PS_OK) {
        check_text(&text, path);
    }
    psi_corpus_draft_fini(&text.draft);
    return 0;
}
