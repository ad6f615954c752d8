#include "ps/layout.h"

#include "ps/values.h"

enum { ROW_MAX_BYTES = 1 << 28 };

static bool table_is_possible(const psi_table_layout *table, uint32_t shard_count) {
    if (table->row_count == 0 || table->column_count == 0) {
        return false;
    }
    if (table->layout == PS_DENSE && table->row_size_bytes > ROW_MAX_BYTES) {
        return false;
    }
    /* One block more than the even share bounds what a shard can own. */
    return table->row_count / shard_count + table->block_rows < UINT32_MAX;
}

ps_err psi_layout_init(psi_layout *layout, const ps_table_spec *specs, size_t table_count,
                       uint32_t shard_count) {
    if (table_count == 0 || table_count > PS_TABLES_MAX || shard_count == 0) {
        return PS_EINVAL;
    }
    *layout = (psi_layout){.shard_count = shard_count, .table_count = (uint32_t)table_count};
    for (size_t t = 0; t < table_count; t++) {
        psi_table_layout *const table = &layout->tables[t];
        table->type = specs[t].type;
        table->layout = specs[t].layout;
        table->row_count = specs[t].row_count;
        table->column_count = specs[t].column_count;
        table->block_rows = specs[t].block_rows == 0 ? 1 : specs[t].block_rows;
        table->value_size_bytes = (uint32_t)ps_type_size_bytes(table->type);
        table->row_size_bytes = (size_t)table->column_count * table->value_size_bytes;
        if (!table_is_possible(table, shard_count)) {
            return PS_EINVAL;
        }
    }
    return PS_OK;
}

uint32_t psi_shard_rows_below(const psi_layout *layout, uint32_t table, uint32_t shard,
                              uint64_t row) {
    const uint64_t block_rows = layout->tables[table].block_rows;
    const uint64_t cycle_rows = block_rows * layout->shard_count;
    const uint64_t whole = row / cycle_rows * block_rows;
    const uint64_t rest = row % cycle_rows;
    const uint64_t before = (uint64_t)shard * block_rows;
    uint64_t last = rest > before ? rest - before : 0;
    if (last > block_rows) {
        last = block_rows;
    }
    return (uint32_t)(whole + last);
}

uint32_t psi_shard_row_count(const psi_layout *layout, uint32_t table, uint32_t shard) {
    const uint64_t row_count = layout->tables[table].row_count;
    return layout->shard_count == 1 ? (uint32_t)row_count
                                    : psi_shard_rows_below(layout, table, shard, row_count);
}
