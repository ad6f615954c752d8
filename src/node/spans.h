/* A record of what a process did and when: spans of computing and waiting, frames that left and
 * came, evaluations and stages of the run. It is kept only if the plan asks for it, in a ring of
 * fixed size that forgets the oldest spans; when the run ends, process 0 gets those of all
 * processes (psi_results.spans).
 *
 * Times are those of the port: seconds since the start of the run. Writing them down for people is
 * not done here. */
#ifndef PSI_SPANS_H
#define PSI_SPANS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/bytes.h"

typedef enum psi_span_kind {
    PSI_SPAN_COMPUTE,  /* of a worker */
    PSI_SPAN_WAIT,     /* of a worker, for a row or an answer */
    PSI_SPAN_CLOCK,    /* of a worker: from the end of one clock to the end of the next */
    PSI_SPAN_SEND,     /* a frame leaves an endpoint; begin_s == end_s */
    PSI_SPAN_DELIVER,  /* an endpoint handles a frame */
    PSI_SPAN_EVALUATE, /* of a process: its share of an evaluation */
    PSI_SPAN_MARK,     /* of a node or a worker; begin_s == end_s */
    PSI_SPAN_KINDS
} psi_span_kind;

/* What a worker waits for: fields of PSI_SPAN_WAIT. */
typedef enum psi_awaited {
    PSI_AWAITED_ROW,    /* `row` of `table` at clock `need_clock`, from `shard` */
    PSI_AWAITED_ANSWER, /* a push or pull is complete, or fewer are under way */
    PSI_AWAITED_SEEN,   /* all workers have read clock `need_clock` of the rows of `shard` */
    PSI_AWAITED_KINDS
} psi_awaited;

/* Stages of the run: `what` of PSI_SPAN_MARK. */
typedef enum psi_mark {
    PSI_MARK_READY, /* a node has its tables */
    PSI_MARK_LEFT,  /* a worker has left */
    PSI_MARK_STOP,  /* a node was told to stop */
    PSI_MARK_END,   /* a process has recorded all that it will */
    PSI_MARK_KINDS
} psi_mark;

/* One entry. `node` is where it happened. Fields that a kind does not use are 0. */
typedef struct psi_span {
    double begin_s, end_s;
    uint64_t amount;     /* COMPUTE: bits of the units (double); WAIT: row; frames: bytes */
    uint32_t kind, node; /* psi_span_kind */
    uint32_t who;        /* rank of the worker; frames: the endpoint that sends or handles it */
    uint32_t clock;      /* of the worker or the evaluation */
    uint32_t what;       /* WAIT: psi_awaited; frames: psi_frame_type; MARK: psi_mark */
    uint32_t other;      /* WAIT: shard; frames: the other endpoint */
    uint32_t table;      /* WAIT */
    uint32_t number;     /* WAIT: the clock that is needed; frames: psi_spans_number() */
} psi_span;

enum { PSI_SPAN_BYTES = 56 }; /* between processes */

typedef struct psi_spans psi_spans;

/* Makes a ring of `capacity` spans, at least 1. NULL: memory is exhausted. O(capacity). */
psi_spans *psi_spans_create(size_t capacity);
void psi_spans_destroy(psi_spans *spans); /* accepts NULL */

/* Adds a span; the oldest one goes if there is no room. Never fails. O(1). */
void psi_spans_add(psi_spans *spans, const psi_span *span);

/* Numbers the frames from one endpoint to another, from 1 on: those that left, and those that came.
 * Frames keep their order, so equal numbers are the same frame. 0: too many pairs of endpoints to
 * number. O(1). */
uint32_t psi_spans_number(psi_spans *spans, uint32_t from, uint32_t to, bool is_sent);

/* How many there are, and how many had to go. */
size_t psi_spans_count(const psi_spans *spans);
uint64_t psi_spans_dropped(const psi_spans *spans);

/* The `index`-th of them, oldest first; index < psi_spans_count(). */
const psi_span *psi_spans_at(const psi_spans *spans, size_t index);

/* Real numbers as the bits of their IEEE form. */
static inline void psi_put_f64(uint8_t *bytes, double value) {
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    psi_put_u64(bytes, bits);
}

static inline double psi_read_f64(psi_reader *reader) {
    const uint64_t bits = psi_read_u64(reader);
    double value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

/* One span as PSI_SPAN_BYTES bytes. */
void psi_span_put(uint8_t *to, const psi_span *span);
psi_span psi_span_read(psi_reader *reader);

#endif
