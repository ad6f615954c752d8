#include "node/spans.h"

#include <stdlib.h>

#include "base/hash.h"

/* Frames between two endpoints so far. */
typedef struct psi_frame_count {
    uint32_t from, to, sent, came; /* free while both counts are 0 */
} psi_frame_count;

struct psi_spans {
    psi_span *ring; /* owned */
    size_t capacity, begin, count;
    uint64_t dropped;
    psi_frame_count *pairs; /* owned; a hash table that is at most three quarters full */
    size_t pair_capacity, pair_count;
};

enum { PAIRS_MIN = 1 << 10, PAIRS_MAX = 1 << 20 };

psi_spans *psi_spans_create(size_t capacity) {
    psi_spans *const spans = calloc(1, sizeof *spans);
    if (spans == NULL) {
        return NULL;
    }
    spans->capacity = capacity;
    spans->pair_capacity = PAIRS_MIN;
    while (spans->pair_capacity < PAIRS_MAX && spans->pair_capacity < capacity) {
        spans->pair_capacity *= 2;
    }
    spans->ring = calloc(capacity, sizeof *spans->ring);
    spans->pairs = calloc(spans->pair_capacity, sizeof *spans->pairs);
    if (spans->ring == NULL || spans->pairs == NULL) {
        psi_spans_destroy(spans);
        return NULL;
    }
    return spans;
}

void psi_spans_destroy(psi_spans *spans) {
    if (spans != NULL) {
        free(spans->ring);
        free(spans->pairs);
        free(spans);
    }
}

void psi_spans_add(psi_spans *spans, const psi_span *span) {
    if (spans->count == spans->capacity) {
        spans->ring[spans->begin] = *span;
        spans->begin = (spans->begin + 1) % spans->capacity;
        spans->dropped++;
        return;
    }
    spans->ring[spans->count++] = *span;
}

uint32_t psi_spans_number(psi_spans *spans, uint32_t from, uint32_t to, bool is_sent) {
    const size_t mask = spans->pair_capacity - 1;
    size_t at = psi_hash_u64((uint64_t)from << 32 | to) & mask;
    psi_frame_count *pair = &spans->pairs[at];
    while ((pair->sent | pair->came) != 0 && (pair->from != from || pair->to != to)) {
        at = (at + 1) & mask;
        pair = &spans->pairs[at];
    }
    if ((pair->sent | pair->came) == 0) {
        if (4 * spans->pair_count >= 3 * spans->pair_capacity) {
            return 0;
        }
        spans->pair_count++;
        *pair = (psi_frame_count){.from = from, .to = to};
    }
    return is_sent ? ++pair->sent : ++pair->came;
}

size_t psi_spans_count(const psi_spans *spans) {
    return spans->count;
}

uint64_t psi_spans_dropped(const psi_spans *spans) {
    return spans->dropped;
}

const psi_span *psi_spans_at(const psi_spans *spans, size_t index) {
    return &spans->ring[(spans->begin + index) % spans->capacity];
}

void psi_span_put(uint8_t *to, const psi_span *span) {
    const uint32_t words[] = {span->kind, span->node,  span->who,   span->clock,
                              span->what, span->other, span->table, span->number};
    psi_put_f64(to, span->begin_s);
    psi_put_f64(to + 8, span->end_s);
    psi_put_u64(to + 16, span->amount);
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        psi_put_u32(to + 24 + 4 * i, words[i]);
    }
}

psi_span psi_span_read(psi_reader *reader) {
    psi_span span;
    span.begin_s = psi_read_f64(reader);
    span.end_s = psi_read_f64(reader);
    span.amount = psi_read_u64(reader);
    span.kind = psi_read_u32(reader);
    span.node = psi_read_u32(reader);
    span.who = psi_read_u32(reader);
    span.clock = psi_read_u32(reader);
    span.what = psi_read_u32(reader);
    span.other = psi_read_u32(reader);
    span.table = psi_read_u32(reader);
    span.number = psi_read_u32(reader);
    return span;
}
