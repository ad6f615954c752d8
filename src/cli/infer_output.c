#include "infer_output.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "numbers.h"

enum { SHOWN_MAX = 5 };

tt_infer_format tt_infer_format_of(const char *word) {
    if (strcmp(word, "csv") == 0) {
        return TT_INFER_CSV;
    }
    return strcmp(word, "json") == 0 ? TT_INFER_JSON : TT_INFER_TEXT;
}

static const double *row_of(const ps_answer *answer, uint64_t row) {
    return answer->values + row * answer->column_count;
}

/* The largest values of a row, the first of equal ones first. */
static void print_largest(FILE *to, const double *values, uint32_t count) {
    uint32_t shown[SHOWN_MAX];
    uint32_t shown_count = 0;
    double sum = 0;
    for (uint32_t c = 0; c < count; c++) {
        sum += values[c];
        uint32_t at = shown_count < SHOWN_MAX ? shown_count++ : SHOWN_MAX;
        for (; at > 0 && values[shown[at - 1]] < values[c]; at--) {
            if (at < SHOWN_MAX) {
                shown[at] = shown[at - 1];
            }
        }
        if (at < SHOWN_MAX) {
            shown[at] = c;
        }
    }
    for (uint32_t i = 0; i < shown_count && values[shown[i]] >= sum / 100; i++) {
        (void)fprintf(to, "%s%" PRIu32 " %.3f", i == 0 ? " " : ", ", shown[i], values[shown[i]]);
    }
}

static void print_text(FILE *to, const ps_answer *answer) {
    for (size_t i = 0; i < answer->number_count; i++) {
        (void)fprintf(to, "%-16s %.8g\n", answer->numbers[i].name, answer->numbers[i].value);
    }
    for (uint64_t row = 0; row < answer->row_count; row++) {
        (void)fprintf(to, "%s %" PRIu64 ":", answer->row_name, row);
        if (answer->column_count == 1) {
            (void)fprintf(to, " %.6f", *row_of(answer, row));
        } else {
            print_largest(to, row_of(answer, row), answer->column_count);
        }
        (void)fputc('\n', to);
    }
}

static void print_csv(FILE *to, const ps_answer *answer) {
    char text[TT_NUMBER_TEXT_BYTES];
    (void)fputs(answer->row_name, to);
    if (answer->column_count == 1) {
        (void)fprintf(to, ",%s", answer->value_name);
    }
    for (uint32_t c = 0; c < answer->column_count && answer->column_count > 1; c++) {
        (void)fprintf(to, ",%s_%" PRIu32, answer->value_name, c);
    }
    for (uint64_t row = 0; row < answer->row_count; row++) {
        (void)fprintf(to, "\n%" PRIu64, row);
        for (uint32_t c = 0; c < answer->column_count; c++) {
            (void)fprintf(to, ",%s", tt_number_exact(row_of(answer, row)[c], text));
        }
    }
    (void)fputc('\n', to);
}

/* JSON has no number that is not finite. */
static void print_json_number(FILE *to, double value) {
    char text[TT_NUMBER_TEXT_BYTES];
    (void)fputs(isfinite(value) ? tt_number_exact(value, text) : "null", to);
}

static void print_json(FILE *to, const ps_answer *answer) {
    (void)fprintf(to, "{\n");
    for (size_t i = 0; i < answer->number_count; i++) {
        (void)fprintf(to, "  \"%s\": ", answer->numbers[i].name);
        print_json_number(to, answer->numbers[i].value);
        (void)fputs(",\n", to);
    }
    (void)fprintf(to, "  \"%ss\": %" PRIu32 ",\n  \"values\": [", answer->value_name,
                  answer->column_count);
    for (uint64_t row = 0; row < answer->row_count; row++) {
        (void)fputs(row == 0 ? "\n    [" : ",\n    [", to);
        for (uint32_t c = 0; c < answer->column_count; c++) {
            (void)fputs(c == 0 ? "" : ", ", to);
            print_json_number(to, row_of(answer, row)[c]);
        }
        (void)fputc(']', to);
    }
    (void)fputs("\n  ]\n}\n", to);
}

void tt_infer_print(FILE *to, const ps_answer *answer, tt_infer_format format) {
    switch (format) {
    case TT_INFER_TEXT:
        print_text(to, answer);
        return;
    case TT_INFER_CSV:
        print_csv(to, answer);
        return;
    case TT_INFER_JSON:
        print_json(to, answer);
        return;
    }
}
