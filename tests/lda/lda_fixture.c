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
