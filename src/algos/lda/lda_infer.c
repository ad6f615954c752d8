/* Topic mixtures of new documents, the model being fixed. With phi_kw = (n_kw + beta) /
 * (n_k + V beta), n_dk the expected tokens of topic k in the document and g_wk the probability of
 * topic k for each token of word w, of which there are c_w,
 *
 *     g_wk  ~  phi_kw (alpha_k + n_dk - g_wk),     n_dk = sum_w c_w g_wk,
 *     theta_dk = (alpha_k + n_dk) / (N_d + sum_j alpha_j)
 *
 * which is collapsed variational Bayes of order zero (Asuncion, Welling, Smyth and Teh, UAI 2009,
 * "CVB0") with phi as it was learned. Rounds over the document's words start from g ~ phi alpha and
 * end when n_dk hardly moves. There is nothing random in it, and no document depends on another. A
 * document without known words has theta ~ alpha. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "algos/lda/lda_model.h"
#include "data/corpus.h"

enum { ROUNDS_MAX = 200 };

#define UNKNOWN UINT32_MAX

/* A document is done when a round moves at most this share of its tokens between topics. */
static const double enough = 1e-4;

/* ---- Which word is which ---- */

typedef struct named_word {
    const char *text;
    uint32_t word;
} named_word;

static int named_compare(const void *left, const void *right) {
    const named_word *const a = left, *const b = right;
    const int order = strcmp(a->text, b->text);
    return order != 0 ? order : (a->word > b->word) - (a->word < b->word);
}

static int text_compare(const void *left, const void *right) {
    const named_word *const a = left, *const b = right;
    return strcmp(a->text, b->text);
}

/* places_out[w] of each word of the corpus: its number in the model, or UNKNOWN. `names` are the
 * model's, sorted. */
static void names_match(const psi_corpus *corpus, const named_word *names, size_t name_count,
                        uint32_t *places_out) {
    for (uint32_t w = 0; w < corpus->word_count; w++) {
        const named_word key = {.text = psi_corpus_word(corpus, w)};
        const named_word *const found =
            bsearch(&key, names, name_count, sizeof *names, text_compare);
        places_out[w] = found == NULL ? UNKNOWN : found->word;
    }
}

/* By text where both have names, else by number. */
static ps_err words_match(const psi_lda_model *model, const psi_corpus *corpus,
                          uint32_t *places_out) {
    if (model->vocabulary == NULL || corpus->vocabulary == NULL) {
        for (uint32_t w = 0; w < corpus->word_count; w++) {
            places_out[w] = w < model->word_count ? w : UNKNOWN;
        }
        return PS_OK;
    }
    char *const texts = malloc(model->vocabulary_bytes + 1);
    named_word *const names = calloc((size_t)model->word_count + 1, sizeof *names);
    if (texts == NULL || names == NULL) {
        free(texts);
        free(names);
        return PS_ENOMEM;
    }
    memcpy(texts, model->vocabulary, model->vocabulary_bytes);
    size_t begin = 0;
    uint32_t word = 0;
    for (size_t i = 0; i < model->vocabulary_bytes; i++) {
        if (texts[i] == '\n') {
            texts[i] = '\0';
            names[word] = (named_word){.text = texts + begin, .word = word};
            word++;
            begin = i + 1;
        }
    }
    qsort(names, word, sizeof *names, named_compare);
    names_match(corpus, names, word, places_out);
    free(texts);
    free(names);
    return PS_OK;
}

/* ---- A document ---- */

typedef struct fold_in {
    const psi_lda_model *model;
    const psi_corpus *corpus;
    uint32_t round_max;
    double alpha_sum;
    /* Owned. */
    uint32_t *places;         /* [words of the corpus] */
    double *inverse;          /* [K]: 1 / (n_k + V beta) */
    double *counts;           /* [K]: n_dk */
    double *before;           /* [K]: a round earlier */
    uint32_t *words, *copies; /* [distinct words of a document]: known ones, and c_w */
    double *shares;           /* [distinct words of a document][K]: g_wk */
    /* Added up. */
    double log_likelihood, known, unknown;
    uint32_t unknown_words;
} fold_in;

static double phi_of(const fold_in *f, const int32_t *row, uint32_t k) {
    return ((row[k] > 0 ? (double)row[k] : 0) + f->model->beta) * f->inverse[k];
}

/* The known words of document `d`; returns how many distinct ones. */
static size_t document_take(fold_in *f, uint32_t d) {
    const psi_corpus *const corpus = f->corpus;
    size_t count = 0;
    for (size_t i = corpus->doc_begins[d]; i < corpus->doc_begins[d + 1]; i++) {
        const uint32_t place = f->places[corpus->words[i]];
        if (place == UNKNOWN) {
            f->unknown += 1;
        } else if (count > 0 && f->words[count - 1] == place) {
            f->copies[count - 1]++;
        } else {
            f->words[count] = place;
            f->copies[count++] = 1;
        }
    }
    return count;
}

/* g of a word from what the counts are without one token of it, and the counts with the new g.
 * Before the first round g is 0. */
static void word_update(const fold_in *f, size_t i, int is_first) {
    const uint32_t topics = f->model->topic_count;
    const int32_t *const row = f->model->words + (size_t)f->words[i] * topics;
    double *const share = f->shares + i * topics;
    const double copies = f->copies[i];
    double sum = 0;
    for (uint32_t k = 0; k < topics; k++) {
        const double old = share[k];
        const double others = f->model->alpha[k] + (is_first ? 0 : f->counts[k] - old);
        f->counts[k] -= copies * old;
        share[k] = phi_of(f, row, k) * (others > 0 ? others : 0);
        sum += share[k];
    }
    for (uint32_t k = 0; k < topics; k++) {
        share[k] /= sum;
        f->counts[k] += copies * share[k];
    }
}

/* Rounds until the counts stay. */
static void document_fit(const fold_in *f, size_t word_count, double tokens) {
    const uint32_t topics = f->model->topic_count;
    memset(f->counts, 0, topics * sizeof *f->counts);
    memset(f->shares, 0, word_count * topics * sizeof *f->shares);
    for (uint32_t round = 0; round <= f->round_max && word_count > 0; round++) {
        double moved = 0;
        memcpy(f->before, f->counts, topics * sizeof *f->before);
        for (size_t i = 0; i < word_count; i++) {
            word_update(f, i, round == 0);
        }
        for (uint32_t k = 0; k < topics; k++) {
            moved += fabs(f->counts[k] - f->before[k]);
        }
        if (moved <= enough * tokens) {
            break;
        }
    }
}

static void document_infer(fold_in *f, uint32_t d, double *theta) {
    const psi_lda_model *const model = f->model;
    const size_t word_count = document_take(f, d);
    double tokens = 0;
    for (size_t i = 0; i < word_count; i++) {
        tokens += f->copies[i];
    }
    document_fit(f, word_count, tokens);
    for (uint32_t k = 0; k < model->topic_count; k++) {
        const double count = f->counts[k] > 0 ? f->counts[k] : 0; /* rounding */
        theta[k] = (model->alpha[k] + count) / (tokens + f->alpha_sum);
    }
    for (size_t i = 0; i < word_count; i++) {
        const int32_t *const row = model->words + (size_t)f->words[i] * model->topic_count;
        double p = 0;
        for (uint32_t k = 0; k < model->topic_count; k++) {
            p += theta[k] * phi_of(f, row, k);
        }
        f->log_likelihood += f->copies[i] * log(p);
    }
    f->known += tokens;
}

/* ---- All documents ---- */

static void fold_in_fini(fold_in *f) {
    free(f->places);
    free(f->inverse);
    free(f->counts);
    free(f->before);
    free(f->words);
    free(f->copies);
    free(f->shares);
}

static size_t longest_of(const psi_corpus *corpus) {
    size_t longest = 1;
    for (uint32_t d = 0; d < corpus->doc_count; d++) {
        const size_t begin = corpus->doc_begins[d], end = corpus->doc_begins[d + 1];
        size_t distinct = 0;
        for (size_t i = begin; i < end; i++) {
            distinct += i == begin || corpus->words[i] != corpus->words[i - 1];
        }
        longest = distinct > longest ? distinct : longest;
    }
    return longest;
}

/* Safe to release whatever this returns. */
static ps_err fold_in_init(fold_in *f, const psi_lda_model *model, const psi_corpus *corpus) {
    const size_t topics = model->topic_count, longest = longest_of(corpus);
    if (longest > SIZE_MAX / topics / sizeof *f->shares) {
        return PS_ENOMEM;
    }
    f->places = calloc((size_t)corpus->word_count + 1, sizeof *f->places);
    f->inverse = calloc(topics, sizeof *f->inverse);
    f->counts = calloc(topics, sizeof *f->counts);
    f->before = calloc(topics, sizeof *f->before);
    f->words = calloc(longest, sizeof *f->words);
    f->copies = calloc(longest, sizeof *f->copies);
    f->shares = calloc(longest * topics, sizeof *f->shares);
    if (f->places == NULL || f->inverse == NULL || f->counts == NULL || f->before == NULL ||
        f->words == NULL || f->copies == NULL || f->shares == NULL) {
        return PS_ENOMEM;
    }
    for (size_t k = 0; k < topics; k++) {
        const double total = model->totals[k] > 0 ? (double)model->totals[k] : 0;
        f->inverse[k] = 1 / (total + (double)model->word_count * model->beta);
        f->alpha_sum += model->alpha[k];
    }
    return words_match(model, corpus, f->places);
}

static void number_add(ps_answer *answer, const char *name, double value) {
    answer->numbers[answer->number_count].name = name;
    answer->numbers[answer->number_count++].value = value;
}

static void answer_note(const fold_in *f, ps_answer *answer) {
    const int by_name = f->model->vocabulary != NULL && f->corpus->vocabulary != NULL;
    char how[80] = "";
    if (!by_name) {
        (void)snprintf(how, sizeof how, "; words are matched by number, as %s no vocabulary",
                       f->model->vocabulary == NULL ? "the model has" : "the data have");
    }
    (void)snprintf(answer->note, sizeof answer->note,
                   "%.0f of %.0f tokens (%u of %u words) are not in the model and left out%s",
                   f->unknown, f->known + f->unknown, f->unknown_words, f->corpus->word_count, how);
    number_add(answer, "documents", f->corpus->doc_count);
    number_add(answer, "tokens", f->known + f->unknown);
    number_add(answer, "unknown_tokens", f->unknown);
    number_add(answer, "unknown_words", f->unknown_words);
    number_add(answer, "perplexity", f->known > 0 ? exp(-f->log_likelihood / f->known) : 0);
}

static ps_err corpus_infer(fold_in *f, ps_answer *answer) {
    const psi_corpus *const corpus = f->corpus;
    const size_t topics = f->model->topic_count;
    if (corpus->doc_count > SIZE_MAX / topics / sizeof *answer->values) {
        return PS_ENOMEM;
    }
    answer->values = calloc(corpus->doc_count * topics, sizeof *answer->values);
    if (answer->values == NULL) {
        return PS_ENOMEM;
    }
    answer->row_count = corpus->doc_count;
    answer->column_count = (uint32_t)topics;
    answer->row_name = "document";
    answer->value_name = "topic";
    for (uint32_t w = 0; w < corpus->word_count; w++) {
        f->unknown_words += f->places[w] == UNKNOWN;
    }
    for (uint32_t d = 0; d < corpus->doc_count; d++) {
        document_infer(f, d, answer->values + d * topics);
    }
    answer_note(f, answer);
    return PS_OK;
}

ps_err psi_lda_infer(const ps_question *question, ps_answer *answer_out, ps_fault *fault) {
    psi_lda_model model;
    psi_corpus corpus;
    *answer_out = (ps_answer){0};
    PS_TRY(psi_lda_model_of(question, &model, fault));
    PS_TRY(psi_corpus_open(question->data, question->seed, 1, &corpus, fault));
    fold_in f = {.model = &model,
                 .corpus = &corpus,
                 .round_max = question->iteration_max > 0 ? question->iteration_max : ROUNDS_MAX};
    ps_err err = fold_in_init(&f, &model, &corpus);
    if (err == PS_OK) {
        err = corpus_infer(&f, answer_out);
    }
    fold_in_fini(&f);
    psi_corpus_fini(&corpus);
    return err == PS_OK ? PS_OK
                        : ps_fault_set(fault, err, "%s: %s", question->data, ps_err_text(err));
}
