#include "data/examples.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "data/line_input.h"
#include "data/number.h"
#include "data/synthetic.h"
#include "data/synthetic_examples.h"

enum { CAPACITY_MIN = 1024, PAIR_BYTES_MIN = 4 /* with a blank */ };

static const char line_form[] = "`label feature:value ...`";

const char *psi_examples_format_name(psi_examples_format format) {
    return format == PSI_EXAMPLES_LIBSVM ? "libsvm" : "synthetic";
}

void psi_examples_fini(psi_examples *examples) {
    free(examples->labels);
    free(examples->begins);
    free(examples->features);
    free(examples->values);
    *examples = (psi_examples){0};
}

/* Moves `*items` to room for `count` of `size` bytes. */
static bool items_move(void **items, size_t count, size_t size) {
    void *const moved = count > SIZE_MAX / size ? NULL : realloc(*items, count * size);
    if (moved != NULL) {
        *items = moved;
    }
    return moved != NULL;
}

ps_err psi_examples_add(psi_examples *examples, float label) {
    if (examples->count == examples->capacity) {
        const size_t capacity = examples->capacity == 0 ? CAPACITY_MIN : 2 * examples->capacity;
        void *labels = examples->labels, *begins = examples->begins;
        const bool has_room = items_move(&labels, capacity, sizeof *examples->labels) &&
                              items_move(&begins, capacity + 1, sizeof *examples->begins);
        examples->labels = labels;
        examples->begins = begins;
        if (!has_room) {
            return PS_ENOMEM;
        }
        examples->capacity = capacity;
    }
    examples->labels[examples->count] = label;
    examples->begins[examples->count++] = examples->nonzero_count;
    examples->begins[examples->count] = examples->nonzero_count;
    return PS_OK;
}

/* Room for `more` features. */
static ps_err nonzeros_reserve(psi_examples *examples, size_t more) {
    const size_t wanted = examples->nonzero_count + more;
    if (wanted <= examples->nonzero_capacity) {
        return PS_OK;
    }
    const size_t doubled = 2 * examples->nonzero_capacity;
    const size_t capacity = doubled > wanted ? doubled : wanted + CAPACITY_MIN;
    void *features = examples->features, *values = examples->values;
    const bool has_room = items_move(&features, capacity, sizeof *examples->features) &&
                          items_move(&values, capacity, sizeof *examples->values);
    examples->features = features;
    examples->values = values;
    if (has_room) {
        examples->nonzero_capacity = capacity;
    }
    return has_room ? PS_OK : PS_ENOMEM;
}

ps_err psi_examples_add_feature(psi_examples *examples, uint32_t feature, float value) {
    PS_TRY(nonzeros_reserve(examples, 1));
    examples->features[examples->nonzero_count] = feature;
    examples->values[examples->nonzero_count++] = value;
    examples->begins[examples->count] = examples->nonzero_count;
    if (feature >= examples->feature_count) {
        examples->feature_count = feature + 1;
    }
    return PS_OK;
}

/* ---- libsvm ---- */

static ps_err real_read(const psi_line_input *input, const char *what, psi_field field,
                        float *value_out, ps_fault *fault) {
    const psi_number_verdict verdict = psi_number_real(field.begin, field.end, value_out);
    if (verdict == PSI_NUMBER_GOOD) {
        return PS_OK;
    }
    const char *const why = verdict == PSI_NUMBER_TOO_LARGE    ? "is beyond 3.4e38"
                            : verdict == PSI_NUMBER_NOT_FINITE ? "is not finite"
                                                               : "is not a number";
    return psi_line_input_refuse(input, field.begin, fault, "%s '%.*s' %s; a line is %s", what,
                                 psi_field_quote_length(field), field.begin, why, line_form);
}

static bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

/* Reads digits into `digits`, which is right if they were not too many. Returns their end. */
static const char *digits_scan(const char *at, uint64_t *digits) {
    uint64_t value = *digits;
    for (; is_digit(*at); at++) {
        value = value * 10 + (uint64_t)(*at - '0');
    }
    *digits = value;
    return at;
}

/* Appends "feature:value" of the usual form, digits:[-]digits[.digits], in one go, into room that
 * is reserved. Returns its end, or NULL, having changed nothing, where pair_read() must look
 * closely. */
static const char *pair_scan(const char *at, psi_examples *examples) {
    enum { ID_DIGITS_MAX = 9 };
    uint64_t id = 0, digits = 0;
    const char *const colon = digits_scan(at, &id);
    if (*colon != ':' || colon - at > ID_DIGITS_MAX || id == 0) {
        return NULL;
    }
    const bool is_negative = colon[1] == '-';
    const char *const begin = colon + 1 + is_negative;
    const char *end = digits_scan(begin, &digits);
    ptrdiff_t count = end - begin, behind_point = 0;
    if (*end == '.') {
        const char *const point = end;
        end = digits_scan(point + 1, &digits);
        behind_point = end - point - 1;
        count += behind_point;
    }
    if (count == 0 || count > PSI_NUMBER_DIGITS_EXACT_MAX || (unsigned char)*end > ' ') {
        return NULL;
    }
    const double size = (double)digits / psi_number_power_of_ten[behind_point];
    const size_t n = examples->nonzero_count++;
    examples->features[n] = (uint32_t)id - 1;
    examples->values[n] = (float)(is_negative ? -size : size);
    if (id > examples->feature_count) {
        examples->feature_count = (uint32_t)id;
    }
    return end;
}

/* "feature:value" at `field`. */
static ps_err pair_read(const psi_line_input *input, psi_field field, psi_examples *examples,
                        ps_fault *fault) {
    const char *const colon = memchr(field.begin, ':', (size_t)(field.end - field.begin));
    uint64_t id = 0;
    const psi_number_verdict verdict =
        colon == NULL ? PSI_NUMBER_NONE : psi_number_whole(field.begin, colon, &id);
    if (verdict != PSI_NUMBER_GOOD && verdict != PSI_NUMBER_TOO_LARGE) {
        return psi_line_input_refuse(input, field.begin, fault,
                                     "'%.*s' is no feature:value; a line is %s",
                                     psi_field_quote_length(field), field.begin, line_form);
    }
    if (verdict == PSI_NUMBER_TOO_LARGE || id == 0 || id >= UINT32_MAX) {
        return psi_line_input_refuse(
            input, field.begin, fault, "feature %.*s is out of range; ids are 1 to 2^32-2",
            psi_field_quote_length((psi_field){field.begin, colon}), field.begin);
    }
    float value = 0;
    PS_TRY(real_read(input, "value", (psi_field){colon + 1, field.end}, &value, fault));
    return psi_examples_add_feature(examples, (uint32_t)(id - 1), value);
}

static const char *blanks_skip(const char *at) {
    while (*at == ' ' || *at == '\t') {
        at++;
    }
    return at;
}

static ps_err example_read(const psi_line_input *input, psi_field first, psi_examples *examples,
                           ps_fault *fault) {
    if (examples->count == UINT32_MAX - 1) {
        return psi_line_input_refuse(input, input->text, fault,
                                     "too many examples; split the file");
    }
    float label = 0;
    PS_TRY(real_read(input, "label", first, &label, fault));
    PS_TRY(psi_examples_add(examples, label));
    PS_TRY(nonzeros_reserve(examples, input->text_size / PAIR_BYTES_MIN + 1));
    const char *at = first.end;
    for (;;) {
        at = blanks_skip(at);
        const char *const end = pair_scan(at, examples);
        if (end != NULL) {
            at = end;
            continue;
        }
        const psi_field field = psi_field_next(at);
        if (psi_field_is_empty(field) || *field.begin == '#') {
            break;
        }
        PS_TRY(pair_read(input, field, examples, fault));
        at = field.end;
    }
    examples->begins[examples->count] = examples->nonzero_count;
    const char *const rest = psi_field_next(at).begin;
    if (*rest != '#' && rest != input->text + input->text_size) {
        return psi_line_input_refuse(input, rest, fault,
                                     "byte 0x%02x is no text; is this a text file?",
                                     (unsigned)(unsigned char)*rest);
    }
    return PS_OK;
}

static ps_err lines_read(psi_line_input *input, psi_examples *examples, ps_fault *fault) {
    bool has_line = false;
    PS_TRY(psi_line_input_next(input, &has_line, fault));
    while (has_line) {
        const psi_field first = psi_field_next(input->text);
        const bool is_blank = first.begin == input->text + input->text_size;
        if (!is_blank && *first.begin != '#') {
            PS_TRY(example_read(input, first, examples, fault));
        }
        PS_TRY(psi_line_input_next(input, &has_line, fault));
    }
    if (examples->count == 0) {
        return ps_fault_set(fault, PS_EFORMAT, "%s:%zu:1: there is no example; a line is %s",
                            input->path, input->line + 1, line_form);
    }
    return PS_OK;
}

ps_err psi_examples_read(const char *path, psi_examples *examples_out, ps_fault *fault) {
    *examples_out = (psi_examples){0};
    psi_line_input input;
    PS_TRY(psi_line_input_open(path, &input, fault));
    const ps_err err = lines_read(&input, examples_out, fault);
    const size_t line = input.line;
    psi_line_input_close(&input);
    if (err == PS_OK) {
        return PS_OK;
    }
    psi_examples_fini(examples_out);
    return err == PS_ENOMEM ? ps_fault_set(fault, err, "%s:%zu:1: no memory", path, line) : err;
}

ps_err psi_examples_open(const char *data, uint64_t seed, uint32_t worker_count,
                         psi_examples *examples_out, ps_fault *fault) {
    if (!psi_synthetic_is_named(data)) {
        return psi_examples_read(data, examples_out, fault);
    }
    *examples_out = (psi_examples){0};
    psi_synthetic_examples spec;
    PS_TRY(psi_synthetic_examples_parse(data, seed, worker_count, &spec, fault));
    return psi_synthetic_examples_make(&spec, examples_out, fault);
}
