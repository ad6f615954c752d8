/* Coherence is quoted when topics are compared, so it must be what its formula says: by hand on a
 * corpus of four documents, and from a dense table of documents by words on a drawn one, however
 * the documents are laid out. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "algos/lda/lda_topics.h"
#include "lda_fixture.h"
#include "support/suite.h"

/* Documents {0 1}, {0 1 1 2}, {0 0}, {}: p_0 = 3/4, p_1 = 1/2, p_2 = 1/4, p_01 = 1/2, p_02 = p_12
 * = 1/4. */
static psi_lda_blocks by_hand(int goes_by_word, double batch) {
    static const psi_corpus_entry entries[] = {{0, 0, 1}, {0, 1, 1}, {1, 0, 1}, {1, 1, 2},
                                               {1, 2, 1}, {2, 0, 2}, {2, 3, 1}};
    psi_corpus_draft draft = {.count = 0};
    psi_corpus corpus;
    psi_lda_blocks blocks;
    for (size_t i = 0; i < sizeof entries / sizeof entries[0]; i++) {
        CU_ASSERT_EQUAL_FATAL(psi_corpus_draft_add(&draft, entries[i]), PS_OK);
    }
    CU_ASSERT_EQUAL_FATAL(psi_corpus_make(&draft, 4, 4, &corpus), PS_OK);
    const psi_lda_layout layout = {
        .worker_count = 1, .topic_count = 4, .batch = batch, .goes_by_word = goes_by_word};
    CU_ASSERT_EQUAL_FATAL(psi_lda_blocks_make(&layout, &corpus, &blocks), PS_OK);
    psi_corpus_fini(&corpus);
    psi_corpus_draft_fini(&draft);
    return blocks;
}

static void the_formula_by_hand(void) {
    static const psi_lda_top tops[] = {
        {.count = 2, .words = {0, 1}},
        {.count = 3, .words = {2, 0, 1}},
        {.count = 2, .words = {1, 3}}, /* they never meet */
        {.count = 1, .words = {2}},
    };
    const double pair_01 = 0.41503749927884376; /* ln(4/3) / ln 2 */
    const double pair_02 = 0.20751874963942188; /* ln(4/3) / ln 4 */
    const double pair_12 = 0.5;                 /* ln 2 / ln 4 */
    for (int variant = 0; variant < 4; variant++) {
        psi_lda_problem problem = {.prior = {.topic_count = 4, .word_count = 4},
                                   .worker_count = 1,
                                   .blocks = by_hand(variant & 1, variant < 2 ? 0.9 : 1)};
        double npmi[4];
        CU_ASSERT_EQUAL_FATAL(psi_lda_coherence(&problem, tops, npmi), PS_OK);
        CU_ASSERT_DOUBLE_EQUAL(npmi[0], pair_01, 1e-15);
        CU_ASSERT_DOUBLE_EQUAL(npmi[1], (pair_01 + pair_02 + pair_12) / 3, 1e-15);
        CU_ASSERT_EQUAL(npmi[2], -1);
        CU_ASSERT_TRUE(isnan(npmi[3]));
        CU_ASSERT_DOUBLE_EQUAL(psi_lda_coherence_mean(npmi, 4), (npmi[0] + npmi[1] + npmi[2]) / 3,
                               1e-15);
        CU_ASSERT_TRUE(isnan(psi_lda_coherence_mean(npmi + 3, 1)));
        psi_lda_blocks_fini(&problem.blocks);
    }
}

/* A table of documents by words: 1 where the document has the word. */
static unsigned char *dense_table(const psi_corpus *corpus) {
    unsigned char *const has = calloc(corpus->doc_count, corpus->word_count);
    CU_ASSERT_PTR_NOT_NULL_FATAL(has);
    for (size_t d = 0; d < corpus->doc_count; d++) {
        for (size_t i = corpus->doc_begins[d]; i < corpus->doc_begins[d + 1]; i++) {
            has[d * corpus->word_count + corpus->words[i]] = 1;
        }
    }
    return has;
}

static double dense_npmi(const psi_corpus *corpus, const unsigned char *has,
                         const psi_lda_top *top) {
    double sum = 0, pairs = 0;
    for (uint32_t i = 0; i < top->count && i < 10; i++) {
        for (uint32_t j = i + 1; j < top->count && j < 10; j++) {
            double left = 0, right = 0, both = 0;
            for (size_t d = 0; d < corpus->doc_count; d++) {
                const unsigned char *const row = has + d * corpus->word_count;
                left += row[top->words[i]];
                right += row[top->words[j]];
                both += row[top->words[i]] && row[top->words[j]];
            }
            const double docs = corpus->doc_count;
            sum += both > 0 ? log(both * docs / (left * right)) / -log(both / docs) : -1;
            pairs += 1;
        }
    }
    return sum / pairs;
}

static const char data[] = "synthetic:docs=300,words=200,topics=6,length=30,zipf=0.7,seed=11";

static void the_lists_are_the_dense_table(void) {
    static const char *const variants[] = {
        "topics=6 heldout=0", "topics=6 heldout=0 batch=7", "topics=6 heldout=0 sampler=warp",
        "topics=6 heldout=0 documents=drawn", "topics=6 heldout=0 documents=drawn sampler=warp"};
    psi_corpus corpus;
    CU_ASSERT_EQUAL_FATAL(psi_corpus_open(data, 1, 1, &corpus, NULL), PS_OK);
    unsigned char *const has = dense_table(&corpus);
    for (size_t v = 0; v < 2 * sizeof variants / sizeof variants[0]; v++) {
        psi_lda_problem *const problem =
            lda_fixture_open(data, 1, v % 2 == 0 ? 1 : 3, variants[v / 2]);
        ps_random random = ps_random_stream(23, "tops", v);
        psi_lda_top tops[6] = {{.count = 0}};
        double npmi[6];
        for (uint32_t k = 0; k < 6; k++) { /* distinct words: a stride apart */
            const uint32_t first = (uint32_t)ps_random_below(&random, 200);
            tops[k].count = 2 + 3 * k;
            for (uint32_t i = 0; i < tops[k].count; i++) {
                tops[k].words[i] = (first + 9 * i) % 200;
            }
        }
        CU_ASSERT_EQUAL_FATAL(psi_lda_coherence(problem, tops, npmi), PS_OK);
        for (uint32_t k = 0; k < 6; k++) {
            CU_ASSERT_DOUBLE_EQUAL(npmi[k], dense_npmi(&corpus, has, &tops[k]), 1e-12);
        }
        psi_lda_problem_close(problem);
    }
    free(has);
    psi_corpus_fini(&corpus);
}

/* Ties go to the earlier word, what does not occur is not there, and more than fit are cut. */
static void the_most_frequent_words_lead(void) {
    enum { WORDS = 61, TOPICS = 2 };
    int32_t words[WORDS][TOPICS] = {{0}};
    for (int w = 0; w < WORDS; w++) {
        words[w][0] = (w * 37) % 30 - 2;
    }
    words[0][0] = 100;
    words[60][0] = 18; /* as the word in the last place, but later */
    words[7][1] = 4;
    words[3][1] = 4;
    words[50][1] = 9;
    const int64_t totals[TOPICS] = {1, 17};
    const psi_lda_tables tables = {.words = &words[0][0], .totals = totals};
    const psi_lda_prior prior = {.topic_count = TOPICS, .word_count = WORDS};
    psi_lda_top tops[TOPICS];
    psi_lda_tops_find(&prior, &tables, tops);
    CU_ASSERT_EQUAL_FATAL(tops[0].count, PSI_LDA_TOP_WORDS);
    CU_ASSERT_EQUAL(tops[0].words[0], 0);
    for (uint32_t i = 1; i < tops[0].count; i++) { /* each count twice, 30 words apart */
        CU_ASSERT_EQUAL(tops[0].counts[i], 27 - (int32_t)((i - 1) / 2));
        CU_ASSERT_EQUAL(words[tops[0].words[i]][0], tops[0].counts[i]);
        CU_ASSERT(i % 2 == 1 ? tops[0].words[i] < 30
                             : tops[0].words[i] == tops[0].words[i - 1] + 30);
    }
    CU_ASSERT_EQUAL_FATAL(tops[1].count, 3);
    CU_ASSERT_EQUAL(tops[1].words[0], 50);
    CU_ASSERT_EQUAL(tops[1].words[1], 3);
    CU_ASSERT_EQUAL(tops[1].words[2], 7);
}

static const suite_test tests[] = {
    SUITE_TEST(the_formula_by_hand),
    SUITE_TEST(the_lists_are_the_dense_table),
    SUITE_TEST(the_most_frequent_words_lead),
};
SUITE_MAIN("lda npmi", tests)
