/* `infer` with the true topics must find the mixtures that documents were drawn from, and say the
 * truth about words that it does not know; pieces that do not fit together are no model. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "algos/lda/lda_model.h"
#include "algos/lda/lda_serial.h"
#include "data/synthetic_corpus.h"
#include "lda_fixture.h"
#include "support/suite.h"

enum { TOPICS = 10, WORDS = 400, DOCS = 200, LENGTH = 200, PIECES_MAX = 16 };

/* ---- A model in memory ---- */

typedef struct made_model {
    ps_piece pieces[PIECES_MAX]; /* contents are owned */
    size_t count;
} made_model;

static ps_err keep(void *context, const ps_piece *piece) {
    made_model *const model = context;
    if (piece->kind == PS_RUN_TEXT || piece->kind == PS_RUN_NUMBER) {
        return PS_OK;
    }
    CU_ASSERT_FATAL(model->count < PIECES_MAX);
    ps_piece *const kept = &model->pieces[model->count++];
    *kept = *piece;
    void *const content = malloc(piece->size_bytes + 1);
    CU_ASSERT_PTR_NOT_NULL_FATAL(content);
    if (piece->size_bytes > 0) {
        memcpy(content, piece->content, piece->size_bytes);
    }
    kept->content = content;
    return PS_OK;
}

static void made_fini(made_model *model) {
    for (size_t i = 0; i < model->count; i++) {
        free((void *)(uintptr_t)model->pieces[i].content);
    }
    model->count = 0;
}

/* The tables, and what the run leaves of them. */
static made_model made_of(const psi_lda_problem *problem, const psi_lda_tables *tables) {
    made_model model = {.count = 0};
    const ps_sink sink = {.put = keep, .context = &model};
    const uint32_t topics = problem->prior.topic_count, words = problem->prior.word_count;
    CU_ASSERT_EQUAL_FATAL(psi_lda_leave(problem, tables, &sink), PS_OK);
    const ps_piece word_topic = {.kind = PS_MODEL_ARRAY,
                                 .name = "word_topic",
                                 .type = PS_I32,
                                 .row_count = words,
                                 .column_count = topics,
                                 .content = tables->words,
                                 .size_bytes = (size_t)words * topics * sizeof(int32_t)};
    const ps_piece totals = {.kind = PS_MODEL_ARRAY,
                             .name = "topics",
                             .type = PS_I64,
                             .row_count = 1,
                             .column_count = topics,
                             .content = tables->totals,
                             .size_bytes = topics * sizeof(int64_t)};
    CU_ASSERT_EQUAL(keep(&model, &word_topic), PS_OK);
    CU_ASSERT_EQUAL(keep(&model, &totals), PS_OK);
    return model;
}

/* ---- The truth ---- */

typedef struct truth {
    double phi[TOPICS][WORDS], theta[DOCS][TOPICS];
    int32_t words[WORDS][TOPICS];
    int64_t totals[TOPICS];
} truth;

static const char data[] =
    "synthetic:docs=50,words=400,topics=10,length=50,alpha=0.1,beta=0.05,zipf=1,seed=5";

static uint32_t draw(ps_random *random, const double *p, uint32_t count) {
    double left = ps_random_uniform(random);
    uint32_t at = 0;
    while (at + 1 < count && (left -= p[at]) >= 0) {
        at++;
    }
    return at;
}

/* Topics, and mixtures of one to three of them. */
static truth *truth_make(void) {
    truth *const t = calloc(1, sizeof *t);
    psi_synthetic_corpus spec;
    CU_ASSERT_PTR_NOT_NULL_FATAL(t);
    CU_ASSERT_EQUAL_FATAL(psi_synthetic_corpus_parse(data, 5, 1, &spec, NULL), PS_OK);
    for (uint32_t k = 0; k < TOPICS; k++) {
        CU_ASSERT_EQUAL_FATAL(psi_synthetic_corpus_topic(&spec, k, t->phi[k]), PS_OK);
        for (uint32_t w = 0; w < WORDS; w++) {
            t->words[w][k] = (int32_t)lround(t->phi[k][w] * 1e6);
            t->totals[k] += t->words[w][k];
        }
    }
    for (uint32_t d = 0; d < DOCS; d++) {
        ps_random random = ps_random_stream(17, "theta", d);
        double sum = 0;
        for (uint32_t i = 0; i <= d % 3; i++) {
            const double weight = 0.2 + ps_random_uniform(&random);
            t->theta[d][ps_random_below(&random, TOPICS)] += weight;
            sum += weight;
        }
        for (uint32_t k = 0; k < TOPICS; k++) {
            t->theta[d][k] /= sum;
        }
    }
    return t;
}

/* Writes the documents as docword, with an empty one behind every tenth and a word that the topics
 * do not have, `unknown` times, in the first. */
static void documents_write(const truth *t, const char *path, int unknown) {
    FILE *const file = fopen(path, "wb");
    CU_ASSERT_PTR_NOT_NULL_FATAL(file);
    (void)fprintf(file, "%d\n%d\n%d\n1 %d %d\n", DOCS + DOCS / 10, WORDS + 1, DOCS * LENGTH + 1,
                  WORDS + 1, unknown);
    for (uint32_t d = 0; d < DOCS; d++) {
        ps_random random = ps_random_stream(17, "words", d);
        for (int i = 0; i < LENGTH; i++) {
            const uint32_t k = draw(&random, t->theta[d], TOPICS);
            (void)fprintf(file, "%u %u 1\n", d + d / 10 + 1, draw(&random, t->phi[k], WORDS) + 1);
        }
    }
    CU_ASSERT_EQUAL(fclose(file), 0);
}

static double cosine(const double *a, const double *b, uint32_t count) {
    double dot = 0, aa = 0, bb = 0;
    for (uint32_t k = 0; k < count; k++) {
        dot += a[k] * b[k];
        aa += a[k] * a[k];
        bb += b[k] * b[k];
    }
    return dot / sqrt(aa * bb);
}

static double number_of(const ps_answer *answer, const char *name) {
    for (size_t i = 0; i < answer->number_count; i++) {
        if (strcmp(answer->numbers[i].name, name) == 0) {
            return answer->numbers[i].value;
        }
    }
    return (double)NAN;
}

static ps_answer answer_of(const made_model *model, const char *path) {
    const ps_question question = {
        .pieces = model->pieces, .piece_count = model->count, .data = path, .seed = 1};
    ps_answer answer;
    ps_fault fault = {.err = PS_OK};
    CU_ASSERT_EQUAL_FATAL(psi_lda_infer(&question, &answer, &fault), PS_OK);
    return answer;
}

static made_model true_model(const truth *t) {
    psi_lda_problem *const problem = lda_fixture_open(data, 5, 1, "topics=10 alpha=0.1");
    const psi_lda_tables tables = {.words = &t->words[0][0], .totals = t->totals};
    const made_model model = made_of(problem, &tables);
    psi_lda_problem_close(problem);
    return model;
}

/* Documents stay in their order; an empty one has the prior's mean. */
static void the_true_mixtures_are_found(void) {
    truth *const t = truth_make();
    made_model model = true_model(t);
    char path[512];
    suite_scratch_path("docword.drawn.txt", path, sizeof path);
    documents_write(t, path, 3);
    ps_answer answer = answer_of(&model, path);
    CU_ASSERT_EQUAL_FATAL(answer.row_count, DOCS + DOCS / 10);
    CU_ASSERT_EQUAL_FATAL(answer.column_count, TOPICS);
    double sum = 0, worst = 1;
    for (uint32_t d = 0; d < DOCS; d++) {
        const double found = cosine(answer.values + (d + d / 10) * TOPICS, t->theta[d], TOPICS);
        sum += found;
        worst = found < worst ? found : worst;
    }
    printf("mean cosine %.4f, the least %.4f; ", sum / DOCS, worst);
    CU_ASSERT(sum / DOCS >= 0.98);
    for (uint64_t row = 0; row < answer.row_count; row++) {
        double total = 0;
        for (uint32_t k = 0; k < TOPICS; k++) {
            const double share = answer.values[row * TOPICS + k];
            CU_ASSERT(share > 0);
            CU_ASSERT(row % 11 != 10 || fabs(share - 1.0 / TOPICS) < 1e-15);
            total += share;
        }
        CU_ASSERT_DOUBLE_EQUAL(total, 1, 1e-12);
    }
    CU_ASSERT_EQUAL(number_of(&answer, "documents"), DOCS + DOCS / 10);
    CU_ASSERT_EQUAL(number_of(&answer, "tokens"), DOCS * LENGTH + 3);
    CU_ASSERT_EQUAL(number_of(&answer, "unknown_tokens"), 3);
    CU_ASSERT_EQUAL(number_of(&answer, "unknown_words"), 1);
    CU_ASSERT_PTR_NOT_NULL(strstr(answer.note, "by number"));
    free(answer.values);
    made_fini(&model);
    free(t);
}

/* exp of minus the mean of ln p(w) under mixtures drawn uniformly. */
static double random_perplexity(const psi_lda_serial *serial, const psi_corpus *corpus) {
    const psi_lda_prior *const prior = &serial->problem->prior;
    ps_random random = ps_random_stream(3, "mixtures", 0);
    double sum = 0;
    for (uint32_t d = 0; d < corpus->doc_count; d++) {
        double theta[TOPICS], total = 0;
        for (uint32_t k = 0; k < TOPICS; k++) {
            theta[k] = -log(ps_random_uniform(&random) + 1e-300);
            total += theta[k];
        }
        for (size_t i = corpus->doc_begins[d]; i < corpus->doc_begins[d + 1]; i++) {
            double p = 0;
            for (uint32_t k = 0; k < TOPICS; k++) {
                const double count = serial->words[(size_t)corpus->words[i] * TOPICS + k];
                p += theta[k] / total * (count + prior->beta) /
                     ((double)serial->totals[k] + prior->word_count * prior->beta);
            }
            sum += log(p);
        }
    }
    return exp(-sum / (double)corpus->token_count);
}

static void training_documents_beat_random_mixtures(void) {
    static const char drawn[] = "synthetic:docs=400,words=400,topics=10,length=60,seed=9";
    psi_lda_problem *const problem = lda_fixture_open(drawn, 9, 1, "topics=10 heldout=0");
    psi_lda_serial serial;
    psi_corpus corpus;
    CU_ASSERT_EQUAL_FATAL(psi_lda_serial_init(&serial, problem), PS_OK);
    CU_ASSERT_EQUAL_FATAL(psi_corpus_open(drawn, 9, 1, &corpus, NULL), PS_OK);
    for (int pass = 0; pass < 60; pass++) {
        psi_lda_serial_pass(&serial);
    }
    const psi_lda_tables tables = {.words = serial.words, .totals = serial.totals};
    made_model model = made_of(problem, &tables);
    ps_answer answer = answer_of(&model, drawn);
    const double found = number_of(&answer, "perplexity");
    const double random = random_perplexity(&serial, &corpus);
    printf("perplexity %.1f, of random mixtures %.1f; ", found, random);
    CU_ASSERT(found > 1 && found < 0.8 * random);
    free(answer.values);
    made_fini(&model);
    psi_corpus_fini(&corpus);
    psi_lda_serial_fini(&serial);
    psi_lda_problem_close(problem);
}

/* ---- What is no model ---- */

/* The last of the name: K is a number, and n_k an array, called "topics". */
static ps_piece *piece_of(made_model *model, const char *name) {
    for (size_t i = model->count; i-- > 0;) {
        if (strcmp(model->pieces[i].name, name) == 0) {
            return &model->pieces[i];
        }
    }
    CU_FAIL_FATAL("no such piece");
    return NULL;
}

/* Refused, with the words in its line, and accepted again when the piece is as it was. */
static void refused(made_model *model, const char *name, const ps_piece *other,
                    const char *wanted) {
    ps_piece *const piece = piece_of(model, name);
    const ps_piece right = *piece;
    *piece = *other;
    const ps_question question = {
        .pieces = model->pieces, .piece_count = model->count, .data = data, .seed = 1};
    psi_lda_model read;
    ps_fault fault = {.err = PS_OK};
    CU_ASSERT_EQUAL(psi_lda_model_of(&question, &read, &fault), PS_EFORMAT);
    if (strstr(fault.text, wanted) == NULL) {
        printf("'%s' lacks '%s'\n", fault.text, wanted);
        CU_FAIL("another line");
    }
    *piece = right;
    CU_ASSERT_EQUAL(psi_lda_model_of(&question, &read, NULL), PS_OK);
}

static void pieces_that_do_not_fit_are_refused(void) {
    static const char *const names[] = {"word_topic", "topics", "alpha", "beta", "words"};
    truth *const t = truth_make();
    made_model model = true_model(t);
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        ps_piece other = *piece_of(&model, names[i]);
        other.name = "renamed";
        refused(&model, names[i], &other, names[i]);
    }
    for (size_t i = 0; i < 3; i++) {
        ps_piece other = *piece_of(&model, names[i]);
        other.row_count++;
        refused(&model, names[i], &other, names[i]);
        other.row_count--;
        other.column_count++;
        refused(&model, names[i], &other, names[i]);
        other.column_count--;
        other.type = PS_F32;
        refused(&model, names[i], &other, names[i]);
    }
    static const double bad[] = {0, -1, (double)NAN, (double)INFINITY};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        const ps_piece beta = {.kind = PS_MODEL_NUMBER, .name = "beta", .number = bad[i]};
        refused(&model, "beta", &beta, "beta");
        double values[TOPICS];
        ps_piece alpha = *piece_of(&model, "alpha");
        memcpy(values, alpha.content, sizeof values);
        values[4] = bad[i];
        alpha.content = values;
        refused(&model, "alpha", &alpha, "topic 4");
    }
    int64_t totals[TOPICS];
    ps_piece other = *piece_of(&model, "topics");
    memcpy(totals, other.content, sizeof totals);
    totals[7]++;
    other.content = totals;
    refused(&model, "topics", &other, "topic 7");
    made_fini(&model);
    free(t);
}

static const suite_test tests[] = {
    SUITE_TEST(the_true_mixtures_are_found),
    SUITE_TEST(training_documents_beat_random_mixtures),
    SUITE_TEST(pieces_that_do_not_fit_are_refused),
};
SUITE_MAIN("lda mixtures", tests)
