#include "bound_table.h"

#include <stdio.h>
#include <string.h>

#include "csv_table.h"

enum { THEOREMS_MAX = 32 };

/* What is known of one theorem. */
typedef struct bound_row {
    const char *theorem; /* borrowed of the experiment */
    size_t run_count, holding_count;
    double measured, bound, ratio; /* of the run with the largest ratio, where assumptions hold */
} bound_row;

static const char *theorem_of(const tt_experiment *experiment, size_t run) {
    const size_t axis = tt_experiment_axis(experiment, "theorem");
    if (axis < experiment->axis_count) {
        return tt_experiment_value(experiment, run, axis);
    }
    for (size_t i = 0; i < experiment->fixed_count; i++) {
        if (strcmp(experiment->fixed[i].name, "theorem") == 0) {
            return experiment->fixed[i].value;
        }
    }
    return NULL;
}

static bound_row *row_of(bound_row *rows, size_t *count, const char *theorem) {
    for (size_t i = 0; i < *count; i++) {
        if (strcmp(rows[i].theorem, theorem) == 0) {
            return &rows[i];
        }
    }
    if (*count == THEOREMS_MAX) {
        return NULL;
    }
    rows[*count] = (bound_row){.theorem = theorem};
    return &rows[(*count)++];
}

static void run_add(const tt_csv_table *metrics, bound_row *row) {
    size_t measured = tt_csv_column(metrics, "measured");
    const size_t bound = tt_csv_column(metrics, "bound");
    const size_t ratio = tt_csv_column(metrics, "ratio");
    const size_t holds = tt_csv_column(metrics, "assumptions_hold");
    const size_t none = metrics->column_count;
    if (measured == none) {
        measured = tt_csv_column(metrics, "regret");
    }
    if (metrics->row_count == 0 || measured == none || bound == none || ratio == none ||
        holds == none) {
        return;
    }
    const size_t last = metrics->row_count - 1;
    row->run_count++;
    if (tt_csv_number(metrics, last, holds) <= 0) {
        return;
    }
    row->holding_count++;
    const double own = tt_csv_number(metrics, last, ratio);
    if (row->holding_count == 1 || !(own <= row->ratio)) { /* not a number is the worst */
        row->ratio = own;
        row->measured = tt_csv_number(metrics, last, measured);
        row->bound = tt_csv_number(metrics, last, bound);
    }
}

static ps_err runs_read(const tt_sweep *sweep, bound_row *rows, size_t *count, ps_fault *fault) {
    for (size_t run = 0; run < sweep->count; run++) {
        const char *const theorem = theorem_of(sweep->experiment, run);
        char directory[TT_PATH_MAX];
        char path[TT_PATH_MAX];
        tt_csv_table metrics;
        bound_row *const row = theorem == NULL ? NULL : row_of(rows, count, theorem);
        if (row == NULL || !sweep->runs[run].is_there ||
            !tt_sweep_run_directory(sweep, run, directory) ||
            !tt_path_join(path, directory, "metrics.csv")) {
            continue;
        }
        PS_TRY(tt_csv_read(path, &metrics, fault));
        run_add(&metrics, row);
        tt_csv_fini(&metrics);
    }
    return PS_OK;
}

ps_err tt_bound_table_print(const tt_sweep *sweep, ps_fault *fault) {
    bound_row rows[THEOREMS_MAX];
    size_t count = 0;
    PS_TRY(runs_read(sweep, rows, &count, fault));
    for (size_t i = 0; i < count; i++) {
        const bound_row *const row = &rows[i];
        if (i == 0) {
            (void)printf("%-20s %6s %12s %12s %12s %8s\n", "theorem", "runs", "assumed in",
                         "measured", "bound", "ratio");
        }
        (void)printf("%-20s %6zu %12zu", row->theorem, row->run_count, row->holding_count);
        if (row->holding_count == 0) {
            (void)printf(" %12s %12s %8s  its assumptions hold in no run\n", "-", "-", "-");
        } else {
            (void)printf(" %12.6g %12.6g %8.4f  %s\n", row->measured, row->bound, row->ratio,
                         row->ratio <= 1 ? "PASS" : "FAIL");
        }
    }
    return PS_OK;
}
