#include "sim/straggler.h"

#include <math.h>
#include <stdio.h>

#include <gsl/gsl_cdf.h>

#include "tortoise/random.h"

psi_slowness psi_slowness_of(const psi_sim_spec *spec) {
    PS_ASSERT(spec->is_resolved);
    return (psi_slowness){.stragglers = spec->stragglers,
                          .straggler_count = spec->straggler_count,
                          .nodes = spec->nodes,
                          .node_count = (uint32_t)spec->resolved_node_count};
}

static bool straggler_concerns(const psi_straggler *straggler, uint32_t node) {
    return straggler->node == PSI_SIM_ALL_NODES || straggler->node == node;
}

/* One number in (0, 1) that belongs to this straggler, worker and clock alone. The worker and the
 * clock fill the stream's 64-bit rank, so any of them is reached in O(1). */
static double noise_uniform(size_t index, uint64_t seed, uint32_t rank, uint32_t clock) {
    char name[40];
    (void)snprintf(name, sizeof name, "straggler-%zu", index);
    ps_random stream = ps_random_stream(seed, name, (uint64_t)rank << 32 | clock);
    const double uniform = ps_random_uniform(&stream);
    return uniform +
           0x1p-54; /* [0, 1) becomes (0, 1): the quantile of 0 may be 0 and that of 1 infinite */
}

double psi_slowness_noise(const psi_slowness *slowness, uint64_t seed, uint32_t node, uint32_t rank,
                          uint32_t clock) {
    double factor = 1.0;
    for (size_t i = 0; i < slowness->straggler_count; i++) {
        const psi_straggler *const straggler = &slowness->stragglers[i];
        if (!straggler_concerns(straggler, node)) {
            continue;
        }
        switch (straggler->kind) {
        case PSI_STRAGGLER_LOGNORMAL:
            factor *=
                gsl_cdf_lognormal_Pinv(noise_uniform(i, seed, rank, clock), 0.0, straggler->sigma);
            break;
        case PSI_STRAGGLER_EXPONENTIAL:
            factor *= 1.0 + gsl_cdf_exponential_Pinv(noise_uniform(i, seed, rank, clock),
                                                     straggler->mean);
            break;
        case PSI_STRAGGLER_PARETO:
            factor *=
                gsl_cdf_pareto_Pinv(noise_uniform(i, seed, rank, clock), straggler->alpha, 1.0);
            break;
        case PSI_STRAGGLER_SLOW:
        case PSI_STRAGGLER_ROTATE:
        case PSI_STRAGGLER_PAUSE:
        case PSI_STRAGGLER_TRACE:
            break;
        }
    }
    return factor;
}

/* Phase k of a rotation is [k * period, (k + 1) * period) and slows node k mod N. The division may
 * round across a border, so the phase is corrected until the border that follows lies behind
 * `time_s`. */
static double rotate_factor(const psi_straggler *straggler, uint32_t node, uint32_t node_count,
                            double time_s, double *until_s) {
    double phase = floor(time_s / straggler->period_s);
    if ((phase + 1.0) * straggler->period_s <= time_s) {
        phase += 1.0;
    }
    const double turn = fmod(phase, (double)node_count);
    double ahead =
        (double)node - turn; /* phases until the node's next turn begins, or 0 in its own turn */
    if (ahead < 0.0) {
        ahead += (double)node_count;
    }
    const double change = (phase + (ahead > 0.0 ? ahead : 1.0)) * straggler->period_s;
    *until_s = change > time_s ? change : nextafter(time_s, INFINITY);
    return ahead > 0.0 ? 1.0 : straggler->factor;
}

static double pause_factor(const psi_straggler *straggler, double time_s, double *until_s) {
    const double end_s = straggler->at_s + straggler->for_s;
    if (time_s < straggler->at_s) {
        *until_s = straggler->at_s;
        return 1.0;
    }
    *until_s = time_s < end_s ? end_s : INFINITY;
    return time_s < end_s ? INFINITY : 1.0;
}

/* Steps are sorted by (node, time): finds the first one of `node` that lies after `time_s`. */
static double trace_factor(const psi_straggler *straggler, uint32_t node, double time_s,
                           double *until_s) {
    size_t low = 0;
    size_t high = straggler->step_count;
    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        const psi_slowdown *const step = &straggler->steps[middle];
        const bool is_before = step->node < node || (step->node == node && step->time_s <= time_s);
        if (is_before) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    const bool has_next = low < straggler->step_count && straggler->steps[low].node == node;
    const bool has_current = low > 0 && straggler->steps[low - 1].node == node;
    *until_s = has_next ? straggler->steps[low].time_s : INFINITY;
    return has_current ? straggler->steps[low - 1].factor : 1.0;
}

double psi_slowness_factor(const psi_slowness *slowness, uint32_t node, double time_s,
                           double *until_s) {
    PS_ASSERT(node < slowness->node_count);
    double factor = 1.0 / slowness->nodes[node].speed;
    *until_s = INFINITY;
    for (size_t i = 0; i < slowness->straggler_count; i++) {
        const psi_straggler *const straggler = &slowness->stragglers[i];
        double until = INFINITY;
        switch (straggler->kind) {
        case PSI_STRAGGLER_SLOW:
            factor *= straggler_concerns(straggler, node) ? straggler->factor : 1.0;
            break;
        case PSI_STRAGGLER_ROTATE:
            factor *= rotate_factor(straggler, node, slowness->node_count, time_s, &until);
            break;
        case PSI_STRAGGLER_PAUSE:
            factor *=
                straggler_concerns(straggler, node) ? pause_factor(straggler, time_s, &until) : 1.0;
            break;
        case PSI_STRAGGLER_TRACE:
            factor *= trace_factor(straggler, node, time_s, &until);
            break;
        case PSI_STRAGGLER_LOGNORMAL:
        case PSI_STRAGGLER_EXPONENTIAL:
        case PSI_STRAGGLER_PARETO:
            break;
        }
        *until_s = fmin(*until_s, until);
    }
    return factor;
}

double psi_slowness_end_s(const psi_slowness *slowness, uint32_t node, double start_s,
                          double work_s) {
    double time_s = start_s;
    double left_s = work_s;
    while (left_s > 0.0) {
        double until_s = INFINITY;
        const double factor = psi_slowness_factor(slowness, node, time_s, &until_s);
        const double span_s = left_s * factor;
        if (time_s + span_s <= until_s) {
            return time_s + span_s;
        }
        left_s -= (until_s - time_s) / factor; /* nothing while it pauses: factor is infinite */
        time_s = until_s;
    }
    return time_s;
}
