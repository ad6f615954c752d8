/* Arithmetic of rows against brute force: every type, every alignment, sparse rows of any overlap.
 */
#include "ps/values.h"

#include <stdio.h>

#include "base/bytes.h"
#include "support/suite.h"
#include "tortoise/random.h"

enum { COUNT = 37, COLUMNS = 23 };

/* Sources come from frames and may lie anywhere. */
static void adds_from_any_address(void) {
    uint8_t unaligned[COUNT * 8 + 8];
    for (size_t shift = 0; shift < 8; shift++) {
        double f64[COUNT];
        float f32[COUNT];
        for (size_t i = 0; i < COUNT; i++) {
            const double delta = 2.385 + (double)i;
            f64[i] = 0.1 * (double)i;
            memcpy(unaligned + shift + i * 8, &delta, 8);
        }
        psi_values_add(PS_F64, f64, unaligned + shift, COUNT);
        for (size_t i = 0; i < COUNT; i++) {
            const float delta = 7.25f - (float)i;
            CU_ASSERT_EQUAL(f64[i], 0.1 * (double)i + (2.385 + (double)i));
            f32[i] = 1.5f * (float)i;
            memcpy(unaligned + shift + i * 4, &delta, 4);
        }
        psi_values_add(PS_F32, f32, unaligned + shift, COUNT);
        for (size_t i = 0; i < COUNT; i++) {
            CU_ASSERT_EQUAL(f32[i], 1.5f * (float)i + (7.25f - (float)i));
        }
    }
}

/* Integers wrap instead of being undefined. */
static void integers_wrap(void) {
    int32_t i32 = INT32_MAX;
    int64_t i64 = INT64_MIN;
    const int32_t two = 2;
    const int64_t minus_three = -3;
    psi_values_add(PS_I32, &i32, &two, 1);
    psi_values_add(PS_I64, &i64, &minus_three, 1);
    CU_ASSERT_EQUAL(i32, INT32_MIN + 1);
    CU_ASSERT_EQUAL(i64, INT64_MAX - 2);
}

static void subtracts_what_was_added(void) {
    int64_t before[COUNT], after[COUNT], difference[COUNT];
    float f_before[2] = {2.5f, -1.0f}, f_after[2] = {7.0f, 1.25f}, f_difference[2];
    for (int64_t i = 0; i < COUNT; i++) {
        before[i] = i * 1000003;
        after[i] = before[i] - 77 * i;
    }
    psi_values_subtract(PS_I64, difference, after, before, COUNT);
    psi_values_subtract(PS_F32, f_difference, f_after, f_before, 2);
    for (int64_t i = 0; i < COUNT; i++) {
        CU_ASSERT_EQUAL(difference[i], -77 * i);
    }
    CU_ASSERT_EQUAL(f_difference[0], 4.5f);
    CU_ASSERT_EQUAL(f_difference[1], 2.25f);
}

/* The row as a dense array, which is the truth that the sparse one is compared with: it has the
 * columns that are not 0, so that a row whose counts move about does not grow for ever. */
typedef struct model_row {
    int64_t values[COLUMNS];
} model_row;

static bool row_is(const psi_sparse *row, const model_row *model) {
    uint32_t at = 0;
    for (uint32_t column = 0; column < COLUMNS; column++) {
        if (model->values[column] == 0) {
            continue;
        }
        int64_t value;
        if (at >= row->count || row->columns[at] != column) {
            return false;
        }
        memcpy(&value, row->values + at * sizeof value, sizeof value);
        if (value != model->values[column]) {
            return false;
        }
        at++;
    }
    return at == row->count;
}

static void model_add(model_row *model, uint32_t column, int64_t value) {
    model->values[column] += value;
}

/* Adds `count` ascending columns as they come from the wire, one byte off any alignment. */
static void add_sorted(psi_sparse *row, model_row *model, ps_random *random) {
    uint8_t columns[COLUMNS * 4 + 1], values[COLUMNS * 8 + 1];
    uint32_t count = 0;
    const uint64_t one_in = 1 + ps_random_below(random, 6);
    for (uint32_t column = 0; column < COLUMNS; column++) {
        if (ps_random_below(random, one_in) != 0) {
            continue;
        }
        const int64_t value = (int64_t)ps_random_below(random, 7) - 3;
        psi_put_u32(columns + 1 + (size_t)count * 4, column);
        psi_put_u64(values + 1 + (size_t)count * 8, (uint64_t)value);
        model_add(model, column, value);
        count++;
    }
    CU_ASSERT_TRUE(psi_sparse_add(row, PS_I64, count, columns + 1, values + 1));
}

static void add_unsorted(psi_sparse *row, model_row *model, ps_random *random) {
    uint32_t columns[40];
    int64_t values[40];
    const uint32_t count = (uint32_t)ps_random_below(random, 40);
    for (uint32_t i = 0; i < count; i++) {
        columns[i] = (uint32_t)ps_random_below(random, COLUMNS);
        values[i] = (int64_t)ps_random_below(random, 7) - 3;
        model_add(model, columns[i], values[i]);
    }
    CU_ASSERT_TRUE(psi_sparse_add_unsorted(row, PS_I64, count, columns, values));
}

static void sparse_rows_add_as_dense_ones(void) {
    ps_random random = ps_random_stream(77, "sparse", 0);
    size_t wrong = 0;
    for (int trial = 0; trial < 500; trial++) {
        psi_sparse row = {0};
        psi_sparse copy = {0};
        model_row model = {0};
        for (uint64_t i = ps_random_below(&random, 9); i > 0; i--) {
            (ps_random_below(&random, 2) == 0 ? add_sorted : add_unsorted)(&row, &model, &random);
            wrong += !row_is(&row, &model);
        }
        add_sorted(&copy, &(model_row){0}, &random); /* a copy replaces what was there */
        CU_ASSERT_TRUE(psi_sparse_copy(&copy, PS_I64, &row));
        wrong += !row_is(&copy, &model);
        psi_sparse_fini(&row);
        psi_sparse_fini(&copy);
    }
    CU_ASSERT_EQUAL(wrong, 0);
}

/* Float entries that become 0 stay, so the shape of a row does not depend on rounding. */
static void zero_entries_stay(void) {
    psi_sparse row = {0};
    const uint32_t column = 5;
    const float plus = 2.5f, minus = -2.5f;
    CU_ASSERT_TRUE(psi_sparse_add_unsorted(&row, PS_F32, 1, &column, &plus));
    CU_ASSERT_TRUE(psi_sparse_add_unsorted(&row, PS_F32, 1, &column, &minus));
    CU_ASSERT_EQUAL(row.count, 1);
    psi_sparse_fini(&row);
}

/* Each type of number is merged by a loop of its own. Where only one side has a column, a float is
 * taken over bit by bit, the sign of a zero too. */
static void every_type_of_sparse_row_merges(void) {
    const uint32_t own[] = {2, 5, 9}, more[] = {0, 5, 7, 9, 11};
    const uint32_t all[] = {0, 2, 5, 7, 9, 11};
    const float f32[] = {-0.0f, 2.5f, 1.5f}, f32_more[] = {0.25f, 0.5f, -0.0f, -1.5f, 7.0f};
    const float f32_sums[] = {0.25f, -0.0f, 3.0f, -0.0f, 0.0f, 7.0f};
    const double f64[] = {-0.0, 2.385, 1.5}, f64_more[] = {0.25, 0.1, -0.0, -1.5, 7.0};
    const double f64_sums[] = {0.25, -0.0, 2.385 + 0.1, -0.0, 0.0, 7.0};
    const int32_t i32[] = {4, -3, 8}, i32_more[] = {6, 1, 2, -7, -9};
    const int32_t i32_sums[] = {6, 4, -2, 2, 1, -9};
    const struct {
        ps_type type;
        const void *own, *more, *sums;
    } cases[] = {{PS_F32, f32, f32_more, f32_sums},
                 {PS_F64, f64, f64_more, f64_sums},
                 {PS_I32, i32, i32_more, i32_sums}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        psi_sparse row = {0};
        const ps_type type = cases[i].type;
        CU_ASSERT_TRUE(psi_sparse_add_unsorted(&row, type, 3, own, cases[i].own));
        CU_ASSERT_TRUE(psi_sparse_add_unsorted(&row, type, 5, more, cases[i].more));
        CU_ASSERT_EQUAL_FATAL(row.count, 6);
        CU_ASSERT_EQUAL(memcmp(row.columns, all, sizeof all), 0);
        CU_ASSERT_EQUAL(memcmp(row.values, cases[i].sums, 6 * ps_type_size_bytes(type)), 0);
        psi_sparse_fini(&row);
    }
}

static const suite_test tests[] = {
    SUITE_TEST(adds_from_any_address),    SUITE_TEST(integers_wrap),
    SUITE_TEST(subtracts_what_was_added), SUITE_TEST(sparse_rows_add_as_dense_ones),
    SUITE_TEST(zero_entries_stay),        SUITE_TEST(every_type_of_sparse_row_merges)};
SUITE_MAIN("values", tests)
