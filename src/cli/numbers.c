#include "numbers.h"

#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *tt_number_exact(double value, char text[static TT_NUMBER_TEXT_BYTES]) {
    if (isnan(value)) {
        return strcpy(text, "nan"); /* without the sign, which differs between machines */
    }
    for (int digits = 15; digits <= 17; digits++) {
        (void)snprintf(text, TT_NUMBER_TEXT_BYTES, "%.*g", digits, value);
        const double back = strtod(text, NULL);
        if (memcmp(&back, &value, sizeof value) == 0) {
            break;
        }
    }
    return text;
}

typedef struct scale {
    double from; /* the smallest value that is printed so */
    double divisor;
    const char *name;
} scale;

static const char *scaled(double value, const scale *scales, size_t count, char *text) {
    size_t chosen = count - 1;
    for (size_t i = 0; i < count; i++) {
        if (fabs(value) >= scales[i].from) {
            chosen = i;
            break;
        }
    }
    (void)snprintf(text, TT_NUMBER_TEXT_BYTES, "%.3g %s", value / scales[chosen].divisor,
                   scales[chosen].name);
    return text;
}

const char *tt_number_time(double seconds, char text[static TT_NUMBER_TEXT_BYTES]) {
    static const scale scales[] = {
        {0.9995e-3, 1e-3, "ms"}, {0.9995e-6, 1e-6, "us"}, {0, 1e-9, "ns"}};
    if (fabs(seconds) >= 59.5) {
        const double minutes = floor(seconds / 60);
        if (minutes < 60) {
            (void)snprintf(text, TT_NUMBER_TEXT_BYTES, "%.0f min %02.0f s", minutes,
                           floor(seconds - 60 * minutes));
        } else {
            (void)snprintf(text, TT_NUMBER_TEXT_BYTES, "%.0f h %02.0f min", floor(minutes / 60),
                           minutes - 60 * floor(minutes / 60));
        }
        return text;
    }
    if (fabs(seconds) >= 0.9995) {
        (void)snprintf(text, TT_NUMBER_TEXT_BYTES, "%#.3g s", seconds);
        return text;
    }
    if (!(fabs(seconds) > 0)) {
        return strcpy(text, "0 s");
    }
    return scaled(seconds, scales, sizeof scales / sizeof scales[0], text);
}

const char *tt_number_bytes(double bytes, char text[static TT_NUMBER_TEXT_BYTES]) {
    static const scale scales[] = {
        {0.9995e12, 1e12, "TB"}, {0.9995e9, 1e9, "GB"}, {0.9995e6, 1e6, "MB"},
        {999.5, 1e3, "kB"},      {0, 1, "B"},
    };
    return scaled(bytes, scales, sizeof scales / sizeof scales[0], text);
}

const char *tt_number_scaled(double value, const char *unit,
                             char text[static TT_NUMBER_TEXT_BYTES]) {
    static const char *const prefixes[] = {"", "k", "M", "G", "T"};
    size_t step = 0;
    while (fabs(value) >= 999.5 && step + 1 < sizeof prefixes / sizeof prefixes[0]) {
        value /= 1000;
        step++;
    }
    (void)snprintf(text, TT_NUMBER_TEXT_BYTES, "%.3g %s%s", value, prefixes[step], unit);
    return text;
}

ps_err tt_number_read_count(const char *what, const char *text, uint64_t min, uint64_t max,
                            uint64_t *value_out, ps_fault *fault) {
    char *end = NULL;
    errno = 0;
    const unsigned long long value = strtoull(text, &end, 10);
    if (!isdigit((unsigned char)text[0]) || *end != '\0') {
        return ps_fault_set(fault, PS_EINVAL, "%s: '%s' is not a whole number", what, text);
    }
    if (errno == ERANGE || value < min || value > max) {
        return ps_fault_set(fault, PS_EINVAL, "%s: %s is out of range; it must be %llu to %llu",
                            what, text, (unsigned long long)min, (unsigned long long)max);
    }
    *value_out = value;
    return PS_OK;
}

ps_err tt_number_read_real(const char *what, const char *text, double min, double max,
                           double *value_out, ps_fault *fault) {
    char *end = NULL;
    const double value = strtod(text, &end);
    if (end == text || *end != '\0' || isspace((unsigned char)text[0])) {
        return ps_fault_set(fault, PS_EINVAL, "%s: '%s' is not a number", what, text);
    }
    if (!isfinite(value) || value < min || value > max) {
        return ps_fault_set(fault, PS_EINVAL, "%s: %s is out of range; it must be %g to %g", what,
                            text, min, max);
    }
    *value_out = value;
    return PS_OK;
}
