#define _GNU_SOURCE /* sched_setaffinity */
#include "bench_process.h"

#include <dirent.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sys/mman.h>
#include <sys/types.h>
#include <unistd.h>

_Static_assert(sizeof(cpu_set_t) <= sizeof(tt_cpu_mask), "a mask holds a set of CPUs");

const char *tt_placement_name(tt_placement placement) {
    static const char *const names[TT_PLACEMENTS] = {
        [TT_ONE_CORE] = "one core",
        [TT_TWO_CORES] = "two cores",
        [TT_TWO_CORES_SPIN] = "two cores, spin",
    };
    return names[placement];
}

size_t tt_cpus_allowed(int cpus[static 2]) {
    cpu_set_t set;
    size_t count = 0;
    cpus[0] = cpus[1] = 0;
    if (sched_getaffinity(0, sizeof set, &set) != 0) {
        return 1;
    }
    for (size_t cpu = 0; cpu < CPU_SETSIZE; cpu++) {
        if (!CPU_ISSET(cpu, &set)) {
            continue;
        }
        if (count < 2) {
            cpus[count] = (int)cpu;
        }
        count++;
    }
    if (count == 1) {
        cpus[1] = cpus[0];
    }
    return count == 0 ? 1 : count;
}

/* Calls set for each thread of this process. */
static bool set_all_threads(const cpu_set_t *set) {
    DIR *const tasks = opendir("/proc/self/task");
    if (tasks == NULL) {
        return false;
    }
    bool is_set = true;
    for (const struct dirent *entry = readdir(tasks); entry != NULL; entry = readdir(tasks)) {
        const pid_t thread = (pid_t)strtol(entry->d_name, NULL, 10);
        if (thread > 0 && sched_setaffinity(thread, sizeof *set, set) != 0) {
            is_set = false;
        }
    }
    (void)closedir(tasks);
    return is_set;
}

bool tt_placement_pin(tt_placement placement, const int cpus[static 2], int side) {
    cpu_set_t set;
    CPU_ZERO(&set);
    CPU_SET((size_t)cpus[placement == TT_ONE_CORE ? 0 : side], &set);
    return set_all_threads(&set);
}

bool tt_placement_save(tt_cpu_mask *mask) {
    cpu_set_t set;
    CPU_ZERO(&set);
    const bool is_known = sched_getaffinity(0, sizeof set, &set) == 0;
    memset(mask, 0, sizeof *mask);
    memcpy(mask->bytes, &set, sizeof set);
    return is_known;
}

void tt_placement_restore(const tt_cpu_mask *mask) {
    cpu_set_t set;
    memcpy(&set, mask->bytes, sizeof set);
    (void)set_all_threads(&set);
}

ps_err tt_shared_memory(size_t size_bytes, void **memory_out, ps_fault *fault) {
    void *const memory =
        mmap(NULL, size_bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    *memory_out = memory == MAP_FAILED ? NULL : memory;
    return memory == MAP_FAILED ? ps_fault_set(fault, PS_ENOMEM, "%s", ps_err_text(PS_ENOMEM))
                                : PS_OK;
}

double tt_process_resident_bytes(void) {
    FILE *const file = fopen("/proc/self/statm", "r");
    unsigned long long total = 0;
    unsigned long long resident = 0;
    if (file == NULL) {
        return 0;
    }
    const int count = fscanf(file, "%llu %llu", &total, &resident);
    (void)fclose(file);
    const long page_bytes = sysconf(_SC_PAGESIZE);
    return count == 2 && page_bytes > 0 ? (double)resident * (double)page_bytes : 0;
}

static size_t entries(const char *path) {
    DIR *const directory = opendir(path);
    size_t count = 0;
    if (directory == NULL) {
        return 0;
    }
    for (const struct dirent *entry = readdir(directory); entry != NULL;
         entry = readdir(directory)) {
        count += entry->d_name[0] != '.';
    }
    (void)closedir(directory);
    return count;
}

size_t tt_process_descriptors(void) {
    const size_t count = entries("/proc/self/fd");
    return count > 0 ? count - 1 : 0; /* without the one that counts */
}

size_t tt_process_threads(void) {
    return entries("/proc/self/task");
}
