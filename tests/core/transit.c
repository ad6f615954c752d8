/* Updates in transit, against the definition: what must have been seen before the next may go. */
#include "ps/transit.h"

#include <math.h>
#include <stdlib.h>

#include "support/suite.h"
#include "tortoise/random.h"

enum { SHARDS = 2, ROWS = 4, COLUMNS = 3, STAMPS_MAX = 8, TABLES = 4 };

typedef struct bench {
    psi_layout layout;
    psi_transit transit;
    psi_rows rows;
    psi_block blocks[STAMPS_MAX];
    double numbers[STAMPS_MAX][ROWS][COLUMNS]; /* of table 0, if it is the only one in use */
} bench;

static bench *bench_create(void) {
    bench *const bench = calloc(1, sizeof *bench);
    CU_ASSERT_PTR_NOT_NULL_FATAL(bench);
    const ps_table_spec specs[TABLES] = {
        {.name = "a", .type = PS_F64, .row_count = ROWS, .column_count = COLUMNS},
        {.name = "b", .type = PS_F32, .row_count = ROWS, .column_count = COLUMNS},
        {.name = "c", .type = PS_F64, .layout = PS_SPARSE, .row_count = ROWS, .column_count = 100},
        {.name = "d", .type = PS_I32, .row_count = ROWS, .column_count = COLUMNS}};
    CU_ASSERT_EQUAL_FATAL(psi_layout_init(&bench->layout, specs, TABLES, SHARDS), PS_OK);
    CU_ASSERT_EQUAL_FATAL(psi_transit_init(&bench->transit, &bench->layout), PS_OK);
    CU_ASSERT_EQUAL_FATAL(psi_rows_init(&bench->rows, &bench->layout), PS_OK);
    return bench;
}

static void bench_destroy(bench *bench) {
    for (size_t i = 0; i < STAMPS_MAX; i++) {
        psi_block_fini(&bench->blocks[i]);
    }
    psi_rows_fini(&bench->rows);
    psi_transit_fini(&bench->transit);
    free(bench);
}

/* Adds `value` to column 1 of a row in the clock that runs. */
static void add(bench *bench, uint32_t table, uint64_t row, double value) {
    psi_private_row *const own = psi_rows_touch(&bench->rows, table, row);
    CU_ASSERT_PTR_NOT_NULL_FATAL(own);
    const double doubles[COLUMNS] = {0, value, 0};
    const float floats[COLUMNS] = {0, (float)value, 0};
    const int32_t integers[COLUMNS] = {0, (int32_t)value, 0};
    const uint32_t column = 77;
    const void *const deltas[TABLES] = {doubles, floats, NULL, integers};
    CU_ASSERT_TRUE_FATAL(table == 2 ? psi_rows_add_sparse(&bench->rows, own, 1, &column, &value)
                                    : psi_rows_add(&bench->rows, own, deltas[table]));
}

static void seal(bench *bench, uint32_t stamp) {
    CU_ASSERT_TRUE_FATAL(psi_rows_seal(&bench->rows, &bench->blocks[stamp]));
}

/* Looks at stamps `count`-1 .. 0. */
static void look(bench *bench, double bound, uint32_t workers, uint32_t count) {
    psi_transit_start(&bench->transit, bound, workers, count);
    for (uint32_t stamp = count; stamp-- > 0;) {
        CU_ASSERT_TRUE_FATAL(psi_transit_add(&bench->transit, &bench->blocks[stamp], stamp));
    }
}

/* 3 x 0.5 at clock 3 of 2 workers: within V / (2 sqrt(4)) for V = 6, not below. Each type of floats
 * counts alike. */
static void the_bound_is_v_by_p_root_t(void) {
    for (uint32_t table = 0; table < 3; table++) {
        bench *const bench = bench_create();
        for (uint32_t stamp = 0; stamp < 3; stamp++) {
            add(bench, table, 1, 0.5);
            seal(bench, stamp);
        }
        look(bench, 6, 2, 3);
        CU_ASSERT_EQUAL(bench->transit.needs[1], 0);
        look(bench, 5.999, 2, 3);
        CU_ASSERT_EQUAL(bench->transit.needs[1], 1); /* two may stay */
        CU_ASSERT_EQUAL(psi_transit_norm(&bench->layout, &bench->blocks[1]), 0.5);
        look(bench, 3.999, 2, 3);
        CU_ASSERT_EQUAL(bench->transit.needs[1], 2); /* one may */
        look(bench, 1e-6, 2, 3);
        CU_ASSERT_EQUAL(bench->transit.needs[1], 2); /* whatever its size */
        look(bench, 6, 3, 3);
        CU_ASSERT_EQUAL(bench->transit.needs[1], 1);
        CU_ASSERT_EQUAL(bench->transit.needs[0], 0); /* has no such row */
        bench_destroy(bench);
    }
}

/* +1 and -1 add up to nothing, but who has seen the first alone lacks 1. */
static void updates_do_not_cancel(void) {
    bench *const bench = bench_create();
    const double values[] = {1, -1};
    for (uint32_t stamp = 0; stamp < 2; stamp++) {
        add(bench, 0, 0, values[stamp]);
        seal(bench, stamp);
    }
    look(bench, 1.7, 1, 2);
    CU_ASSERT_EQUAL(bench->transit.needs[0], 1);
    look(bench, 1.8, 1, 2); /* 1.8 / sqrt(3) > 1 */
    CU_ASSERT_EQUAL(bench->transit.needs[0], 0);
    bench_destroy(bench);
}

/* Rows apart, columns apart, shards apart: nothing to add up. Integers never do. */
static void numbers_count_each_for_itself(void) {
    bench *const bench = bench_create();
    for (uint32_t stamp = 0; stamp < 3; stamp++) {
        add(bench, 0, stamp, 10);
        add(bench, 3, 0, 1000);
        seal(bench, stamp);
    }
    look(bench, 0.001, 4, 3);
    CU_ASSERT_EQUAL(bench->transit.needs[0], 0);
    CU_ASSERT_EQUAL(bench->transit.needs[1], 0);
    bench_destroy(bench);
}

static void make_numbers(bench *bench, ps_random *random, uint32_t count) {
    for (uint32_t stamp = 0; stamp < count; stamp++) {
        for (uint64_t row = 0; row < ROWS; row++) {
            double *const numbers = bench->numbers[stamp][row];
            for (uint32_t c = 0; c < COLUMNS; c++) {
                numbers[c] = ((double)ps_random_below(random, 9) - 4) * 0.25;
            }
            psi_private_row *const own = psi_rows_touch(&bench->rows, 0, row);
            CU_ASSERT_TRUE_FATAL(own != NULL && psi_rows_add(&bench->rows, own, numbers));
        }
        seal(bench, stamp);
    }
}

/* By the definition: the smallest k such that every sum of stamps j.., j >= k, is within the bound
 * wherever more than one of the stamps k.. changes the number. */
static uint32_t need_by_definition(const bench *bench, uint32_t shard, double most,
                                   uint32_t count) {
    for (uint32_t k = 0; k < count; k++) {
        bool is_good = true;
        for (uint64_t at = 0; at < (uint64_t)ROWS * COLUMNS; at++) {
            const uint64_t row = at / COLUMNS;
            double sum = 0, largest = 0;
            uint32_t changes = 0;
            for (uint32_t stamp = count; stamp-- > k;) {
                sum += bench->numbers[stamp][row][at % COLUMNS];
                changes += bench->numbers[stamp][row][at % COLUMNS] != 0;
                largest = fmax(largest, fabs(sum));
            }
            is_good &= row % SHARDS != shard || changes < 2 || largest <= most;
        }
        if (is_good) {
            return k;
        }
    }
    return count;
}

/* What is not looked at, since norms add up to less than the bound, must be within it. */
static void check_norms(const bench *bench, uint32_t count, uint32_t shard) {
    double sum = 0;
    for (uint32_t stamp = 0; stamp < count; stamp++) {
        double largest = 0;
        for (uint64_t at = 0; at < (uint64_t)ROWS * COLUMNS; at++) {
            largest = fmax(largest, fabs(bench->numbers[stamp][at / COLUMNS][at % COLUMNS]));
        }
        CU_ASSERT_EQUAL(psi_transit_norm(&bench->layout, &bench->blocks[stamp]), largest);
        sum += largest;
    }
    CU_ASSERT_TRUE(sum * sum > bench->transit.square_max || bench->transit.needs[shard] == 0);
}

static void needs_are_those_of_the_definition(void) {
    ps_random random = ps_random_stream(2385, "transit", 0);
    uint32_t different = 0;
    for (uint32_t i = 0; i < 2000; i++) {
        bench *const bench = bench_create();
        const uint32_t count = 1 + (uint32_t)ps_random_below(&random, STAMPS_MAX);
        const uint32_t workers = 1 + (uint32_t)ps_random_below(&random, 3);
        const double bound = 0.37 * (1 + (double)ps_random_below(&random, 40));
        make_numbers(bench, &random, count);
        look(bench, bound, workers, count);
        for (uint32_t shard = 0; shard < SHARDS; shard++) {
            const double most = bound / (workers * sqrt(count + 1.0));
            const uint32_t need = need_by_definition(bench, shard, most, count);
            CU_ASSERT_EQUAL(bench->transit.needs[shard], need);
            check_norms(bench, count, shard);
            different += need > 0 && need < count - 1;
        }
        bench_destroy(bench);
    }
    CU_ASSERT_TRUE(different > 100);
}

static const suite_test tests[] = {
    SUITE_TEST(the_bound_is_v_by_p_root_t), SUITE_TEST(updates_do_not_cancel),
    SUITE_TEST(numbers_count_each_for_itself), SUITE_TEST(needs_are_those_of_the_definition)};
SUITE_MAIN("transit", tests)
