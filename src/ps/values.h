/* Arithmetic on the four types of numbers, a row at a time, and sparse rows.
 *
 * Sources may lie anywhere in a frame, so they need no alignment; destinations are aligned.
 * Integers wrap. */
#ifndef PSI_VALUES_H
#define PSI_VALUES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tortoise/worker.h"

/* to[i] += from[i], 0 <= i < count. */
void psi_values_add(ps_type type, void *to, const void *from, size_t count);

/* Some rows of a table. */
typedef struct psi_value_rows {
    ps_type type;
    uint32_t column_count;
    void *table;          /* aligned; row after row */
    const uint32_t *rows; /* count of them, in any order, repeated or not */
    size_t count;
} psi_value_rows;

/* Adds `from`, count x column_count numbers that need not be aligned, to these rows, in order. */
void psi_values_add_rows(const psi_value_rows *to, const void *from);

/* Copies rows[0..count) of `table`, row_size_bytes each, one behind the other to `to`; and back. */
void psi_values_gather(uint8_t *to, const uint8_t *table, size_t row_size_bytes,
                       const uint32_t *rows, size_t count);
void psi_values_scatter(uint8_t *table, size_t row_size_bytes, const uint32_t *rows, size_t count,
                        const uint8_t *from);

/* to[i] = of[i] - minus[i]; all aligned. */
void psi_values_subtract(ps_type type, void *to, const void *of, const void *minus, size_t count);

/* A sparse row: columns ascending and distinct. All zero is a valid empty one. Owned memory. */
typedef struct psi_sparse {
    uint32_t count, capacity;
    uint32_t *columns;
    uint8_t *values; /* capacity x 8 bytes at most, of the table's type */
} psi_sparse;

/* Adds `count` numbers at `columns`, ascending and distinct, both unaligned little-endian bytes.
 * Integers that become 0 leave the row, floats stay. Returns false when memory is exhausted; the
 * row is then unchanged. O(count + row->count). */
PS_MUST_CHECK bool psi_sparse_add(psi_sparse *row, ps_type type, uint32_t count,
                                  const uint8_t *columns, const uint8_t *values);

/* Adds numbers at columns in any order, repeated or not: O(count x (log row + shift)), or O(count +
 * row->count) for ascending ones. */
PS_MUST_CHECK bool psi_sparse_add_unsorted(psi_sparse *row, ps_type type, uint32_t count,
                                           const uint32_t *columns, const void *values);

/* Makes `row` a copy of `from`. Returns false when memory is exhausted; `row` is then unchanged. */
PS_MUST_CHECK bool psi_sparse_copy(psi_sparse *row, ps_type type, const psi_sparse *from);

static inline ps_sparse_row psi_sparse_view(const psi_sparse *row) {
    return (ps_sparse_row){.count = row->count, .columns = row->columns, .values = row->values};
}

/* Rows are visited in batches whose memory is scattered: this asks the processor for a row that is
 * PSI_SPARSE_AHEAD further on. */
enum { PSI_SPARSE_AHEAD = 4 };
static inline void psi_sparse_prefetch(const psi_sparse *row) {
    __builtin_prefetch(row->columns, 1);
    __builtin_prefetch(row->values, 1);
}

void psi_sparse_fini(psi_sparse *row);

#endif
