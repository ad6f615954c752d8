#define _DEFAULT_SOURCE /* MAP_ANONYMOUS */
#include "conformance/promises.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "conformance/tags.h"
#include "support/suite.h"

static const conformance_world *world;

/* What came of a run; in memory that a child process shares. */
typedef struct outcome {
    bool is_filled;
    ps_err err;
    ps_fault fault;
    char complaint[200];
    uint64_t digest;
    bool until_reached, was_interrupted;
    size_t metrics_count;
    double last_objective;
    uint32_t last_clock;
    uint64_t frames_sent;
} outcome;

static void run_here(psi_plan *plan, uint64_t seed, outcome *out) {
    psi_results results = {0};
    plan->process_count = world->has_processes ? plan->node_count : 1;
    out->err = world->run(plan, seed, &results, &out->fault);
    if (out->err == PS_OK) {
        const bool is_whole = !results.until_reached && !results.was_interrupted;
        const char *const complaint = is_whole ? tags_complaint(plan, &results) : NULL;
        (void)snprintf(out->complaint, sizeof out->complaint, "%s",
                       complaint == NULL ? "" : complaint);
        out->digest = results.model_is_complete ? tags_digest(&results, plan->problem) : 0;
    }
    out->until_reached = results.until_reached;
    out->was_interrupted = results.was_interrupted;
    out->metrics_count = results.metrics_count;
    out->frames_sent = results.frames_sent;
    if (results.metrics_count > 0) {
        const psi_metrics_row *const last = &results.metrics[results.metrics_count - 1];
        out->last_objective = last->values[0];
        out->last_clock = last->clock_min;
    }
    psi_results_fini(&results, plan);
    out->is_filled = true;
}

/* Runs the plan in the world, in a process of its own if the world needs that. */
static outcome run_plan(psi_plan *plan, uint64_t seed) {
    outcome result = {0};
    if (!world->needs_a_child) {
        run_here(plan, seed, &result);
        return result;
    }
    outcome *const shared =
        mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    CU_ASSERT_FATAL(shared != MAP_FAILED);
    (void)fflush(NULL);
    const pid_t child = fork();
    CU_ASSERT_FATAL(child >= 0);
    if (child == 0) {
        run_here(plan, seed, shared);
        _exit(0);
    }
    int status = 0;
    CU_ASSERT_EQUAL(waitpid(child, &status, 0), child);
    CU_ASSERT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    result = *shared;
    (void)munmap(shared, sizeof *shared);
    CU_ASSERT_TRUE(result.is_filled);
    return result;
}

/* ---- Plans ---- */

typedef struct shape {
    uint32_t node_count, worker_count, shard_count;
} shape;

static psi_plan plan_of(tags_problem *problem, const char *policy, const shape *shape) {
    psi_plan plan = {.node_count = shape->node_count,
                     .worker_count = shape->worker_count,
                     .shard_count = shape->shard_count,
                     .clock_count = 5,
                     .eval_every_clocks = 2,
                     .seed = 20261123};
    const ps_err err = psi_policy_parse(policy, &plan.policy, NULL);
    PS_ASSERT(err == PS_OK);
    *problem = (tags_problem){.leaving_rank = TAGS_NOBODY, .failing_rank = TAGS_NOBODY};
    tags_plan(problem, &plan);
    return plan;
}

static const char *const policies[] = {"bsp",    "ssp:0", "ssp:2",    "essp:0",
                                       "essp:1", "async", "vap:0.01", "vap:0.5"};
enum { POLICIES = sizeof policies / sizeof *policies };

/* Runs the plan with every seed of the world and expects that it keeps all promises. */
static void expect_kept(psi_plan *plan, const char *policy) {
    for (uint64_t seed = 1; seed <= world->seeds; seed++) {
        const outcome outcome = run_plan(plan, seed);
        const bool is_kept = outcome.err == PS_OK && outcome.complaint[0] == '\0';
        if (!is_kept) {
            printf("\n    %s, %u nodes, %u workers, %u shards, seed %llu: %s %s %s", policy,
                   plan->node_count, plan->worker_count, plan->shard_count,
                   (unsigned long long)seed, ps_err_text(outcome.err), outcome.fault.text,
                   outcome.complaint);
        }
        CU_ASSERT_TRUE(is_kept);
    }
}

/* ---- Promises ---- */

/* Reads, snapshots, metrics, traces and the final model, in every shape of a run. */
static void every_policy_keeps_its_promise(void) {
    static const shape shapes[] = {{1, 1, 1}, {2, 2, 1}, {3, 3, 2}, {4, 4, 4}, {2, 6, 2}};
    for (size_t p = 0; p < POLICIES; p++) {
        for (size_t s = 0; s < sizeof shapes / sizeof *shapes; s++) {
            tags_problem problem;
            psi_plan plan = plan_of(&problem, policies[p], &shapes[s]);
            expect_kept(&plan, policies[p]);
        }
    }
}

/* The bits do not depend on the number of shards, nor on workers a node; the serial sum is in the
 * check, so equal here is equal in every world. */
static void bsp_is_equal_to_the_last_bit(void) {
    static const shape shapes[] = {{4, 4, 1}, {4, 4, 2}, {4, 4, 4},
                                   {2, 4, 1}, {2, 4, 2}, {1, 4, 1}};
    uint64_t digest = 0;
    for (size_t s = 0; s < sizeof shapes / sizeof *shapes; s++) {
        tags_problem problem;
        psi_plan plan = plan_of(&problem, "bsp", &shapes[s]);
        const outcome outcome = run_plan(&plan, s);
        CU_ASSERT_EQUAL(outcome.err, PS_OK);
        CU_ASSERT_STRING_EQUAL(outcome.complaint, "");
        CU_ASSERT_NOT_EQUAL(outcome.digest, 0);
        CU_ASSERT_TRUE(shapes[s].node_count == 1 || outcome.frames_sent > 0);
        CU_ASSERT_TRUE(s == 0 || outcome.digest == digest);
        digest = outcome.digest;
    }
    printf("\n    model digest %016llx", (unsigned long long)digest);
}

static void pushes_and_pulls_see_own_pushes(void) {
    for (size_t p = 0; p < POLICIES; p++) {
        static const shape shapes[] = {{2, 4, 2}, {3, 3, 1}};
        for (size_t s = 0; s < 2; s++) {
            tags_problem problem;
            psi_plan plan = plan_of(&problem, policies[p], &shapes[s]);
            problem.with_pushes = true;
            expect_kept(&plan, policies[p]);
        }
    }
}

/* A worker whose work is done earlier than that of others holds nobody up. */
static void a_worker_may_end_early(void) {
    static const shape shapes[] = {{2, 4, 2}, {3, 3, 1}};
    for (size_t p = 0; p < POLICIES; p++) {
        for (uint32_t clock = 0; clock <= 3; clock += 3) {
            tags_problem problem;
            psi_plan plan = plan_of(&problem, policies[p], &shapes[p % 2]);
            problem.leaving_rank = 1;
            problem.deed_clock = clock;
            expect_kept(&plan, policies[p]);
        }
    }
}

static void a_failing_worker_ends_the_run(void) {
    static const shape shapes[] = {{3, 3, 2}, {2, 4, 1}};
    for (size_t s = 0; s < 2; s++) {
        for (int32_t rank = 0; rank < 3; rank += 2) {
            tags_problem problem;
            psi_plan plan = plan_of(&problem, policies[s], &shapes[s]);
            problem.failing_rank = rank;
            problem.deed_clock = 2;
            const outcome outcome = run_plan(&plan, 1);
            CU_ASSERT_EQUAL(outcome.err, PS_EFAILED);
            CU_ASSERT_TRUE(outcome.fault.text[0] != '\0');
        }
    }
}

static void until_ends_the_run(void) {
    for (size_t p = 0; p < POLICIES; p++) {
        tags_problem problem;
        psi_plan plan = plan_of(&problem, policies[p], &(shape){2, 4, 2});
        plan.clock_count = 400;
        plan.eval_every_clocks = 1;
        tags_plan(&problem, &plan);
        plan.until = (psi_until){
            .is_set = true, .metric = TAGS_BELOW, .comparison = PSI_AT_LEAST, .value = 30};
        const outcome outcome = run_plan(&plan, p);
        CU_ASSERT_EQUAL(outcome.err, PS_OK);
        CU_ASSERT_TRUE(outcome.until_reached);
        CU_ASSERT_TRUE(outcome.metrics_count > 0);
        CU_ASSERT_TRUE(outcome.last_clock < 400);
    }
}

static int interrupted;

static void interrupt_soon(void *context, const psi_metrics_row *row) {
    (void)context;
    interrupted = row->clock_min >= 2;
}

static void an_interrupt_ends_the_run(void) {
    tags_problem problem;
    psi_plan plan = plan_of(&problem, "ssp:2", &(shape){2, 2, 2});
    plan.clock_count = 1000;
    tags_plan(&problem, &plan);
    interrupted = 0;
    plan.interrupted = &interrupted;
    plan.observer.on_metrics = interrupt_soon;
    const outcome outcome = run_plan(&plan, 1);
    CU_ASSERT_EQUAL(outcome.err, PS_OK);
    CU_ASSERT_TRUE(outcome.was_interrupted);
    CU_ASSERT_TRUE(outcome.metrics_count >= 2);
    CU_ASSERT_TRUE(outcome.last_clock < 1000);
}

static const suite_test tests[] = {
    SUITE_TEST(every_policy_keeps_its_promise),  SUITE_TEST(bsp_is_equal_to_the_last_bit),
    SUITE_TEST(pushes_and_pulls_see_own_pushes), SUITE_TEST(a_worker_may_end_early),
    SUITE_TEST(a_failing_worker_ends_the_run),   SUITE_TEST(until_ends_the_run),
    SUITE_TEST(an_interrupt_ends_the_run),
};

int conformance_main(const conformance_world *tested, int argc, char **argv) {
    world = tested;
    return suite_run(tested->name, tests, sizeof tests / sizeof tests[0],
                     argc > 1 ? argv[1] : NULL);
}
