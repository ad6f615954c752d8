/* Ranks above 0: they come in any order, perhaps before rank 0, and ask until it is there. */
#define _GNU_SOURCE /* struct sockaddr_un's friends */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sys/un.h>
#include <unistd.h>

#include "runtime/meeting.h"

static const double connect_timeout_s = 3.0;
static const double backoff_min_s = 0.02;
static const double backoff_max_s = 0.5;
static const double poll_period_s = 0.1;

typedef enum attempt {
    ATTEMPT_DONE,  /* the table is there */
    ATTEMPT_AGAIN, /* nobody was there, or he went away: meeting->refusal says why */
    ATTEMPT_FAILED /* `fault` says why */
} attempt;

static attempt again(psi_meeting *meeting, const char *why) {
    (void)snprintf(meeting->refusal, sizeof meeting->refusal, "%s", why);
    return ATTEMPT_AGAIN;
}

/* Waits for `events` on a socket, but not beyond `until_s` or an interrupt. */
static bool await(const psi_meeting *meeting, int fd, short events, double until_s) {
    struct pollfd one = {.fd = fd, .events = events};
    for (;;) {
        const double left_s = until_s - psi_meeting_now_s();
        if (left_s <= 0.0 || psi_meeting_is_interrupted(meeting)) {
            return false;
        }
        const double wait_s = left_s < poll_period_s ? left_s : poll_period_s;
        if (poll(&one, 1, (int)(wait_s * 1e3) + 1) == 1) {
            return true;
        }
    }
}

/* Reads `size_bytes` bytes. */
static bool receive(const psi_meeting *meeting, int fd, uint8_t *bytes, size_t size_bytes,
                    double until_s) {
    size_t filled = 0;
    while (filled < size_bytes) {
        const ssize_t got = recv(fd, bytes + filled, size_bytes - filled, 0);
        if (got > 0) {
            filled += (size_t)got;
        } else if (got == 0 || (errno != EAGAIN && errno != EINTR) ||
                   !await(meeting, fd, POLLIN, until_s)) {
            return false;
        }
    }
    return true;
}

/* Takes the addresses of all. Rank 0's own is the one that was reached, unless it says otherwise.
 */
static bool take_table(psi_meeting *meeting, const uint8_t *payload, size_t size_bytes,
                       const psi_address *reached) {
    if (!psi_meeting_table_read(payload, size_bytes, meeting->job_id, meeting->addresses,
                                meeting->size)) {
        return false;
    }
    if (meeting->addresses[0].size_bytes == 0) {
        if (reached == NULL) {
            return false;
        }
        meeting->addresses[0] = *reached;
    }
    for (uint32_t i = 0; i < meeting->size; i++) {
        psi_address_format(&meeting->addresses[i], meeting->names[i]);
    }
    return true;
}

/* The payload is there and whole. */
static attempt take_answer(psi_meeting *meeting, const psi_meeting_header *header,
                           const uint8_t *payload, const psi_address *reached, ps_fault *fault) {
    ps_fault theirs;
    if (header->type == PSI_MEETING_REFUSAL &&
        psi_meeting_refusal_read(payload, header->payload_size_bytes, &theirs)) {
        (void)ps_fault_set(fault, theirs.err, "%s", theirs.text);
        return ATTEMPT_FAILED;
    }
    if (header->type == PSI_MEETING_TABLE &&
        take_table(meeting, payload, header->payload_size_bytes, reached)) {
        return ATTEMPT_DONE;
    }
    return again(meeting, "what is there is no rank 0 of this version");
}

/* Asks over a connection and waits for the answer. */
static attempt ask(psi_meeting *meeting, int fd, const psi_address *reached, ps_fault *fault) {
    psi_join own = meeting->own;
    if (own.address.size_bytes == 0) {
        own.address = psi_socket_own_address(fd);
        psi_address at = {.size_bytes = sizeof at.storage};
        (void)getsockname(meeting->listener, (struct sockaddr *)&at.storage, &at.size_bytes);
        psi_address_set_port(&own.address, psi_address_port(&at));
    }
    meeting->message.size_bytes = 0;
    if (!psi_meeting_join_write(&own, meeting->options->aspects, meeting->options->aspect_count,
                                &meeting->message)) {
        (void)ps_fault_set(fault, PS_ENOMEM, "no memory to greet rank 0");
        return ATTEMPT_FAILED;
    }
    if (!psi_meeting_send(fd, &meeting->message, connect_timeout_s)) {
        return again(meeting, "it takes no greeting");
    }
    /* Rank 0 has its own deadline, which may have begun later, and tells who is missing. */
    const double until_s = psi_meeting_now_s() + 2.0 * meeting->start_timeout_s + 5.0;
    uint8_t head[PSI_MEETING_HEADER_BYTES];
    psi_meeting_header header;
    if (!receive(meeting, fd, head, sizeof head, until_s)) {
        return again(meeting, "it closed the connection without an answer");
    }
    if (!psi_meeting_header_read(head, PSI_MEETING_TABLE_MAX_BYTES, &header)) {
        return again(meeting, "what listens there is no tortoise");
    }
    uint8_t *const payload = malloc(header.payload_size_bytes + 1);
    if (payload == NULL) {
        (void)ps_fault_set(fault, PS_ENOMEM, "no memory for the addresses of all ranks");
        return ATTEMPT_FAILED;
    }
    attempt outcome;
    if (receive(meeting, fd, payload, header.payload_size_bytes, until_s) &&
        psi_meeting_payload_is_whole(&header, payload)) {
        outcome = take_answer(meeting, &header, payload, reached, fault);
    } else {
        outcome = again(meeting, "its answer was damaged");
    }
    free(payload);
    return outcome;
}

static attempt try_address(psi_meeting *meeting, const psi_address *address, ps_fault *fault) {
    char text[PSI_ADDRESS_TEXT_BYTES];
    char why[200];
    int fd = -1;
    ps_fault trouble = {0};
    psi_address_format(address, text);
    if (psi_socket_connect(address, &fd, &trouble) != PS_OK) {
        return again(meeting, trouble.text);
    }
    const bool is_ready = await(meeting, fd, POLLOUT, psi_meeting_now_s() + connect_timeout_s);
    const int reason = is_ready ? psi_socket_error(fd) : ETIMEDOUT;
    attempt outcome;
    if (reason != 0) {
        (void)snprintf(why, sizeof why, "%s: %s", text, strerror(reason));
        outcome = again(meeting, why);
    } else {
        outcome = ask(meeting, fd, address, fault);
    }
    (void)close(fd);
    return outcome;
}

/* Over the socket of this machine. */
static attempt try_local(psi_meeting *meeting, ps_fault *fault) {
    struct sockaddr_un address;
    const socklen_t size_bytes = psi_meeting_local_address(meeting, &address);
    const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    attempt outcome;
    if (fd < 0 || connect(fd, (const struct sockaddr *)&address, size_bytes) != 0) {
        outcome = again(meeting, strerror(errno));
    } else if (!psi_meeting_is_own_user(fd)) {
        (void)ps_fault_set(fault, PS_EPEER,
                           "another user's process has taken the place of rank 0 on this machine; "
                           "choose another --job");
        outcome = ATTEMPT_FAILED;
    } else {
        outcome = ask(meeting, fd, NULL, fault);
    }
    if (fd >= 0) {
        (void)close(fd);
    }
    return outcome;
}

/* One round over all addresses of the coordinator. */
static attempt try_all(psi_meeting *meeting, ps_fault *fault) {
    if (meeting->options->coordinator == NULL) {
        return try_local(meeting, fault);
    }
    psi_addresses found = {0};
    ps_fault unknown = {0};
    const ps_err err =
        psi_address_resolve(meeting->coordinator_host, meeting->coordinator_port, &found, &unknown);
    if (err != PS_OK && found.is_final && !meeting->options->names_may_appear) {
        (void)ps_fault_set(fault, err, "--coordinator: %s", unknown.text);
        return ATTEMPT_FAILED;
    }
    attempt outcome = err == PS_OK ? ATTEMPT_AGAIN : again(meeting, unknown.text);
    for (size_t i = 0; i < found.count && outcome == ATTEMPT_AGAIN; i++) {
        outcome = try_address(meeting, &found.items[i], fault);
    }
    return outcome;
}

ps_err psi_meeting_attend(psi_meeting *meeting, ps_fault *fault) {
    const double until_s = psi_meeting_now_s() + meeting->start_timeout_s;
    double backoff_s = backoff_min_s;
    ps_fault failure = {0};
    for (;;) {
        const attempt outcome = try_all(meeting, &failure);
        if (outcome == ATTEMPT_DONE) {
            return PS_OK;
        }
        if (psi_meeting_is_interrupted(meeting)) {
            return ps_fault_set(fault, PS_ESTOPPED, "interrupted before all ranks were there");
        }
        if (outcome == ATTEMPT_FAILED) {
            return ps_fault_set(fault, failure.err, "%s", failure.text);
        }
        if (psi_meeting_now_s() + backoff_s >= until_s) {
            break;
        }
        (void)poll(NULL, 0, (int)(backoff_s * 1e3)); /* a pause between two questions */
        backoff_s = backoff_s * 2.0 < backoff_max_s ? backoff_s * 2.0 : backoff_max_s;
    }
    const char *const coordinator = meeting->options->coordinator;
    return ps_fault_set(
        fault, PS_EPEER,
        "rank %u on %s found no rank 0 at %s within %.3g s (%s); is it started, and may this "
        "machine reach it?",
        meeting->options->rank, meeting->own.host,
        coordinator == NULL ? "the socket of this machine" : coordinator, meeting->start_timeout_s,
        meeting->refusal);
}
