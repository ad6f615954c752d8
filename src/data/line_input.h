/* Lines of a text file, plain or compressed with gzip (told apart by content), and the fields of a
 * line. Knows where it is, so that a failure can be reported as file:line:column. Knows nothing of
 * any format. Lines end with LF or CR LF; the last one need not end at all. */
#ifndef PSI_LINE_INPUT_H
#define PSI_LINE_INPUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <zlib.h>

#include "tortoise/err.h"

enum { PSI_LINE_BUFFER_BYTES = 1 << 18, PSI_LINE_MAX_BYTES = PSI_LINE_BUFFER_BYTES - 1 };

typedef struct psi_line_input {
    const char *path;  /* borrowed until psi_line_input_close() */
    gzFile file;       /* owned */
    char *buffer;      /* owned, PSI_LINE_BUFFER_BYTES + 1 */
    size_t begin, end; /* what of the buffer is not yet consumed */
    bool is_at_end;    /* the file has no more bytes than the buffer holds */
    size_t line;       /* number of the current line, from 1 */
    const char *text;  /* the current line, ended by a NUL that takes the place of its end */
    size_t text_size;  /* without the end of the line */
} psi_line_input;

/* Opens the regular file `path`. Returns PS_OK, PS_ENOMEM, or PS_EIO with the reason in `fault`;
 * then there is nothing to close. Blocks. */
PS_MUST_CHECK ps_err psi_line_input_open(const char *path, psi_line_input *input_out,
                                         ps_fault *fault);

/* Steps to the next line; *has_line_out is false at the end of the file. Blocks on the file.
 * Returns PS_OK, PS_EIO, or PS_EFORMAT for damaged compression or a line beyond PSI_LINE_MAX_BYTES.
 */
PS_MUST_CHECK ps_err psi_line_input_next(psi_line_input *input, bool *has_line_out,
                                         ps_fault *fault);

/* Accepts all zero. */
void psi_line_input_close(psi_line_input *input);

/* Sets `fault` to "path:line:column: <what>" for the place `at` in the current line and returns
 * PS_EFORMAT. */
ps_err psi_line_input_refuse(const psi_line_input *input, const char *at, ps_fault *fault,
                             const char *format, ...) PS_PRINTF(4, 5);

/* A word between blanks: [begin, end), never empty unless the line has no more. */
typedef struct psi_field {
    const char *begin, *end;
} psi_field;

/* Returns the next field at or after `at` of a NUL-ended line. O(length). */
static inline psi_field psi_field_next(const char *at) {
    while (*at == ' ' || *at == '\t') {
        at++;
    }
    const char *end = at;
    while ((unsigned char)*end > ' ') {
        end++;
    }
    return (psi_field){.begin = at, .end = end};
}

static inline bool psi_field_is_empty(psi_field field) {
    return field.begin == field.end;
}

/* How much of a field a message shows: for "%.*s". */
static inline int psi_field_quote_length(psi_field field) {
    enum { QUOTE_MAX = 40 };
    const ptrdiff_t length = field.end - field.begin;
    return length < QUOTE_MAX ? (int)length : QUOTE_MAX;
}

#endif
