#define _GNU_SOURCE /* struct ucred */
#include "runtime/meeting.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <sys/un.h>
#include <unistd.h>

enum { DEFAULT_PORT = PSI_RUNTIME_COORDINATOR_PORT };

double psi_meeting_now_s(void) {
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

bool psi_meeting_is_interrupted(const psi_meeting *meeting) {
    return meeting->interrupted != NULL && *meeting->interrupted != 0;
}

bool psi_meeting_send(int fd, const psi_buffer *message, double timeout_s) {
    const double until_s = psi_meeting_now_s() + timeout_s;
    size_t sent = 0;
    while (sent < message->size_bytes) {
        const ssize_t got =
            send(fd, message->bytes + sent, message->size_bytes - sent, MSG_NOSIGNAL);
        if (got >= 0) {
            sent += (size_t)got;
            continue;
        }
        const double left_s = until_s - psi_meeting_now_s();
        if ((errno != EAGAIN && errno != EINTR) || left_s <= 0.0) {
            return false;
        }
        struct pollfd writable = {.fd = fd, .events = POLLOUT};
        (void)poll(&writable, 1, (int)(left_s * 1e3) + 1);
    }
    return true;
}

/* 64-bit FNV-1a (Fowler, Noll, Vo): a short name for a long one. */
static uint64_t hash_text(const char *text) {
    uint64_t hash = UINT64_C(0xcbf29ce484222325);
    for (; *text != '\0'; text++) {
        hash = (hash ^ (uint8_t)*text) * UINT64_C(0x100000001b3);
    }
    return hash;
}

socklen_t psi_meeting_local_address(const psi_meeting *meeting, struct sockaddr_un *address) {
    *address = (struct sockaddr_un){.sun_family = AF_UNIX};
    const int length =
        snprintf(address->sun_path + 1, sizeof address->sun_path - 1, "tortoise-%u-%016llx",
                 (unsigned)geteuid(), (unsigned long long)hash_text(meeting->options->meeting));
    return (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + (size_t)length);
}

bool psi_meeting_is_own_user(int fd) {
    struct ucred other;
    socklen_t size_bytes = sizeof other;
    return getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &other, &size_bytes) == 0 &&
           other.uid == geteuid();
}

/* ---- Where to listen ---- */

static ps_err refuse_open(const char *what, const char *text, ps_fault *fault) {
    return ps_fault_set(fault, PS_EINVAL,
                        "%s: '%s' is not on this machine's loopback, and connections are neither "
                        "encrypted nor authenticated yet: add --insecure if everybody who can "
                        "reach these machines may be trusted",
                        what, text);
}

static bool is_loopback_name(const char *host) {
    return strcmp(host, "localhost") == 0 || strncmp(host, "127.", 4) == 0 ||
           strcmp(host, "::1") == 0;
}

/* Tries the addresses in order, with `port` each. */
static ps_err listen_at_first(psi_meeting *meeting, const psi_address *addresses, size_t count,
                              psi_address *at_out, ps_fault *fault) {
    ps_fault first = {0};
    for (size_t i = 0; i < count; i++) {
        ps_fault trouble = {0};
        const ps_err err = psi_socket_listen(&addresses[i], (int)meeting->size + 16,
                                             &meeting->listener, at_out, &trouble);
        if (err == PS_OK) {
            return PS_OK;
        }
        (void)ps_fault_set(&first, err, "%s", trouble.text);
    }
    return ps_fault_set(fault, first.err, "%s", first.text);
}

/* At all addresses of this machine, of both families if it has both. */
static ps_err listen_at_all(psi_meeting *meeting, uint16_t port, psi_address *at_out,
                            ps_fault *fault) {
    const psi_address any[2] = {psi_address_any(true, port), psi_address_any(false, port)};
    return listen_at_first(meeting, any, 2, at_out, fault);
}

/* --bind ADDRESS[:PORT] */
static ps_err listen_as_told(psi_meeting *meeting, uint16_t port, psi_address *at_out,
                             ps_fault *fault) {
    const psi_rank_options *const options = meeting->options;
    char host[PSI_ADDRESS_HOST_BYTES];
    psi_addresses found = {0};
    PS_TRY(psi_address_split(options->bind, "--bind", port, host, &port, fault));
    if (host[0] == '\0' || strcmp(host, "*") == 0) {
        return options->is_insecure ? listen_at_all(meeting, port, at_out, fault)
                                    : refuse_open("--bind", options->bind, fault);
    } else {
        PS_TRY(psi_address_resolve(host, port, &found, fault));
    }
    for (size_t i = 0; i < found.count; i++) {
        if (!options->is_insecure && !psi_address_is_loopback(&found.items[i])) {
            return refuse_open("--bind", options->bind, fault);
        }
    }
    return listen_at_first(meeting, found.items, found.count, at_out, fault);
}

/* Without --bind: at the coordinator's loopback address if it has one, else at all addresses. */
static ps_err listen_by_default(psi_meeting *meeting, uint16_t port, psi_address *at_out,
                                ps_fault *fault) {
    psi_addresses found = {0};
    if (meeting->options->coordinator == NULL) {
        return psi_socket_listen_local((int)meeting->size, &meeting->listener, at_out, fault);
    }
    if (meeting->options->is_insecure && !is_loopback_name(meeting->coordinator_host)) {
        return listen_at_all(meeting, port, at_out, fault);
    }
    PS_TRY(psi_address_resolve(meeting->coordinator_host, port, &found, fault));
    return listen_at_first(meeting, found.items, found.count, at_out, fault);
}

/* Without --insecure the coordinator must be on loopback: that is known before anything is sent. */
static ps_err check_coordinator(psi_meeting *meeting, ps_fault *fault) {
    const psi_rank_options *const options = meeting->options;
    psi_addresses found = {0};
    PS_TRY(psi_address_split(options->coordinator, "--coordinator", DEFAULT_PORT,
                             meeting->coordinator_host, &meeting->coordinator_port, fault));
    if (meeting->coordinator_host[0] == '\0') {
        return ps_fault_set(fault, PS_EINVAL, "--coordinator: '%s' names no host",
                            options->coordinator);
    }
    if (options->is_insecure) {
        return PS_OK;
    }
    PS_TRY(
        psi_address_resolve(meeting->coordinator_host, meeting->coordinator_port, &found, fault));
    for (size_t i = 0; i < found.count; i++) {
        if (!psi_address_is_loopback(&found.items[i])) {
            return refuse_open("--coordinator", options->coordinator, fault);
        }
    }
    return PS_OK;
}

/* What to tell the others: --advertise, or the address listened at; none if that is "all". */
static ps_err choose_own_address(psi_meeting *meeting, const psi_address *at, ps_fault *fault) {
    const char *const advertise = meeting->options->advertise;
    meeting->own.address = psi_address_is_any(at) ? (psi_address){0} : *at;
    if (advertise == NULL) {
        return PS_OK;
    }
    char host[PSI_ADDRESS_HOST_BYTES];
    psi_addresses found = {0};
    uint16_t port = psi_address_port(at);
    PS_TRY(psi_address_split(advertise, "--advertise", port, host, &port, fault));
    PS_TRY(psi_address_resolve(host, port, &found, fault));
    if (!meeting->options->is_insecure && !psi_address_is_loopback(&found.items[0])) {
        return refuse_open("--advertise", advertise, fault);
    }
    if (psi_address_is_any(&found.items[0])) {
        return ps_fault_set(fault, PS_EINVAL,
                            "--advertise: '%s' is no address that others can connect to",
                            advertise);
    }
    meeting->own.address = found.items[0];
    return PS_OK;
}

static ps_err listen_for_locals(psi_meeting *meeting, ps_fault *fault) {
    struct sockaddr_un address;
    const socklen_t size_bytes = psi_meeting_local_address(meeting, &address);
    const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    meeting->local_listener = fd;
    if (fd < 0 || bind(fd, (const struct sockaddr *)&address, size_bytes) != 0 ||
        listen(fd, (int)meeting->size) != 0) {
        const int reason = errno;
        return reason == EADDRINUSE
                   ? ps_fault_set(fault, PS_EPEER,
                                  "there is a rank 0 of '%s' on this machine already; give every "
                                  "rank a number of its own, or this run another --job",
                                  meeting->options->meeting)
                   : ps_fault_set(fault, PS_EIO, "cannot listen for ranks of this machine: %s",
                                  strerror(reason));
    }
    return PS_OK;
}

/* ---- Opening and closing ---- */

static void copy_text(char to[static PSI_MEETING_TEXT_BYTES], const char *from) {
    (void)snprintf(to, PSI_MEETING_TEXT_BYTES, "%s", from == NULL ? "?" : from);
}

/* Writes the greeting, and reads it back: so both ranks compare what was sent. */
static ps_err write_join(psi_meeting *meeting, ps_fault *fault) {
    meeting->message.size_bytes = 0;
    const psi_rank_options *const options = meeting->options;
    psi_meeting_header header;
    if (!psi_meeting_join_write(&meeting->own, options->aspects, options->aspect_count,
                                &meeting->message)) {
        return ps_fault_set(fault, PS_ENOMEM, "no memory to greet the other ranks");
    }
    const bool is_good =
        psi_meeting_header_read(meeting->message.bytes, PSI_MEETING_JOIN_MAX_BYTES, &header) &&
        psi_meeting_join_read(&header, meeting->message.bytes + PSI_MEETING_HEADER_BYTES,
                              &meeting->own);
    PS_ASSERT(is_good);
    return PS_OK;
}

static ps_err allocate(psi_meeting *meeting, ps_fault *fault) {
    meeting->addresses = calloc(meeting->size, sizeof *meeting->addresses);
    meeting->names = calloc(meeting->size, sizeof *meeting->names);
    if (meeting->addresses == NULL || meeting->names == NULL) {
        return ps_fault_set(fault, PS_ENOMEM, "no memory for %u ranks", meeting->size);
    }
    return PS_OK;
}

ps_err psi_meeting_open(psi_meeting *meeting, const psi_plan *plan, const psi_rank_options *options,
                        double start_timeout_s, ps_fault *fault) {
    *meeting = (psi_meeting){.options = options,
                             .size = plan->node_count,
                             .start_timeout_s = start_timeout_s,
                             .interrupted = plan->interrupted,
                             .listener = -1,
                             .local_listener = -1};
    meeting->own = (psi_join){.link_version = PSI_LINK_VERSION,
                              .frame_version = PSI_FRAME_VERSION,
                              .rank = options->rank,
                              .size = plan->node_count,
                              .plan_hash = psi_plan_hash(plan)};
    copy_text(meeting->own.program, options->program);
    copy_text(meeting->own.job, options->job);
    copy_text(meeting->own.host, options->host);
    PS_TRY(allocate(meeting, fault));
    if (options->coordinator != NULL) {
        PS_TRY(check_coordinator(meeting, fault));
    }
    const bool is_host = options->rank == 0;
    const uint16_t port = is_host ? meeting->coordinator_port : 0;
    psi_address at;
    if (options->bind != NULL) {
        PS_TRY(listen_as_told(meeting, port, &at, fault));
    } else if (is_host || options->coordinator == NULL) {
        PS_TRY(listen_by_default(meeting, port, &at, fault));
    } else {
        const bool is_far = options->is_insecure && !is_loopback_name(meeting->coordinator_host);
        PS_TRY(is_far ? listen_at_all(meeting, 0, &at, fault)
                      : psi_socket_listen_local((int)meeting->size + 16, &meeting->listener, &at,
                                                fault));
    }
    PS_TRY(choose_own_address(meeting, &at, fault));
    if (is_host && options->coordinator == NULL) {
        PS_TRY(listen_for_locals(meeting, fault));
    }
    return write_join(meeting, fault);
}

void psi_meeting_close(psi_meeting *meeting) {
    if (meeting->listener >= 0) {
        (void)close(meeting->listener);
    }
    if (meeting->local_listener >= 0) {
        (void)close(meeting->local_listener);
    }
    psi_buffer_fini(&meeting->message);
    free(meeting->addresses);
    free(meeting->names);
    *meeting = (psi_meeting){.listener = -1, .local_listener = -1};
}
