#include "bench_exchange.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <sys/mman.h>
#include <unistd.h>

#include "bench.h"
#include "bench_plan.h"
#include "runtime/runtime.h"
#include "tortoise/worker.h"

enum {
    ROWS_ALL = 1000000 + 1024 + 100 + 500000, /* per shard, of all tables */
    CYCLE = 1000,                             /* rows of TT_KEYS_ONE */
    SPARSE_STEP = 10,
    VALUES_MAX = 4 * 1000000, /* that pulls under way may fill */
    WINDOW_MAX = 1024,
    TRIPS_MAX = 100000,
    BARRIER_TABLE = TT_TABLE_COUNT,
    CLOCKS_MAX = 4 * TT_EXCHANGE_CASES_MAX
};

static const struct {
    const char *name;
    uint32_t rows_per_shard, column_count, first; /* the first place in counts of pushes */
} tables[TT_TABLE_COUNT] = {
    [TT_TABLE_KEYS] = {"keys", 1000000, 1, 0},
    [TT_TABLE_ROWS] = {"rows", 1024, 16, 1000000},
    [TT_TABLE_WIDE] = {"wide", 100, 10000, 1000000 + 1024},
    [TT_TABLE_HALF] = {"half", 500000, 1, 1000000 + 1024 + 100},
};

/* What the two processes share. A worker writes its own part; the other one reads it after a
 * barrier. */
typedef struct exchange_shared {
    double rates[2][TT_EXCHANGE_CASES_MAX][TT_EXCHANGE_REPEATS_MAX];
    double median_s[TT_EXCHANGE_CASES_MAX], p99_s[TT_EXCHANGE_CASES_MAX];
    uint32_t wrong_case;             /* 1 + the case whose numbers were wrong; 0: none */
    uint32_t pushes[2][2][ROWS_ALL]; /* by worker, by shard: how often a row was pushed to */
} exchange_shared;

typedef struct exchange_problem {
    const tt_exchange_case *cases;
    size_t case_count;
    tt_placement placement;
    const tt_exchange_options *options;
    int cpus[2];
    exchange_shared *shared;
} exchange_problem;

/* A worker at its measurements. */
typedef struct exchange_work {
    ps_worker *worker;
    const exchange_problem *problem;
    uint32_t rank;
    float *deltas; /* of all rows of the case, in their order */
    float *values; /* window x values of one pull */
    uint64_t *rows;
    uint64_t handles[WINDOW_MAX];
    double *trips;
    size_t trip_count;
} exchange_work;

/* What a push adds to column `column` of row `row`: small whole numbers, so that sums are exact. */
static float delta_of(uint64_t row, uint32_t column) {
    return (float)(row % 7 + column % 5 + 1);
}

/* How many different rows the case touches, and which is its `i`-th. */
static size_t rows_touched(const tt_exchange_case *what) {
    return what->keys == TT_KEYS_ONE ? CYCLE : what->row_count;
}

static uint64_t row_of(const exchange_work *work, const tt_exchange_case *what, size_t i) {
    const uint64_t first = work->rank == 0 ? tables[what->table].rows_per_shard : 0;
    switch (what->keys) {
    case TT_KEYS_ONE:
    case TT_KEYS_LIST:
        return first + i;
    case TT_KEYS_RANGE:
        return (what->is_by_both ? 0 : first) + i;
    case TT_KEYS_SPARSE:
        return first + SPARSE_STEP * i + (i * 2654435761U >> 7) % SPARSE_STEP;
    }
    return 0;
}

/* The place of a row in the counts of pushes of worker `rank`. */
static uint32_t *pushes_of(const exchange_work *work, const tt_exchange_case *what, uint64_t row,
                           uint32_t rank) {
    const uint32_t per_shard = tables[what->table].rows_per_shard;
    return &work->problem->shared
                ->pushes[rank][row / per_shard][tables[what->table].first + row % per_shard];
}

static void prepare(exchange_work *work, const tt_exchange_case *what) {
    const uint32_t columns = tables[what->table].column_count;
    const size_t count = rows_touched(what);
    for (size_t i = 0; i < count; i++) {
        work->rows[i] = row_of(work, what, i);
        for (uint32_t c = 0; c < columns; c++) {
            work->deltas[i * columns + c] = delta_of(work->rows[i], c);
        }
    }
    work->trip_count = 0;
}

static ps_err start(exchange_work *work, const tt_exchange_case *what, size_t op) {
    const size_t columns = tables[what->table].column_count;
    const size_t first = what->keys == TT_KEYS_ONE ? op % CYCLE : 0;
    const bool is_list = what->keys == TT_KEYS_LIST || what->keys == TT_KEYS_SPARSE;
    const ps_keys keys = {.table = (uint32_t)what->table,
                          .rows = is_list ? work->rows : NULL,
                          .row_begin = work->rows[first],
                          .row_count = what->row_count};
    const size_t slot = op % what->window;
    if (what->is_push) {
        return ps_push(work->worker, &keys, work->deltas + first * columns, &work->handles[slot]);
    }
    return ps_pull(work->worker, &keys, work->values + slot * what->row_count * columns,
                   &work->handles[slot]);
}

/* Exchanges for `budget_s` seconds with `window` under way. */
static ps_err exchange(exchange_work *work, const tt_exchange_case *what, double budget_s,
                       size_t *ops_out, double *spent_s_out) {
    const bool is_timed = what->window == 1;
    const double begin_s = tt_bench_now_s();
    double now_s = begin_s;
    size_t op = 0;
    for (; now_s < begin_s + budget_s; op++) {
        if (op >= what->window) {
            PS_TRY(ps_wait(work->worker, work->handles[op % what->window]));
        }
        PS_TRY(start(work, what, op));
        if (is_timed) {
            PS_TRY(ps_wait(work->worker, work->handles[0]));
            const double since_s = now_s;
            now_s = tt_bench_now_s();
            if (work->trip_count < TRIPS_MAX) {
                work->trips[work->trip_count++] = now_s - since_s;
            }
        } else if (op % 16 == 0 || what->row_count > 1000) {
            now_s = tt_bench_now_s();
        }
    }
    for (size_t i = op < what->window ? 0 : op - what->window; i < op; i++) {
        PS_TRY(ps_wait(work->worker, work->handles[i % what->window]));
    }
    *spent_s_out = tt_bench_now_s() - begin_s;
    *ops_out = op;
    return PS_OK;
}

/* Whether values[0..) of the rows from the `first`-th on are all that was ever pushed to them. */
static bool are_right(const exchange_work *work, const tt_exchange_case *what, const float *values,
                      size_t first, size_t row_count) {
    const uint32_t columns = tables[what->table].column_count;
    for (size_t i = 0; i < row_count; i++) {
        const uint64_t row = work->rows[first + i];
        const float pushes = (float)(*pushes_of(work, what, row, 0) + //
                                     *pushes_of(work, what, row, 1));
        for (uint32_t c = 0; c < columns; c++) {
            const float expected = pushes * delta_of(row, c);
            if (memcmp(&values[i * columns + c], &expected, sizeof expected) != 0) {
                return false;
            }
        }
    }
    return true;
}

/* The pulls that ended last have left their values in the slots of the window. */
static bool pulled_right(const exchange_work *work, const tt_exchange_case *what, size_t ops) {
    const size_t values_per_pull = what->row_count * tables[what->table].column_count;
    for (size_t op = ops < what->window ? 0 : ops - what->window; op < ops; op++) {
        const size_t first = what->keys == TT_KEYS_ONE ? op % CYCLE : 0;
        if (!are_right(work, what, work->values + op % what->window * values_per_pull, first,
                       what->row_count)) {
            return false;
        }
    }
    return true;
}

/* Counts what `ops` pushes have added. */
static void note_pushes(const exchange_work *work, const tt_exchange_case *what, size_t ops) {
    const size_t count = rows_touched(what);
    for (size_t i = 0; i < count; i++) {
        const size_t times = what->keys == TT_KEYS_ONE ? ops / CYCLE + (i < ops % CYCLE) : ops;
        *pushes_of(work, what, work->rows[i], work->rank) += (uint32_t)times;
    }
}

/* Both workers go on when both have come here. The policy is bsp: a read at clock c waits for all
 * workers' clocks before c. */
static ps_err barrier(const exchange_work *work) {
    const uint64_t row = 0;
    PS_TRY(ps_clock(work->worker));
    return ps_fetch(work->worker, BARRIER_TABLE, &row, 1);
}

static ps_err complain(const exchange_work *work, size_t index) {
    work->problem->shared->wrong_case = 1 + (uint32_t)index;
    return PS_EBROKEN;
}

/* All that was ever pushed to the rows of the case is in what the servers have. */
static ps_err check_sums(exchange_work *work, size_t index) {
    const tt_exchange_case *const what = &work->problem->cases[index];
    const ps_keys keys = {
        .table = (uint32_t)what->table, .rows = work->rows, .row_count = rows_touched(what)};
    uint64_t handle = 0;
    PS_TRY(ps_pull(work->worker, &keys, work->values, &handle));
    PS_TRY(ps_wait(work->worker, handle));
    return are_right(work, what, work->values, 0, keys.row_count) ? PS_OK : complain(work, index);
}

static ps_err measure_case(exchange_work *work, size_t index) {
    const exchange_problem *const problem = work->problem;
    const tt_exchange_case *const what = &problem->cases[index];
    const double sample_s = problem->options->budget_s / problem->options->repeats;
    const size_t values =
        what->row_count * tables[what->table].column_count * (what->is_push ? 1 : what->window);
    prepare(work, what);
    for (int i = 0; i < problem->options->repeats; i++) {
        size_t ops = 0;
        double spent_s = 0;
        memset(work->values, 0xff, values * sizeof *work->values);
        if (what->is_by_both) {
            PS_TRY(barrier(work));
        }
        PS_TRY(exchange(work, what, sample_s, &ops, &spent_s));
        problem->shared->rates[work->rank][index][i] = (double)ops / spent_s;
        if (what->is_push) {
            note_pushes(work, what, ops);
        } else if (!pulled_right(work, what, ops)) {
            return complain(work, index);
        }
    }
    if (work->rank == 0 && what->window == 1) {
        problem->shared->median_s[index] = tt_bench_quantile(work->trips, work->trip_count, 0.5);
        problem->shared->p99_s[index] = tt_bench_quantile(work->trips, work->trip_count, 0.99);
    }
    if (what->is_by_both) {
        PS_TRY(barrier(work));
    }
    return what->is_push ? check_sums(work, index) : PS_OK;
}

static ps_err measure_all(exchange_work *work) {
    const exchange_problem *const problem = work->problem;
    if (!tt_placement_pin(problem->placement, problem->cpus, work->rank == 0 ? 0 : 1)) {
        return PS_EIO;
    }
    PS_TRY(barrier(work));
    for (size_t i = 0; i < problem->case_count; i++) {
        const tt_exchange_case *const what = &problem->cases[i];
        if (what->placement != problem->placement) {
            continue;
        }
        if (work->rank == 0 || what->is_by_both) {
            PS_TRY(measure_case(work, i));
        }
        if (what->is_by_both) {
            PS_TRY(barrier(work)); /* nobody pushes while the other one checks */
        }
    }
    return PS_OK;
}

static ps_err exchange_worker(ps_worker *worker, const void *problem) {
    exchange_work *const work = calloc(1, sizeof *work);
    ps_err err = PS_ENOMEM;
    if (work == NULL) {
        return err;
    }
    work->worker = worker;
    work->problem = problem;
    work->rank = ps_rank(worker);
    work->deltas = malloc(VALUES_MAX * sizeof *work->deltas);
    work->values = malloc(VALUES_MAX * sizeof *work->values);
    work->rows = malloc(VALUES_MAX / 4 * sizeof *work->rows);
    work->trips = malloc(TRIPS_MAX * sizeof *work->trips);
    if (work->deltas != NULL && work->values != NULL && work->rows != NULL && work->trips != NULL) {
        err = measure_all(work);
    }
    free(work->deltas);
    free(work->values);
    free(work->rows);
    free(work->trips);
    free(work);
    return err;
}

static size_t exchange_tables(ps_table_spec *specs) {
    for (size_t t = 0; t < TT_TABLE_COUNT; t++) {
        specs[t] = (ps_table_spec){.name = tables[t].name,
                                   .type = PS_F32,
                                   .layout = PS_DENSE,
                                   .row_count = 2 * (uint64_t)tables[t].rows_per_shard,
                                   .column_count = tables[t].column_count,
                                   .block_rows = tables[t].rows_per_shard};
    }
    specs[BARRIER_TABLE] = (ps_table_spec){
        .name = "barrier", .type = PS_F32, .layout = PS_DENSE, .row_count = 1, .column_count = 1};
    return TT_TABLE_COUNT + 1;
}

static void collect(const exchange_problem *problem, tt_exchange_answer *answers) {
    const size_t repeats = (size_t)problem->options->repeats;
    for (size_t i = 0; i < problem->case_count; i++) {
        if (problem->cases[i].placement != problem->placement) {
            continue;
        }
        double sums[TT_EXCHANGE_REPEATS_MAX];
        for (size_t k = 0; k < repeats; k++) {
            sums[k] = problem->shared->rates[0][i][k] + problem->shared->rates[1][i][k];
        }
        answers[i] = (tt_exchange_answer){.per_s = tt_bench_quantile(sums, repeats, 0.5),
                                          .median_s = problem->shared->median_s[i],
                                          .p99_s = problem->shared->p99_s[i]};
    }
}

ps_err tt_exchange_measure(const tt_exchange_case *cases, size_t case_count, tt_placement placement,
                           const tt_exchange_options *options, tt_exchange_answer *answers,
                           ps_fault *fault) {
    PS_ASSERT(case_count <= TT_EXCHANGE_CASES_MAX);
    PS_ASSERT(options->repeats > 0 && options->repeats <= TT_EXCHANGE_REPEATS_MAX);
    exchange_problem problem = {
        .cases = cases, .case_count = case_count, .placement = placement, .options = options};
    (void)tt_cpus_allowed(problem.cpus);
    void *shared = NULL;
    PS_TRY(tt_shared_memory(sizeof *problem.shared, &shared, fault));
    problem.shared = shared;
    tt_bench_plan plan;
    tt_bench_plan_init(&plan, exchange_worker, &problem);
    plan.plan.table_count = exchange_tables(plan.plan.specs);
    plan.plan.node_count = plan.plan.worker_count = 2;
    plan.plan.shard_count = plan.plan.process_count = 2;
    plan.plan.clock_count = CLOCKS_MAX;
    const psi_runtime_options asleep = {.spin_s = -1};
    tt_cpu_mask mask;
    const bool is_known = tt_placement_save(&mask);
    ps_err err = tt_bench_plan_run(&plan, placement == TT_TWO_CORES_SPIN ? NULL : &asleep, fault);
    if (is_known) {
        tt_placement_restore(&mask);
    }
    if (problem.shared->wrong_case != 0) {
        *fault = (ps_fault){0}; /* of the run, which knows less */
        err = ps_fault_set(fault, PS_EBROKEN, "case %u of the exchange moved wrong numbers",
                           problem.shared->wrong_case - 1);
    }
    if (err == PS_OK) {
        collect(&problem, answers);
    }
    (void)munmap(problem.shared, sizeof *problem.shared);
    return err;
}
