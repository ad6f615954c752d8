/* How the processes of a run find each other: connecting to those with lower numbers, accepting
 * those with higher ones, and the greeting that tells a peer from a stranger. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <sys/epoll.h>
#include <unistd.h>

#include "runtime/process.h"

/* How long a new connection may be silent. */
static const double greeting_timeout_s = 5.0;

static void pending_close(psi_process *process, psi_pending *pending, const char *why) {
    (void)snprintf(process->refusal, sizeof process->refusal, "%s", why);
    process->strangers_refused++;
    psi_loop_unwatch(process, pending->fd);
    (void)close(pending->fd);
    pending->fd = -1;
    psi_process_lock(process);
    psi_receiver_fini(&pending->receiver, &process->pool);
    psi_process_unlock(process);
}

void psi_join_tick(psi_process *process, double now_s) {
    for (size_t i = 0; i < PSI_PENDING_MAX; i++) {
        psi_pending *const pending = &process->pending[i];
        if (pending->fd >= 0 && now_s >= pending->since_s + greeting_timeout_s) {
            pending_close(process, pending, "it did not greet");
        }
    }
}

static void set_greeted(psi_process *process, psi_peer *peer) {
    peer->is_greeted = true;
    peer->heard_s = psi_process_now_s(process);
    process->greeted_count++;
    if (psi_receiver_open(&peer->receiver) != PS_OK) {
        psi_peer_fail(process, peer->process, PS_ENOMEM,
                      "greeted, but no memory is left to listen");
    }
}

static psi_hello own_hello(const psi_process *process) {
    psi_hello hello = {
        .process = process->id,
        .process_count = process->plan->node_count,
        .frame_version = PSI_FRAME_VERSION,
        .plan_hash = psi_plan_hash(process->plan),
    };
    memcpy(hello.job_id, process->setup.job_id, PSI_JOB_ID_BYTES);
    return hello;
}

void psi_join_take_answer(psi_process *process, psi_peer *peer, const psi_frame *record) {
    const psi_hello own = own_hello(process);
    psi_hello theirs;
    ps_fault fault = {0};
    if (peer->is_greeted || !psi_link_hello_read(record, &theirs)) {
        psi_peer_fail(process, peer->process, PS_EPEER, "sent a malformed greeting");
        return;
    }
    switch (psi_hello_judge(&own, &theirs, &fault)) {
    case PSI_GREETING_GOOD:
        if (theirs.process == peer->process) {
            set_greeted(process, peer);
        } else {
            psi_peer_fail(process, peer->process, PS_EPEER, "answers under another number");
        }
        break;
    case PSI_GREETING_STRANGER:
        psi_peer_fail(process, peer->process, PS_EPEER, "belongs to another run");
        break;
    case PSI_GREETING_MISMATCH:
        psi_peers_fail(process, &fault);
        break;
    }
}

void psi_join_connect(psi_process *process) {
    for (uint32_t i = 0; i < process->id; i++) {
        psi_peer *const peer = &process->peers[i];
        ps_fault fault = {0};
        int fd;
        ps_err err = psi_socket_connect(&process->setup.addresses[i], &fd, &fault);
        if (err == PS_OK) {
            err = psi_receiver_init(&peer->receiver);
            psi_loop_watch(process, fd, EPOLLIN, psi_source_key(PSI_SOURCE_PEER, i), true);
            psi_process_lock(process);
            peer->fd = fd;
            psi_peer_mark(process, peer);
            psi_process_unlock(process);
        }
        if (err != PS_OK) {
            (void)ps_fault_set(&fault, err, "no memory for a connection");
            psi_peers_fail(process, &fault);
            return;
        }
    }
}

/* Accepts one connection into a free place. Returns whether there may be more. */
static bool accept_one(psi_process *process, uint32_t place) {
    const int fd = psi_socket_accept(process->setup.listener);
    if (fd == -1) {
        return false;
    }
    ps_fault fault = {0};
    if (fd < 0) {
        (void)ps_fault_set(&fault, PS_EIO, "cannot accept a connection: %s%s", strerror(errno),
                           psi_system_advice(errno));
    } else if (psi_receiver_init(&process->pending[place].receiver) != PS_OK) {
        (void)ps_fault_set(&fault, PS_ENOMEM, "no memory for a connection");
        (void)close(fd);
    }
    if (fault.err != PS_OK) {
        psi_peers_fail(process, &fault);
        return false;
    }
    process->pending[place].fd = fd;
    process->pending[place].since_s = psi_process_now_s(process);
    psi_loop_watch(process, fd, EPOLLIN, psi_source_key(PSI_SOURCE_PENDING, place), true);
    return true;
}

/* Those for whom there is no place wait in the system's queue. */
void psi_join_accept(psi_process *process) {
    for (uint32_t place = 0; place < PSI_PENDING_MAX; place++) {
        if (process->pending[place].fd < 0 && !accept_one(process, place)) {
            return;
        }
    }
}

void psi_join_close_doors(psi_process *process) {
    for (size_t i = 0; i < PSI_PENDING_MAX; i++) {
        if (process->pending[i].fd >= 0) {
            pending_close(process, &process->pending[i], "all processes are there already");
        }
    }
    if (process->setup.listener >= 0) {
        psi_loop_unwatch(process, process->setup.listener);
        (void)close(process->setup.listener);
        process->setup.listener = -1;
    }
}

/* The pending connection is that of a peer: it moves to the peer's place, with what was read
 * already. */
static void adopt(psi_process *process, psi_pending *pending, psi_peer *peer) {
    peer->receiver = pending->receiver;
    const int fd = pending->fd;
    pending->receiver = (psi_receiver){0};
    pending->fd = -1;
    psi_loop_watch(process, fd, EPOLLIN, psi_source_key(PSI_SOURCE_PEER, peer->process), false);
    set_greeted(process, peer);
    psi_process_lock(process);
    peer->fd = fd;
    psi_peer_mark(process, peer);
    psi_process_unlock(process);
    psi_peer_take_all(process, peer);
}

static void take_greeting(psi_process *process, psi_pending *pending, const psi_frame *record) {
    const psi_hello own = own_hello(process);
    psi_hello theirs;
    if (!psi_link_hello_read(record, &theirs)) {
        pending_close(process, pending, "it sent a malformed greeting");
        return;
    }
    ps_fault fault = {0};
    switch (psi_hello_judge(&own, &theirs, &fault)) {
    case PSI_GREETING_GOOD:
        if (theirs.process < process->id || process->peers[theirs.process].fd >= 0) {
            pending_close(process, pending, "it claims to be a process that is connected already");
        } else {
            adopt(process, pending, &process->peers[theirs.process]);
        }
        break;
    case PSI_GREETING_STRANGER:
        pending_close(process, pending, "it belongs to another run");
        break;
    case PSI_GREETING_MISMATCH:
        pending_close(process, pending, fault.text);
        psi_peers_fail(process, &fault);
        break;
    }
}

void psi_join_pending_ready(psi_process *process, uint32_t index) {
    psi_pending *const pending = &process->pending[index];
    if (pending->fd < 0) {
        return;
    }
    int error = 0;
    const psi_io io = psi_receiver_read(&pending->receiver, pending->fd, &error);
    if (io == PSI_IO_BLOCKED) {
        return;
    }
    if (io != PSI_IO_DONE) {
        pending_close(process, pending, "it went away before it greeted");
        return;
    }
    psi_frame *record;
    psi_process_lock(process);
    const psi_received received = psi_receiver_next(&pending->receiver, &process->pool, &record);
    psi_process_unlock(process);
    if (received == PSI_RECEIVED_RECORD) {
        take_greeting(process, pending, record);
        psi_process_lock(process);
        psi_frame_release(&process->pool, record);
        psi_process_unlock(process);
    } else if (received == PSI_RECEIVED_DAMAGE) {
        pending_close(process, pending, pending->receiver.damage);
    } else if (received != PSI_RECEIVED_NOTHING) {
        pending_close(process, pending, "no memory is left for its greeting");
    }
}
