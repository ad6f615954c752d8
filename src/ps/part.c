#include "ps/part.h"

static bool locals_are_valid(const psi_part *part, uint32_t row_count) {
    if (part->list == NULL) {
        return part->begin <= row_count && part->count <= row_count - part->begin;
    }
    for (uint32_t i = 0; i < part->count; i++) {
        if (psi_load_u32(part->list + (size_t)i * 4) >= row_count) {
            return false;
        }
    }
    return true;
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

bool psi_part_read(psi_reader *reader, const psi_layout *layout, uint32_t shard, bool with_values,
                   psi_part *part_out) {
    const uint8_t *const header = psi_read_bytes(reader, PSI_PART_HEADER_BYTES);
    if (header == NULL) {
        return false;
    }
    const uint32_t kind = psi_load_u16(header + 2);
    psi_part part = {
        .table = psi_load_u16(header),
        .count = psi_load_u32(header + 4),
        .begin = psi_load_u32(header + 8),
    };
    if (psi_load_u32(header + 12) != 0 || ((kind & PSI_PART_LIST) != 0 && part.begin != 0)) {
        return false;
    }
    const uint32_t values_bit = with_values ? PSI_PART_VALUES : 0;
    if (part.table >= layout->table_count || (kind & ~(uint32_t)PSI_PART_LIST) != values_bit) {
        return false;
    }
    const uint32_t row_count = psi_shard_row_count(layout, part.table, shard);
    if (part.count > row_count) {
        return false;
    }
    if ((kind & PSI_PART_LIST) != 0) {
        part.list = psi_read_bytes(reader, (size_t)part.count * 4);
        if (part.list == NULL) {
            return false;
        }
    }
    if (!locals_are_valid(&part, row_count)) {
        return false;
    }
    part.values = reader->at;
    if (with_values && !read_values(reader, &layout->tables[part.table], part.count)) {
        return false;
    }
    *part_out = part;
    return true;
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

size_t psi_part_keys_size(const uint32_t *locals, uint32_t count, bool *is_range_out) {
    bool is_range = true;
    for (uint32_t i = 1; i < count && is_range; i++) {
        is_range = locals[i] == locals[i - 1] + 1;
    }
    *is_range_out = is_range;
    return PSI_PART_HEADER_BYTES + (is_range ? 0 : (size_t)count * 4);
}

uint8_t *psi_part_put_keys(uint8_t *to, uint32_t table, const uint32_t *locals, uint32_t count,
                           bool is_range, bool with_values) {
    const uint32_t kind =
        (is_range ? PSI_PART_RANGE : PSI_PART_LIST) | (with_values ? PSI_PART_VALUES : 0);
    psi_put_u16(to, (uint16_t)table);
    psi_put_u16(to + 2, (uint16_t)kind);
    psi_put_u32(to + 4, count);
    psi_put_u32(to + 8, is_range && count > 0 ? locals[0] : 0);
    psi_put_u32(to + 12, 0);
    to += PSI_PART_HEADER_BYTES;
    if (!is_range) {
        for (uint32_t i = 0; i < count; i++, to += 4) {
            psi_put_u32(to, locals[i]);
        }
    }
    return to;
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

bool psi_part_add_sparse(psi_sparse *row, ps_type type, const uint8_t *wire) {
    const uint32_t count = psi_load_u32(wire);
    return psi_sparse_add(row, type, count, wire + 4, wire + 4 + (size_t)count * 4);
}
