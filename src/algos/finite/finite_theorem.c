#include "algos/finite/finite_theorem.h"

#include <math.h>
#include <string.h>

const char psi_finite_theorem_words[] = "delayed-proximal|block-proximal|mixing-mistakes|averaging|"
                                        "averaging-proven|averaging-mean|averaging-distance";

/* ---- Assumptions ---- */

/* A step that is computed as the largest one may be larger by rounding. */
static const double rounding = 1 + 1e-12;

static int is_short_for_its_delay(const psi_facts *f) {
    return f->step * (1 + f->delay) * f->smoothness <= rounding;
}
static int is_short_for_its_blocks(const psi_facts *f) {
    return f->step * (f->smoothness + sqrt(2) * f->staleness * f->coupling) <= rounding;
}
static int is_smooth(const psi_facts *f) {
    return isfinite(f->smoothness);
}
static int has_all_in_time(const psi_facts *f) {
    return f->reads_too_old == 0;
}
static int is_separable(const psi_facts *f) {
    return f->margin > 0;
}
static int is_contracting(const psi_facts *f) {
    return f->step * f->smoothness <= rounding;
}
static int has_bounded_slope(const psi_facts *f) {
    return isfinite(f->lipschitz);
}
static int is_strong(const psi_facts *f) {
    return f->strong > 0;
}
static int is_long(const psi_facts *f) {
    const double product = f->step * f->strong;
    return f->rounds >= (log(f->workers) - log(product)) / (2 * product);
}

#define AVERAGING                                                                         \
    {"strongly convex", is_strong}, {"slope of the loss at most G", has_bounded_slope}, { \
        "eta <= 1 / H", is_contracting                                                    \
    }

/* ---- Steps and bounds ---- */

static double proximal_step(const psi_facts *f, double t) {
    (void)t;
    return 1 / ((1 + f->delay) * f->smoothness);
}
/* gamma = 1 / ((1 + tau) L + eps). */
static double proximal_bound(const psi_facts *f) {
    const double eps = fmax(1 / f->step - (1 + f->delay) * f->smoothness, 0);
    return f->start_gap / (0.5 * f->smoothness + eps);
}

static double blocks_step(const psi_facts *f, double t) {
    (void)t;
    return 1 / (f->smoothness + sqrt(2) * f->staleness * f->coupling);
}
/* gamma = 1 / (L + sqrt(2) s Lambda + eps). */
static double blocks_bound(const psi_facts *f) {
    const double eps = fmax(1 / f->step - f->smoothness - sqrt(2) * f->staleness * f->coupling, 0);
    return f->start_gap / (0.5 * f->smoothness + eps);
}

static double perceptron_step(const psi_facts *f, double t) {
    (void)f, (void)t;
    return 1;
}
static double mistakes_bound(const psi_facts *f) {
    return f->margin > 0 ? f->norm_max * f->norm_max / (f->margin * f->margin) : INFINITY;
}

static double averaging_step(const psi_facts *f, double t) {
    (void)t;
    return 1 / f->smoothness;
}
static double squared_slope(const psi_facts *f) {
    return f->lipschitz * f->lipschitz;
}
/* How far, at most, a machine that started anywhere at hand is from one that ran for ever. */
static double distance_left(const psi_facts *f) {
    return pow(fmax(1 - f->step * f->strong, 0), f->rounds) * f->lipschitz / f->strong;
}
/* Of a machine that ran for ever: E ||w - w*||^2. */
static double spread(const psi_facts *f) {
    return 4 * f->step * squared_slope(f) / ((2 - f->step * f->strong) * f->strong);
}
static double distance_bound(const psi_facts *f) {
    const double left = distance_left(f);
    return spread(f) + left * left;
}
static double mean_bound(const psi_facts *f) {
    const double left = distance_left(f);
    return 2 * f->step * squared_slope(f) +
           2 * f->lipschitz * sqrt(f->step * f->smoothness) * left +
           0.5 * f->smoothness * left * left;
}
static double averaging_proven_bound(const psi_facts *f) {
    return mean_bound(f) + 0.5 * f->smoothness / f->workers * distance_bound(f);
}
static double averaging_bound(const psi_facts *f) {
    const double square = squared_slope(f), falling = f->workers * f->strong;
    return 8 * f->step * square * sqrt(f->smoothness / falling) +
           8 * f->step * square * f->smoothness / falling + 2 * f->step * square;
}

static const psi_finite_theorem theorems[] = {
    {.theorem = {.name = "delayed-proximal",
                 .measured = "sum of squared moves",
                 .paper = "Li et al. 2013, theorem 2, and 2014, theorem 2: gamma <= "
                          "1 / ((1 + tau) L + eps); the sum is at most (F(x_1) - min F) / "
                          "(L/2 + eps)",
                 .certainty = "proven here",
                 .assumptions = {{"gamma <= 1 / ((1 + tau) L)", is_short_for_its_delay},
                                 {"gradients that do not jump", is_smooth},
                                 {"no gradient older than tau", has_all_in_time}},
                 .step = proximal_step,
                 .bound = proximal_bound},
     .method = PSI_METHOD_PROXIMAL},
    {.theorem = {.name = "block-proximal",
                 .measured = "sum of squared moves",
                 .paper = "after Li et al. 2014, theorem 2: gamma <= 1 / (L + sqrt(2) s Lambda + "
                          "eps); the sum is at most (F(x_1) - min F) / (L/2 + eps)",
                 .certainty = "proven here",
                 .assumptions = {{"gamma <= 1 / (L + sqrt(2) s Lambda)", is_short_for_its_blocks},
                                 {"gradients that do not jump", is_smooth},
                                 {"no block further than s clocks away", has_all_in_time}},
                 .step = blocks_step,
                 .bound = blocks_bound},
     .method = PSI_METHOD_BLOCKS},
    {.theorem = {.name = "mixing-mistakes",
                 .measured = "mistakes weighted by mu",
                 .paper = "McDonald, Hall and Mann 2010: R^2 / gamma^2",
                 .certainty = "proven here",
                 .assumptions = {{"separable by a margin", is_separable},
                                 {"all of the last epoch, and no more, is mixed", has_all_in_time}},
                 .step = perceptron_step,
                 .bound = mistakes_bound},
     .method = PSI_METHOD_MIXING},
    {.theorem = {.name = "averaging",
                 .measured = "excess of the average",
                 .paper = "Zinkevich, Weimer, Smola and Li 2010, theorem 12: "
                          "8 eta G^2 sqrt(H / (k lambda)) + 8 eta G^2 H / (k lambda) + 2 eta G^2",
                 .certainty = "implied by averaging-proven",
                 .assumptions = {AVERAGING,
                                 {"T >= (ln k - ln(eta lambda)) / (2 eta lambda)", is_long}},
                 .step = averaging_step,
                 .bound = averaging_bound},
     .method = PSI_METHOD_AVERAGING,
     .measure = PSI_FINITE_MEAN_EXCESS},
    {.theorem = {.name = "averaging-proven",
                 .measured = "excess of the average",
                 .paper = "the same for every T, and with a smaller part that falls with k",
                 .certainty = "proven here",
                 .assumptions = {AVERAGING},
                 .step = averaging_step,
                 .bound = averaging_proven_bound},
     .method = PSI_METHOD_AVERAGING,
     .measure = PSI_FINITE_MEAN_EXCESS},
    {.theorem = {.name = "averaging-mean",
                 .measured = "excess of the mean",
                 .paper = "Zinkevich, Weimer, Smola and Li 2010, theorem 9: 2 eta G^2, and what T "
                          "steps leave of the start",
                 .certainty = "proven here",
                 .assumptions = {AVERAGING},
                 .step = averaging_step,
                 .bound = mean_bound},
     .method = PSI_METHOD_AVERAGING,
     .measure = PSI_FINITE_EXCESS_OF_MEAN},
    {.theorem = {.name = "averaging-distance",
                 .measured = "mean squared distance",
                 .paper = "Zinkevich, Weimer, Smola and Li 2010, theorem 10: 4 eta G^2 / "
                          "((2 - eta lambda) lambda), and what T steps leave of the start",
                 .certainty = "proven here",
                 .assumptions = {AVERAGING},
                 .step = averaging_step,
                 .bound = distance_bound},
     .method = PSI_METHOD_AVERAGING,
     .measure = PSI_FINITE_DISTANCE},
};
enum { THEOREMS = sizeof theorems / sizeof theorems[0] };

const psi_finite_theorem *psi_finite_theorems(size_t *count_out) {
    *count_out = THEOREMS;
    return theorems;
}

const psi_finite_theorem *psi_finite_theorem_find(const char *name) {
    for (size_t i = 0; i < THEOREMS; i++) {
        if (strcmp(theorems[i].theorem.name, name) == 0) {
            return &theorems[i];
        }
    }
    return NULL;
}
