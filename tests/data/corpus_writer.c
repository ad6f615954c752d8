/* What is written of a corpus is what is read of it, in every format, or nothing is there. */
#define _POSIX_C_SOURCE 200809L /* opendir, mkdir, setrlimit */

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <dirent.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "data/corpus_writer.h"
#include "support/suite.h"

/* Removes what is in `folder`. Returns how many files there were. */
static unsigned folder_clear(const char *folder, bool does_remove) {
    unsigned count = 0;
    DIR *const open = opendir(folder);
    CU_ASSERT_PTR_NOT_NULL_FATAL(open);
    for (const struct dirent *entry = readdir(open); entry != NULL; entry = readdir(open)) {
        char file[1024];
        (void)snprintf(file, sizeof file, "%s/%s", folder, entry->d_name);
        count += entry->d_name[0] != '.';
        if (does_remove) {
            (void)unlink(file);
        }
    }
    (void)closedir(open);
    return count;
}

static unsigned file_count(const char *folder) {
    return folder_clear(folder, false);
}

static void folder_make(char path[static 512]) {
    suite_scratch_path("corpus_writer", path, 512);
    (void)mkdir(path, 0777);
    (void)folder_clear(path, true);
}

static void file_make(const char *path, const char *text) {
    FILE *const file = fopen(path, "wb");
    CU_ASSERT_PTR_NOT_NULL_FATAL(file);
    CU_ASSERT_EQUAL_FATAL(fwrite(text, 1, strlen(text), file), strlen(text));
    CU_ASSERT_EQUAL_FATAL(fclose(file), 0);
}

static bool is_equal(const psi_corpus *a, const psi_corpus *b) {
    return a->doc_count == b->doc_count && a->token_count == b->token_count &&
           memcmp(a->doc_begins, b->doc_begins, (a->doc_count + 1) * sizeof *a->doc_begins) == 0 &&
           memcmp(a->words, b->words, a->token_count * sizeof *a->words) == 0;
}

static void corpus_make(psi_corpus *corpus) {
    const char *const data = "synthetic:docs=301,words=997,topics=5,length=7";
    CU_ASSERT_EQUAL_FATAL(psi_corpus_open(data, 5, 1, corpus, NULL), PS_OK);
}

static const char *const names[] = {"a.txt",     "a.ldac",      "a.svm",  "a.txt.gz",
                                    "a.ldac.gz", "a.libsvm.gz", "a.lda-c"};
enum { NAMES = sizeof names / sizeof names[0] };

static void write_to(const psi_corpus *corpus, const char *path) {
    ps_fault fault = {0};
    const psi_corpus_write_options options = {.may_replace = true};
    const ps_err err = psi_corpus_write(corpus, path, &options, &fault);
    if (err != PS_OK) {
        printf("%s\n", fault.text);
    }
    CU_ASSERT_EQUAL_FATAL(err, PS_OK);
}

/* From each format to each, and each time the original is what is read. */
static void check_pairs(const psi_corpus *corpus, size_t stride) {
    char folder[512], from[1024], to[1024];
    folder_make(folder);
    for (size_t i = 0; i < NAMES; i += stride) {
        for (size_t j = 0; j < NAMES; j += stride) {
            psi_corpus first, second;
            (void)snprintf(from, sizeof from, "%s/1%s", folder, names[i]);
            (void)snprintf(to, sizeof to, "%s/2%s", folder, names[j]);
            write_to(corpus, from);
            CU_ASSERT_EQUAL_FATAL(psi_corpus_read(from, &first, NULL), PS_OK);
            write_to(&first, to);
            CU_ASSERT_EQUAL_FATAL(psi_corpus_read(to, &second, NULL), PS_OK);
            CU_ASSERT(is_equal(corpus, &first));
            CU_ASSERT(is_equal(corpus, &second));
            psi_corpus_fini(&first);
            psi_corpus_fini(&second);
        }
    }
}

static void every_pair_of_formats_keeps_every_count(void) {
    psi_corpus corpus;
    corpus_make(&corpus);
    check_pairs(&corpus, 1);
    corpus.words[3]++; /* the comparison sees one wrong token */
    psi_corpus again;
    corpus_make(&again);
    CU_ASSERT_FALSE(is_equal(&corpus, &again));
    psi_corpus_fini(&again);
    psi_corpus_fini(&corpus);
}

static void a_real_corpus_keeps_every_count(void) {
    char path[512];
    psi_corpus corpus;
    if (!suite_data_path("docword.kos.txt.gz", path, sizeof path)) {
        printf("no docword.kos.txt.gz; ");
        return;
    }
    CU_ASSERT_EQUAL_FATAL(psi_corpus_read(path, &corpus, NULL), PS_OK);
    check_pairs(&corpus, 3);
    psi_corpus_fini(&corpus);
}

/* Words that no document has are words all the same, but for lda-c. */
static void the_number_of_words_is_kept(void) {
    char folder[512], path[1024];
    folder_make(folder);
    (void)snprintf(path, sizeof path, "%s/in.txt", folder);
    file_make(path, "3\n9\n2\n1 2 1\n3 4 2\n");
    psi_corpus corpus;
    CU_ASSERT_EQUAL_FATAL(psi_corpus_read(path, &corpus, NULL), PS_OK);
    for (size_t i = 0; i < NAMES; i++) {
        psi_corpus again;
        (void)snprintf(path, sizeof path, "%s/%s", folder, names[i]);
        write_to(&corpus, path);
        CU_ASSERT_EQUAL_FATAL(psi_corpus_read(path, &again, NULL), PS_OK);
        CU_ASSERT(is_equal(&corpus, &again));
        CU_ASSERT_EQUAL(again.word_count, again.format == PSI_CORPUS_LDA_C ? 4 : 9);
        psi_corpus_fini(&again);
    }
    psi_corpus_fini(&corpus);
}

static void the_names_of_the_words_go_with_them(void) {
    char folder[512], path[1024];
    folder_make(folder);
    (void)snprintf(path, sizeof path, "%s/docword.in.txt", folder);
    file_make(path, "1\n2\n2\n1 1 1\n1 2 2\n");
    (void)snprintf(path, sizeof path, "%s/vocab.in.txt", folder);
    file_make(path, "ant\nbee\n");
    (void)snprintf(path, sizeof path, "%s/docword.in.txt", folder);
    psi_corpus corpus, again;
    const psi_corpus_write_options options = {.may_replace = false};
    CU_ASSERT_EQUAL_FATAL(psi_corpus_read(path, &corpus, NULL), PS_OK);
    (void)snprintf(path, sizeof path, "%s/docword.out.txt", folder);
    CU_ASSERT_EQUAL_FATAL(psi_corpus_write(&corpus, path, &options, NULL), PS_OK);
    CU_ASSERT_EQUAL_FATAL(psi_corpus_read(path, &again, NULL), PS_OK);
    CU_ASSERT_STRING_EQUAL(psi_corpus_word(&again, 1), "bee");
    CU_ASSERT_EQUAL(file_count(folder), 4);
    psi_corpus_fini(&again);
    /* The same words beside another spelling of the file are no reason to refuse it. */
    (void)snprintf(path, sizeof path, "%s/docword.out.txt.gz", folder);
    CU_ASSERT_EQUAL(psi_corpus_write(&corpus, path, &options, NULL), PS_OK);
    /* Other words are, and those of another corpus must not name the words of one without. */
    (void)snprintf(path, sizeof path, "%s/vocab.new.txt", folder);
    file_make(path, "ape\nbat\n");
    (void)snprintf(path, sizeof path, "%s/docword.new.txt", folder);
    CU_ASSERT_EQUAL(psi_corpus_write(&corpus, path, &options, NULL), PS_EINVAL);
    free(corpus.vocabulary);
    corpus.vocabulary = NULL;
    ps_fault fault = {0};
    const psi_corpus_write_options forced = {.may_replace = true};
    CU_ASSERT_EQUAL(psi_corpus_write(&corpus, path, &forced, &fault), PS_EINVAL);
    CU_ASSERT_PTR_NOT_NULL(strstr(fault.text, "would name its words"));
    CU_ASSERT_EQUAL(file_count(folder), 6);
    psi_corpus_fini(&corpus);
}

/* The second file cannot be made, or the disk is full: then the first is not there either. */
static void all_files_are_there_or_none(void) {
    char folder[512], path[1024], beside[1024];
    folder_make(folder);
    psi_corpus corpus;
    corpus_make(&corpus);
    (void)snprintf(path, sizeof path, "%s/a.svm", folder);
    (void)snprintf(beside, sizeof beside, "%s/none/b.npy", folder);
    const psi_companion companion = {beside, "12345", 5};
    const psi_corpus_write_options options = {.companion = &companion};
    CU_ASSERT_EQUAL(psi_corpus_write(&corpus, path, &options, NULL), PS_EIO);
    CU_ASSERT_EQUAL(file_count(folder), 0);
    struct rlimit before;
    CU_ASSERT_EQUAL_FATAL(getrlimit(RLIMIT_FSIZE, &before), 0);
    const struct rlimit small = {.rlim_cur = 4096, .rlim_max = before.rlim_max};
    (void)signal(SIGXFSZ, SIG_IGN);
    CU_ASSERT_EQUAL_FATAL(setrlimit(RLIMIT_FSIZE, &small), 0);
    (void)snprintf(beside, sizeof beside, "%s/b.npy", folder);
    ps_fault fault = {0};
    const ps_err err = psi_corpus_write(&corpus, path, &options, &fault);
    CU_ASSERT_EQUAL_FATAL(setrlimit(RLIMIT_FSIZE, &before), 0);
    CU_ASSERT_EQUAL(err, PS_EIO);
    CU_ASSERT_PTR_NOT_NULL(strstr(fault.text, path));
    CU_ASSERT_EQUAL(file_count(folder), 0);
    CU_ASSERT_EQUAL(psi_corpus_write(&corpus, path, &options, NULL), PS_OK);
    CU_ASSERT_EQUAL(file_count(folder), 2);
    (void)unlink(path);
    CU_ASSERT_EQUAL(psi_corpus_write(&corpus, path, &options, &fault), PS_EINVAL);
    CU_ASSERT_EQUAL(file_count(folder), 1);
    psi_corpus_fini(&corpus);
}

/* A device has a name that a file must not take. */
static void a_device_is_not_replaced(void) {
    psi_corpus corpus;
    corpus_make(&corpus);
    ps_fault fault = {0};
    const psi_corpus_write_options options = {.may_replace = true};
    CU_ASSERT_EQUAL(psi_corpus_write(&corpus, "/dev/full", &options, &fault), PS_EIO);
    CU_ASSERT_PTR_NOT_NULL(strstr(fault.text, "no regular file"));
    psi_corpus_fini(&corpus);
}

static void what_a_format_cannot_hold_is_refused(void) {
    enum { WORDS = 60000 };
    char folder[512], path[1024];
    folder_make(folder);
    psi_corpus_draft draft = {0};
    psi_corpus corpus;
    for (uint32_t w = 0; w < WORDS; w++) {
        CU_ASSERT_EQUAL_FATAL(psi_corpus_draft_add(&draft, (psi_corpus_entry){0, w, 1}), PS_OK);
    }
    CU_ASSERT_EQUAL_FATAL(psi_corpus_make(&draft, 1, WORDS, &corpus), PS_OK);
    CU_ASSERT_EQUAL(corpus.entry_count, WORDS);
    psi_corpus_draft_fini(&draft);
    const psi_corpus_write_options options = {.may_replace = false};
    ps_fault fault = {0};
    (void)snprintf(path, sizeof path, "%s/a.ldac", folder);
    CU_ASSERT_EQUAL(psi_corpus_write(&corpus, path, &options, &fault), PS_EINVAL);
    CU_ASSERT_PTR_NOT_NULL(strstr(fault.text, "document 0 needs a line"));
    CU_ASSERT_EQUAL(file_count(folder), 0);
    psi_corpus_fini(&corpus);
}

static const suite_test tests[] = {
    SUITE_TEST(every_pair_of_formats_keeps_every_count),
    SUITE_TEST(a_real_corpus_keeps_every_count),
    SUITE_TEST(the_number_of_words_is_kept),
    SUITE_TEST(the_names_of_the_words_go_with_them),
    SUITE_TEST(all_files_are_there_or_none),
    SUITE_TEST(a_device_is_not_replaced),
    SUITE_TEST(what_a_format_cannot_hold_is_refused),
};
SUITE_MAIN("corpus writer", tests)
