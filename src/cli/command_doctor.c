/* `tortoise doctor`: is all here that a run, a simulation and a report need? */
#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include <arpa/inet.h>
#include <ifaddrs.h>
#include <netinet/in.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "command.h"
#include "gnuplot.h"
#include "numbers.h"
#include "settings.h"
#include "sim/sim.h"
#include "version.h"

static const tt_option doctor_options[] = {
    {.name = "format", .argument = "text|json", .default_value = "text", .help = "of the findings"},
};
const tt_option_list tt_doctor_option_list = {doctor_options,
                                              sizeof doctor_options / sizeof doctor_options[0]};

typedef enum verdict { GOOD, WARNING, BAD } verdict;

/* Prints one line; returns 1 for what is bad. */
static unsigned tell(verdict found, const char *what, const char *text) {
    static const char *const words[] = {"ok", "warning", "BAD"};
    (void)printf("%-8s %-14s %s\n", words[found], what, text);
    return found == BAD ? 1 : 0;
}

static unsigned check_limits(void) {
    char text[256];
    char memory[TT_NUMBER_TEXT_BYTES];
    struct rlimit files = {0};
    struct rlimit space = {0};
    (void)getrlimit(RLIMIT_NOFILE, &files);
    (void)getrlimit(RLIMIT_AS, &space);
    (void)snprintf(text, sizeof text,
                   "%" PRIu64 " (ulimit -n); a run of N nodes needs about N + 20 in each process",
                   (uint64_t)files.rlim_cur);
    unsigned bad = tell(files.rlim_cur < 64    ? BAD
                        : files.rlim_cur < 256 ? WARNING
                                               : GOOD,
                        "open files", text);
    if (space.rlim_cur == RLIM_INFINITY) {
        bad += tell(GOOD, "address space", "unlimited (ulimit -v)");
    } else {
        (void)snprintf(text, sizeof text,
                       "%s (ulimit -v); thousands of simulated nodes need more than 4 GB",
                       tt_number_bytes((double)space.rlim_cur, memory));
        bad += tell(space.rlim_cur < (rlim_t)1 << 30 ? WARNING : GOOD, "address space", text);
    }
    const double page_bytes = (double)sysconf(_SC_PAGESIZE);
    (void)snprintf(text, sizeof text, "%s",
                   tt_number_bytes(page_bytes * (double)sysconf(_SC_PHYS_PAGES), memory));
    bad += tell(GOOD, "memory", text);
    (void)snprintf(text, sizeof text, "%ld online", sysconf(_SC_NPROCESSORS_ONLN));
    return bad + tell(GOOD, "cores", text);
}

static unsigned check_clock(void) {
    struct timespec before;
    struct timespec after;
    struct timespec resolution;
    if (clock_gettime(CLOCK_MONOTONIC, &before) != 0 ||
        clock_getres(CLOCK_MONOTONIC, &resolution) != 0) {
        return tell(BAD, "clock", strerror(errno));
    }
    enum { READS = 100000 };
    for (int i = 0; i < READS; i++) {
        (void)clock_gettime(CLOCK_MONOTONIC, &after);
    }
    const double spent_s =
        (double)(after.tv_sec - before.tv_sec) + 1e-9 * (double)(after.tv_nsec - before.tv_nsec);
    char text[128];
    (void)snprintf(text, sizeof text, "monotonic, resolution %ld ns, a read takes %.0f ns",
                   resolution.tv_nsec, 1e9 * spent_s / READS);
    return tell(spent_s < 0 ? BAD : spent_s > READS * 1e-6 ? WARNING : GOOD, "clock", text);
}

static unsigned check_loopback(void) {
    const int server = socket(AF_INET, SOCK_STREAM, 0);
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    const bool is_good = server >= 0 &&
                         bind(server, (const struct sockaddr *)&address, sizeof address) == 0 &&
                         listen(server, 1) == 0;
    char text[128];
    (void)snprintf(text, sizeof text, "%s",
                   is_good ? "127.0.0.1 can be listened on" : strerror(errno));
    if (server >= 0) {
        (void)close(server);
    }
    return tell(is_good ? GOOD : BAD, "loopback", text);
}

static void tell_addresses(void) {
    struct ifaddrs *all = NULL;
    if (getifaddrs(&all) != 0) {
        (void)tell(WARNING, "addresses", strerror(errno));
        return;
    }
    for (const struct ifaddrs *one = all; one != NULL; one = one->ifa_next) {
        char address[INET6_ADDRSTRLEN] = "";
        char text[128];
        const int family = one->ifa_addr == NULL ? AF_UNSPEC : one->ifa_addr->sa_family;
        if (family == AF_INET) {
            struct sockaddr_in own;
            memcpy(&own, one->ifa_addr, sizeof own);
            (void)inet_ntop(AF_INET, &own.sin_addr, address, sizeof address);
        } else if (family == AF_INET6) {
            struct sockaddr_in6 own;
            memcpy(&own, one->ifa_addr, sizeof own);
            (void)inet_ntop(AF_INET6, &own.sin6_addr, address, sizeof address);
        } else {
            continue;
        }
        (void)snprintf(text, sizeof text, "%s %s", one->ifa_name, address);
        (void)tell(GOOD, "address", text);
    }
    freeifaddrs(all);
}

static unsigned check_programs(void) {
    char text[512];
    ps_fault fault = {0};
    unsigned bad = 0;
    if (psi_sim_available(text, sizeof text, &fault) == PS_OK) {
        bad += tell(GOOD, "simulator", text);
    } else {
        bad += tell(BAD, "simulator", fault.text);
    }
    if (tt_gnuplot_version(text, sizeof text)) {
        bad += tell(GOOD, "gnuplot", text);
    } else {
        bad += tell(WARNING, "gnuplot",
                    "not found; reports have no pictures until gnuplot-nox is installed");
    }
    return bad;
}

ps_err tt_command_doctor(const tt_call *call, ps_fault *fault) {
    tt_settings settings;
    tt_words words;
    PS_TRY(tt_settings_init_of(&settings, "doctor", NULL, 0));
    const ps_err err =
        tt_settings_read_arguments(&settings, call->own_count, call->own, &words, fault);
    tt_settings_fini(&settings);
    PS_TRY(err);
    if (words.help_is_wanted) {
        (void)printf("example: tortoise doctor\nIt has no options. Exit code 0: all is well; 1: "
                     "something is BAD.\n");
        return PS_OK;
    }
    if (words.count > 0) {
        return ps_fault_set(fault, PS_EINVAL, "unexpected argument '%s'", words.words[0]);
    }
    (void)tell(GOOD, "tortoise", TT_VERSION " (" TT_GIT ")");
    unsigned bad = check_limits();
    bad += check_clock();
    bad += check_loopback();
    tell_addresses();
    bad += check_programs();
    return bad == 0 ? PS_OK
                    : ps_fault_set(fault, PS_EFAILED, "%u thing%s not well", bad,
                                   bad == 1 ? " is" : "s are");
}
