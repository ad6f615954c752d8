#include "algos/lr/lr_learner.h"

#include <math.h>
#include <stdlib.h>

/* Places of pairs that a learner keeps at most: 64 MiB. Others are hashed again. */
enum { PAIRS_MAX = 1 << 24 };
#define PAIRS_NONE SIZE_MAX

/* The example of one of the learner's visits, without the places of its pairs. */
static psi_lr_view view_of_visit(const psi_lr_learner *l, uint64_t visit) {
    return psi_lr_view_of(&l->problem->shape, &l->problem->examples,
                          psi_lr_example_of(l->problem, l->rank, visit));
}

/* The same, of a visit of this clock, with them. */
static psi_lr_view view_with_pairs(const psi_lr_learner *l, uint64_t visit) {
    psi_lr_view x = view_of_visit(l, visit);
    if (l->problem->shape.is_quadratic) {
        const size_t begin = l->pair_begins[visit - l->first];
        x.pairs = begin == PAIRS_NONE ? NULL : l->pairs + begin;
    }
    return x;
}

/* Room for the places of the pairs of a clock's examples: of all, or of as many as may be kept. */
static ps_err pairs_init(psi_lr_learner *l) {
    const psi_lr_problem *const problem = l->problem;
    const size_t visits = problem->delay + psi_lr_batch_size(problem, l->rank);
    size_t most = 0;
    for (size_t v = 0; v < psi_lr_own_count(problem, l->rank); v++) {
        const psi_lr_view x = view_of_visit(l, v);
        const size_t pairs = psi_lr_pair_count(&x);
        most = pairs > most ? pairs : most;
    }
    l->pairs_max = most > PAIRS_MAX / visits ? PAIRS_MAX : most * visits;
    l->pairs = malloc((l->pairs_max + 1) * sizeof *l->pairs);
    l->pair_begins = calloc(visits, sizeof *l->pair_begins);
    return l->pairs == NULL || l->pair_begins == NULL ? PS_ENOMEM : PS_OK;
}

ps_err psi_lr_learner_init(psi_lr_learner *l, const psi_lr_problem *problem, uint32_t rank) {
    const size_t rows = psi_lr_row_count(&problem->shape);
    const int is_adaptive = problem->schedule == PSI_LR_ADAPTIVE;
    *l = (psi_lr_learner){.problem = problem, .rank = rank};
    l->rows = calloc(rows, sizeof *l->rows);
    l->squares = is_adaptive ? calloc(rows * PSI_LR_COLUMNS, sizeof *l->squares) : NULL;
    l->margins = calloc((size_t)problem->delay + 1, sizeof *l->margins);
    if (l->rows == NULL || l->margins == NULL || (is_adaptive && l->squares == NULL)) {
        return PS_ENOMEM;
    }
    if (problem->schedule == PSI_LR_NORMALIZED) {
        PS_TRY(psi_lr_normal_init(&l->normal, &problem->shape, &problem->examples,
                                  problem->mixes ? 1 : problem->worker_count));
    }
    return problem->shape.is_quadratic ? pairs_init(l) : PS_OK;
}

void psi_lr_learner_fini(psi_lr_learner *l) {
    free(l->rows);
    free(l->squares);
    psi_lr_normal_fini(&l->normal);
    free(l->margins);
    free(l->pairs);
    free(l->pair_begins);
}

double psi_lr_learner_begin(psi_lr_learner *l) {
    const uint64_t delay = l->problem->delay;
    l->first = l->visit < delay ? 0 : l->visit - delay;
    l->visit_end = l->visit + psi_lr_batch_size(l->problem, l->rank);
    double units = 0;
    for (uint64_t v = l->visit; v < l->visit_end; v++) {
        const psi_lr_view x = view_of_visit(l, v);
        units += psi_lr_units(&x);
    }
    return units;
}

void psi_lr_learner_find(psi_lr_learner *l, psi_lr_row_set *set) {
    const psi_lr_shape *const shape = &l->problem->shape;
    size_t used = 0;
    for (uint64_t v = l->first; v < l->visit_end; v++) {
        psi_lr_view x = view_of_visit(l, v);
        if (shape->is_quadratic) {
            const size_t count = psi_lr_pair_count(&x);
            const int is_kept = count <= l->pairs_max - used;
            l->pair_begins[v - l->first] = is_kept ? used : PAIRS_NONE;
            if (is_kept) {
                psi_lr_pairs_place(shape, &x, l->pairs + used);
                x.pairs = l->pairs + used;
                used += count;
            }
        }
        psi_lr_rows_add(shape, &x, set);
    }
    psi_lr_rows_order(shape, set);
}

/* The step that uses the gradient of `visit`, which is number t of all workers' together. Under the
 * adaptive schedule a worker takes the others' gradients to be as large as its own, so that P of
 * them go as far as one would. Where workers mix, each learns as if it were alone. */
static psi_lr_step step_of(const psi_lr_learner *l, uint64_t visit) {
    const psi_lr_problem *const problem = l->problem;
    const double workers = problem->mixes ? 1 : problem->worker_count;
    double fall = problem->schedule == PSI_LR_ADAPTIVE ? workers : 1;
    if (problem->schedule == PSI_LR_INVERSE_SQRT) {
        fall = (double)visit * workers + (problem->mixes ? 0 : l->rank) + 1;
    }
    return (psi_lr_step){.rate = (float)(problem->step / sqrt(fall)),
                         .l2 = (float)problem->l2,
                         .inverse_shares = problem->inverse_shares,
                         .squares = l->squares};
}

/* Learns from the example of a visit, with the margin that it had then. */
static void learn_from(psi_lr_learner *l, uint64_t visit, const psi_lr_view *x) {
    const psi_lr_problem *const problem = l->problem;
    const float label = problem->examples.labels[psi_lr_example_of(problem, l->rank, visit)];
    const float margin = l->margins[visit % ((uint64_t)problem->delay + 1)];
    const psi_lr_step step = step_of(l, visit);
    if (problem->schedule == PSI_LR_NORMALIZED) {
        const psi_lr_scored asked = {margin, label};
        psi_lr_normal_learn(&l->normal, &problem->shape, &step, l->rows, x, asked);
    } else {
        const float slope = (float)psi_lr_slope((double)margin, label);
        psi_lr_learn(&problem->shape, &step, l->rows, x, slope);
    }
}

/* Is asked about an example, and learns from the one `delay` visits before. */
static void visit_one(psi_lr_learner *l, uint64_t visit) {
    const psi_lr_problem *const problem = l->problem;
    const uint64_t delay = problem->delay;
    const float label = problem->examples.labels[psi_lr_example_of(problem, l->rank, visit)];
    const psi_lr_view asked = view_with_pairs(l, visit);
    const float margin = problem->schedule == PSI_LR_NORMALIZED
                             ? psi_lr_normal_meet(&l->normal, &problem->shape, l->rows, &asked)
                             : psi_lr_margin(&problem->shape, l->rows, &asked);
    l->progress.loss_sum += psi_lr_loss((double)margin, label);
    l->progress.error_count += psi_lr_is_error(margin, label);
    l->progress.visit_count += 1;
    l->margins[visit % (delay + 1)] = margin;
    if (visit >= delay) {
        const psi_lr_view used = delay == 0 ? asked : view_with_pairs(l, visit - delay);
        learn_from(l, visit - delay, &used);
    }
}

void psi_lr_learner_visit(psi_lr_learner *l) {
    for (; l->visit < l->visit_end; l->visit++) {
        visit_one(l, l->visit);
    }
}
