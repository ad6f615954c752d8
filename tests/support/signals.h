/* Signals to processes that a test has started. kill() takes 0, -1 and other negative numbers for
 * whole groups of processes, among them whoever runs the test: an id that is still 0, or the -1 of
 * a fork() that failed, must never get there. tests/house keeps tests from calling kill() itself.
 *
 * A process that has ended keeps its id until somebody waits for it: a test signals first. */
#ifndef TEST_SIGNALS_H
#define TEST_SIGNALS_H

#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

/* Ends this process if `process` is nobody that a test can have started. */
static inline void signals_check(pid_t process) {
    if (process <= 1) {
        (void)fprintf(stderr, "a signal to process %ld, which no test has started\n",
                      (long)process);
        abort();
    }
}

static inline void signals_send(pid_t process, int number) {
    signals_check(process);
    (void)kill(process, number);
}

/* To all processes of the group that `leader` made. */
static inline void signals_send_to_group(pid_t leader, int number) {
    signals_check(leader);
    if (leader != getpgrp()) { /* it has not made it yet, or it is ours */
        (void)kill(-leader, number);
    }
}

/* Whether a child has ended; it is not waited for yet, so that its id stays its own. */
static inline bool signals_child_has_ended(pid_t child) {
    signals_check(child);
    siginfo_t info = {0};
    return waitid(P_PID, (id_t)child, &info, WEXITED | WNOHANG | WNOWAIT) != 0 || info.si_pid != 0;
}

/* Waits for a child that has ended. Returns its exit code, or 128 + the signal that it died of. */
static inline int signals_take_code(pid_t child) {
    int status = 0;
    signals_check(child);
    if (waitpid(child, &status, 0) != child) {
        return -1;
    }
    return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

#endif
