/* Policies: what each lets a read miss and when it sends, as a table; names as people type them. */
#include "ps/policy.h"

#include <stdio.h>

#include "support/suite.h"

typedef struct policy_row {
    const char *text;
    uint32_t clock, read_clock; /* a read at `clock` needs row clock `read_clock` */
    bool flushes_always, in_rank_order, pushes, refreshes;
    double bound;
} policy_row;

/* r >= c - s (design, section 1). */
static void policies_are_what_the_table_says(void) {
    static const policy_row rows[] = {
        {"bsp", 0, 0, false, true, false, false, 0},
        {"bsp", 7, 7, false, true, false, false, 0},
        {"ssp:0", 7, 7, false, false, false, false, 0},
        {"ssp:3", 0, 0, false, false, false, false, 0},
        {"ssp:3", 3, 0, false, false, false, false, 0},
        {"ssp:3", 4, 1, false, false, false, false, 0},
        {"ssp:1000000", 999999, 0, false, false, false, false, 0},
        {"essp:2", 1, 0, false, false, true, false, 0},
        {"essp:2", 9, 7, false, false, true, false, 0},
        {"async", 123, 0, true, false, false, true, 0},
        {"vap:0.5", 1, 0, true, false, false, false, 0.5},
        {"vap:2.000001", 7, 3, true, false, false, false, 2.000001},
        {"vap:999999999.999999", 8, 4, true, false, false, false, 999999999.999999},
        {"vap:0.00001", 0, 0, true, false, false, false, 1e-5},
        {"vap:30", 2, 1, true, false, false, false, 30},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        psi_policy policy;
        CU_ASSERT_EQUAL_FATAL(psi_policy_parse(rows[i].text, &policy, NULL), PS_OK);
        const psi_policy_ops *const ops = policy.ops;
        CU_ASSERT_EQUAL(ops->read_clock(&policy, rows[i].clock), rows[i].read_clock);
        CU_ASSERT_EQUAL(ops->flush_is_due(&policy, false), rows[i].flushes_always);
        CU_ASSERT_TRUE(ops->flush_is_due(&policy, true));
        CU_ASSERT_EQUAL(ops->applies_in_rank_order, rows[i].in_rank_order);
        CU_ASSERT_EQUAL(ops->pushes, rows[i].pushes);
        CU_ASSERT_EQUAL(ops->refreshes, rows[i].refreshes);
        CU_ASSERT_EQUAL(ops->bounds_values, rows[i].bound > 0);
        CU_ASSERT_EQUAL(psi_policy_bound(&policy), rows[i].bound);
        char text[32];
        psi_policy_format(&policy, text);
        CU_ASSERT_STRING_EQUAL(text, rows[i].text);
    }
}

typedef struct bad_name {
    const char *text, *said;
} bad_name;

static void wrong_names_get_one_clear_line(void) {
    static const bad_name cases[] = {
        {"", "unknown"},
        {"sspp:3", "did you mean 'ssp'"},
        {"asinc", "did you mean 'async'"},
        {"ssp", "needs a stale"},
        {"essp", "write essp:S"},
        {"bsp:1", "takes no staleness"},
        {"ssp:", "whole number"},
        {"ssp:-1", "whole number"},
        {"ssp:1.5", "whole number"},
        {"ssp:3x", "whole"},
        {"ssp: 3", "whole"},
        {"essp:1000001", "0 to 1000000"},
        {"ssp:4294967296", "0 to"},
        {"ssp:99999999999999999999", "0 to"},
        {"BSP", "unknown"},
        {"vpa:1", "did you mean 'vap'"},
        {"vap", "needs a bound; write vap:V"},
        {"vap:", "positive decimal number"},
        {"vap:0", "positive decimal"},
        {"vap:0.0000001", "from 0.000001"},
        {"vap:-1", "positive"},
        {"vap:1.", "positive"},
        {"vap:.5", "positive"},
        {"vap:1e3", "positive"},
        {"vap:1.5.5", "positive"},
        {"vap:1234567890", "to 999999999.999999"},
        {"async:1", "takes no staleness"},
        {"a-name-that-is-longer-than-any-policy-could-be:3", "unknown"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        ps_fault fault = {0};
        psi_policy policy = {.slack = 2385};
        CU_ASSERT_EQUAL(psi_policy_parse(cases[i].text, &policy, &fault), PS_EINVAL);
        CU_ASSERT_EQUAL(fault.err, PS_EINVAL);
        CU_ASSERT_PTR_NOT_NULL(strstr(fault.text, cases[i].said));
        CU_ASSERT_EQUAL(policy.slack, 2385);
    }
}

/* 1.50 and 01.5 are one bound, and are written as one. */
static void a_bound_is_written_in_one_way(void) {
    static const char *const texts[] = {"vap:1.5", "vap:1.50", "vap:01.500000"};
    for (size_t i = 0; i < 3; i++) {
        psi_policy policy;
        char text[32];
        CU_ASSERT_EQUAL_FATAL(psi_policy_parse(texts[i], &policy, NULL), PS_OK);
        psi_policy_format(&policy, text);
        CU_ASSERT_STRING_EQUAL(text, "vap:1.5");
    }
}

static const suite_test tests[] = {SUITE_TEST(a_bound_is_written_in_one_way),
                                   SUITE_TEST(policies_are_what_the_table_says),
                                   SUITE_TEST(wrong_names_get_one_clear_line)};
SUITE_MAIN("policy", tests)
