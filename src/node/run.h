/* A run: what is to be done (psi_plan, the same in every process and world) and what came of it
 * (psi_results, complete in process 0 alone). No world-specific setting is here. */
#ifndef PSI_RUN_H
#define PSI_RUN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tortoise/algo.h"

#include "base/chunks.h"
#include "node/spans.h"
#include "ps/policy.h"

/* One evaluation: a row of metrics.csv. */
typedef struct psi_metrics_row {
    double time_s; /* when the slowest worker reached the clock at every shard */
    uint32_t clock_min, clock_max;
    double work_units; /* done by all workers together so far */
    uint64_t bytes_sent, frames_sent;
    double values[PS_METRICS_MAX]; /* of the algorithm, in its order */
} psi_metrics_row;

/* One worker's clock: a row of workers.csv. compute + wait <= end - start. */
typedef struct psi_trace_row {
    uint32_t rank, clock;
    double start_s, compute_s, wait_s, end_s;
} psi_trace_row;

typedef enum psi_comparison { PSI_AT_MOST, PSI_AT_LEAST } psi_comparison;

/* "--until objective<=0.75" */
typedef struct psi_until {
    bool is_set;
    size_t metric; /* index into psi_metrics_row.values */
    psi_comparison comparison;
    double value;
} psi_until;

/* The program's eyes. Called in process 0 with the lock of node 0 held; must return soon. NULLs are
 * skipped. */
typedef struct psi_observer {
    void (*on_metrics)(void *context, const psi_metrics_row *row);
    void (*on_progress)(void *context, uint32_t clock_min, double time_s);
    void *context;
} psi_observer;

typedef struct psi_plan {
    const ps_algo *algo;
    const void *problem;
    uint32_t node_count;
    uint32_t worker_count;  /* a multiple of node_count; ranks of a node are consecutive */
    uint32_t shard_count;   /* shard m is on node m * node_count / shard_count (rounded down) */
    uint32_t process_count; /* that share the work: node_count in separate processes, 1 when all are
                               in one */
    uint32_t clock_count;
    uint32_t eval_every_clocks; /* 0: only at the end */
    bool eval_doubles;          /* instead: at clocks 0, 1, 2, 4, 8 ... and at the end */
    uint64_t seed;
    psi_policy policy;
    psi_until until;
    size_t table_count;
    ps_table_spec specs[PS_TABLES_MAX];
    psi_observer observer;
    size_t span_capacity;            /* spans that each process remembers; 0: none */
    const volatile int *interrupted; /* set by a signal handler to end the run; may be NULL */
} psi_plan;

/* Endpoints are numbered: clients (one per node), then shards, then monitors (one per process). */
static inline uint32_t psi_endpoint_client(uint32_t node) {
    return node;
}
static inline uint32_t psi_endpoint_shard(const psi_plan *plan, uint32_t shard) {
    return plan->node_count + shard;
}
static inline uint32_t psi_endpoint_monitor(const psi_plan *plan, uint32_t process) {
    return plan->node_count + plan->shard_count + process;
}
static inline uint32_t psi_endpoint_count(const psi_plan *plan) {
    return plan->node_count + plan->shard_count + plan->process_count;
}

/* The node that an endpoint lives on; `endpoint` < psi_endpoint_count(). O(1). */
uint32_t psi_endpoint_node(const psi_plan *plan, uint32_t endpoint);

/* Checks that the plan makes sense (counts, tables, multiples). One line in `fault` if not. */
PS_MUST_CHECK ps_err psi_plan_check(const psi_plan *plan, ps_fault *fault);

/* What a run measured. Owned memory; release with psi_results_fini(). All zero is a valid empty
 * one. */
typedef struct psi_results {
    psi_metrics_row *metrics; /* by clock_min */
    size_t metrics_count, metrics_capacity;
    psi_chunks trace; /* of psi_trace_row, by rank, then clock; psi_results_trace() reads it */
    size_t trace_count;
    uint64_t *staleness; /* [d]: reads that saw clock difference -1-d */
    size_t staleness_count, staleness_capacity;
    psi_span *spans; /* process after process, in the order of their ends */
    size_t span_count, span_capacity;
    uint64_t spans_dropped;
    bool model_is_complete;
    uint32_t model_clock;
    void *model_dense[PS_TABLES_MAX];           /* row_count x column_count each, or NULL */
    ps_sparse_row *model_sparse[PS_TABLES_MAX]; /* row_count each, or NULL; all owned */
    uint64_t bytes_sent, frames_sent;
    double time_s;       /* when the last worker had left */
    double evaluation_s; /* wall time that evaluations took */
    bool until_reached, was_interrupted;
} psi_results;

/* Row `index` < trace_count. O(1). */
static inline const psi_trace_row *psi_results_trace(const psi_results *results, size_t index) {
    return psi_chunks_at(&results->trace, index);
}

void psi_results_fini(psi_results *results, const psi_plan *plan);

#endif
