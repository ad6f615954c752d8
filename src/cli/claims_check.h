/* Checks the claims of an experiment against the files of its runs. */
#ifndef TT_CLAIMS_CHECK_H
#define TT_CLAIMS_CHECK_H

#include <stddef.h>

#include "sweep.h"

/* Decides every claim, prints PASS or FAIL with what was measured on stdout, and writes claims.txt
 * and claims.json into the sweep's folder. The tables of the sweep are written already. Sets
 * *failed_out to how many do not hold. PS_EFORMAT or PS_EIO names the file. */
PS_MUST_CHECK ps_err tt_claims_check(const tt_sweep *sweep, size_t *failed_out, ps_fault *fault);

#endif
