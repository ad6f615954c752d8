/* The pool may run anything at any time, and nobody must be able to tell. */
#include <stdatomic.h>
#include <stdlib.h>

#include "support/suite.h"

#include "sim/pool.h"

enum { TASKS = 500, PARTS = 300 };

typedef struct sum_job {
    uint64_t seed, value;
} sum_job;

static void sum_run(void *arg) {
    sum_job *const job = arg;
    uint64_t state = job->seed;
    for (int i = 0; i < 2000; i++) {
        state = state * UINT64_C(6364136223846793005) + 1442695040888963407U;
    }
    job->value = state;
}

/* Submits all, joins in another order: every task ran exactly once before its join returned. */
static void results_do_not_depend_on_threads(void) {
    uint64_t expected[TASKS];
    for (uint32_t threads = 1; threads <= 4; threads++) {
        psi_pool *pool = NULL;
        static psi_task tasks[TASKS];
        static sum_job jobs[TASKS];
        CU_ASSERT_EQUAL_FATAL(psi_pool_create(threads, &pool), PS_OK);
        for (size_t i = 0; i < TASKS; i++) {
            jobs[i] = (sum_job){.seed = i};
            tasks[i] = (psi_task){.fn = sum_run, .arg = &jobs[i]};
            psi_pool_submit(pool, &tasks[i]);
        }
        for (size_t i = 0; i < TASKS; i++) {
            const size_t index = i * 7 % TASKS;
            psi_pool_join(pool, &tasks[index]);
            if (threads == 1) {
                expected[index] = jobs[index].value;
                CU_ASSERT_NOT_EQUAL(jobs[index].value, 0);
            }
            CU_ASSERT_EQUAL(jobs[index].value, expected[index]);
        }
        psi_pool_destroy(pool);
    }
}

typedef struct part_counts {
    atomic_int runs[PARTS];
} part_counts;

static void part_count(void *arg, size_t index) {
    part_counts *const counts = arg;
    atomic_fetch_add(&counts->runs[index], 1);
}

/* Parts overtake the queued tasks, and each runs once. */
static void each_part_runs_once_while_tasks_wait(void) {
    for (uint32_t threads = 1; threads <= 3; threads++) {
        psi_pool *pool = NULL;
        static psi_task tasks[TASKS];
        static sum_job jobs[TASKS];
        static part_counts counts;
        counts = (part_counts){.runs = {0}};
        CU_ASSERT_EQUAL_FATAL(psi_pool_create(threads, &pool), PS_OK);
        for (size_t i = 0; i < TASKS; i++) {
            jobs[i] = (sum_job){.seed = i};
            tasks[i] = (psi_task){.fn = sum_run, .arg = &jobs[i]};
            psi_pool_submit(pool, &tasks[i]);
        }
        for (int round = 1; round <= 3; round++) {
            psi_pool_each(pool, PARTS, part_count, &counts);
            for (size_t i = 0; i < PARTS; i++) {
                CU_ASSERT_EQUAL(atomic_load(&counts.runs[i]), round);
            }
        }
        psi_pool_each(pool, 0, part_count, &counts);
        for (size_t i = 0; i < TASKS; i++) {
            psi_pool_join(pool, &tasks[i]);
        }
        psi_pool_destroy(pool);
    }
}

static const suite_test tests[] = {
    SUITE_TEST(results_do_not_depend_on_threads),
    SUITE_TEST(each_part_runs_once_while_tasks_wait),
};
SUITE_MAIN("sim_pool", tests)
