/* Corpora come from many programs; what is read must be exact, and what is damaged is refused. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <zlib.h>

#include "data/corpus.h"
#include "support/suite.h"

static void file_make(const char *name, const char *text, char path[static 512]) {
    suite_scratch_path(name, path, 512);
    FILE *const file = fopen(path, "wb");
    CU_ASSERT_PTR_NOT_NULL_FATAL(file);
    CU_ASSERT_EQUAL_FATAL(fwrite(text, 1, strlen(text), file), strlen(text));
    CU_ASSERT_EQUAL_FATAL(fclose(file), 0);
}

/* Every case says: four documents with the words {0, 2, 2}, {}, {1, 1, 1, 3}, {0}. */
typedef struct good_case {
    const char *name, *text;
    psi_corpus_format format;
} good_case;

static const good_case good_cases[] = {
    {"plain.txt", "4\n4\n5\n1 1 1\n1 3 2\n3 2 3\n3 4 1\n4 1 1\n", PSI_CORPUS_DOCWORD},
    {"crlf.txt", "4\r\n4\r\n5\r\n1 1 1\r\n1 3 2\r\n3 2 3\r\n3 4 1\r\n4 1 1", PSI_CORPUS_DOCWORD},
    {"blanks.txt", "\n 4 \n4\n5\n\n1  1\t1\n1 3 2\n3 2 3\n3 4 1\n4 1 1\n\n", PSI_CORPUS_DOCWORD},
    {"any_order.txt", "4\n4\n5\n4 1 1\n3 4 1\n1 3 2\n3 2 3\n1 1 1\n", PSI_CORPUS_DOCWORD},
    {"twice.txt", "4\n4\n7\n1 3 1\n1 1 1\n1 3 1\n3 2 2\n3 4 1\n3 2 1\n4 1 1\n", PSI_CORPUS_DOCWORD},
    {"plain.lda", "2 0:1 2:2\n0\n2 1:3 3:1\n1 0:1\n", PSI_CORPUS_LDA_C},
    {"named.ldac", "2 0:1 2:2\n0\n3 1:1 3:1 1:2\n1 0:1\n", PSI_CORPUS_LDA_C},
    {"plain.svm", "+1 1:1 3:2\n-1\n1 2:3 4:1\n0 1:1\n", PSI_CORPUS_LIBSVM},
    {"content.txt", "+1 1:1 3:2.0\n-1 # none\n1 2:3 4:1 # two\n0 1:1 2:0\n", PSI_CORPUS_LIBSVM},
};

static void check_good(const char *path, psi_corpus_format format) {
    static const uint32_t words[] = {0, 2, 2, 1, 1, 1, 3, 0};
    static const size_t begins[] = {0, 3, 3, 7, 8};
    psi_corpus corpus;
    ps_fault fault = {0};
    const ps_err err = psi_corpus_read(path, &corpus, &fault);
    if (err != PS_OK) {
        printf("%s\n", fault.text);
    }
    CU_ASSERT_EQUAL_FATAL(err, PS_OK);
    CU_ASSERT_EQUAL(corpus.format, format);
    CU_ASSERT_EQUAL_FATAL(corpus.doc_count, 4);
    CU_ASSERT_EQUAL(corpus.word_count, 4);
    CU_ASSERT_EQUAL_FATAL(corpus.token_count, 8);
    CU_ASSERT_EQUAL(memcmp(corpus.words, words, sizeof words), 0);
    CU_ASSERT_EQUAL(memcmp(corpus.doc_begins, begins, sizeof begins), 0);
    CU_ASSERT_PTR_NULL(psi_corpus_word(&corpus, 0));
    psi_corpus_fini(&corpus);
}

static void reads_every_spelling_of_the_same_corpus(void) {
    char path[512];
    for (size_t i = 0; i < sizeof good_cases / sizeof good_cases[0]; i++) {
        file_make(good_cases[i].name, good_cases[i].text, path);
        check_good(path, good_cases[i].format);
    }
}

static void reads_compressed_files(void) {
    char path[512];
    suite_scratch_path("compressed.svm.gz", path, sizeof path);
    const gzFile file = gzopen(path, "wb");
    CU_ASSERT_PTR_NOT_NULL_FATAL(file);
    const char *const text = good_cases[7].text;
    CU_ASSERT_EQUAL_FATAL(gzwrite(file, text, (unsigned)strlen(text)), (int)strlen(text));
    CU_ASSERT_EQUAL_FATAL(gzclose(file), Z_OK);
    check_good(path, PSI_CORPUS_LIBSVM);
}

static void the_vocabulary_beside_the_file_names_the_words(void) {
    char path[512], vocabulary[512];
    file_make("docword.named.txt", good_cases[0].text, path);
    file_make("vocab.named.txt", "ant\nbee\ncrane\ndodo\n", vocabulary);
    psi_corpus corpus;
    CU_ASSERT_EQUAL_FATAL(psi_corpus_read(path, &corpus, NULL), PS_OK);
    CU_ASSERT_STRING_EQUAL(psi_corpus_word(&corpus, 0), "ant");
    CU_ASSERT_STRING_EQUAL(psi_corpus_word(&corpus, 3), "dodo");
    psi_corpus_fini(&corpus);
    static const char *const wrong[] = {"ant\nbee\ncrane\n", "ant\nbee\ncrane\ndodo\nemu\n"};
    for (int i = 0; i < 2; i++) {
        ps_fault fault = {0};
        file_make("vocab.named.txt", wrong[i], vocabulary);
        CU_ASSERT_EQUAL(psi_corpus_read(path, &corpus, &fault), PS_EFORMAT);
        CU_ASSERT_PTR_NOT_NULL(strstr(fault.text, i == 0 ? ":4:1: " : ":5:1: "));
        CU_ASSERT_PTR_NULL(corpus.words);
    }
}

/* A bad file: what follows the path in the message must be `place` and contain `what`. */
typedef struct bad_case {
    const char *name, *text, *place, *what;
} bad_case;

static const bad_case bad_cases[] = {
    {"empty.txt", "\n", ":2:1: ", "the file is empty"},
    {"word_head.txt", "4\nfour\n5\n", ":2:1: ", "'four' is no whole number"},
    {"short_head.txt", "4\n4\n", ":3:1: ", "number of entries is missing"},
    {"two_in_head.txt", "4 4\n5\n", ":1:3: ", "'4' is one field too many"},
    {"doc_zero.txt", "4\n4\n1\n0 1 1\n", ":4:1: ", "document 0 is out of range; it is 1 to 4"},
    {"doc_beyond.txt", "4\n4\n1\n5 1 1\n", ":4:1: ", "document 5 is out of range"},
    {"word_beyond.txt", "4\n4\n1\n4 5 1\n", ":4:3: ", "word 5 is out of range"},
    {"count_zero.txt", "4\n4\n1\n4 4 0\n", ":4:5: ", "count 0 is out of range"},
    {"count_huge.txt", "4\n4\n1\n4 4 4294967296\n", ":4:5: ", "is out of range"},
    {"count_negative.txt", "4\n4\n1\n4 4 -1\n", ":4:5: ", "'-1' is no whole number"},
    {"too_many_tokens.txt", "4\n4\n2\n1 1 4000000000\n1 2 400000000\n", ":5:1: ", "2^32 tokens"},
    {"missing.txt", "4\n4\n1\n4 4\n", ":4:4: ", "the count is missing"},
    {"too_many.txt", "4\n4\n1\n4 4 1 1\n", ":4:7: ", "one field too many"},
    {"more_entries.txt", "4\n4\n1\n4 4 1\n4 3 1\n", ":5:1: ", "more entries than the 1"},
    {"fewer_entries.txt", "4\n4\n3\n4 4 1\n4 3 1\n", ":6:1: ", "ends after 2 entries"},
    {"nothing.txt", "4\n4\n0\n", ": ", "there is no word"},
    {"pairs.ldac", "2 0:1 2:2\n3 1:1 2:2\n", ":2:1: ", "says 3 pairs and has 2"},
    {"no_pair.ldac", "2 0:1 2\n", ":1:7: ", "'2' is no word:count"},
    {"zero.ldac", "1 0:0\n", ":1:5: ", "count 0 is out of range"},
    {"word_zero.svm", "1 0:1\n", ":1:3: ", "word 0 is out of range"},
    {"label.svm", "1 1:1\nyes 1:1\n", ":2:1: ", "label 'yes' is not a number"},
    {"fraction.svm", "1 1:1.5\n", ":1:5: ", "'1.5' is no whole number"},
    {"negative.svm", "1 1:-2\n", ":1:5: ", "'-2' is no whole number"},
    {"no_count.svm", "1 1:\n", ":1:5: ", "the count is missing"},
};

static void damaged_files_are_refused_with_their_place(void) {
    for (size_t i = 0; i < sizeof bad_cases / sizeof bad_cases[0]; i++) {
        char path[512];
        psi_corpus corpus;
        ps_fault fault = {0};
        file_make(bad_cases[i].name, bad_cases[i].text, path);
        const ps_err err = psi_corpus_read(path, &corpus, &fault);
        const size_t length = strlen(path), place = strlen(bad_cases[i].place);
        const bool is_said = err == PS_EFORMAT && strncmp(fault.text, path, length) == 0 &&
                             strncmp(fault.text + length, bad_cases[i].place, place) == 0 &&
                             strstr(fault.text, bad_cases[i].what) != NULL;
        if (!is_said) {
            printf("%s: '%s'\n", bad_cases[i].name, fault.text);
        }
        CU_ASSERT(is_said);
        CU_ASSERT_PTR_NULL(corpus.words);
    }
    psi_corpus corpus;
    CU_ASSERT_EQUAL(psi_corpus_read("/nonexistent/docword.x.txt", &corpus, NULL), PS_EIO);
}

static void reads_the_real_corpus_with_its_words(void) {
    char path[512];
    if (!suite_data_path("docword.kos.txt.gz", path, sizeof path)) {
        printf("no docword.kos.txt.gz; ");
        return;
    }
    psi_corpus corpus;
    CU_ASSERT_EQUAL_FATAL(psi_corpus_read(path, &corpus, NULL), PS_OK);
    CU_ASSERT_EQUAL(corpus.doc_count, 3430);
    CU_ASSERT_EQUAL(corpus.word_count, 6906);
    CU_ASSERT_EQUAL(corpus.token_count, 467714);
    CU_ASSERT_STRING_EQUAL(psi_corpus_word(&corpus, 0), "aarp");
    psi_corpus_fini(&corpus);
}

static const suite_test tests[] = {
    SUITE_TEST(reads_every_spelling_of_the_same_corpus),
    SUITE_TEST(reads_compressed_files),
    SUITE_TEST(the_vocabulary_beside_the_file_names_the_words),
    SUITE_TEST(damaged_files_are_refused_with_their_place),
    SUITE_TEST(reads_the_real_corpus_with_its_words),
};
SUITE_MAIN("corpus reader", tests)
