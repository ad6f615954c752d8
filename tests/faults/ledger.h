/* The ledger: a workload in which every update can be told from every other, so that a run proves
 * by itself what it kept of the guarantees (shared/design: G1 to G6). Worker w adds 1 to the cell
 * (w, k) at its clock k, and nobody else ever touches that cell:
 *
 *     a cell of 2 is an update that was applied twice, a missing 1 one that was lost (G3, G6);
 *     a worker's cells are 1 up to some clock and 0 after it, or updates changed places (G4);
 *     what a read must include by now, it includes (G1, G2); what was once seen stays (G5).
 *
 * Each worker judges each of its reads, process 0 judges the final model. It knows nothing of how
 * the processes were started or what is done to them; that is trial.h's. */
#ifndef TEST_LEDGER_H
#define TEST_LEDGER_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <sys/types.h>

#include "tortoise/algo.h"

#include "node/run.h"

enum {
    LEDGER_NODES_MAX = 6,
    LEDGER_WORKERS_MAX = 12,
    LEDGER_COLUMNS = 16, /* cells of a row */
    LEDGER_LANES = 2,    /* rows that a worker adds to in a clock: on different shards */
    LEDGER_SUM_ROWS = 3,
    LEDGER_SUM_COLUMNS = 4
};

/* A bug that the workload commits itself, to prove that it is seen. Worker 1 does it at clock 7. */
typedef enum ledger_bug {
    LEDGER_SOUND,
    LEDGER_ADDS_TWICE,
    LEDGER_LOSES_AN_ADD,
    LEDGER_SWAPS_ADDS, /* the add of clock 8 comes in clock 7, and the other way round */
    LEDGER_PUSHES_TWICE,
    LEDGER_LOSES_A_PUSH,
    LEDGER_BUG_COUNT
} ledger_bug;

/* Where in its clock a worker is. */
typedef enum ledger_phase {
    LEDGER_BEFORE_FETCH,
    LEDGER_IN_COMPUTE,
    LEDGER_BEFORE_ACK, /* a push is under way */
    LEDGER_BEFORE_CLOCK,
    LEDGER_PHASES
} ledger_phase;

/* What one process of the run tells of its end. */
typedef struct ledger_end {
    atomic_bool has_ended;
    ps_err err;
    ps_fault fault;
    bool was_interrupted, model_is_complete, workers_abandoned;
    size_t metrics_count;
    uint64_t model_digest; /* of the table of doubles; process 0 of a run that went well */
} ledger_end;

/* What all processes of a run share with the test, whoever dies. */
typedef struct ledger_shared {
    atomic_int processes[LEDGER_NODES_MAX];       /* their ids; 0 until their workers begin */
    atomic_uint clocks_done[LEDGER_WORKERS_MAX];  /* ps_clock() returned PS_OK */
    atomic_uint rows_measured;                    /* of metrics, in process 0 */
    atomic_uint pushes_acked[LEDGER_WORKERS_MAX]; /* ps_wait() returned PS_OK */
    atomic_bool is_ready[LEDGER_NODES_MAX];       /* has set up its signals */
    atomic_bool is_violated;
    char violation[256];
    ledger_end ends[LEDGER_NODES_MAX];
} ledger_shared;

typedef struct ledger {
    uint32_t nodes, workers_each, clocks;
    const char *policy;
    ledger_bug bug;
    uint32_t slow_rank, slow_ms; /* that worker sleeps so long in each computation */
    bool claims_bsp;             /* judges as if the policy were bsp: a planted bug in the policy */

    /* Called by every worker in every clock, at each phase. NULL: nothing. */
    void (*at)(void *context, ps_worker *worker, ledger_phase phase);
    void *context;

    ledger_shared *shared; /* set by trial_start() */
    int32_t slack;         /* set by ledger_plan(): of G1; < 0: unbounded */
    bool is_exact;         /* set by ledger_plan(): bsp, a read sees no later clock either */
} ledger;

/* Fills the plan of a run; the ledger is its problem. */
void ledger_plan(ledger *test, psi_plan *plan_out);

/* Judges the final model of a run that ended well or was interrupted; notes a violation. */
void ledger_judge(const ledger *test, const psi_results *results);

/* A number of the bits of the table of doubles. */
uint64_t ledger_digest(const psi_results *results);

#endif
