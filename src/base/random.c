#include "tortoise/random.h"

#include "base/philox.h"
#include "tortoise/err.h"

enum { BLOCK_COUNT = 4 };

/* FNV-1a: spreads the bytes of a name over 64 bits. */
static uint64_t name_hash(const char *name) {
    uint64_t hash = UINT64_C(0xcbf29ce484222325);
    for (; *name != '\0'; name++) {
        hash = (hash ^ (uint8_t)*name) * UINT64_C(0x100000001b3);
    }
    return hash;
}

/* The finaliser of SplitMix64: a bijection, so that two seeds never share a key under one name. */
static uint64_t mix(uint64_t value) {
    value = (value ^ value >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    value = (value ^ value >> 27) * UINT64_C(0x94d049bb133111eb);
    return value ^ value >> 31;
}

ps_random ps_random_stream(uint64_t seed, const char *name, uint64_t rank) {
    const uint64_t key = mix(mix(seed + UINT64_C(0x9e3779b97f4a7c15)) ^ name_hash(name));
    return (ps_random){
        .key = {(uint32_t)key, (uint32_t)(key >> 32)},
        .counter = {0, 0, (uint32_t)rank, (uint32_t)(rank >> 32)},
        .used = BLOCK_COUNT,
    };
}

uint32_t ps_random_u32(ps_random *random) {
    if (random->used >= BLOCK_COUNT) {
        psi_philox4x32(random->counter, random->key, random->block);
        random->counter[0]++;
        if (random->counter[0] == 0) {
            random->counter[1]++;
        }
        random->used = 0;
    }
    return random->block[random->used++];
}

static uint64_t random_u64(ps_random *random) {
    const uint64_t low = ps_random_u32(random);
    return low | (uint64_t)ps_random_u32(random) << 32;
}

double ps_random_uniform(ps_random *random) {
    return (double)(random_u64(random) >> 11) * 0x1p-53;
}

/* Lemire, "Fast random integer generation in an interval" (2019): a product's high half, with the
 * few low halves refused that would make some results likelier. */
static uint32_t below_u32(ps_random *random, uint32_t bound) {
    uint64_t product = (uint64_t)ps_random_u32(random) * bound;
    if ((uint32_t)product < bound) {
        const uint32_t refused_below = (0U - bound) % bound; /* 2^32 mod bound */
        while ((uint32_t)product < refused_below) {
            product = (uint64_t)ps_random_u32(random) * bound;
        }
    }
    return (uint32_t)(product >> 32);
}

uint64_t ps_random_below(ps_random *random, uint64_t bound) {
    PS_ASSERT(bound > 0);
    if (bound <= UINT32_MAX) {
        return below_u32(random, (uint32_t)bound);
    }
    const uint64_t surplus =
        (0U - bound) % bound; /* 2^64 mod bound: numbers that would be dealt twice */
    uint64_t number = random_u64(random);
    while (number > UINT64_MAX - surplus) {
        number = random_u64(random);
    }
    return number % bound;
}

void ps_random_shuffle_u32(ps_random *random, uint32_t *items, uint64_t count) {
    for (uint64_t left = count; left > 1; left--) {
        const uint64_t chosen = ps_random_below(random, left);
        const uint32_t item = items[chosen];
        items[chosen] = items[left - 1];
        items[left - 1] = item;
    }
}

static void gsl_set(void *state, unsigned long seed) {
    *(ps_random *)state = ps_random_stream(seed, "gsl", 0);
}

static unsigned long gsl_get(void *state) {
    return ps_random_u32(state);
}

static double gsl_get_double(void *state) {
    return ps_random_uniform(state);
}

static const gsl_rng_type gsl_type = {
    .name = "philox4x32-10",
    .max = UINT32_MAX,
    .min = 0,
    .size = sizeof(ps_random),
    .set = gsl_set,
    .get = gsl_get,
    .get_double = gsl_get_double,
};

const gsl_rng_type *ps_random_gsl_type(void) {
    return &gsl_type;
}

void ps_random_gsl(gsl_rng *rng, ps_random stream) {
    PS_ASSERT(rng->type == &gsl_type);
    *(ps_random *)rng->state = stream;
}
