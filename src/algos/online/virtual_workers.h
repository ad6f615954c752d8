/* P workers under SSP that exist in the arithmetic alone, so that their reads can be as bad as SSP
 * admits (Ho et al. 2013), and not only as bad as some network makes them.
 *
 * Worker p plays round t = c P + p + 1 in its clock c. With staleness s its read has all updates
 * stamped c-s-1 and before, its own, and of the others' any subset of those stamped c-s .. c+s-1
 * that have been made:
 *
 *     stamp    ... c-s-1 | c-s ... c-1 | c ... c+s-1 | c+s ...
 *     others      all    |        any subset         |  none
 *     own         all    |     all     |        none
 *
 * The lower half of the workers is slow: it plays clock k-s just before the upper half plays clock
 * k, which is the largest lead that SSP admits. So the slow ones can read what the fast ones made s
 * clocks ahead. Only for fresh reads all play clock k together. */
#ifndef PSI_VIRTUAL_WORKERS_H
#define PSI_VIRTUAL_WORKERS_H

#include <stdint.h>

#include "tortoise/err.h"
#include "tortoise/random.h"

#include "algos/online/stale_read.h"

/* All but the log is its own. */
typedef struct psi_virtual {
    const psi_online_problem *problem; /* borrowed */
    uint64_t clock_count;              /* of a virtual worker; the last may be cut short */
    uint64_t step;                     /* k: the fast play clock k next, the slow k - lag */
    uint64_t round;                    /* rounds 1 .. round are in the log */
    double *updates;                   /* owned, [rounds][d] */
    double *sums;                      /* owned, [clocks + 1][d]: of all updates stamped below */
    uint64_t sum_count;                /* clocks whose sums are known: sums[0 .. sum_count] */
    psi_played *played;                /* owned, [rounds] */
    uint8_t *is_played;                /* owned, [rounds] */
    ps_random random;                  /* of random reads */
    psi_online_log log;
} psi_virtual;

/* Returns PS_OK or PS_ENOMEM; psi_virtual_fini() is safe either way. O(rounds x d). */
PS_MUST_CHECK ps_err psi_virtual_init(psi_virtual *game, const psi_online_problem *problem);
void psi_virtual_fini(psi_virtual *game);

/* Plays until `rounds` rounds are in the log, at most those of the stream; some later ones will
 * have been played then, too. O(s P d) a round. */
void psi_virtual_play(psi_virtual *game, uint64_t rounds);

/* Fills values_out[0..d) with the sum of all updates of the rounds in the log. O(P d). */
void psi_virtual_sum(const psi_virtual *game, double *values_out);

#endif
