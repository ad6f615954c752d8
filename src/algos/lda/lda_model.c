#include "algos/lda/lda_model.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "algos/lda/lda_topics.h"

/* ---- Leaving ---- */

static ps_err put_number(const ps_sink *sink, ps_piece_kind kind, const char *name, double value) {
    const ps_piece piece = {.kind = kind, .name = name, .number = value};
    return sink->put(sink->context, &piece);
}

static ps_err put_text(const ps_sink *sink, ps_piece_kind kind, const char *name, const char *text,
                       size_t size_bytes) {
    const ps_piece piece = {.kind = kind, .name = name, .content = text, .size_bytes = size_bytes};
    return sink->put(sink->context, &piece);
}

static ps_err put_alpha(const psi_lda_problem *problem, const ps_sink *sink) {
    const uint32_t topics = problem->prior.topic_count;
    double *const alpha = calloc(topics, sizeof *alpha);
    if (alpha == NULL) {
        return PS_ENOMEM;
    }
    for (uint32_t k = 0; k < topics; k++) {
        alpha[k] = problem->prior.alpha;
    }
    const ps_piece piece = {.kind = PS_MODEL_ARRAY,
                            .name = "alpha",
                            .type = PS_F64,
                            .row_count = topics,
                            .content = alpha,
                            .size_bytes = topics * sizeof *alpha};
    const ps_err err = sink->put(sink->context, &piece);
    free(alpha);
    return err;
}

/* The counts of all words as one array, where they are in two tables. */
static ps_err put_words(const psi_lda_problem *problem, const psi_lda_tables *tables,
                        const ps_sink *sink) {
    const uint32_t words = problem->prior.word_count, topics = problem->prior.topic_count;
    if (tables->places == NULL) {
        return PS_OK;
    }
    int32_t *const whole = calloc((size_t)words * topics, sizeof *whole);
    if (whole == NULL) {
        return PS_ENOMEM;
    }
    for (uint32_t w = 0; w < words; w++) {
        const ps_sparse_row row = psi_lda_word_counts(tables, topics, w);
        const int32_t *const counts = row.values;
        for (uint32_t i = 0; i < row.count; i++) {
            whole[(size_t)w * topics + (row.columns == NULL ? i : row.columns[i])] = counts[i];
        }
    }
    const ps_piece piece = {.kind = PS_MODEL_ARRAY,
                            .name = "word_topic",
                            .type = PS_I32,
                            .row_count = words,
                            .column_count = topics,
                            .content = whole,
                            .size_bytes = (size_t)words * topics * sizeof *whole};
    const ps_err err = sink->put(sink->context, &piece);
    free(whole);
    return err;
}

static ps_err put_vocabulary(const psi_lda_problem *problem, const ps_sink *sink) {
    if (problem->vocabulary == NULL) {
        return PS_OK;
    }
    size_t size_bytes = 0;
    for (uint32_t w = 0; w < problem->prior.word_count; w++) {
        size_bytes += strlen(psi_lda_word(problem, w)) + 1;
    }
    char *const lines = malloc(size_bytes + 1);
    if (lines == NULL) {
        return PS_ENOMEM;
    }
    size_t used = 0;
    for (uint32_t w = 0; w < problem->prior.word_count; w++) {
        const size_t length = strlen(psi_lda_word(problem, w));
        memcpy(lines + used, psi_lda_word(problem, w), length);
        lines[used + length] = '\n';
        used += length + 1;
    }
    const ps_err err = put_text(sink, PS_MODEL_TEXT, "vocabulary.txt", lines, used);
    free(lines);
    return err;
}

static ps_err put_one_topics_text(const psi_lda_topics *topics, int is_table, const ps_sink *sink) {
    char *text = NULL;
    size_t size_bytes = 0;
    PS_TRY(psi_lda_topics_text(topics, is_table, &text, &size_bytes));
    const ps_err err =
        put_text(sink, PS_RUN_TEXT, is_table ? "topics.csv" : "topics.txt", text, size_bytes);
    free(text);
    return err;
}

static ps_err put_topics(const psi_lda_topics *topics, psi_lda_top *tops, double *npmi,
                         const ps_sink *sink) {
    const psi_lda_prior *const prior = &topics->problem->prior;
    psi_lda_tops_find(prior, topics->tables, tops);
    PS_TRY(psi_lda_coherence(topics->problem, tops, npmi));
    PS_TRY(put_one_topics_text(topics, 0, sink));
    PS_TRY(put_one_topics_text(topics, 1, sink));
    return put_number(sink, PS_RUN_NUMBER, "npmi",
                      psi_lda_coherence_mean(npmi, prior->topic_count));
}

ps_err psi_lda_leave(const psi_lda_problem *problem, const psi_lda_tables *tables,
                     const ps_sink *sink) {
    const psi_lda_prior *const prior = &problem->prior;
    PS_TRY(put_words(problem, tables, sink));
    PS_TRY(put_alpha(problem, sink));
    PS_TRY(put_number(sink, PS_MODEL_NUMBER, "beta", prior->beta));
    PS_TRY(put_number(sink, PS_MODEL_NUMBER, "topics", prior->topic_count));
    PS_TRY(put_number(sink, PS_MODEL_NUMBER, "words", prior->word_count));
    PS_TRY(put_vocabulary(problem, sink));
    psi_lda_top *const tops = calloc(prior->topic_count, sizeof *tops);
    double *const npmi = calloc(prior->topic_count, sizeof *npmi);
    const psi_lda_topics topics = {
        .problem = problem, .tables = tables, .tops = tops, .npmi = npmi};
    const ps_err err =
        tops == NULL || npmi == NULL ? PS_ENOMEM : put_topics(&topics, tops, npmi, sink);
    free(tops);
    free(npmi);
    return err;
}

/* ---- Putting together ---- */

static ps_err number_take(const ps_question *question, const char *name, double min, double max,
                          double *value_out, ps_fault *fault) {
    const ps_piece *const piece = ps_piece_find(question, PS_MODEL_NUMBER, name);
    if (piece == NULL) {
        return ps_fault_set(fault, PS_EFORMAT, "the model has no number '%s'", name);
    }
    if (!(piece->number >= min && piece->number <= max)) {
        return ps_fault_set(fault, PS_EFORMAT, "the model's %s is %g, not from %g to %g", name,
                            piece->number, min, max);
    }
    *value_out = piece->number;
    return PS_OK;
}

/* The numbers of an array of type `wanted->type` and that many rows and columns. */
static ps_err array_take(const ps_question *question, const ps_piece *wanted,
                         const void **content_out, ps_fault *fault) {
    const ps_piece *const piece = ps_piece_find(question, PS_MODEL_ARRAY, wanted->name);
    if (piece == NULL) {
        return ps_fault_set(fault, PS_EFORMAT, "the model has no array '%s'", wanted->name);
    }
    if (piece->type != wanted->type || piece->row_count != wanted->row_count ||
        piece->column_count != wanted->column_count) {
        return ps_fault_set(fault, PS_EFORMAT,
                            "the model's %s is of %llu x %llu numbers, or of another kind; its "
                            "topics and words ask for %llu x %llu",
                            wanted->name, (unsigned long long)piece->row_count,
                            (unsigned long long)piece->column_count,
                            (unsigned long long)wanted->row_count,
                            (unsigned long long)wanted->column_count);
    }
    *content_out = piece->content;
    return PS_OK;
}

static ps_err arrays_take(const ps_question *question, psi_lda_model *model, ps_fault *fault) {
    const void *content = NULL;
    const ps_piece words = {.name = "word_topic",
                            .type = PS_I32,
                            .row_count = model->word_count,
                            .column_count = model->topic_count};
    const ps_piece totals = {
        .name = "topics", .type = PS_I64, .row_count = 1, .column_count = model->topic_count};
    const ps_piece alpha = {.name = "alpha", .type = PS_F64, .row_count = model->topic_count};
    PS_TRY(array_take(question, &words, &content, fault));
    model->words = content;
    PS_TRY(array_take(question, &totals, &content, fault));
    model->totals = content;
    PS_TRY(array_take(question, &alpha, &content, fault));
    model->alpha = content;
    return PS_OK;
}

static ps_err vocabulary_take(const ps_question *question, psi_lda_model *model, ps_fault *fault) {
    const ps_piece *const piece = ps_piece_find(question, PS_MODEL_TEXT, "vocabulary.txt");
    if (piece == NULL) {
        return PS_OK;
    }
    size_t lines = 0;
    const char *const text = piece->content;
    for (size_t i = 0; i < piece->size_bytes; i++) {
        lines += text[i] == '\n';
    }
    if (lines != model->word_count || piece->size_bytes == 0 ||
        text[piece->size_bytes - 1] != '\n') {
        return ps_fault_set(fault, PS_EFORMAT,
                            "the model's vocabulary.txt has %zu lines; it has %u words", lines,
                            model->word_count);
    }
    model->vocabulary = text;
    model->vocabulary_bytes = piece->size_bytes;
    return PS_OK;
}

/* A server under a policy that lets counts be late adds them all in the end: what is left at odds
 * is damage. */
static ps_err counts_check(const psi_lda_model *model, ps_fault *fault) {
    int64_t *const sums = calloc(model->topic_count, sizeof *sums);
    if (sums == NULL) {
        return PS_ENOMEM;
    }
    for (size_t w = 0; w < model->word_count; w++) {
        for (uint32_t k = 0; k < model->topic_count; k++) {
            sums[k] += model->words[w * model->topic_count + k];
        }
    }
    ps_err err = PS_OK;
    for (uint32_t k = 0; k < model->topic_count && err == PS_OK; k++) {
        if (!(model->alpha[k] > 0) || !isfinite(model->alpha[k])) {
            err =
                ps_fault_set(fault, PS_EFORMAT, "the model's alpha of topic %u is %g, not above 0",
                             k, model->alpha[k]);
        } else if (sums[k] != model->totals[k]) {
            err = ps_fault_set(fault, PS_EFORMAT,
                               "the model has %lld tokens of topic %u, but its words add up to "
                               "%lld",
                               (long long)model->totals[k], k, (long long)sums[k]);
        }
    }
    free(sums);
    return err;
}

ps_err psi_lda_model_of(const ps_question *question, psi_lda_model *model_out, ps_fault *fault) {
    psi_lda_model model = {.topic_count = 0};
    double topics = 0, words = 0;
    *model_out = model;
    PS_TRY(number_take(question, "topics", 1, PSI_LDA_TOPICS_MAX, &topics, fault));
    PS_TRY(number_take(question, "words", 1, UINT32_MAX, &words, fault));
    PS_TRY(number_take(question, "beta", 1e-300, 1e300, &model.beta, fault));
    model.topic_count = (uint32_t)topics;
    model.word_count = (uint32_t)words;
    PS_TRY(arrays_take(question, &model, fault));
    PS_TRY(vocabulary_take(question, &model, fault));
    PS_TRY(counts_check(&model, fault));
    *model_out = model;
    return PS_OK;
}
