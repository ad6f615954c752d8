/* Settings: the one table of options that the command line, settings files, experiment files, the
 * help and the manifest share. A setting is a text with its origin; run_config.h gives it a
 * meaning. */
#ifndef TT_SETTINGS_H
#define TT_SETTINGS_H

#include <stdbool.h>
#include <stddef.h>

#include "tortoise/algo.h"

typedef enum tt_world { TT_SIM = 1, TT_RUN = 2 } tt_world;

typedef enum tt_origin { TT_BY_DEFAULT, TT_BY_ALGORITHM, TT_BY_FILE, TT_BY_COMMAND_LINE } tt_origin;

/* What a setting concerns: PROBLEM decides the result (and belongs to the run's key), OUTPUT does
 * not. */
typedef enum tt_group { TT_PROBLEM, TT_CLUSTER, TT_OUTPUT, TT_OF_ALGORITHM } tt_group;

typedef struct tt_option {
    const char *name;
    const char *argument;      /* "N"; NULL: a flag, which is given or not */
    const char *default_value; /* NULL: none */
    const char *help;
    tt_group group;
    unsigned worlds; /* tt_world bits in which it exists */
    bool is_repeatable;
    const ps_option *of_algorithm; /* NULL: not an algorithm's */
    bool is_of_sim;                /* listed in psi_sim_options */
} tt_option;

/* The table of a command. */
typedef struct tt_option_list {
    const tt_option *options;
    size_t count;
} tt_option_list;

enum { TT_VALUES_MAX = 64 }; /* of one repeatable option */

typedef struct tt_setting {
    tt_option option;
    char *values[TT_VALUES_MAX]; /* owned */
    char *wheres[TT_VALUES_MAX]; /* owned; "file:12: " of each value that a file gave, or NULL */
    size_t value_count;
    tt_origin origin;
} tt_setting;

typedef struct tt_settings {
    tt_setting *items; /* owned, in the order of the help */
    size_t count;
    const ps_algo *algo; /* NULL: none is chosen yet */
    tt_world world;
    const char *command; /* "sim"; for messages */
} tt_settings;

/* Makes the settings of a world, and of an algorithm unless it is NULL, all at their defaults.
 * PS_ENOMEM. */
PS_MUST_CHECK ps_err tt_settings_init(tt_settings *settings, tt_world world, const ps_algo *algo);

/* Makes the settings of another command, of its own table. PS_ENOMEM. */
PS_MUST_CHECK ps_err tt_settings_init_of(tt_settings *settings, const char *command,
                                         const tt_option *table, size_t count);
void tt_settings_fini(tt_settings *settings);

/* Sets `name` to `value`; a repeatable one gets one value more, unless its values came from a
 * weaker origin: those are replaced, as are the values of any other option. A value from a stronger
 * origin stays. `where` ("--", or "file:12: ") stands before the name in a message. An unknown name
 * is PS_EINVAL and names the nearest. */
PS_MUST_CHECK ps_err tt_settings_set(tt_settings *settings, const char *where, const char *name,
                                     const char *value, tt_origin origin, ps_fault *fault);

/* Reads arguments[0..count): options into `settings`, everything else into `words_out` (at most
 * `words_max`). Sets *help_out if help was asked for; the rest is not read then. */
typedef struct tt_words {
    const char *words[8];
    size_t count;
    bool help_is_wanted;
} tt_words;
PS_MUST_CHECK ps_err tt_settings_read_arguments(tt_settings *settings, size_t count,
                                                char *const *arguments, tt_words *words_out,
                                                ps_fault *fault);

/* Reads a libconfig file of "name = value;" with the names of the options. */
PS_MUST_CHECK ps_err tt_settings_read_file(tt_settings *settings, const char *path,
                                           ps_fault *fault);

/* Says that `name` is unknown, and the nearest known one. Returns PS_EINVAL. */
PS_MUST_CHECK ps_err tt_settings_refuse(const tt_settings *settings, const char *where,
                                        const char *name, ps_fault *fault);

/* The setting `name`, which exists in this world. O(settings). */
const tt_setting *tt_setting_of(const tt_settings *settings, const char *name);

/* Passes `err` on. If it is a failure over a value that a file gave, `fault` then begins with file
 * and line. The first is for the only (or last) value of the setting `name`. */
ps_err tt_settings_blame(const tt_settings *settings, const char *name, ps_err err,
                         ps_fault *fault);
ps_err tt_setting_blame(const tt_setting *setting, size_t value_index, ps_err err, ps_fault *fault);

/* Whether the world and the algorithm know `name`. */
bool tt_setting_exists(const tt_settings *settings, const char *name);

/* The value of a setting, NULL if it has none; of a flag: whether it was given. */
const char *tt_setting_text(const tt_settings *settings, const char *name);
bool tt_setting_flag(const tt_settings *settings, const char *name);

const char *tt_origin_text(tt_origin origin);

/* Prints the options of tortoise, or, with `of_algorithm`, those of the algorithm, one line each,
 * on stdout. */
void tt_settings_print_help(const tt_settings *settings, bool of_algorithm);

/* The table of tortoise's own options; option_table.c. */
extern const tt_option tt_option_table[];
extern const size_t tt_option_count;

/* Checks the value of an algorithm's option against its kind and range. */
PS_MUST_CHECK ps_err tt_option_check(const char *where, const ps_option *option, const char *value,
                                     ps_fault *fault);

#endif
