#include "gnuplot.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sys/wait.h>
#include <unistd.h>

#include "outdir.h"
#include "place.h"

enum { VARIABLES_MAX = 16 };

static const char *program(void) {
    const char *const own = getenv("TORTOISE_GNUPLOT");
    return own != NULL ? own : "gnuplot";
}

/* Starts the program with its output and complaints in a pipe; reads as much as fits; returns its
 * exit code, 127 when it is not there. */
static int run_program(char *const *arguments, char *text, size_t text_size_bytes) {
    int ends[2];
    text[0] = '\0';
    if (pipe(ends) != 0) {
        return 127;
    }
    (void)fflush(stdout);
    const pid_t child = fork();
    if (child < 0) {
        (void)close(ends[0]);
        (void)close(ends[1]);
        return 127;
    }
    if (child == 0) {
        const int nothing = open("/dev/null", O_RDONLY);
        (void)dup2(nothing, STDIN_FILENO);
        (void)dup2(ends[1], STDOUT_FILENO);
        (void)dup2(ends[1], STDERR_FILENO);
        (void)close(ends[0]);
        (void)close(ends[1]);
        (void)execvp(arguments[0], arguments);
        _exit(127);
    }
    (void)close(ends[1]);
    size_t used = 0;
    char block[512];
    ssize_t got = 0;
    while ((got = read(ends[0], block, sizeof block)) > 0 || (got < 0 && errno == EINTR)) {
        for (ssize_t i = 0; i < got && used + 1 < text_size_bytes; i++) {
            text[used++] = block[i];
        }
    }
    text[used] = '\0';
    (void)close(ends[0]);
    int status = 0;
    while (waitpid(child, &status, 0) < 0 && errno == EINTR) {
        continue;
    }
    return WIFEXITED(status) ? WEXITSTATUS(status) : 126;
}

bool tt_gnuplot_version(char *text, size_t text_size_bytes) {
    char name[TT_PATH_MAX];
    (void)snprintf(name, sizeof name, "%s", program());
    char option[] = "--version";
    char *const arguments[] = {name, option, NULL};
    const int code = run_program(arguments, text, text_size_bytes);
    text[strcspn(text, "\n")] = '\0';
    return code == 0 && strncmp(text, "gnuplot", strlen("gnuplot")) == 0;
}

/* The script: of $TORTOISE_PLOTS, or of the plots that come with the program. */
static bool find_script(const char *script, char path[static TT_PATH_MAX]) {
    char name[TT_PATH_MAX];
    const char *const own = getenv("TORTOISE_PLOTS");
    if (own != NULL && tt_path_join(path, own, script) && access(path, R_OK) == 0) {
        return true;
    }
    return tt_path_join(name, "plots", script) && tt_place_find(name, path);
}

ps_err tt_gnuplot_draw(const char *script, const tt_gnuplot_variable *variables, size_t count,
                       ps_fault *fault) {
    PS_ASSERT(count <= VARIABLES_MAX);
    char path[TT_PATH_MAX];
    char name[TT_PATH_MAX];
    char option[] = "-e";
    char text[1024];
    if (!find_script(script, path)) {
        return ps_fault_set(fault, PS_EINVAL, "the plot script %s is not found; set TORTOISE_PLOTS",
                            script);
    }
    /* All variables and the directory of the scripts, as one command before the script. */
    size_t size = 2 * TT_PATH_MAX;
    for (size_t i = 0; i < count; i++) {
        size += strlen(variables[i].name) + strlen(variables[i].value) + 8;
    }
    char *const command = malloc(size);
    if (command == NULL) {
        return PS_ENOMEM;
    }
    const int head = (int)(strrchr(path, '/') - path);
    size_t used = (size_t)snprintf(command, size, "plots='%.*s';", head, path);
    for (size_t i = 0; i < count; i++) {
        used += (size_t)snprintf(command + used, size - used, "%s='%s';", variables[i].name,
                                 variables[i].value);
    }
    (void)snprintf(name, sizeof name, "%s", program());
    char *const arguments[] = {name, option, command, path, NULL};
    const int code = run_program(arguments, text, sizeof text);
    free(command);
    if (code == 127) {
        return ps_fault_set(fault, PS_EINVAL, "gnuplot is not found");
    }
    if (code != 0) {
        return ps_fault_set(fault, PS_EFAILED, "gnuplot %s: %s", script, text);
    }
    return PS_OK;
}
