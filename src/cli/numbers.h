/* Numbers as text: shortest round trip for files, units for people, strict reading of what people
 * type. */
#ifndef TT_NUMBERS_H
#define TT_NUMBERS_H

#include <stddef.h>
#include <stdint.h>

#include "tortoise/err.h"

enum { TT_NUMBER_TEXT_BYTES = 40 };

/* Writes the shortest decimal that strtod() reads back as `value` ("0.1", "1e-09", "nan", "inf").
 * The same value always gives the same text. Returns `text`. */
const char *tt_number_exact(double value, char text[static TT_NUMBER_TEXT_BYTES]);

/* For people, about three digits: "1.25 s", "340 us"; "12.3 MB"; "1.2 M" (of `unit`). Return
 * `text`. */
const char *tt_number_time(double seconds, char text[static TT_NUMBER_TEXT_BYTES]);
const char *tt_number_bytes(double bytes, char text[static TT_NUMBER_TEXT_BYTES]);
const char *tt_number_scaled(double value, const char *unit,
                             char text[static TT_NUMBER_TEXT_BYTES]);

/* Reads a whole number in [min, max] that `what` ("--nodes") was given as. One line in `fault` if
 * it is none. */
PS_MUST_CHECK ps_err tt_number_read_count(const char *what, const char *text, uint64_t min,
                                          uint64_t max, uint64_t *value_out, ps_fault *fault);

/* Reads a finite real number in [min, max]. */
PS_MUST_CHECK ps_err tt_number_read_real(const char *what, const char *text, double min, double max,
                                         double *value_out, ps_fault *fault);

#endif
