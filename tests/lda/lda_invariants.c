/* No token is lost and none counts twice, after every clock of the slowest worker, under every
 * policy and with every sampler, in both worlds. An evaluation sees what the servers hold at that
 * moment, so lda runs here with an evaluation of its own, which sums the tables. */
#define _POSIX_C_SOURCE 200809L /* _exit */

#include <stdio.h>
#include <string.h>

#include <unistd.h>

#include "algos/lda/lda_app.h"
#include "algos/lda/lda_problem.h"
#include "lda_fixture.h"
#include "runtime/runtime.h"
#include "sim/sim.h"
#include "support/signals.h"
#include "support/suite.h"

enum { WORKERS = 4, SHARDS = 3, CLOCKS = 12 };
enum { NO_RUN = 100 /* more than there can be, and less than what a crash gives */ };
enum { WORDS, TOTALS, BELOW_ZERO, SUMS };

static const char small_data[] = "synthetic:docs=200,words=150,topics=6,length=40";
static const char *const samplers[] = {"dense", "sparse", "alias", "light",
                                       "warp",  "vector", "fplus"};
static const char *const policies[] = {"bsp", "ssp:2", "essp:2", "async"};

static void tables_sum(const void *problem, uint32_t rank, const void *local,
                       size_t local_size_bytes, const ps_model *model, double *sums) {
    const psi_lda_problem *const lda = problem;
    const psi_lda_tables tables = psi_lda_tables_of(
        lda, model->dense[0], model->dense[1], model->table_count > 2 ? model->sparse[2] : NULL);
    (void)local;
    (void)local_size_bytes;
    memset(sums, 0, SUMS * sizeof *sums);
    for (uint32_t w = 0; w < lda->prior.word_count && rank == 0; w++) {
        const ps_sparse_row row = psi_lda_word_counts(&tables, lda->prior.topic_count, w);
        const int32_t *const counts = row.values;
        for (uint32_t i = 0; i < row.count; i++) {
            sums[WORDS] += counts[i];
            sums[BELOW_ZERO] += counts[i] < 0;
        }
    }
    for (uint32_t k = 0; k < lda->prior.topic_count && rank == 0; k++) {
        sums[TOTALS] += (double)tables.totals[k];
        sums[BELOW_ZERO] += tables.totals[k] < 0;
    }
}

static void sums_are_metrics(const void *problem, const double *sums, double *metrics) {
    (void)problem;
    memcpy(metrics, sums, SUMS * sizeof *sums);
}

/* lda whose worker 1 adds `planted` to a count before its first clock: as if an update had been
 * applied twice (1), or lost (-1). */
static int32_t planted;

static ps_err planting_worker(ps_worker *worker, const void *problem) {
    int32_t delta[64] = {planted};
    if (ps_rank(worker) == 1 && planted != 0) {
        PS_TRY(ps_add(worker, 0, 0, delta));
    }
    return psi_lda_algo.worker(worker, problem);
}

static ps_algo watched_algo(void) {
    static const char *const metrics[SUMS] = {"objective", "totals", "below_zero"};
    ps_algo algo = psi_lda_algo;
    algo.metrics = metrics;
    algo.metric_count = SUMS;
    algo.maximised = 0;
    algo.rate_metric = 0;
    algo.sum_count = SUMS;
    algo.evaluate = tables_sum;
    algo.finish = sums_are_metrics;
    algo.worker = planting_worker;
    algo.leave = NULL;
    return algo;
}

static ps_err run(psi_plan *plan, psi_results *results, ps_fault *fault) {
    uint32_t process = 0;
    plan->process_count = plan->node_count;
    const ps_err err = psi_runtime_run_local(plan, NULL, results, &process, fault);
    if (process != 0) { /* a child: what it has to say, the caller knows */
        _exit(ps_err_exit_code(err));
    }
    return err;
}

/* Workers who are slow by chance drift apart, so that what they read is stale. */
static ps_err simulate(psi_plan *plan, psi_results *results, ps_fault *fault) {
    psi_sim_spec *spec;
    plan->process_count = 1;
    CU_ASSERT_EQUAL_FATAL(psi_sim_spec_create(&spec), PS_OK);
    ps_err err = psi_sim_spec_set(spec, "straggler", "lognormal:sigma=1", fault);
    if (err == PS_OK) {
        err = psi_sim_spec_resolve(spec, plan, fault);
    }
    if (err == PS_OK) {
        err = psi_sim_run(plan, spec, results, fault);
    }
    psi_sim_spec_destroy(spec);
    return err;
}

typedef ps_err (*world)(psi_plan *plan, psi_results *results, ps_fault *fault);

/* The number of evaluations after clock 0 that saw other sums than the tokens, or a count below
 * zero. */
static size_t violations(world in, const char *policy, const char *sampler) {
    char options[64];
    (void)snprintf(options, sizeof options, "topics=20 sampler=%s", sampler);
    psi_lda_problem *const problem = lda_fixture_open(small_data, 11, WORKERS, options);
    const ps_algo algo = watched_algo();
    psi_plan plan = {.algo = &algo,
                     .problem = problem,
                     .node_count = WORKERS,
                     .worker_count = WORKERS,
                     .shard_count = SHARDS,
                     .clock_count = CLOCKS,
                     .eval_every_clocks = 1,
                     .seed = problem->seed};
    plan.table_count = algo.tables(problem, plan.specs);
    psi_results results = {.metrics = NULL};
    ps_fault fault = {0};
    CU_ASSERT_EQUAL_FATAL(psi_policy_parse(policy, &plan.policy, &fault), PS_OK);
    const ps_err err = in(&plan, &results, &fault);
    if (err != PS_OK) {
        printf("%s\n", fault.text);
    }
    const double tokens = (double)problem->blocks.token_count;
    size_t count = err == PS_OK && results.metrics_count > 1 ? 0 : NO_RUN;
    for (size_t i = 0; i < results.metrics_count; i++) {
        const psi_metrics_row *const row = &results.metrics[i];
        count +=
            row->clock_min > 0 && (row->values[WORDS] != tokens || row->values[TOTALS] != tokens ||
                                   row->values[BELOW_ZERO] > 0);
    }
    psi_results_fini(&results, &plan);
    psi_lda_problem_close(problem);
    return count;
}

static size_t violations_for_real(const char *policy, const char *sampler) {
    return violations(run, policy, sampler);
}

/* A process simulates once only, so each simulation has one of its own. */
static size_t violations_simulated(const char *policy, const char *sampler) {
    (void)fflush(stdout);
    const pid_t child = fork();
    if (child == 0) {
        _exit((int)violations(simulate, policy, sampler));
    }
    return child < 0 ? NO_RUN : (size_t)signals_take_code(child);
}

typedef size_t (*counter)(const char *policy, const char *sampler);

static void every_clock_has_every_token(counter count) {
    for (size_t p = 0; p < sizeof policies / sizeof policies[0]; p++) {
        for (size_t s = 0; s < sizeof samplers / sizeof samplers[0]; s++) {
            CU_ASSERT_EQUAL(count(policies[p], samplers[s]), 0);
        }
    }
}

static void errors_are_seen(counter count) {
    for (planted = -1; planted <= 1; planted += 2) {
        const size_t seen = count("ssp:2", "sparse");
        CU_ASSERT(seen > 0 && seen < NO_RUN);
    }
    planted = 0;
}

static void every_clock_for_real(void) {
    every_clock_has_every_token(violations_for_real);
}

static void a_lost_or_doubled_update_is_seen_for_real(void) {
    errors_are_seen(violations_for_real);
}

static void every_clock_simulated(void) {
    if (TORTOISE_WITH_SIM) {
        every_clock_has_every_token(violations_simulated);
    }
}

static void a_lost_or_doubled_update_is_seen_simulated(void) {
    if (TORTOISE_WITH_SIM) {
        errors_are_seen(violations_simulated);
    }
}

static const suite_test tests[] = {
    SUITE_TEST(every_clock_for_real), SUITE_TEST(a_lost_or_doubled_update_is_seen_for_real),
    SUITE_TEST(every_clock_simulated), SUITE_TEST(a_lost_or_doubled_update_is_seen_simulated)};
SUITE_MAIN("lda invariants", tests)
