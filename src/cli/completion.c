/* The script is one function for bash and two tables: the options of each command, and what may
 * stand behind an option. bash splits "--policy=ssp:3" at '=' and ':' into words of their own. */
#include "completion.h"

#include <ctype.h>
#include <string.h>

#include "bench.h"
#include "subject.h"

static void put_command_names(FILE *to) {
    for (size_t i = 0; i < tt_command_count; i++) {
        (void)fprintf(to, " %s", tt_commands[i].name);
    }
}

static void put_algorithm_names(FILE *to) {
    for (size_t i = 0; i < tt_subject_count(); i++) {
        (void)fprintf(to, " %s", tt_subject_at(i)->name);
    }
}

/* The words of "bsp|ssp:S|async" as they can be typed: "bsp ssp: async". */
static void put_words(FILE *to, const char *words) {
    const char *separator = "";
    while (*words != '\0') {
        const size_t length = strcspn(words, "|");
        const size_t typed = strcspn(words, "|:=,[< ");
        if (typed == length) {
            (void)fprintf(to, "%s%.*s", separator, (int)typed, words);
            separator = " ";
        } else if (words[typed] == ':') {
            (void)fprintf(to, "%s%.*s:", separator, (int)typed, words);
            separator = " ";
        }
        words += length + (words[length] == '|');
    }
}

static bool is_flag(const tt_option *option) {
    return option->argument == NULL || strcmp(option->argument, "yes|no") == 0;
}

/* What stands behind the option: a kind, and for "word" the words. Nothing for a flag. */
static void put_value(FILE *to, const char *key, const tt_option *option) {
    if (is_flag(option)) {
        return;
    }
    (void)fprintf(to, "    '%s --%s') echo '", key, option->name);
    if (strcmp(option->argument, "FILE") == 0 || strcmp(option->argument, "PATH") == 0) {
        (void)fputs("file", to);
    } else if (strcmp(option->argument, "DIR") == 0) {
        (void)fputs("directory", to);
    } else if (strchr(option->argument, '|') != NULL) {
        (void)fputs("word ", to);
        put_words(to, option->argument);
    } else {
        (void)fputs("other", to);
    }
    (void)fputs("' ;;\n", to);
}

typedef enum table { OPTION_NAMES, OPTION_VALUES } table;

/* One command's part of a table: its own options, or, with an algorithm, those of that alone. */
static ps_err put_part(FILE *to, const tt_command *command, const ps_algo *algo, table which) {
    tt_settings settings;
    char key[128];
    PS_TRY(tt_command_settings(command, algo, &settings));
    (void)snprintf(key, sizeof key, "%s%s%s", command->name, algo == NULL ? "" : " ",
                   algo == NULL ? "" : algo->name);
    if (which == OPTION_NAMES) {
        (void)fprintf(to, "    '%s') echo '%s", key, algo == NULL ? "--help" : "");
    }
    for (size_t i = 0; i < settings.count; i++) {
        const tt_option *const option = &settings.items[i].option;
        if ((option->group == TT_OF_ALGORITHM) != (algo != NULL)) {
            continue;
        }
        if (which == OPTION_NAMES) {
            (void)fprintf(to, " --%s", option->name);
        } else {
            put_value(to, key, option);
        }
    }
    (void)fputs(which == OPTION_NAMES ? "' ;;\n" : "", to);
    tt_settings_fini(&settings);
    return PS_OK;
}

static ps_err put_table(FILE *to, const char *function, table which) {
    (void)fprintf(to, "\n%s() {\n    case $1 in\n", function);
    for (size_t i = 0; i < tt_command_count; i++) {
        PS_TRY(put_part(to, &tt_commands[i], NULL, which));
        for (size_t a = 0; tt_commands[i].world != 0 && a < tt_subject_count(); a++) {
            PS_TRY(put_part(to, &tt_commands[i], tt_subject_at(a), which));
        }
    }
    (void)fputs("    esac\n}\n", to);
    return PS_OK;
}

static void put_first(FILE *to, const char *words) {
    if (strcmp(words, TT_WORD_FILE) == 0) {
        (void)fputs("file", to);
        return;
    }
    if (strcmp(words, TT_WORD_DIRECTORY) == 0) {
        (void)fputs("directory", to);
        return;
    }
    (void)fputs("word", to);
    if (strcmp(words, TT_WORD_ALGO) == 0) {
        put_algorithm_names(to);
    } else if (strcmp(words, TT_WORD_COMMAND) == 0) {
        put_command_names(to);
    } else if (strcmp(words, TT_WORD_BENCH) == 0) {
        for (size_t b = 0; tt_benches[b] != NULL; b++) {
            (void)fprintf(to, " %s", tt_benches[b]->name);
        }
    } else {
        (void)fputc(' ', to);
        put_words(to, words);
    }
}

/* What may stand first behind a command; behind nothing, the commands; and all algorithms. */
static void put_first_words(FILE *to, const char *prefix) {
    (void)fprintf(to, "\n%s_first() {\n    case $1 in\n    '') echo 'word", prefix);
    put_command_names(to);
    (void)fputs("' ;;\n", to);
    for (size_t i = 0; i < tt_command_count; i++) {
        if (tt_commands[i].words != NULL) {
            (void)fprintf(to, "    %s) echo '", tt_commands[i].name);
            put_first(to, tt_commands[i].words);
            (void)fputs("' ;;\n", to);
        }
    }
    (void)fprintf(to, "    esac\n}\n\n%s_algorithms() {\n    echo '", prefix);
    put_algorithm_names(to);
    (void)fputs("'\n}\n", to);
}

/* Behind "--" another command line begins. */
static const char script[] =
    "    local current=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD - 1]}\n"
    "    local first=1 index command='' algorithm='' kind='' words='' word\n"
    "    COMPREPLY=()\n"
    "    if [[ $current == : || $before == : ]]; then\n"
    "        return\n"
    "    elif [[ $current == = ]]; then\n"
    "        current=''\n"
    "    elif [[ $before == = ]]; then\n"
    "        before=${COMP_WORDS[COMP_CWORD - 2]}\n"
    "    fi\n"
    "    for ((index = 1; index < COMP_CWORD; index++)); do\n"
    "        [[ ${COMP_WORDS[index]} != -- ]] || first=$((index + 1))\n"
    "    done\n"
    "    if ((COMP_CWORD > first)); then\n"
    "        command=${COMP_WORDS[first]}\n"
    "    fi\n"
    "    for ((index = first + 1; index < COMP_CWORD; index++)); do\n"
    "        for word in $(\"${tables}_algorithms\"); do\n"
    "            [[ ${COMP_WORDS[index]} != \"$word\" ]] || algorithm=$word\n"
    "        done\n"
    "    done\n"
    "    if [[ -n $command && $before == --?* ]]; then\n"
    "        read -r kind words < <(\"${tables}_value\" \"$command $before\"\n"
    "            \"${tables}_value\" \"$command $algorithm $before\")\n"
    "    fi\n"
    "    if [[ -z $kind && $current != -* ]] && ((COMP_CWORD <= first + 1)); then\n"
    "        read -r kind words < <(\"${tables}_first\" \"$command\")\n"
    "    fi\n"
    "    if [[ -z $kind && -n $command ]]; then\n"
    "        kind=word\n"
    "        words=\"$(\"${tables}_options\" \"$command\")\"\n"
    "        [[ -z $algorithm ]] || words+=\" $(\"${tables}_options\" \"$command $algorithm\")\"\n"
    "    fi\n"
    "    case $kind in\n"
    "    word) mapfile -t COMPREPLY < <(compgen -W \"$words\" -- \"$current\") ;;\n"
    "    file) mapfile -t COMPREPLY < <(compgen -f -- \"$current\") ;;\n"
    "    directory) mapfile -t COMPREPLY < <(compgen -d -- \"$current\") ;;\n"
    "    esac\n"
    "    if [[ $kind == file || $kind == directory ]]; then\n"
    "        compopt -o filenames 2>/dev/null\n"
    "    elif [[ ${#COMPREPLY[@]} -eq 1 && ${COMPREPLY[0]} == *: ]]; then\n"
    "        compopt -o nospace 2>/dev/null\n"
    "    fi\n"
    "    return 0\n"
    "}\n";

ps_err tt_completion_write(FILE *to) {
    char prefix[128];
    char function[sizeof prefix + 16];
    (void)snprintf(prefix, sizeof prefix, "_%s", tt_program_name());
    for (char *at = prefix; *at != '\0'; at++) {
        *at = isalnum((unsigned char)*at) ? *at : '_';
    }
    (void)fprintf(to,
                  "# Completion of %s for bash: source it, or let bash-completion find it.\n"
                  "# Made by '%s help --bash-completion'.\n",
                  tt_program_name(), tt_program_name());
    (void)snprintf(function, sizeof function, "%s_options", prefix);
    PS_TRY(put_table(to, function, OPTION_NAMES));
    (void)snprintf(function, sizeof function, "%s_value", prefix);
    PS_TRY(put_table(to, function, OPTION_VALUES));
    put_first_words(to, prefix);
    (void)fprintf(to, "\n%s() {\n    local tables=%s\n%scomplete -F %s -- '%s'\n", prefix, prefix,
                  script, prefix, tt_program_name());
    return PS_OK;
}
