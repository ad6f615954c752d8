#include <stdbool.h>
#include <string.h>

#include "data/corpus_format.h"
#include "data/file_name.h"
#include "data/number.h"

enum {
    EMPTY_MAX = 1 << 16,  /* documents without words that nobody wonders about, */
    EMPTY_PER_ENTRY = 64, /* and for every entry: memory follows what is there, not the header */
};

bool psi_docword_can_say(uint64_t doc_count, uint64_t entry_count) {
    return doc_count <= EMPTY_MAX || (doc_count - EMPTY_MAX) / EMPTY_PER_ENTRY <= entry_count;
}

static const char docword_line[] = "`doc word count`";
static const char lda_c_line[] = "`M word:count ... word:count`, M pairs";
static const char libsvm_line[] = "`label word:count ... word:count`";

/* What a whole number of a file is, for messages, and what it may be. */
typedef struct number_rule {
    const char *what, *line;
    uint64_t min, max;
} number_rule;

/* Reads [begin, end) of the current line. */
static ps_err number_read(const psi_line_input *input, const number_rule *rule, psi_field field,
                          uint64_t *number_out, ps_fault *fault) {
    const char *const begin = field.begin;
    if (psi_field_is_empty(field)) {
        return psi_line_input_refuse(input, begin, fault, "the %s is missing; a line is %s",
                                     rule->what, rule->line);
    }
    uint64_t number = UINT64_MAX;
    const psi_number_verdict verdict = psi_number_whole(begin, field.end, &number);
    if (verdict != PSI_NUMBER_GOOD && verdict != PSI_NUMBER_TOO_LARGE) {
        return psi_line_input_refuse(input, begin, fault,
                                     "%s '%.*s' is no whole number; a line is %s", rule->what,
                                     psi_field_quote_length(field), begin, rule->line);
    }
    if (number < rule->min || number > rule->max) {
        return psi_line_input_refuse(input, begin, fault,
                                     "%s %.*s is out of range; it is %llu to %llu", rule->what,
                                     psi_field_quote_length(field), begin,
                                     (unsigned long long)rule->min, (unsigned long long)rule->max);
    }
    *number_out = number;
    return PS_OK;
}

static ps_err end_check(const psi_line_input *input, const char *at, const char *line,
                        ps_fault *fault) {
    const psi_field rest = psi_field_next(at);
    if (rest.begin == input->text + input->text_size) {
        return PS_OK;
    }
    return psi_line_input_refuse(input, rest.begin, fault,
                                 "'%.*s' is one field too many; a line is %s",
                                 psi_field_quote_length(rest), rest.begin, line);
}

static ps_err entry_add(const psi_line_input *input, psi_corpus_text *text, psi_corpus_entry entry,
                        ps_fault *fault) {
    const ps_err err = psi_corpus_draft_add(&text->draft, entry);
    if (err == PS_EINVAL) {
        return psi_line_input_refuse(input, input->text, fault,
                                     "2^32 tokens and more are not supported; split the corpus");
    }
    return err == PS_OK ? PS_OK
                        : ps_fault_set(fault, err, "%s: no memory for %zu entries", input->path,
                                       text->draft.count + 1);
}

/* Steps to the next line that is not blank. */
static ps_err line_next(psi_line_input *input, bool *has_line_out, ps_fault *fault) {
    do {
        PS_TRY(psi_line_input_next(input, has_line_out, fault));
    } while (*has_line_out && psi_field_next(input->text).begin == input->text + input->text_size);
    return PS_OK;
}

/* ---- docword ---- */

/* One of the three lines at the head; the first is the current line. */
static ps_err header_read(psi_line_input *input, const char *what, uint64_t max,
                          uint64_t *number_out, ps_fault *fault) {
    const number_rule rule = {what, "one number, three times: D, W and NNZ", 0, max};
    const psi_field field = psi_field_next(input->text);
    PS_TRY(number_read(input, &rule, field, number_out, fault));
    return end_check(input, field.end, rule.line, fault);
}

static ps_err header_next(psi_line_input *input, const char *what, uint64_t max,
                          uint64_t *number_out, ps_fault *fault) {
    bool has_line = false;
    PS_TRY(line_next(input, &has_line, fault));
    if (!has_line) {
        return ps_fault_set(fault, PS_EFORMAT,
                            "%s:%zu:1: the %s is missing; the file begins with D, W and NNZ",
                            input->path, input->line + 1, what);
    }
    return header_read(input, what, max, number_out, fault);
}

static ps_err docword_entry_read(const psi_line_input *input, psi_corpus_text *text,
                                 ps_fault *fault) {
    const number_rule rules[] = {{"document", docword_line, 1, text->doc_count},
                                 {"word", docword_line, 1, text->word_count},
                                 {"count", docword_line, 1, UINT32_MAX}};
    uint64_t numbers[3];
    const char *at = input->text;
    for (int i = 0; i < 3; i++) {
        const psi_field field = psi_field_next(at);
        PS_TRY(number_read(input, &rules[i], field, &numbers[i], fault));
        at = field.end;
    }
    PS_TRY(end_check(input, at, docword_line, fault));
    const psi_corpus_entry entry = {(uint32_t)(numbers[0] - 1), (uint32_t)(numbers[1] - 1),
                                    (uint32_t)numbers[2]};
    return entry_add(input, text, entry, fault);
}

static ps_err docword_read(psi_line_input *input, psi_corpus_text *text, ps_fault *fault) {
    uint64_t documents = 0, words = 0, entries = 0;
    bool has_line = false;
    PS_TRY(header_read(input, "number of documents", UINT32_MAX - 1, &documents, fault));
    PS_TRY(header_next(input, "number of words", UINT32_MAX - 1, &words, fault));
    PS_TRY(header_next(input, "number of entries", UINT64_MAX, &entries, fault));
    text->doc_count = (uint32_t)documents;
    text->word_count = (uint32_t)words;
    PS_TRY(line_next(input, &has_line, fault));
    while (has_line) {
        if (text->draft.count == entries) {
            return psi_line_input_refuse(input, input->text, fault,
                                         "more entries than the %llu of the third line; correct "
                                         "one of them",
                                         (unsigned long long)entries);
        }
        PS_TRY(docword_entry_read(input, text, fault));
        PS_TRY(line_next(input, &has_line, fault));
    }
    if (text->draft.count != entries) {
        return ps_fault_set(fault, PS_EFORMAT,
                            "%s:%zu:1: the file ends after %zu entries, but its third line says "
                            "%llu; fetch or make it again",
                            input->path, input->line + 1, text->draft.count,
                            (unsigned long long)entries);
    }
    if (!psi_docword_can_say(documents, entries)) {
        return ps_fault_set(fault, PS_EFORMAT,
                            "%s:1:1: the first line says %llu documents, but there are only %llu "
                            "entries; correct it",
                            input->path, (unsigned long long)documents,
                            (unsigned long long)entries);
    }
    return PS_OK;
}

/* ---- A document per line ---- */

/* How the two formats of lines differ. */
typedef struct line_rule {
    const char *line;
    uint64_t word_first; /* the smallest id */
    uint64_t count_min;
} line_rule;

static const line_rule lda_c = {lda_c_line, 0, 1}, libsvm = {libsvm_line, 1, 0};

/* "word:count" at `field`, of the document that is read. A count may have a fraction of zeros, as
 * programs print numbers ("3.0" is 3). */
static ps_err pair_read(const psi_line_input *input, const line_rule *rule, psi_field field,
                        psi_corpus_text *text, ps_fault *fault) {
    const number_rule word_rule = {"word", rule->line, rule->word_first, UINT32_MAX - 1};
    const number_rule count_rule = {"count", rule->line, rule->count_min, UINT32_MAX};
    const char *const colon = memchr(field.begin, ':', (size_t)(field.end - field.begin));
    if (colon == NULL) {
        return psi_line_input_refuse(input, field.begin, fault,
                                     "'%.*s' is no word:count; a line is %s",
                                     psi_field_quote_length(field), field.begin, rule->line);
    }
    uint64_t word = 0, count = 0;
    PS_TRY(number_read(input, &word_rule, (psi_field){field.begin, colon}, &word, fault));
    const char *const point = memchr(colon, '.', (size_t)(field.end - colon));
    const char *end = field.end;
    if (point != NULL && strspn(point + 1, "0") == (size_t)(field.end - point) - 1) {
        end = point;
    }
    PS_TRY(number_read(input, &count_rule, (psi_field){colon + 1, end}, &count, fault));
    word -= rule->word_first;
    if (word >= text->word_count) {
        text->word_count = (uint32_t)word + 1;
    }
    if (count == 0) {
        return PS_OK;
    }
    const psi_corpus_entry entry = {text->doc_count, (uint32_t)word, (uint32_t)count};
    return entry_add(input, text, entry, fault);
}

/* All pairs behind `at`; *count_out is how many. */
static ps_err pairs_read(const psi_line_input *input, const line_rule *rule, const char *at,
                         psi_corpus_text *text, ps_fault *fault, uint64_t *count_out) {
    uint64_t count = 0;
    for (psi_field field = psi_field_next(at); !psi_field_is_empty(field);
         field = psi_field_next(field.end)) {
        if (rule == &libsvm && *field.begin == '#') {
            *count_out = count;
            return PS_OK;
        }
        PS_TRY(pair_read(input, rule, field, text, fault));
        at = field.end;
        count++;
    }
    *count_out = count;
    return end_check(input, at, rule->line, fault);
}

static ps_err document_read(const psi_line_input *input, const line_rule *rule,
                            psi_corpus_text *text, ps_fault *fault) {
    const psi_field first = psi_field_next(input->text);
    uint64_t wanted = 0, count = 0;
    if (text->doc_count == UINT32_MAX - 1) {
        return psi_line_input_refuse(input, input->text, fault, "too many documents");
    }
    if (rule == &lda_c) {
        const number_rule pairs_rule = {"number of pairs", rule->line, 0, UINT32_MAX};
        PS_TRY(number_read(input, &pairs_rule, first, &wanted, fault));
    } else {
        float label = 0;
        if (psi_number_real(first.begin, first.end, &label) != PSI_NUMBER_GOOD) {
            return psi_line_input_refuse(input, first.begin, fault,
                                         "label '%.*s' is not a number; a line is %s",
                                         psi_field_quote_length(first), first.begin, rule->line);
        }
    }
    PS_TRY(pairs_read(input, rule, first.end, text, fault, &count));
    if (rule == &lda_c && count != wanted) {
        return psi_line_input_refuse(
            input, first.begin, fault, "the line says %llu pairs and has %llu; a line is %s",
            (unsigned long long)wanted, (unsigned long long)count, rule->line);
    }
    text->doc_count++;
    return PS_OK;
}

static ps_err documents_read(psi_line_input *input, const line_rule *rule, psi_corpus_text *text,
                             ps_fault *fault) {
    bool has_line = true;
    while (has_line) {
        if (rule != &libsvm || *psi_field_next(input->text).begin != '#') {
            PS_TRY(document_read(input, rule, text, fault));
        }
        PS_TRY(line_next(input, &has_line, fault));
    }
    return PS_OK;
}

/* ---- Which format? ---- */

bool psi_corpus_format_named(const char *path, psi_corpus_format *format_out) {
    if (psi_file_name_ends(path, ".svm") || psi_file_name_ends(path, ".libsvm")) {
        *format_out = PSI_CORPUS_LIBSVM;
        return true;
    }
    if (psi_file_name_ends(path, ".ldac") || psi_file_name_ends(path, ".lda-c")) {
        *format_out = PSI_CORPUS_LDA_C;
        return true;
    }
    return false;
}

/* lda-c's first field is the number of the pairs that follow. */
static bool line_is_lda_c(const char *line) {
    const psi_field first = psi_field_next(line);
    uint64_t wanted = 0, count = 0;
    for (psi_field field = psi_field_next(first.end); !psi_field_is_empty(field);
         field = psi_field_next(field.end)) {
        count++;
    }
    return psi_number_whole(first.begin, first.end, &wanted) == PSI_NUMBER_GOOD && wanted == count;
}

static psi_corpus_format format_of(const psi_line_input *input) {
    psi_corpus_format named;
    if (psi_corpus_format_named(input->path, &named)) {
        return named;
    }
    if (strchr(input->text, ':') == NULL) {
        return PSI_CORPUS_DOCWORD;
    }
    return line_is_lda_c(input->text) ? PSI_CORPUS_LDA_C : PSI_CORPUS_LIBSVM;
}

ps_err psi_corpus_text_read(psi_line_input *input, psi_corpus_text *text, ps_fault *fault) {
    bool has_line = false;
    PS_TRY(line_next(input, &has_line, fault));
    if (!has_line) {
        return ps_fault_set(fault, PS_EFORMAT, "%s:%zu:1: the file is empty", input->path,
                            input->line + 1);
    }
    text->format = format_of(input);
    switch (text->format) {
    case PSI_CORPUS_DOCWORD:
    case PSI_CORPUS_SYNTHETIC: /* no file is */
        return docword_read(input, text, fault);
    case PSI_CORPUS_LDA_C:
        return documents_read(input, &lda_c, text, fault);
    case PSI_CORPUS_LIBSVM:
        break;
    }
    return documents_read(input, &libsvm, text, fault);
}
