/* The network model "flow": SimGrid's fluid model carries every frame.
 *
 *     sender -> mailbox of the node -> receiver -> reorder -> queue -> server -> deliver
 *     own node: -> memory queue -> memory ---------------------^
 *
 * A connection, from one node to another, carries a few frames at a time; the others wait, as in
 * the buffers of TCP. Without that bound, workers that never wait would pile up flows faster than
 * they end, and the fluid model's cost grows with each of them. A sender actor starts what had to
 * wait, since a flow begins at the host of whoever starts it.
 *
 * Frames of one pair of hosts share the links, so a short one overtakes a long one; TCP would not
 * let it. Each frame carries its number between the two nodes, and the receiver holds what came too
 * early. Frames inside a node do not use SimGrid's routes, since a route from a host to itself
 * leads over its link in many platforms. A keeper actor sees to failures, interruptions, stalls and
 * the end. The other actors are daemons: SimGrid ends them when the keeper and the workers have
 * ended. */
#include "sim/plugin/world.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include <simgrid/actor.h>
#include <simgrid/comm.h>
#include <simgrid/engine.h>
#include <simgrid/mailbox.h>

#include "base/bytes.h"

enum { FLYING_MAX = 4 }; /* frames of a connection under way at a time */

/* A frame between two nodes. */
typedef struct parcel {
    struct parcel *next;
    psi_frame *frame; /* owned; NULL once delivered */
    uint32_t from_node, to_node;
    uint32_t number; /* of the frames from one node to another */
    double due_s;    /* through memory: when it arrives */
} parcel;

typedef struct parcel_queue {
    parcel *first, *last;
} parcel_queue;

typedef struct flow_node {
    psi_world *world; /* borrowed */
    uint32_t id;
    char mailbox[32];
    uint32_t *sent;     /* owned: frames sent to each node */
    uint32_t *received; /* owned: frames received in order from each node */
    uint8_t *flying;    /* owned: frames that the network carries to each node */
    parcel_queue *held; /* owned: those that wait for them */
    parcel_queue early, memory, serving, outgoing;
    double memory_free_s;
    sg_sem_t memory_filled, serving_filled, outgoing_filled;
} flow_node;

typedef struct flow_world {
    flow_node *nodes; /* owned */
    parcel **parcels; /* owned, each of them too: all that there are */
    size_t parcel_count, parcel_capacity;
    parcel *free_parcels; /* of them */
    uint64_t under_way;   /* frames sent and not yet delivered */
    uint32_t busy_count;  /* workers that run or sleep */
    sg_sem_t attention;   /* wakes the keeper */
} flow_world;

static flow_world *model_of(const psi_world *world) {
    return world->model;
}

static double flow_now_s(const psi_world *world) {
    return world->model == NULL ? 0.0 : simgrid_get_clock(); /* while nodes are made */
}

static void queue_append(parcel_queue *queue, parcel *item) {
    item->next = NULL;
    *(queue->first == NULL ? &queue->first : &queue->last->next) = item;
    queue->last = item;
}

static parcel *queue_remove(parcel_queue *queue) {
    parcel *const item = queue->first;
    if (item != NULL) {
        queue->first = item->next;
    }
    return item;
}

static bool world_is_idle(const psi_world *world) {
    const flow_world *const model = model_of(world);
    return model->busy_count == 0 && model->under_way == 0;
}

/* The keeper must look when the run may be over or has stopped moving. */
static void keeper_notify(psi_world *world) {
    flow_world *const model = model_of(world);
    if (world_is_idle(world) || world->workers_active == 0 || psi_world_must_stop(world)) {
        sg_sem_release(model->attention);
    }
}

static void flow_block(psi_world *world, sim_worker *worker) {
    model_of(world)->busy_count--;
    keeper_notify(world);
    if (worker != NULL) {
        sg_sem_acquire(worker->resume);
    }
}

static void flow_resume(psi_world *world, sim_worker *worker) {
    model_of(world)->busy_count += worker->state == SIM_WORKER_WAITS || worker->sleeps_for_ever;
    sg_sem_release(worker->resume);
}

/* A run that ends cuts the sleep short by a release. */
static void flow_sleep(psi_world *world, sim_worker *worker, double end_s) {
    const double left_s = end_s - simgrid_get_clock();
    worker->sleeps_for_ever = isinf(left_s);
    if (worker->sleeps_for_ever) {
        flow_block(world, worker);
        worker->sleeps_for_ever = false;
    } else if (left_s > 0.0) {
        (void)sg_sem_acquire_timeout(worker->resume, left_s);
    }
}

static parcel *parcel_take(flow_world *model) {
    if (model->free_parcels == NULL) {
        void *parcels = model->parcels;
        parcel *const made = calloc(1, sizeof *made);
        if (made == NULL || !psi_array_reserve(&parcels, &model->parcel_capacity,
                                               model->parcel_count + 1, sizeof made)) {
            free(made);
            return NULL;
        }
        model->parcels = parcels;
        model->parcels[model->parcel_count++] = made;
        return made;
    }
    parcel *const item = model->free_parcels;
    model->free_parcels = item->next;
    return item;
}

/* Puts a parcel on its way. Called by an actor of the host that sends it. */
static void parcel_launch(const psi_world *world, parcel *item) {
    const sg_mailbox_t mailbox = sg_mailbox_by_name(model_of(world)->nodes[item->to_node].mailbox);
    sg_comm_detach(sg_mailbox_put_init(mailbox, item, (long)item->frame->size_bytes), NULL);
}

/* One frame from `from` to node `to_node` has arrived: the next that waited may leave. */
static void connection_advance(flow_node *from, uint32_t to_node) {
    parcel *const next = queue_remove(&from->held[to_node]);
    if (next == NULL) {
        from->flying[to_node]--;
        return;
    }
    queue_append(&from->outgoing, next);
    sg_sem_release(from->outgoing_filled);
}

static ps_err flow_send(psi_world *world, uint32_t from_node, uint32_t to_node, psi_frame *frame) {
    flow_world *const model = model_of(world);
    flow_node *const from = &model->nodes[from_node];
    parcel *const item = parcel_take(model);
    if (item == NULL) {
        return PS_ENOMEM;
    }
    *item = (parcel){.frame = frame, .from_node = from_node, .to_node = to_node};
    model->under_way++;
    if (from_node == to_node) {
        const double now_s = simgrid_get_clock();
        const double begin_s = now_s > from->memory_free_s ? now_s : from->memory_free_s;
        from->memory_free_s =
            begin_s + (double)frame->size_bytes / world->spec->loopback_bytes_per_s;
        item->due_s = from->memory_free_s + world->spec->loopback_latency_s;
        queue_append(&from->memory, item);
        sg_sem_release(from->memory_filled);
        return PS_OK;
    }
    item->number = from->sent[to_node]++;
    if (from->flying[to_node] < FLYING_MAX) {
        from->flying[to_node]++;
        parcel_launch(world, item);
    } else {
        queue_append(&from->held[to_node], item);
    }
    return PS_OK;
}

const psi_world_ops psi_world_flow_ops = {.now_s = flow_now_s,
                                          .send = flow_send,
                                          .block = flow_block,
                                          .resume = flow_resume,
                                          .sleep = flow_sleep};

static void serving_append(flow_node *node, parcel *item) {
    queue_append(&node->serving, item);
    sg_sem_release(node->serving_filled);
}

/* Hands on what is next in its sender's order, as long as there is any. */
static void early_release(flow_node *node) {
    for (parcel **link = &node->early.first; *link != NULL;) {
        parcel *const item = *link;
        if (item->number != node->received[item->from_node]) {
            link = &item->next;
            continue;
        }
        *link = item->next;
        node->received[item->from_node]++;
        serving_append(node, item);
        link = &node->early.first;
    }
}

static void receiver_body(int argc, char **argv) {
    (void)argc;
    (void)argv;
    flow_node *const node = psi_actor_arg();
    sg_mailbox_set_receiver(node->mailbox);
    for (;;) {
        void *payload = NULL;
        const sg_comm_t comm = sg_mailbox_get_async(sg_mailbox_by_name(node->mailbox), &payload);
        if (sg_comm_wait(comm) != SG_OK) {
            continue;
        }
        parcel *const item = payload;
        connection_advance(&model_of(node->world)->nodes[item->from_node], node->id);
        if (item->number == node->received[item->from_node]) {
            node->received[item->from_node]++;
            serving_append(node, item);
            early_release(node);
        } else {
            item->next = node->early.first;
            node->early.first = item;
        }
    }
}

static void sender_body(int argc, char **argv) {
    (void)argc;
    (void)argv;
    flow_node *const node = psi_actor_arg();
    for (;;) {
        sg_sem_acquire(node->outgoing_filled);
        parcel_launch(node->world, queue_remove(&node->outgoing));
    }
}

static void memory_body(int argc, char **argv) {
    (void)argc;
    (void)argv;
    flow_node *const node = psi_actor_arg();
    for (;;) {
        sg_sem_acquire(node->memory_filled);
        parcel *const item = queue_remove(&node->memory);
        sg_actor_sleep_until(item->due_s);
        serving_append(node, item);
    }
}

static void server_body(int argc, char **argv) {
    (void)argc;
    (void)argv;
    flow_node *const node = psi_actor_arg();
    psi_world *const world = node->world;
    flow_world *const model = model_of(world);
    for (;;) {
        sg_sem_acquire(node->serving_filled);
        parcel *const item = queue_remove(&node->serving);
        const double now_s = simgrid_get_clock();
        const double work_s = psi_server_cost_s(&world->spec->server, item->frame);
        const double end_s = psi_slowness_end_s(&world->slowness, node->id, now_s, work_s);
        if (end_s > now_s) {
            sg_actor_sleep_until(end_s);
        }
        psi_frame *const frame = item->frame;
        item->frame = NULL;
        item->next = model->free_parcels;
        model->free_parcels = item;
        psi_world_deliver(world, node->id, frame);
        model->under_way--;
        keeper_notify(world);
    }
}

/* Sleeps until somebody asks for attention, or the first failure is due; true if it is. */
static bool keeper_wait(psi_world *world, const psi_failure *failure) {
    flow_world *const model = model_of(world);
    if (failure == NULL) {
        sg_sem_acquire(model->attention);
        return false;
    }
    const double left_s = failure->at_s - simgrid_get_clock();
    return left_s <= 0.0 || sg_sem_acquire_timeout(model->attention, left_s) != 0;
}

static void keeper_body(int argc, char **argv) {
    (void)argc;
    (void)argv;
    psi_world *const world = psi_actor_arg();
    bool can_move = true;
    while (can_move && !psi_world_is_finished(world)) {
        const psi_failure *const failure =
            world->is_stopping ? NULL : psi_world_first_failure(world);
        if (keeper_wait(world, failure)) {
            psi_world_fail_at(world, failure);
        }
        if (psi_world_is_finished(world)) {
            break;
        }
        if (psi_world_must_stop(world)) {
            psi_world_stop(world);
        } else if (world_is_idle(world)) {
            psi_world_fail_stalled(world);
            psi_world_stop(world);
        }
        can_move = !world_is_idle(world);
    }
    psi_world_kill_workers(world);
}

static void daemon_start(const char *name, flow_node *node, void (*body)(int argc, char **argv)) {
    sg_actor_daemonize(psi_actor_start(name, node->world->nodes[node->id].host, body, node));
}

static ps_err nodes_create(psi_world *world, flow_world *model) {
    const uint32_t count = world->plan->node_count;
    model->nodes = calloc(count, sizeof *model->nodes);
    if (model->nodes == NULL) {
        return PS_ENOMEM;
    }
    for (uint32_t i = 0; i < count; i++) {
        flow_node *const node = &model->nodes[i];
        node->world = world;
        node->id = i;
        (void)snprintf(node->mailbox, sizeof node->mailbox, "node-%u", i);
        node->sent = calloc(count, sizeof *node->sent);
        node->received = calloc(count, sizeof *node->received);
        node->flying = calloc(count, sizeof *node->flying);
        node->held = calloc(count, sizeof *node->held);
        if (node->sent == NULL || node->received == NULL || node->flying == NULL ||
            node->held == NULL) {
            return PS_ENOMEM;
        }
        node->memory_filled = sg_sem_init(0);
        node->serving_filled = sg_sem_init(0);
        node->outgoing_filled = sg_sem_init(0);
    }
    return PS_OK;
}

static void model_fini(psi_world *world, flow_world *model) {
    for (uint32_t i = 0; model->nodes != NULL && i < world->plan->node_count; i++) {
        free(model->nodes[i].sent);
        free(model->nodes[i].received);
        free(model->nodes[i].flying);
        free(model->nodes[i].held);
    }
    for (size_t i = 0; i < model->parcel_count; i++) {
        psi_frame_release(&world->frames, model->parcels[i]->frame);
        free(model->parcels[i]);
    }
    free(model->parcels);
    free(model->nodes);
}

void psi_world_flow_run(psi_world *world) {
    flow_world model = {.busy_count = world->plan->worker_count};
    world->model = &model;
    if (nodes_create(world, &model) == PS_OK) {
        model.attention = sg_sem_init(0);
        for (uint32_t i = 0; i < world->plan->node_count; i++) {
            daemon_start("receiver", &model.nodes[i], receiver_body);
            daemon_start("sender", &model.nodes[i], sender_body);
            daemon_start("memory", &model.nodes[i], memory_body);
            daemon_start("server", &model.nodes[i], server_body);
        }
        psi_world_start_workers(world);
        (void)psi_actor_start("keeper", world->nodes[0].host, keeper_body, world);
        simgrid_run();
    } else {
        psi_world_fail(world, PS_ENOMEM, "memory for the network is exhausted");
    }
    model_fini(world, &model);
    world->model = NULL;
}
