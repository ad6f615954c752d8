#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "algos/mf/serial.h"
#include "algos/registry.h"
#include "mf_fixture.h"
#include "support/suite.h"

static const char *const variants[] = {
    "",
    "biases=no",
    "adagrad=row schedule=constant",
    "adagrad=coordinate schedule=constant",
    "schedule=bold-driver",
    "schedule=constant step=0.03",
    "rank=5 biases=no",
    "rank=10 lambda=0.02",
};
enum { VARIANTS = sizeof variants / sizeof variants[0] };

/* Trains for `passes` passes and returns the metrics. */
static void train(const psi_mf_problem *problem, int passes, double metrics[PSI_MF_METRICS]) {
    psi_mf_serial serial;
    CU_ASSERT_EQUAL_FATAL(psi_mf_serial_init(&serial, problem), PS_OK);
    for (int pass = 0; pass < passes; pass++) {
        (void)psi_mf_serial_pass(&serial);
    }
    psi_mf_serial_evaluate(&serial, metrics);
    psi_mf_serial_fini(&serial);
}

/* The data has known noise: a learner that is right comes near it on ratings that it has not seen,
 * and none can come below. The model has as many factors as the truth; each costs a little beside
 * the noise. */
static void reaches_the_noise_of_synthetic_data(void) {
    psi_mf_problem *const problem =
        mf_fixture_open("synthetic:users=3000,items=500,rank=5,ratings=600000,noise=0.5", 3, 1,
                        "rank=5 lambda=0.01 biases=no");
    double metrics[PSI_MF_METRICS];
    train(problem, 40, metrics);
    printf("held-out RMSE %.4f, noise 0.5 ", metrics[PSI_MF_HELDOUT_RMSE]);
    CU_ASSERT(metrics[PSI_MF_HELDOUT_RMSE] < 0.5 * 1.05);
    CU_ASSERT(metrics[PSI_MF_HELDOUT_RMSE] > 0.5 * 0.99);
    CU_ASSERT(metrics[PSI_MF_TRAIN_RMSE] < metrics[PSI_MF_HELDOUT_RMSE]);
    psi_mf_problem_close(problem);
}

/* Whoever types no option at all must see a model that learns, whatever else he chooses. */
static void every_variant_learns_with_the_other_defaults(void) {
    for (size_t v = 0; v < VARIANTS; v++) {
        psi_mf_problem *const problem = mf_fixture_open("synthetic", 1, 1, variants[v]);
        double start[PSI_MF_METRICS], end[PSI_MF_METRICS];
        train(problem, 0, start);
        train(problem, 20, end);
        if (!(end[PSI_MF_HELDOUT_RMSE] < 0.6)) {
            printf("%s: held-out %.4f\n", variants[v], end[PSI_MF_HELDOUT_RMSE]);
        }
        CU_ASSERT_DOUBLE_EQUAL(start[PSI_MF_OBJECTIVE], 1, 0.1);
        CU_ASSERT(end[PSI_MF_OBJECTIVE] < 0.45);
        CU_ASSERT(end[PSI_MF_HELDOUT_RMSE] < 0.6);
        psi_mf_problem_close(problem);
    }
}

/* Steps that are small enough go down: the objective falls pass after pass, whatever the order. */
static void the_objective_falls_in_every_pass(void) {
    psi_mf_problem *const problem =
        mf_fixture_open("synthetic", 2, 1, "schedule=constant step=0.02");
    psi_mf_serial serial;
    CU_ASSERT_EQUAL_FATAL(psi_mf_serial_init(&serial, problem), PS_OK);
    double before = INFINITY;
    for (int pass = 0; pass < 15; pass++) {
        double metrics[PSI_MF_METRICS];
        (void)psi_mf_serial_pass(&serial);
        psi_mf_serial_evaluate(&serial, metrics);
        CU_ASSERT(metrics[PSI_MF_OBJECTIVE] < before);
        before = metrics[PSI_MF_OBJECTIVE];
    }
    psi_mf_serial_fini(&serial);
    psi_mf_problem_close(problem);
}

/* Two runs that differ in the last bit cannot be told from two runs that differ in a bug. */
static void equal_seeds_give_equal_bits(void) {
    for (size_t v = 0; v < VARIANTS; v++) {
        psi_mf_serial runs[3];
        psi_mf_problem *problems[3];
        static const uint64_t seeds[] = {6, 6, 7};
        for (int r = 0; r < 3; r++) {
            problems[r] = mf_fixture_open("synthetic:users=300,items=60,ratings=9000", seeds[r], 1,
                                          variants[v]);
            CU_ASSERT_EQUAL_FATAL(psi_mf_serial_init(&runs[r], problems[r]), PS_OK);
            for (int pass = 0; pass < 3; pass++) {
                (void)psi_mf_serial_pass(&runs[r]);
            }
        }
        const size_t size = 60 * psi_mf_width(problems[0]->shape) * sizeof(float);
        CU_ASSERT_EQUAL(memcmp(runs[0].items, runs[1].items, size), 0);
        CU_ASSERT_NOT_EQUAL(memcmp(runs[0].items, runs[2].items, size), 0);
        for (int r = 0; r < 3; r++) {
            psi_mf_serial_fini(&runs[r]);
            psi_mf_problem_close(problems[r]);
        }
    }
}

/* A model of a problem with rank 3 and biases that has not learned, but has biases. */
typedef struct untrained {
    const psi_mf_problem *problem;
    float *users, *items;
    size_t width;
} untrained;

static untrained untrained_make(const psi_mf_problem *problem) {
    const size_t width = psi_mf_width(problem->shape);
    const untrained model = {.problem = problem,
                             .users = calloc(problem->user_count, width * sizeof(float)),
                             .items = calloc(problem->item_count, width * sizeof(float)),
                             .width = width};
    CU_ASSERT_FATAL(model.users != NULL && model.items != NULL);
    for (uint32_t i = 0; i < problem->item_count; i++) {
        psi_mf_item_init(problem, i, model.items + i * width);
        model.items[i * width + 3] = 0.01F * (float)i;
    }
    for (uint32_t w = 0; w < problem->worker_count; w++) {
        psi_mf_users_init(problem, w, model.users + problem->blocks.shares[w].user_begin * width);
    }
    return model;
}

/* J of one rating by its definition; the squared error alone is added to *squares. */
static double loss_of(const float *p, const float *q, float value, double lambda, double *squares) {
    double guess = (double)p[3] + (double)q[3], penalty = 0;
    for (int k = 0; k < 4; k++) {
        guess += k < 3 ? (double)p[k] * (double)q[k] : 0;
        penalty += (double)p[k] * (double)p[k] + (double)q[k] * (double)q[k];
    }
    const double error = (double)value - guess;
    *squares += error * error;
    return error * error + lambda * penalty;
}

/* The metrics of all training ratings, one by one. */
static void metrics_by_definition(const untrained *model, double *objective, double *rmse) {
    const psi_mf_blocks *const blocks = &model->problem->blocks;
    double loss = 0, squares = 0;
    for (uint32_t w = 0; w < blocks->worker_count; w++) {
        const psi_mf_share *const share = &blocks->shares[w];
        for (size_t b = share->batch_begin; b < share[1].batch_begin; b++) {
            const psi_mf_batch *const batch = &blocks->batches[b];
            for (size_t i = batch->rating_begin; i < batch[1].rating_begin; i++) {
                const psi_mf_rating r = blocks->ratings[i];
                const uint32_t item = blocks->items[batch->item_begin + r.slot];
                loss += loss_of(model->users + (share->user_begin + r.user) * model->width,
                                model->items + item * model->width, r.value, 0.3, &squares);
            }
        }
    }
    const double count = (double)model->problem->training_count;
    *objective = loss / count;
    *rmse = model->problem->deviation * sqrt(squares / count);
}

/* The penalty is summed by users and items, not by ratings, and in parts by worker: the same must
 * come out. */
static void metrics_are_what_they_are_called(void) {
    static const char data[] = "synthetic:users=211,items=40,ratings=3000";
    for (uint32_t workers = 1; workers <= 7; workers += 3) {
        psi_mf_problem *const problem = mf_fixture_open(data, 5, workers, "rank=3 lambda=0.3");
        const untrained model = untrained_make(problem);
        double sums[PSI_MF_SUMS] = {0}, metrics[PSI_MF_METRICS], part[PSI_MF_SUMS];
        for (uint32_t w = 0; w < workers; w++) {
            const size_t begin = problem->blocks.shares[w].user_begin;
            psi_mf_evaluate(problem, w, model.users + begin * model.width, model.items, part);
            for (int s = 0; s < PSI_MF_SUMS; s++) {
                sums[s] += part[s];
            }
        }
        psi_mf_finish(problem, sums, metrics);
        double objective = 0, rmse = 0;
        metrics_by_definition(&model, &objective, &rmse);
        CU_ASSERT_DOUBLE_EQUAL(metrics[PSI_MF_OBJECTIVE], objective, 1e-6);
        CU_ASSERT_DOUBLE_EQUAL(metrics[PSI_MF_TRAIN_RMSE], rmse, 1e-6);
        free(model.users);
        free(model.items);
        psi_mf_problem_close(problem);
    }
}

/* The split is a share of the ratings, of the position and the seed alone, whoever the workers are.
 */
static void held_out_ratings_do_not_depend_on_the_workers(void) {
    psi_mf_problem *const one = mf_fixture_open("synthetic:users=500,seed=1", 9, 1, "heldout=0.2");
    psi_mf_problem *const many = mf_fixture_open("synthetic:users=500,seed=1", 9, 8, "heldout=0.2");
    const double total = (double)(one->training_count + one->heldout_count);
    CU_ASSERT_DOUBLE_EQUAL((double)one->heldout_count / total, 0.2, 4 * sqrt(0.2 * 0.8 / total));
    CU_ASSERT_EQUAL(one->heldout_count, many->heldout_count);
    CU_ASSERT_EQUAL(one->mean, many->mean);
    CU_ASSERT_EQUAL(one->deviation, many->deviation);
    psi_mf_problem_close(one);
    psi_mf_problem_close(many);
}

/* A step that is too large is a result of an experiment, not a crash: the objective says nan or
 * inf. */
static void divergence_ends_in_numbers_that_are_none(void) {
    psi_mf_problem *const problem =
        mf_fixture_open("synthetic:users=300,items=60", 1, 1, "step=900 schedule=constant");
    double metrics[PSI_MF_METRICS];
    train(problem, 3, metrics);
    CU_ASSERT_FALSE(isfinite(metrics[PSI_MF_OBJECTIVE]));
    psi_mf_problem_close(problem);
}

/* An evaluation that looks at a share of the ratings estimates what all of them give. */
static void a_share_of_the_ratings_estimates_the_objective(void) {
    psi_mf_problem *const whole = mf_fixture_open("synthetic", 4, 1, NULL);
    psi_mf_problem *const part = mf_fixture_open("synthetic", 4, 1, "eval-share=0.1");
    double all[PSI_MF_METRICS], some[PSI_MF_METRICS];
    train(whole, 3, all);
    train(part, 3, some);
    CU_ASSERT_DOUBLE_EQUAL(some[PSI_MF_OBJECTIVE], all[PSI_MF_OBJECTIVE],
                           0.05 * all[PSI_MF_OBJECTIVE]);
    CU_ASSERT_NOT_EQUAL(some[PSI_MF_OBJECTIVE], all[PSI_MF_OBJECTIVE]);
    CU_ASSERT_EQUAL(some[PSI_MF_HELDOUT_RMSE], all[PSI_MF_HELDOUT_RMSE]);
    psi_mf_problem_close(whole);
    psi_mf_problem_close(part);
}

/* What the command line promises about algorithms. */
static void the_registry_knows_its_algorithms_by_name(void) {
    size_t count = 0;
    const ps_algo *const *const algos = psi_algos(&count);
    CU_ASSERT(count >= 1);
    for (size_t i = 0; i < count; i++) {
        CU_ASSERT_PTR_EQUAL(psi_algo_find(algos[i]->name, NULL), algos[i]);
        CU_ASSERT_EQUAL(strcmp(algos[i]->metrics[0], "objective"), 0);
        CU_ASSERT(algos[i]->metric_count <= PS_METRICS_MAX && algos[i]->sum_count <= PS_SUMS_MAX);
    }
    ps_fault fault = {0};
    CU_ASSERT_PTR_NULL(psi_algo_find("mff", &fault));
    CU_ASSERT_EQUAL(fault.err, PS_EINVAL);
    CU_ASSERT_PTR_NOT_NULL(strstr(fault.text, "nearest is 'mf'"));
}

static const suite_test tests[] = {
    SUITE_TEST(reaches_the_noise_of_synthetic_data),
    SUITE_TEST(every_variant_learns_with_the_other_defaults),
    SUITE_TEST(the_objective_falls_in_every_pass),
    SUITE_TEST(equal_seeds_give_equal_bits),
    SUITE_TEST(metrics_are_what_they_are_called),
    SUITE_TEST(held_out_ratings_do_not_depend_on_the_workers),
    SUITE_TEST(divergence_ends_in_numbers_that_are_none),
    SUITE_TEST(a_share_of_the_ratings_estimates_the_objective),
    SUITE_TEST(the_registry_knows_its_algorithms_by_name),
};
SUITE_MAIN("mf learning", tests)
