/* Streams of examples for online problems: what comes, in which order, and how long gradients take.
 * Everything is a function of the seed. */
#ifndef PSI_STREAM_H
#define PSI_STREAM_H

#include <stddef.h>
#include <stdint.h>

#include "tortoise/err.h"

#include "algos/online/convex.h"

typedef enum psi_order {
    PSI_ORDER_IID,   /* every example anew */
    PSI_ORDER_BLOCK, /* every example `block` times: what a delayed learner can do least about */
    PSI_ORDER_ALTERNATE, /* the first direction, with labels +1 and -1 by turns of `block` rounds */
    PSI_ORDER_DRIFT      /* iid around a truth that turns once in `block` rounds */
} psi_order;

typedef struct psi_stream_spec {
    psi_order order;
    uint32_t dimension;
    uint64_t round_count, block; /* >= 1 */
    double noise;                /* share of labels that are thrown like a coin, 0 .. 1 */
    uint64_t seed;
} psi_stream_spec;

/* Examples a_t with ||a_t|| = 1 and labels y_t in {-1, +1}: y = sign(a . u) for a hidden u, but for
 * the noise; in one dimension a = 1. Owned; release with psi_stream_fini(). */
typedef struct psi_stream {
    uint32_t dimension;
    uint64_t round_count;
    double *a; /* [round_count][dimension] */
    double *y; /* [round_count] */
} psi_stream;

/* Returns PS_OK or PS_ENOMEM; the stream is all zero then. O(rounds x dimension). */
PS_MUST_CHECK ps_err psi_stream_make(const psi_stream_spec *spec, psi_stream *stream_out);
void psi_stream_fini(psi_stream *stream);

typedef enum psi_delay_kind {
    PSI_DELAY_FIXED,     /* tau */
    PSI_DELAY_GEOMETRIC, /* 0, 1, ..., of mean tau */
    PSI_DELAY_HEAVY,     /* Pareto with exponent 1.5, of mean tau, rounded down */
    PSI_DELAY_BURST      /* a block of tau + 1 rounds arrives at its end: the worst order */
} psi_delay_kind;

/* Rounds that pass between the gradients of rounds 0 .. round_count - 1 and their use: 0 is at
 * once, before the next round. */
PS_MUST_CHECK ps_err psi_delays_make(psi_delay_kind kind, uint32_t tau, uint64_t round_count,
                                     uint64_t seed, uint32_t *delays_out);

#endif
