/* One process of a real run: its node, monitor and workers, its connections, and the state that its
 * threads share. The modules of this folder work on it:
 *
 *     process.c      makes it, runs it, ends it
 *     thread_port.c  psi_port of its node: lock, wait, wake, send
 *     sending.c      queues, writes to sockets, local frames, back-pressure
 *     waiting.c      how a worker waits: it reads meanwhile, or polls, or sleeps
 *     evaluator.c    the thread behind psi_port_ops.measure
 *     loop.c         the caller's thread: what no worker reads, the stages of the run
 *     join.c         how processes find and greet each other
 *     peers.c        what arrives on connections: frames, last words, and what is lost
 *     watch.c        heartbeats, silent peers, stalls
 *     launch.c       several of them on one machine
 *     rank.c         one of several that something else starts; meeting.h is how they meet
 *
 * Fields are marked with who may touch them: [lock] with `mutex` held, [loop] the caller's thread
 * alone, [any] at any time, being constant or atomic.
 *
 * Who reads (docs/adr/0004): every connection is in two epoll sets, edge-triggered and exclusive. A
 * worker that waits reads from the first one; what arrives while none does wakes the loop through
 * the second one. Nobody hands over anything in between. */
#ifndef PSI_PROCESS_H
#define PSI_PROCESS_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <pthread.h>
#include <sys/types.h>

#include "tortoise/err.h"

#include "node/node.h"
#include "runtime/connection.h"
#include "runtime/link.h"
#include "runtime/runtime.h"
#include "runtime/socket.h"

typedef struct psi_process psi_process;
typedef struct psi_peer psi_peer;

typedef enum psi_stage {
    PSI_STAGE_CONNECTING, /* not all peers have greeted; workers have not started */
    PSI_STAGE_RUNNING,
    PSI_STAGE_PARTING, /* the last word is said; peers' last words are awaited */
    PSI_STAGE_OVER
} psi_stage;

/* Why nothing more is read from a peer. */
typedef enum psi_ending {
    PSI_ENDING_NONE,
    PSI_ENDING_CLOSED,   /* it closed its connection, or that broke */
    PSI_ENDING_DAMAGED,  /* it sent what no correct process sends; it is still told so */
    PSI_ENDING_NO_MEMORY /* for what it sent */
} psi_ending;

/* Another process of the run. */
struct psi_peer {
    uint32_t process;         /* [any] */
    int fd;                   /* [lock] -1 until it is connected; stays open until the end */
    psi_sender sender;        /* [lock], its flight belongs to the thread that set is_writing */
    bool is_writing;          /* [lock] */
    bool is_blocked;          /* [lock] the socket takes no more, until epoll says that it does */
    bool saw_room;            /* [lock] epoll said so while somebody was writing */
    bool is_urgent;           /* [lock] something in the queue may not wait for more */
    bool is_crowded;          /* [lock] so much is queued that workers wait */
    uint32_t requests_queued; /* [lock] pushes and pulls in the queue */
    uint32_t answers_owed;    /* [lock] pushes and pulls that were written but not answered */
    bool is_lost;             /* [lock] nothing can be sent any more */
    bool is_dirty;            /* [lock] in the list of those that have something to write */
    psi_peer *next_dirty;     /* [lock] */
    bool is_reading;          /* [lock] somebody reads from it */
    bool must_look_again;     /* [lock] more may have come while somebody was reading */
    bool has_more;            /* [lock] was not read to the end: the loop reads on */
    psi_receiver receiver;    /* of the thread that set is_reading; next() takes from the pool */
    uint64_t received_bytes;  /* [lock] by the receiver, as a sign of life */
    psi_frame *records, **records_end; /* [lock] read by a worker, for the loop to take */
    uint32_t record_count;             /* [lock] of those */
    psi_ending ending;                 /* [lock] how reading ended */
    char loss[128];                    /* [lock] words for that; constant once `ending` is set */
    bool is_greeted;                   /* [loop] */
    bool has_ended;                    /* [loop] nothing more will come on its connection */
    bool has_parted;                   /* [loop] its last word came, or is awaited no more */
    bool is_silent;                    /* [loop] it was given up, although its connection stands */
    bool said_last_word;               /* [loop] goodbye, or why it failed */
    bool has_heartbeat;                /* [loop] */
    double ended_s;                    /* [loop] */
    double heard_s;                    /* [loop] when something last came, as far as noted */
    uint64_t heard_bytes;              /* [loop] received then */
    psi_heartbeat heartbeat;           /* [loop] the last one */
};

/* A connection whose other end has not yet said who it is. [loop] */
typedef struct psi_pending {
    int fd; /* -1: free */
    psi_receiver receiver;
    double since_s;
} psi_pending;

enum { PSI_PENDING_MAX = 64, PSI_PEER_NAME_BYTES = 128 };

typedef struct psi_thread_worker {
    psi_process *process;
    uint32_t index;
    pthread_t thread;
    pthread_cond_t woken;       /* [lock] */
    atomic_bool is_woken;       /* [any], set with the lock: a wake-up that no wait has used */
    bool is_asleep;             /* [lock] in port_wait() */
    bool has_ended;             /* [lock] its thread is about to return */
    atomic_uint_fast32_t steps; /* [any] computations begun and ended: odd while it computes */
    uint32_t steps_seen;        /* [loop] */
    double steps_seen_s;        /* [loop] when that last changed */
} psi_thread_worker;

typedef struct psi_evaluator {
    pthread_t thread;
    bool is_started, is_stopping, is_busy; /* [lock] */
    psi_job *jobs;                         /* [lock] a ring; owned */
    size_t begin, count, capacity;         /* [lock] */
    pthread_cond_t changed;                /* [lock] */
} psi_evaluator;

/* A child that this process forked. [loop] */
typedef struct psi_child {
    pid_t pid;
    int pidfd;      /* readable when it has ended */
    bool has_ended; /* and `status` is that of waitpid() */
    bool is_judged; /* what its end means has been said */
    int status;
} psi_child;

/* What a process is told when it is made. */
typedef struct psi_process_setup {
    const psi_plan *plan;        /* borrowed */
    psi_runtime_options options; /* with defaults filled in */
    uint32_t id;
    uint8_t job_id[PSI_JOB_ID_BYTES];
    int listener;                 /* transferred; -1 with one process */
    const psi_address *addresses; /* of all processes, borrowed; NULL with one process */
    psi_child *children;          /* [process], borrowed; NULL in a child */
    const char *const *places; /* where each process is, for messages, borrowed; NULL: all here */
    double epoch_s;            /* the monotonic clock's time that counts as 0 */
} psi_process_setup;

struct psi_process {
    psi_port port;                 /* first: a psi_port of ours is a psi_process */
    psi_process_setup setup;       /* [any] */
    const psi_plan *plan;          /* [any] &own_plan */
    psi_plan own_plan;             /* [any] the run's, but for the flag of interrupts */
    volatile int is_interrupted;   /* [lock] that flag; the loop copies the program's to it */
    uint32_t id;                   /* [any] */
    pthread_mutex_t mutex;         /* the node's lock */
    psi_frame_pool pool;           /* [lock] */
    psi_node *node;                /* [lock] */
    psi_monitor *monitor;          /* [lock] */
    psi_results *results;          /* [lock] borrowed */
    ps_fault fault;                /* [lock] the first failure ends the run */
    psi_frame *local, **local_end; /* [lock] frames between endpoints of this process */
    uint64_t local_frames;         /* [lock] */
    bool is_finish_noted;          /* [lock] the loop knows that the monitor is finished */
    bool is_parting;               /* [lock] the loop wants to know when output has been written */
    psi_peer *dirty, **dirty_end;  /* [lock] those with something to write */
    size_t unsettled_bytes;        /* [lock] queued since anybody last carried out what was sent */
    uint32_t crowded_count;        /* [lock] peers for which too much is queued */
    pthread_cond_t has_room;       /* [lock] */
    psi_peer *peers;               /* [any] one per process; the own one is unused */

    psi_thread_worker *workers;  /* [any] */
    uint32_t worker_count;       /* [any] of this process */
    uint32_t workers_started;    /* [loop] */
    atomic_uint workers_running; /* [any], written with the lock: threads that have not ended */
    psi_evaluator evaluator;
    atomic_uint_fast64_t progress; /* [any] grows whenever anything moves */

    double spin_s;                    /* [any] how long a waiting thread polls before it sleeps */
    int readers_epoll_fd;             /* [any] connections, for a worker that reads */
    int reader_wake_fd;               /* [any] wakes that worker; in the same set */
    atomic_bool has_reader;           /* [any], written with the lock: a worker reads */
    psi_thread_worker *reader;        /* [lock] that worker */
    atomic_bool reader_sleeps;        /* [any] it is about to sleep, or asleep, in the kernel */
    atomic_uint_fast32_t reader_runs; /* [any] how often a worker began to read */
    atomic_bool loop_guards;          /* [any] the loop looks after what no worker reads */

    int epoll_fd;                               /* [any] connections and the next, for the loop */
    int control_epoll_fd;                       /* [any] all but connections */
    int wake_fd;                                /* [any] */
    atomic_bool is_awake;                       /* [any] a wake-up of the loop is under way */
    atomic_bool has_news;                       /* [any] peers have something for the loop */
    bool stands_back;                           /* [loop] workers read; see loop.c */
    bool has_heard;                             /* [loop] something came a moment ago */
    uint_fast32_t reader_runs_seen;             /* [loop] */
    psi_stage stage;                            /* [loop] */
    psi_pending pending[PSI_PENDING_MAX];       /* [loop] */
    uint32_t greeted_count;                     /* [loop] */
    char refusal[512];                          /* [loop] why the last stranger was refused */
    uint64_t strangers_refused;                 /* [loop] */
    bool interrupt_seen;                        /* [loop] */
    bool peer_ended_run;                        /* [loop] process 0 said goodbye */
    double connecting_since_s, parting_since_s; /* [loop] */
    double tick_s, heartbeat_s;                 /* [loop] when they were last due */
    uint64_t progress_seen;                     /* [loop] */
    double progress_seen_s; /* [loop] when anything last moved, here or elsewhere */
};

/* launch.c */

/* The options with defaults where they say nothing. NULL: all of them. */
psi_runtime_options psi_runtime_options_complete(const psi_runtime_options *options);

/* process.c */

/* Runs the process of `setup` to its end; see psi_runtime_run_local(). */
PS_MUST_CHECK ps_err psi_process_run(const psi_process_setup *setup, psi_results *results,
                                     ps_fault *fault);

/* Makes the threads of the workers; a failure is noted as the run's. With the lock NOT held. */
void psi_process_start_workers(psi_process *process);

/* Seconds since the start of the run. Any thread. */
double psi_process_now_s(const psi_process *process);

/* Notes that the run has failed, unless it already has, and wakes the loop. [lock] */
void psi_process_fail(psi_process *process, const ps_fault *fault);

/* Starts a thread in which no signal is handled, so that they all reach the caller's thread, the
 * loop. */
int psi_thread_start(pthread_t *thread, void *(*body)(void *arg), void *arg);

/* thread_port.c */

extern const psi_port_ops psi_thread_port_ops;

/* sending.c */

/* Takes the lock; releases it after everything that was sent meanwhile is delivered or written; or
 * after everything but pushes and pulls that may wait for more of their kind. */
void psi_process_lock(psi_process *process);
void psi_process_unlock(psi_process *process);
void psi_process_unlock_soon(psi_process *process);

/* Delivers and writes everything that was sent. [lock], released meanwhile. */
void psi_process_settle(psi_process *process);

/* Blocks a worker until no peer is crowded or the run has failed. [lock], released meanwhile. */
void psi_process_await_room(psi_process *process);

/* Queues a frame of an endpoint, or a record of the link, for another process and takes it over.
 * [lock] */
void psi_peer_send(psi_process *process, psi_peer *peer, psi_frame *frame);
void psi_peer_push(psi_process *process, psi_peer *peer, psi_frame *frame);

/* Notes that a frame came from the peer, which may be an answer. [lock] */
void psi_peer_answered(psi_peer *peer, const psi_frame *frame);

/* Queues a frame for an endpoint of this process and takes it over. [lock] */
void psi_local_push(psi_process *process, psi_frame *frame);

/* Puts the peer on the list of those to be written to, if it has something and its socket takes it.
 * [lock] */
void psi_peer_mark(psi_process *process, psi_peer *peer);

/* Notes whether the peer is crowded, after its queue has changed or it was lost. [lock] */
void psi_peer_note_queue(psi_process *process, psi_peer *peer);

/* Tells the loop once the monitor is finished. [lock] */
void psi_process_note_finish(psi_process *process);

/* Makes the loop look at the process's state. Any thread. */
void psi_process_wake(psi_process *process);

/* evaluator.c */

PS_MUST_CHECK ps_err psi_evaluator_start(psi_process *process);

/* Copies the job into the queue. [lock] */
void psi_evaluator_push(psi_process *process, const psi_job *job);

/* Lets the evaluator end after the job at hand. [lock] */
void psi_evaluator_stop(psi_process *process);

/* loop.c */

/* Goes through the stages until the process is over. Returns the run's error; process->fault has
 * the text. */
void psi_process_loop(psi_process *process);

/* What epoll says of: */
typedef enum psi_source {
    PSI_SOURCE_CONTROL, /* anything but a peer */
    PSI_SOURCE_WAKE,
    PSI_SOURCE_LISTENER,
    PSI_SOURCE_PENDING,
    PSI_SOURCE_PEER,
    PSI_SOURCE_CHILD
} psi_source;

/* Names the `index`-th thing of a kind for epoll. */
static inline uint64_t psi_source_key(psi_source source, uint32_t index) {
    return (uint64_t)source << 32 | index;
}

static inline psi_source psi_source_of(uint64_t key) {
    return (psi_source)(key >> 32);
}

/* Watches `fd` for `events` (EPOLLIN...), which are then reported with `key`; a peer's connection
 * always for all that may happen on it. is_new: for the first time. */
void psi_loop_watch(psi_process *process, int fd, uint32_t events, uint64_t key, bool is_new);
void psi_loop_unwatch(psi_process *process, int fd);

/* waiting.c */

/* Blocks the worker until it is woken. [lock], released meanwhile. */
void psi_worker_wait(psi_process *process, psi_thread_worker *worker);

/* Wakes the worker. [lock] */
void psi_worker_wake(psi_process *process, psi_thread_worker *worker);

/* A worker is about to be busy with its own mathematics: the loop must look after the connections
 * now. Without the lock. */
void psi_worker_leaves_reading(psi_process *process);

/* How long a waiting thread polls unless the options say so: not at all if it would take the CPU
 * of another thread of the run. `neighbour_count`: processes of the run on this machine. */
double psi_spin_default_s(const psi_plan *plan, uint32_t neighbour_count);

/* join.c: all [loop], without the lock */

/* Begins connecting to all processes with lower numbers. A failure is noted as the run's. */
void psi_join_connect(psi_process *process);

/* Accepts connections of processes with higher numbers. */
void psi_join_accept(psi_process *process);

/* A connection that has not greeted yet has something to read. */
void psi_join_pending_ready(psi_process *process, uint32_t index);

/* The peer that this process connected to answers the greeting. The record is borrowed. */
void psi_join_take_answer(psi_process *process, psi_peer *peer, const psi_frame *record);

/* All are connected: stops listening and closes connections that have not greeted. */
void psi_join_close_doors(psi_process *process);

/* Closes connections that do not greet. */
void psi_join_tick(psi_process *process, double now_s);

/* peers.c: what comes from a peer */

/* A peer's connection may have something to read, or can be written to again. Reads all of it,
 * unless another thread is reading, which then looks again, or the reader is woken: the loop then
 * reads the rest. Returns whether something was read. `reader`: the worker that reads, or NULL for
 * the loop. [lock], released meanwhile. */
bool psi_peer_ready(psi_process *process, psi_peer *peer, bool can_write,
                    const psi_thread_worker *reader);

/* The rest of peers.c: all [loop], without the lock */

/* Takes what workers have left to the loop: records, ends of connections, and what they did not
 * read. Declares peers lost whose connections ended without a last word. */
void psi_peers_collect(psi_process *process);

/* A child process has ended. */
void psi_child_ended(psi_process *process, uint32_t child);

/* Takes everything out of what was read from the peer. */
void psi_peer_take_all(psi_process *process, psi_peer *peer);

/* Notes `fault` as the run's. */
void psi_peers_fail(psi_process *process, const ps_fault *fault);

/* Notes who gave a sign of life, looks for ends that came together with data, and gives memory of
 * frames back that a burst has left. Every tick of the watch. */
void psi_peers_tick(psi_process *process, double now_s);

/* Writes how process `id` is called in messages: "process 2 (node 2)", and where it is if that is
 * elsewhere: "process 2 (node 2) on n03". */
void psi_peer_name(const psi_process *process, uint32_t id, char text[static PSI_PEER_NAME_BYTES]);

/* Notes that peer `id` is lost: "process 2 (node 2) <what>, last heard of at clock 17". */
void psi_peer_fail(psi_process *process, uint32_t id, ps_err err, const char *what);

/* watch.c: all [loop], without the lock */

/* Sends heartbeats, looks for silent peers, for stalls and for an interrupt. To be called often. */
void psi_watch_tick(psi_process *process, double now_s);

/* Seconds until the next tick is due. */
double psi_watch_due_s(const psi_process *process, double now_s);

/* A line of who waits for what. Returns false if nobody waits. */
bool psi_watch_describe(psi_process *process, char *text, size_t text_size);

#endif
