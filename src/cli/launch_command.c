#define _GNU_SOURCE /* environ */
#include "launch_command.h"

#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <unistd.h>

#include "lifeline.h"

enum { DIRECTORY_BYTES = 4096 };

/* A list of texts that grows. */
typedef struct texts {
    char **items; /* owned, as its texts; ends with NULL */
    size_t count;
    bool has_failed;
} texts;

static void texts_add(texts *to, char *text) {
    char **const items =
        text == NULL ? NULL : realloc(to->items, (to->count + 2) * sizeof *to->items);
    if (items == NULL) {
        free(text);
        to->has_failed = true;
        return;
    }
    to->items = items;
    items[to->count++] = text;
    items[to->count] = NULL;
}

static void texts_add_variable(texts *to, const char *name, const char *value) {
    const size_t size = strlen(name) + strlen(value) + 2;
    char *const text = malloc(size);
    if (text != NULL) {
        (void)snprintf(text, size, "%s=%s", name, value);
    }
    texts_add(to, text);
}

static void texts_free(char **items) {
    for (size_t i = 0; items != NULL && items[i] != NULL; i++) {
        free(items[i]);
    }
    free(items);
}

/* What a rank must know of the run. */
static void add_variables(texts *to, const tt_launch_plan *plan, uint32_t rank) {
    char number[16];
    uint32_t local_rank = 0;
    for (uint32_t i = 0; i < rank; i++) {
        const char *const one = plan->hosts[i];
        const char *const own = plan->hosts[rank];
        const bool is_here = one == NULL || own == NULL ? one == own : strcmp(one, own) == 0;
        local_rank += is_here ? 1 : 0;
    }
    (void)snprintf(number, sizeof number, "%u", rank);
    texts_add_variable(to, "PS_RANK", number);
    (void)snprintf(number, sizeof number, "%u", plan->size);
    texts_add_variable(to, "PS_SIZE", number);
    (void)snprintf(number, sizeof number, "%u", local_rank);
    texts_add_variable(to, "PS_LOCAL_RANK", number);
    texts_add_variable(to, "PS_LAUNCH", plan->id);
    texts_add_variable(to, TT_LIFELINE_VARIABLE, "1");
    texts_add_variable(to, "PS_COORD", plan->coordinator == NULL ? "" : plan->coordinator);
    texts_add_variable(to, "PS_HOSTS", plan->host_list == NULL ? "" : plan->host_list);
    texts_add_variable(to, "PS_HOSTFILE", "");
    if (plan->job != NULL) {
        texts_add_variable(to, "PS_JOB", plan->job);
    }
}

/* Whether `variable` ("PS_RANK=3") is set anew by one of ours. */
static bool is_replaced(const char *variable, char *const *ours, size_t count) {
    const size_t name_length = strcspn(variable, "=") + 1;
    for (size_t i = 0; i < count; i++) {
        if (strncmp(ours[i], variable, name_length) == 0) {
            return true;
        }
    }
    return false;
}

static bool make_local(tt_launch_command *command, const tt_launch_plan *plan, uint32_t rank) {
    texts arguments = {0};
    texts environment = {0};
    add_variables(&environment, plan, rank);
    const size_t own_count = environment.count;
    for (size_t i = 0; environ[i] != NULL; i++) {
        if (!is_replaced(environ[i], environment.items, own_count)) {
            texts_add(&environment, strdup(environ[i]));
        }
    }
    texts_add(&arguments, strdup(plan->program));
    for (size_t i = 0; i < plan->argument_count; i++) {
        texts_add(&arguments, strdup(plan->arguments[i]));
    }
    command->arguments = arguments.items;
    command->environment = environment.items;
    return !arguments.has_failed && !environment.has_failed;
}

/* Appends a word for a shell: 'it'\''s' */
static void put_quoted(FILE *to, const char *word) {
    (void)fputc('\'', to);
    for (; *word != '\0'; word++) {
        if (*word == '\'') {
            (void)fputs("'\\''", to);
        } else {
            (void)fputc(*word, to);
        }
    }
    (void)fputc('\'', to);
}

/* "cd 'here' && exec env 'PS_RANK=3' ... 'tortoise' 'run' ..." */
static char *remote_text(const tt_launch_plan *plan, const texts *variables) {
    char directory[DIRECTORY_BYTES];
    char *text = NULL;
    size_t size = 0;
    FILE *const to = open_memstream(&text, &size);
    if (to == NULL) {
        return NULL;
    }
    if (getcwd(directory, sizeof directory) != NULL) {
        (void)fputs("cd ", to);
        put_quoted(to, directory);
        (void)fputs(" && ", to);
    }
    (void)fputs("exec env", to);
    for (size_t i = 0; i < variables->count; i++) {
        (void)fputc(' ', to);
        put_quoted(to, variables->items[i]);
    }
    (void)fputc(' ', to);
    put_quoted(to, plan->program);
    for (size_t i = 0; i < plan->argument_count; i++) {
        (void)fputc(' ', to);
        put_quoted(to, plan->arguments[i]);
    }
    if (fclose(to) != 0) {
        free(text);
        return NULL;
    }
    return text;
}

static bool make_remote(tt_launch_command *command, const tt_launch_plan *plan, uint32_t rank) {
    texts arguments = {0};
    texts variables = {0};
    char *const words = strdup(plan->ssh);
    char *rest = NULL;
    add_variables(&variables, plan, rank);
    for (char *word = words == NULL ? NULL : strtok_r(words, " \t", &rest); word != NULL;
         word = strtok_r(NULL, " \t", &rest)) {
        texts_add(&arguments, strdup(word));
    }
    texts_add(&arguments, strdup(plan->hosts[rank]));
    texts_add(&arguments, remote_text(plan, &variables));
    const bool is_good = words != NULL && !arguments.has_failed && !variables.has_failed;
    free(words);
    texts_free(variables.items);
    command->arguments = arguments.items;
    return is_good;
}

ps_err tt_launch_command_make(tt_launch_command *command, const tt_launch_plan *plan, uint32_t rank,
                              ps_fault *fault) {
    *command = (tt_launch_command){0};
    const bool is_made = plan->hosts[rank] == NULL ? make_local(command, plan, rank)
                                                   : make_remote(command, plan, rank);
    return is_made ? PS_OK
                   : ps_fault_set(fault, PS_ENOMEM, "no memory for the command of rank %u", rank);
}

int tt_launch_command_spawn(const tt_launch_command *command, const int ends[3], pid_t *pid_out) {
    posix_spawn_file_actions_t files;
    posix_spawnattr_t how;
    sigset_t standard;
    int failed = posix_spawn_file_actions_init(&files);
    if (failed != 0) {
        return failed;
    }
    failed = posix_spawnattr_init(&how);
    if (failed != 0) {
        (void)posix_spawn_file_actions_destroy(&files);
        return failed;
    }
    for (int i = 0; i < 3 && failed == 0; i++) {
        failed = ends[i] < 0 ? 0 : posix_spawn_file_actions_adddup2(&files, ends[i], i);
    }
    (void)sigemptyset(&standard);
    (void)sigaddset(&standard, SIGINT);
    (void)sigaddset(&standard, SIGTERM);
    (void)sigaddset(&standard, SIGHUP);
    (void)posix_spawnattr_setsigdefault(&how, &standard);
    (void)posix_spawnattr_setpgroup(&how, 0);
    (void)posix_spawnattr_setflags(&how, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGDEF);
    if (failed == 0) {
        failed = posix_spawnp(pid_out, command->arguments[0], &files, &how, command->arguments,
                              command->environment == NULL ? environ : command->environment);
    }
    (void)posix_spawnattr_destroy(&how);
    (void)posix_spawn_file_actions_destroy(&files);
    return failed;
}

void tt_launch_command_fini(tt_launch_command *command) {
    texts_free(command->arguments);
    texts_free(command->environment);
    *command = (tt_launch_command){0};
}
