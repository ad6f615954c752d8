#include "algos/lda/lda_topics.h"

#include <inttypes.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Puts a word where it belongs among the top words of a topic, if it does. */
static void top_add(psi_lda_top *top, uint32_t word, int32_t count) {
    const uint32_t last = PSI_LDA_TOP_WORDS - 1;
    if (count <= 0 || (top->count > last && count <= top->counts[last])) {
        return;
    }
    uint32_t at = top->count > last ? last : top->count++;
    for (; at > 0 && top->counts[at - 1] < count; at--) {
        top->counts[at] = top->counts[at - 1];
        top->words[at] = top->words[at - 1];
    }
    top->counts[at] = count;
    top->words[at] = word;
}

void psi_lda_tops_find(const psi_lda_prior *prior, const psi_lda_tables *tables,
                       psi_lda_top *tops) {
    memset(tops, 0, prior->topic_count * sizeof *tops);
    for (uint32_t w = 0; w < prior->word_count; w++) {
        const ps_sparse_row row = psi_lda_word_counts(tables, prior->topic_count, w);
        const int32_t *const counts = row.values;
        for (uint32_t i = 0; i < row.count; i++) {
            top_add(&tops[row.columns == NULL ? i : row.columns[i]], w, counts[i]);
        }
    }
}

/* ---- Texts ---- */

typedef struct growing_text {
    char *text; /* owned */
    size_t size, capacity;
    int has_failed;
} growing_text;

static void text_add(growing_text *to, const char *format, ...) PS_PRINTF(2, 3);

static void text_add(growing_text *to, const char *format, ...) {
    for (int attempt = 0; attempt < 2 && !to->has_failed; attempt++) {
        va_list arguments;
        va_start(arguments, format);
        const size_t room = to->capacity - to->size;
        const int length =
            vsnprintf(room == 0 ? NULL : to->text + to->size, room, format, arguments);
        va_end(arguments);
        if (length < 0) {
            to->has_failed = 1;
        } else if ((size_t)length < room) {
            to->size += (size_t)length;
            return;
        } else {
            const size_t capacity = 2 * (to->size + (size_t)length) + 64;
            char *const grown = realloc(to->text, capacity);
            to->has_failed = grown == NULL;
            to->text = grown == NULL ? to->text : grown;
            to->capacity = grown == NULL ? to->capacity : capacity;
        }
    }
}

/* A word, or its number where words have no names. In a table, '_' stands for what has a meaning
 * there. */
static void word_add(growing_text *to, const psi_lda_problem *problem, uint32_t word,
                     int is_table) {
    const char *const text = psi_lda_word(problem, word);
    if (text == NULL) {
        text_add(to, "%" PRIu32, word);
        return;
    }
    const size_t begin = to->size;
    text_add(to, "%s", text);
    for (size_t i = begin; i < to->size && !to->has_failed; i++) {
        const unsigned char c = (unsigned char)to->text[i];
        if (c < ' ' || c == 0x7f || (is_table && strchr(", :\"", c) != NULL)) {
            to->text[i] = '_';
        }
    }
}

static void topic_add(growing_text *to, const psi_lda_topics *topics, uint32_t k, double all,
                      int is_table) {
    const psi_lda_top *const top = &topics->tops[k];
    const double total = (double)topics->tables->totals[k];
    const double share = all > 0 ? total / all : 0;
    if (is_table) {
        text_add(to, "%" PRIu32 ",%.0f,%.6g,%.6g,", k, total, share, topics->npmi[k]);
    } else {
        text_add(to, "\ntopic %" PRIu32 ": %.0f tokens (%.2f %%), NPMI %.3f\n", k, total,
                 100 * share, topics->npmi[k]);
    }
    for (uint32_t i = 0; i < top->count; i++) {
        const char *const separator = is_table ? " " : i == PSI_LDA_TOP_WORDS / 2 ? ",\n  " : ", ";
        text_add(to, "%s", i > 0 ? separator : is_table ? "" : "  ");
        word_add(to, topics->problem, top->words[i], is_table);
        text_add(to, is_table ? ":%" PRId32 : " %" PRId32, top->counts[i]);
    }
    text_add(to, "\n");
}

/* A topic and its size, to be sorted: the largest first. */
typedef struct sized {
    int64_t tokens;
    uint32_t topic;
} sized;

static int sized_compare(const void *left, const void *right) {
    const sized *const a = left, *const b = right;
    if (a->tokens != b->tokens) {
        return a->tokens < b->tokens ? 1 : -1;
    }
    return (a->topic > b->topic) - (a->topic < b->topic);
}

ps_err psi_lda_topics_text(const psi_lda_topics *topics, int is_table, char **text_out,
                           size_t *size_out) {
    const psi_lda_prior *const prior = &topics->problem->prior;
    growing_text to = {.text = NULL};
    sized *const order = calloc(prior->topic_count, sizeof *order);
    double all = 0;
    *text_out = NULL;
    if (order == NULL) {
        return PS_ENOMEM;
    }
    for (uint32_t k = 0; k < prior->topic_count; k++) {
        order[k] = (sized){.tokens = topics->tables->totals[k], .topic = k};
        all += (double)topics->tables->totals[k];
    }
    qsort(order, prior->topic_count, sizeof *order, sized_compare);
    if (is_table) {
        text_add(&to, "topic,tokens,share,npmi,words\n");
    } else {
        text_add(&to,
                 "%" PRIu32 " topics of %" PRIu32 " words in %.0f tokens. NPMI is of the %d most "
                 "frequent words of a topic; its mean is %.4f.\n",
                 prior->topic_count, prior->word_count, all, PSI_LDA_COHERENCE_WORDS,
                 psi_lda_coherence_mean(topics->npmi, prior->topic_count));
    }
    for (uint32_t i = 0; i < prior->topic_count; i++) {
        topic_add(&to, topics, order[i].topic, all, is_table);
    }
    free(order);
    if (to.has_failed) {
        free(to.text);
        return PS_ENOMEM;
    }
    *text_out = to.text;
    *size_out = to.size;
    return PS_OK;
}
