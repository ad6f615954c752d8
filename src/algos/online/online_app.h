/* Online convex optimisation as an algorithm of the program. */
#ifndef PSI_ONLINE_APP_H
#define PSI_ONLINE_APP_H

#include "tortoise/algo.h"

extern const ps_algo psi_online_algo;

#endif
