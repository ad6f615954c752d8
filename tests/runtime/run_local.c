/* Whole runs in real processes: they end right, and when something breaks they end with the right
 * code and one line that names it, soon, and leave nothing behind. */
#define _GNU_SOURCE
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "support/suite.h"
#include "tally.h"

/* Short enough for a test, long enough for a loaded machine under a sanitizer. */
static const psi_runtime_options quick = {.stall_timeout_s = 8.0,
                                          .silence_timeout_s = 5.0,
                                          .stop_timeout_s = 5.0,
                                          .heartbeat_interval_s = 0.05,
                                          .start_timeout_s = 20.0};

/* Runs the case and expects `code`, within `timeout_s`, without leftovers. The text must hold both
 * words. */
static void expect_failure(const tally_case *test, int code, double timeout_s, const char *word,
                           const char *other_word) {
    tally_run run;
    bool none_left = false;
    tally_start(&run, test);
    CU_ASSERT_EQUAL(tally_end(&run, timeout_s, &none_left), code);
    CU_ASSERT_TRUE(none_left);
    const char *const text = run.test.shared->fault.text;
    CU_ASSERT_TRUE(run.test.shared->has_ended);
    CU_ASSERT_PTR_NOT_NULL(strstr(text, word));
    CU_ASSERT_PTR_NOT_NULL(strstr(text, other_word));
    if (strstr(text, word) == NULL || strstr(text, other_word) == NULL) {
        printf("  expected \"%s\" and \"%s\" in \"%s\"\n", word, other_word, text);
    }
    tally_close(&run);
}

static void check_cells(const tally_run *run) {
    const tally_case *const test = &run->test;
    size_t wrong = 0;
    for (uint32_t row = 0; row < TALLY_ROWS; row++) {
        for (uint32_t column = 0; column < TALLY_COLUMNS; column++) {
            const int64_t expected =
                tally_expected(test->nodes * test->workers_each, test->clocks, row, column);
            wrong += test->shared->cells[row * TALLY_COLUMNS + column] != expected;
        }
    }
    CU_ASSERT_EQUAL(wrong, 0);
}

/* G6 over sockets: whatever the policy, the number of processes and threads, and whether those that
 * wait poll or sleep, every update is there once. */
static void every_update_arrives_once(void) {
    const char *const policies[] = {"bsp", "ssp:2", "essp:2", "async", "vap:1"};
    const uint32_t shapes[][2] = {{1, 1}, {1, 3}, {2, 1}, {2, 3}, {4, 2}};
    for (size_t p = 0; p < sizeof policies / sizeof policies[0]; p++) {
        for (size_t s = 0; s < sizeof shapes / sizeof shapes[0]; s++) {
            tally_case test = {.nodes = shapes[s][0],
                               .workers_each = shapes[s][1],
                               .clocks = 37,
                               .policy = policies[p],
                               .options = quick};
            test.options.spin_s = (p + s) % 2 == 0 ? -1.0 : 200e-6;
            tally_run run;
            bool none_left = false;
            tally_start(&run, &test);
            CU_ASSERT_EQUAL(tally_end(&run, 60.0, &none_left), 0);
            CU_ASSERT_TRUE(none_left);
            const tally_shared *const shared = run.test.shared;
            CU_ASSERT_TRUE(shared->model_is_complete);
            CU_ASSERT_EQUAL(shared->model_clock, test.clocks);
            CU_ASSERT_EQUAL(shared->metrics_count, test.clocks + 1);
            CU_ASSERT_EQUAL(shared->trace_count, test.clocks * test.nodes * test.workers_each);
            CU_ASSERT_FALSE(shared->was_interrupted);
            CU_ASSERT_EQUAL(shared->remote_frames == 0, test.nodes == 1);
            check_cells(&run);
            if (shared->err != PS_OK) {
                printf("  %s on %u x %u: %s\n", test.policy, test.nodes, test.workers_each,
                       shared->fault.text);
            }
            tally_close(&run);
        }
    }
}

/* Workers that wait side by side take turns at reading, and the loop reads when none does: nobody
 * sleeps on while his answer lies there. Heartbeats are too rare to wake anybody in time. */
static void waiting_workers_take_turns_at_reading(void) {
    const double spins_s[] = {-1.0, 5e-6, 200e-6};
    for (size_t i = 0; i < sizeof spins_s / sizeof spins_s[0]; i++) {
        tally_case test = {
            .nodes = 2, .workers_each = 4, .clocks = 400, .policy = "bsp", .options = quick};
        test.options.spin_s = spins_s[i];
        test.options.heartbeat_interval_s = 4.0;
        test.options.silence_timeout_s = 30.0;
        test.options.stall_timeout_s = 30.0;
        tally_run run;
        bool none_left = false;
        tally_start(&run, &test);
        CU_ASSERT_EQUAL(tally_end(&run, 20.0, &none_left), 0);
        CU_ASSERT_TRUE(none_left);
        check_cells(&run);
        tally_close(&run);
    }
}

/* kill -9 of a child at any clock. */
static void a_killed_process_is_named(void) {
    for (uint32_t trial = 0; trial < 12; trial++) {
        const uint32_t victim = 1 + trial % 3;
        const tally_case test = {.nodes = 4,
                                 .workers_each = 2,
                                 .clocks = 100000,
                                 .policy = trial % 2 == 0 ? "ssp:3" : "bsp",
                                 .deed = TALLY_DIE,
                                 .rank = victim * 2 + trial % 2,
                                 .clock = trial * trial * 7,
                                 .options = quick};
        char name[48];
        (void)snprintf(name, sizeof name, "process %u (node %u) died of signal 9", victim, victim);
        expect_failure(&test, 5, 60.0, name, "");
    }
}

/* A process that ends by itself in the middle is as lost as a killed one. */
static void a_process_that_exits_is_named(void) {
    const tally_case test = {.nodes = 3,
                             .workers_each = 1,
                             .clocks = 100000,
                             .policy = "bsp",
                             .deed = TALLY_EXIT,
                             .rank = 2,
                             .clock = 19,
                             .options = quick};
    expect_failure(&test, 5, 60.0, "process 2 (node 2)", "exit code 7");
}

/* Nobody survives process 0, not even workers that are deep in their own mathematics. */
static void no_orphans_when_process_0_dies(void) {
    const tally_deed deeds[] = {TALLY_DIE, TALLY_DIE_LAST};
    for (size_t i = 0; i < sizeof deeds / sizeof deeds[0]; i++) {
        const tally_case test = {.nodes = 4,
                                 .workers_each = 2,
                                 .clocks = 100000,
                                 .policy = "bsp",
                                 .deed = deeds[i],
                                 .rank = 0,
                                 .clock = 40,
                                 .options = quick};
        tally_run run;
        bool none_left = false;
        tally_start(&run, &test);
        CU_ASSERT_EQUAL(tally_end(&run, 60.0, &none_left), 128 + SIGKILL);
        CU_ASSERT_TRUE(none_left);
        tally_close(&run);
    }
}

/* SIGSTOP of a child: nothing is closed, only its heartbeats fail to come. */
static void a_frozen_process_is_named(void) {
    const tally_case test = {.nodes = 3,
                             .workers_each = 1,
                             .clocks = 100000,
                             .policy = "bsp",
                             .deed = TALLY_FREEZE,
                             .rank = 1,
                             .clock = 23,
                             .options = quick};
    expect_failure(&test, 5, 60.0, "process 1 (node 1) has been silent for", "");
}

/* G11: a worker that never comes back stalls the others; the line blames it, not them. */
static void a_stall_says_who_waits(void) {
    tally_case test = {.nodes = 3,
                       .workers_each = 1,
                       .clocks = 1000,
                       .policy = "bsp",
                       .deed = TALLY_SLEEP,
                       .rank = 2,
                       .clock = 11,
                       .options = quick};
    test.options.stall_timeout_s = 2.0;
    test.options.stop_timeout_s = 1.0;
    expect_failure(&test, 4, 60.0, "worker 2 (process 2) has been computing clock 11 for",
                   "worker 1 at clock 12 has waited");
}

/* The same when the sleeping worker is one of process 0, which cannot wait for it. */
static void a_stall_in_process_0_ends_too(void) {
    tally_case test = {.nodes = 2,
                       .workers_each = 2,
                       .clocks = 1000,
                       .policy = "ssp:1",
                       .deed = TALLY_SLEEP,
                       .rank = 1,
                       .clock = 5,
                       .options = quick};
    test.options.stall_timeout_s = 2.0;
    test.options.stop_timeout_s = 1.0;
    tally_run run;
    bool none_left = false;
    tally_start(&run, &test);
    CU_ASSERT_EQUAL(tally_end(&run, 60.0, &none_left), 4);
    CU_ASSERT_TRUE(none_left);
    CU_ASSERT_TRUE(run.test.shared->workers_abandoned);
    tally_close(&run);
}

/* What a worker fails with is the run's failure, wherever it was, and the line names that worker,
 * however many share its process. */
static void a_failed_worker_is_named(void) {
    for (uint32_t trial = 0; trial < 12; trial++) {
        const uint32_t nodes = 1 + trial % 3;
        const uint32_t each = 1 + trial % 2;
        const tally_case test = {.nodes = nodes,
                                 .workers_each = each,
                                 .clocks = 100000,
                                 .policy = "ssp:3",
                                 .deed = TALLY_FAIL,
                                 .rank = each * nodes - 1,
                                 .clock = 31,
                                 .options = quick};
        char name[64];
        (void)snprintf(name, sizeof name, "worker %u failed at clock 31", test.rank);
        expect_failure(&test, 1, 60.0, name, ps_err_text(PS_EFAILED));
    }
}

/* An interrupt ends the run in good order: all that was added so far is in the results. */
static void expect_interrupted(uint32_t nodes, bool to_all) {
    const tally_case test = {
        .nodes = nodes, .workers_each = 2, .clocks = 10000000, .policy = "ssp:3", .options = quick};
    tally_run run;
    bool none_left = false;
    tally_start(&run, &test);
    CU_ASSERT_TRUE(tally_await_clocks(&run, 100));
    tally_signal(&run, SIGINT, to_all);
    CU_ASSERT_EQUAL(tally_end(&run, 60.0, &none_left), 0);
    CU_ASSERT_TRUE(none_left);
    const tally_shared *const shared = run.test.shared;
    CU_ASSERT_EQUAL(shared->err, PS_OK);
    CU_ASSERT_TRUE(shared->was_interrupted);
    CU_ASSERT_TRUE(shared->model_is_complete);
    CU_ASSERT_TRUE(shared->metrics_count > 1);
    CU_ASSERT_TRUE(shared->trace_count >= 100);
    tally_close(&run);
}

static void an_interrupt_of_all_ends_in_order(void) {
    expect_interrupted(1, true);
    expect_interrupted(4, true);
}

static void an_interrupt_of_process_0_ends_in_order(void) {
    expect_interrupted(1, false);
    expect_interrupted(4, false);
}

/* Ctrl-Z and fg: a pause of all processes is nobody's death. */
static void a_pause_of_all_is_no_death(void) {
    tally_case test = {
        .nodes = 3, .workers_each = 1, .clocks = 3000, .policy = "bsp", .options = quick};
    test.options.silence_timeout_s = 1.5;
    test.options.stall_timeout_s = 1.5;
    tally_run run;
    bool none_left = false;
    tally_start(&run, &test);
    CU_ASSERT_TRUE(tally_await_clocks(&run, 30));
    tally_signal(&run, SIGSTOP, true);
    const struct timespec pause = {.tv_sec = 3};
    (void)nanosleep(&pause, NULL); /* the pause itself, not a synchronisation */
    tally_signal(&run, SIGCONT, true);
    CU_ASSERT_EQUAL(tally_end(&run, 60.0, &none_left), 0);
    CU_ASSERT_TRUE(none_left);
    check_cells(&run);
    if (run.test.shared->err != PS_OK) {
        printf("  %s\n", run.test.shared->fault.text);
    }
    tally_close(&run);
}

static const suite_test tests[] = {
    SUITE_TEST(every_update_arrives_once),
    SUITE_TEST(waiting_workers_take_turns_at_reading),
    SUITE_TEST(a_killed_process_is_named),
    SUITE_TEST(a_process_that_exits_is_named),
    SUITE_TEST(no_orphans_when_process_0_dies),
    SUITE_TEST(a_frozen_process_is_named),
    SUITE_TEST(a_stall_says_who_waits),
    SUITE_TEST(a_stall_in_process_0_ends_too),
    SUITE_TEST(a_failed_worker_is_named),
    SUITE_TEST(an_interrupt_of_all_ends_in_order),
    SUITE_TEST(an_interrupt_of_process_0_ends_in_order),
    SUITE_TEST(a_pause_of_all_is_no_death),
};
SUITE_MAIN("run_local", tests)
