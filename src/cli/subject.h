/* The algorithms that tortoise knows, by name. */
#ifndef TT_SUBJECT_H
#define TT_SUBJECT_H

#include <stddef.h>

#include "tortoise/algo.h"

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
