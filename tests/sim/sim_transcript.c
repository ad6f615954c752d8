/* Golden transcripts in virtual time: the same configuration and seed gives the same story, to the
 * last digit, on every machine; and a reader can check the story by hand. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "story.h"
#include "support/suite.h"
#include "toy.h"

#include "sim/nic.h"

enum { WORKERS = 3, CLOCKS = 5 };

/* One line of a run's story. */
typedef struct happening {
    double time_s;
    uint32_t rank, clock;
    bool is_end;
} happening;

static int happening_compare(const void *left_item, const void *right_item) {
    const happening *const left = left_item;
    const happening *const right = right_item;
    if (left->time_s != right->time_s) {
        return left->time_s < right->time_s ? -1 : 1;
    }
    if (left->is_end != right->is_end) {
        return left->is_end ? -1 : 1;
    }
    return left->rank < right->rank ? -1 : 1;
}

static void run_tell(story *told, const toy_run *run, const char *title) {
    static toy_outcome outcome;
    static const char *const names[WORKERS] = {"ann", "bob", "cyd"};
    happening happenings[2 * CLOCKS * WORKERS];
    CU_ASSERT_TRUE_FATAL(toy_run_in_child(run, &outcome));
    CU_ASSERT_EQUAL_FATAL(outcome.err, PS_OK);
    story_tell(told, "# %s\n", title);
    size_t count = 0;
    for (uint32_t clock = 0; clock < CLOCKS; clock++) {
        for (uint32_t rank = 0; rank < WORKERS; rank++) {
            const size_t index = (size_t)clock * WORKERS + rank;
            const double end_s = outcome.clock_end_s[index];
            happenings[count++] =
                (happening){.time_s = end_s, .rank = rank, .clock = clock, .is_end = true};
            happenings[count++] = (happening){
                .time_s = end_s - outcome.compute_s[index], .rank = rank, .clock = clock};
        }
    }
    qsort(happenings, count, sizeof happenings[0], happening_compare);
    for (size_t i = 0; i < count; i++) {
        const happening *const h = &happenings[i];
        const size_t index = (size_t)h->clock * WORKERS + h->rank;
        if (h->is_end) {
            story_tell(told, "%12.6f s  %s ends clock %u\n", h->time_s, names[h->rank], h->clock);
        } else {
            story_tell(told, "%12.6f s  %s has waited %.6f s and computes for %.6f s\n", h->time_s,
                       names[h->rank], outcome.wait_s[index], outcome.compute_s[index]);
        }
    }
    story_tell(told, "%12.6f s  all have left; %zu evaluations\n\n", outcome.time_s,
               outcome.metrics_count);
}

/* Bob is twice as slow, and everyone stands still for a moment of his. */
static void bsp_ssp_and_async_tell_their_stories(void) {
    static const double seconds[CLOCKS * WORKERS] = {1.0, 1.0, 1.25, 1.0, 1.0,  1.0, 1.5, 1.0,
                                                     1.0, 1.0, 1.0,  2.0, 0.75, 1.0, 1.0};
    static const char *const options[] = {"net",       "nic",
                                          "bandwidth", "1Gbps",
                                          "latency",   "50us",
                                          "straggler", "slow:node=1,factor=2x",
                                          "straggler", "pause:node=2,at=2s,for=0.5s",
                                          NULL};
    static const char *const policies[][2] = {
        {"bsp", "bsp: everyone waits for bob, every clock"},
        {"ssp:1", "ssp:1: ann and cyd run one clock ahead of bob, then wait"},
        {"async", "async: nobody waits for anybody; ann is done when bob is half way"}};
    static story told;
    told.length = 0;
    for (size_t i = 0; i < sizeof policies / sizeof policies[0]; i++) {
        const toy_run run = {.problem = {.row_count = 6,
                                         .column_count = 4,
                                         .worker_count = WORKERS,
                                         .clock_count = CLOCKS,
                                         .seconds = seconds},
                             .node_count = WORKERS,
                             .shard_count = 2,
                             .eval_every_clocks = 1,
                             .seed = 1,
                             .policy = policies[i][0],
                             .options = options};
        run_tell(&told, &run, policies[i][1]);
    }
    story_compare(&told, "policies.txt");
}

/* Three hosts at 1 MB/s and 10 ms: who sends when, and when the server has handled what. */
static void frames_on_the_wire_tell_their_story(void) {
    static const struct {
        double at_s;
        uint32_t from, to;
        size_t size_bytes;
    } sends[] = {{0.0, 0, 2, 50000},  {0.0, 1, 2, 20000}, {0.0, 0, 1, 1000},
                 {0.01, 2, 2, 70000}, {0.02, 2, 0, 5000}, {0.5, 1, 2, 100}};
    enum { SENDS = sizeof sends / sizeof sends[0] };
    static const char *const options[][2] = {{"net", "nic"},
                                             {"bandwidth", "1MB/s"},
                                             {"latency", "10ms"},
                                             {"server-cost", "frame=5ms,byte=0,row=0"}};
    const psi_plan plan = {.node_count = 3};
    psi_sim_spec *spec = NULL;
    psi_event_heap heap = {.events = NULL};
    psi_nic *nic = NULL;
    psi_frame_pool pool = {.allocated_bytes = 0};
    ps_fault fault = {.err = PS_OK};
    static story told;
    told.length = 0;
    CU_ASSERT_EQUAL_FATAL(psi_sim_spec_create(&spec), PS_OK);
    for (size_t i = 0; i < sizeof options / sizeof options[0]; i++) {
        CU_ASSERT_EQUAL_FATAL(psi_sim_spec_set(spec, options[i][0], options[i][1], &fault), PS_OK);
    }
    CU_ASSERT_EQUAL_FATAL(psi_sim_spec_resolve(spec, &plan, &fault), PS_OK);
    CU_ASSERT_EQUAL_FATAL(psi_nic_create(spec, 1, &heap, &nic), PS_OK);
    story_tell(&told, "# 3 hosts, 1 MB/s each way, 10 ms, and servers that take 5 ms per frame\n");
    for (uint32_t i = 0; i < SENDS; i++) {
        CU_ASSERT_TRUE_FATAL(
            psi_event_heap_push(&heap, (psi_event){.time_s = sends[i].at_s,
                                                   .sequence = psi_event_heap_sequence(&heap),
                                                   .kind = PSI_NIC_EVENT_KINDS,
                                                   .index = i}));
    }
    psi_event event;
    while (psi_event_heap_pop(&heap, &event)) {
        psi_nic_handled handled;
        if (event.kind == PSI_NIC_EVENT_KINDS) {
            const uint32_t i = event.index;
            psi_frame *const frame = psi_frame_take(&pool, PSI_FRAME_PUSH, i, 0,
                                                    sends[i].size_bytes - PSI_FRAME_HEADER_BYTES);
            CU_ASSERT_PTR_NOT_NULL_FATAL(frame);
            frame->row_count = 0;
            story_tell(&told, "%9.6f s  host %u sends frame %c, %zu bytes, to host %u\n",
                       event.time_s, sends[i].from, (char)('A' + i), sends[i].size_bytes,
                       sends[i].to);
            CU_ASSERT_EQUAL_FATAL(
                psi_nic_send(nic, event.time_s, sends[i].from, sends[i].to, frame), PS_OK);
            continue;
        }
        CU_ASSERT_EQUAL_FATAL(psi_nic_step(nic, &event, &handled), PS_OK);
        if (handled.frame != NULL) {
            story_tell(&told, "%9.6f s  host %u has handled frame %c\n", handled.time_s,
                       handled.node, (char)('A' + handled.frame->from));
            psi_frame_release(&pool, handled.frame);
        }
    }
    story_compare(&told, "frames.txt");
    psi_nic_destroy(nic, &pool);
    psi_event_heap_fini(&heap);
    psi_frame_pool_fini(&pool);
    psi_sim_spec_destroy(spec);
}

static const suite_test tests[] = {
    SUITE_TEST(frames_on_the_wire_tell_their_story),
    SUITE_TEST(bsp_ssp_and_async_tell_their_stories),
};
SUITE_MAIN("sim_transcript", tests)
