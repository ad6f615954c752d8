/* What a backend offers to a node. This is all that tortoise asks of a world; runtime, sim and the
 * memory port of the tests implement it and pass one conformance suite (tests/conformance).
 *
 * A backend embeds psi_port as the first member of its own structure, one per node. It calls
 * psi_node_deliver() for every frame that arrives at the node and psi_worker_main() as the body of
 * each worker's thread (see node.h); it never looks into a payload.
 *
 * Order: frames from one endpoint to another are delivered in the order in which they were sent,
 * each once. */
#ifndef PSI_PORT_H
#define PSI_PORT_H

#include <stddef.h>
#include <stdint.h>

#include "ps/frame.h"

typedef struct psi_port psi_port;

/* Mathematics to be done beside the workers: part(arg, i) for 0 <= i < part_count in any order,
 * several at once if the backend likes; then done(arg, cost_s) once, with the node's lock held. */
typedef struct psi_job {
    size_t part_count;
    void (*part)(void *arg, size_t index);
    void (*done)(void *arg, double cost_s);
    void *arg;
} psi_job;

typedef struct psi_port_ops {
    /* Seconds since the start of the run: of a monotonic clock, or virtual. Any thread of the node.
     */
    double (*now_s)(psi_port *port);

    /* Sends frame->bytes from endpoint frame->from, which is on this node, to frame->to, which may
     * be too. Takes the frame over. Called with the lock held; never delivers before it returns.
     * Never blocks. */
    void (*send)(psi_port *port, psi_frame *frame);

    /* Blocks the calling worker, the `worker_index`-th of the node, until it is woken; a wake-up
     * that came since its last wait counts, so none is lost. Called with the lock held, which is
     * released meanwhile. */
    void (*wait)(psi_port *port, uint32_t worker_index);

    /* Wakes that worker. Called with the lock held. */
    void (*wake)(psi_port *port, uint32_t worker_index);

    /* The node's lock: guards all of psi_node but the workers' private rows. */
    void (*lock)(psi_port *port);
    void (*unlock)(psi_port *port);

    /* Runs fn(arg) for a worker at its clock `clock` and lets the time pass that `units` units of
     * work take here. Called without the lock. Blocks. */
    void (*compute)(psi_port *port, uint32_t worker_index, uint32_t clock, double units,
                    void (*fn)(void *arg), void *arg);

    /* Runs a job beside the workers, at no cost to them. Called with the lock held; may be done at
     * once or later. The job is copied; its `arg` is borrowed until done() is called. */
    void (*measure)(psi_port *port, const psi_job *job);
} psi_port_ops;

struct psi_port {
    const psi_port_ops *ops; /* borrowed, static */
    psi_frame_pool *pool;    /* borrowed; frames are taken and released with the lock held */
};

#endif
