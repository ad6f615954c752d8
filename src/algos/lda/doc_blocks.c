#include "algos/lda/doc_blocks.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

void psi_lda_blocks_fini(psi_lda_blocks *blocks) {
    free(blocks->shares);
    free(blocks->places);
    free(blocks->doc_begins);
    free(blocks->tokens);
    free(blocks->words);
    free(blocks->frequencies);
    free(blocks->word_begins);
    *blocks = (psi_lda_blocks){0};
}

void psi_lda_docs_cut(const uint32_t *doc_begins, uint32_t doc_begin, uint32_t doc_end,
                      uint32_t count, uint32_t *begins_out) {
    const uint64_t first = doc_begins[doc_begin], tokens = doc_begins[doc_end] - first;
    begins_out[0] = doc_begin;
    for (uint32_t i = 1; i < count; i++) {
        /* The first document that begins at the i-th share of the tokens, or behind it. */
        const uint64_t wanted = first + tokens * i / count;
        uint32_t low = begins_out[i - 1], high = doc_end;
        while (low < high) {
            const uint32_t middle = low + (high - low) / 2;
            if (doc_begins[middle] < wanted) {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        begins_out[i] = low;
    }
    begins_out[count] = doc_end;
}

/* What laying out needs meanwhile. */
typedef struct builder {
    psi_lda_blocks *blocks;
    uint32_t *frequencies; /* owned, [V]: in the corpus */
    uint32_t *counts;      /* owned, [V]: in the current block; all 0 between blocks */
    uint32_t *slots;       /* owned, [V]: in the current block */
    uint32_t *sorted;      /* owned, [tokens of the largest block] if it goes by word */
    size_t word_capacity, word_count;
} builder;

static void builder_fini(builder *b) {
    free(b->frequencies);
    free(b->counts);
    free(b->slots);
    free(b->sorted);
}

static uint32_t blocks_wanted(double batch, uint32_t doc_count) {
    const double wanted = batch < 1 ? nearbyint(1 / batch) : ceil((double)doc_count / floor(batch));
    const double most = (double)doc_count;
    return (uint32_t)(wanted < most ? wanted : most);
}

/* Deals the documents to workers and blocks. */
static ps_err documents_deal(const psi_lda_layout *layout, psi_lda_blocks *blocks) {
    const uint32_t workers = layout->worker_count;
    uint32_t *const begins = calloc((size_t)workers + 1, sizeof *begins);
    blocks->shares = calloc((size_t)workers + 1, sizeof *blocks->shares);
    if (begins == NULL || blocks->shares == NULL) {
        free(begins);
        return PS_ENOMEM;
    }
    psi_lda_docs_cut(blocks->doc_begins, 0, blocks->doc_count, workers, begins);
    size_t block_count = 0;
    for (uint32_t w = 0; w < workers; w++) {
        blocks->shares[w] = (psi_lda_share){begins[w], block_count};
        block_count += blocks_wanted(layout->batch, begins[w + 1] - begins[w]);
    }
    free(begins);
    blocks->shares[workers] = (psi_lda_share){blocks->doc_count, block_count};
    uint32_t *const cuts = calloc(block_count + 1, sizeof *cuts);
    blocks->places = calloc(block_count + 1, sizeof *blocks->places);
    if (cuts == NULL || blocks->places == NULL) {
        free(cuts);
        return PS_ENOMEM;
    }
    for (uint32_t w = 0; w < workers; w++) {
        const psi_lda_share *const share = &blocks->shares[w];
        const uint32_t count = (uint32_t)(share[1].block_begin - share->block_begin);
        if (count > 0) {
            psi_lda_docs_cut(blocks->doc_begins, share->doc_begin, share[1].doc_begin, count,
                             cuts + share->block_begin);
        }
    }
    cuts[block_count] = blocks->doc_count;
    for (size_t b = 0; b <= block_count; b++) {
        blocks->places[b].doc_begin = cuts[b];
    }
    free(cuts);
    return PS_OK;
}

/* Room for `count` more words and the end of their block. */
static ps_err words_reserve(builder *b, size_t count, size_t block_count) {
    if (b->word_count + count <= b->word_capacity) {
        return PS_OK;
    }
    const size_t capacity = 2 * b->word_capacity + count;
    uint32_t *const words = realloc(b->blocks->words, capacity * sizeof *words);
    b->blocks->words = words == NULL ? b->blocks->words : words;
    uint32_t *const frequencies = realloc(b->blocks->frequencies, capacity * sizeof *frequencies);
    b->blocks->frequencies = frequencies == NULL ? b->blocks->frequencies : frequencies;
    uint32_t *const begins =
        realloc(b->blocks->word_begins, (capacity + block_count) * sizeof *begins);
    b->blocks->word_begins = begins == NULL ? b->blocks->word_begins : begins;
    if (words == NULL || frequencies == NULL || begins == NULL) {
        return PS_ENOMEM;
    }
    b->word_capacity = capacity;
    return PS_OK;
}

/* Gives back the room that is left over, if that can be. */
static void words_fit(builder *b, size_t block_count) {
    psi_lda_blocks *const blocks = b->blocks;
    uint32_t *const words = realloc(blocks->words, (b->word_count + 1) * sizeof *words);
    blocks->words = words == NULL ? blocks->words : words;
    uint32_t *const frequencies =
        realloc(blocks->frequencies, (b->word_count + 1) * sizeof *frequencies);
    blocks->frequencies = frequencies == NULL ? blocks->frequencies : frequencies;
    uint32_t *const begins =
        realloc(blocks->word_begins, (b->word_count + 1 + block_count) * sizeof *begins);
    blocks->word_begins = begins == NULL ? blocks->word_begins : begins;
}

static int word_compare(const void *left, const void *right) {
    const uint32_t a = *(const uint32_t *)left, b = *(const uint32_t *)right;
    return (a > b) - (a < b);
}

/* Replaces the words of the block's tokens by slots, or by the order by word. */
static void tokens_name(builder *b, uint32_t *tokens, uint32_t count, const uint32_t *begins) {
    if (!b->blocks->goes_by_word) {
        for (uint32_t i = 0; i < count; i++) {
            tokens[i] = b->slots[tokens[i]];
        }
        return;
    }
    for (uint32_t i = 0; i < count; i++) {
        const uint32_t word = tokens[i];
        const uint32_t at = begins[b->slots[word] + 1] - b->counts[word]--;
        b->sorted[at] = i;
    }
    memcpy(tokens, b->sorted, count * sizeof *tokens);
}

static ps_err block_make(builder *b, size_t block, uint32_t topic_count, size_t block_count) {
    psi_lda_blocks *const blocks = b->blocks;
    uint32_t *const tokens = blocks->tokens + blocks->doc_begins[blocks->places[block].doc_begin];
    const uint32_t count = psi_lda_block_tokens(blocks, block);
    size_t distinct = 0;
    for (uint32_t i = 0; i < count; i++) {
        distinct += b->counts[tokens[i]]++ == 0;
    }
    PS_TRY(words_reserve(b, distinct, block_count));
    uint32_t *const words = blocks->words + b->word_count;
    for (uint32_t i = 0, found = 0; i < count; i++) {
        if (b->slots[tokens[i]] != UINT32_MAX) {
            words[found++] = tokens[i];
            b->slots[tokens[i]] = UINT32_MAX;
        }
    }
    qsort(words, distinct, sizeof *words, word_compare);
    uint32_t *const begins = blocks->word_begins + b->word_count + block;
    psi_lda_limits *const most = &blocks->limits;
    uint64_t nonzero = 0;
    begins[0] = 0;
    for (uint32_t s = 0; s < distinct; s++) {
        const uint32_t frequency = b->frequencies[words[s]];
        begins[s + 1] = begins[s] + b->counts[words[s]];
        blocks->frequencies[b->word_count + s] = frequency;
        b->slots[words[s]] = s;
        const uint32_t here = b->counts[words[s]];
        most->occurrence_count = here > most->occurrence_count ? here : most->occurrence_count;
        most->frequency_count =
            frequency > most->frequency_count ? frequency : most->frequency_count;
        const uint32_t room = psi_lda_room(frequency, topic_count);
        most->room_count = room > most->room_count ? room : most->room_count;
        nonzero += room;
    }
    tokens_name(b, tokens, count, begins);
    for (size_t s = 0; s < distinct; s++) {
        b->counts[words[s]] = 0;
    }
    most->token_count = count > most->token_count ? count : most->token_count;
    most->word_count = distinct > most->word_count ? (uint32_t)distinct : most->word_count;
    const uint32_t docs = blocks->places[block + 1].doc_begin - blocks->places[block].doc_begin;
    most->doc_count = docs > most->doc_count ? docs : most->doc_count;
    most->nonzero_count = nonzero > most->nonzero_count ? nonzero : most->nonzero_count;
    blocks->places[block].word_begin = b->word_count;
    b->word_count += distinct;
    blocks->places[block + 1].word_begin = b->word_count;
    return PS_OK;
}

static ps_err blocks_fill(const psi_lda_layout *layout, builder *b) {
    psi_lda_blocks *const blocks = b->blocks;
    const size_t words = (size_t)blocks->word_count + 1;
    const size_t block_count = blocks->shares[layout->worker_count].block_begin;
    uint32_t largest = 0;
    for (size_t block = 0; block < block_count; block++) {
        const uint32_t count = psi_lda_block_tokens(blocks, block);
        largest = count > largest ? count : largest;
    }
    b->frequencies = calloc(words, sizeof *b->frequencies);
    b->counts = calloc(words, sizeof *b->counts);
    b->slots = calloc(words, sizeof *b->slots);
    b->sorted = blocks->goes_by_word ? calloc((size_t)largest + 1, sizeof *b->sorted) : NULL;
    if (b->frequencies == NULL || b->counts == NULL || b->slots == NULL ||
        (blocks->goes_by_word && b->sorted == NULL)) {
        return PS_ENOMEM;
    }
    for (size_t i = 0; i < blocks->token_count && layout->frequencies == NULL; i++) {
        b->frequencies[blocks->tokens[i]]++;
    }
    if (layout->frequencies != NULL) {
        memcpy(b->frequencies, layout->frequencies, blocks->word_count * sizeof *b->frequencies);
    }
    ps_err err = words_reserve(b, 1, block_count + 1);
    for (size_t block = 0; block < block_count && err == PS_OK; block++) {
        err = block_make(b, block, layout->topic_count, block_count + 1);
    }
    if (err == PS_OK) {
        words_fit(b, block_count + 1);
    }
    return err;
}

ps_err psi_lda_blocks_make(const psi_lda_layout *layout, psi_corpus *corpus,
                           psi_lda_blocks *blocks_out) {
    psi_lda_blocks *const blocks = blocks_out;
    *blocks = (psi_lda_blocks){.worker_count = layout->worker_count,
                               .doc_count = corpus->doc_count,
                               .word_count = corpus->word_count,
                               .token_count = corpus->token_count,
                               .goes_by_word = layout->goes_by_word};
    blocks->doc_begins = calloc((size_t)corpus->doc_count + 1, sizeof *blocks->doc_begins);
    if (blocks->doc_begins == NULL) {
        return PS_ENOMEM;
    }
    for (size_t d = 0; d <= corpus->doc_count; d++) {
        blocks->doc_begins[d] = (uint32_t)corpus->doc_begins[d];
    }
    blocks->tokens = corpus->words;
    corpus->words = NULL;
    builder b = {.blocks = blocks};
    ps_err err = documents_deal(layout, blocks);
    if (err == PS_OK && blocks->tokens != NULL) {
        err = blocks_fill(layout, &b);
    }
    builder_fini(&b);
    if (err != PS_OK) {
        psi_lda_blocks_fini(blocks);
    }
    return err;
}

psi_lda_block psi_lda_block_view(const psi_lda_blocks *blocks, uint32_t rank, size_t block,
                                 uint16_t *topics, uint32_t *pairs) {
    const psi_lda_block_place *const place = &blocks->places[block];
    const size_t token = blocks->doc_begins[place->doc_begin];
    const size_t own = token - psi_lda_token_begin(blocks, rank);
    const uint32_t *const tokens = blocks->tokens + token;
    return (psi_lda_block){
        .doc_count = place[1].doc_begin - place->doc_begin,
        .word_count = (uint32_t)(place[1].word_begin - place->word_begin),
        .doc_begins = blocks->doc_begins + place->doc_begin,
        .word_begins = blocks->word_begins + place->word_begin + block,
        .frequencies = blocks->frequencies + place->word_begin,
        .slots = blocks->goes_by_word ? NULL : tokens,
        .by_word = blocks->goes_by_word ? tokens : NULL,
        .topics = topics + own,
        .pairs = pairs == NULL ? NULL : pairs + own,
    };
}

void psi_lda_block_slots(const psi_lda_blocks *blocks, size_t block, uint32_t *slots_out) {
    const psi_lda_block_place *const place = &blocks->places[block];
    const uint32_t *const tokens = blocks->tokens + blocks->doc_begins[place->doc_begin];
    if (!blocks->goes_by_word) {
        memcpy(slots_out, tokens, psi_lda_block_tokens(blocks, block) * sizeof *slots_out);
        return;
    }
    const uint32_t *const begins = blocks->word_begins + place->word_begin + block;
    const uint32_t word_count = (uint32_t)(place[1].word_begin - place->word_begin);
    for (uint32_t w = 0; w < word_count; w++) {
        for (uint32_t i = begins[w]; i < begins[w + 1]; i++) {
            slots_out[tokens[i]] = w;
        }
    }
}
