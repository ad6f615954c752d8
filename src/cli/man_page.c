#include "man_page.h"

#include <string.h>

#include "subject.h"
#include "version.h"

/* Text as roff shows it literally; `is_line_start` guards what would be a request. */
static void put_text(FILE *to, const char *text, bool is_line_start) {
    if (is_line_start && (text[0] == '.' || text[0] == '\'')) {
        (void)fputs("\\&", to);
    }
    for (const char *at = text; *at != '\0'; at++) {
        switch (*at) {
        case '\\':
            (void)fputs("\\e", to);
            break;
        case '-':
            (void)fputs("\\-", to);
            break;
        case '\'':
            (void)fputs("\\(aq", to);
            break;
        case '`':
            (void)fputs("\\(ga", to);
            break;
        case '^':
            (void)fputs("\\(ha", to);
            break;
        case '~':
            (void)fputs("\\(ti", to);
            break;
        default:
            (void)fputc(*at, to);
        }
    }
}

/* A macro's argument in quotes. */
static void put_macro(FILE *to, const char *macro, const char *text) {
    (void)fprintf(to, ".%s \"", macro);
    put_text(to, text, false);
    (void)fputs("\"\n", to);
}

/* Paragraphs, which "\n\n" separates. */
static void put_paragraphs(FILE *to, const char *text) {
    for (const char *at = text; *at != '\0';) {
        char paragraph[1024];
        const char *const end = strstr(at, "\n\n");
        const size_t length = end == NULL ? strlen(at) : (size_t)(end - at);
        (void)snprintf(paragraph, sizeof paragraph, "%.*s", (int)length, at);
        put_text(to, paragraph, true);
        (void)fputs(end == NULL ? "\n" : "\n.PP\n", to);
        at += length + (end == NULL ? 0 : 2);
    }
}

/* "tortoise", or "tortoise-run". */
static void name_of(const tt_command *command, char name[static 128]) {
    (void)snprintf(name, 128, "%s%s%s", tt_program_name(), command == NULL ? "" : "-",
                   command == NULL ? "" : command->name);
}

/* Longer lists of words do not stand beside the option, where they cannot break, but below it. */
enum { BESIDE_MAX = 60 };

/* "a|b|c" as "a, b, c". */
static void put_words(FILE *to, const char *words) {
    for (const char *at = words; *at != '\0';) {
        char word[128];
        const size_t length = strcspn(at, "|");
        (void)snprintf(word, sizeof word, "%.*s", (int)length, at);
        put_text(to, word, false);
        at += length;
        if (*at == '|') {
            (void)fputs(", ", to);
            at++;
        }
    }
}

static void put_option(FILE *to, const tt_option *option) {
    const bool is_long = option->argument != NULL && strlen(option->argument) > BESIDE_MAX;
    (void)fputs(".TP\n\\fB\\-\\-", to);
    put_text(to, option->name, false);
    (void)fputs("\\fR", to);
    if (option->argument != NULL) {
        (void)fputs(" \\fI", to);
        put_text(to, is_long ? "WORD" : option->argument, false);
        (void)fputs("\\fR", to);
    }
    (void)fputc('\n', to);
    if (is_long) {
        (void)fputs("one of \\fI", to);
        put_words(to, option->argument);
        (void)fputs("\\fR:\n", to);
    }
    put_text(to, option->help, true);
    const size_t length = strlen(option->help);
    (void)fputs(length > 0 && option->help[length - 1] == '.' ? "" : ".", to);
    if (option->default_value != NULL && strcmp(option->default_value, "0") != 0) {
        (void)fputs(" Default: ", to);
        put_text(to, option->default_value, false);
        (void)fputc('.', to);
    }
    (void)fputs(option->is_repeatable ? " May be given several times.\n" : "\n", to);
}

/* The options that are of the simulated cluster, or that are not. */
static void put_options(FILE *to, const tt_settings *settings, bool of_cluster) {
    for (size_t i = 0; i < settings->count; i++) {
        const tt_option *const option = &settings->items[i].option;
        if (option->group != TT_OF_ALGORITHM && (option->group == TT_CLUSTER) == of_cluster) {
            put_option(to, option);
        }
    }
}

static ps_err put_algorithm(FILE *to, const tt_command *command, const ps_algo *algo) {
    tt_settings settings;
    PS_TRY(tt_command_settings(command, algo, &settings));
    (void)fputs(".SS \"Of ", to);
    put_text(to, algo->name, false);
    (void)fputs("\"\n", to);
    put_text(to, algo->summary, true);
    (void)fputs("\n", to);
    for (size_t i = 0; i < settings.count; i++) {
        if (settings.items[i].option.group == TT_OF_ALGORITHM) {
            put_option(to, &settings.items[i].option);
        }
    }
    tt_settings_fini(&settings);
    return PS_OK;
}

static ps_err put_all_options(FILE *to, const tt_command *command) {
    tt_settings settings;
    PS_TRY(tt_command_settings(command, NULL, &settings));
    (void)fputs(".SH OPTIONS\n", to);
    put_options(to, &settings, false);
    if (command->world == TT_SIM) {
        put_macro(to, "SS", "Of the simulated cluster");
        put_options(to, &settings, true);
    }
    tt_settings_fini(&settings);
    (void)fputs(".TP\n\\fB\\-\\-help\\fR\nlists the options.\n", to);
    for (size_t i = 0; command->world != 0 && i < tt_subject_count(); i++) {
        PS_TRY(put_algorithm(to, command, tt_subject_at(i)));
    }
    return PS_OK;
}

static void put_commands(FILE *to) {
    (void)fputs(".SH COMMANDS\n", to);
    for (size_t i = 0; i < tt_command_count; i++) {
        (void)fputs(".TP\n", to);
        put_macro(to, "B", tt_commands[i].usage);
        put_text(to, tt_commands[i].summary, true);
        (void)fputc('\n', to);
    }
    (void)fputs(".SH ALGORITHMS\n", to);
    for (size_t i = 0; i < tt_subject_count(); i++) {
        (void)fputs(".TP\n", to);
        put_macro(to, "B", tt_subject_at(i)->name);
        put_text(to, tt_subject_at(i)->summary, true);
        (void)fputc('\n', to);
    }
}

/* A table of names and what they are, under a heading. */
static void put_list(FILE *to, const char *heading, const char *const (*rows)[2]) {
    put_macro(to, "SH", heading);
    for (size_t i = 0; rows[i][0] != NULL; i++) {
        (void)fputs(".TP\n", to);
        put_macro(to, "B", rows[i][0]);
        put_text(to, rows[i][1], true);
        (void)fputc('\n', to);
    }
}

static void put_world(FILE *to) {
    static const char *const files[][2] = {
        {"manifest.json", "every setting and where it came from, versions, seed, digests"},
        {"metrics.csv", "a row per evaluation"},
        {"workers.csv", "a row per worker and clock"},
        {"staleness.csv", "a histogram of what reads saw"},
        {"delays.csv", "of online: how many updates reads lacked, and for how long"},
        {"model/", "the final tables, as .npy"},
        {NULL, NULL}};
    static const char *const variables[][2] = {
        {"TORTOISE_SIM_PLUGIN", "the plug-in for simulations, if it is not the installed one"},
        {"TORTOISE_PLOTS", "the folder of the plot scripts, if it is not the installed one"},
        {"TORTOISE_GNUPLOT", "the program that draws, if it is not gnuplot on the PATH"},
        {NULL, NULL}};
    put_list(to, "FILES OF A RUN", files);
    put_list(to, "ENVIRONMENT", variables);
}

static void put_tail(FILE *to, const tt_command *command) {
    static const char *const codes[][2] = {{"0", "ok"},
                                           {"1", "failed, or a claim did not hold"},
                                           {"2", "usage or bad input"},
                                           {"3", "a guarantee was violated"},
                                           {"4", "stall or time-out"},
                                           {"5", "refused or lost peer"},
                                           {"77", "skipped"},
                                           {NULL, NULL}};
    char name[128];
    put_list(to, "EXIT STATUS", codes);
    if (command != NULL && command->example != NULL) {
        (void)fputs(".SH EXAMPLES\n.EX\n", to);
        put_text(to, tt_program_name(), true);
        (void)fputc(' ', to);
        put_text(to, command->example, false);
        (void)fputs("\n.EE\n", to);
    }
    (void)fputs(".SH SEE ALSO\n", to);
    if (command != NULL) {
        name_of(NULL, name);
        put_text(to, name, true);
        (void)fputs("(1)\n", to);
        return;
    }
    for (size_t i = 0; i < tt_command_count; i++) {
        name_of(&tt_commands[i], name);
        put_text(to, name, true);
        (void)fputs(i + 1 < tt_command_count ? "(1),\n" : "(1)\n", to);
    }
}

ps_err tt_man_page_write(const tt_command *command, FILE *to) {
    char name[128];
    name_of(command, name);
    (void)fputs(".TH \"", to);
    put_text(to, name, false);
    (void)fprintf(to, "\" 1 \"\" \"%s " TT_VERSION "\" \"User Commands\"\n", "tortoise");
    (void)fputs(".SH NAME\n", to);
    put_text(to, name, true);
    (void)fputs(" \\- ", to);
    put_text(to,
             command == NULL ? "a parameter server, for real and on simulated clusters"
                             : command->summary,
             false);
    (void)fputs("\n.SH SYNOPSIS\n", to);
    put_macro(to, "B", tt_program_name());
    put_text(to, command == NULL ? "COMMAND [arguments]" : command->usage, true);
    (void)fputs("\n.SH DESCRIPTION\n", to);
    if (command == NULL) {
        put_paragraphs(to, "Trains models with workers that may read slightly stale parameters. "
                           "The same algorithm and the same parameter server run in real "
                           "processes over TCP ('run') and on a cluster that SimGrid simulates "
                           "('sim').\n\nEvery number may have a unit: 10Gbps, 64MiB, 50us, 2x.");
        put_commands(to);
        put_world(to);
    } else {
        put_paragraphs(to, command->description == NULL ? command->summary : command->description);
        PS_TRY(put_all_options(to, command));
    }
    put_tail(to, command);
    return PS_OK;
}
