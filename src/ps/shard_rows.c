#include "ps/shard.h"

enum { ROWS_HEADER_BYTES = 16, BITS_PER_WORD = 64 };

static void subscribe(psi_shard *shard, uint32_t client, const psi_part *part) {
    uint64_t *const subscribers = shard->tables[part->table].subscribers;
    const uint64_t bit = UINT64_C(1) << (client % BITS_PER_WORD);
    for (uint32_t i = 0; i < part->count; i++) {
        const size_t row = psi_part_local(part, i);
        subscribers[row * shard->subscriber_words + client / BITS_PER_WORD] |= bit;
    }
}

static bool is_subscribed(const psi_shard *shard, uint32_t client, uint32_t table, size_t row) {
    const uint64_t word =
        shard->tables[table].subscribers[row * shard->subscriber_words + client / BITS_PER_WORD];
    return (word >> (client % BITS_PER_WORD) & 1) != 0;
}

/* Reads the next part of a list of keys that was checked when it arrived. */
static psi_part next_checked_part(const psi_shard *shard, psi_reader *parts) {
    psi_part part = {0};
    const bool is_valid =
        psi_part_read(parts, shard->options.layout, shard->options.shard, false, &part);
    PS_ASSERT(is_valid);
    return part;
}

static size_t keys_size_bytes(const psi_part *part) {
    return PSI_PART_HEADER_BYTES + (part->list == NULL ? 0 : (size_t)part->count * 4);
}

static size_t values_size_bytes(const psi_shard *shard, const psi_part *part) {
    const psi_table_layout *const table = &shard->options.layout->tables[part->table];
    if (table->layout == PS_DENSE) {
        return part->count * table->row_size_bytes;
    }
    size_t size_bytes = 0;
    for (uint32_t i = 0; i < part->count; i++) {
        const psi_sparse *const row = &shard->tables[part->table].sparse[psi_part_local(part, i)];
        size_bytes += psi_sparse_wire_size(table, row);
    }
    return size_bytes;
}

static uint8_t *put_row(const psi_shard *shard, uint32_t table_index, uint32_t local, uint8_t *to) {
    const psi_table_layout *const table = &shard->options.layout->tables[table_index];
    if (table->layout == PS_DENSE) {
        const size_t size_bytes = table->row_size_bytes;
        memcpy(to, shard->tables[table_index].dense + local * size_bytes, size_bytes);
        return to + size_bytes;
    }
    return psi_part_put_sparse(to, table->type, &shard->tables[table_index].sparse[local]);
}

/* Writes the asked part with its values at `to` and returns the end. */
static uint8_t *put_part(const psi_shard *shard, const psi_part *part, uint8_t *to) {
    const psi_table_layout *const table = &shard->options.layout->tables[part->table];
    psi_put_u16(to, (uint16_t)part->table);
    psi_put_u16(to + 2, (part->list == NULL ? PSI_PART_RANGE : PSI_PART_LIST) | PSI_PART_VALUES);
    psi_put_u32(to + 4, part->count);
    psi_put_u32(to + 8, part->begin);
    psi_put_u32(to + 12, 0);
    to += PSI_PART_HEADER_BYTES;
    if (part->list != NULL) {
        memcpy(to, part->list, (size_t)part->count * 4);
        to += (size_t)part->count * 4;
    } else if (table->layout == PS_DENSE) {
        const size_t size_bytes = part->count * table->row_size_bytes;
        memcpy(to, shard->tables[part->table].dense + part->begin * table->row_size_bytes,
               size_bytes);
        return to + size_bytes;
    }
    for (uint32_t i = 0; i < part->count; i++) {
        to = put_row(shard, part->table, psi_part_local(part, i), to);
    }
    return to;
}

/* Whom rows go to, and the first of the 16 bytes before them: `head` (u64), `clock` (u32),
 * part_count (u32). */
typedef struct reply {
    psi_frame_type type;
    uint32_t client;
    uint64_t head;
} reply;

static void send_parts(psi_shard *shard, reply reply, psi_reader parts, uint32_t part_count,
                       psi_effects *out) {
    size_t size_bytes = ROWS_HEADER_BYTES;
    psi_reader sizes = parts;
    for (uint32_t p = 0; p < part_count; p++) {
        const psi_part part = next_checked_part(shard, &sizes);
        size_bytes += keys_size_bytes(&part) + values_size_bytes(shard, &part);
    }
    const uint32_t self = shard->options.client_count + shard->options.shard;
    psi_frame *const frame = psi_effects_frame(out, reply.type, self, reply.client, size_bytes);
    if (frame == NULL) {
        return;
    }
    uint8_t *to = frame->bytes + PSI_FRAME_HEADER_BYTES;
    psi_put_u64(to, reply.head);
    psi_put_u32(to + 8, shard->clock_min);
    psi_put_u32(to + 12, part_count);
    to += ROWS_HEADER_BYTES;
    for (uint32_t p = 0; p < part_count; p++) {
        const psi_part part = next_checked_part(shard, &parts);
        to = put_part(shard, &part, to);
        frame->row_count += part.count;
        if (reply.type == PSI_FRAME_ROWS && shard->options.policy.ops->pushes) {
            subscribe(shard, reply.client, &part);
        }
    }
}

void psi_shard_send_rows(psi_shard *shard, uint32_t client, psi_reader parts, uint32_t part_count,
                         psi_effects *out) {
    const reply reply = {PSI_FRAME_ROWS, client, shard->clients[client].sequence};
    send_parts(shard, reply, parts, part_count, out);
}

void psi_shard_send_pulled(psi_shard *shard, uint32_t client, uint64_t handle, psi_reader parts,
                           uint32_t part_count, psi_effects *out) {
    const reply reply = {PSI_FRAME_PULL_ROWS, client, handle};
    send_parts(shard, reply, parts, part_count, out);
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
        bool is_range;
        (*part_count_out)++;
        size_bytes += psi_part_keys_size(shard->scratch, count, &is_range);
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
    if (frame == NULL) {
        return;
    }
    uint8_t *to = frame->bytes + PSI_FRAME_HEADER_BYTES;
    psi_put_u64(to, shard->clients[client].sequence);
    psi_put_u32(to + 8, shard->clock_min);
    psi_put_u32(to + 12, part_count);
    to += ROWS_HEADER_BYTES;
    for (uint32_t t = 0; t < shard->options.layout->table_count; t++) {
        const uint32_t count = dirty_rows_of(shard, client, t);
        if (count == 0) {
            continue;
        }
        bool is_range;
        (void)psi_part_keys_size(shard->scratch, count, &is_range);
        to = psi_part_put_keys(to, t, shard->scratch, count, is_range, true);
        for (uint32_t i = 0; i < count; i++) {
            to = put_row(shard, t, shard->scratch[i], to);
        }
        frame->row_count += count;
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
    return (psi_part){.table = table, .count = shard->tables[table].row_count};
}

size_t psi_shard_dump_size(const psi_shard *shard) {
    size_t size_bytes = 0;
    for (uint32_t t = 0; t < shard->options.layout->table_count; t++) {
        const psi_part part = whole_table(shard, t);
        size_bytes += keys_size_bytes(&part) + values_size_bytes(shard, &part);
    }
    return size_bytes;
}

void psi_shard_dump(const psi_shard *shard, uint8_t *to) {
    for (uint32_t t = 0; t < shard->options.layout->table_count; t++) {
        const psi_part part = whole_table(shard, t);
        to = put_part(shard, &part, to);
    }
}
