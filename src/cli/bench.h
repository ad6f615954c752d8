/* Microbenchmarks: `tortoise bench [NAME]`.
 *
 * Each benchmark measures one thing beside the raw limit of it in the same run, and prints the
 * ratio: a ratio survives another machine, a number of seconds does not. A benchmark is one
 * constant `tt_bench` in a file bench_<name>.c of this folder, listed in bench.c. It prints with
 * tt_bench_print() alone. */
#ifndef TT_BENCH_H
#define TT_BENCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tortoise/err.h"

/* How to measure. Borrowed for the call of run(). */
typedef struct tt_bench_options {
    bool is_quick;       /* a tenth of the usual time: does it work at all? */
    uint32_t jobs;       /* OS threads that may be used; at least 1 */
    double duration_s;   /* of the benchmarks that take as long as one likes; 0: their own */
    const char *data;    /* a file, or "synthetic[:k=v,...]"; NULL: what the benchmark likes best */
    const char *program; /* the path of this binary, for finding what lies beside it */
} tt_bench_options;

typedef struct tt_bench {
    const char *name, *summary;
    /* Measures and prints. On failure `fault` says why in one line. PS_EINVAL where the benchmark
     * does not apply to this build. */
    ps_err (*run)(const struct tt_bench_options *options, ps_fault *fault);
    bool is_by_name; /* too long for a run of all benchmarks */
} tt_bench;

/* All benchmarks, NULL at the end; defined in bench.c. */
extern const tt_bench *const tt_benches[];

extern const tt_bench tt_bench_core, tt_bench_lda, tt_bench_lr, tt_bench_mf, tt_bench_sim,
    tt_bench_transport, tt_bench_workers, tt_bench_soak;

/* What another system did with the same work. It was measured elsewhere, on a machine of the same
 * kind (docs/benchmarks.md), so its factor is coarse. */
typedef struct tt_bench_rival {
    const char *name;
    double value;        /* in the unit of the line; <= 0: there is no such figure */
    double factor_asked; /* the line is to be better by this; 0: nothing is asked */
} tt_bench_rival;

/* One measured line: "core  frame encode  3.1 GB/s  0.62 x memcpy (5.0 GB/s)". Figures that are
 * <= 0 are absent. A ratio is value / limit, for costs too: 1.2 x the time of the limit. */
typedef struct tt_bench_line {
    const char *bench, *what;
    double value;
    const char *unit; /* of value, limit and asked: "ratings/s", "B/s"; "s" is time, "B" bytes */
    double limit;
    const char *limit_name; /* not read without a limit */
    bool is_cost;           /* smaller is better */
    double ratio_asked;     /* the ratio to the limit that is asked for */
    double asked;           /* the value that is asked for */
    tt_bench_rival rival;
} tt_bench_line;

/* Prints one line on stdout, in the format that the user chose (text, CSV or JSON lines). */
void tt_bench_print(const tt_bench_line *line);

/* Prints a sentence about the lines that follow, or why there are none; people alone see it, so it
 * is left out of CSV and JSON. */
void tt_bench_remark(const char *format, ...) PS_PRINTF(1, 2);

/* Sorts samples[0..count), count > 0, and returns what `share` of them do not exceed: 0.5 is the
 * median. */
double tt_bench_quantile(double *samples, size_t count, double share);

/* Seconds of a monotonic clock, and of the processor time of this process. */
double tt_bench_now_s(void);
double tt_bench_cpu_s(void);

#endif
