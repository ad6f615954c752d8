/* The pure core's parts that touch every byte or every key of a message, beside memcpy() of as many
 * bytes: a key stands for one float. */
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/crc32c.h"
#include "bench.h"
#include "ps/frame.h"
#include "ps/part.h"

enum {
    PAYLOAD_BYTES = 64 * 1024,
    WORDS = PAYLOAD_BYTES / 4,
    ROUNDS_PER_TIMING = 64,
    TABLE_ROWS = 1 << 20,
    ROW_STEP = TABLE_ROWS / WORDS
};

/* What the measured functions work on. */
typedef struct bench_state {
    psi_frame_pool pool;
    psi_frame *frame;
    uint8_t *from, *to;
    uint32_t sink; /* keeps results alive */
    psi_layout layout;
    float *table;   /* TABLE_ROWS zeros */
    uint64_t *rows; /* WORDS of them, ascending, about ROW_STEP apart */
    uint8_t *keys;  /* a part that names them */
    size_t keys_size_bytes;
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

static void do_put_keys(bench_state *state) {
    psi_keys keys = psi_keys_of_rows(0, state->rows, WORDS);
    psi_keys_set_base(&keys, 0);
    const uint8_t *const end = psi_part_put_keys(state->keys, &keys, false);
    state->keys_size_bytes = (size_t)(end - state->keys);
}

static void do_check_keys(bench_state *state) {
    psi_reader reader = psi_reader_of(state->keys, state->keys_size_bytes);
    psi_part part;
    state->sink += psi_part_read(&reader, &state->layout, 0, false, &part);
}

/* Adds the first numbers of the table, all 0, at the keys, as a shard does. */
static void do_add_at_keys(bench_state *state) {
    psi_reader reader = psi_reader_of(state->keys, state->keys_size_bytes);
    const psi_part part = psi_part_read_checked(&reader, &state->layout);
    psi_part_cursor cursor = psi_part_rows(&part);
    uint32_t locals[PSI_PART_BATCH];
    const float *values = (const float *)(const void *)state->to;
    uint32_t count = psi_part_next(&cursor, locals);
    for (; count > 0; count = psi_part_next(&cursor, locals)) {
        const psi_value_rows to = {.type = PS_F32,
                                   .column_count = 1,
                                   .table = state->table,
                                   .rows = locals,
                                   .count = count};
        psi_values_add_rows(&to, values);
        values += count;
    }
}

static void do_add_range(bench_state *state) {
    psi_values_add(PS_F32, state->table, state->to, WORDS);
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

/* Fills the part of the state that the keys need. False: memory is exhausted. */
static bool make_keys(bench_state *state) {
    const ps_table_spec spec = {.name = "keys",
                                .type = PS_F32,
                                .layout = PS_DENSE,
                                .row_count = TABLE_ROWS,
                                .column_count = 1};
    state->table = calloc(TABLE_ROWS, sizeof *state->table);
    state->rows = calloc(WORDS, sizeof *state->rows);
    state->keys = calloc(1, PSI_PART_HEADER_BYTES + PAYLOAD_BYTES);
    if (state->table == NULL || state->rows == NULL || state->keys == NULL ||
        psi_layout_init(&state->layout, &spec, 1, 1) != PS_OK) {
        return false;
    }
    for (uint64_t i = 0; i < WORDS; i++) {
        state->rows[i] = i * ROW_STEP + i * i % ROW_STEP;
    }
    do_put_keys(state);
    return true;
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
        {"keys: write, ascending", do_put_keys},
        {"keys: check", do_check_keys},
        {"keys: add a float at each", do_add_at_keys},
        {"floats: add a range", do_add_range},
    };
    const double budget_s = options->is_quick ? 0.02 : 0.2;
    bench_state state = {.from = calloc(1, PAYLOAD_BYTES), .to = calloc(1, PAYLOAD_BYTES)};
    const bool has_keys = make_keys(&state);
    state.frame = psi_frame_take(&state.pool, PSI_FRAME_ROWS, 1, 2, PAYLOAD_BYTES);
    ps_err err = PS_OK;
    if (!has_keys || state.from == NULL || state.to == NULL || state.frame == NULL) {
        err = ps_fault_set(fault, PS_ENOMEM, "%s", ps_err_text(PS_ENOMEM));
        goto done;
    }
    for (size_t i = 0; i < PAYLOAD_BYTES; i++) {
        state.from[i] = (uint8_t)(i * 167 + 13);
    }
    memcpy(state.frame->bytes + PSI_FRAME_HEADER_BYTES, state.from, PAYLOAD_BYTES);
    const double limit = measure(&state, do_memcpy, budget_s);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        memset(state.to, 0, PAYLOAD_BYTES); /* what is added: nothing grows */
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
    free(state.table);
    free(state.rows);
    free(state.keys);
    return err;
}

const tt_bench tt_bench_core = {
    .name = "core", .summary = "frames, codec and checksum beside memcpy", .run = run};
