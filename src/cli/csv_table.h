/* A CSV file in memory: names and cells. For the files that tortoise writes: no quotes, no escapes.
 */
#ifndef TT_CSV_TABLE_H
#define TT_CSV_TABLE_H

#include <stddef.h>

#include "tortoise/err.h"

enum { TT_CSV_COLUMNS_MAX = 64 };

typedef struct tt_csv_table {
    char *text;         /* owned; cells point into it */
    const char **cells; /* owned; row_count x column_count */
    const char *names[TT_CSV_COLUMNS_MAX];
    size_t row_count, column_count;
} tt_csv_table;

/* Reads a file. PS_EINVAL when it is missing; PS_EFORMAT with the line that has too few or too many
 * cells. */
PS_MUST_CHECK ps_err tt_csv_read(const char *path, tt_csv_table *table_out, ps_fault *fault);
void tt_csv_fini(tt_csv_table *table);

/* The column `name`, or column_count. */
size_t tt_csv_column(const tt_csv_table *table, const char *name);

/* The cell as text and as a number (NaN if it is none). row < row_count, column < column_count. */
const char *tt_csv_text(const tt_csv_table *table, size_t row, size_t column);
double tt_csv_number(const tt_csv_table *table, size_t row, size_t column);

#endif
