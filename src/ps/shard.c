#include "ps/shard.h"

#include <stdlib.h>

/* ---- Setting up ---- */

static ps_err table_init(psi_shard *shard, uint32_t t) {
    const psi_table_layout *const layout = &shard->options.layout->tables[t];
    psi_shard_table *const table = &shard->tables[t];
    table->row_count = psi_shard_row_count(shard->options.layout, t, shard->options.shard);
    const size_t row_count = table->row_count == 0 ? 1 : table->row_count;
    if (layout->layout == PS_DENSE) {
        table->dense = calloc(row_count, layout->row_size_bytes);
    } else {
        table->sparse = calloc(row_count, sizeof *table->sparse);
    }
    if (table->dense == NULL && table->sparse == NULL) {
        return PS_ENOMEM;
    }
    if (!shard->options.policy.ops->pushes) {
        return PS_OK;
    }
    table->subscribers = calloc(row_count * shard->subscriber_words, sizeof *table->subscribers);
    table->is_dirty = calloc(row_count, sizeof *table->is_dirty);
    table->dirty = calloc(row_count, sizeof *table->dirty);
    if (table->subscribers == NULL || table->is_dirty == NULL || table->dirty == NULL) {
        return PS_ENOMEM;
    }
    void *scratch = shard->scratch;
    if (!psi_array_reserve(&scratch, &shard->scratch_capacity, row_count, sizeof *shard->scratch)) {
        return PS_ENOMEM;
    }
    shard->scratch = scratch;
    return PS_OK;
}

ps_err psi_shard_init(psi_shard *shard, const psi_shard_options *options) {
    *shard = (psi_shard){.options = *options,
                         .clients_at_min = options->client_count,
                         .subscriber_words = (options->client_count + 63) / 64};
    shard->clients = calloc(options->client_count, sizeof *shard->clients);
    shard->rank_clocks = calloc(options->worker_count, sizeof *shard->rank_clocks);
    const bool is_good = shard->clients != NULL && shard->rank_clocks != NULL;
    if (!is_good || psi_shard_seen_init(shard) != PS_OK) {
        psi_shard_fini(shard);
        return PS_ENOMEM;
    }
    for (uint32_t t = 0; t < options->layout->table_count; t++) {
        if (table_init(shard, t) != PS_OK) {
            psi_shard_fini(shard);
            return PS_ENOMEM;
        }
    }
    return PS_OK;
}

static void table_fini(psi_shard_table *table) {
    if (table->sparse != NULL) {
        for (uint32_t row = 0; row < table->row_count; row++) {
            psi_sparse_fini(&table->sparse[row]);
        }
    }
    free(table->sparse);
    free(table->dense);
    free(table->subscribers);
    free(table->is_dirty);
    free(table->dirty);
}

void psi_shard_fini(psi_shard *shard) {
    for (uint32_t t = 0; t < PS_TABLES_MAX; t++) {
        table_fini(&shard->tables[t]);
    }
    for (size_t i = 0; i < shard->parked_capacity; i++) {
        psi_buffer_fini(&shard->parked[i].parts);
    }
    for (size_t i = 0; i < shard->held_capacity; i++) {
        psi_buffer_fini(&shard->held[i].bytes);
        free(shard->held[i].sections);
    }
    psi_shard_seen_fini(shard);
    free(shard->parked);
    free(shard->held);
    free(shard->clients);
    free(shard->rank_clocks);
    free(shard->scratch);
    *shard = (psi_shard){0};
}

void *psi_shard_dense_row(const psi_shard *shard, uint32_t table, uint32_t local) {
    return shard->tables[table].dense + local * shard->options.layout->tables[table].row_size_bytes;
}

/* ---- Updates ---- */

static void mark_dirty(psi_shard_table *table, uint32_t row) {
    if (table->is_dirty[row] == 0) {
        table->is_dirty[row] = 1;
        table->dirty[table->dirty_count++] = row;
    }
}

static void mark_part_dirty(psi_shard_table *table, const psi_part *part) {
    psi_part_cursor cursor = psi_part_rows(part);
    uint32_t locals[PSI_PART_BATCH];
    uint32_t count = psi_part_next(&cursor, locals);
    for (; count > 0; count = psi_part_next(&cursor, locals)) {
        for (uint32_t i = 0; i < count; i++) {
            mark_dirty(table, locals[i]);
        }
    }
}

static void apply_dense(const psi_table_layout *layout, psi_shard_table *table,
                        const psi_part *part) {
    if (part->form == PSI_PART_RANGE) {
        psi_values_add(layout->type, table->dense + part->begin * layout->row_size_bytes,
                       part->values, (size_t)part->count * layout->column_count);
        return;
    }
    const uint8_t *values = part->values;
    psi_part_cursor cursor = psi_part_rows(part);
    uint32_t locals[PSI_PART_BATCH];
    uint32_t count = psi_part_next(&cursor, locals);
    for (; count > 0; count = psi_part_next(&cursor, locals)) {
        const psi_value_rows to = {.type = layout->type,
                                   .column_count = layout->column_count,
                                   .table = table->dense,
                                   .rows = locals,
                                   .count = count};
        psi_values_add_rows(&to, values);
        values += count * layout->row_size_bytes;
    }
}

/* Returns false when memory is exhausted. */
static bool apply_sparse(const psi_table_layout *layout, psi_shard_table *table,
                         const psi_part *part) {
    bool has_memory = true;
    const uint8_t *values = part->values;
    psi_part_cursor cursor = psi_part_rows(part);
    uint32_t locals[PSI_PART_BATCH];
    uint32_t count = psi_part_next(&cursor, locals);
    for (; count > 0; count = psi_part_next(&cursor, locals)) {
        for (uint32_t i = 0; i < count; i++) {
            if (i + PSI_SPARSE_AHEAD < count) {
                psi_sparse_prefetch(&table->sparse[locals[i + PSI_SPARSE_AHEAD]]);
            }
            const uint8_t *const row = psi_part_next_row(layout, &values);
            has_memory &= psi_part_add_sparse(&table->sparse[locals[i]], layout->type, row);
        }
    }
    return has_memory;
}

/* Adds the values of `part_count` checked parts to the rows. */
static void apply_parts(psi_shard *shard, psi_reader parts, uint32_t part_count, psi_effects *out) {
    for (uint32_t p = 0; p < part_count; p++) {
        const psi_part part = psi_part_read_checked(&parts, shard->options.layout);
        const psi_table_layout *const layout = &shard->options.layout->tables[part.table];
        psi_shard_table *const table = &shard->tables[part.table];
        if (layout->layout == PS_DENSE) {
            apply_dense(layout, table, &part);
        } else if (!apply_sparse(layout, table, &part)) {
            out->out_of_memory = true;
        }
        if (table->is_dirty != NULL) {
            mark_part_dirty(table, &part);
        }
    }
}

/* Finds or makes the place where the updates of `stamp` wait. Returns NULL when memory is
 * exhausted. */
static psi_held *held_of(psi_shard *shard, uint32_t stamp) {
    size_t at = 0;
    while (at < shard->held_count && shard->held[at].stamp < stamp) {
        at++;
    }
    if (at < shard->held_count && shard->held[at].stamp == stamp) {
        return &shard->held[at];
    }
    void *held = shard->held;
    if (!psi_array_reserve(&held, &shard->held_capacity, shard->held_count + 1,
                           sizeof *shard->held)) {
        return NULL;
    }
    shard->held = held;
    psi_held fresh = shard->held[shard->held_count];
    if (fresh.sections == NULL) {
        fresh.sections = calloc(shard->options.worker_count, sizeof *fresh.sections);
        if (fresh.sections == NULL) {
            return NULL;
        }
    }
    fresh.stamp = stamp;
    memmove(&shard->held[at + 1], &shard->held[at], (shard->held_count - at) * sizeof *shard->held);
    shard->held[at] = fresh;
    shard->held_count++;
    return &shard->held[at];
}

static void hold_section(psi_shard *shard, uint32_t rank, uint32_t stamp, psi_reader parts,
                         uint32_t part_count, psi_effects *out) {
    psi_held *const held = held_of(shard, stamp);
    const size_t offset_bytes = held == NULL ? 0 : held->bytes.size_bytes;
    uint8_t *const to = held == NULL ? NULL : psi_buffer_extend(&held->bytes, parts.left_bytes);
    if (to == NULL) {
        out->out_of_memory = true;
        return;
    }
    memcpy(to, parts.at, parts.left_bytes);
    held->sections[rank] = (psi_held_section){
        .part_count = part_count, .offset_bytes = offset_bytes, .size_bytes = parts.left_bytes};
}

/* Applies what waits for a clock that is now complete, clock by clock and in rank order. */
static void apply_held(psi_shard *shard, psi_effects *out) {
    const bool everything = shard->clients_left == shard->options.client_count;
    while (shard->held_count > 0 && (everything || shard->held[0].stamp < shard->clock_min)) {
        psi_held held = shard->held[0];
        for (uint32_t rank = 0; rank < shard->options.worker_count; rank++) {
            psi_held_section *const section = &held.sections[rank];
            if (section->size_bytes > 0) {
                const uint8_t *const bytes = held.bytes.bytes + section->offset_bytes;
                apply_parts(shard, psi_reader_of(bytes, section->size_bytes), section->part_count,
                            out);
                section->size_bytes = 0;
            }
        }
        held.bytes.size_bytes = 0;
        shard->held_count--;
        memmove(&shard->held[0], &shard->held[1], shard->held_count * sizeof *shard->held);
        shard->held[shard->held_count] = held;
    }
}

/* ---- Clocks ---- */

/* Finds the smallest clock of the clients that have not left; of all if none is left. */
static void find_clock_min(psi_shard *shard) {
    const bool all_left = shard->clients_left == shard->options.client_count;
    uint32_t clock_min = UINT32_MAX;
    shard->clients_at_min = 0;
    for (uint32_t i = 0; i < shard->options.client_count; i++) {
        const psi_shard_client *const client = &shard->clients[i];
        if (client->has_left && !all_left) {
            continue;
        }
        if (client->clock < clock_min) {
            clock_min = client->clock;
            shard->clients_at_min = 0;
        }
        shard->clients_at_min += client->clock == clock_min;
    }
    if (clock_min > shard->clock_min) { /* clocks never go back, whoever left early (G5) */
        shard->clock_min = clock_min;
    }
}

static void answer_parked(psi_shard *shard, psi_effects *out) {
    size_t kept = 0;
    for (size_t i = 0; i < shard->parked_count; i++) {
        psi_parked parked = shard->parked[i];
        if (shard->clients[parked.client].has_left) {
            continue; /* nobody there wants it any more, nor gets what is pushed */
        }
        if (parked.need_clock <= shard->clock_min) {
            psi_reader parts = psi_reader_of(parked.parts.bytes, parked.parts.size_bytes);
            const uint32_t part_count = psi_read_u32(&parts);
            psi_shard_send_rows(shard, parked.client, parts, part_count, out);
            continue;
        }
        shard->parked[i] = shard->parked[kept]; /* keeps the memory of the answered one */
        shard->parked[kept++] = parked;
    }
    shard->parked_count = kept;
}

/* After a client's clock went from `before` up, or it left: advances the shard's clock if it can.
 */
static void advance(psi_shard *shard, uint32_t before, psi_effects *out) {
    if (before == shard->clock_min && --shard->clients_at_min == 0) {
        const uint32_t clock_before = shard->clock_min;
        find_clock_min(shard);
        out->clock_advanced = shard->clock_min > clock_before;
    }
    out->all_left = shard->clients_left == shard->options.client_count;
    if (!out->clock_advanced && !out->all_left) {
        return;
    }
    apply_held(shard, out);
    /* Pushed rows go first: whoever hears of a clock takes its subscribed rows for that new. */
    if (shard->options.policy.ops->pushes) {
        psi_shard_push_dirty(shard, out);
    }
    answer_parked(shard, out);
}

/* ---- Frames ---- */

/* One worker's updates of one clock, inside a flush. */
typedef struct flush_section {
    uint32_t rank, stamp, part_count;
    psi_reader parts;
} flush_section;

static bool parts_are_valid(const psi_shard *shard, psi_reader parts, uint32_t part_count,
                            bool with_values) {
    for (uint32_t p = 0; p < part_count; p++) {
        psi_part part;
        if (!psi_part_read(&parts, shard->options.layout, shard->options.shard, with_values,
                           &part)) {
            return false;
        }
    }
    return !parts.failed && parts.left_bytes == 0;
}

static bool read_section(psi_reader *reader, flush_section *section_out) {
    section_out->rank = psi_read_u32(reader);
    section_out->stamp = psi_read_u32(reader);
    section_out->part_count = psi_read_u32(reader);
    const uint32_t size_bytes = psi_read_u32(reader);
    const uint8_t *const bytes = psi_read_bytes(reader, size_bytes);
    section_out->parts = psi_reader_of(bytes, size_bytes);
    return bytes != NULL;
}

/* Whether the client may have sent the section: its own rank, a stamp that is neither finished nor
 * used. */
static bool section_is_valid(const psi_shard *shard, uint32_t client,
                             const flush_section *section) {
    const psi_shard_options *const options = &shard->options;
    const uint32_t ranks = options->worker_count / options->client_count;
    if (section->rank / ranks != client || section->rank >= options->worker_count ||
        section->part_count == 0) {
        return false;
    }
    return section->stamp >= shard->rank_clocks[section->rank] && section->stamp != UINT32_MAX &&
           section->stamp >= shard->clients[client].clock;
}

static bool flush_is_valid(const psi_shard *shard, uint32_t client, psi_reader reader) {
    const uint64_t sequence = psi_read_u64(&reader);
    const uint32_t clock = psi_read_u32(&reader);
    const uint32_t section_count = psi_read_u32(&reader);
    const psi_shard_client *const state = &shard->clients[client];
    /* A client's clock goes up by one, or by more when the slowest of several workers leaves. */
    const bool may_jump = shard->options.worker_count > shard->options.client_count;
    if (sequence != state->sequence + 1 || clock < state->clock || clock == UINT32_MAX ||
        (clock - state->clock > 1 && !may_jump)) {
        return false;
    }
    uint64_t last = 0; /* sections ascend by rank, then stamp: none comes twice */
    for (uint32_t i = 0; i < section_count; i++) {
        flush_section section = {0};
        if (!read_section(&reader, &section) || !section_is_valid(shard, client, &section) ||
            !parts_are_valid(shard, section.parts, section.part_count, true)) {
            return false;
        }
        const uint64_t order = ((uint64_t)section.rank << 32 | section.stamp) + 1;
        if (order <= last) {
            return false;
        }
        last = order;
    }
    return !reader.failed && reader.left_bytes == 0;
}

static bool step_flush(psi_shard *shard, uint32_t client, psi_reader reader, psi_effects *out) {
    if (!flush_is_valid(shard, client, reader)) {
        return false;
    }
    psi_shard_client *const state = &shard->clients[client];
    const uint32_t clock_before = state->clock;
    state->sequence = psi_read_u64(&reader);
    state->clock = psi_read_u32(&reader);
    const uint32_t section_count = psi_read_u32(&reader);
    for (uint32_t i = 0; i < section_count; i++) {
        flush_section section = {0};
        (void)read_section(&reader, &section);
        shard->rank_clocks[section.rank] = section.stamp + 1;
        if (section.stamp + 1 > shard->clock_max) {
            shard->clock_max = section.stamp + 1;
        }
        if (shard->options.policy.ops->applies_in_rank_order) {
            hold_section(shard, section.rank, section.stamp, section.parts, section.part_count,
                         out);
        } else {
            apply_parts(shard, section.parts, section.part_count, out);
        }
    }
    if (state->clock > shard->clock_max) {
        shard->clock_max = state->clock;
    }
    if (state->clock > clock_before) {
        advance(shard, clock_before, out);
    }
    return true;
}

static void park(psi_shard *shard, uint32_t client, uint32_t need_clock, psi_reader parts,
                 psi_effects *out) {
    void *parked = shard->parked;
    if (!psi_array_reserve(&parked, &shard->parked_capacity, shard->parked_count + 1,
                           sizeof *shard->parked)) {
        out->out_of_memory = true;
        return;
    }
    shard->parked = parked;
    psi_parked *const entry = &shard->parked[shard->parked_count];
    entry->client = client;
    entry->need_clock = need_clock;
    entry->parts.size_bytes = 0;
    uint8_t *const to = psi_buffer_extend(&entry->parts, parts.left_bytes);
    if (to == NULL) {
        out->out_of_memory = true;
        return;
    }
    memcpy(to, parts.at, parts.left_bytes);
    shard->parked_count++;
}

static bool step_fetch(psi_shard *shard, uint32_t client, psi_reader reader, psi_effects *out) {
    const uint32_t need_clock = psi_read_u32(&reader);
    psi_reader parked_parts = reader;
    const uint32_t part_count = psi_read_u32(&reader);
    if (reader.failed || !parts_are_valid(shard, reader, part_count, false)) {
        return false;
    }
    if (need_clock <= shard->clock_min) {
        psi_shard_send_rows(shard, client, reader, part_count, out);
    } else {
        park(shard, client, need_clock, parked_parts, out);
    }
    return true;
}

static bool step_leave(psi_shard *shard, uint32_t client, psi_reader reader, psi_effects *out) {
    if (reader.left_bytes != 0) {
        return false;
    }
    shard->clients[client].has_left = true;
    shard->clients_left++;
    advance(shard, shard->clients[client].clock, out);
    return true;
}

static bool step_push(psi_shard *shard, uint32_t client, psi_reader reader, psi_effects *out) {
    const uint64_t handle = psi_read_u64(&reader);
    const uint32_t part_count = psi_read_u32(&reader);
    if (psi_read_u32(&reader) != 0 || reader.failed ||
        !parts_are_valid(shard, reader, part_count, true)) {
        return false;
    }
    apply_parts(shard, reader, part_count, out);
    const uint32_t self = shard->options.client_count + shard->options.shard;
    psi_frame *const answer = psi_effects_frame(out, PSI_FRAME_PUSH_ACK, self, client, 8);
    if (answer != NULL) {
        psi_put_u64(answer->bytes + PSI_FRAME_HEADER_BYTES, handle);
    }
    return true;
}

static bool step_pull(psi_shard *shard, uint32_t client, psi_reader reader, psi_effects *out) {
    const uint64_t handle = psi_read_u64(&reader);
    const uint32_t part_count = psi_read_u32(&reader);
    if (psi_read_u32(&reader) != 0 || reader.failed ||
        !parts_are_valid(shard, reader, part_count, false)) {
        return false;
    }
    psi_shard_send_pulled(shard, client, handle, reader, part_count, out);
    return true;
}

static bool handle_frame(psi_shard *shard, const psi_frame *frame, psi_effects *out) {
    const uint32_t client = frame->from;
    const psi_reader reader =
        psi_reader_of(psi_frame_payload(frame), psi_frame_payload_size_bytes(frame));
    switch (frame->type) {
    case PSI_FRAME_FLUSH:
        return step_flush(shard, client, reader, out);
    case PSI_FRAME_FETCH:
        return step_fetch(shard, client, reader, out);
    case PSI_FRAME_LEAVE:
        return step_leave(shard, client, reader, out);
    case PSI_FRAME_PUSH:
        return step_push(shard, client, reader, out);
    case PSI_FRAME_PULL:
        return step_pull(shard, client, reader, out);
    case PSI_FRAME_SEEN:
        return psi_shard_seen_frame(shard, client, reader);
    default:
        return false;
    }
}

bool psi_shard_step(psi_shard *shard, const psi_frame *frame, psi_effects *out) {
    const uint32_t client = frame->from;
    if (client >= shard->options.client_count || shard->clients[client].has_left) {
        return false;
    }
    if (!handle_frame(shard, frame, out)) {
        return false;
    }
    if (shard->options.policy.ops->bounds_values) {
        psi_shard_seen_tell(shard, out);
    }
    return true;
}
