/* The command line into settings: libc's argp does the reading, with the options of settings.h.
 *
 * argp's own messages do not name the nearest option, so every option's name is looked up before
 * argp sees it; and
 * "--name VALUE" becomes "--name=VALUE", so that a yes-or-no option may stand alone. */
#include <argp.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "settings.h"

enum { KEY_OF_FIRST = 1000 };

/* Where argp's parser puts what it reads. */
typedef struct sink {
    tt_settings *settings;
    tt_words *words;
    ps_fault *fault;
} sink;

static bool is_yes_or_no(const tt_option *option) {
    const bool of_algorithm =
        option->of_algorithm != NULL && option->of_algorithm->kind == PS_OPTION_FLAG;
    return option->argument == NULL || of_algorithm;
}

static error_t take(int key, char *value, struct argp_state *state) {
    const sink *const to = state->input;
    if (key == ARGP_KEY_ARG) {
        if (to->words->count == sizeof to->words->words / sizeof to->words->words[0]) {
            (void)ps_fault_set(to->fault, PS_EINVAL, "unexpected argument '%s'", value);
            return EINVAL;
        }
        to->words->words[to->words->count++] = value;
        return 0;
    }
    if (key < KEY_OF_FIRST || (size_t)(key - KEY_OF_FIRST) >= to->settings->count) {
        return ARGP_ERR_UNKNOWN;
    }
    const tt_option *const option = &to->settings->items[key - KEY_OF_FIRST].option;
    const ps_err err =
        tt_settings_set(to->settings, "--", option->name, value, TT_BY_COMMAND_LINE, to->fault);
    return err == PS_OK ? 0 : EINVAL;
}

/* The text that argp shall read for arguments[*at], and steps over a value that it takes in. */
static ps_err normalise(const tt_settings *settings, size_t count, char *const *arguments,
                        size_t *at, char **text_out, ps_fault *fault) {
    const char *const argument = arguments[*at];
    char name[128];
    (void)snprintf(name, sizeof name, "%.*s", (int)strcspn(argument + 2, "="), argument + 2);
    if (!tt_setting_exists(settings, name)) {
        return tt_settings_refuse(settings, "--", name, fault);
    }
    const tt_option *const option = &tt_setting_of(settings, name)->option;
    const char *value = strchr(argument, '=');
    if (value != NULL) {
        value++;
    } else {
        const char *const next = *at + 1 < count ? arguments[*at + 1] : NULL;
        const bool next_is_answer =
            next != NULL && (strcmp(next, "yes") == 0 || strcmp(next, "no") == 0);
        if (is_yes_or_no(option) && !next_is_answer) {
            value = "yes";
        } else if (next == NULL) {
            return ps_fault_set(fault, PS_EINVAL, "option --%s needs a value (%s)", name,
                                option->argument == NULL ? "yes or no" : option->argument);
        } else {
            value = next;
            *at += 1;
        }
    }
    const size_t size = strlen(name) + strlen(value) + 4;
    *text_out = malloc(size);
    if (*text_out == NULL) {
        return PS_ENOMEM;
    }
    (void)snprintf(*text_out, size, "--%s=%s", name, value);
    return PS_OK;
}

static bool asks_for_help(const char *argument) {
    return strcmp(argument, "--help") == 0 || strcmp(argument, "-h") == 0;
}

static ps_err parse(const sink *to, int count, char **texts) {
    struct argp_option *const options = calloc(to->settings->count + 1, sizeof *options);
    if (options == NULL) {
        return PS_ENOMEM;
    }
    for (size_t i = 0; i < to->settings->count; i++) {
        const tt_option *const option = &to->settings->items[i].option;
        options[i].name = option->name;
        options[i].key = KEY_OF_FIRST + (int)i;
        options[i].arg = option->argument == NULL ? "yes|no" : option->argument;
        options[i].doc = option->help;
    }
    const struct argp parser = {.options = options, .parser = take};
    sink input = *to;
    const error_t failed = argp_parse(&parser, count, texts, ARGP_SILENT, NULL, &input);
    free(options);
    return failed == 0 ? PS_OK
                       : ps_fault_set(to->fault, PS_EINVAL, "the command line cannot be read");
}

ps_err tt_settings_read_arguments(tt_settings *settings, size_t count, char *const *arguments,
                                  tt_words *words_out, ps_fault *fault) {
    *words_out = (tt_words){0};
    char **const texts = calloc(count + 2, sizeof *texts);
    char **const owned = calloc(count + 1, sizeof *owned);
    static char program[] = "tortoise";
    size_t text_count = 1;
    ps_err err = texts == NULL || owned == NULL ? PS_ENOMEM : PS_OK;
    if (err == PS_OK) {
        texts[0] = program;
    }
    for (size_t i = 0; i < count && err == PS_OK; i++) {
        texts[text_count] = arguments[i];
        if (asks_for_help(arguments[i])) {
            words_out->help_is_wanted = true;
            goto done;
        }
        if (strncmp(arguments[i], "--", 2) == 0) {
            err = normalise(settings, count, arguments, &i, &owned[text_count - 1], fault);
            texts[text_count] = owned[text_count - 1];
        } else if (arguments[i][0] == '-') {
            err = ps_fault_set(fault, PS_EINVAL,
                               "unknown option %s; options are long, as in --policy bsp",
                               arguments[i]);
        }
        text_count++;
    }
    if (err == PS_OK && text_count > 1) {
        const sink to = {.settings = settings, .words = words_out, .fault = fault};
        err = parse(&to, (int)text_count, texts);
    }
done:
    for (size_t i = 0; owned != NULL && i < count + 1; i++) {
        free(owned[i]);
    }
    free(owned);
    free(texts);
    return err;
}
