#include "html_page.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

static const char style[] =
    "body{margin:0 auto;max-width:56rem;padding:1rem 1.2rem 4rem;background:#fff;color:#1d1d1f;"
    "font:16px/1.5 system-ui,-apple-system,'Segoe UI',Roboto,'DejaVu Sans',sans-serif}\n"
    "h1{font-size:1.6rem;line-height:1.25;margin:1.2rem 0 .2rem}\n"
    "h2{font-size:1.15rem;margin:2.2rem 0 .6rem;border-bottom:1px solid "
    "#ddd;padding-bottom:.2rem}\n"
    "p{margin:.4rem 0}.sub{color:#555}\n"
    ".wide{overflow-x:auto}\n"
    "table{border-collapse:collapse;font-size:.85rem;font-variant-numeric:tabular-nums}\n"
    "th,td{text-align:left;padding:.25rem .7rem .25rem 0;border-bottom:1px solid "
    "#eee;vertical-align:top}\n"
    "th{color:#555;font-weight:600;white-space:nowrap}.n{text-align:right;white-space:nowrap}\n"
    "td{overflow-wrap:anywhere;min-width:3rem}\n"
    "figure{margin:1.2rem 0}figcaption{color:#444;font-size:.92rem;margin-bottom:.3rem}\n"
    "svg{width:100%;height:auto;display:block}\n"
    "pre,code{font:13px/1.5 ui-monospace,'DejaVu Sans Mono',monospace}\n"
    "pre{background:#f6f6f6;padding:.6rem .8rem;white-space:pre-wrap;overflow-wrap:anywhere}\n"
    "a{color:#0b5cad}\n";

void tt_html_text(FILE *page, const char *text) {
    for (; *text != '\0'; text++) {
        switch (*text) {
        case '&':
            (void)fputs("&amp;", page);
            break;
        case '<':
            (void)fputs("&lt;", page);
            break;
        case '>':
            (void)fputs("&gt;", page);
            break;
        case '"':
            (void)fputs("&quot;", page);
            break;
        default:
            (void)fputc(*text, page);
        }
    }
}

void tt_html_begin(FILE *page, const char *title, const char *subtitle) {
    (void)fputs("<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
                "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<title>",
                page);
    tt_html_text(page, title);
    (void)fprintf(page, "</title>\n<style>\n%s</style>\n</head>\n<body>\n<h1>", style);
    tt_html_text(page, title);
    (void)fputs("</h1>\n<p class=\"sub\">", page);
    tt_html_text(page, subtitle);
    (void)fputs("</p>\n", page);
}

void tt_html_end(FILE *page) {
    (void)fputs("</body>\n</html>\n", page);
}

void tt_html_heading(FILE *page, const char *text) {
    (void)fputs("<h2>", page);
    tt_html_text(page, text);
    (void)fputs("</h2>\n", page);
}

static void row(FILE *page, const char *tag, const char *const *cells, size_t count,
                size_t first_number) {
    (void)fputs("<tr>", page);
    for (size_t i = 0; i < count; i++) {
        (void)fprintf(page, "<%s%s>", tag, i >= first_number ? " class=\"n\"" : "");
        tt_html_text(page, cells[i]);
        (void)fprintf(page, "</%s>", tag);
    }
    (void)fputs("</tr>\n", page);
}

void tt_html_table_begin(FILE *page, const char *const *names, size_t count, size_t first_number) {
    (void)fputs("<div class=\"wide\"><table>\n", page);
    row(page, "th", names, count, first_number);
}

void tt_html_table_row(FILE *page, const char *const *cells, size_t count, size_t first_number) {
    row(page, "td", cells, count, first_number);
}

void tt_html_table_end(FILE *page) {
    (void)fputs("</table></div>\n", page);
}

static char *read_file(const char *path) {
    FILE *const file = fopen(path, "rb");
    char *text = NULL;
    size_t size = 0;
    FILE *const copy = file == NULL ? NULL : open_memstream(&text, &size);
    int letter = 0;
    while (copy != NULL && (letter = getc(file)) != EOF) {
        (void)putc(letter, copy);
    }
    if (copy != NULL && fclose(copy) != 0) {
        free(text);
        text = NULL;
    }
    if (file != NULL) {
        (void)fclose(file);
    }
    return text;
}

/* Names of other places, which an SVG inside HTML does not need: attributes xmlns and xmlns:xlink.
 */
static const char *step_over_namespace(const char *at) {
    while (strncmp(at, "xmlns", strlen("xmlns")) == 0) {
        const char *const quote = strpbrk(at, "\"'");
        const char *const end = quote == NULL ? NULL : strchr(quote + 1, *quote);
        if (end == NULL) {
            break;
        }
        at = end + 1 + strspn(end + 1, " \n");
    }
    return at;
}

ps_err tt_html_picture(FILE *page, const char *svg_path, const char *caption, ps_fault *fault) {
    char *const text = read_file(svg_path);
    if (text == NULL) {
        return ps_fault_set(fault, PS_EIO, "%s: %s", svg_path, strerror(errno));
    }
    const char *at = strstr(text, "<svg");
    if (at == NULL) {
        free(text);
        return ps_fault_set(fault, PS_EFORMAT, "%s: holds no picture", svg_path);
    }
    (void)fputs("<figure><figcaption>", page);
    tt_html_text(page, caption);
    (void)fputs("</figcaption>\n", page);
    while (*at != '\0') {
        at = step_over_namespace(at);
        (void)fputc(*at, page);
        at += *at == '\0' ? 0 : 1;
    }
    (void)fputs("</figure>\n", page);
    free(text);
    return PS_OK;
}
