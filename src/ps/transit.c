#include "ps/transit.h"

#include <stdlib.h>

#include "ps/part.h"

enum { INDEX_MIN = 64 };

ps_err psi_transit_init(psi_transit *transit, const psi_layout *layout) {
    *transit = (psi_transit){.layout = layout};
    transit->needs = calloc(layout->shard_count, sizeof *transit->needs);
    return transit->needs == NULL ? PS_ENOMEM : PS_OK;
}

void psi_transit_fini(psi_transit *transit) {
    free(transit->needs);
    free(transit->keys);
    free(transit->index);
    free(transit->cells);
    *transit = (psi_transit){.layout = NULL};
}

void psi_transit_start(psi_transit *transit, double bound, uint32_t worker_count, uint32_t clock) {
    const double workers = worker_count, t = (double)clock + 1;
    transit->square_max = bound * bound / (workers * workers * t);
    transit->key_count = 0;
    transit->cell_count = 0;
    memset(transit->needs, 0, transit->layout->shard_count * sizeof *transit->needs);
    if (transit->index != NULL) {
        memset(transit->index, 0, transit->index_capacity * sizeof *transit->index);
    }
}

/* ---- Finding cells ---- */

static size_t probe(const psi_transit *transit, const psi_transit_key *key) {
    uint64_t hash = ((uint64_t)key->local << 32 | key->column) * UINT64_C(0x9e3779b97f4a7c15);
    hash ^= ((uint64_t)key->table << 32 | key->shard) * UINT64_C(0xc2b2ae3d27d4eb4f);
    size_t at = (hash ^ hash >> 29) & (transit->index_capacity - 1);
    while (transit->index[at] != 0) {
        const psi_transit_key *const other = &transit->keys[transit->index[at] - 1];
        if (other->table == key->table && other->shard == key->shard &&
            other->local == key->local && other->column == key->column) {
            break;
        }
        at = (at + 1) & (transit->index_capacity - 1);
    }
    return at;
}

static bool grow_index(psi_transit *transit) {
    if (2 * (transit->key_count + 1) <= transit->index_capacity) {
        return true;
    }
    const size_t capacity = transit->index == NULL ? INDEX_MIN : 2 * transit->index_capacity;
    uint32_t *const index = calloc(capacity, sizeof *index);
    if (index == NULL) {
        return false;
    }
    free(transit->index);
    transit->index = index;
    transit->index_capacity = capacity;
    for (size_t i = 0; i < transit->key_count; i++) {
        index[probe(transit, &transit->keys[i])] = (uint32_t)(i + 1);
    }
    return true;
}

/* Finds or makes the `count` cells of a key. NULL: memory is exhausted. */
static psi_transit_cell *cells_of(psi_transit *transit, psi_transit_key key, uint32_t count) {
    if (!grow_index(transit)) {
        return NULL;
    }
    const size_t at = probe(transit, &key);
    if (transit->index[at] != 0) {
        return &transit->cells[transit->keys[transit->index[at] - 1].first];
    }
    void *keys = transit->keys;
    void *cells = transit->cells;
    const bool has_key = psi_array_reserve(&keys, &transit->key_capacity, transit->key_count + 1,
                                           sizeof *transit->keys);
    transit->keys = keys;
    const bool has_cells = psi_array_reserve(&cells, &transit->cell_capacity,
                                             transit->cell_count + count, sizeof *transit->cells);
    transit->cells = cells;
    if (!has_key || !has_cells) {
        return NULL;
    }
    key.first = transit->cell_count;
    transit->cell_count += count;
    memset(&transit->cells[key.first], 0, count * sizeof *transit->cells);
    transit->keys[transit->key_count] = key;
    transit->index[at] = (uint32_t)++transit->key_count;
    return &transit->cells[key.first];
}

/* ---- Sums ---- */

static bool is_float(const psi_table_layout *table) {
    return table->type == PS_F32 || table->type == PS_F64;
}

static double number_of(ps_type type, const uint8_t *bytes) {
    if (type == PS_F32) {
        float number;
        memcpy(&number, bytes, sizeof number);
        return (double)number;
    }
    double number;
    memcpy(&number, bytes, sizeof number);
    return number;
}

/* Adds an older update of one number. Returns whether it may still be in transit: the newer ones
 * alone and all together are within the bound, or there are no newer ones. */
static bool add_older(psi_transit_cell *cell, double update, double square_max) {
    if (update == 0) {
        return true;
    }
    const double newer = cell->sum;
    const bool is_alone = !cell->is_touched;
    cell->sum += update;
    cell->is_touched = true;
    return is_alone || (newer * newer <= square_max && cell->sum * cell->sum <= square_max);
}

/* The same for all numbers of a row. False: memory is exhausted. */
static bool add_row(psi_transit *transit, psi_transit_key key, const uint8_t *values,
                    bool *is_within) {
    const psi_table_layout *const table = &transit->layout->tables[key.table];
    if (table->layout == PS_DENSE) {
        psi_transit_cell *const cells = cells_of(transit, key, table->column_count);
        for (uint32_t c = 0; cells != NULL && c < table->column_count; c++) {
            const double update =
                number_of(table->type, values + (size_t)c * table->value_size_bytes);
            *is_within &= add_older(&cells[c], update, transit->square_max);
        }
        return cells != NULL;
    }
    const uint32_t count = psi_load_u32(values);
    const uint8_t *const columns = values + 4;
    const uint8_t *const numbers = columns + 4 * (size_t)count;
    for (uint32_t i = 0; i < count; i++) {
        key.column = psi_load_u32(columns + 4 * (size_t)i);
        psi_transit_cell *const cell = cells_of(transit, key, 1);
        if (cell == NULL) {
            return false;
        }
        const double update = number_of(table->type, numbers + (size_t)i * table->value_size_bytes);
        *is_within &= add_older(cell, update, transit->square_max);
    }
    return true;
}

bool psi_transit_add(psi_transit *transit, const psi_block *block, uint32_t stamp) {
    for (size_t s = 0; s < block->segment_count; s++) {
        const psi_segment *const segment = &block->segments[s];
        const psi_table_layout *const table = &transit->layout->tables[segment->table];
        if (!is_float(table) || transit->needs[segment->shard] > stamp) {
            continue; /* of no account, or required to be seen anyway */
        }
        const uint8_t *at = block->values.bytes + segment->offset_bytes;
        bool is_within = true;
        for (uint32_t i = 0; i < segment->count; i++) {
            const psi_transit_key key = {.table = segment->table,
                                         .shard = segment->shard,
                                         .local = block->locals[segment->first + i]};
            if (!add_row(transit, key, psi_part_next_row(table, &at), &is_within)) {
                return false;
            }
        }
        if (!is_within) {
            transit->needs[segment->shard] = stamp + 1;
        }
    }
    return true;
}

double psi_transit_norm(const psi_layout *layout, const psi_block *block) {
    double largest = 0;
    for (size_t s = 0; s < block->segment_count; s++) {
        const psi_segment *const segment = &block->segments[s];
        const psi_table_layout *const table = &layout->tables[segment->table];
        if (!is_float(table)) {
            continue;
        }
        const uint8_t *at = block->values.bytes + segment->offset_bytes;
        for (uint32_t i = 0; i < segment->count; i++) {
            const uint8_t *numbers = psi_part_next_row(table, &at);
            uint32_t count = table->column_count;
            if (table->layout == PS_SPARSE) {
                count = psi_load_u32(numbers);
                numbers += 4 + 4 * (size_t)count;
            }
            for (uint32_t c = 0; c < count; c++) {
                const double number =
                    number_of(table->type, numbers + (size_t)c * table->value_size_bytes);
                const double size = number < 0 ? -number : number;
                largest = size > largest ? size : largest;
            }
        }
    }
    return largest;
}
