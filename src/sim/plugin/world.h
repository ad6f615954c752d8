/* A simulated run: all nodes and workers in one process, one SimGrid actor per worker.
 *
 * world.c has what both network models share: the nodes' ports, the workers' states, the pool that
 * does the mathematics, the reports of failures and stalls. world_nic.c and world_flow.c let time
 * pass and carry frames. Exactly one actor runs at any time (SimGrid's serial scheduling), so
 * nothing here is locked. */
#ifndef PSI_WORLD_H
#define PSI_WORLD_H

#include <simgrid/forward.h>
#include <simgrid/host.h>
#include <simgrid/semaphore.h>

#include "node/node.h"
#include "sim/nic.h"
#include "sim/pool.h"
#include "sim/sim.h"
#include "sim/straggler.h"

typedef struct psi_world psi_world;

typedef enum sim_worker_state {
    SIM_WORKER_RUNS,
    SIM_WORKER_WAITS,  /* in its port's wait(): for frames */
    SIM_WORKER_SLEEPS, /* computes: virtual time passes */
    SIM_WORKER_LEFT
} sim_worker_state;

typedef struct sim_worker {
    psi_world *world; /* borrowed */
    uint32_t rank;
    sim_worker_state state;
    bool sleeps_for_ever;    /* its work is infinite (flow) */
    bool has_wake;           /* was woken while it did not wait */
    bool is_ready;           /* is in the list of ready workers (nic) */
    uint64_t sleep_sequence; /* tells the timer of this sleep from one of a sleep that was cut short
                                (nic) */
    sg_sem_t resume;
    sg_actor_t actor;
} sim_worker;

typedef struct sim_node {
    psi_port port;    /* first: the core hands out pointers to it */
    psi_world *world; /* borrowed */
    uint32_t id;
    psi_node *node; /* owned */
    sg_host_t host;
} sim_node;

/* What a network model does for the world. */
typedef struct psi_world_ops {
    double (*now_s)(const psi_world *world);
    PS_MUST_CHECK ps_err (*send)(psi_world *world, uint32_t from_node, uint32_t to_node,
                                 psi_frame *frame);
    /* Blocks the running worker until resume() of it. */
    void (*block)(psi_world *world, sim_worker *worker);
    void (*resume)(psi_world *world, sim_worker *worker);
    /* Blocks the running worker until `end_s`, or until the run is ending. */
    void (*sleep)(psi_world *world, sim_worker *worker, double end_s);
} psi_world_ops;

struct psi_world {
    const psi_plan *plan; /* borrowed, as are the next two */
    const psi_sim_spec *spec;
    const psi_world_ops *ops;
    psi_slowness slowness;
    uint32_t workers_per_node;
    sim_node *nodes;     /* owned: plan->node_count */
    sim_worker *workers; /* owned: plan->worker_count */
    uint32_t workers_active;
    psi_monitor *monitor; /* owned */
    psi_pool *pool;       /* owned */
    psi_frame_pool frames;
    double unit_cost_s;
    bool is_stopping; /* the nodes were told to stop */
    ps_fault fault;   /* the first thing that went wrong */
    void *model;      /* of the network model */
};

/* Makes nodes and workers; their hosts are the caller's to fill in. On failure half-built;
 * psi_world_fini() cleans up. */
PS_MUST_CHECK ps_err psi_world_init(psi_world *world, const psi_plan *plan,
                                    const psi_sim_spec *spec, const psi_world_ops *ops,
                                    psi_results *results);
void psi_world_fini(psi_world *world);

/* Creates the actors of the workers. */
void psi_world_start_workers(psi_world *world);

/* Kills the actors of workers that have not left though the run is over: algorithms that do not
 * heed PS_ESTOPPED. */
void psi_world_kill_workers(psi_world *world);

/* Starts an actor on `host` that runs body(arg). `arg` must outlive it. */
sg_actor_t psi_actor_start(const char *name, sg_host_t host, void (*body)(int argc, char **argv),
                           void *arg);
void *psi_actor_arg(void);

/* Whether the run is over: all workers have left and the monitor has everything. */
bool psi_world_is_finished(const psi_world *world);

/* Remembers a failure; the first one wins. The network model ends the run soon. */
void psi_world_fail(psi_world *world, ps_err err, const char *format, ...) PS_PRINTF(3, 4);

/* Tells all nodes to stop, once. */
void psi_world_stop(psi_world *world);

/* Whether the run must be told to stop: it failed or was interrupted. */
bool psi_world_must_stop(const psi_world *world);

/* Delivers a frame that a server has handled; a frame that it refuses breaks the run. */
void psi_world_deliver(psi_world *world, uint32_t node, psi_frame *frame);

/* Fails the run for a node or link that fails now, or because nothing can move any more; says who
 * waits. */
void psi_world_fail_at(psi_world *world, const psi_failure *failure);
void psi_world_fail_stalled(psi_world *world);

/* The earliest of the spec's failures, or NULL. */
const psi_failure *psi_world_first_failure(const psi_world *world);

/* The models. Run the simulation to its end; what happened is in world->fault. */
extern const psi_world_ops psi_world_nic_ops, psi_world_flow_ops;
void psi_world_nic_run(psi_world *world);
void psi_world_flow_run(psi_world *world);

#endif
