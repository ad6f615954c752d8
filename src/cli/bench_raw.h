/* What bare TCP over 127.0.0.1 and memcpy() can do here: the limits that benchmarks are held
 * against. Two processes, one connection, blocking sockets without Nagle's delay; the other process
 * is a child that is forked for each measurement and has ended when the call returns. What arrives
 * is checked. */
#ifndef TT_BENCH_RAW_H
#define TT_BENCH_RAW_H

#include <stdbool.h>
#include <stddef.h>

#include "bench_process.h"
#include "tortoise/err.h"

typedef enum tt_raw_kind {
    TT_RAW_PING_PONG, /* a message there and one back; rate: round trips per second */
    TT_RAW_ONE_WAY,   /* messages one after the other, a send() each; rate: messages per second */
    TT_RAW_PUSH,      /* frames there, each answered by 32 bytes; rate: bytes per second */
    TT_RAW_PULL       /* frames back, each asked for by 32 bytes; rate: bytes per second */
} tt_raw_kind;

typedef struct tt_raw_case {
    tt_raw_kind kind;
    size_t frame_bytes;     /* of one message; at least 8 */
    size_t window;          /* frames under way at once, for PUSH and PULL; at least 1 */
    tt_placement placement; /* with TT_TWO_CORES_SPIN both ends poll and never sleep */
    bool is_free;           /* the system places the processes */
} tt_raw_case;

typedef struct tt_raw_answer {
    double per_s;           /* the median of the repetitions */
    double median_s, p99_s; /* of one round trip; PING_PONG alone */
} tt_raw_answer;

/* Measures `repeats` (at most 16) times for about `budget_s` seconds. Blocks. PS_EIO when sockets
 * or processes cannot be had, PS_EBROKEN when what arrives is not what was sent. */
PS_MUST_CHECK ps_err tt_raw_measure(const tt_raw_case *what, int repeats, double budget_s,
                                    tt_raw_answer *answer_out, ps_fault *fault);

/* Bytes per second of memcpy() of `size_bytes` bytes, again and again, source and target being of
 * that size; the median of `repeats` (at most 16). PS_ENOMEM. */
PS_MUST_CHECK ps_err tt_raw_memcpy(size_t size_bytes, int repeats, double budget_s,
                                   double *per_s_out, ps_fault *fault);

#endif
