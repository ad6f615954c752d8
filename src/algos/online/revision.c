#include "algos/online/revision.h"

#include <math.h>
#include <stddef.h>

psi_revision psi_revision_make(const psi_set *set, double alpha, double tau) {
    psi_revision revision = {.dimension = set->dimension, .alpha = alpha, .tau = tau};
    psi_set_start(set, revision.u);
    for (uint32_t i = 0; i < set->dimension; i++) {
        revision.z[i] = revision.z_max[i] = 1;
        revision.farthest[i] = fabs(revision.u[i]);
    }
    return revision;
}

void psi_revision_note(psi_revision *revision, const double *gradient, const double *used,
                       const double *oldest) {
    for (uint32_t i = 0; i < revision->dimension; i++) {
        const double g = gradient[i], in_flight = revision->total[i] - used[i];
        revision->z[i] += g * g + 2 * g * in_flight;
        revision->z_max[i] = fmax(revision->z_max[i], revision->z[i]);
        revision->total[i] += g;
        if (oldest != NULL) {
            revision->u[i] -= revision->alpha / sqrt(revision->z_max[i]) * oldest[i];
            revision->farthest[i] = fmax(revision->farthest[i], fabs(revision->u[i]));
        }
    }
}

double psi_revision_sum(const psi_revision *revision, double radius, double slope) {
    double sum = 0;
    for (uint32_t i = 0; i < revision->dimension; i++) {
        const double root = sqrt(revision->z_max[i]);
        const double pending = revision->tau * slope * revision->alpha / root;
        const double reach = radius + revision->farthest[i] + pending;
        sum += (reach * reach / (2 * revision->alpha) + revision->alpha) * root;
    }
    return sum;
}
