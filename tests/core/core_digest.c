#include "core/core_digest.h"

uint64_t digest_bytes(uint64_t digest, const void *bytes, size_t size_bytes) {
    const uint8_t *at = bytes;
    for (; size_bytes >= 8; size_bytes -= 8, at += 8) {
        digest = digest_u64(digest, psi_load_u64(at));
    }
    for (; size_bytes > 0; size_bytes--, at++) {
        digest = digest_u64(digest, *at);
    }
    return digest;
}

static uint64_t digest_sparse(uint64_t digest, ps_type type, const psi_sparse *row) {
    digest = digest_u64(digest, row->count);
    digest = digest_bytes(digest, row->columns, row->count * sizeof *row->columns);
    return digest_bytes(digest, row->values, row->count * ps_type_size_bytes(type));
}

static uint64_t digest_block(uint64_t digest, const psi_block *block) {
    for (size_t i = 0; i < block->segment_count; i++) {
        const psi_segment *const segment = &block->segments[i];
        digest = digest_u64(digest, (uint64_t)segment->table << 32 | segment->shard);
        digest = digest_bytes(digest, block->locals + segment->first,
                              segment->count * sizeof *block->locals);
        digest =
            digest_bytes(digest, block->values.bytes + segment->offset_bytes, segment->size_bytes);
    }
    return digest;
}

static uint64_t digest_worker(uint64_t digest, const psi_client_worker *worker,
                              uint32_t shard_count) {
    digest = digest_u64(digest, worker->clock);
    digest = digest_u64(digest, (uint64_t)worker->has_left << 1 | worker->is_waiting);
    if (worker->needs != NULL) {
        digest = digest_bytes(digest, worker->oldest, shard_count * sizeof *worker->oldest);
    }
    if (!worker->is_waiting) {
        return digest;
    }
    if (worker->ends_clock) {
        digest = digest_block(digest, &worker->held);
        return digest_bytes(digest, worker->needs, shard_count * sizeof *worker->needs);
    }
    digest = digest_u64(digest, worker->handle);
    if (worker->wants_room) {
        return digest_u64(digest, worker->pulled_bytes);
    }
    digest = digest_u64(digest, worker->table);
    digest = digest_u64(digest, worker->next);
    return digest_bytes(digest, worker->positions,
                        worker->position_count * sizeof *worker->positions);
}

static uint64_t digest_cache(uint64_t digest, const psi_client *client, uint32_t t) {
    const psi_table_layout *const layout = &client->options.layout->tables[t];
    const psi_cache_table *const table = &client->tables[t];
    for (size_t i = 0; i < table->row_count; i++) {
        const psi_cached_row *const row = psi_cache_row(table, i);
        digest = digest_u64(digest, row->row);
        digest = digest_u64(digest, (uint64_t)row->asked << 32 | row->refreshed_at);
        digest = digest_u64(digest, (uint64_t)row->row_clock << 2 | (uint64_t)row->has_value << 1 |
                                        row->is_subscribed);
        if (!row->has_value) {
            continue;
        }
        if (client->options.policy.ops->bounds_values) {
            digest = digest_u64(digest, row->frame_mark);
        }
        digest = layout->layout == PS_DENSE
                     ? digest_bytes(digest, psi_cache_dense(table, i), layout->row_size_bytes)
                     : digest_sparse(digest, layout->type, psi_cache_sparse(table, i));
    }
    return digest;
}

static uint64_t digest_access(uint64_t digest, const psi_client *client, const psi_access *access) {
    digest = digest_u64(digest, (uint64_t)(access - client->accesses));
    digest = digest_u64(digest, access->generation);
    digest = digest_u64(digest, (uint64_t)access->table << 1 | access->is_pull);
    digest = digest_u64(digest, (uint64_t)access->first_slot << 32 | access->pieces_left);
    for (uint32_t m = 0; m < client->options.layout->shard_count; m++) {
        digest = digest_u64(digest, access->shares[m].count);
    }
    return digest;
}

uint64_t digest_client(uint64_t digest, const psi_client *client) {
    digest = digest_u64(digest, client->sequence);
    digest = digest_u64(digest, client->clock_min);
    for (uint32_t w = 0; w < client->options.worker_count; w++) {
        digest = digest_worker(digest, &client->workers[w], client->options.layout->shard_count);
    }
    for (uint32_t m = 0; m < client->options.layout->shard_count; m++) {
        digest = digest_u64(digest, client->shards[m].acknowledged);
        digest = digest_u64(digest, (uint64_t)client->shards[m].clock << 32 |
                                        client->shards[m].fetches_under_way);
        if (client->options.policy.ops->bounds_values) {
            digest = digest_u64(digest, client->shards[m].frame_count);
            digest = digest_u64(digest, client->shards[m].released);
            digest = digest_u64(digest, (uint64_t)client->shards[m].seen << 32 |
                                            client->shards[m].told_need);
        }
    }
    for (uint32_t t = 0; t < client->options.layout->table_count; t++) {
        digest = digest_cache(digest_u64(digest, t), client, t);
    }
    for (size_t i = 0; i < client->log_count; i++) {
        const psi_log_entry *const entry = &client->log[i];
        digest = digest_u64(digest, (uint64_t)entry->worker << 32 | entry->stamp);
        digest = digest_block(digest_u64(digest, entry->sequence), &entry->block);
    }
    for (size_t i = 0; i < client->access_count; i++) {
        if (client->accesses[i].is_open) {
            digest = digest_access(digest, client, &client->accesses[i]);
        }
    }
    return digest;
}

static uint64_t digest_shard_table(uint64_t digest, const psi_shard *shard, uint32_t t) {
    const psi_table_layout *const layout = &shard->options.layout->tables[t];
    const psi_shard_table *const table = &shard->tables[t];
    if (layout->layout == PS_DENSE) {
        digest = digest_bytes(digest, table->dense, table->row_count * layout->row_size_bytes);
    }
    for (uint32_t row = 0; table->sparse != NULL && row < table->row_count; row++) {
        digest = digest_sparse(digest, layout->type, &table->sparse[row]);
    }
    if (table->subscribers == NULL) {
        return digest;
    }
    digest = digest_bytes(digest, table->subscribers,
                          table->row_count * shard->subscriber_words * sizeof(uint64_t));
    digest = digest_bytes(digest, table->is_dirty, table->row_count);
    return digest_bytes(digest, table->dirty, table->dirty_count * sizeof *table->dirty);
}

static uint64_t digest_held(uint64_t digest, const psi_shard *shard, const psi_held *held) {
    digest = digest_u64(digest, held->stamp);
    for (uint32_t rank = 0; rank < shard->options.worker_count; rank++) {
        const psi_held_section *const section = &held->sections[rank];
        digest = digest_u64(digest, section->size_bytes);
        if (section->size_bytes > 0) {
            digest = digest_bytes(digest, held->bytes.bytes + section->offset_bytes,
                                  section->size_bytes);
        }
    }
    return digest;
}

uint64_t digest_shard(uint64_t digest, const psi_shard *shard) {
    const psi_shard_options *const options = &shard->options;
    digest = digest_u64(digest, (uint64_t)shard->clock_min << 32 | shard->clients_left);
    digest = digest_u64(digest, shard->clients_at_min);
    for (uint32_t i = 0; i < options->client_count; i++) {
        digest = digest_u64(digest, shard->clients[i].sequence);
        digest =
            digest_u64(digest, (uint64_t)shard->clients[i].clock << 1 | shard->clients[i].has_left);
    }
    for (uint32_t i = 0; shard->seen_clients != NULL && i < options->client_count; i++) {
        const psi_seen_client *const client = &shard->seen_clients[i];
        digest = digest_u64(digest, client->answer_count);
        digest = digest_u64(digest, client->released);
        digest = digest_u64(digest, (uint64_t)client->told << 32 | client->wanted);
        for (size_t a = 0; a < client->answers_count; a++) {
            digest = digest_u64(digest, client->answers[a].last);
            digest = digest_u64(digest, client->answers[a].clock);
        }
    }
    digest = digest_bytes(digest, shard->rank_clocks,
                          options->worker_count * sizeof *shard->rank_clocks);
    for (uint32_t t = 0; t < options->layout->table_count; t++) {
        digest = digest_shard_table(digest_u64(digest, t), shard, t);
    }
    for (size_t i = 0; i < shard->parked_count; i++) {
        const psi_parked *const parked = &shard->parked[i];
        digest = digest_u64(digest, (uint64_t)parked->client << 32 | parked->need_clock);
        digest = digest_bytes(digest, parked->parts.bytes, parked->parts.size_bytes);
    }
    for (size_t i = 0; i < shard->held_count; i++) {
        digest = digest_held(digest, shard, &shard->held[i]);
    }
    return digest;
}
