/* The algorithms that the program knows, by name: the caller's own one (ps_main()), then those of
 * src/algos. */
#ifndef TT_SUBJECT_H
#define TT_SUBJECT_H

#include <stdbool.h>
#include <stddef.h>

#include "tortoise/algo.h"

/* Puts `algo` before all others; borrowed for as long as the program runs. Before anything else, in
 * the first thread. PS_EINVAL names what it lacks. */
PS_MUST_CHECK ps_err tt_subject_add(const ps_algo *algo, ps_fault *fault);
bool tt_subject_is_own(const ps_algo *algo);

/* All of them, in the order in which people see them; `index` < tt_subject_count(). O(1). */
size_t tt_subject_count(void);
const ps_algo *tt_subject_at(size_t index);

/* The algorithm `name`; PS_EINVAL names the nearest known one. */
PS_MUST_CHECK ps_err tt_subject_of(const char *name, const ps_algo **algo_out, ps_fault *fault);

/* The algorithm that a command line is about: its first argument, or else the first that is an
 * algorithm's name. NULL, and PS_OK, when there is only options. */
PS_MUST_CHECK ps_err tt_subject_find(size_t count, char *const *arguments, const ps_algo **algo_out,
                                     ps_fault *fault);

/* One for examples in messages. */
const ps_algo *tt_subject_first(void);

/* Prints all names on stdout, separated by ", ". */
void tt_subject_print_names(void);

#endif
