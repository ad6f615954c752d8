/* All algorithms of the program. A new one is a folder beside this file and a line in registry.c.
 */
#ifndef PSI_REGISTRY_H
#define PSI_REGISTRY_H

#include <stddef.h>

#include "tortoise/algo.h"

/* The algorithms, in the order in which people see them; *count_out is how many. Static. O(1). */
const ps_algo *const *psi_algos(size_t *count_out);

/* Finds an algorithm by its name. Returns NULL if there is none; `fault` (may be NULL) is then
 * PS_EINVAL and names the nearest one. O(algorithms). */
const ps_algo *psi_algo_find(const char *name, ps_fault *fault);

/* Writes how an algorithm of the program understands settings->data, which names synthetic data,
 * with all of its keys: what a run's identity is made of. Of the settings, data, seed and
 * worker_count are read. Returns PS_OK, or PS_EINVAL with the reason. O(length). */
PS_MUST_CHECK ps_err psi_algo_synthetic_text(const ps_algo *algo, const ps_settings *settings,
                                             char *text, size_t text_size, ps_fault *fault);

#endif
