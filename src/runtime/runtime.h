/* The real world: psi_port over POSIX threads and TCP.
 *
 * One process of a run holds one node with its shards and workers. Every worker is a thread, and
 * reads from the sockets while it waits; one more thread evaluates (psi_port_ops.measure); the
 * caller's own thread reads when no worker does, sends heartbeats and watches. Each pair of
 * processes shares one TCP connection. Frames between endpoints of one process never touch a
 * socket.
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
#include "runtime/hostlist.h"

/* Processes that psi_runtime_run_local() starts at most: every two of them share a connection. */
enum { PSI_RUNTIME_LOCAL_NODES_MAX = 128 };

/* Where rank 0 listens unless told otherwise. */
enum { PSI_RUNTIME_COORDINATOR_PORT = 27800 };

/* Ranks of a run that is started one by one, by psi_runtime_run_rank(). */
enum { PSI_RUNTIME_RANKS_MAX = 1024 };

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
    bool is_unreported; /* the run failed, and process 0 may not know: this rank must say so */
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

/* A setting that all ranks must share, for the line that says which one differs. */
typedef struct psi_aspect {
    const char *name, *value; /* borrowed */
} psi_aspect;

/* One rank of a run whose processes something else has started, perhaps on other machines. All
 * texts are borrowed. */
typedef struct psi_rank_options {
    uint32_t rank;
    const char *coordinator; /* HOST:PORT where rank 0 listens; NULL: all ranks are on this machine
                                 and meet at a socket that `meeting` names */
    const char *meeting;     /* the same in all ranks of the run and in no other run of this user */
    const char *bind;        /* ADDRESS[:PORT] to listen at; NULL: loopback if the coordinator is
                                 there, else all addresses */
    const char *advertise;   /* HOST[:PORT] where others reach this rank; NULL: found out */
    const char *job;         /* ranks of another job are turned away */
    const char *host;        /* this machine, for messages */
    const char *program;     /* its version: all ranks must have the same */
    const psi_hosts *hosts;  /* where ranks are expected, to name those that are missing; or NULL */
    const psi_aspect *aspects; /* compared in order */
    size_t aspect_count;
    bool is_insecure;      /* may listen and connect beyond loopback */
    bool names_may_appear; /* the coordinator's name may not be known yet (Kubernetes) */
} psi_rank_options;

/* Runs `plan` as one rank of plan->node_count processes, each of which makes this call with the
 * same plan and its own rank. Rank 0 listens at the coordinator's address; the others connect to it
 * in any order, say who they are and where they listen, and get the addresses of all. `options` may
 * be NULL. Blocks until the run is over; `results` is complete in rank 0 alone.
 *
 * Returns what psi_runtime_run_local() returns, and PS_EINVAL when an address is not on loopback
 * and is_insecure is false, or makes no sense; PS_EIO when the address cannot be listened at;
 * PS_EPEER when ranks are missing after start_timeout_s or one was refused; PS_ESTOPPED when an
 * interrupt came before all were there. */
PS_MUST_CHECK ps_err psi_runtime_run_rank(const psi_plan *plan, const psi_runtime_options *options,
                                          const psi_rank_options *rank, psi_results *results,
                                          ps_fault *fault);

#endif
