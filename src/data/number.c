#include "data/number.h"

#include <float.h>
#include <math.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>

const double psi_number_power_of_ten[] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,
                                          1e8,  1e9,  1e10, 1e11, 1e12, 1e13, 1e14, 1e15,
                                          1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};
enum { EXPONENT_MAX = 100000 };

static bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

/* A decimal number, taken apart: digits x 10^exponent. */
typedef struct decimal {
    uint64_t digits; /* of the first 19 significant ones at most */
    int digit_count; /* significant digits seen */
    int exponent;
    bool is_negative;
} decimal;

/* Whether [begin, end) is "nan", "inf" or "infinity" in any case, with or without a sign. */
static bool is_not_finite(const char *begin, const char *end) {
    static const char *const words[] = {"nan", "inf", "infinity"};
    if (begin < end && (*begin == '-' || *begin == '+')) {
        begin++;
    }
    for (size_t w = 0; w < sizeof words / sizeof words[0]; w++) {
        const char *word = words[w];
        const char *at = begin;
        while (at < end && *word != '\0' && (*at | 0x20) == *word) {
            at++;
            word++;
        }
        if (at == end && *word == '\0') {
            return true;
        }
    }
    return false;
}

/* Reads digits from *at on; `scale` is added to the exponent per digit (-1 behind the point).
 * Returns how many there were. */
static size_t digits_read(const char **at, const char *end, int scale, decimal *number) {
    const char *const first = *at;
    while (*at < end && is_digit(**at)) {
        if (number->digit_count < 19) {
            number->digits = number->digits * 10 + (uint64_t)(**at - '0');
            number->digit_count += number->digits != 0;
            number->exponent += scale;
        } else {
            number->digit_count += number->digit_count < EXPONENT_MAX;
            number->exponent += scale + 1;
        }
        (*at)++;
    }
    return (size_t)(*at - first);
}

/* Reads what follows an 'e'. Returns false if it is no whole number. */
static bool exponent_read(const char **at, const char *end, decimal *number) {
    bool is_negative = false;
    if (*at < end && (**at == '-' || **at == '+')) {
        is_negative = **at == '-';
        (*at)++;
    }
    const char *const first = *at;
    int exponent = 0;
    while (*at < end && is_digit(**at)) {
        if (exponent < EXPONENT_MAX) {
            exponent = exponent * 10 + (**at - '0');
        }
        (*at)++;
    }
    number->exponent += is_negative ? -exponent : exponent;
    return *at > first;
}

static bool decimal_read(const char *at, const char *end, decimal *number) {
    if (at < end && (*at == '-' || *at == '+')) {
        number->is_negative = *at == '-';
        at++;
    }
    size_t digit_count = digits_read(&at, end, 0, number);
    if (at < end && *at == '.') {
        at++;
        digit_count += digits_read(&at, end, -1, number);
    }
    if (digit_count == 0) {
        return false;
    }
    if (at < end && (*at | 0x20) == 'e') {
        at++;
        if (!exponent_read(&at, end, number)) {
            return false;
        }
    }
    return at == end;
}

psi_number_verdict psi_number_real(const char *begin, const char *end, float *value_out) {
    decimal number = {0};
    if (!decimal_read(begin, end, &number)) {
        return is_not_finite(begin, end) ? PSI_NUMBER_NOT_FINITE : PSI_NUMBER_NONE;
    }
    double value = 0;
    if (number.digit_count <= PSI_NUMBER_DIGITS_EXACT_MAX &&
        abs(number.exponent) <= PSI_NUMBER_POWER_MAX) {
        value = (double)number.digits;
        value = number.exponent < 0 ? value / psi_number_power_of_ten[-number.exponent]
                                    : value * psi_number_power_of_ten[number.exponent];
        value = number.is_negative ? -value : value;
    } else {
        value = strtod(begin, NULL);
    }
    const float single = fabs(value) > FLT_MAX ? INFINITY : (float)value;
    if (isinf(single)) {
        return PSI_NUMBER_TOO_LARGE;
    }
    *value_out = single;
    return PSI_NUMBER_GOOD;
}

psi_number_verdict psi_number_whole(const char *begin, const char *end, uint64_t *value_out) {
    uint64_t value = 0;
    const char *at = begin;
    while (at < end && is_digit(*at)) {
        const uint64_t digit = (uint64_t)(*at - '0');
        if (value > (UINT64_MAX - digit) / 10) {
            return PSI_NUMBER_TOO_LARGE;
        }
        value = value * 10 + digit;
        at++;
    }
    if (at == end && at > begin) {
        *value_out = value;
        return PSI_NUMBER_GOOD;
    }
    float real = 0;
    return psi_number_real(begin, end, &real) == PSI_NUMBER_NONE ? PSI_NUMBER_NONE
                                                                 : PSI_NUMBER_FRACTION;
}
