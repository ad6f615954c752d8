/* A node: the endpoints and workers of one process of a real run, or of one host of a modelled one,
 * and the one place that turns "would block" into waiting.
 *
 * A backend makes a psi_node per node with its port, one psi_monitor per process, runs
 * psi_worker_main() in a thread of its kind per worker, and hands every arriving frame to
 * psi_node_deliver(). All functions are called with the node's lock held unless said otherwise. */
#ifndef PSI_NODE_H
#define PSI_NODE_H

#include "node/port.h"
#include "node/run.h"

typedef struct psi_node psi_node;
typedef struct psi_monitor psi_monitor;

/* The monitor of process `process`: collects snapshots, evaluates, records. `results` is borrowed
 * until psi_monitor_destroy(); it is complete in process 0 once psi_monitor_is_finished(). */
PS_MUST_CHECK ps_err psi_monitor_create(const psi_plan *plan, uint32_t process,
                                        psi_results *results, psi_monitor **monitor_out);
void psi_monitor_destroy(psi_monitor *monitor);

/* Ends the run everywhere: at all nodes of this process, and through the port at all others. */
void psi_monitor_stop(psi_monitor *monitor);

/* Whether all that concerns this process has come in: in process 0 all metrics, traces and the
 * final model of every process, elsewhere all that it must send has been handed to the port. No
 * lock needed in a world where one thread runs at a time; else the lock of a node of the process.
 */
bool psi_monitor_is_finished(const psi_monitor *monitor);

/* Makes node `node_id` with its client and its shards, filled with initial rows. `plan`, `port` and
 * `monitor` are borrowed until psi_node_destroy(). The first node given to a monitor is the one
 * whose port carries the monitor's own frames and jobs. Already sends frames (the state at clock 0,
 * to the monitors of other processes), so the port must be able to send or to queue. Not called
 * concurrently for one monitor. O(table bytes). */
PS_MUST_CHECK ps_err psi_node_create(const psi_plan *plan, uint32_t node_id, psi_port *port,
                                     psi_monitor *monitor, psi_node **node_out);
void psi_node_destroy(psi_node *node);

/* Handles one frame for an endpoint of this node and carries out the effects. Takes the frame over.
 * Returns false if no correct peer sends it; the node is then unchanged, and `fault` says what was
 * wrong. */
PS_MUST_CHECK bool psi_node_deliver(psi_node *node, psi_frame *frame, ps_fault *fault);

/* The life of the node's `worker_index`-th worker, from its first fetch to its leaving. Called
 * WITHOUT the lock, by the worker's own thread. Returns PS_OK, PS_ESTOPPED, or what the algorithm
 * failed with. */
PS_MUST_CHECK ps_err psi_worker_main(psi_node *node, uint32_t worker_index);

/* Ends the run at this node: its workers get PS_ESTOPPED from their next call, those that wait are
 * woken. */
void psi_node_stop(psi_node *node);
bool psi_node_is_stopping(const psi_node *node);

/* Workers of the node that have not yet left. */
uint32_t psi_node_workers_active(const psi_node *node);

/* Describes in one line what the worker waits for and since when, for the report of a stall:
 * "worker 3 at clock 17 has waited 4.2 s for row 8 of table items at clock 14 from shard 1 of node
 * 2, last heard of at clock 12". Cut to `text_size`. Returns false if it does not wait. */
bool psi_node_waiting_describe(const psi_node *node, uint32_t worker_index, char *text,
                               size_t text_size);

/* Whether the `worker_index`-th worker is blocked in a fetch or a wait. */
bool psi_node_worker_is_waiting(const psi_node *node, uint32_t worker_index);

/* The clock of the `worker_index`-th worker. */
uint32_t psi_node_worker_clock(const psi_node *node, uint32_t worker_index);

/* The worker whose own failure ended the run at this node, and its clock then. Returns false,
 * outputs unchanged, if it was none of its workers: what the others return is only the echo. */
PS_MUST_CHECK bool psi_node_failed_worker(const psi_node *node, uint32_t *rank_out,
                                          uint32_t *clock_out);

#endif
