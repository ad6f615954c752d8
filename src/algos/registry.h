/* All algorithms of the program. A new one is a folder beside this file and a line in registry.c.
 * Names that nobody knows are the concern of whoever asks for them. */
#ifndef PSI_REGISTRY_H
#define PSI_REGISTRY_H

#include <stddef.h>

#include "tortoise/algo.h"

/* The algorithms, in the order in which people see them. */
extern const ps_algo *const psi_algos[];
extern const size_t psi_algo_count;

#endif
