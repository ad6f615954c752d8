/* Decimal numbers in text files: exact and fast, and strict about what a number is. */
#ifndef PSI_NUMBER_H
#define PSI_NUMBER_H

#include <stdint.h>

/* Powers of ten that a double holds exactly, up to 10^22. A whole number of at most 15 digits times
 * or over one of them is rounded once, so it is what strtod gives (Clinger, "How to read floating
 * point numbers accurately", PLDI 1990). */
enum { PSI_NUMBER_POWER_MAX = 22, PSI_NUMBER_DIGITS_EXACT_MAX = 15 };
extern const double psi_number_power_of_ten[PSI_NUMBER_POWER_MAX + 1];

typedef enum psi_number_verdict {
    PSI_NUMBER_GOOD,
    PSI_NUMBER_NONE,       /* it is no decimal number */
    PSI_NUMBER_TOO_LARGE,  /* beyond the range of the type */
    PSI_NUMBER_NOT_FINITE, /* infinity or not-a-number, in words */
    PSI_NUMBER_FRACTION    /* a number, but not a whole one >= 0 (psi_number_whole() alone) */
} psi_number_verdict;

/* Reads [begin, end) as a whole number >= 0; the whole text must be digits. On failure *value_out
 * is unchanged. O(length). */
psi_number_verdict psi_number_whole(const char *begin, const char *end, uint64_t *value_out);

/* Reads [begin, end) as [+-]digits[.digits][e[+-]digits]. The result is (float)strtod(text), to the
 * last bit; short numbers are made without strtod. The byte at `end` must be readable and be no
 * part of a number. On failure *value_out is unchanged. O(length). */
psi_number_verdict psi_number_real(const char *begin, const char *end, float *value_out);

#endif
