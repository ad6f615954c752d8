#include <stdlib.h>
#include "tortoise/algo.h"

/* min over w of 1/(2n) sum_i (x_i.w - y_i)^2; every worker draws its own examples, y = x.(1, 2, 3, 4). */
enum { FEATURES = 4, EXAMPLES = 500, WEIGHTS = 0 /* the table */, LOSS = 0, COUNT = 1 /* the sums */ };

struct problem { uint64_t seed; uint32_t worker_count; double step; };
struct share { /* one worker's examples, and what a step needs of them */
    double x[EXAMPLES][FEATURES], y[EXAMPLES], delta[FEATURES], step, loss;
    const double *weights;
};

static void draw(const struct problem *problem, uint32_t rank, struct share *share) {
    ps_random random = ps_random_stream(problem->seed, "examples", rank);
    for (int i = 0; i < EXAMPLES; i++) {
        for (int j = 0; j < FEATURES; j++) {
            share->x[i][j] = 2.0 * ps_random_uniform(&random) - 1.0;
            share->y[i] = (j == 0 ? 0.0 : share->y[i]) + share->x[i][j] * (j + 1);
        }
    }
}

static void gradient_step(void *arg) { /* delta = -step * gradient at the weights; loss on the way */
    struct share *const share = arg;
    share->loss = 0.0;
    for (int j = 0; j < FEATURES; j++) { share->delta[j] = 0.0; }
    for (int i = 0; i < EXAMPLES; i++) {
        double error = -share->y[i];
        for (int j = 0; j < FEATURES; j++) { error += share->x[i][j] * share->weights[j]; }
        for (int j = 0; j < FEATURES; j++) { share->delta[j] -= share->step * error * share->x[i][j]; }
        share->loss += 0.5 * error * error;
    }
}

static ps_err work(ps_worker *w, const void *arg) {
    const struct problem *const problem = arg;
    struct share share = {.step = problem->step / EXAMPLES / problem->worker_count};
    draw(problem, ps_rank(w), &share);
    for (uint32_t clock = 0; clock < ps_clock_count(w); clock++) {
        PS_TRY(ps_fetch(w, WEIGHTS, (const uint64_t[]){0}, 1)); /* waits as the policy says */
        share.weights = ps_get(w, WEIGHTS, 0);
        PS_TRY(ps_compute(w, EXAMPLES * FEATURES, gradient_step, &share));
        PS_TRY(ps_add(w, WEIGHTS, 0, share.delta));
        PS_TRY(ps_clock(w)); /* publishes the delta */
    }
    return PS_OK;
}

static ps_err open_problem(const ps_settings *s, void **problem_out, ps_fault *fault) {
    struct problem *const made = *problem_out = malloc(sizeof *made);
    if (made == NULL) { return ps_fault_set(fault, PS_ENOMEM, "no memory"); }
    *made = (struct problem){s->seed, s->worker_count, ps_option_number(s->values[0])};
    return PS_OK;
}

static size_t tables(const void *problem, ps_table_spec *specs) {
    specs[0] = (ps_table_spec){.name = "weights", .type = PS_F64, .row_count = 1, .column_count = FEATURES};
    return (void)problem, 1;
}

static void evaluate(const void *problem, uint32_t rank, const void *local, size_t local_size_bytes,
                     const ps_model *model, double *sums) {
    (void)local, (void)local_size_bytes; /* the worker publishes none */
    struct share share = {.weights = model->dense[WEIGHTS]};
    draw(problem, rank, &share);
    gradient_step(&share);
    sums[LOSS] = share.loss, sums[COUNT] = EXAMPLES;
}

static void finish(const void *problem, const double *sums, double *metrics) {
    (void)problem, metrics[0] = sums[LOSS] / sums[COUNT];
}

const ps_algo example_algo = {
    .name = "least-squares", .summary = "least squares by gradient descent", .unit = "example x feature",
    .unit_cost_s = 1e-9, .default_clock_count = 50,
    .options = &(const ps_option){"step", PS_OPTION_NUMBER, NULL, "1.0", 0.0, 10.0, "step size"}, .option_count = 1,
    .metrics = (const char *const[]){"objective"}, .metric_count = 1, .sum_count = 2,
    .open = open_problem, .close = free, .tables = tables, .worker = work, .evaluate = evaluate, .finish = finish,
};
