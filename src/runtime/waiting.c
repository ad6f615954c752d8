/* How a worker waits. The first one to wait reads from the connections meanwhile, so that it mostly
 * reads its own answer, without a hand-over; those that wait beside it sleep until they are woken.
 *
 *     worker waits --> is there a reader? -- no --> read: poll for spin_s, then sleep in epoll
 *                              |                       until something comes or it is woken
 *                              +------------- yes --> poll for spin_s, then sleep until woken
 *
 * A sleeping reader is woken through an eventfd in its set, which it alone looks at. When it leaves
 * and the loop does not guard the connections, another waiting worker becomes the reader. */
#define _GNU_SOURCE /* sched_getaffinity, eventfd */
#include <errno.h>
#include <sched.h>

#include <sys/epoll.h>
#include <sys/eventfd.h>

#include "runtime/process.h"

enum { READER_EVENTS_MAX = 16 };

static const double spin_default_s = 50e-6;

double psi_spin_default_s(const psi_plan *plan, uint32_t neighbour_count) {
    cpu_set_t cpus;
    if (sched_getaffinity(0, sizeof cpus, &cpus) != 0) {
        return 0.0;
    }
    const uint64_t cpu_count = (uint64_t)CPU_COUNT(&cpus);
    const uint64_t workers = (uint64_t)neighbour_count * (plan->worker_count / plan->node_count);
    return cpu_count > 1 && workers <= cpu_count ? spin_default_s : 0.0;
}

void psi_worker_wake(psi_process *process, psi_thread_worker *worker) {
    atomic_store(&worker->is_woken, true);
    if (process->reader != worker) {
        (void)pthread_cond_signal(&worker->woken);
    } else if (atomic_load(&process->reader_sleeps)) {
        while (eventfd_write(process->reader_wake_fd, 1) != 0 && errno == EINTR) {
        }
    }
}

/* Waits until there is something to read or the worker is woken. Needs no lock. Returns the number
 * of events. */
static int await_events(psi_process *process, psi_thread_worker *worker,
                        struct epoll_event *events) {
    const int epoll_fd = process->readers_epoll_fd;
    if (process->spin_s > 0.0) {
        const double end_s = psi_process_now_s(process) + process->spin_s;
        do {
            const int count = epoll_wait(epoll_fd, events, READER_EVENTS_MAX, 0);
            if (count != 0 || atomic_load(&worker->is_woken)) {
                return count;
            }
        } while (psi_process_now_s(process) < end_s);
    }
    /* Whoever wakes this worker sets is_woken first and then looks whether it sleeps; it says that
     * it sleeps first and then looks whether it is woken: one of the two sees the other. */
    atomic_store(&process->reader_sleeps, true);
    const int count =
        atomic_load(&worker->is_woken) ? 0 : epoll_wait(epoll_fd, events, READER_EVENTS_MAX, -1);
    atomic_store(&process->reader_sleeps, false);
    return count;
}

/* After the reader has left: if nobody looks after the connections, another waiting worker does.
 * [lock] */
static void replace_reader(psi_process *process) {
    if (atomic_load(&process->loop_guards)) {
        return;
    }
    for (uint32_t i = 0; i < process->worker_count; i++) {
        psi_thread_worker *const other = &process->workers[i];
        if (other->is_asleep && !atomic_load(&other->is_woken)) {
            (void)pthread_cond_signal(&other->woken);
            return;
        }
    }
}

/* Reads until the worker is woken. [lock], released meanwhile. */
static void read_until_woken(psi_process *process, psi_thread_worker *worker) {
    process->reader = worker;
    atomic_store(&process->has_reader, true);
    atomic_fetch_add_explicit(&process->reader_runs, 1, memory_order_relaxed);
    while (!atomic_load(&worker->is_woken)) {
        struct epoll_event events[READER_EVENTS_MAX];
        psi_process_unlock(process);
        const int count = await_events(process, worker, events);
        psi_process_lock(process);
        for (int i = 0; i < count; i++) {
            const uint64_t key = events[i].data.u64;
            if (psi_source_of(key) == PSI_SOURCE_PEER) {
                (void)psi_peer_ready(process, &process->peers[(uint32_t)key],
                                     (events[i].events & EPOLLOUT) != 0, worker);
            }
        }
    }
    process->reader = NULL;
    atomic_store(&process->has_reader, false);
    replace_reader(process);
}

/* Polls for a moment whether the worker is woken or should read. [lock], released meanwhile. */
static void poll_beside_reader(psi_process *process, const psi_thread_worker *worker) {
    const double end_s = psi_process_now_s(process) + process->spin_s;
    psi_process_unlock(process);
    while (!atomic_load(&worker->is_woken) && atomic_load(&process->has_reader) &&
           psi_process_now_s(process) < end_s) {
        (void)sched_yield();
    }
    psi_process_lock(process);
}

void psi_worker_wait(psi_process *process, psi_thread_worker *worker) {
    const bool has_peers = process->plan->node_count > 1;
    bool has_polled = !(process->spin_s > 0.0);
    worker->is_asleep = true;
    while (!atomic_load(&worker->is_woken)) {
        if (has_peers && process->reader == NULL) {
            read_until_woken(process, worker);
        } else if (!has_polled && has_peers) {
            has_polled = true;
            poll_beside_reader(process, worker);
        } else {
            (void)pthread_cond_wait(&worker->woken, &process->mutex);
        }
    }
    worker->is_asleep = false;
    atomic_store(&worker->is_woken, false);
}

void psi_worker_leaves_reading(psi_process *process) {
    if (!atomic_load(&process->loop_guards) && !atomic_load(&process->has_reader)) {
        psi_process_wake(process);
    }
}
