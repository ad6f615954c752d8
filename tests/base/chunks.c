/* Arrays in chunks: what was written stays, what is new is zero, and little memory lies idle. */
#include "base/chunks.h"

#include <string.h>

#include "support/suite.h"

enum { ITEMS = 3000, SMALL_BYTES = 40, HUGE_BYTES = 100000, IDLE_MAX_BYTES = 1 << 16 };

/* Why: positions in the cache are kept while it grows, over the border of every chunk. */
static void items_stay_while_the_array_grows(void) {
    psi_chunks chunks = psi_chunks_of(SMALL_BYTES);
    const uint8_t zeros[SMALL_BYTES] = {0};
    size_t wrong = 0;
    for (size_t i = 0; i < ITEMS; i++) {
        CU_ASSERT_TRUE_FATAL(psi_chunks_reserve(&chunks, i + 1));
        uint8_t *const item = psi_chunks_at(&chunks, i);
        wrong += memcmp(item, zeros, SMALL_BYTES) != 0;
        memset(item, (int)(i % 251 + 1), SMALL_BYTES);
    }
    for (size_t i = 0; i < ITEMS; i++) {
        uint8_t expected[SMALL_BYTES];
        memset(expected, (int)(i % 251 + 1), SMALL_BYTES);
        wrong += memcmp(psi_chunks_at(&chunks, i), expected, SMALL_BYTES) != 0;
    }
    CU_ASSERT_EQUAL(wrong, 0);
    psi_chunks_fini(&chunks);
}

/* Why: a cache of many rows must not cost as much again in room to grow. */
static void little_memory_lies_idle(void) {
    static const size_t sizes[] = {1, 8, 40, 64, 400, 4000, 65536, HUGE_BYTES};
    for (size_t s = 0; s < sizeof sizes / sizeof *sizes; s++) {
        psi_chunks chunks = psi_chunks_of(sizes[s]);
        for (size_t count = 1; count * sizes[s] < 1 << 20; count += 1 + count / 7) {
            CU_ASSERT_TRUE_FATAL(psi_chunks_reserve(&chunks, count));
            const size_t idle = psi_chunks_capacity(&chunks) - count;
            CU_ASSERT_TRUE(idle * sizes[s] <= IDLE_MAX_BYTES);
            CU_ASSERT_TRUE(idle <= count || chunks.chunk_count > 1);
        }
        psi_chunks_fini(&chunks);
    }
}

/* Why: many rows may come at once. */
static void many_chunks_come_at_once(void) {
    psi_chunks chunks = psi_chunks_of(4000);
    CU_ASSERT_TRUE(psi_chunks_reserve(&chunks, 1));
    *(uint8_t *)psi_chunks_at(&chunks, 0) = 77;
    CU_ASSERT_TRUE(psi_chunks_reserve(&chunks, 1000));
    CU_ASSERT_EQUAL(*(uint8_t *)psi_chunks_at(&chunks, 0), 77);
    CU_ASSERT_EQUAL(*(uint8_t *)psi_chunks_at(&chunks, 999), 0);
    CU_ASSERT_TRUE(psi_chunks_reserve(&chunks, 0));
    psi_chunks_fini(&chunks);
    psi_chunks_fini(&chunks); /* an empty one */
}

static const suite_test tests[] = {
    SUITE_TEST(items_stay_while_the_array_grows),
    SUITE_TEST(little_memory_lies_idle),
    SUITE_TEST(many_chunks_come_at_once),
};
SUITE_MAIN("chunks", tests)
