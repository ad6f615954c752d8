#include "lda_fixture.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support/suite.h"

enum { TEXT_MAX = 256 };

/* Sets what "name=value" says; the text must live as long as the settings. */
static void option_set(const char *name, const char *value, const char **values,
                       ps_settings *settings) {
    if (strcmp(name, "batch") == 0) {
        settings->batch = strtod(value, NULL);
        return;
    }
    for (size_t i = 0; i < PSI_LDA_OPTIONS; i++) {
        if (strcmp(psi_lda_option_list[i].name, name) == 0) {
            values[i] = value;
            return;
        }
    }
    CU_FAIL_FATAL("no such option");
}

psi_lda_problem *lda_fixture_open(const char *data, uint64_t seed, uint32_t worker_count,
                                  const char *options) {
    const char *values[PSI_LDA_OPTIONS];
    char text[TEXT_MAX] = "";
    for (size_t i = 0; i < PSI_LDA_OPTIONS; i++) {
        values[i] = psi_lda_option_list[i].default_value;
    }
    ps_settings settings = {
        .data = data, .seed = seed, .worker_count = worker_count, .values = values};
    (void)snprintf(text, sizeof text, "%s", options == NULL ? "" : options);
    for (char *at = text; *at != '\0';) {
        char *const equals = strchr(at, '=');
        CU_ASSERT_PTR_NOT_NULL_FATAL(equals);
        char *const end = equals + strcspn(equals, " ");
        char *const next = *end == '\0' ? end : end + 1;
        *equals = '\0';
        *end = '\0';
        option_set(at, equals + 1, values, &settings);
        at = next;
    }
    psi_lda_problem *problem = NULL;
    ps_fault fault = {0};
    if (psi_lda_problem_open(&settings, &problem, &fault) != PS_OK) {
        printf("%s\n", fault.text);
    }
    CU_ASSERT_PTR_NOT_NULL_FATAL(problem);
    return problem;
}

int32_t *lda_fixture_counts(const psi_lda_problem *problem, const psi_lda_tables *tables) {
    const uint32_t words = problem->prior.word_count, topics = problem->prior.topic_count;
    int32_t *const whole = calloc((size_t)words * topics, sizeof *whole);
    CU_ASSERT_PTR_NOT_NULL_FATAL(whole);
    for (uint32_t w = 0; w < words; w++) {
        const ps_sparse_row row = psi_lda_word_counts(tables, topics, w);
        const int32_t *const counts = row.values;
        for (uint32_t i = 0; i < row.count; i++) {
            whole[(size_t)w * topics + (row.columns == NULL ? i : row.columns[i])] = counts[i];
        }
    }
    return whole;
}

void lda_fixture_sums_check(const psi_lda_problem *problem, const psi_lda_tables *tables) {
    int32_t *const counts = lda_fixture_counts(problem, tables);
    const psi_lda_blocks *const blocks = &problem->blocks;
    const size_t topics = problem->prior.topic_count, words = problem->prior.word_count;
    const size_t block_words =
        blocks->places[blocks->shares[problem->worker_count].block_begin].word_begin;
    int64_t *const columns = calloc(topics, sizeof *columns);
    int64_t *const frequencies = calloc(words, sizeof *frequencies);
    CU_ASSERT_FATAL(columns != NULL && frequencies != NULL);
    for (size_t i = 0; i < block_words; i++) {
        frequencies[blocks->words[i]] = blocks->frequencies[i];
    }
    for (size_t w = 0; w < words; w++) {
        int64_t sum = 0;
        for (size_t k = 0; k < topics; k++) {
            CU_ASSERT(counts[w * topics + k] >= 0);
            columns[k] += counts[w * topics + k];
            sum += counts[w * topics + k];
        }
        CU_ASSERT_EQUAL(sum, frequencies[w]);
    }
    for (size_t k = 0; k < topics; k++) {
        CU_ASSERT_EQUAL(columns[k], tables->totals[k]);
    }
    free(columns);
    free(frequencies);
    free(counts);
}
