/* `tortoise bench lda`: tokens per second of the samplers on one core, in a plain loop without a
 * server, some passes after the start, beside a loop that visits the same tokens twice, in the
 * order of the documents and in that of the words, and counts their topics. */
#include "bench.h"

#include <stdio.h>
#include <stdlib.h>

#include "algos/lda/lda_serial.h"

/* Documents, tokens and words of the size at which rival programs were measured. */
static const char default_data[] =
    "synthetic:docs=20000,words=20000,topics=100,length=99,zipf=1,beta=0.05";
static const char quick_data[] =
    "synthetic:docs=2000,words=20000,topics=100,length=99,zipf=1,beta=0.05";

enum { WARM_UP_PASSES = 5, PASSES = 3 };

/* What is measured, and what is asked for (0: nothing). */
typedef struct subject {
    const char *sampler, *topics, *alpha, *mh_steps;
    double asked;
} subject;

static const subject subjects[] = {
    {"dense", "100", "0.5", "1", 0},       {"sparse", "100", "0.5", "1", 1.2e6},
    {"alias", "100", "0.5", "2", 0},       {"light", "100", "0.5", "2", 0.8e6},
    {"warp", "100", "0.5", "1", 0},        {"sparse", "1000", "0.05", "1", 0},
    {"light", "1000", "0.05", "2", 0.8e6}, {"warp", "1000", "0.05", "1", 20e6},
};

/* Opens the data for one worker, all of it in one block. */
static ps_err problem_open(const char *data, const subject *asked, psi_lda_problem **problem_out,
                           ps_fault *fault) {
    const char *values[PSI_LDA_OPTIONS];
    for (size_t i = 0; i < PSI_LDA_OPTIONS; i++) {
        values[i] = psi_lda_option_list[i].default_value;
    }
    values[PSI_LDA_TOPICS] = asked->topics;
    values[PSI_LDA_ALPHA] = asked->alpha;
    values[PSI_LDA_SAMPLER] = asked->sampler;
    values[PSI_LDA_MH_STEPS] = asked->mh_steps;
    values[PSI_LDA_HELDOUT] = "0";
    const ps_settings settings = {
        .data = data, .seed = 1, .worker_count = 1, .batch = 0.999, .values = values};
    return psi_lda_problem_open(&settings, problem_out, fault);
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

static ps_err subject_measure(const psi_lda_problem *problem, const subject *asked) {
    psi_lda_serial serial;
    PS_TRY(psi_lda_serial_init(&serial, problem));
    for (int pass = 0; pass < WARM_UP_PASSES; pass++) {
        psi_lda_serial_pass(&serial);
    }
    double best = 0;
    for (int pass = 0; pass < PASSES; pass++) {
        const double begin_s = tt_bench_now_s();
        psi_lda_serial_pass(&serial);
        const double rate = (double)problem->blocks.token_count / (tt_bench_now_s() - begin_s);
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
                                    .asked = asked->asked});
    psi_lda_serial_fini(&serial);
    return PS_OK;
}

static ps_err lda_run(const tt_bench_options *options, ps_fault *fault) {
    const char *const usual = options->is_quick ? quick_data : default_data;
    const char *const data = options->data == NULL ? usual : options->data;
    for (size_t i = 0; i < sizeof subjects / sizeof subjects[0]; i++) {
        psi_lda_problem *problem = NULL;
        PS_TRY(problem_open(data, &subjects[i], &problem, fault));
        const ps_err err = subject_measure(problem, &subjects[i]);
        psi_lda_problem_close(problem);
        if (err != PS_OK) {
            return ps_fault_set(fault, err, "bench lda: %s", ps_err_text(err));
        }
    }
    return PS_OK;
}

const tt_bench tt_bench_lda = {
    .name = "lda",
    .summary = "topic modelling: the samplers on one core beside a loop that counts",
    .run = lda_run,
    .is_by_name = true,
};
