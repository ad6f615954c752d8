/* `tortoise bench transport`: pushes and pulls between two processes, and inside of one, beside
 * what bare TCP and memcpy() do in the same run with frames of the same size, and ps-lite. */
#include <stdio.h>
#include <stdlib.h>

#include "bench.h"
#include "bench_exchange.h"
#include "bench_local.h"
#include "bench_process.h"
#include "bench_raw.h"

/* Raw limits, in the order in which they are measured. */
typedef enum raw_id {
    PING_ONE_CORE,
    PING_TWO_CORES,
    PING_SPIN,
    ONE_WAY,
    PUSH_4K_WAIT,
    PULL_4K_WAIT,
    PUSH_40K,
    PULL_40K,
    PUSH_400K,
    PULL_400K,
    PUSH_800K,
    PUSH_4M,
    PULL_4M,
    RAW_COUNT
} raw_id;

/* Streams are measured with ends that sleep while they wait, and with ends that poll; the better
 * one counts. */
static const struct {
    const char *name;
    tt_raw_case what;
    bool is_best_of_two;
} raws[RAW_COUNT] = {
    [PING_ONE_CORE] = {"TCP ping-pong", {TT_RAW_PING_PONG, 64, 1, TT_ONE_CORE, false}, false},
    [PING_TWO_CORES] = {"TCP ping-pong", {TT_RAW_PING_PONG, 64, 1, TT_TWO_CORES, false}, false},
    [PING_SPIN] = {"TCP ping-pong", {TT_RAW_PING_PONG, 64, 1, TT_TWO_CORES_SPIN, false}, false},
    [ONE_WAY] = {"TCP 64 B one way", {TT_RAW_ONE_WAY, 64, 1, TT_TWO_CORES, false}, false},
    [PUSH_4K_WAIT] = {"TCP 4 kB", {TT_RAW_PUSH, 4000, 1, TT_TWO_CORES, false}, true},
    [PULL_4K_WAIT] = {"TCP 4 kB", {TT_RAW_PULL, 4000, 1, TT_TWO_CORES, false}, true},
    [PUSH_40K] = {"TCP 40 kB", {TT_RAW_PUSH, 40000, 4, TT_TWO_CORES, false}, true},
    [PULL_40K] = {"TCP 40 kB", {TT_RAW_PULL, 40000, 4, TT_TWO_CORES, false}, true},
    [PUSH_400K] = {"TCP 400 kB", {TT_RAW_PUSH, 400000, 4, TT_TWO_CORES, false}, true},
    [PULL_400K] = {"TCP 400 kB", {TT_RAW_PULL, 400000, 4, TT_TWO_CORES, false}, true},
    [PUSH_800K] = {"TCP 800 kB", {TT_RAW_PUSH, 800000, 4, TT_TWO_CORES, false}, true},
    [PUSH_4M] = {"TCP 4 MB", {TT_RAW_PUSH, 4000000, 4, TT_TWO_CORES, false}, true},
    [PULL_4M] = {"TCP 4 MB", {TT_RAW_PULL, 4000000, 4, TT_TWO_CORES, false}, true},
};

typedef enum line_kind {
    AS_TIMES, /* two lines: the median and the 99th percentile */
    AS_OPS,   /* beside a limit in messages per second */
    AS_KEYS,  /* keys per second; the limit is in bytes */
    AS_BYTES
} line_kind;

/* What is measured, what is asked, and ps-lite's figure: the better end of what was measured of it
 * on another machine of 2 cores, over loopback, with its worker and its server in two processes
 * (docs/benchmarks.md has the ranges). 0: there is none. */
typedef struct transport_line {
    const char *what;
    line_kind kind;
    raw_id limit;
    size_t bytes_per_key; /* that the limit counts for one */
    double ratio_asked, asked, rival;
    tt_exchange_case exchange;
} transport_line;

#define CASE(table, keys, count, window, is_push, is_by_both, placement) \
    { TT_TABLE_##table, TT_KEYS_##keys, count, window, is_push, is_by_both, placement }
#define TRIP(is_push, placement) CASE(ROWS, ONE, 1, 1, is_push, false, placement)
#define BY_ONE(table, keys, count, window, is_push) \
    CASE(table, keys, count, window, is_push, false, TT_TWO_CORES_SPIN)
#define BY_BOTH(table, keys, count, window, is_push) \
    CASE(table, keys, count, window, is_push, true, TT_TWO_CORES_SPIN)

enum { PULL = false, PUSH = true };

static const transport_line lines[] = {
    {"pull 64 B, one core", AS_TIMES, PING_ONE_CORE, 0, 1.5, 0, 31e-6, TRIP(PULL, TT_ONE_CORE)},
    {"push 64 B, one core", AS_TIMES, PING_ONE_CORE, 0, 1.5, 0, 31e-6, TRIP(PUSH, TT_ONE_CORE)},
    {"pull 64 B, two cores", AS_TIMES, PING_TWO_CORES, 0, 1.5, 0, 146e-6, TRIP(PULL, TT_TWO_CORES)},
    {"push 64 B, two cores", AS_TIMES, PING_TWO_CORES, 0, 1.5, 0, 146e-6, TRIP(PUSH, TT_TWO_CORES)},
    {"pull 64 B, two cores, spin", AS_TIMES, PING_SPIN, 0, 1.5, 10e-6, 146e-6,
     TRIP(PULL, TT_TWO_CORES_SPIN)},
    {"push 64 B, two cores, spin", AS_TIMES, PING_SPIN, 0, 1.5, 10e-6, 146e-6,
     TRIP(PUSH, TT_TWO_CORES_SPIN)},
    {"push 1 key, 64 under way", AS_OPS, ONE_WAY, 0, 0, 0, 297e3, BY_ONE(KEYS, ONE, 1, 64, PUSH)},
    {"pull 1 key, 64 under way", AS_OPS, ONE_WAY, 0, 0, 0, 235e3, BY_ONE(KEYS, ONE, 1, 64, PULL)},
    {"push 1 key, 1024 under way", AS_OPS, ONE_WAY, 0, 0, 700e3, 293e3,
     BY_ONE(KEYS, ONE, 1, 1024, PUSH)},
    {"pull 1 key, 1024 under way", AS_OPS, ONE_WAY, 0, 0, 0, 234e3,
     BY_ONE(KEYS, ONE, 1, 1024, PULL)},
    {"push 1,000 keys, wait", AS_KEYS, PUSH_4K_WAIT, 4, 0, 0, 24e6,
     BY_ONE(KEYS, RANGE, 1000, 1, PUSH)},
    {"pull 1,000 keys, wait", AS_KEYS, PULL_4K_WAIT, 4, 0, 0, 24e6,
     BY_ONE(KEYS, RANGE, 1000, 1, PULL)},
    {"push 10,000 keys, 4 under way", AS_KEYS, PUSH_40K, 4, 0, 0, 105e6,
     BY_ONE(KEYS, RANGE, 10000, 4, PUSH)},
    {"pull 10,000 keys, 4 under way", AS_KEYS, PULL_40K, 4, 0, 0, 91e6,
     BY_ONE(KEYS, RANGE, 10000, 4, PULL)},
    {"push 10,000 listed keys, 4 under way", AS_KEYS, PUSH_40K, 4, 0, 0, 105e6,
     BY_ONE(KEYS, LIST, 10000, 4, PUSH)},
    {"pull 10,000 listed keys, 4 under way", AS_KEYS, PULL_40K, 4, 0, 0, 91e6,
     BY_ONE(KEYS, LIST, 10000, 4, PULL)},
    {"push 100,000 keys, 4 under way", AS_KEYS, PUSH_400K, 4, 0, 0, 181e6,
     BY_ONE(KEYS, RANGE, 100000, 4, PUSH)},
    {"pull 100,000 keys, 4 under way", AS_KEYS, PULL_400K, 4, 0, 0, 126e6,
     BY_ONE(KEYS, RANGE, 100000, 4, PULL)},
    {"push 100,000 listed keys, 4 under way", AS_KEYS, PUSH_400K, 4, 0, 0, 181e6,
     BY_ONE(KEYS, LIST, 100000, 4, PUSH)},
    {"pull 100,000 listed keys, 4 under way", AS_KEYS, PULL_400K, 4, 0, 0, 126e6,
     BY_ONE(KEYS, LIST, 100000, 4, PULL)},
    {"push 1 M keys, 4 under way", AS_KEYS, PUSH_4M, 4, 0.7, 0, 191e6,
     BY_ONE(KEYS, RANGE, 1000000, 4, PUSH)},
    {"pull 1 M keys, 4 under way", AS_KEYS, PULL_4M, 4, 0.7, 0, 118e6,
     BY_ONE(KEYS, RANGE, 1000000, 4, PULL)},
    {"push 1 M listed keys, 4 under way", AS_KEYS, PUSH_4M, 4, 0, 0, 191e6,
     BY_ONE(KEYS, LIST, 1000000, 4, PUSH)},
    {"pull 1 M listed keys, 4 under way", AS_KEYS, PULL_4M, 4, 0, 0, 118e6,
     BY_ONE(KEYS, LIST, 1000000, 4, PULL)},
    {"push 100,000 of 1 M keys, sparse", AS_KEYS, PUSH_800K, 8, 0, 400e6, 181e6,
     BY_ONE(KEYS, SPARSE, 100000, 4, PUSH)},
    {"pull 100,000 of 1 M keys, sparse", AS_KEYS, PULL_400K, 4, 0, 0, 126e6,
     BY_ONE(KEYS, SPARSE, 100000, 4, PULL)},
    {"push 100 rows of 40 kB, 4 under way", AS_BYTES, PUSH_4M, 0, 0.7, 0, 2.8e9,
     BY_ONE(WIDE, RANGE, 100, 4, PUSH)},
    {"pull 100 rows of 40 kB, 4 under way", AS_BYTES, PULL_4M, 0, 0.7, 0, 0,
     BY_ONE(WIDE, RANGE, 100, 4, PULL)},
    {"2 + 2: push 64 B", AS_TIMES, PING_SPIN, 0, 0, 0, 206e-6, BY_BOTH(ROWS, ONE, 1, 1, PUSH)},
    {"2 + 2: pull 64 B", AS_TIMES, PING_SPIN, 0, 0, 0, 230e-6, BY_BOTH(ROWS, ONE, 1, 1, PULL)},
    {"2 + 2: push 1 M keys, 4 under way", AS_KEYS, PUSH_4M, 4, 0, 500e6, 274e6,
     BY_BOTH(HALF, RANGE, 1000000, 4, PUSH)},
    {"2 + 2: pull 1 M keys, 4 under way", AS_KEYS, PULL_4M, 4, 0, 0, 149e6,
     BY_BOTH(HALF, RANGE, 1000000, 4, PULL)},
};

enum { LINES = sizeof lines / sizeof lines[0] };

/* How much better than ps-lite each line is to be. */
static const double rival_factor_asked = 3;

typedef struct transport_run {
    tt_raw_answer raws[RAW_COUNT];
    tt_exchange_answer answers[LINES];
    bool has_two_cores;
} transport_run;

static tt_bench_rival rival_of(const transport_line *line) {
    return (tt_bench_rival){"ps-lite", line->rival, rival_factor_asked};
}

static void print_times(const transport_run *run, size_t i) {
    const transport_line *const line = &lines[i];
    char what[64];
    tt_bench_line printed = {.bench = "transport",
                             .what = line->what,
                             .value = run->answers[i].median_s,
                             .unit = "s",
                             .is_cost = true,
                             .limit = run->raws[line->limit].median_s,
                             .limit_name = raws[line->limit].name,
                             .ratio_asked = line->ratio_asked,
                             .asked = line->asked,
                             .rival = rival_of(line)};
    tt_bench_print(&printed);
    (void)snprintf(what, sizeof what, "%s, p99", line->what);
    printed.what = what;
    printed.value = run->answers[i].p99_s;
    printed.limit = run->raws[line->limit].p99_s;
    printed.ratio_asked = printed.asked = 0;
    printed.rival = (tt_bench_rival){0};
    tt_bench_print(&printed);
}

static void print_rate(const transport_run *run, size_t i) {
    const transport_line *const line = &lines[i];
    const double limit_per_s = run->raws[line->limit].per_s;
    tt_bench_line printed = {.bench = "transport",
                             .what = line->what,
                             .value = run->answers[i].per_s,
                             .unit = "op/s",
                             .limit = limit_per_s,
                             .limit_name = raws[line->limit].name,
                             .ratio_asked = line->ratio_asked,
                             .asked = line->asked,
                             .rival = rival_of(line)};
    if (line->kind == AS_KEYS) {
        printed.value *= (double)line->exchange.row_count;
        printed.unit = "keys/s";
        printed.limit = limit_per_s / (double)line->bytes_per_key;
    } else if (line->kind == AS_BYTES) {
        printed.value *= (double)raws[line->limit].what.frame_bytes;
        printed.unit = "B/s";
    }
    tt_bench_print(&printed);
}

static void print_all(const transport_run *run) {
    for (size_t i = 0; i < LINES; i++) {
        if (lines[i].exchange.placement != TT_ONE_CORE && !run->has_two_cores) {
            continue;
        }
        if (lines[i].kind == AS_TIMES) {
            print_times(run, i);
        } else {
            print_rate(run, i);
        }
    }
}

static void print_raw(raw_id id, const tt_raw_case *what, const tt_raw_answer *answer) {
    static const char *const kinds[] = {[TT_RAW_PING_PONG] = "",
                                        [TT_RAW_ONE_WAY] = "",
                                        [TT_RAW_PUSH] = " there",
                                        [TT_RAW_PULL] = " back"};
    const bool is_stream = what->kind == TT_RAW_PUSH || what->kind == TT_RAW_PULL;
    char text[64];
    (void)snprintf(text, sizeof text, "%s%s, %s", raws[id].name, kinds[what->kind],
                   tt_placement_name(what->placement));
    const bool is_time = what->kind == TT_RAW_PING_PONG;
    const tt_bench_line line = {.bench = "raw",
                                .what = text,
                                .value = is_time ? answer->median_s : answer->per_s,
                                .unit = is_time     ? "s"
                                        : is_stream ? "B/s"
                                                    : "op/s",
                                .is_cost = is_time};
    tt_bench_print(&line);
}

static ps_err raw_measure(raw_id id, const tt_exchange_options *how, tt_raw_answer *answer_out,
                          ps_fault *fault) {
    PS_TRY(tt_raw_measure(&raws[id].what, how->repeats, how->budget_s, answer_out, fault));
    print_raw(id, &raws[id].what, answer_out);
    if (raws[id].is_best_of_two) {
        tt_raw_case spinning = raws[id].what;
        tt_raw_answer answer;
        spinning.placement = TT_TWO_CORES_SPIN;
        PS_TRY(tt_raw_measure(&spinning, how->repeats, how->budget_s, &answer, fault));
        print_raw(id, &spinning, &answer);
        *answer_out = answer.per_s > answer_out->per_s ? answer : *answer_out;
    }
    return PS_OK;
}

static ps_err transport_run_all(const tt_bench_options *options, ps_fault *fault) {
    const tt_exchange_options how = {.repeats = options->is_quick ? 2 : 5,
                                     .budget_s = options->is_quick ? 0.03 : 0.4};
    int cpus[2];
    transport_run run = {.has_two_cores = tt_cpus_allowed(cpus) >= 2};
    tt_exchange_case cases[LINES];
    for (size_t i = 0; i < LINES; i++) {
        cases[i] = lines[i].exchange;
    }
    tt_bench_remark("# one core: both processes on CPU %d; two cores: on CPUs %d and %d", cpus[0],
                    cpus[0], cpus[1]);
    tt_bench_remark("# ps-lite was measured elsewhere, on 2 cores where bare TCP did: ping-pong "
                    "4.7 us on one core, 50-110 us on two; 0.8-2.2 M/s one way; 1.6-6.3 GB/s");
    if (!run.has_two_cores) {
        tt_bench_remark("# skipped: all that needs two cores, for this process may use only one");
    }
    for (size_t i = 0; i < RAW_COUNT; i++) {
        if (raws[i].what.placement == TT_ONE_CORE || run.has_two_cores) {
            PS_TRY(raw_measure((raw_id)i, &how, &run.raws[i], fault));
        }
    }
    for (tt_placement at = TT_ONE_CORE; at < TT_PLACEMENTS; at++) {
        if (at == TT_ONE_CORE || run.has_two_cores) {
            PS_TRY(tt_exchange_measure(cases, LINES, at, &how, run.answers, fault));
        }
    }
    print_all(&run);
    return tt_local_print(&how, fault);
}

const tt_bench tt_bench_transport = {
    .name = "transport",
    .summary = "pushes and pulls between processes and inside of one, beside TCP and memcpy",
    .run = transport_run_all,
};
