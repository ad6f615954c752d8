/* A client: the cache of one process, shared by its workers, and their update log.
 *
 * A worker's fetch is answered from the cache where the cached row is fresh enough for its clock
 * under the policy; the rest is asked of the shards, one frame a shard, and the worker waits. A
 * worker's clock turns its changes into a block of updates in the log; when the policy says so, all
 * blocks leave, one frame a shard, with the clock of the client's slowest worker.
 *
 * Read my writes: a block is added to the cached rows as soon as its clock ends, and again to every
 * version of a row that comes from a shard which had not yet applied it; the shard says how far it
 * has got with this client's flushes. A policy that applies in rank order needs none of that, since
 * no read there is answered before all updates of the finished clocks are in the row, and must not
 * have it, since sums would change their order.
 *
 * Under a policy that bounds values a worker's clock may have to wait: until all workers have seen
 * so much of its earlier updates that the rest, with the new one, is within the bound
 * (ps/transit.h). To that end the client tells shards which of their answers its workers still read
 * from, and they tell it the row clock that all reads are known to have (client_seen.c).
 *
 * Pure: no I/O, no time, no memory in steady state. */
#ifndef PSI_CLIENT_H
#define PSI_CLIENT_H

#include "ps/cache.h"
#include "ps/effects.h"
#include "ps/layout.h"
#include "ps/policy.h"
#include "ps/rows.h"
#include "ps/transit.h"

typedef struct psi_client_options {
    const psi_layout *layout; /* borrowed */
    psi_policy policy;
    uint32_t client; /* its endpoint, 0..client_count-1; shard m is endpoint client_count + m */
    uint32_t client_count;
    uint32_t worker_count;   /* of this client: ranks client * worker_count and following */
    size_t pulled_max_bytes; /* of rows that a worker pulls, under way before it must wait; 0: a
                                default of 64 MiB */
} psi_client_options;

typedef struct psi_client_worker {
    uint32_t clock;
    bool has_left;
    bool is_waiting;
    uint32_t table;      /* of the fetch that runs */
    uint32_t *positions; /* its rows in the cache */
    size_t position_count, position_capacity;
    size_t next;         /* positions before this one are fresh */
    uint64_t handle;     /* that it waits for, or 0 */
    bool wants_room;     /* waits until fewer bytes that it pulls are under way */
    size_t pulled_bytes; /* those under way */

    /* If the policy bounds values. */
    bool ends_clock; /* waits until `held` may go */
    psi_block held;  /* the updates of the clock that it wants to end */
    double held_norm;
    uint32_t *needs;  /* by shard: what all must have seen before */
    uint64_t *oldest; /* by shard: the first of its answers that this clock's reads rest on;
                         UINT64_MAX: none */
} psi_client_worker;

/* A block of updates in the log. */
typedef struct psi_log_entry {
    uint32_t worker, stamp;
    uint64_t sequence; /* of the flush that carried it; 0: not sent yet */
    double norm;       /* psi_transit_norm(), if the policy bounds values */
    psi_block block;
} psi_log_entry;

typedef struct psi_client_shard {
    uint32_t clock;             /* as last heard */
    uint64_t acknowledged;      /* the last of our flushes that it had applied then */
    uint32_t fetches_under_way; /* unanswered; not counted if the policy pushes */
    uint64_t frame_count;       /* of rows, that came */

    /* If the policy bounds values; else 0. */
    uint64_t released;  /* of these frames, the first so many are no longer read from, as told */
    uint32_t seen;      /* the row clock that all workers' reads of its rows are known to have */
    uint32_t told_need; /* the row clock that we asked to be told of; 0: none */
} psi_client_shard;

/* What one shard has to do with an access. */
typedef struct psi_access_share {
    uint32_t first; /* of a range: the local index; else in psi_access.positions */
    uint32_t count; /* rows that are not answered yet */
} psi_access_share;

/* A push or pull that is under way, or a piece of one. */
typedef struct psi_access {
    uint64_t generation; /* how often the slot was used */
    bool is_open, is_pull, is_range;
    bool is_whole; /* all rows are on one shard, in the order of the caller's memory */
    uint32_t worker, table;
    uint32_t next_free;   /* index + 1, while it is unused */
    uint32_t shards_left; /* that have not answered */
    uint32_t first_slot;  /* the access whose handle the caller has */
    uint32_t
        pieces_left; /* of that one: pieces that are not complete, and 1 while more are to come */
    uint8_t *values_out; /* of a pull; the caller's until it is complete; NULL: nobody waits */
    uint64_t row_begin, row_count;
    size_t pulled_bytes;
    uint32_t *positions; /* of a list on several shards: places among the keys, shard by shard */
    size_t position_capacity;
    psi_access_share *shares; /* by shard */
} psi_access;

typedef struct psi_client {
    psi_client_options options;
    psi_cache_table tables[PS_TABLES_MAX];
    psi_client_worker *workers;
    psi_client_shard *shards;
    psi_log_entry *log; /* oldest first; unused ones behind keep their memory */
    size_t log_count, log_capacity;
    uint64_t sequence;  /* of the last flush */
    uint32_t clock_min; /* of its slowest worker */
    psi_access *accesses;
    size_t access_count, access_capacity; /* those that were ever used; room */
    uint32_t access_free;                 /* the first unused one of them, + 1 */
    uint64_t last_handle;                 /* of the push or pull that was started last */
    uint64_t *staleness;                  /* [d]: row reads that saw clock difference -1-d */
    size_t staleness_capacity;
    uint32_t *counts;  /* scratch, by shard */
    psi_place *places; /* scratch, by row of a request */
    size_t place_capacity;
    uint32_t *scratch; /* scratch, by row of a request or of a frame */
    size_t scratch_capacity;
    psi_transit transit; /* scratch, if the policy bounds values */
} psi_client;

typedef enum psi_client_event_kind {
    PSI_CLIENT_FETCH, /* a worker wants rows; afterwards psi_client_is_waiting() or
                         psi_client_take() */
    PSI_CLIENT_CLOCK, /* a worker ends its clock; if psi_client_is_waiting() then, it has not ended
                         until the worker is woken */
    PSI_CLIENT_LEAVE, /* a worker will do nothing more */
    PSI_CLIENT_PUSH,
    PSI_CLIENT_PULL,
    PSI_CLIENT_WAIT, /* a worker wants to know when a push or pull is complete */
    PSI_CLIENT_ROOM, /* a worker waits while too much of what it pulls is under way */
    PSI_CLIENT_FRAME /* a frame came from a shard */
} psi_client_event_kind;

/* What happens to a client. Everything that it points to belongs to the caller. Table, rows and
 * worker were checked by the caller; a frame is checked here. */
typedef struct psi_client_event {
    psi_client_event_kind kind;
    uint32_t worker; /* index within the client */
    uint32_t table;
    const uint64_t *rows; /* FETCH, PUSH, PULL; NULL: row_begin and following */
    uint64_t row_begin;
    size_t row_count;
    psi_block *block;       /* CLOCK: sealed changes; swapped for an empty block with memory */
    const uint8_t *deltas;  /* PUSH: row_count dense rows */
    uint8_t *values_out;    /* PULL: row_count dense rows; must live until the handle is complete */
    uint64_t handle;        /* WAIT; PUSH, PULL: of what this is a further piece of, or 0 */
    bool has_more;          /* PUSH, PULL: a further piece will come */
    const psi_frame *frame; /* FRAME */
} psi_client_event;

PS_MUST_CHECK ps_err psi_client_init(psi_client *client, const psi_client_options *options);
void psi_client_fini(psi_client *client);

/* Handles one event. Returns false if it is a frame that no correct shard sends (or a handle that
 * was never given): the client is then unchanged. out->woken has a place for every worker. At most
 * one frame per shard comes out, but for a worker's last clock: two; and one more if the policy
 * bounds values. */
PS_MUST_CHECK bool psi_client_step(psi_client *client, const psi_client_event *event,
                                   psi_effects *out);

/* Whether the worker waits for rows or for a handle. */
static inline bool psi_client_is_waiting(const psi_client *client, uint32_t worker) {
    return client->workers[worker].is_waiting;
}

/* Copies the rows of the worker's last fetch, all fresh now, into its private rows. False: memory
 * is exhausted. O(values). */
PS_MUST_CHECK bool psi_client_take(psi_client *client, uint32_t worker, psi_rows *rows);

/* The worker no longer wants the values of its pulls: what still comes is dropped. */
void psi_client_abandon_pulls(psi_client *client, uint32_t worker);

/* The first row that a waiting worker lacks: its shard and the clock it needs. Or, `is_seen`, the
 * first shard of which not all workers have read so late a clock. */
typedef struct psi_lack {
    uint64_t row;
    uint32_t table, shard, need_clock, known_clock;
    bool is_seen;
} psi_lack;
bool psi_client_lacks(const psi_client *client, uint32_t worker, psi_lack *lack_out);

/* Shared by the client's files: client.c decides, client_log.c keeps the updates, client_seen.c
 * bounds them, client_access.c does push/pull. */

/* Recomputes the clock of the slowest worker that has not left. Returns whether it went up. */
bool psi_client_advance(psi_client *client);

/* Whether a cached row may be read by a worker that needs row clock `need_clock`. */
bool psi_client_row_is_fresh(const psi_client *client, const psi_cached_row *row,
                             uint32_t need_clock);

static inline uint32_t psi_client_shard_endpoint(const psi_client *client, uint32_t shard) {
    return client->options.client_count + shard;
}

/* Takes over the content of `block` as the worker's updates of its clock, and adds them to the
 * cached rows. */
void psi_client_log_append(psi_client *client, uint32_t worker, psi_block *block, psi_effects *out);

/* Sends all that was not sent, with the client's clock, to every shard. */
void psi_client_log_flush(psi_client *client, psi_effects *out);

/* After a frame of `shard` that had applied our flushes up to `sequence` brought new versions of
 * rows, which carry its mark: adds what they lack, then forgets what no frame can lack any more. */
void psi_client_log_received(psi_client *client, uint32_t shard, uint64_t sequence,
                             psi_effects *out);

/* If the policy bounds values. Setting up, and giving back, also of what is zeroed. */
PS_MUST_CHECK ps_err psi_client_seen_init(psi_client *client);
void psi_client_seen_fini(psi_client *client);

/* Notes what the rows that the worker's fetch finds fresh rest on. O(rows of the fetch). */
void psi_client_seen_hold(psi_client *client, uint32_t worker_index);

/* The worker has ended its reads, with these updates: they go, or it waits. */
void psi_client_seen_clock(psi_client *client, uint32_t worker_index, psi_block *block,
                           psi_effects *out);

/* The worker has left: it reads nothing and what it holds back is dropped. */
void psi_client_seen_leave(psi_client *client, uint32_t worker_index);

/* Tells the shards what they do not know yet of what is read and needed. O(workers x shards). */
void psi_client_seen_tell(psi_client *client, psi_effects *out);

/* A shard says what all have seen. False: refused. */
bool psi_client_seen_frame(psi_client *client, uint32_t shard, const psi_frame *frame,
                           psi_effects *out);

/* Makes room in scratch for two lists of `row_count` rows. False: memory is exhausted. */
PS_MUST_CHECK bool psi_client_reserve_scratch(psi_client *client, size_t row_count);

/* Push and pull: start one, or go on with the next piece; let a worker wait for one (false: no such
 * handle was given) or for room; finish one by a frame (false: refused). */
void psi_client_access_start(psi_client *client, const psi_client_event *event, psi_effects *out);
PS_MUST_CHECK bool psi_client_access_wait(psi_client *client, uint32_t worker_index,
                                          uint64_t handle);
void psi_client_access_wait_for_room(psi_client *client, uint32_t worker_index);
bool psi_client_access_frame(psi_client *client, uint32_t shard, const psi_frame *frame,
                             psi_effects *out);

#endif
