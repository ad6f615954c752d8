#include "sim/pool.h"

#include <stdbool.h>
#include <stdlib.h>

#include <pthread.h>
#include <signal.h>

struct psi_pool {
    pthread_mutex_t lock; /* guards all that follows, and the tasks' states and links */
    pthread_cond_t work;  /* there is something to begin, or the pool ends */
    pthread_cond_t done;  /* a task or a part is done */
    psi_task *first, *last;
    size_t part_count, part_next, parts_running;
    void (*part)(void *arg, size_t index);
    void *part_arg;
    bool is_ending;
    size_t helper_count;
    pthread_t helpers[]; /* only the creator's */
};

/* With the lock held: takes a task out of the queue. */
static void task_remove(psi_pool *pool, psi_task *task) {
    *(task->previous == NULL ? &pool->first : &task->previous->next) = task->next;
    *(task->next == NULL ? &pool->last : &task->next->previous) = task->previous;
    task->next = NULL;
    task->previous = NULL;
}

/* With the lock held, which is released meanwhile: takes a queued task and runs it. */
static void task_run(psi_pool *pool, psi_task *task) {
    task_remove(pool, task);
    task->state = PSI_TASK_RUNNING;
    pthread_mutex_unlock(&pool->lock);
    task->fn(task->arg);
    pthread_mutex_lock(&pool->lock);
    task->state = PSI_TASK_DONE;
    pthread_cond_broadcast(&pool->done);
}

/* Likewise: runs the next part. */
static void part_run(psi_pool *pool) {
    const size_t index = pool->part_next++;
    pool->parts_running++;
    pthread_mutex_unlock(&pool->lock);
    pool->part(pool->part_arg, index);
    pthread_mutex_lock(&pool->lock);
    pool->parts_running--;
    pthread_cond_broadcast(&pool->done);
}

static void *helper_main(void *arg) {
    psi_pool *const pool = arg;
    pthread_mutex_lock(&pool->lock);
    while (!pool->is_ending) {
        if (pool->part_next < pool->part_count) {
            part_run(pool);
        } else if (pool->first != NULL) {
            task_run(pool, pool->first);
        } else {
            pthread_cond_wait(&pool->work, &pool->lock);
        }
    }
    pthread_mutex_unlock(&pool->lock);
    return NULL;
}

/* Starts the helpers with all signals blocked: they belong to the program's main thread. */
static ps_err helpers_start(psi_pool *pool, size_t count) {
    sigset_t all;
    sigset_t before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    while (pool->helper_count < count &&
           pthread_create(&pool->helpers[pool->helper_count], NULL, helper_main, pool) == 0) {
        pool->helper_count++;
    }
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return pool->helper_count == count ? PS_OK : PS_EIO;
}

ps_err psi_pool_create(uint32_t thread_count, psi_pool **pool_out) {
    PS_ASSERT(thread_count >= 1);
    *pool_out = NULL;
    psi_pool *const pool = calloc(1, sizeof *pool + (thread_count - 1) * sizeof pool->helpers[0]);
    if (pool == NULL) {
        return PS_ENOMEM;
    }
    pthread_mutex_init(&pool->lock, NULL);
    pthread_cond_init(&pool->work, NULL);
    pthread_cond_init(&pool->done, NULL);
    const ps_err err = helpers_start(pool, thread_count - 1);
    if (err != PS_OK) {
        psi_pool_destroy(pool);
        return err;
    }
    *pool_out = pool;
    return PS_OK;
}

void psi_pool_destroy(psi_pool *pool) {
    if (pool == NULL) {
        return;
    }
    pthread_mutex_lock(&pool->lock);
    PS_ASSERT(pool->first == NULL && pool->parts_running == 0);
    pool->is_ending = true;
    pthread_cond_broadcast(&pool->work);
    pthread_mutex_unlock(&pool->lock);
    for (size_t i = 0; i < pool->helper_count; i++) {
        pthread_join(pool->helpers[i], NULL);
    }
    pthread_cond_destroy(&pool->done);
    pthread_cond_destroy(&pool->work);
    pthread_mutex_destroy(&pool->lock);
    free(pool);
}

void psi_pool_submit(psi_pool *pool, psi_task *task) {
    task->next = NULL;
    task->state = PSI_TASK_QUEUED;
    pthread_mutex_lock(&pool->lock);
    task->previous = pool->last;
    *(pool->last == NULL ? &pool->first : &pool->last->next) = task;
    pool->last = task;
    pthread_mutex_unlock(&pool->lock);
    if (pool->helper_count > 0) {
        pthread_cond_signal(&pool->work);
    }
}

void psi_pool_join(psi_pool *pool, psi_task *task) {
    pthread_mutex_lock(&pool->lock);
    if (task->state == PSI_TASK_QUEUED) {
        task_run(pool, task);
    }
    while (task->state != PSI_TASK_DONE) {
        if (pool->first != NULL) {
            task_run(pool, pool->first);
        } else {
            pthread_cond_wait(&pool->done, &pool->lock);
        }
    }
    pthread_mutex_unlock(&pool->lock);
}

void psi_pool_each(psi_pool *pool, size_t count, void (*part)(void *arg, size_t index), void *arg) {
    pthread_mutex_lock(&pool->lock);
    PS_ASSERT(pool->part_next == pool->part_count && pool->parts_running == 0);
    pool->part = part;
    pool->part_arg = arg;
    pool->part_next = 0;
    pool->part_count = count;
    pthread_cond_broadcast(&pool->work);
    while (pool->part_next < pool->part_count) {
        part_run(pool);
    }
    while (pool->parts_running > 0) {
        pthread_cond_wait(&pool->done, &pool->lock);
    }
    pthread_mutex_unlock(&pool->lock);
}
