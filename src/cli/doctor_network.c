/* The part of the doctor that looks at the network: buffers, the loopback, and the interfaces. */
#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include <arpa/inet.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include "finding.h"
#include "loopback.h"
#include "numbers.h"

enum { MEASURE_MS = 100 };

/* The numbers of a file of the kernel; returns how many of `count` were there. */
static size_t read_numbers(const char *path, double *numbers, size_t count) {
    FILE *const file = fopen(path, "r");
    size_t found = 0;
    while (file != NULL && found < count && fscanf(file, "%lf", &numbers[found]) == 1) {
        found++;
    }
    if (file != NULL) {
        (void)fclose(file);
    }
    return found;
}

/* TCP grows a connection's buffers up to the third number. */
static void examine_buffers(tt_findings *all) {
    enum { NEEDED_BYTES = 4000000 };
    const char *const names[] = {"tcp_rmem", "tcp_wmem"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        char path[64];
        char most[TT_NUMBER_TEXT_BYTES];
        double bytes[3];
        (void)snprintf(path, sizeof path, "/proc/sys/net/ipv4/%s", names[i]);
        if (read_numbers(path, bytes, 3) != 3) {
            continue;
        }
        tt_finding *const finding = tt_finding_add(all, "socket buffers", "up to %s (net.ipv4.%s)",
                                                   tt_number_bytes(bytes[2], most), names[i]);
        if (bytes[2] < NEEDED_BYTES) {
            tt_finding_judge(
                finding, TT_WARNING,
                "long, fast links stay idle: sysctl -w net.ipv4.%s='%.0f %.0f 6291456'", names[i],
                bytes[0], bytes[1]);
        }
    }
    double backlog = 0;
    if (read_numbers("/proc/sys/net/core/somaxconn", &backlog, 1) == 1 && backlog < 128) {
        tt_finding_judge(
            tt_finding_add(all, "connections", "%.0f may wait (net.core.somaxconn)", backlog),
            TT_WARNING, "large runs start slowly: sysctl -w net.core.somaxconn=1024");
    }
}

/* Whether a connection over 127.0.0.1 can be made at all; the measurement takes that for granted.
 * Connecting does not block long: the kernel answers for itself. */
static bool loopback_connects(void) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof address;
    const int listener = socket(AF_INET, SOCK_STREAM, 0);
    const int own = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    bool is_good = listener >= 0 && own >= 0 &&
                   bind(listener, (const struct sockaddr *)&address, sizeof address) == 0 &&
                   listen(listener, 1) == 0 &&
                   getsockname(listener, (struct sockaddr *)&address, &size) == 0;
    if (is_good && connect(own, (const struct sockaddr *)&address, sizeof address) != 0) {
        struct pollfd connected = {.fd = own, .events = POLLOUT};
        is_good = errno == EINPROGRESS && poll(&connected, 1, MEASURE_MS) == 1 &&
                  (connected.revents & (POLLERR | POLLHUP)) == 0;
    }
    const int why = errno;
    if (listener >= 0) {
        (void)close(listener);
    }
    if (own >= 0) {
        (void)close(own);
    }
    errno = why;
    return is_good;
}

static void examine_loopback(tt_findings *all) {
    tt_loopback loopback = {0};
    ps_fault fault = {0};
    char latency[TT_NUMBER_TEXT_BYTES];
    char bandwidth[TT_NUMBER_TEXT_BYTES];
    if (!loopback_connects()) {
        (void)ps_fault_set(&fault, PS_EIO, "127.0.0.1: %s", strerror(errno));
    }
    if (fault.err != PS_OK || tt_loopback_measure(MEASURE_MS * 1e-3, &loopback, &fault) != PS_OK) {
        tt_finding_judge(tt_finding_add(all, "loopback", "%s", fault.text), TT_BAD,
                         "local runs talk over 127.0.0.1: bring the interface lo up, and let the "
                         "firewall pass it");
        return;
    }
    tt_finding *const finding =
        tt_finding_add(all, "loopback", "%s one way, %s (one stream, a quick look)",
                       tt_number_time(loopback.latency_s, latency),
                       tt_number_scaled(8 * loopback.bandwidth_bytes_per_s, "bps", bandwidth));
    if (loopback.latency_s > 500e-6) {
        tt_finding_judge(finding, TT_WARNING, "very slow: is the machine busy with other work?");
    }
}

/* The text of an interface's address; false if it is of no family that tortoise speaks. */
static bool address_text(const struct sockaddr *address, char text[static INET6_ADDRSTRLEN]) {
    if (address != NULL && address->sa_family == AF_INET) {
        struct sockaddr_in own;
        memcpy(&own, address, sizeof own);
        return inet_ntop(AF_INET, &own.sin_addr, text, INET6_ADDRSTRLEN) != NULL;
    }
    if (address != NULL && address->sa_family == AF_INET6) {
        struct sockaddr_in6 own;
        memcpy(&own, address, sizeof own);
        return inet_ntop(AF_INET6, &own.sin6_addr, text, INET6_ADDRSTRLEN) != NULL;
    }
    return false;
}

/* ", 10 Gbps" if the kernel knows the speed of the interface; virtual ones have none. */
static void speed_text(const char *interface, char text[static 64]) {
    char path[128];
    char number[TT_NUMBER_TEXT_BYTES];
    double megabits = 0;
    (void)snprintf(path, sizeof path, "/sys/class/net/%s/speed", interface);
    text[0] = '\0';
    if (read_numbers(path, &megabits, 1) == 1 && megabits > 0) {
        (void)snprintf(text, 64, ", %s", tt_number_scaled(1e6 * megabits, "bps", number));
    }
}

static void examine_interfaces(tt_findings *all) {
    struct ifaddrs *list = NULL;
    if (getifaddrs(&list) != 0) {
        tt_finding_judge(tt_finding_add(all, "interfaces", "%s", strerror(errno)), TT_WARNING,
                         "the addresses of this machine are not known");
        return;
    }
    for (const struct ifaddrs *one = list; one != NULL; one = one->ifa_next) {
        char address[INET6_ADDRSTRLEN];
        char speed[64];
        if (!address_text(one->ifa_addr, address)) {
            continue;
        }
        speed_text(one->ifa_name, speed);
        const bool is_up = (one->ifa_flags & IFF_UP) != 0 && (one->ifa_flags & IFF_RUNNING) != 0;
        tt_finding *const finding = tt_finding_add(all, "interface", "%s %s%s%s", one->ifa_name,
                                                   address, speed, is_up ? "" : ", down");
        if (!is_up) {
            tt_finding_judge(finding, TT_WARNING, "no run can use it: ip link set %s up",
                             one->ifa_name);
        }
    }
    freeifaddrs(list);
}

void tt_doctor_network(tt_findings *all) {
    examine_buffers(all);
    examine_loopback(all);
    examine_interfaces(all);
}
