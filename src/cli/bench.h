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
    const char *data;    /* a file, or "synthetic[:k=v,...]"; NULL: what the benchmark likes best */
    const char *program; /* the path of this binary, for finding what lies beside it */
} tt_bench_options;

typedef struct tt_bench {
    const char *name, *summary;
    /* Measures and prints. On failure `fault` says why in one line. PS_EINVAL where the benchmark
     * does not apply to this build. */
    ps_err (*run)(const struct tt_bench_options *options, ps_fault *fault);
} tt_bench;

/* All benchmarks, NULL at the end; defined in bench.c. */
extern const tt_bench *const tt_benches[];

extern const tt_bench tt_bench_core, tt_bench_mf, tt_bench_sim, tt_bench_transport;

/* One measured line: "core  frame encode  3.1 GB/s  0.62 x memcpy (5.0 GB/s)". `limit` <= 0: there
 * is none, and `limit_name` is not read. */
typedef struct tt_bench_line {
    const char *bench, *what;
    double value;
    const char *unit; /* of value and limit: "ratings/s", "B/s"; larger is better */
    double limit;
    const char *limit_name;
} tt_bench_line;

/* Prints one line on stdout, in the format that the user chose (text, CSV or JSON lines). */
void tt_bench_print(const tt_bench_line *line);

/* Seconds of a monotonic clock, and of the processor time of this process. */
double tt_bench_now_s(void);
double tt_bench_cpu_s(void);

#endif
