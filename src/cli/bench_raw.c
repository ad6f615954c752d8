#include "bench_raw.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bench.h"

enum { REPEATS_MAX = 16, WARM = 100, SMALL_BYTES = 32, DRAIN_BYTES = 1 << 16, TRIPS_MAX = 100000 };

/* One end of a connection. */
typedef struct raw_end {
    const tt_raw_case *what;
    int socket;
    uint8_t *frames; /* `window` of them: a pull lands in one after the other */
    uint64_t sent;   /* frames */
    double *trips;   /* seconds each; of the first end, for PING_PONG */
    size_t trip_count;
} raw_end;

static bool send_all(const raw_end *end, const void *bytes, size_t size_bytes) {
    const uint8_t *at = bytes;
    while (size_bytes > 0) {
        const ssize_t moved = send(end->socket, at, size_bytes, MSG_NOSIGNAL);
        if (moved < 0 && errno == EINTR) {
            continue;
        }
        if (moved <= 0) {
            return false;
        }
        at += moved;
        size_bytes -= (size_t)moved;
    }
    return true;
}

static bool recv_all(const raw_end *end, void *bytes, size_t size_bytes) {
    const int flags = end->what->placement == TT_TWO_CORES_SPIN ? MSG_DONTWAIT : 0;
    uint8_t *at = bytes;
    while (size_bytes > 0) {
        const ssize_t moved = recv(end->socket, at, size_bytes, flags);
        if (moved < 0 && (errno == EINTR || errno == EAGAIN)) {
            continue;
        }
        if (moved <= 0) {
            return false;
        }
        at += moved;
        size_bytes -= (size_t)moved;
    }
    return true;
}

/* The first and the last bytes of a frame carry its number. */
static void stamp(uint8_t *frame, size_t size_bytes, uint64_t number) {
    memcpy(frame, &number, sizeof number);
    memcpy(frame + size_bytes - sizeof number, &number, sizeof number);
}

static bool is_stamped(const uint8_t *frame, size_t size_bytes, uint64_t number) {
    return memcmp(frame, &number, sizeof number) == 0 &&
           memcmp(frame + size_bytes - sizeof number, &number, sizeof number) == 0;
}

/* ---- The second end: answers until the first one closes ---- */

static void answer_ping_pong(const raw_end *end) {
    while (recv_all(end, end->frames, end->what->frame_bytes) &&
           send_all(end, end->frames, end->what->frame_bytes)) {
    }
}

/* Says how many bytes came, once nothing more will. */
static void answer_one_way(const raw_end *end) {
    uint64_t count_bytes = 0;
    ssize_t moved = 0;
    do {
        moved = recv(end->socket, end->frames, DRAIN_BYTES, 0);
        count_bytes += moved > 0 ? (uint64_t)moved : 0;
    } while (moved > 0 || (moved < 0 && errno == EINTR));
    (void)send_all(end, &count_bytes, sizeof count_bytes);
}

static void answer_push(const raw_end *end) {
    uint8_t small[SMALL_BYTES] = {0};
    for (uint64_t i = 0; recv_all(end, end->frames, end->what->frame_bytes); i++) {
        if (!is_stamped(end->frames, end->what->frame_bytes, i) ||
            !send_all(end, small, sizeof small)) {
            return;
        }
    }
}

static void answer_pull(const raw_end *end) {
    uint8_t small[SMALL_BYTES];
    for (uint64_t i = 0; recv_all(end, small, sizeof small); i++) {
        stamp(end->frames, end->what->frame_bytes, i);
        if (!send_all(end, end->frames, end->what->frame_bytes)) {
            return;
        }
    }
}

static void answer(const raw_end *end) {
    switch (end->what->kind) {
    case TT_RAW_PING_PONG:
        answer_ping_pong(end);
        break;
    case TT_RAW_ONE_WAY:
        answer_one_way(end);
        break;
    case TT_RAW_PUSH:
        answer_push(end);
        break;
    case TT_RAW_PULL:
        answer_pull(end);
        break;
    }
}

/* ---- The first end: measures. Each returns whether all went well. ---- */

static bool ping_pong(raw_end *end, double budget_s, double *per_s_out) {
    const size_t size_bytes = end->what->frame_bytes;
    const size_t first = end->trip_count;
    const double end_s = tt_bench_now_s() + budget_s;
    double now_s = tt_bench_now_s();
    for (size_t i = 0; i <= WARM || now_s < end_s; i++) {
        const double begin_s = now_s;
        stamp(end->frames, size_bytes, i);
        if (!send_all(end, end->frames, size_bytes) || !recv_all(end, end->frames, size_bytes) ||
            !is_stamped(end->frames, size_bytes, i)) {
            return false;
        }
        now_s = tt_bench_now_s();
        if (i >= WARM && end->trip_count < TRIPS_MAX) {
            end->trips[end->trip_count++] = now_s - begin_s;
        }
    }
    const size_t count = end->trip_count - first;
    *per_s_out = count == 0 ? 0 : 1.0 / tt_bench_quantile(end->trips + first, count, 0.5);
    return true;
}

static bool one_way(raw_end *end, double budget_s, double *per_s_out) {
    const double begin_s = tt_bench_now_s();
    double now_s = begin_s;
    uint64_t count_bytes = 0;
    while (now_s < begin_s + budget_s) {
        for (int i = 0; i < 16; i++) {
            if (!send_all(end, end->frames, end->what->frame_bytes)) {
                return false;
            }
        }
        count_bytes += 16 * end->what->frame_bytes;
        now_s = tt_bench_now_s();
    }
    uint64_t arrived_bytes = 0;
    if (shutdown(end->socket, SHUT_WR) != 0 ||
        !recv_all(end, &arrived_bytes, sizeof arrived_bytes) || arrived_bytes != count_bytes) {
        return false;
    }
    now_s = tt_bench_now_s();
    *per_s_out = (double)(count_bytes / end->what->frame_bytes) / (now_s - begin_s);
    return true;
}

static bool push(raw_end *end, double budget_s, double *per_s_out) {
    const double begin_s = tt_bench_now_s();
    const uint64_t first = end->sent;
    uint64_t answered = first;
    uint8_t small[SMALL_BYTES];
    while (tt_bench_now_s() < begin_s + budget_s) {
        if (end->sent - answered == end->what->window) {
            if (!recv_all(end, small, sizeof small)) {
                return false;
            }
            answered++;
        }
        stamp(end->frames, end->what->frame_bytes, end->sent++);
        if (!send_all(end, end->frames, end->what->frame_bytes)) {
            return false;
        }
    }
    for (; answered < end->sent; answered++) {
        if (!recv_all(end, small, sizeof small)) {
            return false;
        }
    }
    const double spent_s = tt_bench_now_s() - begin_s;
    *per_s_out = (double)(end->sent - first) * (double)end->what->frame_bytes / spent_s;
    return true;
}

static bool pull_next(const raw_end *end, uint64_t number) {
    const size_t size_bytes = end->what->frame_bytes;
    uint8_t *const frame = end->frames + number % end->what->window * size_bytes;
    return recv_all(end, frame, size_bytes) && is_stamped(frame, size_bytes, number);
}

static bool pull(raw_end *end, double budget_s, double *per_s_out) {
    const double begin_s = tt_bench_now_s();
    const uint64_t first = end->sent;
    uint64_t arrived = first;
    const uint8_t small[SMALL_BYTES] = {0};
    while (tt_bench_now_s() < begin_s + budget_s) {
        if (end->sent - arrived == end->what->window && !pull_next(end, arrived++)) {
            return false;
        }
        if (!send_all(end, small, sizeof small)) {
            return false;
        }
        end->sent++;
    }
    while (arrived < end->sent) {
        if (!pull_next(end, arrived++)) {
            return false;
        }
    }
    const double spent_s = tt_bench_now_s() - begin_s;
    *per_s_out = (double)(arrived - first) * (double)end->what->frame_bytes / spent_s;
    return true;
}

static bool measure(raw_end *end, double budget_s, double *per_s_out) {
    switch (end->what->kind) {
    case TT_RAW_PING_PONG:
        return ping_pong(end, budget_s, per_s_out);
    case TT_RAW_ONE_WAY:
        return one_way(end, budget_s, per_s_out);
    case TT_RAW_PUSH:
        return push(end, budget_s, per_s_out);
    case TT_RAW_PULL:
        return pull(end, budget_s, per_s_out);
    }
    return false;
}

/* ---- The two processes ---- */

static void place(const tt_raw_case *what, const int cpus[static 2], int side) {
    if (!what->is_free) {
        (void)tt_placement_pin(what->placement, cpus, side);
    }
}

static bool set_no_delay(int socket) {
    const int on = 1;
    return setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on) == 0;
}

/* The life of the child, which inherits the end's buffers. */
static void be_second(raw_end *end, int listener, const int cpus[static 2]) {
    end->socket = accept(listener, NULL, NULL);
    (void)close(listener);
    place(end->what, cpus, 1);
    if (end->socket >= 0 && set_no_delay(end->socket)) {
        answer(end);
    }
    _exit(0);
}

/* Connects to a child that answers; -1 on failure. */
static int connect_child(raw_end *end, const int cpus[static 2], pid_t *child_out) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof address;
    const int listener = socket(AF_INET, SOCK_STREAM, 0);
    int own = -1;
    *child_out = -1;
    if (listener < 0 || bind(listener, (const struct sockaddr *)&address, size) != 0 ||
        listen(listener, 1) != 0 ||
        getsockname(listener, (struct sockaddr *)&address, &size) != 0) {
        goto done;
    }
    *child_out = fork();
    if (*child_out == 0) {
        be_second(end, listener, cpus);
    }
    own = *child_out < 0 ? -1 : socket(AF_INET, SOCK_STREAM, 0);
    if (own >= 0 && (connect(own, (const struct sockaddr *)&address, sizeof address) != 0 ||
                     !set_no_delay(own))) {
        (void)close(own);
        own = -1;
    }
    if (own < 0) {
        (void)shutdown(listener, SHUT_RDWR); /* or the child would wait for ever */
    }
done:
    if (listener >= 0) {
        (void)close(listener);
    }
    return own;
}

/* One connection, one child; false with errno if the system or the answers fail. */
static bool measure_once(raw_end *end, const int cpus[static 2], double budget_s,
                         double *per_s_out) {
    pid_t child = -1;
    tt_cpu_mask mask;
    const bool is_known = tt_placement_save(&mask);
    end->sent = 0;
    errno = 0;
    end->socket = connect_child(end, cpus, &child);
    place(end->what, cpus, 0);
    const bool is_good = end->socket >= 0 && measure(end, budget_s, per_s_out);
    const int cause = errno;
    if (end->socket >= 0) {
        (void)close(end->socket);
    }
    if (child > 0) {
        while (waitpid(child, NULL, 0) < 0 && errno == EINTR) {
        }
    }
    if (is_known) {
        tt_placement_restore(&mask);
    }
    errno = cause;
    return is_good;
}

ps_err tt_raw_measure(const tt_raw_case *what, int repeats, double budget_s,
                      tt_raw_answer *answer_out, ps_fault *fault) {
    PS_ASSERT(repeats > 0 && repeats <= REPEATS_MAX);
    const size_t frames_bytes = what->frame_bytes * what->window;
    const size_t size_bytes = frames_bytes < DRAIN_BYTES ? DRAIN_BYTES : frames_bytes;
    double rates[REPEATS_MAX];
    int cpus[2];
    raw_end end = {.what = what, .frames = malloc(size_bytes)};
    end.trips = calloc(TRIPS_MAX, sizeof *end.trips);
    (void)tt_cpus_allowed(cpus);
    ps_err err = PS_OK;
    if (end.frames == NULL || end.trips == NULL) {
        err = ps_fault_set(fault, PS_ENOMEM, "%s", ps_err_text(PS_ENOMEM));
        goto done;
    }
    memset(end.frames, 1, size_bytes);
    for (int i = 0; i < repeats && err == PS_OK; i++) {
        if (!measure_once(&end, cpus, budget_s / repeats, &rates[i])) {
            err = errno == 0 ? ps_fault_set(fault, PS_EBROKEN, "the loopback lost or changed bytes")
                             : ps_fault_set(fault, PS_EIO, "the loopback cannot be measured: %s",
                                            strerror(errno));
        }
    }
    if (err == PS_OK) {
        *answer_out = (tt_raw_answer){.per_s = tt_bench_quantile(rates, (size_t)repeats, 0.5)};
        if (end.trip_count > 0) {
            answer_out->median_s = tt_bench_quantile(end.trips, end.trip_count, 0.5);
            answer_out->p99_s = tt_bench_quantile(end.trips, end.trip_count, 0.99);
        }
    }
done:
    free(end.frames);
    free(end.trips);
    return err;
}

ps_err tt_raw_memcpy(size_t size_bytes, int repeats, double budget_s, double *per_s_out,
                     ps_fault *fault) {
    PS_ASSERT(repeats > 0 && repeats <= REPEATS_MAX);
    double rates[REPEATS_MAX];
    uint8_t *const from = malloc(size_bytes);
    uint8_t *const to = malloc(size_bytes);
    if (from == NULL || to == NULL) {
        free(from);
        free(to);
        return ps_fault_set(fault, PS_ENOMEM, "%s", ps_err_text(PS_ENOMEM));
    }
    memset(from, 1, size_bytes);
    memset(to, 2, size_bytes);
    for (int i = 0; i < repeats; i++) {
        const double begin_s = tt_bench_now_s();
        double now_s = begin_s;
        double moved_bytes = 0;
        while (now_s < begin_s + budget_s / repeats) {
            from[(size_t)moved_bytes % size_bytes]++; /* so that no copy can be left out */
            memcpy(to, from, size_bytes);
            moved_bytes += (double)size_bytes;
            now_s = tt_bench_now_s();
        }
        rates[i] = moved_bytes / (now_s - begin_s);
    }
    const bool is_copied = memcmp(from, to, size_bytes) == 0;
    free(from);
    free(to);
    *per_s_out = tt_bench_quantile(rates, (size_t)repeats, 0.5);
    return is_copied ? PS_OK : ps_fault_set(fault, PS_EBROKEN, "memcpy() changed bytes");
}
