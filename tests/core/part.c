/* Parts: what is written is read back, and nothing that no correct peer writes is read (G10). */
#include "ps/part.h"

#include <stdio.h>

#include "support/suite.h"

enum { SHARD = 1, SHARDS = 3, ROWS = 20, COLUMNS = 6, BUFFER_BYTES = 4096 };

static psi_layout layout;

static void make_layout(void) {
    const ps_table_spec specs[] = {{.name = "dense",
                                    .type = PS_F32,
                                    .layout = PS_DENSE,
                                    .row_count = ROWS,
                                    .column_count = COLUMNS},
                                   {.name = "sparse",
                                    .type = PS_I64,
                                    .layout = PS_SPARSE,
                                    .row_count = ROWS,
                                    .column_count = COLUMNS}};
    CU_ASSERT_EQUAL_FATAL(psi_layout_init(&layout, specs, 2, SHARDS), PS_OK);
}

/* Writes a part of rows with or without values; a sparse row i has i % 4 entries. */
static size_t write_part(uint8_t *to, uint32_t table, const uint32_t *locals, uint32_t count,
                         bool with_values) {
    bool is_range;
    const size_t keys_size_bytes = psi_part_keys_size(locals, count, &is_range);
    uint8_t *at = psi_part_put_keys(to, table, locals, count, is_range, with_values);
    CU_ASSERT_EQUAL(at, to + keys_size_bytes);
    for (uint32_t i = 0; with_values && i < count; i++) {
        if (table == 0) {
            for (uint32_t column = 0; column < COLUMNS; column++, at += 4) {
                const float value = (float)(i * 100 + column) + 0.5f;
                memcpy(at, &value, 4);
            }
            continue;
        }
        psi_sparse row = {0};
        for (uint32_t e = 0; e < i % 4; e++) {
            const uint32_t column = (e * 2 + i) % COLUMNS;
            const int64_t value = -(int64_t)(i * 10 + e);
            CU_ASSERT_TRUE(psi_sparse_add_unsorted(&row, PS_I64, 1, &column, &value));
        }
        uint8_t *const end = psi_part_put_sparse(at, PS_I64, &row);
        CU_ASSERT_EQUAL((size_t)(end - at), psi_sparse_wire_size(&layout.tables[1], &row));
        at = end;
        psi_sparse_fini(&row);
    }
    return (size_t)(at - to);
}

static bool reads(const uint8_t *bytes, size_t size_bytes, bool with_values, psi_part *part) {
    psi_reader reader = psi_reader_of(bytes, size_bytes);
    return psi_part_read(&reader, &layout, SHARD, with_values, part) && reader.left_bytes == 0;
}

static const uint32_t range[] = {2, 3, 4, 5, 6};
static const uint32_t list[] = {6, 0, 3, 5};

static void parts_come_back(void) {
    make_layout();
    uint8_t bytes[BUFFER_BYTES];
    for (uint32_t kind = 0; kind < 8; kind++) {
        const bool is_list = (kind & 1) != 0;
        const bool with_values = (kind & 2) != 0;
        const uint32_t table = kind >> 2;
        const uint32_t *const locals = is_list ? list : range;
        const uint32_t count = is_list ? 4 : 5;
        const size_t size_bytes = write_part(bytes, table, locals, count, with_values);
        psi_part part;
        CU_ASSERT_TRUE_FATAL(reads(bytes, size_bytes, with_values, &part));
        CU_ASSERT_FALSE(reads(bytes, size_bytes, !with_values, &part));
        CU_ASSERT_EQUAL(part.table, table);
        CU_ASSERT_EQUAL(part.count, count);
        CU_ASSERT_EQUAL(part.list != NULL, is_list);
        for (uint32_t i = 0; i < count; i++) {
            CU_ASSERT_EQUAL(psi_part_local(&part, i), locals[i]);
        }
        const uint8_t *values = part.values;
        for (uint32_t i = 0; with_values && i < count; i++) {
            const uint8_t *const row = psi_part_next_row(&layout.tables[table], &values);
            psi_sparse sparse = {0};
            CU_ASSERT_TRUE(table == 0 || psi_part_add_sparse(&sparse, PS_I64, row));
            CU_ASSERT_TRUE(table == 0 || sparse.count == i % 4);
            psi_sparse_fini(&sparse);
        }
        CU_ASSERT_TRUE(!with_values || values == bytes + size_bytes);
    }
}

/* A part that ends early is refused, wherever it ends; the buffer has its exact size, for ASan. */
static void every_truncation_is_refused(void) {
    make_layout();
    size_t accepted = 0;
    for (uint32_t kind = 0; kind < 8; kind++) {
        uint8_t bytes[BUFFER_BYTES];
        const uint32_t *const locals = (kind & 1) != 0 ? list : range;
        const bool with_values = (kind & 2) != 0;
        const size_t size_bytes =
            write_part(bytes, kind >> 2, locals, (kind & 1) != 0 ? 4 : 5, with_values);
        for (size_t size = 0; size < size_bytes; size++) {
            uint8_t *const exact = malloc(size == 0 ? 1 : size);
            CU_ASSERT_PTR_NOT_NULL_FATAL(exact);
            memcpy(exact, bytes, size);
            psi_part part;
            psi_reader reader = psi_reader_of(exact, size);
            accepted += psi_part_read(&reader, &layout, SHARD, with_values, &part);
            free(exact);
        }
    }
    CU_ASSERT_EQUAL(accepted, 0);
}

typedef struct bad_byte {
    uint32_t kind; /* as above: bit 0 list, bit 1 values, bit 2 sparse */
    size_t at;
    uint32_t value; /* little-endian u16 at 0 and 2, u32 elsewhere */
} bad_byte;

/* Shard 1 of 3 owns 7 of 20 rows. */
static void every_bad_number_is_refused(void) {
    make_layout();
    static const bad_byte cases[] = {
        {0, 0, 2},
        {0, 0, 0xffff}, /* table */
        {0, 2, 4},
        {0, 2, 0x8000}, /* kind */
        {0, 4, 6},
        {0, 4, UINT32_MAX},
        {0, 4, 8}, /* count of a range from 2 */
        {0, 8, 3},
        {0, 8, 8},
        {0, 8, UINT32_MAX},
        {0, 8, UINT32_MAX - 3}, /* begin */
        {0, 12, 1},
        {1, 12, 7}, /* reserved */
        {1, 8, 1},  /* a list has no begin */
        {1, 4, 8},
        {1, 4, UINT32_MAX}, /* count of a list */
        {1, 16, 7},
        {1, 28, UINT32_MAX}, /* rows of a list */
        {6, 16 + 4, COLUMNS + 1},
        {6, 16 + 4, UINT32_MAX}, /* entries of a sparse row */
        {6, 16 + 4 + 4, COLUMNS},
        {6, 16 + 4 + 4, UINT32_MAX}, /* a column */
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const bad_byte *const bad = &cases[i];
        uint8_t bytes[BUFFER_BYTES] = {0};
        const uint32_t *const locals = (bad->kind & 1) != 0 ? list : range;
        const bool with_values = (bad->kind & 2) != 0;
        (void)write_part(bytes, bad->kind >> 2, locals, (bad->kind & 1) != 0 ? 4 : 5, with_values);
        if (bad->at < 4) {
            psi_put_u16(bytes + bad->at, (uint16_t)bad->value);
        } else {
            psi_put_u32(bytes + bad->at, bad->value);
        }
        psi_part part = {.table = 77};
        psi_reader reader = psi_reader_of(bytes, sizeof bytes);
        CU_ASSERT_FALSE(psi_part_read(&reader, &layout, SHARD, with_values, &part));
        CU_ASSERT_EQUAL(part.table, 77);
    }
}

/* Columns that repeat or go down would break every sparse row that they are added to. */
static void columns_must_ascend(void) {
    make_layout();
    for (int equal = 0; equal < 2; equal++) {
        uint8_t bytes[64];
        uint8_t *at = psi_part_put_keys(bytes, 1, range, 1, true, true);
        psi_put_u32(at, 2);
        psi_put_u32(at + 4, 3);
        psi_put_u32(at + 8, equal == 1 ? 3 : 2);
        memset(at + 12, 0, 16);
        psi_part part;
        CU_ASSERT_FALSE(reads(bytes, 16 + 12 + 16, true, &part));
        psi_put_u32(at + 8, 4);
        CU_ASSERT_TRUE(reads(bytes, 16 + 12 + 16, true, &part));
    }
}

static const suite_test tests[] = {
    SUITE_TEST(parts_come_back), SUITE_TEST(every_truncation_is_refused),
    SUITE_TEST(every_bad_number_is_refused), SUITE_TEST(columns_must_ascend)};
SUITE_MAIN("part", tests)
