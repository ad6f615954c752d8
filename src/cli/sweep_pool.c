/* Does the runs of a sweep, one process each. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sys/wait.h>
#include <unistd.h>

#include "interrupt.h"
#include "one_run.h"
#include "sweep.h"

typedef struct run_pool {
    tt_sweep *sweep;
    const volatile int *interrupted;
    const tt_sweep_manner *manner;
    unsigned jobs; /* for the maths of one simulation */
    size_t running, started, wanted;
} run_pool;

/* Where the program itself is. */
static void find_program(char path[static TT_PATH_MAX]) {
    const ssize_t length = readlink("/proc/self/exe", path, TT_PATH_MAX - 1);
    if (length > 0) {
        path[length] = '\0';
    } else {
        (void)strcpy(path, "tortoise");
    }
}

/* The file that a run's messages go to while it runs; the last line is what failed. */
static bool messages_path(const tt_sweep *sweep, size_t index, char path[static TT_PATH_MAX]) {
    char name[TT_SWEEP_ID_BYTES + 16];
    (void)snprintf(name, sizeof name, "%s.messages", sweep->runs[index].id);
    return tt_path_join(path, sweep->directory, name);
}

static ps_err start(run_pool *pool, size_t index, ps_fault *fault) {
    char program[TT_PATH_MAX] = "";
    char messages[TT_PATH_MAX];
    tt_sweep_run *const run = &pool->sweep->runs[index];
    char **const arguments = tt_sweep_arguments(pool->sweep, index, pool->jobs);
    if (arguments == NULL || !messages_path(pool->sweep, index, messages)) {
        tt_sweep_arguments_free(arguments);
        return PS_ENOMEM;
    }
    find_program(program);
    (void)fflush(NULL);
    run->process = fork();
    if (run->process == 0) {
        const int nothing = open("/dev/null", O_RDWR);
        const int file = open(messages, O_WRONLY | O_CREAT | O_TRUNC, 0666);
        (void)dup2(nothing, STDIN_FILENO);
        (void)dup2(nothing, STDOUT_FILENO);
        (void)dup2(file, STDERR_FILENO);
        (void)execvp(program, arguments);
        _exit(127);
    }
    tt_sweep_arguments_free(arguments);
    if (run->process < 0) {
        run->process = 0;
        return ps_fault_set(fault, PS_EIO, "a process cannot be started: %s", strerror(errno));
    }
    pool->running++;
    pool->started++;
    return PS_OK;
}

/* Keeps the last line that a run that failed wrote. */
static void read_trouble(const tt_sweep *sweep, size_t index) {
    tt_sweep_run *const run = &sweep->runs[index];
    char path[TT_PATH_MAX];
    char line[sizeof run->trouble];
    if (!messages_path(sweep, index, path)) {
        return;
    }
    FILE *const file = fopen(path, "rb");
    while (file != NULL && fgets(line, sizeof line, file) != NULL) {
        line[strcspn(line, "\n")] = '\0';
        if (line[0] != '\0') {
            (void)strcpy(run->trouble, line);
        }
    }
    if (file != NULL) {
        (void)fclose(file);
    }
    (void)unlink(path);
}

static void tell(const run_pool *pool, const tt_sweep_run *run) {
    if (run->has_failed) {
        (void)fprintf(stderr, "%s: failed: %s\n", run->id, run->trouble);
    } else if (!pool->manner->is_quiet) {
        (void)fprintf(stderr, "[%zu/%zu] %s\n", pool->started - pool->running, pool->wanted,
                      run->id);
    }
}

/* Waits for one process to end. */
static void reap(run_pool *pool) {
    int status = 0;
    const pid_t process = waitpid(-1, &status, 0);
    if (process < 0) {
        return;
    }
    for (size_t i = 0; i < pool->sweep->count; i++) {
        tt_sweep_run *const run = &pool->sweep->runs[i];
        if (run->process != process) {
            continue;
        }
        run->process = 0;
        pool->running--;
        read_trouble(pool->sweep, i);
        run->is_there = WIFEXITED(status) && WEXITSTATUS(status) == 0 &&
                        tt_sweep_run_is_complete(pool->sweep, i);
        run->has_failed = !run->is_there && *pool->interrupted == 0;
        if (run->trouble[0] == '\0' && WIFSIGNALED(status)) {
            (void)snprintf(run->trouble, sizeof run->trouble, "ended by signal %d",
                           WTERMSIG(status));
        }
        tell(pool, run);
    }
}

static ps_err run_all(run_pool *pool, ps_fault *fault) {
    tt_sweep *const sweep = pool->sweep;
    ps_err err = tt_directory_create(sweep->directory, fault);
    for (size_t i = 0; i < sweep->count; i++) {
        sweep->runs[i].is_there = sweep->runs[i].is_there && !pool->manner->is_forced;
        pool->wanted += sweep->runs[i].is_there ? 0 : 1;
    }
    for (size_t i = 0; i < sweep->count && err == PS_OK && *pool->interrupted == 0; i++) {
        if (sweep->runs[i].is_there) {
            continue;
        }
        while (pool->running >= pool->manner->parallel) {
            reap(pool);
        }
        if (*pool->interrupted == 0) {
            err = start(pool, i, fault);
        }
    }
    while (pool->running > 0) {
        reap(pool);
    }
    return err;
}

void tt_sweep_list(const tt_sweep *sweep) {
    for (size_t i = 0; i < sweep->count; i++) {
        char **const arguments = tt_sweep_arguments(sweep, i, 0);
        (void)printf("%-8s", sweep->runs[i].is_there ? "there" : "missing");
        for (size_t a = 0; arguments != NULL && arguments[a] != NULL; a++) {
            (void)printf(" %s", arguments[a]);
        }
        (void)printf("\n");
        tt_sweep_arguments_free(arguments);
    }
}

/* What did not go well, when all that there is was written. */
static ps_err judge(const tt_sweep *sweep, bool is_interrupted, ps_fault *fault) {
    size_t failed = 0;
    const char *trouble = "";
    for (size_t i = 0; i < sweep->count; i++) {
        failed += sweep->runs[i].has_failed ? 1 : 0;
        trouble = sweep->runs[i].has_failed ? sweep->runs[i].trouble : trouble;
    }
    if (is_interrupted) {
        return ps_fault_set(fault, PS_EFAILED,
                            "interrupted; the same command resumes what is missing");
    }
    if (failed > 0) {
        return ps_fault_set(fault, PS_EFAILED, "%zu of %zu runs failed: %s", failed, sweep->count,
                            trouble);
    }
    return PS_OK;
}

ps_err tt_sweep_do(tt_sweep *sweep, const tt_sweep_manner *manner, ps_fault *fault) {
    const long cores = sysconf(_SC_NPROCESSORS_ONLN);
    run_pool pool = {.sweep = sweep, .interrupted = tt_interrupt_watch(), .manner = manner};
    pool.jobs = cores > (long)manner->parallel ? (unsigned)(cores / (long)manner->parallel) : 1;
    PS_TRY(run_all(&pool, fault));
    PS_TRY(tt_sweep_collect(sweep, fault));
    PS_TRY(tt_sweep_write(sweep, fault));
    tt_sweep_print(sweep);
    (void)printf("files: %s\n", sweep->directory);
    return judge(sweep, *pool.interrupted != 0, fault);
}
