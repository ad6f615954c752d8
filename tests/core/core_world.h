/* A whole parameter server in memory, step by step: clients with their workers, shards, and the
 * frames between them, first in first out for each pair. Whoever holds a world chooses the next
 * action; after each one the world checks the guarantees G1-G6 and the inner invariants that they
 * rest on.
 *
 * Updates are tagged: worker w's update of its clock k adds 1 to the number at column w *
 * clock_count + k of a row, so that every read shows which updates are in it and how often. A table
 * of kind WORLD_FLOATS is added to in floats instead, to see the order of sums; one of kind
 * WORLD_VALUES has both tags and values, to see what is in transit and how large it is.
 *
 * A worker's program is a list of operations; adds are private, so they are done together with the
 * next operation, which is one action, as is the delivery of one frame. */
#ifndef TEST_CORE_WORLD_H
#define TEST_CORE_WORLD_H

#include "ps/client.h"
#include "ps/shard.h"

enum {
    WORLD_CLIENTS_MAX = 6,
    WORLD_SHARDS_MAX = 4,
    WORLD_WORKERS_MAX = 12,
    WORLD_CLOCKS_MAX = 16,
    WORLD_TABLES_MAX = 4,
    WORLD_ROWS_MAX = 64,
    WORLD_OPS_MAX = 160,
    WORLD_ACTIONS_MAX = WORLD_WORKERS_MAX + 2 * WORLD_CLIENTS_MAX * WORLD_SHARDS_MAX
};

typedef enum world_table_kind {
    WORLD_DENSE,  /* i32 tags */
    WORLD_SPARSE, /* i64 tags */
    WORLD_FLOATS, /* f32, two columns, summed */
    WORLD_VALUES, /* f64 tags of WORLD_TAG, too small for any bound, and one column with
                     world_value() of each */
    WORLD_PUSHED  /* i32 tags, by pushes alone: column w * clock_count + number of the push */
} world_table_kind;

typedef enum world_op_kind {
    WORLD_FETCH,
    WORLD_ADD,
    WORLD_CLOCK,
    WORLD_PUSH,
    WORLD_PULL, /* the worker waits for it at the next WORLD_WAIT */
    WORLD_WAIT,
    WORLD_LEAVE
} world_op_kind;

typedef struct world_op {
    world_op_kind kind;
    uint32_t table;
    uint64_t rows; /* bit i: row i */
} world_op;

typedef struct world_config {
    psi_policy policy;
    uint32_t client_count, workers_per_client, shard_count, clock_count;
    uint32_t table_count;
    world_table_kind kinds[WORLD_TABLES_MAX];
    uint32_t row_count, block_rows;             /* of every table */
    uint32_t piece_rows;                        /* of a push or pull; 0: it goes in one piece */
    size_t pulled_max_bytes;                    /* as psi_client_options has it */
    const world_op *scripts[WORLD_WORKERS_MAX]; /* by rank; each ends with WORLD_LEAVE; borrowed */
} world_config;

typedef struct world_worker {
    const world_op *next;
    uint32_t clock;
    bool has_left, is_blocked, must_take, has_abandoned;
    bool ends_clock; /* is blocked in it */
    psi_rows rows;
    psi_block block;
    uint64_t adding[WORLD_TABLES_MAX]; /* rows changed in this clock */
    uint32_t push_count, pushes_done;
    uint64_t push_handle, pull_handle;
    uint32_t rows_started; /* of the push or pull whose pieces are being sent */
    uint64_t pull_rows;
    uint32_t pull_needs[WORLD_WORKERS_MAX]; /* pushes of each worker that the pull must show */
    int32_t *pulled;
} world_worker;

typedef struct world_queue {
    psi_frame *first, *last;
} world_queue;

/* As large as the configuration needs, for a search copies it at every step. */
typedef struct core_world {
    const world_config *config;
    uint32_t worker_count;
    psi_layout layout;
    psi_frame_pool pool;
    /* Owned arrays, of the clients, the shards and, by rank, the workers. */
    psi_client *clients;
    psi_shard *shards;
    world_worker *workers;
    /* By rank: the rows of finished clocks, and those of each push; owned. */
    uint64_t (*made)[WORLD_CLOCKS_MAX][WORLD_TABLES_MAX];
    uint64_t (*pushed)[WORLD_CLOCKS_MAX];
    world_queue up[WORLD_CLIENTS_MAX][WORLD_SHARDS_MAX];   /* client to shard */
    world_queue down[WORLD_CLIENTS_MAX][WORLD_SHARDS_MAX]; /* shard to client */
    uint32_t shard_clocks[WORLD_SHARDS_MAX], client_clocks[WORLD_CLIENTS_MAX];
    uint32_t known_clocks[WORLD_CLIENTS_MAX][WORLD_SHARDS_MAX];
    uint64_t reads;
    uint64_t held_back;    /* clocks that had to wait */
    uint64_t transit_most; /* updates of one worker that one view lacked at once */
    char fault[400];       /* what was violated; empty if nothing was */
} core_world;

#define WORLD_TAG 0x1p-40

/* An action: of a worker (its rank), or the delivery of the first frame of a queue (rank count and
 * up). */
typedef uint16_t world_action;

/* Makes the world of `config`, which is borrowed. False: memory is exhausted. */
bool world_init(core_world *world, const world_config *config);
void world_fini(core_world *world);

/* Lists what can happen now. Returns how many. */
size_t world_actions(const core_world *world, world_action actions[static WORLD_ACTIONS_MAX]);

/* Does one action and checks everything. False: world->fault says what is wrong. */
bool world_act(core_world *world, world_action action);

/* Makes a worker leave at once, also one that waits, as in a run that is stopped. Same result. */
bool world_leave_now(core_world *world, uint32_t rank);

/* When no action is left: checks that all is finished, and the sums (G6). False: world->fault. */
bool world_is_complete(core_world *world);

/* Writes the action as one line of a story. */
void world_describe(const core_world *world, world_action action, char *text, size_t text_size);

uint64_t world_digest(const core_world *world);

/* Shared by the two files: core_world.c acts, core_claims.c says what updates are, and checks. */
bool world_fail(core_world *world, const char *format, ...) PS_PRINTF(2, 3);
bool world_check_taken(core_world *world, uint32_t rank, uint32_t table, uint64_t rows);
bool world_check_pulled(core_world *world, uint32_t rank);
bool world_abandoned_are_untouched(core_world *world);
bool world_check_state(core_world *world, uint32_t endpoint); /* that acted last */
float world_float(uint32_t rank, uint32_t clock, uint32_t row, uint32_t column);
double world_value(uint32_t rank, uint32_t clock, uint32_t row);
bool world_check_bound(core_world *world);
uint32_t world_columns(const world_config *config, uint32_t table);

#endif
