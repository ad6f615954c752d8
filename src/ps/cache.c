#include "ps/cache.h"

#include <stdlib.h>

#include "base/bytes.h"
#include "base/hash.h"

uint32_t psi_cache_find(const psi_cache_table *table, uint64_t row) {
    if (table->index_capacity == 0) {
        return PSI_CACHE_NONE;
    }
    const size_t mask = table->index_capacity - 1;
    for (size_t at = psi_hash_u64(row) & mask; table->index[at] != 0; at = (at + 1) & mask) {
        if (table->rows[table->index[at] - 1].row == row) {
            return table->index[at] - 1;
        }
    }
    return PSI_CACHE_NONE;
}

static void index_row(psi_cache_table *table, size_t position) {
    const size_t mask = table->index_capacity - 1;
    size_t at = psi_hash_u64(table->rows[position].row) & mask;
    while (table->index[at] != 0) {
        at = (at + 1) & mask;
    }
    table->index[at] = (uint32_t)position + 1;
}

/* Keeps the index at most half full. */
static bool grow_index(psi_cache_table *table) {
    if (2 * (table->row_count + 1) <= table->index_capacity) {
        return true;
    }
    const size_t capacity = table->index_capacity == 0 ? 16 : 2 * table->index_capacity;
    uint32_t *const index = calloc(capacity, sizeof *index);
    if (index == NULL) {
        return false;
    }
    free(table->index);
    table->index = index;
    table->index_capacity = capacity;
    for (size_t i = 0; i < table->row_count; i++) {
        index_row(table, i);
    }
    return true;
}

static bool grow_values(psi_cache_table *table, const psi_table_layout *layout) {
    if (layout->layout == PS_SPARSE) {
        void *sparse = table->sparse;
        const bool is_grown = psi_array_reserve(&sparse, &table->sparse_capacity,
                                                table->row_count + 1, sizeof *table->sparse);
        table->sparse = sparse;
        return is_grown;
    }
    void *dense = table->dense;
    const bool is_grown = psi_array_reserve(&dense, &table->dense_capacity, table->row_count + 1,
                                            layout->row_size_bytes);
    table->dense = dense;
    return is_grown;
}

uint32_t psi_cache_touch(psi_cache_table *table, const psi_table_layout *layout, uint64_t row,
                         uint32_t shard) {
    const uint32_t found = psi_cache_find(table, row);
    if (found != PSI_CACHE_NONE) {
        return found;
    }
    void *rows = table->rows;
    if (table->row_count >= PSI_CACHE_NONE - 1 || !grow_index(table) ||
        !grow_values(table, layout) ||
        !psi_array_reserve(&rows, &table->row_capacity, table->row_count + 1,
                           sizeof *table->rows)) {
        return PSI_CACHE_NONE;
    }
    table->rows = rows;
    table->rows[table->row_count] = (psi_cached_row){.row = row, .shard = shard};
    index_row(table, table->row_count);
    return (uint32_t)table->row_count++;
}

void psi_cache_table_fini(psi_cache_table *table) {
    for (size_t i = 0; i < table->sparse_capacity; i++) {
        psi_sparse_fini(&table->sparse[i]);
    }
    free(table->rows);
    free(table->dense);
    free(table->sparse);
    free(table->index);
    *table = (psi_cache_table){0};
}
