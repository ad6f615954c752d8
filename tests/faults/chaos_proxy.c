#define _GNU_SOURCE
#include "chaos_proxy.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

enum { PIECE_BYTES = 4096, CONNECTIONS_MAX = 32, GATES_MAX = 8 };

/* One direction of a connection holds one piece at a time. */
typedef struct stream {
    int from, to;
    uint8_t piece[PIECE_BYTES];
    size_t begin, end;
    double due_s; /* when the piece may go on */
    uint64_t passed_bytes;
    bool has_ended, is_stalled;
    bool is_chosen; /* the plan's one thing happens here */
} stream;

typedef struct proxy {
    const chaos_gate *gates;
    uint32_t gate_count;
    const chaos_plan *plan;
    chaos_state *state;
    stream streams[2 * CONNECTIONS_MAX]; /* connection c: 2c upstream, 2c + 1 downstream */
    uint32_t connection_count;
    bool gate_was_used[GATES_MAX];
    uint64_t draws;
} proxy;

static double now_s(void) {
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

/* In [0, 1). */
static double draw(proxy *p) {
    uint64_t x = (p->plan->seed + 1) * UINT64_C(0x9e3779b97f4a7c15) + ++p->draws;
    x = (x ^ x >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    x = (x ^ x >> 27) * UINT64_C(0x94d049bb133111eb);
    return (double)((x ^ x >> 31) >> 11) * 0x1p-53;
}

static void no_delay(int fd) {
    const int on = 1;
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    (void)fcntl(fd, F_SETFL, O_NONBLOCK);
}

static void accept_through(proxy *p, uint32_t gate) {
    const int near = accept4(p->gates[gate].listener, NULL, NULL, SOCK_CLOEXEC);
    if (near < 0) {
        return;
    }
    const psi_address *const target = &p->gates[gate].target;
    const int far = socket(target->storage.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (p->connection_count == CONNECTIONS_MAX ||
        connect(far, (const struct sockaddr *)&target->storage, target->size_bytes) != 0) {
        (void)close(near);
        (void)close(far);
        return;
    }
    no_delay(near);
    no_delay(far);
    const bool is_first = gate == p->plan->gate && !p->gate_was_used[gate];
    p->gate_was_used[gate] = true;
    stream *const up = &p->streams[2 * p->connection_count];
    stream *const down = up + 1;
    up->from = down->to = near;
    up->to = down->from = far;
    up->is_chosen = is_first && p->plan->is_upstream;
    down->is_chosen = is_first && !p->plan->is_upstream;
    p->connection_count++;
}

/* Closes both directions of the connection that `s` is of. */
static void cut(proxy *p, const stream *s, bool is_reset) {
    stream *const up = &p->streams[(size_t)(s - p->streams) / 2 * 2];
    const struct linger at_once = {.l_onoff = 1, .l_linger = 0};
    for (int i = 0; i < 2; i++) {
        if (is_reset) {
            (void)setsockopt(up[i].from, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
        }
        up[i].has_ended = true;
    }
    (void)close(up[0].from);
    (void)close(up[0].to);
}

/* Does the plan's one thing as soon as its byte is in the piece. Returns whether the stream goes
 * on. */
static bool strike(proxy *p, stream *s) {
    const uint64_t at = p->plan->after_bytes - s->passed_bytes;
    if (!s->is_chosen || atomic_load(&p->state->is_done) || at >= s->end) {
        return true;
    }
    switch (p->plan->kind) {
    case CHAOS_STALL:
        s->is_stalled = true;
        break;
    case CHAOS_FLIP:
        s->piece[at] ^= (uint8_t)(1u << (uint32_t)(draw(p) * 8.0));
        break;
    case CHAOS_RESET:
    case CHAOS_TRUNCATE:
        (void)send(s->to, s->piece, at, MSG_NOSIGNAL);
        cut(p, s, p->plan->kind == CHAOS_RESET);
        break;
    case CHAOS_NOTHING:
    case CHAOS_DELAY:
    case CHAOS_BYTES:
    case CHAOS_KINDS:
        return true;
    }
    atomic_store(&p->state->is_done, true);
    return p->plan->kind == CHAOS_FLIP;
}

static void read_piece(proxy *p, stream *s) {
    const ssize_t count = recv(s->from, s->piece, sizeof s->piece, 0);
    if (count < 0 && (errno == EAGAIN || errno == EINTR)) {
        return;
    }
    if (count <= 0) { /* an end or a loss is passed on as an end */
        s->has_ended = true;
        (void)shutdown(s->to, SHUT_WR);
        return;
    }
    s->begin = 0;
    s->end = (size_t)count;
    s->due_s = p->plan->kind == CHAOS_DELAY ? now_s() + 0.005 * draw(p) : 0.0;
    (void)strike(p, s);
}

static void write_piece(proxy *p, stream *s) {
    const size_t left = s->end - s->begin;
    const size_t size = p->plan->kind == CHAOS_BYTES ? 1 : left;
    const ssize_t count = send(s->to, s->piece + s->begin, size, MSG_NOSIGNAL);
    if (count < 0 && (errno == EAGAIN || errno == EINTR)) {
        return;
    }
    if (count <= 0) {
        s->has_ended = true;
        (void)shutdown(s->from, SHUT_RD);
        return;
    }
    s->begin += (size_t)count;
    s->passed_bytes += (uint64_t)count;
    atomic_fetch_add(&p->state->bytes, (uint64_t)count);
}

/* What the stream waits for: its source, its destination, or a time. */
static struct pollfd interest_of(const stream *s, double time_s, double *wake_s) {
    if (s->has_ended || s->is_stalled) {
        return (struct pollfd){.fd = -1};
    }
    if (s->begin == s->end) {
        return (struct pollfd){.fd = s->from, .events = POLLIN};
    }
    if (s->due_s > time_s) {
        *wake_s = s->due_s < *wake_s ? s->due_s : *wake_s;
        return (struct pollfd){.fd = -1};
    }
    return (struct pollfd){.fd = s->to, .events = POLLOUT};
}

static void one_round(proxy *p) {
    struct pollfd polled[GATES_MAX + 2 * CONNECTIONS_MAX];
    const double time_s = now_s();
    double wake_s = time_s + 1.0;
    const uint32_t stream_count = 2 * p->connection_count;
    for (uint32_t i = 0; i < p->gate_count; i++) {
        polled[i] = (struct pollfd){.fd = p->gates[i].listener, .events = POLLIN};
    }
    for (uint32_t i = 0; i < stream_count; i++) {
        polled[p->gate_count + i] = interest_of(&p->streams[i], time_s, &wake_s);
    }
    (void)poll(polled, p->gate_count + stream_count, (int)((wake_s - time_s) * 1e3) + 1);
    for (uint32_t i = 0; i < stream_count; i++) {
        stream *const s = &p->streams[i];
        const struct pollfd *const ready = &polled[p->gate_count + i];
        if (ready->fd < 0 || ready->revents == 0 || s->has_ended) {
            continue;
        }
        if (s->begin == s->end) {
            read_piece(p, s);
        } else {
            write_piece(p, s);
        }
    }
    for (uint32_t i = 0; i < p->gate_count; i++) {
        if (polled[i].revents != 0) {
            accept_through(p, i);
        }
    }
}

void chaos_proxy_run(const chaos_gate *gates, uint32_t gate_count, const chaos_plan *plan,
                     chaos_state *state) {
    proxy *const p = calloc(1, sizeof *p);
    if (p == NULL || gate_count > GATES_MAX) {
        abort();
    }
    *p = (proxy){.gates = gates, .gate_count = gate_count, .plan = plan, .state = state};
    for (;;) {
        one_round(p);
    }
}

const char *chaos_kind_name(chaos_kind kind) {
    static const char *const names[CHAOS_KINDS] = {"nothing", "delay",    "bytes", "stall",
                                                   "reset",   "truncate", "flip"};
    return names[kind];
}
