/* The simulator's times against arithmetic that is written here again, from the definitions: sums
 * of maxima for BSP, the recursion of waiting for SSP, the models' formulas for frames. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support/suite.h"

#include "sim/straggler.h"
#include "toy.h"

enum { WORKERS = 6, NODES = 3, CLOCKS = 40 };

static double seconds[CLOCKS * WORKERS];

/* Times of high entropy, some workers much slower for a while. */
static void seconds_fill(uint64_t seed) {
    ps_random random = ps_random_stream(seed, "arithmetic-test", 0);
    for (uint32_t i = 0; i < CLOCKS * WORKERS; i++) {
        const bool is_slow = (i / WORKERS / 5) % WORKERS == i % WORKERS;
        seconds[i] = (0.1 + ps_random_uniform(&random)) * (is_slow ? 3.0 : 1.0);
    }
}

static void network_infinitely_fast(psi_sim_spec *spec) {
    spec->net = PSI_SIM_NET_NIC;
    spec->bandwidth_bytes_per_s = INFINITY;
    spec->loopback_bytes_per_s = INFINITY;
    spec->latency_s = 0.0;
    spec->server = (psi_sim_server_cost){.per_frame_s = 0.0};
}

static toy_run run_of(const char *policy, const char *const *options) {
    return (toy_run){.problem = {.row_count = 7,
                                 .column_count = 4,
                                 .worker_count = WORKERS,
                                 .clock_count = CLOCKS,
                                 .seconds = seconds},
                     .node_count = NODES,
                     .shard_count = 2,
                     .eval_every_clocks = 1,
                     .seed = 1,
                     .policy = policy,
                     .options = options};
}

/* When each worker ends each clock if the network takes no time: it may begin clock c when all
 * workers have ended clock c - s - 1 (a read at clock c needs row clock c - s). */
static void ends_by_recursion(uint32_t slack, double ends_s[CLOCKS * WORKERS]) {
    for (uint32_t clock = 0; clock < CLOCKS; clock++) {
        double others_s = 0.0;
        for (uint32_t p = 0; clock >= slack + 1 && p < WORKERS; p++) {
            others_s = fmax(others_s, ends_s[(clock - slack - 1) * WORKERS + p]);
        }
        for (uint32_t p = 0; p < WORKERS; p++) {
            const double own_s = clock == 0 ? 0.0 : ends_s[(clock - 1) * WORKERS + p];
            ends_s[clock * WORKERS + p] = fmax(own_s, others_s) + seconds[clock * WORKERS + p];
        }
    }
}

static void ends_compare(const toy_outcome *outcome, const double expected_s[CLOCKS * WORKERS]) {
    CU_ASSERT_EQUAL(outcome->trace_count, CLOCKS * WORKERS);
    for (uint32_t i = 0; i < CLOCKS * WORKERS; i++) {
        CU_ASSERT_DOUBLE_EQUAL(outcome->clock_end_s[i], expected_s[i], 1e-9 * expected_s[i]);
    }
}

static void run_good(const toy_run *run, toy_outcome *outcome) {
    const bool has_ended = toy_run_in_child(run, outcome);
    if (!has_ended || outcome->err != PS_OK) {
        printf("\nthe run failed: %s\n", outcome->fault);
    }
    CU_ASSERT_TRUE_FATAL(has_ended);
    CU_ASSERT_EQUAL_FATAL(outcome->err, PS_OK);
    double sum = 0.0;
    memcpy(&sum, &outcome->model_sum_bits, sizeof sum);
    CU_ASSERT_EQUAL(sum, (double)run->problem.row_count * run->problem.worker_count *
                             run->problem.clock_count);
}

static void bsp_takes_the_slowest_worker_of_each_clock(void) {
    seconds_fill(1);
    toy_run run = run_of("bsp", NULL);
    static toy_outcome outcome;
    run.adjust = network_infinitely_fast;
    run_good(&run, &outcome);
    double sum_s = 0.0;
    for (uint32_t clock = 0; clock < CLOCKS; clock++) {
        double slowest_s = 0.0;
        for (uint32_t p = 0; p < WORKERS; p++) {
            slowest_s = fmax(slowest_s, seconds[clock * WORKERS + p]);
        }
        sum_s += slowest_s;
    }
    CU_ASSERT_DOUBLE_EQUAL(outcome.time_s, sum_s, 1e-9 * sum_s);
}

static void ssp_takes_the_recursion_of_waiting(void) {
    for (uint32_t slack = 0; slack <= 7; slack++) {
        double expected_s[CLOCKS * WORKERS];
        char policy[32];
        static toy_outcome outcome;
        seconds_fill(slack + 2);
        (void)snprintf(policy, sizeof policy, "ssp:%u", slack);
        toy_run run = run_of(policy, NULL);
        run.adjust = network_infinitely_fast;
        ends_by_recursion(slack, expected_s);
        run_good(&run, &outcome);
        ends_compare(&outcome, expected_s);
        (void)snprintf(policy, sizeof policy, "essp:%u", slack);
        run_good(&run, &outcome);
        ends_compare(&outcome, expected_s);
    }
}

static void async_waits_for_nobody(void) {
    seconds_fill(11);
    static toy_outcome outcome;
    double longest_s = 0.0;
    toy_run run = run_of("async", NULL);
    run.adjust = network_infinitely_fast;
    run_good(&run, &outcome);
    for (uint32_t p = 0; p < WORKERS; p++) {
        double sum_s = 0.0;
        for (uint32_t clock = 0; clock < CLOCKS; clock++) {
            sum_s += seconds[clock * WORKERS + p];
            CU_ASSERT_DOUBLE_EQUAL(outcome.clock_end_s[clock * WORKERS + p], sum_s, 1e-9 * sum_s);
        }
        longest_s = fmax(longest_s, sum_s);
    }
    CU_ASSERT_DOUBLE_EQUAL(outcome.time_s, longest_s, 1e-9 * longest_s);
}

/* A persistent straggler: no slack helps beyond its own speed. */
static void a_persistent_straggler_sets_the_pace(void) {
    for (uint32_t i = 0; i < CLOCKS * WORKERS; i++) {
        seconds[i] = 0.5;
    }
    static const char *const options[] = {"straggler", "slow:node=1,factor=2x", NULL};
    static toy_outcome outcome;
    toy_run run = run_of("ssp:5", options);
    run.adjust = network_infinitely_fast;
    run_good(&run, &outcome);
    CU_ASSERT_DOUBLE_EQUAL(outcome.time_s, CLOCKS * 1.0, 1e-9 * CLOCKS);
    CU_ASSERT_DOUBLE_EQUAL(outcome.compute_s[2], 1.0, 1e-9); /* rank 2 is the first of node 1 */
    CU_ASSERT_DOUBLE_EQUAL(outcome.compute_s[0], 0.5, 1e-9);
}

/* The noise that a run has is the one that the pure function gives. */
static void noise_enters_the_times(void) {
    seconds_fill(12);
    static const char *const options[] = {"straggler", "lognormal:sigma=0.5", NULL};
    static toy_outcome outcome;
    const psi_plan plan = {.node_count = NODES};
    psi_sim_spec *spec = NULL;
    ps_fault fault = {.err = PS_OK};
    toy_run run = run_of("async", options);
    run.adjust = network_infinitely_fast;
    run_good(&run, &outcome);
    CU_ASSERT_EQUAL_FATAL(psi_sim_spec_create(&spec), PS_OK);
    CU_ASSERT_EQUAL_FATAL(psi_sim_spec_set(spec, options[0], options[1], &fault), PS_OK);
    CU_ASSERT_EQUAL_FATAL(psi_sim_spec_resolve(spec, &plan, &fault), PS_OK);
    const psi_slowness slowness = psi_slowness_of(spec);
    double sum_s = 0.0;
    for (uint32_t clock = 0; clock < CLOCKS; clock++) {
        sum_s +=
            seconds[clock * WORKERS + 3] * psi_slowness_noise(&slowness, run.seed, 1, 3, clock);
    }
    CU_ASSERT_DOUBLE_EQUAL(outcome.clock_end_s[(CLOCKS - 1) * WORKERS + 3], sum_s, 1e-9 * sum_s);
    psi_sim_spec_destroy(spec);
}

/* A unit of work that stands for many takes their time, and no more: the results are the same. */
static void the_scale_of_work_multiplies_times(void) {
    seconds_fill(14);
    static const char *const options[] = {"unit-cost", "30ms", "work-scale", "250x", NULL};
    static toy_outcome plain, scaled;
    toy_run run = run_of("bsp", NULL);
    run.adjust = network_infinitely_fast;
    run_good(&run, &plain);
    run.options = options;
    run_good(&run, &scaled);
    CU_ASSERT_DOUBLE_EQUAL(scaled.time_s, 250 * 30e-3 * plain.time_s, 1e-9 * scaled.time_s);
    CU_ASSERT_EQUAL(scaled.model_sum_bits, plain.model_sum_bits);
    CU_ASSERT_EQUAL(scaled.frames_sent, plain.frames_sent);
}

/* One fetch over the network: request there, rows back. The waiting of the worker that is not on
 * the server's node is 2 latencies and the bytes of both frames over the bandwidth. */
static double fetch_wait_s(const char *net, const char *model, const char *bandwidth) {
    static const double short_s[2] = {0.25, 0.25};
    const char *const options[] = {"net",         net,    "flow-model", model,
                                   "server-cost", "none", "bandwidth",  bandwidth,
                                   "latency",     "80us", NULL};
    toy_run run = run_of("bsp", options);
    static toy_outcome outcome;
    run.problem = (toy_problem){.row_count = 1000,
                                .column_count = 16,
                                .worker_count = 2,
                                .clock_count = 1,
                                .seconds = short_s};
    run.node_count = 2;
    run.shard_count = 1;
    run_good(&run, &outcome);
    return outcome.wait_s[1];
}

static void transfers_take_the_models_formula(void) {
    const double slow_s = fetch_wait_s("nic", "LV08", "10MB/s");
    const double fast_s = fetch_wait_s("nic", "LV08", "20MB/s");
    const double bytes = (slow_s - fast_s) * 20e6;
    CU_ASSERT_TRUE(bytes > 1000 * 16 * 8);
    CU_ASSERT_DOUBLE_EQUAL(bytes, round(bytes), 1e-5);
    const double latency_s = 2.0 * 80e-6;
    CU_ASSERT_DOUBLE_EQUAL(slow_s, latency_s + bytes / 10e6, 1e-9 * slow_s);
    const double cm02_s = latency_s + bytes / 10e6;
    CU_ASSERT_DOUBLE_EQUAL(fetch_wait_s("flow", "CM02", "10MB/s"), cm02_s, 1e-9 * cm02_s);
    const double lv08_s = 13.01 * latency_s + bytes / (0.97 * 10e6);
    CU_ASSERT_DOUBLE_EQUAL(fetch_wait_s("flow", "LV08", "10MB/s"), lv08_s, 1e-9 * lv08_s);
}

/* Where the two network models must agree and where they may differ. With frames that share a link,
 * nic sends one after the other and flow both at half the speed: the last arrives at the same time,
 * the first earlier in nic. CM02 has no factors, so on a small cluster whose time is half network,
 * ends are within 10 %. */
static void nic_and_flow_agree_on_small_clusters(void) {
    seconds_fill(21);
    for (uint32_t i = 0; i < CLOCKS * WORKERS; i++) {
        seconds[i] *= 0.02;
    }
    static const char *const policies[] = {"bsp", "ssp:2", "essp:2"};
    for (size_t i = 0; i < sizeof policies / sizeof policies[0]; i++) {
        static const char *const nic[] = {"net", "nic", NULL};
        static const char *const flow[] = {"net", "flow", "flow-model", "CM02", NULL};
        static toy_outcome by_nic;
        static toy_outcome by_flow;
        toy_run run = run_of(policies[i], nic);
        run.problem.row_count = 3000;
        run.problem.column_count = 32;
        run_good(&run, &by_nic);
        run.options = flow;
        run_good(&run, &by_flow);
        double compute_s = 0.0;
        for (uint32_t clock = 0; clock < CLOCKS; clock++) {
            compute_s += seconds[clock * WORKERS];
        }
        printf("\n    %s: nic %.4f s, flow %.4f s, computing %.4f s ", policies[i], by_nic.time_s,
               by_flow.time_s, compute_s);
        CU_ASSERT_TRUE(by_nic.time_s > 1.3 * compute_s);
        CU_ASSERT_DOUBLE_EQUAL(by_nic.time_s, by_flow.time_s, 0.10 * by_flow.time_s);
    }
}

/* The same bits, whatever the threads; in both models, with everything switched on. */
static void results_do_not_depend_on_jobs(void) {
    static const char *const nets[] = {"nic", "flow"};
    seconds_fill(31);
    for (size_t i = 0; i < 2; i++) {
        static toy_outcome one;
        static toy_outcome again;
        static const char *const jobs[] = {"1", "2", "4"};
        for (size_t j = 0; j < 3; j++) {
            const char *const options[] = {"net",       nets[i],
                                           "straggler", "lognormal:sigma=0.5",
                                           "straggler", "rotate:factor=3x,period=1.5s",
                                           "jobs",      jobs[j],
                                           NULL};
            toy_run run = run_of("ssp:2", options);
            run_good(&run, j == 0 ? &one : &again);
            CU_ASSERT_TRUE(j == 0 || memcmp(&one, &again, sizeof one) == 0);
        }
    }
}

static const suite_test tests[] = {
    SUITE_TEST(bsp_takes_the_slowest_worker_of_each_clock),
    SUITE_TEST(ssp_takes_the_recursion_of_waiting),
    SUITE_TEST(async_waits_for_nobody),
    SUITE_TEST(a_persistent_straggler_sets_the_pace),
    SUITE_TEST(noise_enters_the_times),
    SUITE_TEST(the_scale_of_work_multiplies_times),
    SUITE_TEST(transfers_take_the_models_formula),
    SUITE_TEST(nic_and_flow_agree_on_small_clusters),
    SUITE_TEST(results_do_not_depend_on_jobs),
};
SUITE_MAIN("sim_arithmetic", tests)
