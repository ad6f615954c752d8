/* The network model "nic" over SimGrid: one dispatcher with a heap of events, beside the workers'
 * actors.
 *
 *     dispatcher: take the next event -> handle it -> if that made workers ready: sleep until its
 * time (SimGrid's clock follows), release their semaphores, give way until all of them are blocked
 * again
 *
 * Frames are handled without a word to SimGrid, whose clock only has to be right while a worker
 * runs. So a frame costs its heap operations and its state machine, and SimGrid costs about 1 us
 * per worker that wakes (640 ns for the dispatcher's sleep, 320 ns for semaphore and switch;
 * sg_actor_suspend and _resume instead: 1.3 us). Waking the dispatcher early is never needed: while
 * it sleeps nobody else runs. An actor per frame, or a sleep per frame, costs 2 us and more each,
 * and SimGrid would merge events closer than 1 ns. `now_s` is the exact time of the event, not
 * SimGrid's clock, which is equal to within its precision. */
#include "sim/plugin/world.h"

#include <math.h>
#include <stdlib.h>

#include <simgrid/actor.h>
#include <simgrid/engine.h>

enum {
    EVENT_TIMER = PSI_NIC_EVENT_KINDS, /* a worker's computing ends; index is into `timers` */
    EVENT_FAILURE
};

typedef struct nic_world {
    psi_event_heap heap;
    psi_nic *nic; /* owned */
    double now_s;
    uint32_t running_count; /* worker actors that are not blocked */
    uint32_t *ready;        /* owned: ring of ranks, worker_count; a worker is in it at most once */
    uint32_t ready_begin, ready_count;
} nic_world;

static nic_world *model_of(const psi_world *world) {
    return world->model;
}

static double nic_now_s(const psi_world *world) {
    return world->model == NULL ? 0.0 : model_of(world)->now_s; /* while nodes are made */
}

static ps_err nic_send(psi_world *world, uint32_t from_node, uint32_t to_node, psi_frame *frame) {
    nic_world *const model = model_of(world);
    return psi_nic_send(model->nic, model->now_s, from_node, to_node, frame);
}

static void nic_block(psi_world *world, sim_worker *worker) {
    model_of(world)->running_count--;
    if (worker != NULL) {
        sg_sem_acquire(worker->resume);
    }
}

static void nic_resume(psi_world *world, sim_worker *worker) {
    nic_world *const model = model_of(world);
    if (worker->is_ready) {
        return;
    }
    worker->is_ready = true;
    PS_ASSERT(model->ready_count < world->plan->worker_count);
    model->ready[(model->ready_begin + model->ready_count++) % world->plan->worker_count] =
        worker->rank;
}

static void nic_sleep(psi_world *world, sim_worker *worker, double end_s) {
    nic_world *const model = model_of(world);
    const psi_event event = {.time_s = end_s,
                             .sequence = psi_event_heap_sequence(&model->heap),
                             .kind = EVENT_TIMER,
                             .index = worker->rank};
    worker->sleep_sequence = event.sequence;
    if (!psi_event_heap_push(&model->heap, event)) {
        psi_world_fail(world, PS_ENOMEM, "memory is exhausted by timers");
        return;
    }
    nic_block(world, worker);
}

const psi_world_ops psi_world_nic_ops = {.now_s = nic_now_s,
                                         .send = nic_send,
                                         .block = nic_block,
                                         .resume = nic_resume,
                                         .sleep = nic_sleep};

/* Lets all ready workers run until everyone is blocked; those that they wake run too, at the same
 * instant. */
static void workers_run(psi_world *world) {
    nic_world *const model = model_of(world);
    if (model->ready_count > 0 && simgrid_get_clock() < model->now_s) {
        sg_actor_sleep_until(model->now_s);
    }
    while (model->ready_count + model->running_count > 0) {
        while (model->ready_count > 0) {
            sim_worker *const worker = &world->workers[model->ready[model->ready_begin]];
            model->ready_begin = (model->ready_begin + 1) % world->plan->worker_count;
            model->ready_count--;
            worker->is_ready = false;
            model->running_count++;
            sg_sem_release(worker->resume);
        }
        while (model->running_count > 0) {
            sg_actor_yield();
        }
    }
}

static void event_handle(psi_world *world, const psi_event *event) {
    nic_world *const model = model_of(world);
    if (event->kind == EVENT_FAILURE) {
        psi_world_fail_at(world, psi_world_first_failure(world));
        return;
    }
    if (event->kind == EVENT_TIMER) {
        sim_worker *const worker = &world->workers[event->index];
        const bool is_due =
            worker->state == SIM_WORKER_SLEEPS && worker->sleep_sequence == event->sequence;
        if (is_due) {
            nic_resume(world, worker);
        }
        return;
    }
    psi_nic_handled handled;
    if (psi_nic_step(model->nic, event, &handled) != PS_OK) {
        psi_world_fail(world, PS_ENOMEM, "memory is exhausted by frames under way");
    }
    if (handled.frame != NULL) {
        model->now_s = handled.time_s;
        psi_world_deliver(world, handled.node, handled.frame);
    }
}

static void dispatcher_body(int argc, char **argv) {
    (void)argc;
    (void)argv;
    psi_world *const world = psi_actor_arg();
    nic_world *const model = model_of(world);
    psi_event event = {.time_s = 0.0};
    workers_run(world); /* the workers' first steps, at time 0 */
    while (!psi_world_is_finished(world)) {
        if (psi_world_must_stop(world) && !world->is_stopping) {
            psi_world_stop(world);
            workers_run(world);
            continue;
        }
        const bool has_event = psi_event_heap_pop(&model->heap, &event) && isfinite(event.time_s);
        if (!has_event && world->is_stopping) {
            break;
        }
        if (!has_event) {
            psi_world_fail_stalled(world);
            continue;
        }
        PS_ASSERT(event.time_s >= model->now_s);
        model->now_s = event.time_s;
        event_handle(world, &event);
        workers_run(world);
    }
    psi_world_kill_workers(world);
}

static ps_err failure_schedule(psi_world *world) {
    nic_world *const model = model_of(world);
    const psi_failure *const failure = psi_world_first_failure(world);
    if (failure == NULL) {
        return PS_OK;
    }
    const psi_event event = {.time_s = failure->at_s,
                             .sequence = psi_event_heap_sequence(&model->heap),
                             .kind = EVENT_FAILURE};
    return psi_event_heap_push(&model->heap, event) ? PS_OK : PS_ENOMEM;
}

void psi_world_nic_run(psi_world *world) {
    nic_world model = {.running_count = world->plan->worker_count};
    world->model = &model;
    model.ready = calloc(world->plan->worker_count, sizeof *model.ready);
    ps_err err = model.ready == NULL ? PS_ENOMEM : PS_OK;
    if (err == PS_OK) {
        err = psi_nic_create(world->spec, world->plan->seed, &model.heap, &model.nic);
    }
    if (err == PS_OK) {
        err = failure_schedule(world);
    }
    if (err == PS_OK) {
        psi_world_start_workers(world);
        (void)psi_actor_start("dispatcher", world->nodes[0].host, dispatcher_body, world);
        simgrid_run();
    } else {
        psi_world_fail(world, err, "memory for the network is exhausted");
    }
    psi_nic_destroy(model.nic, &world->frames);
    psi_event_heap_fini(&model.heap);
    free(model.ready);
    world->model = NULL;
}
