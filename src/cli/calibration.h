/* Calibration files: what a unit of each algorithm's work costs on a machine, and what its network
 * can do.
 *
 * libconfig, written by `tortoise calibrate`:
 *
 *     machine = "name";
 *     unit_cost = { mf = "1.31ns"; };                      seconds per unit
 *     loopback = { latency = "9.2us"; bandwidth = "21.3Gbps"; };
 */
#ifndef TT_CALIBRATION_H
#define TT_CALIBRATION_H

#include "tortoise/err.h"

#include "numbers.h"

/* Reads the cost of one unit of `algo` into `cost_out`, as it is written. PS_EINVAL or PS_EFORMAT,
 * with file and line, for a file that is missing or damaged, or that does not know the algorithm.
 */
PS_MUST_CHECK ps_err tt_calibration_read_cost(const char *path, const char *algo,
                                              char cost_out[static TT_NUMBER_TEXT_BYTES],
                                              ps_fault *fault);

#endif
