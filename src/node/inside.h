/* What node.c, worker.c and monitor.c share; nobody else includes it. */
#ifndef PSI_NODE_INSIDE_H
#define PSI_NODE_INSIDE_H

#include "node/node.h"
#include "node/spans.h"
#include "ps/client.h"
#include "ps/shard.h"

struct ps_worker {
    psi_node *node;
    uint32_t index; /* within the node */
    uint32_t rank;
    uint32_t clock;
    psi_rows rows;   /* the worker's thread only */
    psi_block block; /* likewise */
    const void *published;
    void (*publish)(const void *state, void *to); /* NULL: the bytes as they are */
    size_t published_size_bytes;
    bool has_published;
    psi_tally tally; /* the worker's thread only, until it has left */
    double clock_start_s, compute_s, wait_s;
    double waiting_since_s; /* while it waits */
};

struct psi_node {
    const psi_plan *plan;
    uint32_t id;
    psi_port *port;
    psi_monitor *monitor;
    psi_spans *spans; /* of the process, borrowed; NULL: none are recorded */
    psi_client client;
    psi_shard *shards;
    uint32_t first_shard, shard_count;
    ps_worker *workers;
    uint32_t worker_count;
    uint32_t active_count; /* workers that have not left */
    uint32_t *woken;       /* for effects: a place per worker */
    bool is_stopping;
    ps_err failure;                 /* of this node, or PS_OK */
    const ps_worker *failed_worker; /* whose failure it is; NULL: the node's own, or none */
};

/* A copy of what a worker published. */
typedef struct psi_local {
    void *bytes; /* owned; NULL: it published nothing */
    size_t size_bytes;
} psi_local;

/* What the monitor was told of the run so far; process 0 adds up all processes. */
typedef struct psi_totals {
    double work_units;
    uint64_t bytes_sent, frames_sent;
} psi_totals;

/* The tables' layout, which all nodes of a process share. */
const psi_layout *psi_monitor_layout(const psi_monitor *monitor);

/* Where the spans of this process are recorded; NULL if they are not. */
psi_spans *psi_monitor_spans(const psi_monitor *monitor);

/* Record a span of this node, which is filled in, and a stage of the run (`who` is 0, or the rank
 * of the worker that it is about). With the lock, and only while node->spans != NULL. */
void psi_node_record(psi_node *node, psi_span span);
void psi_node_mark(psi_node *node, psi_mark mark, uint32_t who);

/* Whether the state at `clock` is evaluated. Needs no lock. */
bool psi_evaluation_is_due(const psi_plan *plan, uint32_t clock);

/* A node has joined; a shard of it reached a clock at which an evaluation is due (or its end,
 * `is_final`); a worker ended a clock at which one is due, with a copy of its state, which is taken
 * over if true is returned; a worker did some work; frames left the node; a worker has left; a
 * frame came for the monitor. All with the lock. The functions that return false ran out of memory
 * or refuse the frame. */
void psi_monitor_join(psi_monitor *monitor, psi_node *node);
PS_MUST_CHECK bool psi_monitor_shard_clock(psi_monitor *monitor, const psi_shard *shard,
                                           bool is_final);
PS_MUST_CHECK bool psi_monitor_worker_clock(psi_monitor *monitor, const ps_worker *worker,
                                            uint32_t clock, psi_local local);
PS_MUST_CHECK bool psi_monitor_trace(psi_monitor *monitor, const psi_trace_row *row);
void psi_monitor_worked(psi_monitor *monitor, double units);
void psi_monitor_sent(psi_monitor *monitor, const psi_frame *frame);
void psi_monitor_worker_left(psi_monitor *monitor);
PS_MUST_CHECK bool psi_monitor_receive(psi_monitor *monitor, const psi_frame *frame,
                                       ps_fault *fault);

/* Carries out what a step wants; `shard` is the one that stepped, or NULL for the client. */
void psi_node_carry_out(psi_node *node, psi_effects *effects, const psi_shard *shard);

/* Ends the run because this node cannot go on. */
void psi_node_fail(psi_node *node, ps_err err);

static inline psi_effects psi_node_effects(psi_node *node) {
    return (psi_effects){.pool = node->port->pool, .woken = node->woken};
}

#endif
