#include "ps/part.h"

/* ---- Writing ---- */

/* The form of rows whose gaps, or-ed together, are `gaps`; a step back or none at all is a gap of
 * 2^64 - 1 or so. */
static uint32_t form_of_gaps(uint64_t gaps) {
    if (gaps == 0) {
        return PSI_PART_RANGE;
    }
    if (gaps > UINT16_MAX) {
        return PSI_PART_LIST;
    }
    return gaps > UINT8_MAX ? PSI_PART_GAPS_16 : PSI_PART_GAPS_8;
}

/* One set of loops for each width of row numbers. Differences wrap around on purpose. */
#define DEFINE_KEYS(suffix, number)                                                     \
    static uint32_t form_of_##suffix(const number *rows, uint32_t count) {              \
        uint64_t gaps = 0;                                                              \
        for (uint32_t i = 1; i < count; i++) {                                          \
            gaps |= (uint64_t)rows[i] - rows[i - 1] - 1;                                \
        }                                                                               \
        return form_of_gaps(gaps);                                                      \
    }                                                                                   \
    static void put_list_##suffix(uint8_t *restrict to, const number *restrict rows,    \
                                  uint32_t count, number base) {                        \
        for (size_t i = 0; i < count; i++) {                                            \
            psi_put_u32(to + 4 * i, (uint32_t)(rows[i] - base));                        \
        }                                                                               \
    }                                                                                   \
    static void put_gaps_8_##suffix(uint8_t *restrict to, const number *restrict rows,  \
                                    uint32_t count) {                                   \
        for (size_t i = 1; i < count; i++) {                                            \
            to[i - 1] = (uint8_t)(rows[i] - rows[i - 1] - 1);                           \
        }                                                                               \
    }                                                                                   \
    static void put_gaps_16_##suffix(uint8_t *restrict to, const number *restrict rows, \
                                     uint32_t count) {                                  \
        for (size_t i = 1; i < count; i++) {                                            \
            psi_put_u16(to + 2 * (i - 1), (uint16_t)(rows[i] - rows[i - 1] - 1));       \
        }                                                                               \
    }

DEFINE_KEYS(u32, uint32_t)
DEFINE_KEYS(u64, uint64_t)

static void put_locals(uint8_t *to, const psi_keys *keys) {
    if (keys->form == PSI_PART_LIST) {
        put_list_u32(to, keys->locals, keys->count, 0);
    } else if (keys->form == PSI_PART_GAPS_8) {
        put_gaps_8_u32(to, keys->locals, keys->count);
    } else if (keys->form == PSI_PART_GAPS_16) {
        put_gaps_16_u32(to, keys->locals, keys->count);
    }
}

static void put_rows(uint8_t *to, const psi_keys *keys) {
    if (keys->form == PSI_PART_LIST) {
        put_list_u64(to, keys->rows, keys->count, keys->base);
    } else if (keys->form == PSI_PART_GAPS_8) {
        put_gaps_8_u64(to, keys->rows, keys->count);
    } else if (keys->form == PSI_PART_GAPS_16) {
        put_gaps_16_u64(to, keys->rows, keys->count);
    }
}

psi_keys psi_keys_of_range(uint32_t table, uint32_t begin, uint32_t count) {
    return (psi_keys){
        .table = table, .count = count, .form = PSI_PART_RANGE, .begin = count == 0 ? 0 : begin};
}

psi_keys psi_keys_of_locals(uint32_t table, const uint32_t *locals, uint32_t count) {
    psi_keys keys = {
        .table = table, .count = count, .form = form_of_u32(locals, count), .locals = locals};
    keys.begin = keys.form == PSI_PART_LIST || count == 0 ? 0 : locals[0];
    return keys;
}

psi_keys psi_keys_of_rows(uint32_t table, const uint64_t *rows, uint32_t count) {
    return (psi_keys){
        .table = table, .count = count, .form = form_of_u64(rows, count), .rows = rows};
}

void psi_keys_set_base(psi_keys *keys, uint64_t base) {
    keys->base = base;
    if (keys->form != PSI_PART_LIST && keys->count > 0) {
        keys->begin = (uint32_t)(keys->rows[0] - base);
    }
}

uint8_t *psi_part_put_header(uint8_t *to, uint32_t table, uint32_t kind, uint32_t count,
                             uint32_t begin) {
    psi_put_u16(to, (uint16_t)table);
    psi_put_u16(to + 2, (uint16_t)kind);
    psi_put_u32(to + 4, count);
    psi_put_u32(to + 8, begin);
    psi_put_u32(to + 12, 0);
    return to + PSI_PART_HEADER_BYTES;
}

uint8_t *psi_part_put_keys(uint8_t *to, const psi_keys *keys, bool with_values) {
    const uint32_t kind = keys->form | (with_values ? PSI_PART_VALUES : 0);
    to = psi_part_put_header(to, keys->table, kind, keys->count, keys->begin);
    const size_t size_bytes = psi_keys_form_size(keys->form, keys->count);
    if (size_bytes == 0) {
        return to;
    }
    psi_put_u32(to + size_bytes - 4, 0); /* what fills up the gaps is zero */
    if (keys->locals != NULL) {
        put_locals(to, keys);
    } else {
        put_rows(to, keys);
    }
    return to + size_bytes;
}

uint8_t *psi_part_put_sparse(uint8_t *to, ps_type type, const psi_sparse *row) {
    psi_put_u32(to, row->count);
    to += 4;
    for (uint32_t i = 0; i < row->count; i++, to += 4) {
        psi_put_u32(to, row->columns[i]);
    }
    const size_t values_size_bytes = row->count * ps_type_size_bytes(type);
    if (values_size_bytes > 0) {
        memcpy(to, row->values, values_size_bytes);
    }
    return to + values_size_bytes;
}

/* ---- Reading ---- */

static bool list_is_valid(const psi_part *part, uint32_t row_count) {
    uint32_t largest = 0;
    for (size_t i = 0; i < part->count; i++) {
        const uint32_t local = psi_load_u32(part->keys + 4 * i);
        largest = local > largest ? local : largest;
    }
    return part->count == 0 || largest < row_count;
}

/* The first row, all gaps and a step after each stay below row_count; at most 2^32 gaps of less
 * than 2^16 do not overflow. */
static bool gaps_are_valid(const psi_part *part, uint32_t row_count) {
    const size_t gap_count = (size_t)part->count - 1;
    uint64_t sum = (uint64_t)part->begin + gap_count;
    if (part->form == PSI_PART_GAPS_8) {
        for (size_t i = 0; i < gap_count; i++) {
            sum += part->keys[i];
        }
    } else {
        for (size_t i = 0; i < gap_count; i++) {
            sum += psi_load_u16(part->keys + 2 * i);
        }
    }
    const size_t used_bytes = part->form == PSI_PART_GAPS_8 ? gap_count : 2 * gap_count;
    for (size_t i = used_bytes; i < psi_keys_form_size(part->form, part->count); i++) {
        if (part->keys[i] != 0) {
            return false;
        }
    }
    return sum < row_count;
}

static bool keys_are_valid(const psi_part *part, uint32_t row_count) {
    switch (part->form) {
    case PSI_PART_RANGE:
        return part->begin <= row_count && part->count <= row_count - part->begin;
    case PSI_PART_LIST:
        return part->begin == 0 && list_is_valid(part, row_count);
    default:
        return gaps_are_valid(part, row_count);
    }
}

/* Checks one sparse row: its length and that columns ascend below column_count. */
static bool read_sparse_row(psi_reader *reader, const psi_table_layout *table) {
    const uint32_t count = psi_read_u32(reader);
    if (reader->failed || count > table->column_count) {
        return false;
    }
    const uint8_t *const columns = psi_read_bytes(reader, (size_t)count * 4);
    if (psi_read_bytes(reader, (size_t)count * table->value_size_bytes) == NULL) {
        return false;
    }
    for (uint32_t i = 0; i < count; i++) {
        const uint32_t column = psi_load_u32(columns + (size_t)i * 4);
        const bool ascends = i == 0 || psi_load_u32(columns + (size_t)(i - 1) * 4) < column;
        if (column >= table->column_count || !ascends) {
            return false;
        }
    }
    return true;
}

static bool read_values(psi_reader *reader, const psi_table_layout *table, uint32_t count) {
    if (table->layout == PS_DENSE) {
        /* count < 2^32 and a row is at most 2^28 bytes: the product fits. */
        return psi_read_bytes(reader, (size_t)count * table->row_size_bytes) != NULL;
    }
    for (uint32_t i = 0; i < count; i++) {
        if (!read_sparse_row(reader, table)) {
            return false;
        }
    }
    return true;
}

static psi_part header_of(const uint8_t *header) {
    return (psi_part){.table = psi_load_u16(header),
                      .count = psi_load_u32(header + 4),
                      .form = psi_load_u16(header + 2) & ~(uint32_t)PSI_PART_VALUES,
                      .begin = psi_load_u32(header + 8)};
}

/* Whether the form is one of those with keys; gaps lie between two rows at least. */
static bool form_is_valid(const psi_part *part) {
    switch (part->form) {
    case PSI_PART_RANGE:
    case PSI_PART_LIST:
        return true;
    case PSI_PART_GAPS_8:
    case PSI_PART_GAPS_16:
        return part->count >= 2;
    default:
        return false;
    }
}

bool psi_part_read(psi_reader *reader, const psi_layout *layout, uint32_t shard, bool with_values,
                   psi_part *part_out) {
    const uint8_t *const header = psi_read_bytes(reader, PSI_PART_HEADER_BYTES);
    if (header == NULL) {
        return false;
    }
    psi_part part = header_of(header);
    const bool has_values = (psi_load_u16(header + 2) & PSI_PART_VALUES) != 0;
    if (part.table >= layout->table_count || !form_is_valid(&part) || has_values != with_values ||
        psi_load_u32(header + 12) != 0) {
        return false;
    }
    const uint32_t row_count = psi_shard_row_count(layout, part.table, shard);
    if (part.count > row_count) {
        return false;
    }
    part.keys = psi_read_bytes(reader, psi_keys_form_size(part.form, part.count));
    if (part.keys == NULL || !keys_are_valid(&part, row_count)) {
        return false;
    }
    part.values = reader->at;
    if (with_values && !read_values(reader, &layout->tables[part.table], part.count)) {
        return false;
    }
    *part_out = part;
    return true;
}

psi_part psi_part_read_checked(psi_reader *reader, const psi_layout *layout) {
    const uint8_t *const header = psi_read_bytes(reader, PSI_PART_HEADER_BYTES);
    psi_part part = header_of(header);
    part.keys = psi_read_bytes(reader, psi_keys_form_size(part.form, part.count));
    part.values = reader->at;
    if ((psi_load_u16(header + 2) & PSI_PART_VALUES) == 0) {
        return part;
    }
    const psi_table_layout *const table = &layout->tables[part.table];
    const uint8_t *end = part.values;
    if (table->layout == PS_DENSE) {
        end += (size_t)part.count * table->row_size_bytes;
    }
    for (uint32_t i = 0; table->layout == PS_SPARSE && i < part.count; i++) {
        (void)psi_part_next_row(table, &end);
    }
    (void)psi_read_bytes(reader, (size_t)(end - part.values));
    PS_ASSERT(!reader->failed);
    return part;
}

const uint8_t *psi_part_read_answer(psi_reader *reader, const psi_layout *layout, uint32_t table,
                                    uint32_t count) {
    uint8_t expected[PSI_PART_HEADER_BYTES];
    (void)psi_part_put_header(expected, table, PSI_PART_AS_ASKED | PSI_PART_VALUES, count, 0);
    const uint8_t *const header = psi_read_bytes(reader, PSI_PART_HEADER_BYTES);
    if (header == NULL || memcmp(header, expected, sizeof expected) != 0) {
        return NULL;
    }
    return psi_read_bytes(reader, count * layout->tables[table].row_size_bytes);
}

uint32_t psi_part_next(psi_part_cursor *cursor, uint32_t locals[static PSI_PART_BATCH]) {
    const psi_part *const part = cursor->part;
    const uint32_t left = part->count - cursor->next;
    const uint32_t count = left < PSI_PART_BATCH ? left : PSI_PART_BATCH;
    const size_t first = cursor->next;
    cursor->next += count;
    if (part->form == PSI_PART_LIST) {
        for (size_t i = 0; i < count; i++) {
            locals[i] = psi_load_u32(part->keys + 4 * (first + i));
        }
        return count;
    }
    uint32_t local = cursor->local;
    if (part->form == PSI_PART_RANGE) {
        for (uint32_t i = 0; i < count; i++) {
            locals[i] = local + i;
        }
        cursor->local = local + count;
        return count;
    }
    /* The last row of all has no gap behind it. */
    const uint32_t gap_count = count < left ? count : count - (count > 0);
    if (part->form == PSI_PART_GAPS_8) {
        for (uint32_t i = 0; i < gap_count; i++) {
            locals[i] = local;
            local += part->keys[first + i] + 1u;
        }
    } else {
        for (uint32_t i = 0; i < gap_count; i++) {
            locals[i] = local;
            local += psi_load_u16(part->keys + 2 * (first + i)) + 1u;
        }
    }
    if (gap_count < count) {
        locals[gap_count] = local;
    }
    cursor->local = local;
    return count;
}

const uint8_t *psi_part_next_row(const psi_table_layout *table, const uint8_t **values) {
    const uint8_t *const row = *values;
    if (table->layout == PS_DENSE) {
        *values += table->row_size_bytes;
    } else {
        *values += 4 + (size_t)psi_load_u32(row) * (4 + table->value_size_bytes);
    }
    return row;
}

bool psi_part_add_sparse(psi_sparse *row, ps_type type, const uint8_t *wire) {
    const uint32_t count = psi_load_u32(wire);
    return psi_sparse_add(row, type, count, wire + 4, wire + 4 + (size_t)count * 4);
}
