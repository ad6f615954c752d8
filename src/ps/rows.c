#include "ps/rows.h"

#include <stdlib.h>

#include "base/hash.h"
#include "ps/part.h"

enum { CHUNK_MIN_BYTES = 1 << 12, ALIGN_BYTES = 16 };

void psi_block_clear(psi_block *block) {
    block->segment_count = 0;
    block->local_count = 0;
    block->values.size_bytes = 0;
}

void psi_block_fini(psi_block *block) {
    free(block->segments);
    free(block->locals);
    psi_buffer_fini(&block->values);
    *block = (psi_block){0};
}

ps_err psi_rows_init(psi_rows *rows, const psi_layout *layout) {
    *rows = (psi_rows){.layout = layout};
    rows->counts = calloc((size_t)layout->table_count * layout->shard_count, sizeof *rows->counts);
    return rows->counts == NULL ? PS_ENOMEM : PS_OK;
}

void psi_rows_fini(psi_rows *rows) {
    for (size_t i = 0; i < rows->sparse_capacity; i++) {
        psi_sparse_fini(&rows->sparse[i].value);
        psi_sparse_fini(&rows->sparse[i].delta);
    }
    for (size_t i = 0; i < rows->chunk_count; i++) {
        free(rows->chunks[i].bytes);
    }
    free(rows->rows);
    free(rows->index);
    free(rows->sparse);
    free(rows->chunks);
    free(rows->counts);
    *rows = (psi_rows){0};
}

void psi_rows_clear(psi_rows *rows) {
    if (rows->index != NULL) {
        memset(rows->index, 0, rows->index_capacity * sizeof *rows->index);
    }
    rows->row_count = 0;
    rows->likely = 0;
    rows->sparse_count = 0;
    rows->chunk_now = 0;
    rows->chunk_used_bytes = 0;
}

/* ---- Memory ---- */

static bool add_chunk(psi_rows *rows, size_t size_bytes) {
    size_t capacity_bytes = CHUNK_MIN_BYTES;
    if (rows->chunk_count > 0) {
        capacity_bytes = 2 * rows->chunks[rows->chunk_count - 1].capacity_bytes;
    }
    while (capacity_bytes < size_bytes) {
        capacity_bytes *= 2;
    }
    void *chunks = rows->chunks;
    if (!psi_array_reserve(&chunks, &rows->chunk_capacity, rows->chunk_count + 1,
                           sizeof *rows->chunks)) {
        return false;
    }
    rows->chunks = chunks;
    uint8_t *const bytes = malloc(capacity_bytes);
    if (bytes == NULL) {
        return false;
    }
    rows->chunks[rows->chunk_count++] =
        (psi_chunk){.bytes = bytes, .capacity_bytes = capacity_bytes};
    return true;
}

/* Hands out aligned memory that lives until the clock ends. NULL: memory is exhausted. */
static uint8_t *take_bytes(psi_rows *rows, size_t size_bytes) {
    const size_t needed = (size_bytes + ALIGN_BYTES - 1) / ALIGN_BYTES * ALIGN_BYTES;
    while (rows->chunk_now < rows->chunk_count &&
           rows->chunks[rows->chunk_now].capacity_bytes - rows->chunk_used_bytes < needed) {
        rows->chunk_now++;
        rows->chunk_used_bytes = 0;
    }
    if (rows->chunk_now == rows->chunk_count && !add_chunk(rows, needed)) {
        return NULL;
    }
    uint8_t *const bytes = rows->chunks[rows->chunk_now].bytes + rows->chunk_used_bytes;
    rows->chunk_used_bytes += needed;
    return bytes;
}

/* ---- Finding ---- */

static size_t home_of(const psi_rows *rows, uint32_t table, uint64_t row) {
    return psi_hash_u64(row * PS_TABLES_MAX + table) & (rows->index_capacity - 1);
}

/* Where the row stands in the index, or the free place where it would. The index is not empty. */
static size_t probe(const psi_rows *rows, uint32_t table, uint64_t row) {
    size_t at = home_of(rows, table, row);
    while (rows->index[at] != 0) {
        const psi_private_row *const found = &rows->rows[rows->index[at] - 1];
        if (found->row == row && found->table == table) {
            break;
        }
        at = (at + 1) & (rows->index_capacity - 1);
    }
    return at;
}

/* The row that was likely to be wanted next, if it is; or NULL. */
static psi_private_row *find_likely(psi_rows *rows, uint32_t table, uint64_t row) {
    const bool is_it = rows->likely < rows->row_count && rows->rows[rows->likely].row == row &&
                       rows->rows[rows->likely].table == table;
    return is_it ? &rows->rows[rows->likely++] : NULL;
}

psi_private_row *psi_rows_find(psi_rows *rows, uint32_t table, uint64_t row) {
    psi_private_row *const likely = find_likely(rows, table, row);
    if (likely != NULL) {
        return likely;
    }
    const uint32_t position = rows->index_capacity == 0 ? 0 : rows->index[probe(rows, table, row)];
    if (position == 0) {
        return NULL;
    }
    rows->likely = position;
    return &rows->rows[position - 1];
}

/* Keeps the index at most half full. */
static bool grow_index(psi_rows *rows) {
    if (2 * (rows->row_count + 1) <= rows->index_capacity) {
        return true;
    }
    const size_t capacity = rows->index_capacity == 0 ? 16 : 2 * rows->index_capacity;
    uint32_t *const index = calloc(capacity, sizeof *index);
    if (index == NULL) {
        return false;
    }
    free(rows->index);
    rows->index = index;
    rows->index_capacity = capacity;
    for (size_t i = 0; i < rows->row_count; i++) {
        index[probe(rows, rows->rows[i].table, rows->rows[i].row)] = (uint32_t)i + 1;
    }
    return true;
}

static bool take_sparse(psi_rows *rows, psi_private_row *row) {
    void *sparse = rows->sparse;
    if (!psi_array_reserve(&sparse, &rows->sparse_capacity, rows->sparse_count + 1,
                           sizeof *rows->sparse)) {
        return false;
    }
    rows->sparse = sparse;
    rows->sparse[rows->sparse_count].value.count = 0;
    rows->sparse[rows->sparse_count].delta.count = 0;
    row->sparse = (uint32_t)++rows->sparse_count;
    return true;
}

psi_private_row *psi_rows_touch(psi_rows *rows, uint32_t table, uint64_t row) {
    psi_private_row *const likely = find_likely(rows, table, row);
    if (likely != NULL) {
        return likely;
    }
    if (!grow_index(rows)) {
        return NULL;
    }
    const size_t at = probe(rows, table, row);
    if (rows->index[at] != 0) {
        return &rows->rows[rows->index[at] - 1];
    }
    void *items = rows->rows;
    if (!psi_array_reserve(&items, &rows->row_capacity, rows->row_count + 1, sizeof *rows->rows)) {
        return NULL;
    }
    rows->rows = items;
    psi_private_row *const fresh = &rows->rows[rows->row_count];
    *fresh = (psi_private_row){
        .row = row, .place = psi_row_place(rows->layout, table, row), .table = table};
    if (rows->layout->tables[table].layout == PS_SPARSE && !take_sparse(rows, fresh)) {
        return NULL;
    }
    rows->index[at] = (uint32_t)++rows->row_count;
    return fresh;
}

/* ---- Values ---- */

bool psi_rows_fill(psi_rows *rows, psi_private_row *row, const uint8_t *dense,
                   const psi_sparse *sparse) {
    const psi_table_layout *const table = &rows->layout->tables[row->table];
    if (table->layout == PS_SPARSE) {
        psi_private_sparse *const own = &rows->sparse[row->sparse - 1];
        if (!psi_sparse_copy(&own->value, table->type, sparse) ||
            !psi_sparse_add_unsorted(&own->value, table->type, own->delta.count, own->delta.columns,
                                     own->delta.values)) {
            return false;
        }
        row->is_fetched = true;
        return true;
    }
    uint8_t *const value = take_bytes(rows, table->row_size_bytes);
    if (value == NULL) {
        return false;
    }
    memcpy(value, dense, table->row_size_bytes);
    if (row->delta != NULL) {
        psi_values_add(table->type, value, row->delta, table->column_count);
    }
    row->value = value;
    row->is_fetched = true;
    return true;
}

const uint8_t *psi_rows_read(const psi_rows *rows, psi_private_row *row) {
    if (row->is_behind && row->value != NULL) {
        const psi_table_layout *const table = &rows->layout->tables[row->table];
        psi_values_add(table->type, row->value, row->delta, table->column_count);
        row->is_behind = false;
    }
    row->is_read = true;
    return row->value;
}

void *psi_rows_edit(psi_rows *rows, psi_private_row *row) {
    (void)psi_rows_read(rows, row);
    if (row->base == NULL) {
        const size_t size_bytes = rows->layout->tables[row->table].row_size_bytes;
        row->base = take_bytes(rows, size_bytes);
        if (row->base == NULL) {
            return NULL;
        }
        memcpy(row->base, row->value, size_bytes);
        row->is_changed = true;
    }
    return row->value;
}

/* The first add to a row in a clock is a copy. Unless the worker looks at the row, that is all. */
static bool add_first(psi_rows *rows, psi_private_row *row, const void *delta) {
    const size_t size_bytes = rows->layout->tables[row->table].row_size_bytes;
    row->delta = take_bytes(rows, size_bytes);
    if (row->delta == NULL) {
        return false;
    }
    memcpy(row->delta, delta, size_bytes);
    row->is_changed = true;
    row->is_behind = row->value != NULL;
    if (row->is_read) {
        (void)psi_rows_read(rows, row);
    }
    return true;
}

bool psi_rows_add(psi_rows *rows, psi_private_row *row, const void *delta) {
    const psi_table_layout *const table = &rows->layout->tables[row->table];
    if (row->base == NULL && row->delta == NULL) {
        return add_first(rows, row, delta);
    }
    if (row->is_behind) {
        (void)psi_rows_read(rows, row);
    }
    if (row->base == NULL) {
        psi_values_add(table->type, row->delta, delta, table->column_count);
    }
    if (row->value != NULL) { /* an edited row publishes the difference, so this is enough for it */
        psi_values_add(table->type, row->value, delta, table->column_count);
    }
    return true;
}

const psi_sparse *psi_rows_read_sparse(const psi_rows *rows, psi_private_row *row) {
    psi_private_sparse *const own = &rows->sparse[row->sparse - 1];
    if (row->is_behind) {
        const ps_type type = rows->layout->tables[row->table].type;
        if (!psi_sparse_add_unsorted(&own->value, type, own->delta.count, own->delta.columns,
                                     own->delta.values)) {
            return NULL;
        }
        row->is_behind = false;
    }
    return &own->value;
}

/* As with dense rows, the view of a row that took its first add is made when somebody looks. */
bool psi_rows_add_sparse(psi_rows *rows, psi_private_row *row, uint32_t count,
                         const uint32_t *columns, const void *values) {
    const ps_type type = rows->layout->tables[row->table].type;
    psi_private_sparse *const own = &rows->sparse[row->sparse - 1];
    const bool is_first = !row->is_changed;
    if ((row->is_behind && psi_rows_read_sparse(rows, row) == NULL) ||
        !psi_sparse_add_unsorted(&own->delta, type, count, columns, values)) {
        return false;
    }
    row->is_changed = true;
    row->is_behind = is_first && row->is_fetched;
    return !row->is_fetched || is_first ||
           psi_sparse_add_unsorted(&own->value, type, count, columns, values);
}

/* ---- Sealing ---- */

/* Whether the row has something to publish: changes of a sparse row that cancel leave no entry. */
static bool has_update(const psi_rows *rows, const psi_private_row *row) {
    return row->is_changed && (row->sparse == 0 || rows->sparse[row->sparse - 1].delta.count > 0);
}

static size_t wire_size_bytes(const psi_rows *rows, const psi_private_row *row) {
    const psi_table_layout *const table = &rows->layout->tables[row->table];
    if (table->layout == PS_DENSE) {
        return table->row_size_bytes;
    }
    return psi_sparse_wire_size(table, &rows->sparse[row->sparse - 1].delta);
}

/* Writes the row's change at `to`. */
static void put_change(const psi_rows *rows, const psi_private_row *row, uint8_t *to) {
    const psi_table_layout *const table = &rows->layout->tables[row->table];
    if (table->layout == PS_SPARSE) {
        (void)psi_part_put_sparse(to, table->type, &rows->sparse[row->sparse - 1].delta);
        return;
    }
    if (row->base == NULL) {
        memcpy(to, row->delta, table->row_size_bytes);
        return;
    }
    /* Dense segments come first and start aligned, so `to` is aligned for the type. */
    psi_values_subtract(table->type, to, row->value, row->base, table->column_count);
    if (row->delta != NULL) {
        psi_values_add(table->type, to, row->delta, table->column_count);
    }
}

/* Makes one segment for every table and shard that has changes, and room for their rows. */
static bool make_segments(psi_rows *rows, psi_block *block) {
    const psi_layout *const layout = rows->layout;
    const size_t place_count = (size_t)layout->table_count * layout->shard_count;
    void *segments = block->segments;
    void *locals = block->locals;
    const bool has_room = psi_array_reserve(&segments, &block->segment_capacity, place_count,
                                            sizeof *block->segments);
    block->segments = segments;
    const bool has_locals =
        psi_array_reserve(&locals, &block->local_capacity, rows->row_count, sizeof *block->locals);
    block->locals = locals;
    if (!has_room || !has_locals) {
        return false;
    }
    /* counts[table, shard]: 0, or the position of its segment + 1. */
    memset(rows->counts, 0, place_count * sizeof *rows->counts);
    for (size_t i = 0; i < rows->row_count; i++) {
        const psi_private_row *const row = &rows->rows[i];
        if (has_update(rows, row)) {
            rows->counts[(size_t)row->table * layout->shard_count + row->place.shard]++;
        }
    }
    for (size_t i = 0; i < place_count; i++) {
        if (rows->counts[i] > 0) {
            block->segments[block->segment_count] =
                (psi_segment){.table = (uint32_t)(i / layout->shard_count),
                              .shard = (uint32_t)(i % layout->shard_count),
                              .first = block->local_count};
            block->local_count += rows->counts[i];
            rows->counts[i] = (uint32_t)++block->segment_count;
        }
    }
    return true;
}

static psi_segment *segment_of(const psi_rows *rows, psi_block *block, const psi_private_row *row) {
    const size_t at = (size_t)row->table * rows->layout->shard_count + row->place.shard;
    return &block->segments[rows->counts[at] - 1];
}

/* Gives every segment its place in the values; each starts at a multiple of ALIGN_BYTES. */
static bool place_values(psi_rows *rows, psi_block *block) {
    for (size_t i = 0; i < rows->row_count; i++) {
        const psi_private_row *const row = &rows->rows[i];
        if (has_update(rows, row)) {
            segment_of(rows, block, row)->size_bytes += wire_size_bytes(rows, row);
        }
    }
    size_t offset_bytes = 0;
    for (size_t i = 0; i < block->segment_count; i++) {
        block->segments[i].offset_bytes = offset_bytes;
        offset_bytes +=
            (block->segments[i].size_bytes + ALIGN_BYTES - 1) / ALIGN_BYTES * ALIGN_BYTES;
        block->segments[i].size_bytes = 0;
    }
    return psi_buffer_extend(&block->values, offset_bytes) != NULL;
}

bool psi_rows_seal(psi_rows *rows, psi_block *block) {
    psi_block_clear(block);
    if (!make_segments(rows, block) || !place_values(rows, block)) {
        psi_block_clear(block);
        return false;
    }
    for (size_t i = 0; i < rows->row_count; i++) {
        const psi_private_row *const row = &rows->rows[i];
        if (has_update(rows, row)) {
            psi_segment *const segment = segment_of(rows, block, row);
            block->locals[segment->first + segment->count++] = row->place.local;
            put_change(rows, row,
                       block->values.bytes + segment->offset_bytes + segment->size_bytes);
            segment->size_bytes += wire_size_bytes(rows, row);
        }
    }
    psi_rows_clear(rows);
    return true;
}
