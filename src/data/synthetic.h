/* Synthetic ratings of low rank with a known answer, so that the error that a learner can reach is
 * known:
 *
 *     r_ui = p_u . q_i + e_ui,    p_uk, q_ik ~ N(0, rank^(-1/2)),   e_ui ~ N(0, noise^2)
 *
 * so the part that can be learned has variance 1, and the root mean square error of a perfect
 * learner is `noise`. Each user rates ratings/users distinct items, drawn with probability
 * proportional to (item + 1)^-skew. The numbers are those of the seed alone: every user and every
 * item has a random stream of its own. */
#ifndef PSI_SYNTHETIC_H
#define PSI_SYNTHETIC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tortoise/err.h"

#include "data/ratings.h"

typedef struct psi_synthetic {
    uint64_t users, items; /* 1 .. 2^31 */
    uint64_t rank;         /* of the truth, 1 .. 4096 */
    uint64_t ratings;      /* in all, at most users x items */
    double noise;          /* standard deviation of e_ui, >= 0: the reachable RMSE */
    double skew;           /* exponent of popularity, 0 (all alike) .. 4 */
    uint64_t seed;
} psi_synthetic;

/* Which side a factor belongs to. */
typedef enum psi_synthetic_side { PSI_SYNTHETIC_USER, PSI_SYNTHETIC_ITEM } psi_synthetic_side;

/* Whether `data` is "synthetic" or begins with "synthetic:", rather than naming a file. O(1). */
bool psi_synthetic_is_named(const char *data);

/* Reads "synthetic" or
 * "synthetic:users=2000,items=500,rank=5,ratings=200000,noise=0.5,skew=0,seed=7", with any choice
 * of keys in any order. What is not given has a default that grows with `worker_count`, so that
 * every worker has ratings; the default of seed is `seed`. Returns PS_OK, or PS_EINVAL with the
 * reason (an unknown key names the nearest known one); spec_out is then unchanged. O(length). */
PS_MUST_CHECK ps_err psi_synthetic_parse(const char *data, uint64_t seed, uint32_t worker_count,
                                         psi_synthetic *spec_out, ps_fault *fault);

/* Makes the ratings, user by user. On failure ratings_out is all zero. Returns PS_OK, PS_ENOMEM, or
 * PS_EINVAL when the spec is out of its ranges. O(ratings x rank). */
PS_MUST_CHECK ps_err psi_synthetic_make(const psi_synthetic *spec, psi_ratings *ratings_out,
                                        ps_fault *fault);

/* The truth: writes the factors of user or item `index` to factors_out[0..rank). Returns PS_OK or
 * PS_ENOMEM. O(rank). */
PS_MUST_CHECK ps_err psi_synthetic_factors(const psi_synthetic *spec, psi_synthetic_side side,
                                           uint64_t index, double *factors_out);

/* Writes the spec as psi_synthetic_parse() reads it, all keys. Returns the length, as snprintf
 * does. */
int psi_synthetic_format(const psi_synthetic *spec, char *text, size_t text_size);

#endif
