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

/* The table that all words share. O(K). */
static void smoothing_build(psi_lda_word_proposal *proposal, const double *inverse) {
    const uint32_t topics = proposal->prior.topic_count;
    proposal->smoothing_mass = 0;
    for (uint32_t k = 0; k < topics; k++) {
        const double weight = proposal->prior.beta * inverse[k];
        proposal->smoothing[k] = (psi_lda_column){.weight = (float)weight, .topic = (uint16_t)k};
        proposal->smoothing_mass += weight;
    }
    psi_lda_table_build(proposal->smoothing, topics, proposal->smoothing_mass, proposal->stack);
}

/* The table of one word; those of the slots before it are built. Topics for which there is no room
 * have no column of their own. O(K). */
static void word_build(psi_lda_word_proposal *proposal, uint32_t slot, const int32_t *counts,
                       const double *inverse) {
    psi_lda_column *const columns = proposal->columns + proposal->begins[slot];
    const uint32_t topics = counts == NULL ? 0 : proposal->prior.topic_count;
    uint32_t count = 0;
    const uint64_t room = proposal->capacity - proposal->begins[slot];
    double mass = 0;
    for (uint32_t k = 0; k < topics && count < room; k++) {
        if (counts[k] > 0) {
            const double weight = (double)counts[k] * inverse[k];
            columns[count++] = (psi_lda_column){.weight = (float)weight, .topic = (uint16_t)k};
            mass += weight;
        }
    }
    psi_lda_table_build(columns, count, mass, proposal->stack);
    proposal->masses[slot] = mass;
    proposal->begins[slot + 1] = proposal->begins[slot] + count;
}

void psi_lda_word_proposal_build(psi_lda_word_proposal *proposal, const psi_lda_block *block,
                                 const psi_lda_rows *rows, const double *inverse) {
    smoothing_build(proposal, inverse);
    for (uint32_t w = 0; w < block->word_count; w++) {
        word_build(proposal, w, rows->words[w], inverse);
    }
}

uint16_t psi_lda_word_proposal_draw(const psi_lda_word_proposal *proposal, uint32_t slot,
                                    psi_lda_random *random) {
    const double mass = psi_lda_word_proposal_mass(proposal, slot);
    if (psi_lda_random_uniform(random) * mass < proposal->masses[slot]) {
        const uint64_t begin = proposal->begins[slot];
        return psi_lda_table_draw(proposal->columns + begin,
                                  (uint32_t)(proposal->begins[slot + 1] - begin), random);
    }
    return psi_lda_table_draw(proposal->smoothing, proposal->prior.topic_count, random);
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
