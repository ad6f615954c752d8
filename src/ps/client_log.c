#include "ps/client.h"
#include "ps/part.h"

enum { FLUSH_HEADER_BYTES = 16, SECTION_HEADER_BYTES = 16 };

/* Finds the cached place of row `i` of the segment, or PSI_CACHE_NONE, and has its value on its way
 * to the processor. */
static uint32_t position_ahead(const psi_client *client, const psi_block *block,
                               const psi_segment *segment, uint32_t i) {
    const psi_cache_table *const table = &client->tables[segment->table];
    const psi_place place = {.shard = segment->shard, .local = block->locals[segment->first + i]};
    const uint32_t position =
        psi_cache_find(table, psi_place_row(client->options.layout, segment->table, place));
    if (position != PSI_CACHE_NONE && table->is_sparse) {
        psi_sparse_prefetch(psi_cache_sparse(table, position));
    }
    return position;
}

/* Adds the updates of one segment to the cached rows that have a value; `only_mark` restricts it to
 * rows that a certain frame brought (0: all). */
static void apply_segment(psi_client *client, const psi_block *block, const psi_segment *segment,
                          uint64_t only_mark, psi_effects *out) {
    const psi_layout *const layout = client->options.layout;
    const psi_table_layout *const table_layout = &layout->tables[segment->table];
    psi_cache_table *const table = &client->tables[segment->table];
    const uint8_t *at = block->values.bytes + segment->offset_bytes;
    uint32_t positions[PSI_SPARSE_AHEAD] = {0}; /* of the rows that come next */
    for (uint32_t i = 0; i < segment->count + PSI_SPARSE_AHEAD; i++) {
        const uint32_t position = positions[i % PSI_SPARSE_AHEAD];
        if (i < segment->count) {
            positions[i % PSI_SPARSE_AHEAD] = position_ahead(client, block, segment, i);
        }
        if (i < PSI_SPARSE_AHEAD) {
            continue;
        }
        const uint8_t *const values = psi_part_next_row(table_layout, &at);
        const psi_cached_row *const row =
            position == PSI_CACHE_NONE ? NULL : psi_cache_row(table, position);
        if (row == NULL || !row->has_value) {
            continue;
        }
        if (only_mark != 0 && row->frame_mark != only_mark) {
            continue;
        }
        if (table_layout->layout == PS_DENSE) {
            psi_values_add(table_layout->type, psi_cache_dense(table, position), values,
                           table_layout->column_count);
        } else if (!psi_part_add_sparse(psi_cache_sparse(table, position), table_layout->type,
                                        values)) {
            out->out_of_memory = true;
        }
    }
}

void psi_client_log_append(psi_client *client, uint32_t worker, psi_block *block,
                           psi_effects *out) {
    void *log = client->log;
    if (!psi_array_reserve(&log, &client->log_capacity, client->log_count + 1,
                           sizeof *client->log)) {
        out->out_of_memory = true;
        return;
    }
    client->log = log;
    psi_log_entry *const entry = &client->log[client->log_count++];
    const psi_block empty = entry->block;
    entry->block = *block;
    *block = empty;
    psi_block_clear(block);
    entry->worker = worker;
    entry->stamp = client->workers[worker].clock;
    entry->sequence = 0;
    entry->norm = client->workers[worker].held_norm;
    if (!client->options.policy.ops->applies_in_rank_order) {
        for (size_t s = 0; s < entry->block.segment_count; s++) {
            apply_segment(client, &entry->block, &entry->block.segments[s], 0, out);
        }
    }
}

/* ---- Flushing ---- */

/* Bytes of the parts of one section: what `entry` has for `shard`. Counts them too. */
static size_t section_size_bytes(const psi_log_entry *entry, uint32_t shard,
                                 uint32_t *part_count_out) {
    size_t size_bytes = 0;
    *part_count_out = 0;
    for (size_t s = 0; s < entry->block.segment_count; s++) {
        const psi_segment *const segment = &entry->block.segments[s];
        if (segment->shard == shard) {
            const psi_keys keys = psi_keys_of_locals(
                segment->table, entry->block.locals + segment->first, segment->count);
            size_bytes += psi_keys_size(&keys) + segment->size_bytes;
            (*part_count_out)++;
        }
    }
    return size_bytes;
}

static uint8_t *put_section(const psi_client *client, const psi_log_entry *entry, uint32_t shard,
                            psi_frame *frame, uint8_t *to) {
    uint32_t part_count;
    const size_t size_bytes = section_size_bytes(entry, shard, &part_count);
    const uint32_t first_rank = client->options.client * client->options.worker_count;
    psi_put_u32(to, first_rank + entry->worker);
    psi_put_u32(to + 4, entry->stamp);
    psi_put_u32(to + 8, part_count);
    psi_put_u32(to + 12, (uint32_t)size_bytes);
    to += SECTION_HEADER_BYTES;
    for (size_t s = 0; s < entry->block.segment_count; s++) {
        const psi_segment *const segment = &entry->block.segments[s];
        if (segment->shard != shard) {
            continue;
        }
        const psi_keys keys = psi_keys_of_locals(
            segment->table, entry->block.locals + segment->first, segment->count);
        to = psi_part_put_keys(to, &keys, true);
        memcpy(to, entry->block.values.bytes + segment->offset_bytes, segment->size_bytes);
        to += segment->size_bytes;
        frame->row_count += segment->count;
    }
    return to;
}

/* Sends the unsent entries, log[first_unsent..], to one shard: sections by rank, then stamp. */
static void flush_to(psi_client *client, uint32_t shard, size_t first_unsent, psi_effects *out) {
    size_t size_bytes = FLUSH_HEADER_BYTES;
    uint32_t section_count = 0;
    uint32_t part_count;
    for (size_t i = first_unsent; i < client->log_count; i++) {
        const size_t section_bytes = section_size_bytes(&client->log[i], shard, &part_count);
        size_bytes += part_count > 0 ? SECTION_HEADER_BYTES + section_bytes : 0;
        section_count += part_count > 0;
    }
    psi_frame *const frame =
        psi_effects_frame(out, PSI_FRAME_FLUSH, client->options.client,
                          psi_client_shard_endpoint(client, shard), size_bytes);
    if (frame == NULL) {
        return;
    }
    uint8_t *to = frame->bytes + PSI_FRAME_HEADER_BYTES;
    psi_put_u64(to, client->sequence);
    psi_put_u32(to + 8, client->clock_min);
    psi_put_u32(to + 12, section_count);
    to += FLUSH_HEADER_BYTES;
    for (uint32_t w = 0; section_count > 0 && w < client->options.worker_count; w++) {
        for (size_t i = first_unsent; i < client->log_count; i++) {
            if (client->log[i].worker != w) {
                continue;
            }
            (void)section_size_bytes(&client->log[i], shard, &part_count);
            if (part_count > 0) {
                to = put_section(client, &client->log[i], shard, frame, to);
            }
        }
    }
}

/* Updates that are stamped below have been seen by all, as far as the policy cares. */
static uint32_t seen_by_all(const psi_client *client) {
    uint32_t seen = UINT32_MAX;
    for (uint32_t m = 0;
         client->options.policy.ops->bounds_values && m < client->options.layout->shard_count;
         m++) {
        seen = client->shards[m].seen < seen ? client->shards[m].seen : seen;
    }
    return seen;
}

/* Forgets the oldest entries up to flush `sequence` that all have seen; their memory goes to the
 * back. */
static void forget(psi_client *client, uint64_t sequence) {
    const uint32_t seen = seen_by_all(client);
    size_t count = 0;
    while (count < client->log_count && client->log[count].sequence != 0 &&
           client->log[count].sequence <= sequence && client->log[count].stamp < seen) {
        count++;
    }
    for (size_t i = 0; count > 0 && i + count < client->log_count; i++) {
        const psi_log_entry entry = client->log[i];
        client->log[i] = client->log[i + count];
        client->log[i + count] = entry;
    }
    client->log_count -= count;
}

/* The last flush that no frame to come can lack: a shard's answers lack nothing that was sent
 * before they were asked for; what a shard pushes may lack all that it has not acknowledged. */
static uint64_t settled_sequence(const psi_client *client) {
    if (client->options.policy.ops->applies_in_rank_order) {
        return client->sequence;
    }
    uint64_t settled = client->sequence;
    for (uint32_t m = 0; m < client->options.layout->shard_count; m++) {
        const psi_client_shard *const shard = &client->shards[m];
        const bool may_lack = client->options.policy.ops->pushes || shard->fetches_under_way > 0;
        if (may_lack && shard->acknowledged < settled) {
            settled = shard->acknowledged;
        }
    }
    return settled;
}

void psi_client_log_flush(psi_client *client, psi_effects *out) {
    size_t first_unsent = client->log_count;
    while (first_unsent > 0 && client->log[first_unsent - 1].sequence == 0) {
        first_unsent--;
    }
    client->sequence++;
    for (uint32_t m = 0; m < client->options.layout->shard_count; m++) {
        flush_to(client, m, first_unsent, out);
    }
    for (size_t i = first_unsent; i < client->log_count; i++) {
        client->log[i].sequence = client->sequence;
    }
    forget(client, settled_sequence(client));
}

void psi_client_log_received(psi_client *client, uint32_t shard, uint64_t sequence,
                             psi_effects *out) {
    client->shards[shard].acknowledged = sequence;
    if (client->log_count == 0) {
        return;
    }
    for (size_t i = 0; !client->options.policy.ops->applies_in_rank_order && i < client->log_count;
         i++) {
        const psi_log_entry *const entry = &client->log[i];
        if (entry->sequence != 0 && entry->sequence <= sequence) {
            continue;
        }
        for (size_t s = 0; s < entry->block.segment_count; s++) {
            if (entry->block.segments[s].shard == shard) {
                apply_segment(client, &entry->block, &entry->block.segments[s],
                              client->shards[shard].frame_count, out);
            }
        }
    }
    forget(client, settled_sequence(client));
}
