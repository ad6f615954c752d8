/* The readers of one format each, for ratings.c. Each is called with the first line of the file
 * that is not blank as the current line, and reads to the end of the file. */
#ifndef PSI_RATINGS_FORMAT_H
#define PSI_RATINGS_FORMAT_H

#include <stdbool.h>
#include <stdint.h>

#include "tortoise/err.h"

#include "data/line_input.h"
#include "data/number.h"
#include "data/ratings.h"

/* The banner that MatrixMarket files begin with; upper and lower case are alike. */
bool psi_matrix_market_is_named(const char *line);

PS_MUST_CHECK ps_err psi_ratings_read_text(psi_line_input *input, psi_ratings *ratings,
                                           ps_fault *fault);
PS_MUST_CHECK ps_err psi_ratings_read_matrix_market(psi_line_input *input, psi_ratings *ratings,
                                                    ps_fault *fault);

/* Steps over blank lines and lines that begin with `comment`, from the next line on. */
PS_MUST_CHECK ps_err psi_line_next_content(psi_line_input *input, char comment, bool *has_line_out,
                                           ps_fault *fault);

/* Whether nothing but blanks is at `at` and behind it in the current line. */
bool psi_line_ends_at(const psi_line_input *input, const char *at);

/* An id of `what` ("user") in a line that looks like `wanted`: 1..id_max, which comes from
 * `max_origin` ("2^32-1", "the size line's rows"). All texts are for messages. */
typedef struct psi_id_rule {
    const char *what, *wanted;
    uint64_t id_max;
    const char *max_origin;
} psi_id_rule;

/* Reads the three fields that the current line begins with, two ids and a finite number that f32
 * can hold, and appends them as a rating; its ids count from 0. *at_out is behind the fields. */
PS_MUST_CHECK ps_err psi_rating_read(const psi_line_input *input, const psi_id_rule *user_rule,
                                     const psi_id_rule *item_rule, psi_ratings *ratings,
                                     const char **at_out, ps_fault *fault);

/* Refuses the field at `at` as one too many, or whatever else keeps the line from ending there. */
ps_err psi_line_refuse_rest(const psi_line_input *input, const char *wanted, const char *at,
                            ps_fault *fault);

#endif
