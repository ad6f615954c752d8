#include "sim/nic.h"

#include <math.h>
#include <stdlib.h>

#include "tortoise/random.h"

#include "base/bytes.h"

#define NONE UINT32_MAX

/* A frame under way. Which queue it is in tells what `time_s` means. */
typedef struct flight {
    psi_frame *frame;   /* owned */
    double first_bit_s; /* when its first bit could arrive */
    double time_s;      /* when its last bit could arrive (lane), or has (receive queue) */
    uint64_t
        sequence; /* of its sending: of frames that arrive together the first sent is the first */
    uint32_t from_node, to_node;
    uint32_t next; /* in a queue or in the free list */
} flight;

/* fmax() without its rules for NaN, which cost a call per frame. */
static double later(double left_s, double right_s) {
    return left_s > right_s ? left_s : right_s;
}

/* First in, first out; indices of flights. */
typedef struct flight_queue {
    uint32_t head, tail;
} flight_queue;

typedef struct nic_host {
    double tx_free_s; /* when its card can begin to send */
    double rx_free_s; /* when its card can begin to receive */
    double memory_free_s;
    double lane_last_s; /* the last arrival in its lane */
    double slow_factor; /* of its server, if it never changes; 0: it varies with time */
    uint64_t jitter_count;
    flight_queue lane; /* what it has sent, by arrival */
    flight_queue receiving;
    flight_queue serving; /* the head is being served */
} nic_host;

struct psi_nic {
    const psi_sim_spec *spec; /* borrowed */
    psi_event_heap *heap;     /* borrowed */
    psi_slowness slowness;
    uint64_t seed;
    nic_host *hosts; /* owned */
    uint32_t host_count;
    flight *flights; /* owned */
    size_t flight_count, flight_capacity;
    uint32_t free_flights;
    uint64_t under_way;
};

ps_err psi_nic_create(const psi_sim_spec *spec, uint64_t seed, psi_event_heap *heap,
                      psi_nic **nic_out) {
    *nic_out = NULL;
    psi_nic *const nic = calloc(1, sizeof *nic);
    if (nic == NULL) {
        return PS_ENOMEM;
    }
    nic->spec = spec;
    nic->seed = seed;
    nic->heap = heap;
    nic->slowness = psi_slowness_of(spec);
    nic->host_count = nic->slowness.node_count;
    nic->free_flights = NONE;
    nic->hosts = calloc(nic->host_count, sizeof *nic->hosts);
    if (nic->hosts == NULL) {
        free(nic);
        return PS_ENOMEM;
    }
    for (uint32_t i = 0; i < nic->host_count; i++) {
        const flight_queue empty = {.head = NONE, .tail = NONE};
        double until_s = 0.0;
        const double factor = psi_slowness_factor(&nic->slowness, i, 0.0, &until_s);
        nic->hosts[i].slow_factor = isinf(until_s) ? factor : 0.0;
        nic->hosts[i].lane = empty;
        nic->hosts[i].receiving = empty;
        nic->hosts[i].serving = empty;
    }
    *nic_out = nic;
    return PS_OK;
}

void psi_nic_destroy(psi_nic *nic, psi_frame_pool *pool) {
    if (nic == NULL) {
        return;
    }
    for (size_t i = 0; i < nic->flight_count; i++) {
        psi_frame_release(pool, nic->flights[i].frame);
    }
    free(nic->flights);
    free(nic->hosts);
    free(nic);
}

static uint32_t flight_take(psi_nic *nic, psi_frame *frame) {
    if (nic->free_flights == NONE) {
        void *flights = nic->flights;
        if (nic->flight_count >= NONE - 1 ||
            !psi_array_reserve(&flights, &nic->flight_capacity, nic->flight_count + 1,
                               sizeof(flight))) {
            return NONE;
        }
        nic->flights = flights;
        nic->flights[nic->flight_count].next = NONE;
        nic->free_flights = (uint32_t)nic->flight_count++;
    }
    const uint32_t index = nic->free_flights;
    nic->free_flights = nic->flights[index].next;
    nic->flights[index] = (flight){.frame = frame, .next = NONE};
    nic->under_way++;
    return index;
}

static psi_frame *flight_release(psi_nic *nic, uint32_t index) {
    psi_frame *const frame = nic->flights[index].frame;
    nic->flights[index].frame = NULL;
    nic->flights[index].next = nic->free_flights;
    nic->free_flights = index;
    nic->under_way--;
    return frame;
}

/* Appends and says whether the queue was empty, so that its head now needs an event. */
static bool queue_append(psi_nic *nic, flight_queue *queue, uint32_t index) {
    nic->flights[index].next = NONE;
    const bool was_empty = queue->head == NONE;
    if (was_empty) {
        queue->head = index;
    } else {
        nic->flights[queue->tail].next = index;
    }
    queue->tail = index;
    return was_empty;
}

static uint32_t queue_remove(psi_nic *nic, flight_queue *queue) {
    const uint32_t index = queue->head;
    PS_ASSERT(index != NONE);
    queue->head = nic->flights[index].next;
    if (queue->head == NONE) {
        queue->tail = NONE;
    }
    return index;
}

/* Schedules what happens to flight `flight_index` at `time_s`; `index` is the event's. */
static ps_err nic_schedule(psi_nic *nic, double time_s, uint32_t flight_index, uint32_t kind,
                           uint32_t index) {
    const psi_event event = {.time_s = time_s,
                             .sequence = nic->flights[flight_index].sequence,
                             .kind = kind,
                             .index = index};
    return psi_event_heap_push(nic->heap, event) ? PS_OK : PS_ENOMEM;
}

static double nic_jitter_s(psi_nic *nic, uint32_t node) {
    if (nic->spec->jitter_s <= 0.0) {
        return 0.0;
    }
    const uint64_t rank = (uint64_t)node << 32 | (nic->hosts[node].jitter_count++ & UINT32_MAX);
    ps_random stream = ps_random_stream(nic->seed, "network-jitter", rank);
    return nic->spec->jitter_s * ps_random_uniform(&stream);
}

ps_err psi_nic_send(psi_nic *nic, double now_s, uint32_t from_node, uint32_t to_node,
                    psi_frame *frame) {
    PS_ASSERT(from_node < nic->host_count && to_node < nic->host_count);
    const uint32_t index = flight_take(nic, frame);
    if (index == NONE) {
        return PS_ENOMEM;
    }
    flight *const sent = &nic->flights[index];
    nic_host *const host = &nic->hosts[from_node];
    const double size_bytes = (double)frame->size_bytes;
    sent->sequence = psi_event_heap_sequence(nic->heap);
    sent->from_node = from_node;
    sent->to_node = to_node;
    if (from_node == to_node) {
        host->memory_free_s =
            later(now_s, host->memory_free_s) + size_bytes / nic->spec->loopback_bytes_per_s;
        sent->time_s = host->memory_free_s + nic->spec->loopback_latency_s;
        return nic_schedule(nic, sent->time_s, index, PSI_NIC_EVENT_FLIGHT, index);
    }
    const psi_sim_node *const node = &nic->spec->nodes[from_node];
    const double begin_s = later(now_s, host->tx_free_s);
    const double delay_s = node->latency_s + nic->spec->nodes[to_node].latency_s;
    host->tx_free_s = begin_s + size_bytes / node->up_bytes_per_s;
    sent->first_bit_s = begin_s + delay_s;
    sent->time_s = host->tx_free_s + delay_s;
    if (nic->spec->jitter_s > 0.0) {
        const double jittered_s =
            later(sent->time_s + nic_jitter_s(nic, from_node), host->lane_last_s);
        sent->first_bit_s += jittered_s - sent->time_s;
        sent->time_s = jittered_s;
    }
    if (sent->time_s <
        host->lane_last_s) { /* a nearer receiver: it would wait in the lane for nothing */
        return nic_schedule(nic, sent->time_s, index, PSI_NIC_EVENT_FLIGHT, index);
    }
    host->lane_last_s = sent->time_s;
    return queue_append(nic, &host->lane, index)
               ? nic_schedule(nic, sent->time_s, index, PSI_NIC_EVENT_LANE, from_node)
               : PS_OK;
}

double psi_server_cost_s(const psi_sim_server_cost *cost, const psi_frame *frame) {
    return cost->per_frame_s + cost->per_byte_s * (double)frame->size_bytes +
           cost->per_row_s * (double)frame->row_count;
}

/* When the head of the node's queue is served that begins now. */
static double server_end_s(const psi_nic *nic, uint32_t node, double now_s) {
    const nic_host *const host = &nic->hosts[node];
    const psi_frame *const frame = nic->flights[host->serving.head].frame;
    const double work_s = psi_server_cost_s(&nic->spec->server, frame);
    return host->slow_factor > 0.0 ? now_s + work_s * host->slow_factor
                                   : psi_slowness_end_s(&nic->slowness, node, now_s, work_s);
}

static void server_hand_out(psi_nic *nic, uint32_t node, double time_s,
                            psi_nic_handled *handled_out) {
    psi_frame *const frame = flight_release(nic, queue_remove(nic, &nic->hosts[node].serving));
    *handled_out = (psi_nic_handled){.frame = frame, .node = node, .time_s = time_s};
}

/* A frame waits for the server, or is served at once; if that ends before anything else happens,
 * there is no need for an event. */
static ps_err server_enter(psi_nic *nic, uint32_t index, double now_s,
                           psi_nic_handled *handled_out) {
    const uint32_t node = nic->flights[index].to_node;
    if (!queue_append(nic, &nic->hosts[node].serving, index)) {
        return PS_OK;
    }
    const double end_s = server_end_s(nic, node, now_s);
    const bool is_next = nic->heap->count == 0 || end_s < nic->heap->events[0].time_s;
    if (is_next) {
        server_hand_out(nic, node, end_s, handled_out);
        return PS_OK;
    }
    return nic_schedule(nic, end_s, index, PSI_NIC_EVENT_SERVED, node);
}

/* The last bit of a frame could be here now: is the card free to take it? */
static ps_err card_enter(psi_nic *nic, uint32_t index, double now_s, psi_nic_handled *handled_out) {
    flight *const arrived = &nic->flights[index];
    const uint32_t node = arrived->to_node;
    nic_host *const host = &nic->hosts[node];
    const double size_bytes = (double)arrived->frame->size_bytes;
    const double rate_bytes_per_s = nic->spec->nodes[node].down_bytes_per_s;
    const bool is_free = host->rx_free_s <= arrived->first_bit_s;
    const bool keeps_pace = nic->spec->nodes[arrived->from_node].up_bytes_per_s <= rate_bytes_per_s;
    double end_s = now_s;
    if (!is_free || !keeps_pace) {
        end_s = later(now_s,
                      later(arrived->first_bit_s, host->rx_free_s) + size_bytes / rate_bytes_per_s);
    }
    host->rx_free_s = end_s;
    if (end_s <= now_s && host->receiving.head == NONE) {
        return server_enter(nic, index, now_s, handled_out);
    }
    arrived->time_s = end_s;
    return queue_append(nic, &host->receiving, index)
               ? nic_schedule(nic, end_s, index, PSI_NIC_EVENT_RECV, node)
               : PS_OK;
}

/* Takes the head out of a queue that had an event, and schedules the one behind it. */
static ps_err queue_advance(psi_nic *nic, flight_queue *queue, const psi_event *event,
                            uint32_t *index_out) {
    *index_out = queue_remove(nic, queue);
    const uint32_t head = queue->head;
    return head == NONE
               ? PS_OK
               : nic_schedule(nic, nic->flights[head].time_s, head, event->kind, event->index);
}

ps_err psi_nic_step(psi_nic *nic, const psi_event *event, psi_nic_handled *handled_out) {
    uint32_t index = event->index;
    const double now_s = event->time_s;
    *handled_out = (psi_nic_handled){.frame = NULL};
    switch (event->kind) {
    case PSI_NIC_EVENT_LANE:
        PS_TRY(queue_advance(nic, &nic->hosts[event->index].lane, event, &index));
        return card_enter(nic, index, now_s, handled_out);
    case PSI_NIC_EVENT_FLIGHT:
        /* Memory has no card. */
        return nic->flights[index].from_node == nic->flights[index].to_node
                   ? server_enter(nic, index, now_s, handled_out)
                   : card_enter(nic, index, now_s, handled_out);
    case PSI_NIC_EVENT_RECV:
        PS_TRY(queue_advance(nic, &nic->hosts[event->index].receiving, event, &index));
        return server_enter(nic, index, now_s, handled_out);
    default:
        PS_ASSERT(event->kind == PSI_NIC_EVENT_SERVED);
        server_hand_out(nic, event->index, now_s, handled_out);
        index = nic->hosts[event->index].serving.head;
        return index == NONE ? PS_OK
                             : nic_schedule(nic, server_end_s(nic, event->index, now_s), index,
                                            PSI_NIC_EVENT_SERVED, event->index);
    }
}

uint64_t psi_nic_frames_under_way(const psi_nic *nic) {
    return nic->under_way;
}
