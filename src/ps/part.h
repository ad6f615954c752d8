/* Parts: the rows inside a payload, as keys with or without values.
 *
 *      0       2      4        8        12       16
 *      +-------+------+--------+--------+--------+---------+----------------------------+
 *      | table | kind | count  | begin  |  0     | keys    | values of the rows, in order
 *      +-------+------+--------+--------+--------+---------+----------------------------+
 *
 * Rows are named by the local index that they have on the shard, in the shortest of four forms: a
 * contiguous run needs no keys (RANGE); ascending rows take a byte (GAPS_8) or two (GAPS_16) each,
 * the number of rows left out before the next one, with zeros up to a multiple of four bytes; all
 * others take four (LIST). An answer to a pull has the rows that were asked for, in that order, and
 * no keys at all (AS_ASKED).
 *
 * Values (kind with VALUES) of a dense row are column_count numbers; of a sparse row a u32 count,
 * that many u32 columns, ascending, and that many numbers. Everything is little-endian. */
#ifndef PSI_PART_H
#define PSI_PART_H

#include "base/bytes.h"
#include "ps/layout.h"
#include "ps/values.h"

enum {
    PSI_PART_HEADER_BYTES = 16,
    PSI_PART_RANGE = 0,
    PSI_PART_LIST = 1,
    PSI_PART_VALUES = 2, /* a bit beside one of the forms */
    PSI_PART_GAPS_8 = 4,
    PSI_PART_GAPS_16 = 8,
    PSI_PART_AS_ASKED = 16,
    PSI_PART_BATCH = 256 /* rows that a cursor gives at once */
};

/* ---- Writing ---- */

/* Keys to be written: the rows of `locals`, or of `rows` less `base`, or a range if both are NULL.
 */
typedef struct psi_keys {
    uint32_t table;
    uint32_t count;
    uint32_t form;          /* PSI_PART_RANGE ... PSI_PART_GAPS_16 */
    uint32_t begin;         /* the first row; 0 for a list */
    const uint32_t *locals; /* borrowed */
    const uint64_t *rows;   /* borrowed */
    uint64_t base;
} psi_keys;

/* Chooses the shortest form. O(1), O(count), O(count). */
psi_keys psi_keys_of_range(uint32_t table, uint32_t begin, uint32_t count);
psi_keys psi_keys_of_locals(uint32_t table, const uint32_t *locals, uint32_t count);
psi_keys psi_keys_of_rows(uint32_t table, const uint64_t *rows, uint32_t count);

/* Completes keys of global rows: row `base` and following have the local indices 0... O(1). */
void psi_keys_set_base(psi_keys *keys, uint64_t base);

/* Bytes of `count` keys in a form, without the header. O(1). */
static inline size_t psi_keys_form_size(uint32_t form, uint32_t count) {
    switch (form) {
    case PSI_PART_LIST:
        return (size_t)count * 4;
    case PSI_PART_GAPS_8:
        return ((size_t)count - 1 + 3) / 4 * 4;
    case PSI_PART_GAPS_16:
        return (((size_t)count - 1) * 2 + 3) / 4 * 4;
    default:
        return 0;
    }
}

/* Bytes of the part's header and keys. O(1). */
static inline size_t psi_keys_size(const psi_keys *keys) {
    return PSI_PART_HEADER_BYTES + psi_keys_form_size(keys->form, keys->count);
}

/* Writes header and keys at `to`, which has room, and returns the end. O(count). */
uint8_t *psi_part_put_keys(uint8_t *to, const psi_keys *keys, bool with_values);

/* Writes a header alone. */
uint8_t *psi_part_put_header(uint8_t *to, uint32_t table, uint32_t kind, uint32_t count,
                             uint32_t begin);

/* Writes one sparse row at `to` and returns the end. psi_sparse_wire_size() bytes. */
uint8_t *psi_part_put_sparse(uint8_t *to, ps_type type, const psi_sparse *row);

static inline size_t psi_sparse_wire_size(const psi_table_layout *table, const psi_sparse *row) {
    return 4 + (size_t)row->count * (4 + table->value_size_bytes);
}

/* ---- Reading ---- */

/* A part, read and checked. Borrows from the payload. */
typedef struct psi_part {
    uint32_t table;
    uint32_t count;
    uint32_t form;
    uint32_t begin;      /* the first row; 0 for a list */
    const uint8_t *keys; /* psi_keys_form_size() bytes */
    const uint8_t *values;
} psi_part;

/* Reads one part for `shard` and checks every count, index and column against the layout, before
 * anything is made of it. Returns false if it is not what a correct peer sends. O(bytes read). */
PS_MUST_CHECK bool psi_part_read(psi_reader *reader, const psi_layout *layout, uint32_t shard,
                                 bool with_values, psi_part *part_out);

/* Reads again a part that psi_part_read() has accepted, without checking. O(1); O(rows) if it has
 * values of a sparse table. */
psi_part psi_part_read_checked(psi_reader *reader, const psi_layout *layout);

/* Reads the answer to a pull of `count` rows of a dense table. Returns its values, or NULL if it is
 * another thing. O(1). */
const uint8_t *psi_part_read_answer(psi_reader *reader, const psi_layout *layout, uint32_t table,
                                    uint32_t count);

/* Goes over the rows of a part in order. */
typedef struct psi_part_cursor {
    const psi_part *part; /* borrowed */
    uint32_t next;        /* the number of rows given */
    uint32_t local;       /* of the next one, unless the part is a list */
} psi_part_cursor;

static inline psi_part_cursor psi_part_rows(const psi_part *part) {
    return (psi_part_cursor){.part = part, .local = part->begin};
}

/* Gives the local indices of the next rows, PSI_PART_BATCH or what is left of them, and returns how
 * many. The part was checked. */
uint32_t psi_part_next(psi_part_cursor *cursor, uint32_t locals[static PSI_PART_BATCH]);

/* Steps over the values of one row: returns where they start and moves *values behind them. For a
 * sparse row the result points at its count. The part was checked by psi_part_read(). O(1). */
const uint8_t *psi_part_next_row(const psi_table_layout *table, const uint8_t **values);

/* Adds the values of one sparse row, as psi_part_next_row() returned them. False: memory is
 * exhausted. */
PS_MUST_CHECK bool psi_part_add_sparse(psi_sparse *row, ps_type type, const uint8_t *wire);

#endif
