#include "data/ratings_format.h"

#include <ctype.h>
#include <stddef.h>

static const char banner[] = "%%MatrixMarket";
static const char wanted[] = "`row column value`";
static const char wanted_size[] = "`rows columns entries`";

/* Whether `field` is `word`, upper and lower case alike. */
static bool field_is(psi_field field, const char *word) {
    const char *at = field.begin;
    while (at < field.end && *word != '\0' &&
           tolower((unsigned char)*at) == tolower((unsigned char)*word)) {
        at++;
        word++;
    }
    return at == field.end && *word == '\0';
}

bool psi_matrix_market_is_named(const char *line) {
    return field_is(psi_field_next(line), banner);
}

/* Checks "%%MatrixMarket matrix coordinate real|integer general". */
static ps_err banner_check(const psi_line_input *input, ps_fault *fault) {
    static const char *const known[][2] = {
        {"matrix", NULL}, {"coordinate", NULL}, {"real", "integer"}, {"general", NULL}};
    psi_field field = psi_field_next(input->text);
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
        field = psi_field_next(field.end);
        const bool is_other = known[i][1] != NULL && field_is(field, known[i][1]);
        if (!field_is(field, known[i][0]) && !is_other) {
            return psi_line_input_refuse(
                input, field.begin, fault,
                "'%.*s' is not read here; write `%s matrix coordinate real|integer general`",
                (int)(field.end - field.begin < 40 ? field.end - field.begin : 40), field.begin,
                banner);
        }
    }
    return psi_line_ends_at(input, field.end)
               ? PS_OK
               : psi_line_refuse_rest(input, "the banner", field.end, fault);
}

/* rows, columns and entries, as the size line says. */
typedef struct size_line {
    uint64_t rows, columns, entries;
} size_line;

static ps_err size_number_read(const psi_line_input *input, const char *what, const char **at,
                               uint64_t *number_out, ps_fault *fault) {
    const psi_field field = psi_field_next(*at);
    if (psi_number_whole(field.begin, field.end, number_out) != PSI_NUMBER_GOOD) {
        return psi_line_input_refuse(input, field.begin, fault,
                                     "the number of %s is no whole number; the size line is %s",
                                     what, wanted_size);
    }
    *at = field.end;
    return PS_OK;
}

static ps_err size_line_read(const psi_line_input *input, size_line *size_out, ps_fault *fault) {
    const char *at = input->text;
    PS_TRY(size_number_read(input, "rows", &at, &size_out->rows, fault));
    PS_TRY(size_number_read(input, "columns", &at, &size_out->columns, fault));
    PS_TRY(size_number_read(input, "entries", &at, &size_out->entries, fault));
    if (!psi_line_ends_at(input, at)) {
        return psi_line_refuse_rest(input, wanted_size, at, fault);
    }
    if (size_out->rows > UINT32_MAX || size_out->columns > UINT32_MAX) {
        return psi_line_input_refuse(input, input->text, fault,
                                     "more than 2^32-1 rows or columns are not supported");
    }
    return PS_OK;
}

static ps_err entry_read(const psi_line_input *input, const size_line *size, psi_ratings *ratings,
                         ps_fault *fault) {
    const psi_id_rule row_rule = {.what = "row",
                                  .wanted = wanted,
                                  .id_max = size->rows,
                                  .max_origin = "the rows of the size line"};
    const psi_id_rule column_rule = {.what = "column",
                                     .wanted = wanted,
                                     .id_max = size->columns,
                                     .max_origin = "the columns of the size line"};
    const char *at = NULL;
    PS_TRY(psi_rating_read(input, &row_rule, &column_rule, ratings, &at, fault));
    return psi_line_ends_at(input, at) ? PS_OK : psi_line_refuse_rest(input, wanted, at, fault);
}

ps_err psi_ratings_read_matrix_market(psi_line_input *input, psi_ratings *ratings,
                                      ps_fault *fault) {
    PS_TRY(banner_check(input, fault));
    bool has_line = false;
    size_line size = {0};
    PS_TRY(psi_line_next_content(input, '%', &has_line, fault));
    if (!has_line) {
        return ps_fault_set(fault, PS_EFORMAT, "%s:%zu:1: the size line is missing; it is %s",
                            input->path, input->line + 1, wanted_size);
    }
    PS_TRY(size_line_read(input, &size, fault));
    PS_TRY(psi_line_next_content(input, '%', &has_line, fault));
    while (has_line) {
        if (ratings->count == size.entries) {
            return psi_line_input_refuse(
                input, input->text, fault,
                "more entries than the %llu that the size line says; correct one of them",
                (unsigned long long)size.entries);
        }
        PS_TRY(entry_read(input, &size, ratings, fault));
        PS_TRY(psi_line_next_content(input, '%', &has_line, fault));
    }
    if (ratings->count != size.entries) {
        return ps_fault_set(fault, PS_EFORMAT,
                            "%s:%zu:1: the file ends after %zu entries, but the size line says "
                            "%llu; fetch or make it again",
                            input->path, input->line + 1, ratings->count,
                            (unsigned long long)size.entries);
    }
    ratings->user_count = (uint32_t)size.rows;
    ratings->item_count = (uint32_t)size.columns;
    return PS_OK;
}
