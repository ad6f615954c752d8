/* A wrong suggestion is worse than none, and a missing one costs a look into the manual. */
#include "base/nearest.h"

#include "support/suite.h"

static const char *const policies[] = {"bsp", "ssp", "essp", "async", "vap"};
static const char *const options[] = {"--bandwidth", "--latency", "--net",    NULL,
                                      "--nodes",     "--workers", "--policy", "--out"};
enum { POLICY_COUNT = 5, OPTION_COUNT = 8 };

static void typing_errors_find_the_word(void) {
    CU_ASSERT_STRING_EQUAL(psi_nearest("bps", policies, POLICY_COUNT), "bsp");
    CU_ASSERT_STRING_EQUAL(psi_nearest("asinc", policies, POLICY_COUNT), "async");
    CU_ASSERT_STRING_EQUAL(psi_nearest("asnyc", policies, POLICY_COUNT), "async");
    CU_ASSERT_STRING_EQUAL(psi_nearest("esp", policies, POLICY_COUNT), "essp");
    CU_ASSERT_STRING_EQUAL(psi_nearest("SSP", policies, POLICY_COUNT), "ssp");
    CU_ASSERT_STRING_EQUAL(psi_nearest("--latensy", options, OPTION_COUNT), "--latency");
    CU_ASSERT_STRING_EQUAL(psi_nearest("--bandwith", options, OPTION_COUNT), "--bandwidth");
    CU_ASSERT_STRING_EQUAL(psi_nearest("--node", options, OPTION_COUNT), "--nodes");
    CU_ASSERT_STRING_EQUAL(psi_nearest("-workers", options, OPTION_COUNT), "--workers");
}

static void other_words_find_none(void) {
    CU_ASSERT_PTR_NULL(psi_nearest("quantum", policies, POLICY_COUNT));
    CU_ASSERT_PTR_NULL(psi_nearest("x", policies, POLICY_COUNT));
    CU_ASSERT_PTR_NULL(psi_nearest("", policies, POLICY_COUNT));
    CU_ASSERT_PTR_NULL(psi_nearest("--throughput", options, OPTION_COUNT));
    CU_ASSERT_PTR_NULL(psi_nearest("bsp", NULL, 0));
}

/* Why: the word comes from the command line and may be of any length. */
static void words_of_any_length_are_safe(void) {
    char word[1000];
    memset(word, 'b', sizeof word - 1);
    for (size_t length = 999; length > 0; length -= 37) {
        word[length] = '\0';
        CU_ASSERT_PTR_NULL(psi_nearest(word, policies, POLICY_COUNT));
    }
    char exact[64];
    memset(exact, 'n', 63);
    exact[63] = '\0';
    const char *const known[] = {exact};
    char typed[64];
    memcpy(typed, exact, sizeof typed);
    typed[30] = 'm';
    CU_ASSERT_PTR_EQUAL(psi_nearest(typed, known, 1), exact);
}

static const suite_test tests[] = {
    SUITE_TEST(typing_errors_find_the_word),
    SUITE_TEST(other_words_find_none),
    SUITE_TEST(words_of_any_length_are_safe),
};
SUITE_MAIN("nearest", tests)
