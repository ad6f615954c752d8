#include "settings.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/nearest.h"
#include "base/units.h"
#include "numbers.h"
#include "sim/sim.h"

enum { OPTIONS_MAX = 256 };

/* Appends what the simulated cluster can be told. */
static void add_sim_options(tt_settings *settings) {
    for (size_t i = 0; settings->world == TT_SIM && i < psi_sim_option_count; i++) {
        const psi_sim_option *const own = &psi_sim_options[i];
        const bool is_speed_only = strcmp(own->name, "jobs") == 0;
        settings->items[settings->count++].option =
            (tt_option){.name = own->name,
                        .argument = own->argument,
                        .default_value = own->default_value[0] == '\0' ? NULL : own->default_value,
                        .help = own->help,
                        .group = is_speed_only ? TT_OUTPUT : TT_CLUSTER,
                        .worlds = TT_SIM,
                        .is_repeatable = own->repeats,
                        .is_of_sim = true};
    }
}

static void add_algorithm_options(tt_settings *settings) {
    for (size_t i = 0; settings->algo != NULL && i < settings->algo->option_count; i++) {
        const ps_option *const own = &settings->algo->options[i];
        const char *argument = own->kind == PS_OPTION_WORD ? own->words : "X";
        argument = own->kind == PS_OPTION_COUNT ? "N" : argument;
        argument = own->kind == PS_OPTION_SIZE ? "BYTES" : argument;
        settings->items[settings->count++].option =
            (tt_option){.name = own->name,
                        .argument = own->kind == PS_OPTION_FLAG ? "yes|no" : argument,
                        .default_value = own->default_value,
                        .help = own->help,
                        .group = TT_OF_ALGORITHM,
                        .worlds = (unsigned)settings->world,
                        .of_algorithm = own};
    }
}

static ps_err set_defaults(tt_settings *settings) {
    for (size_t i = 0; i < settings->count; i++) {
        tt_setting *const item = &settings->items[i];
        item->origin = item->option.of_algorithm == NULL ? TT_BY_DEFAULT : TT_BY_ALGORITHM;
        if (item->option.default_value == NULL) {
            continue;
        }
        item->values[0] = strdup(item->option.default_value);
        if (item->values[0] == NULL) {
            tt_settings_fini(settings);
            return PS_ENOMEM;
        }
        item->value_count = 1;
    }
    return PS_OK;
}

ps_err tt_settings_init(tt_settings *settings, tt_world world, const ps_algo *algo) {
    *settings =
        (tt_settings){.algo = algo, .world = world, .command = world == TT_SIM ? "sim" : "run"};
    const size_t count_max =
        tt_option_count + psi_sim_option_count + (algo == NULL ? 0 : algo->option_count);
    settings->items = calloc(count_max, sizeof *settings->items);
    if (settings->items == NULL) {
        return PS_ENOMEM;
    }
    for (size_t i = 0; i < tt_option_count; i++) {
        if ((tt_option_table[i].worlds & (unsigned)world) != 0) {
            settings->items[settings->count++].option = tt_option_table[i];
        }
    }
    add_sim_options(settings);
    add_algorithm_options(settings);
    return set_defaults(settings);
}

ps_err tt_settings_init_of(tt_settings *settings, const char *command, const tt_option *table,
                           size_t count) {
    *settings = (tt_settings){.command = command};
    settings->items = calloc(count + 1, sizeof *settings->items);
    if (settings->items == NULL) {
        return PS_ENOMEM;
    }
    for (size_t i = 0; i < count; i++) {
        settings->items[settings->count++].option = table[i];
    }
    return set_defaults(settings);
}

static void values_clear(tt_setting *setting) {
    for (size_t i = 0; i < setting->value_count; i++) {
        free(setting->values[i]);
        free(setting->wheres[i]);
    }
    setting->value_count = 0;
}

void tt_settings_fini(tt_settings *settings) {
    for (size_t i = 0; i < settings->count; i++) {
        values_clear(&settings->items[i]);
    }
    free(settings->items);
    *settings = (tt_settings){.world = settings->world, .command = settings->command};
}

static tt_setting *find(const tt_settings *settings, const char *name) {
    for (size_t i = 0; i < settings->count; i++) {
        if (strcmp(settings->items[i].option.name, name) == 0) {
            return &settings->items[i];
        }
    }
    return NULL;
}

const tt_setting *tt_setting_of(const tt_settings *settings, const char *name) {
    const tt_setting *const setting = find(settings, name);
    PS_ASSERT(setting != NULL);
    return setting;
}

ps_err tt_setting_blame(const tt_setting *setting, size_t value_index, ps_err err,
                        ps_fault *fault) {
    const bool is_there = value_index < setting->value_count;
    const char *const where = is_there ? setting->wheres[value_index] : NULL;
    if (err == PS_OK || fault == NULL || where == NULL) {
        return err;
    }
    const ps_fault said = *fault;
    const char *const text = strncmp(said.text, "--", 2) == 0 ? said.text + 2 : said.text;
    *fault = (ps_fault){.err = PS_OK};
    return ps_fault_set(fault, err, "%s%s", where, text);
}

ps_err tt_settings_blame(const tt_settings *settings, const char *name, ps_err err,
                         ps_fault *fault) {
    const tt_setting *const setting = tt_setting_of(settings, name);
    return tt_setting_blame(setting, setting->value_count - 1, err, fault);
}

bool tt_setting_exists(const tt_settings *settings, const char *name) {
    return find(settings, name) != NULL;
}

const char *tt_setting_text(const tt_settings *settings, const char *name) {
    const tt_setting *const setting = tt_setting_of(settings, name);
    return setting->value_count == 0 ? NULL : setting->values[setting->value_count - 1];
}

bool tt_setting_flag(const tt_settings *settings, const char *name) {
    const char *const text = tt_setting_text(settings, name);
    return text != NULL && strcmp(text, "yes") == 0;
}

ps_err tt_settings_refuse(const tt_settings *settings, const char *where, const char *name,
                          ps_fault *fault) {
    const char *names[OPTIONS_MAX];
    size_t count = 0;
    for (size_t i = 0; i < settings->count && count < OPTIONS_MAX; i++) {
        names[count++] = settings->items[i].option.name;
    }
    const char *const nearest = psi_nearest(name, names, count);
    const bool is_option = strcmp(where, "--") == 0;
    const char *const kind = is_option ? "option --" : "key ";
    if (nearest == NULL) {
        return ps_fault_set(
            fault, PS_EINVAL, "%sunknown %s%s; 'tortoise help %s%s%s' lists what there is",
            is_option ? "" : where, kind, name, settings->command,
            settings->algo == NULL ? "" : " ", settings->algo == NULL ? "" : settings->algo->name);
    }
    return ps_fault_set(fault, PS_EINVAL, "%sunknown %s%s; did you mean %s%s?",
                        is_option ? "" : where, kind, name, is_option ? "--" : "", nearest);
}

ps_err tt_settings_set(tt_settings *settings, const char *where, const char *name,
                       const char *value, tt_origin origin, ps_fault *fault) {
    tt_setting *const setting = find(settings, name);
    if (setting == NULL) {
        return tt_settings_refuse(settings, where, name, fault);
    }
    if (setting->option.of_algorithm != NULL) {
        PS_TRY(tt_option_check(where, setting->option.of_algorithm, value, fault));
    }
    if (setting->option.argument == NULL && strcmp(value, "yes") != 0 && strcmp(value, "no") != 0) {
        return ps_fault_set(fault, PS_EINVAL, "%s%s: '%s' is neither yes nor no", where, name,
                            value);
    }
    if (origin < setting->origin) {
        return PS_OK;
    }
    if (!setting->option.is_repeatable || origin > setting->origin) {
        values_clear(setting);
    }
    if (setting->value_count == TT_VALUES_MAX) {
        return ps_fault_set(fault, PS_EINVAL, "%s%s: given more than %d times", where, name,
                            TT_VALUES_MAX);
    }
    const bool is_of_file = strcmp(where, "--") != 0;
    char *const copy = strdup(value);
    char *const copy_of_where = is_of_file ? strdup(where) : NULL;
    if (copy == NULL || (is_of_file && copy_of_where == NULL)) {
        free(copy);
        free(copy_of_where);
        return ps_fault_set(fault, PS_ENOMEM, "%s", ps_err_text(PS_ENOMEM));
    }
    setting->wheres[setting->value_count] = copy_of_where;
    setting->values[setting->value_count++] = copy;
    setting->origin = origin;
    return PS_OK;
}

static ps_err check_word(const char *what, const ps_option *option, const char *value,
                         ps_fault *fault) {
    char words[256];
    const char *names[32];
    size_t count = 0;
    (void)snprintf(words, sizeof words, "%s", option->words);
    char *rest = NULL;
    for (char *word = strtok_r(words, "|", &rest); word != NULL;
         word = strtok_r(NULL, "|", &rest)) {
        if (strcmp(word, value) == 0) {
            return PS_OK;
        }
        if (count < sizeof names / sizeof names[0]) {
            names[count++] = word;
        }
    }
    const char *const nearest = psi_nearest(value, names, count);
    return ps_fault_set(fault, PS_EINVAL, "%s: unknown value '%s'; %s%s%sit is one of %s", what,
                        value, nearest == NULL ? "" : "did you mean '",
                        nearest == NULL ? "" : nearest, nearest == NULL ? "" : "'? ",
                        option->words);
}

ps_err tt_option_check(const char *where, const ps_option *option, const char *value,
                       ps_fault *fault) {
    char what[256];
    (void)snprintf(what, sizeof what, "%s%s", where, option->name);
    uint64_t count = 0;
    double real = 0;
    switch (option->kind) {
    case PS_OPTION_SIZE:
        PS_TRY(psi_parse_bytes(value, what, &count, fault));
        if ((double)count < option->min || (double)count > option->max) {
            return ps_fault_set(fault, PS_EINVAL, "%s: %s is not within %g .. %g bytes", what,
                                value, option->min, option->max);
        }
        return PS_OK;
    case PS_OPTION_COUNT:
        return tt_number_read_count(what, value, (uint64_t)option->min, (uint64_t)option->max,
                                    &count, fault);
    case PS_OPTION_NUMBER:
        return tt_number_read_real(what, value, option->min, option->max, &real, fault);
    case PS_OPTION_WORD:
        return check_word(what, option, value, fault);
    case PS_OPTION_FLAG:
        if (strcmp(value, "yes") != 0 && strcmp(value, "no") != 0) {
            return ps_fault_set(fault, PS_EINVAL, "%s: '%s' is neither yes nor no", what, value);
        }
        return PS_OK;
    }
    return PS_EINVAL;
}

const char *tt_origin_text(tt_origin origin) {
    switch (origin) {
    case TT_BY_DEFAULT:
        return "default";
    case TT_BY_ALGORITHM:
        return "algorithm";
    case TT_BY_FILE:
        return "file";
    case TT_BY_COMMAND_LINE:
        return "command line";
    }
    return "";
}

enum { HELP_INDENT = 25, HELP_COLUMNS = 98 };

/* Prints words, and begins a new line, indented, before one that would not fit. */
static void print_wrapped(const char *text, size_t used) {
    while (*text != '\0') {
        const size_t length = strcspn(text, " ");
        if (used > HELP_INDENT && used + length > HELP_COLUMNS) {
            (void)printf("\n%*s", HELP_INDENT, "");
            used = HELP_INDENT;
        }
        (void)printf("%.*s", (int)length, text);
        used += length;
        text += length;
        if (*text == ' ') {
            (void)putchar(' ');
            used++;
            text++;
        }
    }
    (void)putchar('\n');
}

static void print_option(const tt_option *option) {
    char left[128];
    char right[512];
    const bool has_default =
        option->default_value != NULL && strcmp(option->default_value, "0") != 0;
    (void)snprintf(left, sizeof left, "  --%s %s", option->name,
                   option->argument == NULL ? "" : option->argument);
    (void)snprintf(right, sizeof right, "%s%s%s%s", option->help, has_default ? " [" : "",
                   has_default ? option->default_value : "", has_default ? "]" : "");
    const int used = printf("%-*s ", HELP_INDENT - 1, left);
    print_wrapped(right, used > 0 ? (size_t)used : 0);
}

void tt_settings_print_help(const tt_settings *settings, bool of_algorithm) {
    for (size_t i = 0; i < settings->count; i++) {
        const tt_option *const option = &settings->items[i].option;
        if ((option->group == TT_OF_ALGORITHM) == of_algorithm) {
            print_option(option);
        }
    }
}
