#define _GNU_SOURCE
#include "trial.h"

#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <net/if.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "runtime/socket.h"

#include "support/signals.h"
#include "support/suite.h"

const psi_runtime_options trial_quick = {.stall_timeout_s = 8.0,
                                         .silence_timeout_s = 5.0,
                                         .stop_timeout_s = 4.0,
                                         .heartbeat_interval_s = 0.05,
                                         .start_timeout_s = 15.0};

static bool network_is_own;
static volatile int interrupted;

double trial_now_s(void) {
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

uint32_t trial_draw(uint64_t seed, uint32_t n, uint32_t bound) {
    uint64_t x = seed * UINT64_C(0x9e3779b97f4a7c15) + (n + 1) * UINT64_C(0xbf58476d1ce4e5b9);
    x = (x ^ x >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    x = (x ^ x >> 27) * UINT64_C(0x94d049bb133111eb);
    return (uint32_t)((x ^ x >> 31) % bound);
}

uint64_t trial_number(const char *name, uint64_t default_value) {
    const char *const text = getenv(name);
    return text == NULL ? default_value : strtoull(text, NULL, 10);
}

bool trial_own_network(void) {
    if (unshare(CLONE_NEWNET) != 0 && unshare(CLONE_NEWUSER | CLONE_NEWNET) != 0) {
        printf("no network of its own: ports are not counted\n");
        return false;
    }
    const int fd = socket(AF_INET, SOCK_DGRAM, 0);
    struct ifreq loopback = {.ifr_name = "lo", .ifr_flags = IFF_UP | IFF_RUNNING};
    network_is_own = fd >= 0 && ioctl(fd, SIOCSIFFLAGS, &loopback) == 0;
    (void)close(fd);
    return network_is_own;
}

/* Sockets of this network that listen. */
static uint32_t listener_count(void) {
    uint32_t count = 0;
    char line[256];
    FILE *const table = fopen("/proc/self/net/tcp", "r");
    while (table != NULL && fgets(line, sizeof line, table) != NULL) {
        count += strstr(line, " 0A ") != NULL;
    }
    (void)fclose(table);
    return count;
}

/* ---- The processes of the run ---- */

static void on_signal(int number) {
    interrupted = 1;
    (void)signal(number, SIG_DFL);
}

/* The run of one process: what it takes and what came of it. */
typedef struct outcome {
    psi_plan plan;
    psi_results results;
    psi_runtime_stats stats;
    ps_fault fault;
    ps_err err;
} outcome;

/* Tells the test how the run ended here, and ends the process. */
static _Noreturn void tell_end(trial *t, uint32_t rank, outcome *own) {
    ledger_end *const end = &t->test.shared->ends[rank];
    end->err = own->err;
    end->fault = own->fault;
    end->was_interrupted = own->results.was_interrupted;
    end->model_is_complete = own->results.model_is_complete;
    end->workers_abandoned = own->stats.workers_abandoned;
    end->metrics_count = own->results.metrics_count;
    if (rank == 0 && own->err == PS_OK) {
        ledger_judge(&t->test, &own->results);
        end->model_digest = ledger_digest(&own->results);
    }
    atomic_store(&end->has_ended, true);
    if (own->stats.workers_abandoned) {
        _exit(ps_err_exit_code(own->err));
    }
    psi_results_fini(&own->results, &own->plan);
    exit(ps_err_exit_code(own->err));
}

/* Where the ranks of a cluster listen, and what they tell the others of it. */
typedef struct cluster {
    char meeting[48];
    char bind[LEDGER_NODES_MAX][PSI_ADDRESS_TEXT_BYTES];
    char advertise[LEDGER_NODES_MAX][PSI_ADDRESS_TEXT_BYTES]; /* empty: the same */
} cluster;

static _Noreturn void run_process(trial *t, const cluster *all, uint32_t rank) {
    if (t->takes_signals) {
        (void)signal(SIGINT, on_signal);
        (void)signal(SIGTERM, on_signal);
    }
    atomic_store(&t->test.shared->is_ready[rank], true);
    if (t->starts_stopped && rank == t->stopped_rank) {
        (void)raise(SIGSTOP);
    }
    outcome own = {0};
    ledger_plan(&t->test, &own.plan);
    own.plan.interrupted = &interrupted;
    t->options.stats = &own.stats;
    if (!t->is_cluster) {
        own.err = psi_runtime_run_local(&own.plan, &t->options, &own.results, &rank, &own.fault);
        tell_end(t, rank, &own);
    }
    const psi_rank_options options = {
        .rank = rank,
        .meeting = all->meeting,
        .bind = all->bind[rank],
        .advertise = all->advertise[rank][0] == '\0' ? NULL : all->advertise[rank],
        .job = "ledger",
        .host = "test-host",
        .program = "test",
    };
    own.err = psi_runtime_run_rank(&own.plan, &t->options, &options, &own.results, &own.fault);
    tell_end(t, rank, &own);
}

static void *shared_memory(size_t size_bytes) {
    void *const memory =
        mmap(NULL, size_bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    CU_ASSERT_FATAL(memory != MAP_FAILED);
    return memory;
}

/* Listens on loopback; the text is where. */
static int listen_somewhere(char text[static PSI_ADDRESS_TEXT_BYTES], psi_address *address) {
    int listener = -1;
    ps_fault fault = {0};
    CU_ASSERT_EQUAL_FATAL(psi_socket_listen_local(LEDGER_NODES_MAX, &listener, address, &fault),
                          PS_OK);
    psi_address_format(address, text);
    return listener;
}

/* Puts the proxy before every rank, and lets each advertise it. */
static void open_cluster(trial *t, cluster *all, int left_over) {
    static uint32_t cluster_count;
    chaos_gate gates[LEDGER_NODES_MAX];
    *all = (cluster){0};
    (void)snprintf(all->meeting, sizeof all->meeting, "trial-%d-%u", getpid(), cluster_count++);
    for (uint32_t i = 0; i < t->test.nodes; i++) {
        /* The system chooses a port; nobody else gets it so soon after it is free again. */
        (void)close(listen_somewhere(all->bind[i], &gates[i].target));
    }
    if (t->chaos.kind == CHAOS_NOTHING) {
        return;
    }
    for (uint32_t i = 0; i < t->test.nodes; i++) {
        psi_address address;
        gates[i].listener = listen_somewhere(all->advertise[i], &address);
    }
    t->proxy = fork();
    if (t->proxy == 0) {
        (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
        (void)close(left_over);
        chaos_proxy_run(gates, t->test.nodes, &t->chaos, t->chaos_state);
    }
    for (uint32_t i = 0; i < t->test.nodes; i++) {
        (void)close(gates[i].listener);
    }
}

void trial_start(trial *t) {
    cluster all;
    int pipe_fds[2];
    CU_ASSERT_FATAL(t->test.nodes <= LEDGER_NODES_MAX &&
                    t->test.nodes * t->test.workers_each <= LEDGER_WORKERS_MAX);
    t->test.shared = shared_memory(sizeof *t->test.shared);
    t->chaos_state = shared_memory(sizeof *t->chaos_state);
    t->proxy = -1;
    CU_ASSERT_EQUAL_FATAL(pipe(pipe_fds), 0);
    (void)fflush(NULL);
    if (t->is_cluster) {
        open_cluster(t, &all, pipe_fds[1]);
    }
    t->process_count = t->is_cluster ? t->test.nodes : 1;
    t->started_s = trial_now_s();
    for (uint32_t i = 0; i < t->process_count; i++) {
        t->process[i] = fork();
        CU_ASSERT_FATAL(t->process[i] >= 0);
        if (t->process[i] == 0) {
            (void)setpgid(0, 0);
            (void)close(pipe_fds[0]); /* the other end is open while a process of the run lives */
            run_process(t, &all, i);
        }
        (void)setpgid(t->process[i], t->process[i]);
    }
    (void)close(pipe_fds[1]);
    t->left_over = pipe_fds[0];
}

static bool process_has_ended(const trial *t, uint32_t rank) {
    return signals_child_has_ended(t->process[rank]);
}

bool trial_await_end(const trial *t, uint32_t rank, double timeout_s) {
    const double until_s = trial_now_s() + timeout_s;
    while (!process_has_ended(t, rank)) {
        if (trial_now_s() >= until_s) {
            return false;
        }
        (void)poll(NULL, 0, 5);
    }
    return true;
}

bool trial_await_ready(const trial *t, uint32_t rank) {
    const double until_s = trial_now_s() + 10.0;
    while (!atomic_load(&t->test.shared->is_ready[rank])) {
        if (trial_now_s() >= until_s) {
            return false;
        }
        (void)poll(NULL, 0, 1);
    }
    return true;
}

void trial_await_clocks(const trial *t, uint32_t clocks) {
    const double until_s = trial_now_s() + 30.0;
    for (uint32_t done = 0; done < clocks && !process_has_ended(t, 0) && trial_now_s() < until_s;) {
        (void)poll(NULL, 0, 1);
        done = 0;
        for (uint32_t i = 0; i < LEDGER_WORKERS_MAX; i++) {
            done += atomic_load(&t->test.shared->clocks_done[i]);
        }
    }
}

void trial_await_metrics(const trial *t, uint32_t rows) {
    const double until_s = trial_now_s() + 30.0;
    while (atomic_load(&t->test.shared->rows_measured) < rows && !process_has_ended(t, 0) &&
           trial_now_s() < until_s) {
        (void)poll(NULL, 0, 1);
    }
}

int trial_await_process(const trial *t, uint32_t node) {
    const double until_s = trial_now_s() + 30.0;
    int process = 0;
    while ((process = atomic_load(&t->test.shared->processes[node])) == 0 &&
           trial_now_s() < until_s) {
        (void)poll(NULL, 0, 1);
    }
    CU_ASSERT_FATAL(process > 0);
    return process;
}

/* Waits until a process has ended; its id stays its own. Returns whether it has. */
static bool await(int process, double until_s) {
    while (!signals_child_has_ended(process)) {
        if (trial_now_s() >= until_s) {
            return false;
        }
        (void)poll(NULL, 0, 2);
    }
    return true;
}

void trial_end(trial *t, double timeout_s) {
    const double until_s = trial_now_s() + timeout_s;
    t->has_ended = true;
    for (uint32_t i = 0; i < t->process_count; i++) {
        t->code[i] = await(t->process[i], until_s) ? 0 : -1;
        t->has_ended = t->has_ended && t->code[i] == 0;
    }
    t->took_s = trial_now_s() - t->started_s;
    struct pollfd left_over = {.fd = t->left_over, .events = POLLIN};
    t->none_left = poll(&left_over, 1, t->has_ended ? 1000 : 0) == 1;
    for (uint32_t i = 0; i < t->process_count; i++) {
        if (!t->none_left) {
            signals_send_to_group(t->process[i], SIGKILL);
        }
        const int code = signals_take_code(t->process[i]);
        t->code[i] = t->code[i] == 0 ? code : -1;
    }
    if (t->proxy > 0) {
        signals_send(t->proxy, SIGKILL);
        (void)signals_take_code(t->proxy);
    }
    CU_ASSERT_TRUE(t->has_ended);
    CU_ASSERT_TRUE(t->none_left);
    CU_ASSERT_TRUE(!network_is_own || listener_count() == 0);
    CU_ASSERT_FALSE(atomic_load(&t->test.shared->is_violated) && t->test.bug == LEDGER_SOUND &&
                    !t->test.claims_bsp);
    if (atomic_load(&t->test.shared->is_violated)) {
        printf("  VIOLATED: %s\n", t->test.shared->violation);
    }
}

void trial_close(trial *t) {
    (void)close(t->left_over);
    (void)munmap(t->test.shared, sizeof *t->test.shared);
    (void)munmap(t->chaos_state, sizeof *t->chaos_state);
}

const char *trial_line(const trial *t, uint32_t rank) {
    return t->test.shared->ends[rank].fault.text;
}

bool trial_says(const trial *t, uint32_t rank, const char *text) {
    const bool is_said = strstr(trial_line(t, rank), text) != NULL;
    if (!is_said) {
        printf("  process %u ended with %d after %.2f s: expected \"%s\" in \"%s\"\n", rank,
               t->code[t->is_cluster ? rank : 0], t->took_s, text, trial_line(t, rank));
    }
    return is_said;
}
