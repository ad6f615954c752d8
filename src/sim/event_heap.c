#include "sim/event_heap.h"

#include <stdlib.h>

#include "base/bytes.h"

enum { CHILDREN = 4 };

static bool event_is_before(const psi_event *left, const psi_event *right) {
    if (left->time_s < right->time_s) {
        return true;
    }
    return left->time_s == right->time_s && left->sequence < right->sequence;
}

bool psi_event_heap_push(psi_event_heap *heap, psi_event event) {
    PS_ASSERT(event.time_s >= 0.0); /* a time that is no number has no place in an order */
    void *events = heap->events;
    if (!psi_array_reserve(&events, &heap->capacity, heap->count + 1, sizeof *heap->events)) {
        return false;
    }
    heap->events = events;
    size_t hole = heap->count++;
    while (hole > 0) {
        const size_t parent = (hole - 1) / CHILDREN;
        if (!event_is_before(&event, &heap->events[parent])) {
            break;
        }
        heap->events[hole] = heap->events[parent];
        hole = parent;
    }
    heap->events[hole] = event;
    return true;
}

/* Puts `event` where it belongs below `hole`, whose content is free. */
static void heap_sift_down(psi_event_heap *heap, size_t hole, psi_event event) {
    for (size_t first = hole * CHILDREN + 1; first < heap->count; first = hole * CHILDREN + 1) {
        const size_t end = first + CHILDREN < heap->count ? first + CHILDREN : heap->count;
        size_t least = first;
        for (size_t child = first + 1; child < end; child++) {
            if (event_is_before(&heap->events[child], &heap->events[least])) {
                least = child;
            }
        }
        if (!event_is_before(&heap->events[least], &event)) {
            break;
        }
        heap->events[hole] = heap->events[least];
        hole = least;
    }
    heap->events[hole] = event;
}

bool psi_event_heap_pop(psi_event_heap *heap, psi_event *event_out) {
    if (heap->count == 0) {
        return false;
    }
    *event_out = heap->events[0];
    heap->count--;
    if (heap->count > 0) {
        heap_sift_down(heap, 0, heap->events[heap->count]);
    }
    return true;
}

void psi_event_heap_fini(psi_event_heap *heap) {
    free(heap->events);
    *heap = (psi_event_heap){.events = NULL};
}
