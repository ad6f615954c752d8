/* Online learners whose gradients come late, one round after the other, in one place. */
#ifndef PSI_LEARNER_H
#define PSI_LEARNER_H

#include <stdint.h>

#include "tortoise/err.h"

#include "algos/online/comparator.h"
#include "algos/online/revision.h"
#include "algos/online/theorem.h"

/* How a read differs from the sum of all rounds before its own. */
typedef struct psi_read {
    uint64_t in_flight; /* updates that it lacks or has too many */
    uint64_t delay;     /* rounds since the oldest update that it lacks; 0: it lacks none */
    int is_too_old;     /* it lacks what the bound's s promises */
} psi_read;

/* What was seen so far, to be added up over learners. */
typedef struct psi_online_log {
    double loss_sum, round_count;
    double in_flight_sum, in_flight_squares, in_flight_weighted; /* see psi_facts */
    double reads_outside, reads_too_old, rounds_unbounded, updates_too_long;
    double revised; /* psi_revision_sum() */
} psi_online_log;

typedef struct psi_learner_options {
    psi_learner_kind kind;
    const psi_game *game;
    const psi_theorem *theorem;
    const psi_facts *facts; /* for the steps */
    double step_scale;      /* multiplies every step; 1: as stated */
    const uint32_t *delays; /* [rounds of the stream] */
} psi_learner_options;

/* All but the log is the learner's own. */
typedef struct psi_learner {
    psi_learner_options options; /* all borrowed */
    double x[PSI_SET_DIMENSION_MAX];
    uint64_t round;
    double *gradients;       /* owned, [rounds][d]: of every round */
    uint64_t *heads, *tails; /* owned, [rounds]: the rounds that arrive at one, + 1; 0: none */
    uint64_t *following;     /* owned, [rounds]: the next that arrives together with one, + 1 */
    uint64_t in_flight;      /* gradients that were not used yet */
    uint64_t oldest;         /* the first round whose gradient was not used yet */
    uint8_t *is_used;        /* owned, [rounds] */
    psi_read read;           /* of the last round */
    double *marks;           /* owned, [rounds][d], AdaptiveRevision: `sum` at the read; or NULL */
    double sum[PSI_SET_DIMENSION_MAX]; /* of all gradients used, if lazy of steps x gradients: not
                                          with SGD */
    double z[PSI_SET_DIMENSION_MAX], z_max[PSI_SET_DIMENSION_MAX];
    psi_revision revision; /* under its own theorem */
    psi_online_log log;
} psi_learner;

/* Returns PS_OK or PS_ENOMEM; psi_learner_fini() is safe either way. O(rounds x d). */
PS_MUST_CHECK ps_err psi_learner_init(psi_learner *learner, const psi_learner_options *options);
void psi_learner_fini(psi_learner *learner);

/* Plays the next round: pays f_t(x_t), then uses what arrives. O(d + what arrives x d). */
void psi_learner_round(psi_learner *learner);

#endif
