#include "data/kind.h"

#include <stdbool.h>
#include <string.h>

#include "data/corpus_format.h"
#include "data/line_input.h"

const char *psi_data_kind_name(psi_data_kind kind) {
    return kind == PSI_DATA_RATINGS ? "ratings" : "corpus";
}

static bool name_is_corpus(const char *path) {
    static const char prefix[] = "docword.";
    const char *const slash = strrchr(path, '/');
    psi_corpus_format format;
    return strncmp(slash == NULL ? path : slash + 1, prefix, sizeof prefix - 1) == 0 ||
           psi_corpus_format_named(path, &format);
}

static ps_err first_line(psi_line_input *input, bool *has_line_out, ps_fault *fault) {
    psi_field field;
    do {
        PS_TRY(psi_line_input_next(input, has_line_out, fault));
        field = psi_field_next(*has_line_out ? input->text : "");
    } while (*has_line_out && (psi_field_is_empty(field) || *field.begin == '#'));
    return PS_OK;
}

ps_err psi_data_kind_of(const char *path, psi_data_kind *kind_out, ps_fault *fault) {
    psi_line_input input;
    bool has_line = false;
    PS_TRY(psi_line_input_open(path, &input, fault));
    const ps_err err = first_line(&input, &has_line, fault);
    bool is_corpus = name_is_corpus(path);
    if (err == PS_OK && has_line && !is_corpus) {
        const psi_field second = psi_field_next(psi_field_next(input.text).end);
        is_corpus = strchr(input.text, ':') != NULL || psi_field_is_empty(second);
    }
    psi_line_input_close(&input);
    *kind_out = is_corpus ? PSI_DATA_CORPUS : PSI_DATA_RATINGS;
    return err;
}
