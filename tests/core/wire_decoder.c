#include "core/wire_decoder.h"

#include <string.h>

/* The rest of a payload. */
typedef struct cursor {
    const uint8_t *at;
    size_t left;
    bool is_short;
    const wire_table *tables;
    uint32_t table_count;
    FILE *out;
} cursor;

static uint64_t number(cursor *cursor, size_t width) {
    uint64_t value = 0;
    if (cursor->left < width) {
        cursor->is_short = true;
        cursor->left = 0;
        return 0;
    }
    for (size_t i = 0; i < width; i++) {
        value |= (uint64_t)cursor->at[i] << (8 * i);
    }
    cursor->at += width;
    cursor->left -= width;
    return value;
}

static uint32_t u32(cursor *cursor) {
    return (uint32_t)number(cursor, 4);
}

static double f64(cursor *cursor) {
    const uint64_t bits = number(cursor, 8);
    double value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

/* CRC-32C bit by bit: polynomial 1EDC6F41, reflected. */
static uint32_t checksum(const uint8_t *bytes, size_t size) {
    uint32_t crc = 0xffffffff;
    for (size_t i = 0; i < size; i++) {
        crc ^= bytes[i];
        for (int bit = 0; bit < 8; bit++) {
            crc = crc >> 1 ^ (0x82f63b78 & (0 - (crc & 1)));
        }
    }
    return ~crc;
}

static void value(cursor *cursor, char type) {
    if (type == 'd') {
        fprintf(cursor->out, " %.17g", f64(cursor));
    } else if (type == 'l') {
        fprintf(cursor->out, " %lld", (long long)number(cursor, 8));
    } else if (type == 'i') {
        fprintf(cursor->out, " %d", (int32_t)u32(cursor));
    } else {
        const uint32_t bits = u32(cursor);
        float single;
        memcpy(&single, &bits, sizeof single);
        fprintf(cursor->out, " %.9g", (double)single);
    }
}

static void row_of_values(cursor *cursor, const wire_table *table) {
    if (!table->is_sparse) {
        for (uint32_t i = 0; i < table->column_count && !cursor->is_short; i++) {
            value(cursor, table->type);
        }
        return;
    }
    uint32_t columns[64];
    const uint32_t count = u32(cursor);
    cursor->is_short = cursor->is_short || count > 64;
    for (uint32_t i = 0; i < count && !cursor->is_short; i++) {
        columns[i] = u32(cursor);
    }
    for (uint32_t i = 0; i < count && !cursor->is_short; i++) {
        fprintf(cursor->out, " %u:", columns[i]);
        value(cursor, table->type);
    }
}

/* Forms of keys: 0 a range, 1 a list, 4 and 8 gaps of one and two bytes, 16 none. */
static bool keys(cursor *cursor, uint32_t form, uint32_t begin, uint32_t count, uint32_t *rows) {
    const size_t width = form / 4;
    if (form == 4 || form == 8) {
        uint32_t row = begin;
        for (uint32_t i = 0; i + 1 < count; i++) {
            rows[i] = row;
            row += (uint32_t)number(cursor, width) + 1;
        }
        rows[count - 1] = row;
        for (size_t used = (count - 1) * width; used % 4 != 0; used++) {
            if (number(cursor, 1) != 0) {
                return false;
            }
        }
        return !cursor->is_short;
    }
    for (uint32_t i = 0; i < count; i++) {
        rows[i] = form == 1 ? u32(cursor) : begin + i;
    }
    return form <= 1 || form == 16;
}

static const char *form_name(uint32_t form) {
    switch (form) {
    case 0:
        return "range of";
    case 1:
        return "list of";
    case 4:
        return "gaps of a byte between";
    case 8:
        return "gaps of two bytes between";
    default:
        return "as asked,";
    }
}

static bool part(cursor *cursor) {
    const uint32_t table = (uint32_t)number(cursor, 2);
    const uint32_t kind = (uint32_t)number(cursor, 2);
    const uint32_t count = u32(cursor);
    const uint32_t begin = u32(cursor);
    const uint32_t reserved = u32(cursor);
    const uint32_t form = kind & ~2u;
    uint32_t rows[1000];
    if (cursor->is_short || table >= cursor->table_count || reserved != 0 || count > 1000 ||
        (count < 2 && (form == 4 || form == 8)) || !keys(cursor, form, begin, count, rows)) {
        return false;
    }
    fprintf(cursor->out, "    part: table %u, %s %u rows%s\n", table, form_name(form), count,
            (kind & 2) != 0 ? " with values" : "");
    for (uint32_t i = 0; i < count && !cursor->is_short; i++) {
        if (form == 16) {
            fprintf(cursor->out, "      asked row %u", i);
        } else {
            fprintf(cursor->out, "      row %u", rows[i]);
        }
        if ((kind & 2) != 0) {
            row_of_values(cursor, &cursor->tables[table]);
        }
        fputc('\n', cursor->out);
    }
    return !cursor->is_short;
}

static bool parts(cursor *cursor, uint32_t count) {
    for (uint32_t i = 0; i < count; i++) {
        if (!part(cursor)) {
            return false;
        }
    }
    return true;
}

static bool fetch(cursor *cursor) {
    const uint32_t need_clock = u32(cursor);
    const uint32_t count = u32(cursor);
    fprintf(cursor->out, "  needs clock %u, %u parts\n", need_clock, count);
    return parts(cursor, count);
}

static bool rows(cursor *cursor, const char *name) {
    const uint64_t head = number(cursor, 8);
    const uint32_t clock = u32(cursor);
    const uint32_t count = u32(cursor);
    fprintf(cursor->out, "  %s %llu, clock %u, %u parts\n", name, (unsigned long long)head, clock,
            count);
    return parts(cursor, count);
}

static bool flush(cursor *cursor) {
    const uint64_t sequence = number(cursor, 8);
    const uint32_t clock = u32(cursor);
    const uint32_t count = u32(cursor);
    fprintf(cursor->out, "  sequence %llu, clock %u, %u sections\n", (unsigned long long)sequence,
            clock, count);
    for (uint32_t i = 0; i < count; i++) {
        const uint32_t rank = u32(cursor);
        const uint32_t stamp = u32(cursor);
        const uint32_t part_count = u32(cursor);
        const uint32_t size_bytes = u32(cursor);
        const size_t before = cursor->left;
        fprintf(cursor->out, "   section: rank %u, stamp %u, %u parts, %u bytes\n", rank, stamp,
                part_count, size_bytes);
        if (!parts(cursor, part_count) || before - cursor->left != size_bytes) {
            return false;
        }
    }
    return true;
}

static bool access(cursor *cursor) {
    const uint64_t handle = number(cursor, 8);
    const uint32_t count = u32(cursor);
    const uint32_t reserved = u32(cursor);
    fprintf(cursor->out, "  handle %llu, %u parts\n", (unsigned long long)handle, count);
    return reserved == 0 && parts(cursor, count);
}

static bool model(cursor *cursor) {
    const uint32_t shard = u32(cursor);
    const uint32_t flags = u32(cursor);
    const uint32_t clock_min = u32(cursor);
    const uint32_t clock_max = u32(cursor);
    fprintf(cursor->out, "  shard %u, %s%s, clocks %u to %u\n", shard,
            (flags & 1) != 0 ? "final" : "on the way", (flags & 2) != 0 ? " with rows" : "",
            clock_min, clock_max);
    return flags <= 3 && ((flags & 2) == 0 || parts(cursor, cursor->table_count));
}

static void totals(cursor *cursor) {
    const double units = f64(cursor);
    const uint64_t bytes = number(cursor, 8);
    const uint64_t frames = number(cursor, 8);
    fprintf(cursor->out, "  %.17g units, %llu bytes, %llu frames, evaluation took %.17g s\n", units,
            (unsigned long long)bytes, (unsigned long long)frames, f64(cursor));
}

static bool sums(cursor *cursor) {
    const uint32_t clock = u32(cursor);
    const uint32_t first_rank = u32(cursor);
    const uint32_t worker_count = u32(cursor);
    const uint32_t sum_count = u32(cursor);
    fprintf(cursor->out, "  clock %u, ranks from %u, %u workers\n", clock, first_rank,
            worker_count);
    totals(cursor);
    for (uint64_t i = 0; i < (uint64_t)worker_count * sum_count && !cursor->is_short; i++) {
        fprintf(cursor->out, "    sum %.17g\n", f64(cursor));
    }
    return true;
}

static void span(cursor *cursor) {
    const double begin_s = f64(cursor);
    const double end_s = f64(cursor);
    fprintf(cursor->out, "    span from %.17g to %.17g s, %llu:", begin_s, end_s,
            (unsigned long long)number(cursor, 8));
    for (int i = 0; i < 8; i++) {
        fprintf(cursor->out, " %u", u32(cursor));
    }
    fputc('\n', cursor->out);
}

static bool trace(cursor *cursor) {
    const uint64_t row_count = number(cursor, 8);
    const uint64_t bin_count = number(cursor, 8);
    totals(cursor);
    const uint64_t span_count = number(cursor, 8);
    fprintf(cursor->out, "  %llu spans, %llu lost\n", (unsigned long long)span_count,
            (unsigned long long)number(cursor, 8));
    for (uint64_t i = 0; i < row_count && !cursor->is_short; i++) {
        const uint32_t rank = u32(cursor);
        const uint32_t clock = u32(cursor);
        const double start_s = f64(cursor);
        const double compute_s = f64(cursor);
        const double wait_s = f64(cursor);
        const double end_s = f64(cursor);
        fprintf(cursor->out,
                "    rank %u, clock %u: from %.17g to %.17g s, compute %.17g, wait %.17g\n", rank,
                clock, start_s, end_s, compute_s, wait_s);
    }
    for (uint64_t i = 0; i < bin_count && !cursor->is_short; i++) {
        fprintf(cursor->out, "    %llu reads at %lld\n", (unsigned long long)number(cursor, 8),
                -1 - (long long)i);
    }
    for (uint64_t i = 0; i < span_count && !cursor->is_short; i++) {
        span(cursor);
    }
    return true;
}

static bool seen(cursor *cursor) {
    const uint64_t released = number(cursor, 8);
    const uint32_t wanted = u32(cursor);
    const uint32_t reserved = u32(cursor);
    fprintf(cursor->out, "  %llu answers released, wants clock %u\n", (unsigned long long)released,
            wanted);
    return reserved == 0;
}

static bool payload(cursor *cursor, uint32_t type) {
    switch (type) {
    case 1:
        return fetch(cursor);
    case 2:
        return rows(cursor, "sequence");
    case 3:
        return flush(cursor);
    case 4: /* LEAVE and STOP are empty */
    case 12:
        return true;
    case 5:
    case 7:
        return access(cursor);
    case 6:
        fprintf(cursor->out, "  handle %llu\n", (unsigned long long)number(cursor, 8));
        return true;
    case 8:
        return rows(cursor, "handle");
    case 9:
        return model(cursor);
    case 10:
        return sums(cursor);
    case 11:
        return trace(cursor);
    case 13:
        return seen(cursor);
    case 14:
        fprintf(cursor->out, "  clock %u", u32(cursor));
        fprintf(cursor->out, ", seen by all %u\n", u32(cursor));
        return true;
    default:
        return false;
    }
}

static bool refuse(FILE *out, const char *reason) {
    fprintf(out, "REFUSED: %s\n", reason);
    return false;
}

bool wire_decode(const uint8_t *bytes, size_t size_bytes, const wire_table *tables,
                 uint32_t table_count, FILE *out) {
    static const char *const names[] = {"?",    "FETCH",    "ROWS", "FLUSH",     "LEAVE",
                                        "PUSH", "PUSH_ACK", "PULL", "PULL_ROWS", "MODEL",
                                        "SUMS", "TRACE",    "STOP", "SEEN",      "SEEN_BY_ALL"};
    cursor header = {.at = bytes, .left = size_bytes, .out = out};
    if (size_bytes < 32 || memcmp(bytes, "TTSF", 4) != 0) {
        return refuse(out, "no frame");
    }
    (void)number(&header, 4);
    const uint32_t version = (uint32_t)number(&header, 1);
    const uint32_t type = (uint32_t)number(&header, 1);
    const uint32_t flags = (uint32_t)number(&header, 2);
    const uint32_t from = u32(&header);
    const uint32_t to = u32(&header);
    const uint32_t payload_size = u32(&header);
    const uint32_t payload_crc = u32(&header);
    const uint32_t sequence = u32(&header);
    const uint32_t header_crc = u32(&header);
    if (version != 2 || type == 0 || type > 14 || flags != 0) {
        return refuse(out, "version, type or flags");
    }
    if (payload_size != header.left || payload_crc != checksum(bytes + 32, payload_size) ||
        header_crc != checksum(bytes, 28)) {
        return refuse(out, "size or checksum");
    }
    fprintf(out, "%s from %u to %u, number %u\n", names[type], from, to, sequence);
    cursor body = {.at = header.at,
                   .left = header.left,
                   .tables = tables,
                   .table_count = table_count,
                   .out = out};
    if (!payload(&body, type) || body.is_short || body.left != 0) {
        return refuse(out, "payload");
    }
    return true;
}
