/* The inside of a monitor: monitor.c decides, evaluation.c computes, monitor_frames.c talks to
 * other processes. */
#ifndef PSI_MONITOR_H
#define PSI_MONITOR_H

#include "base/bytes.h"
#include "node/inside.h"

/* MODEL: shard, flags, clock_min, clock_max (u32 each); then, if it has rows, one part a table.
 * SUMS: clock, first rank, worker count, sum count (u32); work units (f64), bytes and frames sent
 * (u64), cost in seconds (f64); then the sums (f64), worker after worker. TRACE: row count,
 * staleness count (u64); totals as in SUMS; evaluation cost (f64); span count, spans dropped
 * (u64); rows; histogram (u64); spans; tally (u64), up to the end. STOP: nothing. */
enum {
    PSI_MODEL_HEADER_BYTES = 16,
    PSI_MODEL_IS_FINAL = 1,
    PSI_MODEL_HAS_ROWS = 2,
    PSI_SUMS_HEADER_BYTES = 48,
    PSI_TRACE_HEADER_BYTES = 64,
    PSI_TRACE_ROW_BYTES = 40
};

/* An evaluation of the state at one clock, from its first snapshot until its row is made. */
typedef struct psi_evaluation {
    struct psi_evaluation *next; /* of a later clock */
    psi_monitor *monitor;
    uint32_t clock, clock_max;
    uint32_t shards_seen;
    uint32_t locals_seen; /* workers of this process whose local state is there */
    uint32_t ranks_seen;  /* process 0: workers whose sums are there */
    uint8_t *seen;        /* by shard, then by process: whether its share is there */
    psi_local *locals;    /* by worker of this process */
    double *sums;         /* worker_count x sum_count */
    void *dense[PS_TABLES_MAX];
    psi_sparse *sparse[PS_TABLES_MAX];
    ps_sparse_row *views[PS_TABLES_MAX];
    double time_s, start_s;
    psi_totals totals; /* of the processes whose share is there */
    bool is_started;
} psi_evaluation;

struct psi_monitor {
    const psi_plan *plan;
    uint32_t process;
    psi_results *results;
    psi_layout layout;
    psi_node **nodes;
    uint32_t node_count;
    uint32_t workers_here, first_rank, workers_active;
    psi_totals *totals_of;       /* by process; of others as they ended */
    psi_evaluation *evaluations; /* by clock */
    psi_evaluation *final;       /* process 0: collects the final model */
    uint8_t *has_ended;          /* by shard, then by process: it has told its end */
    uint32_t jobs_running, shards_ended, processes_ended;
    uint32_t clock_shown;
    psi_spans *spans; /* owned; NULL: none are recorded */
    bool is_stopped, has_recorded, is_finished;
};

/* Notes in `seen` that the share of `place` has come. False if it had come before. */
static inline bool psi_note_once(uint8_t *seen, uint32_t place) {
    const bool is_first = seen[place] == 0;
    seen[place] = 1;
    return is_first;
}

/* Finds or makes the evaluation of a clock. NULL: memory is exhausted. */
psi_evaluation *psi_evaluation_of(psi_monitor *monitor, uint32_t clock);

/* Makes an evaluation that is in no list. NULL: memory is exhausted. */
psi_evaluation *psi_evaluation_create(psi_monitor *monitor, uint32_t clock);

/* Takes it out of the monitor's list and returns it. */
psi_evaluation *psi_evaluation_unlink(psi_monitor *monitor, psi_evaluation *evaluation);
void psi_evaluation_destroy(psi_evaluation *evaluation);

/* Copies the rows of one shard, one part a table, to their places. False: the parts are not what a
 * correct shard sends, or memory is exhausted. */
bool psi_evaluation_store(psi_evaluation *evaluation, uint32_t shard, psi_reader parts);

/* Starts the mathematics if all snapshots of this process are there. */
void psi_evaluation_start_if_complete(psi_monitor *monitor, psi_evaluation *evaluation);

/* Process 0: makes the row of metrics if the sums of all workers are there; frees the evaluation
 * then. */
void psi_evaluation_end_if_complete(psi_monitor *monitor, psi_evaluation *evaluation);

/* Moves the tables of the final state into the results and frees the rest. */
void psi_evaluation_give_model(psi_evaluation *final, psi_monitor *monitor);

/* Notes `reads` row reads that saw clock difference -1-behind. False: memory is exhausted. */
bool psi_monitor_count_reads(psi_monitor *monitor, size_t behind, uint64_t reads);
/* Adds a span to the results. False: memory is exhausted. */
bool psi_monitor_keep_span(psi_monitor *monitor, const psi_span *span);
psi_totals psi_monitor_totals(const psi_monitor *monitor);
void psi_monitor_finish_if_done(psi_monitor *monitor);

/* To monitor 0: the sums of this process's workers, and at the end what it recorded. */
void psi_monitor_send_sums(psi_monitor *monitor, const psi_evaluation *evaluation, double cost_s);
void psi_monitor_send_trace(psi_monitor *monitor);

#endif
