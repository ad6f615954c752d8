/* lr beside a reference of Vowpal Wabbit's documented update, and, on real data, the best that each
 * reaches over a grid of step sizes. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "algos/lr/lr_serial.h"
#include "lr/vw_reference.h"
#include "support/options.h"
#include "support/suite.h"

static psi_lr_problem *problem_open(const char *data, const char *schedule) {
    const option_setting settings[] = {{PSI_LR_SCHEDULE, schedule}, {PSI_LR_HELDOUT, "0"}};
    const char *values[PSI_LR_OPTIONS];
    options_set(psi_lr_option_list, PSI_LR_OPTIONS, settings, 2, values);
    const ps_settings all = {
        .data = data, .seed = 11, .worker_count = 1, .batch = 1e9, .values = values};
    psi_lr_problem *problem = NULL;
    ps_fault fault = {0};
    if (psi_lr_problem_open(&all, &problem, &fault) != PS_OK) {
        printf("%s\n", fault.text);
    }
    CU_ASSERT_PTR_NOT_NULL_FATAL(problem);
    return problem;
}

/* One pass: the progressive loss; the weights, if asked for. */
static double lr_run(psi_lr_problem *problem, double step, float *weights_out) {
    problem->step = step;
    psi_lr_serial serial;
    CU_ASSERT_EQUAL_FATAL(psi_lr_serial_init(&serial, problem), PS_OK);
    psi_lr_serial_clock(&serial);
    const psi_lr_progress progress = serial.learner.progress;
    CU_ASSERT_EQUAL(progress.visit_count, (double)problem->examples.count);
    for (size_t j = 0; weights_out != NULL && j < psi_lr_weight_count(&problem->shape); j++) {
        weights_out[j] = serial.weights[j];
    }
    psi_lr_serial_fini(&serial);
    return progress.loss_sum / progress.visit_count;
}

/* The closed form of the paper has Lambert's function; lr solves the equation itself. */
static void invariant_steps_are_those_of_lambert(void) {
    for (double u = -30; u <= 30; u += 0.7) {
        for (double q = 1e-6; q < 1e4; q *= 3.1) {
            const double d = psi_lr_invariant(u, q);
            CU_ASSERT_DOUBLE_EQUAL(d + exp(u) * expm1(d), q, 1e-6 * q);
            const double closed = q + exp(u) - vw_lambert_of_exp(q + u + exp(u));
            CU_ASSERT_DOUBLE_EQUAL(d, closed, 1e-6 * d + 1e-14 * (q + exp(u)));
            CU_ASSERT(u + d <= u + q && d > 0);
        }
    }
    CU_ASSERT_EQUAL(psi_lr_invariant(3, 0), 0);
    CU_ASSERT(psi_lr_invariant(1e6, 5) >= 0 && psi_lr_invariant(1e6, 5) < 1e-300);
    CU_ASSERT_DOUBLE_EQUAL(psi_lr_invariant(-1e6, 5), 5, 1e-9);
}

/* Features of many sizes, each of which grows now and then. */
static void sizes_vary(psi_examples *examples) {
    for (size_t n = 0; n < examples->nonzero_count; n++) {
        const float of_feature = powf(10, (float)(examples->features[n] % 7) - 3);
        examples->values[n] *= of_feature * (float)(1 + n % 13 * n / examples->nonzero_count);
    }
}

/* Both learn the same from features of very different sizes, with steps small and large. */
static void normalized_is_the_reference(void) {
    static const char *const data[] = {
        "synthetic:examples=2000,features=80,nonzeros=9",
        "synthetic:examples=1500,features=300,nonzeros=20,skew=1.2,margin=3"};
    static const double steps[] = {0.1, 0.5, 3};
    for (int v = 0; v < 6; v++) {
        psi_lr_problem *const problem = problem_open(data[v / 3], "normalized");
        psi_examples *const examples = &problem->examples;
        sizes_vary(examples);
        double w[512] = {0};
        float weights[512];
        const vw_rules rules = {
            .is_adaptive = 1, .is_normalized = 1, .is_invariant = 1, .eta = steps[v % 3]};
        const size_t count = psi_lr_weight_count(&problem->shape);
        const double wanted = vw_reference_run(examples, count, &rules, w);
        const double got = lr_run(problem, steps[v % 3], weights);
        CU_ASSERT_DOUBLE_EQUAL(got, wanted, 1e-4 * wanted);
        for (size_t j = 0; j < count; j++) {
            CU_ASSERT_DOUBLE_EQUAL((double)weights[j], w[j], 2e-3 * (fabs(w[j]) + 1e-3));
        }
        psi_lr_problem_close(problem);
    }
}

/* Multiplying a feature by a constant must change no prediction. */
static void normalized_does_not_see_the_unit_of_a_feature(void) {
    double losses[2];
    for (int v = 0; v < 2; v++) {
        psi_lr_problem *const problem =
            problem_open("synthetic:examples=2000,features=80,nonzeros=9", "normalized");
        psi_examples *const examples = &problem->examples;
        sizes_vary(examples);
        for (size_t n = 0; n < examples->nonzero_count; n++) {
            examples->values[n] *= v == 0 ? 1 : ldexpf(1, (int)(examples->features[n] % 21) - 10);
        }
        losses[v] = lr_run(problem, 0.5, NULL);
        psi_lr_problem_close(problem);
    }
    CU_ASSERT_DOUBLE_EQUAL(losses[1], losses[0], 1e-6);
}

/* The rate of a rare feature that is right already has no bound, and its penalty is divided by its
 * share: a plain step along that gradient would go far beyond 0, and back, further each time. */
static void a_penalty_brings_rare_weights_to_zero_and_not_beyond(void) {
    psi_lr_problem *const problem =
        problem_open("synthetic:examples=3000,features=2000,nonzeros=5,margin=20", "normalized");
    problem->l2 = 0.1;
    problem->inverse_shares = calloc(psi_lr_weight_count(&problem->shape), sizeof(float));
    CU_ASSERT_PTR_NOT_NULL_FATAL(problem->inverse_shares);
    psi_lr_shares(&problem->shape, &problem->examples, problem->inverse_shares);
    psi_lr_serial serial;
    CU_ASSERT_EQUAL_FATAL(psi_lr_serial_init(&serial, problem), PS_OK);
    double first = 0, last = 0;
    for (int pass = 0; pass < 30; pass++) {
        const double before = serial.learner.progress.loss_sum;
        psi_lr_serial_clock(&serial);
        last = (serial.learner.progress.loss_sum - before) / (double)problem->examples.count;
        first = pass == 0 ? last : first;
    }
    CU_ASSERT(last < first && first < 0.7);
    psi_lr_serial_fini(&serial);
    psi_lr_problem_close(problem);
}

/* ---- Real data ---- */

typedef struct best {
    double loss, eta;
} best;

/* eta = 2^-6, 2^-4 ... 2^4. */
enum { GRID_FROM = -6, GRID_TO = 4, GRID_STEP = 2 };

static void best_take(best *so_far, double loss, double eta) {
    if (so_far->eta <= 0 || loss < so_far->loss) {
        *so_far = (best){loss, eta};
    }
}

static best reference_best(const psi_lr_problem *problem, vw_rules rules) {
    best found = {0, 0};
    for (int e = GRID_FROM; e <= GRID_TO; e += GRID_STEP) {
        rules.eta = ldexp(1, e);
        const double loss = vw_reference_run(&problem->examples,
                                             psi_lr_weight_count(&problem->shape), &rules, NULL);
        best_take(&found, loss, rules.eta);
    }
    return found;
}

static best lr_best(psi_lr_problem *problem, psi_lr_schedule schedule) {
    best found = {0, 0};
    problem->schedule = schedule;
    for (int e = GRID_FROM; e <= GRID_TO; e += GRID_STEP) {
        best_take(&found, lr_run(problem, ldexp(1, e), NULL), ldexp(1, e));
    }
    return found;
}

static const vw_rules sgd = {.power_t = 0.5, .initial_t = 1};
static const vw_rules sgd_invariant = {.is_invariant = 1, .power_t = 0.5, .initial_t = 1};
static const vw_rules adaptive = {.is_adaptive = 1};
static const vw_rules vw_default = {.is_adaptive = 1, .is_normalized = 1, .is_invariant = 1};

static void compare(const char *file_name) {
    char path[512];
    if (!suite_data_path(file_name, path, sizeof path)) {
        printf("    %s is not there: not compared\n", file_name);
        return;
    }
    psi_lr_problem *const problem = problem_open(path, "normalized");
    const best vw = reference_best(problem, vw_default);
    const best lr = lr_best(problem, PSI_LR_NORMALIZED);
    const struct {
        const char *name;
        best best;
    } rows[] = {{"reference, sgd", reference_best(problem, sgd)},
                {"reference, sgd and invariant", reference_best(problem, sgd_invariant)},
                {"reference, adaptive", reference_best(problem, adaptive)},
                {"reference, all (VW's default)", vw},
                {"lr inverse-sqrt", lr_best(problem, PSI_LR_INVERSE_SQRT)},
                {"lr adaptive", lr_best(problem, PSI_LR_ADAPTIVE)},
                {"lr normalized", lr}};
    for (size_t r = 0; r < sizeof rows / sizeof rows[0]; r++) {
        printf("    %-24s %-30s %.5f at eta %g\n", file_name, rows[r].name, rows[r].best.loss,
               rows[r].best.eta);
    }
    CU_ASSERT_DOUBLE_EQUAL(lr.loss, vw.loss, 0.01 * vw.loss);
    CU_ASSERT_DOUBLE_EQUAL(rows[4].best.loss, rows[0].best.loss, 0.01 * rows[0].best.loss);
    CU_ASSERT_DOUBLE_EQUAL(rows[5].best.loss, rows[2].best.loss, 0.01 * rows[2].best.loss);
    psi_lr_problem_close(problem);
}

/* A user of VW must find the same progressive loss here, within 1 %. */
static void on_real_data_the_best_loss_is_that_of_the_reference(void) {
    compare("trec07p_stream.svm.gz");
    compare("spamassassin.svm.gz");
    compare("a9a.svm.gz");
    compare("kddcup99_10pct.svm.gz");
}

static const suite_test tests[] = {
    SUITE_TEST(invariant_steps_are_those_of_lambert),
    SUITE_TEST(normalized_is_the_reference),
    SUITE_TEST(normalized_does_not_see_the_unit_of_a_feature),
    SUITE_TEST(a_penalty_brings_rare_weights_to_zero_and_not_beyond),
    SUITE_TEST(on_real_data_the_best_loss_is_that_of_the_reference),
};
SUITE_MAIN("lr beside VW", tests)
