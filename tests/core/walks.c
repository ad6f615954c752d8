/* Random walks through bigger configurations than the explorer can exhaust: several workers in a
 * process, dense and sparse tables, blocks of rows, pushes and pulls, early leaving, slow workers
 * and slow channels. The same guarantees are checked after each action.
 *
 *     walks [NAME [SEED [COUNT]]]   COUNT walks, the first with seed SEED. A walk that fails prints
 * its seed and how it went; `walks any SEED 1` repeats it. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/core_world.h"
#include "support/suite.h"
#include "tortoise/random.h"

enum { ACTIONS_MAX = 200000, STORY_LINES = 60 };

static uint64_t first_seed = 20261123;
static uint32_t walk_count = 10000;

typedef struct walk {
    world_config config;
    world_op scripts[WORLD_WORKERS_MAX][WORLD_OPS_MAX];
    uint32_t speeds[WORLD_ACTIONS_MAX]; /* by action: how eagerly it is chosen */
    uint32_t leave_one_in; /* a waiting worker leaves once in so many actions; 0: never */
    core_world world;
    char story[STORY_LINES][120]; /* the last actions, in a ring */
    uint64_t action_count;
} walk;

static uint32_t below(ps_random *random, uint32_t bound) {
    return (uint32_t)ps_random_below(random, bound);
}

/* ---- Making a walk ---- */

static uint64_t some_rows(const walk *walk, ps_random *random) {
    const uint64_t all = (UINT64_C(1) << walk->config.row_count) - 1;
    uint64_t rows = ps_random_u32(random) | (uint64_t)ps_random_u32(random) << 32;
    for (uint32_t i = below(random, 4); i > 0; i--) { /* dense or thin */
        rows &= ps_random_u32(random) | (uint64_t)ps_random_u32(random) << 32;
    }
    return rows & all;
}

static world_op *make_clock(const walk *walk, ps_random *random, world_op *op) {
    for (uint32_t i = below(random, 6); i > 0; i--) {
        const uint32_t table = below(random, walk->config.table_count);
        const bool is_add = below(random, 2) == 0;
        if (walk->config.kinds[table] != WORLD_PUSHED) {
            *op++ = (world_op){is_add ? WORLD_ADD : WORLD_FETCH, table, some_rows(walk, random)};
        }
    }
    for (uint32_t t = 0; t < walk->config.table_count; t++) {
        if (walk->config.kinds[t] != WORLD_PUSHED) {
            continue;
        }
        const uint32_t choice = below(random, 4);
        if (choice % 2 == 1) {
            *op++ = (world_op){WORLD_PUSH, t, some_rows(walk, random)};
        }
        if (choice / 2 == 1) {
            *op++ = (world_op){WORLD_PULL, t, some_rows(walk, random)};
        }
        *op++ = (world_op){WORLD_WAIT, 0, 0};
    }
    *op++ = (world_op){WORLD_CLOCK, 0, 0};
    return op;
}

static void make_script(walk *walk, ps_random *random, uint32_t rank, bool may_leave_early) {
    world_op *op = walk->scripts[rank];
    uint32_t clocks = walk->config.clock_count;
    if (may_leave_early && below(random, 4) == 0) {
        clocks = below(random, clocks + 1);
    }
    for (uint32_t clock = 0; clock < clocks; clock++) {
        op = make_clock(walk, random, op);
    }
    *op++ = (world_op){WORLD_LEAVE, 0, 0};
    PS_ASSERT(op <= walk->scripts[rank] + WORLD_OPS_MAX);
    walk->config.scripts[rank] = walk->scripts[rank];
}

static psi_policy some_policy(ps_random *random) {
    static const psi_policy_ops *const all[] = {&psi_policy_bsp, &psi_policy_ssp, &psi_policy_essp,
                                                &psi_policy_async, &psi_policy_vap};
    psi_policy policy = {.ops = all[below(random, 5)]};
    policy.slack = policy.ops->has_slack ? below(random, 4) : 0;
    policy.bound_millionths = policy.ops->bounds_values ? 250000U << below(random, 7) : 0;
    return policy;
}

static void make_walk(walk *walk, uint64_t seed) {
    ps_random random = ps_random_stream(seed, "walk", 0);
    world_config *const config = &walk->config;
    config->policy = some_policy(&random);
    config->client_count = 1 + below(&random, 4);
    config->workers_per_client = 1 + below(&random, 3);
    config->shard_count = 1 + below(&random, WORLD_SHARDS_MAX);
    config->clock_count = 1 + below(&random, 7);
    config->table_count = 1 + below(&random, 3);
    config->row_count = 1 + below(&random, 24);
    config->block_rows = 1 + below(&random, 5);
    static const world_table_kind kinds[] = {WORLD_DENSE, WORLD_SPARSE, WORLD_FLOATS, WORLD_VALUES,
                                             WORLD_PUSHED};
    const bool wants_values = config->policy.ops->bounds_values;
    for (uint32_t t = 0; t < config->table_count; t++) {
        config->kinds[t] = kinds[(below(&random, 5) + t) % 5];
        if (wants_values && t == 0) {
            config->kinds[t] = WORLD_VALUES;
        }
        for (uint32_t other = 0; other < t; other++) { /* one table at most takes pushes */
            if (config->kinds[t] == WORLD_PUSHED && config->kinds[other] == WORLD_PUSHED) {
                config->kinds[t] = WORLD_DENSE;
            }
        }
    }
    config->piece_rows = below(&random, 5);
    config->pulled_max_bytes = below(&random, 2) == 0 ? 0 : 1 + below(&random, 2000);
    const uint32_t workers = config->client_count * config->workers_per_client;
    const bool may_leave_early = below(&random, 2) == 0;
    for (uint32_t rank = 0; rank < workers; rank++) {
        make_script(walk, &random, rank, may_leave_early);
    }
    static const uint32_t speeds[] = {1, 1, 10, 100};
    for (size_t i = 0; i < WORLD_ACTIONS_MAX; i++) {
        walk->speeds[i] = speeds[below(&random, 4)];
    }
    walk->leave_one_in = below(&random, 8) == 0 ? 400 : 0;
}

/* ---- Walking ---- */

static world_action choose(const walk *walk, ps_random *random, const world_action *actions,
                           size_t count) {
    uint64_t sum = 0;
    for (size_t i = 0; i < count; i++) {
        sum += walk->speeds[actions[i]];
    }
    uint64_t at = ps_random_below(random, sum);
    size_t i = 0;
    while (at >= walk->speeds[actions[i]]) {
        at -= walk->speeds[actions[i]];
        i++;
    }
    return actions[i];
}

/* Now and then a worker that waits gives up, as in a run that is stopped. */
static bool maybe_leave(walk *walk, ps_random *random) {
    core_world *const world = &walk->world;
    if (walk->leave_one_in == 0 || below(random, walk->leave_one_in) != 0) {
        return true;
    }
    const uint32_t rank = below(random, world->worker_count);
    return world->workers[rank].has_left || !world->workers[rank].is_blocked ||
           world_leave_now(world, rank);
}

static bool walk_to_the_end(walk *walk, uint64_t seed) {
    ps_random random = ps_random_stream(seed, "schedule", 0);
    core_world *const world = &walk->world;
    if (!world_init(world, &walk->config)) {
        return world_fail(world, "out of memory");
    }
    for (walk->action_count = 0; walk->action_count < ACTIONS_MAX; walk->action_count++) {
        world_action actions[WORLD_ACTIONS_MAX];
        const size_t count = world_actions(world, actions);
        if (count == 0) {
            return world_is_complete(world);
        }
        const world_action action = choose(walk, &random, actions, count);
        world_describe(world, action, walk->story[walk->action_count % STORY_LINES],
                       sizeof walk->story[0]);
        if (!world_act(world, action) || !maybe_leave(walk, &random)) {
            return false;
        }
    }
    return world_fail(world, "the walk does not end");
}

static void tell(const walk *walk, uint64_t seed) {
    char policy[32];
    psi_policy_format(&walk->config.policy, policy);
    printf("\n    seed %llu: %s, %u clients x %u workers, %u shards, %u clocks, %u rows in blocks "
           "of %u\n",
           (unsigned long long)seed, policy, walk->config.client_count,
           walk->config.workers_per_client, walk->config.shard_count, walk->config.clock_count,
           walk->config.row_count, walk->config.block_rows);
    const uint64_t first =
        walk->action_count + 1 > STORY_LINES ? walk->action_count + 1 - STORY_LINES : 0;
    for (uint64_t i = first; i <= walk->action_count; i++) {
        printf("    %4llu  %s\n", (unsigned long long)i, walk->story[i % STORY_LINES]);
    }
    printf("    VIOLATED: %s\n", walk->world.fault);
}

/* Anything may happen in any order: the guarantees hold all the same. */
static void any_walk_keeps_the_guarantees(void) {
    walk *const walk = malloc(sizeof *walk);
    CU_ASSERT_PTR_NOT_NULL_FATAL(walk);
    printf("\n    seeds %llu and following, %u walks", (unsigned long long)first_seed, walk_count);
    uint64_t actions = 0;
    uint64_t reads = 0;
    uint64_t held_back = 0;
    uint64_t transit_most = 0;
    for (uint32_t i = 0; i < walk_count; i++) {
        memset(walk, 0, sizeof *walk);
        make_walk(walk, first_seed + i);
        const bool is_good = walk_to_the_end(walk, first_seed + i);
        if (!is_good) {
            tell(walk, first_seed + i);
        }
        actions += walk->action_count;
        reads += walk->world.reads;
        held_back += walk->world.held_back;
        transit_most =
            walk->world.transit_most > transit_most ? walk->world.transit_most : transit_most;
        world_fini(&walk->world);
        CU_ASSERT_TRUE(is_good);
        if (!is_good) {
            break;
        }
    }
    printf(
        "\n    %llu actions, %llu reads; under vap %llu clocks waited, at most %llu updates of a "
        "worker in transit",
        (unsigned long long)actions, (unsigned long long)reads, (unsigned long long)held_back,
        (unsigned long long)transit_most);
    CU_ASSERT_TRUE(reads > 0);
    CU_ASSERT_TRUE(walk_count < 1000 || (held_back > 0 && transit_most > 1));
    free(walk);
}

static const suite_test tests[] = {SUITE_TEST(any_walk_keeps_the_guarantees)};

int main(int argc, char **argv) {
    first_seed = argc > 2 ? strtoull(argv[2], NULL, 10) : first_seed;
    walk_count = argc > 3 ? (uint32_t)strtoul(argv[3], NULL, 10) : walk_count;
    return suite_run("walks", tests, sizeof tests / sizeof tests[0], argc > 1 ? argv[1] : NULL);
}
