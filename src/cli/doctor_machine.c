/* The part of the doctor that looks at the machine: what a process may use, and its clock. */
#include <errno.h>
#include <inttypes.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <sys/resource.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "finding.h"
#include "numbers.h"

/* A limit of processes and the like: "1024 (ulimit -n)". */
static tt_finding *add_limit(tt_findings *all, const char *what, int resource, const char *flag,
                             rlim_t *limit_out) {
    struct rlimit limit = {0};
    if (getrlimit((__rlimit_resource_t)resource, &limit) != 0) {
        limit.rlim_cur = RLIM_INFINITY;
    }
    *limit_out = limit.rlim_cur;
    if (limit.rlim_cur == RLIM_INFINITY) {
        return tt_finding_add(all, what, "unlimited (ulimit %s)", flag);
    }
    return tt_finding_add(all, what, "%" PRIu64 " (ulimit %s)", (uint64_t)limit.rlim_cur, flag);
}

/* The same for bytes. */
static tt_finding *add_size_limit(tt_findings *all, const char *what, int resource,
                                  const char *flag, rlim_t *limit_out) {
    char size[TT_NUMBER_TEXT_BYTES];
    tt_finding *const finding = add_limit(all, what, resource, flag, limit_out);
    if (*limit_out != RLIM_INFINITY) {
        (void)snprintf(finding->text, sizeof finding->text, "%s (ulimit %s)",
                       tt_number_bytes((double)*limit_out, size), flag);
    }
    return finding;
}

static void examine_limits(tt_findings *all) {
    rlim_t limit = 0;
    tt_finding *finding = add_limit(all, "open files", RLIMIT_NOFILE, "-n", &limit);
    if (limit < 1024) {
        tt_finding_judge(finding, limit < 64 ? TT_BAD : TT_WARNING,
                         "a process of a run of N nodes needs about N + 20: ulimit -n 1024");
    }
    finding = add_limit(all, "processes", RLIMIT_NPROC, "-u", &limit);
    if (limit < 512) {
        tt_finding_judge(finding, limit < 32 ? TT_BAD : TT_WARNING,
                         "threads count, too, and a run has a few per node: ulimit -u 4096");
    }
    (void)add_size_limit(all, "locked memory", RLIMIT_MEMLOCK, "-l", &limit);
    finding = add_size_limit(all, "address space", RLIMIT_AS, "-v", &limit);
    if (limit != RLIM_INFINITY && limit < (rlim_t)4 << 30) {
        tt_finding_judge(finding, limit < (rlim_t)256 << 20 ? TT_BAD : TT_WARNING,
                         "thousands of simulated nodes need more: ulimit -v unlimited");
    }
}

/* The first line of a file of the kernel; empty if there is none. */
static void read_line(const char *path, char *line, size_t size_bytes) {
    line[0] = '\0';
    FILE *const file = fopen(path, "r");
    if (file == NULL) {
        return;
    }
    if (fgets(line, (int)size_bytes, file) == NULL) {
        line[0] = '\0';
    }
    line[strcspn(line, "\n")] = '\0';
    (void)fclose(file);
}

static void examine_processors(tt_findings *all) {
    const long online = sysconf(_SC_NPROCESSORS_ONLN);
    cpu_set_t set;
    long usable = online;
    if (sched_getaffinity(0, sizeof set, &set) == 0) {
        usable = CPU_COUNT(&set);
    }
    tt_finding *const finding =
        tt_finding_add(all, "processors", "%ld online, this process may use %ld", online, usable);
    if (usable < online) {
        tt_finding_judge(
            finding, TT_WARNING,
            "a batch system or taskset binds it; ask for more, or start at most %ld workers "
            "per machine",
            usable);
    }
    char quota[128];
    double used_us = 0;
    double period_us = 0;
    read_line("/sys/fs/cgroup/cpu.max", quota, sizeof quota);
    if (sscanf(quota, "%lf %lf", &used_us, &period_us) == 2 && period_us > 0 &&
        used_us / period_us < (double)usable) {
        tt_finding *const share = tt_finding_add(
            all, "processor time", "the container may use %.3g processors", used_us / period_us);
        tt_finding_judge(share, TT_WARNING,
                         "workers beyond that number slow each other down; raise the quota");
    }
}

/* "MemAvailable:" of /proc/meminfo, in bytes; 0 if it is not known. */
static double available_bytes(void) {
    char line[256];
    double kilobytes = 0;
    FILE *const file = fopen("/proc/meminfo", "r");
    while (file != NULL && fgets(line, sizeof line, file) != NULL) {
        if (sscanf(line, "MemAvailable: %lf", &kilobytes) == 1) {
            break;
        }
    }
    if (file != NULL) {
        (void)fclose(file);
    }
    return 1024 * kilobytes;
}

static void examine_space(tt_findings *all) {
    char total[TT_NUMBER_TEXT_BYTES];
    char available[TT_NUMBER_TEXT_BYTES];
    double free_bytes = available_bytes();
    const double total_bytes = (double)sysconf(_SC_PAGESIZE) * (double)sysconf(_SC_PHYS_PAGES);
    tt_finding *finding =
        tt_finding_add(all, "memory", "%s, %s available", tt_number_bytes(total_bytes, total),
                       tt_number_bytes(free_bytes, available));
    if (free_bytes > 0 && free_bytes < 512e6) {
        tt_finding_judge(finding, TT_WARNING, "end other programs, or take a smaller problem");
    }
    char limit[128];
    double limit_bytes = 0;
    read_line("/sys/fs/cgroup/memory.max", limit, sizeof limit);
    if (sscanf(limit, "%lf", &limit_bytes) == 1 && limit_bytes < total_bytes) {
        finding = tt_finding_add(all, "memory limit", "the container may use %s",
                                 tt_number_bytes(limit_bytes, total));
        if (limit_bytes < 512e6) {
            tt_finding_judge(finding, TT_WARNING, "raise the container's limit");
        }
    }
    struct statvfs disk;
    if (statvfs(".", &disk) == 0) {
        free_bytes = (double)disk.f_bavail * (double)disk.f_frsize;
        finding = tt_finding_add(all, "disk", "%s free in the current folder",
                                 tt_number_bytes(free_bytes, available));
        if (free_bytes < 256e6) {
            tt_finding_judge(finding, TT_WARNING, "results may not fit: --out on another disk");
        }
    }
}

static void examine_clock(tt_findings *all) {
    enum { READS = 100000 };
    struct timespec before;
    struct timespec after;
    struct timespec resolution;
    char source[64];
    if (clock_gettime(CLOCK_MONOTONIC, &before) != 0 ||
        clock_getres(CLOCK_MONOTONIC, &resolution) != 0) {
        tt_finding_judge(tt_finding_add(all, "clock", "%s", strerror(errno)), TT_BAD,
                         "a monotonic clock is needed");
        return;
    }
    for (int i = 0; i < READS; i++) {
        (void)clock_gettime(CLOCK_MONOTONIC, &after);
    }
    const double spent_s =
        (double)(after.tv_sec - before.tv_sec) + 1e-9 * (double)(after.tv_nsec - before.tv_nsec);
    read_line("/sys/devices/system/clocksource/clocksource0/current_clocksource", source,
              sizeof source);
    tt_finding *const finding = tt_finding_add(
        all, "clock", "monotonic%s%s, resolution %ld ns, a read takes %.0f ns",
        source[0] == '\0' ? "" : ", ", source,
        resolution.tv_sec == 0 ? resolution.tv_nsec : 999999999L, 1e9 * spent_s / READS);
    if (spent_s > READS * 1e-6) {
        tt_finding_judge(finding, TT_WARNING,
                         "reading the time is slow; boot with clocksource=tsc if the machine can");
    }
    if (resolution.tv_sec > 0 || resolution.tv_nsec > 1000000) {
        tt_finding_judge(finding, TT_WARNING, "times below a millisecond are not measured here");
    }
}

void tt_doctor_machine(tt_findings *all) {
    examine_limits(all);
    examine_processors(all);
    examine_space(all);
    examine_clock(all);
}
