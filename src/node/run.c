#include "node/run.h"

#include <stdlib.h>

enum { NODES_MAX = 1 << 20 };

uint32_t psi_endpoint_node(const psi_plan *plan, uint32_t endpoint) {
    if (endpoint < plan->node_count) {
        return endpoint;
    }
    const uint32_t shard = endpoint - plan->node_count;
    if (shard < plan->shard_count) {
        return (uint32_t)((uint64_t)shard * plan->node_count / plan->shard_count);
    }
    return shard - plan->shard_count; /* the monitor of process p is on node p */
}

static ps_err check_counts(const psi_plan *plan, ps_fault *fault) {
    if (plan->node_count == 0 || plan->node_count > NODES_MAX) {
        return ps_fault_set(fault, PS_EINVAL, "%u nodes are not possible; use 1 to %d",
                            plan->node_count, NODES_MAX);
    }
    if (plan->worker_count == 0 || plan->worker_count % plan->node_count != 0) {
        return ps_fault_set(fault, PS_EINVAL,
                            "%u workers do not divide over %u nodes; use a multiple of the nodes",
                            plan->worker_count, plan->node_count);
    }
    if (plan->shard_count == 0 || plan->shard_count > plan->node_count) {
        return ps_fault_set(fault, PS_EINVAL,
                            "%u server shards do not fit on %u nodes; use 1 to %u (0: one a node)",
                            plan->shard_count, plan->node_count, plan->node_count);
    }
    if (plan->process_count != 1 && plan->process_count != plan->node_count) {
        return ps_fault_set(fault, PS_EINVAL, "%u processes for %u nodes; use one a node",
                            plan->process_count, plan->node_count);
    }
    if (plan->clock_count == 0) {
        return ps_fault_set(fault, PS_EINVAL,
                            "a run of 0 clocks does no work; use --clocks 1 or more");
    }
    return PS_OK;
}

ps_err psi_plan_check(const psi_plan *plan, ps_fault *fault) {
    PS_TRY(check_counts(plan, fault));
    if (plan->table_count == 0 || plan->table_count > PS_TABLES_MAX) {
        return ps_fault_set(fault, PS_EINVAL, "algorithm %s has %zu tables; 1 to %d are possible",
                            plan->algo->name, plan->table_count, PS_TABLES_MAX);
    }
    if (plan->until.is_set && plan->until.metric >= plan->algo->metric_count) {
        return ps_fault_set(fault, PS_EINVAL, "the metric of --until is unknown to %s",
                            plan->algo->name);
    }
    return PS_OK;
}

bool psi_tally_add(psi_tally *tally, size_t place, uint64_t times) {
    void *counts = tally->counts;
    const bool has_room =
        psi_array_reserve(&counts, &tally->capacity, place + 1, sizeof *tally->counts);
    tally->counts = counts;
    if (has_room) {
        tally->counts[place] += times;
        tally->count = place < tally->count ? tally->count : place + 1;
    }
    return has_room;
}

void psi_results_fini(psi_results *results, const psi_plan *plan) {
    for (size_t t = 0; t < PS_TABLES_MAX; t++) {
        free(results->model_dense[t]);
        if (results->model_sparse[t] != NULL) {
            for (uint64_t row = 0; row < plan->specs[t].row_count; row++) {
                free((void *)(uintptr_t)results->model_sparse[t][row].columns);
                free((void *)(uintptr_t)results->model_sparse[t][row].values);
            }
            free(results->model_sparse[t]);
        }
    }
    free(results->metrics);
    psi_chunks_fini(&results->trace);
    free(results->staleness);
    free(results->tally.counts);
    free(results->spans);
    *results = (psi_results){0};
}
