/* One self-contained HTML page, written piece by piece: no script, no style sheet or picture from
 * elsewhere. */
#ifndef TT_HTML_PAGE_H
#define TT_HTML_PAGE_H

#include <stddef.h>
#include <stdio.h>

#include "tortoise/err.h"

/* Writes the head and the title, and the end. */
void tt_html_begin(FILE *page, const char *title, const char *subtitle);
void tt_html_end(FILE *page);

/* Writes a text with the characters that mean something in HTML escaped. */
void tt_html_text(FILE *page, const char *text);

/* A heading with an anchor. */
void tt_html_heading(FILE *page, const char *text);

/* Tables: a row of cells; columns from `first_number` on are numbers and stand to the right. */
void tt_html_table_begin(FILE *page, const char *const *names, size_t count, size_t first_number);
void tt_html_table_row(FILE *page, const char *const *cells, size_t count, size_t first_number);
void tt_html_table_end(FILE *page);

/* Writes an SVG file of gnuplot's into the page, with a caption. PS_EIO or PS_EFORMAT: nothing was
 * written. */
PS_MUST_CHECK ps_err tt_html_picture(FILE *page, const char *svg_path, const char *caption,
                                     ps_fault *fault);

#endif
