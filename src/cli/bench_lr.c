/* `tortoise bench lr`: logistic regression.
 *
 *  - Examples and non-zeros per second of one plain loop, beside one that only takes margins; of
 *    one worker through the whole parameter server, beside the plain loop; and of two workers,
 *    beside one. Without hashing, hashed, and with pairs.
 *  - Reading libsvm text, beside a pass over the bytes of the same file that counts its lines. */
#include "bench.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <unistd.h>

#include "algos/lr/lr_app.h"
#include "algos/lr/lr_serial.h"
#include "bench_plan.h"

enum { REPETITIONS = 5, BUFFER_BYTES = 1 << 18 };

/* What is learned. Pairs make 1225 features of 50, so few examples are enough. */
typedef struct subject {
    const char *name, *bits, *quadratic, *schedule;
    const char *data, *quick_data;
    double batch;       /* examples in a clock */
    double ratio_asked; /* of one worker to the plain loop */
} subject;

#define LINEAR_DATA "synthetic:features=60000,nonzeros=50,skew=1,examples="

static const subject subjects[] = {
    {"linear", "0", "no", "normalized", LINEAR_DATA "200000", LINEAR_DATA "5000", 5000, 0.7},
    {"hashed", "18", "no", "normalized", LINEAR_DATA "200000", LINEAR_DATA "5000", 5000, 0.7},
    {"hashed, adaptive", "18", "no", "adaptive", LINEAR_DATA "200000", LINEAR_DATA "5000", 5000,
     0.7},
    {"pairs", "18", "yes", "normalized", LINEAR_DATA "8000", LINEAR_DATA "400", 400, 0.7},
};

static ps_err problem_open(const char *data, const subject *what, uint32_t worker_count,
                           psi_lr_problem **problem_out, ps_fault *fault) {
    const char *values[PSI_LR_OPTIONS];
    for (size_t i = 0; i < PSI_LR_OPTIONS; i++) {
        values[i] = psi_lr_option_list[i].default_value;
    }
    values[PSI_LR_BITS] = what->bits;
    values[PSI_LR_QUADRATIC] = what->quadratic;
    values[PSI_LR_SCHEDULE] = what->schedule;
    values[PSI_LR_HELDOUT] = "0";
    const ps_settings settings = {.data = data,
                                  .seed = 1,
                                  .worker_count = worker_count,
                                  .batch = what->batch,
                                  .values = values};
    return psi_lr_problem_open(&settings, problem_out, fault);
}

/* Clocks of one pass. */
static uint32_t clocks_of(const psi_lr_problem *problem) {
    return (uint32_t)(psi_lr_own_count(problem, 0) / psi_lr_batch_size(problem, 0));
}

/* Examples of so many clocks. */
static double examples_of(const psi_lr_problem *problem) {
    double examples = 0;
    for (uint32_t w = 0; w < problem->worker_count; w++) {
        examples += (double)psi_lr_batch_size(problem, w);
    }
    return examples * clocks_of(problem);
}

/* Examples per second of margins alone, at the weights of `serial`. */
static double margins_rate(const psi_lr_serial *serial) {
    const psi_lr_problem *const problem = serial->learner.problem;
    const double begin_s = tt_bench_now_s();
    float sum = 0;
    for (size_t i = 0; i < problem->examples.count; i++) {
        const psi_lr_view x = psi_lr_view_of(&problem->shape, &problem->examples, i);
        sum += psi_lr_margin(&problem->shape, serial->learner.rows, &x);
    }
    const double seconds = tt_bench_now_s() - begin_s;
    return sum == 12345.678F ? 0 : (double)problem->examples.count / seconds; /* sum is used */
}

typedef struct rates {
    double margins, serial, worker, workers; /* examples per second */
} rates;

static ps_err serial_measure(const psi_lr_problem *problem, rates *best, ps_fault *fault) {
    psi_lr_serial serial;
    const ps_err err = psi_lr_serial_init(&serial, problem);
    if (err != PS_OK) {
        return ps_fault_set(fault, err, "the plain loop: %s", ps_err_text(err));
    }
    const double begin_s = tt_bench_now_s();
    for (uint32_t clock = 0; clock < clocks_of(problem); clock++) {
        psi_lr_serial_clock(&serial);
    }
    const double rate = examples_of(problem) / (tt_bench_now_s() - begin_s);
    best->serial = rate > best->serial ? rate : best->serial;
    const double margins = margins_rate(&serial);
    best->margins = margins > best->margins ? margins : best->margins;
    psi_lr_serial_fini(&serial);
    return PS_OK;
}

/* Workers are threads of one process, which has one shard. */
static ps_err workers_measure(const psi_lr_problem *problem, const char *policy, double *best,
                              ps_fault *fault) {
    psi_plan plan = {.algo = &psi_lr_algo,
                     .problem = problem,
                     .node_count = 1,
                     .worker_count = problem->worker_count,
                     .shard_count = 1,
                     .process_count = 1,
                     .clock_count = clocks_of(problem),
                     .seed = 1};
    plan.table_count = psi_lr_algo.tables(problem, plan.specs);
    PS_TRY(psi_policy_parse(policy, &plan.policy, fault));
    double seconds = 0;
    PS_TRY(tt_bench_timed_run(&plan, &seconds, fault));
    const double rate = examples_of(problem) / seconds;
    *best = rate > *best ? rate : *best;
    return PS_OK;
}

static void rates_print(const char *name, double units, const rates *best, double ratio_asked) {
    char what[64];
    (void)snprintf(what, sizeof what, "%s: plain loop", name);
    tt_bench_print(&(tt_bench_line){.bench = "lr",
                                    .what = what,
                                    .value = best->serial,
                                    .unit = "examples/s",
                                    .limit = best->margins,
                                    .limit_name = "margins alone"});
    (void)snprintf(what, sizeof what, "%s: one worker", name);
    tt_bench_print(&(tt_bench_line){.bench = "lr",
                                    .what = what,
                                    .value = best->worker,
                                    .unit = "examples/s",
                                    .limit = best->serial,
                                    .limit_name = "plain loop",
                                    .ratio_asked = ratio_asked});
    tt_bench_print(&(tt_bench_line){
        .bench = "lr", .what = what, .value = best->worker * units, .unit = "non-zeros/s"});
    (void)snprintf(what, sizeof what, "%s: two workers", name);
    tt_bench_print(&(tt_bench_line){.bench = "lr",
                                    .what = what,
                                    .value = best->workers,
                                    .unit = "examples/s",
                                    .limit = best->worker,
                                    .limit_name = "one worker"});
}

/* Measures all by turns, so that a busy machine is unfair to none, and prints the best of each. */
static ps_err subject_measure(const subject *what, const char *data, int repetitions,
                              ps_fault *fault) {
    psi_lr_problem *one = NULL, *two = NULL;
    PS_TRY(problem_open(data, what, 1, &one, fault));
    PS_TRY(problem_open(data, what, 2, &two, fault));
    rates best = {0};
    for (int i = 0; i < repetitions; i++) {
        PS_TRY(serial_measure(one, &best, fault));
        PS_TRY(workers_measure(one, "bsp", &best.worker, fault));
        PS_TRY(workers_measure(two, "ssp:1", &best.workers, fault));
    }
    double units = 0;
    for (size_t i = 0; i < one->examples.count; i++) {
        const psi_lr_view x = psi_lr_view_of(&one->shape, &one->examples, i);
        units += psi_lr_units(&x) / (double)one->examples.count;
    }
    rates_print(what->name, units, &best, what->ratio_asked);
    psi_lr_problem_close(one);
    psi_lr_problem_close(two);
    return PS_OK;
}

/* ---- Reading ---- */

/* Writes examples as libsvm text; ids as they are read again. */
static ps_err text_write(FILE *file, const psi_examples *examples, ps_fault *fault) {
    for (size_t i = 0; i < examples->count; i++) {
        (void)fprintf(file, "%g", (double)examples->labels[i]);
        for (size_t n = examples->begins[i]; n < examples->begins[i + 1]; n++) {
            (void)fprintf(file, " %u:%.4g", examples->features[n] + 1, (double)examples->values[n]);
        }
        (void)fputc('\n', file);
    }
    return fflush(file) == 0 && ferror(file) == 0
               ? PS_OK
               : ps_fault_set(fault, PS_EIO, "bench lr: the text to read could not be written");
}

/* Seconds of a pass over the bytes that counts the lines; how many bytes there are. */
static double raw_s(const char *path, double *bytes_out) {
    static char buffer[BUFFER_BYTES];
    FILE *const file = fopen(path, "rb");
    const double begin_s = tt_bench_now_s();
    size_t lines = 0, bytes = 0;
    for (size_t got = 1; file != NULL && got > 0; bytes += got) {
        got = fread(buffer, 1, sizeof buffer, file);
        for (size_t i = 0; i < got; i++) {
            lines += buffer[i] == '\n';
        }
    }
    const double seconds = tt_bench_now_s() - begin_s;
    if (file != NULL) {
        (void)fclose(file);
    }
    *bytes_out = lines > 0 ? (double)bytes : 0;
    return seconds;
}

static ps_err reading_measure(const char *path, int repetitions, ps_fault *fault) {
    double best = 0, best_raw = 0, nonzeros = 0;
    for (int i = 0; i < repetitions; i++) {
        double bytes = 0;
        const double raw = raw_s(path, &bytes);
        psi_examples examples;
        const double begin_s = tt_bench_now_s();
        PS_TRY(psi_examples_read(path, &examples, fault));
        const double seconds = tt_bench_now_s() - begin_s;
        best = bytes / seconds > best ? bytes / seconds : best;
        best_raw = bytes / raw > best_raw ? bytes / raw : best_raw;
        const double rate = (double)examples.nonzero_count / seconds;
        nonzeros = rate > nonzeros ? rate : nonzeros;
        psi_examples_fini(&examples);
    }
    tt_bench_print(&(tt_bench_line){.bench = "lr",
                                    .what = "reading libsvm text",
                                    .value = best,
                                    .unit = "B/s",
                                    .limit = best_raw,
                                    .limit_name = "counting lines"});
    tt_bench_print(&(tt_bench_line){
        .bench = "lr", .what = "reading libsvm text", .value = nonzeros, .unit = "non-zeros/s"});
    return PS_OK;
}

/* The text lies in a file of its own, which is gone afterwards. */
static ps_err reading_run(const char *data, int repetitions, ps_fault *fault) {
    const char *const folder = getenv("TMPDIR");
    char path[4096];
    (void)snprintf(path, sizeof path, "%s/tortoise-bench-XXXXXX", folder == NULL ? "/tmp" : folder);
    psi_examples examples;
    PS_TRY(psi_examples_open(data, 1, 1, &examples, fault));
    const int descriptor = mkstemp(path);
    FILE *const file = descriptor < 0 ? NULL : fdopen(descriptor, "wb");
    ps_err err = file != NULL ? text_write(file, &examples, fault)
                              : ps_fault_set(fault, PS_EIO, "%s: cannot be made", path);
    psi_examples_fini(&examples);
    err = err == PS_OK ? reading_measure(path, repetitions, fault) : err;
    if (file != NULL) {
        (void)fclose(file);
    }
    if (descriptor >= 0) {
        (void)unlink(path);
    }
    return err;
}

static ps_err lr_run(const tt_bench_options *options, ps_fault *fault) {
    const int repetitions = options->is_quick ? 1 : REPETITIONS;
    for (size_t s = 0; s < sizeof subjects / sizeof subjects[0]; s++) {
        const char *const usual = options->is_quick ? subjects[s].quick_data : subjects[s].data;
        const char *const data = options->data == NULL ? usual : options->data;
        PS_TRY(subject_measure(&subjects[s], data, repetitions, fault));
    }
    return reading_run(options->is_quick ? subjects[0].quick_data : subjects[0].data, repetitions,
                       fault);
}

const tt_bench tt_bench_lr = {
    .name = "lr",
    .summary = "logistic regression: workers beside a plain loop, reading beside counting lines",
    .run = lr_run,
};
