#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "algos/mf/rating_blocks.h"
#include "data/ratings.h"
#include "support/suite.h"
#include "tortoise/random.h"

enum { USERS = 97, ITEMS = 31 };

/* Ratings of a few heavy users and many light ones; value r is 1 + r, so that each can be told
 * apart. */
static psi_mf_triple *triples_make(size_t count, uint64_t seed) {
    psi_mf_triple *const triples = malloc((count + 1) * sizeof *triples);
    CU_ASSERT_PTR_NOT_NULL_FATAL(triples);
    ps_random random = ps_random_stream(seed, "triples", 0);
    for (size_t i = 0; i < count; i++) {
        const double u = ps_random_uniform(&random);
        triples[i] = (psi_mf_triple){.user = (uint32_t)(u * u * u * USERS),
                                     .item = (uint32_t)ps_random_below(&random, ITEMS),
                                     .value = (float)(1 + i)};
    }
    return triples;
}

/* Checks one rating that was dealt against the original, and that it was not seen before. */
static void check_rating(const psi_mf_triple *triples, size_t count, unsigned char *seen,
                         psi_mf_triple dealt) {
    const size_t at = (size_t)(dealt.value - 1);
    CU_ASSERT_FATAL(at < count);
    CU_ASSERT_EQUAL(seen[at], 0);
    seen[at] = 1;
    CU_ASSERT_EQUAL(triples[at].user, dealt.user);
    CU_ASSERT_EQUAL(triples[at].item, dealt.item);
}

static void check_batches(const psi_mf_blocks *blocks, uint32_t worker,
                          const psi_mf_triple *triples, size_t count, unsigned char *seen) {
    const psi_mf_share *const share = &blocks->shares[worker];
    for (size_t b = share->batch_begin; b < share[1].batch_begin; b++) {
        const psi_mf_batch *const batch = &blocks->batches[b];
        const uint32_t *const items = blocks->items + batch->item_begin;
        const size_t item_count = psi_mf_batch_item_count(blocks, b);
        unsigned char used[ITEMS] = {0};
        CU_ASSERT(psi_mf_batch_rating_count(blocks, b) > 0);
        for (size_t s = 0; s < item_count; s++) {
            CU_ASSERT(items[s] < ITEMS && (s == 0 || items[s] > items[s - 1]));
        }
        for (size_t i = batch->rating_begin; i < batch[1].rating_begin; i++) {
            const psi_mf_rating rating = blocks->ratings[i];
            CU_ASSERT_FATAL(rating.slot < item_count);
            CU_ASSERT(rating.user < psi_mf_user_count(blocks, worker));
            used[rating.slot] = 1;
            check_rating(triples, count, seen,
                         (psi_mf_triple){.user = share->user_begin + rating.user,
                                         .item = items[rating.slot],
                                         .value = rating.value});
        }
        for (size_t s = 0; s < item_count; s++) {
            CU_ASSERT_EQUAL(used[s], 1); /* no item is fetched in vain */
        }
    }
}

static void check_layout(const psi_mf_layout *layout, size_t training, size_t heldout) {
    psi_mf_triple *const triples = triples_make(training + heldout, layout->seed);
    unsigned char *const seen = calloc(training + heldout + 1, 1);
    psi_mf_blocks blocks;
    CU_ASSERT_PTR_NOT_NULL_FATAL(seen);
    CU_ASSERT_EQUAL_FATAL(
        psi_mf_blocks_make(layout, triples, training, triples + training, heldout, &blocks), PS_OK);
    CU_ASSERT_EQUAL(blocks.shares[0].user_begin, 0);
    CU_ASSERT_EQUAL(blocks.shares[layout->worker_count].user_begin, USERS);
    for (uint32_t w = 0; w < layout->worker_count; w++) {
        const psi_mf_share *const share = &blocks.shares[w];
        CU_ASSERT_FATAL(share->user_begin <= share[1].user_begin);
        check_batches(&blocks, w, triples, training, seen);
        for (size_t i = share->heldout_begin; i < share[1].heldout_begin; i++) {
            check_rating(triples, training + heldout, seen,
                         (psi_mf_triple){.user = share->user_begin + blocks.heldout[i].user,
                                         .item = blocks.heldout[i].slot,
                                         .value = blocks.heldout[i].value});
        }
    }
    for (size_t i = 0; i < training + heldout; i++) {
        CU_ASSERT_EQUAL(seen[i], 1);
    }
    psi_mf_blocks_fini(&blocks);
    free(triples);
    free(seen);
}

/* A rating that is lost or trained twice changes the objective and nobody would notice. */
static void each_rating_is_dealt_exactly_once(void) {
    static const uint32_t workers[] = {1, 2, 3, 16, 97, 200};
    static const double batches[] = {0.1, 0.3, 0.999, 1, 7, 100000};
    for (size_t w = 0; w < sizeof workers / sizeof workers[0]; w++) {
        for (size_t b = 0; b < sizeof batches / sizeof batches[0]; b++) {
            const psi_mf_layout layout = {.user_count = USERS,
                                          .item_count = ITEMS,
                                          .worker_count = workers[w],
                                          .batch = batches[b],
                                          .seed = 10 * w + b};
            check_layout(&layout, 1371, 153);
            check_layout(&layout, 1, 0);
        }
    }
}

/* What the user asked for by --batch is what a clock holds. */
static void batches_have_the_size_that_was_asked_for(void) {
    static const struct {
        double batch;
        size_t batch_count;
    } cases[] = {{0.1, 10}, {0.25, 4}, {0.999, 1}, {100, 10}, {300, 4}, {5000, 1}, {1, 1000}};
    psi_mf_triple *const triples = triples_make(1000, 4);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const psi_mf_layout layout = {.user_count = USERS,
                                      .item_count = ITEMS,
                                      .worker_count = 1,
                                      .batch = cases[i].batch,
                                      .seed = 3};
        psi_mf_blocks blocks;
        CU_ASSERT_EQUAL_FATAL(psi_mf_blocks_make(&layout, triples, 1000, NULL, 0, &blocks), PS_OK);
        CU_ASSERT_EQUAL(psi_mf_batch_count(&blocks, 0), cases[i].batch_count);
        const double even = 1000.0 / (double)cases[i].batch_count;
        for (size_t b = 0; b < psi_mf_batch_count(&blocks, 0); b++) {
            const size_t count = psi_mf_batch_rating_count(&blocks, b);
            CU_ASSERT(fabs((double)count - even) <= 8);
        }
        psi_mf_blocks_fini(&blocks);
    }
    free(triples);
}

/* A clock of BSP takes as long as its slowest worker: shares must be even, and nobody idle. */
static void users_are_cut_evenly_and_nobody_is_left_out(void) {
    uint32_t counts[1000], begins[1001];
    for (uint32_t u = 0; u < 1000; u++) {
        counts[u] = 20 + u * 2654435761U % 61;
    }
    psi_mf_users_cut(counts, 1000, 8, begins);
    uint64_t total = 0, most = 0;
    for (uint32_t w = 0; w < 8; w++) {
        uint64_t share = 0;
        for (uint32_t u = begins[w]; u < begins[w + 1]; u++) {
            share += counts[u];
        }
        total += share;
        most = share > most ? share : most;
    }
    CU_ASSERT((double)most <= 1.01 * (double)total / 8);
    counts[0] = 1000000; /* one user has nearly everything */
    psi_mf_users_cut(counts, 1000, 1000, begins);
    for (uint32_t w = 0; w < 1000; w++) {
        CU_ASSERT_EQUAL(begins[w + 1] - begins[w], 1);
    }
}

/* The default data must be enough for the largest simulation. */
static void six_thousand_workers_all_have_ratings(void) {
    enum { WORKERS = 6000 };
    psi_ratings ratings;
    CU_ASSERT_EQUAL_FATAL(psi_ratings_open("synthetic", 1, WORKERS, &ratings, NULL), PS_OK);
    uint32_t *const counts = calloc(ratings.user_count, sizeof *counts);
    uint32_t *const begins = calloc(WORKERS + 1, sizeof *begins);
    CU_ASSERT_FATAL(counts != NULL && begins != NULL);
    for (size_t i = 0; i < ratings.count; i++) {
        counts[ratings.user[i]]++;
    }
    psi_mf_users_cut(counts, ratings.user_count, WORKERS, begins);
    for (uint32_t w = 0; w < WORKERS; w++) {
        uint64_t share = 0;
        for (uint32_t u = begins[w]; u < begins[w + 1]; u++) {
            share += counts[u];
        }
        CU_ASSERT_FATAL(begins[w + 1] - begins[w] >= 24);
        CU_ASSERT_FATAL(share >= 200);
    }
    free(counts);
    free(begins);
    psi_ratings_fini(&ratings);
}

static const suite_test tests[] = {
    SUITE_TEST(each_rating_is_dealt_exactly_once),
    SUITE_TEST(batches_have_the_size_that_was_asked_for),
    SUITE_TEST(users_are_cut_evenly_and_nobody_is_left_out),
    SUITE_TEST(six_thousand_workers_all_have_ratings),
};
SUITE_MAIN("mf blocks", tests)
