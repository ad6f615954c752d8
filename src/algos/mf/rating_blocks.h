/* The training data of matrix factorisation, laid out once so that a worker only streams through
 * it: ratings are dealt to workers by user, to batches at random, and within a batch sorted by
 * user.
 *
 *      all ratings      [ worker 0               | worker 1               | ... ]
 *      one worker       [ batch 0 | batch 1 | ...| ]        a batch is the work of one clock
 *      one batch        u0 u0 u3 u4 u4 u4 ...           users ascend: their rows stay cached
 *
 * With several slices, a batch is first cut by items, so that a worker can fetch the items of a
 * slice when their turn comes; within a slice users ascend.
 *
 * Each batch knows its distinct items; a rating names its item by its place ("slot") in that list,
 * so nothing is searched for while training. */
#ifndef PSI_MF_RATING_BLOCKS_H
#define PSI_MF_RATING_BLOCKS_H

#include <stddef.h>
#include <stdint.h>

#include "tortoise/err.h"

#include "algos/mf/model.h"

/* A rating before it is dealt. */
typedef struct psi_mf_triple {
    uint32_t user, item;
    float value;
} psi_mf_triple;

/* Ratings [rating_begin, next batch's) of psi_mf_blocks.ratings, and the same for the items. */
typedef struct psi_mf_batch {
    size_t rating_begin, item_begin;
} psi_mf_batch;

/* The users [user_begin, next worker's) and all that is theirs. */
typedef struct psi_mf_share {
    uint32_t user_begin;
    size_t batch_begin;
    size_t heldout_begin;
} psi_mf_share;

/* Owned arrays; release with psi_mf_blocks_fini(). All zero is empty. */
typedef struct psi_mf_blocks {
    uint32_t worker_count;
    psi_mf_share *shares;   /* [worker_count + 1] */
    psi_mf_batch *batches;  /* [shares[worker_count].batch_begin + 1] */
    psi_mf_rating *ratings; /* user counts from the worker's user_begin */
    uint32_t *items;        /* of every batch, ascending */
    uint32_t slice_count;
    size_t *slice_ends;     /* [batches x slice_count]: of ratings */
    psi_mf_rating *heldout; /* the same users; slot is the item itself */
    uint32_t *user_counts;  /* [user_count]: training ratings */
    uint32_t *item_counts;  /* [item_count] */
} psi_mf_blocks;

/* How to lay out. */
typedef struct psi_mf_layout {
    uint32_t user_count, item_count, worker_count;
    uint32_t slice_count; /* 0 means 1 */
    double batch;         /* ratings per clock if >= 1, else the share of a worker's own */
    uint64_t seed;
} psi_mf_layout;

/* Cuts the users into `worker_count` runs of nearly as many ratings, counts[0..user_count) each:
 * begins_out[0..worker_count], the last is user_count. Every worker gets a user if there are
 * enough. O(user_count + worker_count). */
void psi_mf_users_cut(const uint32_t *counts, uint32_t user_count, uint32_t worker_count,
                      uint32_t *begins_out);

/* Lays out `training` and `heldout`, which are borrowed for the call; users and items count from 0
 * without gaps. Returns PS_OK or PS_ENOMEM; blocks_out is all zero then. O(ratings x log of a
 * batch's items). */
PS_MUST_CHECK ps_err psi_mf_blocks_make(const psi_mf_layout *layout, const psi_mf_triple *training,
                                        size_t training_count, const psi_mf_triple *heldout,
                                        size_t heldout_count, psi_mf_blocks *blocks_out);

void psi_mf_blocks_fini(psi_mf_blocks *blocks);

/* The first item, as a place in the list of a batch with `item_count` items, of slice `slice`.
 * O(1). */
static inline size_t psi_mf_slice_first(const psi_mf_blocks *blocks, size_t item_count,
                                        uint32_t slice) {
    return (item_count * slice + blocks->slice_count - 1) / blocks->slice_count;
}

/* Users of a worker, and its batches. O(1). */
static inline uint32_t psi_mf_user_count(const psi_mf_blocks *blocks, uint32_t rank) {
    return blocks->shares[rank + 1].user_begin - blocks->shares[rank].user_begin;
}

static inline size_t psi_mf_batch_count(const psi_mf_blocks *blocks, uint32_t rank) {
    return blocks->shares[rank + 1].batch_begin - blocks->shares[rank].batch_begin;
}

/* Ratings and distinct items of batch `batch` of all. O(1). */
static inline size_t psi_mf_batch_rating_count(const psi_mf_blocks *blocks, size_t batch) {
    return blocks->batches[batch + 1].rating_begin - blocks->batches[batch].rating_begin;
}

static inline size_t psi_mf_batch_item_count(const psi_mf_blocks *blocks, size_t batch) {
    return blocks->batches[batch + 1].item_begin - blocks->batches[batch].item_begin;
}

#endif
