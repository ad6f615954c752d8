/* What a benchmark asks of, and tells, the operating system about its own process: on which CPUs
 * its threads run, how much memory, how many descriptors and threads it has. */
#ifndef TT_BENCH_PROCESS_H
#define TT_BENCH_PROCESS_H

#include <stdbool.h>
#include <stddef.h>

#include "tortoise/err.h"

/* Where the two processes of a measurement run, and how they wait for each other: asleep, or
 * polling for a while first. */
typedef enum tt_placement {
    TT_ONE_CORE,
    TT_TWO_CORES,
    TT_TWO_CORES_SPIN,
    TT_PLACEMENTS
} tt_placement;

/* "one core", "two cores", "two cores, spin" */
const char *tt_placement_name(tt_placement placement);

/* How many CPUs this process may use, and the first two of them (the same one twice if there is
 * one). To be called before anything is pinned. */
size_t tt_cpus_allowed(int cpus[static 2]);

/* Pins all threads of this process to the CPU of its side: side 0 to the first CPU, side 1 to the
 * first or the second as `placement` says. Threads that are made later inherit it. False if the
 * system refuses. */
bool tt_placement_pin(tt_placement placement, const int cpus[static 2], int side);

/* Lets all threads of this process run on each of the CPUs that it may use. */
typedef struct tt_cpu_mask {
    unsigned char bytes[1024];
} tt_cpu_mask;
bool tt_placement_save(tt_cpu_mask *mask);
void tt_placement_restore(const tt_cpu_mask *mask);

/* Memory, all zero, that a child process shares with this one. PS_OK, or PS_ENOMEM with *memory_out
 * NULL; munmap() releases it. */
PS_MUST_CHECK ps_err tt_shared_memory(size_t size_bytes, void **memory_out, ps_fault *fault);

/* Bytes of this process that are in memory; 0 if the system does not say. */
double tt_process_resident_bytes(void);

/* Open descriptors and threads of this process; 0 if the system does not say. */
size_t tt_process_descriptors(void);
size_t tt_process_threads(void);

#endif
