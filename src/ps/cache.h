/* The client cache: server versions of the rows that one process fetched, shared by its workers.
 *
 * A cached row remembers the row clock that came with it (it includes every update stamped below),
 * and what was asked of the shard. Rows are never evicted. Positions are stable; addresses of
 * values are not. A cached row costs its value and at most 64 bytes. */
#ifndef PSI_CACHE_H
#define PSI_CACHE_H

#include "base/chunks.h"
#include "ps/layout.h"
#include "ps/values.h"

typedef struct psi_cached_row {
    uint64_t row;
    uint32_t shard;
    uint32_t row_clock;
    uint32_t asked;        /* clock of the last request, + 1, while it is under way; 0: none is */
    uint32_t refreshed_at; /* the last worker clock that asked for a newer version, + 1 */
    uint64_t frame_mark;   /* which frame of the shard brought the value, counted from 1 */
    bool has_value, is_subscribed;
} psi_cached_row;

typedef struct psi_cache_table {
    psi_chunks rows;   /* of psi_cached_row */
    psi_chunks values; /* at the same positions: dense rows, or psi_sparse */
    size_t row_count;
    uint32_t *index; /* position + 1, or 0: open addressing, or, `is_direct`, by row */
    size_t index_capacity;
    bool is_direct;
    bool is_sparse;
} psi_cache_table;

static inline psi_cached_row *psi_cache_row(const psi_cache_table *table, size_t position) {
    return psi_chunks_at(&table->rows, position);
}

/* The value of a row of a dense table. */
static inline uint8_t *psi_cache_dense(const psi_cache_table *table, size_t position) {
    return psi_chunks_at(&table->values, position);
}

/* The same for a sparse one. */
static inline psi_sparse *psi_cache_sparse(const psi_cache_table *table, size_t position) {
    return psi_chunks_at(&table->values, position);
}

#define PSI_CACHE_NONE UINT32_MAX

/* The position of a row, or PSI_CACHE_NONE. O(1). */
uint32_t psi_cache_find(const psi_cache_table *table, uint64_t row);

/* Finds or makes the place of a row, without a value. PSI_CACHE_NONE: memory is exhausted. O(1)
 * amortised. */
uint32_t psi_cache_touch(psi_cache_table *table, const psi_table_layout *layout, uint64_t row,
                         uint32_t shard);

void psi_cache_table_fini(psi_cache_table *table);

#endif
