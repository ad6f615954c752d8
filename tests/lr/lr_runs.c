/* lr through the whole parameter server: a process per node, over TCP on this machine. */
#define _POSIX_C_SOURCE 200809L /* _exit */

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "algos/lr/lr_app.h"
#include "algos/lr/lr_problem.h"
#include "algos/lr/lr_serial.h"
#include "lr/lr_optimum.h"
#include "support/local_run.h"
#include "support/options.h"

static const char small_data[] = "synthetic:examples=3000,features=60,nonzeros=8";

static psi_lr_problem *problem_open(uint32_t workers, double batch, const option_setting *settings,
                                    size_t count) {
    const char *values[PSI_LR_OPTIONS];
    options_set(psi_lr_option_list, PSI_LR_OPTIONS, settings, count, values);
    const ps_settings all = {
        .data = small_data, .seed = 4, .worker_count = workers, .batch = batch, .values = values};
    psi_lr_problem *problem = NULL;
    ps_fault fault = {0};
    if (psi_lr_problem_open(&all, &problem, &fault) != PS_OK) {
        printf("%s\n", fault.text);
    }
    CU_ASSERT_PTR_NOT_NULL_FATAL(problem);
    return problem;
}

static psi_plan run_plan(const psi_lr_problem *problem, uint32_t shards, uint32_t clocks) {
    return (psi_plan){.algo = &psi_lr_algo,
                      .problem = problem,
                      .worker_count = problem->worker_count,
                      .shard_count = shards,
                      .clock_count = clocks,
                      .eval_every_clocks = clocks,
                      .seed = 4};
}

static psi_plan run(const psi_lr_problem *problem, const char *policy, uint32_t shards,
                    uint32_t clocks, psi_results *results) {
    return local_run(run_plan(problem, shards, clocks), policy, results);
}

/* ---- The algorithm once more, without hashing, rows, clocks or a server ---- */

/* Delayed SGD in double precision; returns the sum of progressive losses. */
static double naive_run(const psi_lr_problem *problem, size_t visits, double *w) {
    const psi_examples *const examples = &problem->examples;
    double *const slopes = calloc(visits, sizeof *slopes);
    double *const squares = calloc(psi_lr_weight_count(&problem->shape), sizeof *squares);
    CU_ASSERT_FATAL(slopes != NULL && squares != NULL);
    double loss = 0;
    for (size_t t = 0; t < visits; t++) {
        const size_t i = problem->training[t % problem->training_count];
        const double label = (double)examples->labels[i];
        double margin = 0;
        for (size_t n = examples->begins[i]; n < examples->begins[i + 1]; n++) {
            margin += w[examples->features[n]] * (double)examples->values[n];
        }
        loss += log(1 + exp(-label * margin));
        slopes[t] = -label / (1 + exp(label * margin));
        if (t < problem->delay) {
            continue;
        }
        const size_t old = t - problem->delay;
        const size_t of = problem->training[old % problem->training_count];
        for (size_t n = examples->begins[of]; n < examples->begins[of + 1]; n++) {
            const uint32_t j = examples->features[n];
            const double gradient = slopes[old] * (double)examples->values[n];
            squares[j] += gradient * gradient;
            const double eta = problem->schedule == PSI_LR_CONSTANT ? problem->step
                               : problem->schedule == PSI_LR_INVERSE_SQRT
                                   ? problem->step / sqrt((double)old + 1)
                                   : problem->step / sqrt(squares[j]);
            w[j] -= eta * gradient;
        }
    }
    free(slopes);
    free(squares);
    return loss;
}

/* Batches end in the middle of a delay, and a pass in the middle of a batch. */
static void one_worker_learns_what_the_definition_says(void) {
    static const char *const schedules[] = {"constant", "inverse-sqrt", "adaptive"};
    static const char *const delays[] = {"0", "1", "7", "300"};
    for (int v = 0; v < 12; v++) {
        const option_setting settings[] = {{PSI_LR_SCHEDULE, schedules[v / 4]},
                                           {PSI_LR_DELAY, delays[v % 4]},
                                           {PSI_LR_STEP, v / 4 == 1 ? "2" : "0.05"}};
        psi_lr_problem *const problem = problem_open(1, 130, settings, 3);
        psi_results results;
        const psi_plan plan = run(problem, "bsp", 1, 30, &results);
        double w[64] = {0};
        const double loss = naive_run(problem, 3900, w) / 3900;
        CU_ASSERT_EQUAL(local_run_last(&results, PSI_LR_EXAMPLES), 3900);
        const double got = local_run_last(&results, PSI_LR_PROGRESSIVE_LOSS);
        if (!(fabs(got - loss) <= 2e-5 * loss)) {
            printf("%s, delay %s: loss %.8g, not %.8g\n", schedules[v / 4], delays[v % 4], got,
                   loss);
        }
        CU_ASSERT_DOUBLE_EQUAL(got, loss, 2e-5 * loss);
        const float *const model = (const float *)results.model_dense[0];
        for (size_t j = 0; j < psi_lr_weight_count(&problem->shape); j++) {
            CU_ASSERT_DOUBLE_EQUAL(model[j], w[j], 1e-3 * (1 + fabs(w[j])));
        }
        psi_results_fini(&results, &plan);
        psi_lr_problem_close(problem);
    }
}

/* A clock of which the difference is published: weights are what they were, plus that. */
static void clock_by_differences(psi_lr_serial *serial) {
    static float before[1 << 13];
    const size_t count = psi_lr_weight_count(&serial->learner.problem->shape);
    CU_ASSERT_FATAL(count <= sizeof before / sizeof before[0]);
    memcpy(before, serial->weights, count * sizeof *before);
    psi_lr_serial_clock(serial);
    for (size_t w = 0; w < count; w++) {
        serial->weights[w] = before[w] + (serial->weights[w] - before[w]);
    }
}

/* The server adds nothing and loses nothing: one worker's weights are those of a loop without one,
 * in all schedules, with delays, and with pairs, whose rows are found anew for every clock. */
static void one_worker_is_the_plain_loop_to_the_bit(void) {
    static const char *const schedules[] = {"constant", "inverse-sqrt", "adaptive", "normalized"};
    for (int v = 0; v < 16; v++) {
        const int is_quadratic = v / 4 % 2;
        const option_setting settings[] = {{PSI_LR_SCHEDULE, schedules[v % 4]},
                                           {PSI_LR_DELAY, v / 8 == 0 ? "0" : "33"},
                                           {PSI_LR_QUADRATIC, is_quadratic ? "yes" : "no"},
                                           {PSI_LR_BITS, is_quadratic ? "13" : "0"},
                                           {PSI_LR_L2, v % 3 == 0 ? "1e-4" : "0"}};
        psi_lr_problem *const problem = problem_open(1, 7, settings, 5);
        psi_results results;
        const psi_plan plan = run(problem, "bsp", 1, 60, &results);
        psi_lr_serial serial;
        CU_ASSERT_EQUAL_FATAL(psi_lr_serial_init(&serial, problem), PS_OK);
        for (int clock = 0; clock < 60; clock++) {
            clock_by_differences(&serial);
        }
        const size_t size = psi_lr_weight_count(&problem->shape) * sizeof(float);
        CU_ASSERT_EQUAL(memcmp(results.model_dense[0], serial.weights, size), 0);
        const psi_lr_progress *const progress = &serial.learner.progress;
        CU_ASSERT_EQUAL(local_run_last(&results, PSI_LR_PROGRESSIVE_LOSS),
                        progress->loss_sum / progress->visit_count);
        psi_lr_serial_fini(&serial);
        psi_results_fini(&results, &plan);
        psi_lr_problem_close(problem);
    }
}

/* What VW prints as `since last`: not the mean of all, but of what came since the last line. */
static void since_last_is_the_mean_over_the_examples_between_evaluations(void) {
    enum { BATCH = 70, HALF = 8 };
    const option_setting settings[] = {{PSI_LR_SCHEDULE, "constant"}, {PSI_LR_STEP, "0.05"}};
    psi_lr_problem *const problem = problem_open(1, BATCH, settings, 2);
    psi_plan plan = run_plan(problem, 1, 2 * HALF);
    plan.eval_every_clocks = HALF;
    psi_results results;
    plan = local_run(plan, "bsp", &results);
    double w[64] = {0}, again[64] = {0};
    const double first = naive_run(problem, (size_t)HALF * BATCH, w);
    const double all = naive_run(problem, 2ULL * HALF * BATCH, again);
    CU_ASSERT_EQUAL_FATAL(results.metrics_count, 3); /* at the start, in the middle, at the end */
    const double *const middle = results.metrics[1].values, *const end = results.metrics[2].values;
    CU_ASSERT_EQUAL(results.metrics[0].values[PSI_LR_SINCE_LOSS], 0);
    CU_ASSERT_DOUBLE_EQUAL(middle[PSI_LR_SINCE_LOSS], first / (HALF * BATCH), 2e-5);
    CU_ASSERT_DOUBLE_EQUAL(end[PSI_LR_SINCE_LOSS], (all - first) / (HALF * BATCH), 2e-5);
    CU_ASSERT(end[PSI_LR_SINCE_LOSS] < 0.95 * end[PSI_LR_PROGRESSIVE_LOSS]);
    const double errors = end[PSI_LR_PROGRESSIVE_ERROR] * 2 - middle[PSI_LR_PROGRESSIVE_ERROR];
    CU_ASSERT_DOUBLE_EQUAL(end[PSI_LR_SINCE_ERROR], errors, 1e-12);
    psi_results_fini(&results, &plan);
    psi_lr_problem_close(problem);
}

/* A file that is sorted by label teaches one class and then the other. */
static void shuffled_is_another_order_of_the_same_examples(void) {
    const option_setting no[] = {{PSI_LR_SHUFFLE, "no"}}, yes[] = {{PSI_LR_SHUFFLE, "yes"}};
    psi_lr_problem *const stream = problem_open(1, 10, no, 1);
    psi_lr_problem *const shuffled = problem_open(1, 10, yes, 1);
    psi_lr_problem *const again = problem_open(2, 10, yes, 1);
    const size_t count = stream->training_count;
    CU_ASSERT_EQUAL_FATAL(shuffled->training_count, count);
    CU_ASSERT_EQUAL_FATAL(shuffled->heldout_count, stream->heldout_count);
    CU_ASSERT_EQUAL(memcmp(shuffled->training, again->training, count * sizeof(uint32_t)), 0);
    const size_t heldout_bytes = stream->heldout_count * sizeof(uint32_t);
    CU_ASSERT_EQUAL(memcmp(shuffled->heldout, stream->heldout, heldout_bytes), 0);
    uint8_t *const seen = calloc(stream->examples.count, 1);
    CU_ASSERT_PTR_NOT_NULL_FATAL(seen);
    size_t moved = 0;
    for (size_t t = 0; t < count; t++) {
        CU_ASSERT(t == 0 || stream->training[t - 1] < stream->training[t]);
        CU_ASSERT_EQUAL(seen[shuffled->training[t]]++, 0);
        moved += shuffled->training[t] != stream->training[t];
    }
    CU_ASSERT(moved > count * 9 / 10);
    for (size_t h = 0; h < stream->heldout_count; h++) {
        CU_ASSERT_EQUAL(seen[stream->heldout[h]], 0);
    }
    free(seen);
    psi_lr_problem_close(stream);
    psi_lr_problem_close(shuffled);
    psi_lr_problem_close(again);
}

static void many_passes_come_to_the_optimum_of_the_objective(void) {
    const option_setting settings[] = {{PSI_LR_L2, "0.01"},
                                       {PSI_LR_SCHEDULE, "inverse-sqrt"},
                                       {PSI_LR_STEP, "0.5"},
                                       {PSI_LR_HELDOUT, "0"}};
    psi_lr_problem *const problem = problem_open(1, 0.5, settings, 4);
    psi_results results;
    const psi_plan plan = run(problem, "bsp", 1, 600, &results);
    const double optimum = lr_optimum(problem, 500, 1e-6, NULL),
                 got = local_run_last(&results, PSI_LR_OBJECTIVE);
    if (!(got <= 1.002 * optimum)) {
        printf("objective %.8g, the least is %.8g\n", got, optimum);
    }
    CU_ASSERT(got >= optimum - 1e-6 && got <= 1.002 * optimum);
    psi_results_fini(&results, &plan);
    psi_lr_problem_close(problem);
}

static void bsp_gives_equal_bits_however_shards_fall(void) {
    const option_setting settings[] = {{PSI_LR_BITS, "10"}};
    psi_lr_problem *const problem = problem_open(3, 20, settings, 1);
    const size_t size = psi_lr_row_count(&problem->shape) * PSI_LR_COLUMNS * sizeof(float);
    psi_results first;
    const psi_plan plan = run(problem, "bsp", 1, 20, &first);
    for (uint32_t shards = 2; shards <= 3; shards++) {
        psi_results again;
        const psi_plan other = run(problem, "bsp", shards, 20, &again);
        CU_ASSERT_EQUAL(memcmp(first.model_dense[0], again.model_dense[0], size), 0);
        CU_ASSERT_EQUAL(local_run_last(&first, PSI_LR_PROGRESSIVE_LOSS),
                        local_run_last(&again, PSI_LR_PROGRESSIVE_LOSS));
        psi_results_fini(&again, &other);
    }
    psi_results_fini(&first, &plan);
    psi_lr_problem_close(problem);
}

/* Each worker goes once through its share, from the common weights; then the mean of all. */
static void mixing_is_the_mean_of_what_workers_learn_alone(void) {
    enum { WORKERS = 3, EPOCHS = 4 };
    const option_setting settings[] = {
        {PSI_LR_MIXING, "yes"}, {PSI_LR_SCHEDULE, "constant"}, {PSI_LR_STEP, "0.1"}};
    psi_lr_problem *const problem = problem_open(WORKERS, 0.999, settings, 3);
    const psi_examples *const examples = &problem->examples;
    psi_results results;
    const psi_plan plan = run(problem, "bsp", 2, EPOCHS, &results);
    const size_t count = psi_lr_weight_count(&problem->shape);
    double common[64] = {0};
    for (int epoch = 0; epoch < EPOCHS; epoch++) {
        double mean[64] = {0};
        for (uint32_t rank = 0; rank < WORKERS; rank++) {
            double w[64];
            const size_t own = psi_lr_own_count(problem, rank);
            memcpy(w, common, sizeof w);
            for (size_t v = 0; v < own; v++) {
                const size_t i = problem->training[v * WORKERS + rank];
                double margin = 0;
                for (size_t n = examples->begins[i]; n < examples->begins[i + 1]; n++) {
                    margin += w[examples->features[n]] * (double)examples->values[n];
                }
                const double slope_here = psi_lr_slope(margin, examples->labels[i]);
                for (size_t n = examples->begins[i]; n < examples->begins[i + 1]; n++) {
                    w[examples->features[n]] -= 0.1 * slope_here * (double)examples->values[n];
                }
            }
            for (size_t j = 0; j < count; j++) {
                mean[j] += w[j] / WORKERS;
            }
        }
        memcpy(common, mean, sizeof common);
    }
    const float *const model = (const float *)results.model_dense[0];
    for (size_t j = 0; j < count; j++) {
        CU_ASSERT_DOUBLE_EQUAL(model[j], common[j], 1e-4 * (1 + fabs(common[j])));
    }
    psi_results_fini(&results, &plan);
    psi_lr_problem_close(problem);
}

static void every_policy_learns(void) {
    static const char *const policies[] = {"bsp", "ssp:2", "essp:2", "async"};
    for (size_t p = 0; p < sizeof policies / sizeof policies[0]; p++) {
        psi_lr_problem *const problem = problem_open(3, 10, NULL, 0);
        psi_results results;
        const psi_plan plan = run(problem, policies[p], 2, 180, &results);
        if (!(local_run_last(&results, PSI_LR_OBJECTIVE) < 0.6)) {
            printf("%s: %.4f\n", policies[p], local_run_last(&results, PSI_LR_OBJECTIVE));
        }
        CU_ASSERT(local_run_last(&results, PSI_LR_OBJECTIVE) < 0.6); /* ln 2 at the start */
        CU_ASSERT(local_run_last(&results, PSI_LR_AUC) > 0.75);
        CU_ASSERT_EQUAL(local_run_last(&results, PSI_LR_EXAMPLES), 3 * 10 * 180);
        psi_results_fini(&results, &plan);
        psi_lr_problem_close(problem);
    }
}

/* Infinities become nan in the margins, which have no order: the run must end nevertheless. */
static void a_run_that_diverges_ends_well(void) {
    const option_setting settings[] = {
        {PSI_LR_STEP, "1e9"}, {PSI_LR_SCHEDULE, "constant"}, {PSI_LR_L2, "1e9"}};
    psi_lr_problem *const problem = problem_open(2, 50, settings, 3);
    psi_results results;
    const psi_plan plan = run(problem, "ssp:1", 1, 20, &results);
    CU_ASSERT_FALSE(isfinite(local_run_last(&results, PSI_LR_OBJECTIVE)));
    psi_results_fini(&results, &plan);
    psi_lr_problem_close(problem);
}

/* Parts of two models must not become a third: each number that does not fit is named. */
static void models_that_do_not_fit_are_refused(void) {
    enum { ROWS = 2, BITS = 0, PAIRS, BIAS, FEATURES, NUMBERS };
    static const struct {
        double numbers[NUMBERS];
        uint64_t rows;
        uint32_t columns;
        const char *said; /* NULL: it is a good one */
    } cases[] = {
        {{0, 0, 1, 127}, ROWS, PSI_LR_COLUMNS, NULL},
        {{7, 1, 1, 127}, ROWS, PSI_LR_COLUMNS, NULL},
        {{0, 0, 1, 128}, ROWS, PSI_LR_COLUMNS, "need 3"},
        {{8, 0, 1, 127}, ROWS, PSI_LR_COLUMNS, "bits 8"},
        {{0, 1, 1, 127}, ROWS, PSI_LR_COLUMNS, "quadratic 1"},
        {{31, 0, 1, 127}, ROWS, PSI_LR_COLUMNS, "'bits'"},
        {{0, 0.5, 1, 127}, ROWS, PSI_LR_COLUMNS, "'quadratic'"},
        {{0, 0, 2, 127}, ROWS, PSI_LR_COLUMNS, "'bias'"},
        {{0, 0, 1, -1}, ROWS, PSI_LR_COLUMNS, "'features'"},
        {{0, 0, 1, 127}, ROWS, 32, "rows of 64"},
        {{0, 0, 1, 127}, 1, PSI_LR_COLUMNS, "has 1 rows"},
    };
    static const char *const names[NUMBERS] = {"bits", "quadratic", "bias", "features"};
    static const float weights[ROWS * PSI_LR_COLUMNS];
    for (size_t c = 0; c < sizeof cases / sizeof cases[0]; c++) {
        ps_piece pieces[NUMBERS + 1];
        for (int n = 0; n < NUMBERS; n++) {
            pieces[n] = (ps_piece){
                .kind = PS_MODEL_NUMBER, .name = names[n], .number = cases[c].numbers[n]};
        }
        pieces[NUMBERS] = (ps_piece){.kind = PS_MODEL_ARRAY,
                                     .name = "weights",
                                     .type = PS_F32,
                                     .row_count = cases[c].rows,
                                     .column_count = cases[c].columns,
                                     .content = weights};
        const ps_question question = {
            .pieces = pieces, .piece_count = NUMBERS + 1, .data = small_data, .seed = 1};
        ps_answer answer;
        ps_fault fault = {0};
        const ps_err err = psi_lr_infer(&question, &answer, &fault);
        CU_ASSERT_EQUAL(err, cases[c].said == NULL ? PS_OK : PS_EFORMAT);
        const int is_said = cases[c].said == NULL || strstr(fault.text, cases[c].said) != NULL;
        if (!is_said) {
            printf("case %zu: %s\n", c, fault.text);
        }
        CU_ASSERT(is_said);
        free(answer.values);
    }
}

static const suite_test tests[] = {
    SUITE_TEST(one_worker_learns_what_the_definition_says),
    SUITE_TEST(one_worker_is_the_plain_loop_to_the_bit),
    SUITE_TEST(since_last_is_the_mean_over_the_examples_between_evaluations),
    SUITE_TEST(shuffled_is_another_order_of_the_same_examples),
    SUITE_TEST(models_that_do_not_fit_are_refused),
    SUITE_TEST(many_passes_come_to_the_optimum_of_the_objective),
    SUITE_TEST(bsp_gives_equal_bits_however_shards_fall),
    SUITE_TEST(mixing_is_the_mean_of_what_workers_learn_alone),
    SUITE_TEST(every_policy_learns),
    SUITE_TEST(a_run_that_diverges_ends_well),
};
SUITE_MAIN("lr runs", tests)
