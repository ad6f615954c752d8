#include "data/ratings_format.h"

#include <ctype.h>

bool psi_line_ends_at(const psi_line_input *input, const char *at) {
    return psi_field_next(at).begin == input->text + input->text_size;
}

ps_err psi_line_next_content(psi_line_input *input, char comment, bool *has_line_out,
                             ps_fault *fault) {
    do {
        PS_TRY(psi_line_input_next(input, has_line_out, fault));
    } while (*has_line_out && (input->text[0] == comment || psi_line_ends_at(input, input->text)));
    return PS_OK;
}

/* Takes the next field, or refuses the line because it has none or holds what is no text. */
static ps_err field_take(const psi_line_input *input, const char *what, const char *wanted,
                         const char **at, psi_field *field_out, ps_fault *fault) {
    const psi_field field = psi_field_next(*at);
    if (!psi_field_is_empty(field)) {
        *field_out = field;
        *at = field.end;
        return PS_OK;
    }
    if (field.begin == input->text + input->text_size) {
        return psi_line_input_refuse(input, field.begin, fault, "the %s is missing; a line is %s",
                                     what, wanted);
    }
    return psi_line_input_refuse(input, field.begin, fault,
                                 "byte 0x%02x is no text; is this a text file?",
                                 (unsigned)(unsigned char)*field.begin);
}

/* Reads the field after *at as an id and moves *at behind it. *index_out counts from 0. */
static ps_err id_read(const psi_line_input *input, const psi_id_rule *rule, const char **at,
                      uint32_t *index_out, ps_fault *fault) {
    psi_field field = {0};
    PS_TRY(field_take(input, rule->what, rule->wanted, at, &field, fault));
    uint64_t id = 0;
    const psi_number_verdict verdict = psi_number_whole(field.begin, field.end, &id);
    const int length = psi_field_quote_length(field);
    switch (verdict) {
    case PSI_NUMBER_GOOD:
        break;
    case PSI_NUMBER_TOO_LARGE:
        id = UINT64_MAX;
        break;
    case PSI_NUMBER_FRACTION:
        return psi_line_input_refuse(input, field.begin, fault,
                                     "%s '%.*s' is no whole number from 1; a line is %s",
                                     rule->what, length, field.begin, rule->wanted);
    case PSI_NUMBER_NONE:
    case PSI_NUMBER_NOT_FINITE:
        return psi_line_input_refuse(input, field.begin, fault,
                                     "%s '%.*s' is not a number; a line is %s", rule->what, length,
                                     field.begin, rule->wanted);
    }
    if (id == 0) {
        return psi_line_input_refuse(input, field.begin, fault,
                                     "%s 0 is out of range; ids start at 1", rule->what);
    }
    if (id > rule->id_max) {
        return psi_line_input_refuse(input, field.begin, fault,
                                     "%s %.*s is beyond %s; renumber the ids", rule->what, length,
                                     field.begin, rule->max_origin);
    }
    *index_out = (uint32_t)(id - 1);
    return PS_OK;
}

/* Reads the field after *at as a finite number that f32 can hold. */
static ps_err value_read(const psi_line_input *input, const char *wanted, const char **at,
                         float *value_out, ps_fault *fault) {
    psi_field field = {0};
    PS_TRY(field_take(input, "rating", wanted, at, &field, fault));
    const psi_number_verdict verdict = psi_number_real(field.begin, field.end, value_out);
    const int length = psi_field_quote_length(field);
    switch (verdict) {
    case PSI_NUMBER_GOOD:
        return PS_OK;
    case PSI_NUMBER_TOO_LARGE:
        return psi_line_input_refuse(input, field.begin, fault,
                                     "rating %.*s is beyond 3.4e38; scale the ratings", length,
                                     field.begin);
    case PSI_NUMBER_NOT_FINITE:
        return psi_line_input_refuse(input, field.begin, fault,
                                     "rating '%.*s' is not finite; remove the line", length,
                                     field.begin);
    case PSI_NUMBER_NONE:
    case PSI_NUMBER_FRACTION:
        break;
    }
    return psi_line_input_refuse(input, field.begin, fault,
                                 "rating '%.*s' is not a number; a line is %s", length, field.begin,
                                 wanted);
}

ps_err psi_rating_read(const psi_line_input *input, const psi_id_rule *user_rule,
                       const psi_id_rule *item_rule, psi_ratings *ratings, const char **at_out,
                       ps_fault *fault) {
    uint32_t user = 0, item = 0;
    float value = 0;
    const char *at = input->text;
    PS_TRY(id_read(input, user_rule, &at, &user, fault));
    PS_TRY(id_read(input, item_rule, &at, &item, fault));
    PS_TRY(value_read(input, user_rule->wanted, &at, &value, fault));
    if (psi_ratings_append(ratings, user, item, value) != PS_OK) {
        return ps_fault_set(fault, PS_ENOMEM, "%s: no memory for %zu ratings", input->path,
                            ratings->count + 1);
    }
    *at_out = at;
    return PS_OK;
}

ps_err psi_line_refuse_rest(const psi_line_input *input, const char *wanted, const char *at,
                            ps_fault *fault) {
    psi_field field = {0};
    PS_TRY(field_take(input, "end", wanted, &at, &field, fault));
    return psi_line_input_refuse(input, field.begin, fault,
                                 "'%.*s' is one field too many; a line is %s",
                                 psi_field_quote_length(field), field.begin, wanted);
}
