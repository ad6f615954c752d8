/* One rank of a cluster: what `run` was told of it, or found in the environment. */
#ifndef TT_RANK_SETUP_H
#define TT_RANK_SETUP_H

#include <stdbool.h>

#include "tortoise/err.h"

#include "runtime/placement.h"
#include "runtime/runtime.h"
#include "settings.h"

struct tt_run;

typedef struct tt_rank {
    psi_placement placement; /* owned; placement.is_ranked: the run is of several ranks */
    psi_rank_options options;
    psi_aspect *aspects; /* owned array; the texts are the run's */
    char host[PSI_PLACEMENT_TEXT_BYTES];
    bool must_speak; /* what happened here is known here alone */
} tt_rank;

/* What is said where --insecure is given. */
extern const char tt_rank_warning[];

/* Finds out whether this process is a rank. The line of what was used is in
 * rank->placement.line. tt_rank_fini() is due in any case. */
PS_MUST_CHECK ps_err tt_rank_find(tt_rank *rank, const tt_settings *settings, ps_fault *fault);

/* Fills rank->options of a run whose data is known. PS_ENOMEM. */
PS_MUST_CHECK ps_err tt_rank_prepare(struct tt_run *run, ps_fault *fault);

void tt_rank_fini(tt_rank *rank);

/* Whether this process does the talking: it is rank 0, or all there is. */
bool tt_rank_is_first(const tt_rank *rank);

/* Puts who we are before the line of a failure that only we know. */
void tt_rank_sign(const tt_rank *rank, ps_fault *fault);

/* The time-outs and the like that were given. */
PS_MUST_CHECK ps_err tt_runtime_options_read(const tt_settings *settings,
                                             psi_runtime_options *options_out, ps_fault *fault);

#endif
