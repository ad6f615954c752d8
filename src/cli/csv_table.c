#include "csv_table.h"

#include <errno.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"

/* The whole file as a text; NULL, and errno, on failure. */
static char *read_all(const char *path, size_t *size_out) {
    FILE *const file = fopen(path, "rb");
    if (file == NULL) {
        return NULL;
    }
    char *text = NULL;
    long size = -1;
    if (fseek(file, 0, SEEK_END) == 0) {
        size = ftell(file);
    }
    if (size >= 0 && fseek(file, 0, SEEK_SET) == 0) {
        text = malloc((size_t)size + 1);
    }
    if (text != NULL) {
        *size_out = fread(text, 1, (size_t)size, file);
        text[*size_out] = '\0';
    }
    (void)fclose(file);
    return text;
}

/* Splits the line at *rest, which is stepped to the next one. False at the end of the text. */
static bool split_line(char **rest, const char **cells, size_t cells_max, size_t *count_out) {
    char *at = *rest;
    if (*at == '\0') {
        return false;
    }
    char *const end = at + strcspn(at, "\n");
    *rest = *end == '\0' ? end : end + 1;
    *end = '\0';
    size_t count = 0;
    for (;;) {
        char *const comma = at + strcspn(at, ",");
        if (count < cells_max) {
            cells[count] = at;
        }
        count++;
        if (*comma == '\0') {
            break;
        }
        *comma = '\0';
        at = comma + 1;
    }
    *count_out = count;
    return true;
}

ps_err tt_csv_read(const char *path, tt_csv_table *table_out, ps_fault *fault) {
    *table_out = (tt_csv_table){0};
    size_t size = 0;
    tt_csv_table table = {.text = read_all(path, &size)};
    if (table.text == NULL) {
        return ps_fault_set(fault, PS_EINVAL, "%s: %s", path, strerror(errno));
    }
    char *rest = table.text;
    ps_err err = PS_EFORMAT;
    if (strlen(table.text) != size) {
        (void)ps_fault_set(fault, err, "%s: holds a zero byte; is this a table?", path);
        goto fail;
    }
    if (!split_line(&rest, table.names, TT_CSV_COLUMNS_MAX, &table.column_count) ||
        table.column_count > TT_CSV_COLUMNS_MAX) {
        (void)ps_fault_set(fault, err, "%s:1: is not a table of at most %d columns", path,
                           TT_CSV_COLUMNS_MAX);
        goto fail;
    }
    size_t count = 0;
    size_t capacity = 0;
    const char *line[TT_CSV_COLUMNS_MAX];
    while (split_line(&rest, line, table.column_count, &count)) {
        if (count != table.column_count) {
            (void)ps_fault_set(fault, err, "%s:%zu: has %zu cells instead of %zu", path,
                               table.row_count + 2, count, table.column_count);
            goto fail;
        }
        const size_t used = table.row_count * table.column_count;
        void *cells = table.cells;
        const bool has_room =
            psi_array_reserve(&cells, &capacity, used + table.column_count, sizeof *table.cells);
        table.cells = cells;
        if (!has_room) {
            err = ps_fault_set(fault, PS_ENOMEM, "%s: no memory to read it", path);
            goto fail;
        }
        memcpy(table.cells + used, line, table.column_count * sizeof *line);
        table.row_count++;
    }
    *table_out = table;
    return PS_OK;
fail:
    tt_csv_fini(&table);
    return err;
}

void tt_csv_fini(tt_csv_table *table) {
    free(table->text);
    free(table->cells);
    *table = (tt_csv_table){0};
}

size_t tt_csv_column(const tt_csv_table *table, const char *name) {
    size_t at = 0;
    while (at < table->column_count && strcmp(table->names[at], name) != 0) {
        at++;
    }
    return at;
}

const char *tt_csv_text(const tt_csv_table *table, size_t row, size_t column) {
    PS_ASSERT(row < table->row_count && column < table->column_count);
    return table->cells[row * table->column_count + column];
}

double tt_csv_number(const tt_csv_table *table, size_t row, size_t column) {
    const char *const text = tt_csv_text(table, row, column);
    char *end = NULL;
    const double value = strtod(text, &end);
    return end == text || *end != '\0' ? (double)NAN : value;
}
