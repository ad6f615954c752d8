/* One real process against a peer that is played by the test: strangers are turned away, damage and
 * lies end the run with a line that names the peer, and nothing waits for ever. */
#define _GNU_SOURCE
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include <sys/mman.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/bytes.h"
#include "runtime/link.h"
#include "runtime/process.h"
#include "runtime/socket.h"

#include "support/signals.h"
#include "support/suite.h"
#include "tally.h"

/* What process 0 tells when it has ended. */
typedef struct outcome {
    ps_err err;
    ps_fault fault;
    psi_runtime_stats stats;
} outcome;

typedef struct fixture {
    tally_case test;
    psi_plan plan;
    psi_address addresses[2];
    int listener; /* of process 0 */
    uint8_t job_id[PSI_JOB_ID_BYTES];
    pid_t process;
    outcome *outcome; /* shared */
    tally_shared *shared;
    psi_frame_pool pool;
    int fd; /* of the peer that the test plays, process 1 */
} fixture;

static double monotonic_s(void) {
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

static void *shared_memory(size_t size_bytes) {
    void *const memory =
        mmap(NULL, size_bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    CU_ASSERT_TRUE_FATAL(memory != MAP_FAILED);
    return memory;
}

/* Starts process 0 of 2; process 1 is up to the test. */
static void begin(fixture *f) {
    memset(f, 0, sizeof *f);
    f->outcome = shared_memory(sizeof *f->outcome);
    f->shared = shared_memory(sizeof *f->shared);
    f->test = (tally_case){
        .nodes = 2, .workers_each = 1, .clocks = 1000, .policy = "bsp", .shared = f->shared};
    tally_plan(&f->test, &f->plan);
    memset(f->job_id, 0x5a, sizeof f->job_id);
    ps_fault fault = {0};
    CU_ASSERT_EQUAL_FATAL(psi_socket_listen_local(8, &f->listener, &f->addresses[0], &fault),
                          PS_OK);
    fflush(NULL);
    f->process = fork();
    CU_ASSERT_FATAL(f->process >= 0);
    if (f->process == 0) {
        psi_process_setup setup = {
            .plan = &f->plan,
            .options = {.start_timeout_s = 3.0,
                        .stall_timeout_s = 4.0,
                        .heartbeat_interval_s = 0.05,
                        .silence_timeout_s = 1.5,
                        .stop_timeout_s = 2.0,
                        .stats = &f->outcome->stats},
            .listener = f->listener,
            .addresses = f->addresses,
            .epoch_s = monotonic_s(),
        };
        memcpy(setup.job_id, f->job_id, sizeof setup.job_id);
        psi_results results = {0};
        f->outcome->err = psi_process_run(&setup, &results, &f->outcome->fault);
        psi_results_fini(&results, &f->plan);
        exit(ps_err_exit_code(f->outcome->err));
    }
    (void)close(f->listener);
    f->fd = -1;
}

static int dial(const fixture *f) {
    const int fd = socket(AF_INET, SOCK_STREAM, 0);
    CU_ASSERT_EQUAL_FATAL(
        connect(fd, (const struct sockaddr *)&f->addresses[0].storage, f->addresses[0].size_bytes),
        0);
    return fd;
}

static void put(int fd, psi_frame_pool *pool, psi_frame *frame, uint32_t sequence) {
    psi_frame_seal(frame, sequence);
    CU_ASSERT_EQUAL_FATAL(send(fd, frame->bytes, frame->size_bytes, MSG_NOSIGNAL),
                          (ssize_t)frame->size_bytes);
    psi_frame_release(pool, frame);
}

static psi_hello good_hello(const fixture *f) {
    psi_hello hello = {.process = 1,
                       .process_count = 2,
                       .frame_version = PSI_FRAME_VERSION,
                       .plan_hash = psi_plan_hash(&f->plan)};
    memcpy(hello.job_id, f->job_id, sizeof hello.job_id);
    return hello;
}

static void greet(fixture *f, const psi_hello *hello) {
    f->fd = dial(f);
    put(f->fd, &f->pool, psi_link_hello(&f->pool, hello, 0), 0);
}

/* Reads until the other side closes. Returns whether it does within 10 s, and what it said last of
 * a failure. */
static bool is_closed_by_peer(int fd, ps_fault *last_word_out) {
    psi_frame_pool pool = {0};
    psi_receiver receiver;
    *last_word_out = (ps_fault){0};
    CU_ASSERT_EQUAL_FATAL(psi_receiver_init(&receiver), PS_OK);
    CU_ASSERT_EQUAL_FATAL(psi_receiver_open(&receiver), PS_OK);
    psi_io io = PSI_IO_BLOCKED;
    int error = 0;
    struct pollfd readable = {.fd = fd, .events = POLLIN};
    while (poll(&readable, 1, 10000) == 1) {
        io = psi_receiver_read(&receiver, fd, &error);
        if (io == PSI_IO_ENDED || io == PSI_IO_LOST) {
            break;
        }
        psi_frame *frame;
        psi_received received;
        while ((received = psi_receiver_next(&receiver, &pool, &frame)) != PSI_RECEIVED_NOTHING) {
            if (received == PSI_RECEIVED_RECORD && frame->type == PSI_LINK_FAILURE) {
                CU_ASSERT_TRUE(psi_link_failure_read(frame, last_word_out));
            }
            CU_ASSERT_TRUE_FATAL(received == PSI_RECEIVED_RECORD || received == PSI_RECEIVED_FRAME);
            psi_frame_release(&pool, frame);
        }
    }
    psi_receiver_fini(&receiver, &pool);
    psi_frame_pool_fini(&pool);
    return io == PSI_IO_ENDED || io == PSI_IO_LOST;
}

/* Waits for process 0, which must end with `code` and a line that holds `word`. */
static void end(fixture *f, int code, const char *word) {
    const double until_s = monotonic_s() + 20.0;
    bool has_ended = false;
    while (!(has_ended = signals_child_has_ended(f->process)) && monotonic_s() < until_s) {
        (void)poll(NULL, 0, 5);
    }
    if (!has_ended) {
        signals_send(f->process, SIGKILL);
    }
    CU_ASSERT_TRUE(has_ended);
    CU_ASSERT_EQUAL(signals_take_code(f->process), code);
    const char *const text = f->outcome->fault.text;
    CU_ASSERT_PTR_NOT_NULL(strstr(text, word));
    if (strstr(text, word) == NULL) {
        printf("  expected \"%s\" in \"%s\"\n", word, text);
    }
    if (f->fd >= 0) {
        (void)close(f->fd);
    }
    psi_frame_pool_fini(&f->pool);
    (void)munmap(f->outcome, sizeof *f->outcome);
    (void)munmap(f->shared, sizeof *f->shared);
}

/* A port scanner is turned away; that the real peer never comes is said, and who was refused. */
static void strangers_are_turned_away(void) {
    fixture f;
    ps_fault last_word;
    begin(&f);
    int fd = dial(&f);
    CU_ASSERT_EQUAL(send(fd, "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n", 36, MSG_NOSIGNAL), 36);
    CU_ASSERT_TRUE(is_closed_by_peer(fd, &last_word));
    (void)close(fd);
    psi_hello hello = good_hello(&f);
    hello.job_id[7] ^= 1;
    greet(&f, &hello);
    CU_ASSERT_TRUE(is_closed_by_peer(f.fd, &last_word));
    (void)close(dial(&f)); /* comes and goes */
    end(&f, 5,
        "process 1 (node 1) did not connect to process 0 within 3 s; a connection was refused");
}

/* A peer of the same run with other options cannot work: both learn it at once. */
static void another_plan_is_refused(void) {
    fixture f;
    begin(&f);
    psi_hello hello = good_hello(&f);
    hello.plan_hash ^= 1;
    greet(&f, &hello);
    ps_fault last_word;
    CU_ASSERT_TRUE(is_closed_by_peer(f.fd, &last_word));
    end(&f, 5, "its plan differs");
}

static void another_version_is_refused(void) {
    fixture f;
    begin(&f);
    psi_hello hello = good_hello(&f);
    hello.frame_version = 7;
    greet(&f, &hello);
    char expected[100];
    (void)snprintf(expected, sizeof expected,
                   "process 1 speaks version 7 of the wire format, process 0 version %d",
                   PSI_FRAME_VERSION);
    end(&f, 5, expected);
}

static void a_false_number_is_refused(void) {
    fixture f;
    begin(&f);
    psi_hello hello = good_hello(&f);
    hello.process = 0;
    greet(&f, &hello);
    end(&f, 5, "claims to be process 0");
}

/* After the greeting the peer is of the run; what is wrong with it now ends the run, in both
 * directions. */
static void expect_refusal(psi_frame *(*make)(fixture *f), bool is_sealed, const char *word) {
    fixture f;
    begin(&f);
    const psi_hello hello = good_hello(&f);
    greet(&f, &hello);
    psi_frame *const frame = make(&f);
    if (is_sealed) {
        put(f.fd, &f.pool, frame, 1);
    } else {
        CU_ASSERT_EQUAL(send(f.fd, frame->bytes, frame->size_bytes, MSG_NOSIGNAL),
                        (ssize_t)frame->size_bytes);
        psi_frame_release(&f.pool, frame);
    }
    ps_fault last_word;
    CU_ASSERT_TRUE(is_closed_by_peer(f.fd, &last_word));
    CU_ASSERT_EQUAL(last_word.err, PS_EPEER);
    CU_ASSERT_PTR_NOT_NULL(strstr(last_word.text, word));
    end(&f, 5, word);
}

static psi_frame *take(fixture *f, psi_frame_type type, uint32_t from, uint32_t to, size_t size) {
    psi_frame *const frame = psi_frame_take(&f->pool, type, from, to, size);
    memset(frame->bytes + PSI_FRAME_HEADER_BYTES, 0xee, size);
    return frame;
}

static psi_frame *make_damaged(fixture *f) {
    psi_frame *const frame = take(f, PSI_FRAME_FLUSH, 1, 2, 100);
    psi_frame_seal(frame, 1);
    frame->bytes[PSI_FRAME_HEADER_BYTES + 50] ^= 4;
    return frame;
}

static psi_frame *make_repeated(fixture *f) {
    psi_frame *const frame = take(f, PSI_FRAME_FLUSH, 1, 2, 100);
    psi_frame_seal(frame, 0);
    return frame;
}

static psi_frame *make_forged(fixture *f) {
    return take(f, PSI_FRAME_FLUSH, 0, 2, 100); /* from the client of process 0 */
}

static psi_frame *make_stray(fixture *f) {
    return take(f, PSI_FRAME_FLUSH, 1, 3, 100); /* to the shard of process 1 */
}

static psi_frame *make_unknown_endpoint(fixture *f) {
    return take(f, PSI_FRAME_FLUSH, 1, 1000, 100);
}

static psi_frame *make_nonsense(fixture *f) {
    return take(f, PSI_FRAME_FLUSH, 1, 2, 100); /* the payload is no flush */
}

static psi_frame *make_second_greeting(fixture *f) {
    const psi_hello hello = good_hello(f);
    return psi_link_hello(&f->pool, &hello, 0);
}

static psi_frame *make_early_goodbye(fixture *f) {
    return psi_link_goodbye(&f->pool, 1, 0);
}

static void damage_ends_the_run(void) {
    expect_refusal(make_damaged, false, "process 1 (node 1) sent a frame with a damaged payload");
    expect_refusal(make_repeated, false, "process 1 (node 1) sent a frame out of sequence");
}

static void lies_end_the_run(void) {
    expect_refusal(make_forged, true, "process 1 (node 1) sent a frame from endpoint 0 to 2");
    expect_refusal(make_stray, true, "process 1 (node 1) sent a frame from endpoint 1 to 3");
    expect_refusal(make_unknown_endpoint, true,
                   "process 1 (node 1) sent a frame from endpoint 1 to 1000");
    expect_refusal(make_nonsense, true, "process 1 (node 1) sent what no correct process sends");
    expect_refusal(make_second_greeting, true, "process 1 (node 1) sent a malformed greeting");
    expect_refusal(make_early_goodbye, true, "process 1 (node 1) left before the run was over");
}

/* A peer that goes away, with or without half a frame, or that says nothing, is lost. */
static void a_lost_peer_ends_the_run(void) {
    fixture f;
    begin(&f);
    psi_hello hello = good_hello(&f);
    greet(&f, &hello);
    (void)shutdown(f.fd, SHUT_WR);
    end(&f, 5, "process 1 (node 1) closed its connection");

    begin(&f);
    greet(&f, &hello);
    CU_ASSERT_EQUAL(send(f.fd, "TTSF", 4, MSG_NOSIGNAL), 4);
    (void)shutdown(f.fd, SHUT_WR);
    end(&f, 5, "process 1 (node 1) closed its connection in the middle of a frame");

    begin(&f);
    greet(&f, &hello);
    end(&f, 5, "process 1 (node 1) has been silent for");
}

/* A failure elsewhere is this process's failure, in the words of the one that knows it. */
static void a_peers_failure_is_passed_on(void) {
    fixture f;
    begin(&f);
    const psi_hello hello = good_hello(&f);
    greet(&f, &hello);
    ps_fault theirs = {0};
    (void)ps_fault_set(&theirs, PS_EBROKEN, "worker 1 read a row that was 2.385 clocks too old");
    put(f.fd, &f.pool, psi_link_failure(&f.pool, &theirs, 1, 0), 1);
    end(&f, 3, "2.385 clocks too old");
}

/* Reads until process 0 says in a heartbeat that its worker waits: it reads from then on. */
static void await_reader(fixture *f) {
    psi_receiver receiver;
    psi_heartbeat heartbeat = {0};
    CU_ASSERT_EQUAL_FATAL(psi_receiver_init(&receiver), PS_OK);
    CU_ASSERT_EQUAL_FATAL(psi_receiver_open(&receiver), PS_OK);
    while (heartbeat.workers_waiting == 0) {
        psi_frame *frame;
        psi_received received;
        int error = 0;
        CU_ASSERT_EQUAL_FATAL(psi_receiver_read(&receiver, f->fd, &error), PSI_IO_DONE);
        while ((received = psi_receiver_next(&receiver, &f->pool, &frame)) !=
               PSI_RECEIVED_NOTHING) {
            if (received == PSI_RECEIVED_RECORD && frame->type == PSI_LINK_HEARTBEAT) {
                CU_ASSERT_TRUE(psi_link_heartbeat_read(frame, &heartbeat));
            }
            psi_frame_release(&f->pool, frame);
        }
    }
    psi_receiver_fini(&receiver, &f->pool);
}

/* A process that was stopped for long finds all heartbeats of that time at once when it goes on;
 * whoever reads them, they are no offence. */
static void many_heartbeats_at_once_are_no_offence(void) {
    enum { HEARTBEATS = 600 }; /* in one piece on the way: one thread reads them */
    fixture f;
    begin(&f);
    const psi_hello hello = good_hello(&f);
    greet(&f, &hello);
    await_reader(&f);
    psi_buffer all = {0};
    for (uint32_t i = 0; i < HEARTBEATS; i++) {
        const psi_heartbeat heartbeat = {.progress = i};
        psi_frame *const frame = psi_link_heartbeat(&f.pool, &heartbeat, 1, 0);
        psi_frame_seal(frame, 1 + i);
        uint8_t *const to = psi_buffer_extend(&all, frame->size_bytes);
        CU_ASSERT_PTR_NOT_NULL_FATAL(to);
        memcpy(to, frame->bytes, frame->size_bytes);
        psi_frame_release(&f.pool, frame);
    }
    CU_ASSERT_EQUAL(send(f.fd, all.bytes, all.size_bytes, MSG_NOSIGNAL), (ssize_t)all.size_bytes);
    psi_buffer_fini(&all);
    ps_fault fault = {0};
    (void)ps_fault_set(&fault, PS_EFAILED, "all heartbeats have been heard");
    put(f.fd, &f.pool, psi_link_failure(&f.pool, &fault, 1, 0), 1 + HEARTBEATS);
    end(&f, ps_err_exit_code(PS_EFAILED), "all heartbeats have been heard");
}

static const suite_test tests[] = {
    SUITE_TEST(strangers_are_turned_away),
    SUITE_TEST(another_plan_is_refused),
    SUITE_TEST(another_version_is_refused),
    SUITE_TEST(a_false_number_is_refused),
    SUITE_TEST(damage_ends_the_run),
    SUITE_TEST(lies_end_the_run),
    SUITE_TEST(a_lost_peer_ends_the_run),
    SUITE_TEST(a_peers_failure_is_passed_on),
    SUITE_TEST(many_heartbeats_at_once_are_no_offence),
};
SUITE_MAIN("bad_peers", tests)
