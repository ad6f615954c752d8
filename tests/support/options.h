/* Options of an algorithm as it is opened with them: the defaults, but for a few. */
#ifndef TEST_OPTIONS_H
#define TEST_OPTIONS_H

#include <stddef.h>

#include "tortoise/algo.h"

/* An option, by its place, and its value as it would be typed. */
typedef struct option_setting {
    int option;
    const char *value;
} option_setting;

/* Fills values_out[0..option_count). Values are borrowed. */
static inline void options_set(const ps_option *options, size_t option_count,
                               const option_setting *settings, size_t setting_count,
                               const char **values_out) {
    for (size_t i = 0; i < option_count; i++) {
        values_out[i] = options[i].default_value;
    }
    for (size_t i = 0; i < setting_count; i++) {
        values_out[settings[i].option] = settings[i].value;
    }
}

#endif
