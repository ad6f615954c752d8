/* The tables: the counts of every word by topic, in one table or, where rare words have sparse
 * rows, in two, and those of all tokens by topic. The documents of a worker, their topics and
 * counts never leave it. In its first clock a worker adds the counts of its first topics; in every
 * later one it fetches the words of a block of documents, draws the topics of the block's tokens,
 * and publishes the difference. */
#include "algos/lda/lda_app.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "algos/lda/corpus_part.h"
#include "algos/lda/first_topics.h"
#include "algos/lda/lda_model.h"
#include "algos/lda/lda_problem.h"
#include "algos/lda/packed_topics.h"

enum { TABLE_WORDS, TABLE_TOTALS, TABLE_RARE, DEFAULT_CLOCKS = 201 };

/* Seconds per token of `vector` with 100 topics, in the middle of a run, on one core of an AMD EPYC
 * (Zen 5, gcc 12 -O3). `tortoise calibrate` measures it anew, for another sampler too. */
#define REFERENCE_COST_S 5e-8

static ps_err lda_open(const ps_settings *settings, void **problem_out, ps_fault *fault) {
    psi_lda_problem *problem = NULL;
    const ps_err err = psi_lda_problem_open(settings, &problem, fault);
    *problem_out = problem;
    return err;
}

static void lda_close(void *problem) {
    psi_lda_problem_close(problem);
}

static int lda_describe(const void *problem, char *text, size_t text_size) {
    const psi_lda_problem *const lda = problem;
    const psi_lda_blocks *const blocks = &lda->blocks;
    const size_t block_count = blocks->shares[lda->worker_count].block_begin;
    return snprintf(text, text_size,
                    "%u documents of %zu tokens, %u words, %u documents held out; %u topics, alpha "
                    "%g, beta %g, %.4g batches per pass",
                    blocks->doc_count, blocks->token_count, lda->prior.word_count,
                    lda->heldout.doc_count, lda->prior.topic_count, lda->prior.alpha,
                    lda->prior.beta, (double)block_count / lda->worker_count);
}

static size_t lda_tables(const void *problem, ps_table_spec *specs) {
    const psi_lda_problem *const lda = problem;
    const int has_rare = lda->word_places != NULL;
    const uint32_t frequent = lda->frequent_count, topics = lda->prior.topic_count;
    specs[TABLE_WORDS] = (ps_table_spec){.name = has_rare ? "frequent_words" : "word_topic",
                                         .type = PS_I32,
                                         .layout = PS_DENSE,
                                         .row_count = frequent > 0 ? frequent : 1,
                                         .column_count = topics,
                                         .is_part = has_rare};
    specs[TABLE_TOTALS] = (ps_table_spec){.name = "topics",
                                          .type = PS_I64,
                                          .layout = PS_DENSE,
                                          .row_count = 1,
                                          .column_count = topics};
    if (!has_rare) {
        return TABLE_TOTALS + 1;
    }
    specs[TABLE_RARE] = (ps_table_spec){.name = "rare_words",
                                        .type = PS_I32,
                                        .layout = PS_SPARSE,
                                        .row_count = lda->rare_count,
                                        .column_count = topics,
                                        .is_part = true};
    return TABLE_RARE + 1;
}

psi_lda_tables psi_lda_tables_of(const psi_lda_problem *problem, const void *words,
                                 const void *totals, const ps_sparse_row *rare) {
    return (psi_lda_tables){
        .words = words, .totals = totals, .rare = rare, .places = problem->word_places};
}

static psi_lda_tables tables_of(const psi_lda_problem *lda, const ps_model *model) {
    return psi_lda_tables_of(lda, model->dense[TABLE_WORDS], model->dense[TABLE_TOTALS],
                             lda->word_places == NULL ? NULL : model->sparse[TABLE_RARE]);
}

/* A worker at work. */
typedef struct gibbs {
    const psi_lda_problem *problem;
    ps_worker *worker;
    uint32_t rank;    /* in the problem's blocks */
    uint16_t *topics; /* owned: of its tokens */
    uint32_t *pairs;  /* owned: the same, for warp; or NULL */
    psi_lda_sampler *sampler;
    uint64_t *rows;      /* owned: of the current block's words, as the table numbers them */
    int32_t **word_rows; /* owned: the same, as they are fetched */
    int32_t *delta;      /* owned, [K] */
    uint32_t *columns;   /* owned, [K]: of what is not 0 of it */
    int32_t *values;     /* owned, [K]: the same */
    int64_t *totals;     /* owned, [K]: of its first topics; then borrowed from the table */
    int32_t *slice;      /* owned, [2][slice_rows][K]: rows and their differences; or NULL */
    size_t block;        /* the current one */
    ps_err err;          /* of what was computed */
} gibbs;

static void gibbs_fini(gibbs *g) {
    free(g->topics);
    free(g->pairs);
    psi_lda_sampler_destroy(g->sampler);
    free(g->rows);
    free(g->word_rows);
    free(g->delta);
    free(g->columns);
    free(g->values);
    free(g->totals);
    free(g->slice);
}

/* Bytes of a worker's topics; never 0. */
static size_t topics_size_bytes(const psi_lda_problem *problem, uint32_t rank) {
    const size_t tokens = psi_lda_token_count(&problem->blocks, rank);
    return (tokens > 0 ? tokens : 1) * sizeof(uint16_t);
}

/* Bytes of the copy of them that an evaluation looks at. */
static size_t copy_size_bytes(const psi_lda_problem *problem, uint32_t rank) {
    return psi_lda_packed_size_bytes(psi_lda_token_count(&problem->blocks, rank),
                                     psi_lda_topic_bits(problem->prior.topic_count));
}

static void topics_copy(const void *state, void *to) {
    const gibbs *const g = state;
    psi_lda_topics_pack(g->topics, psi_lda_token_count(&g->problem->blocks, g->rank),
                        psi_lda_topic_bits(g->problem->prior.topic_count), to);
}

/* The worker's state is safe to release whatever this returns. */
static ps_err gibbs_init(gibbs *g, const psi_lda_part *part, ps_worker *worker) {
    const psi_lda_problem *const problem = part->problem;
    const psi_lda_blocks *const blocks = &problem->blocks;
    const size_t words = (size_t)blocks->limits.word_count + 1;
    const int needs_pairs = psi_lda_needs_pairs(problem->sampler.kind);
    *g = (gibbs){.problem = problem, .worker = worker, .rank = part->rank};
    const size_t size = topics_size_bytes(problem, g->rank);
    g->topics = calloc(1, size);
    g->pairs = needs_pairs ? calloc(size / sizeof *g->topics, sizeof *g->pairs) : NULL;
    g->rows = calloc(words, sizeof *g->rows);
    g->word_rows = calloc(words, sizeof *g->word_rows);
    g->delta = calloc(problem->prior.topic_count, sizeof *g->delta);
    g->columns = calloc(problem->prior.topic_count, sizeof *g->columns);
    g->values = calloc(problem->prior.topic_count, sizeof *g->values);
    g->totals = calloc(problem->prior.topic_count, sizeof *g->totals);
    const size_t held_bytes = psi_lda_held_bytes(problem, problem->slice_rows);
    g->slice = held_bytes > 0 ? malloc(held_bytes) : NULL;
    if (held_bytes > 0 && g->slice == NULL) {
        return PS_ENOMEM;
    }
    if (g->topics == NULL || (needs_pairs && g->pairs == NULL) || g->rows == NULL ||
        g->word_rows == NULL || g->delta == NULL || g->columns == NULL || g->values == NULL ||
        g->totals == NULL) {
        return PS_ENOMEM;
    }
    return psi_lda_sampler_create(&problem->sampler, &problem->prior, &blocks->limits,
                                  ps_worker_random(worker, "lda-sampler"), &g->sampler);
}

/* ---- The first counts ---- */

/* The place of a word in the tables. */
static uint32_t place_of(const gibbs *g, uint32_t word) {
    return g->problem->word_places == NULL ? word : g->problem->word_places[word];
}

/* Adds g->delta, of `count` tokens, to the row of a rare word. O(the smaller of count and K). */
static ps_err rare_word_add(const gibbs *g, uint64_t row, const uint16_t *topics,
                            const uint32_t *places, uint32_t count) {
    const uint32_t topic_count = g->problem->prior.topic_count;
    uint32_t found = 0;
    if (count < topic_count / 2) {
        for (; found < count; found++) {
            g->columns[found] = topics[places[found]];
            g->values[found] = 1;
        }
    } else {
        for (uint32_t k = 0; k < topic_count; k++) {
            g->columns[found] = k;
            g->values[found] = g->delta[k];
            found += g->delta[k] != 0;
        }
    }
    return ps_add_sparse(g->worker, TABLE_RARE, row, found, g->columns, g->values);
}

/* Adds the counts of one word of a block: of the tokens at places[0..count). */
static ps_err word_add(const gibbs *g, uint32_t word, const uint16_t *topics,
                       const uint32_t *places, uint32_t count) {
    const uint32_t place = place_of(g, word);
    const int is_rare = (place & PSI_LDA_RARE) != 0;
    for (uint32_t i = 0; i < count; i++) {
        g->delta[topics[places[i]]]++;
        g->totals[topics[places[i]]]++;
    }
    const ps_err err = is_rare ? rare_word_add(g, place & ~PSI_LDA_RARE, topics, places, count)
                               : ps_add(g->worker, TABLE_WORDS, place, g->delta);
    for (uint32_t i = 0; i < count; i++) {
        g->delta[topics[places[i]]] = 0;
    }
    return err;
}

/* The block's tokens in the order of their words: `places` if it has no such list itself. `next`
 * has room for the words. */
static const uint32_t *by_word_of(const psi_lda_block *block, uint32_t *places, uint32_t *next) {
    if (block->by_word != NULL) {
        return block->by_word;
    }
    memcpy(next, block->word_begins, block->word_count * sizeof *next);
    for (uint32_t i = 0; i < block->word_begins[block->word_count]; i++) {
        places[next[block->slots[i]]++] = i;
    }
    return places;
}

static ps_err blocks_add(const gibbs *g, uint32_t *places, uint32_t *next) {
    const psi_lda_blocks *const blocks = &g->problem->blocks;
    for (size_t b = blocks->shares[g->rank].block_begin;
         b < blocks->shares[g->rank + 1].block_begin; b++) {
        const psi_lda_block block = psi_lda_block_view(blocks, g->rank, b, g->topics, NULL);
        const uint32_t *const by_word = by_word_of(&block, places, next);
        const uint32_t *const words = blocks->words + blocks->places[b].word_begin;
        for (uint32_t w = 0; w < block.word_count; w++) {
            const uint32_t begin = block.word_begins[w];
            PS_TRY(word_add(g, words[w], block.topics, by_word + begin,
                            block.word_begins[w + 1] - begin));
        }
    }
    return ps_add(g->worker, TABLE_TOTALS, 0, g->totals);
}

static void first_counts_add(void *arg) {
    gibbs *const g = arg;
    const psi_lda_limits *const limits = &g->problem->blocks.limits;
    uint32_t *const places = calloc((size_t)limits->token_count + 1, sizeof *places);
    uint32_t *const next = calloc((size_t)limits->word_count + 1, sizeof *next);
    g->err = places == NULL || next == NULL ? PS_ENOMEM : blocks_add(g, places, next);
    free(places);
    free(next);
}

static void first_topics_draw(void *arg) {
    gibbs *const g = arg;
    g->err = psi_lda_first_topics(g->problem, g->rank, g->topics);
    const size_t tokens = psi_lda_token_count(&g->problem->blocks, g->rank);
    for (size_t i = 0; i < tokens && g->pairs != NULL; i++) {
        g->pairs[i] = psi_lda_first_pair(g->topics[i]);
    }
}

static ps_err first_counts_stream(gibbs *g);

static ps_err first_clock(gibbs *g) {
    const double tokens = (double)psi_lda_token_count(&g->problem->blocks, g->rank);
    if (tokens == 0) { /* more workers than documents: this one has nothing to do */
        return ps_clock(g->worker);
    }
    PS_TRY(ps_compute(g->worker, psi_lda_first_units(g->problem, g->rank), first_topics_draw, g));
    PS_TRY(g->err);
    if (g->slice != NULL) {
        PS_TRY(first_counts_stream(g));
    } else {
        PS_TRY(ps_compute(g->worker, tokens, first_counts_add, g));
        PS_TRY(g->err);
    }
    return ps_clock(g->worker);
}

/* ---- A block ---- */

/* Fetches the rows of the block's words that are of one table. */
static ps_err table_fetch(gibbs *g, uint32_t table) {
    const psi_lda_blocks *const blocks = &g->problem->blocks;
    const psi_lda_block_place *const place = &blocks->places[g->block];
    size_t count = 0;
    for (size_t i = place->word_begin; i < place[1].word_begin; i++) {
        const uint32_t row = place_of(g, blocks->words[i]);
        if (((row & PSI_LDA_RARE) != 0) == (table == TABLE_RARE)) {
            g->rows[count++] = row & ~PSI_LDA_RARE;
        }
    }
    return count > 0 ? ps_fetch(g->worker, table, g->rows, count) : PS_OK;
}

/* Fetches the words of the block and takes the places of dense rows once, so that the sampler looks
 * nothing up. */
static ps_err rows_fetch(gibbs *g, int64_t **totals_out) {
    const psi_lda_blocks *const blocks = &g->problem->blocks;
    const psi_lda_block_place *const place = &blocks->places[g->block];
    PS_TRY(table_fetch(g, TABLE_WORDS));
    if (g->problem->word_places != NULL) {
        PS_TRY(table_fetch(g, TABLE_RARE));
    }
    PS_TRY(ps_fetch(g->worker, TABLE_TOTALS, (const uint64_t[]){0}, 1));
    for (size_t i = place->word_begin; i < place[1].word_begin; i++) {
        const uint32_t row = place_of(g, blocks->words[i]);
        const int is_rare = (row & PSI_LDA_RARE) != 0;
        int32_t *const counts = is_rare ? NULL : ps_edit(g->worker, TABLE_WORDS, row);
        if (!is_rare && counts == NULL) {
            return PS_ENOMEM;
        }
        g->word_rows[i - place->word_begin] = counts;
    }
    *totals_out = ps_edit(g->worker, TABLE_TOTALS, 0);
    return *totals_out == NULL ? PS_ENOMEM : PS_OK;
}

static uint64_t rare_row_of(const gibbs *g, uint32_t w) {
    const psi_lda_blocks *const blocks = &g->problem->blocks;
    return place_of(g, blocks->words[blocks->places[g->block].word_begin + w]) & ~PSI_LDA_RARE;
}

static int rare_row_read(void *context, uint32_t w, ps_sparse_row *row_out) {
    gibbs *const g = context;
    const int is_there = ps_get_sparse(g->worker, TABLE_RARE, rare_row_of(g, w), row_out);
    if (!is_there && g->err == PS_OK) { /* it was fetched */
        g->err = PS_ENOMEM;
    }
    return is_there;
}

static void rare_row_add(void *context, uint32_t w, const ps_sparse_row *changes) {
    gibbs *const g = context;
    const ps_err err = ps_add_sparse(g->worker, TABLE_RARE, rare_row_of(g, w), changes->count,
                                     changes->columns, changes->values);
    g->err = g->err == PS_OK ? err : g->err;
}

/* A block to be drawn, with its rows. */
typedef struct block_job {
    psi_lda_sampler *sampler;
    psi_lda_block block;
    psi_lda_rows rows;
} block_job;

static void block_draw(void *arg) {
    const block_job *const job = arg;
    psi_lda_sampler_pass(job->sampler, &job->block, &job->rows);
}

static ps_err block_stream(gibbs *g, block_job *job);

static ps_err block_clock(gibbs *g, uint32_t clock) {
    const psi_lda_blocks *const blocks = &g->problem->blocks;
    const size_t count = psi_lda_block_count(blocks, g->rank);
    if (count == 0) {
        return ps_clock(g->worker);
    }
    g->block = blocks->shares[g->rank].block_begin + (clock - 1) % count;
    block_job job = {.sampler = g->sampler,
                     .block = psi_lda_block_view(blocks, g->rank, g->block, g->topics, g->pairs),
                     .rows = {.words = g->word_rows}};
    if (g->slice != NULL) {
        return block_stream(g, &job);
    }
    const psi_lda_sparse_rows sparse = {rare_row_read, rare_row_add, g};
    job.rows.sparse = g->problem->word_places == NULL ? NULL : &sparse;
    PS_TRY(rows_fetch(g, &job.rows.totals));
    PS_TRY(ps_compute(g->worker, (double)psi_lda_block_tokens(blocks, g->block), block_draw, &job));
    PS_TRY(g->err);
    return ps_clock(g->worker);
}

/* ---- A block whose words come slice by slice ---- */

/* Words [begin, begin + count) of a block, whose rows are in gibbs.slice, or shall be. */
typedef struct slice {
    gibbs *g;
    const psi_lda_block *block;
    const uint32_t *by_word;
    uint32_t begin, count;
    size_t values; /* count x K */
    ps_keys keys;
} slice;

/* The slice of the block that begins at word `begin`; g->rows names its rows. */
static slice slice_at(gibbs *g, const psi_lda_block *block, uint32_t begin) {
    const psi_lda_blocks *const blocks = &g->problem->blocks;
    const uint32_t left = block->word_count - begin, most = g->problem->slice_rows;
    const uint32_t count = left < most ? left : most;
    for (uint32_t i = 0; i < count; i++) {
        g->rows[i] = blocks->words[blocks->places[g->block].word_begin + begin + i];
    }
    return (slice){.g = g,
                   .block = block,
                   .begin = begin,
                   .count = count,
                   .values = (size_t)count * g->problem->prior.topic_count,
                   .keys = {.table = TABLE_WORDS, .rows = g->rows, .row_count = count}};
}

static double slice_tokens(const slice *s) {
    return (double)s->block->word_begins[s->begin + s->count] -
           (double)s->block->word_begins[s->begin];
}

static int32_t *differences_of(const slice *s) {
    return s->g->slice + (size_t)s->g->problem->slice_rows * s->g->problem->prior.topic_count;
}

/* Publishes the differences, and waits until they are in the table. */
static ps_err slice_push(const slice *s) {
    uint64_t handle = 0;
    PS_TRY(ps_push(s->g->worker, &s->keys, differences_of(s), &handle));
    return ps_wait(s->g->worker, handle);
}

static void slice_count(void *arg) {
    const slice *const s = arg;
    const size_t topics = s->g->problem->prior.topic_count;
    int32_t *const counts = differences_of(s);
    memset(counts, 0, s->values * sizeof *counts);
    for (uint32_t w = 0; w < s->count; w++) {
        const uint32_t *const begins = s->block->word_begins + s->begin + w;
        for (uint32_t i = begins[0]; i < begins[1]; i++) {
            const uint16_t topic = s->block->topics[s->by_word[i]];
            counts[w * topics + topic]++;
            s->g->totals[topic]++;
        }
    }
}

static ps_err blocks_stream(gibbs *g, uint32_t *places, uint32_t *next) {
    const psi_lda_blocks *const blocks = &g->problem->blocks;
    const psi_lda_share *const share = &blocks->shares[g->rank];
    for (g->block = share->block_begin; g->block < share[1].block_begin; g->block++) {
        const psi_lda_block block = psi_lda_block_view(blocks, g->rank, g->block, g->topics, NULL);
        const uint32_t *const by_word = by_word_of(&block, places, next);
        for (uint32_t begin = 0; begin < block.word_count; begin += g->problem->slice_rows) {
            slice s = slice_at(g, &block, begin);
            s.by_word = by_word;
            PS_TRY(ps_compute(g->worker, slice_tokens(&s), slice_count, &s));
            PS_TRY(slice_push(&s));
        }
    }
    return ps_add(g->worker, TABLE_TOTALS, 0, g->totals);
}

static ps_err first_counts_stream(gibbs *g) {
    const psi_lda_limits *const limits = &g->problem->blocks.limits;
    uint32_t *const places = calloc((size_t)limits->token_count + 1, sizeof *places);
    uint32_t *const next = calloc((size_t)limits->word_count + 1, sizeof *next);
    const ps_err err = places == NULL || next == NULL ? PS_ENOMEM : blocks_stream(g, places, next);
    free(places);
    free(next);
    return err;
}

/* Draws the topics of one slice's tokens. */
static ps_err slice_draw(const slice *s, block_job *job) {
    gibbs *const g = s->g;
    int32_t *const differences = differences_of(s);
    uint64_t handle = 0;
    PS_TRY(ps_pull(g->worker, &s->keys, g->slice, &handle));
    PS_TRY(ps_wait(g->worker, handle));
    memcpy(differences, g->slice, s->values * sizeof *differences);
    for (uint32_t i = 0; i < s->count; i++) {
        g->word_rows[s->begin + i] = g->slice + (size_t)i * g->problem->prior.topic_count;
    }
    PS_TRY(ps_compute(g->worker, slice_tokens(s), block_draw, job));
    for (uint32_t i = 0; i < s->count; i++) {
        g->word_rows[s->begin + i] = NULL;
    }
    for (size_t i = 0; i < s->values; i++) {
        differences[i] = g->slice[i] - differences[i];
    }
    return slice_push(s);
}

/* The rows of words go past the cache: they are read as the servers have them, which is at least as
 * new as the policy says, since the totals were fetched and all others wait for their pushes before
 * they end a clock. */
static ps_err block_stream(gibbs *g, block_job *job) {
    PS_TRY(ps_fetch(g->worker, TABLE_TOTALS, (const uint64_t[]){0}, 1));
    job->rows.totals = ps_edit(g->worker, TABLE_TOTALS, 0);
    if (job->rows.totals == NULL) {
        return PS_ENOMEM;
    }
    memset(g->word_rows, 0, job->block.word_count * sizeof(int32_t *));
    for (uint32_t begin = 0; begin < job->block.word_count; begin += g->problem->slice_rows) {
        const slice s = slice_at(g, &job->block, begin);
        PS_TRY(slice_draw(&s, job));
    }
    return ps_clock(g->worker);
}

static ps_err lda_worker(ps_worker *worker, const void *problem) {
    gibbs g;
    psi_lda_part part;
    PS_TRY(psi_lda_part_open(problem, ps_rank(worker), &part));
    ps_err err = gibbs_init(&g, &part, worker);
    if (err == PS_OK) {
        ps_publish_by(worker, topics_copy, &g, copy_size_bytes(part.problem, part.rank));
    }
    for (uint32_t clock = 0; clock < ps_clock_count(worker) && err == PS_OK; clock++) {
        err = clock == 0 ? first_clock(&g) : block_clock(&g, clock);
    }
    gibbs_fini(&g);
    psi_lda_part_close(&part);
    return err;
}

/* Before the first clock no count is in the tables: every topic and every word is as likely. */
static void sums_of_nothing(const psi_lda_problem *lda, uint32_t rank, double *sums) {
    const double tokens = (double)psi_lda_token_count(&lda->blocks, rank);
    const double log_words = log((double)lda->prior.word_count);
    const double heldout = rank == 0 ? (double)lda->heldout.begins[lda->heldout.doc_count] : 0;
    sums[PSI_LDA_DOC_SUM] = -tokens * (log((double)lda->prior.topic_count) + log_words);
    sums[PSI_LDA_TOKENS] = tokens;
    sums[PSI_LDA_HELDOUT_SUM] = -heldout * log_words;
    sums[PSI_LDA_HELDOUT_TOKENS] = heldout;
}

/* A copy of the topics that does not fit cannot be evaluated: said by the metrics, as nan. */
static void lda_evaluate(const void *problem, uint32_t rank, const void *local,
                         size_t local_size_bytes, const ps_model *model, double *sums) {
    const psi_lda_problem *const lda = problem;
    const psi_lda_tables tables = tables_of(lda, model);
    const int is_known = local != NULL && local_size_bytes == copy_size_bytes(lda, rank);
    for (int s = 0; s < PSI_LDA_SUMS; s++) {
        sums[s] = model->clock == 0 || is_known ? 0 : NAN;
    }
    if (model->clock == 0) {
        sums_of_nothing(lda, rank, sums);
    } else if (is_known) {
        psi_lda_evaluate(lda, rank, local, &tables, sums);
    }
}

static void lda_finish(const void *problem, const double *sums, double *metrics) {
    psi_lda_finish(problem, sums, metrics);
}

static double lda_units_per_clock(const void *problem) {
    const psi_lda_problem *const lda = problem;
    double tokens = 0;
    for (uint32_t w = 0; w < lda->worker_count; w++) {
        const size_t count = psi_lda_block_count(&lda->blocks, w);
        if (count > 0) {
            tokens += (double)psi_lda_token_count(&lda->blocks, w) / (double)count;
        }
    }
    return tokens;
}

static ps_err lda_leave(const void *problem, const ps_model *model, const ps_sink *sink) {
    const psi_lda_tables tables = tables_of(problem, model);
    return psi_lda_leave(problem, &tables, sink);
}

static const char *const metrics[PSI_LDA_METRICS] = {
    [PSI_LDA_OBJECTIVE] = "objective",
    [PSI_LDA_LOGLIK] = "loglik_per_token",
    [PSI_LDA_PERPLEXITY] = "perplexity",
    [PSI_LDA_RATE] = "tokens_per_s",
};

const ps_algo psi_lda_algo = {
    .name = "lda",
    .summary = "topic modelling: latent Dirichlet allocation by Gibbs sampling",
    .unit = "token",
    .unit_cost_s = REFERENCE_COST_S,
    .default_clock_count = DEFAULT_CLOCKS,
    .options = psi_lda_option_list,
    .option_count = PSI_LDA_OPTIONS,
    .metrics = metrics,
    .metric_count = PSI_LDA_METRICS,
    .maximised = 1U << PSI_LDA_OBJECTIVE | 1U << PSI_LDA_LOGLIK | 1U << PSI_LDA_RATE,
    .rate_metric = PSI_LDA_RATE,
    .sum_count = PSI_LDA_SUMS,
    .open = lda_open,
    .close = lda_close,
    .describe = lda_describe,
    .tables = lda_tables,
    .worker = lda_worker,
    .evaluate = lda_evaluate,
    .finish = lda_finish,
    .units_per_clock = lda_units_per_clock,
    .leave = lda_leave,
    .infer = psi_lda_infer,
};
