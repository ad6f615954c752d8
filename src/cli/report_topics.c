#include "report_topics.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <unistd.h>

#include "csv_table.h"
#include "html_page.h"
#include "outdir.h"

enum { TOPICS_SHOWN_MAX = 100, WORD_BYTES = 256 };

static const char *const names[] = {"topic", "tokens", "share", "npmi", "words"};
enum { TOPIC, TOKENS, SHARE, NPMI, WORDS, COLUMNS };

/* "word:count word:count ...": the words, the rarer the paler. */
static void put_words(FILE *page, const char *text) {
    double most = 0;
    while (*text != '\0') {
        char word[WORD_BYTES];
        const size_t length = strcspn(text, " ");
        size_t name = length;
        while (name > 0 && text[name] != ':') {
            name--;
        }
        const double count = strtod(text + name + 1, NULL);
        most = count > most ? count : most;
        (void)snprintf(word, sizeof word, "%.*s", (int)name, text);
        (void)fprintf(page, "<span style=\"opacity:%.2f\">",
                      0.4 + 0.6 * sqrt(most > 0 ? count / most : 1));
        tt_html_text(page, word);
        (void)fputs("</span> ", page);
        text += length + (text[length] == ' ');
    }
}

static void put_topic(FILE *page, const tt_csv_table *table, size_t row, const size_t *at) {
    const double npmi = tt_csv_number(table, row, at[NPMI]);
    (void)fputs("<tr><td class=\"n\">", page);
    tt_html_text(page, tt_csv_text(table, row, at[TOPIC]));
    (void)fputs("</td><td>", page);
    put_words(page, tt_csv_text(table, row, at[WORDS]));
    (void)fputs("</td><td class=\"n\">", page);
    tt_html_text(page, tt_csv_text(table, row, at[TOKENS]));
    (void)fprintf(page, "</td><td class=\"n\">%.2f %%</td><td class=\"n\">",
                  100 * tt_csv_number(table, row, at[SHARE]));
    if (isfinite(npmi)) {
        (void)fprintf(page, "%.3f", npmi);
    }
    (void)fputs("</td></tr>\n", page);
}

static void put_table(FILE *page, const tt_csv_table *table) {
    size_t at[COLUMNS];
    double sum = 0, count = 0;
    for (size_t c = 0; c < COLUMNS; c++) {
        at[c] = tt_csv_column(table, names[c]);
        if (at[c] == table->column_count) {
            (void)fputs("<p>topics.csv is not a table of topics.</p>\n", page);
            return;
        }
    }
    for (size_t row = 0; row < table->row_count; row++) {
        const double npmi = tt_csv_number(table, row, at[NPMI]);
        sum += isfinite(npmi) ? npmi : 0;
        count += isfinite(npmi) ? 1 : 0;
    }
    const size_t shown = table->row_count < TOPICS_SHOWN_MAX ? table->row_count : TOPICS_SHOWN_MAX;
    (void)fprintf(page,
                  "<p class=\"sub\">The largest %zu of %zu topics, each by its most frequent "
                  "words.",
                  shown, table->row_count);
    if (count > 0) {
        (void)fprintf(
            page,
            " Coherence (NPMI) is between -1, words that never meet in a document, and 1, "
            "words that always do; the mean of all topics is %.3f.",
            sum / count);
    }
    (void)fputs("</p>\n<div class=\"wide\"><table>\n<tr><th class=\"n\">topic</th><th>words</th>"
                "<th class=\"n\">tokens</th><th class=\"n\">share</th><th class=\"n\">NPMI</th>"
                "</tr>\n",
                page);
    for (size_t row = 0; row < shown; row++) {
        put_topic(page, table, row, at);
    }
    (void)fputs("</table></div>\n", page);
}

void tt_report_topics(FILE *page, const char *directory) {
    char path[TT_PATH_MAX];
    tt_csv_table table;
    ps_fault fault = {.err = PS_OK};
    if (!tt_path_join(path, directory, "topics.csv") || access(path, F_OK) != 0) {
        return;
    }
    tt_html_heading(page, "Topics");
    if (tt_csv_read(path, &table, &fault) != PS_OK) {
        (void)fputs("<p>", page);
        tt_html_text(page, fault.text);
        (void)fputs("</p>\n", page);
        return;
    }
    put_table(page, &table);
    tt_csv_fini(&table);
}
