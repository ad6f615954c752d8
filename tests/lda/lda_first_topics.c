/* Where a chain begins decides how soon it is any good, and workers whose topics do not mean the
 * same would add up counts that mean nothing. So the law of the first topics is held to equation
 * (1) exactly: on a corpus of five tokens, with two workers of one document each, every guide and
 * every outcome is listed, and compared with what is drawn with many seeds. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "algos/lda/first_topics.h"
#include "algos/lda/lda_serial.h"
#include "lda/lda_fixture.h"
#include "support/chi_square.h"
#include "support/suite.h"

enum { K = 3, V = 3, N = 5, STATES = 243, SAMPLES = 20000 };

/* The corpus: documents 0 0 1 and 1 2. */
static const char corpus[] = "2\n3\n4\n1 1 2\n1 2 1\n2 2 1\n2 3 1\n";
static const uint32_t words[N] = {0, 0, 1, 1, 2};
static const int docs[N] = {0, 0, 0, 1, 1};
static const double alpha = 0.7, beta = 0.4;

typedef struct counts {
    double doc[2][K], word[V][K], topic[K];
} counts;

static int topic_of(int state, int token) {
    for (int i = 0; i < token; i++) {
        state /= K;
    }
    return state % K;
}

/* The probability that tokens [begin, end) get the topics of `state`, drawn one after the other
 * given the counts, to which they are added. */
static double sequence_probability(counts *c, int state, int begin, int end) {
    double probability = 1;
    for (int i = begin; i < end; i++) {
        double terms[K], sum = 0;
        for (int k = 0; k < K; k++) {
            terms[k] = (c->doc[docs[i]][k] + alpha) * (c->word[words[i]][k] + beta) /
                       (c->topic[k] + V * beta);
            sum += terms[k];
        }
        const int k = topic_of(state, i);
        probability *= terms[k] / sum;
        c->doc[docs[i]][k]++;
        c->word[words[i]][k]++;
        c->topic[k]++;
    }
    return probability;
}

/* Two workers: each draws its document given the same guide, which is all documents here. */
static void law_of_two_make(double *p) {
    memset(p, 0, STATES * sizeof *p);
    for (int guide = 0; guide < STATES; guide++) {
        counts c = {0};
        const double guide_probability = sequence_probability(&c, guide, 0, N);
        memset(c.doc, 0, sizeof c.doc); /* the documents themselves begin anew */
        for (int s = 0; s < STATES; s++) {
            counts first = c, second = c;
            p[s] += guide_probability * sequence_probability(&first, s, 0, 3) *
                    sequence_probability(&second, s, 3, N);
        }
    }
}

/* Counts the first topics with seeds 1 .. SAMPLES. */
static void draw(uint32_t workers, const char *options, double *seen) {
    char path[512], all[256];
    suite_scratch_path("docword.first.txt", path, sizeof path);
    FILE *const file = fopen(path, "wb");
    CU_ASSERT_PTR_NOT_NULL_FATAL(file);
    CU_ASSERT_FATAL(fputs(corpus, file) >= 0 && fclose(file) == 0);
    (void)snprintf(all, sizeof all, "topics=3 alpha=0.7 beta=0.4 heldout=0 batch=0.999 %s",
                   options);
    psi_lda_problem *const problem = lda_fixture_open(path, 1, workers, all);
    CU_ASSERT_EQUAL_FATAL(problem->blocks.token_count, N);
    memset(seen, 0, STATES * sizeof *seen);
    for (uint64_t seed = 1; seed <= SAMPLES; seed++) {
        uint16_t topics[N];
        problem->seed = seed;
        for (uint32_t w = 0; w < workers; w++) {
            uint16_t *const own = topics + psi_lda_token_begin(&problem->blocks, w);
            CU_ASSERT_EQUAL_FATAL(psi_lda_first_topics(problem, w, own), PS_OK);
        }
        int state = 0;
        for (int i = N - 1; i >= 0; i--) {
            state = state * K + topics[i];
        }
        seen[state]++;
    }
    psi_lda_problem_close(problem);
}

static void check(uint32_t workers, const char *options, const double *p) {
    double seen[STATES];
    int freedom = 0;
    draw(workers, options, seen);
    const double chi = chi_square_of(seen, p, STATES, SAMPLES, &freedom);
    printf("chi-square %.1f of %d degrees, limit %.1f; ", chi, freedom, chi_square_limit(freedom));
    CU_ASSERT(chi < chi_square_limit(freedom));
}

/* Whichever way the tokens lie in memory. */
static void one_worker_draws_each_given_those_before(void) {
    double p[STATES];
    for (int s = 0; s < STATES; s++) {
        counts c = {0};
        p[s] = sequence_probability(&c, s, 0, N);
    }
    check(1, "sampler=sparse", p);
    check(1, "sampler=fplus", p);
}

/* Two workers that never speak to each other number their topics alike. */
static void two_workers_draw_given_the_same_guide(void) {
    double p[STATES];
    law_of_two_make(p);
    check(2, "sampler=sparse", p);
    check(2, "sampler=fplus", p);
}

static void uniform_topics_are_uniform(void) {
    double p[STATES];
    for (int s = 0; s < STATES; s++) {
        p[s] = 1.0 / STATES;
    }
    check(2, "first-topics=uniform", p);
}

static double likelihood_after(const char *options, int passes) {
    psi_lda_problem *const problem =
        lda_fixture_open("synthetic:docs=400,words=500,topics=8,length=60", 3, 1, options);
    psi_lda_serial serial;
    double metrics[PSI_LDA_METRICS];
    CU_ASSERT_EQUAL_FATAL(psi_lda_serial_init(&serial, problem), PS_OK);
    for (int pass = 0; pass < passes; pass++) {
        psi_lda_serial_pass(&serial);
    }
    psi_lda_serial_evaluate(&serial, metrics);
    psi_lda_serial_fini(&serial);
    psi_lda_problem_close(problem);
    return metrics[PSI_LDA_LOGLIK];
}

/* What they are for. */
static void sequential_topics_are_worth_several_passes(void) {
    const double sequential = likelihood_after("topics=8", 0);
    const double uniform = likelihood_after("topics=8 first-topics=uniform", 5);
    printf("%.3f at once, %.3f after 5 passes from uniform topics; ", sequential, uniform);
    CU_ASSERT(sequential > uniform);
}

/* A run is charged for what it draws: its own tokens, and those of the guide. */
static void units_count_own_tokens_and_the_guide(void) {
    psi_lda_problem *const problem = lda_fixture_open(
        "synthetic:docs=40,words=50,topics=8,length=60", 3, 4, "topics=2 heldout=0");
    const double all = (double)problem->blocks.token_count;
    for (uint32_t w = 0; w < 4; w++) {
        const double own = (double)psi_lda_token_count(&problem->blocks, w);
        const double guide = psi_lda_first_units(problem, w) - own;
        CU_ASSERT(guide >= all / 4 && guide <= all); /* at least a share, or 500 per topic */
        problem->first_topics = PSI_LDA_FIRST_UNIFORM;
        CU_ASSERT_EQUAL(psi_lda_first_units(problem, w), 0);
        problem->first_topics = PSI_LDA_FIRST_SEQUENTIAL;
    }
    psi_lda_problem_close(problem);
}

static const suite_test tests[] = {
    SUITE_TEST(one_worker_draws_each_given_those_before),
    SUITE_TEST(two_workers_draw_given_the_same_guide),
    SUITE_TEST(uniform_topics_are_uniform),
    SUITE_TEST(sequential_topics_are_worth_several_passes),
    SUITE_TEST(units_count_own_tokens_and_the_guide),
};
SUITE_MAIN("lda first topics", tests)
