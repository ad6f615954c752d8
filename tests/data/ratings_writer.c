#define _POSIX_C_SOURCE 200809L /* opendir, mkdir */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <dirent.h>
#include <sys/stat.h>
#include <unistd.h>

#include "data/convert.h"
#include "data/synthetic.h"
#include "support/suite.h"

static void ratings_make(psi_ratings *ratings) {
    psi_synthetic spec;
    CU_ASSERT_EQUAL_FATAL(
        psi_synthetic_parse("synthetic:users=53,items=29,ratings=601", 11, 1, &spec, NULL), PS_OK);
    CU_ASSERT_EQUAL_FATAL(psi_synthetic_make(&spec, ratings, NULL), PS_OK);
}

/* An empty folder of this test's own. */
static void folder_make(char path[static 512]) {
    suite_scratch_path("writer", path, 512);
    (void)mkdir(path, 0777);
    DIR *const folder = opendir(path);
    CU_ASSERT_PTR_NOT_NULL_FATAL(folder);
    for (const struct dirent *entry = readdir(folder); entry != NULL; entry = readdir(folder)) {
        char file[1024];
        (void)snprintf(file, sizeof file, "%s/%s", path, entry->d_name);
        (void)unlink(file);
    }
    (void)closedir(folder);
}

static unsigned file_count(const char *path) {
    unsigned count = 0;
    DIR *const folder = opendir(path);
    CU_ASSERT_PTR_NOT_NULL_FATAL(folder);
    for (const struct dirent *entry = readdir(folder); entry != NULL; entry = readdir(folder)) {
        count += entry->d_name[0] != '.';
    }
    (void)closedir(folder);
    return count;
}

/* A data set that is generated once and trained on twice must be the same both times. */
static void what_is_written_is_what_is_read(void) {
    static const char *const names[] = {"a.txt", "a.txt.gz", "a.mtx", "a.mtx.gz"};
    psi_ratings ratings;
    ratings_make(&ratings);
    char folder[512];
    folder_make(folder);
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        char path[1024];
        (void)snprintf(path, sizeof path, "%s/%s", folder, names[i]);
        const psi_write_options options = {.may_replace = false, .comment = "made by a test"};
        CU_ASSERT_EQUAL_FATAL(psi_ratings_write(&ratings, path, &options, NULL), PS_OK);
        psi_ratings again;
        CU_ASSERT_EQUAL_FATAL(psi_ratings_read(path, &again, NULL), PS_OK);
        CU_ASSERT_EQUAL_FATAL(again.count, ratings.count);
        CU_ASSERT_EQUAL(memcmp(again.user, ratings.user, ratings.count * 4), 0);
        CU_ASSERT_EQUAL(memcmp(again.item, ratings.item, ratings.count * 4), 0);
        CU_ASSERT_EQUAL(memcmp(again.value, ratings.value, ratings.count * 4), 0);
        CU_ASSERT_EQUAL(again.format, strstr(names[i], "mtx") != NULL ? PSI_RATINGS_MATRIX_MARKET
                                                                      : PSI_RATINGS_TEXT);
        psi_ratings_fini(&again);
        CU_ASSERT_EQUAL(file_count(folder), i + 1); /* no temporary file is left */
    }
    psi_ratings_fini(&ratings);
}

/* Data that somebody has must not vanish by a slip. */
static void replaces_a_file_only_when_told_to(void) {
    psi_ratings ratings;
    ratings_make(&ratings);
    char folder[512], path[1024];
    folder_make(folder);
    (void)snprintf(path, sizeof path, "%s/mine.txt", folder);
    psi_write_options options = {.may_replace = false, .comment = NULL};
    CU_ASSERT_EQUAL_FATAL(psi_ratings_write(&ratings, path, &options, NULL), PS_OK);
    ratings.value[0] += 1;
    ps_fault fault = {0};
    CU_ASSERT_EQUAL(psi_ratings_write(&ratings, path, &options, &fault), PS_EINVAL);
    CU_ASSERT_PTR_NOT_NULL(strstr(fault.text, "is there already"));
    psi_ratings again;
    CU_ASSERT_EQUAL_FATAL(psi_ratings_read(path, &again, NULL), PS_OK);
    CU_ASSERT_EQUAL(again.value[0], ratings.value[0] - 1);
    psi_ratings_fini(&again);
    options.may_replace = true;
    CU_ASSERT_EQUAL(psi_ratings_write(&ratings, path, &options, NULL), PS_OK);
    CU_ASSERT_EQUAL_FATAL(psi_ratings_read(path, &again, NULL), PS_OK);
    CU_ASSERT_EQUAL(again.value[0], ratings.value[0]);
    psi_ratings_fini(&again);
    CU_ASSERT_EQUAL(file_count(folder), 1);
    psi_ratings_fini(&ratings);
}

/* A disk that is full leaves neither half a file nor a temporary one. */
static void leaves_nothing_behind_when_it_fails(void) {
    psi_ratings ratings;
    ratings_make(&ratings);
    char folder[512], path[1024];
    folder_make(folder);
    (void)snprintf(path, sizeof path, "%s/no/such/folder.txt", folder);
    const psi_write_options options = {.may_replace = true, .comment = NULL};
    ps_fault fault = {0};
    CU_ASSERT_EQUAL(psi_ratings_write(&ratings, path, &options, &fault), PS_EIO);
    CU_ASSERT_PTR_NOT_NULL(strstr(fault.text, path));
    (void)snprintf(path, sizeof path, "%s/taken", folder); /* a folder has the name already */
    CU_ASSERT_EQUAL_FATAL(mkdir(path, 0777), 0);
    CU_ASSERT_EQUAL(psi_ratings_write(&ratings, path, &options, NULL), PS_EIO);
    CU_ASSERT_EQUAL(file_count(folder), 1);
    CU_ASSERT_EQUAL(rmdir(path), 0);
    psi_ratings_fini(&ratings);
}

static const suite_test tests[] = {
    SUITE_TEST(what_is_written_is_what_is_read),
    SUITE_TEST(replaces_a_file_only_when_told_to),
    SUITE_TEST(leaves_nothing_behind_when_it_fails),
};
SUITE_MAIN("ratings writer", tests)
