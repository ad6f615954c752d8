/* How well the words of a topic go together: normalised pointwise mutual information.
 *
 * Of D documents, D_i have word i and D_ij have words i and j. With p_i = D_i / D, p_ij = D_ij / D,
 *
 *     NPMI(i, j) = ln(p_ij / (p_i p_j)) / -ln p_ij
 *
 * (Bouma, GSCL 2009), which is 1 for words that only occur together, 0 for independent ones and -1
 * for words that never meet. The coherence of a topic is the mean over the pairs of its ten most
 * frequent words (Aletras and Stevenson, IWCS 2013; Lau, Newman and Baldwin, EACL 2014, found it
 * close to what people judge). A pair that is in every document counts as 1.
 *
 * The documents that have a word are a list; only words at the top of a topic have one. Of a topic,
 * documents are counted by the subset of its ten words that they have, which says all D_ij. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "algos/lda/corpus_part.h"
#include "algos/lda/lda_topics.h"

enum { SUBSETS = 1 << PSI_LDA_COHERENCE_WORDS };

/* Which documents have a word. Owned. */
typedef struct postings {
    uint32_t *places; /* [V]: of the word's list, from 1; 0: it has none */
    uint32_t list_count;
    size_t *begins; /* [list_count + 1]: of docs */
    uint32_t *docs;
} postings;

static void postings_fini(postings *lists) {
    free(lists->places);
    free(lists->begins);
    free(lists->docs);
}

/* Tokens of word `w` of block `b` are in these documents; `visit` hears of each document once per
 * block, ascending. */
typedef struct walk {
    const psi_lda_blocks *blocks; /* of one worker */
    uint32_t doc_first;           /* of these among all */
    postings *lists;
    uint32_t *last; /* [list_count]: the last document heard of, from 1 */
    int is_filling; /* else counting */
} walk;

static void visit(const walk *at, uint32_t word, uint32_t own_doc) {
    const uint32_t place = at->lists->places[word], doc = at->doc_first + own_doc;
    if (place == 0 || at->last[place - 1] == doc + 1) {
        return;
    }
    at->last[place - 1] = doc + 1;
    if (at->is_filling) {
        at->lists->docs[at->lists->begins[place - 1]++] = doc;
    } else {
        at->lists->begins[place]++;
    }
}

/* Tokens are in the order of the documents. */
static void block_by_document(const walk *at, size_t b) {
    const psi_lda_blocks *const blocks = at->blocks;
    const uint32_t *const words = blocks->words + blocks->places[b].word_begin;
    for (uint32_t d = blocks->places[b].doc_begin; d < blocks->places[b + 1].doc_begin; d++) {
        for (uint32_t i = blocks->doc_begins[d]; i < blocks->doc_begins[d + 1]; i++) {
            visit(at, words[blocks->tokens[i]], d);
        }
    }
}

/* Tokens are in the order of the words; those of a word are in that of the documents. */
static void block_by_word(const walk *at, size_t b) {
    const psi_lda_blocks *const blocks = at->blocks;
    const psi_lda_block_place *const place = &blocks->places[b];
    const uint32_t first = blocks->doc_begins[place->doc_begin];
    const uint32_t *const word_begins = blocks->word_begins + place->word_begin + b;
    const size_t count = place[1].word_begin - place->word_begin;
    for (size_t w = 0; w < count; w++) {
        uint32_t doc = place->doc_begin;
        for (uint32_t i = word_begins[w]; i < word_begins[w + 1]; i++) {
            while (blocks->doc_begins[doc + 1] <= first + blocks->tokens[first + i]) {
                doc++;
            }
            visit(at, blocks->words[place->word_begin + w], doc);
        }
    }
}

/* The documents of all workers, part by part. */
static ps_err documents_walk(const psi_lda_problem *problem, walk at) {
    for (uint32_t i = 0; i < at.lists->list_count; i++) {
        at.last[i] = 0;
    }
    for (uint32_t rank = 0; rank < problem->worker_count; rank++) {
        psi_lda_part part;
        PS_TRY(psi_lda_part_open(problem, rank, &part));
        const psi_lda_share *const share = &part.problem->blocks.shares[part.rank];
        at.blocks = &part.problem->blocks;
        at.doc_first = part.problem->doc_first;
        for (size_t b = share->block_begin; b < share[1].block_begin; b++) {
            if (at.blocks->goes_by_word) {
                block_by_word(&at, b);
            } else {
                block_by_document(&at, b);
            }
        }
        psi_lda_part_close(&part);
    }
    return PS_OK;
}

static uint32_t words_of(const psi_lda_top *top) {
    return top->count < PSI_LDA_COHERENCE_WORDS ? top->count : PSI_LDA_COHERENCE_WORDS;
}

static ps_err lists_make(postings *lists, const psi_lda_problem *problem, uint32_t *last) {
    PS_TRY(documents_walk(problem, (walk){.lists = lists, .last = last}));
    for (uint32_t i = 0; i < lists->list_count; i++) {
        lists->begins[i + 1] += lists->begins[i];
    }
    lists->docs = calloc(lists->begins[lists->list_count] + 1, sizeof *lists->docs);
    if (lists->docs == NULL) {
        return PS_ENOMEM;
    }
    /* Filling moves where a list begins to where it ends: back again afterwards. */
    PS_TRY(documents_walk(problem, (walk){.lists = lists, .last = last, .is_filling = 1}));
    for (uint32_t i = lists->list_count; i > 0; i--) {
        lists->begins[i] = lists->begins[i - 1];
    }
    lists->begins[0] = 0;
    return PS_OK;
}

/* The lists are safe to release whatever this returns. */
static ps_err postings_init(postings *lists, const psi_lda_problem *problem,
                            const psi_lda_top *tops) {
    const size_t words = (size_t)problem->prior.word_count + 1;
    *lists = (postings){.places = calloc(words, sizeof *lists->places)};
    if (lists->places == NULL) {
        return PS_ENOMEM;
    }
    for (uint32_t k = 0; k < problem->prior.topic_count; k++) {
        for (uint32_t i = 0; i < words_of(&tops[k]); i++) {
            uint32_t *const place = &lists->places[tops[k].words[i]];
            *place = *place > 0 ? *place : ++lists->list_count;
        }
    }
    lists->begins = calloc((size_t)lists->list_count + 2, sizeof *lists->begins);
    uint32_t *const last = calloc((size_t)lists->list_count + 1, sizeof *last);
    const ps_err err =
        lists->begins == NULL || last == NULL ? PS_ENOMEM : lists_make(lists, problem, last);
    free(last);
    return err;
}

/* The words of one topic, and in which documents they meet. */
typedef struct meeting {
    const postings *lists;
    uint16_t *marks; /* owned, [documents]: bit i: has word i of the topic; all 0 between topics */
    uint32_t *seen;  /* owned, [SUBSETS]: documents that have all words of this subset */
} meeting;

/* Counts the documents of a topic that have all words of a subset: first those that have no other,
 * then what any larger one has is added. O(lists + SUBSETS). */
static void subsets_count(const meeting *m, const psi_lda_top *top) {
    const postings *const lists = m->lists;
    for (uint32_t i = 0; i < words_of(top); i++) {
        const uint32_t list = lists->places[top->words[i]] - 1;
        for (size_t d = lists->begins[list]; d < lists->begins[list + 1]; d++) {
            m->marks[lists->docs[d]] |= (uint16_t)(1U << i);
        }
    }
    memset(m->seen, 0, SUBSETS * sizeof *m->seen);
    for (uint32_t i = 0; i < words_of(top); i++) {
        const uint32_t list = lists->places[top->words[i]] - 1;
        for (size_t d = lists->begins[list]; d < lists->begins[list + 1]; d++) {
            m->seen[m->marks[lists->docs[d]]]++; /* the empty one, where it was counted already */
            m->marks[lists->docs[d]] = 0;
        }
    }
    for (uint32_t bit = 1; bit < SUBSETS; bit <<= 1) {
        for (uint32_t s = 0; s < SUBSETS; s++) {
            m->seen[s] += (s & bit) == 0 ? m->seen[s | bit] : 0;
        }
    }
}

static double pair_npmi(const meeting *m, uint32_t i, uint32_t j, double docs) {
    const double common = m->seen[1U << i | 1U << j], p = common / docs;
    if (common == 0 || common >= docs) {
        return common == 0 ? -1 : 1;
    }
    const double p_left = m->seen[1U << i] / docs;
    const double p_right = m->seen[1U << j] / docs;
    return log(p / (p_left * p_right)) / -log(p);
}

static double topic_npmi(const meeting *m, const psi_lda_top *top, double docs) {
    const uint32_t words = words_of(top);
    double sum = 0;
    subsets_count(m, top);
    for (uint32_t i = 0; i < words; i++) {
        for (uint32_t j = i + 1; j < words; j++) {
            sum += pair_npmi(m, i, j, docs);
        }
    }
    return words < 2 ? (double)NAN : sum / (words * (words - 1) / 2.0);
}

ps_err psi_lda_coherence(const psi_lda_problem *problem, const psi_lda_top *tops,
                         double *npmi_out) {
    const uint32_t docs = problem->blocks.doc_count;
    postings lists;
    const meeting m = {.lists = &lists,
                       .marks = calloc((size_t)docs + 1, sizeof *m.marks),
                       .seen = calloc(SUBSETS, sizeof *m.seen)};
    ps_err err = postings_init(&lists, problem, tops);
    err = m.marks == NULL || m.seen == NULL ? PS_ENOMEM : err;
    for (uint32_t k = 0; k < problem->prior.topic_count && err == PS_OK; k++) {
        npmi_out[k] = topic_npmi(&m, &tops[k], (double)docs);
    }
    free(m.marks);
    free(m.seen);
    postings_fini(&lists);
    return err;
}

double psi_lda_coherence_mean(const double *npmi, uint32_t topic_count) {
    double sum = 0, count = 0;
    for (uint32_t k = 0; k < topic_count; k++) {
        if (!isnan(npmi[k])) {
            sum += npmi[k];
            count += 1;
        }
    }
    return sum / count;
}
