#include "data/ratings.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "data/line_input.h"
#include "data/ratings_format.h"
#include "data/synthetic.h"

enum { CAPACITY_MIN = 1024 };

const char *psi_ratings_format_name(psi_ratings_format format) {
    switch (format) {
    case PSI_RATINGS_TEXT:
        return "text";
    case PSI_RATINGS_MATRIX_MARKET:
        return "MatrixMarket";
    case PSI_RATINGS_SYNTHETIC:
        return "synthetic";
    }
    return "unknown";
}

void psi_ratings_fini(psi_ratings *ratings) {
    free(ratings->user);
    free(ratings->item);
    free(ratings->value);
    *ratings = (psi_ratings){0};
}

/* Moves `*numbers` to room for `capacity` numbers of four bytes. */
static bool numbers_grow(void **numbers, size_t capacity) {
    void *const grown = realloc(*numbers, capacity * sizeof(uint32_t));
    if (grown != NULL) {
        *numbers = grown;
    }
    return grown != NULL;
}

static ps_err ratings_grow(psi_ratings *ratings) {
    if (ratings->capacity > SIZE_MAX / 4 / sizeof(uint32_t)) {
        return PS_ENOMEM;
    }
    const size_t capacity = ratings->capacity == 0 ? CAPACITY_MIN : ratings->capacity * 2;
    void *user = ratings->user, *item = ratings->item, *value = ratings->value;
    const bool is_grown = numbers_grow(&user, capacity) && numbers_grow(&item, capacity) &&
                          numbers_grow(&value, capacity);
    ratings->user = user;
    ratings->item = item;
    ratings->value = value;
    if (!is_grown) {
        return PS_ENOMEM;
    }
    ratings->capacity = capacity;
    return PS_OK;
}

ps_err psi_ratings_append(psi_ratings *ratings, uint32_t user, uint32_t item, float value) {
    if (ratings->count == ratings->capacity) {
        PS_TRY(ratings_grow(ratings));
    }
    const size_t at = ratings->count++;
    ratings->user[at] = user;
    ratings->item[at] = item;
    ratings->value[at] = value;
    return PS_OK;
}

void psi_ratings_complete(psi_ratings *ratings) {
    if (ratings->count == 0) {
        return;
    }
    uint32_t user_max = 0, item_max = 0;
    float min = ratings->value[0], max = ratings->value[0];
    double sum = 0;
    for (size_t i = 0; i < ratings->count; i++) {
        const float value = ratings->value[i];
        user_max = ratings->user[i] > user_max ? ratings->user[i] : user_max;
        item_max = ratings->item[i] > item_max ? ratings->item[i] : item_max;
        min = value < min ? value : min;
        max = value > max ? value : max;
        sum += (double)value;
    }
    ratings->user_count = ratings->user_count > user_max ? ratings->user_count : user_max + 1;
    ratings->item_count = ratings->item_count > item_max ? ratings->item_count : item_max + 1;
    ratings->min = (double)min;
    ratings->max = (double)max;
    ratings->mean = sum / (double)ratings->count;
}

/* Whether `path` ends in ".mtx" or ".mtx.gz". */
static bool name_is_matrix_market(const char *path) {
    size_t length = strlen(path);
    if (length > 3 && strcmp(path + length - 3, ".gz") == 0) {
        length -= 3;
    }
    return length > 4 && memcmp(path + length - 4, ".mtx", 4) == 0;
}

/* Steps over a byte order mark, which some editors write. */
static void mark_skip(psi_line_input *input) {
    static const char mark[] = "\xef\xbb\xbf";
    if (input->line == 1 && strncmp(input->text, mark, 3) == 0) {
        input->text += 3;
        input->text_size -= 3;
    }
}

static ps_err content_read(psi_line_input *input, psi_ratings *ratings, ps_fault *fault) {
    bool has_line = false;
    do {
        PS_TRY(psi_line_input_next(input, &has_line, fault));
        if (has_line) {
            mark_skip(input);
        }
    } while (has_line && psi_line_ends_at(input, input->text));
    if (has_line && psi_matrix_market_is_named(input->text)) {
        ratings->format = PSI_RATINGS_MATRIX_MARKET;
        PS_TRY(psi_ratings_read_matrix_market(input, ratings, fault));
    } else if (has_line && name_is_matrix_market(input->path)) {
        return psi_line_input_refuse(input, input->text, fault,
                                     "the name says MatrixMarket, but the first line is not "
                                     "%%%%MatrixMarket; rename or repair the file");
    } else if (has_line) {
        ratings->format = PSI_RATINGS_TEXT;
        PS_TRY(psi_ratings_read_text(input, ratings, fault));
    }
    if (ratings->count == 0) {
        return ps_fault_set(
            fault, PS_EFORMAT,
            "%s:%zu:1: there is no rating in the file; a line is `user item rating`", input->path,
            input->line + 1);
    }
    return PS_OK;
}

ps_err psi_ratings_read(const char *path, psi_ratings *ratings_out, ps_fault *fault) {
    *ratings_out = (psi_ratings){0};
    psi_line_input input;
    PS_TRY(psi_line_input_open(path, &input, fault));
    const ps_err err = content_read(&input, ratings_out, fault);
    psi_line_input_close(&input);
    if (err != PS_OK) {
        psi_ratings_fini(ratings_out);
        return err;
    }
    psi_ratings_complete(ratings_out);
    return PS_OK;
}

ps_err psi_ratings_open(const char *data, uint64_t seed, uint32_t worker_count,
                        psi_ratings *ratings_out, ps_fault *fault) {
    if (!psi_synthetic_is_named(data)) {
        return psi_ratings_read(data, ratings_out, fault);
    }
    *ratings_out = (psi_ratings){0};
    psi_synthetic spec;
    PS_TRY(psi_synthetic_parse(data, seed, worker_count, &spec, fault));
    return psi_synthetic_make(&spec, ratings_out, fault);
}
