#include "conformance/tags.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static uint32_t tag_count(const tags_problem *problem) {
    return problem->worker_count * problem->clock_count;
}

static double chaos_start(uint64_t row, uint32_t column) {
    return 0.25 + 0.0625 * (double)row + 0.3 * column;
}

/* The change of one row, from what was read: x grows slowly and mixes. */
static void chaos_delta(const double x[2], uint32_t rank, uint32_t clock, double delta[2]) {
    delta[0] = (x[0] * 0.037 - x[1] * 0.021 + 0.0131 * rank) * 0.1;
    delta[1] = (x[1] * 0.029 - x[0] * 0.033 + 0.0071 * clock) * 0.1;
}

bool tags_is_update(const tags_problem *problem, uint32_t rank, uint32_t clock, uint64_t row) {
    const bool is_gone = problem->leaving_rank == (int32_t)rank && clock >= problem->deed_clock;
    return !is_gone && (row + 2 * rank + clock) % 3 == 0;
}

static bool is_push(const tags_problem *problem, uint32_t rank, uint32_t clock, uint64_t row) {
    const bool is_gone = problem->leaving_rank == (int32_t)rank && clock >= problem->deed_clock;
    return !is_gone && (row == rank % TAGS_ROWS || row == (rank + 1 + clock % 3) % TAGS_ROWS);
}

/* ---- The worker's own judgement ---- */

/* Counts of tags, whatever they lie in. */
typedef struct tags_view {
    const int32_t *dense;
    const ps_sparse_row *sparse;
} tags_view;

static int64_t count_at(const tags_view *view, uint32_t column) {
    if (view->dense != NULL) {
        return view->dense[column] - TAGS_OFFSET;
    }
    for (uint32_t i = 0; i < view->sparse->count; i++) {
        if (view->sparse->columns[i] == column) {
            return ((const int64_t *)view->sparse->values)[i];
        }
    }
    return 0;
}

/* How many clocks the policy lets a read at `clock` lack. */
static uint32_t slack_at(const tags_problem *problem, uint32_t clock) {
    return problem->is_halved ? (clock + 1) / 2 : problem->slack;
}

/* Whether what a worker at `clock` reads of a row is what G1 to G4 promise. */
static bool read_is_promised(const tags_problem *problem, uint32_t reader, uint32_t clock,
                             uint64_t row, const tags_view *view) {
    for (uint32_t rank = 0; rank < problem->worker_count; rank++) {
        bool has_gap = false;
        for (uint32_t k = 0; k < problem->clock_count; k++) {
            const int64_t seen = count_at(view, rank * problem->clock_count + k);
            const bool is_made = tags_is_update(problem, rank, k, row);
            const bool is_required = (rank == reader && k < clock) ||
                                     (problem->is_bounded && k + slack_at(problem, clock) < clock);
            if (seen < 0 || seen > is_made || (seen != 0 && has_gap)) {
                return false;
            }
            if (is_made && seen == 0 && is_required) {
                return false;
            }
            if (seen != 0 && problem->is_exact && k >= clock) {
                return false;
            }
            has_gap = has_gap || (is_made && seen == 0);
        }
    }
    return true;
}

typedef struct tags_step {
    ps_worker *worker;
    const tags_problem *problem;
    bool is_good;
} tags_step;

static bool check_and_add(tags_step *step, uint64_t row) {
    ps_worker *const worker = step->worker;
    const tags_problem *const problem = step->problem;
    const uint32_t rank = ps_rank(worker);
    const uint32_t clock = ps_clock_now(worker);
    const uint32_t column = rank * problem->clock_count + clock;
    ps_sparse_row sparse;
    const tags_view dense_view = {.dense = ps_get(worker, 0, row)};
    const tags_view sparse_view = {.sparse = &sparse};
    const double *const chaos = ps_get(worker, 2, row);
    if (dense_view.dense == NULL || chaos == NULL || !ps_get_sparse(worker, 1, row, &sparse) ||
        !read_is_promised(problem, rank, clock, row, &dense_view) ||
        !read_is_promised(problem, rank, clock, row, &sparse_view)) {
        return false;
    }
    double delta[2];
    chaos_delta(chaos, rank, clock, delta);
    if (ps_add(worker, 2, row, delta) != PS_OK || chaos[0] == 0.0) {
        return false;
    }
    if (!tags_is_update(problem, rank, clock, row)) {
        return true;
    }
    const int64_t one = 1;
    if (ps_add_sparse(worker, 1, row, 1, &column, &one) != PS_OK) {
        return false;
    }
    if (row % 2 == 0) { /* both ways of changing a row */
        int32_t *const tags = ps_edit(worker, 0, row);
        tags[column]++;
        return true;
    }
    int32_t *const deltas = calloc(tag_count(problem) + 1u, sizeof *deltas);
    if (deltas == NULL) {
        return false;
    }
    deltas[column] = 1;
    const ps_err err = ps_add(worker, 0, row, deltas);
    free(deltas);
    return err == PS_OK;
}

static void do_step(void *arg) {
    tags_step *const step = arg;
    for (uint64_t row = 0; step->is_good && row < TAGS_ROWS; row++) {
        step->is_good = check_and_add(step, row);
    }
}

/* Pushes its tag to two rows, waits, pulls all rows, and must find its own pushes in them. */
static ps_err push_and_pull(ps_worker *worker, const tags_problem *problem, int32_t *numbers) {
    const uint32_t rank = ps_rank(worker);
    const uint32_t clock = ps_clock_now(worker);
    const uint32_t columns = tag_count(problem);
    uint64_t rows[TAGS_ROWS];
    size_t count = 0;
    memset(numbers, 0, (size_t)TAGS_ROWS * columns * sizeof *numbers);
    for (uint64_t row = TAGS_ROWS; row > 0; row--) {
        if (is_push(problem, rank, clock, row - 1)) {
            numbers[count * columns + rank * problem->clock_count + clock] = 1;
            rows[count++] = row - 1;
        }
    }
    uint64_t pushed, pulled;
    PS_TRY(ps_push(worker, &(ps_keys){.table = 3, .rows = rows, .row_count = count}, numbers,
                   &pushed));
    PS_TRY(ps_wait(worker, pushed));
    PS_TRY(ps_pull(worker, &(ps_keys){.table = 3, .row_count = TAGS_ROWS}, numbers, &pulled));
    PS_TRY(ps_wait(worker, pulled));
    for (uint64_t row = 0; row < TAGS_ROWS; row++) {
        for (uint32_t i = 0; i < columns; i++) {
            const uint32_t by = i / problem->clock_count;
            const uint32_t at = i % problem->clock_count;
            const int32_t seen = numbers[row * columns + i];
            const bool is_made = is_push(problem, by, at, row);
            const bool is_required = is_made && by == rank && at <= clock;
            if (seen < (is_required ? 1 : 0) || seen > (is_made ? 1 : 0)) {
                return PS_EBROKEN;
            }
        }
    }
    return PS_OK;
}

static ps_err do_clock(ps_worker *worker, const tags_problem *problem, int32_t *numbers) {
    static const uint64_t all[] = {6, 0, 1, 2, 3, 4, 5, 6}; /* row 6 twice in even clocks */
    const uint32_t clock = ps_clock_now(worker);
    for (uint32_t table = 0; table < 3; table++) {
        PS_TRY(ps_fetch(worker, table, all + clock % 2, TAGS_ROWS + 1 - clock % 2));
    }
    tags_step step = {.worker = worker, .problem = problem, .is_good = true};
    PS_TRY(ps_compute(worker, 1.0 + ps_rank(worker), do_step, &step));
    if (!step.is_good) {
        return PS_EBROKEN;
    }
    return problem->with_pushes ? push_and_pull(worker, problem, numbers) : PS_OK;
}

static ps_err work(ps_worker *worker, const void *problem_of_run) {
    const tags_problem *const problem = problem_of_run;
    const int32_t rank = (int32_t)ps_rank(worker);
    int32_t *const numbers = calloc((size_t)TAGS_ROWS * tag_count(problem), sizeof *numbers);
    if (numbers == NULL) {
        return PS_ENOMEM;
    }
    uint32_t local = 0; /* the worker's clock, as its local state */
    ps_publish(worker, &local, sizeof local);
    ps_err err = PS_OK;
    for (uint32_t clock = 0; err == PS_OK && clock < ps_clock_count(worker); clock++) {
        if (clock == problem->deed_clock && rank == problem->leaving_rank) {
            break;
        }
        err = clock == problem->deed_clock && rank == problem->failing_rank
                  ? PS_EFAILED
                  : do_clock(worker, problem, numbers);
        if (err == PS_OK) {
            local = clock + 1;
            err = ps_clock(worker);
        }
    }
    free(numbers);
    return err;
}

/* ---- What the rest of tortoise asks of an algorithm ---- */

static size_t tables(const void *problem_of_run, ps_table_spec *specs) {
    const uint32_t tags = tag_count(problem_of_run);
    specs[0] = (ps_table_spec){"tags", PS_I32, PS_DENSE, TAGS_ROWS, tags + 1, 2, false};
    specs[1] = (ps_table_spec){"sparse", PS_I64, PS_SPARSE, TAGS_ROWS, tags, 0, false};
    specs[2] = (ps_table_spec){"chaos", PS_F64, PS_DENSE, TAGS_ROWS, 2, 3, false};
    specs[3] = (ps_table_spec){"pushed", PS_I32, PS_DENSE, TAGS_ROWS, tags, 1, false};
    return 4;
}

static void row_init(const void *problem_of_run, uint32_t table, uint64_t row, void *values_out) {
    const uint32_t tags = tag_count(problem_of_run);
    if (table == 0) {
        int32_t *const values = values_out;
        for (uint32_t i = 0; i < tags; i++) {
            values[i] = TAGS_OFFSET;
        }
        values[tags] = (int32_t)row * 7;
    }
    if (table == 2) {
        double *const values = values_out;
        values[0] = chaos_start(row, 0);
        values[1] = chaos_start(row, 1);
    }
}

static void evaluate(const void *problem_of_run, uint32_t rank, const void *local,
                     size_t local_size_bytes, const ps_model *model, double *sums) {
    const tags_problem *const problem = problem_of_run;
    const uint32_t columns = tag_count(problem) + 1;
    memset(sums, 0, TAGS_METRICS * sizeof *sums);
    for (uint64_t row = 0; row < TAGS_ROWS; row++) {
        const tags_view dense = {.dense = (const int32_t *)model->dense[0] + row * columns};
        const tags_view sparse = {.sparse = &model->sparse[1][row]};
        for (uint32_t k = 0; k < problem->clock_count; k++) {
            const uint32_t column = rank * problem->clock_count + k;
            const double seen = (double)count_at(&dense, column);
            sums[k < model->clock ? TAGS_BELOW : TAGS_ABOVE] += seen;
            sums[TAGS_SPARSE] += k < model->clock ? (double)count_at(&sparse, column) : 0.0;
            sums[TAGS_LEFT] += tags_is_update(problem, rank, k, row) - seen;
        }
    }
    uint32_t clock = 0;
    if (local_size_bytes == sizeof clock) {
        memcpy(&clock, local, sizeof clock);
    }
    sums[TAGS_LOCALS] = local == NULL ? -1e9 : clock;
}

static void finish(const void *problem, const double *sums, double *metrics) {
    (void)problem;
    memcpy(metrics, sums, TAGS_METRICS * sizeof *metrics);
}

static ps_err open_problem(const ps_settings *settings, void **problem_out, ps_fault *fault) {
    (void)settings;
    *problem_out = NULL;
    return ps_fault_set(fault, PS_EINVAL, "the problem is made by the test");
}

static void close_problem(void *problem) {
    (void)problem;
}

static int describe(const void *problem, char *text, size_t text_size) {
    (void)problem;
    if (text_size > 0) {
        text[0] = '\0';
    }
    return 0;
}

static double units_per_clock(const void *problem_of_run) {
    const tags_problem *const problem = problem_of_run;
    return 0.5 * problem->worker_count * (problem->worker_count + 1.0);
}

static const char *const metric_names[TAGS_METRICS] = {"objective", "below", "above", "locals",
                                                       "sparse"};

const ps_algo tags_algo = {
    .name = "tags",
    .summary = "updates that can be told apart",
    .unit = "step",
    .unit_cost_s = 1e-4,
    .default_clock_count = 5,
    .metrics = metric_names,
    .metric_count = TAGS_METRICS,
    .sum_count = TAGS_METRICS,
    .open = open_problem,
    .close = close_problem,
    .describe = describe,
    .tables = tables,
    .row_init = row_init,
    .worker = work,
    .evaluate = evaluate,
    .finish = finish,
    .units_per_clock = units_per_clock,
};

void tags_plan(tags_problem *problem, psi_plan *plan) {
    problem->worker_count = plan->worker_count;
    problem->clock_count = plan->clock_count;
    problem->is_exact = strcmp(plan->policy.ops->name, "bsp") == 0;
    problem->is_bounded = strcmp(plan->policy.ops->name, "async") != 0;
    problem->is_halved = strcmp(plan->policy.ops->name, "vap") == 0;
    problem->slack = plan->policy.slack;
    plan->algo = &tags_algo;
    plan->problem = problem;
    plan->table_count = tables(problem, plan->specs);
}

/* ---- Judging the results ---- */

static double updates_below(const tags_problem *problem, uint32_t clock) {
    double count = 0.0;
    for (uint32_t rank = 0; rank < problem->worker_count; rank++) {
        for (uint32_t k = 0; k < clock; k++) {
            for (uint64_t row = 0; row < TAGS_ROWS; row++) {
                count += tags_is_update(problem, rank, k, row);
            }
        }
    }
    return count;
}

/* The model of a serial program: clock by clock, all read the same, then all add in rank order. */
static void serial_chaos(const tags_problem *problem, double model[TAGS_ROWS][2]) {
    for (uint64_t row = 0; row < TAGS_ROWS; row++) {
        model[row][0] = chaos_start(row, 0);
        model[row][1] = chaos_start(row, 1);
        for (uint32_t clock = 0; clock < problem->clock_count; clock++) {
            const double read[2] = {model[row][0], model[row][1]};
            for (uint32_t rank = 0; rank < problem->worker_count; rank++) {
                double delta[2];
                chaos_delta(read, rank, clock, delta);
                model[row][0] += delta[0];
                model[row][1] += delta[1];
            }
        }
    }
}

static const char *model_complaint(const psi_results *results, const tags_problem *problem) {
    const uint32_t tags = tag_count(problem);
    if (!results->model_is_complete) {
        return "the final model is not complete";
    }
    for (uint64_t row = 0; row < TAGS_ROWS; row++) {
        const int32_t *const values = (const int32_t *)results->model_dense[0] + row * (tags + 1u);
        const int32_t *const pushed = (const int32_t *)results->model_dense[3] + row * (size_t)tags;
        const tags_view dense = {.dense = values};
        const tags_view sparse = {.sparse = &results->model_sparse[1][row]};
        for (uint32_t i = 0; i < tags; i++) {
            const uint32_t rank = i / problem->clock_count;
            const uint32_t clock = i % problem->clock_count;
            const int64_t made = tags_is_update(problem, rank, clock, row);
            if (count_at(&dense, i) != made || count_at(&sparse, i) != made) {
                return "the final model is not initial + sum of updates (G6)";
            }
            if (pushed[i] != (problem->with_pushes && is_push(problem, rank, clock, row))) {
                return "the final model does not hold every push once";
            }
        }
        if (values[tags] != (int32_t)row * 7) {
            return "an initial value that nobody changed has changed";
        }
    }
    double serial[TAGS_ROWS][2];
    serial_chaos(problem, serial);
    const bool is_serial = problem->is_exact && problem->leaving_rank == TAGS_NOBODY;
    if (is_serial && memcmp(serial, results->model_dense[2], sizeof serial) != 0) {
        return "bsp is not equal to the serial sum to the last bit (G1)";
    }
    return NULL;
}

static const char *metrics_complaint(const psi_plan *plan, const psi_results *results) {
    const tags_problem *const problem = plan->problem;
    uint32_t clock = plan->eval_every_clocks == 0 ? plan->clock_count : 0;
    double time_s = 0.0;
    for (size_t i = 0; i < results->metrics_count; i++) {
        const psi_metrics_row *const row = &results->metrics[i];
        if (row->clock_min != clock || row->clock_max < clock || row->time_s < time_s) {
            return "metrics are not there for each clock that is due, in order";
        }
        if (row->values[TAGS_BELOW] != updates_below(problem, clock) ||
            row->values[TAGS_SPARSE] != row->values[TAGS_BELOW]) {
            return "a snapshot misses updates of finished clocks (G1)";
        }
        if (problem->is_exact && row->values[TAGS_ABOVE] != 0.0) {
            return "a snapshot of bsp holds updates of later clocks";
        }
        if (row->values[TAGS_LOCALS] != (double)clock * problem->worker_count) {
            return "the local states are not those of the snapshot's clock";
        }
        time_s = row->time_s;
        const bool is_last = clock == plan->clock_count;
        clock += plan->eval_every_clocks;
        if (clock > plan->clock_count || plan->eval_every_clocks == 0) {
            clock = plan->clock_count;
        }
        if (is_last && i + 1 < results->metrics_count) {
            return "metrics go on after the last clock";
        }
    }
    if (results->metrics_count == 0 ||
        results->metrics[results->metrics_count - 1].clock_min != plan->clock_count) {
        return "metrics of the last clock are missing";
    }
    return NULL;
}

static const char *trace_complaint(const psi_plan *plan, const psi_results *results) {
    if (results->trace_count != (size_t)plan->worker_count * plan->clock_count) {
        return "the trace has not one row for each worker and clock";
    }
    for (size_t i = 0; i < results->trace_count; i++) {
        const psi_trace_row *const row = psi_results_trace(results, i);
        if (row->rank != i / plan->clock_count || row->clock != i % plan->clock_count) {
            return "the trace is not in order of rank and clock";
        }
        const double spent_s = row->compute_s + row->wait_s;
        if (row->compute_s < 0 || row->wait_s < 0 || spent_s > row->end_s - row->start_s + 1e-9) {
            return "a clock of the trace spends more time than it takes";
        }
        if (row->clock > 0 && row->start_s < psi_results_trace(results, i - 1)->end_s - 1e-9) {
            return "clocks of one worker overlap in the trace";
        }
    }
    uint64_t reads = 0;
    for (size_t behind = 0; behind < results->staleness_count; behind++) {
        const tags_problem *const problem = plan->problem;
        if (problem->is_bounded && behind > slack_at(problem, problem->clock_count) &&
            results->staleness[behind] > 0) {
            return "the histogram has reads that are staler than the policy allows";
        }
        reads += results->staleness[behind];
    }
    return reads == 3ull * TAGS_ROWS * plan->worker_count * plan->clock_count
               ? NULL
               : "the histogram does not count every row read once";
}

const char *tags_complaint(const psi_plan *plan, const psi_results *results) {
    const tags_problem *const problem = plan->problem;
    const char *complaint = model_complaint(results, problem);
    if (complaint == NULL && problem->leaving_rank == TAGS_NOBODY) {
        complaint = metrics_complaint(plan, results);
    }
    if (complaint == NULL && problem->leaving_rank == TAGS_NOBODY) {
        complaint = trace_complaint(plan, results);
    }
    return complaint;
}

uint64_t tags_digest(const psi_results *results, const tags_problem *problem) {
    uint64_t digest = UINT64_C(0xcbf29ce484222325);
    const size_t sizes[] = {TAGS_ROWS * (tag_count(problem) + 1u) * sizeof(int32_t), 0,
                            TAGS_ROWS * 2 * sizeof(double)};
    for (size_t t = 0; t < 3; t++) {
        const uint8_t *const bytes = results->model_dense[t];
        for (size_t i = 0; bytes != NULL && i < sizes[t]; i++) {
            digest = (digest ^ bytes[i]) * UINT64_C(0x100000001b3);
        }
    }
    return digest;
}
