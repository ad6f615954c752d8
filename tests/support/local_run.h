/* A run of an algorithm through the whole parameter server: a process per worker, over TCP on this
 * machine. Define _POSIX_C_SOURCE before the first header. */
#ifndef TEST_LOCAL_RUN_H
#define TEST_LOCAL_RUN_H

#include <unistd.h>

#include "node/run.h"
#include "runtime/runtime.h"
#include "support/suite.h"

/* Completes `plan`, which has the algorithm, problem, worker, shard and clock counts, evaluations
 * and seed, and runs it. Fails the test if the run fails. Returns the plan that psi_results_fini()
 * wants. */
static inline psi_plan local_run(psi_plan plan, const char *policy, psi_results *results) {
    ps_fault fault = {0};
    uint32_t process = 0;
    plan.node_count = plan.process_count = plan.worker_count;
    plan.table_count = plan.algo->tables(plan.problem, plan.specs);
    *results = (psi_results){.metrics = NULL};
    CU_ASSERT_EQUAL_FATAL(psi_policy_parse(policy, &plan.policy, &fault), PS_OK);
    const ps_err err = psi_runtime_run_local(&plan, NULL, results, &process, &fault);
    if (process > 0) { /* a child: what it has to say, the caller knows */
        _exit(ps_err_exit_code(err));
    }
    if (err != PS_OK) {
        printf("%s\n", fault.text);
    }
    CU_ASSERT_EQUAL_FATAL(err, PS_OK);
    CU_ASSERT_FATAL(results->model_is_complete && results->metrics_count > 0);
    return plan;
}

/* A metric of the last evaluation. */
static inline double local_run_last(const psi_results *results, size_t metric) {
    return results->metrics[results->metrics_count - 1].values[metric];
}

#endif
