/* The layout must deal every document to one worker and one block, and lose no token. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "algos/lda/doc_blocks.h"
#include "algos/lda/packed_topics.h"
#include "support/suite.h"
#include "tortoise/random.h"

enum { DOCS = 37, WORDS = 23 };

/* A corpus with empty documents and one that is longer than all others together. */
static psi_corpus corpus_draw(uint64_t seed) {
    ps_random random = ps_random_stream(seed, "lda-blocks-test", 0);
    psi_corpus_draft draft = {0};
    psi_corpus corpus;
    for (uint32_t d = 0; d < DOCS; d++) {
        const uint64_t entries = d == 20 ? 300 : ps_random_below(&random, 6);
        for (uint64_t e = 0; e < entries; e++) {
            const uint32_t word = (uint32_t)ps_random_below(&random, WORDS);
            CU_ASSERT_EQUAL_FATAL(psi_corpus_draft_add(&draft, (psi_corpus_entry){d, word, 1}),
                                  PS_OK);
        }
    }
    CU_ASSERT_EQUAL_FATAL(psi_corpus_make(&draft, DOCS, WORDS, &corpus), PS_OK);
    psi_corpus_draft_fini(&draft);
    return corpus;
}

/* Checks the block, and puts the words that it says its tokens have to words_out. */
static void block_check(const psi_lda_blocks *blocks, size_t b, const psi_lda_block *block,
                        uint32_t *words_out) {
    const uint32_t *const words = blocks->words + blocks->places[b].word_begin;
    const uint32_t count = psi_lda_block_tokens(blocks, b);
    uint64_t nonzero = 0;
    CU_ASSERT_EQUAL(block->word_begins[0], 0);
    CU_ASSERT_EQUAL(block->word_begins[block->word_count], count);
    CU_ASSERT_EQUAL(block->doc_begins[block->doc_count] - block->doc_begins[0], count);
    for (uint32_t w = 0; w < block->word_count; w++) {
        CU_ASSERT(w == 0 || words[w - 1] < words[w]);
        const uint32_t begin = block->word_begins[w], end = block->word_begins[w + 1];
        CU_ASSERT(begin < end);
        for (uint32_t i = begin; i < end && block->by_word != NULL; i++) {
            CU_ASSERT(i == begin || block->by_word[i - 1] < block->by_word[i]);
            words_out[block->by_word[i]] = words[w];
        }
        nonzero += block->frequencies[w] < 4 ? block->frequencies[w] : 4;
    }
    for (uint32_t i = 0; i < count && block->slots != NULL; i++) {
        CU_ASSERT_FATAL(block->slots[i] < block->word_count);
        words_out[i] = words[block->slots[i]];
    }
    CU_ASSERT(count <= blocks->limits.token_count);
    CU_ASSERT(block->word_count <= blocks->limits.word_count);
    CU_ASSERT(nonzero <= blocks->limits.nonzero_count);
}

static void layout_check(uint32_t workers, double batch, int goes_by_word) {
    psi_corpus corpus = corpus_draw(7), same = corpus_draw(7);
    psi_lda_blocks blocks;
    uint16_t topics[1024] = {0};
    uint32_t words[1024];
    const psi_lda_layout layout = {
        .worker_count = workers, .topic_count = 4, .batch = batch, .goes_by_word = goes_by_word};
    CU_ASSERT_EQUAL_FATAL(psi_lda_blocks_make(&layout, &corpus, &blocks), PS_OK);
    size_t token = 0;
    for (uint32_t r = 0; r < workers; r++) {
        CU_ASSERT_EQUAL(psi_lda_token_begin(&blocks, r), token);
        const size_t first = token;
        for (size_t b = blocks.shares[r].block_begin; b < blocks.shares[r + 1].block_begin; b++) {
            const psi_lda_block block = psi_lda_block_view(&blocks, r, b, topics, NULL);
            CU_ASSERT_EQUAL(block.topics, topics + (token - first));
            block_check(&blocks, b, &block, words + token);
            token += psi_lda_block_tokens(&blocks, b);
        }
        CU_ASSERT_EQUAL(psi_lda_token_count(&blocks, r), token - first);
    }
    CU_ASSERT_EQUAL_FATAL(token, same.token_count);
    CU_ASSERT_EQUAL(memcmp(words, same.words, token * sizeof *words), 0);
    psi_lda_blocks_fini(&blocks);
    psi_corpus_fini(&corpus);
    psi_corpus_fini(&same);
}

static void every_token_is_in_one_block_with_its_word(void) {
    static const uint32_t workers[] = {1, 2, 3, 7, 37, 50};
    static const double batches[] = {0.1, 0.5, 0.999, 1, 5, 1000};
    for (size_t w = 0; w < sizeof workers / sizeof workers[0]; w++) {
        for (size_t b = 0; b < sizeof batches / sizeof batches[0]; b++) {
            layout_check(workers[w], batches[b], 0);
            layout_check(workers[w], batches[b], 1);
        }
    }
}

/* Shares of tokens, not of documents: a straggler is not made by the layout. */
static void workers_get_nearly_as_many_tokens(void) {
    static const uint32_t begins[] = {0, 10, 20, 30, 40, 50, 90, 100, 110, 120};
    uint32_t cuts[4];
    psi_lda_docs_cut(begins, 0, 9, 3, cuts);
    CU_ASSERT_EQUAL(cuts[0], 0);
    CU_ASSERT_EQUAL(cuts[1], 4);
    CU_ASSERT_EQUAL(cuts[2], 6);
    CU_ASSERT_EQUAL(cuts[3], 9);
}

/* An evaluation looks at a copy of the topics in as few bits as they need. */
static void packed_topics_come_back(void) {
    for (uint32_t bits = 1; bits <= 16; bits++) {
        CU_ASSERT_EQUAL(psi_lda_topic_bits(UINT32_C(1) << bits), bits);
        CU_ASSERT_EQUAL(psi_lda_topic_bits((UINT32_C(1) << bits) - 1), bits > 1 ? bits : 1);
        for (size_t count = 0; count <= 35; count++) {
            ps_random random = ps_random_stream(bits, "packed", (uint32_t)count);
            uint16_t topics[35];
            const size_t size_bytes = psi_lda_packed_size_bytes(count, bits);
            uint8_t *const packed = malloc(size_bytes + 1);
            CU_ASSERT_PTR_NOT_NULL_FATAL(packed);
            packed[size_bytes] = 0xA5; /* not theirs */
            for (size_t i = 0; i < count; i++) {
                topics[i] = (uint16_t)ps_random_below(&random, UINT64_C(1) << bits);
            }
            psi_lda_topics_pack(topics, count, bits, packed);
            for (size_t i = 0; i < count; i++) {
                CU_ASSERT_EQUAL(psi_lda_packed_topic(packed, i, bits), topics[i]);
            }
            CU_ASSERT_EQUAL(packed[size_bytes], 0xA5);
            free(packed);
        }
    }
}

static const suite_test tests[] = {
    SUITE_TEST(packed_topics_come_back),
    SUITE_TEST(every_token_is_in_one_block_with_its_word),
    SUITE_TEST(workers_get_nearly_as_many_tokens),
};
SUITE_MAIN("lda blocks", tests)
