#include "algos/online/theorem.h"

#include <math.h>
#include <string.h>

const char psi_theorem_words[] = "lipschitz|lipschitz-tight|strongly-convex|smooth-iid|"
                                 "arbitrary-delays|ssp|ssp-in-flight|ssp-probability|"
                                 "ssp-dual|ssp-dual-in-flight|vap|vap-dual";

/* Probability with which the bound of ssp-probability may fail. */
static const double failure = 0.01;

/* ---- Assumptions ---- */

static int is_delayed_by_tau(const psi_facts *f) {
    return f->has_fixed_delay && f->workers == 1;
}
static int is_in_the_set(const psi_facts *f) {
    return f->is_projected || f->reads_outside == 0;
}
static int has_delay(const psi_facts *f) {
    return f->delay >= 1;
}
static int is_long(const psi_facts *f) {
    return f->rounds >= f->delay * f->delay;
}
static int is_strong(const psi_facts *f) {
    return f->strong > 0;
}
static int is_iid(const psi_facts *f) {
    return f->is_iid;
}
static int is_smooth(const psi_facts *f) {
    return isfinite(f->smoothness) &&
           f->smoothness >= f->lipschitz / (4 * f->radius * sqrt(f->delay));
}
static int is_alone(const psi_facts *f) {
    return f->workers == 1;
}
static int is_fresh(const psi_facts *f) {
    return f->reads_too_old == 0;
}
static int is_over(const psi_facts *f) {
    return f->rounds == f->horizon;
}
static int is_undelayed(const psi_facts *f) {
    return f->delay_sum <= 0;
}
static int is_bounded(const psi_facts *f) {
    return f->rounds_unbounded == 0;
}
static int has_short_updates(const psi_facts *f) {
    return f->updates_too_long == 0;
}
static int is_as_stated(const psi_facts *f) {
    return f->is_plain;
}

#define AS_STATED \
    { "steps and learner as stated", is_as_stated }
#define IN_THE_SET \
    { "all points in the set", is_in_the_set }
#define FIXED_DELAY \
    { "every delay is tau", is_delayed_by_tau }
#define FRESH \
    { "no read staler than s", is_fresh }
#define ALL_PLAYED \
    { "all T rounds are played", is_over }
#define WITHIN_V                                                 \
    {"delays are those of the policy", is_undelayed},            \
        {"the policy bounds what is in transit", is_bounded}, {  \
        "no update above V / (P sqrt(C + 1))", has_short_updates \
    }

/* ---- Steps and bounds ---- */

static double lipschitz_step(const psi_facts *f, double t) {
    return f->radius / (f->lipschitz * sqrt(2 * fmax(f->delay, 1) * t));
}
static double lipschitz_bound(const psi_facts *f) {
    return 4 * f->radius * f->lipschitz * sqrt(f->delay * f->rounds);
}

static double tight_step(const psi_facts *f, double t) {
    return f->radius / (f->lipschitz * sqrt((1 + 2 * f->delay) * t));
}
static double tight_bound(const psi_facts *f) {
    return 2 * f->radius * f->lipschitz * sqrt((1 + 2 * f->delay) * f->rounds);
}

static double strong_step(const psi_facts *f, double t) {
    return 1 / (f->strong * t);
}
static double strong_bound(const psi_facts *f) {
    const double square = f->lipschitz * f->lipschitz;
    return f->strong * f->delay * f->radius * f->radius +
           (0.5 + f->delay) * square / f->strong * (1 + log(fmax(f->rounds, 1)));
}

static double smooth_step(const psi_facts *f, double t) {
    return f->radius / (f->lipschitz * sqrt(t));
}
static double smooth_bound(const psi_facts *f) {
    const double curved = f->radius * f->radius * f->smoothness, flat = f->radius * f->lipschitz;
    return (28.3 * curved + 2.0 / 3 * flat + 4.0 / 3 * curved * log(fmax(f->rounds, 1))) *
               f->delay * f->delay +
           8.0 / 3 * flat * sqrt(f->rounds);
}

/* The diameter is F sqrt(2). */
static double arbitrary_step(const psi_facts *f, double t) {
    (void)t;
    return sqrt(2) * f->radius / (f->lipschitz * sqrt(f->horizon + 4 * f->delay_sum));
}
static double arbitrary_bound(const psi_facts *f) {
    return sqrt(2) * f->radius * f->lipschitz * sqrt(f->horizon + 4 * f->delay_sum);
}

static double ssp_scale(const psi_facts *f) {
    return f->radius / (f->lipschitz * sqrt(2 * (f->staleness + 1) * f->workers));
}
static double ssp_step(const psi_facts *f, double t) {
    return ssp_scale(f) / sqrt(t);
}
static double ssp_bound(const psi_facts *f) {
    return 4 * f->radius * f->lipschitz * sqrt(2 * (f->staleness + 1) * f->workers * f->rounds);
}

/* sigma L^2 (sqrt T + sum_t gamma_t / sqrt(t - (s+1) P)) + F^2 sqrt T / sigma. */
static double in_flight_bound(const psi_facts *f) {
    const double sigma = ssp_scale(f), square = f->lipschitz * f->lipschitz;
    return sigma * square * (sqrt(f->rounds) + f->in_flight_weighted) +
           f->radius * f->radius * sqrt(f->rounds) / sigma;
}

/* The excess x over the mean that
 * exp(-T x^2 / (2 e v + 2/3 sigma L^2 (2s+1) P x)) = failure allows. */
static double probability_bound(const psi_facts *f) {
    const double sigma = ssp_scale(f), square = f->lipschitz * f->lipschitz;
    const double rounds = fmax(f->rounds, 1);
    const double spread = sigma * sigma * square * square * (log(rounds) + 1) / rounds;
    const double width = 2.0 / 3 * sigma * square * (2 * f->staleness + 1) * f->workers;
    const double nats = -log(failure) / rounds;
    const double half = 0.5 * nats * width;
    const double excess = half + sqrt(half * half + 2 * nats * spread * f->in_flight_variance);
    const double mean =
        (sigma * square + f->radius * f->radius / sigma + 2 * sigma * square * f->in_flight_mean) /
        sqrt(rounds);
    return rounds * (mean + excess);
}

/* Of dual averaging: no more than (2 s + 1)(P - 1) updates are in flight. */
static double dual_scale(const psi_facts *f) {
    const double most = (2 * f->staleness + 1) * (f->workers - 1);
    return f->reach / (f->lipschitz * sqrt(2 + 4 * most));
}
static double dual_step(const psi_facts *f, double t) {
    return dual_scale(f) / sqrt(t);
}
static double dual_bound(const psi_facts *f) {
    const double most = (2 * f->staleness + 1) * (f->workers - 1);
    return f->reach * f->lipschitz * sqrt((2 + 4 * most) * f->rounds);
}
static double dual_in_flight_bound(const psi_facts *f) {
    const double sigma = dual_scale(f), square = f->lipschitz * f->lipschitz;
    return f->reach * f->reach * sqrt(f->rounds) / (2 * sigma) +
           sigma * square * (sqrt(f->rounds) + f->in_flight_weighted);
}

/* One step for all T rounds; then what reads lack of P - 1 other workers, each within
 * V / (P sqrt(t)), and one update more that its worker holds back. */
static double lacking_bound(const psi_facts *f) {
    return (2 * sqrt(2) + 1) * f->lipschitz * sqrt(f->dimension) * f->value_bound *
           (f->workers - 1) * sqrt(f->horizon / f->workers);
}
static double vap_step(const psi_facts *f, double t) {
    (void)t;
    return sqrt(2) * f->radius / (f->lipschitz * sqrt(f->horizon));
}
static double vap_bound(const psi_facts *f) {
    return sqrt(2) * f->radius * f->lipschitz * sqrt(f->horizon) + lacking_bound(f);
}
static double vap_dual_step(const psi_facts *f, double t) {
    (void)t;
    return f->reach / (f->lipschitz * sqrt(f->horizon));
}
static double vap_dual_bound(const psi_facts *f) {
    return f->reach * f->lipschitz * sqrt(f->horizon) + lacking_bound(f);
}

static const psi_theorem theorems[] = {
    {.name = "lipschitz",
     .paper = "Langford, Smola and Zinkevich 2009, theorem 2: 4 F L sqrt(tau T)",
     .certainty = "as recalled; implied by lipschitz-tight for tau >= 1",
     .assumptions =
         {AS_STATED, FIXED_DELAY, {"tau >= 1", has_delay}, {"T >= tau^2", is_long}, IN_THE_SET},
     .step = lipschitz_step,
     .bound = lipschitz_bound},
    {.name = "lipschitz-tight",
     .paper = "the same, without the term in tau^2: 2 F L sqrt((1 + 2 tau) T)",
     .certainty = "proven here",
     .assumptions = {AS_STATED, FIXED_DELAY, IN_THE_SET},
     .step = tight_step,
     .bound = tight_bound},
    {.name = "strongly-convex",
     .paper = "Langford, Smola and Zinkevich 2009, without one term in tau^2: "
              "lambda tau F^2 + (1/2 + tau) L^2 / lambda (1 + ln T)",
     .certainty = "proven here",
     .assumptions = {AS_STATED, FIXED_DELAY, {"strongly convex", is_strong}, IN_THE_SET},
     .step = strong_step,
     .bound = strong_bound},
    {.name = "smooth-iid",
     .paper = "Langford, Smola and Zinkevich 2009, theorem 8, of the expected regret",
     .certainty = "constants as recalled, not proven here",
     .assumptions = {AS_STATED,
                     FIXED_DELAY,
                     {"tau >= 1", has_delay},
                     {"iid stream", is_iid},
                     {"H >= L / (4 F sqrt(tau))", is_smooth},
                     IN_THE_SET},
     .step = smooth_step,
     .bound = smooth_bound},
    {.name = "arbitrary-delays",
     .paper = "Quanrud and Khashabi 2015: diameter x L sqrt(T + 4 D), D the sum of all delays",
     .certainty = "proven here",
     .assumptions = {AS_STATED, {"one worker", is_alone}, ALL_PLAYED, IN_THE_SET},
     .step = arbitrary_step,
     .bound = arbitrary_bound},
    {.name = "ssp",
     .paper = "Ho et al. 2013, theorem 1: 4 F L sqrt(2 (s + 1) P T)",
     .certainty = "proven here",
     .assumptions = {AS_STATED, FRESH, IN_THE_SET},
     .step = ssp_step,
     .bound = ssp_bound},
    {.name = "ssp-in-flight",
     .paper = "the same, with the updates that each read lacked or had too many",
     .certainty = "proven here",
     .assumptions = {AS_STATED, FRESH, IN_THE_SET},
     .step = ssp_step,
     .bound = in_flight_bound},
    {.name = "ssp-probability",
     .paper = "Dai et al. 2015, theorem 5, with probability 0.99",
     .certainty = "form as recalled",
     .assumptions = {AS_STATED, FRESH, IN_THE_SET},
     .step = ssp_step,
     .bound = probability_bound},
    {.name = "ssp-dual",
     .paper = "dual averaging under SSP: reach x L sqrt(2 (1 + 2 (2 s + 1)(P - 1)) T)",
     .certainty = "proven here",
     .assumptions = {AS_STATED, FRESH},
     .is_dual = 1,
     .step = dual_step,
     .bound = dual_bound},
    {.name = "ssp-dual-in-flight",
     .paper = "the same, with the updates that each read lacked or had too many",
     .certainty = "proven here",
     .assumptions = {AS_STATED, FRESH},
     .is_dual = 1,
     .step = dual_step,
     .bound = dual_in_flight_bound},
    {.name = "vap",
     .paper = "Dai et al. 2015, theorem 1, with constants: "
              "L sqrt(T) (sqrt(2) F + (1 + 2 sqrt(2)) sqrt(d) V (P - 1) / sqrt(P))",
     .certainty = "proven here",
     .assumptions = {AS_STATED, WITHIN_V, ALL_PLAYED, IN_THE_SET},
     .step = vap_step,
     .bound = vap_bound},
    {.name = "vap-dual",
     .paper = "the same, reads projected: "
              "L sqrt(T) (reach + (1 + 2 sqrt(2)) sqrt(d) V (P - 1) / sqrt(P))",
     .certainty = "proven here",
     .assumptions = {AS_STATED, WITHIN_V, ALL_PLAYED},
     .is_lazy = 1,
     .step = vap_dual_step,
     .bound = vap_dual_bound},
};
enum { THEOREMS = sizeof theorems / sizeof theorems[0] };

const psi_theorem *psi_theorems(size_t *count_out) {
    *count_out = THEOREMS;
    return theorems;
}

const psi_theorem *psi_theorem_find(const char *name) {
    for (size_t i = 0; i < THEOREMS; i++) {
        if (strcmp(theorems[i].name, name) == 0) {
            return &theorems[i];
        }
    }
    return NULL;
}

const char *psi_theorem_broken(const psi_theorem *theorem, const psi_facts *facts) {
    for (size_t i = 0; i < PSI_ASSUMPTIONS_MAX && theorem->assumptions[i].text != NULL; i++) {
        if (!theorem->assumptions[i].holds(facts)) {
            return theorem->assumptions[i].text;
        }
    }
    return NULL;
}
