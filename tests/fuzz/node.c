/* Process 0 of a run of two, whose peer may send anything to any of its endpoints: client, shard
 * and monitor. Both run in one thread; the input says which frame arrives next, and what happens to
 * a copy of it before. As long as no bad frame came, no correct one may be refused. */
#include <string.h>

#include "base/bytes.h"
#include "fuzz/fuzz.h"
#include "node/node.h"

enum { PROCESSES = 2, QUEUE_MAX = 512, DELIVERIES_MAX = 4000 };

typedef struct fuzz_world fuzz_world;

typedef struct fuzz_port {
    psi_port base; /* first */
    fuzz_world *world;
    bool is_woken;
} fuzz_port;

struct fuzz_world {
    fuzz_port ports[PROCESSES];
    psi_node *nodes[PROCESSES];
    psi_frame_pool pool;
    psi_frame *queue[QUEUE_MAX]; /* all channels in one: first in, first out */
    size_t first, end;
    uint32_t ticks, delivered;
    fuzz_input input;
    bool is_misled; /* a bad frame was taken for a good one, or left something half done */
};

static fuzz_world *world_of(psi_port *port) {
    return ((fuzz_port *)port)->world;
}

static double now_s(psi_port *port) {
    return 0.125 * world_of(port)->ticks++;
}

static void send_frame(psi_port *port, psi_frame *frame) {
    fuzz_world *const world = world_of(port);
    FUZZ_CHECK(frame->to < 3 * PROCESSES);
    if (world->end == QUEUE_MAX) {
        psi_frame_release(&world->pool, frame);
        world->is_misled = true;
        return;
    }
    world->queue[world->end++] = frame;
}

/* Clients 0 and 1, shards 2 and 3, monitors 4 and 5: the odd ones are in process 1. */
static bool deliver(fuzz_world *world, psi_frame *frame) {
    ps_fault fault = {0};
    const bool is_taken = psi_node_deliver(world->nodes[frame->to % PROCESSES], frame, &fault);
    FUZZ_CHECK(is_taken == (fault.err == PS_OK));
    return is_taken;
}

/* A damaged copy of a frame, or one that is made up. */
static void deliver_bad(fuzz_world *world, const psi_frame *frame) {
    fuzz_input *const input = &world->input;
    const uint8_t how = fuzz_u8(input);
    const bool is_new = (how & 1) != 0;
    const size_t size = is_new ? fuzz_u8(input) : frame->size_bytes - PSI_FRAME_HEADER_BYTES;
    const uint32_t type = is_new ? fuzz_u8(input) % (PSI_FRAME_TYPES + 1U) : frame->type;
    const uint32_t from = (how & 2) != 0 ? fuzz_u8(input) % 8U : frame->from;
    const uint32_t to = (how & 4) != 0 ? fuzz_u8(input) % 8U / 2 * 2 : frame->to;
    const size_t cut = (how & 8) != 0 && size > 0 ? fuzz_u8(input) % size : size;
    psi_frame *const bad = psi_frame_take(&world->pool, (psi_frame_type)type, from, to, cut);
    FUZZ_CHECK(bad != NULL);
    uint8_t *const payload = bad->bytes + PSI_FRAME_HEADER_BYTES;
    size_t given = 0;
    const uint8_t *const bytes = fuzz_bytes(input, is_new ? cut : 0, &given);
    memset(payload, 0, cut);
    memcpy(payload, is_new ? bytes : psi_frame_payload(frame), is_new ? given : cut);
    for (uint32_t i = how >> 5; i > 0 && cut > 0; i--) {
        payload[fuzz_u8(input) % cut] = fuzz_u8(input);
    }
    (void)deliver(world, bad);
    world->is_misled = true; /* a run ends with the first frame that it refuses */
}

static bool deliver_next(fuzz_world *world) {
    if (world->first == world->end || world->delivered++ == DELIVERIES_MAX) {
        return false;
    }
    psi_frame *const frame = world->queue[world->first++];
    if (world->first == world->end) {
        world->first = 0;
        world->end = 0;
    }
    if (frame->to % PROCESSES == 0 && frame->from % PROCESSES == 1) {
        for (uint32_t i = 0; i < 3 && fuzz_u8(&world->input) >= 200; i++) {
            deliver_bad(world, frame);
        }
    }
    const bool is_taken = deliver(world, frame);
    FUZZ_CHECK(is_taken || world->is_misled);
    return true;
}

/* A worker that waits lets the frames go on. When none are left, the run is over. */
static void wait_for_frames(psi_port *port, uint32_t worker_index) {
    fuzz_port *const own = (fuzz_port *)port;
    (void)worker_index;
    while (!own->is_woken && deliver_next(own->world)) {
    }
    if (!own->is_woken) {
        FUZZ_CHECK(own->world->is_misled);
        psi_node_stop(own->world->nodes[own == &own->world->ports[0] ? 0 : 1]);
    }
    own->is_woken = false;
}

static void wake(psi_port *port, uint32_t worker_index) {
    (void)worker_index;
    ((fuzz_port *)port)->is_woken = true;
}

static void no_lock(psi_port *port) {
    (void)port;
}

static void compute(psi_port *port, uint32_t worker_index, uint32_t clock, double units,
                    void (*fn)(void *arg), void *arg) {
    (void)port;
    (void)worker_index;
    (void)clock;
    (void)units;
    fn(arg);
}

static void measure(psi_port *port, const psi_job *job) {
    (void)port;
    for (size_t i = 0; i < job->part_count; i++) {
        job->part(job->arg, i);
    }
    job->done(job->arg, 0.5);
}

static const psi_port_ops ops = {.now_s = now_s,
                                 .send = send_frame,
                                 .wait = wait_for_frames,
                                 .wake = wake,
                                 .lock = no_lock,
                                 .unlock = no_lock,
                                 .compute = compute,
                                 .measure = measure};

/* ---- The algorithm ---- */

static size_t tables(const void *problem, ps_table_spec *specs) {
    (void)problem;
    specs[0] = (ps_table_spec){"floats", PS_F32, PS_DENSE, 5, 2, 1, false};
    specs[1] = (ps_table_spec){"sparse", PS_I64, PS_SPARSE, 4, 10, 1, false};
    specs[2] = (ps_table_spec){"integers", PS_I32, PS_DENSE, 3, 1, 1, false};
    return 3;
}

static ps_err work(ps_worker *worker, const void *problem) {
    (void)problem;
    static const uint64_t rows[] = {4, 0, 1};
    static int32_t pulled[3];
    const float deltas[2] = {0.5F, (float)ps_rank(worker)};
    const uint32_t columns[] = {9, 3};
    const int64_t numbers[] = {-7, 1234567890123};
    const int32_t pushed[3] = {-1, 70000, 3};
    for (uint32_t clock = 0; clock < ps_clock_count(worker); clock++) {
        PS_TRY(ps_fetch(worker, 0, rows, 3));
        PS_TRY(ps_fetch(worker, 1, rows + 1, 2));
        PS_TRY(ps_add(worker, 0, 4, deltas));
        PS_TRY(ps_add_sparse(worker, 1, 2, 2, columns, numbers));
        uint64_t push, pull;
        const ps_keys keys = {.table = 2, .row_count = 3};
        PS_TRY(ps_push(worker, &keys, pushed, &push));
        PS_TRY(ps_pull(worker, &keys, pulled, &pull));
        PS_TRY(ps_wait(worker, push));
        PS_TRY(ps_wait(worker, pull));
        PS_TRY(ps_clock(worker));
    }
    return PS_OK;
}

static void evaluate(const void *problem, uint32_t rank, const void *local, size_t local_size_bytes,
                     const ps_model *model, double *sums) {
    (void)problem;
    (void)local;
    (void)local_size_bytes;
    sums[0] = model->clock + 0.25 * rank;
}

static void finish(const void *problem, const double *sums, double *metrics) {
    (void)problem;
    metrics[0] = sums[0];
}

static const char *const metrics[] = {"objective"};
static const ps_algo algo = {.name = "fuzz",
                             .metrics = metrics,
                             .metric_count = 1,
                             .sum_count = 1,
                             .tables = tables,
                             .worker = work,
                             .evaluate = evaluate,
                             .finish = finish};

/* Who reads the results must find what the plan says. */
static void check_results(const psi_results *results, const psi_plan *plan) {
    for (size_t i = 0; i < results->trace_count; i++) {
        FUZZ_CHECK(psi_results_trace(results, i)->rank < plan->worker_count);
    }
    for (size_t i = 0; i < results->metrics_count; i++) {
        FUZZ_CHECK(results->metrics[i].clock_min <= plan->clock_count);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static const psi_policy_ops *const policies[] = {&psi_policy_ssp, &psi_policy_async,
                                                     &psi_policy_essp};
    fuzz_world world = {.input = {data, size}};
    psi_plan plan = {.algo = &algo,
                     .node_count = PROCESSES,
                     .worker_count = PROCESSES,
                     .shard_count = PROCESSES,
                     .process_count = PROCESSES,
                     .clock_count = 2,
                     .eval_every_clocks = 1,
                     /* Worker 1 begins when worker 0 has ended, which must not wait for it. */
                     .policy = {.ops = policies[fuzz_u8(&world.input) % 3], .slack = 9}};
    plan.table_count = tables(NULL, plan.specs);
    psi_monitor *monitors[PROCESSES];
    psi_results results[PROCESSES] = {{0}};
    for (uint32_t i = 0; i < PROCESSES; i++) {
        world.ports[i] = (fuzz_port){.base = {.ops = &ops, .pool = &world.pool}, .world = &world};
        FUZZ_CHECK(psi_monitor_create(&plan, i, &results[i], &monitors[i]) == PS_OK);
        FUZZ_CHECK(psi_node_create(&plan, i, &world.ports[i].base, monitors[i], &world.nodes[i]) ==
                   PS_OK);
    }
    for (uint32_t i = 0; i < PROCESSES; i++) {
        const ps_err err = psi_worker_main(world.nodes[i], 0);
        FUZZ_CHECK(err == PS_OK || world.is_misled);
    }
    while (deliver_next(&world)) {
    }
    if (!world.is_misled) {
        FUZZ_CHECK(psi_monitor_is_finished(monitors[0]) && results[0].metrics_count == 3);
    }
    check_results(&results[0], &plan);
    for (; world.first < world.end; world.first++) {
        psi_frame_release(&world.pool, world.queue[world.first]);
    }
    for (uint32_t i = 0; i < PROCESSES; i++) {
        psi_node_destroy(world.nodes[i]);
        psi_monitor_destroy(monitors[i]);
        psi_results_fini(&results[i], &plan);
    }
    psi_frame_pool_fini(&world.pool);
    return 0;
}
