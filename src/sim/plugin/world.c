#include "sim/plugin/world.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <unistd.h>

#include <simgrid/actor.h>

static sim_worker *port_worker(sim_node *node, uint32_t worker_index) {
    return &node->world->workers[node->id * node->world->workers_per_node + worker_index];
}

static sim_node *port_node(psi_port *port) {
    return (sim_node *)port; /* `port` is its first member */
}

static double port_now_s(psi_port *port) {
    const psi_world *const world = port_node(port)->world;
    return world->ops->now_s(world);
}

static void port_send(psi_port *port, psi_frame *frame) {
    sim_node *const node = port_node(port);
    psi_world *const world = node->world;
    const uint32_t to_node = psi_endpoint_node(world->plan, frame->to);
    if (world->ops->send(world, node->id, to_node, frame) != PS_OK) {
        psi_world_fail(world, PS_ENOMEM, "memory is exhausted by frames under way");
    }
}

static void port_wait(psi_port *port, uint32_t worker_index) {
    sim_worker *const worker = port_worker(port_node(port), worker_index);
    if (!worker->has_wake) {
        worker->state = SIM_WORKER_WAITS;
        worker->world->ops->block(worker->world, worker);
        worker->state = SIM_WORKER_RUNS;
    }
    worker->has_wake = false;
}

static void port_wake(psi_port *port, uint32_t worker_index) {
    sim_worker *const worker = port_worker(port_node(port), worker_index);
    const bool must_resume = worker->state == SIM_WORKER_WAITS && !worker->has_wake;
    worker->has_wake = true;
    if (must_resume) {
        worker->world->ops->resume(worker->world, worker);
    }
}

static void port_lock(psi_port *port) {
    (void)port; /* one actor runs at a time, and gives way only where it blocks */
}

static void port_compute(psi_port *port, uint32_t worker_index, uint32_t clock, double units,
                         void (*fn)(void *arg), void *arg) {
    sim_node *const node = port_node(port);
    sim_worker *const worker = port_worker(node, worker_index);
    psi_world *const world = node->world;
    const double noise =
        psi_slowness_noise(&world->slowness, world->plan->seed, node->id, worker->rank, clock);
    const double work_s = units * world->unit_cost_s * noise;
    const double end_s =
        psi_slowness_end_s(&world->slowness, node->id, world->ops->now_s(world), work_s);
    psi_task task = {.fn = fn, .arg = arg};
    psi_pool_submit(world->pool, &task);
    if (!world->is_stopping) {
        worker->state = SIM_WORKER_SLEEPS;
        world->ops->sleep(world, worker, end_s);
        worker->state = SIM_WORKER_RUNS;
    }
    psi_pool_join(world->pool, &task);
}

static double wall_s(void) {
    struct timespec at;
    (void)clock_gettime(CLOCK_MONOTONIC, &at);
    return (double)at.tv_sec + 1e-9 * (double)at.tv_nsec;
}

/* At once: evaluation costs no virtual time, and what the run does next may depend on it. The cost
 * that is reported is of the wall's clock. */
static void port_measure(psi_port *port, const psi_job *job) {
    const double begin_s = wall_s();
    psi_pool_each(port_node(port)->world->pool, job->part_count, job->part, job->arg);
    job->done(job->arg, wall_s() - begin_s);
}

static const psi_port_ops port_ops = {.now_s = port_now_s,
                                      .send = port_send,
                                      .wait = port_wait,
                                      .wake = port_wake,
                                      .lock = port_lock,
                                      .unlock = port_lock,
                                      .compute = port_compute,
                                      .measure = port_measure};

static uint32_t jobs_resolve(const psi_sim_spec *spec) {
    const long cores = sysconf(_SC_NPROCESSORS_ONLN);
    if (spec->jobs > 0) {
        return spec->jobs;
    }
    return cores < 1 ? 1 : cores > PSI_SIM_JOBS_MAX ? PSI_SIM_JOBS_MAX : (uint32_t)cores;
}

static ps_err nodes_create(psi_world *world) {
    const uint32_t count = world->plan->node_count;
    world->nodes = calloc(count, sizeof *world->nodes);
    world->workers = calloc(world->plan->worker_count, sizeof *world->workers);
    if (world->nodes == NULL || world->workers == NULL) {
        return PS_ENOMEM;
    }
    for (uint32_t rank = 0; rank < world->plan->worker_count; rank++) {
        world->workers[rank] = (sim_worker){.world = world, .rank = rank};
    }
    for (uint32_t i = 0; i < count; i++) {
        sim_node *const node = &world->nodes[i];
        *node =
            (sim_node){.port = {.ops = &port_ops, .pool = &world->frames}, .world = world, .id = i};
        PS_TRY(psi_node_create(world->plan, i, &node->port, world->monitor, &node->node));
    }
    return PS_OK;
}

ps_err psi_world_init(psi_world *world, const psi_plan *plan, const psi_sim_spec *spec,
                      const psi_world_ops *ops, psi_results *results) {
    *world = (psi_world){.plan = plan,
                         .spec = spec,
                         .ops = ops,
                         .slowness = psi_slowness_of(spec),
                         .workers_per_node = plan->worker_count / plan->node_count,
                         .workers_active = plan->worker_count,
                         .unit_cost_s = psi_sim_unit_cost_s(spec, plan) * spec->work_scale};
    PS_TRY(psi_monitor_create(plan, 0, results, &world->monitor));
    PS_TRY(psi_pool_create(jobs_resolve(spec), &world->pool));
    return nodes_create(world);
}

void psi_world_fini(psi_world *world) {
    for (uint32_t i = 0; world->nodes != NULL && i < world->plan->node_count; i++) {
        psi_node_destroy(world->nodes[i].node);
    }
    psi_monitor_destroy(world->monitor);
    psi_pool_destroy(world->pool);
    psi_frame_pool_fini(&world->frames);
    free(world->nodes);
    free(world->workers);
}

sg_actor_t psi_actor_start(const char *name, sg_host_t host, void (*body)(int argc, char **argv),
                           void *arg) {
    const char *const argv[] = {name, NULL};
    const sg_actor_t actor = sg_actor_create_(name, host, body, 1, argv);
    sg_actor_set_data(actor, arg); /* before it runs: actors begin when their creator gives way */
    return actor;
}

void *psi_actor_arg(void) {
    return sg_actor_get_data(sg_actor_self());
}

static void worker_body(int argc, char **argv) {
    (void)argc;
    (void)argv;
    sim_worker *const worker = psi_actor_arg();
    psi_world *const world = worker->world;
    const sim_node *const node = &world->nodes[worker->rank / world->workers_per_node];
    const ps_err err = psi_worker_main(node->node, worker->rank % world->workers_per_node);
    worker->state = SIM_WORKER_LEFT;
    world->workers_active--;
    if (err != PS_OK && err != PS_ESTOPPED) {
        uint32_t rank, clock; /* all workers of the node return the failure of one */
        if (!psi_node_failed_worker(node->node, &rank, &clock)) {
            rank = worker->rank;
        }
        psi_world_fail(world, err, "worker %u failed at %.9g s: %s", rank, world->ops->now_s(world),
                       ps_err_text(err));
    }
    world->ops->block(world, NULL); /* it has left: the model looks whether the run is over */
}

void psi_world_start_workers(psi_world *world) {
    for (uint32_t rank = 0; rank < world->plan->worker_count; rank++) {
        char name[32];
        (void)snprintf(name, sizeof name, "worker-%u", rank);
        sim_worker *const worker = &world->workers[rank];
        worker->resume = sg_sem_init(0);
        worker->actor = psi_actor_start(name, world->nodes[rank / world->workers_per_node].host,
                                        worker_body, worker);
    }
}

void psi_world_kill_workers(psi_world *world) {
    for (uint32_t rank = 0; rank < world->plan->worker_count; rank++) {
        if (world->workers[rank].state != SIM_WORKER_LEFT) {
            sg_actor_kill(world->workers[rank].actor);
        }
    }
}

bool psi_world_is_finished(const psi_world *world) {
    return world->workers_active == 0 && psi_monitor_is_finished(world->monitor);
}

void psi_world_fail(psi_world *world, ps_err err, const char *format, ...) {
    char text[sizeof world->fault.text];
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    (void)ps_fault_set(&world->fault, err, "%s", text);
}

bool psi_world_must_stop(const psi_world *world) {
    const volatile int *const interrupted = world->plan->interrupted;
    return world->fault.err != PS_OK || (interrupted != NULL && *interrupted != 0);
}

void psi_world_stop(psi_world *world) {
    if (world->is_stopping) {
        return;
    }
    world->is_stopping = true;
    for (uint32_t i = 0; i < world->plan->node_count; i++) {
        psi_node_stop(world->nodes[i].node);
    }
    for (uint32_t rank = 0; rank < world->plan->worker_count; rank++) {
        sim_worker *const worker = &world->workers[rank];
        if (worker->state == SIM_WORKER_SLEEPS) {
            world->ops->resume(world,
                               worker); /* what it computes is done, only its time is cut short */
        }
    }
}

void psi_world_deliver(psi_world *world, uint32_t node, psi_frame *frame) {
    ps_fault fault = {.err = PS_OK};
    if (!psi_node_deliver(world->nodes[node].node, frame, &fault)) {
        psi_world_fail(world, PS_EBROKEN, "at %.9g s node %u refused a frame: %s",
                       world->ops->now_s(world), node, fault.text);
    }
}

/* Says who waits for whom: the first few in full, the rest by number. */
static void waiting_write(const psi_world *world, char *text, size_t text_size_bytes) {
    enum { IN_FULL_MAX = 3 };
    uint32_t waiting_count = 0;
    size_t length = 0;
    text[0] = '\0';
    for (uint32_t rank = 0; rank < world->plan->worker_count; rank++) {
        char line[160];
        const psi_node *const node = world->nodes[rank / world->workers_per_node].node;
        if (!psi_node_waiting_describe(node, rank % world->workers_per_node, line, sizeof line)) {
            continue;
        }
        waiting_count++;
        if (waiting_count <= IN_FULL_MAX && length < text_size_bytes) {
            length += (size_t)snprintf(text + length, text_size_bytes - length, "; %s", line);
        }
    }
    if (waiting_count == 0) {
        (void)snprintf(text, text_size_bytes, "; no worker waits");
    } else if (waiting_count > IN_FULL_MAX && length < text_size_bytes) {
        (void)snprintf(text + length, text_size_bytes - length, "; and %u more wait",
                       waiting_count - IN_FULL_MAX);
    }
}

void psi_world_fail_at(psi_world *world, const psi_failure *failure) {
    char text[400];
    char returns[64] = "";
    waiting_write(world, text, sizeof text);
    if (isfinite(failure->until_s)) {
        (void)snprintf(returns, sizeof returns, " (until %.9g s, but runs do not recover yet)",
                       failure->until_s);
    }
    psi_world_fail(world, PS_EPEER, "%s %u failed at %.9g s%s%s",
                   failure->is_link ? "the link of node" : "node", failure->node, failure->at_s,
                   returns, text);
}

void psi_world_fail_stalled(psi_world *world) {
    char text[400];
    waiting_write(world, text, sizeof text);
    psi_world_fail(world, PS_ESTALL, "nothing can move any more at %.9g s%s",
                   world->ops->now_s(world), text);
}

const psi_failure *psi_world_first_failure(const psi_world *world) {
    const psi_failure *first = NULL;
    for (size_t i = 0; i < world->spec->failure_count; i++) {
        const psi_failure *const failure = &world->spec->failures[i];
        if (first == NULL || failure->at_s < first->at_s) {
            first = failure;
        }
    }
    return first;
}
