/* What bash needs to complete command lines, made of the tables of commands and options. */
#ifndef TT_COMPLETION_H
#define TT_COMPLETION_H

#include <stdio.h>

#include "command.h"

/* Writes a script that bash sources. PS_ENOMEM. */
PS_MUST_CHECK ps_err tt_completion_write(FILE *to);

#endif
