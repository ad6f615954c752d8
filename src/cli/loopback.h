/* What TCP over 127.0.0.1 can do here: measured with one child process and one connection. */
#ifndef TT_LOOPBACK_H
#define TT_LOOPBACK_H

#include "tortoise/err.h"

typedef struct tt_loopback {
    double latency_s;             /* half the median round trip of 8 bytes */
    double bandwidth_bytes_per_s; /* of one stream of frames of 1 MiB, four under way */
} tt_loopback;

/* Measures for about `budget_s` seconds. Blocks. PS_EIO when sockets cannot be had. */
PS_MUST_CHECK ps_err tt_loopback_measure(double budget_s, tt_loopback *loopback_out,
                                         ps_fault *fault);

#endif
