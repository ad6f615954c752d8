/* Manual pages, made of the tables of commands and options, in roff with the macros of man(7). */
#ifndef TT_MAN_PAGE_H
#define TT_MAN_PAGE_H

#include <stdio.h>

#include "command.h"

/* Writes the page of `command`, or, if it is NULL, of the whole program. PS_ENOMEM. */
PS_MUST_CHECK ps_err tt_man_page_write(const tt_command *command, FILE *to);

#endif
