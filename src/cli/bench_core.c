/* The pure core's parts that touch every byte of a message, beside memcpy() of as many bytes. */
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/crc32c.h"
#include "bench.h"
#include "ps/frame.h"

enum { PAYLOAD_BYTES = 64 * 1024, WORDS = PAYLOAD_BYTES / 4, ROUNDS_PER_TIMING = 64 };

/* What the measured functions work on. */
typedef struct bench_state {
    psi_frame_pool pool;
    psi_frame *frame;
    uint8_t *from, *to;
    uint32_t sink; /* keeps results alive */
} bench_state;

static void do_memcpy(bench_state *state) {
    memcpy(state->to, state->from, PAYLOAD_BYTES);
    state->sink += state->to[state->sink % PAYLOAD_BYTES];
}

static void do_crc(bench_state *state) {
    state->sink = psi_crc32c(state->sink, state->from, PAYLOAD_BYTES);
}

static void do_encode(bench_state *state) {
    for (size_t i = 0; i < WORDS; i++) {
        psi_put_u32(state->to + 4 * i, (uint32_t)i + state->sink);
    }
    state->sink += state->to[17];
}

static void do_decode(bench_state *state) {
    psi_reader reader = psi_reader_of(state->from, PAYLOAD_BYTES);
    uint32_t sum = 0;
    for (size_t i = 0; i < WORDS; i++) {
        sum += psi_read_u32(&reader);
    }
    state->sink += sum;
}

static void do_seal(bench_state *state) {
    psi_frame_seal(state->frame, state->sink++);
}

static void do_open(bench_state *state) {
    psi_frame_header header;
    if (psi_frame_header_read(state->frame->bytes, &header) == PSI_FRAME_GOOD) {
        state->sink += (uint32_t)psi_frame_payload_check(&header, psi_frame_payload(state->frame));
    }
}

static void do_frame(bench_state *state) {
    psi_frame *const frame = psi_frame_take(&state->pool, PSI_FRAME_FLUSH, 1, 2, PAYLOAD_BYTES);
    if (frame != NULL) {
        memcpy(frame->bytes + PSI_FRAME_HEADER_BYTES, state->from, PAYLOAD_BYTES);
        psi_frame_seal(frame, state->sink++);
        psi_frame_release(&state->pool, frame);
    }
}

/* Bytes per second of work(state), the best of several timings: the machine's noise only ever slows
 * down. */
static double measure(bench_state *state, void (*work)(bench_state *), double budget_s) {
    double best_s = 1e9;
    const double end_s = tt_bench_now_s() + budget_s;
    do {
        const double start_s = tt_bench_now_s();
        for (int i = 0; i < ROUNDS_PER_TIMING; i++) {
            work(state);
        }
        const double spent_s = tt_bench_now_s() - start_s;
        best_s = spent_s < best_s ? spent_s : best_s;
    } while (tt_bench_now_s() < end_s);
    return ROUNDS_PER_TIMING * (double)PAYLOAD_BYTES / best_s;
}

static ps_err run(const tt_bench_options *options, ps_fault *fault) {
    static const struct {
        const char *what;
        void (*work)(bench_state *);
    } cases[] = {
        {"checksum (CRC-32C)", do_crc},
        {"encode u32", do_encode},
        {"decode u32, bounded", do_decode},
        {"frame: seal", do_seal},
        {"frame: check header, payload", do_open},
        {"frame: take, fill, seal, release", do_frame},
    };
    const double budget_s = options->is_quick ? 0.02 : 0.2;
    bench_state state = {.from = calloc(1, PAYLOAD_BYTES), .to = calloc(1, PAYLOAD_BYTES)};
    state.frame = psi_frame_take(&state.pool, PSI_FRAME_ROWS, 1, 2, PAYLOAD_BYTES);
    ps_err err = PS_OK;
    if (state.from == NULL || state.to == NULL || state.frame == NULL) {
        err = ps_fault_set(fault, PS_ENOMEM, "%s", ps_err_text(PS_ENOMEM));
        goto done;
    }
    for (size_t i = 0; i < PAYLOAD_BYTES; i++) {
        state.from[i] = (uint8_t)(i * 167 + 13);
    }
    memcpy(state.frame->bytes + PSI_FRAME_HEADER_BYTES, state.from, PAYLOAD_BYTES);
    const double limit = measure(&state, do_memcpy, budget_s);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const double value = measure(&state, cases[i].work, budget_s);
        const tt_bench_line line = {.bench = "core",
                                    .what = cases[i].what,
                                    .value = value,
                                    .unit = "B/s",
                                    .limit = limit,
                                    .limit_name = "memcpy"};
        tt_bench_print(&line);
    }
done:
    psi_frame_release(&state.pool, state.frame);
    psi_frame_pool_fini(&state.pool);
    free(state.from);
    free(state.to);
    return err;
}

const tt_bench tt_bench_core = {
    .name = "core", .summary = "frames, codec and checksum beside memcpy", .run = run};
