/* The thread by which a rank notices that what launched it has gone: 'tortoise launch' holds the
 * other end of its standard input, here or through ssh, and the system closes that in any case. */
#ifndef TT_LIFELINE_H
#define TT_LIFELINE_H

#include "tortoise/err.h"

/* The variable that says that standard input is a lifeline. */
#define TT_LIFELINE_VARIABLE "PS_LIFELINE"

/* From now on the end of standard input interrupts this process as SIGTERM does, and kills it half
 * a minute later. Does nothing without the variable. Returns PS_OK or PS_EIO. */
PS_MUST_CHECK ps_err tt_lifeline_hold(ps_fault *fault);

#endif
