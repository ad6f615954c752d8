/* What the parameter server costs within one process: pushes and pulls, and the clocks of a worker
 * through the cache, beside memcpy(); and the memory of a cached row. */
#ifndef TT_BENCH_LOCAL_H
#define TT_BENCH_LOCAL_H

#include "bench_exchange.h"
#include "tortoise/err.h"

/* Measures and prints. Blocks. No other thread may exist. PS_EBROKEN when a number is wrong; else
 * the errors of a run. */
PS_MUST_CHECK ps_err tt_local_print(const tt_exchange_options *options, ps_fault *fault);

#endif
