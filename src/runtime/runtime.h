/* The real world: psi_port over POSIX threads and TCP.
 *
 * One process of a run holds one node with its shards and workers. Every worker is a thread; one
 * more thread evaluates (psi_port_ops.measure); the caller's own thread does all the reading from
 * sockets, the heartbeats and the watching. Each pair of processes shares one TCP connection.
 * Frames between endpoints of one process never touch a socket.
 *
 * Nothing here prints or exits. A run that cannot go on ends in every process with one fault: a
 * lost, damaged or silent peer is PS_EPEER, a run in which nothing moves is PS_ESTALL. */
#ifndef PSI_RUNTIME_H
#define PSI_RUNTIME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tortoise/err.h"

#include "node/run.h"

/* Processes that psi_runtime_run_local() starts at most: every two of them share a connection. */
enum { PSI_RUNTIME_LOCAL_NODES_MAX = 128 };

/* What the transport did in this process. */
typedef struct psi_runtime_stats {
    uint64_t frames_sent,
        frames_received; /* between processes, heartbeats and greetings included */
    uint64_t bytes_sent, bytes_received;
    uint64_t local_frames;         /* between endpoints of this process */
    uint64_t queue_high_bytes;     /* most bytes that ever waited for one connection */
    uint64_t pool_allocated_bytes; /* by the pool of frames */
    uint64_t strangers_refused;    /* connections that did not belong to the run */
    bool workers_abandoned;        /* see psi_runtime_run_local() */
} psi_runtime_stats;

/* How a run is watched and how its processes talk. Zero means the default, which is in brackets.
 */
typedef struct psi_runtime_options {
    double start_timeout_s; /* for all processes to find each other [30] */
    double stall_timeout_s; /* nothing moved anywhere although somebody waits: PS_ESTALL [60] */
    double heartbeat_interval_s; /* between signs of life on every connection [0.2] */
    double silence_timeout_s;    /* without any: the peer counts as dead, PS_EPEER [10] */
    double stop_timeout_s; /* for workers to return and peers to part once the run is over [10] */
    double spin_s; /* how long a thread that waits for a peer polls before it sleeps; < 0: never
                    [50 us if this machine has a CPU for each worker on it, else never] */
    uint64_t send_buffer_bytes; /* a worker's next call waits while more than this is queued for one
                                 process [64 MiB] */
    psi_runtime_stats *stats;   /* filled at the end; NULL if of no interest */
} psi_runtime_options;

/* Runs `plan` as plan->node_count processes on this machine: forks node_count - 1 children, which
 * talk to each other and to the caller over TCP on 127.0.0.1; with one node there is no child and
 * no socket. The problem (plan->problem) was opened before; children share its pages.
 * plan->process_count must equal plan->node_count. `options` may be NULL.
 *
 * No other thread may exist when it is called. Buffered output is flushed before the fork. Blocks
 * until the run is over. It returns in EVERY process:
 *
 *   *process_out == 0   the caller; `results` is complete if PS_OK is returned, and holds what was
 * measured so far if plan->interrupted ended the run (that is PS_OK, too). After a failure it may
 * hold the metrics that were in. All children have ended and been waited for. *process_out  > 0   a
 * child; it has nothing to report, for process 0 names whatever happened. The program should end at
 * once, without output, with ps_err_exit_code() of the returned value.
 *
 * Returns PS_OK; PS_EPEER when a process died, fell silent or sent what no correct process sends;
 * PS_ESTALL when nothing moved for stall_timeout_s; PS_EINVAL for a bad plan; PS_EIO or PS_ENOMEM
 * from the system; or what a worker failed with. `fault` then has the line for people, in process 0
 * at the latest.
 *
 * When a failed run's worker does not return from its own mathematics within stop_timeout_s, the
 * function returns without it and sets stats->workers_abandoned: that thread still reads `plan` and
 * its problem, which the program must leave alone until it exits, at once. */
PS_MUST_CHECK ps_err psi_runtime_run_local(const psi_plan *plan, const psi_runtime_options *options,
                                           psi_results *results, uint32_t *process_out,
                                           ps_fault *fault);

#endif
