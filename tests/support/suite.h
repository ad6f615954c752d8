/* The main program of every CUnit test: runs a table of tests, prints their names, and exits by the
 * number of failures.
 *
 *     static void parks_beyond_slack(void) { CU_ASSERT_EQUAL(...); }
 *     static const suite_test tests[] = {SUITE_TEST(parks_beyond_slack)};
 *     SUITE_MAIN("policy", tests)
 *
 * An argument runs only the tests whose names contain it. The program fails when a claim fails and
 * when no test ran. It does not know what is tested. */
#ifndef TEST_SUITE_H
#define TEST_SUITE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <CUnit/Basic.h>
#include <CUnit/CUnit.h>

typedef struct suite_test {
    const char *name;
    void (*run)(void);
} suite_test;

#define SUITE_TEST(function) \
    { #function, function }

enum { SUITE_SKIPPED = 77 };

/* Ends the program as skipped, saying why. For programs that need what is not there. */
static inline _Noreturn void suite_skip(const char *reason) {
    printf("skipped: %s\n", reason);
    exit(SUITE_SKIPPED);
}

/* Writes the path of a file of the real data into `path`. Returns false if it is not there. */
static inline bool suite_data_path(const char *file_name, char *path, size_t path_size) {
    const char *const folder = getenv("TORTOISE_DATA");
    snprintf(path, path_size, "%s/%s", folder == NULL ? "../shared/data" : folder, file_name);
    FILE *const file = fopen(path, "rb");
    if (file == NULL) {
        return false;
    }
    fclose(file);
    return true;
}

/* Writes the path of a file that the test may make into `path`. */
static inline void suite_scratch_path(const char *file_name, char *path, size_t path_size) {
    const char *const folder = getenv("TORTOISE_SCRATCH");
    snprintf(path, path_size, "%s/%s", folder == NULL ? "." : folder, file_name);
}

/* Runs tests[0..count) and returns the exit status of the program. */
static inline int suite_run(const char *name, const suite_test *tests, size_t count,
                            const char *filter) {
    setvbuf(stdout, NULL, _IOLBF, BUFSIZ); /* what ran is known even if the next test crashes */
    if (CU_initialize_registry() != CUE_SUCCESS) {
        return EXIT_FAILURE;
    }
    const CU_pSuite suite = CU_add_suite(name, NULL, NULL);
    bool all_added = suite != NULL;
    for (size_t i = 0; all_added && i < count; i++) {
        if (filter == NULL || strstr(tests[i].name, filter) != NULL) {
            all_added = CU_add_test(suite, tests[i].name, tests[i].run) != NULL;
        }
    }
    CU_basic_set_mode(CU_BRM_VERBOSE);
    const bool ran = all_added && CU_basic_run_tests() == CUE_SUCCESS;
    const unsigned failure_count = CU_get_number_of_failures();
    const unsigned run_count = CU_get_number_of_tests_run();
    CU_cleanup_registry();
    if (run_count == 0) {
        printf("%s: no test ran\n", name);
    }
    return ran && failure_count == 0 && run_count > 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

#define SUITE_MAIN(name, tests)                                                                   \
    int main(int argc, char **argv) {                                                             \
        return suite_run(name, tests, sizeof tests / sizeof tests[0], argc > 1 ? argv[1] : NULL); \
    }

#endif
