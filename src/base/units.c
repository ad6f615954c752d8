#include "base/units.h"

#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tortoise/algo.h"

enum { NUMBER_MAX_CHARS = 40 };

typedef struct unit {
    const char *name;
    double scale;
} unit;

/* What a parser expects. `units` ends with a NULL name. */
typedef struct quantity {
    const char *expected; /* "a time such as 50us, 2ms or 1.5s (units ns, us, ms, s, min, h)" */
    const unit *units;
    bool zero_is_plain;
} quantity;

static const unit no_units[] = {{"", 1}, {NULL, 0}};

static const unit factor_units[] = {{"x", 1}, {"", 1}, {NULL, 0}};

static const unit time_units[] = {
    {"ns", 1e-9}, {"us", 1e-6}, {"ms", 1e-3}, {"s", 1}, {"min", 60}, {"h", 3600}, {NULL, 0},
};

static const unit size_units[] = {
    {"B", 1},        {"kB", 1e3},     {"KB", 1e3},     {"MB", 1e6},     {"GB", 1e9}, {"TB", 1e12},
    {"KiB", 0x1p10}, {"MiB", 0x1p20}, {"GiB", 0x1p30}, {"TiB", 0x1p40}, {NULL, 0},
};

static const unit rate_units[] = {
    {"bps", 1.0 / 8},   {"kbps", 1e3 / 8}, {"Kbps", 1e3 / 8}, {"Mbps", 1e6 / 8}, {"Gbps", 1e9 / 8},
    {"Tbps", 1e12 / 8}, {"B/s", 1},        {"kB/s", 1e3},     {"KB/s", 1e3},     {"MB/s", 1e6},
    {"GB/s", 1e9},      {"TB/s", 1e12},    {"KiB/s", 0x1p10}, {"MiB/s", 0x1p20}, {"GiB/s", 0x1p30},
    {"TiB/s", 0x1p40},  {NULL, 0},
};

static const quantity number_quantity = {"a number such as 0.1 or 100", no_units, false};
static const quantity factor_quantity = {"a factor above 0 such as 2x or 0.5x", factor_units,
                                         false};
static const quantity time_quantity = {
    "a time such as 50us, 2ms or 1.5s (units: ns, us, ms, s, min, h)", time_units, true};
static const quantity size_quantity = {
    "a size in whole bytes such as 64MiB or 1GB (units: B, kB, MB, GB, TB, KiB, MiB, GiB, TiB)",
    size_units, true};
static const quantity rate_quantity = {"a data rate above 0 such as 10Gbps or 1GB/s (units: bps, "
                                       "kbps, Mbps, Gbps, Tbps, B/s, kB/s ... TiB/s)",
                                       rate_units, true};

static bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

static size_t digit_count(const char *text) {
    size_t count = 0;
    while (is_digit(text[count])) {
        count++;
    }
    return count;
}

/* How many characters at the start of `text` are digits[.digits][e[+-]digits]; 0 if it does not
 * start so. */
static size_t number_length(const char *text) {
    size_t length = digit_count(text);
    if (length == 0) {
        return 0;
    }
    if (text[length] == '.') {
        const size_t decimals = digit_count(text + length + 1);
        if (decimals == 0) {
            return 0;
        }
        length += 1 + decimals;
    }
    if (text[length] == 'e' || text[length] == 'E') {
        const size_t sign = text[length + 1] == '+' || text[length + 1] == '-' ? 1 : 0;
        const size_t digits = digit_count(text + length + 1 + sign);
        if (digits > 0) {
            length += 1 + sign + digits;
        }
    }
    return length;
}

static ps_err refuse(const char *text, const char *what, const char *expected, ps_fault *fault) {
    if (what == NULL) {
        return ps_fault_set(fault, PS_EINVAL, "'%.60s' is not %s", text, expected);
    }
    return ps_fault_set(fault, PS_EINVAL, "%s: '%.60s' is not %s", what, text, expected);
}

/* Reads the number and the scale of its unit. False if either is not there or the product is not
 * finite. */
static bool parse_scaled(const char *text, const quantity *kind, double *value_out) {
    const size_t length = number_length(text);
    if (length == 0 || length >= NUMBER_MAX_CHARS) {
        return false;
    }
    char digits[NUMBER_MAX_CHARS];
    memcpy(digits, text, length);
    digits[length] = '\0';
    const double number = strtod(digits, NULL);
    if (number == 0 && text[length] == '\0' && kind->zero_is_plain) {
        *value_out = 0;
        return true;
    }
    for (const unit *at = kind->units; at->name != NULL; at++) {
        if (strcmp(at->name, text + length) == 0) {
            *value_out = number * at->scale;
            return isfinite(*value_out);
        }
    }
    return false;
}

static ps_err parse(const char *text, const char *what, const quantity *kind, double *value_out,
                    ps_fault *fault) {
    double value = 0;
    if (!parse_scaled(text, kind, &value)) {
        return refuse(text, what, kind->expected, fault);
    }
    *value_out = value;
    return PS_OK;
}

static ps_err parse_positive(const char *text, const char *what, const quantity *kind,
                             double *value_out, ps_fault *fault) {
    double value = 0;
    PS_TRY(parse(text, what, kind, &value, fault));
    if (!(value > 0)) {
        return refuse(text, what, kind->expected, fault);
    }
    *value_out = value;
    return PS_OK;
}

ps_err psi_parse_number(const char *text, const char *what, double *value_out, ps_fault *fault) {
    return parse(text, what, &number_quantity, value_out, fault);
}

ps_err psi_parse_count(const char *text, const char *what, uint64_t *value_out, ps_fault *fault) {
    const char *const expected = "a whole number such as 100";
    const size_t length = digit_count(text);
    if (length == 0 || text[length] != '\0') {
        return refuse(text, what, expected, fault);
    }
    uint64_t value = 0;
    for (size_t i = 0; i < length; i++) {
        const uint64_t digit = (uint64_t)(text[i] - '0');
        if (value > (UINT64_MAX - digit) / 10) {
            return refuse(text, what, "a whole number below 2^64", fault);
        }
        value = value * 10 + digit;
    }
    *value_out = value;
    return PS_OK;
}

ps_err psi_parse_seconds(const char *text, const char *what, double *seconds_out, ps_fault *fault) {
    return parse(text, what, &time_quantity, seconds_out, fault);
}

ps_err psi_parse_bytes(const char *text, const char *what, uint64_t *bytes_out, ps_fault *fault) {
    double bytes = 0;
    PS_TRY(parse(text, what, &size_quantity, &bytes, fault));
    if (bytes >= 0x1p53 || bytes != floor(bytes)) {
        return refuse(text, what, size_quantity.expected, fault);
    }
    *bytes_out = (uint64_t)bytes;
    return PS_OK;
}

ps_err psi_parse_rate(const char *text, const char *what, double *bytes_per_s_out,
                      ps_fault *fault) {
    return parse_positive(text, what, &rate_quantity, bytes_per_s_out, fault);
}

ps_err psi_parse_factor(const char *text, const char *what, double *factor_out, ps_fault *fault) {
    return parse_positive(text, what, &factor_quantity, factor_out, fault);
}

/* Writes `value` in the largest of `units`[0..count), ascending, that leaves at least 1. */
static void format_scaled(double value, const unit *units, size_t count,
                          char text[static PSI_UNITS_TEXT_MAX]) {
    const unit *best = &units[0];
    for (size_t i = 1; i < count; i++) {
        /* Half of the fourth digit below the unit would be rounded up to "1000" of the smaller one.
         */
        if (fabs(value) >= units[i].scale * 0.99995) {
            best = &units[i];
        }
    }
    snprintf(text, PSI_UNITS_TEXT_MAX, "%.4g%s", value / best->scale, best->name);
}

void psi_format_seconds(double seconds, char text[static PSI_UNITS_TEXT_MAX]) {
    static const unit units[] = {{"ns", 1e-9}, {"us", 1e-6}, {"ms", 1e-3},
                                 {"s", 1},     {"min", 60},  {"h", 3600}};
    if (seconds == 0) {
        snprintf(text, PSI_UNITS_TEXT_MAX, "0s");
        return;
    }
    format_scaled(seconds, units, sizeof units / sizeof units[0], text);
}

void psi_format_bytes(double bytes, char text[static PSI_UNITS_TEXT_MAX]) {
    static const unit units[] = {
        {"B", 1}, {"KiB", 0x1p10}, {"MiB", 0x1p20}, {"GiB", 0x1p30}, {"TiB", 0x1p40}};
    format_scaled(bytes, units, sizeof units / sizeof units[0], text);
}

void psi_format_rate(double bytes_per_s, char text[static PSI_UNITS_TEXT_MAX]) {
    static const unit units[] = {{"bps", 1.0 / 8},
                                 {"kbps", 1e3 / 8},
                                 {"Mbps", 1e6 / 8},
                                 {"Gbps", 1e9 / 8},
                                 {"Tbps", 1e12 / 8}};
    format_scaled(bytes_per_s, units, sizeof units / sizeof units[0], text);
}

double ps_option_number(const char *value) {
    return strtod(value, NULL);
}

uint64_t ps_option_bytes(const char *value) {
    uint64_t bytes = 0;
    ps_fault fault = {0};
    return psi_parse_bytes(value, "", &bytes, &fault) == PS_OK ? bytes : 0;
}

int ps_option_place(const ps_option *option, const char *value) {
    const char *at = option->words;
    const size_t length = strlen(value);
    for (int place = 0;; place++) {
        const size_t size = strcspn(at, "|");
        if ((size == length && memcmp(at, value, size) == 0) || at[size] == '\0') {
            return place;
        }
        at += size + 1;
    }
}
