#include "data/compact.h"

#include <stdlib.h>
#include <string.h>

/* A map of this many entries per id is still cheaper than sorting. */
enum { SPARSE_FACTOR = 16, SPARSE_MIN = 65536 };

/* By a map from id to rank. */
static ps_err compact_dense(uint32_t *ids, size_t count, size_t bound, uint32_t *distinct_out) {
    uint32_t *const rank = calloc(bound > 0 ? bound : 1, sizeof *rank);
    if (rank == NULL) {
        return PS_ENOMEM;
    }
    for (size_t i = 0; i < count; i++) {
        rank[ids[i]] = 1;
    }
    uint32_t distinct = 0;
    for (size_t id = 0; id < bound; id++) {
        const uint32_t occurs = rank[id];
        rank[id] = distinct;
        distinct += occurs;
    }
    for (size_t i = 0; i < count; i++) {
        ids[i] = rank[ids[i]];
    }
    free(rank);
    *distinct_out = distinct;
    return PS_OK;
}

static int id_compare(const void *left, const void *right) {
    uint32_t a, b;
    memcpy(&a, left, sizeof a);
    memcpy(&b, right, sizeof b);
    return (a > b) - (a < b);
}

/* The index of `id` in sorted[0..count), where it is. */
static uint32_t sorted_find(const uint32_t *sorted, uint32_t count, uint32_t id) {
    uint32_t low = 0, high = count;
    while (high - low > 1) {
        const uint32_t middle = low + (high - low) / 2;
        if (sorted[middle] <= id) {
            low = middle;
        } else {
            high = middle;
        }
    }
    return low;
}

static ps_err compact_sparse(uint32_t *ids, size_t count, uint32_t *distinct_out) {
    uint32_t *const sorted = malloc((count > 0 ? count : 1) * sizeof *sorted);
    if (sorted == NULL) {
        return PS_ENOMEM;
    }
    memcpy(sorted, ids, count * sizeof *sorted);
    qsort(sorted, count, sizeof *sorted, id_compare);
    uint32_t distinct = 0;
    for (size_t i = 0; i < count; i++) {
        if (i == 0 || sorted[i] != sorted[i - 1]) {
            sorted[distinct++] = sorted[i];
        }
    }
    for (size_t i = 0; i < count; i++) {
        ids[i] = sorted_find(sorted, distinct, ids[i]);
    }
    free(sorted);
    *distinct_out = distinct;
    return PS_OK;
}

ps_err psi_ids_compact(uint32_t *ids, size_t count, uint64_t bound, uint32_t *distinct_out) {
    if (bound <= SPARSE_MIN || bound / SPARSE_FACTOR <= count) {
        return compact_dense(ids, count, (size_t)bound, distinct_out);
    }
    return compact_sparse(ids, count, distinct_out);
}
