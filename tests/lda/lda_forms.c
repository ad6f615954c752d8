/* A sampler draws the same topics in every form that it has: plain C, and registers of 256 and of
 * 512 bits. Else the same seed would give another model on another processor. Forms that this
 * processor lacks are not compared. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "algos/lda/lda_serial.h"
#include "algos/lda/sampler_parts.h"
#include "lda_fixture.h"
#include "support/suite.h"

static const char small_data[] = "synthetic:docs=150,words=300,topics=7,length=83";
/* More tokens of a document than 16 bits count, and more of a word than there are documents. */
static const char long_data[] = "synthetic:docs=2,words=5,topics=2,length=150000";

/* What a walk ends with. Owned. */
typedef struct walk_end {
    uint16_t *topics;
    size_t count;
} walk_end;

static walk_end walk(const char *data, const char *options, int passes, psi_lda_form form,
                     uint32_t listed_min) {
    psi_lda_problem *const problem = lda_fixture_open(data, 2385, 1, options);
    psi_lda_serial serial;
    problem->sampler.form = form;
    problem->sampler.listed_min = listed_min;
    CU_ASSERT_EQUAL_FATAL(psi_lda_serial_init(&serial, problem), PS_OK);
    /* Counts of others may be stale: some too many, some below 0. */
    const uint32_t topics = problem->prior.topic_count;
    for (uint32_t w = 0; w < problem->prior.word_count; w += 3) {
        serial.words[(size_t)w * topics + w % topics] -= 2;
        serial.words[(size_t)w * topics + (w + 1) % topics] += 5;
    }
    serial.totals[topics / 2] -= serial.totals[topics / 2] + 3;
    for (int pass = 0; pass < passes; pass++) {
        psi_lda_serial_pass(&serial);
    }
    const walk_end end = {.topics = serial.topics, .count = problem->blocks.token_count};
    serial.topics = NULL;
    psi_lda_serial_fini(&serial);
    psi_lda_problem_close(problem);
    return end;
}

static void walks_compare(const walk_end *one, const walk_end *other, const char *what) {
    size_t first = 0;
    CU_ASSERT_EQUAL_FATAL(other->count, one->count);
    while (first < one->count && other->topics[first] == one->topics[first]) {
        first++;
    }
    CU_ASSERT_EQUAL(first, one->count);
    if (first < one->count) {
        printf("%s differs at token %zu; ", what, first);
    }
}

static void forms_compare(const char *data, const char *options, int passes) {
    static const struct {
        psi_lda_form form;
        const char *name;
    } others[] = {{PSI_LDA_FORM_AVX2, "AVX2"}, {PSI_LDA_FORM_AVX512, "AVX-512"}};
    const walk_end plain = walk(data, options, passes, PSI_LDA_FORM_PLAIN, 0);
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
        if (psi_lda_form_of(others[i].form) != others[i].form) {
            printf("no %s here; ", others[i].name);
            continue;
        }
        const walk_end other = walk(data, options, passes, others[i].form, 0);
        walks_compare(&plain, &other, others[i].name);
        free(other.topics);
    }
    free(plain.topics);
}

static void sampler_compare(const char *name) {
    static const char *const topic_counts[] = {"1", "3", "16", "50", "100", "257", "1000"};
    char options[96];
    for (size_t i = 0; i < sizeof topic_counts / sizeof topic_counts[0]; i++) {
        (void)snprintf(options, sizeof options, "sampler=%s topics=%s alpha=0.13 batch=0.4", name,
                       topic_counts[i]);
        forms_compare(small_data, options, 6);
    }
}

static void vector_draws_the_same_in_all_forms(void) {
    sampler_compare("vector");
    forms_compare(long_data, "sampler=vector topics=3 alpha=0.7", 2);
}

static void fplus_draws_the_same_in_all_forms(void) {
    sampler_compare("fplus");
    forms_compare(long_data, "sampler=fplus topics=3 alpha=0.7", 2);
}

static void light_draws_the_same_in_all_forms(void) {
    sampler_compare("light");
    forms_compare(long_data, "sampler=light topics=3 alpha=0.7", 2);
}

static void light_draws_the_same_with_lists_and_without(void) {
    static const char *const data[] = {small_data, "synthetic:docs=9,words=50,topics=3,length=900"};
    static const char options[] = "sampler=light topics=5 alpha=0.3";
    for (size_t i = 0; i < sizeof data / sizeof data[0]; i++) {
        const walk_end none = walk(data[i], options, 3, PSI_LDA_FORM_WIDEST, UINT32_MAX);
        const walk_end all = walk(data[i], options, 3, PSI_LDA_FORM_WIDEST, 1);
        walks_compare(&none, &all, data[i]);
        free(none.topics);
        free(all.topics);
    }
}

static const suite_test tests[] = {
    SUITE_TEST(light_draws_the_same_in_all_forms),
    SUITE_TEST(light_draws_the_same_with_lists_and_without),
    SUITE_TEST(vector_draws_the_same_in_all_forms),
    SUITE_TEST(fplus_draws_the_same_in_all_forms),
};
SUITE_MAIN("lda forms", tests)
