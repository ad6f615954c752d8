#include "mf_fixture.h"

#include <stdio.h>
#include <string.h>

#include "support/suite.h"

enum { TEXT_MAX = 256 };

psi_mf_problem *mf_fixture_open(const char *data, uint64_t seed, uint32_t worker_count,
                                const char *options) {
    const char *values[PSI_MF_OPTIONS];
    char text[TEXT_MAX] = "";
    for (size_t i = 0; i < PSI_MF_OPTIONS; i++) {
        values[i] = psi_mf_options[i].default_value;
    }
    (void)snprintf(text, sizeof text, "%s", options == NULL ? "" : options);
    for (char *at = text; *at != '\0';) {
        char *const equals = strchr(at, '=');
        CU_ASSERT_PTR_NOT_NULL_FATAL(equals);
        *equals = '\0';
        char *const end = equals + 1 + strcspn(equals + 1, " ");
        char *const next = *end == '\0' ? end : end + 1;
        *end = '\0';
        bool is_known = false;
        for (size_t i = 0; i < PSI_MF_OPTIONS; i++) {
            if (strcmp(psi_mf_options[i].name, at) == 0) {
                values[i] = equals + 1;
                is_known = true;
            }
        }
        CU_ASSERT_FATAL(is_known);
        at = next;
    }
    const ps_settings settings = {
        .data = data, .seed = seed, .worker_count = worker_count, .batch = 0, .values = values};
    psi_mf_problem *problem = NULL;
    ps_fault fault = {0};
    if (psi_mf_problem_open(&settings, &problem, &fault) != PS_OK) {
        printf("%s\n", fault.text);
    }
    CU_ASSERT_PTR_NOT_NULL_FATAL(problem);
    return problem;
}
