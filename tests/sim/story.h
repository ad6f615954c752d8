/* A transcript that is compared byte by byte with a file of tests/sim/golden. */
#ifndef TEST_STORY_H
#define TEST_STORY_H

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <CUnit/CUnit.h>

#include "support/suite.h"

enum { STORY_BYTES = 1 << 16 };

typedef struct story {
    char text[STORY_BYTES];
    size_t length;
} story;

static inline void story_tell(story *told, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
static inline void story_tell(story *told, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    const int length =
        vsnprintf(told->text + told->length, sizeof told->text - told->length, format, arguments);
    va_end(arguments);
    CU_ASSERT_TRUE_FATAL(length > 0 && told->length + (size_t)length < sizeof told->text);
    told->length += (size_t)length;
}

/* Fails unless the story is the golden file's. What was told instead goes to the scratch folder, so
 * that `diff` shows what changed and, if it is meant, replaces the file. */
static inline void story_compare(const story *told, const char *name) {
    char golden_path[512];
    char told_path[512];
    static char golden[STORY_BYTES];
    (void)snprintf(golden_path, sizeof golden_path, "tests/sim/golden/%s", name);
    suite_scratch_path(name, told_path, sizeof told_path);
    FILE *const file = fopen(golden_path, "rb");
    const size_t length = file == NULL ? 0 : fread(golden, 1, sizeof golden, file);
    if (file != NULL) {
        (void)fclose(file);
    }
    const bool is_equal = length == told->length && memcmp(golden, told->text, length) == 0;
    if (!is_equal) {
        FILE *const other = fopen(told_path, "wb");
        if (other != NULL) {
            (void)fwrite(told->text, 1, told->length, other);
            (void)fclose(other);
        }
        printf("\n    diff %s %s\n", golden_path, told_path);
    }
    CU_ASSERT_TRUE(is_equal);
}

#endif
