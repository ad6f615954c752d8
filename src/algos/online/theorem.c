#include "algos/online/theorem.h"

#include <math.h>
#include <string.h>

#include <gsl/gsl_math.h>

const char psi_theorem_words[] = "lipschitz|lipschitz-tight|strongly-convex|smooth-iid|"
                                 "arbitrary-delays|ssp|ssp-in-flight|ssp-probability|"
                                 "ssp-dual|ssp-dual-in-flight|vap|vap-dual|"
                                 "smooth-iid-proven|strongly-convex-iid|adadelay|"
                                 "adaptive-revision";

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
static int has_curvature(const psi_facts *f) {
    return isfinite(f->smoothness);
}
static int has_bounded_slope(const psi_facts *f) {
    return isfinite(f->lipschitz);
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
#define IID \
    { "iid stream", is_iid }
#define SMOOTH \
    { "gradients that do not jump", has_curvature }
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

/* What a delay costs the mean over iid losses: tau L reach + H/2 sum_t ||x_{t+tau} - x_t||^2, of
 * which `drift` is the sum. */
static double iid_delay_cost(const psi_facts *f, double drift) {
    return f->delay > 0 ? f->delay * f->lipschitz * f->reach + 0.5 * f->smoothness * drift : 0;
}
/* The logarithm of how many times longer than `begin` a run is. */
static double log_beyond(double rounds, double begin) {
    return log(fmax(rounds / begin, 1));
}
static double smooth_proven_bound(const psi_facts *f) {
    const double square = f->delay * f->delay;
    const double all = square * (1 + log_beyond(f->rounds, 1));
    const double late = square * (1 + log_beyond(f->rounds, square / 2)) + 2 * (f->delay + 1);
    return 2 * f->radius * f->lipschitz * sqrt(f->rounds) +
           iid_delay_cost(f, f->radius * f->radius * fmin(all, late));
}
static double strong_iid_bound(const psi_facts *f) {
    const double step = f->lipschitz * f->delay / f->strong;
    const double all = step * step * M_PI * M_PI / 6;
    const double late = 2 * f->radius * (f->radius * (f->delay + 1) + sqrt(2) * step);
    return f->strong * f->delay * f->radius * f->radius +
           0.5 * f->lipschitz * f->lipschitz / f->strong * (1 + log_beyond(f->rounds, 1)) +
           iid_delay_cost(f, fmin(all, late));
}

double psi_adadelay_step(const psi_facts *f, double t) {
    const double smooth = isfinite(f->smoothness) ? f->smoothness : 0;
    return 1 / (smooth + f->lipschitz / f->radius * sqrt(t));
}
static double adadelay_step(const psi_facts *f, double t) {
    return psi_adadelay_step(f, t + 2 * f->delay);
}
static double adadelay_bound(const psi_facts *f) {
    const double square = f->delay * f->delay, rounds = f->rounds + f->delay;
    const double all = square * (0.5 + log_beyond(rounds, 2 * f->delay));
    const double late = square * (1 + log_beyond(rounds, square / 2));
    return f->radius * f->radius * f->smoothness +
           f->radius * f->lipschitz * (sqrt(f->rounds + 2 * f->delay) + sqrt(f->rounds)) +
           iid_delay_cost(f, f->radius * f->radius * fmin(all, late));
}

static double revision_bound(const psi_facts *f) {
    const double drift = f->lipschitz * f->lipschitz * f->delay * (f->delay + 1);
    return f->revised + f->dimension * f->radius * drift;
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
     .certainty = "constants as recalled; implied by smooth-iid-proven",
     .assumptions = {AS_STATED,
                     FIXED_DELAY,
                     {"tau >= 1", has_delay},
                     IID,
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
     .learner = PSI_LEARNER_DUAL,
     .step = dual_step,
     .bound = dual_bound},
    {.name = "ssp-dual-in-flight",
     .paper = "the same, with the updates that each read lacked or had too many",
     .certainty = "proven here",
     .assumptions = {AS_STATED, FRESH},
     .learner = PSI_LEARNER_DUAL,
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
     .learner = PSI_LEARNER_LAZY,
     .step = vap_dual_step,
     .bound = vap_dual_bound},
    {.name = "smooth-iid-proven",
     .paper = "smooth-iid with constants of our own, of the expected regret: 2 F L sqrt(T) + "
              "tau L reach + 1/2 H F^2 (tau^2 (1 + ln+(2 T / tau^2)) + 2 (tau + 1))",
     .certainty = "proven here",
     .assumptions = {AS_STATED, FIXED_DELAY, IID, SMOOTH, IN_THE_SET},
     .step = smooth_step,
     .bound = smooth_proven_bound},
    {.name = "strongly-convex-iid",
     .paper = "after Langford, Smola and Zinkevich 2009, of the expected regret: lambda tau F^2 + "
              "L^2 / (2 lambda) (1 + ln T) + tau L reach + H F^2 (tau + 1) + "
              "sqrt(2) H F L tau / lambda",
     .certainty = "proven here",
     .assumptions =
         {AS_STATED, FIXED_DELAY, {"strongly convex", is_strong}, IID, SMOOTH, IN_THE_SET},
     .step = strong_step,
     .bound = strong_iid_bound},
    {.name = "adadelay",
     .paper = "steps of Sra, Yu, Li and Smola 2016, of the expected regret: F^2 H + "
              "F L (sqrt(T + 2 tau) + sqrt(T)) + tau L reach + "
              "1/2 H F^2 tau^2 (1 + ln+(2 (T + tau) / tau^2))",
     .certainty = "proven here",
     .assumptions = {AS_STATED, FIXED_DELAY, IID, SMOOTH, IN_THE_SET},
     .learner = PSI_LEARNER_ADADELAY,
     .step = adadelay_step,
     .bound = adadelay_bound},
    {.name = "adaptive-revision",
     .paper = "algorithm of McMahan and Streeter 2014: sum over coordinates of "
              "(D^2 / (2 F) + F) sqrt(z') + F L^2 tau (tau + 1), D and z' as measured",
     .certainty = "proven here",
     .assumptions = {AS_STATED,
                     FIXED_DELAY,
                     {"gradients are bounded everywhere", has_bounded_slope}},
     .learner = PSI_LEARNER_ADAREVISION,
     .step = smooth_step,
     .bound = revision_bound},
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
