/* OS threads for the mathematics of simulated workers.
 *
 * One thread, the one that simulates, submits tasks and joins them in an order that depends on
 * virtual time alone; when each of them really runs does not matter, because tasks share nothing. A
 * thread that joins works: it runs its task itself if nobody has begun it, and others' while it
 * waits. So `thread_count` threads are busy in all, and with one there are no helpers and
 * everything runs in the caller. */
#ifndef PSI_POOL_H
#define PSI_POOL_H

#include <stddef.h>
#include <stdint.h>

#include "tortoise/err.h"

typedef struct psi_pool psi_pool;

typedef enum psi_task_state { PSI_TASK_QUEUED, PSI_TASK_RUNNING, PSI_TASK_DONE } psi_task_state;

/* A piece of work; memory of the caller, from submit until join has returned. The pool's lock
 * guards `state`. */
typedef struct psi_task {
    void (*fn)(void *arg);
    void *arg;
    psi_task_state state;
    struct psi_task *next, *previous;
} psi_task;

/* Makes a pool of `thread_count` >= 1 threads, the caller's included. Returns PS_OK, PS_ENOMEM or
 * PS_EIO. */
PS_MUST_CHECK ps_err psi_pool_create(uint32_t thread_count, psi_pool **pool_out);

/* Joins the helpers. No task may be queued or running. Accepts NULL. */
void psi_pool_destroy(psi_pool *pool);

/* Queues task->fn(task->arg); first queued, first begun. Never blocks for long. */
void psi_pool_submit(psi_pool *pool, psi_task *task);

/* Returns when the task is done; its effects are visible then. */
void psi_pool_join(psi_pool *pool, psi_task *task);

/* Runs part(arg, i) for 0 <= i < count on all threads, before what is queued, and returns when all
 * are done. */
void psi_pool_each(psi_pool *pool, size_t count, void (*part)(void *arg, size_t index), void *arg);

#endif
