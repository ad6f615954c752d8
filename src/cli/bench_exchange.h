/* Pushes and pulls between two processes, measured: two nodes with a worker and a shard each.
 * Worker 0 works on the rows of the other process's shard, so that every byte crosses the
 * connection; a case that both workers do at once works on the rows of both shards. Every number
 * that is pulled is checked, and so is the sum of all that was pushed. */
#ifndef TT_BENCH_EXCHANGE_H
#define TT_BENCH_EXCHANGE_H

#include <stdbool.h>
#include <stddef.h>

#include "bench_process.h"
#include "tortoise/err.h"

/* The tables, all of 4-byte floats; rows are per shard. */
typedef enum tt_exchange_table {
    TT_TABLE_KEYS, /* 1,000,000 rows of one float */
    TT_TABLE_ROWS, /* 1024 rows of 16 floats: 64 bytes */
    TT_TABLE_WIDE, /* 100 rows of 10,000 floats */
    TT_TABLE_HALF, /* 500,000 rows of one float */
    TT_TABLE_COUNT
} tt_exchange_table;

typedef enum tt_exchange_keys {
    TT_KEYS_ONE,   /* one row after the other, of 1,000 */
    TT_KEYS_RANGE, /* the first rows of the shard, or, by both workers, of both shards */
    TT_KEYS_LIST,  /* the same rows, named one by one */
    TT_KEYS_SPARSE /* one out of every 10 rows, at random, ascending */
} tt_exchange_keys;

typedef struct tt_exchange_case {
    tt_exchange_table table;
    tt_exchange_keys keys;
    size_t row_count; /* of one push or pull */
    size_t window;    /* pushes or pulls under way at once; 1: waits for each */
    bool is_push;
    bool is_by_both; /* both workers at once; the answer is their sum */
    tt_placement placement;
} tt_exchange_case;

typedef struct tt_exchange_answer {
    double per_s;           /* pushes or pulls per second; the median of the repetitions */
    double median_s, p99_s; /* of one, where each is waited for */
} tt_exchange_answer;

enum { TT_EXCHANGE_CASES_MAX = 64, TT_EXCHANGE_REPEATS_MAX = 16 };

/* How to measure. */
typedef struct tt_exchange_options {
    int repeats;     /* of each case, at most TT_EXCHANGE_REPEATS_MAX */
    double budget_s; /* for all repetitions of a case */
} tt_exchange_options;

/* Runs two processes, which poll only where the placement says so, and measures
 * cases[0..case_count) of `placement`, in their order; the answers of the others are left alone.
 * Blocks. No other thread may exist. PS_EBROKEN when a number is wrong; else a run's errors. */
PS_MUST_CHECK ps_err tt_exchange_measure(const tt_exchange_case *cases, size_t case_count,
                                         tt_placement placement, const tt_exchange_options *options,
                                         tt_exchange_answer *answers, ps_fault *fault);

#endif
