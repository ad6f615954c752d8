#include "ps/cache.h"

#include <stdlib.h>

#include "base/hash.h"

uint32_t psi_cache_find(const psi_cache_table *table, uint64_t row) {
    if (table->is_direct) {
        return row < table->index_capacity ? table->index[row] - 1 : PSI_CACHE_NONE;
    }
    if (table->index_capacity == 0) {
        return PSI_CACHE_NONE;
    }
    const size_t mask = table->index_capacity - 1;
    for (size_t at = psi_hash_u64(row) & mask; table->index[at] != 0; at = (at + 1) & mask) {
        if (psi_cache_row(table, table->index[at] - 1)->row == row) {
            return table->index[at] - 1;
        }
    }
    return PSI_CACHE_NONE;
}

static void index_row(psi_cache_table *table, size_t position) {
    const uint64_t row = psi_cache_row(table, position)->row;
    const size_t mask = table->index_capacity - 1;
    size_t at = table->is_direct ? row : psi_hash_u64(row) & mask;
    while (!table->is_direct && table->index[at] != 0) {
        at = (at + 1) & mask;
    }
    table->index[at] = (uint32_t)position + 1;
}

/* Keeps the index at most three quarters full, or as large as the table, where a row's place is its
 * number. */
static bool grow_index(psi_cache_table *table, const psi_table_layout *layout) {
    if (table->is_direct || 4 * (table->row_count + 1) <= 3 * table->index_capacity) {
        return true;
    }
    size_t capacity = table->index_capacity == 0 ? 16 : 2 * table->index_capacity;
    const bool is_direct = capacity >= layout->row_count;
    capacity = is_direct ? (size_t)layout->row_count : capacity;
    uint32_t *const index = calloc(capacity, sizeof *index);
    if (index == NULL) {
        return false;
    }
    free(table->index);
    table->index = index;
    table->index_capacity = capacity;
    table->is_direct = is_direct;
    for (size_t i = 0; i < table->row_count; i++) {
        index_row(table, i);
    }
    return true;
}

/* Makes room for one more row. */
static bool grow_rows(psi_cache_table *table, const psi_table_layout *layout) {
    if (table->rows.item_size_bytes == 0) {
        table->is_sparse = layout->layout == PS_SPARSE;
        table->rows = psi_chunks_of(sizeof(psi_cached_row));
        table->values =
            psi_chunks_of(table->is_sparse ? sizeof(psi_sparse) : layout->row_size_bytes);
    }
    return psi_chunks_reserve(&table->rows, table->row_count + 1) &&
           psi_chunks_reserve(&table->values, table->row_count + 1);
}

uint32_t psi_cache_touch(psi_cache_table *table, const psi_table_layout *layout, uint64_t row,
                         uint32_t shard) {
    const uint32_t found = psi_cache_find(table, row);
    if (found != PSI_CACHE_NONE) {
        return found;
    }
    if (table->row_count >= PSI_CACHE_NONE - 1 || !grow_index(table, layout) ||
        !grow_rows(table, layout)) {
        return PSI_CACHE_NONE;
    }
    *psi_cache_row(table, table->row_count) = (psi_cached_row){.row = row, .shard = shard};
    index_row(table, table->row_count);
    return (uint32_t)table->row_count++;
}

void psi_cache_table_fini(psi_cache_table *table) {
    for (size_t i = 0; table->is_sparse && i < table->row_count; i++) {
        psi_sparse_fini(psi_cache_sparse(table, i));
    }
    psi_chunks_fini(&table->rows);
    psi_chunks_fini(&table->values);
    free(table->index);
    *table = (psi_cache_table){0};
}
