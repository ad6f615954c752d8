/* Golden bytes: every frame of a small run of two processes, as they would go over the wire. The
 * core must still write the same bytes, and the independent decoder must read them as the text
 * beside them says. A change of the format changes these files, the version, and
 * docs/wire-format.md.
 *
 *     wire_golden record     writes the files anew */
#define _POSIX_C_SOURCE 200809L /* open_memstream */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "core/wire_decoder.h"
#include "node/node.h"
#include "ps/part.h"
#include "support/suite.h"

enum { PROCESSES = 2, QUEUE_MAX = 256 };

/* Two runs: between them every type of frame. */
typedef struct golden_run {
    const char *policy, *hex_path, *text_path;
} golden_run;

static const golden_run runs[] = {
    {"async", "tests/core/golden/two_processes.hex", "tests/core/golden/two_processes.txt"},
    {"vap:0.5", "tests/core/golden/value_bound.hex", "tests/core/golden/value_bound.txt"}};
enum { RUNS = sizeof runs / sizeof *runs };

/* ---- A run of two processes in one thread ---- */

typedef struct golden_world golden_world;

typedef struct golden_port {
    psi_port base; /* first */
    golden_world *world;
    bool is_woken;
    uint32_t sent;
} golden_port;

struct golden_world {
    golden_port ports[PROCESSES];
    psi_node *nodes[PROCESSES];
    psi_frame_pool pool;
    psi_frame *queue[QUEUE_MAX]; /* all channels in one: first in, first out */
    size_t first, end;
    uint32_t ticks;
    bool is_good;
    FILE *hex;
};

static golden_port *port_of(psi_port *port) {
    return (golden_port *)port;
}

static double now_s(psi_port *port) {
    return 0.125 * port_of(port)->world->ticks++;
}

/* Seals and records the frame, then queues it. */
static void send_frame(psi_port *port, psi_frame *frame) {
    golden_world *const world = port_of(port)->world;
    psi_frame_seal(frame, port_of(port)->sent++);
    for (size_t i = 0; i < frame->size_bytes; i++) {
        fprintf(world->hex, "%02x", frame->bytes[i]);
    }
    fputc('\n', world->hex);
    PS_ASSERT(world->end < QUEUE_MAX);
    world->queue[world->end++] = frame;
}

static bool deliver_next(golden_world *world) {
    if (world->first == world->end) {
        return false;
    }
    psi_frame *const frame = world->queue[world->first++];
    /* Clients 0 and 1, shards 2 and 3, monitors 4 and 5: the odd ones are in process 1. */
    world->is_good &= psi_node_deliver(world->nodes[frame->to % PROCESSES], frame, NULL);
    return true;
}

/* A worker that waits lets the frames go on. */
static void wait_for_frames(psi_port *port, uint32_t worker_index) {
    (void)worker_index;
    while (!port_of(port)->is_woken && deliver_next(port_of(port)->world)) {
    }
    PS_ASSERT(port_of(port)->is_woken);
    port_of(port)->is_woken = false;
}

static void wake(psi_port *port, uint32_t worker_index) {
    (void)worker_index;
    port_of(port)->is_woken = true;
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

/* ---- Its algorithm ---- */

static size_t tables(const void *problem, ps_table_spec *specs) {
    (void)problem;
    specs[0] = (ps_table_spec){"floats", PS_F32, PS_DENSE, 5, 2, 1, false};
    specs[1] = (ps_table_spec){"sparse", PS_I64, PS_SPARSE, 4, 10, 1, false};
    specs[2] = (ps_table_spec){"doubles", PS_F64, PS_DENSE, 2, 1, 1, false};
    specs[3] = (ps_table_spec){"integers", PS_I32, PS_DENSE, 3, 1, 1, false};
    return 4;
}

static const wire_table wire_tables[] = {
    {'f', false, 2}, {'l', true, 10}, {'d', false, 1}, {'i', false, 1}};

static void row_init(const void *problem, uint32_t table, uint64_t row, void *values_out) {
    (void)problem;
    if (table == 0) {
        const float values[2] = {2.385f + (float)row, -0.5f};
        memcpy(values_out, values, sizeof values);
    }
}

static void do_nothing(void *arg) {
    (void)arg;
}

static ps_err work(ps_worker *worker, const void *problem) {
    (void)problem;
    static const uint64_t rows[] = {4, 0, 1};
    static const uint64_t ends[] = {0, 4};
    static int32_t pulled[3];
    static float pulled_ends[4];
    const float deltas[2] = {0.1f, (float)ps_rank(worker)};
    const uint32_t columns[] = {9, 3};
    const int64_t numbers[] = {-7, 1234567890123};
    const double double_delta = 1.0 / 3.0;
    const int32_t pushed[3] = {-1, 70000, 3};
    PS_TRY(ps_fetch(worker, 0, rows, 3));
    PS_TRY(ps_compute(worker, 17.0, do_nothing, NULL));
    PS_TRY(ps_add(worker, 0, 4, deltas));
    PS_TRY(ps_add_sparse(worker, 1, 2, 2, columns, numbers));
    PS_TRY(ps_add(worker, 2, 1, &double_delta));
    uint64_t push, pull;
    PS_TRY(ps_push(worker, &(ps_keys){.table = 3, .row_count = 3}, pushed, &push));
    PS_TRY(
        ps_pull(worker, &(ps_keys){.table = 3, .rows = rows + 1, .row_count = 2}, pulled, &pull));
    PS_TRY(ps_wait(worker, push));
    PS_TRY(ps_wait(worker, pull));
    PS_TRY(
        ps_pull(worker, &(ps_keys){.table = 0, .rows = ends, .row_count = 2}, pulled_ends, &pull));
    PS_TRY(ps_wait(worker, pull));
    return ps_clock(worker);
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

/* Each clock adds 1, so that the second must wait until all have seen the first; worker 0 leaves
 * after one. */
static ps_err work_within_bounds(ps_worker *worker, const void *problem) {
    (void)problem;
    static const uint64_t row = 1;
    const double one = 1;
    PS_TRY(ps_fetch(worker, 2, &row, 1));
    for (uint32_t clock = 0; clock <= ps_rank(worker); clock++) {
        PS_TRY(ps_add(worker, 2, 1, &one));
        PS_TRY(ps_clock(worker));
    }
    return PS_OK;
}

/* Runs it and writes all frames to `hex`, a line each. */
static bool run_two_processes(const char *policy, FILE *hex) {
    static const char *const metrics[] = {"objective"};
    const ps_algo algo = {.name = "golden",
                          .metrics = metrics,
                          .metric_count = 1,
                          .sum_count = 1,
                          .tables = tables,
                          .row_init = row_init,
                          .worker = strcmp(policy, "async") == 0 ? work : work_within_bounds,
                          .evaluate = evaluate,
                          .finish = finish};
    psi_plan plan = {.algo = &algo,
                     .node_count = PROCESSES,
                     .worker_count = PROCESSES,
                     .shard_count = PROCESSES,
                     .process_count = PROCESSES,
                     .clock_count = strcmp(policy, "async") == 0 ? 1 : 2,
                     .until = {.is_set = true, .comparison = PSI_AT_LEAST, .value = 2.0},
                     .policy = {.ops = NULL}};
    const ps_err parsed = psi_policy_parse(policy, &plan.policy, NULL);
    PS_ASSERT(parsed == PS_OK);
    plan.table_count = tables(NULL, plan.specs);
    golden_world world = {.is_good = true, .hex = hex};
    psi_monitor *monitors[PROCESSES];
    psi_results results[PROCESSES] = {{0}};
    for (uint32_t i = 0; i < PROCESSES; i++) {
        world.ports[i] = (golden_port){.base = {.ops = &ops, .pool = &world.pool}, .world = &world};
        ps_err err = psi_monitor_create(&plan, i, &results[i], &monitors[i]);
        PS_ASSERT(err == PS_OK);
        err = psi_node_create(&plan, i, &world.ports[i].base, monitors[i], &world.nodes[i]);
        PS_ASSERT(err == PS_OK);
    }
    for (uint32_t i = 0; i < PROCESSES; i++) {
        world.is_good &= psi_worker_main(world.nodes[i], 0) == PS_OK;
    }
    while (deliver_next(&world)) {
    }
    world.is_good &=
        psi_monitor_is_finished(monitors[0]) && (results[0].until_reached || plan.clock_count > 1);
    for (uint32_t i = 0; i < PROCESSES; i++) {
        psi_node_destroy(world.nodes[i]);
        psi_monitor_destroy(monitors[i]);
        psi_results_fini(&results[i], &plan);
    }
    psi_frame_pool_fini(&world.pool);
    return world.is_good;
}

/* ---- Files ---- */

static char *read_file(const char *path) {
    FILE *const file = fopen(path, "rb");
    char *text = NULL;
    size_t size = 0;
    FILE *const copy = open_memstream(&text, &size);
    for (int c; file != NULL && copy != NULL && (c = fgetc(file)) != EOF;) {
        fputc(c, copy);
    }
    if (file != NULL) {
        fclose(file);
    }
    if (copy != NULL) {
        fclose(copy);
    }
    return text;
}

static size_t bytes_of_line(const char *line, uint8_t *bytes, size_t size_max) {
    size_t size = 0;
    unsigned byte;
    while (size < size_max && sscanf(line + 2 * size, "%2x", &byte) == 1 &&
           line[2 * size] != '\n') {
        bytes[size++] = (uint8_t)byte;
    }
    return size;
}

/* Decodes every line of `hex`. Returns whether all are good frames. */
static bool decode_lines(const char *hex, FILE *out, uint32_t *types_out) {
    bool is_good = true;
    *types_out = 0;
    for (const char *line = hex; *line != '\0';) {
        uint8_t bytes[4096];
        const size_t size = bytes_of_line(line, bytes, sizeof bytes);
        is_good &= wire_decode(bytes, size, wire_tables, 4, out);
        *types_out |= 1u << (bytes[5] & 31);
        const char *const end = strchr(line, '\n');
        line = end == NULL ? line + strlen(line) : end + 1;
    }
    return is_good;
}

/* ---- Claims ---- */

static void the_core_writes_the_golden_bytes(void) {
    for (size_t i = 0; i < RUNS; i++) {
        char *hex = NULL;
        size_t size = 0;
        FILE *const out = open_memstream(&hex, &size);
        CU_ASSERT_PTR_NOT_NULL_FATAL(out);
        CU_ASSERT_TRUE(run_two_processes(runs[i].policy, out));
        fclose(out);
        char *const golden = read_file(runs[i].hex_path);
        CU_ASSERT_PTR_NOT_NULL_FATAL(golden);
        CU_ASSERT_STRING_EQUAL(hex, golden);
        free(golden);
        free(hex);
    }
}

/* Every type of frame is among them, and means what the text says. */
static void the_decoder_reads_the_golden_bytes(void) {
    uint32_t all_types = 0;
    for (size_t i = 0; i < RUNS; i++) {
        char *const golden = read_file(runs[i].hex_path);
        char *const expected = read_file(runs[i].text_path);
        char *text = NULL;
        size_t size = 0;
        uint32_t types = 0;
        FILE *const out = open_memstream(&text, &size);
        CU_ASSERT_FATAL(golden != NULL && expected != NULL && out != NULL);
        CU_ASSERT_TRUE(decode_lines(golden, out, &types));
        fclose(out);
        CU_ASSERT_STRING_EQUAL(text, expected);
        all_types |= types;
        free(text);
        free(expected);
        free(golden);
    }
    CU_ASSERT_EQUAL(all_types, (1u << PSI_FRAME_TYPES) - 2);
}

/* Gaps of two bytes need a bigger table than the run above has. */
static void the_decoder_reads_wide_gaps(void) {
    static const char expected[] = "PULL from 0 to 1, number 5\n"
                                   "  handle 9, 1 parts\n"
                                   "    part: table 0, gaps of two bytes between 4 rows\n"
                                   "      row 3\n      row 4\n      row 400\n      row 65936\n";
    static const uint32_t rows[] = {3, 4, 400, 65936};
    psi_frame_pool pool = {0};
    const psi_keys keys = psi_keys_of_locals(0, rows, 4);
    psi_frame *const frame = psi_frame_take(&pool, PSI_FRAME_PULL, 0, 1, 16 + psi_keys_size(&keys));
    char *text = NULL;
    size_t size = 0;
    FILE *const out = open_memstream(&text, &size);
    CU_ASSERT_FATAL(frame != NULL && out != NULL);
    uint8_t *const payload = frame->bytes + PSI_FRAME_HEADER_BYTES;
    psi_put_u64(payload, 9);
    psi_put_u32(payload + 8, 1);
    psi_put_u32(payload + 12, 0);
    (void)psi_part_put_keys(payload + 16, &keys, false);
    psi_frame_seal(frame, 5);
    CU_ASSERT_TRUE(wire_decode(frame->bytes, frame->size_bytes, wire_tables, 4, out));
    fclose(out);
    CU_ASSERT_STRING_EQUAL(text, expected);
    free(text);
    psi_frame_release(&pool, frame);
    psi_frame_pool_fini(&pool);
}

/* The decoder is a judge: it must not accept damage either. */
static void the_decoder_refuses_damage(void) {
    char *const golden = read_file(runs[0].hex_path);
    FILE *const nowhere = fopen("/dev/null", "w");
    CU_ASSERT_FATAL(golden != NULL && nowhere != NULL);
    uint8_t bytes[4096];
    const size_t size = bytes_of_line(golden, bytes, sizeof bytes);
    size_t accepted = 0;
    for (size_t bit = 0; bit < size * 8; bit++) {
        bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
        accepted += wire_decode(bytes, size, wire_tables, 4, nowhere);
        bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
    CU_ASSERT_EQUAL(accepted, 0);
    CU_ASSERT_TRUE(wire_decode(bytes, size, wire_tables, 4, nowhere));
    fclose(nowhere);
    free(golden);
}

static const suite_test tests[] = {
    SUITE_TEST(the_core_writes_the_golden_bytes), SUITE_TEST(the_decoder_reads_the_golden_bytes),
    SUITE_TEST(the_decoder_reads_wide_gaps), SUITE_TEST(the_decoder_refuses_damage)};

static int record(void) {
    bool is_good = true;
    for (size_t i = 0; i < RUNS; i++) {
        FILE *const hex = fopen(runs[i].hex_path, "w");
        is_good = is_good && hex != NULL && run_two_processes(runs[i].policy, hex);
        is_good = is_good && fclose(hex) == 0;
        char *const golden = read_file(runs[i].hex_path);
        FILE *const text = fopen(runs[i].text_path, "w");
        uint32_t types;
        is_good = is_good && text != NULL && decode_lines(golden, text, &types);
        is_good = is_good && fclose(text) == 0;
    }
    return is_good ? 0 : 1;
}

int main(int argc, char **argv) {
    if (argc > 1 && strcmp(argv[1], "record") == 0) {
        return record();
    }
    return suite_run("wire_golden", tests, sizeof tests / sizeof tests[0],
                     argc > 1 ? argv[1] : NULL);
}
