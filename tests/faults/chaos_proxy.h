/* A proxy that stands before the ranks of a run and does to their bytes what networks do, the same
 * for the same seed. It knows nothing of frames: it forwards streams of bytes. */
#ifndef TEST_CHAOS_PROXY_H
#define TEST_CHAOS_PROXY_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "runtime/socket.h"

typedef enum chaos_kind {
    CHAOS_NOTHING,
    /* A run survives these; they are done to all connections. */
    CHAOS_DELAY, /* every piece is late by up to 5 ms */
    CHAOS_BYTES, /* every byte is written by itself */
    /* A run ends with these; they are done once, to one connection. */
    CHAOS_STALL,    /* one direction stops, and nobody closes anything */
    CHAOS_RESET,    /* both ends are told that the connection is reset */
    CHAOS_TRUNCATE, /* both ends see the end of the stream, wherever that is */
    CHAOS_FLIP,     /* one bit changes */
    CHAOS_KINDS
} chaos_kind;

typedef struct chaos_plan {
    chaos_kind kind;
    uint64_t seed;
    uint32_t gate;        /* the first connection through it is the one */
    bool is_upstream;     /* towards the gate's target; else from it */
    uint64_t after_bytes; /* have passed in that direction */
} chaos_plan;

/* What the proxy tells the test. */
typedef struct chaos_state {
    atomic_bool is_done; /* the one thing has been done */
    atomic_uint_fast64_t bytes;
} chaos_state;

/* A door: who connects to `listener` is connected to `target`. */
typedef struct chaos_gate {
    int listener;
    psi_address target;
} chaos_gate;

/* Forwards until it is killed. */
_Noreturn void chaos_proxy_run(const chaos_gate *gates, uint32_t gate_count, const chaos_plan *plan,
                               chaos_state *state);

/* "delay", "stall"... */
const char *chaos_kind_name(chaos_kind kind);

#endif
