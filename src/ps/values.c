#include "ps/values.h"

#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"

size_t ps_type_size_bytes(ps_type type) {
    return type == PS_F32 || type == PS_I32 ? 4 : 8;
}

/* One loop per type; memcpy of one number is a plain load that needs no alignment. */
#define DEFINE_ARITHMETIC(suffix, number)                                                       \
    static void add_##suffix(number *restrict to, const uint8_t *restrict from, size_t count) { \
        for (size_t i = 0; i < count; i++) {                                                    \
            number value;                                                                       \
            memcpy(&value, from + i * sizeof value, sizeof value);                              \
            to[i] += value;                                                                     \
        }                                                                                       \
    }                                                                                           \
    static void add_rows_##suffix(number *restrict table, size_t column_count,                  \
                                  const uint32_t *restrict rows, size_t count,                  \
                                  const uint8_t *restrict from) {                               \
        if (column_count == 1) {                                                                \
            for (size_t i = 0; i < count; i++) {                                                \
                number value;                                                                   \
                memcpy(&value, from + i * sizeof value, sizeof value);                          \
                table[rows[i]] += value;                                                        \
            }                                                                                   \
            return;                                                                             \
        }                                                                                       \
        for (size_t i = 0; i < count; i++) {                                                    \
            add_##suffix(table + rows[i] * column_count, from, column_count);                   \
            from += column_count * sizeof *table;                                               \
        }                                                                                       \
    }                                                                                           \
    static void subtract_##suffix(number *restrict to, const number *restrict of,               \
                                  const number *restrict minus, size_t count) {                 \
        for (size_t i = 0; i < count; i++) {                                                    \
            to[i] = of[i] - minus[i];                                                           \
        }                                                                                       \
    }

DEFINE_ARITHMETIC(f32, float)
DEFINE_ARITHMETIC(f64, double)
DEFINE_ARITHMETIC(i32, uint32_t) /* unsigned: wraps instead of being undefined */
DEFINE_ARITHMETIC(i64, uint64_t)

void psi_values_add(ps_type type, void *to, const void *from, size_t count) {
    switch (type) {
    case PS_F32:
        add_f32(to, from, count);
        break;
    case PS_F64:
        add_f64(to, from, count);
        break;
    case PS_I32:
        add_i32(to, from, count);
        break;
    case PS_I64:
        add_i64(to, from, count);
        break;
    }
}

void psi_values_add_rows(const psi_value_rows *to, const void *from) {
    switch (to->type) {
    case PS_F32:
        add_rows_f32(to->table, to->column_count, to->rows, to->count, from);
        break;
    case PS_F64:
        add_rows_f64(to->table, to->column_count, to->rows, to->count, from);
        break;
    case PS_I32:
        add_rows_i32(to->table, to->column_count, to->rows, to->count, from);
        break;
    case PS_I64:
        add_rows_i64(to->table, to->column_count, to->rows, to->count, from);
        break;
    }
}

void psi_values_gather(uint8_t *restrict to, const uint8_t *restrict table, size_t row_size_bytes,
                       const uint32_t *restrict rows, size_t count) {
    switch (row_size_bytes) {
    case 4:
        for (size_t i = 0; i < count; i++) {
            memcpy(to + 4 * i, table + 4 * (size_t)rows[i], 4);
        }
        break;
    case 8:
        for (size_t i = 0; i < count; i++) {
            memcpy(to + 8 * i, table + 8 * (size_t)rows[i], 8);
        }
        break;
    default:
        for (size_t i = 0; i < count; i++) {
            memcpy(to + i * row_size_bytes, table + rows[i] * row_size_bytes, row_size_bytes);
        }
    }
}

void psi_values_scatter(uint8_t *restrict table, size_t row_size_bytes,
                        const uint32_t *restrict rows, size_t count, const uint8_t *restrict from) {
    switch (row_size_bytes) {
    case 4:
        for (size_t i = 0; i < count; i++) {
            memcpy(table + 4 * (size_t)rows[i], from + 4 * i, 4);
        }
        break;
    case 8:
        for (size_t i = 0; i < count; i++) {
            memcpy(table + 8 * (size_t)rows[i], from + 8 * i, 8);
        }
        break;
    default:
        for (size_t i = 0; i < count; i++) {
            memcpy(table + rows[i] * row_size_bytes, from + i * row_size_bytes, row_size_bytes);
        }
    }
}

void psi_values_subtract(ps_type type, void *to, const void *of, const void *minus, size_t count) {
    switch (type) {
    case PS_F32:
        subtract_f32(to, of, minus, count);
        break;
    case PS_F64:
        subtract_f64(to, of, minus, count);
        break;
    case PS_I32:
        subtract_i32(to, of, minus, count);
        break;
    case PS_I64:
        subtract_i64(to, of, minus, count);
        break;
    }
}

static bool sparse_reserve(psi_sparse *row, ps_type type, uint64_t needed) {
    if (needed <= row->capacity) {
        return true;
    }
    uint64_t capacity = row->capacity == 0 ? 4 : row->capacity;
    while (capacity < needed) {
        capacity *= 2;
    }
    if (capacity > UINT32_MAX) {
        return false;
    }
    uint32_t *const columns = realloc(row->columns, capacity * sizeof *columns);
    if (columns == NULL) {
        return false;
    }
    row->columns = columns;
    uint8_t *const values = realloc(row->values, capacity * ps_type_size_bytes(type));
    if (values == NULL) {
        return false;
    }
    row->values = values;
    row->capacity = (uint32_t)capacity;
    return true;
}

static bool is_integer(ps_type type) {
    return type == PS_I32 || type == PS_I64;
}

static bool is_zero(const uint8_t *value, size_t size) {
    return size == 4 ? psi_load_u32(value) == 0 : psi_load_u64(value) == 0;
}

/* Takes integers that became 0 out, so that a row whose counts move about does not grow for ever. A
 * float stays: that it is 0 may be chance, and its sign would be lost. */
static void drop_zeros(psi_sparse *row, ps_type type) {
    const size_t size = ps_type_size_bytes(type);
    uint32_t kept = 0;
    for (uint32_t i = 0; i < row->count; i++) {
        const uint8_t *const value = row->values + i * size;
        if (is_zero(value, size)) {
            continue;
        }
        if (kept < i) {
            row->columns[kept] = row->columns[i];
            memcpy(row->values + kept * size, value, size);
        }
        kept++;
    }
    row->count = kept;
}

/* Numbers to be added to a sparse row: ascending columns, all unaligned. */
typedef struct sparse_addend {
    uint32_t count;
    const uint8_t *columns, *values;
} sparse_addend;

/* How many of the columns `row` does not have yet. Which list the next column is of is chance, so
 * this and the merge below go on without a branch on it. */
static uint32_t columns_missing(const psi_sparse *row, const sparse_addend *more) {
    uint32_t at = 0, i = 0, common = 0;
    while (at < row->count && i < more->count) {
        const uint32_t own = row->columns[at];
        const uint32_t column = psi_load_u32(more->columns + (size_t)i * 4);
        common += own == column;
        at += own <= column;
        i += column <= own;
    }
    return more->count - common;
}

/* The sum of those of two numbers that are there. A float alone stays what it is: -0 + 0 is not. */
#define SUM_OF_FLOATS(number, has_left, left, has_right, right) \
    ((has_left) && (has_right) ? (left) + (right) : (has_left) ? (left) : (right))
#define SUM_OF_INTEGERS(number, has_left, left, has_right, right) \
    (((left) & (0 - (number)(has_left))) + ((right) & (0 - (number)(has_right))))

/* Merges from the back, in place, with `room` places behind the row, at least as many as columns
 * are missing:
 *
 *     own 0 .. old-1 | places that are not used | own and more, merged: to .. end-1
 *
 * Then what was merged closes up to what was left where it is, and zeros that are to be dropped
 * (see above) are left out. */
#define DEFINE_MERGE(suffix, number, sum_of, keeps_zeros)                                       \
    static void merge_##suffix(psi_sparse *row, const sparse_addend *more, uint32_t room) {     \
        uint32_t *const columns = row->columns;                                                 \
        number *const values = (void *)row->values;                                             \
        uint32_t old = row->count, left = more->count;                                          \
        const uint32_t end = old + room;                                                        \
        uint32_t to = end;                                                                      \
        while (old > 0 && left > 0) {                                                           \
            const uint32_t own_column = columns[old - 1];                                       \
            const uint32_t column = psi_load_u32(more->columns + (size_t)(left - 1) * 4);       \
            number value;                                                                       \
            memcpy(&value, more->values + (size_t)(left - 1) * sizeof value, sizeof value);     \
            const bool is_own = own_column >= column, is_more = column >= own_column;           \
            to--;                                                                               \
            columns[to] = is_own ? own_column : column;                                         \
            values[to] = sum_of(number, is_own, values[old - 1], is_more, value);               \
            old -= is_own;                                                                      \
            left -= is_more;                                                                    \
        }                                                                                       \
        to -= left; /* those before the row's first one */                                      \
        for (uint32_t i = 0; i < left; i++) {                                                   \
            columns[to + i] = psi_load_u32(more->columns + (size_t)i * 4);                      \
            memcpy(&values[to + i], more->values + (size_t)i * sizeof *values, sizeof *values); \
        }                                                                                       \
        for (; to < end; to++) {                                                                \
            columns[old] = columns[to];                                                         \
            values[old] = values[to];                                                           \
            old += (keeps_zeros) || values[to] != 0;                                            \
        }                                                                                       \
        row->count = old;                                                                       \
    }

DEFINE_MERGE(f32, float, SUM_OF_FLOATS, true)
DEFINE_MERGE(f64, double, SUM_OF_FLOATS, true)
DEFINE_MERGE(i32, uint32_t, SUM_OF_INTEGERS, false)
DEFINE_MERGE(i64, uint64_t, SUM_OF_INTEGERS, false)

static bool has_zeros(const psi_sparse *row, ps_type type) {
    const uint32_t *const narrow = (const void *)row->values;
    const uint64_t *const wide = (const void *)row->values;
    bool is_there = false;
    for (uint32_t i = 0; type == PS_I32 && i < row->count; i++) {
        is_there |= narrow[i] == 0;
    }
    for (uint32_t i = 0; type == PS_I64 && i < row->count; i++) {
        is_there |= wide[i] == 0;
    }
    return is_there;
}

/* Makes the row what `more` is. False: memory is exhausted; the row is then unchanged. */
static bool copy_all(psi_sparse *row, ps_type type, const sparse_addend *more) {
    if (!sparse_reserve(row, type, more->count)) {
        return false;
    }
    for (uint32_t i = 0; i < more->count; i++) {
        row->columns[i] = psi_load_u32(more->columns + (size_t)i * 4);
    }
    if (more->count > 0) {
        memcpy(row->values, more->values, more->count * ps_type_size_bytes(type));
    }
    row->count = more->count;
    return true;
}

/* The same without zeros: so begin the rows that a frame brings, and most updates. */
static bool copy_first(psi_sparse *row, ps_type type, const sparse_addend *more) {
    if (!copy_all(row, type, more)) {
        return false;
    }
    if (has_zeros(row, type)) {
        drop_zeros(row, type);
    }
    return true;
}

bool psi_sparse_add(psi_sparse *row, ps_type type, uint32_t count, const uint8_t *columns,
                    const uint8_t *values) {
    const sparse_addend more = {.count = count, .columns = columns, .values = values};
    if (row->count == 0) {
        return copy_first(row, type, &more);
    }
    uint32_t room = count;
    if (row->capacity - row->count < count) { /* more memory only if it must be */
        room = columns_missing(row, &more);
        if (!sparse_reserve(row, type, (uint64_t)row->count + room)) {
            return false;
        }
    }
    switch (type) {
    case PS_F32:
        merge_f32(row, &more, room);
        break;
    case PS_F64:
        merge_f64(row, &more, room);
        break;
    case PS_I32:
        merge_i32(row, &more, room);
        break;
    case PS_I64:
        merge_i64(row, &more, room);
        break;
    }
    return true;
}

/* The first position whose column is >= `column`. */
static uint32_t lower_bound(const psi_sparse *row, uint32_t column) {
    uint32_t low = 0;
    uint32_t high = row->count;
    while (low < high) {
        const uint32_t middle = low + (high - low) / 2;
        if (row->columns[middle] < column) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

static bool is_ascending(uint32_t count, const uint32_t *columns) {
    bool ascends = true;
    for (uint32_t i = 1; i < count; i++) {
        ascends &= columns[i - 1] < columns[i];
    }
    return ascends;
}

bool psi_sparse_add_unsorted(psi_sparse *row, ps_type type, uint32_t count, const uint32_t *columns,
                             const void *values) {
    if (is_ascending(count, columns)) {
        return psi_sparse_add(row, type, count, (const uint8_t *)columns, values);
    }
    if (!sparse_reserve(row, type, (uint64_t)row->count + count)) {
        return false;
    }
    const size_t size = ps_type_size_bytes(type);
    const uint8_t *value = values;
    bool has_zero = false;
    for (uint32_t i = 0; i < count; i++, value += size) {
        const uint32_t at = lower_bound(row, columns[i]);
        if (at < row->count && row->columns[at] == columns[i]) {
            psi_values_add(type, row->values + at * size, value, 1);
            has_zero |= is_zero(row->values + at * size, size);
            continue;
        }
        has_zero |= is_zero(value, size);
        memmove(row->columns + at + 1, row->columns + at, (row->count - at) * sizeof *row->columns);
        memmove(row->values + (at + 1) * size, row->values + at * size, (row->count - at) * size);
        row->columns[at] = columns[i];
        memcpy(row->values + at * size, value, size);
        row->count++;
    }
    if (has_zero && is_integer(type)) {
        drop_zeros(row, type);
    }
    return true;
}

bool psi_sparse_copy(psi_sparse *row, ps_type type, const psi_sparse *from) {
    const sparse_addend all = {
        .count = from->count, .columns = (const uint8_t *)from->columns, .values = from->values};
    return copy_all(row, type, &all);
}

void psi_sparse_fini(psi_sparse *row) {
    free(row->columns);
    free(row->values);
    *row = (psi_sparse){0};
}
