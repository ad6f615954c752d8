#define _GNU_SOURCE /* ucontext */
#include "support/memory_port.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <ucontext.h>

#include "node/node.h"
#include "tortoise/random.h"

#if defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define MEMORY_PORT_TSAN
#endif
#elif defined(__SANITIZE_THREAD__)
#define MEMORY_PORT_TSAN
#endif
#ifdef MEMORY_PORT_TSAN
#include <sanitizer/tsan_interface.h>
#endif

enum { STACK_BYTES = 1 << 18, SPEED_SLOW = 1, SPEED_FAST = 100 };

typedef struct memory_world memory_world;

/* The port of one node. */
typedef struct memory_port {
    psi_port base; /* first: the core's pointer is ours */
    memory_world *world;
    uint32_t node_id;
} memory_port;

typedef struct memory_worker {
    psi_node *node;
    uint32_t index; /* within the node */
    ucontext_t context;
    void *stack;
    void *fiber; /* of the thread sanitizer */
    bool is_woken, is_blocked, has_ended;
    ps_err err;
} memory_worker;

/* Frames from one endpoint to another. */
typedef struct memory_channel {
    psi_frame *first, *last;
} memory_channel;

/* Something that can happen: a worker that may go on, or a channel with a frame. */
typedef struct memory_source {
    bool is_worker;
    uint32_t index;
} memory_source;

typedef struct memory_waiting_job {
    psi_job job;
    uint32_t node_id;
} memory_waiting_job;

enum { JOBS_MAX = 4096 };

struct memory_world {
    const psi_plan *plan;
    const memory_options *options;
    psi_frame_pool pool;
    memory_port *ports;
    psi_node **nodes;
    psi_monitor *monitor;
    memory_worker *workers;   /* by rank */
    memory_channel *channels; /* endpoint_count squared */
    uint32_t endpoint_count;
    memory_source *sources;
    size_t source_count;
    memory_waiting_job jobs[JOBS_MAX];
    size_t job_count;
    memory_worker *running; /* NULL: the scheduler */
    ucontext_t scheduler;
    void *scheduler_fiber;
    ps_random random;
    memory_stats stats;
    uint64_t frames_sent;
    ps_err err;
    ps_fault *fault;
};

/* makecontext() passes only integers; one world at a time exists. */
static memory_world *world_of_entry;

/* ---- Coroutines ---- */

static void switch_to(const memory_world *world, memory_worker *worker) {
    (void)world;
    (void)worker;
#ifdef MEMORY_PORT_TSAN
    __tsan_switch_to_fiber(worker == NULL ? world->scheduler_fiber : worker->fiber, 0);
#endif
}

/* Gives control back to the scheduler until it chooses this worker again. */
static void yield(memory_world *world) {
    memory_worker *const self = world->running;
    if (self == NULL) {
        return;
    }
    world->running = NULL;
    switch_to(world, NULL);
    if (swapcontext(&self->context, &world->scheduler) != 0) {
        abort();
    }
}

static void worker_entry(unsigned rank) {
    memory_world *const world = world_of_entry;
    memory_worker *const worker = &world->workers[rank];
    worker->err = psi_worker_main(worker->node, worker->index);
    worker->has_ended = true;
    yield(world);
    abort(); /* an ended worker is never chosen */
}

static void add_source(memory_world *world, bool is_worker, uint32_t index) {
    world->sources[world->source_count++] = (memory_source){.is_worker = is_worker, .index = index};
}

static void resume(memory_world *world, uint32_t rank) {
    memory_worker *const worker = &world->workers[rank];
    world->running = worker;
    world->stats.switches++;
    switch_to(world, worker);
    if (swapcontext(&world->scheduler, &worker->context) != 0) {
        abort();
    }
    if (!worker->has_ended && !worker->is_blocked) {
        add_source(world, true, rank);
    }
}

/* ---- The port ---- */

static memory_world *world_of(psi_port *port) {
    return ((memory_port *)port)->world;
}

static memory_worker *worker_of(psi_port *port, uint32_t worker_index) {
    memory_world *const world = world_of(port);
    const uint32_t per_node = world->plan->worker_count / world->plan->node_count;
    return &world->workers[((memory_port *)port)->node_id * per_node + worker_index];
}

static double port_now_s(psi_port *port) {
    return (double)world_of(port)->stats.actions * 1e-6;
}

static void spoil(memory_world *world, psi_frame *frame) {
    const size_t bits = psi_frame_payload_size_bytes(frame) * 8;
    if (bits > 0) {
        const size_t bit = (size_t)ps_random_below(&world->random, bits);
        frame->bytes[PSI_FRAME_HEADER_BYTES + bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
}

static void port_send(psi_port *port, psi_frame *frame) {
    memory_world *const world = world_of(port);
    world->frames_sent++;
    if (world->frames_sent == world->options->lose_frame) {
        psi_frame_release(&world->pool, frame);
        return;
    }
    if (world->frames_sent == world->options->spoil_frame) {
        spoil(world, frame);
    }
    const uint32_t index = frame->from * world->endpoint_count + frame->to;
    memory_channel *const channel = &world->channels[index];
    frame->next = NULL;
    if (channel->first == NULL) {
        channel->first = frame;
        add_source(world, false, index);
    } else {
        channel->last->next = frame;
    }
    channel->last = frame;
}

static void port_wait(psi_port *port, uint32_t worker_index) {
    memory_worker *const worker = worker_of(port, worker_index);
    if (!worker->is_woken) {
        worker->is_blocked = true;
        yield(world_of(port));
    }
    worker->is_woken = false;
}

static void port_wake(psi_port *port, uint32_t worker_index) {
    memory_world *const world = world_of(port);
    memory_worker *const worker = worker_of(port, worker_index);
    worker->is_woken = true;
    if (worker->is_blocked) {
        worker->is_blocked = false;
        add_source(world, true, (uint32_t)(worker - world->workers));
    }
}

/* Every call of the worker API begins here: the place where others may come before. */
static void port_lock(psi_port *port) {
    yield(world_of(port));
}

static void port_unlock(psi_port *port) {
    (void)port;
}

static void port_compute(psi_port *port, uint32_t worker_index, uint32_t clock, double units,
                         void (*fn)(void *arg), void *arg) {
    (void)worker_index;
    (void)clock;
    (void)units;
    yield(world_of(port));
    fn(arg);
}

static void port_measure(psi_port *port, const psi_job *job) {
    memory_world *const world = world_of(port);
    PS_ASSERT(world->job_count < JOBS_MAX);
    world->jobs[world->job_count++] =
        (memory_waiting_job){.job = *job, .node_id = ((memory_port *)port)->node_id};
}

static const psi_port_ops port_ops = {
    .now_s = port_now_s,
    .send = port_send,
    .wait = port_wait,
    .wake = port_wake,
    .lock = port_lock,
    .unlock = port_unlock,
    .compute = port_compute,
    .measure = port_measure,
};

/* ---- Scheduling ---- */

static void do_a_job(memory_world *world) {
    const size_t at = (size_t)ps_random_below(&world->random, world->job_count);
    const psi_job job = world->jobs[at].job;
    world->jobs[at] = world->jobs[--world->job_count];
    for (size_t i = job.part_count; i > 0; i--) {
        job.part(job.arg, i - 1);
    }
    job.done(job.arg, 0.0);
}

/* Workers and channels differ in speed by a hash of what they are. */
static uint32_t speed_of(const memory_world *world, const memory_source *source) {
    if (!world->options->has_slow_parts) {
        return SPEED_FAST;
    }
    const uint64_t mixed = (source->index * 2u + source->is_worker + world->options->seed) *
                           UINT64_C(0x9e3779b97f4a7c15);
    return mixed >> 62 == 0 ? SPEED_SLOW : SPEED_FAST;
}

/* Picks a source; a slow one is mostly passed over. */
static size_t choose(memory_world *world) {
    for (int tries = 0; tries < 50; tries++) {
        const size_t at = (size_t)ps_random_below(&world->random, world->source_count);
        const uint32_t speed = speed_of(world, &world->sources[at]);
        if (speed == SPEED_FAST || ps_random_below(&world->random, SPEED_FAST) < speed) {
            return at;
        }
    }
    return 0;
}

static void stop_all(memory_world *world, ps_err err) {
    if (world->err == PS_OK) {
        world->err = err;
    }
    for (uint32_t i = 0; i < world->plan->node_count; i++) {
        psi_node_stop(world->nodes[i]);
    }
}

static void deliver(memory_world *world, uint32_t index, size_t source_at) {
    memory_channel *const channel = &world->channels[index];
    psi_frame *const frame = channel->first;
    channel->first = frame->next;
    frame->next = NULL;
    if (channel->first == NULL) {
        world->sources[source_at] = world->sources[--world->source_count];
    }
    world->stats.frames++;
    psi_node *const node = world->nodes[psi_endpoint_node(world->plan, frame->to)];
    if (!psi_node_deliver(node, frame, world->fault)) {
        stop_all(world, PS_EBROKEN);
    }
}

/* Nothing can happen: says who waits for what, and ends the run. */
static void report_stall(memory_world *world) {
    char line[300] = "nobody waits, and the run does not end";
    for (uint32_t rank = 0; rank < world->plan->worker_count; rank++) {
        const memory_worker *const worker = &world->workers[rank];
        if (!worker->has_ended &&
            psi_node_waiting_describe(worker->node, worker->index, line, sizeof line)) {
            break;
        }
    }
    (void)ps_fault_set(world->fault, PS_ESTALL, "nothing can happen any more: %s", line);
    stop_all(world, PS_ESTALL);
}

static bool workers_have_ended(const memory_world *world) {
    for (uint32_t rank = 0; rank < world->plan->worker_count; rank++) {
        if (!world->workers[rank].has_ended) {
            return false;
        }
    }
    return true;
}

static void run_to_the_end(memory_world *world) {
    for (;;) {
        if (world->source_count == 0 && world->job_count == 0) {
            if (workers_have_ended(world)) {
                return;
            }
            report_stall(world);
            if (world->source_count == 0) {
                return;
            }
        }
        world->stats.actions++;
        const bool is_job = world->job_count > 0 &&
                            (world->source_count == 0 || ps_random_below(&world->random, 16) == 0);
        if (is_job) {
            do_a_job(world);
            continue;
        }
        const size_t at = choose(world);
        const memory_source source = world->sources[at];
        if (source.is_worker) {
            world->sources[at] = world->sources[--world->source_count];
            resume(world, source.index);
        } else {
            deliver(world, source.index, at);
        }
    }
}

/* ---- Setting up ---- */

static bool create_worker(memory_world *world, uint32_t rank) {
    const uint32_t per_node = world->plan->worker_count / world->plan->node_count;
    memory_worker *const worker = &world->workers[rank];
    worker->node = world->nodes[rank / per_node];
    worker->index = rank % per_node;
    worker->stack = malloc(STACK_BYTES);
    if (worker->stack == NULL || getcontext(&worker->context) != 0) {
        return false;
    }
#ifdef MEMORY_PORT_TSAN
    worker->fiber = __tsan_create_fiber(0);
#endif
    worker->context.uc_stack.ss_sp = worker->stack;
    worker->context.uc_stack.ss_size = STACK_BYTES;
    worker->context.uc_link = NULL;
    makecontext(&worker->context, (void (*)(void))worker_entry, 1, rank);
    add_source(world, true, rank);
    return true;
}

static bool create_all(memory_world *world, psi_results *results) {
    const psi_plan *const plan = world->plan;
    world->endpoint_count = psi_endpoint_count(plan);
    const size_t channel_count = (size_t)world->endpoint_count * world->endpoint_count;
    world->ports = calloc(plan->node_count, sizeof *world->ports);
    world->nodes = calloc(plan->node_count, sizeof(psi_node *));
    world->workers = calloc(plan->worker_count, sizeof *world->workers);
    world->channels = calloc(channel_count, sizeof *world->channels);
    world->sources = calloc(channel_count + plan->worker_count, sizeof *world->sources);
    if (world->ports == NULL || world->nodes == NULL || world->workers == NULL ||
        world->channels == NULL || world->sources == NULL ||
        psi_monitor_create(plan, 0, results, &world->monitor) != PS_OK) {
        return false;
    }
    for (uint32_t i = 0; i < plan->node_count; i++) {
        world->ports[i] = (memory_port){
            .base = {.ops = &port_ops, .pool = &world->pool}, .world = world, .node_id = i};
        if (psi_node_create(plan, i, &world->ports[i].base, world->monitor, &world->nodes[i]) !=
            PS_OK) {
            return false;
        }
    }
    for (uint32_t rank = 0; rank < plan->worker_count; rank++) {
        if (!create_worker(world, rank)) {
            return false;
        }
    }
    return true;
}

static void destroy_all(memory_world *world) {
    const psi_plan *const plan = world->plan;
    for (uint32_t rank = 0; world->workers != NULL && rank < plan->worker_count; rank++) {
#ifdef MEMORY_PORT_TSAN
        if (world->workers[rank].fiber != NULL) {
            __tsan_destroy_fiber(world->workers[rank].fiber);
        }
#endif
        free(world->workers[rank].stack);
    }
    for (uint32_t i = 0; world->nodes != NULL && i < plan->node_count; i++) {
        psi_node_destroy(world->nodes[i]);
    }
    psi_monitor_destroy(world->monitor);
    psi_frame_pool_fini(&world->pool);
    free(world->ports);
    free(world->nodes);
    free(world->workers);
    free(world->channels);
    free(world->sources);
    free(world);
}

/* The first failure of a worker, by rank. */
static ps_err worker_failure(const memory_world *world) {
    for (uint32_t rank = 0; rank < world->plan->worker_count; rank++) {
        const ps_err err = world->workers[rank].err;
        if (err != PS_OK && err != PS_ESTOPPED) {
            return ps_fault_set(world->fault, err, "worker %u: %s", rank, ps_err_text(err));
        }
    }
    return PS_OK;
}

ps_err memory_run(const psi_plan *plan, const memory_options *options, psi_results *results,
                  memory_stats *stats, ps_fault *fault) {
    PS_TRY(psi_plan_check(plan, fault));
    memory_world *const world = calloc(1, sizeof *world);
    if (world == NULL) {
        return PS_ENOMEM;
    }
    world->plan = plan;
    world->options = options;
    world->fault = fault;
    world->random = ps_random_stream(options->seed, "memory", 0);
    world_of_entry = world;
#ifdef MEMORY_PORT_TSAN
    world->scheduler_fiber = __tsan_get_current_fiber();
#endif
    if (create_all(world, results)) {
        run_to_the_end(world);
        results->time_s = (double)world->stats.actions * 1e-6;
        if (world->err == PS_OK) {
            world->err = worker_failure(world);
        }
        if (world->err == PS_OK && !psi_monitor_is_finished(world->monitor)) {
            world->err =
                ps_fault_set(fault, PS_ESTALL, "the workers have ended and the monitor has not");
        }
    } else {
        world->err = PS_ENOMEM;
    }
    if (stats != NULL) {
        *stats = world->stats;
    }
    const ps_err err = world->err;
    destroy_all(world);
    return err;
}
