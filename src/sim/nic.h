/* The network model "nic": what a host's network card and server do with frames, one at a time
 * each.
 *
 *     sender's card            wire             receiver's card           receiver's server
 *     max(now, tx_free)   + latency(from)   no earlier than rx_free    one frame at a time,
 *       + bytes / up      + latency(to)       + bytes / down           first come, first served
 *                         + jitter
 *
 * A frame is cut through, not stored and forwarded: a receiver that is free and not slower than the
 * sender adds nothing but the latency. Receivers take frames in the order in which their last bit
 * could arrive. Jitter delays whatever follows on the sender's link, so frames of one sender do not
 * overtake for it. Frames between endpoints of one node go through memory, in order, and then to
 * the same server.
 *
 * This file is pure: it keeps times and queues, fills a heap of events that the caller steps
 * through, and returns the frames that have been handled. Per host at most three events are in the
 * heap, whatever the number of frames under way: frames that leave a host arrive in order (unless
 * latencies differ), so only the first of each queue needs a place in it. That keeps the heap in
 * the cache with 600 000 frames in flight. */
#ifndef PSI_NIC_H
#define PSI_NIC_H

#include <stdint.h>

#include "ps/frame.h"
#include "sim/event_heap.h"
#include "sim/straggler.h"

/* Kinds of the events that belong to the network; other kinds in the same heap are the caller's. */
enum {
    PSI_NIC_EVENT_LANE,   /* the last bit of the first frame of a host's outgoing queue is at the
                             receiver */
    PSI_NIC_EVENT_FLIGHT, /* ... of a frame that is in no queue */
    PSI_NIC_EVENT_RECV,   /* a receiver's card has taken a frame in */
    PSI_NIC_EVENT_SERVED, /* a server has handled a frame */
    PSI_NIC_EVENT_KINDS
};

typedef struct psi_nic psi_nic;

/* Makes the network of a resolved spec. `spec` and `heap` are borrowed until psi_nic_destroy().
 * Jitter is drawn from streams of `seed`. Returns PS_OK or PS_ENOMEM. */
PS_MUST_CHECK ps_err psi_nic_create(const psi_sim_spec *spec, uint64_t seed, psi_event_heap *heap,
                                    psi_nic **nic_out);

/* Releases the network and gives the frames that are under way to `pool`. Accepts NULL. */
void psi_nic_destroy(psi_nic *nic, psi_frame_pool *pool);

/* Sends a frame from one node to another (or to itself) at `now_s`, which never goes back. Takes
 * the frame over. Returns PS_OK, or PS_ENOMEM and the frame is released to nobody. O(log hosts). */
PS_MUST_CHECK ps_err psi_nic_send(psi_nic *nic, double now_s, uint32_t from_node, uint32_t to_node,
                                  psi_frame *frame);

/* A frame that a server has handled; it is the caller's. */
typedef struct psi_nic_handled {
    psi_frame *frame; /* NULL: none */
    uint32_t node;
    double time_s; /* when; not before the event, and before all others in the heap */
} psi_nic_handled;

/* Carries out an event of the heap with kind < PSI_NIC_EVENT_KINDS. Returns PS_OK or PS_ENOMEM. */
PS_MUST_CHECK ps_err psi_nic_step(psi_nic *nic, const psi_event *event,
                                  psi_nic_handled *handled_out);

/* Frames that were sent and have not been handled. */
uint64_t psi_nic_frames_under_way(const psi_nic *nic);

/* What a server spends on a frame, in seconds of the reference machine. */
double psi_server_cost_s(const psi_sim_server_cost *cost, const psi_frame *frame);

#endif
