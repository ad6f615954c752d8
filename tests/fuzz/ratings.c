/* The readers of ratings, plain: text and MatrixMarket, told apart by content. What is accepted is
 * within what the file says of itself, and can be summed up. */
#include <stdlib.h>
#include <string.h>

#include "data/ratings.h"
#include "data/summary.h"
#include "fuzz/fuzz.h"

static void check_ratings(const psi_ratings *ratings) {
    FUZZ_CHECK(ratings->count > 0 && ratings->count <= ratings->capacity);
    for (size_t i = 0; i < ratings->count; i++) {
        FUZZ_CHECK(ratings->user[i] < ratings->user_count);
        FUZZ_CHECK(ratings->item[i] < ratings->item_count);
        FUZZ_CHECK((double)ratings->value[i] >= ratings->min);
        FUZZ_CHECK((double)ratings->value[i] <= ratings->max);
    }
    psi_summary summary;
    FUZZ_CHECK(psi_summary_make(ratings, &summary) == PS_OK);
    FUZZ_CHECK(summary.rating_count == ratings->count);
    FUZZ_CHECK(summary.per_user.rated_count >= 1 && summary.per_user.max <= ratings->count);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    const fuzz_input input = {data, size};
    psi_ratings ratings;
    ps_fault fault = {0};
    const ps_err err = psi_ratings_read(fuzz_file(&input), &ratings, &fault);
    fuzz_check_fault(err, &fault);
    if (err == PS_OK) {
        check_ratings(&ratings);
    } else {
        FUZZ_CHECK(ratings.user == NULL && ratings.count == 0);
    }
    psi_ratings_fini(&ratings);
    return 0;
}
