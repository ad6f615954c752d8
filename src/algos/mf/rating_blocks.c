#include "algos/mf/rating_blocks.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "tortoise/random.h"

/* A pass over a worker's data visits each user at least this many times, not all of a user's
 * ratings in a row: a batch that is a large share of the data is made of several such parts. */
enum { PARTS_PER_PASS_MIN = 8 };

void psi_mf_users_cut(const uint32_t *counts, uint32_t user_count, uint32_t worker_count,
                      uint32_t *begins_out) {
    uint64_t total = 0;
    for (uint32_t u = 0; u < user_count; u++) {
        total += counts[u];
    }
    uint32_t user = 0;
    uint64_t before = 0; /* ratings of the users before `user` */
    begins_out[0] = 0;
    for (uint32_t w = 1; w < worker_count; w++) {
        const double target = (double)total * w / worker_count;
        const uint32_t behind = worker_count - w; /* workers that follow, this one included */
        const bool are_enough = user_count >= worker_count;
        const uint32_t least = are_enough ? begins_out[w - 1] + 1 : begins_out[w - 1];
        const uint32_t most = are_enough ? user_count - behind : user_count;
        while (user < least ||
               (user < most && (double)before + (double)counts[user] / 2 <= target)) {
            before += counts[user++];
        }
        begins_out[w] = user;
    }
    begins_out[worker_count] = user_count;
}

void psi_mf_blocks_fini(psi_mf_blocks *blocks) {
    free(blocks->shares);
    free(blocks->batches);
    free(blocks->ratings);
    free(blocks->items);
    free(blocks->slice_ends);
    free(blocks->heldout);
    free(blocks->user_counts);
    free(blocks->item_counts);
    *blocks = (psi_mf_blocks){0};
}

/* What laying out needs beside its result. */
typedef struct builder {
    const psi_mf_layout *layout;
    psi_mf_blocks *blocks;
    psi_mf_triple *by_user; /* owned: the training ratings, users ascending */
    size_t *user_begins;    /* owned, [user_count + 2]: of by_user */
    uint32_t *cuts;         /* owned, [worker_count + 1] */
    uint32_t *parts;        /* owned: of each of a worker's ratings, its part of the pass */
    uint32_t parts_most;    /* of any worker */
    size_t *part_ends;      /* owned, [parts_most + 1] */
    uint32_t *slots;        /* owned, [item_count]: of the current batch; UINT32_MAX: absent */
    psi_mf_rating *sorting; /* owned: a batch's ratings while they are cut into slices */
    size_t *slice_at;       /* owned, [slice_count + 1] */
    size_t item_total;
    size_t rating_total;
} builder;

static void builder_fini(builder *b) {
    free(b->by_user);
    free(b->user_begins);
    free(b->cuts);
    free(b->parts);
    free(b->part_ends);
    free(b->slots);
    free(b->sorting);
    free(b->slice_at);
}

/* calloc() that gives something for nothing, so that NULL always means that memory is exhausted. */
static void *array_make(size_t count, size_t item_size_bytes) {
    return calloc(count > 0 ? count : 1, item_size_bytes);
}

/* Sorts by user, keeping the order of each user's ratings: *sorted_out holds the ratings of user u
 * from
 * (*begins_out)[u] on. Both are the caller's to free, on failure too. */
static ps_err triples_sort(const psi_mf_triple *triples, size_t count, uint32_t user_count,
                           psi_mf_triple **sorted_out, size_t **begins_out) {
    psi_mf_triple *const sorted = array_make(count, sizeof *sorted);
    size_t *const begins = array_make((size_t)user_count + 2, sizeof *begins);
    *sorted_out = sorted;
    *begins_out = begins;
    if (sorted == NULL || begins == NULL) {
        return PS_ENOMEM;
    }
    for (size_t i = 0; i < count; i++) { /* two places on: filling moves them one back */
        begins[triples[i].user + 2]++;
    }
    for (size_t u = 0; u <= user_count; u++) {
        begins[u + 1] += begins[u];
    }
    for (size_t i = 0; i < count; i++) {
        sorted[begins[triples[i].user + 1]++] = triples[i];
    }
    return PS_OK;
}

static ps_err counts_make(builder *b, const psi_mf_triple *training, size_t count) {
    psi_mf_blocks *const blocks = b->blocks;
    blocks->user_counts = array_make(b->layout->user_count, sizeof *blocks->user_counts);
    blocks->item_counts = array_make(b->layout->item_count, sizeof *blocks->item_counts);
    if (blocks->user_counts == NULL || blocks->item_counts == NULL) {
        return PS_ENOMEM;
    }
    for (size_t i = 0; i < count; i++) {
        blocks->user_counts[training[i].user]++;
        blocks->item_counts[training[i].item]++;
    }
    return PS_OK;
}

static size_t worker_rating_count(const builder *b, uint32_t worker) {
    return b->user_begins[b->cuts[worker + 1]] - b->user_begins[b->cuts[worker]];
}

/* Batches per pass of a worker with `count` ratings; none is empty. */
static uint32_t batch_count_of(const psi_mf_layout *layout, size_t count) {
    if (count == 0) {
        return 0;
    }
    const double wish = layout->batch >= 1 ? (double)count / layout->batch : 1 / layout->batch;
    const double batches = layout->batch >= 1 ? ceil(wish) : nearbyint(wish);
    const double most = count < UINT32_MAX / PARTS_PER_PASS_MIN
                            ? (double)count
                            : (double)(UINT32_MAX / PARTS_PER_PASS_MIN);
    return (uint32_t)fmin(fmax(batches, 1), most);
}

/* Parts that a batch is made of. */
static uint32_t parts_per_batch(uint32_t batch_count) {
    return batch_count >= PARTS_PER_PASS_MIN ? 1
                                             : (PARTS_PER_PASS_MIN + batch_count - 1) / batch_count;
}

/* Allocates what cutting batches into slices needs. */
static ps_err slices_prepare(builder *b, size_t batch_total, size_t count_most) {
    psi_mf_blocks *const blocks = b->blocks;
    blocks->slice_count = b->layout->slice_count > 0 ? b->layout->slice_count : 1;
    blocks->slice_ends = array_make(batch_total * blocks->slice_count, sizeof *blocks->slice_ends);
    b->sorting = array_make(blocks->slice_count > 1 ? count_most : 0, sizeof *b->sorting);
    b->slice_at = array_make((size_t)blocks->slice_count + 1, sizeof *b->slice_at);
    const bool is_made = blocks->slice_ends != NULL && b->sorting != NULL && b->slice_at != NULL;
    return is_made ? PS_OK : PS_ENOMEM;
}

/* Deals users to workers and allocates what depends on it. */
static ps_err shares_make(builder *b, size_t training_count, size_t heldout_count) {
    psi_mf_blocks *const blocks = b->blocks;
    const uint32_t workers = b->layout->worker_count;
    b->cuts = array_make((size_t)workers + 1, sizeof *b->cuts);
    blocks->shares = array_make((size_t)workers + 1, sizeof *blocks->shares);
    if (b->cuts == NULL || blocks->shares == NULL) {
        return PS_ENOMEM;
    }
    blocks->worker_count = workers;
    psi_mf_users_cut(blocks->user_counts, b->layout->user_count, workers, b->cuts);
    size_t batch_total = 0, count_most = 0;
    for (uint32_t w = 0; w < workers; w++) {
        const size_t count = worker_rating_count(b, w);
        const uint32_t batches = batch_count_of(b->layout, count);
        const uint32_t parts = batches * (batches > 0 ? parts_per_batch(batches) : 0);
        blocks->shares[w].user_begin = b->cuts[w];
        blocks->shares[w].batch_begin = batch_total;
        batch_total += batches;
        count_most = count > count_most ? count : count_most;
        b->parts_most = parts > b->parts_most ? parts : b->parts_most;
    }
    blocks->shares[workers].user_begin = b->layout->user_count;
    blocks->shares[workers].batch_begin = batch_total;
    blocks->batches = array_make(batch_total + 1, sizeof *blocks->batches);
    blocks->ratings = array_make(training_count, sizeof *blocks->ratings);
    blocks->heldout = array_make(heldout_count, sizeof *blocks->heldout);
    blocks->items = array_make(training_count, sizeof *blocks->items);
    b->parts = array_make(count_most, sizeof *b->parts);
    b->part_ends = array_make((size_t)b->parts_most + 1, sizeof *b->part_ends);
    b->slots = array_make(b->layout->item_count, sizeof *b->slots);
    if (blocks->batches == NULL || blocks->ratings == NULL || blocks->heldout == NULL ||
        blocks->items == NULL || b->parts == NULL || b->part_ends == NULL || b->slots == NULL) {
        return PS_ENOMEM;
    }
    memset(b->slots, 0xff, b->layout->item_count * sizeof *b->slots);
    return slices_prepare(b, batch_total, count_most);
}

/* Deals the ratings of a worker to the parts of its pass, at random but evenly, and writes them
 * part by part. Their slots are the items themselves for now. */
static void ratings_deal(builder *b, uint32_t worker, uint32_t part_count) {
    const size_t count = worker_rating_count(b, worker);
    const psi_mf_triple *const from = b->by_user + b->user_begins[b->cuts[worker]];
    psi_mf_rating *const to = b->blocks->ratings + b->rating_total;
    memset(b->part_ends, 0, ((size_t)part_count + 1) * sizeof *b->part_ends);
    for (size_t i = 0; i < count; i++) {
        b->parts[i] = (uint32_t)((uint64_t)i * part_count / count);
        b->part_ends[b->parts[i] + 1]++;
    }
    ps_random random = ps_random_stream(b->layout->seed, "mf-batches", worker);
    ps_random_shuffle_u32(&random, b->parts, count);
    for (uint32_t p = 0; p < part_count; p++) {
        b->part_ends[p + 1] += b->part_ends[p];
    }
    for (size_t i = 0; i < count; i++) { /* the begin of each part moves to its end */
        to[b->part_ends[b->parts[i]]++] = (psi_mf_rating){
            .user = from[i].user - b->cuts[worker], .slot = from[i].item, .value = from[i].value};
    }
}

static int item_compare(const void *left, const void *right) {
    uint32_t x, y;
    memcpy(&x, left, sizeof x);
    memcpy(&y, right, sizeof y);
    return (x > y) - (x < y);
}

/* Lists the distinct items of ratings [begin, end) and puts slots in the place of items. */
static void slots_make(builder *b, size_t begin, size_t end) {
    psi_mf_rating *const ratings = b->blocks->ratings;
    uint32_t *const items = b->blocks->items + b->item_total;
    size_t item_count = 0;
    for (size_t i = begin; i < end; i++) {
        uint32_t *const slot = &b->slots[ratings[i].slot];
        if (*slot == UINT32_MAX) {
            *slot = 0;
            items[item_count++] = ratings[i].slot;
        }
    }
    qsort(items, item_count, sizeof *items, item_compare);
    for (size_t s = 0; s < item_count; s++) {
        b->slots[items[s]] = (uint32_t)s;
    }
    for (size_t i = begin; i < end; i++) {
        ratings[i].slot = b->slots[ratings[i].slot];
    }
    for (size_t s = 0; s < item_count; s++) {
        b->slots[items[s]] = UINT32_MAX;
    }
    b->item_total += item_count;
}

/* Cuts ratings [begin, end) of a batch with `item_count` items by the slice of their slot, keeping
 * their order within a slice, and writes where each slice ends. */
static void slices_cut(builder *b, size_t batch, size_t begin, size_t end, size_t item_count) {
    const uint32_t slice_count = b->blocks->slice_count;
    size_t *const ends = b->blocks->slice_ends + batch * slice_count;
    if (slice_count == 1) {
        ends[0] = end;
        return;
    }
    psi_mf_rating *const ratings = b->blocks->ratings;
    memcpy(b->sorting, ratings + begin, (end - begin) * sizeof *ratings);
    memset(b->slice_at, 0, ((size_t)slice_count + 1) * sizeof *b->slice_at);
    for (size_t i = begin; i < end; i++) {
        b->slice_at[(size_t)ratings[i].slot * slice_count / item_count + 1]++;
    }
    for (uint32_t s = 0; s < slice_count; s++) {
        b->slice_at[s + 1] += b->slice_at[s];
        ends[s] = begin + b->slice_at[s + 1];
    }
    for (size_t i = 0; i < end - begin; i++) {
        const size_t slice = (size_t)b->sorting[i].slot * slice_count / item_count;
        ratings[begin + b->slice_at[slice]++] = b->sorting[i];
    }
}

static void worker_lay_out(builder *b, uint32_t worker) {
    psi_mf_blocks *const blocks = b->blocks;
    const uint32_t batch_count = (uint32_t)psi_mf_batch_count(blocks, worker);
    if (batch_count == 0) {
        return;
    }
    const uint32_t parts = parts_per_batch(batch_count);
    ratings_deal(b, worker, batch_count * parts);
    size_t begin = b->rating_total;
    for (uint32_t i = 0; i < batch_count; i++) {
        const size_t end = b->rating_total + b->part_ends[(i + 1) * parts - 1];
        const size_t batch = blocks->shares[worker].batch_begin + i;
        blocks->batches[batch] = (psi_mf_batch){.rating_begin = begin, .item_begin = b->item_total};
        slots_make(b, begin, end);
        slices_cut(b, batch, begin, end, b->item_total - blocks->batches[batch].item_begin);
        begin = end;
    }
    b->rating_total = begin;
}

/* Writes the held-out ratings worker by worker. */
static ps_err heldout_deal(builder *b, const psi_mf_triple *heldout, size_t count) {
    psi_mf_blocks *const blocks = b->blocks;
    psi_mf_triple *by_user = NULL;
    size_t *begins = NULL;
    const ps_err err = triples_sort(heldout, count, b->layout->user_count, &by_user, &begins);
    for (uint32_t w = 0; err == PS_OK && w <= blocks->worker_count; w++) {
        psi_mf_share *const share = &blocks->shares[w];
        share->heldout_begin = begins[share->user_begin];
        const size_t end = w < blocks->worker_count ? begins[b->cuts[w + 1]] : share->heldout_begin;
        for (size_t i = share->heldout_begin; i < end; i++) {
            blocks->heldout[i] = (psi_mf_rating){.user = by_user[i].user - share->user_begin,
                                                 .slot = by_user[i].item,
                                                 .value = by_user[i].value};
        }
    }
    free(by_user);
    free(begins);
    return err;
}

/* Gives back what the lists of items did not need. */
static void items_trim(builder *b) {
    const size_t count = b->item_total > 0 ? b->item_total : 1;
    uint32_t *const items = realloc(b->blocks->items, count * sizeof *items);
    if (items != NULL) {
        b->blocks->items = items;
    }
}

ps_err psi_mf_blocks_make(const psi_mf_layout *layout, const psi_mf_triple *training,
                          size_t training_count, const psi_mf_triple *heldout, size_t heldout_count,
                          psi_mf_blocks *blocks_out) {
    *blocks_out = (psi_mf_blocks){0};
    builder b = {.layout = layout, .blocks = blocks_out};
    ps_err err = counts_make(&b, training, training_count);
    if (err == PS_OK) {
        err =
            triples_sort(training, training_count, layout->user_count, &b.by_user, &b.user_begins);
    }
    if (err == PS_OK) {
        err = shares_make(&b, training_count, heldout_count);
    }
    if (err == PS_OK) {
        for (uint32_t w = 0; w < layout->worker_count; w++) {
            worker_lay_out(&b, w);
        }
        blocks_out->batches[blocks_out->shares[layout->worker_count].batch_begin] =
            (psi_mf_batch){.rating_begin = b.rating_total, .item_begin = b.item_total};
        err = heldout_deal(&b, heldout, heldout_count);
        items_trim(&b);
    }
    builder_fini(&b);
    if (err != PS_OK) {
        psi_mf_blocks_fini(blocks_out);
    }
    return err;
}
