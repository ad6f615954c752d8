/* An independent decoder of the wire format: written from docs/wire-format.md alone, it shares no
 * code with the parameter server, not even its checksum. It reads one sealed frame and renders it
 * as lines of text, or says what is wrong. */
#ifndef TEST_CORE_WIRE_DECODER_H
#define TEST_CORE_WIRE_DECODER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/* What the decoder must know of the run to read values: the tables. */
typedef struct wire_table {
    char type; /* 'f': f32, 'd': f64, 'i': i32, 'l': i64 */
    bool is_sparse;
    uint32_t column_count;
} wire_table;

/* Renders the frame in bytes[0..size_bytes) to `out`. Returns false, having written the reason, if
 * it is not a whole, undamaged frame of the format. */
bool wire_decode(const uint8_t *bytes, size_t size_bytes, const wire_table *tables,
                 uint32_t table_count, FILE *out);

#endif
