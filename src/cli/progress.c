#include "progress.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include <unistd.h>

#include "numbers.h"

enum { BAR_LENGTH = 30 };

static const double TERMINAL_PERIOD_S = 0.1;
static const double PLAIN_PERIOD_S = 10;

static double now_s(void) {
    struct timespec at;
    (void)clock_gettime(CLOCK_MONOTONIC, &at);
    return (double)at.tv_sec + 1e-9 * (double)at.tv_nsec;
}

void tt_progress_begin(tt_progress *progress, const tt_run *run, bool is_quiet) {
    *progress =
        (tt_progress){.run = run, .is_quiet = is_quiet, .is_terminal = isatty(STDERR_FILENO) == 1};
    progress->start_s = now_s();
    progress->last_s = progress->start_s;
}

/* The objective, and what an algorithm says about the time since the evaluation before. */
static void row_format(const tt_progress *progress, char *text, size_t text_size) {
    const ps_algo *const algo = progress->run->plan.algo;
    const double *const values = progress->row.values;
    const int length = snprintf(text, text_size, ", objective %.5g", values[0]);
    if (algo->since_count > 0 && length > 0 && (size_t)length < text_size) {
        const ps_since *const since = &algo->since[0];
        (void)snprintf(text + length, text_size - (size_t)length, ", %s %.5g, %s %.5g",
                       algo->metrics[since->mean], values[since->mean],
                       algo->metrics[since->metric], values[since->metric]);
    }
}

static void show(tt_progress *progress, uint32_t clock, double time_s, double elapsed_s) {
    const uint32_t clocks = progress->run->plan.clock_count;
    const double share = clocks == 0 ? 0 : (double)clock / (double)clocks;
    char left[TT_NUMBER_TEXT_BYTES] = "?";
    char time[TT_NUMBER_TEXT_BYTES];
    char metrics[160] = "";
    if (share > 0) {
        (void)tt_number_time(elapsed_s * (1 - share) / share, left);
    }
    if (progress->has_row) {
        row_format(progress, metrics, sizeof metrics);
    }
    (void)tt_number_time(time_s, time);
    const char *const kind = progress->run->settings.world == TT_SIM ? "simulated " : "";
    if (progress->is_terminal) {
        static const char full[] = "##############################";
        _Static_assert(sizeof full == BAR_LENGTH + 1, "a bar of BAR_LENGTH");
        const int filled = (int)(share * BAR_LENGTH);
        (void)fprintf(stderr, "\r[%-*.*s] clock %u/%u, %s%s%s, left %s\033[K", BAR_LENGTH, filled,
                      full, clock, clocks, kind, time, metrics, left);
        (void)fflush(stderr);
    } else {
        (void)fprintf(stderr, "clock %u/%u, %s%s%s, left %s\n", clock, clocks, kind, time, metrics,
                      left);
    }
    progress->is_shown = true;
}

static void on_progress(void *context, uint32_t clock_min, double time_s) {
    tt_progress *const progress = context;
    const double at_s = now_s();
    const double period_s = progress->is_terminal ? TERMINAL_PERIOD_S : PLAIN_PERIOD_S;
    if (progress->is_quiet || at_s - progress->last_s < period_s) {
        return;
    }
    progress->last_s = at_s;
    show(progress, clock_min, time_s, at_s - progress->start_s);
}

static void on_metrics(void *context, const psi_metrics_row *row) {
    tt_progress *const progress = context;
    progress->row = *row;
    progress->has_row = true;
    on_progress(context, row->clock_min, row->time_s);
}

psi_observer tt_progress_observer(tt_progress *progress) {
    return (psi_observer){
        .on_metrics = on_metrics, .on_progress = on_progress, .context = progress};
}

void tt_progress_end(tt_progress *progress) {
    if (progress->is_terminal && progress->is_shown) {
        (void)fputs("\r\033[K", stderr);
        (void)fflush(stderr);
    }
}
