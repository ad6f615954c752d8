/* The private rows of one worker: what it fetched and what it added in the clock that runs.
 *
 * The worker's thread alone touches them (also from another thread inside ps_compute(), never at
 * the same time), so no lock is needed. Pointers to rows stay valid until psi_rows_seal(), which
 * turns the changes into a block of updates and forgets all rows. Memory is kept for the next
 * clock. */
#ifndef PSI_ROWS_H
#define PSI_ROWS_H

#include "base/bytes.h"
#include "ps/layout.h"
#include "ps/values.h"

/* The updates of one worker in one clock, by table and shard: segment after segment, in the order
 * in which the worker first touched the rows. */
typedef struct psi_segment {
    uint32_t table, shard;
    uint32_t count;
    size_t first;        /* of its rows in psi_block.locals */
    size_t offset_bytes; /* of its values in psi_block.values, as in a part */
    size_t size_bytes;
} psi_segment;

typedef struct psi_block {
    psi_segment *segments;
    size_t segment_count, segment_capacity;
    uint32_t *locals;
    size_t local_count, local_capacity;
    psi_buffer values;
} psi_block;

void psi_block_clear(psi_block *block); /* empty; keeps the memory */
void psi_block_fini(psi_block *block);

typedef struct psi_private_row {
    uint64_t row;
    psi_place place;
    uint32_t table;
    uint32_t sparse; /* index + 1 into psi_rows.sparse, or 0 */
    uint8_t *value;  /* dense: the worker's view, NULL if not fetched; read it by psi_rows_read() */
    uint8_t *base;   /* dense: the view before the first edit, NULL if not edited */
    uint8_t *delta;  /* dense: the sum of what was added, NULL if nothing was */
    bool is_fetched, is_changed;
    bool is_read;   /* dense: the worker may hold a pointer to the view */
    bool is_behind; /* the view lacks `delta`, which was added once */
} psi_private_row;

typedef struct psi_private_sparse {
    psi_sparse value, delta;
} psi_private_sparse;

/* Memory in chunks, so that what was handed out never moves. */
typedef struct psi_chunk {
    uint8_t *bytes;
    size_t capacity_bytes;
} psi_chunk;

typedef struct psi_rows {
    const psi_layout *layout; /* borrowed */
    psi_private_row *rows;
    size_t row_count, row_capacity;
    uint32_t *index; /* open addressing: position + 1 in rows, or 0 */
    size_t index_capacity;
    size_t likely; /* the row behind the one that was found last: rows are often found in order */
    psi_private_sparse *sparse;
    size_t sparse_count, sparse_capacity;
    psi_chunk *chunks;
    size_t chunk_count, chunk_capacity;
    size_t chunk_now, chunk_used_bytes;
    uint32_t *counts; /* scratch of psi_rows_seal(): by table and shard */
} psi_rows;

/* Makes an empty set of rows. PS_ENOMEM or PS_OK. psi_rows_fini() releases it. */
PS_MUST_CHECK ps_err psi_rows_init(psi_rows *rows, const psi_layout *layout);
void psi_rows_fini(psi_rows *rows);

/* The private row, or NULL if it was neither fetched nor added to in this clock. O(1). */
psi_private_row *psi_rows_find(psi_rows *rows, uint32_t table, uint64_t row);

/* Finds or makes it. NULL: memory is exhausted. The pointer is valid until the next
 * psi_rows_touch(). */
psi_private_row *psi_rows_touch(psi_rows *rows, uint32_t table, uint64_t row);

/* Fills a row from a cached value: `dense` numbers or a sparse row, and adds what the worker added
 * to it in this clock. The row was touched and not fetched. False: memory is exhausted. */
PS_MUST_CHECK bool psi_rows_fill(psi_rows *rows, psi_private_row *row, const uint8_t *dense,
                                 const psi_sparse *sparse);

/* ps_get() on a dense row: its view, or NULL if it was not fetched. O(1); O(columns) after an add.
 */
const uint8_t *psi_rows_read(const psi_rows *rows, psi_private_row *row);

/* ps_get_sparse() on a row that was fetched: its view, or NULL when memory is out. */
const psi_sparse *psi_rows_read_sparse(const psi_rows *rows, psi_private_row *row);

/* ps_edit(), ps_add() and ps_add_sparse() on a row. Edit returns NULL and add false when memory is
 * out. */
void *psi_rows_edit(psi_rows *rows, psi_private_row *row);
PS_MUST_CHECK bool psi_rows_add(psi_rows *rows, psi_private_row *row, const void *delta);
PS_MUST_CHECK bool psi_rows_add_sparse(psi_rows *rows, psi_private_row *row, uint32_t count,
                                       const uint32_t *columns, const void *values);

/* Ends the clock: writes all changes into `block` (cleared first) and forgets the rows. The order
 * of rows within a segment is the order of first touch. A sparse row whose changes cancelled is not
 * in the block, nor is a segment without rows. False: memory is exhausted; the rows are unchanged.
 * O(values changed + rows touched + tables x shards). */
PS_MUST_CHECK bool psi_rows_seal(psi_rows *rows, psi_block *block);

/* Forgets all rows and changes without publishing them. */
void psi_rows_clear(psi_rows *rows);

#endif
