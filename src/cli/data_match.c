/* `tortoise data match TRUE.npy MODEL`: how well a run found the topics that a corpus was drawn
 * from. */
#include <inttypes.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "algos/lda/lda_model.h"
#include "algos/lda/topic_match.h"
#include "data_kinds.h"
#include "model_files.h"
#include "npy.h"

enum { TOPICS_MAX = 4096 }; /* the matching takes their number to the third power */

/* The two sides and what came out. */
typedef struct comparison {
    psi_lda_topic_set truth, learned;
    double *weights;    /* owned: the learned ones */
    uint32_t *partners; /* owned */
    double *cosines;    /* owned */
} comparison;

static ps_err truth_take(const char *path, const ps_piece *piece, psi_lda_topic_set *truth,
                         ps_fault *fault) {
    if (piece->type != PS_F64 || piece->column_count == 0 || piece->row_count == 0 ||
        piece->row_count > TOPICS_MAX || piece->column_count > UINT32_MAX) {
        return ps_fault_set(fault, PS_EFORMAT,
                            "%s: holds no topics; they are f64 [topics][words], at most %d topics",
                            path, TOPICS_MAX);
    }
    const double *const weights = piece->content;
    for (uint64_t i = 0; i < piece->row_count * piece->column_count; i++) {
        if (!(weights[i] >= 0 && weights[i] <= 1)) {
            return ps_fault_set(fault, PS_EFORMAT,
                                "%s: number %" PRIu64 " is %g, which is no probability", path, i,
                                weights[i]);
        }
    }
    *truth =
        (psi_lda_topic_set){weights, (uint32_t)piece->row_count, (uint32_t)piece->column_count};
    return PS_OK;
}

/* The topics as the model has them: (n_kw + beta) / (n_k + V beta); the divisor does not matter. */
static ps_err learned_take(const psi_lda_model *model, comparison *c, ps_fault *fault) {
    if (model->topic_count > TOPICS_MAX) {
        return ps_fault_set(fault, PS_EINVAL, "the model has %" PRIu32 " topics; at most %d",
                            model->topic_count, TOPICS_MAX);
    }
    const uint32_t words = c->truth.word_count;
    if (model->word_count > words) {
        return ps_fault_set(fault, PS_EINVAL,
                            "the model has %" PRIu32 " words, but the true topics have %" PRIu32,
                            model->word_count, words);
    }
    c->weights = calloc((size_t)model->topic_count * words, sizeof *c->weights);
    if (c->weights == NULL) {
        return PS_ENOMEM;
    }
    for (uint32_t w = 0; w < words; w++) {
        const bool is_known = w < model->word_count; /* else no document had it */
        const int32_t *const row = model->words + (is_known ? (size_t)w * model->topic_count : 0);
        for (uint32_t k = 0; k < model->topic_count; k++) {
            c->weights[(size_t)k * words + w] = model->beta + (is_known ? row[k] : 0);
        }
    }
    c->learned = (psi_lda_topic_set){c->weights, model->topic_count, words};
    return PS_OK;
}

static ps_err compare(const tt_model *model, comparison *c, ps_fault *fault) {
    if (strcmp(model->algorithm, "lda") != 0) {
        return ps_fault_set(fault, PS_EINVAL, "%s: is a model of %s, not of lda", model->directory,
                            model->algorithm);
    }
    const ps_question question = {.pieces = model->pieces, .piece_count = model->piece_count};
    psi_lda_model lda;
    ps_fault reason = {.err = PS_OK};
    ps_err err = psi_lda_model_of(&question, &lda, &reason);
    if (err == PS_OK) {
        err = learned_take(&lda, c, &reason);
    }
    if (err != PS_OK) {
        return ps_fault_set(fault, err, "%s: %s", model->directory,
                            reason.text[0] == '\0' ? ps_err_text(err) : reason.text);
    }
    c->partners = calloc(c->truth.topic_count, sizeof *c->partners);
    c->cosines = calloc(c->truth.topic_count, sizeof *c->cosines);
    if (c->partners == NULL || c->cosines == NULL) {
        return PS_ENOMEM;
    }
    return psi_lda_topics_match(&c->truth, &c->learned, c->partners, c->cosines);
}

static void print_rows(const comparison *c, const char *row_format) {
    for (uint32_t t = 0; t < c->truth.topic_count; t++) {
        char partner[16] = "none";
        if (c->partners[t] != PSI_LDA_NO_TOPIC) {
            (void)snprintf(partner, sizeof partner, "%" PRIu32, c->partners[t]);
        }
        if (strcmp(row_format, "json") == 0) {
            (void)printf("%s\n    {\"true\": %" PRIu32 ", \"learned\": %s, \"cosine\": %.17g}",
                         t == 0 ? "" : ",", t,
                         c->partners[t] == PSI_LDA_NO_TOPIC ? "null" : partner, c->cosines[t]);
        } else if (strcmp(row_format, "csv") == 0) {
            (void)printf("%" PRIu32 ",%s,%.17g\n", t, partner, c->cosines[t]);
        } else {
            (void)printf("true topic %" PRIu32 ": learned %s, cosine %.4f\n", t, partner,
                         c->cosines[t]);
        }
    }
}

static void print_comparison(const comparison *c, const char *format) {
    double sum = 0, least = 1;
    for (uint32_t t = 0; t < c->truth.topic_count; t++) {
        sum += c->cosines[t];
        least = fmin(least, c->cosines[t]);
    }
    const double mean = sum / c->truth.topic_count;
    if (strcmp(format, "json") == 0) {
        (void)printf("{\n  \"true_topics\": %" PRIu32 ",\n  \"learned_topics\": %" PRIu32
                     ",\n  \"mean_cosine\": %.17g,\n  \"min_cosine\": %.17g,\n  \"pairs\": [",
                     c->truth.topic_count, c->learned.topic_count, mean, least);
        print_rows(c, format);
        (void)printf("\n  ]\n}\n");
        return;
    }
    if (strcmp(format, "csv") == 0) {
        (void)printf("true,learned,cosine\n");
    } else {
        (void)printf("%-16s %.4f\n%-16s %.4f\n", "mean_cosine", mean, "min_cosine", least);
    }
    print_rows(c, format);
}

ps_err tt_topics_match(const tt_data_request *asked, ps_fault *fault) {
    if (asked->words->count != 3) {
        return ps_fault_set(fault, PS_EINVAL, "data match needs TRUE.npy and a run of lda");
    }
    ps_piece piece;
    tt_model model = {.pieces = NULL};
    comparison c = {.weights = NULL};
    PS_TRY(tt_npy_read(asked->words->words[1], &piece, fault));
    ps_err err = truth_take(asked->words->words[1], &piece, &c.truth, fault);
    if (err == PS_OK) {
        err = tt_model_read(asked->words->words[2], &model, fault);
    }
    if (err == PS_OK) {
        err = compare(&model, &c, fault);
    }
    if (err == PS_OK) {
        print_comparison(&c, asked->format);
    }
    tt_model_fini(&model);
    free(c.weights);
    free(c.partners);
    free(c.cosines);
    free((void *)(uintptr_t)piece.content);
    return err;
}
