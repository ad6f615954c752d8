#define _GNU_SOURCE /* pipe2, pidfd_open, sigdescr_np */
#include "launched.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <sys/pidfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "launch_command.h"

/* After the first failure: for the others to find out and say so, and for their last words. */
static const double grace_s = 8.0;
static const double term_s = 10.0;
enum { POLL_MS = 200, LINE_BYTES = 4096, STREAMS = 2 };

/* What a rank writes, line by line. */
typedef struct stream {
    int fd; /* -1: none, or at its end */
    size_t filled;
    char line[LINE_BYTES];
} stream;

typedef struct launched {
    pid_t pid; /* -1: not started */
    int pidfd; /* readable when it has ended */
    int lifeline;
    bool has_ended;
    stream streams[STREAMS];
} launched;

typedef struct fleet {
    const tt_launch_plan *plan;
    char own_host[256];
    launched *ranks;       /* owned */
    struct pollfd *polled; /* owned; of each rank: its end, its streams */
    uint32_t running;
    double failed_s;       /* when the first one failed; 0: none has */
    bool cause_may_follow; /* the failure that is noted is the loss of a peer */
    bool is_interrupted, is_terminated, is_killed;
    ps_err err;
    ps_fault fault;
} fleet;

static double now_s(void) {
    struct timespec at;
    (void)clock_gettime(CLOCK_MONOTONIC, &at);
    return (double)at.tv_sec + 1e-9 * (double)at.tv_nsec;
}

static void close_fd(int *fd) {
    if (*fd >= 0) {
        (void)close(*fd);
        *fd = -1;
    }
}

static const char *host_of(const fleet *all, uint32_t rank) {
    const char *const host = all->plan->hosts[rank];
    return host == NULL ? all->own_host : host;
}

/* ---- Starting ---- */

static ps_err open_pipes(launched *one, bool has_streams, int ends[3], ps_fault *fault) {
    int pair[2];
    for (int i = 0; i < 3; i++) {
        ends[i] = -1;
    }
    for (int i = 0; i < (has_streams ? 3 : 1); i++) {
        if (pipe2(pair, O_CLOEXEC) != 0) {
            return ps_fault_set(fault, PS_EIO, "cannot make a pipe to a rank: %s%s",
                                strerror(errno),
                                errno == EMFILE ? "; raise the limit with 'ulimit -n'" : "");
        }
        if (i == 0) {
            ends[i] = pair[0];
            one->lifeline = pair[1];
        } else {
            ends[i] = pair[1];
            one->streams[i - 1].fd = pair[0];
        }
    }
    return PS_OK;
}

static ps_err start_one(fleet *all, uint32_t rank) {
    launched *const one = &all->ranks[rank];
    tt_launch_command command = {0};
    int ends[3];
    ps_err err = open_pipes(one, rank > 0, ends, &all->fault);
    if (err == PS_OK) {
        err = tt_launch_command_make(&command, all->plan, rank, &all->fault);
    }
    if (err == PS_OK) {
        const int failed = tt_launch_command_spawn(&command, ends, &one->pid);
        if (failed != 0) {
            one->pid = -1;
            err = ps_fault_set(&all->fault, PS_EIO, "cannot start '%s' for rank %u: %s",
                               command.arguments[0], rank, strerror(failed));
        }
    }
    for (int i = 0; i < 3; i++) {
        close_fd(&ends[i]);
    }
    tt_launch_command_fini(&command);
    if (err == PS_OK) {
        one->pidfd = pidfd_open(one->pid, 0);
        one->has_ended = false;
        all->running++;
        if (one->pidfd < 0) {
            err = ps_fault_set(&all->fault, PS_EIO, "cannot watch rank %u: %s", rank,
                               strerror(errno));
        }
    }
    return err;
}

/* ---- Ending ---- */

/* The error whose exit code is `code`. */
static ps_err err_of_code(int code) {
    static const ps_err errs[] = {PS_EFAILED, PS_EINVAL, PS_EBROKEN, PS_ESTALL, PS_EPEER};
    return code >= 1 && code <= 5 ? errs[code - 1] : PS_EFAILED;
}

/* The first failure counts; but a rank that only lost another one is not the cause, and may have
 * been quicker. */
static void note_end(fleet *all, uint32_t rank, int status) {
    const char *const host = all->plan->hosts[rank];
    const bool is_good = WIFEXITED(status) && WEXITSTATUS(status) == 0;
    const bool is_of_peer = WIFEXITED(status) && WEXITSTATUS(status) == 5;
    if (is_good || all->is_terminated || (all->failed_s > 0.0 && !all->cause_may_follow)) {
        return;
    }
    if (is_of_peer && all->cause_may_follow) {
        return;
    }
    if (all->cause_may_follow) {
        all->fault = (ps_fault){0};
    } else {
        all->failed_s = now_s();
    }
    all->cause_may_follow = is_of_peer;
    if (all->is_interrupted && WIFSIGNALED(status)) {
        return; /* it had not yet begun, and did as it was told */
    }
    if (WIFSIGNALED(status)) {
        const char *const description = sigdescr_np(WTERMSIG(status));
        all->err = ps_fault_set(&all->fault, PS_EPEER, "rank %u on %s died of signal %d (%s)", rank,
                                host_of(all, rank), WTERMSIG(status),
                                description == NULL ? "unknown" : description);
    } else if (host != NULL && WEXITSTATUS(status) == 255) {
        all->err = ps_fault_set(&all->fault, PS_EPEER,
                                "'%s' to %s for rank %u failed or lost its connection; try '%s %s "
                                "true'",
                                all->plan->ssh, host, rank, all->plan->ssh, host);
    } else {
        all->err = ps_fault_set(&all->fault, err_of_code(WEXITSTATUS(status)),
                                "rank %u on %s was the first to fail, with exit code %d", rank,
                                host_of(all, rank), WEXITSTATUS(status));
    }
}

static void reap(fleet *all, uint32_t rank) {
    launched *const one = &all->ranks[rank];
    int status = 0;
    if (one->has_ended || waitpid(one->pid, &status, WNOHANG) != one->pid) {
        return;
    }
    one->has_ended = true;
    all->running--;
    close_fd(&one->pidfd);
    close_fd(&one->lifeline);
    note_end(all, rank, status);
}

/* To a rank here by a signal, to one elsewhere by its lifeline: a signal would end ssh alone. */
static void signal_all(fleet *all, int number) {
    for (uint32_t i = 0; i < all->plan->size; i++) {
        launched *const one = &all->ranks[i];
        if (one->has_ended) {
            continue;
        }
        if (all->plan->hosts[i] != NULL && number != SIGKILL) {
            close_fd(&one->lifeline);
        } else {
            (void)kill(one->pid, number);
        }
    }
}

/* Passes an interrupt on, and ends those that outlive a failure. */
static void press(fleet *all, const volatile int *interrupted) {
    const double since_s = all->failed_s > 0.0 ? now_s() - all->failed_s : 0.0;
    if (*interrupted != 0 && !all->is_interrupted) {
        all->is_interrupted = true;
        signal_all(all, SIGINT);
    }
    if (since_s >= grace_s && !all->is_terminated) {
        all->is_terminated = true;
        signal_all(all, SIGTERM);
    }
    if (since_s >= grace_s + term_s && !all->is_killed) {
        all->is_killed = true;
        signal_all(all, SIGKILL);
    }
}

/* ---- Output ---- */

static void flush_line(const fleet *all, uint32_t rank, stream *from, size_t length) {
    (void)fprintf(stderr, "[%u@%s] %.*s\n", rank, host_of(all, rank), (int)length, from->line);
}

/* Forwards whole lines; what is left at the end counts as one. */
static void forward(const fleet *all, uint32_t rank, stream *from) {
    const ssize_t got = read(from->fd, from->line + from->filled, LINE_BYTES - from->filled);
    if (got < 0 && errno == EINTR) {
        return;
    }
    if (got <= 0) {
        if (from->filled > 0) {
            flush_line(all, rank, from, from->filled);
        }
        close_fd(&from->fd);
        return;
    }
    from->filled += (size_t)got;
    const char *newline;
    while ((newline = memchr(from->line, '\n', from->filled)) != NULL) {
        const size_t length = (size_t)(newline - from->line);
        flush_line(all, rank, from, length);
        from->filled -= length + 1;
        memmove(from->line, newline + 1, from->filled);
    }
    if (from->filled == LINE_BYTES) {
        flush_line(all, rank, from, LINE_BYTES);
        from->filled = 0;
    }
}

/* Waits a moment and deals with what came. */
static void look_around(fleet *all) {
    const uint32_t size = all->plan->size;
    const size_t each = 1 + STREAMS;
    for (uint32_t i = 0; i < size; i++) {
        launched *const one = &all->ranks[i];
        all->polled[each * i] = (struct pollfd){.fd = one->pidfd, .events = POLLIN};
        for (size_t s = 0; s < STREAMS; s++) {
            all->polled[each * i + 1 + s] =
                (struct pollfd){.fd = one->streams[s].fd, .events = POLLIN};
        }
    }
    if (poll(all->polled, each * size, POLL_MS) <= 0) {
        return;
    }
    for (uint32_t i = 0; i < size; i++) {
        for (size_t s = 0; s < STREAMS; s++) {
            if (all->polled[each * i + 1 + s].revents != 0) {
                forward(all, i, &all->ranks[i].streams[s]);
            }
        }
        if (all->polled[each * i].revents != 0) {
            reap(all, i);
        }
    }
}

/* What ended ranks had written last; a process that they left behind is not waited for. */
static void drain(fleet *all) {
    for (uint32_t i = 0; i < all->plan->size; i++) {
        for (size_t s = 0; s < STREAMS; s++) {
            stream *const from = &all->ranks[i].streams[s];
            struct pollfd readable = {.fd = from->fd, .events = POLLIN};
            while (from->fd >= 0 && poll(&readable, 1, 0) > 0) {
                forward(all, i, from);
            }
            close_fd(&from->fd);
        }
    }
}

/* ---- All together ---- */

static ps_err fleet_open(fleet *all, const tt_launch_plan *plan) {
    *all = (fleet){.plan = plan};
    if (gethostname(all->own_host, sizeof all->own_host - 1) != 0) {
        (void)strcpy(all->own_host, "?");
    }
    all->ranks = calloc(plan->size, sizeof *all->ranks);
    all->polled = calloc((size_t)plan->size * (1 + STREAMS), sizeof *all->polled);
    if (all->ranks == NULL || all->polled == NULL) {
        return ps_fault_set(&all->fault, PS_ENOMEM, "no memory for %u ranks", plan->size);
    }
    for (uint32_t i = 0; i < plan->size; i++) {
        launched *const one = &all->ranks[i];
        one->pid = -1;
        one->pidfd = -1;
        one->lifeline = -1;
        one->has_ended = true;
        for (size_t s = 0; s < STREAMS; s++) {
            one->streams[s].fd = -1;
        }
    }
    return PS_OK;
}

static void fleet_close(fleet *all) {
    for (uint32_t i = 0; all->ranks != NULL && all->polled != NULL && i < all->plan->size; i++) {
        launched *const one = &all->ranks[i];
        close_fd(&one->pidfd);
        close_fd(&one->lifeline);
        for (size_t s = 0; s < STREAMS; s++) {
            close_fd(&one->streams[s].fd);
        }
    }
    free(all->ranks);
    free(all->polled);
}

ps_err tt_launched_run(const tt_launch_plan *plan, const volatile int *interrupted,
                       ps_fault *fault) {
    fleet all;
    ps_err err = fleet_open(&all, plan);
    (void)fflush(NULL);
    for (uint32_t i = 0; i < plan->size && err == PS_OK; i++) {
        err = start_one(&all, i);
    }
    if (err != PS_OK) {
        all.err = err;
        all.failed_s = now_s() - grace_s; /* those that were started would wait for the others */
    }
    while (all.running > 0) {
        press(&all, interrupted);
        look_around(&all);
    }
    if (all.ranks != NULL && all.polled != NULL) {
        drain(&all);
    }
    fleet_close(&all);
    return all.err == PS_OK ? PS_OK : ps_fault_set(fault, all.err, "%s", all.fault.text);
}
