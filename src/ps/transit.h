/* Updates in transit, and how far others must have seen them before the next one may follow.
 *
 * An update is in transit from the end of the clock that made it until no worker holds, or will
 * get, a read without it. Under a policy that bounds values (vap:V) worker p of P, at clock c, has
 * in transit
 *
 *     | sum over stamps k..c-1 of its updates of a number |  <=  V / (P sqrt(c + 1))
 *
 * for every number of every table of floats, and for every k from the oldest in transit on: a
 * reader may have seen some of them, but of one number always the oldest. A single update of a
 * number is let go whatever its size, when no other of that number is in transit: it could not get
 * smaller by waiting. Integers do not count: they are counts, which a norm says nothing about.
 *
 * All squares, so no root is taken. Pure; memory is kept from one use to the next. */
#ifndef PSI_TRANSIT_H
#define PSI_TRANSIT_H

#include "ps/layout.h"
#include "ps/rows.h"

/* A number's sum over the updates looked at so far. */
typedef struct psi_transit_cell {
    double sum;
    bool is_touched;
} psi_transit_cell;

/* The cells of a dense row, or one cell of a sparse one. */
typedef struct psi_transit_key {
    uint32_t table, shard, local, column; /* column: 0 if the row is dense */
    size_t first;                         /* in psi_transit.cells */
} psi_transit_key;

typedef struct psi_transit {
    const psi_layout *layout; /* borrowed */
    double square_max;        /* of the sum of one number */
    uint32_t *needs; /* by shard: the row clock that every worker must be known to have of its
                                 rows before the newest update may go: all that is stamped below has
                                 been seen then, and the rest is within the bound; owned */
    psi_transit_key *keys;
    size_t key_count, key_capacity;
    uint32_t *index; /* open addressing: position in keys + 1, or 0 */
    size_t index_capacity;
    psi_transit_cell *cells;
    size_t cell_count, cell_capacity;
} psi_transit;

/* Makes an empty one. PS_ENOMEM or PS_OK. psi_transit_fini() releases it, also if it is zeroed. */
PS_MUST_CHECK ps_err psi_transit_init(psi_transit *transit, const psi_layout *layout);
void psi_transit_fini(psi_transit *transit);

/* Starts anew, for `bound` = V, P workers and the worker's next clock; the caller may set `needs`
 * to what is known to be seen already, and else they are 0. O(memory of the index). */
void psi_transit_start(psi_transit *transit, double bound, uint32_t worker_count, uint32_t clock);

/* Looks at one more update of the worker, with stamp `stamp`; the newest comes first. Raises the
 * needs that it must. False: memory is exhausted. O(its numbers). */
PS_MUST_CHECK bool psi_transit_add(psi_transit *transit, const psi_block *block, uint32_t stamp);

/* The largest number of an update, without its sign. Where these add up to less than the bound, all
 * that is in transit is within it, and need not be looked at. O(its numbers). */
double psi_transit_norm(const psi_layout *layout, const psi_block *block);

#endif
