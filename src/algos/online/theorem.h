/* Theorems on delayed and stale gradients as data: what each assumes, which steps it wants, and
 * what regret it allows. docs/theory.md has sources and proof sketches. */
#ifndef PSI_THEOREM_H
#define PSI_THEOREM_H

#include <stddef.h>

/* What is known of a run. Constants are exact for its losses and its set. */
typedef struct psi_facts {
    double lipschitz;   /* L: ||gradient|| <= L */
    double smoothness;  /* H: of the gradient; infinity if it jumps */
    double strong;      /* lambda of strong convexity */
    double radius;      /* F: F^2 is the largest 1/2 ||x - x'||^2 */
    double reach;       /* the largest ||x - x_1||, x_1 being the start */
    double rounds;      /* T so far */
    double horizon;     /* T in the end, for steps that need it */
    double delay;       /* tau, of fixed delays */
    double delay_sum;   /* D: of all rounds up to the horizon */
    double staleness;   /* s that the bound is for */
    double workers;     /* P */
    double dimension;   /* d */
    double value_bound; /* V that the bound is for: in transit is at most V / sqrt(t) */
    double in_flight_mean,
        in_flight_variance;    /* of the updates that a read lacks or has too many */
    double in_flight_weighted; /* sum_t in flight_t / sqrt(t'): t' = t of dual learners, else
                                * max(1, t - (s + 1) P) */
    double reads_outside;      /* reads outside of the set */
    double reads_too_old;      /* reads that lack what s promises */
    double rounds_unbounded;   /* rounds under a policy that does not bound values by V */
    double updates_too_long;   /* updates with a number above V / (P sqrt(clocks + 1)) */
    double revised;            /* of AdaptiveRevision: psi_revision_sum() */
    double step;               /* of finite sums: eta or gamma, which never falls */
    double coupling;           /* Lambda: of the gradients in blocks together */
    double start_gap;          /* F(x_1) - min F */
    double margin;             /* gamma: of a separator that is known; not above 0: none */
    double norm_max;           /* R: the largest ||a|| */
    int is_iid, has_fixed_delay, is_projected, is_plain; /* plain: steps as the theorem says */
} psi_facts;

typedef struct psi_assumption {
    const char *text; /* "T >= tau^2" */
    int (*holds)(const psi_facts *facts);
} psi_assumption;

enum { PSI_ASSUMPTIONS_MAX = 6 };

typedef enum psi_learner_kind {
    /* x <- project(x - sum over arriving g_r of eta_r g_r), eta_r the theorem's step of round r:
     * with fixed delays Algorithm 1 of Langford, Smola and Zinkevich (2009), with others and a
     * constant step that of Quanrud and Khashabi (2015). */
    PSI_LEARNER_SGD,
    /* Dual averaging (Nesterov 2009): x = project(start - eta_t sum of what arrived). */
    PSI_LEARNER_DUAL,
    /* AdaptiveRevision (McMahan and Streeter 2014): steps by coordinate, revised for what arrived
     * between the read and the use of a gradient. Projected, but under its own theorem. */
    PSI_LEARNER_ADAREVISION,
    /* AdaDelay (Sra, Yu, Li and Smola 2016): 1 / (H + L/F sqrt(t + delay_t)), by the real delay. */
    PSI_LEARNER_ADADELAY,
    /* As SGD, but what is kept is not projected, only what is played: with one step for all rounds
     * dual averaging, kept in the units of x. */
    PSI_LEARNER_LAZY
} psi_learner_kind;

typedef struct psi_theorem {
    const char *name;      /* "lipschitz" */
    const char *measured;  /* what is beside the bound; NULL: the regret */
    const char *paper;     /* author, year, number */
    const char *certainty; /* "proven here", "as recalled" */
    psi_assumption assumptions[PSI_ASSUMPTIONS_MAX]; /* up to the first without a text */
    psi_learner_kind learner; /* whose points it is about; of finite sums it says nothing */
    double (*step)(const psi_facts *facts, double t); /* eta_t of the t-th update used, t >= 1 */
    double (*bound)(const psi_facts *facts);          /* of the regret after `rounds` */
} psi_theorem;

/* "lipschitz|lipschitz-tight|...", and the theorem of one of the words; NULL if there is none. */
extern const char psi_theorem_words[];
const psi_theorem *psi_theorem_find(const char *name);

/* All of them, for tables; *count_out is how many. */
const psi_theorem *psi_theorems(size_t *count_out);

/* 1 / (H + L/F sqrt(t)), t the round of the use and the delay together (Sra, Yu, Li and Smola
 * 2016); without H where gradients jump. */
double psi_adadelay_step(const psi_facts *facts, double t);

/* The first assumption that a run breaks, or NULL. */
const char *psi_theorem_broken(const psi_theorem *theorem, const psi_facts *facts);

#endif
