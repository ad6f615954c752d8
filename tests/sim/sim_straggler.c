/* Stragglers decide when every worker arrives anywhere: if their arithmetic is off, all figures
 * are. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "support/suite.h"

#include "sim/disturbance.h"
#include "sim/straggler.h"
#include "tortoise/random.h"

enum { NODES = 5 };

/* A resolved spec of NODES nodes with these stragglers; the caller destroys it. */
static psi_sim_spec *spec_of(const char *const *stragglers, double speed) {
    static const psi_plan plan = {.node_count = NODES};
    psi_sim_spec *spec = NULL;
    ps_fault fault = {.err = PS_OK};
    CU_ASSERT_EQUAL_FATAL(psi_sim_spec_create(&spec), PS_OK);
    for (size_t i = 0; stragglers[i] != NULL; i++) {
        CU_ASSERT_EQUAL_FATAL(psi_sim_spec_set(spec, "straggler", stragglers[i], &fault), PS_OK);
    }
    spec->speed = speed;
    CU_ASSERT_EQUAL_FATAL(psi_sim_spec_resolve(spec, &plan, &fault), PS_OK);
    return spec;
}

/* The factor at one instant, written again from the definition in cli.md's words. */
static double factor_by_definition(const psi_sim_spec *spec, uint32_t node, double time_s) {
    double factor = 1.0 / spec->nodes[node].speed;
    for (size_t i = 0; i < spec->straggler_count; i++) {
        const psi_straggler *const s = &spec->stragglers[i];
        const bool is_mine = s->node == PSI_SIM_ALL_NODES || s->node == node;
        if (s->kind == PSI_STRAGGLER_SLOW && is_mine) {
            factor *= s->factor;
        }
        if (s->kind == PSI_STRAGGLER_ROTATE &&
            (uint64_t)floor(time_s / s->period_s) % NODES == node) {
            factor *= s->factor;
        }
        if (s->kind == PSI_STRAGGLER_PAUSE && is_mine && time_s >= s->at_s &&
            time_s < s->at_s + s->for_s) {
            return INFINITY;
        }
        double held = 1.0;
        double held_since_s = -1.0;
        for (size_t k = 0; k < s->step_count; k++) {
            if (s->steps[k].node == node && s->steps[k].time_s <= time_s &&
                s->steps[k].time_s > held_since_s) {
                held = s->steps[k].factor;
                held_since_s = s->steps[k].time_s;
            }
        }
        factor *= held;
    }
    return factor;
}

static void ends_when_the_work_is_done_by_hand(void) {
    static const char *const none[] = {NULL};
    static const char *const slow[] = {"slow:node=2,factor=3x", NULL};
    static const char *const rotate[] = {"rotate:factor=4x,period=10s", NULL};
    static const char *const pause[] = {"pause:node=1,at=5s,for=2s", NULL};
    static const struct {
        const char *const *stragglers;
        uint32_t node;
        double speed, start_s, work_s, end_s;
    } cases[] = {
        {none, 0, 1.0, 2.25, 1.5, 3.75},   {none, 0, 0.5, 2.25, 1.5, 5.25},
        {slow, 2, 1.0, 1.0, 2.5, 8.5},     {slow, 1, 1.0, 1.0, 2.5, 3.5},
        {rotate, 0, 1.0, 0.0, 2.0, 8.0},   /* in its own slow phase */
        {rotate, 0, 1.0, 0.0, 3.0, 10.5},  /* 2.5 s of work in 10 s, the rest at full speed */
        {rotate, 1, 1.0, 8.0, 3.0, 14.0},  /* 2 s of work before its phase begins, 1 s costs 4 */
        {rotate, 0, 1.0, 45.0, 6.0, 54.0}, /* round again: node 0 is slow from 50 */
        {pause, 1, 1.0, 4.0, 0.5, 4.5},    /* done before */
        {pause, 1, 1.0, 4.0, 1.75, 7.75},  /* 1 s before, 0.75 s after the pause */
        {pause, 1, 1.0, 5.5, 0.25, 7.25},  /* begins in the pause */
        {pause, 1, 1.0, 5.5, 0.0, 5.5},    /* no work takes no time */
        {pause, 2, 1.0, 5.5, 0.25, 5.75},  /* somebody else's pause */
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        psi_sim_spec *const spec = spec_of(cases[i].stragglers, cases[i].speed);
        const psi_slowness slowness = psi_slowness_of(spec);
        const double end_s =
            psi_slowness_end_s(&slowness, cases[i].node, cases[i].start_s, cases[i].work_s);
        CU_ASSERT_DOUBLE_EQUAL(end_s, cases[i].end_s, 1e-12);
        psi_sim_spec_destroy(spec);
    }
}

static void trace_write(const char *path) {
    FILE *const file = fopen(path, "w");
    CU_ASSERT_PTR_NOT_NULL_FATAL(file);
    (void)fprintf(
        file,
        "# time_s node factor\n3.5 0 2x\n0.5 3 0.25x\n\n7.125 0 1x  # back\n1.25 0 5\n9 4 3x\n");
    (void)fclose(file);
}

/* Integrates 1 / factor in small steps until the work is done: slow, independent and without
 * cleverness. */
static double end_by_steps(const psi_sim_spec *spec, uint32_t node, double start_s, double work_s,
                           double step_s) {
    double done_s = 0.0;
    double time_s = start_s;
    for (uint64_t i = 0; done_s < work_s; i++) {
        time_s = start_s + ((double)i + 1.0) * step_s;
        done_s += step_s / factor_by_definition(spec, node, start_s + ((double)i + 0.5) * step_s);
    }
    return time_s;
}

static void agrees_with_integration_in_small_steps(void) {
    char path[512];
    char trace[600];
    suite_scratch_path("slow.trace", path, sizeof path);
    trace_write(path);
    (void)snprintf(trace, sizeof trace, "trace:%s", path);
    const char *const stragglers[] = {
        "slow:node=3,factor=1.7x",       "rotate:factor=4x,period=0.7s",
        "pause:node=1,at=2.5s,for=0.9s", "pause:node=0,at=4s,for=0.3s",
        "rotate:factor=1.5x,period=2s",  trace,
        "lognormal:sigma=0.5",           NULL};
    psi_sim_spec *const spec = spec_of(stragglers, 1.25);
    const psi_slowness slowness = psi_slowness_of(spec);
    ps_random random = ps_random_stream(20110816, "straggler-test", 0);
    for (int i = 0; i < 60; i++) {
        const uint32_t node = (uint32_t)ps_random_below(&random, NODES);
        const double start_s = 8.0 * ps_random_uniform(&random);
        const double work_s = 5.0 * ps_random_uniform(&random);
        const double step_s = 5e-5;
        const double expected_s = end_by_steps(spec, node, start_s, work_s, step_s);
        /* Each change of the factor may be off by one step, of which the slowest costs 20 times its
         * length. */
        CU_ASSERT_DOUBLE_EQUAL(psi_slowness_end_s(&slowness, node, start_s, work_s), expected_s,
                               60.0 * step_s);
    }
    psi_sim_spec_destroy(spec);
}

/* Cutting a piece of work in two must not change when it ends, wherever it is cut. */
static void the_integral_is_additive(void) {
    static const char *const stragglers[] = {"rotate:factor=4x,period=0.3s",
                                             "pause:node=2,at=1.5s,for=2s", NULL};
    psi_sim_spec *const spec = spec_of(stragglers, 1.0);
    const psi_slowness slowness = psi_slowness_of(spec);
    ps_random random = ps_random_stream(7, "straggler-test", 1);
    for (int i = 0; i < 2000; i++) {
        const uint32_t node = (uint32_t)ps_random_below(&random, NODES);
        const double start_s = 5.0 * ps_random_uniform(&random);
        const double work_s = 3.0 * ps_random_uniform(&random);
        const double share = ps_random_uniform(&random);
        const double middle_s = psi_slowness_end_s(&slowness, node, start_s, work_s * share);
        const double end_s = psi_slowness_end_s(&slowness, node, middle_s, work_s * (1.0 - share));
        const double whole_s = psi_slowness_end_s(&slowness, node, start_s, work_s);
        CU_ASSERT_DOUBLE_EQUAL(end_s, whole_s, 1e-9);
    }
    psi_sim_spec_destroy(spec);
}

static void borders_of_periods_make_progress(void) {
    static const char *const stragglers[] = {"rotate:factor=2x,period=0.1s", NULL};
    psi_sim_spec *const spec = spec_of(stragglers, 1.0);
    const psi_slowness slowness = psi_slowness_of(spec);
    for (uint32_t k = 0; k < 100000; k++) {
        double until_s = 0.0;
        const double time_s = 0.1 * k; /* rounds to just above or below the border */
        (void)psi_slowness_factor(&slowness, k % NODES, time_s, &until_s);
        CU_ASSERT_TRUE_FATAL(until_s > time_s);
    }
    psi_sim_spec_destroy(spec);
}

/* Noise is a function of its place alone: asked in any order, any number of times, the same. */
static void noise_does_not_depend_on_order(void) {
    static const char *const stragglers[] = {"lognormal:sigma=0.5", "pareto:alpha=3", NULL};
    enum { RANKS = 10, CLOCKS = 20 };
    double forward[RANKS][CLOCKS];
    psi_sim_spec *const spec = spec_of(stragglers, 1.0);
    const psi_slowness slowness = psi_slowness_of(spec);
    for (uint32_t rank = 0; rank < RANKS; rank++) {
        for (uint32_t clock = 0; clock < CLOCKS; clock++) {
            forward[rank][clock] = psi_slowness_noise(&slowness, 42, rank / 2, rank, clock);
        }
    }
    for (uint32_t clock = CLOCKS; clock-- > 0;) {
        for (uint32_t rank = RANKS; rank-- > 0;) {
            CU_ASSERT_EQUAL(forward[rank][clock],
                            psi_slowness_noise(&slowness, 42, rank / 2, rank, clock));
        }
    }
    CU_ASSERT_NOT_EQUAL(forward[0][0], forward[0][1]);
    CU_ASSERT_NOT_EQUAL(forward[0][0], forward[1][0]);
    CU_ASSERT_NOT_EQUAL(forward[0][0], psi_slowness_noise(&slowness, 43, 0, 0, 0));
    psi_sim_spec_destroy(spec);
}

typedef struct noise_facts {
    double mean, log_mean, log_deviation, share_above_2;
} noise_facts;

static noise_facts noise_measure(const char *straggler) {
    const char *const stragglers[] = {straggler, NULL};
    enum { RANKS = 40, CLOCKS = 1000 };
    psi_sim_spec *const spec = spec_of(stragglers, 1.0);
    const psi_slowness slowness = psi_slowness_of(spec);
    double sum = 0.0;
    double log_sum = 0.0;
    double log_squares = 0.0;
    double above = 0.0;
    for (uint32_t rank = 0; rank < RANKS; rank++) {
        for (uint32_t clock = 0; clock < CLOCKS; clock++) {
            const double noise = psi_slowness_noise(&slowness, 3, 0, rank, clock);
            sum += noise;
            log_sum += log(noise);
            log_squares += log(noise) * log(noise);
            above += noise > 2.0 ? 1.0 : 0.0;
        }
    }
    psi_sim_spec_destroy(spec);
    const double count = (double)RANKS * CLOCKS;
    const double log_mean = log_sum / count;
    return (noise_facts){.mean = sum / count,
                         .log_mean = log_mean,
                         .log_deviation = sqrt(log_squares / count - log_mean * log_mean),
                         .share_above_2 = above / count};
}

/* Tolerances are about five standard errors of 40 000 draws. */
static void noise_has_its_distribution(void) {
    const noise_facts lognormal = noise_measure("lognormal:sigma=0.5");
    CU_ASSERT_DOUBLE_EQUAL(lognormal.log_mean, 0.0, 0.0125);
    CU_ASSERT_DOUBLE_EQUAL(lognormal.log_deviation, 0.5, 0.01);
    CU_ASSERT_DOUBLE_EQUAL(lognormal.mean, exp(0.125), 0.016);
    const noise_facts exponential = noise_measure("exponential:mean=0.3");
    CU_ASSERT_DOUBLE_EQUAL(exponential.mean, 1.3, 0.0075);
    CU_ASSERT_DOUBLE_EQUAL(exponential.share_above_2, exp(-1.0 / 0.3), 0.0047);
    const noise_facts pareto = noise_measure("pareto:alpha=1.5");
    CU_ASSERT_DOUBLE_EQUAL(pareto.log_mean, 1.0 / 1.5, 0.017);
    CU_ASSERT_DOUBLE_EQUAL(pareto.share_above_2, pow(2.0, -1.5), 0.012);
}

static void noise_of_one_node_leaves_the_others(void) {
    static const char *const stragglers[] = {"lognormal:sigma=0.5,node=3", NULL};
    psi_sim_spec *const spec = spec_of(stragglers, 1.0);
    const psi_slowness slowness = psi_slowness_of(spec);
    CU_ASSERT_EQUAL(psi_slowness_noise(&slowness, 1, 2, 2, 5), 1.0);
    CU_ASSERT_NOT_EQUAL(psi_slowness_noise(&slowness, 1, 3, 3, 5), 1.0);
    psi_sim_spec_destroy(spec);
}

static const suite_test tests[] = {
    SUITE_TEST(ends_when_the_work_is_done_by_hand),
    SUITE_TEST(agrees_with_integration_in_small_steps),
    SUITE_TEST(the_integral_is_additive),
    SUITE_TEST(borders_of_periods_make_progress),
    SUITE_TEST(noise_does_not_depend_on_order),
    SUITE_TEST(noise_has_its_distribution),
    SUITE_TEST(noise_of_one_node_leaves_the_others),
};
SUITE_MAIN("sim_straggler", tests)
