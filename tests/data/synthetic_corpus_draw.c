/* A synthetic corpus must be what its law says, or "the topics were found" means nothing. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "data/corpus.h"
#include "data/synthetic_corpus.h"
#include "support/suite.h"

static psi_synthetic_corpus parse(const char *data) {
    psi_synthetic_corpus spec = {0};
    ps_fault fault = {0};
    if (psi_synthetic_corpus_parse(data, 17, 4, &spec, &fault) != PS_OK) {
        printf("%s\n", fault.text);
        CU_FAIL_FATAL("not parsed");
    }
    return spec;
}

static void keys_are_checked(void) {
    static const char *const bad[][2] = {
        {"synthetic:dogs=3", "docs"},
        {"synthetic:docs", "no key=value"},
        {"synthetic:docs=0", "out of range"},
        {"synthetic:alpha=0", "out of range"},
        {"synthetic:docs=1,docs=2", "twice"},
        {"synthetic:zipf=nan", "zipf"},
        {"synthetic:topics=65536,words=16777216", "too many"},
        {"synthetic:docs=2000000000,length=100", "too many tokens"},
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        psi_synthetic_corpus spec;
        ps_fault fault = {0};
        CU_ASSERT_EQUAL(psi_synthetic_corpus_parse(bad[i][0], 1, 1, &spec, &fault), PS_EINVAL);
        if (strstr(fault.text, bad[i][1]) == NULL) {
            printf("%s: %s\n", bad[i][0], fault.text);
            CU_FAIL("message");
        }
    }
    const psi_synthetic_corpus spec = parse("synthetic:docs=10,topics=3,zipf=0.7");
    char text[512];
    (void)psi_synthetic_corpus_format(&spec, text, sizeof text);
    const psi_synthetic_corpus again = parse(text);
    CU_ASSERT_EQUAL(memcmp(&spec, &again, sizeof spec), 0);
    CU_ASSERT_EQUAL(spec.seed, 17);
    CU_ASSERT_EQUAL(parse("synthetic").docs, 2000);
}

/* Word frequencies of all documents must be the mean of the topics: chi-square of 100 words (99
 * degrees of freedom, p = 1e-4 at 160), inflated as tokens of a document share their topics; so
 * alpha is large. */
static void words_follow_the_topics(void) {
    const psi_synthetic_corpus spec =
        parse("synthetic:docs=3000,words=100,topics=4,length=50,alpha=1e6,beta=0.5,zipf=0.8");
    psi_corpus corpus;
    CU_ASSERT_EQUAL_FATAL(psi_synthetic_corpus_make(&spec, &corpus, NULL), PS_OK);
    CU_ASSERT_EQUAL(corpus.doc_count, 3000);
    CU_ASSERT_EQUAL(corpus.word_count, 100);
    CU_ASSERT_DOUBLE_EQUAL((double)corpus.token_count, 150000, 5 * sqrt(150000));
    double wanted[100] = {0}, phi[100], seen[100] = {0}, chi = 0;
    for (uint64_t k = 0; k < 4; k++) {
        CU_ASSERT_EQUAL_FATAL(psi_synthetic_corpus_topic(&spec, k, phi), PS_OK);
        double sum = 0;
        for (int w = 0; w < 100; w++) {
            wanted[w] += phi[w] * (double)corpus.token_count / 4;
            sum += phi[w];
        }
        CU_ASSERT_DOUBLE_EQUAL(sum, 1, 1e-9);
    }
    for (size_t i = 0; i < corpus.token_count; i++) {
        seen[corpus.words[i]]++;
    }
    for (int w = 0; w < 100; w++) {
        const double expected = wanted[w] > 5 ? wanted[w] : 5;
        chi += (seen[w] - wanted[w]) * (seen[w] - wanted[w]) / expected;
    }
    CU_ASSERT(chi < 160);
    psi_corpus_fini(&corpus);
}

/* Zipf: the frequent words come first, and the first decile has most of the tokens. */
static void words_are_unequal(void) {
    const psi_synthetic_corpus spec = parse("synthetic:docs=1000,words=1000,zipf=1");
    psi_corpus corpus, again;
    CU_ASSERT_EQUAL_FATAL(psi_synthetic_corpus_make(&spec, &corpus, NULL), PS_OK);
    size_t first = 0;
    for (size_t i = 0; i < corpus.token_count; i++) {
        first += corpus.words[i] < 100;
    }
    const double share = (double)first / (double)corpus.token_count;
    CU_ASSERT(share > 0.6 && share < 0.8); /* H(100)/H(1000) = 0.69 */
    CU_ASSERT_EQUAL_FATAL(psi_synthetic_corpus_make(&spec, &again, NULL), PS_OK);
    CU_ASSERT_EQUAL_FATAL(again.token_count, corpus.token_count);
    CU_ASSERT_EQUAL(memcmp(corpus.words, again.words, corpus.token_count * sizeof(uint32_t)), 0);
    psi_corpus_fini(&corpus);
    psi_corpus_fini(&again);
}

/* Who draws some documents only must get what others get who draw all. */
static void a_document_follows_from_its_number_alone(void) {
    const psi_synthetic_corpus spec = parse("synthetic:docs=90,words=70,topics=5,length=12,zipf=1");
    static const uint32_t docs[] = {31, 89, 0, 32, 31, 7};
    enum { DOCS = sizeof docs / sizeof docs[0] };
    psi_synthetic_source *source;
    psi_corpus all, some;
    CU_ASSERT_EQUAL_FATAL(psi_synthetic_corpus_make(&spec, &all, NULL), PS_OK);
    CU_ASSERT_EQUAL_FATAL(psi_synthetic_source_open(&spec, &source, NULL), PS_OK);
    CU_ASSERT_EQUAL(psi_synthetic_source_docs(source), 90);
    CU_ASSERT_EQUAL(psi_synthetic_source_words(source), 70);
    for (int again = 0; again < 2; again++) {
        CU_ASSERT_EQUAL_FATAL(psi_synthetic_source_draw(source, docs, DOCS, &some), PS_OK);
        CU_ASSERT_EQUAL(some.doc_count, DOCS);
        CU_ASSERT_EQUAL(some.word_count, 70);
        for (size_t i = 0; i < DOCS; i++) {
            const size_t from = all.doc_begins[docs[i]], to = some.doc_begins[i];
            const size_t count = all.doc_begins[docs[i] + 1] - from;
            CU_ASSERT_EQUAL_FATAL(some.doc_begins[i + 1] - to, count);
            CU_ASSERT_EQUAL(memcmp(some.words + to, all.words + from, count * sizeof *all.words),
                            0);
        }
        psi_corpus_fini(&some);
    }
    CU_ASSERT_EQUAL_FATAL(psi_synthetic_source_draw(source, docs, 0, &some), PS_OK);
    CU_ASSERT_EQUAL(some.token_count, 0);
    psi_corpus_fini(&some);
    psi_synthetic_source_close(source);
    psi_corpus_fini(&all);
}

static const suite_test tests[] = {
    SUITE_TEST(keys_are_checked),
    SUITE_TEST(words_follow_the_topics),
    SUITE_TEST(words_are_unequal),
    SUITE_TEST(a_document_follows_from_its_number_alone),
};
SUITE_MAIN("synthetic corpus", tests)
