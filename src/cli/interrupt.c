#include "interrupt.h"

#include <signal.h>
#include <string.h>

/* A signal handler can reach nothing but a global. */
static volatile int interrupted;

static void on_signal(int number) {
    interrupted = 1;
    (void)signal(number, SIG_DFL);
}

const volatile int *tt_interrupt_watch(void) {
    struct sigaction action;
    memset(&action, 0, sizeof action);
    action.sa_handler = on_signal;
    action.sa_flags = SA_RESTART;
    (void)sigemptyset(&action.sa_mask);
    (void)sigaction(SIGINT, &action, NULL);
    (void)sigaction(SIGTERM, &action, NULL);
    (void)sigaction(SIGHUP, &action, NULL);
    (void)signal(SIGXFSZ, SIG_IGN); /* a file beyond its limit is an error that write() tells */
    return &interrupted;
}
