/* A corpus that nobody holds must be the one that everybody holds, or what thousands of workers
 * learn from drawn documents says nothing about a corpus. */
#include <stdlib.h>
#include <string.h>

#include "algos/lda/corpus_part.h"
#include "algos/lda/first_topics.h"
#include "lda_fixture.h"
#include "support/suite.h"

static const char data[] = "synthetic:docs=1100,words=90,topics=6,length=7,zipf=0.8,seed=23";
static const char *const samplers[] = {"sparse", "warp"}; /* by document, and by word */

enum { DOCS = 1100, OPTIONS_MAX = 96 };

/* Opens the corpus twice: pair[0] is held, pair[1] drawn. */
static void pair_open(uint32_t workers, const char *sampler, const char *more,
                      psi_lda_problem *pair[2]) {
    for (int i = 0; i < 2; i++) {
        char options[OPTIONS_MAX];
        (void)snprintf(options, sizeof options, "topics=6 sampler=%s documents=%s %s", sampler,
                       i == 0 ? "held" : "drawn", more);
        pair[i] = lda_fixture_open(data, 5, workers, options);
    }
}

static void pair_close(psi_lda_problem *pair[2]) {
    psi_lda_problem_close(pair[0]);
    psi_lda_problem_close(pair[1]);
}

/* `count` numbers of 4 bytes. */
static void numbers_check(const uint32_t *got, const uint32_t *wanted, size_t count) {
    CU_ASSERT_EQUAL(count == 0 ? 0 : memcmp(got, wanted, count * sizeof *got), 0);
}

/* Block `b` of the worker, out of the whole and out of its part. */
static void block_check(const psi_lda_problem *held, uint32_t rank, const psi_lda_part *part,
                        size_t b) {
    static uint16_t topics[DOCS * 40];
    const psi_lda_blocks *const all = &held->blocks, *const own = &part->problem->blocks;
    const size_t at = all->shares[rank].block_begin + b;
    const psi_lda_block wanted = psi_lda_block_view(all, rank, at, topics, NULL);
    const psi_lda_block got = psi_lda_block_view(own, part->rank, b, topics, NULL);
    const uint32_t tokens = psi_lda_block_tokens(all, at);
    CU_ASSERT_EQUAL_FATAL(psi_lda_block_tokens(own, b), tokens);
    CU_ASSERT_EQUAL_FATAL(got.doc_count, wanted.doc_count);
    CU_ASSERT_EQUAL_FATAL(got.word_count, wanted.word_count);
    CU_ASSERT_PTR_EQUAL(got.topics, wanted.topics);
    for (uint32_t d = 0; d <= wanted.doc_count; d++) {
        CU_ASSERT_EQUAL(got.doc_begins[d] - got.doc_begins[0],
                        wanted.doc_begins[d] - wanted.doc_begins[0]);
    }
    numbers_check(got.word_begins, wanted.word_begins, (size_t)wanted.word_count + 1);
    numbers_check(got.frequencies, wanted.frequencies, wanted.word_count);
    numbers_check(own->words + own->places[b].word_begin, all->words + all->places[at].word_begin,
                  wanted.word_count);
    CU_ASSERT_EQUAL_FATAL(got.slots == NULL, wanted.slots == NULL);
    numbers_check(got.slots == NULL ? got.by_word : got.slots,
                  wanted.slots == NULL ? wanted.by_word : wanted.slots, tokens);
}

/* The first topics of the worker's tokens, which depend on the numbers of its documents. */
static void first_topics_check(const psi_lda_problem *held, uint32_t rank,
                               const psi_lda_part *part) {
    const size_t tokens = psi_lda_token_count(&held->blocks, rank);
    uint16_t *const wanted = calloc(tokens + 1, sizeof *wanted);
    uint16_t *const got = calloc(tokens + 1, sizeof *got);
    CU_ASSERT_FATAL(wanted != NULL && got != NULL);
    CU_ASSERT_EQUAL(psi_lda_first_topics(held, rank, wanted), PS_OK);
    CU_ASSERT_EQUAL(psi_lda_first_topics(part->problem, part->rank, got), PS_OK);
    CU_ASSERT_EQUAL(psi_lda_first_units(part->problem, part->rank),
                    psi_lda_first_units(held, rank));
    CU_ASSERT_EQUAL(memcmp(got, wanted, tokens * sizeof *got), 0);
    free(wanted);
    free(got);
}

static void a_part_is_the_workers_share_of_the_whole(void) {
    static const uint32_t workers[] = {1, 3, 40, 1200};
    static const char *const batches[] = {"batch=0.4", "batch=5 first-topics=uniform"};
    for (size_t v = 0; v < 4 * 2 * 2; v++) {
        psi_lda_problem *pair[2];
        pair_open(workers[v / 4], samplers[v & 1], batches[v / 2 & 1], pair);
        for (uint32_t rank = 0; rank < workers[v / 4]; rank++) {
            psi_lda_part part;
            CU_ASSERT_EQUAL_FATAL(psi_lda_part_open(pair[1], rank, &part), PS_OK);
            const size_t blocks = psi_lda_block_count(&pair[0]->blocks, rank);
            CU_ASSERT_EQUAL_FATAL(psi_lda_block_count(&part.problem->blocks, part.rank), blocks);
            for (size_t b = 0; b < blocks; b++) {
                block_check(pair[0], rank, &part, b);
            }
            if (rank % 31 == 0) { /* of few: to draw them may take as long as all else */
                first_topics_check(pair[0], rank, &part);
            }
            psi_lda_part_close(&part);
        }
        pair_close(pair);
    }
}

/* What evaluations look at, all of which a process has without the documents. */
static void held_out_documents_and_lengths_are_the_same(void) {
    psi_lda_problem *pair[2];
    pair_open(7, "sparse", "heldout=0.1", pair);
    const psi_lda_heldout *const wanted = &pair[0]->heldout, *const got = &pair[1]->heldout;
    CU_ASSERT_EQUAL_FATAL(got->doc_count, wanted->doc_count);
    CU_ASSERT(wanted->doc_count > 60);
    const size_t bytes = wanted->doc_count * sizeof *got->middles;
    CU_ASSERT_EQUAL(memcmp(got->middles, wanted->middles, bytes), 0);
    CU_ASSERT_EQUAL(memcmp(got->begins, wanted->begins, bytes + sizeof *got->begins), 0);
    numbers_check(got->words, wanted->words, wanted->begins[wanted->doc_count]);
    CU_ASSERT_EQUAL(pair[1]->blocks.doc_count, pair[0]->blocks.doc_count);
    numbers_check(pair[1]->blocks.doc_begins, pair[0]->blocks.doc_begins,
                  (size_t)pair[0]->blocks.doc_count + 1);
    for (uint32_t rank = 0; rank <= 7; rank++) {
        CU_ASSERT_EQUAL(pair[1]->blocks.shares[rank].doc_begin,
                        pair[0]->blocks.shares[rank].doc_begin);
        CU_ASSERT_EQUAL(pair[1]->blocks.shares[rank].block_begin,
                        pair[0]->blocks.shares[rank].block_begin);
    }
    pair_close(pair);
}

static void nobody_holds_documents_that_are_drawn(void) {
    psi_lda_problem *pair[2];
    pair_open(3, "sparse", "", pair);
    CU_ASSERT_PTR_NULL(pair[1]->blocks.tokens);
    CU_ASSERT_PTR_NULL(pair[1]->blocks.words);
    psi_lda_part part;
    CU_ASSERT_EQUAL_FATAL(psi_lda_part_open(pair[1], 1, &part), PS_OK);
    CU_ASSERT_EQUAL(part.problem->blocks.token_count, psi_lda_token_count(&pair[0]->blocks, 1));
    psi_lda_part_close(&part);
    CU_ASSERT_PTR_NULL(part.problem);
    CU_ASSERT_EQUAL_FATAL(psi_lda_part_open(pair[0], 1, &part), PS_OK);
    CU_ASSERT_PTR_EQUAL(part.problem, pair[0]); /* held: no copy */
    psi_lda_part_close(&part);
    pair_close(pair);
}

static const suite_test tests[] = {
    SUITE_TEST(a_part_is_the_workers_share_of_the_whole),
    SUITE_TEST(held_out_documents_and_lengths_are_the_same),
    SUITE_TEST(nobody_holds_documents_that_are_drawn),
};
SUITE_MAIN("lda corpus part", tests)
