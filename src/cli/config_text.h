/* libconfig's values as the texts that one would type on the command line. */
#ifndef TT_CONFIG_TEXT_H
#define TT_CONFIG_TEXT_H

#include <stddef.h>

#include <libconfig.h>

#include "tortoise/err.h"

enum { TT_CONFIG_TEXT_BYTES = 1024 };

/* Opens a file. PS_EINVAL or PS_EFORMAT with file and line. `file` is to be destroyed with
 * config_destroy() in any case. */
PS_MUST_CHECK ps_err tt_config_open(config_t *file, const char *path, ps_fault *fault);

/* Writes a number, a text, or yes or no. `path` is for the message. PS_EINVAL for a group or a
 * list. */
PS_MUST_CHECK ps_err tt_config_text(const config_setting_t *value, const char *path,
                                    char text[static TT_CONFIG_TEXT_BYTES], ps_fault *fault);

/* "file:12: " */
void tt_config_where(const config_setting_t *value, const char *path,
                     char where[static TT_CONFIG_TEXT_BYTES]);

#endif
