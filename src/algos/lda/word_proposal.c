#include "algos/lda/word_proposal.h"

#include <stdlib.h>

#include "algos/lda/sampler_parts.h"

ps_err psi_lda_word_proposal_init(psi_lda_word_proposal *proposal, const psi_lda_prior *prior,
                                  const psi_lda_limits *limits) {
    const size_t words = (size_t)limits->word_count + 1;
    *proposal = (psi_lda_word_proposal){.prior = *prior, .capacity = limits->nonzero_count + 1};
    proposal->smoothing = calloc(prior->topic_count, sizeof *proposal->smoothing);
    proposal->columns = calloc(proposal->capacity, sizeof *proposal->columns);
    proposal->begins = calloc(words, sizeof *proposal->begins);
    proposal->masses = calloc(words, sizeof *proposal->masses);
    proposal->stack = calloc(prior->topic_count, sizeof *proposal->stack);
    const int has_all = proposal->smoothing != NULL && proposal->columns != NULL &&
                        proposal->begins != NULL && proposal->masses != NULL &&
                        proposal->stack != NULL;
    return has_all ? PS_OK : PS_ENOMEM;
}

void psi_lda_word_proposal_fini(psi_lda_word_proposal *proposal) {
    free(proposal->smoothing);
    free(proposal->columns);
    free(proposal->begins);
    free(proposal->masses);
    free(proposal->stack);
}

/* Sets share and other of columns[0..count) by their weights, whose sum is `mass` > 0. Columns with
 * less than the mean are filled up by those with more. stack[0..count): the lesser ones from the
 * front, the greater ones from the back. */
static void table_build(psi_lda_column *columns, uint32_t count, double mass, uint32_t *stack) {
    uint32_t lesser = 0, greater = count;
    for (uint32_t i = 0; i < count; i++) {
        columns[i].share = (float)(columns[i].weight * (double)count / mass);
        columns[i].other = (uint16_t)i;
        if (columns[i].share < 1) {
            stack[lesser++] = i;
        } else {
            stack[--greater] = i;
        }
    }
    while (lesser > 0 && greater < count) {
        psi_lda_column *const low = &columns[stack[--lesser]];
        psi_lda_column *const high = &columns[stack[greater]];
        low->other = (uint16_t)stack[greater];
        high->share -= 1 - low->share;
        if (high->share < 1) {
            stack[lesser++] = stack[greater++];
        }
    }
    while (lesser > 0) { /* what rounding left over is full */
        columns[stack[--lesser]].share = 1;
    }
}

static uint16_t table_draw(const psi_lda_column *columns, uint32_t count, psi_lda_random *random) {
    const uint64_t bits = psi_lda_random_next(random);
    const psi_lda_column *const column = &columns[psi_lda_below((uint32_t)(bits >> 32), count)];
    const float at = (float)(uint32_t)(bits & 0xffffff) * 0x1p-24F;
    return at < column->share ? column->topic : columns[column->other].topic;
}

void psi_lda_word_proposal_begin(psi_lda_word_proposal *proposal, const double *inverse) {
    const uint32_t topics = proposal->prior.topic_count;
    proposal->smoothing_mass = 0;
    for (uint32_t k = 0; k < topics; k++) {
        const double weight = proposal->prior.beta * inverse[k];
        proposal->smoothing[k] = (psi_lda_column){.weight = (float)weight, .topic = (uint16_t)k};
        proposal->smoothing_mass += weight;
    }
    table_build(proposal->smoothing, topics, proposal->smoothing_mass, proposal->stack);
}

void psi_lda_word_proposal_word(psi_lda_word_proposal *proposal, uint32_t slot,
                                const ps_sparse_row *row, const double *inverse) {
    const int32_t *const counts = row->values;
    psi_lda_column *const columns = proposal->columns + proposal->begins[slot];
    uint32_t count = 0;
    const uint64_t room = proposal->capacity - proposal->begins[slot];
    double mass = 0;
    for (uint32_t i = 0; i < row->count && count < room; i++) {
        const uint32_t k = row->columns == NULL ? i : row->columns[i];
        if (counts[i] > 0) {
            const double weight = (double)counts[i] * inverse[k];
            columns[count++] = (psi_lda_column){.weight = (float)weight, .topic = (uint16_t)k};
            mass += weight;
        }
    }
    table_build(columns, count, mass, proposal->stack);
    proposal->masses[slot] = mass;
    proposal->begins[slot + 1] = proposal->begins[slot] + count;
}

void psi_lda_word_proposal_build(psi_lda_word_proposal *proposal, const psi_lda_block *block,
                                 const psi_lda_rows *rows, const double *inverse) {
    psi_lda_word_proposal_begin(proposal, inverse);
    for (uint32_t w = 0; w < block->word_count; w++) {
        const uint32_t topics = rows->words[w] == NULL ? 0 : proposal->prior.topic_count;
        const ps_sparse_row row = {.count = topics, .values = rows->words[w]};
        psi_lda_word_proposal_word(proposal, w, &row, inverse);
    }
}

uint16_t psi_lda_word_proposal_draw(const psi_lda_word_proposal *proposal, uint32_t slot,
                                    psi_lda_random *random) {
    const double mass = psi_lda_word_proposal_mass(proposal, slot);
    if (psi_lda_random_uniform(random) * mass < proposal->masses[slot]) {
        const uint64_t begin = proposal->begins[slot];
        return table_draw(proposal->columns + begin, (uint32_t)(proposal->begins[slot + 1] - begin),
                          random);
    }
    return table_draw(proposal->smoothing, proposal->prior.topic_count, random);
}

double psi_lda_word_proposal_weight(const psi_lda_word_proposal *proposal, uint32_t slot,
                                    uint16_t topic) {
    uint64_t low = proposal->begins[slot], high = proposal->begins[slot + 1];
    const uint64_t end = high;
    while (low < high) { /* the first column whose topic is not smaller */
        const uint64_t middle = low + (high - low) / 2;
        if (proposal->columns[middle].topic < topic) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    const int is_there = low < end && proposal->columns[low].topic == topic;
    return (double)proposal->smoothing[topic].weight +
           (is_there ? (double)proposal->columns[low].weight : 0);
}
