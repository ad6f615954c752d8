/* What a data set looks like, in numbers: `tortoise data info`. */
#ifndef PSI_SUMMARY_H
#define PSI_SUMMARY_H

#include <stddef.h>
#include <stdint.h>

#include "tortoise/err.h"

#include "data/ratings.h"

/* How many ratings the users (or items) that have any have. */
typedef struct psi_degree {
    uint32_t rated_count; /* users or items with at least one rating */
    uint32_t min, max;
    double median, mean;
} psi_degree;

typedef struct psi_summary {
    psi_ratings_format format;
    size_t rating_count;
    uint32_t user_count, item_count;  /* highest ids, or the size line of MatrixMarket */
    double min, max, mean, deviation; /* of the values; deviation is the population's */
    double density;                   /* rating_count / (user_count * item_count) */
    psi_degree per_user, per_item;
} psi_summary;

/* Fills summary_out. Returns PS_OK, PS_EINVAL when there is no rating, or PS_ENOMEM; then it is
 * unchanged. O(count + user_count + item_count). */
PS_MUST_CHECK ps_err psi_summary_make(const psi_ratings *ratings, psi_summary *summary_out);

#endif
