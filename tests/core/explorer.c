/* Walks every interleaving of small configurations: every order in which workers act and frames
 * arrive. States that were seen before, by any way, are not walked again. After each action the
 * guarantees G1-G6 are checked (core_claims.c); no state may be left in which nothing can happen
 * and a worker has not left.
 *
 *     explorer [NAME [long]]     NAME: only claims whose names contain it; long: bigger
 * configurations */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "core/core_arena.h"
#include "core/core_world.h"
#include "support/suite.h"

static bool is_long;

/* ---- Visited states ---- */

typedef struct visited_set {
    uint64_t *digests;
    size_t count, capacity;
} visited_set;

static bool insert(visited_set *set, uint64_t digest);

static void grow(visited_set *set) {
    visited_set bigger = {.capacity = set->capacity == 0 ? 1 << 12 : 2 * set->capacity};
    bigger.digests = calloc(bigger.capacity, sizeof *bigger.digests);
    PS_ASSERT(bigger.digests != NULL);
    for (size_t i = 0; i < set->capacity; i++) {
        if (set->digests[i] != 0) {
            (void)insert(&bigger, set->digests[i]);
        }
    }
    free(set->digests);
    *set = bigger;
}

/* Returns whether the digest is new. */
static bool insert(visited_set *set, uint64_t digest) {
    if (2 * (set->count + 1) > set->capacity) {
        grow(set);
    }
    const uint64_t key = digest == 0 ? 1 : digest;
    size_t at = key & (set->capacity - 1);
    while (set->digests[at] != 0) {
        if (set->digests[at] == key) {
            return false;
        }
        at = (at + 1) & (set->capacity - 1);
    }
    set->digests[at] = key;
    set->count++;
    return true;
}

/* ---- Searching ---- */

/* A state on the way from the start to the one that is looked at. */
typedef struct search_level {
    uint8_t *saved;
    size_t saved_bytes, saved_capacity;
    world_action actions[WORLD_ACTIONS_MAX];
    size_t action_count, next;
} search_level;

enum { DEPTH_MAX = 1024 };

typedef struct state_search {
    visited_set visited;
    search_level levels[DEPTH_MAX];
    size_t depth;
    uint64_t transitions, ends;
    uint64_t held_back, transit_most; /* in the worlds that were walked */
} state_search;

static void save_level(search_level *level, const core_world *world) {
    arena_pause();
    const size_t used_bytes = arena_used_bytes();
    if (used_bytes > level->saved_capacity) {
        level->saved_capacity = 2 * used_bytes;
        level->saved = realloc(level->saved, level->saved_capacity);
        PS_ASSERT(level->saved != NULL);
    }
    arena_save(level->saved);
    level->saved_bytes = used_bytes;
    arena_resume();
    level->action_count = world_actions(world, level->actions);
    level->next = 0;
}

/* Tells how the state came about: the schedule that fails, once more and aloud. */
static void tell(state_search *search, core_world *world, const world_config *config) {
    char fault[sizeof world->fault];
    memcpy(fault, world->fault, sizeof fault);
    arena_open();
    struct core_world *const again = malloc(sizeof *again);
    PS_ASSERT(again != NULL && again == world);
    printf("\n");
    (void)world_init(again, config);
    for (size_t i = 0; i < search->depth; i++) {
        const search_level *const level = &search->levels[i];
        char text[200];
        world_describe(again, level->actions[level->next - 1], text, sizeof text);
        printf("    %3zu  %s\n", i, text);
        (void)world_act(again, level->actions[level->next - 1]);
    }
    printf("    VIOLATED: %s\n", fault);
}

static uint64_t larger(uint64_t a, uint64_t b) {
    return a > b ? a : b;
}

/* Acts from the deepest level. Returns false when a claim does not hold. */
static bool go_deeper(state_search *search, core_world *world) {
    search_level *const level = &search->levels[search->depth - 1];
    if (level->next > 0) {
        arena_restore(level->saved, level->saved_bytes);
    }
    const world_action action = level->actions[level->next++];
    search->transitions++;
    if (!world_act(world, action)) {
        return false;
    }
    search->held_back = larger(search->held_back, world->held_back);
    search->transit_most = larger(search->transit_most, world->transit_most);
    arena_pause();
    const bool is_new = insert(&search->visited, world_digest(world));
    arena_resume();
    if (!is_new) {
        return true;
    }
    PS_ASSERT(search->depth < DEPTH_MAX);
    save_level(&search->levels[search->depth], world);
    if (search->levels[search->depth].action_count == 0) {
        search->ends++;
        return world_is_complete(world);
    }
    search->depth++;
    return true;
}

/* Walks all interleavings of the configuration. */
static void explore(const char *name, const world_config *config) {
    state_search *const search = calloc(1, sizeof *search);
    PS_ASSERT(search != NULL);
    const clock_t start = clock();
    arena_open();
    core_world *const world = malloc(sizeof *world);
    PS_ASSERT(world != NULL);
    bool is_good = world_init(world, config);
    PS_ASSERT(is_good);
    save_level(&search->levels[search->depth++], world);
    while (is_good && search->depth > 0) {
        const search_level *const level = &search->levels[search->depth - 1];
        if (level->next == level->action_count) {
            search->depth--;
        } else {
            is_good = go_deeper(search, world);
        }
    }
    char policy[32];
    psi_policy_format(&config->policy, policy);
    if (!is_good) {
        tell(search, world, config);
    }
    arena_close();
    printf("\n    %s under %s: %zu states, %llu transitions, %llu ends, %.2f s", name, policy,
           search->visited.count, (unsigned long long)search->transitions,
           (unsigned long long)search->ends, (double)(clock() - start) / CLOCKS_PER_SEC);
    if (config->policy.ops->bounds_values) {
        printf("; up to %llu clocks waited, %llu updates in transit",
               (unsigned long long)search->held_back, (unsigned long long)search->transit_most);
    }
    CU_ASSERT_TRUE(is_good);
    CU_ASSERT_TRUE(!is_good || search->ends > 0);
    free(search->visited.digests);
    for (size_t i = 0; i < DEPTH_MAX; i++) {
        free(search->levels[i].saved);
    }
    free(search);
}

static psi_policy policy_of(const char *text) {
    psi_policy policy;
    const ps_err err = psi_policy_parse(text, &policy, NULL);
    PS_ASSERT(err == PS_OK);
    return policy;
}

/* Every policy, with the slacks that matter for a few clocks: 2 is no bound for programs of two. */
static void explore_all(const char *name, world_config config) {
    static const char *const policies[] = {"bsp",    "ssp:0", "ssp:1", "essp:0",
                                           "essp:1", "async", "ssp:2", "essp:2"};
    const size_t count = sizeof policies / sizeof *policies - (is_long ? 0 : 2);
    for (size_t i = 0; i < count; i++) {
        config.policy = policy_of(policies[i]);
        explore(name, &config);
    }
}

/* ---- Programs of workers ---- */

#define FETCH(table, rows) \
    { WORLD_FETCH, table, rows }
#define ADD(table, rows) \
    { WORLD_ADD, table, rows }
#define CLOCK \
    { WORLD_CLOCK, 0, 0 }
#define PUSH(table, rows) \
    { WORLD_PUSH, table, rows }
#define PULL(table, rows) \
    { WORLD_PULL, table, rows }
#define WAIT \
    { WORLD_WAIT, 0, 0 }
#define LEAVE \
    { WORLD_LEAVE, 0, 0 }

/* Rows: 1 is row 0, 2 is row 1, 3 is both. */
static const world_op both_twice[] = {FETCH(0, 3), ADD(0, 1), CLOCK, FETCH(0, 3),
                                      ADD(0, 3),   CLOCK,     LEAVE};
static const world_op other_twice[] = {FETCH(0, 3), ADD(0, 2), CLOCK, FETCH(0, 3),
                                       ADD(0, 1),   CLOCK,     LEAVE};
static const world_op both_thrice[] = {FETCH(0, 3), ADD(0, 1),   CLOCK,     FETCH(0, 1), ADD(0, 3),
                                       CLOCK,       FETCH(0, 3), ADD(0, 2), CLOCK,       LEAVE};
static const world_op other_thrice[] = {FETCH(0, 2), ADD(0, 2),   CLOCK,     FETCH(0, 3), ADD(0, 1),
                                        CLOCK,       FETCH(0, 2), ADD(0, 3), CLOCK,       LEAVE};
/* Asks for row 0 first and for row 1 when the clock is already late: requests that wait at the
 * shard. */
static const world_op one_by_one[] = {FETCH(0, 1), ADD(0, 3), CLOCK, FETCH(0, 2),
                                      FETCH(0, 1), ADD(0, 1), CLOCK, LEAVE};
static const world_op one_by_one_thrice[] = {FETCH(0, 1), ADD(0, 2), CLOCK, FETCH(0, 2),
                                             FETCH(0, 1), ADD(0, 1), CLOCK, FETCH(0, 1),
                                             ADD(0, 3),   CLOCK,     LEAVE};
static const world_op writer[] = {ADD(0, 1), CLOCK, ADD(0, 3), CLOCK, LEAVE};
static const world_op reader[] = {FETCH(0, 3), CLOCK, FETCH(0, 3), CLOCK, LEAVE};
static const world_op writer_thrice[] = {ADD(0, 3), CLOCK, ADD(0, 1), CLOCK,
                                         ADD(0, 2), CLOCK, LEAVE};
static const world_op reader_thrice[] = {FETCH(0, 3), CLOCK, FETCH(0, 1), CLOCK,
                                         FETCH(0, 3), CLOCK, LEAVE};
static const world_op leaves_early[] = {FETCH(0, 1), ADD(0, 3), CLOCK, LEAVE};
static const world_op leaves_at_once[] = {LEAVE};
static const world_op leaves_reading[] = {FETCH(0, 3), LEAVE};
static const world_op pushes[] = {PUSH(0, 3), PULL(0, 3), WAIT,  CLOCK, PUSH(0, 1),
                                  PULL(0, 2), WAIT,       CLOCK, LEAVE};
static const world_op pulls[] = {PULL(0, 1), WAIT, CLOCK, PUSH(0, 2), WAIT,
                                 PULL(0, 3), WAIT, CLOCK, LEAVE};

static world_config small(world_table_kind kind, uint32_t client_count, uint32_t workers_per_client,
                          uint32_t shard_count) {
    return (world_config){.client_count = client_count,
                          .workers_per_client = workers_per_client,
                          .shard_count = shard_count,
                          .clock_count = 3,
                          .table_count = 1,
                          .kinds = {kind},
                          .row_count = 2,
                          .block_rows = 1};
}

/* ---- Claims ---- */

/* The smallest whole: everything else is a variation of it. */
static void two_clients_share_one_shard(void) {
    world_config config = small(WORLD_DENSE, 2, 1, 1);
    config.scripts[0] = is_long ? both_thrice : both_twice;
    config.scripts[1] = is_long ? other_thrice : other_twice;
    explore_all("2 clients, 1 shard", config);
}

/* Shards reach their clocks at different times, and acknowledge different flushes. */
static void two_shards_advance_apart(void) {
    world_config config = small(WORLD_DENSE, 2, 1, 2);
    config.scripts[0] = both_twice;
    config.scripts[1] = is_long ? other_twice : writer;
    explore_all("2 clients, 2 shards", config);
}

/* A new row is asked for while others of the same shard are on their way. */
static void rows_asked_one_by_one_are_fresh(void) {
    world_config config = small(WORLD_DENSE, 2, 1, 1);
    config.scripts[0] = is_long ? one_by_one_thrice : one_by_one;
    config.scripts[1] = is_long ? other_thrice : writer;
    explore_all("rows one by one", config);
}

/* Two workers use one cache at different clocks; one reads what the other's request brings. */
static void workers_share_a_cache(void) {
    world_config config = small(WORLD_DENSE, 2, 2, 1);
    config.scripts[0] = one_by_one;
    config.scripts[1] = is_long ? other_twice : reader;
    config.scripts[2] = writer;
    config.scripts[3] = leaves_at_once;
    explore_all("shared cache", config);
}

static void one_client_with_two_workers(void) {
    world_config config = small(WORLD_DENSE, 1, 2, 2);
    config.scripts[0] = is_long ? both_thrice : both_twice;
    config.scripts[1] = is_long ? other_thrice : one_by_one;
    explore_all("1 client, 2 workers, 2 shards", config);
}

/* The slowest client counts, whichever it is. */
static void three_clients_share_one_shard(void) {
    world_config config = small(WORLD_DENSE, 3, 1, 1);
    config.scripts[0] = is_long ? both_twice : reader;
    config.scripts[1] = writer;
    config.scripts[2] = is_long ? reader : leaves_early;
    explore_all("3 clients", config);
}

/* A worker that ends before the others must not hold them up, nor take its last updates with it. */
static void workers_leave_early(void) {
    world_config config = small(WORLD_DENSE, 2, 2, 1);
    config.scripts[0] = is_long ? both_thrice : both_twice;
    config.scripts[1] = leaves_early;
    config.scripts[2] = leaves_at_once;
    config.scripts[3] = is_long ? other_twice : reader;
    explore_all("leaving early", config);
}

/* A reader never writes and a writer never reads: empty flushes and clocks without a fetch. */
static void readers_and_writers(void) {
    world_config config = small(WORLD_DENSE, 2, 1, is_long ? 2 : 1);
    config.scripts[0] = reader_thrice;
    config.scripts[1] = writer_thrice;
    explore_all("a reader and a writer", config);
}

static void sparse_rows(void) {
    world_config config = small(WORLD_SPARSE, 2, 1, 1);
    config.scripts[0] = is_long ? both_thrice : both_twice;
    config.scripts[1] = one_by_one;
    explore_all("sparse", config);
}

/* G1 of bsp: sums of floats are equal to the bit, whatever the order of arrival. */
static void bsp_sums_in_rank_order(void) {
    world_config config = small(WORLD_FLOATS, 3, 1, 1);
    config.scripts[0] = is_long ? both_twice : reader;
    config.scripts[1] = writer;
    config.scripts[2] = writer;
    config.policy = policy_of("bsp");
    explore("floats", &config);
    config = small(WORLD_FLOATS, 1, 3, 2);
    config.scripts[0] = both_twice;
    config.scripts[1] = other_twice;
    config.scripts[2] = writer_thrice;
    config.policy = policy_of("bsp");
    explore("floats, one client", &config);
}

static void pushes_and_pulls(void) {
    world_config config = small(WORLD_PUSHED, 2, 1, 2);
    config.scripts[0] = pushes;
    config.scripts[1] = pulls;
    explore_all("push and pull", config);
}

/* A push in two pieces is complete when both are; a pull waits for its first piece to come. */
static void pushes_and_pulls_in_pieces(void) {
    world_config config = small(WORLD_PUSHED, 2, 1, is_long ? 2 : 1);
    config.scripts[0] = pushes;
    config.scripts[1] = pulls;
    config.piece_rows = 1;
    config.pulled_max_bytes = 1;
    explore_all("push and pull in pieces", config);
}

/* G7: whatever the order, no view lacks more of a worker than the bound allows. The small bound
 * lets one update go at a time, the larger one two and seldom three. */
static void explore_bounds(const char *name, world_config config) {
    static const char *const policies[] = {"vap:1", "vap:4"};
    for (size_t i = 0; i < 2; i++) {
        config.policy = policy_of(policies[i]);
        explore(name, &config);
    }
}

static void values_in_transit_are_bounded(void) {
    world_config config = small(WORLD_VALUES, 2, 1, 1);
    config.scripts[0] = both_thrice;
    config.scripts[1] = other_thrice;
    explore_bounds("values", config);
}

/* What one shard's rows lack is no matter of the other's. */
static void values_on_two_shards_are_bounded(void) {
    world_config config = small(WORLD_VALUES, 2, 1, 2);
    config.scripts[0] = both_thrice;
    config.scripts[1] = is_long ? other_thrice : writer_thrice;
    explore_bounds("values, 2 shards", config);
}

/* A reader that is not the slowest must be waited for, whichever client it is of. */
static void three_clients_bound_their_values(void) {
    world_config config = small(WORLD_VALUES, 3, 1, 1);
    config.scripts[0] = writer_thrice;
    config.scripts[1] = is_long ? both_twice : leaves_early;
    config.scripts[2] = reader;
    explore_bounds("values, 3 clients", config);
}

/* Two workers read from one cache: an answer is released when neither does. */
static void workers_of_a_cache_bound_their_values(void) {
    world_config config = small(WORLD_VALUES, 2, 2, 1);
    config.scripts[0] = one_by_one;
    config.scripts[1] = reader;
    config.scripts[2] = writer_thrice;
    config.scripts[3] = leaves_at_once;
    if (is_long) {
        explore_bounds("values, shared cache", config);
    }
    config = small(WORLD_VALUES, 1, 2, 2);
    config.scripts[0] = both_thrice;
    config.scripts[1] = one_by_one;
    explore_bounds("values, one client", config);
}

/* Whoever leaves reads nothing, and must not hold the others up. */
static void leavers_hold_up_no_values(void) {
    world_config config = small(WORLD_VALUES, 2, 2, 1);
    config.scripts[0] = leaves_early;
    config.scripts[1] = is_long ? both_thrice : both_twice;
    config.scripts[2] = leaves_at_once;
    config.scripts[3] = writer_thrice;
    explore_bounds("values, leaving early", config);
    config = small(WORLD_VALUES, 2, 1, 1);
    config.scripts[0] = leaves_reading;
    config.scripts[1] = both_thrice;
    explore_bounds("values, leaving while reading", config);
}

static const suite_test tests[] = {
    SUITE_TEST(two_clients_share_one_shard),
    SUITE_TEST(two_shards_advance_apart),
    SUITE_TEST(rows_asked_one_by_one_are_fresh),
    SUITE_TEST(workers_share_a_cache),
    SUITE_TEST(one_client_with_two_workers),
    SUITE_TEST(three_clients_share_one_shard),
    SUITE_TEST(workers_leave_early),
    SUITE_TEST(readers_and_writers),
    SUITE_TEST(sparse_rows),
    SUITE_TEST(bsp_sums_in_rank_order),
    SUITE_TEST(pushes_and_pulls),
    SUITE_TEST(pushes_and_pulls_in_pieces),
    SUITE_TEST(values_in_transit_are_bounded),
    SUITE_TEST(values_on_two_shards_are_bounded),
    SUITE_TEST(three_clients_bound_their_values),
    SUITE_TEST(workers_of_a_cache_bound_their_values),
    SUITE_TEST(leavers_hold_up_no_values),
};

int main(int argc, char **argv) {
    is_long = argc > 2 && strcmp(argv[2], "long") == 0;
    return suite_run("explorer", tests, sizeof tests / sizeof tests[0], argc > 1 ? argv[1] : NULL);
}
