/* A number that is read wrongly makes a wrong experiment, silently. */
#include "base/units.h"

#include <math.h>

#include "support/suite.h"

typedef ps_err (*parser)(const char *text, const char *what, double *value_out, ps_fault *fault);

static ps_err parse_bytes_as_double(const char *text, const char *what, double *value_out,
                                    ps_fault *fault) {
    uint64_t bytes = 0;
    const ps_err err = psi_parse_bytes(text, what, &bytes, fault);
    if (err == PS_OK) {
        *value_out = (double)bytes;
    }
    return err;
}

typedef struct good_row {
    parser parse;
    const char *text;
    double value;
} good_row;

static void good_texts_have_their_values(void) {
    static const good_row rows[] = {
        {psi_parse_number, "0.1", 0.1},
        {psi_parse_number, "100", 100},
        {psi_parse_number, "1e-3", 1e-3},
        {psi_parse_number, "2.5E+2", 250},
        {psi_parse_number, "007", 7},
        {psi_parse_seconds, "50us", 50e-6},
        {psi_parse_seconds, "1.5s", 1.5},
        {psi_parse_seconds, "0", 0},
        {psi_parse_seconds, "0s", 0},
        {psi_parse_seconds, "3ns", 3e-9},
        {psi_parse_seconds, "20ms", 20e-3},
        {psi_parse_seconds, "2min", 120},
        {psi_parse_seconds, "0.5h", 1800},
        {psi_parse_seconds, "1e3us", 1e-3},
        {parse_bytes_as_double, "64MiB", 67108864},
        {parse_bytes_as_double, "1GB", 1e9},
        {parse_bytes_as_double, "1.5kB", 1500},
        {parse_bytes_as_double, "1.5KiB", 1536},
        {parse_bytes_as_double, "7B", 7},
        {parse_bytes_as_double, "2TiB", 2199023255552},
        {psi_parse_rate, "10Gbps", 1.25e9},
        {psi_parse_rate, "1GB/s", 1e9},
        {psi_parse_rate, "1Gbps", 125e6},
        {psi_parse_rate, "100Mbps", 12.5e6},
        {psi_parse_rate, "8kbps", 1000},
        {psi_parse_rate, "2MiB/s", 2097152},
        {psi_parse_factor, "2x", 2},
        {psi_parse_factor, "0.5x", 0.5},
        {psi_parse_factor, "4", 4},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        double value = -1;
        ps_fault fault = {.err = PS_OK};
        CU_ASSERT_EQUAL(rows[i].parse(rows[i].text, "--x", &value, &fault), PS_OK);
        CU_ASSERT_DOUBLE_EQUAL(value, rows[i].value, 1e-15 * fabs(rows[i].value));
        CU_ASSERT_STRING_EQUAL(fault.text, "");
    }
}

typedef struct bad_row {
    parser parse;
    const char *text;
    const char *expected; /* a piece of the message */
} bad_row;

static const bad_row bad_rows[] = {
    {psi_parse_number, "", "a number such as"},
    {psi_parse_number, "abc", "a number such as"},
    {psi_parse_number, "1x", "a number such as"},
    {psi_parse_number, " 1", "a number such as"},
    {psi_parse_number, "1 ", "a number such as"},
    {psi_parse_number, "-1", "a number such as"},
    {psi_parse_number, "+1", "a number such as"},
    {psi_parse_number, ".5", "a number such as"},
    {psi_parse_number, "1.", "a number such as"},
    {psi_parse_number, "1,5", "a number such as"},
    {psi_parse_number, "1e", "a number such as"},
    {psi_parse_number, "0x10", "a number such as"},
    {psi_parse_number, "inf", "a number such as"},
    {psi_parse_number, "nan", "a number such as"},
    {psi_parse_number, "1e999", "a number such as"},
    {psi_parse_number, "1.0000000000000000000000000000000000000000001", "a number such as"},
    {psi_parse_seconds, "50", "50us"},
    {psi_parse_seconds, "50 us", "50us"},
    {psi_parse_seconds, "50uz", "50us"},
    {psi_parse_seconds, "50Us", "50us"},
    {psi_parse_seconds, "us", "50us"},
    {psi_parse_seconds, "", "50us"},
    {psi_parse_seconds, "1s2ms", "50us"},
    {parse_bytes_as_double, "64", "64MiB"},
    {parse_bytes_as_double, "64Mi", "64MiB"},
    {parse_bytes_as_double, "64Mb", "64MiB"},
    {parse_bytes_as_double, "1.5B", "whole bytes"},
    {parse_bytes_as_double, "9000TiB", "whole bytes"},
    {parse_bytes_as_double, "-64MiB", "64MiB"},
    {psi_parse_rate, "10", "10Gbps"},
    {psi_parse_rate, "10Gb", "10Gbps"},
    {psi_parse_rate, "10gbps", "10Gbps"},
    {psi_parse_rate, "0", "above 0"},
    {psi_parse_rate, "0Gbps", "above 0"},
    {psi_parse_rate, "1e999Gbps", "10Gbps"},
    {psi_parse_factor, "0x", "above 0"},
    {psi_parse_factor, "0x2", "2x"},
    {psi_parse_factor, "2xx", "2x"},
    {psi_parse_factor, "x2", "2x"},
    {psi_parse_factor, "-2x", "2x"},
    {psi_parse_factor, "1e-999x", "above 0"},
};

/* Why: the reader of the message knows what was typed and what to type, and the setting is as it
 * was. */
static void bad_texts_are_refused_with_what_was_expected(void) {
    for (size_t i = 0; i < sizeof bad_rows / sizeof bad_rows[0]; i++) {
        double value = 2.385;
        ps_fault fault = {.err = PS_OK};
        CU_ASSERT_EQUAL(bad_rows[i].parse(bad_rows[i].text, "--x", &value, &fault), PS_EINVAL);
        CU_ASSERT_EQUAL(value, 2.385);
        CU_ASSERT_EQUAL(strncmp(fault.text, "--x: '", 6), 0);
        CU_ASSERT_PTR_NOT_NULL(strstr(fault.text, bad_rows[i].text));
        CU_ASSERT_PTR_NOT_NULL(strstr(fault.text, bad_rows[i].expected));
        CU_ASSERT_EQUAL(bad_rows[i].parse(bad_rows[i].text, NULL, &value, NULL), PS_EINVAL);
    }
}

static void counts_are_exact_up_to_their_limit(void) {
    static const char *const bad[] = {"",
                                      "1.5",
                                      "-1",
                                      "+1",
                                      "1e3",
                                      "0x1",
                                      "12 ",
                                      "ten",
                                      "18446744073709551616",
                                      "99999999999999999999"};
    uint64_t value = 0;
    CU_ASSERT_EQUAL(psi_parse_count("18446744073709551615", "--n", &value, NULL), PS_OK);
    CU_ASSERT_EQUAL(value, UINT64_MAX);
    CU_ASSERT_EQUAL(psi_parse_count("0", "--n", &value, NULL), PS_OK);
    CU_ASSERT_EQUAL(value, 0);
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        ps_fault fault = {.err = PS_OK};
        value = 17;
        CU_ASSERT_EQUAL(psi_parse_count(bad[i], "--n", &value, &fault), PS_EINVAL);
        CU_ASSERT_EQUAL(value, 17);
        CU_ASSERT_PTR_NOT_NULL(strstr(fault.text, "a whole number"));
    }
}

/* Why: what a user pastes may be of any length and hold anything. */
static void long_input_is_quoted_in_part(void) {
    char text[4096];
    memset(text, '9', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    double value = 0;
    ps_fault fault = {.err = PS_OK};
    CU_ASSERT_EQUAL(psi_parse_seconds(text, "--latency", &value, &fault), PS_EINVAL);
    CU_ASSERT_TRUE(strlen(fault.text) < 300);
    CU_ASSERT_PTR_NOT_NULL(strstr(fault.text, "50us"));
}

typedef struct format_row {
    void (*format)(double value, char text[static PSI_UNITS_TEXT_MAX]);
    double value;
    const char *text;
} format_row;

static void values_are_written_in_the_unit_that_suits(void) {
    static const format_row rows[] = {
        {psi_format_seconds, 0, "0s"},
        {psi_format_seconds, 50e-6, "50us"},
        {psi_format_seconds, 1.5, "1.5s"},
        {psi_format_seconds, 0.9999999, "1s"},
        {psi_format_seconds, 12.34567, "12.35s"},
        {psi_format_seconds, 90, "1.5min"},
        {psi_format_seconds, 7200, "2h"},
        {psi_format_seconds, 3e-10, "0.3ns"},
        {psi_format_bytes, 0, "0B"},
        {psi_format_bytes, 67108864, "64MiB"},
        {psi_format_bytes, 1000, "1000B"},
        {psi_format_bytes, 1536, "1.5KiB"},
        {psi_format_rate, 1.25e9, "10Gbps"},
        {psi_format_rate, 125e6, "1Gbps"},
        {psi_format_rate, 1, "8bps"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char text[PSI_UNITS_TEXT_MAX];
        rows[i].format(rows[i].value, text);
        CU_ASSERT_STRING_EQUAL(text, rows[i].text);
    }
}

static const suite_test tests[] = {
    SUITE_TEST(good_texts_have_their_values),
    SUITE_TEST(bad_texts_are_refused_with_what_was_expected),
    SUITE_TEST(counts_are_exact_up_to_their_limit),
    SUITE_TEST(long_input_is_quoted_in_part),
    SUITE_TEST(values_are_written_in_the_unit_that_suits),
};
SUITE_MAIN("units", tests)
