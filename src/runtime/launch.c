/* A run on this machine: sockets first, then the fork, so that every process knows where the others
 * listen and no port has to be guessed. */
#define _GNU_SOURCE /* pidfd_open, prctl */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/wait.h>
#include <unistd.h>

#include "runtime/process.h"

typedef struct launch {
    uint32_t count;
    int *listeners;         /* owned; one per process, -1 once closed or handed over */
    psi_address *addresses; /* owned; one per process */
    psi_child *children;    /* owned; the 0th is unused */
} launch;

static double monotonic_s(void) {
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

enum { SEND_BUFFER_BYTES = 64 << 20 };

static void set_default(double *value, double default_value) {
    if (!(*value > 0.0)) {
        *value = default_value;
    }
}

psi_runtime_options psi_runtime_options_complete(const psi_runtime_options *options) {
    psi_runtime_options complete = options == NULL ? (psi_runtime_options){0} : *options;
    set_default(&complete.start_timeout_s, 30.0);
    set_default(&complete.stall_timeout_s, 60.0);
    set_default(&complete.heartbeat_interval_s, 0.2);
    set_default(&complete.silence_timeout_s, 10.0);
    set_default(&complete.stop_timeout_s, 10.0);
    complete.send_buffer_bytes =
        complete.send_buffer_bytes == 0 ? SEND_BUFFER_BYTES : complete.send_buffer_bytes;
    return complete;
}

static void launch_close(launch *all) {
    for (uint32_t i = 0; all->listeners != NULL && i < all->count; i++) {
        if (all->listeners[i] >= 0) {
            (void)close(all->listeners[i]);
        }
    }
    for (uint32_t i = 1; all->children != NULL && i < all->count; i++) {
        if (all->children[i].pidfd >= 0) {
            (void)close(all->children[i].pidfd);
        }
    }
    free(all->listeners);
    free(all->addresses);
    free(all->children);
    *all = (launch){0};
}

static ps_err launch_open(launch *all, uint32_t count, ps_fault *fault) {
    *all = (launch){.count = count};
    all->listeners = malloc(count * sizeof *all->listeners);
    all->addresses = calloc(count, sizeof *all->addresses);
    all->children = calloc(count, sizeof *all->children);
    if (all->listeners == NULL || all->addresses == NULL || all->children == NULL) {
        return ps_fault_set(fault, PS_ENOMEM, "no memory for %u processes", count);
    }
    for (uint32_t i = 0; i < count; i++) {
        all->listeners[i] = -1;
        all->children[i] = (psi_child){.pid = -1, .pidfd = -1, .has_ended = true};
    }
    for (uint32_t i = 0; i < count; i++) {
        PS_TRY(psi_socket_listen_local((int)count, &all->listeners[i], &all->addresses[i], fault));
    }
    return PS_OK;
}

/* Waits for the child until `until_s`. Returns whether it has ended. */
static bool child_await(psi_child *child, double until_s) {
    while (!child->has_ended) {
        const double left_s = until_s - monotonic_s();
        struct pollfd ended = {.fd = child->pidfd, .events = POLLIN};
        (void)poll(&ended, 1, left_s <= 0.0 ? 0 : (int)(left_s * 1e3) + 1);
        const pid_t pid = waitpid(child->pid, &child->status, WNOHANG);
        if (pid == child->pid || (pid < 0 && errno == ECHILD)) {
            child->has_ended = true;
        } else if (left_s <= 0.0) {
            return false;
        }
    }
    return true;
}

/* Ends a child by force and waits for it. */
static void child_kill(psi_child *child) {
    if (child->has_ended) {
        return;
    }
    (void)kill(child->pid, SIGKILL);
    pid_t pid;
    do {
        pid = waitpid(child->pid, &child->status, 0);
    } while (pid < 0 && errno == EINTR);
    child->has_ended = true;
}

/* Waits for all children; those that do not end are ended. After a run that went well, a child that
 * then did not exit properly is a failure still: something in it is wrong. */
static ps_err reap(launch *all, const psi_runtime_options *options, ps_err err, ps_fault *fault) {
    const double until_s = monotonic_s() + (err == PS_EPEER ? 1.0 : options->stop_timeout_s);
    for (uint32_t i = 1; i < all->count; i++) {
        psi_child *const child = &all->children[i];
        if (child->pid < 0) {
            continue;
        }
        const bool ended = child_await(child, until_s);
        if (!ended) {
            child_kill(child);
        }
        const bool is_good = WIFEXITED(child->status) && WEXITSTATUS(child->status) == 0;
        if (err == PS_OK && !(ended && is_good)) {
            if (!ended) {
                err = ps_fault_set(fault, PS_EPEER, "process %u (node %u) did not end with the run",
                                   i, i);
            } else if (WIFSIGNALED(child->status)) {
                err = ps_fault_set(fault, PS_EPEER,
                                   "process %u (node %u) died of signal %d after the run", i, i,
                                   WTERMSIG(child->status));
            } else {
                err = ps_fault_set(fault, PS_EPEER, "process %u (node %u) ended with exit code %d",
                                   i, i, WEXITSTATUS(child->status));
            }
        }
    }
    return err;
}

/* The first things in a child's life. */
static ps_err become_child(launch *all, uint32_t id, pid_t parent, ps_fault *fault) {
    for (uint32_t i = 1; i < all->count; i++) {
        if (all->children[i].pidfd >= 0) {
            (void)close(all->children[i].pidfd);
            all->children[i].pidfd = -1;
        }
    }
    for (uint32_t i = 0; i < all->count; i++) {
        if (i != id && all->listeners[i] >= 0) {
            (void)close(all->listeners[i]);
            all->listeners[i] = -1;
        }
    }
    /* No orphans, even if the parent is killed while a worker computes for long. */
    if (prctl(PR_SET_PDEATHSIG, SIGKILL) != 0 || getppid() != parent) {
        return ps_fault_set(fault, PS_EPEER, "process 0 has gone");
    }
    return PS_OK;
}

/* Forks the children. Returns in all of them, with their number in *id_out. */
static ps_err fork_all(launch *all, uint32_t *id_out, ps_fault *fault) {
    const pid_t parent = getpid();
    (void)fflush(NULL); /* or what is buffered would be written by every process */
    for (uint32_t i = 1; i < all->count; i++) {
        const pid_t pid = fork();
        if (pid == 0) {
            *id_out = i;
            return become_child(all, i, parent, fault);
        }
        if (pid < 0) {
            return ps_fault_set(fault, PS_EIO, "cannot fork process %u of %u: %s", i, all->count,
                                strerror(errno));
        }
        all->children[i] = (psi_child){.pid = pid, .pidfd = pidfd_open(pid, 0)};
        if (all->children[i].pidfd < 0) {
            return ps_fault_set(fault, PS_EIO, "cannot watch process %u: %s%s", i, strerror(errno),
                                psi_system_advice(errno));
        }
    }
    for (uint32_t i = 1; i < all->count; i++) {
        (void)close(all->listeners[i]);
        all->listeners[i] = -1;
    }
    return PS_OK;
}

static ps_err run_alone(psi_process_setup *setup, psi_results *results, ps_fault *fault) {
    setup->listener = -1;
    return psi_process_run(setup, results, fault);
}

static ps_err run_several(psi_process_setup *setup, psi_results *results, uint32_t *process_out,
                          ps_fault *fault) {
    const uint32_t count = setup->plan->node_count;
    launch all;
    ps_err err = launch_open(&all, count, fault);
    if (err == PS_OK &&
        getrandom(setup->job_id, sizeof setup->job_id, 0) != (ssize_t)sizeof setup->job_id) {
        err = ps_fault_set(fault, PS_EIO, "no random numbers from the system: %s", strerror(errno));
    }
    if (err == PS_OK) {
        err = fork_all(&all, &setup->id, fault);
        *process_out = setup->id;
        for (uint32_t i = 1; err != PS_OK && setup->id == 0 && i < count; i++) {
            child_kill(&all.children[i]); /* the others would wait for those that are missing */
        }
    }
    if (err == PS_OK) {
        setup->addresses = all.addresses;
        setup->children = setup->id == 0 ? all.children : NULL;
        setup->listener = all.listeners[setup->id];
        all.listeners[setup->id] = -1; /* the process closes it */
        err = psi_process_run(setup, results, fault);
    }
    if (setup->id == 0) {
        err = reap(&all, &setup->options, err, fault);
    }
    launch_close(&all);
    return err;
}

ps_err psi_runtime_run_local(const psi_plan *plan, const psi_runtime_options *options,
                             psi_results *results, uint32_t *process_out, ps_fault *fault) {
    *process_out = 0;
    PS_TRY(psi_plan_check(plan, fault));
    if (plan->process_count != plan->node_count) {
        return ps_fault_set(fault, PS_EINVAL,
                            "%u nodes in %u processes: a real run has one process per node",
                            plan->node_count, plan->process_count);
    }
    if (plan->node_count > PSI_RUNTIME_LOCAL_NODES_MAX) {
        return ps_fault_set(fault, PS_EINVAL,
                            "%u processes are too many for one machine (each has a connection to "
                            "every other); run at most %d nodes here, or simulate them",
                            plan->node_count, PSI_RUNTIME_LOCAL_NODES_MAX);
    }
    psi_process_setup setup = {
        .plan = plan,
        .options = psi_runtime_options_complete(options),
        .epoch_s = monotonic_s(),
    };
    return plan->node_count == 1 ? run_alone(&setup, results, fault)
                                 : run_several(&setup, results, process_out, fault);
}
