/* Examples in libsvm format: what is read is what the C library would read, number by number; what
 * is no such line is refused. Most pairs go through a short way in the reader and the others
 * through a careful one; a user must not notice which. */
#include <errno.h>
#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "data/examples.h"
#include "support/suite.h"
#include "tortoise/random.h"

enum { TEXT_MAX = 4096, PAIRS_MAX = 512 };

static void file_make(const char *text, char path[static 512]) {
    suite_scratch_path("examples.svm", path, 512);
    FILE *const file = fopen(path, "wb");
    CU_ASSERT_PTR_NOT_NULL_FATAL(file);
    CU_ASSERT_EQUAL_FATAL(fwrite(text, 1, strlen(text), file), strlen(text));
    CU_ASSERT_EQUAL_FATAL(fclose(file), 0);
}

/* One line, read with the C library: [+-]digits[.digits][e[+-]digits], nothing else. */
typedef struct line {
    float label, values[PAIRS_MAX];
    uint32_t features[PAIRS_MAX];
    size_t count;
} line;

/* Whether [at, end) is such a number, and a finite float. */
static bool number_take(const char *at, const char *end, float *value_out) {
    char text[TEXT_MAX];
    char *stop = NULL;
    const size_t length = (size_t)(end - at);
    memcpy(text, at, length);
    text[length] = '\0';
    if (length == 0 || strspn(text, "+-.0123456789eE") != length) {
        return false;
    }
    const double value = strtod(text, &stop);
    *value_out = (float)value;
    return *stop == '\0' && fabs(value) <= FLT_MAX;
}

static bool pair_take(const char *at, const char *end, line *l) {
    const char *const colon = memchr(at, ':', (size_t)(end - at));
    if (colon == NULL || colon == at || strspn(at, "0123456789") != (size_t)(colon - at)) {
        return false;
    }
    errno = 0;
    const unsigned long long id = strtoull(at, NULL, 10);
    l->features[l->count] = (uint32_t)(id - 1);
    const bool is_id = errno == 0 && id >= 1 && id < UINT32_MAX;
    return is_id && number_take(colon + 1, end, &l->values[l->count++]);
}

/* Whether `text` is one line of the format. */
static bool line_take(const char *text, line *l) {
    l->count = 0;
    bool is_first = true;
    for (const char *at = text + strspn(text, " \t"); *at != '\0' && *at != '#';) {
        const char *const end = at + strcspn(at, " \t");
        if (!(is_first ? number_take(at, end, &l->label) : pair_take(at, end, l))) {
            return false;
        }
        is_first = false;
        at = end + strspn(end, " \t");
    }
    return !is_first;
}

static void compare(const char *text) {
    static line wanted;
    char path[512];
    file_make(text, path);
    psi_examples got;
    ps_fault fault = {0};
    const ps_err err = psi_examples_read(path, &got, &fault);
    const bool is_good = line_take(text, &wanted);
    if ((err == PS_OK) != is_good) {
        printf("'%s': %s\n", text, err == PS_OK ? "should be refused" : fault.text);
    }
    CU_ASSERT_EQUAL_FATAL(err == PS_OK, is_good);
    if (is_good) {
        CU_ASSERT_EQUAL_FATAL(got.count, 1);
        CU_ASSERT_EQUAL_FATAL(got.nonzero_count, wanted.count);
        CU_ASSERT_EQUAL(got.begins[1], wanted.count);
        CU_ASSERT_EQUAL(memcmp(&got.labels[0], &wanted.label, sizeof wanted.label), 0);
        const size_t size = wanted.count * sizeof(float);
        const int has_equal_bits =
            wanted.count == 0 || (memcmp(got.features, wanted.features, size) == 0 &&
                                  memcmp(got.values, wanted.values, size) == 0);
        if (!has_equal_bits) {
            printf("'%s' reads as other numbers\n", text);
        }
        CU_ASSERT_FATAL(has_equal_bits);
    } else {
        CU_ASSERT(strstr(fault.text, "examples.svm:1:") != NULL);
    }
    psi_examples_fini(&got);
}

static void odd_forms_are_what_the_c_library_reads(void) {
    static const char *const texts[] = {
        "1",
        "1 1:1",
        "-1 3:-0",
        "+1 1:+2.5",
        "1 1:.5 2:5. 3:-.5",
        "1 1:.",
        "1 1:-",
        "1 1:",
        "1 :1",
        "1 1",
        "1 1:1e3",
        "1 1:1e",
        "1 1:1E-3 2:2",
        "1 0:1",
        "1 000000007:1",
        "1 0000000007:1",
        "1 999999999:1",
        "1 1000000000:1",
        "1 4294967294:1",
        "1 4294967295:1",
        "1 99999999999999999999999:1",
        "1 1:1:1",
        "1 1:123456789012345",
        "1 1:1234567890123456",
        "1 1:0.123456789012345",
        "1 1:0.1234567890123456",
        "1 1:000000000000000000001",
        "1 1:0.00000000000000000000000000001",
        "1 1:99999999999999999999999999999999999999999",
        "1 1:2 # 3:x",
        "1 1:2#",
        "1 1:--1",
        "1 1:-+1",
        "1 -1:1",
        "1 1:1,2:2",
        "1\t1:1\t\t2:2 ",
        "  1 2:0.1",
        "x 1:1",
        "1 1:0x10",
        "1 1:nan",
        "1 1:inf",
        "1 1 :1",
        "1 1: 1",
        "1 2:0.30000001192092896 5:16777217 6:33554433 7:0.1 8:3.4028235e38 9:1.17549e-38"};
    for (size_t t = 0; t < sizeof texts / sizeof texts[0]; t++) {
        compare(texts[t]);
    }
}

static void random_and_damaged_lines_are_what_the_c_library_reads(void) {
    static const char bytes[] = "0123456789012345678901234567890123456789.:: -+e#x\t\x01";
    ps_random random = ps_random_stream(4, "lines", 0);
    for (int round = 0; round < 500; round++) {
        char text[TEXT_MAX] = "-1";
        size_t length = 2;
        const int pairs = (int)ps_random_below(&random, 40);
        for (int p = 0; p < pairs; p++) {
            length += (size_t)snprintf(text + length, sizeof text - length, " %u:%.*g",
                                       1 + (ps_random_u32(&random) >> ps_random_below(&random, 31)),
                                       (int)(1 + ps_random_below(&random, 12)),
                                       (ps_random_uniform(&random) - 0.3) *
                                           pow(10, (double)ps_random_below(&random, 9)));
        }
        for (uint64_t d = ps_random_below(&random, 4); d > 0; d--) {
            const size_t at = (size_t)ps_random_below(&random, length);
            text[at] = bytes[ps_random_below(&random, sizeof bytes - 1)];
        }
        compare(text);
    }
}

static const suite_test tests[] = {
    SUITE_TEST(odd_forms_are_what_the_c_library_reads),
    SUITE_TEST(random_and_damaged_lines_are_what_the_c_library_reads),
};
SUITE_MAIN("examples reader", tests)
