#include "trace_file.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sys/stat.h>
#include <unistd.h>

#include "outdir.h"
#include "ps/frame.h"

/* What becomes of a span: several lines of the file, each at its own time. */
typedef enum line_kind { LINE_SPAN, LINE_FRAME_BEGIN, LINE_FRAME_END, LINE_CLOCK_END } line_kind;

typedef struct trace_line {
    int64_t at_ns, until_ns;
    size_t index; /* of the span, and of the line among all */
    line_kind kind;
    size_t partner; /* FRAME_*: the span of the other end */
} trace_line;

typedef struct trace_writer {
    FILE *file;
    const psi_plan *plan;
    const psi_results *results;
    trace_line *lines; /* owned */
    size_t line_count;
    int64_t *under_way_bytes; /* by node; owned */
    uint32_t *clocks;         /* by rank: those that have ended; owned */
    uint32_t slowest;         /* clock of the slowest worker */
    uint32_t slowest_count;   /* workers that are at that clock */
    bool has_line;
} trace_writer;

static const char *const frame_names[PSI_FRAME_TYPES] = {
    [PSI_FRAME_FETCH] = "FETCH", [PSI_FRAME_ROWS] = "ROWS",
    [PSI_FRAME_FLUSH] = "FLUSH", [PSI_FRAME_LEAVE] = "LEAVE",
    [PSI_FRAME_PUSH] = "PUSH",   [PSI_FRAME_PUSH_ACK] = "PUSH_ACK",
    [PSI_FRAME_PULL] = "PULL",   [PSI_FRAME_PULL_ROWS] = "PULL_ROWS",
    [PSI_FRAME_MODEL] = "MODEL", [PSI_FRAME_SUMS] = "SUMS",
    [PSI_FRAME_TRACE] = "TRACE", [PSI_FRAME_STOP] = "STOP",
    [PSI_FRAME_SEEN] = "SEEN",   [PSI_FRAME_SEEN_BY_ALL] = "SEEN_BY_ALL",
};

static const char *const mark_names[PSI_MARK_KINDS] = {
    [PSI_MARK_READY] = "ready",
    [PSI_MARK_LEFT] = "left",
    [PSI_MARK_STOP] = "stop",
    [PSI_MARK_END] = "end",
};

static const char *frame_name(const psi_span *span) {
    const char *const name = span->what < PSI_FRAME_TYPES ? frame_names[span->what] : NULL;
    return name == NULL ? "frame" : name;
}

/* Ends are rounded like begins, so what is nested stays so. */
static int64_t ns_of(double seconds) {
    return (int64_t)llround(seconds * 1e9);
}

/* ---- Which lines there are, and their order ---- */

/* Orders the two ends of a frame behind each other: by sender, receiver, number. */
typedef struct frame_end {
    uint32_t from, to, number;
    bool is_sent;
    size_t span;
} frame_end;

static int compare_numbers(uint64_t a, uint64_t b) {
    return (a > b) - (a < b);
}

static int compare_ends(const void *left, const void *right) {
    const frame_end *const a = left;
    const frame_end *const b = right;
    int order = compare_numbers((uint64_t)a->from << 32 | a->to, (uint64_t)b->from << 32 | b->to);
    order = order != 0 ? order : compare_numbers(a->number, b->number);
    return order != 0 ? order : (int)b->is_sent - (int)a->is_sent;
}

/* By time; what encloses comes before what it encloses. */
static int compare_lines(const void *left, const void *right) {
    const trace_line *const a = left;
    const trace_line *const b = right;
    if (a->at_ns != b->at_ns) {
        return a->at_ns < b->at_ns ? -1 : 1;
    }
    if (a->until_ns != b->until_ns) {
        return a->until_ns > b->until_ns ? -1 : 1;
    }
    const int order = compare_numbers(a->index, b->index);
    return order != 0 ? order : (int)a->kind - (int)b->kind;
}

static void add_line(trace_writer *writer, line_kind kind, size_t span, size_t partner) {
    const psi_span *const of = &writer->results->spans[span];
    const psi_span *const other = &writer->results->spans[partner];
    const bool is_at_end = kind == LINE_CLOCK_END;
    int64_t at_ns = ns_of(is_at_end ? of->end_s : of->begin_s);
    if (kind == LINE_FRAME_END && ns_of(other->begin_s) > at_ns) {
        at_ns = ns_of(other->begin_s); /* the clocks of two machines differ by more than the way */
    }
    writer->lines[writer->line_count++] =
        (trace_line){.at_ns = at_ns,
                     .until_ns = kind == LINE_SPAN ? ns_of(of->end_s) : at_ns,
                     .index = span,
                     .kind = kind,
                     .partner = partner};
}

/* Frames whose two ends are both known become two lines. */
static bool add_frames(trace_writer *writer) {
    const psi_results *const results = writer->results;
    frame_end *const ends = malloc((results->span_count + 1) * sizeof *ends);
    size_t count = 0;
    if (ends == NULL) {
        return false;
    }
    for (size_t i = 0; i < results->span_count; i++) {
        const psi_span *const span = &results->spans[i];
        const bool is_sent = span->kind == PSI_SPAN_SEND;
        if ((is_sent || span->kind == PSI_SPAN_DELIVER) && span->number != 0) {
            ends[count++] = (frame_end){.from = is_sent ? span->who : span->other,
                                        .to = is_sent ? span->other : span->who,
                                        .number = span->number,
                                        .is_sent = is_sent,
                                        .span = i};
        }
    }
    qsort(ends, count, sizeof *ends, compare_ends);
    for (size_t i = 0; i + 1 < count; i++) {
        const frame_end *const a = &ends[i];
        const frame_end *const b = &ends[i + 1];
        const bool are_one = a->is_sent && !b->is_sent && a->from == b->from && a->to == b->to &&
                             a->number == b->number;
        if (are_one) {
            add_line(writer, LINE_FRAME_BEGIN, a->span, b->span);
            add_line(writer, LINE_FRAME_END, b->span, a->span);
        }
    }
    free(ends);
    return true;
}

static bool make_lines(trace_writer *writer) {
    const psi_results *const results = writer->results;
    writer->lines = malloc((2 * results->span_count + 1) * sizeof *writer->lines);
    if (writer->lines == NULL) {
        return false;
    }
    for (size_t i = 0; i < results->span_count; i++) {
        if (results->spans[i].kind != PSI_SPAN_SEND) { /* told by the frame's two lines */
            add_line(writer, LINE_SPAN, i, i);
        }
        if (results->spans[i].kind == PSI_SPAN_CLOCK) {
            add_line(writer, LINE_CLOCK_END, i, i);
        }
    }
    if (!add_frames(writer)) {
        return false;
    }
    qsort(writer->lines, writer->line_count, sizeof *writer->lines, compare_lines);
    return true;
}

/* ---- Lines ---- */

/* Threads: workers by rank, then endpoints. */
static uint32_t thread_of_endpoint(const psi_plan *plan, uint32_t endpoint) {
    return plan->worker_count + endpoint;
}

/* Begins an event of `node`, `thread`; the caller adds fields and closes it. */
static void begin_event(trace_writer *writer, const char *name, const char *phase, uint32_t node,
                        uint32_t thread) {
    (void)fprintf(writer->file,
                  "%s\n{\"name\":\"%s\",\"ph\":\"%s\",\"pid\":%" PRIu32 ",\"tid\":%" PRIu32,
                  writer->has_line ? "," : "", name, phase, node, thread);
    writer->has_line = true;
}

static void put_us(const trace_writer *writer, const char *field, int64_t ns) {
    const char *const sign = ns < 0 ? "-" : "";
    const uint64_t size_ns = ns < 0 ? (uint64_t)-ns : (uint64_t)ns;
    (void)fprintf(writer->file, ",\"%s\":%s%" PRIu64 ".%03" PRIu64, field, sign, size_ns / 1000,
                  size_ns % 1000);
}

static void name_thread(trace_writer *writer, uint32_t node, uint32_t thread, const char *kind,
                        uint32_t number) {
    begin_event(writer, "thread_name", "M", node, thread);
    (void)fprintf(writer->file, ",\"args\":{\"name\":\"%s %" PRIu32 "\"}}", kind, number);
    begin_event(writer, "thread_sort_index", "M", node, thread);
    (void)fprintf(writer->file, ",\"args\":{\"sort_index\":%" PRIu32 "}}", thread);
}

static void name_all(trace_writer *writer) {
    const psi_plan *const plan = writer->plan;
    const uint32_t workers_per_node = plan->worker_count / plan->node_count;
    for (uint32_t node = 0; node < plan->node_count; node++) {
        begin_event(writer, "process_name", "M", node, 0);
        (void)fprintf(writer->file, ",\"args\":{\"name\":\"node %" PRIu32 "\"}}", node);
        const uint32_t client = psi_endpoint_client(node);
        name_thread(writer, node, thread_of_endpoint(plan, client), "client", node);
    }
    for (uint32_t rank = 0; rank < plan->worker_count; rank++) {
        name_thread(writer, rank / workers_per_node, rank, "worker", rank);
    }
    for (uint32_t shard = 0; shard < plan->shard_count; shard++) {
        const uint32_t endpoint = psi_endpoint_shard(plan, shard);
        name_thread(writer, psi_endpoint_node(plan, endpoint), thread_of_endpoint(plan, endpoint),
                    "shard", shard);
    }
    for (uint32_t process = 0; process < plan->process_count; process++) {
        name_thread(writer, process, thread_of_endpoint(plan, psi_endpoint_monitor(plan, process)),
                    "evaluation", process);
    }
}

/* An event that lasts; the caller writes its arguments. */
static void begin_span(trace_writer *writer, const trace_line *line, const char *name,
                       uint32_t thread) {
    begin_event(writer, name, "X", writer->results->spans[line->index].node, thread);
    put_us(writer, "ts", line->at_ns);
    put_us(writer, "dur", line->until_ns - line->at_ns);
    (void)fputs(",\"args\":{", writer->file);
}

static void put_wait(trace_writer *writer, const trace_line *line, const psi_span *span) {
    begin_span(writer, line, "wait", span->who);
    (void)fprintf(writer->file, "\"clock\":%" PRIu32 ",", span->clock);
    if (span->what == PSI_AWAITED_ROW && span->table < writer->plan->table_count) {
        (void)fprintf(writer->file,
                      "\"for\":\"row\",\"table\":\"%s\",\"row\":%" PRIu64 ",\"shard\":%" PRIu32
                      ",\"need_clock\":%" PRIu32 "}}",
                      writer->plan->specs[span->table].name, span->amount, span->other,
                      span->number);
    } else if (span->what == PSI_AWAITED_SEEN) {
        (void)fprintf(writer->file,
                      "\"for\":\"seen by all\",\"shard\":%" PRIu32 ",\"need_clock\":%" PRIu32 "}}",
                      span->other, span->number);
    } else {
        (void)fputs("\"for\":\"answer\"}}", writer->file);
    }
}

static void put_mark(trace_writer *writer, const trace_line *line, const psi_span *span) {
    const bool is_of_worker = span->what == PSI_MARK_LEFT;
    begin_event(writer, span->what < PSI_MARK_KINDS ? mark_names[span->what] : "mark", "i",
                span->node,
                is_of_worker ? span->who
                             : thread_of_endpoint(writer->plan, psi_endpoint_client(span->node)));
    put_us(writer, "ts", line->at_ns);
    (void)fprintf(writer->file, ",\"s\":\"%s\"}", is_of_worker ? "t" : "p");
}

/* A worker has ended a clock: tells the slowest one's clock, whenever it grows. */
static void put_slowest(trace_writer *writer, const trace_line *line) {
    const psi_span *const span = &writer->results->spans[line->index];
    const uint32_t worker_count = writer->plan->worker_count;
    const bool was_slowest = writer->clocks[span->who] == writer->slowest;
    writer->clocks[span->who] = span->clock + 1;
    writer->slowest_count -= was_slowest && span->clock + 1 > writer->slowest ? 1 : 0;
    if (writer->slowest_count > 0) {
        return;
    }
    writer->slowest = UINT32_MAX;
    for (uint32_t rank = 0; rank < worker_count; rank++) {
        const uint32_t clock = writer->clocks[rank];
        writer->slowest_count = clock < writer->slowest ? 0 : writer->slowest_count;
        writer->slowest = clock < writer->slowest ? clock : writer->slowest;
        writer->slowest_count += clock == writer->slowest ? 1 : 0;
    }
    begin_event(writer, "slowest worker", "C", 0, 0);
    put_us(writer, "ts", line->at_ns);
    (void)fprintf(writer->file, ",\"args\":{\"clock\":%" PRIu32 "}}", writer->slowest);
}

static void put_span(trace_writer *writer, const trace_line *line) {
    const psi_span *const span = &writer->results->spans[line->index];
    double units = 0;
    switch ((psi_span_kind)span->kind) {
    case PSI_SPAN_COMPUTE:
        memcpy(&units, &span->amount, sizeof units);
        begin_span(writer, line, "compute", span->who);
        (void)fprintf(writer->file, "\"clock\":%" PRIu32 ",\"units\":%.17g}}", span->clock,
                      isfinite(units) ? units : 0.0);
        break;
    case PSI_SPAN_WAIT:
        put_wait(writer, line, span);
        break;
    case PSI_SPAN_CLOCK:
        begin_span(writer, line, "clock", span->who);
        (void)fprintf(writer->file, "\"clock\":%" PRIu32 "}}", span->clock);
        break;
    case PSI_SPAN_DELIVER:
        begin_span(writer, line, frame_name(span), thread_of_endpoint(writer->plan, span->who));
        (void)fprintf(writer->file, "\"from\":%" PRIu32 ",\"bytes\":%" PRIu64 "}}", span->other,
                      span->amount);
        break;
    case PSI_SPAN_EVALUATE:
        begin_span(
            writer, line, "evaluate",
            thread_of_endpoint(writer->plan, psi_endpoint_monitor(writer->plan, span->node)));
        (void)fprintf(writer->file, "\"clock\":%" PRIu32 "}}", span->clock);
        break;
    case PSI_SPAN_MARK:
        put_mark(writer, line, span);
        break;
    case PSI_SPAN_SEND:
    case PSI_SPAN_KINDS:
        break;
    }
}

/* One end of a frame's way, and what it makes of the bytes under way. */
static void put_frame(trace_writer *writer, const trace_line *line) {
    const bool is_begin = line->kind == LINE_FRAME_BEGIN;
    const psi_span *const sent = &writer->results->spans[is_begin ? line->index : line->partner];
    const uint32_t thread = thread_of_endpoint(writer->plan, sent->who);
    begin_event(writer, frame_name(sent), is_begin ? "b" : "e", sent->node, thread);
    put_us(writer, "ts", line->at_ns);
    (void)fprintf(writer->file,
                  ",\"cat\":\"frame\",\"id\":%zu,\"args\":{\"from\":%" PRIu32 ",\"to\":%" PRIu32
                  ",\"bytes\":%" PRIu64 "}}",
                  is_begin ? line->index : line->partner, sent->who, sent->other, sent->amount);
    if (psi_endpoint_node(writer->plan, sent->other) == sent->node) {
        return;
    }
    int64_t *const under_way = &writer->under_way_bytes[sent->node];
    *under_way += is_begin ? (int64_t)sent->amount : -(int64_t)sent->amount;
    begin_event(writer, "bytes under way", "C", sent->node, 0);
    put_us(writer, "ts", line->at_ns);
    (void)fprintf(writer->file, ",\"args\":{\"bytes\":%" PRId64 "}}", *under_way);
}

static void put_line(trace_writer *writer, const trace_line *line) {
    switch (line->kind) {
    case LINE_SPAN:
        put_span(writer, line);
        break;
    case LINE_FRAME_BEGIN:
    case LINE_FRAME_END:
        put_frame(writer, line);
        break;
    case LINE_CLOCK_END:
        put_slowest(writer, line);
        break;
    }
}

static void write_all(trace_writer *writer) {
    const psi_plan *const plan = writer->plan;
    (void)fprintf(
        writer->file,
        "{\"displayTimeUnit\":\"ms\",\"otherData\":{\"algorithm\":\"%s\",\"nodes\":%" PRIu32
        ",\"workers\":%" PRIu32 ",\"shards\":%" PRIu32 ",\"spans\":%zu,\"dropped\":%" PRIu64
        "},\"traceEvents\":[",
        plan->algo->name, plan->node_count, plan->worker_count, plan->shard_count,
        writer->results->span_count, writer->results->spans_dropped);
    name_all(writer);
    for (size_t i = 0; i < writer->line_count; i++) {
        put_line(writer, &writer->lines[i]);
    }
    (void)fputs("\n]}\n", writer->file);
}

static ps_err cannot_write(const char *path, ps_fault *fault) {
    return ps_fault_set(fault, PS_EIO, "%s: the trace cannot be written: %s", path,
                        strerror(errno));
}

/* The name of the file while it is being made. */
static ps_err temporary_of(const char *path, char text[static TT_PATH_MAX], ps_fault *fault) {
    const int length = snprintf(text, TT_PATH_MAX, "%s.partial-%ld", path, (long)getpid());
    return length > 0 && length < TT_PATH_MAX
               ? PS_OK
               : ps_fault_set(fault, PS_EINVAL, "%s: the path is too long", path);
}

static ps_err write_file(trace_writer *writer, const char *path, ps_fault *fault) {
    char temporary[TT_PATH_MAX];
    PS_TRY(temporary_of(path, temporary, fault));
    writer->file = fopen(temporary, "wb");
    if (writer->file == NULL) {
        return cannot_write(path, fault);
    }
    write_all(writer);
    const bool has_failed = ferror(writer->file) != 0;
    const bool is_closed = fclose(writer->file) == 0;
    if (has_failed || !is_closed || rename(temporary, path) != 0) {
        (void)cannot_write(path, fault);
        (void)unlink(temporary);
        return PS_EIO;
    }
    return PS_OK;
}

ps_err tt_trace_write(const char *path, const psi_plan *plan, const psi_results *results,
                      ps_fault *fault) {
    trace_writer writer = {.plan = plan,
                           .results = results,
                           .under_way_bytes =
                               calloc(plan->node_count, sizeof *writer.under_way_bytes),
                           .clocks = calloc(plan->worker_count, sizeof *writer.clocks),
                           .slowest_count = plan->worker_count};
    ps_err err = PS_ENOMEM;
    if (writer.under_way_bytes != NULL && writer.clocks != NULL && make_lines(&writer)) {
        err = write_file(&writer, path, fault);
    } else {
        (void)ps_fault_set(fault, PS_ENOMEM, "%s: %s", path, ps_err_text(PS_ENOMEM));
    }
    free(writer.under_way_bytes);
    free(writer.clocks);
    free(writer.lines);
    return err;
}

ps_err tt_trace_check(const char *path, ps_fault *fault) {
    if (path[0] == '\0') {
        return ps_fault_set(fault, PS_EINVAL, "--trace: no file is named");
    }
    struct stat status;
    if (stat(path, &status) == 0 && S_ISDIR(status.st_mode)) {
        errno = EISDIR; /* rename() would say so, but after the run */
        return cannot_write(path, fault);
    }
    char temporary[TT_PATH_MAX];
    PS_TRY(temporary_of(path, temporary, fault));
    FILE *const file = fopen(temporary, "wb");
    if (file == NULL) {
        return cannot_write(path, fault);
    }
    (void)fclose(file);
    (void)unlink(temporary);
    return PS_OK;
}
