/* How `infer` writes its answer. */
#ifndef TT_INFER_OUTPUT_H
#define TT_INFER_OUTPUT_H

#include <stdio.h>

#include "tortoise/saved.h"

typedef enum tt_infer_format { TT_INFER_TEXT, TT_INFER_CSV, TT_INFER_JSON } tt_infer_format;

/* Of "text", "csv" or "json". */
tt_infer_format tt_infer_format_of(const char *word);

/* Writes the answer, rows in their order, from 0:
 *   text   first the numbers about all rows, then a line per row, "document 0: 12 0.431, 3 0.209":
 *          its largest values, at most five and none below a hundredth of the row's sum
 *   csv    "document,topic_0,topic_1,...", all values to the last bit
 *   json   { numbers..., "topics": count, "values": [[...], ...] } */
void tt_infer_print(FILE *to, const ps_answer *answer, tt_infer_format format);

#endif
