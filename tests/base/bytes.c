/* Every frame and file goes through these: they must not read past the end, nor overflow a size. */
#include "base/bytes.h"

#include "support/suite.h"

/* Why: files and frames are read on machines of either byte order. */
static void integers_are_little_endian(void) {
    uint8_t bytes[8];
    psi_put_u16(bytes, 0x1234);
    CU_ASSERT_EQUAL(memcmp(bytes, "\x34\x12", 2), 0);
    psi_put_u32(bytes, 0x89abcdef);
    CU_ASSERT_EQUAL(memcmp(bytes, "\xef\xcd\xab\x89", 4), 0);
    CU_ASSERT_EQUAL(psi_load_u32(bytes), 0x89abcdef);
    psi_put_u64(bytes, UINT64_C(0xf123456789abcdef));
    CU_ASSERT_EQUAL(memcmp(bytes, "\xef\xcd\xab\x89\x67\x45\x23\xf1", 8), 0);
    CU_ASSERT_EQUAL(psi_load_u64(bytes), UINT64_C(0xf123456789abcdef));
    CU_ASSERT_EQUAL(psi_load_u16(bytes + 6), 0xf123);
}

/* Why: a short message must end in a refusal, with nothing of what follows it in memory. */
static void short_read_fails_and_stays_failed(void) {
    const uint8_t bytes[7] = {1, 0, 0, 0, 9, 9, 9};
    psi_reader reader = psi_reader_of(bytes, sizeof bytes);
    CU_ASSERT_EQUAL(psi_read_u32(&reader), 1);
    CU_ASSERT_FALSE(reader.failed);
    CU_ASSERT_EQUAL(psi_read_u32(&reader), 0);
    CU_ASSERT_TRUE(reader.failed);
    CU_ASSERT_EQUAL(reader.left_bytes, 3);
    CU_ASSERT_PTR_NULL(psi_read_bytes(&reader, 1));
    CU_ASSERT_PTR_NULL(psi_read_bytes(&reader, 0));
    CU_ASSERT_EQUAL(psi_read_u64(&reader), 0);
}

/* Why: a length field of a hostile message may be anything. */
static void lengths_near_the_limit_do_not_wrap(void) {
    const uint8_t bytes[4] = {0};
    psi_reader reader = psi_reader_of(bytes, sizeof bytes);
    CU_ASSERT_PTR_NULL(psi_read_bytes(&reader, SIZE_MAX));
    CU_ASSERT_TRUE(reader.failed);
    psi_reader whole = psi_reader_of(bytes, sizeof bytes);
    CU_ASSERT_PTR_EQUAL(psi_read_bytes(&whole, 4), bytes);
    CU_ASSERT_PTR_NOT_NULL(psi_read_bytes(&whole, 0));
    CU_ASSERT_FALSE(whole.failed);
}

static void buffer_keeps_its_content_as_it_grows(void) {
    psi_buffer buffer = {0};
    for (uint32_t i = 0; i < 1000; i++) {
        uint8_t *const at = psi_buffer_extend(&buffer, 4);
        CU_ASSERT_PTR_NOT_NULL_FATAL(at);
        psi_put_u32(at, i * 2385);
    }
    CU_ASSERT_EQUAL(buffer.size_bytes, 4000);
    bool all_kept = true;
    for (uint32_t i = 0; i < 1000; i++) {
        all_kept = all_kept && psi_load_u32(buffer.bytes + 4 * (size_t)i) == i * 2385;
    }
    CU_ASSERT_TRUE(all_kept);
    psi_buffer_fini(&buffer);
    CU_ASSERT_PTR_NULL(buffer.bytes);
    CU_ASSERT_EQUAL(buffer.capacity_bytes, 0);
}

/* Why: steady state allocates nothing. */
static void buffer_that_was_emptied_does_not_allocate(void) {
    psi_buffer buffer = {0};
    CU_ASSERT_PTR_NOT_NULL_FATAL(psi_buffer_extend(&buffer, 700));
    const uint8_t *const before = buffer.bytes;
    const size_t capacity_bytes = buffer.capacity_bytes;
    for (size_t i = 0; i < 50; i++) {
        buffer.size_bytes = 0;
        CU_ASSERT_PTR_EQUAL(psi_buffer_extend(&buffer, 700), before);
    }
    CU_ASSERT_EQUAL(buffer.capacity_bytes, capacity_bytes);
    psi_buffer_fini(&buffer);
}

/* Why: a size that wraps gives a small allocation and a large write. */
static void sizes_that_overflow_are_refused(void) {
    psi_buffer buffer = {0};
    CU_ASSERT_PTR_NOT_NULL_FATAL(psi_buffer_extend(&buffer, 16));
    CU_ASSERT_PTR_NULL(psi_buffer_extend(&buffer, SIZE_MAX));
    CU_ASSERT_PTR_NULL(psi_buffer_extend(&buffer, SIZE_MAX / 2));
    CU_ASSERT_EQUAL(buffer.size_bytes, 16);
    psi_buffer_fini(&buffer);

    void *items = NULL;
    size_t capacity = 0;
    CU_ASSERT_FALSE(psi_array_reserve(&items, &capacity, SIZE_MAX / 8 + 2, 16));
    CU_ASSERT_FALSE(psi_array_reserve(&items, &capacity, SIZE_MAX, 1));
    CU_ASSERT_PTR_NULL(items);
    CU_ASSERT_EQUAL(capacity, 0);
}

static void array_grows_zeroed_and_keeps_its_items(void) {
    void *items = NULL;
    size_t capacity = 0;
    CU_ASSERT_TRUE_FATAL(psi_array_reserve(&items, &capacity, 3, sizeof(uint64_t)));
    CU_ASSERT_TRUE(capacity >= 3);
    uint64_t *numbers = items;
    for (size_t i = 0; i < capacity; i++) {
        CU_ASSERT_EQUAL(numbers[i], 0);
        numbers[i] = i + 41;
    }
    const size_t before = capacity;
    CU_ASSERT_TRUE_FATAL(psi_array_reserve(&items, &capacity, before + 1, sizeof(uint64_t)));
    CU_ASSERT_TRUE(capacity > before);
    numbers = items;
    for (size_t i = 0; i < capacity; i++) {
        CU_ASSERT_EQUAL(numbers[i], i < before ? i + 41 : 0);
    }
    const void *const same = items;
    CU_ASSERT_TRUE(psi_array_reserve(&items, &capacity, before, sizeof(uint64_t)));
    CU_ASSERT_PTR_EQUAL(items, same);
    free(items);
}

static const suite_test tests[] = {
    SUITE_TEST(integers_are_little_endian),
    SUITE_TEST(short_read_fails_and_stays_failed),
    SUITE_TEST(lengths_near_the_limit_do_not_wrap),
    SUITE_TEST(buffer_keeps_its_content_as_it_grows),
    SUITE_TEST(buffer_that_was_emptied_does_not_allocate),
    SUITE_TEST(sizes_that_overflow_are_refused),
    SUITE_TEST(array_grows_zeroed_and_keeps_its_items),
};
SUITE_MAIN("bytes", tests)
