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
    const psi_keys keys = psi_keys_of_locals(table, locals, count);
    uint8_t *at = psi_part_put_keys(to, &keys, with_values);
    CU_ASSERT_EQUAL(at, to + psi_keys_size(&keys));
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
        CU_ASSERT_EQUAL(part.form, is_list ? PSI_PART_LIST : PSI_PART_RANGE);
        psi_part_cursor cursor = psi_part_rows(&part);
        uint32_t given[PSI_PART_BATCH];
        CU_ASSERT_EQUAL(psi_part_next(&cursor, given), count);
        CU_ASSERT_EQUAL(memcmp(given, locals, count * sizeof *locals), 0);
        CU_ASSERT_EQUAL(psi_part_next(&cursor, given), 0);
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
        {0, 2, 12},
        {0, 2, 16},
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
        uint8_t *at = psi_part_put_header(bytes, 1, PSI_PART_VALUES, 1, 2);
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

/* ---- Gaps ---- */

enum { MANY_ROWS = 100000, LONG_COUNT = 3 * PSI_PART_BATCH + 17, LONG_BYTES = 1 << 16 };

static void make_long_layout(void) {
    const ps_table_spec spec = {.name = "long",
                                .type = PS_F32,
                                .layout = PS_DENSE,
                                .row_count = MANY_ROWS,
                                .column_count = 1};
    CU_ASSERT_EQUAL_FATAL(psi_layout_init(&layout, &spec, 1, 1), PS_OK);
}

static bool reads_long(const uint8_t *bytes, size_t size_bytes, psi_part *part) {
    psi_reader reader = psi_reader_of(bytes, size_bytes);
    return psi_part_read(&reader, &layout, 0, false, part) && reader.left_bytes == 0;
}

/* Whether the part's rows are `locals`, batch after batch. */
static bool has_rows(const psi_part *part, const uint32_t *locals, uint32_t count) {
    psi_part_cursor cursor = psi_part_rows(part);
    uint32_t given[PSI_PART_BATCH];
    uint32_t seen = 0;
    uint32_t batch = psi_part_next(&cursor, given);
    for (; batch > 0; batch = psi_part_next(&cursor, given)) {
        if (seen + batch > count || memcmp(given, locals + seen, batch * sizeof *given) != 0) {
            return false;
        }
        seen += batch;
    }
    return seen == count;
}

/* Rows with a step of 1 to 1 + `gap_max` between them. */
static void make_rows(uint32_t *locals, uint32_t count, uint32_t gap_max) {
    uint32_t row = 2385;
    for (uint32_t i = 0; i < count; i++) {
        locals[i] = row;
        row += 1 + (i * 2654435761u >> 7) % (gap_max + 1);
    }
}

/* Writes rows from both kinds of lists, reads them back, and checks the form and the size. */
static bool long_rows_come_back(const uint32_t *locals, uint32_t count, uint32_t form) {
    static uint8_t bytes[LONG_BYTES], again[LONG_BYTES];
    static uint64_t rows[LONG_COUNT];
    for (uint32_t i = 0; i < count; i++) {
        rows[i] = locals[i] + UINT64_C(1000000007);
    }
    const psi_keys narrow = psi_keys_of_locals(0, locals, count);
    psi_keys wide = psi_keys_of_rows(0, rows, count);
    psi_keys_set_base(&wide, 1000000007);
    const uint8_t *const end = psi_part_put_keys(bytes, &narrow, false);
    (void)psi_part_put_keys(again, &wide, false);
    const size_t size_bytes = psi_keys_size(&narrow);
    psi_part part;
    return narrow.form == form && wide.form == form && psi_keys_size(&wide) == size_bytes &&
           end == bytes + size_bytes && memcmp(bytes, again, size_bytes) == 0 &&
           reads_long(bytes, size_bytes, &part) && has_rows(&part, locals, count);
}

/* Why: rows are most often ascending, and then one byte or two say as much as four. */
static void the_shortest_form_comes_back(void) {
    make_long_layout();
    static uint32_t locals[LONG_COUNT];
    static const uint32_t gaps[] = {0, 1, 254, 255, 256, 65535, 65536};
    for (size_t g = 0; g < sizeof gaps / sizeof *gaps; g++) {
        const uint32_t pair[2] = {7, 7 + 1 + gaps[g]};
        const uint32_t form = gaps[g] == 0       ? PSI_PART_RANGE
                              : gaps[g] <= 255   ? PSI_PART_GAPS_8
                              : gaps[g] <= 65535 ? PSI_PART_GAPS_16
                                                 : PSI_PART_LIST;
        CU_ASSERT_TRUE(long_rows_come_back(pair, 2, form));
    }
    for (uint32_t count = 2; count <= LONG_COUNT; count += count < 20 ? 1 : 61) {
        make_rows(locals, count, 0);
        CU_ASSERT_TRUE(long_rows_come_back(locals, count, PSI_PART_RANGE));
        make_rows(locals, count, 100);
        locals[count - 1] = locals[count - 2] + 3;
        CU_ASSERT_TRUE(long_rows_come_back(locals, count, PSI_PART_GAPS_8));
        locals[count - 1] = locals[count - 2] + 300;
        CU_ASSERT_TRUE(long_rows_come_back(locals, count, PSI_PART_GAPS_16));
        locals[count - 1] = 3;
        CU_ASSERT_TRUE(long_rows_come_back(locals, count, PSI_PART_LIST));
    }
    const uint32_t twice[] = {5, 5};
    CU_ASSERT_TRUE(long_rows_come_back(twice, 2, PSI_PART_LIST));
}

/* Why: gaps that lead past the last row would be written to (G10). */
static void gaps_past_the_last_row_are_refused(void) {
    make_long_layout();
    uint8_t bytes[32];
    psi_part part;
    for (uint32_t form = PSI_PART_GAPS_8; form <= PSI_PART_GAPS_16; form *= 2) {
        const uint32_t gap = form == PSI_PART_GAPS_8 ? 200 : 20000;
        const uint32_t last = MANY_ROWS - 1;
        for (uint32_t past = 0; past <= 1; past++) {
            const uint32_t locals[] = {last + past - gap - 2, last + past - 1, last + past};
            const psi_keys keys = psi_keys_of_locals(0, locals, 3);
            CU_ASSERT_EQUAL(keys.form, form);
            const size_t size_bytes = (size_t)(psi_part_put_keys(bytes, &keys, false) - bytes);
            CU_ASSERT_EQUAL(reads_long(bytes, size_bytes, &part), past == 0);
            psi_put_u32(bytes + 8, UINT32_MAX); /* begin: the sum would wrap around */
            CU_ASSERT_FALSE(reads_long(bytes, size_bytes, &part));
        }
    }
}

static void damaged_gaps_are_refused(void) {
    make_long_layout();
    static const uint32_t rows_of_a_byte[] = {10, 20, 30};
    static const uint32_t rows_of_two[] = {10, 2000, 3000, 4000};
    for (uint32_t form = PSI_PART_GAPS_8; form <= PSI_PART_GAPS_16; form *= 2) {
        const bool is_byte = form == PSI_PART_GAPS_8;
        uint8_t bytes[32] = {0};
        const psi_keys keys =
            psi_keys_of_locals(0, is_byte ? rows_of_a_byte : rows_of_two, is_byte ? 3 : 4);
        const size_t size_bytes = (size_t)(psi_part_put_keys(bytes, &keys, false) - bytes);
        psi_part part;
        CU_ASSERT_TRUE(reads_long(bytes, size_bytes, &part));
        for (size_t size = 0; size < size_bytes; size++) {
            CU_ASSERT_FALSE(reads_long(bytes, size, &part));
        }
        bytes[size_bytes - 1] = 1; /* what fills up must be zero */
        CU_ASSERT_FALSE(reads_long(bytes, size_bytes, &part));
        bytes[size_bytes - 1] = 0;
        for (uint32_t count = 0; count < 2; count++) { /* gaps are between two rows at least */
            psi_put_u32(bytes + 4, count);
            CU_ASSERT_FALSE(reads_long(bytes, PSI_PART_HEADER_BYTES, &part));
        }
        psi_put_u32(bytes + 4, UINT32_MAX);
        CU_ASSERT_FALSE(reads_long(bytes, size_bytes, &part));
    }
}

/* Why: whoever pulls knows its rows; another answer is not to it. */
static void answers_must_fit_what_was_asked(void) {
    make_layout();
    uint8_t bytes[PSI_PART_HEADER_BYTES + 2 * COLUMNS * 4] = {0};
    (void)psi_part_put_header(bytes, 0, PSI_PART_AS_ASKED | PSI_PART_VALUES, 2, 0);
    psi_reader reader = psi_reader_of(bytes, sizeof bytes);
    CU_ASSERT_PTR_EQUAL(psi_part_read_answer(&reader, &layout, 0, 2),
                        bytes + PSI_PART_HEADER_BYTES);
    CU_ASSERT_EQUAL(reader.left_bytes, 0);
    for (size_t at = 0; at < PSI_PART_HEADER_BYTES; at++) {
        bytes[at] ^= 1;
        reader = psi_reader_of(bytes, sizeof bytes);
        CU_ASSERT_PTR_NULL(psi_part_read_answer(&reader, &layout, 0, 2));
        bytes[at] ^= 1;
    }
    for (size_t size = 0; size < sizeof bytes; size++) {
        reader = psi_reader_of(bytes, size);
        CU_ASSERT_PTR_NULL(psi_part_read_answer(&reader, &layout, 0, 2));
    }
}

static const suite_test tests[] = {
    SUITE_TEST(parts_come_back),
    SUITE_TEST(every_truncation_is_refused),
    SUITE_TEST(every_bad_number_is_refused),
    SUITE_TEST(columns_must_ascend),
    SUITE_TEST(the_shortest_form_comes_back),
    SUITE_TEST(gaps_past_the_last_row_are_refused),
    SUITE_TEST(damaged_gaps_are_refused),
    SUITE_TEST(answers_must_fit_what_was_asked),
};
SUITE_MAIN("part", tests)
