/* Online learners whose gradients come late, one round after the other, in one place. */
#ifndef PSI_LEARNER_H
#define PSI_LEARNER_H

#include <stdint.h>

#include "tortoise/err.h"

#include "algos/online/comparator.h"
#include "algos/online/theorem.h"

typedef enum psi_learner_kind {
    /* x <- project(x - sum over arriving g_r of eta_r g_r), eta_r the theorem's step of round r:
     * with fixed delays Algorithm 1 of Langford, Smola and Zinkevich (2009), with others and a
     * constant step that of Quanrud and Khashabi (2015). */
    PSI_LEARNER_SGD,
    /* Dual averaging (Nesterov 2009): x = project(start - eta_t sum of what arrived). */
    PSI_LEARNER_DUAL,
    /* AdaptiveRevision (McMahan and Streeter 2014): steps by coordinate, revised for what arrived
     * between the read and the use of a gradient. */
    PSI_LEARNER_ADAREVISION,
    /* AdaDelay (Sra, Yu, Li and Smola 2016): 1 / (H + L/F sqrt(t + delay_t)), by the real delay. */
    PSI_LEARNER_ADADELAY,
    /* As SGD, but what is kept is not projected, only what is played: with one step for all rounds
     * dual averaging, kept in the units of x. */
    PSI_LEARNER_LAZY
} psi_learner_kind;

/* What was seen so far, to be added up over learners. */
typedef struct psi_online_log {
    double loss_sum, round_count;
    double in_flight_sum, in_flight_squares, in_flight_weighted; /* see psi_facts */
    double reads_outside, reads_too_old, rounds_unbounded, updates_too_long;
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
    double *marks;           /* owned, [rounds][d], AdaptiveRevision: `sum` at the read; or NULL */
    double sum[PSI_SET_DIMENSION_MAX]; /* of all gradients used, if lazy of steps x gradients: not
                                          with SGD */
    double z[PSI_SET_DIMENSION_MAX], z_max[PSI_SET_DIMENSION_MAX];
    psi_online_log log;
} psi_learner;

/* Returns PS_OK or PS_ENOMEM; psi_learner_fini() is safe either way. O(rounds x d). */
PS_MUST_CHECK ps_err psi_learner_init(psi_learner *learner, const psi_learner_options *options);
void psi_learner_fini(psi_learner *learner);

/* Plays the next round: pays f_t(x_t), then uses what arrives. O(d + what arrives x d). */
void psi_learner_round(psi_learner *learner);

#endif
