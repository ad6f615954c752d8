#include "data/synthetic.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <gsl/gsl_randist.h>

#include "data/synthetic_keys.h"
#include "tortoise/random.h"

static const char prefix[] = "synthetic";
enum { PREFIX_SIZE = sizeof prefix - 1, RANK_MAX = 4096, TRIES_MAX = 256 };

/* Sizes of the default: enough users for each worker, and enough ratings for each user, but not
 * more ratings than a laptop likes to hold for thousands of workers. */
enum {
    USERS_MIN = 2000,
    USERS_PER_WORKER = 32,
    ITEMS_DEFAULT = 500,
    RANK_DEFAULT = 5,
    RATINGS_PER_USER = 100,
    RATINGS_PER_USER_MIN = 20,
    RATINGS_SOFT_MAX = 4000000
};

bool psi_synthetic_is_named(const char *data) {
    return strncmp(data, prefix, PREFIX_SIZE) == 0 &&
           (data[PREFIX_SIZE] == '\0' || data[PREFIX_SIZE] == ':');
}

static const psi_synthetic_key key_rows[] = {
    {"users", PSI_KEY_COUNT, offsetof(psi_synthetic, users), 1, 0x1p31},
    {"items", PSI_KEY_COUNT, offsetof(psi_synthetic, items), 1, 0x1p31},
    {"rank", PSI_KEY_COUNT, offsetof(psi_synthetic, rank), 1, RANK_MAX},
    {"ratings", PSI_KEY_COUNT, offsetof(psi_synthetic, ratings), 1, 0x1p40},
    {"noise", PSI_KEY_NUMBER, offsetof(psi_synthetic, noise), 0, 1e6},
    {"skew", PSI_KEY_NUMBER, offsetof(psi_synthetic, skew), 0, 4},
    {"seed", PSI_KEY_COUNT, offsetof(psi_synthetic, seed), 0, 0x1p64},
};
static const psi_synthetic_keys keys = {.keys = key_rows,
                                        .count = sizeof key_rows / sizeof key_rows[0],
                                        .what = "key of synthetic data",
                                        .example = "synthetic:users=2000,rank=5"};

/* The share of the pairs that may be rated: drawing distinct items of unequal popularity takes the
 * longer the fewer are left. */
static uint64_t ratings_max(const psi_synthetic *spec) {
    const uint64_t per_user = spec->skew > 0 ? (spec->items + 1) / 2 : spec->items;
    return spec->users * per_user;
}

/* Fills what was not given. */
static void defaults_fill(psi_synthetic *spec, uint32_t worker_count) {
    const uint64_t users = (uint64_t)worker_count * USERS_PER_WORKER;
    spec->users = spec->users > 0 ? spec->users : users > USERS_MIN ? users : USERS_MIN;
    spec->items = spec->items > 0 ? spec->items : ITEMS_DEFAULT;
    spec->rank = spec->rank > 0 ? spec->rank : RANK_DEFAULT;
    if (spec->ratings == 0) {
        uint64_t per_user = RATINGS_SOFT_MAX / spec->users;
        per_user = per_user > RATINGS_PER_USER ? RATINGS_PER_USER : per_user;
        per_user = per_user < RATINGS_PER_USER_MIN ? RATINGS_PER_USER_MIN : per_user;
        spec->ratings = spec->users * per_user;
        const uint64_t most = ratings_max(spec);
        spec->ratings = spec->ratings > most ? most : spec->ratings;
    }
}

static ps_err spec_check(const psi_synthetic *spec, ps_fault *fault) {
    PS_TRY(psi_synthetic_keys_check(&keys, spec, fault));
    if (spec->ratings > ratings_max(spec)) {
        return ps_fault_set(fault, PS_EINVAL,
                            "synthetic: %" PRIu64 " ratings do not fit; %" PRIu64
                            " users and %" PRIu64 " items%s take at most %" PRIu64,
                            spec->ratings, spec->users, spec->items,
                            spec->skew > 0 ? " with a skew" : "", ratings_max(spec));
    }
    return PS_OK;
}

ps_err psi_synthetic_parse(const char *data, uint64_t seed, uint32_t worker_count,
                           psi_synthetic *spec_out, ps_fault *fault) {
    PS_ASSERT(psi_synthetic_is_named(data));
    psi_synthetic spec = {.noise = 0.5, .seed = seed};
    PS_TRY(psi_synthetic_keys_read(&keys, data, &spec, fault));
    defaults_fill(&spec, worker_count);
    PS_TRY(spec_check(&spec, fault));
    *spec_out = spec;
    return PS_OK;
}

int psi_synthetic_format(const psi_synthetic *spec, char *text, size_t text_size) {
    return snprintf(text, text_size,
                    "synthetic:users=%" PRIu64 ",items=%" PRIu64 ",rank=%" PRIu64
                    ",ratings=%" PRIu64 ",noise=%.17g,skew=%.17g,seed=%" PRIu64,
                    spec->users, spec->items, spec->rank, spec->ratings, spec->noise, spec->skew,
                    spec->seed);
}

/* What making the ratings needs beside the spec. */
typedef struct maker {
    const psi_synthetic *spec;
    gsl_rng *rng;                   /* owned */
    gsl_ran_discrete_t *popularity; /* owned; NULL without skew */
    double *user_factors;           /* owned, [rank] */
    double *item_factors;           /* owned, [items][rank] */
    uint32_t *order;                /* owned, [items]: a permutation, for drawing without skew */
    uint64_t *drawn_by;             /* owned, [items]: 1 + the last user who drew the item */
} maker;

static void factors_make(const psi_synthetic *spec, psi_synthetic_side side, uint64_t index,
                         gsl_rng *rng, double *factors_out) {
    static const char *const streams[] = {
        [PSI_SYNTHETIC_USER] = "synthetic-user", [PSI_SYNTHETIC_ITEM] = "synthetic-item"};
    const double deviation = pow((double)spec->rank, -0.25);
    ps_random_gsl(rng, ps_random_stream(spec->seed, streams[side], index));
    for (uint64_t k = 0; k < spec->rank; k++) {
        factors_out[k] = gsl_ran_gaussian_ziggurat(rng, deviation);
    }
}

ps_err psi_synthetic_factors(const psi_synthetic *spec, psi_synthetic_side side, uint64_t index,
                             double *factors_out) {
    gsl_rng *const rng = gsl_rng_alloc(ps_random_gsl_type());
    if (rng == NULL) {
        return PS_ENOMEM;
    }
    factors_make(spec, side, index, rng, factors_out);
    gsl_rng_free(rng);
    return PS_OK;
}

static void maker_fini(maker *m) {
    if (m->rng != NULL) {
        gsl_rng_free(m->rng);
    }
    if (m->popularity != NULL) {
        gsl_ran_discrete_free(m->popularity);
    }
    free(m->user_factors);
    free(m->item_factors);
    free(m->order);
    free(m->drawn_by);
}

/* Zipf's law with the exponent `skew`. */
static gsl_ran_discrete_t *popularity_make(const psi_synthetic *spec) {
    double *const weights = calloc(spec->items, sizeof *weights);
    if (weights == NULL) {
        return NULL;
    }
    for (uint64_t i = 0; i < spec->items; i++) {
        weights[i] = pow((double)i + 1, -spec->skew);
    }
    gsl_ran_discrete_t *const popularity = gsl_ran_discrete_preproc(spec->items, weights);
    free(weights);
    return popularity;
}

/* The maker's fields are safe to release whatever this returns. */
static ps_err maker_init(maker *m, const psi_synthetic *spec) {
    const size_t items = spec->items,
                 rank = spec->rank; /* at most 2^31 x 2^12 doubles: no overflow */
    *m = (maker){.spec = spec};
    m->rng = gsl_rng_alloc(ps_random_gsl_type());
    m->user_factors = calloc(rank, sizeof *m->user_factors);
    m->item_factors = calloc(items * rank, sizeof *m->item_factors);
    m->order = calloc(items, sizeof *m->order);
    m->drawn_by = calloc(items, sizeof *m->drawn_by);
    m->popularity = spec->skew > 0 ? popularity_make(spec) : NULL;
    if (m->rng == NULL || m->user_factors == NULL || m->item_factors == NULL || m->order == NULL ||
        m->drawn_by == NULL || (spec->skew > 0 && m->popularity == NULL)) {
        return PS_ENOMEM;
    }
    for (size_t i = 0; i < items; i++) {
        m->order[i] = (uint32_t)i;
        factors_make(spec, PSI_SYNTHETIC_ITEM, i, m->rng, m->item_factors + i * rank);
    }
    return PS_OK;
}

/* The same draw as from all items until one is new, where nearly all of their weight is drawn: from
 * the others alone. There are some: a user draws at most half of the items. O(items). */
static uint32_t rare_item_draw(maker *m, uint64_t user) {
    double left = 0;
    size_t chosen = 0;
    for (size_t i = 0; i < m->spec->items; i++) {
        const bool is_new = m->drawn_by[i] != user + 1;
        const double weight = pow((double)i + 1, -m->spec->skew);
        left += is_new ? weight : 0;
        if (is_new && gsl_rng_uniform(m->rng) * left < weight) {
            chosen =
                i; /* with probability weight / left; the last such item has its share of all */
        }
    }
    m->drawn_by[chosen] = user + 1;
    return (uint32_t)chosen;
}

/* Draws the `drawn`-th item of a user; those before it are not drawn again. */
static uint32_t item_draw(maker *m, uint64_t user, uint64_t drawn) {
    const uint64_t items = m->spec->items;
    if (m->popularity == NULL) { /* one step of a shuffle */
        const uint64_t at = drawn + gsl_rng_uniform_int(m->rng, items - drawn);
        const uint32_t item = m->order[at];
        m->order[at] = m->order[drawn];
        m->order[drawn] = item;
        return item;
    }
    for (int tries = 0; tries < TRIES_MAX; tries++) {
        const size_t item = gsl_ran_discrete(m->rng, m->popularity);
        if (m->drawn_by[item] != user + 1) {
            m->drawn_by[item] = user + 1;
            return (uint32_t)item;
        }
    }
    return rare_item_draw(m, user);
}

/* Puts the order back, so that what a user draws does not depend on the users before. */
static void order_reset(maker *m, const uint32_t *drawn, uint64_t drawn_count) {
    if (m->popularity != NULL) {
        return;
    }
    for (uint64_t d = 0; d < drawn_count; d++) {
        m->order[d] = (uint32_t)d;
        m->order[drawn[d]] = drawn[d];
    }
}

static ps_err user_make(maker *m, uint64_t user, uint64_t rating_count, psi_ratings *ratings) {
    const psi_synthetic *const spec = m->spec;
    factors_make(spec, PSI_SYNTHETIC_USER, user, m->rng, m->user_factors);
    ps_random_gsl(m->rng, ps_random_stream(spec->seed, "synthetic-ratings", user));
    const size_t first = ratings->count;
    for (uint64_t drawn = 0; drawn < rating_count; drawn++) {
        const uint32_t item = item_draw(m, user, drawn);
        const double *const item_factors = m->item_factors + (size_t)item * spec->rank;
        double value = gsl_ran_gaussian_ziggurat(m->rng, spec->noise);
        for (uint64_t k = 0; k < spec->rank; k++) {
            value += m->user_factors[k] * item_factors[k];
        }
        PS_TRY(psi_ratings_append(ratings, (uint32_t)user, item, (float)value));
    }
    order_reset(m, ratings->item + first, rating_count);
    return PS_OK;
}

ps_err psi_synthetic_make(const psi_synthetic *spec, psi_ratings *ratings_out, ps_fault *fault) {
    *ratings_out = (psi_ratings){0};
    PS_TRY(spec_check(spec, fault));
    maker m;
    ps_err err = maker_init(&m, spec);
    const uint64_t per_user = spec->ratings / spec->users;
    const uint64_t one_more = spec->ratings % spec->users; /* users who have one rating more */
    for (uint64_t user = 0; user < spec->users && err == PS_OK; user++) {
        err = user_make(&m, user, per_user + (user < one_more), ratings_out);
    }
    maker_fini(&m);
    if (err != PS_OK) {
        psi_ratings_fini(ratings_out);
        return ps_fault_set(fault, err, "synthetic: no memory for %" PRIu64 " ratings",
                            spec->ratings);
    }
    ratings_out->format = PSI_RATINGS_SYNTHETIC;
    ratings_out->user_count = (uint32_t)spec->users;
    ratings_out->item_count = (uint32_t)spec->items;
    psi_ratings_complete(ratings_out);
    return PS_OK;
}
