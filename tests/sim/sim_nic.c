/* The nic model is a formula; a frame that is a microsecond off at 6000 nodes is a wrong figure. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support/suite.h"

#include "sim/nic.h"
#include "tortoise/random.h"

typedef struct bench_top {
    psi_sim_spec *spec;
    psi_event_heap heap;
    psi_nic *nic;
    psi_frame_pool pool;
    double now_s;
} bench_top;

/* `options` are name, value, name, value, NULL. */
static bench_top top_make(uint32_t node_count, const char *const *options) {
    const psi_plan plan = {.node_count = node_count};
    bench_top top = {.spec = NULL};
    ps_fault fault = {.err = PS_OK};
    CU_ASSERT_EQUAL_FATAL(psi_sim_spec_create(&top.spec), PS_OK);
    CU_ASSERT_EQUAL_FATAL(psi_sim_spec_set(top.spec, "net", "nic", &fault), PS_OK);
    for (size_t i = 0; options[i] != NULL; i += 2) {
        CU_ASSERT_EQUAL_FATAL(psi_sim_spec_set(top.spec, options[i], options[i + 1], &fault),
                              PS_OK);
    }
    CU_ASSERT_EQUAL_FATAL(psi_sim_spec_resolve(top.spec, &plan, &fault), PS_OK);
    return top;
}

static void top_start(bench_top *top) {
    CU_ASSERT_EQUAL_FATAL(psi_nic_create(top->spec, 1, &top->heap, &top->nic), PS_OK);
}

static void top_free(bench_top *top) {
    psi_nic_destroy(top->nic, &top->pool);
    psi_event_heap_fini(&top->heap);
    psi_frame_pool_fini(&top->pool);
    psi_sim_spec_destroy(top->spec);
}

static psi_frame *frame_of(bench_top *top, size_t size_bytes, uint32_t tag) {
    psi_frame *const frame =
        psi_frame_take(&top->pool, PSI_FRAME_PUSH, tag, 0, size_bytes - PSI_FRAME_HEADER_BYTES);
    CU_ASSERT_PTR_NOT_NULL_FATAL(frame);
    frame->row_count = 0;
    return frame;
}

static void send(bench_top *top, uint32_t from, uint32_t to, size_t size_bytes, uint32_t tag) {
    CU_ASSERT_EQUAL_FATAL(
        psi_nic_send(top->nic, top->now_s, from, to, frame_of(top, size_bytes, tag)), PS_OK);
}

/* Steps until a frame has been handled; returns its tag (UINT32_MAX: none is left) and sets now_s.
 */
static uint32_t handled_next(bench_top *top) {
    psi_event event;
    while (psi_event_heap_pop(&top->heap, &event)) {
        psi_nic_handled handled;
        CU_ASSERT_TRUE_FATAL(event.time_s >= top->now_s);
        top->now_s = event.time_s;
        CU_ASSERT_EQUAL_FATAL(psi_nic_step(top->nic, &event, &handled), PS_OK);
        if (handled.frame != NULL) {
            const uint32_t tag = handled.frame->from;
            CU_ASSERT_TRUE_FATAL(handled.time_s >= event.time_s);
            top->now_s = handled.time_s;
            psi_frame_release(&top->pool, handled.frame);
            return tag;
        }
    }
    return UINT32_MAX;
}

static const char *const plain[] = {"bandwidth",   "100MB/s", "latency", "30us",
                                    "server-cost", "none",    NULL};

static void a_lone_frame_takes_latency_and_its_bytes(void) {
    bench_top top = top_make(3, plain);
    top_start(&top);
    top.now_s = 2.5;
    send(&top, 0, 1, 123456, 7);
    CU_ASSERT_EQUAL(handled_next(&top), 7);
    CU_ASSERT_DOUBLE_EQUAL(top.now_s, 2.5 + 123456 / 100e6 + 30e-6, 2.5e-15);
    top_free(&top);
}

static void a_sender_sends_one_after_the_other(void) {
    bench_top top = top_make(3, plain);
    top_start(&top);
    send(&top, 0, 1, 200000, 1);
    send(&top, 0, 2, 100000, 2);
    CU_ASSERT_EQUAL(handled_next(&top), 1);
    CU_ASSERT_DOUBLE_EQUAL(top.now_s, 2e-3 + 30e-6, 1e-15);
    CU_ASSERT_EQUAL(handled_next(&top), 2);
    CU_ASSERT_DOUBLE_EQUAL(top.now_s, 3e-3 + 30e-6, 1e-15);
    top_free(&top);
}

static void a_receiver_receives_one_after_the_other(void) {
    bench_top top = top_make(3, plain);
    top_start(&top);
    send(&top, 0, 2, 200000, 1);
    send(&top, 1, 2, 100000, 2); /* its last bit could be there first */
    CU_ASSERT_EQUAL(handled_next(&top), 2);
    CU_ASSERT_DOUBLE_EQUAL(top.now_s, 1e-3 + 30e-6, 1e-15);
    CU_ASSERT_EQUAL(handled_next(&top), 1);
    CU_ASSERT_DOUBLE_EQUAL(top.now_s, 3e-3 + 30e-6, 1e-15);
    top_free(&top);
}

static void the_slower_end_sets_the_pace(void) {
    bench_top top = top_make(2, plain);
    top.spec->nodes[1].down_bytes_per_s = 10e6;
    top_start(&top);
    send(&top, 0, 1, 100000, 1);
    CU_ASSERT_EQUAL(handled_next(&top), 1);
    CU_ASSERT_DOUBLE_EQUAL(top.now_s, 10e-3 + 30e-6, 1e-15);
    top_free(&top);
    top = top_make(2, plain);
    top.spec->nodes[0].up_bytes_per_s = 10e6;
    top_start(&top);
    send(&top, 0, 1, 100000, 1);
    CU_ASSERT_EQUAL(handled_next(&top), 1);
    CU_ASSERT_DOUBLE_EQUAL(top.now_s, 10e-3 + 30e-6, 1e-15);
    top_free(&top);
}

static void both_directions_are_independent(void) {
    bench_top top = top_make(2, plain);
    top_start(&top);
    send(&top, 0, 1, 100000, 1);
    send(&top, 1, 0, 100000, 2);
    CU_ASSERT_EQUAL(handled_next(&top), 1);
    CU_ASSERT_EQUAL(handled_next(&top), 2);
    CU_ASSERT_DOUBLE_EQUAL(top.now_s, 1e-3 + 30e-6, 1e-15);
    top_free(&top);
}

static void own_frames_go_through_memory(void) {
    static const char *const options[] = {
        "loopback-bandwidth", "1GB/s", "loopback-latency", "5us", "server-cost", "none", NULL};
    bench_top top = top_make(2, options);
    top_start(&top);
    send(&top, 1, 1, 1000000, 1);
    send(&top, 1, 1, 1000, 2); /* does not overtake */
    CU_ASSERT_EQUAL(handled_next(&top), 1);
    CU_ASSERT_DOUBLE_EQUAL(top.now_s, 1e-3 + 5e-6, 1e-15);
    CU_ASSERT_EQUAL(handled_next(&top), 2);
    CU_ASSERT_DOUBLE_EQUAL(top.now_s, 1.001e-3 + 5e-6, 1e-15);
    top_free(&top);
}

static void a_server_serves_one_after_the_other(void) {
    static const char *const options[] = {
        "bandwidth", "100MB/s", "latency", "30us", "server-cost", "frame=400us,byte=1ns,row=10us",
        NULL};
    bench_top top = top_make(3, options);
    top.spec->nodes[2].speed = 0.5; /* a slow node serves slowly */
    top_start(&top);
    psi_frame *const first = frame_of(&top, 1000, 1);
    first->row_count = 3;
    CU_ASSERT_EQUAL(psi_nic_send(top.nic, 0.0, 0, 2, first), PS_OK);
    send(&top, 1, 2, 1000, 2);
    CU_ASSERT_EQUAL(handled_next(&top), 1);
    const double first_end_s = 10e-6 + 30e-6 + 2.0 * (400e-6 + 1e-6 + 30e-6);
    CU_ASSERT_DOUBLE_EQUAL(top.now_s, first_end_s, 1e-15);
    CU_ASSERT_EQUAL(handled_next(&top), 2);
    CU_ASSERT_DOUBLE_EQUAL(top.now_s, first_end_s + 2.0 * (400e-6 + 1e-6), 1e-15);
    top_free(&top);
}

/* A reference of the same model without queues or heaps: all frames in one array, the next step is
 * searched. */

typedef enum stage { ON_WIRE, IN_CARD, IN_SERVER, DONE } stage;

typedef struct ref_frame {
    uint32_t from, to;
    double size_bytes, first_bit_s, time_s;
    double entered_s; /* when it entered the server's queue */
    stage stage;
} ref_frame;

enum { REF_NODES = 4, REF_FRAMES = 400 };

typedef struct reference {
    ref_frame frames[REF_FRAMES];
    size_t count;
    double tx_free_s[REF_NODES], rx_free_s[REF_NODES], memory_free_s[REF_NODES],
        cpu_free_s[REF_NODES];
} reference;

static void ref_send(reference *ref, const psi_sim_spec *spec, double now_s, uint32_t from,
                     uint32_t to, double size_bytes) {
    ref_frame *const frame = &ref->frames[ref->count++];
    *frame = (ref_frame){.from = from, .to = to, .size_bytes = size_bytes};
    if (from == to) {
        ref->memory_free_s[from] =
            fmax(now_s, ref->memory_free_s[from]) + size_bytes / spec->loopback_bytes_per_s;
        frame->time_s = ref->memory_free_s[from] + spec->loopback_latency_s;
        return;
    }
    const double delay_s = spec->nodes[from].latency_s + spec->nodes[to].latency_s;
    const double begin_s = fmax(now_s, ref->tx_free_s[from]);
    ref->tx_free_s[from] = begin_s + size_bytes / spec->nodes[from].up_bytes_per_s;
    frame->first_bit_s = begin_s + delay_s;
    frame->time_s = ref->tx_free_s[from] + delay_s;
}

/* The unfinished frame with the earliest next step; frames are in the order of sending. */
static ref_frame *ref_next(reference *ref) {
    ref_frame *next = NULL;
    for (size_t i = 0; i < ref->count; i++) {
        ref_frame *const frame = &ref->frames[i];
        if (frame->stage != DONE && (next == NULL || frame->time_s < next->time_s)) {
            next = frame;
        }
    }
    return next;
}

/* Carries out the next step; returns the frame if its handling ended with it. */
static ref_frame *ref_step(reference *ref, const psi_sim_spec *spec) {
    ref_frame *const frame = ref_next(ref);
    const psi_sim_node *const to = &spec->nodes[frame->to];
    if (frame->stage == ON_WIRE && frame->from != frame->to) {
        const bool keeps_pace = spec->nodes[frame->from].up_bytes_per_s <= to->down_bytes_per_s &&
                                ref->rx_free_s[frame->to] <= frame->first_bit_s;
        if (!keeps_pace) {
            frame->time_s =
                fmax(frame->time_s, fmax(frame->first_bit_s, ref->rx_free_s[frame->to]) +
                                        frame->size_bytes / to->down_bytes_per_s);
        }
        ref->rx_free_s[frame->to] = frame->time_s;
        frame->stage = IN_CARD;
        return NULL;
    }
    if (frame->stage == ON_WIRE || frame->stage == IN_CARD) {
        const double begin_s = fmax(frame->time_s, ref->cpu_free_s[frame->to]);
        frame->time_s =
            begin_s + (spec->server.per_frame_s + spec->server.per_byte_s * frame->size_bytes) *
                          (1.0 / to->speed);
        ref->cpu_free_s[frame->to] = frame->time_s;
        frame->stage = IN_SERVER;
        return NULL;
    }
    frame->stage = DONE;
    return frame;
}

/* Random bursts over links of different speeds and latencies: the queues and the heap must give the
 * same times as the search, and frames of a pair must keep their order. */
static void agrees_with_a_search_through_all_frames(void) {
    static const char *const options[] = {"server-cost", "frame=1us,byte=0.2ns,row=0", NULL};
    for (uint64_t seed = 1; seed <= 200; seed++) {
        ps_random random = ps_random_stream(seed, "nic-test", 0);
        bench_top top = top_make(REF_NODES, options);
        for (uint32_t i = 0; i < REF_NODES; i++) {
            top.spec->nodes[i] =
                (psi_sim_node){.speed = 0.5 + ps_random_uniform(&random),
                               .up_bytes_per_s = 1e7 * (1.0 + 9.0 * ps_random_uniform(&random)),
                               .down_bytes_per_s = 1e7 * (1.0 + 9.0 * ps_random_uniform(&random)),
                               .latency_s = 1e-4 * ps_random_uniform(&random)};
        }
        top_start(&top);
        reference *const ref = calloc(1, sizeof *ref);
        CU_ASSERT_PTR_NOT_NULL_FATAL(ref);
        for (uint32_t i = 0; i < REF_FRAMES / 4; i++) { /* all sent at time 0: the deepest queues */
            const uint32_t from = (uint32_t)ps_random_below(&random, REF_NODES);
            const uint32_t to = (uint32_t)ps_random_below(&random, REF_NODES);
            const size_t size_bytes = PSI_FRAME_HEADER_BYTES + ps_random_below(&random, 20000);
            send(&top, from, to, size_bytes, i);
            ref_send(ref, top.spec, 0.0, from, to, (double)size_bytes);
        }
        uint32_t handled = 0;
        uint32_t last_of_pair[REF_NODES][REF_NODES] = {{0}};
        for (uint32_t tag = handled_next(&top); tag != UINT32_MAX;
             tag = handled_next(&top), handled++) {
            ref_frame *expected = NULL;
            while (expected == NULL) {
                expected = ref_step(ref, top.spec);
            }
            CU_ASSERT_EQUAL(tag, (uint32_t)(expected - ref->frames));
            CU_ASSERT_DOUBLE_EQUAL(top.now_s, expected->time_s, 1e-15);
            uint32_t *const last = &last_of_pair[expected->from][expected->to];
            CU_ASSERT_TRUE(*last <= tag);
            *last = tag;
            const bool replies = ref->count < REF_FRAMES && ps_random_below(&random, 4) != 0;
            if (replies) { /* handling a frame sends another, as servers do */
                const uint32_t to = (uint32_t)ps_random_below(&random, REF_NODES);
                const size_t size_bytes = PSI_FRAME_HEADER_BYTES + ps_random_below(&random, 20000);
                ref_send(ref, top.spec, top.now_s, expected->to, to, (double)size_bytes);
                send(&top, expected->to, to, size_bytes, (uint32_t)ref->count - 1);
            }
        }
        CU_ASSERT_EQUAL(handled, ref->count);
        CU_ASSERT_EQUAL(psi_nic_frames_under_way(top.nic), 0);
        free(ref);
        top_free(&top);
    }
}

/* Jitter delays, is the same for the same seed, and does not reorder a pair. */
static void jitter_keeps_order_and_repeats(void) {
    static const char *const options[] = {"bandwidth", "1GB/s",       "latency", "10us", "jitter",
                                          "1ms",       "server-cost", "none",    NULL};
    double first_times_s[50];
    for (int round = 0; round < 2; round++) {
        bench_top top = top_make(3, options);
        top_start(&top);
        for (uint32_t i = 0; i < 50; i++) {
            send(&top, 0, 1 + i % 2, 1000, i);
        }
        double last_s = 0.0;
        double delay_sum_s = 0.0;
        uint32_t next_of[2] = {0, 1};
        for (uint32_t i = 0; i < 50; i++) {
            const uint32_t tag = handled_next(&top);
            CU_ASSERT_EQUAL(tag, next_of[tag % 2]);
            next_of[tag % 2] += 2;
            delay_sum_s += top.now_s - last_s;
            last_s = top.now_s;
            if (round == 0) {
                first_times_s[i] = top.now_s;
            }
            CU_ASSERT_EQUAL(top.now_s, first_times_s[i]);
        }
        CU_ASSERT_TRUE(delay_sum_s > 0.2e-3);
        top_free(&top);
    }
}

static void what_is_under_way_is_released(void) {
    bench_top top = top_make(3, plain);
    top_start(&top);
    for (uint32_t i = 0; i < 10; i++) {
        send(&top, i % 3, 2, 5000, i);
    }
    (void)handled_next(&top);
    CU_ASSERT_EQUAL(psi_nic_frames_under_way(top.nic), 9);
    top_free(&top); /* the address sanitizer sees a frame that is lost */
}

static void events_come_by_time_and_then_by_sequence(void) {
    psi_event_heap heap = {.events = NULL};
    ps_random random = ps_random_stream(5, "heap-test", 0);
    for (uint32_t i = 0; i < 5000; i++) {
        const psi_event event = {.time_s = (double)ps_random_below(&random, 50),
                                 .sequence = psi_event_heap_sequence(&heap),
                                 .index = i};
        CU_ASSERT_TRUE_FATAL(psi_event_heap_push(&heap, event));
    }
    psi_event last = {.time_s = -1.0};
    psi_event event;
    size_t count = 0;
    for (; psi_event_heap_pop(&heap, &event); count++) {
        CU_ASSERT_TRUE(event.time_s > last.time_s ||
                       (event.time_s == last.time_s && event.sequence > last.sequence));
        last = event;
    }
    CU_ASSERT_EQUAL(count, 5000);
    psi_event_heap_fini(&heap);
}

static const suite_test tests[] = {
    SUITE_TEST(a_lone_frame_takes_latency_and_its_bytes),
    SUITE_TEST(a_sender_sends_one_after_the_other),
    SUITE_TEST(a_receiver_receives_one_after_the_other),
    SUITE_TEST(the_slower_end_sets_the_pace),
    SUITE_TEST(both_directions_are_independent),
    SUITE_TEST(own_frames_go_through_memory),
    SUITE_TEST(a_server_serves_one_after_the_other),
    SUITE_TEST(agrees_with_a_search_through_all_frames),
    SUITE_TEST(jitter_keeps_order_and_repeats),
    SUITE_TEST(what_is_under_way_is_released),
    SUITE_TEST(events_come_by_time_and_then_by_sequence),
};
SUITE_MAIN("sim_nic", tests)
