#include "ps/shard.h"

enum { ROWS_HEADER_BYTES = 16, BITS_PER_WORD = 64 };

static void subscribe(psi_shard *shard, uint32_t client, const psi_part *part) {
    uint64_t *const subscribers = shard->tables[part->table].subscribers;
    const uint64_t bit = UINT64_C(1) << (client % BITS_PER_WORD);
    psi_part_cursor cursor = psi_part_rows(part);
    uint32_t locals[PSI_PART_BATCH];
    uint32_t count = psi_part_next(&cursor, locals);
    for (; count > 0; count = psi_part_next(&cursor, locals)) {
        for (uint32_t i = 0; i < count; i++) {
            const size_t row = locals[i];
            subscribers[row * shard->subscriber_words + client / BITS_PER_WORD] |= bit;
        }
    }
}

static bool is_subscribed(const psi_shard *shard, uint32_t client, uint32_t table, size_t row) {
    const uint64_t word =
        shard->tables[table].subscribers[row * shard->subscriber_words + client / BITS_PER_WORD];
    return (word >> (client % BITS_PER_WORD) & 1) != 0;
}

static size_t values_size_bytes(const psi_shard *shard, const psi_part *part) {
    const psi_table_layout *const table = &shard->options.layout->tables[part->table];
    if (table->layout == PS_DENSE) {
        return part->count * table->row_size_bytes;
    }
    size_t size_bytes = 0;
    psi_part_cursor cursor = psi_part_rows(part);
    uint32_t locals[PSI_PART_BATCH];
    uint32_t count = psi_part_next(&cursor, locals);
    for (; count > 0; count = psi_part_next(&cursor, locals)) {
        for (uint32_t i = 0; i < count; i++) {
            size_bytes +=
                psi_sparse_wire_size(table, &shard->tables[part->table].sparse[locals[i]]);
        }
    }
    return size_bytes;
}

/* Writes the values of some rows at `to` and returns the end. */
static uint8_t *put_rows(const psi_shard *shard, uint32_t table_index, const uint32_t *locals,
                         uint32_t count, uint8_t *to) {
    const psi_table_layout *const table = &shard->options.layout->tables[table_index];
    if (table->layout == PS_DENSE) {
        psi_values_gather(to, shard->tables[table_index].dense, table->row_size_bytes, locals,
                          count);
        return to + count * table->row_size_bytes;
    }
    for (uint32_t i = 0; i < count; i++) {
        to = psi_part_put_sparse(to, table->type, &shard->tables[table_index].sparse[locals[i]]);
    }
    return to;
}

/* Writes the values of the part's rows at `to` and returns the end. */
static uint8_t *put_values(const psi_shard *shard, const psi_part *part, uint8_t *to) {
    const psi_table_layout *const table = &shard->options.layout->tables[part->table];
    if (table->layout == PS_DENSE && part->form == PSI_PART_RANGE) {
        const size_t size_bytes = part->count * table->row_size_bytes;
        memcpy(to, shard->tables[part->table].dense + part->begin * table->row_size_bytes,
               size_bytes);
        return to + size_bytes;
    }
    psi_part_cursor cursor = psi_part_rows(part);
    uint32_t locals[PSI_PART_BATCH];
    uint32_t count = psi_part_next(&cursor, locals);
    for (; count > 0; count = psi_part_next(&cursor, locals)) {
        to = put_rows(shard, part->table, locals, count, to);
    }
    return to;
}

/* Writes the asked part with its values at `to` and returns the end: the keys as they came. */
static uint8_t *put_part(const psi_shard *shard, const psi_part *part, uint8_t *to) {
    const size_t keys_size_bytes = psi_keys_form_size(part->form, part->count);
    to = psi_part_put_header(to, part->table, part->form | PSI_PART_VALUES, part->count,
                             part->begin);
    if (keys_size_bytes > 0) {
        memcpy(to, part->keys, keys_size_bytes);
    }
    return put_values(shard, part, to + keys_size_bytes);
}

static size_t part_size_bytes(const psi_shard *shard, const psi_part *part) {
    return PSI_PART_HEADER_BYTES + psi_keys_form_size(part->form, part->count) +
           values_size_bytes(shard, part);
}

/* Starts an answer: `head` (u64), `clock` (u32), part_count (u32). Returns where its parts go, or
 * NULL when memory is out. */
static uint8_t *start_answer(psi_shard *shard, psi_frame *frame, uint64_t head,
                             uint32_t part_count) {
    if (frame == NULL) {
        return NULL;
    }
    uint8_t *const to = frame->bytes + PSI_FRAME_HEADER_BYTES;
    psi_put_u64(to, head);
    psi_put_u32(to + 8, shard->clock_min);
    psi_put_u32(to + 12, part_count);
    return to + ROWS_HEADER_BYTES;
}

void psi_shard_send_rows(psi_shard *shard, uint32_t client, psi_reader parts, uint32_t part_count,
                         psi_effects *out) {
    const psi_layout *const layout = shard->options.layout;
    size_t size_bytes = ROWS_HEADER_BYTES;
    psi_reader sizes = parts;
    for (uint32_t p = 0; p < part_count; p++) {
        const psi_part part = psi_part_read_checked(&sizes, layout);
        size_bytes += part_size_bytes(shard, &part);
    }
    const uint32_t self = shard->options.client_count + shard->options.shard;
    if (shard->options.policy.ops->bounds_values) {
        psi_shard_seen_answer(shard, client, out);
    }
    psi_frame *const frame = psi_effects_frame(out, PSI_FRAME_ROWS, self, client, size_bytes);
    uint8_t *to = start_answer(shard, frame, shard->clients[client].sequence, part_count);
    for (uint32_t p = 0; to != NULL && p < part_count; p++) {
        const psi_part part = psi_part_read_checked(&parts, layout);
        to = put_part(shard, &part, to);
        frame->row_count += part.count;
        if (shard->options.policy.ops->pushes) {
            subscribe(shard, client, &part);
        }
    }
}

void psi_shard_send_pulled(psi_shard *shard, uint32_t client, uint64_t handle, psi_reader parts,
                           uint32_t part_count, psi_effects *out) {
    const psi_layout *const layout = shard->options.layout;
    size_t size_bytes = ROWS_HEADER_BYTES;
    psi_reader sizes = parts;
    for (uint32_t p = 0; p < part_count; p++) {
        const psi_part part = psi_part_read_checked(&sizes, layout);
        size_bytes += PSI_PART_HEADER_BYTES + values_size_bytes(shard, &part);
    }
    const uint32_t self = shard->options.client_count + shard->options.shard;
    psi_frame *const frame = psi_effects_frame(out, PSI_FRAME_PULL_ROWS, self, client, size_bytes);
    uint8_t *to = start_answer(shard, frame, handle, part_count);
    for (uint32_t p = 0; to != NULL && p < part_count; p++) {
        const psi_part part = psi_part_read_checked(&parts, layout);
        to =
            psi_part_put_header(to, part.table, PSI_PART_AS_ASKED | PSI_PART_VALUES, part.count, 0);
        to = put_values(shard, &part, to);
        frame->row_count += part.count;
    }
}

/* Puts the dirty rows of a table into ascending order where that is cheap: it makes ranges of them.
 */
static void order_dirty(psi_shard_table *table) {
    if (table->dirty_count < table->row_count / 8) {
        return;
    }
    uint32_t count = 0;
    for (uint32_t row = 0; row < table->row_count; row++) {
        table->dirty[count] = row;
        count += table->is_dirty[row];
        if (count == table->dirty_count) {
            break;
        }
    }
}

/* The dirty rows of one table that the client subscribed to, into shard->scratch. Returns how many.
 */
static uint32_t dirty_rows_of(psi_shard *shard, uint32_t client, uint32_t table_index) {
    const psi_shard_table *const table = &shard->tables[table_index];
    uint32_t count = 0;
    for (uint32_t i = 0; i < table->dirty_count; i++) {
        if (is_subscribed(shard, client, table_index, table->dirty[i])) {
            shard->scratch[count++] = table->dirty[i];
        }
    }
    return count;
}

static size_t pushed_size_bytes(psi_shard *shard, uint32_t client, uint32_t *part_count_out) {
    size_t size_bytes = ROWS_HEADER_BYTES;
    *part_count_out = 0;
    for (uint32_t t = 0; t < shard->options.layout->table_count; t++) {
        const psi_table_layout *const table = &shard->options.layout->tables[t];
        const uint32_t count = dirty_rows_of(shard, client, t);
        if (count == 0) {
            continue;
        }
        (*part_count_out)++;
        const psi_keys keys = psi_keys_of_locals(t, shard->scratch, count);
        size_bytes += psi_keys_size(&keys);
        if (table->layout == PS_DENSE) {
            size_bytes += count * table->row_size_bytes;
            continue;
        }
        for (uint32_t i = 0; i < count; i++) {
            size_bytes += psi_sparse_wire_size(table, &shard->tables[t].sparse[shard->scratch[i]]);
        }
    }
    return size_bytes;
}

static void push_to(psi_shard *shard, uint32_t client, psi_effects *out) {
    uint32_t part_count;
    const size_t size_bytes = pushed_size_bytes(shard, client, &part_count);
    const uint32_t self = shard->options.client_count + shard->options.shard;
    psi_frame *const frame = psi_effects_frame(out, PSI_FRAME_ROWS, self, client, size_bytes);
    uint8_t *to = start_answer(shard, frame, shard->clients[client].sequence, part_count);
    for (uint32_t t = 0; to != NULL && t < shard->options.layout->table_count; t++) {
        const uint32_t count = dirty_rows_of(shard, client, t);
        if (count > 0) {
            const psi_keys keys = psi_keys_of_locals(t, shard->scratch, count);
            to = psi_part_put_keys(to, &keys, true);
            to = put_rows(shard, t, shard->scratch, count, to);
            frame->row_count += count;
        }
    }
}

void psi_shard_push_dirty(psi_shard *shard, psi_effects *out) {
    for (uint32_t t = 0; t < shard->options.layout->table_count; t++) {
        order_dirty(&shard->tables[t]);
    }
    for (uint32_t client = 0; client < shard->options.client_count; client++) {
        if (!shard->clients[client].has_left) {
            push_to(shard, client, out);
        }
    }
    for (uint32_t t = 0; t < shard->options.layout->table_count; t++) {
        psi_shard_table *const table = &shard->tables[t];
        for (uint32_t i = 0; i < table->dirty_count; i++) {
            table->is_dirty[table->dirty[i]] = 0;
        }
        table->dirty_count = 0;
    }
}

/* ---- Snapshots ---- */

static psi_part whole_table(const psi_shard *shard, uint32_t table) {
    return (psi_part){
        .table = table, .count = shard->tables[table].row_count, .form = PSI_PART_RANGE};
}

size_t psi_shard_dump_size(const psi_shard *shard) {
    size_t size_bytes = 0;
    for (uint32_t t = 0; t < shard->options.layout->table_count; t++) {
        const psi_part part = whole_table(shard, t);
        size_bytes += part_size_bytes(shard, &part);
    }
    return size_bytes;
}

void psi_shard_dump(const psi_shard *shard, uint8_t *to) {
    for (uint32_t t = 0; t < shard->options.layout->table_count; t++) {
        const psi_part part = whole_table(shard, t);
        to = put_part(shard, &part, to);
    }
}
