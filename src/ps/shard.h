/* A server shard: the rows of every table that one server owns, and the clocks of all clients.
 *
 * The shard's clock is the smallest clock of all clients; every row that it sends has that row
 * clock, since all updates of finished clocks have arrived and were applied. Under a policy that
 * applies in rank order (bsp), updates wait until all of their clock are there; otherwise they take
 * effect on arrival, so a reader may see more than its guarantee. A request for a clock that is not
 * there yet is parked.
 *
 *      client                      shard
 *        | -- FLUSH seq, clock ---> |  check all, apply or hold, advance the clock
 *        | -- FETCH need ---------> |  clock >= need? answer : park
 *        | <------- ROWS clock ---- |  answer; or, if the policy pushes, rows that changed
 *
 * Under a policy that bounds values the shard also keeps account of which of its answers are still
 * read from, and tells the clients the row clock that all of them have (shard_seen.c).
 *
 * Pure: no I/O, no time, no memory in steady state. See docs/wire-format.md for the payloads. */
#ifndef PSI_SHARD_H
#define PSI_SHARD_H

#include "base/bytes.h"
#include "ps/effects.h"
#include "ps/layout.h"
#include "ps/part.h"
#include "ps/policy.h"
#include "ps/values.h"

typedef struct psi_shard_options {
    const psi_layout *layout; /* borrowed */
    psi_policy policy;
    uint32_t shard; /* index, 0..layout->shard_count-1 */
    uint32_t
        client_count; /* endpoints 0..client_count-1 are the clients, client_count + m is shard m */
    uint32_t
        worker_count; /* in all; client i has ranks i * worker_count / client_count and following */
} psi_shard_options;

typedef struct psi_shard_table {
    uint32_t row_count;
    uint8_t *dense;        /* row_count x column_count numbers, or NULL */
    psi_sparse *sparse;    /* row_count rows, or NULL */
    uint64_t *subscribers; /* a bit per row and client, if the policy pushes */
    uint8_t *is_dirty;     /* by row, if the policy pushes */
    uint32_t *dirty;       /* the dirty rows */
    uint32_t dirty_count;
} psi_shard_table;

/* A request that waits for the shard's clock. */
typedef struct psi_parked {
    uint32_t client;
    uint32_t need_clock;
    psi_buffer parts; /* its payload behind the clock */
} psi_parked;

/* The updates of one clock that wait to be applied in rank order. */
typedef struct psi_held_section {
    uint32_t part_count;
    size_t offset_bytes, size_bytes; /* of its parts in psi_held.bytes; size 0: nothing */
} psi_held_section;

typedef struct psi_held {
    uint32_t stamp;
    psi_buffer bytes;
    psi_held_section *sections; /* by rank, worker_count of them */
} psi_held;

/* Answers to a client with one row clock, up to a number. */
typedef struct psi_answers {
    uint64_t last;
    uint32_t clock;
} psi_answers;

/* What a client reads from, if the policy bounds values. */
typedef struct psi_seen_client {
    uint64_t answer_count, released; /* answers sent; of these, the first that nobody reads from */
    psi_answers *answers;            /* those after `released`, oldest first; owned */
    size_t answers_count, answers_capacity;
    uint32_t told;   /* what it was last told that all have seen */
    uint32_t wanted; /* it wants to be told when this is reached; 0: nothing */
} psi_seen_client;

typedef struct psi_shard_client {
    uint32_t clock; /* of its slowest worker */
    bool has_left;
    uint64_t sequence; /* of its last flush that was applied */
} psi_shard_client;

typedef struct psi_shard {
    psi_shard_options options;
    psi_shard_table tables[PS_TABLES_MAX];
    psi_shard_client *clients;
    uint32_t *rank_clocks; /* the next stamp that each worker may use */
    uint32_t clock_min;    /* the shard's clock */
    uint32_t clock_max;    /* of the fastest worker, as far as known */
    uint32_t clients_at_min, clients_left;
    psi_parked *parked;
    size_t parked_count, parked_capacity;
    psi_held *held; /* by stamp, ascending; unused ones behind keep their memory */
    size_t held_count, held_capacity;
    size_t subscriber_words; /* 64-bit words of subscribers per row */
    uint32_t *scratch;       /* row indices */
    size_t scratch_capacity;
    psi_seen_client *seen_clients; /* if the policy bounds values */
    uint32_t seen;                 /* the row clock that all reads have, now and later */
} psi_shard;

/* Makes a shard with all rows zero. Returns PS_ENOMEM or PS_OK. O(bytes of its rows). */
PS_MUST_CHECK ps_err psi_shard_init(psi_shard *shard, const psi_shard_options *options);

/* Releases the memory; accepts a half-initialised or zeroed shard. */
void psi_shard_fini(psi_shard *shard);

/* The memory of a dense row, for setting initial values and for reading a snapshot. Borrowed. O(1).
 */
void *psi_shard_dense_row(const psi_shard *shard, uint32_t table, uint32_t local);

/* Handles one frame of a client. Returns false if no correct client sends it: the shard is then
 * unchanged. At most one frame per client and parked request comes out; two if the policy bounds
 * values. O(bytes, plus those of the answers). */
PS_MUST_CHECK bool psi_shard_step(psi_shard *shard, const psi_frame *frame, psi_effects *out);

/* All rows of the shard as parts with values, one per table: their bytes, and writing them at `to`.
 * For snapshots. O(bytes). */
size_t psi_shard_dump_size(const psi_shard *shard);
void psi_shard_dump(const psi_shard *shard, uint8_t *to);

/* Shared by the shard's files: shard.c decides, shard_rows.c answers, shard_seen.c keeps account of
 * what is read. */

/* If the policy bounds values. Setting up, and giving back, also of what is zeroed. */
PS_MUST_CHECK ps_err psi_shard_seen_init(psi_shard *shard);
void psi_shard_seen_fini(psi_shard *shard);

/* An answer with rows of the shard's clock is about to be sent to the client. */
void psi_shard_seen_answer(psi_shard *shard, uint32_t client, psi_effects *out);

/* A client says what it no longer reads from. False: refused. */
PS_MUST_CHECK bool psi_shard_seen_frame(psi_shard *shard, uint32_t client, psi_reader reader);

/* Tells the clients that want to know what all have seen, after any frame. O(clients). */
void psi_shard_seen_tell(psi_shard *shard, psi_effects *out);

/* Sends to `client` the rows that the keys of `part_count` parts name, as a frame of type ROWS
 * (with a clock) or PULL_ROWS (with the handle). The parts were checked. */
void psi_shard_send_rows(psi_shard *shard, uint32_t client, psi_reader parts, uint32_t part_count,
                         psi_effects *out);
void psi_shard_send_pulled(psi_shard *shard, uint32_t client, uint64_t handle, psi_reader parts,
                           uint32_t part_count, psi_effects *out);

/* Sends every client the dirty rows that it subscribed to, or an empty frame that tells the clock;
 * then no row is dirty any more. */
void psi_shard_push_dirty(psi_shard *shard, psi_effects *out);

#endif
