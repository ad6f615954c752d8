/* The worker API: all that the loop of a distributed algorithm needs.
 *
 *     for (uint32_t clock = 0; clock < ps_clock_count(w); clock++) {
 *         PS_TRY(ps_fetch(w, table, rows, n));            blocks until all are fresh enough
 *         PS_TRY(ps_compute(w, units, step, &state));     step() reads rows and adds deltas; no blocking
 *         PS_TRY(ps_clock(w));                            publishes the deltas, stamps them
 *     }
 *
 * A worker is one thread. Every function here is called by that thread alone, but for those that are
 * marked "also inside step": they touch only the worker's private rows, so the function that is given to
 * ps_compute() may call them. Rows that were fetched are private to the worker until its next ps_clock():
 * reads and adds take no lock and send no message.
 *
 * What a read may miss is decided by the consistency policy of the run. With staleness s, a read at
 * clock c includes every update of every worker stamped <= c-s-1, and all of the reader's own. Under
 * vap:V with P workers, what it lacks of the updates of another worker, which is at clock c, adds up to at
 * most V / (P sqrt(c + 1)) in every number of a table of floats, unless that is a single update. */
#ifndef TORTOISE_WORKER_H
#define TORTOISE_WORKER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tortoise/err.h"
#include "tortoise/random.h"

typedef struct ps_worker ps_worker;

/* The largest numbers of things that the fixed arrays of callers must hold. */
enum { PS_TABLES_MAX = 16 };

typedef enum ps_type { PS_F32, PS_F64, PS_I32, PS_I64 } ps_type;
typedef enum ps_layout { PS_DENSE, PS_SPARSE } ps_layout;

/* A table is row_count x column_count numbers of one type. A row is the unit of caching and transfer.
 * Consecutive runs of `block_rows` rows (0 means 1) go to the same shard, round robin over the shards. */
typedef struct ps_table_spec {
    const char *name; /* borrowed; a file name: letters, digits, '-' and '_' */
    ps_type type;
    ps_layout layout;
    uint64_t row_count;
    uint32_t column_count;
    uint32_t block_rows;
    bool is_part; /* ps_algo.leave() puts its rows together with others': no file of its own */
} ps_table_spec;

/* Bytes of one number of `type`: 4 or 8. */
size_t ps_type_size_bytes(ps_type type);

/* Who am I? The rank is 0..ps_worker_count()-1. Also inside step. */
uint32_t ps_rank(const ps_worker *worker);
uint32_t ps_worker_count(const ps_worker *worker);

/* The worker's clock: the number of its ps_clock() calls so far; how many the run has. Also inside step. */
uint32_t ps_clock_now(const ps_worker *worker);
uint32_t ps_clock_count(const ps_worker *worker);

/* Returns the random stream (seed of the run, `name`, rank of the worker), at its start. Also inside step. */
ps_random ps_worker_random(const ps_worker *worker, const char *name);

/* Makes private copies of `rows`[0..row_count) of `table`, each fresh enough for the worker's clock under
 * the policy; its own updates are always in them. Row numbers may repeat and come in any order; a row that
 * is private already stays as it is. Borrows `rows` for the call. Blocks until all rows are there.
 * Returns PS_OK; PS_ESTOPPED when the run is ending (return from the worker then); PS_EINVAL for an
 * unknown table or row, and no row is fetched. O(values copied). */
PS_MUST_CHECK ps_err ps_fetch(ps_worker *worker, uint32_t table, const uint64_t *rows,
                              size_t row_count);

/* Returns the worker's private copy of a dense row, column_count numbers of the table's type, or NULL if
 * the row was not fetched in this clock. Valid until the next ps_fetch(), ps_get() of another table's row
 * excepted, or ps_clock(). Never blocks. O(1). Also inside step. */
const void *ps_get(ps_worker *worker, uint32_t table, uint64_t row);

/* Like ps_get(), for updating in place: whatever is written there is in the worker's own reads at once, and
 * ps_clock() publishes the difference to what was there before. The fastest way when a row takes many
 * updates in a clock. The pointer has the lifetime of ps_get()'s. Never blocks. O(column_count) the first
 * time in a clock, O(1) then. Also inside step, if the row was edited once before in this clock. */
void *ps_edit(ps_worker *worker, uint32_t table, uint64_t row);

/* Adds `delta`, column_count numbers of the table's type, to a row of a dense table; the row need not have
 * been fetched. The worker's own reads see it at once, others no later than the policy says after the next
 * ps_clock(). Borrows `delta` for the call. Never blocks. Returns PS_OK, PS_EINVAL for an unknown or sparse
 * table or an unknown row, or PS_ENOMEM; then nothing has changed. O(column_count). Also inside step. */
PS_MUST_CHECK ps_err ps_add(ps_worker *worker, uint32_t table, uint64_t row, const void *delta);

/* A row of a sparse table: `count` numbers with their columns, ascending. Columns that are absent are 0. */
typedef struct ps_sparse_row {
    uint32_t count;
    const uint32_t *columns;
    const void *values; /* of the table's type */
} ps_sparse_row;

/* Like ps_get() for a row of a sparse table. Returns false if the row was not fetched in this clock, or
 * memory is out. The view is valid until the next add to that row, ps_fetch() or ps_clock(). Also inside
 * step. */
bool ps_get_sparse(ps_worker *worker, uint32_t table, uint64_t row, ps_sparse_row *row_out);

/* Like ps_add() for a row of a sparse table: adds `values`[i] at `columns`[i], 0 <= i < count. Columns may
 * repeat and come in any order. Returns PS_EINVAL if one is >= column_count; nothing has changed then.
 * O(count * log count + count of the row); O(count) for the first add to a row in a clock, if the
 * columns ascend. Integers that become 0 leave the row. Also inside step. */
PS_MUST_CHECK ps_err ps_add_sparse(ps_worker *worker, uint32_t table, uint64_t row, uint32_t count,
                                   const uint32_t *columns, const void *values);

/* Ends the worker's clock: publishes its updates, stamped with the clock that ends, drops its private rows
 * and adds one to its clock. Does not wait for other workers (the next ps_fetch() does, as the policy
 * says), but under vap: there it blocks until so much of its earlier updates has been seen that this one
 * may follow. Returns PS_OK, PS_ENOMEM, or PS_ESTOPPED when the run is ending. O(values updated), under vap
 * with all that are in transit. */
PS_MUST_CHECK ps_err ps_clock(ps_worker *worker);

/* The V that the policy bounds values by, as above; infinity under a policy that does not. Also inside
 * step. */
double ps_value_bound(const ps_worker *worker);

/* Runs fn(arg), which does the mathematics of `units` units of work. `units` is a formula of the work
 * (ratings, tokens, non-zeros), never a measured time: a world that only models time charges units times
 * the calibrated cost of one. fn may run on another thread; it touches nothing but `arg`, what hangs on it,
 * and the worker's private rows. Blocks until fn has returned. Returns PS_OK or PS_ESTOPPED. */
PS_MUST_CHECK ps_err ps_compute(ps_worker *worker, double units, void (*fn)(void *arg), void *arg);

/* Names the rows of one table: rows[0..row_count), or the range row_begin.. when `rows` is NULL. */
typedef struct ps_keys {
    uint32_t table;
    const uint64_t *rows;
    uint64_t row_begin;
    size_t row_count;
} ps_keys;

/* Asynchronous access outside of clocks (Li et al., OSDI 2014): a push adds `deltas` to dense rows on the
 * servers as soon as it arrives, whatever the policy (so under bsp its place in a sum of floats is not
 * fixed); a pull reads what the servers have, with all earlier pushes of this worker and the clocks that
 * its process has sent. `deltas` and `values_out` hold row_count x column_count numbers in the order of the
 * keys. Rows of one call are distinct. Nothing that was fetched changes. Keys and deltas are
 * borrowed for the call; `values_out` is borrowed until ps_wait() of the handle returns. A large
 * access travels in pieces of some 200 kB, so others may see some of its rows before the rest. Block
 * only while too much of what the worker pushed waits to be sent, or more than 64 MiB of what it
 * pulls is under way. Contiguous rows cost least as a range, then ascending lists. Return PS_OK and a
 * handle, or PS_EINVAL, PS_ENOMEM, PS_ESTOPPED. O(values). */
PS_MUST_CHECK ps_err ps_push(ps_worker *worker, const ps_keys *keys, const void *deltas,
                             uint64_t *handle_out);
PS_MUST_CHECK ps_err ps_pull(ps_worker *worker, const ps_keys *keys, void *values_out,
                             uint64_t *handle_out);

/* Blocks until the push of `handle` has been applied by all its servers, or the values of the pull are in
 * place. Returns PS_OK, PS_ESTOPPED, or PS_EINVAL for a handle that was never given. */
PS_MUST_CHECK ps_err ps_wait(ps_worker *worker, uint64_t handle);

/* Declares `bytes`[0..size_bytes) as the worker's local state: what the evaluation needs beside the tables
 * (the factors of its own users, say). ps_clock() copies it when an evaluation is due. Borrowed until the
 * worker returns. Call it once, before the first ps_clock(). Never blocks. */
void ps_publish(ps_worker *worker, const void *bytes, size_t size_bytes);

/* The same, where the copy is not the state as it lies in memory: whenever an evaluation is due, copy(state,
 * to) writes `size_bytes` bytes to `to`. It is called by the worker's thread inside ps_clock() and must not
 * block. `state` is borrowed until the worker returns. */
void ps_publish_by(ps_worker *worker, void (*copy)(const void *state, void *to), const void *state,
                   size_t size_bytes);

#endif
