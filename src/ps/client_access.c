#include <stdlib.h>

#include "ps/client.h"
#include "ps/part.h"

enum { ACCESS_HEADER_BYTES = 16 };

static psi_access *find_access(const psi_client *client, uint64_t handle) {
    for (size_t i = 0; handle != 0 && i < client->access_capacity; i++) {
        if (client->accesses[i].handle == handle) {
            return &client->accesses[i];
        }
    }
    return NULL;
}

bool psi_client_access_is_open(const psi_client *client, uint64_t handle) {
    return find_access(client, handle) != NULL;
}

/* Finds an unused access with room for the rows. NULL: memory is exhausted. */
static psi_access *take_access(psi_client *client, size_t row_count) {
    size_t at = 0;
    while (at < client->access_capacity && client->accesses[at].handle != 0) {
        at++;
    }
    void *accesses = client->accesses;
    const bool has_access =
        psi_array_reserve(&accesses, &client->access_capacity, at + 1, sizeof *client->accesses);
    client->accesses = accesses;
    if (!has_access) {
        return NULL;
    }
    psi_access *const access = &client->accesses[at];
    void *positions = access->positions;
    void *locals = access->locals;
    const bool has_positions = psi_array_reserve(&positions, &access->position_capacity, row_count,
                                                 sizeof *access->positions);
    access->positions = positions;
    const bool has_locals =
        psi_array_reserve(&locals, &access->local_capacity, row_count, sizeof *access->locals);
    access->locals = locals;
    if (access->awaited == NULL) {
        access->awaited =
            calloc(2 * (size_t)client->options.layout->shard_count, sizeof *access->awaited);
        access->firsts =
            access->awaited == NULL ? NULL : access->awaited + client->options.layout->shard_count;
    }
    return has_positions && has_locals && access->awaited != NULL ? access : NULL;
}

static uint64_t key_at(const psi_client_event *event, size_t i) {
    return event->rows == NULL ? event->row_begin + i : event->rows[i];
}

/* Deals the keys to shards: access->positions lists them shard by shard, access->locals their local
 * indices. */
static void deal_keys(psi_client *client, const psi_client_event *event, psi_access *access) {
    const psi_layout *const layout = client->options.layout;
    memset(access->awaited, 0, layout->shard_count * sizeof *access->awaited);
    for (size_t i = 0; i < event->row_count; i++) {
        access->awaited[psi_row_place(layout, event->table, key_at(event, i)).shard]++;
    }
    uint32_t first = 0;
    for (uint32_t m = 0; m < layout->shard_count; m++) {
        client->counts[m] = first;
        access->firsts[m] = first;
        first += access->awaited[m];
    }
    for (size_t i = 0; i < event->row_count; i++) {
        const psi_place place = psi_row_place(layout, event->table, key_at(event, i));
        const uint32_t at = client->counts[place.shard]++;
        access->positions[at] = (uint32_t)i;
        access->locals[at] = place.local;
    }
}

/* Copies the pushed rows in the order of their keys; rows that lie together go together. */
static void put_deltas(uint8_t *to, const uint8_t *deltas, const uint32_t *positions,
                       uint32_t count, size_t row_size_bytes) {
    for (uint32_t i = 0; i < count;) {
        uint32_t run = 1;
        while (i + run < count && positions[i + run] == positions[i] + run) {
            run++;
        }
        memcpy(to, deltas + positions[i] * row_size_bytes, run * row_size_bytes);
        to += run * row_size_bytes;
        i += run;
    }
}

/* Sends one shard its share of the keys. */
static void send_share(psi_client *client, const psi_client_event *event, const psi_access *access,
                       uint32_t shard, psi_effects *out) {
    const size_t row_size_bytes = client->options.layout->tables[event->table].row_size_bytes;
    const uint32_t count = access->awaited[shard];
    const uint32_t first = access->firsts[shard];
    const bool with_values = !access->is_pull;
    bool is_range;
    size_t size_bytes = ACCESS_HEADER_BYTES;
    size_bytes += psi_part_keys_size(access->locals + first, count, &is_range);
    size_bytes += with_values ? count * row_size_bytes : 0;
    psi_frame *const frame = psi_effects_frame(
        out, with_values ? PSI_FRAME_PUSH : PSI_FRAME_PULL, client->options.client,
        psi_client_shard_endpoint(client, shard), size_bytes);
    if (frame == NULL) {
        return;
    }
    uint8_t *to = frame->bytes + PSI_FRAME_HEADER_BYTES;
    psi_put_u64(to, access->handle);
    psi_put_u32(to + 8, 1);
    psi_put_u32(to + 12, 0);
    to = psi_part_put_keys(to + ACCESS_HEADER_BYTES, event->table, access->locals + first, count,
                           is_range, with_values);
    if (with_values) {
        put_deltas(to, event->deltas, access->positions + first, count, row_size_bytes);
    }
    frame->row_count = count;
}

void psi_client_access_start(psi_client *client, const psi_client_event *event, psi_effects *out) {
    psi_access *const access = take_access(client, event->row_count);
    if (access == NULL) {
        out->out_of_memory = true;
        return;
    }
    access->worker = event->worker;
    access->table = event->table;
    access->is_pull = event->kind == PSI_CLIENT_PULL;
    access->values_out = event->values_out;
    access->shards_left = 0;
    deal_keys(client, event, access);
    client->last_handle++;
    access->handle = client->last_handle;
    for (uint32_t m = 0; m < client->options.layout->shard_count; m++) {
        if (access->awaited[m] > 0) {
            access->shards_left++;
            send_share(client, event, access, m, out);
        }
    }
    if (access->shards_left == 0) {
        access->handle = 0; /* no keys: complete at once */
    }
}

/* Copies pulled rows to where the caller wants them; as with pushes, runs go together. */
static void place_pulled(const psi_client *client, const psi_access *access, uint32_t first,
                         const psi_part *part) {
    const size_t row_size_bytes = client->options.layout->tables[access->table].row_size_bytes;
    const uint32_t *const positions = access->positions + first;
    for (uint32_t i = 0; i < part->count;) {
        uint32_t run = 1;
        while (i + run < part->count && positions[i + run] == positions[i] + run) {
            run++;
        }
        memcpy(access->values_out + positions[i] * row_size_bytes,
               part->values + i * row_size_bytes, run * row_size_bytes);
        i += run;
    }
}

/* Reads the answer to a pull. Returns false if it does not fit what was asked. */
static bool receive_pulled(const psi_client *client, const psi_access *access, uint32_t shard,
                           psi_reader reader) {
    (void)psi_read_u32(&reader); /* the shard's clock: of no concern outside of clocks */
    const uint32_t part_count = psi_read_u32(&reader);
    psi_part part;
    if (part_count != 1 || !psi_part_read(&reader, client->options.layout, shard, true, &part) ||
        reader.left_bytes != 0) {
        return false;
    }
    if (part.table != access->table || part.count != access->awaited[shard]) {
        return false;
    }
    const uint32_t first = access->firsts[shard];
    for (uint32_t i = 0; i < part.count; i++) {
        if (psi_part_local(&part, i) != access->locals[first + i]) {
            return false;
        }
    }
    if (access->values_out != NULL) {
        place_pulled(client, access, first, &part);
    }
    return true;
}

void psi_client_abandon_pulls(psi_client *client, uint32_t worker) {
    for (size_t i = 0; i < client->access_capacity; i++) {
        if (client->accesses[i].worker == worker) {
            client->accesses[i].values_out = NULL;
        }
    }
}

static void finish(psi_client *client, psi_access *access, psi_effects *out) {
    const uint64_t handle = access->handle;
    access->handle = 0;
    access->values_out = NULL;
    for (uint32_t w = 0; w < client->options.worker_count; w++) {
        psi_client_worker *const worker = &client->workers[w];
        if (worker->is_waiting && worker->handle == handle) {
            worker->is_waiting = false;
            worker->handle = 0;
            out->woken[out->woken_count++] = w;
        }
    }
}

bool psi_client_access_frame(psi_client *client, uint32_t shard, const psi_frame *frame,
                             psi_effects *out) {
    psi_reader reader =
        psi_reader_of(psi_frame_payload(frame), psi_frame_payload_size_bytes(frame));
    psi_access *const access = find_access(client, psi_read_u64(&reader));
    const bool is_pull = frame->type == PSI_FRAME_PULL_ROWS;
    if (!is_pull && frame->type != PSI_FRAME_PUSH_ACK) {
        return false;
    }
    if (access == NULL || access->is_pull != is_pull || access->awaited[shard] == 0) {
        return false;
    }
    if (is_pull ? !receive_pulled(client, access, shard, reader) : reader.left_bytes != 0) {
        return false;
    }
    access->awaited[shard] = 0;
    access->shards_left--;
    if (access->shards_left == 0) {
        finish(client, access, out);
    }
    return true;
}
