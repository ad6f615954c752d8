/* Where rows lie: place and row are inverse to each other, and every row has exactly one place. */
#include "ps/layout.h"

#include <stdio.h>

#include "support/suite.h"

static psi_layout layout_of(uint64_t row_count, uint32_t block_rows, uint32_t shard_count) {
    const ps_table_spec spec = {.name = "t",
                                .type = PS_F32,
                                .layout = PS_DENSE,
                                .row_count = row_count,
                                .column_count = 3,
                                .block_rows = block_rows};
    psi_layout layout;
    CU_ASSERT_EQUAL_FATAL(psi_layout_init(&layout, &spec, 1, shard_count), PS_OK);
    return layout;
}

/* Counts what is wrong for one layout by walking all rows; `next` is where each shard goes on. */
static size_t errors_of(uint64_t row_count, uint32_t block_rows, uint32_t shard_count) {
    const psi_layout layout = layout_of(row_count, block_rows, shard_count);
    uint32_t next[16] = {0};
    size_t errors = 0;
    for (uint64_t row = 0; row < row_count; row++) {
        const psi_place place = psi_row_place(&layout, 0, row);
        const uint64_t block = row / (block_rows == 0 ? 1 : block_rows);
        errors += place.shard != block % shard_count;
        errors += place.local != next[place.shard % 16]; /* ascending, without a hole */
        next[place.shard % 16]++;
        errors += psi_place_row(&layout, 0, place) != row;
    }
    for (uint32_t m = 0; m < shard_count; m++) {
        errors += psi_shard_row_count(&layout, 0, m) != next[m];
    }
    return errors;
}

/* A wrong place is a wrong row served, silently. */
static void place_and_row_are_inverse(void) {
    size_t errors = 0;
    for (uint32_t shard_count = 1; shard_count <= 9; shard_count++) {
        for (uint32_t block_rows = 0; block_rows <= 11; block_rows++) {
            for (uint64_t row_count = 1; row_count <= 140; row_count += 1 + row_count / 17) {
                errors += errors_of(row_count, block_rows, shard_count);
            }
        }
    }
    CU_ASSERT_EQUAL(errors, 0);
}

/* Row numbers need not fit 32 bits as long as each shard's share does. */
static void rows_beyond_32_bits_have_places(void) {
    const uint64_t row_count = UINT64_C(20000000011);
    const psi_layout layout = layout_of(row_count, 64, 7);
    uint64_t sum = 0;
    for (uint32_t m = 0; m < 7; m++) {
        sum += psi_shard_row_count(&layout, 0, m);
    }
    CU_ASSERT_EQUAL(sum, row_count);
    for (uint64_t row = row_count - 1000; row < row_count; row++) {
        const psi_place place = psi_row_place(&layout, 0, row);
        CU_ASSERT_EQUAL(psi_place_row(&layout, 0, place), row);
        CU_ASSERT_TRUE(place.local < psi_shard_row_count(&layout, 0, place.shard));
    }
}

static ps_err init_with(uint64_t row_count, uint32_t column_count, uint32_t shard_count,
                        size_t table_count) {
    ps_table_spec specs[PS_TABLES_MAX + 1];
    for (size_t i = 0; i <= PS_TABLES_MAX; i++) {
        specs[i] = (ps_table_spec){.name = "t",
                                   .type = PS_F64,
                                   .row_count = row_count,
                                   .column_count = column_count,
                                   .block_rows = 1};
    }
    psi_layout layout;
    return psi_layout_init(&layout, specs, table_count, shard_count);
}

/* What cannot be laid out is refused before anything is allocated for it. */
static void impossible_tables_are_refused(void) {
    CU_ASSERT_EQUAL(init_with(5, 7, 3, PS_TABLES_MAX), PS_OK);
    CU_ASSERT_EQUAL(init_with(5, 7, 3, PS_TABLES_MAX + 1), PS_EINVAL);
    CU_ASSERT_EQUAL(init_with(5, 7, 3, 0), PS_EINVAL);
    CU_ASSERT_EQUAL(init_with(5, 7, 0, 1), PS_EINVAL);
    CU_ASSERT_EQUAL(init_with(0, 7, 3, 1), PS_EINVAL);
    CU_ASSERT_EQUAL(init_with(5, 0, 3, 1), PS_EINVAL);
    CU_ASSERT_EQUAL(init_with(UINT64_C(1) << 33, 7, 2, 1), PS_EINVAL);
    CU_ASSERT_EQUAL(init_with(UINT64_C(1) << 33, 7, 3, 1), PS_OK);
    CU_ASSERT_EQUAL(init_with(5, 1u << 25, 3, 1), PS_OK);
    CU_ASSERT_EQUAL(init_with(5, (1u << 25) + 1, 3, 1), PS_EINVAL);
}

static const suite_test tests[] = {SUITE_TEST(place_and_row_are_inverse),
                                   SUITE_TEST(rows_beyond_32_bits_have_places),
                                   SUITE_TEST(impossible_tables_are_refused)};
SUITE_MAIN("layout", tests)
