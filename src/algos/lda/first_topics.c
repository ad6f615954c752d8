/* A chain may begin anywhere. Uniform topics are the textbook's choice, and far from what the chain
 * ends up with; sequential ones are drawn token by token from equation (1) with the counts of the
 * tokens before alone, as a new document is added to a model that grows. One such pass is worth
 * tens or hundreds of passes that begin with uniform topics.
 *
 * Workers that began alone would number their topics differently, and a sum of counts would mean
 * nothing. So all of them first draw the same documents, the guide, from the same random stream.
 * Its counts only guide what a worker draws for its own tokens, and are then forgotten.
 *
 *     guide, by everyone             own documents, by worker p alone
 *     [ some blocks, evenly spread ] [ blocks of worker p ]
 *
 * With a_k = (n_dk + alpha) / (n_k + V beta), equation (1) is a sum over the topics that the word
 * has, and one over all topics:
 *
 *     p(k) = n_kw a_k + beta a_k
 *
 * The second is kept as sums of SPAN topics each, as only one a_k changes per token. */
#include "algos/lda/first_topics.h"

#include <stdlib.h>

#include "algos/lda/corpus_part.h"
#include "algos/lda/fast_random.h"

enum { SPAN = 64, GUIDE_TOKENS_PER_TOPIC = 500 };

/* With less than that for beta the first tokens of a word would decide for all others: such a start
 * is more likely, but it gives less probability to documents that were not learned from, and passes
 * do not mend it soon (docs/benchmarks.md). */
static const double beta_least = 0.05;

typedef struct drawer {
    const psi_lda_problem *problem; /* the worker's part */
    psi_lda_random random;
    double alpha, beta, smoothing; /* V beta */
    uint64_t *begins;              /* owned, [V + 1]: where the list of a word begins */
    uint32_t *lengths;             /* owned, [V]: topics of a word */
    uint16_t *topics;              /* owned: of the lists */
    uint32_t *counts;              /* owned: the same */
    int64_t *totals;               /* owned, [K]: n_k */
    int32_t *doc_counts;           /* owned, [K]: n_dk; all 0 between documents */
    double *weights;               /* owned, [K]: a_k */
    double *spans;                 /* owned, [K / SPAN + 1]: sums of a_k */
    double *sums;                  /* owned, [K]: of the terms of a word's list */
    uint32_t *slots;               /* owned: of a block's tokens */
    uint16_t *guide;               /* owned: topics of a block that are forgotten */
    double mass;                   /* sum of all a_k */
} drawer;

static void drawer_fini(drawer *d) {
    free(d->begins);
    free(d->lengths);
    free(d->topics);
    free(d->counts);
    free(d->totals);
    free(d->doc_counts);
    free(d->weights);
    free(d->spans);
    free(d->sums);
    free(d->slots);
    free(d->guide);
}

/* ---- Which blocks ---- */

static const psi_lda_problem *whole_of(const psi_lda_problem *problem) {
    return problem->whole == NULL ? problem : problem->whole;
}

/* Every `stride`-th block of all is of the guide; 0: there is none. A lone worker needs none. */
static size_t guide_stride(const psi_lda_problem *problem) {
    const psi_lda_blocks *const blocks = &problem->blocks;
    const size_t workers = problem->worker_count;
    const size_t block_count = blocks->shares[workers].block_begin;
    const double least = GUIDE_TOKENS_PER_TOPIC * (double)problem->prior.topic_count;
    const double share = (double)blocks->token_count / (double)workers;
    const double wanted = share > least ? share : least;
    const double stride = (double)blocks->token_count / wanted;
    if (workers == 1 || block_count == 0) {
        return 0;
    }
    return stride > 1 ? (size_t)stride : 1;
}

/* Calls visit() for the blocks of the guide, then for the worker's own. */
typedef void block_visitor(drawer *d, const psi_lda_blocks *blocks, size_t block, uint16_t *topics);

static ps_err guide_visit(drawer *d, block_visitor *visit) {
    const psi_lda_problem *const whole = whole_of(d->problem);
    const size_t stride = guide_stride(whole);
    const size_t block_count = whole->blocks.shares[whole->worker_count].block_begin;
    for (size_t b = 0; stride > 0 && b < block_count; b += stride) {
        psi_lda_part part;
        if (psi_lda_block_tokens(&whole->blocks, b) == 0) {
            continue;
        }
        PS_TRY(psi_lda_part_open_block(whole, b, &part));
        visit(d, &part.problem->blocks, part.block, NULL);
        psi_lda_part_close(&part);
    }
    return PS_OK;
}

static ps_err blocks_visit(drawer *d, uint32_t rank, uint16_t *topics, block_visitor *visit) {
    const psi_lda_blocks *const blocks = &d->problem->blocks;
    const psi_lda_share *const share = &blocks->shares[rank];
    PS_TRY(guide_visit(d, visit));
    if (topics != NULL) { /* from here on what is drawn differs from worker to worker */
        ps_random stream =
            ps_random_stream(d->problem->seed, "lda-first", d->problem->rank_first + rank);
        d->random = psi_lda_random_from(&stream);
    }
    const size_t first = psi_lda_token_begin(blocks, rank);
    for (size_t b = share->block_begin; b < share[1].block_begin; b++) {
        const size_t own = blocks->doc_begins[blocks->places[b].doc_begin] - first;
        visit(d, blocks, b, topics == NULL ? NULL : topics + own);
    }
    return PS_OK;
}

double psi_lda_first_units(const psi_lda_problem *problem, uint32_t rank) {
    const psi_lda_problem *const whole = whole_of(problem);
    const size_t stride = guide_stride(whole);
    const size_t block_count = whole->blocks.shares[whole->worker_count].block_begin;
    double tokens = 0;
    if (problem->first_topics != PSI_LDA_FIRST_SEQUENTIAL) {
        return 0;
    }
    for (size_t b = 0; stride > 0 && b < block_count; b += stride) {
        tokens += psi_lda_block_tokens(&whole->blocks, b);
    }
    return tokens + (double)psi_lda_token_count(&problem->blocks, rank);
}

/* ---- Setting up ---- */

/* Adds the block's occurrences of each word to `lengths`. */
static void block_count(drawer *d, const psi_lda_blocks *blocks, size_t block, uint16_t *topics) {
    (void)topics;
    const size_t begin = blocks->places[block].word_begin;
    const size_t count = blocks->places[block + 1].word_begin - begin;
    const uint32_t *const word_begins = blocks->word_begins + begin + block;
    for (size_t w = 0; w < count; w++) {
        d->lengths[blocks->words[begin + w]] += word_begins[w + 1] - word_begins[w];
    }
}

/* A word has at most as many topics as there are, or as it has tokens. */
static ps_err lists_init(drawer *d, uint32_t rank) {
    const psi_lda_prior *const prior = &d->problem->prior;
    PS_TRY(blocks_visit(d, rank, NULL, block_count));
    uint64_t room = 0;
    for (uint32_t w = 0; w < prior->word_count; w++) {
        d->begins[w] = room;
        room += d->lengths[w] < prior->topic_count ? d->lengths[w] : prior->topic_count;
        d->lengths[w] = 0;
    }
    d->topics = calloc(room + 1, sizeof *d->topics);
    d->counts = calloc(room + 1, sizeof *d->counts);
    return d->topics == NULL || d->counts == NULL ? PS_ENOMEM : PS_OK;
}

/* Tokens of the largest block of all. */
static size_t tokens_most(const psi_lda_problem *whole) {
    const size_t count = whole->blocks.shares[whole->worker_count].block_begin;
    size_t most = 0;
    for (size_t b = 0; b < count; b++) {
        const size_t tokens = psi_lda_block_tokens(&whole->blocks, b);
        most = tokens > most ? tokens : most;
    }
    return most;
}

/* drawer_fini() releases it, whatever this returns. */
static ps_err drawer_init(drawer *d, const psi_lda_problem *problem, uint32_t rank) {
    const psi_lda_prior *const prior = &problem->prior;
    const size_t topics = prior->topic_count, words = (size_t)prior->word_count + 1;
    const size_t tokens = tokens_most(whole_of(problem)) + 1;
    ps_random stream = ps_random_stream(problem->seed, "lda-guide", 0);
    *d = (drawer){.problem = problem,
                  .random = psi_lda_random_from(&stream),
                  .alpha = prior->alpha,
                  .beta = prior->beta > beta_least ? prior->beta : beta_least};
    d->smoothing = (double)prior->word_count * d->beta;
    d->begins = calloc(words, sizeof *d->begins);
    d->lengths = calloc(words, sizeof *d->lengths);
    d->totals = calloc(topics, sizeof *d->totals);
    d->doc_counts = calloc(topics, sizeof *d->doc_counts);
    d->weights = calloc(topics, sizeof *d->weights);
    d->spans = calloc(topics / SPAN + 1, sizeof *d->spans);
    d->sums = calloc(topics, sizeof *d->sums);
    d->slots = calloc(tokens, sizeof *d->slots);
    d->guide = calloc(tokens, sizeof *d->guide);
    if (d->begins == NULL || d->lengths == NULL || d->totals == NULL || d->doc_counts == NULL ||
        d->weights == NULL || d->spans == NULL || d->sums == NULL || d->slots == NULL ||
        d->guide == NULL) {
        return PS_ENOMEM;
    }
    return lists_init(d, rank);
}

/* ---- Drawing ---- */

static void weight_set(drawer *d, uint32_t topic, double weight) {
    const double change = weight - d->weights[topic];
    d->weights[topic] = weight;
    d->spans[topic / SPAN] += change;
    d->mass += change;
}

/* a_k of all topics, between documents, and their sums: exactly, whatever rounding did to them. */
static void weights_make(drawer *d) {
    const uint32_t topics = d->problem->prior.topic_count;
    d->mass = 0;
    for (uint32_t s = 0; s <= topics / SPAN; s++) {
        d->spans[s] = 0;
    }
    for (uint32_t k = 0; k < topics; k++) {
        d->weights[k] = 0;
        weight_set(d, k, d->alpha / ((double)d->totals[k] + d->smoothing));
    }
}

/* The topic where `at` falls among the a_k. Rounding may let it fall behind: then the last. */
static uint32_t weight_draw(const drawer *d, double at) {
    const uint32_t topics = d->problem->prior.topic_count;
    uint32_t span = 0;
    for (; (span + 1) * SPAN < topics && at >= d->spans[span]; span++) {
        at -= d->spans[span];
    }
    uint32_t topic = span * SPAN;
    for (; topic + 1 < topics && at >= d->weights[topic]; topic++) {
        at -= d->weights[topic];
    }
    return topic;
}

/* Where `topic` stands in the list of a word, or its length. */
static uint32_t list_find(const drawer *d, uint32_t word, uint32_t topic) {
    const uint16_t *const list = d->topics + d->begins[word];
    uint32_t at = 0;
    while (at < d->lengths[word] && list[at] != topic) {
        at++;
    }
    return at;
}

/* Draws the topic of one token of `word` from equation (1). O(topics of the word). */
static uint32_t topic_draw(drawer *d, uint32_t word) {
    const uint16_t *const topics = d->topics + d->begins[word];
    uint32_t *const counts = d->counts + d->begins[word];
    const uint32_t length = d->lengths[word];
    double sum = 0;
    for (uint32_t i = 0; i < length; i++) {
        sum += counts[i] * d->weights[topics[i]];
        d->sums[i] = sum;
    }
    const double at = psi_lda_random_uniform(&d->random) * (sum + d->beta * d->mass);
    uint32_t place = 0, topic;
    if (at < sum) {
        while (d->sums[place] <= at) {
            place++;
        }
        topic = topics[place];
    } else {
        topic = weight_draw(d, (at - sum) / d->beta);
        place = list_find(d, word, topic);
    }
    if (place == length) {
        d->topics[d->begins[word] + length] = (uint16_t)topic;
        counts[length] = 0;
        d->lengths[word]++;
    }
    counts[place]++;
    return topic;
}

/* Draws the topics of a document whose words are words[slots[0..count)]. */
static void document_draw(drawer *d, const uint32_t *words, const uint32_t *slots, uint32_t count,
                          uint16_t *topics) {
    for (uint32_t i = 0; i < count; i++) {
        const uint32_t topic = topic_draw(d, words[slots[i]]);
        topics[i] = (uint16_t)topic;
        d->doc_counts[topic]++;
        d->totals[topic]++;
        weight_set(d, topic,
                   ((double)d->doc_counts[topic] + d->alpha) /
                       ((double)d->totals[topic] + d->smoothing));
    }
    for (uint32_t i = 0; i < count; i++) {
        const uint32_t topic = topics[i];
        d->doc_counts[topic] = 0;
        weight_set(d, topic, d->alpha / ((double)d->totals[topic] + d->smoothing));
    }
}

/* Draws the topics of a block: into `topics`, or of the guide if that is NULL. */
static void block_draw(drawer *d, const psi_lda_blocks *blocks, size_t block, uint16_t *topics) {
    const psi_lda_block_place *const place = &blocks->places[block];
    const uint32_t first = blocks->doc_begins[place->doc_begin];
    const uint32_t *const words = blocks->words + place->word_begin;
    uint16_t *const to = topics == NULL ? d->guide : topics;
    psi_lda_block_slots(blocks, block, d->slots);
    weights_make(d);
    for (uint32_t doc = place->doc_begin; doc < place[1].doc_begin; doc++) {
        const uint32_t begin = blocks->doc_begins[doc] - first;
        document_draw(d, words, d->slots + begin, blocks->doc_begins[doc + 1] - first - begin,
                      to + begin);
    }
}

static void uniform_draw(const psi_lda_problem *problem, uint32_t rank, uint16_t *topics_out) {
    const psi_lda_blocks *const blocks = &problem->blocks;
    size_t token = 0;
    for (uint32_t d = blocks->shares[rank].doc_begin; d < blocks->shares[rank + 1].doc_begin; d++) {
        ps_random random = ps_random_stream(problem->seed, "lda-topics", problem->doc_first + d);
        for (uint32_t i = blocks->doc_begins[d]; i < blocks->doc_begins[d + 1]; i++) {
            topics_out[token++] = (uint16_t)ps_random_below(&random, problem->prior.topic_count);
        }
    }
}

ps_err psi_lda_first_topics(const psi_lda_problem *problem, uint32_t rank, uint16_t *topics_out) {
    if (problem->first_topics == PSI_LDA_FIRST_UNIFORM) {
        uniform_draw(problem, rank, topics_out);
        return PS_OK;
    }
    drawer d;
    ps_err err = drawer_init(&d, problem, rank);
    if (err == PS_OK) {
        err = blocks_visit(&d, rank, topics_out, block_draw);
    }
    drawer_fini(&d);
    return err;
}
