/* `tortoise bench lda`: topic models on one core, in a plain loop without a server.
 *
 *  - Tokens per second of the samplers, some passes after the start, beside a loop that visits the
 *    same tokens twice, in the order of the documents and in that of the words, and counts their
 *    topics.
 *  - Bytes per token beside the tables: all that is allocated, and the copy of the topics that an
 *    evaluation looks at.
 *  - Time to a likelihood: `auto` makes as many passes from uniform topics as a rival did, whose
 *    passes draw from the same distribution. That is the time to the rival's likelihood; how long
 *    does `--first-topics sequential` take to it? */
#include "bench.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#if defined(__GLIBC__)
#include <malloc.h>
#endif

#include "algos/lda/lda_serial.h"
#include "algos/lda/packed_topics.h"

/* Documents, tokens and words of the size at which rival programs were measured. */
static const char default_data[] =
    "synthetic:docs=20000,words=20000,topics=100,length=99,zipf=1,beta=0.05";
static const char quick_data[] =
    "synthetic:docs=2000,words=20000,topics=100,length=99,zipf=1,beta=0.05";

enum { WARM_UP_PASSES = 5, PASSES = 3 };

static const double bytes_asked = 12;

typedef struct source {
    const char *name;
    bool is_quick;
    bool has_rivals; /* it is what they were measured on */
} source;

/* What is measured, and what is asked for (0: nothing). Mallet's sampler was measured on the
 * default corpus, token by token the same, on one thread of an AMD EPYC of the third generation
 * (means of 100 and 60 passes); the others on corpora of its size. */
typedef struct subject {
    const char *sampler, *topics, *alpha, *mh_steps;
    double asked;
    tt_bench_rival rival;
} subject;

static const subject subjects[] = {
    {"dense", "100", "0.5", "1", 0, {0}},
    {"sparse", "100", "0.5", "1", 1.2e6, {"Mallet", 4.4e6, 1.5}},
    {"alias", "100", "0.5", "2", 0, {0}},
    {"light", "100", "0.5", "2", 0.8e6, {"LightLDA", 0.64e6, 1.2}},
    {"warp", "100", "0.5", "1", 20e6, {"WarpLDA", 22e6, 0}},
    {"vector", "100", "0.5", "1", 0, {"Mallet", 4.4e6, 1.5}},
    {"fplus", "100", "0.5", "1", 0, {"Mallet", 4.4e6, 1.5}},
    {"sparse", "1000", "0.05", "1", 0, {"Mallet", 1.3e6, 1.5}},
    {"light", "1000", "0.05", "2", 0.8e6, {"LightLDA", 0.43e6, 1.2}},
    {"warp", "1000", "0.05", "1", 20e6, {"WarpLDA", 19e6, 0}},
    {"vector", "1000", "0.05", "1", 0, {"Mallet", 1.3e6, 1.5}},
    {"fplus", "1000", "0.05", "1", 0, {"Mallet", 1.3e6, 1.5}},
};

/* A race to the likelihood that a rival's passes reach. */
typedef struct race {
    const char *topics, *alpha;
    int passes, quick_passes;
    tt_bench_rival rival; /* seconds of `passes` */
} race;

static const race races[] = {
    {"100", "0.5", 100, 20, {"Mallet", 44.9, 3}},
    {"1000", "0.05", 60, 10, {"Mallet", 90.7, 3}},
};

/* Opens the data for one worker, all of it in one block. */
static ps_err problem_open(const char *data, const subject *asked, const char *first_topics,
                           psi_lda_problem **problem_out, ps_fault *fault) {
    const char *values[PSI_LDA_OPTIONS];
    for (size_t i = 0; i < PSI_LDA_OPTIONS; i++) {
        values[i] = psi_lda_option_list[i].default_value;
    }
    values[PSI_LDA_TOPICS] = asked->topics;
    values[PSI_LDA_ALPHA] = asked->alpha;
    values[PSI_LDA_SAMPLER] = asked->sampler;
    values[PSI_LDA_MH_STEPS] = asked->mh_steps;
    values[PSI_LDA_HELDOUT] = "0";
    values[PSI_LDA_FIRST_TOPICS] = first_topics;
    const ps_settings settings = {
        .data = data, .seed = 1, .worker_count = 1, .batch = 0.999, .values = values};
    return psi_lda_problem_open(&settings, problem_out, fault);
}

/* Bytes that are allocated, or 0 where that is not known. */
static double allocated_bytes(void) {
#if defined(__GLIBC__)
    const struct mallinfo2 info = mallinfo2();
    return (double)info.uordblks + (double)info.hblkhd;
#else
    return 0;
#endif
}

/* Tokens per second of counting: every token by document, then by word where that is known. */
static double counting_rate(const psi_lda_serial *serial) {
    const psi_lda_blocks *const blocks = &serial->problem->blocks;
    const size_t count = blocks->token_count;
    int64_t *const counts = serial->totals;
    const double begin_s = tt_bench_now_s();
    for (size_t i = 0; i < count; i++) {
        counts[serial->topics[i]]++;
    }
    for (size_t i = 0; i < count; i++) {
        counts[serial->topics[blocks->goes_by_word ? blocks->tokens[i] : i]]--;
    }
    return (double)count / (tt_bench_now_s() - begin_s);
}

static double pass_s(psi_lda_serial *serial) {
    const double begin_s = tt_bench_now_s();
    psi_lda_serial_pass(serial);
    return tt_bench_now_s() - begin_s;
}

static void bytes_print(const psi_lda_serial *serial, const subject *asked, double bytes,
                        bool is_quick) {
    const psi_lda_prior *const prior = &serial->problem->prior;
    const double topics = (double)prior->topic_count;
    const double tables =
        ((double)prior->word_count * sizeof *serial->words + sizeof *serial->totals) * topics;
    const double copy = psi_lda_topic_bits(prior->topic_count) / 8.0;
    char what[64];
    (void)snprintf(what, sizeof what, "%s, %s topics: memory per token", asked->sampler,
                   asked->topics);
    if (bytes > tables) {
        tt_bench_print(&(tt_bench_line){
            .bench = "lda",
            .what = what,
            .value = copy + (bytes - tables) / (double)serial->problem->blocks.token_count,
            .unit = "B",
            .is_cost = true,
            .asked = is_quick ? 0 : bytes_asked}); /* few tokens per word then */
    }
}

static ps_err subject_measure(const psi_lda_problem *problem, const subject *asked,
                              double bytes_before, const source *data) {
    psi_lda_serial serial;
    PS_TRY(psi_lda_serial_init(&serial, problem));
    const double bytes = allocated_bytes() - bytes_before;
    for (int pass = 0; pass < WARM_UP_PASSES; pass++) {
        psi_lda_serial_pass(&serial);
    }
    double best = 0;
    for (int pass = 0; pass < PASSES; pass++) {
        const double rate = (double)problem->blocks.token_count / pass_s(&serial);
        best = rate > best ? rate : best;
    }
    char what[64];
    (void)snprintf(what, sizeof what, "%s, %s topics", asked->sampler, asked->topics);
    tt_bench_print(&(tt_bench_line){.bench = "lda",
                                    .what = what,
                                    .value = best,
                                    .unit = "tokens/s",
                                    .limit = counting_rate(&serial),
                                    .limit_name = "counting",
                                    .asked = asked->asked,
                                    .rival = data->has_rivals ? asked->rival
                                                              : (tt_bench_rival){.name = NULL}});
    bytes_print(&serial, asked, bytes, data->is_quick);
    psi_lda_serial_fini(&serial);
    return PS_OK;
}

static ps_err subjects_run(const source *data, ps_fault *fault) {
    for (size_t i = 0; i < sizeof subjects / sizeof subjects[0]; i++) {
        psi_lda_problem *problem = NULL;
        const double bytes_before = allocated_bytes();
        PS_TRY(problem_open(data->name, &subjects[i], "uniform", &problem, fault));
        const ps_err err = subject_measure(problem, &subjects[i], bytes_before, data);
        psi_lda_problem_close(problem);
        if (err != PS_OK) {
            return ps_fault_set(fault, err, "bench lda: %s", ps_err_text(err));
        }
    }
    return PS_OK;
}

static double likelihood_of(const psi_lda_serial *serial) {
    double metrics[PSI_LDA_METRICS];
    psi_lda_serial_evaluate(serial, metrics);
    return metrics[PSI_LDA_LOGLIK];
}

/* Makes at most `passes` passes, until `wanted` is reached. Seconds that these took, the first
 * topics included; evaluations take no part in them. */
typedef struct run_result {
    double time_s, likelihood;
    int passes;
} run_result;

static void passes_make(psi_lda_serial *serial, int passes, double wanted, run_result *result) {
    result->likelihood = likelihood_of(serial);
    while (result->passes < passes && !(result->likelihood >= wanted)) {
        result->time_s += pass_s(serial);
        result->passes++;
        if (isfinite(wanted) || result->passes == passes) {
            result->likelihood = likelihood_of(serial);
        }
    }
}

/* From sequential topics to `wanted`, or from uniform ones as far as `passes` go. */
static ps_err race_run(const char *data, const subject *how, int passes, double wanted,
                       run_result *result_out, ps_fault *fault) {
    psi_lda_problem *problem = NULL;
    const char *const first_topics = isfinite(wanted) ? "sequential" : "uniform";
    PS_TRY(problem_open(data, how, first_topics, &problem, fault));
    run_result result = {.passes = 0};
    psi_lda_serial serial;
    const double begin_s = tt_bench_now_s();
    const ps_err err = psi_lda_serial_init(&serial, problem);
    result.time_s = tt_bench_now_s() - begin_s;
    if (err == PS_OK) {
        passes_make(&serial, passes, wanted, &result);
        psi_lda_serial_fini(&serial);
    }
    psi_lda_problem_close(problem);
    *result_out = result;
    return err == PS_OK ? PS_OK : ps_fault_set(fault, err, "bench lda: %s", ps_err_text(err));
}

static ps_err race_measure(const source *data, const race *race, ps_fault *fault) {
    subject how = {.sampler = "auto", .topics = race->topics, .alpha = race->alpha};
    how.mh_steps = "1";
    const int passes = data->is_quick ? race->quick_passes : race->passes;
    run_result reference, result;
    PS_TRY(race_run(data->name, &how, passes, (double)NAN, &reference, fault));
    PS_TRY(race_run(data->name, &how, passes, reference.likelihood, &result, fault));
    const tt_bench_rival rival = data->has_rivals ? race->rival : (tt_bench_rival){.name = NULL};
    char what[96];
    (void)snprintf(what, sizeof what, "auto, %s topics: %d passes, to %.3f", race->topics, passes,
                   reference.likelihood);
    tt_bench_print(&(tt_bench_line){.bench = "lda",
                                    .what = what,
                                    .value = reference.time_s,
                                    .unit = "s",
                                    .is_cost = true,
                                    .rival = rival});
    (void)snprintf(what, sizeof what, "the same, sequential first topics: %d passes%s",
                   result.passes, result.likelihood >= reference.likelihood ? "" : ", not reached");
    tt_bench_print(&(tt_bench_line){.bench = "lda",
                                    .what = what,
                                    .value = result.time_s,
                                    .unit = "s",
                                    .limit = reference.time_s,
                                    .limit_name = "uniform",
                                    .is_cost = true,
                                    .rival = rival});
    return PS_OK;
}

static ps_err lda_run(const tt_bench_options *options, ps_fault *fault) {
    const char *const usual = options->is_quick ? quick_data : default_data;
    const source data = {.name = options->data == NULL ? usual : options->data,
                         .is_quick = options->is_quick,
                         .has_rivals = options->data == NULL && !options->is_quick};
    ps_err err = subjects_run(&data, fault);
    for (size_t i = 0; i < sizeof races / sizeof races[0] && err == PS_OK; i++) {
        err = race_measure(&data, &races[i], fault);
    }
    return err;
}

const tt_bench tt_bench_lda = {
    .name = "lda",
    .summary = "topic modelling: the samplers on one core beside a loop that counts",
    .run = lda_run,
    .is_by_name = true,
};
