/* The private rows of a worker: what it reads of its own changes, what it publishes, and how long
 * pointers live. */
#include "ps/rows.h"

#include <stdio.h>

#include "ps/part.h"
#include "support/suite.h"
#include "tortoise/random.h"

enum { ROWS = 41, COLUMNS = 5, SHARDS = 3 };

static psi_layout layout;

static void make_layout(void) {
    const ps_table_spec specs[] = {{.name = "d",
                                    .type = PS_I64,
                                    .layout = PS_DENSE,
                                    .row_count = ROWS,
                                    .column_count = COLUMNS},
                                   {.name = "f",
                                    .type = PS_F32,
                                    .layout = PS_DENSE,
                                    .row_count = ROWS,
                                    .column_count = COLUMNS,
                                    .block_rows = 4},
                                   {.name = "s",
                                    .type = PS_I32,
                                    .layout = PS_SPARSE,
                                    .row_count = ROWS,
                                    .column_count = COLUMNS,
                                    .block_rows = 2}};
    CU_ASSERT_EQUAL_FATAL(psi_layout_init(&layout, specs, 3, SHARDS), PS_OK);
}

static psi_private_row *touch(psi_rows *rows, uint32_t table, uint64_t row) {
    psi_private_row *const own = psi_rows_touch(rows, table, row);
    CU_ASSERT_PTR_NOT_NULL_FATAL(own);
    return own;
}

/* The published change of one row as numbers; returns how many segments hold it. */
static uint32_t published(const psi_block *block, uint32_t table, uint64_t row, int64_t *sums) {
    uint32_t found = 0;
    const psi_place place = psi_row_place(&layout, table, row);
    for (size_t s = 0; s < block->segment_count; s++) {
        const psi_segment *const segment = &block->segments[s];
        const uint8_t *at = block->values.bytes + segment->offset_bytes;
        for (uint32_t i = 0; i < segment->count && segment->table == table; i++) {
            const uint8_t *const values = psi_part_next_row(&layout.tables[table], &at);
            if (segment->shard != place.shard || block->locals[segment->first + i] != place.local) {
                continue;
            }
            found++;
            if (table == 0) {
                psi_values_add(PS_I64, sums, values, COLUMNS);
                continue;
            }
            for (uint32_t e = 0; e < psi_load_u32(values); e++) {
                const size_t entries = psi_load_u32(values);
                sums[psi_load_u32(values + 4 + (size_t)e * 4)] +=
                    (int32_t)psi_load_u32(values + 4 + (entries + e) * 4);
            }
        }
    }
    return found;
}

/* A clock in which a worker changed nothing is a clock like any other. */
static void an_empty_clock_is_sealed(void) {
    make_layout();
    psi_rows rows;
    psi_block block = {0};
    CU_ASSERT_EQUAL_FATAL(psi_rows_init(&rows, &layout), PS_OK);
    CU_ASSERT_TRUE(psi_rows_seal(&rows, &block));
    CU_ASSERT_EQUAL(block.segment_count, 0);
    const int64_t fetched[COLUMNS] = {1, 2, 3, 4, 5};
    CU_ASSERT_TRUE(psi_rows_fill(&rows, touch(&rows, 0, 7), (const uint8_t *)fetched, NULL));
    CU_ASSERT_TRUE(psi_rows_seal(&rows, &block)); /* read, not changed */
    CU_ASSERT_EQUAL(block.segment_count, 0);
    CU_ASSERT_PTR_NULL(psi_rows_find(&rows, 0, 7));
    psi_block_fini(&block);
    psi_rows_fini(&rows);
}

/* Add before the fetch, add after it, edit in place, in any order: the view has all of it, and the
 * difference to what was fetched is published once. */
static void adds_and_edits_mix(void) {
    make_layout();
    for (int order = 0; order < 8; order++) {
        psi_rows rows;
        psi_block block = {0};
        CU_ASSERT_EQUAL_FATAL(psi_rows_init(&rows, &layout), PS_OK);
        const int64_t fetched[COLUMNS] = {100, 200, 300, 400, 500};
        const int64_t delta[COLUMNS] = {1, -2, 3, -4, 5};
        int64_t expected[COLUMNS] = {0};
        psi_private_row *const own = touch(&rows, 0, 40);
        if ((order & 1) != 0) {
            CU_ASSERT_TRUE(psi_rows_add(&rows, own, delta));
            psi_values_add(PS_I64, expected, delta, COLUMNS);
        }
        CU_ASSERT_TRUE(psi_rows_fill(&rows, own, (const uint8_t *)fetched, NULL));
        if ((order & 2) != 0) {
            CU_ASSERT_TRUE(psi_rows_add(&rows, own, delta));
            psi_values_add(PS_I64, expected, delta, COLUMNS);
        }
        if ((order & 4) != 0) {
            int64_t *const numbers = psi_rows_edit(&rows, own);
            CU_ASSERT_PTR_NOT_NULL_FATAL(numbers);
            numbers[2] += 77;
            expected[2] += 77;
            CU_ASSERT_EQUAL(psi_rows_edit(&rows, own), numbers);
            CU_ASSERT_TRUE(psi_rows_add(&rows, own, delta)); /* add after edit */
            psi_values_add(PS_I64, expected, delta, COLUMNS);
        }
        int64_t view[COLUMNS];
        memcpy(view, psi_rows_read(&rows, own), sizeof view);
        CU_ASSERT_TRUE(psi_rows_seal(&rows, &block));
        int64_t sums[COLUMNS] = {0};
        CU_ASSERT_EQUAL(published(&block, 0, 40, sums), order == 0 ? 0 : 1);
        for (uint32_t column = 0; column < COLUMNS; column++) {
            CU_ASSERT_EQUAL(view[column], fetched[column] + expected[column]);
            CU_ASSERT_EQUAL(sums[column], expected[column]);
        }
        psi_block_fini(&block);
        psi_rows_fini(&rows);
    }
}

/* A view that the worker holds shows what it adds, at once and once; so does the next one that it
 * asks for. */
static void adds_show_in_views(void) {
    make_layout();
    for (int order = 0; order < 4; order++) {
        psi_rows rows;
        CU_ASSERT_EQUAL_FATAL(psi_rows_init(&rows, &layout), PS_OK);
        const int64_t fetched[COLUMNS] = {100};
        const int64_t delta[COLUMNS] = {7};
        psi_private_row *const own = touch(&rows, 0, 3);
        CU_ASSERT_PTR_NULL(psi_rows_read(&rows, own));
        CU_ASSERT_TRUE(psi_rows_fill(&rows, own, (const uint8_t *)fetched, NULL));
        const bool is_held = (order & 1) != 0;
        const int64_t adds = 1 + order / 2;
        const void *view = is_held ? psi_rows_read(&rows, own) : NULL;
        for (int64_t i = 0; i < adds; i++) {
            CU_ASSERT_TRUE(psi_rows_add(&rows, own, delta));
        }
        view = is_held ? view : psi_rows_read(&rows, own);
        CU_ASSERT_EQUAL(*(const int64_t *)view, 100 + 7 * adds);
        CU_ASSERT_EQUAL(*(const int64_t *)(const void *)psi_rows_read(&rows, own), 100 + 7 * adds);
        psi_rows_fini(&rows);
    }
}

static void sparse_adds_are_seen_and_published(void) {
    make_layout();
    psi_rows rows;
    psi_block block = {0};
    CU_ASSERT_EQUAL_FATAL(psi_rows_init(&rows, &layout), PS_OK);
    psi_sparse fetched = {0};
    const uint32_t columns[] = {4, 1, 4};
    const int32_t numbers[] = {10, 20, 30};
    CU_ASSERT_TRUE(psi_sparse_add_unsorted(&fetched, PS_I32, 2, columns, numbers));
    CU_ASSERT_TRUE(psi_rows_add_sparse(&rows, touch(&rows, 2, 9), 3, columns, numbers));
    CU_ASSERT_TRUE(psi_rows_fill(&rows, touch(&rows, 2, 9), NULL, &fetched));
    CU_ASSERT_TRUE(psi_rows_add_sparse(&rows, touch(&rows, 2, 9), 1, columns, numbers));
    const psi_sparse *const view = psi_rows_read_sparse(&rows, touch(&rows, 2, 9));
    CU_ASSERT_PTR_NOT_NULL_FATAL(view);
    CU_ASSERT_EQUAL_FATAL(view->count, 2);
    int32_t seen[2];
    memcpy(seen, view->values, sizeof seen);
    CU_ASSERT_EQUAL(seen[0], 40);           /* column 1: 20 + 20 */
    CU_ASSERT_EQUAL(seen[1], 10 + 40 + 10); /* column 4 */
    CU_ASSERT_TRUE(psi_rows_seal(&rows, &block));
    int64_t sums[COLUMNS] = {0};
    CU_ASSERT_EQUAL(published(&block, 2, 9, sums), 1);
    CU_ASSERT_EQUAL(sums[1], 20);
    CU_ASSERT_EQUAL(sums[4], 50);
    psi_sparse_fini(&fetched);
    psi_block_fini(&block);
    psi_rows_fini(&rows);
}

/* A view of a sparse row is brought up to date when the worker looks, after the first add and after
 * later ones. */
static void sparse_views_show_every_add(void) {
    make_layout();
    psi_rows rows;
    CU_ASSERT_EQUAL_FATAL(psi_rows_init(&rows, &layout), PS_OK);
    psi_sparse fetched = {0};
    const uint32_t columns[] = {1, 3};
    const int32_t numbers[] = {5, -5};
    CU_ASSERT_TRUE(psi_sparse_add_unsorted(&fetched, PS_I32, 2, columns, numbers));
    CU_ASSERT_TRUE(psi_rows_fill(&rows, touch(&rows, 2, 9), NULL, &fetched));
    for (int32_t adds = 1; adds <= 3; adds++) {
        const int32_t one[] = {1, 1};
        CU_ASSERT_TRUE(psi_rows_add_sparse(&rows, touch(&rows, 2, 9), 2, columns, one));
        if (adds == 2) {
            continue; /* two adds without a look between them */
        }
        const psi_sparse *const view = psi_rows_read_sparse(&rows, touch(&rows, 2, 9));
        CU_ASSERT_PTR_NOT_NULL_FATAL(view);
        CU_ASSERT_EQUAL_FATAL(view->count, 2);
        int32_t seen[2];
        memcpy(seen, view->values, sizeof seen);
        CU_ASSERT_EQUAL(seen[0], 5 + adds);
        CU_ASSERT_EQUAL(seen[1], -5 + adds);
    }
    psi_sparse_fini(&fetched);
    psi_rows_fini(&rows);
}

/* Counts that move and come back within a clock are no update: their row takes no room in a frame,
 * and nobody who subscribed to it hears of it. */
static void changes_that_cancel_are_not_published(void) {
    make_layout();
    psi_rows rows;
    psi_block block = {0};
    CU_ASSERT_EQUAL_FATAL(psi_rows_init(&rows, &layout), PS_OK);
    const uint32_t columns[] = {1, 3};
    const int32_t there[] = {7, -4}, back[] = {-7, 4};
    for (uint64_t stays = 0; stays <= 2; stays++) { /* of the rows 0 and 1, which share a segment */
        for (uint64_t row = 0; row < 2; row++) {
            CU_ASSERT_TRUE(psi_rows_add_sparse(&rows, touch(&rows, 2, row), 2, columns, there));
            if (row >= stays) {
                CU_ASSERT_TRUE(psi_rows_add_sparse(&rows, touch(&rows, 2, row), 2, columns, back));
            }
        }
        CU_ASSERT_TRUE(psi_rows_add_sparse(&rows, touch(&rows, 2, 40), 0, columns, there));
        CU_ASSERT_TRUE(psi_rows_seal(&rows, &block));
        CU_ASSERT_EQUAL(block.segment_count, stays > 0);
        CU_ASSERT_EQUAL(block.local_count, stays);
        for (uint64_t row = 0; row < 2; row++) {
            int64_t sums[COLUMNS] = {0};
            CU_ASSERT_EQUAL(published(&block, 2, row, sums), row < stays);
            CU_ASSERT_EQUAL(sums[1], row < stays ? 7 : 0);
        }
    }
    psi_block_fini(&block);
    psi_rows_fini(&rows);
}

/* ps_get()'s pointer lives until the clock ends, however many rows come after it. */
static void pointers_live_until_the_clock_ends(void) {
    make_layout();
    psi_rows rows;
    psi_block block = {0};
    CU_ASSERT_EQUAL_FATAL(psi_rows_init(&rows, &layout), PS_OK);
    for (int round = 0; round < 3; round++) {
        const int64_t *pointers[ROWS];
        for (uint64_t row = 0; row < ROWS; row++) {
            const int64_t value[COLUMNS] = {(int64_t)row * 1000 + round};
            psi_private_row *const own = touch(&rows, 0, row);
            CU_ASSERT_TRUE(psi_rows_fill(&rows, own, (const uint8_t *)value, NULL));
            CU_ASSERT_PTR_NOT_NULL(psi_rows_edit(&rows, own));
            pointers[row] = (const int64_t *)(const void *)own->value;
        }
        size_t wrong = 0;
        for (uint64_t row = 0; row < ROWS; row++) {
            wrong += pointers[row][0] != (int64_t)row * 1000 + round;
            wrong += psi_rows_find(&rows, 0, row)->value != (const uint8_t *)pointers[row];
        }
        CU_ASSERT_EQUAL(wrong, 0);
        CU_ASSERT_TRUE(psi_rows_seal(&rows, &block));
    }
    psi_block_fini(&block);
    psi_rows_fini(&rows);
}

/* Random clocks against sums in plain arrays; memory stops growing after the first ones. */
static void random_clocks_publish_their_sums(void) {
    make_layout();
    psi_rows rows;
    psi_block block = {0};
    ps_random random = ps_random_stream(5, "clocks", 0);
    CU_ASSERT_EQUAL_FATAL(psi_rows_init(&rows, &layout), PS_OK);
    size_t wrong = 0;
    for (int clock = 0; clock < 200; clock++) {
        int64_t sums[2][ROWS][COLUMNS] = {{{0}}};
        bool is_changed[ROWS] = {false}; /* of dense rows, where 0 is a change like any other */
        for (uint64_t i = ps_random_below(&random, 60); i > 0; i--) {
            const uint64_t row = ps_random_below(&random, ROWS);
            const uint32_t column = (uint32_t)ps_random_below(&random, COLUMNS);
            const int32_t number = (int32_t)ps_random_below(&random, 100) - 50;
            const uint32_t is_sparse = (uint32_t)ps_random_below(&random, 2);
            int64_t delta[COLUMNS] = {0};
            delta[column] = number;
            psi_private_row *const own = touch(&rows, is_sparse * 2, row);
            wrong += !(is_sparse == 1 ? psi_rows_add_sparse(&rows, own, 1, &column, &number)
                                      : psi_rows_add(&rows, own, delta));
            sums[is_sparse][row][column] += number;
            is_changed[row] |= is_sparse == 0;
        }
        wrong += !psi_rows_seal(&rows, &block);
        for (uint32_t is_sparse = 0; is_sparse < 2; is_sparse++) {
            for (uint64_t row = 0; row < ROWS; row++) {
                const int64_t none[COLUMNS] = {0}, *const sum = sums[is_sparse][row];
                const bool is_due =
                    is_sparse == 0 ? is_changed[row] : memcmp(sum, none, sizeof none) != 0;
                int64_t seen[COLUMNS] = {0};
                wrong += published(&block, is_sparse * 2, row, seen) != is_due;
                wrong += memcmp(seen, sum, sizeof seen) != 0;
            }
        }
    }
    CU_ASSERT_EQUAL(wrong, 0);
    CU_ASSERT_TRUE(rows.chunk_count <= 3);
    psi_block_fini(&block);
    psi_rows_fini(&rows);
}

static const suite_test tests[] = {SUITE_TEST(an_empty_clock_is_sealed),
                                   SUITE_TEST(adds_and_edits_mix),
                                   SUITE_TEST(adds_show_in_views),
                                   SUITE_TEST(sparse_adds_are_seen_and_published),
                                   SUITE_TEST(sparse_views_show_every_add),
                                   SUITE_TEST(changes_that_cancel_are_not_published),
                                   SUITE_TEST(pointers_live_until_the_clock_ends),
                                   SUITE_TEST(random_clocks_publish_their_sums)};
SUITE_MAIN("private_rows", tests)
