/* What lr predicts for real data that it has not seen, beside the minimum of the same objective by
 * GSL: stochastic steps in a few passes must not cost accuracy. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include <gsl/gsl_errno.h>

#include "algos/lr/lr_serial.h"
#include "lr/lr_optimum.h"
#include "support/options.h"
#include "support/suite.h"

/* Without a file of its own, a tenth is held out. */
typedef struct data_set {
    const char *training, *test;
    int passes, iterations;
    double gradient_max; /* of the minimum: kddcup99 is large, and its minimum far away */
    double error_max;    /* of lr; what is known of linear models on this data, and a little */
} data_set;

static const data_set data_sets[] = {
    {"a9a.svm.gz", "a9a.t.svm.gz", 10, 200, 3e-3, 0.152},
    {"w8a.svm.gz", NULL, 10, 200, 3e-3, 0.017},
    {"spamassassin.svm.gz", NULL, 10, 60, 3e-3, 0.025},
    {"agaricus_train.svm.gz", "agaricus_test.svm.gz", 10, 200, 3e-3, 0.001},
    {"kddcup99_10pct.svm.gz", "kddcup99_corrected.t.svm.gz", 2, 60, 1e-2, 0.085},
};

typedef struct verdict {
    double loss, error, auc;
} verdict;

static verdict judge(psi_lr_scored *scored, size_t count) {
    verdict v = {0, 0, 0};
    for (size_t i = 0; i < count; i++) {
        v.loss += psi_lr_loss((double)scored[i].score, scored[i].label) / (double)count;
        v.error += psi_lr_is_error(scored[i].score, scored[i].label) / (double)count;
    }
    v.auc = psi_lr_auc(scored, count);
    return v;
}

/* Weights, in double precision, at unseen examples: those of a file, or those held out. */
static verdict weights_judge(const double *w, const psi_examples *examples, const uint32_t *which,
                             size_t count) {
    psi_lr_scored *const scored = calloc(count, sizeof *scored);
    CU_ASSERT_PTR_NOT_NULL_FATAL(scored);
    for (size_t k = 0; k < count; k++) {
        const size_t i = which == NULL ? k : which[k];
        double margin = 0;
        for (size_t n = examples->begins[i]; n < examples->begins[i + 1]; n++) {
            margin += w[examples->features[n]] * (double)examples->values[n];
        }
        scored[k] = (psi_lr_scored){(float)margin, examples->labels[i]};
    }
    const verdict v = judge(scored, count);
    free(scored);
    return v;
}

static psi_lr_problem *problem_open(const data_set *data, const char *path) {
    const option_setting settings[] = {{PSI_LR_HELDOUT, data->test == NULL ? "0.1" : "0"},
                                       {PSI_LR_SHUFFLE, "yes"},
                                       {PSI_LR_L2, "1e-6"}};
    const char *values[PSI_LR_OPTIONS];
    options_set(psi_lr_option_list, PSI_LR_OPTIONS, settings, 3, values);
    const ps_settings all = {
        .data = path, .seed = 1, .worker_count = 1, .batch = 1e9, .values = values};
    psi_lr_problem *problem = NULL;
    ps_fault fault = {0};
    CU_ASSERT_EQUAL_FATAL(psi_lr_problem_open(&all, &problem, &fault), PS_OK);
    return problem;
}

static void lr_learn(const psi_lr_problem *problem, int passes, double *w) {
    psi_lr_serial serial;
    CU_ASSERT_EQUAL_FATAL(psi_lr_serial_init(&serial, problem), PS_OK);
    for (int pass = 0; pass < passes; pass++) {
        psi_lr_serial_clock(&serial);
    }
    for (size_t j = 0; j < psi_lr_weight_count(&problem->shape); j++) {
        w[j] = (double)serial.weights[j];
    }
    psi_lr_serial_fini(&serial);
}

static void compare(const data_set *data) {
    char path[512], test_path[512];
    if (!suite_data_path(data->training, path, sizeof path) ||
        (data->test != NULL && !suite_data_path(data->test, test_path, sizeof test_path))) {
        printf("    %s is not there: not compared\n", data->training);
        return;
    }
    psi_lr_problem *const problem = problem_open(data, path);
    psi_examples test = {0};
    ps_fault fault = {0};
    if (data->test != NULL) {
        CU_ASSERT_EQUAL_FATAL(psi_examples_read(test_path, &test, &fault), PS_OK);
        CU_ASSERT_EQUAL_FATAL(psi_lr_labels_check(&test, test_path, &fault), PS_OK);
        CU_ASSERT_EQUAL_FATAL(psi_lr_prepare(&problem->shape, &test), PS_OK);
    }
    const psi_examples *const unseen = data->test == NULL ? &problem->examples : &test;
    const uint32_t *const which = data->test == NULL ? problem->heldout : NULL;
    const size_t count = data->test == NULL ? problem->heldout_count : test.count;
    double *const w = calloc(psi_lr_weight_count(&problem->shape), sizeof *w);
    CU_ASSERT_PTR_NOT_NULL_FATAL(w);
    lr_learn(problem, data->passes, w);
    const verdict lr = weights_judge(w, unseen, which, count);
    (void)lr_optimum(problem, data->iterations, data->gradient_max, w);
    const verdict gsl = weights_judge(w, unseen, which, count);
    printf("    %-22s lr, %2d passes: error %.4f, AUC %.4f, loss %.4f; GSL: %.4f, %.4f, %.4f\n",
           data->training, data->passes, lr.error, lr.auc, lr.loss, gsl.error, gsl.auc, gsl.loss);
    CU_ASSERT(lr.error <= data->error_max);
    CU_ASSERT(lr.error <= gsl.error + 0.005 && lr.auc >= gsl.auc - 0.005);
    free(w);
    psi_examples_fini(&test);
    psi_lr_problem_close(problem);
}

static void unseen_real_data_is_predicted_as_well_as_by_the_minimum(void) {
    (void)gsl_set_error_handler_off();
    for (size_t d = 0; d < sizeof data_sets / sizeof data_sets[0]; d++) {
        compare(&data_sets[d]);
    }
}

static const suite_test tests[] = {
    SUITE_TEST(unseen_real_data_is_predicted_as_well_as_by_the_minimum),
};
SUITE_MAIN("lr quality", tests)
