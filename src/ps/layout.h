/* The layout of the tables: their specs and where each row lies.
 *
 * Rows are dealt to shards block-cyclically: blocks of `block_rows` consecutive rows, round robin.
 * A shard numbers its rows 0.. in ascending order of the global row: the local index. Block size 1
 * balances skewed popularity; a large block keeps ranges of rows contiguous on a shard. */
#ifndef PSI_LAYOUT_H
#define PSI_LAYOUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tortoise/worker.h"

typedef struct psi_table_layout {
    ps_type type;
    ps_layout layout;
    uint64_t row_count;
    uint32_t column_count;
    uint32_t block_rows;
    uint32_t value_size_bytes;
    size_t row_size_bytes; /* of a dense row */
} psi_table_layout;

typedef struct psi_layout {
    uint32_t shard_count;
    uint32_t table_count;
    psi_table_layout tables[PS_TABLES_MAX];
} psi_layout;

/* Fills `layout` from `specs`. Returns PS_EINVAL if a table has no rows or columns, more than
 * 2^32-1 rows on a shard, or a dense row of more than 256 MiB; the layout is then unspecified. */
PS_MUST_CHECK ps_err psi_layout_init(psi_layout *layout, const ps_table_spec *specs,
                                     size_t table_count, uint32_t shard_count);

/* Where a global row lies. O(1). */
typedef struct psi_place {
    uint32_t shard;
    uint32_t local;
} psi_place;

static inline psi_place psi_row_place(const psi_layout *layout, uint32_t table, uint64_t row) {
    const uint32_t block_rows = layout->tables[table].block_rows;
    if (block_rows == 1) {
        return (psi_place){.shard = (uint32_t)(row % layout->shard_count),
                           .local = (uint32_t)(row / layout->shard_count)};
    }
    const uint64_t block = row / block_rows;
    return (psi_place){.shard = (uint32_t)(block % layout->shard_count),
                       .local =
                           (uint32_t)(block / layout->shard_count * block_rows + row % block_rows)};
}

/* The global row of a shard's local index: the inverse of psi_row_place(). O(1). */
static inline uint64_t psi_place_row(const psi_layout *layout, uint32_t table, psi_place place) {
    const uint64_t block_rows = layout->tables[table].block_rows;
    if (block_rows == 1) {
        return (uint64_t)place.local * layout->shard_count + place.shard;
    }
    const uint64_t block = place.local / block_rows * layout->shard_count + place.shard;
    return block * block_rows + place.local % block_rows;
}

/* How many of the table's rows 0..row-1 the shard owns. So the rows of a range that it owns are a
 * range of its local indices. O(1). */
uint32_t psi_shard_rows_below(const psi_layout *layout, uint32_t table, uint32_t shard,
                              uint64_t row);

/* How many rows of a table the shard owns. O(1). */
uint32_t psi_shard_row_count(const psi_layout *layout, uint32_t table, uint32_t shard);

#endif
