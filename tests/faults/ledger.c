#define _GNU_SOURCE
#include "ledger.h"

#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <unistd.h>

enum { CELLS, PUSHED, SUMS, DOUBLES, TABLES };
enum { BUG_RANK = 1, BUG_CLOCK = 7, DOUBLE_ROWS = 5, DOUBLE_COLUMNS = 3 };

static uint32_t worker_count(const ledger *test) {
    return test->nodes * test->workers_each;
}

static uint32_t chunk_count(const ledger *test) {
    return test->clocks / LEDGER_COLUMNS + 1;
}

/* The row with the cells of one worker and lane at the clocks of one chunk. */
static uint64_t cell_row(const ledger *test, uint32_t chunk, uint32_t rank, uint32_t lane) {
    return ((uint64_t)chunk * worker_count(test) + rank) * LEDGER_LANES + lane;
}

static uint64_t pushed_row(const ledger *test, uint32_t chunk, uint32_t rank) {
    return (uint64_t)chunk * worker_count(test) + rank;
}

static void complain(ledger_shared *shared, const char *format, ...) PS_PRINTF(2, 3);

/* Only the first violation is kept: the others follow from it. */
static void complain(ledger_shared *shared, const char *format, ...) {
    if (atomic_exchange(&shared->is_violated, true)) {
        return;
    }
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(shared->violation, sizeof shared->violation, format, arguments);
    va_end(arguments);
}

/* ---- The worker ---- */

/* How many cells of a row a worker has seen to be 1. */
typedef struct row_seen {
    uint32_t chunk, ones;
} row_seen;

/* What a worker remembers between clocks. */
typedef struct teller {
    ps_worker *worker;
    const ledger *test;
    row_seen seen[LEDGER_WORKERS_MAX][LEDGER_LANES][2]; /* of this chunk and the last */
    bool is_good;
} teller;

static void pass(const teller *me, ledger_phase phase) {
    if (me->test->at != NULL) {
        me->test->at(me->test->context, me->worker, phase);
    }
}

/* Judges one row of cells: those of worker `rank` and one lane at the clocks of `chunk`. */
static bool row_is_good(teller *me, uint32_t chunk, uint32_t rank, uint32_t lane) {
    const ledger *const test = me->test;
    const uint32_t reader = ps_rank(me->worker);
    const uint32_t clock = ps_clock_now(me->worker);
    /* Of the clock that a worker has not ended, others can see what it is about to end. */
    const uint32_t made_max = atomic_load(&test->shared->clocks_done[rank]) + 1;
    const int64_t *const cells = ps_get(me->worker, CELLS, cell_row(test, chunk, rank, lane));
    uint32_t ones = 0;
    for (uint32_t i = 0; cells != NULL && i < LEDGER_COLUMNS; i++) {
        const uint32_t k = chunk * LEDGER_COLUMNS + i;
        const bool is_own = rank == reader && k < clock;
        const bool is_due = test->slack >= 0 && k + (uint32_t)test->slack < clock;
        const bool is_early = k >= made_max || (test->is_exact && k >= clock);
        const char *fault = NULL;
        if (cells[i] != 0 && cells[i] != 1) {
            fault = "is applied twice (G3)";
        } else if (cells[i] == 1 && (is_early || ones != i)) {
            fault = is_early ? "is there before its time (G1)" : "overtook another (G4)";
        } else if (cells[i] == 0 && (is_own || is_due)) {
            fault = is_own ? "of its own is missing (G2)" : "is missing (G1)";
        }
        if (fault != NULL) {
            complain(test->shared,
                     "worker %u at clock %u: the add of worker %u at clock %u %s: %lld", reader,
                     clock, rank, k, fault, (long long)cells[i]);
            return false;
        }
        ones += cells[i] == 1;
    }
    /* Rows are cached one by one, so only the same row may not go back. */
    row_seen *const seen = &me->seen[rank][lane][chunk % 2];
    if (cells == NULL || (seen->chunk == chunk && ones < seen->ones)) {
        complain(test->shared, "worker %u at clock %u: worker %u went back to clock %u (G5)",
                 reader, clock, rank, chunk * LEDGER_COLUMNS + ones);
        return false;
    }
    *seen = (row_seen){.chunk = chunk, .ones = ones};
    return true;
}

static uint32_t first_chunk(uint32_t clock) {
    const uint32_t chunk = clock / LEDGER_COLUMNS;
    return chunk == 0 ? 0 : chunk - 1;
}

/* The clock whose cell the worker adds to now, and how often: once, but for a planted bug. */
static int64_t add_of(const teller *me, uint32_t *clock) {
    const ledger_bug bug = me->test->bug;
    if (ps_rank(me->worker) != BUG_RANK || (*clock != BUG_CLOCK && *clock != BUG_CLOCK + 1)) {
        return 1;
    }
    if (bug == LEDGER_SWAPS_ADDS) {
        *clock = *clock == BUG_CLOCK ? BUG_CLOCK + 1 : BUG_CLOCK;
    } else if (*clock == BUG_CLOCK) {
        return bug == LEDGER_ADDS_TWICE ? 2 : bug == LEDGER_LOSES_AN_ADD ? 0 : 1;
    }
    return 1;
}

static int64_t sum_delta(uint32_t rank, uint32_t clock, uint32_t row, uint32_t column) {
    return (int64_t)(rank + 1) * 1000003 + (int64_t)clock * 313 + row * 17 + column;
}

static bool add_cells(teller *me) {
    uint32_t clock = ps_clock_now(me->worker);
    const uint32_t rank = ps_rank(me->worker);
    const int64_t times = add_of(me, &clock);
    for (uint32_t lane = 0; lane < LEDGER_LANES; lane++) {
        const uint64_t row = cell_row(me->test, clock / LEDGER_COLUMNS, rank, lane);
        int64_t *const editable = lane == 1 ? ps_edit(me->worker, CELLS, row) : NULL;
        int64_t delta[LEDGER_COLUMNS] = {0};
        delta[clock % LEDGER_COLUMNS] = times;
        if (editable != NULL) {
            editable[clock % LEDGER_COLUMNS] += times;
        } else if (ps_add(me->worker, CELLS, row, delta) != PS_OK) {
            return false;
        }
    }
    return true;
}

static bool add_to_shared_rows(teller *me) {
    const uint32_t clock = ps_clock_now(me->worker);
    const uint32_t rank = ps_rank(me->worker);
    for (uint32_t row = 0; row < LEDGER_SUM_ROWS; row++) {
        int64_t delta[LEDGER_SUM_COLUMNS];
        for (uint32_t column = 0; column < LEDGER_SUM_COLUMNS; column++) {
            delta[column] = sum_delta(rank, clock, row, column);
        }
        if (ps_add(me->worker, SUMS, row, delta) != PS_OK) {
            return false;
        }
    }
    for (uint32_t row = 0; row < DOUBLE_ROWS; row++) {
        const double *const x = ps_get(me->worker, DOUBLES, row);
        double delta[DOUBLE_COLUMNS];
        for (uint32_t column = 0; column < DOUBLE_COLUMNS; column++) {
            delta[column] = (0.0137 * rank - 0.031 * x[(column + 1) % DOUBLE_COLUMNS]) * 0.1;
        }
        if (ps_add(me->worker, DOUBLES, row, delta) != PS_OK) {
            return false;
        }
    }
    return true;
}

static void step(void *arg) {
    teller *const me = arg;
    const uint32_t clock = ps_clock_now(me->worker);
    pass(me, LEDGER_IN_COMPUTE);
    if (me->test->slow_ms > 0 && me->test->slow_rank == ps_rank(me->worker)) {
        (void)poll(NULL, 0, (int)me->test->slow_ms); /* the work itself */
    }
    me->is_good = true;
    for (uint32_t chunk = first_chunk(clock); chunk <= clock / LEDGER_COLUMNS; chunk++) {
        for (uint32_t rank = 0; rank < worker_count(me->test); rank++) {
            for (uint32_t lane = 0; lane < LEDGER_LANES && me->is_good; lane++) {
                me->is_good = row_is_good(me, chunk, rank, lane);
            }
        }
    }
    me->is_good = me->is_good && add_cells(me) && add_to_shared_rows(me);
}

/* Pushes 1 to the worker's cell of this clock, waits for the acknowledgement, then pulls the row
 * of every worker: what anybody was acknowledged before is there, once. */
static ps_err push_and_pull(teller *me) {
    const ledger *const test = me->test;
    const uint32_t rank = ps_rank(me->worker);
    const uint32_t clock = ps_clock_now(me->worker);
    const uint32_t chunk = clock / LEDGER_COLUMNS;
    const uint64_t own_row = pushed_row(test, chunk, rank);
    const bool is_bug = rank == BUG_RANK && clock == BUG_CLOCK;
    int64_t delta[LEDGER_COLUMNS] = {0};
    delta[clock % LEDGER_COLUMNS] = is_bug && test->bug == LEDGER_PUSHES_TWICE   ? 2
                                    : is_bug && test->bug == LEDGER_LOSES_A_PUSH ? 0
                                                                                 : 1;
    uint64_t handle;
    PS_TRY(ps_push(me->worker, &(ps_keys){.table = PUSHED, .rows = &own_row, .row_count = 1}, delta,
                   &handle));
    pass(me, LEDGER_BEFORE_ACK);
    PS_TRY(ps_wait(me->worker, handle));
    atomic_store(&test->shared->pushes_acked[rank], clock + 1);
    uint32_t acked[LEDGER_WORKERS_MAX];
    for (uint32_t w = 0; w < worker_count(test); w++) {
        acked[w] = atomic_load(&test->shared->pushes_acked[w]);
    }
    int64_t values[LEDGER_WORKERS_MAX][LEDGER_COLUMNS];
    const ps_keys all = {
        .table = PUSHED, .row_begin = pushed_row(test, chunk, 0), .row_count = worker_count(test)};
    PS_TRY(ps_pull(me->worker, &all, values, &handle));
    PS_TRY(ps_wait(me->worker, handle));
    for (uint32_t w = 0; w < worker_count(test); w++) {
        for (uint32_t i = 0; i < LEDGER_COLUMNS; i++) {
            const bool is_acked = chunk * LEDGER_COLUMNS + i < acked[w];
            if (values[w][i] != 1 && (is_acked || values[w][i] != 0)) {
                complain(test->shared,
                         "worker %u at clock %u: the push of worker %u at clock %u is %lld (G3)",
                         rank, clock, w, chunk * LEDGER_COLUMNS + i, (long long)values[w][i]);
                return PS_EBROKEN;
            }
        }
    }
    return PS_OK;
}

static ps_err one_clock(teller *me) {
    const ledger *const test = me->test;
    const uint32_t clock = ps_clock_now(me->worker);
    uint64_t rows[2 * LEDGER_WORKERS_MAX * LEDGER_LANES];
    size_t count = 0;
    for (uint32_t chunk = first_chunk(clock); chunk <= clock / LEDGER_COLUMNS; chunk++) {
        for (uint32_t i = 0; i < worker_count(test) * LEDGER_LANES; i++) {
            rows[count++] = cell_row(test, chunk, 0, 0) + i;
        }
    }
    pass(me, LEDGER_BEFORE_FETCH);
    PS_TRY(ps_fetch(me->worker, CELLS, rows, count));
    const uint64_t doubles[DOUBLE_ROWS] = {0, 1, 2, 3, 4};
    PS_TRY(ps_fetch(me->worker, DOUBLES, doubles, DOUBLE_ROWS));
    PS_TRY(ps_compute(me->worker, 1.0, step, me));
    if (!me->is_good) {
        return PS_EBROKEN;
    }
    PS_TRY(push_and_pull(me));
    pass(me, LEDGER_BEFORE_CLOCK);
    PS_TRY(ps_clock(me->worker));
    atomic_store(&test->shared->clocks_done[ps_rank(me->worker)], clock + 1);
    return PS_OK;
}

static ps_err work(ps_worker *worker, const void *problem) {
    teller me = {.worker = worker, .test = problem};
    atomic_store(&me.test->shared->processes[ps_rank(worker) / me.test->workers_each], getpid());
    for (uint32_t clock = 0; clock < ps_clock_count(worker); clock++) {
        PS_TRY(one_clock(&me));
    }
    return PS_OK;
}

/* ---- The algorithm ---- */

static void row_init(const void *problem, uint32_t table, uint64_t row, void *values_out) {
    (void)problem;
    for (uint32_t i = 0; table == SUMS && i < LEDGER_SUM_COLUMNS; i++) {
        ((int64_t *)values_out)[i] = (int64_t)row * 100 + i;
    }
    for (uint32_t i = 0; table == DOUBLES && i < DOUBLE_COLUMNS; i++) {
        ((double *)values_out)[i] = 0.7 + 0.3 * (double)row - 0.2 * i;
    }
}

static void evaluate(const void *problem, uint32_t rank, const void *local, size_t local_size_bytes,
                     const ps_model *model, double *sums) {
    (void)problem;
    (void)local;
    (void)local_size_bytes;
    sums[0] = rank == 0 ? (double)((const int64_t *)model->dense[SUMS])[0] : 0.0;
}

static void finish(const void *problem, const double *sums, double *metrics) {
    (void)problem;
    metrics[0] = sums[0];
}

static const char *const metric_names[] = {"objective"};

static const ps_algo ledger_algo = {
    .name = "ledger",
    .metrics = metric_names,
    .metric_count = 1,
    .sum_count = 1,
    .row_init = row_init,
    .worker = work,
    .evaluate = evaluate,
    .finish = finish,
};

static void count_row(void *context, const psi_metrics_row *row) {
    const ledger *const test = context;
    (void)row;
    (void)atomic_fetch_add(&test->shared->rows_measured, 1);
}

void ledger_plan(ledger *test, psi_plan *plan_out) {
    const uint64_t rows = (uint64_t)chunk_count(test) * worker_count(test);
    *plan_out = (psi_plan){
        .algo = &ledger_algo,
        .problem = test,
        .node_count = test->nodes,
        .worker_count = worker_count(test),
        .shard_count = test->nodes,
        .process_count = test->nodes,
        .clock_count = test->clocks,
        .eval_every_clocks = 20,
        .seed = 4711,
        .observer = {.on_metrics = count_row, .context = test},
        .table_count = TABLES,
        .specs = {{"cells", PS_I64, PS_DENSE, rows * LEDGER_LANES, LEDGER_COLUMNS, 1, false},
                  {"pushed", PS_I64, PS_DENSE, rows, LEDGER_COLUMNS, 1, false},
                  {"sums", PS_I64, PS_DENSE, LEDGER_SUM_ROWS, LEDGER_SUM_COLUMNS, 1, false},
                  {"doubles", PS_F64, PS_DENSE, DOUBLE_ROWS, DOUBLE_COLUMNS, 1, false}},
    };
    ps_fault fault = {0};
    if (psi_policy_parse(test->policy, &plan_out->policy, &fault) != PS_OK) {
        abort();
    }
    test->is_exact = strcmp(test->policy, "bsp") == 0;
    const bool has_no_slack =
        strcmp(test->policy, "async") == 0 || plan_out->policy.ops->bounds_values;
    test->slack = has_no_slack ? -1 : (int32_t)plan_out->policy.slack;
    test->slack = test->claims_bsp ? 0 : test->slack;
}

/* ---- The final model ---- */

/* Cells from `done` on: one may be there or not, as nobody was told; what comes later is not. */
static bool count_is_good(int64_t cell, uint32_t k, uint32_t done) {
    return k < done ? cell == 1 : cell == 0 || (cell == 1 && k == done);
}

static void judge_worker(const ledger *test, const psi_results *results, uint32_t rank,
                         int64_t sums[LEDGER_SUM_ROWS][LEDGER_SUM_COLUMNS]) {
    const int64_t *const cells = results->model_dense[CELLS];
    const int64_t *const pushed = results->model_dense[PUSHED];
    const uint32_t done = atomic_load(&test->shared->clocks_done[rank]);
    const uint32_t acked = atomic_load(&test->shared->pushes_acked[rank]);
    for (uint32_t k = 0; k < test->clocks; k++) {
        const uint32_t chunk = k / LEDGER_COLUMNS;
        const uint32_t i = k % LEDGER_COLUMNS;
        const int64_t first = cells[cell_row(test, chunk, rank, 0) * LEDGER_COLUMNS + i];
        const int64_t second = cells[cell_row(test, chunk, rank, 1) * LEDGER_COLUMNS + i];
        const int64_t push = pushed[pushed_row(test, chunk, rank) * LEDGER_COLUMNS + i];
        if (first != second || !count_is_good(first, k, done)) {
            complain(test->shared,
                     "the model holds the add of worker %u at clock %u %lld and %lld times, of %u "
                     "clocks (G3, G6)",
                     rank, k, (long long)first, (long long)second, done);
        }
        if (!count_is_good(push, k, acked)) {
            complain(
                test->shared,
                "the model holds the push of worker %u at clock %u %lld times, of %u that were "
                "acknowledged (G3)",
                rank, k, (long long)push, acked);
        }
        for (uint32_t row = 0; first == 1 && row < LEDGER_SUM_ROWS; row++) {
            for (uint32_t column = 0; column < LEDGER_SUM_COLUMNS; column++) {
                sums[row][column] += sum_delta(rank, k, row, column);
            }
        }
    }
}

void ledger_judge(const ledger *test, const psi_results *results) {
    int64_t sums[LEDGER_SUM_ROWS][LEDGER_SUM_COLUMNS];
    if (!results->model_is_complete) {
        complain(test->shared, "the final model is not complete");
        return;
    }
    for (uint32_t row = 0; row < LEDGER_SUM_ROWS; row++) {
        row_init(test, SUMS, row, sums[row]);
    }
    for (uint32_t rank = 0; rank < worker_count(test); rank++) {
        judge_worker(test, results, rank, sums);
    }
    if (memcmp(sums, results->model_dense[SUMS], sizeof sums) != 0) {
        complain(test->shared, "rows of all workers are not the sum of their updates (G6)");
    }
}

uint64_t ledger_digest(const psi_results *results) {
    const uint8_t *const bytes = results->model_dense[DOUBLES];
    uint64_t digest = UINT64_C(0xcbf29ce484222325);
    for (size_t i = 0; i < DOUBLE_ROWS * DOUBLE_COLUMNS * sizeof(double); i++) {
        digest = (digest ^ bytes[i]) * UINT64_C(0x100000001b3);
    }
    return digest;
}
