/* Rank 0: everybody comes to it. */
#define _GNU_SOURCE /* accept4 */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sys/random.h>
#include <unistd.h>

#include "runtime/meeting.h"

/* How long a connection may be silent, and how long its answer may take. */
static const double greeting_timeout_s = 5.0;
static const double answer_timeout_s = 5.0;
static const double poll_period_s = 0.1;

enum { STRANGERS_MAX = 64, ROOM_BYTES = PSI_MEETING_HEADER_BYTES + PSI_MEETING_JOIN_MAX_BYTES };

/* A connection. */
typedef struct guest {
    int fd; /* -1: free */
    double since_s;
    uint8_t *bytes; /* owned; of a greeting that is not yet whole; NULL once it is seated */
    size_t filled_bytes;
    bool is_seated;
    bool is_local; /* came over the socket of this machine */
    uint32_t rank;
    psi_address address; /* where it says that it listens */
} guest;

typedef struct hall {
    psi_meeting *meeting;
    guest *guests;  /* owned */
    size_t count;   /* places */
    bool *has_rank; /* owned */
    uint32_t seated_count;
    struct pollfd *polled; /* owned; two listeners, then one per guest */
    double until_s;
} hall;

static void guest_close(hall *all, guest *one, const char *why) {
    if (why != NULL) {
        (void)snprintf(all->meeting->refusal, sizeof all->meeting->refusal, "%s", why);
    }
    if (one->is_seated) {
        all->has_rank[one->rank] = false;
        all->seated_count--;
    }
    (void)close(one->fd);
    free(one->bytes);
    *one = (guest){.fd = -1};
}

static void guest_refuse(hall *all, guest *one, const ps_fault *fault) {
    psi_buffer message = {0};
    if (psi_meeting_refusal_write(fault->err, fault->text, &message)) {
        const bool is_told = psi_meeting_send(one->fd, &message, 0.0);
        (void)is_told; /* one that does not read need not know */
    }
    psi_buffer_fini(&message);
    guest_close(all, one, fault->text);
}

/* Tells everybody why the run does not begin. */
static void refuse_all(hall *all, const ps_fault *fault) {
    for (size_t i = 0; i < all->count; i++) {
        if (all->guests[i].fd >= 0) {
            guest_refuse(all, &all->guests[i], fault);
        }
    }
}

static void seat(hall *all, guest *one, const psi_join *join) {
    one->rank = join->rank;
    one->address = join->address;
    one->is_seated = true;
    free(one->bytes);
    one->bytes = NULL;
    all->has_rank[one->rank] = true;
    all->seated_count++;
    (void)snprintf(all->meeting->names[one->rank], PSI_MEETING_TEXT_BYTES, "%s", join->host);
}

/* A greeting is whole. Returns the error that ends the meeting, if any. */
static ps_err judge(hall *all, guest *one, const psi_meeting_header *header, ps_fault *fault) {
    psi_join join;
    ps_fault why = {0};
    const uint8_t *const payload = one->bytes + PSI_MEETING_HEADER_BYTES;
    if (!psi_meeting_payload_is_whole(header, payload) ||
        !psi_meeting_join_read(header, payload, &join)) {
        guest_close(all, one, "it sent a malformed greeting");
        return PS_OK;
    }
    switch (psi_meeting_judge(&all->meeting->own, &join, header->format, &why)) {
    case PSI_MEETING_WELCOME:
        break;
    case PSI_MEETING_OTHER_JOB:
        guest_refuse(all, one, &why);
        return PS_OK;
    case PSI_MEETING_MISFIT:
        guest_refuse(all, one, &why);
        return ps_fault_set(fault, why.err, "%s", why.text);
    }
    if (all->has_rank[join.rank]) {
        (void)ps_fault_set(&why, PS_EPEER,
                           "a second rank %u, on %s, was refused: there is one on %s already; give "
                           "every rank a number of its own",
                           join.rank, join.host, all->meeting->names[join.rank]);
        guest_refuse(all, one, &why);
        return PS_OK;
    }
    if (join.address.size_bytes == 0) {
        guest_close(all, one, "it did not say where it listens");
        return PS_OK;
    }
    seat(all, one, &join);
    return PS_OK;
}

static void guest_leaves(hall *all, guest *one) {
    char why[PSI_MEETING_TEXT_BYTES + 64];
    (void)snprintf(why, sizeof why, "rank %u on %s went away before the start", one->rank,
                   all->meeting->names[one->rank]);
    guest_close(all, one, one->is_seated ? why : "it went away before it greeted");
}

static ps_err guest_ready(hall *all, guest *one, ps_fault *fault) {
    uint8_t unexpected;
    uint8_t *const to = one->is_seated ? &unexpected : one->bytes + one->filled_bytes;
    size_t wanted = 1;
    psi_meeting_header header = {0};
    if (!one->is_seated && one->filled_bytes < PSI_MEETING_HEADER_BYTES) {
        wanted = PSI_MEETING_HEADER_BYTES - one->filled_bytes;
    } else if (!one->is_seated) {
        const bool is_good =
            psi_meeting_header_read(one->bytes, PSI_MEETING_JOIN_MAX_BYTES, &header);
        PS_ASSERT(is_good); /* looked at when it was complete */
        wanted = PSI_MEETING_HEADER_BYTES + header.payload_size_bytes - one->filled_bytes;
    }
    const ssize_t got = recv(one->fd, to, wanted, 0);
    if (got < 0 && (errno == EAGAIN || errno == EINTR)) {
        return PS_OK;
    }
    if (got <= 0 || one->is_seated) {
        guest_leaves(all, one);
        return PS_OK;
    }
    one->filled_bytes += (size_t)got;
    if (one->filled_bytes < PSI_MEETING_HEADER_BYTES) {
        return PS_OK;
    }
    if (!psi_meeting_header_read(one->bytes, PSI_MEETING_JOIN_MAX_BYTES, &header) ||
        header.type != PSI_MEETING_JOIN) {
        guest_close(all, one, "it sent something else than a greeting");
        return PS_OK;
    }
    const bool is_whole =
        one->filled_bytes == PSI_MEETING_HEADER_BYTES + (size_t)header.payload_size_bytes;
    return is_whole ? judge(all, one, &header, fault) : PS_OK;
}

static void welcome(hall *all, int listener, bool is_local) {
    size_t strangers = 0;
    guest *place = NULL;
    for (size_t i = 0; i < all->count; i++) {
        strangers += all->guests[i].fd >= 0 && !all->guests[i].is_seated;
        place = all->guests[i].fd < 0 ? &all->guests[i] : place;
    }
    if (strangers >= STRANGERS_MAX || place == NULL) {
        return; /* it waits in the system's queue */
    }
    const int fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd < 0) {
        return;
    }
    uint8_t *const bytes = malloc(ROOM_BYTES);
    if (bytes == NULL || (is_local && !psi_meeting_is_own_user(fd))) {
        free(bytes);
        (void)close(fd);
        return;
    }
    *place =
        (guest){.fd = fd, .since_s = psi_meeting_now_s(), .bytes = bytes, .is_local = is_local};
}

static void close_silent(hall *all, double now_s) {
    for (size_t i = 0; i < all->count; i++) {
        guest *const one = &all->guests[i];
        if (one->fd >= 0 && !one->is_seated && now_s >= one->since_s + greeting_timeout_s) {
            guest_close(all, one, "it did not greet");
        }
    }
}

/* Waits a moment and deals with what came. */
static ps_err look_around(hall *all, ps_fault *fault) {
    psi_meeting *const meeting = all->meeting;
    all->polled[0] = (struct pollfd){.fd = meeting->listener, .events = POLLIN};
    all->polled[1] = (struct pollfd){.fd = meeting->local_listener, .events = POLLIN};
    for (size_t i = 0; i < all->count; i++) {
        all->polled[2 + i] = (struct pollfd){.fd = all->guests[i].fd, .events = POLLIN};
    }
    (void)poll(all->polled, 2 + all->count, (int)(poll_period_s * 1e3));
    for (size_t i = 0; i < all->count; i++) {
        if (all->polled[2 + i].revents != 0 && all->polled[2 + i].fd >= 0) {
            PS_TRY(guest_ready(all, &all->guests[i], fault));
        }
    }
    if ((all->polled[0].revents & POLLIN) != 0) {
        welcome(all, meeting->listener, false);
    }
    if ((all->polled[1].revents & POLLIN) != 0) {
        welcome(all, meeting->local_listener, true);
    }
    close_silent(all, psi_meeting_now_s());
    return PS_OK;
}

/* "2 (n03), 5 to 7" */
static void list_missing(const hall *all, char *text, size_t text_size) {
    const psi_hosts *const hosts = all->meeting->options->hosts;
    size_t used = 0;
    text[0] = '\0';
    for (uint32_t rank = 1; rank < all->meeting->size; rank++) {
        if (all->has_rank[rank]) {
            continue;
        }
        uint32_t last = rank;
        const char *const host = hosts == NULL ? NULL : psi_hosts_name_of(hosts, rank);
        while (host == NULL && last + 1 < all->meeting->size && !all->has_rank[last + 1]) {
            last++;
        }
        char next[PSI_HOST_NAME_BYTES + 32];
        if (host != NULL) {
            (void)snprintf(next, sizeof next, "%s%u (%s)", used > 0 ? ", " : "", rank, host);
        } else if (last > rank) {
            (void)snprintf(next, sizeof next, "%s%u to %u", used > 0 ? ", " : "", rank, last);
        } else {
            (void)snprintf(next, sizeof next, "%s%u", used > 0 ? ", " : "", rank);
        }
        if (used + strlen(next) + 5 > text_size) {
            (void)snprintf(text + used, text_size - used, " ...");
            return;
        }
        (void)strcpy(text + used, next);
        used += strlen(next);
        rank = last;
    }
}

static ps_err say_missing(const hall *all, ps_fault *fault) {
    const psi_meeting *const meeting = all->meeting;
    char missing[200];
    char refused[200] = "";
    list_missing(all, missing, sizeof missing);
    if (meeting->refusal[0] != '\0') {
        (void)snprintf(refused, sizeof refused, "; a connection was closed: %.160s",
                       meeting->refusal);
    }
    const uint32_t missing_count = meeting->size - 1 - all->seated_count;
    return ps_fault_set(fault, PS_EPEER,
                        "after %.3g s %u of %u ranks are missing: %s%s; start them, or give them "
                        "more time with --start-timeout",
                        meeting->start_timeout_s, missing_count, meeting->size, missing, refused);
}

static ps_err wait_for_all(hall *all, ps_fault *fault) {
    while (all->seated_count + 1 < all->meeting->size) {
        if (psi_meeting_is_interrupted(all->meeting)) {
            return ps_fault_set(fault, PS_ESTOPPED, "interrupted before all ranks were there");
        }
        if (psi_meeting_now_s() >= all->until_s) {
            return say_missing(all, fault);
        }
        PS_TRY(look_around(all, fault));
    }
    return PS_OK;
}

/* ---- The table ---- */

/* The addresses as one guest can use them. What listens on this machine's loopback is, for a guest
 * from elsewhere, where that guest reached this machine. */
static void table_for(const hall *all, const guest *one, psi_address *table) {
    const psi_meeting *const meeting = all->meeting;
    const psi_address reached = one->is_local ? (psi_address){0} : psi_socket_own_address(one->fd);
    const bool is_far = reached.size_bytes > 0 && !psi_address_is_loopback(&reached);
    for (uint32_t rank = 0; rank < meeting->size; rank++) {
        table[rank] = meeting->addresses[rank];
        if (is_far && table[rank].size_bytes > 0 && psi_address_is_loopback(&table[rank])) {
            const uint16_t port = psi_address_port(&table[rank]);
            table[rank] = reached;
            psi_address_set_port(&table[rank], port);
        }
    }
}

static ps_err tell_all(hall *all, ps_fault *fault) {
    psi_meeting *const meeting = all->meeting;
    psi_address *const table = calloc(meeting->size, sizeof *table);
    psi_buffer message = {0};
    ps_err err = table == NULL ? PS_ENOMEM : PS_OK;
    for (size_t i = 0; i < all->count && err == PS_OK; i++) {
        guest *const one = &all->guests[i];
        if (one->fd < 0 || !one->is_seated) {
            continue;
        }
        message.size_bytes = 0;
        table_for(all, one, table);
        if (!psi_meeting_table_write(meeting->job_id, table, meeting->size, &message)) {
            err = PS_ENOMEM;
        } else if (!psi_meeting_send(one->fd, &message, answer_timeout_s)) {
            err = ps_fault_set(fault, PS_EPEER,
                               "rank %u on %s does not take the addresses of the others: it is "
                               "gone or stopped",
                               one->rank, meeting->names[one->rank]);
        }
    }
    psi_buffer_fini(&message);
    free(table);
    return err == PS_ENOMEM ? ps_fault_set(fault, err, "no memory for the addresses of all ranks")
                            : err;
}

static void hall_close(hall *all) {
    for (size_t i = 0; all->guests != NULL && i < all->count; i++) {
        if (all->guests[i].fd >= 0) {
            (void)close(all->guests[i].fd);
            free(all->guests[i].bytes);
        }
    }
    free(all->guests);
    free(all->has_rank);
    free(all->polled);
}

static ps_err hall_open(hall *all, psi_meeting *meeting, ps_fault *fault) {
    *all = (hall){.meeting = meeting, .count = meeting->size + STRANGERS_MAX};
    all->guests = calloc(all->count, sizeof *all->guests);
    all->has_rank = calloc(meeting->size, sizeof *all->has_rank);
    all->polled = calloc(all->count + 2, sizeof *all->polled);
    if (all->guests == NULL || all->has_rank == NULL || all->polled == NULL) {
        free(all->guests);
        all->guests = NULL;
        return ps_fault_set(fault, PS_ENOMEM, "no memory for %u ranks", meeting->size);
    }
    for (size_t i = 0; i < all->count; i++) {
        all->guests[i].fd = -1;
    }
    all->until_s = psi_meeting_now_s() + meeting->start_timeout_s;
    return PS_OK;
}

ps_err psi_meeting_host(psi_meeting *meeting, ps_fault *fault) {
    hall all;
    ps_fault why = {0};
    ps_err err = hall_open(&all, meeting, &why);
    if (err == PS_OK &&
        getrandom(meeting->job_id, sizeof meeting->job_id, 0) != (ssize_t)sizeof meeting->job_id) {
        err = ps_fault_set(&why, PS_EIO, "no random numbers from the system: %s", strerror(errno));
    }
    if (err == PS_OK) {
        err = wait_for_all(&all, &why);
    }
    if (err == PS_OK) {
        (void)snprintf(meeting->names[0], PSI_MEETING_TEXT_BYTES, "%s", meeting->own.host);
        meeting->addresses[0] = meeting->own.address;
        for (size_t i = 0; i < all.count; i++) {
            if (all.guests[i].fd >= 0 && all.guests[i].is_seated) {
                meeting->addresses[all.guests[i].rank] = all.guests[i].address;
            }
        }
        err = tell_all(&all, &why);
    }
    if (err != PS_OK) {
        refuse_all(&all, &why);
        (void)ps_fault_set(fault, err, "%s", why.text);
    }
    hall_close(&all);
    return err;
}
