/* A queue of events by (time, sequence): the next is the earliest, and of equal times the one that
 * was added first, so that a simulation is the same in every run. Four children per entry: half the
 * levels of a binary heap, and the children of an entry share two cache lines. */
#ifndef PSI_EVENT_HEAP_H
#define PSI_EVENT_HEAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tortoise/err.h"

typedef struct psi_event {
    double time_s;
    uint64_t sequence; /* of psi_event_heap_sequence(), taken when the event's cause happened */
    uint32_t kind;     /* the owner's */
    uint32_t index;    /* the owner's: of a host, a worker, ... */
} psi_event;

/* All zero is a valid empty heap. */
typedef struct psi_event_heap {
    psi_event *events; /* owned */
    size_t count;
    size_t capacity;
    uint64_t next_sequence;
} psi_event_heap;

/* The next sequence number: each is given once. */
static inline uint64_t psi_event_heap_sequence(psi_event_heap *heap) {
    return heap->next_sequence++;
}

/* Adds an event. Returns false when memory is exhausted; the heap is then unchanged. O(log count).
 */
PS_MUST_CHECK bool psi_event_heap_push(psi_event_heap *heap, psi_event event);

/* Removes the next event. Returns false if there is none. O(log count). */
bool psi_event_heap_pop(psi_event_heap *heap, psi_event *event_out);

void psi_event_heap_fini(psi_event_heap *heap);

#endif
