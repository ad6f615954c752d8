#include <float.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "data/number.h"
#include "support/suite.h"
#include "tortoise/random.h"

typedef struct text_case {
    const char *text;
    psi_number_verdict verdict;
} text_case;

static psi_number_verdict real_of(const char *text, float *value_out) {
    return psi_number_real(text, text + strlen(text), value_out);
}

/* A number that is read differently here than by the C library is another number: results would not
 * be comparable with any other program. */
static void equals_strtod_to_the_last_bit(void) {
    ps_random random = ps_random_stream(20731, "numbers", 0);
    for (int round = 0; round < 200000; round++) {
        char text[96];
        const unsigned whole_digits = (unsigned)ps_random_below(&random, 14);
        const unsigned digits = (unsigned)ps_random_below(&random, 14);
        size_t length = 0;
        if (ps_random_below(&random, 2) == 0) {
            text[length++] = "+-"[ps_random_below(&random, 2)];
        }
        for (unsigned i = 0; i < whole_digits; i++) {
            text[length++] = (char)('0' + ps_random_below(&random, 10));
        }
        text[length++] = '.';
        for (unsigned i = 0; i < digits || i + whole_digits == 0; i++) {
            text[length++] = (char)('0' + ps_random_below(&random, 10));
        }
        text[length] = '\0';
        if (ps_random_below(&random, 2) == 0) {
            (void)snprintf(text + length, sizeof text - length, "e%d",
                           (int)ps_random_below(&random, 40) - 25);
        }
        float value = 0;
        CU_ASSERT_EQUAL_FATAL(real_of(text, &value), PSI_NUMBER_GOOD);
        const float wanted = (float)strtod(text, NULL);
        if (memcmp(&value, &wanted, sizeof value) != 0) {
            printf("%s reads as %.9g, not %.9g\n", text, (double)value, (double)wanted);
        }
        CU_ASSERT_FATAL(memcmp(&value, &wanted, sizeof value) == 0);
    }
}

/* What strtod would take and what no rating file means. */
static void refuses_what_is_no_decimal_number(void) {
    static const text_case cases[] = {
        {"", PSI_NUMBER_NONE},
        {"-", PSI_NUMBER_NONE},
        {".", PSI_NUMBER_NONE},
        {"+.", PSI_NUMBER_NONE},
        {"1e", PSI_NUMBER_NONE},
        {"1e+", PSI_NUMBER_NONE},
        {"e5", PSI_NUMBER_NONE},
        {"0x10", PSI_NUMBER_NONE},
        {"1,5", PSI_NUMBER_NONE},
        {"1.2.3", PSI_NUMBER_NONE},
        {"--1", PSI_NUMBER_NONE},
        {"1-", PSI_NUMBER_NONE},
        {"four", PSI_NUMBER_NONE},
        {"nan(2)", PSI_NUMBER_NONE},
        {"nan", PSI_NUMBER_NOT_FINITE},
        {"-NaN", PSI_NUMBER_NOT_FINITE},
        {"inf", PSI_NUMBER_NOT_FINITE},
        {"+Infinity", PSI_NUMBER_NOT_FINITE},
        {"1e39", PSI_NUMBER_TOO_LARGE},
        {"-3.5e38", PSI_NUMBER_TOO_LARGE},
        {"1e999999999999", PSI_NUMBER_TOO_LARGE},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        float value = 2.385F;
        CU_ASSERT_EQUAL(real_of(cases[i].text, &value), cases[i].verdict);
        CU_ASSERT_EQUAL(value, 2.385F); /* unchanged */
    }
}

/* The ends of the range are numbers like others. */
static void takes_the_ends_of_the_range(void) {
    float value = 0;
    CU_ASSERT_EQUAL(real_of("3.4028234663852886e38", &value), PSI_NUMBER_GOOD);
    CU_ASSERT_EQUAL(value, FLT_MAX);
    CU_ASSERT_EQUAL(real_of("-1e-60", &value), PSI_NUMBER_GOOD);
    CU_ASSERT_EQUAL(value, 0);
    CU_ASSERT_EQUAL(real_of("0000000000000000000000000000007.5", &value), PSI_NUMBER_GOOD);
    CU_ASSERT_EQUAL(value, 7.5F);
    CU_ASSERT_EQUAL(real_of("5.", &value), PSI_NUMBER_GOOD);
    CU_ASSERT_EQUAL(value, 5);
}

/* Ids are exact up to their bound, and not a digit beyond. */
static void whole_numbers_are_exact(void) {
    static const text_case cases[] = {
        {"18446744073709551615", PSI_NUMBER_GOOD},
        {"18446744073709551616", PSI_NUMBER_TOO_LARGE},
        {"99999999999999999999999", PSI_NUMBER_TOO_LARGE},
        {"007", PSI_NUMBER_GOOD},
        {"-1", PSI_NUMBER_FRACTION},
        {"1.5", PSI_NUMBER_FRACTION},
        {"1e3", PSI_NUMBER_FRACTION},
        {"x", PSI_NUMBER_NONE},
        {"", PSI_NUMBER_NONE},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        uint64_t value = 77;
        const char *const text = cases[i].text;
        const psi_number_verdict verdict = psi_number_whole(text, text + strlen(text), &value);
        CU_ASSERT_EQUAL(verdict, cases[i].verdict);
        CU_ASSERT_EQUAL(value, verdict == PSI_NUMBER_GOOD ? strtoull(text, NULL, 10) : 77);
    }
}

static const suite_test tests[] = {
    SUITE_TEST(equals_strtod_to_the_last_bit),
    SUITE_TEST(refuses_what_is_no_decimal_number),
    SUITE_TEST(takes_the_ends_of_the_range),
    SUITE_TEST(whole_numbers_are_exact),
};
SUITE_MAIN("number text", tests)
