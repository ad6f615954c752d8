#include "data/ratings_format.h"

static const char wanted[] = "`user item rating`";
static const psi_id_rule user_rule = {
    .what = "user", .wanted = wanted, .id_max = UINT32_MAX, .max_origin = "2^32-1"};
static const psi_id_rule item_rule = {
    .what = "item", .wanted = wanted, .id_max = UINT32_MAX, .max_origin = "2^32-1"};

/* What stands behind the rating may be a time stamp, which is a number and is not kept. */
static ps_err stamp_check(const psi_line_input *input, const char *at, ps_fault *fault) {
    float stamp = 0;
    const psi_field field = psi_field_next(at);
    if (psi_number_real(field.begin, field.end, &stamp) != PSI_NUMBER_GOOD) {
        return psi_line_refuse_rest(input, wanted, at, fault);
    }
    if (!psi_line_ends_at(input, field.end)) {
        return psi_line_refuse_rest(input, "`user item rating [timestamp]`", field.end, fault);
    }
    return PS_OK;
}

ps_err psi_ratings_read_text(psi_line_input *input, psi_ratings *ratings, ps_fault *fault) {
    bool has_line = true;
    if (input->text[0] == '#') {
        PS_TRY(psi_line_next_content(input, '#', &has_line, fault));
    }
    while (has_line) {
        const char *at = NULL;
        PS_TRY(psi_rating_read(input, &user_rule, &item_rule, ratings, &at, fault));
        if (!psi_line_ends_at(input, at)) {
            PS_TRY(stamp_check(input, at, fault));
        }
        PS_TRY(psi_line_next_content(input, '#', &has_line, fault));
    }
    return PS_OK;
}
