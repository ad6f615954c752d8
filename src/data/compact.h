/* Renumbers ids without gaps, so that memory follows the ids that occur, not the largest one. */
#ifndef PSI_COMPACT_H
#define PSI_COMPACT_H

#include <stddef.h>
#include <stdint.h>

#include "tortoise/err.h"

/* Replaces ids[0..count) by their ranks among the distinct ids, ascending, so the order is kept: 7,
 * 3, 7 becomes 1, 0, 1. Ids without gaps from 0 stay as they are. *distinct_out is how many there
 * are. `bound` is above every id. Returns PS_OK or PS_ENOMEM; then nothing has changed. O(count +
 * bound) where ids are dense, else O(count log count). */
PS_MUST_CHECK ps_err psi_ids_compact(uint32_t *ids, size_t count, uint64_t bound,
                                     uint32_t *distinct_out);

#endif
