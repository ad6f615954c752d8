#include "data/summary.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "data/compact.h"

static int degree_compare(const void *left, const void *right) {
    uint32_t a, b;
    memcpy(&a, left, sizeof a);
    memcpy(&b, right, sizeof b);
    return (a > b) - (a < b);
}

/* How often each id occurs, in numbers. `bound` is above every id. */
static ps_err degree_make(const uint32_t *ids, size_t count, uint32_t bound,
                          psi_degree *degree_out) {
    uint32_t *const ranks = malloc(count * sizeof *ranks);
    uint32_t *degrees = NULL;
    uint32_t distinct = 0;
    ps_err err = ranks == NULL ? PS_ENOMEM : PS_OK;
    if (err == PS_OK) {
        memcpy(ranks, ids, count * sizeof *ranks);
        err = psi_ids_compact(ranks, count, bound, &distinct);
    }
    if (err == PS_OK) {
        degrees = calloc(distinct, sizeof *degrees);
        err = degrees == NULL ? PS_ENOMEM : PS_OK;
    }
    if (err == PS_OK) {
        for (size_t i = 0; i < count; i++) {
            degrees[ranks[i]]++;
        }
        qsort(degrees, distinct, sizeof *degrees, degree_compare);
        const double low = degrees[(distinct - 1) / 2], high = degrees[distinct / 2];
        *degree_out = (psi_degree){.rated_count = distinct,
                                   .min = degrees[0],
                                   .max = degrees[distinct - 1],
                                   .median = (low + high) / 2,
                                   .mean = (double)count / distinct};
    }
    free(ranks);
    free(degrees);
    return err;
}

ps_err psi_summary_make(const psi_ratings *ratings, psi_summary *summary_out) {
    if (ratings->count == 0) {
        return PS_EINVAL;
    }
    const double count = (double)ratings->count;
    double squares = 0;
    for (size_t i = 0; i < ratings->count; i++) {
        const double distance = (double)ratings->value[i] - ratings->mean;
        squares += distance * distance;
    }
    psi_summary summary = {
        .format = ratings->format,
        .rating_count = ratings->count,
        .user_count = ratings->user_count,
        .item_count = ratings->item_count,
        .min = ratings->min,
        .max = ratings->max,
        .mean = ratings->mean,
        .deviation = sqrt(squares / count),
        .density = count / ((double)ratings->user_count * (double)ratings->item_count),
    };
    PS_TRY(degree_make(ratings->user, ratings->count, ratings->user_count, &summary.per_user));
    PS_TRY(degree_make(ratings->item, ratings->count, ratings->item_count, &summary.per_item));
    *summary_out = summary;
    return PS_OK;
}
