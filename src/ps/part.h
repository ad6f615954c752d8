/* Parts: the rows inside a payload, as keys with or without values.
 *
 *      0       2      4        8        12       16
 *      +-------+------+--------+--------+--------+-------------------+----------------------------+
 *      | table | kind | count  | begin  |  0     | local[count] (u32)| values of the rows, in order
 *      +-------+------+--------+--------+--------+-------------------+----------------------------+
 *                                                  kind LIST only      kind with VALUES only
 *
 * Rows are named by the local index that they have on the shard: a contiguous run costs 16 bytes
 * (RANGE), any other set four bytes a row (LIST). Values of a dense row are column_count numbers;
 * of a sparse row a u32 count, that many u32 columns, ascending, and that many numbers. Everything
 * is little-endian. */
#ifndef PSI_PART_H
#define PSI_PART_H

#include "base/bytes.h"
#include "ps/layout.h"
#include "ps/values.h"

enum { PSI_PART_HEADER_BYTES = 16, PSI_PART_RANGE = 0, PSI_PART_LIST = 1, PSI_PART_VALUES = 2 };

/* A part, read and checked. Borrows from the payload. */
typedef struct psi_part {
    uint32_t table;
    uint32_t count;
    uint32_t begin;      /* of a range */
    const uint8_t *list; /* of u32; NULL for a range */
    const uint8_t *values;
} psi_part;

/* The local index of the part's i-th row. O(1). */
static inline uint32_t psi_part_local(const psi_part *part, uint32_t i) {
    return part->list == NULL ? part->begin + i : psi_load_u32(part->list + (size_t)i * 4);
}

/* Reads one part for `shard` and checks every count, index and column against the layout, before
 * anything is made of it. Returns false if it is not what a correct peer sends. O(bytes read). */
PS_MUST_CHECK bool psi_part_read(psi_reader *reader, const psi_layout *layout, uint32_t shard,
                                 bool with_values, psi_part *part_out);

/* Steps over the values of one row: returns where they start and moves *values behind them. For a
 * sparse row the result points at its count. The part was checked by psi_part_read(). O(1). */
const uint8_t *psi_part_next_row(const psi_table_layout *table, const uint8_t **values);

/* Bytes that the keys of `count` local indices take. Sets *is_range_out if they are consecutive.
 * O(count). */
size_t psi_part_keys_size(const uint32_t *locals, uint32_t count, bool *is_range_out);

/* Writes header and keys at `to`, which has room, and returns the end. O(count). */
uint8_t *psi_part_put_keys(uint8_t *to, uint32_t table, const uint32_t *locals, uint32_t count,
                           bool is_range, bool with_values);

/* Writes one sparse row at `to` and returns the end. psi_sparse_wire_size() bytes. */
uint8_t *psi_part_put_sparse(uint8_t *to, ps_type type, const psi_sparse *row);

static inline size_t psi_sparse_wire_size(const psi_table_layout *table, const psi_sparse *row) {
    return 4 + (size_t)row->count * (4 + table->value_size_bytes);
}

/* Adds the values of one sparse row, as psi_part_next_row() returned them. False: memory is
 * exhausted. */
PS_MUST_CHECK bool psi_part_add_sparse(psi_sparse *row, ps_type type, const uint8_t *wire);

#endif
