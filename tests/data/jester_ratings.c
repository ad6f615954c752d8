#include <stdio.h>

#include "data/summary.h"
#include "support/suite.h"

static char path[512];

/* The counts that the data set's description states. */
static void reads_jester_as_it_is_described(void) {
    psi_ratings ratings;
    psi_summary summary;
    CU_ASSERT_EQUAL_FATAL(psi_ratings_read(path, &ratings, NULL), PS_OK);
    CU_ASSERT_EQUAL_FATAL(psi_summary_make(&ratings, &summary), PS_OK);
    CU_ASSERT_EQUAL(summary.rating_count, 1810455);
    CU_ASSERT_EQUAL(summary.per_user.rated_count, 24983);
    CU_ASSERT_EQUAL(summary.per_item.rated_count, 100);
    CU_ASSERT_EQUAL(summary.user_count, 24983);
    CU_ASSERT_EQUAL(summary.item_count, 100);
    CU_ASSERT(summary.min >= -10 && summary.max <= 10);
    psi_ratings_fini(&ratings);
}

static const suite_test tests[] = {SUITE_TEST(reads_jester_as_it_is_described)};

int main(int argc, char **argv) {
    if (!suite_data_path("jester1.uir.txt.gz", path, sizeof path)) {
        suite_skip("jester1.uir.txt.gz is not there; set TORTOISE_DATA to its folder");
    }
    return suite_run("jester ratings", tests, sizeof tests / sizeof tests[0],
                     argc > 1 ? argv[1] : NULL);
}
