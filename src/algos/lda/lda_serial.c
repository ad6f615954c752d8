#include "algos/lda/lda_serial.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "algos/lda/first_topics.h"
#include "algos/lda/packed_topics.h"

/* Counts the first topics. */
static void counts_make(psi_lda_serial *serial) {
    const psi_lda_blocks *const blocks = &serial->problem->blocks;
    const size_t topics = serial->problem->prior.topic_count;
    for (size_t b = 0; b < psi_lda_block_count(blocks, 0); b++) {
        const psi_lda_block block = psi_lda_block_view(blocks, 0, b, serial->topics, NULL);
        const uint32_t *const words = blocks->words + blocks->places[b].word_begin;
        for (uint32_t w = 0; w < block.word_count && block.by_word != NULL; w++) {
            for (uint32_t i = block.word_begins[w]; i < block.word_begins[w + 1]; i++) {
                serial->words[words[w] * topics + block.topics[block.by_word[i]]]++;
            }
        }
        for (uint32_t i = 0; i < psi_lda_block_tokens(blocks, b); i++) {
            if (block.slots != NULL) {
                serial->words[words[block.slots[i]] * topics + block.topics[i]]++;
            }
            serial->totals[block.topics[i]]++;
        }
    }
}

ps_err psi_lda_serial_init(psi_lda_serial *serial, const psi_lda_problem *problem) {
    PS_ASSERT(problem->worker_count == 1);
    const psi_lda_blocks *const blocks = &problem->blocks;
    const size_t tokens = blocks->token_count;
    *serial = (psi_lda_serial){.problem = problem};
    serial->topics = calloc(tokens, sizeof *serial->topics);
    const int needs_pairs = psi_lda_needs_pairs(problem->sampler.kind);
    serial->pairs = needs_pairs ? calloc(tokens, sizeof *serial->pairs) : NULL;
    serial->words = calloc((size_t)problem->prior.word_count * problem->prior.topic_count,
                           sizeof *serial->words);
    serial->totals = calloc(problem->prior.topic_count, sizeof *serial->totals);
    serial->rows = calloc((size_t)blocks->limits.word_count + 1, sizeof *serial->rows);
    ps_err err =
        psi_lda_sampler_create(&problem->sampler, &problem->prior, &blocks->limits,
                               ps_random_stream(problem->seed, "lda-sampler", 0), &serial->sampler);
    if (err != PS_OK || serial->topics == NULL || (needs_pairs && serial->pairs == NULL) ||
        serial->words == NULL || serial->totals == NULL || serial->rows == NULL) {
        psi_lda_serial_fini(serial);
        return PS_ENOMEM;
    }
    err = psi_lda_first_topics(problem, 0, serial->topics);
    if (err != PS_OK) {
        psi_lda_serial_fini(serial);
        return err;
    }
    for (size_t i = 0; i < tokens && needs_pairs; i++) {
        serial->pairs[i] = psi_lda_first_pair(serial->topics[i]);
    }
    counts_make(serial);
    return PS_OK;
}

void psi_lda_serial_fini(psi_lda_serial *serial) {
    free(serial->topics);
    free(serial->pairs);
    free(serial->words);
    free(serial->totals);
    free(serial->rows);
    psi_lda_sampler_destroy(serial->sampler);
    *serial = (psi_lda_serial){.problem = NULL};
}

void psi_lda_serial_pass(psi_lda_serial *serial) {
    const psi_lda_blocks *const blocks = &serial->problem->blocks;
    const size_t topics = serial->problem->prior.topic_count;
    for (size_t b = 0; b < psi_lda_block_count(blocks, 0); b++) {
        const psi_lda_block block = psi_lda_block_view(blocks, 0, b, serial->topics, serial->pairs);
        const uint32_t *const words = blocks->words + blocks->places[b].word_begin;
        for (uint32_t w = 0; w < block.word_count; w++) {
            serial->rows[w] = serial->words + words[w] * topics;
        }
        const psi_lda_rows rows = {.words = serial->rows, .totals = serial->totals};
        psi_lda_sampler_pass(serial->sampler, &block, &rows);
    }
}

void psi_lda_serial_evaluate(const psi_lda_serial *serial, double *metrics) {
    const psi_lda_tables tables = {.words = serial->words, .totals = serial->totals};
    const size_t tokens = serial->problem->blocks.token_count;
    const uint32_t bits = psi_lda_topic_bits(serial->problem->prior.topic_count);
    uint8_t *const packed = malloc(psi_lda_packed_size_bytes(tokens, bits));
    double sums[PSI_LDA_SUMS];
    for (int s = 0; s < PSI_LDA_SUMS; s++) {
        sums[s] = (double)NAN;
    }
    if (packed != NULL) {
        psi_lda_topics_pack(serial->topics, tokens, bits, packed);
        psi_lda_evaluate(serial->problem, 0, packed, &tables, sums);
    }
    free(packed);
    psi_lda_finish(serial->problem, sums, metrics);
}
