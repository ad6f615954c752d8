#include "loopback.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bench.h"

enum { BLOCK_BYTES = 1 << 20, ROUND_TRIPS_MAX = 20000, ROUND_TRIPS_WARM = 200 };

/* The child's answers: one byte back for a byte 'p', one byte back after BLOCK_BYTES for 'b'. */
static bool transfer(int socket, void *bytes, size_t size_bytes, bool is_sent) {
    char *at = bytes;
    while (size_bytes > 0) {
        const ssize_t moved =
            is_sent ? send(socket, at, size_bytes, MSG_NOSIGNAL) : recv(socket, at, size_bytes, 0);
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

static void answer(int socket) {
    char *const block = malloc(BLOCK_BYTES);
    char kind = 0;
    while (block != NULL && transfer(socket, &kind, 1, false)) {
        if (kind == 'b' && !transfer(socket, block, BLOCK_BYTES, false)) {
            break;
        }
        if (!transfer(socket, &kind, 1, true)) {
            break;
        }
    }
    free(block);
}

/* A connection to a child process that answers; -1 on failure. */
static int connect_child(pid_t *child_out) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof address;
    const int on = 1;
    const int server = socket(AF_INET, SOCK_STREAM, 0);
    int own = -1;
    *child_out = -1;
    if (server < 0 || bind(server, (const struct sockaddr *)&address, size) != 0 ||
        listen(server, 1) != 0 || getsockname(server, (struct sockaddr *)&address, &size) != 0) {
        goto done;
    }
    *child_out = fork();
    if (*child_out == 0) {
        const int peer = accept(server, NULL, NULL);
        if (peer >= 0) {
            (void)setsockopt(peer, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
            answer(peer);
        }
        _exit(0);
    }
    own = *child_out < 0 ? -1 : socket(AF_INET, SOCK_STREAM, 0);
    if (own >= 0 && connect(own, (const struct sockaddr *)&address, sizeof address) != 0) {
        (void)close(own);
        own = -1;
    }
    if (own >= 0) {
        (void)setsockopt(own, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    }
done:
    if (server >= 0) {
        (void)close(server);
    }
    return own;
}

static int compare(const void *left, const void *right) {
    const double a = *(const double *)left;
    const double b = *(const double *)right;
    return (a > b) - (a < b);
}

static bool measure_latency(int socket, double budget_s, double *latency_out) {
    double *const samples = calloc(ROUND_TRIPS_MAX, sizeof *samples);
    const double end_s = tt_bench_now_s() + budget_s;
    size_t count = 0;
    bool is_good = samples != NULL;
    for (size_t i = 0;
         is_good && i < ROUND_TRIPS_MAX && (i <= ROUND_TRIPS_WARM || tt_bench_now_s() < end_s);
         i++) {
        char byte = 'p';
        const double start_s = tt_bench_now_s();
        is_good = transfer(socket, &byte, 1, true) && transfer(socket, &byte, 1, false);
        if (i >= ROUND_TRIPS_WARM) {
            samples[count++] = tt_bench_now_s() - start_s;
        }
    }
    if (is_good && count > 0) {
        qsort(samples, count, sizeof *samples, compare);
        *latency_out = samples[count / 2] / 2;
    }
    free(samples);
    return is_good;
}

static bool measure_bandwidth(int socket, double budget_s, double *bandwidth_out) {
    char *const block = calloc(1, BLOCK_BYTES);
    const double start_s = tt_bench_now_s();
    double sent_bytes = 0;
    double now_s = start_s;
    bool is_good = block != NULL;
    while (is_good && now_s - start_s < budget_s) {
        char byte = 'b';
        is_good = transfer(socket, &byte, 1, true) && transfer(socket, block, BLOCK_BYTES, true) &&
                  transfer(socket, &byte, 1, false);
        sent_bytes += BLOCK_BYTES;
        now_s = tt_bench_now_s();
    }
    *bandwidth_out = sent_bytes / (now_s - start_s);
    free(block);
    return is_good;
}

ps_err tt_loopback_measure(double budget_s, tt_loopback *loopback_out, ps_fault *fault) {
    pid_t child = -1;
    const int socket = connect_child(&child);
    tt_loopback measured = {0};
    const bool is_good = socket >= 0 &&
                         measure_latency(socket, budget_s / 2, &measured.latency_s) &&
                         measure_bandwidth(socket, budget_s / 2, &measured.bandwidth_bytes_per_s);
    const int cause = errno;
    if (socket >= 0) {
        (void)close(socket);
    }
    if (child > 0) {
        (void)waitpid(child, NULL, 0);
    }
    if (!is_good) {
        return ps_fault_set(fault, PS_EIO, "the loopback cannot be measured: %s", strerror(cause));
    }
    *loopback_out = measured;
    return PS_OK;
}
