/* Words whose rows are not there: their tokens wait, and all others are drawn as ever. */
#define _POSIX_C_SOURCE 200809L /* _exit */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "algos/lda/lda_app.h"
#include "algos/lda/lda_serial.h"
#include "lda_fixture.h"
#include "support/local_run.h"

static const char small_data[] = "synthetic:docs=400,words=300,topics=6,length=60";
static const char *const samplers[] = {"dense", "sparse", "alias", "light",
                                       "warp",  "vector", "fplus"};
enum { SAMPLERS = sizeof samplers / sizeof samplers[0], SLICES = 3, PASSES = 60 };

static psi_lda_problem *open_with(const char *sampler) {
    char options[96];
    (void)snprintf(options, sizeof options, "sampler=%s topics=8 batch=0.5", sampler);
    return lda_fixture_open(small_data, 7, 1, options);
}

/* The slot of each token of a block. */
static void slots_find(const psi_lda_block *block, uint32_t *slots) {
    const uint32_t tokens = block->word_begins[block->word_count];
    if (block->slots != NULL) {
        memcpy(slots, block->slots, tokens * sizeof *slots);
        return;
    }
    for (uint32_t w = 0; w < block->word_count; w++) {
        for (uint32_t i = block->word_begins[w]; i < block->word_begins[w + 1]; i++) {
            slots[block->by_word[i]] = w;
        }
    }
}

/* Visits one slice of a block's words. */
static void slice_visit(psi_lda_serial *serial, const psi_lda_block *block, size_t block_index,
                        uint32_t slice) {
    const psi_lda_blocks *const blocks = &serial->problem->blocks;
    const uint32_t *const words = blocks->words + blocks->places[block_index].word_begin;
    for (uint32_t w = 0; w < block->word_count; w++) {
        const size_t begin = (size_t)words[w] * serial->problem->prior.topic_count;
        serial->rows[w] = w % SLICES == slice ? serial->words + begin : NULL;
    }
    const psi_lda_rows rows = {.words = serial->rows, .totals = serial->totals};
    psi_lda_sampler_pass(serial->sampler, block, &rows);
}

/* Goes through all blocks slice by slice; counts the tokens of absent words that changed, and those
 * of present words that did. */
static void sliced_pass(psi_lda_serial *serial, size_t *absent_out, size_t *present_out) {
    const psi_lda_blocks *const blocks = &serial->problem->blocks;
    const size_t room = (size_t)blocks->limits.token_count + 1;
    uint32_t *const slots = calloc(room, sizeof *slots);
    uint32_t *const pairs = calloc(room, sizeof *pairs);
    uint16_t *const topics = calloc(room, sizeof *topics);
    CU_ASSERT_FATAL(slots != NULL && pairs != NULL && topics != NULL);
    for (size_t b = 0; b < psi_lda_block_count(blocks, 0); b++) {
        const psi_lda_block block = psi_lda_block_view(blocks, 0, b, serial->topics, serial->pairs);
        const uint32_t tokens = psi_lda_block_tokens(blocks, b);
        slots_find(&block, slots);
        for (uint32_t slice = 0; slice < SLICES; slice++) {
            memcpy(topics, block.topics, tokens * sizeof *topics);
            if (block.pairs != NULL) {
                memcpy(pairs, block.pairs, tokens * sizeof *pairs);
            }
            slice_visit(serial, &block, b, slice);
            for (uint32_t i = 0; i < tokens; i++) {
                const int has_changed = topics[i] != block.topics[i] ||
                                        (block.pairs != NULL && pairs[i] != block.pairs[i]);
                *(slots[i] % SLICES == slice ? present_out : absent_out) += (size_t)has_changed;
            }
        }
    }
    free(slots);
    free(pairs);
    free(topics);
}

static double loglik_of(const psi_lda_serial *serial) {
    double metrics[PSI_LDA_METRICS];
    psi_lda_serial_evaluate(serial, metrics);
    return metrics[PSI_LDA_LOGLIK];
}

/* Every count is that of the tokens' topics. */
static void counts_check(const psi_lda_serial *serial) {
    const size_t topics = serial->problem->prior.topic_count;
    int64_t sum = 0;
    for (size_t k = 0; k < topics; k++) {
        int64_t column = 0, tokens = 0;
        for (size_t w = 0; w < serial->problem->prior.word_count; w++) {
            CU_ASSERT(serial->words[w * topics + k] >= 0);
            column += serial->words[w * topics + k];
        }
        for (size_t i = 0; i < serial->problem->blocks.token_count; i++) {
            tokens += serial->topics[i] == k;
        }
        CU_ASSERT_EQUAL(column, serial->totals[k]);
        CU_ASSERT_EQUAL(column, tokens);
        sum += column;
    }
    CU_ASSERT_EQUAL((size_t)sum, serial->problem->blocks.token_count);
}

static void tokens_of_absent_words_wait(void) {
    for (size_t s = 0; s < SAMPLERS; s++) {
        psi_lda_problem *const problem = open_with(samplers[s]);
        psi_lda_serial serial;
        CU_ASSERT_EQUAL_FATAL(psi_lda_serial_init(&serial, problem), PS_OK);
        size_t absent = 0, present = 0;
        for (int pass = 0; pass < 3; pass++) {
            sliced_pass(&serial, &absent, &present);
            counts_check(&serial);
        }
        CU_ASSERT_EQUAL(absent, 0);
        CU_ASSERT(present > problem->blocks.token_count / 4);
        psi_lda_serial_fini(&serial);
        psi_lda_problem_close(problem);
    }
}

static void slices_learn_as_much(void) {
    for (size_t s = 0; s < SAMPLERS; s++) {
        psi_lda_problem *const problem = open_with(samplers[s]);
        psi_lda_serial whole, sliced;
        CU_ASSERT_EQUAL_FATAL(psi_lda_serial_init(&whole, problem), PS_OK);
        CU_ASSERT_EQUAL_FATAL(psi_lda_serial_init(&sliced, problem), PS_OK);
        const double start = loglik_of(&whole);
        for (int pass = 0; pass < PASSES; pass++) {
            size_t absent = 0, present = 0;
            psi_lda_serial_pass(&whole);
            sliced_pass(&sliced, &absent, &present);
        }
        const double gain = loglik_of(&whole) - start;
        const double difference = loglik_of(&sliced) - loglik_of(&whole);
        if (difference < -0.1 * gain || difference > 0.1 * gain) {
            printf("%s: a gain of %g, and %g more with slices\n", samplers[s], gain, difference);
            CU_FAIL("slices change what is learned");
        }
        psi_lda_serial_fini(&whole);
        psi_lda_serial_fini(&sliced);
        psi_lda_problem_close(problem);
    }
}

/* Runs lda, a process per worker. Fails the test if the run fails. */
static psi_plan run(const psi_lda_problem *problem, const char *policy, psi_results *results) {
    const psi_plan plan = {.algo = &psi_lda_algo,
                           .problem = problem,
                           .worker_count = problem->worker_count,
                           .shard_count = 2,
                           .clock_count = 201,
                           .eval_every_clocks = 100,
                           .seed = problem->seed};
    return local_run(plan, policy, results);
}

static void a_model_streams_through_a_small_memory(void) {
    static const char *const policies[] = {"bsp", "ssp:2"};
    for (size_t v = 0; v < SAMPLERS * 2; v++) {
        double last[2];
        for (int is_small = 0; is_small < 2; is_small++) {
            char options[96];
            (void)snprintf(options, sizeof options, "sampler=%s topics=8 model-memory=%s",
                           samplers[v % SAMPLERS], is_small ? "3000B" : "0");
            psi_lda_problem *const problem = lda_fixture_open(small_data, 7, 2, options);
            psi_results results;
            CU_ASSERT_EQUAL(problem->slice_rows, is_small ? 46 : 0); /* of 64 bytes */
            CU_ASSERT(psi_lda_held_bytes(problem, problem->slice_rows) <= 3000);
            const psi_plan plan = run(problem, policies[v / SAMPLERS], &results);
            const psi_lda_tables tables = psi_lda_tables_of(
                problem, results.model_dense[0], results.model_dense[1], results.model_sparse[2]);
            lda_fixture_sums_check(problem, &tables);
            last[is_small] = results.metrics[results.metrics_count - 1].values[PSI_LDA_LOGLIK];
            psi_results_fini(&results, &plan);
            psi_lda_problem_close(problem);
        }
        /* Of a gain of 4; two chains of other random numbers differ by 0.1 after 20 passes. */
        CU_ASSERT_DOUBLE_EQUAL(last[0], last[1], 0.25);
    }
}

static const suite_test tests[] = {
    SUITE_TEST(tokens_of_absent_words_wait),
    SUITE_TEST(slices_learn_as_much),
    SUITE_TEST(a_model_streams_through_a_small_memory),
};
SUITE_MAIN("lda memory", tests)
