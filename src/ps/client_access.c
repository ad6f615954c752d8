/* Push and pull. A large access comes in pieces, event after event, so that the frames of one are
 * on their way, and their memory is free again and still in the processor's cache, before the next
 * is written. Each piece is an access of its own on the wire; the caller knows the first one's
 * handle, which is open until the last piece is complete.
 *
 * Where a list of rows is spread over several shards, `positions` says which row of the caller's
 * memory each row of a share is. A range needs none: its rows on a shard are a range there; nor
 * does a list whose rows all lie in one block, or on the only shard. */
#include <stdlib.h>

#include "ps/client.h"
#include "ps/part.h"

enum { ACCESS_HEADER_BYTES = 16, SLOT_BITS = 24 };

/* ---- Handles: a slot and how often it was used ---- */

static uint64_t handle_of(const psi_client *client, const psi_access *access) {
    return access->generation << SLOT_BITS | (uint64_t)(access - client->accesses);
}

/* The slot of a handle that was given some day, or NULL. */
static psi_access *slot_of(const psi_client *client, uint64_t handle) {
    const uint64_t slot = handle & ((UINT64_C(1) << SLOT_BITS) - 1);
    const uint64_t generation = handle >> SLOT_BITS;
    if (slot >= client->access_count || generation == 0 ||
        generation > client->accesses[slot].generation) {
        return NULL;
    }
    return &client->accesses[slot];
}

static psi_access *find_access(const psi_client *client, uint64_t handle) {
    psi_access *const access = slot_of(client, handle);
    const bool is_open =
        access != NULL && access->is_open && access->generation == handle >> SLOT_BITS;
    return is_open ? access : NULL;
}

/* An unused access; the one that was freed last, whose memory is most likely in the processor's
 * cache. NULL: memory is exhausted. */
static psi_access *take_access(psi_client *client) {
    if (client->access_free == 0) {
        if (client->access_count >> SLOT_BITS != 0) {
            return NULL;
        }
        void *accesses = client->accesses;
        const bool has_room = psi_array_reserve(&accesses, &client->access_capacity,
                                                client->access_count + 1, sizeof(psi_access));
        client->accesses = accesses;
        if (!has_room) {
            return NULL;
        }
        psi_access *const fresh = &client->accesses[client->access_count];
        fresh->shares = calloc(client->options.layout->shard_count, sizeof *fresh->shares);
        if (fresh->shares == NULL) {
            return NULL;
        }
        client->access_count++;
        client->access_free = (uint32_t)client->access_count;
    }
    psi_access *const access = &client->accesses[client->access_free - 1];
    client->access_free = access->next_free;
    access->next_free = 0;
    access->generation++;
    access->is_open = true;
    access->shards_left = 0;
    access->pieces_left = 0;
    return access;
}

static void free_access(psi_client *client, psi_access *access) {
    access->is_open = false;
    access->values_out = NULL;
    access->next_free = client->access_free;
    client->access_free = (uint32_t)(access - client->accesses) + 1;
}

/* ---- Shares ---- */

/* The smallest and the largest row of a list that is not empty. */
static void find_bounds(const psi_keys *keys, uint64_t *low, uint64_t *high) {
    *low = keys->rows[0];
    *high = keys->rows[keys->count - 1];
    for (size_t i = 0; keys->form == PSI_PART_LIST && i < keys->count; i++) {
        *low = keys->rows[i] < *low ? keys->rows[i] : *low;
        *high = keys->rows[i] > *high ? keys->rows[i] : *high;
    }
}

/* Whether all rows lie in one block, or there is but one shard, so that they are on one shard in
 * the same order; then that share is all of them, and keys_out names them. */
static bool share_whole(const psi_client *client, const psi_client_event *event, psi_access *access,
                        psi_keys *keys_out) {
    const psi_layout *const layout = client->options.layout;
    const uint64_t block_rows = layout->tables[access->table].block_rows;
    const bool is_alone = layout->shard_count == 1;
    const uint32_t count = (uint32_t)event->row_count;
    if (count == 0 || (!is_alone && block_rows == 1 && count > 1)) {
        return false;
    }
    psi_keys keys = {0};
    uint64_t low = event->row_begin;
    uint64_t high = event->row_begin + event->row_count - 1;
    if (!access->is_range) {
        keys = psi_keys_of_rows(access->table, event->rows, count);
        find_bounds(&keys, &low, &high);
    }
    if (!is_alone && low / block_rows != high / block_rows) {
        return false;
    }
    const psi_place place = psi_row_place(layout, access->table, low);
    if (access->is_range) {
        keys = psi_keys_of_range(access->table, place.local, count);
    } else {
        psi_keys_set_base(&keys, low - place.local);
    }
    access->shares[place.shard].count = count;
    *keys_out = keys;
    return true;
}

/* The rows of a range on each shard. */
static void share_range(const psi_client *client, psi_access *access) {
    const psi_layout *const layout = client->options.layout;
    for (uint32_t m = 0; m < layout->shard_count; m++) {
        psi_access_share *const share = &access->shares[m];
        share->first = psi_shard_rows_below(layout, access->table, m, access->row_begin);
        share->count =
            psi_shard_rows_below(layout, access->table, m, access->row_begin + access->row_count) -
            share->first;
    }
}

/* Finds the places of listed rows. Rows are often near each other, so a division a block is enough
 * for many. */
static void find_places(const psi_layout *layout, uint32_t table, const psi_client_event *event,
                        psi_place *places) {
    const uint64_t block_rows = layout->tables[table].block_rows;
    uint64_t block_begin = 0;
    psi_place begin = {0, 0}; /* of the first row of the first block */
    for (size_t i = 0; i < event->row_count; i++) {
        const uint64_t row = event->rows[i];
        if (row - block_begin >= block_rows) {
            block_begin = row - row % block_rows;
            begin = psi_row_place(layout, table, block_begin);
        }
        places[i] =
            (psi_place){.shard = begin.shard, .local = begin.local + (uint32_t)(row - block_begin)};
    }
}

/* Deals a list to several shards: access->positions lists the keys shard by shard, client->scratch
 * their local indices. False: memory is exhausted. */
static bool share_list(psi_client *client, const psi_client_event *event, psi_access *access) {
    const psi_layout *const layout = client->options.layout;
    void *positions = access->positions;
    void *places = client->places;
    const bool has_positions = psi_array_reserve(&positions, &access->position_capacity,
                                                 event->row_count, sizeof *access->positions);
    access->positions = positions;
    const bool has_places = psi_array_reserve(&places, &client->place_capacity, event->row_count,
                                              sizeof *client->places);
    client->places = places;
    if (!has_positions || !has_places || !psi_client_reserve_scratch(client, event->row_count)) {
        return false;
    }
    find_places(layout, event->table, event, client->places);
    for (size_t i = 0; i < event->row_count; i++) {
        access->shares[client->places[i].shard].count++;
    }
    uint32_t first = 0;
    for (uint32_t m = 0; m < layout->shard_count; m++) {
        client->counts[m] = first;
        access->shares[m].first = first;
        first += access->shares[m].count;
    }
    for (size_t i = 0; i < event->row_count; i++) {
        const uint32_t at = client->counts[client->places[i].shard]++;
        access->positions[at] = (uint32_t)i;
        client->scratch[at] = client->places[i].local;
    }
    return true;
}

/* Finds out what each shard has to do. If that is one shard's alone, `whole_out` names its rows. */
static bool share_out(psi_client *client, const psi_client_event *event, psi_access *access,
                      psi_keys *whole_out) {
    memset(access->shares, 0, client->options.layout->shard_count * sizeof *access->shares);
    access->is_whole = share_whole(client, event, access, whole_out);
    if (access->is_whole) {
        return true;
    }
    if (access->is_range) {
        share_range(client, access);
        return true;
    }
    return share_list(client, event, access);
}

static psi_keys keys_of_share(const psi_client *client, const psi_access *access, uint32_t shard) {
    const psi_access_share *const share = &access->shares[shard];
    if (access->is_range) {
        return psi_keys_of_range(access->table, share->first, share->count);
    }
    return psi_keys_of_locals(access->table, client->scratch + share->first, share->count);
}

/* Moves the rows of a share of a range between their places in the caller's memory, `all`, and the
 * frame, where they follow each other: a copy a block. */
static void copy_range_share(const psi_client *client, const psi_access *access, uint32_t shard,
                             uint8_t *all, uint8_t *share_bytes) {
    const psi_layout *const layout = client->options.layout;
    const psi_table_layout *const table = &layout->tables[access->table];
    const psi_place first = {.shard = shard, .local = access->shares[shard].first};
    const uint64_t cycle_rows = (uint64_t)table->block_rows * layout->shard_count;
    uint64_t row = psi_place_row(layout, access->table, first);
    uint64_t left = access->shares[shard].count;
    uint64_t run = table->block_rows - row % table->block_rows;
    while (left > 0) {
        run = run < left ? run : left;
        const size_t size_bytes = run * table->row_size_bytes;
        uint8_t *const here = all + (row - access->row_begin) * table->row_size_bytes;
        if (access->is_pull) {
            memcpy(here, share_bytes, size_bytes);
        } else {
            memcpy(share_bytes, here, size_bytes);
        }
        share_bytes += size_bytes;
        left -= run;
        row += cycle_rows - row % table->block_rows; /* to the start of the shard's next block */
        run = table->block_rows;
    }
}

/* The values of a share from the caller's memory into a frame. */
static void put_deltas(const psi_client *client, const psi_access *access, uint32_t shard,
                       const uint8_t *deltas, uint8_t *to) {
    const psi_access_share *const share = &access->shares[shard];
    const size_t row_size_bytes = client->options.layout->tables[access->table].row_size_bytes;
    if (access->is_whole) {
        memcpy(to, deltas, share->count * row_size_bytes);
    } else if (access->is_range) {
        copy_range_share(client, access, shard, (uint8_t *)(uintptr_t)deltas, to);
    } else {
        psi_values_gather(to, deltas, row_size_bytes, access->positions + share->first,
                          share->count);
    }
}

/* The same back: the values of an answer into the caller's memory. */
static void place_pulled(const psi_client *client, const psi_access *access, uint32_t shard,
                         const uint8_t *values) {
    const psi_access_share *const share = &access->shares[shard];
    const size_t row_size_bytes = client->options.layout->tables[access->table].row_size_bytes;
    if (access->is_whole) {
        memcpy(access->values_out, values, share->count * row_size_bytes);
    } else if (access->is_range) {
        copy_range_share(client, access, shard, access->values_out, (uint8_t *)(uintptr_t)values);
    } else {
        psi_values_scatter(access->values_out, row_size_bytes, access->positions + share->first,
                           share->count, values);
    }
}

/* ---- Starting ---- */

/* Sends one shard its share of the keys. */
static void send_share(psi_client *client, const psi_access *access, uint32_t shard,
                       const psi_keys *keys, const uint8_t *deltas, psi_effects *out) {
    const size_t row_size_bytes = client->options.layout->tables[keys->table].row_size_bytes;
    const bool with_values = !access->is_pull;
    size_t size_bytes = ACCESS_HEADER_BYTES + psi_keys_size(keys);
    size_bytes += with_values ? keys->count * row_size_bytes : 0;
    psi_frame *const frame = psi_effects_frame(
        out, with_values ? PSI_FRAME_PUSH : PSI_FRAME_PULL, client->options.client,
        psi_client_shard_endpoint(client, shard), size_bytes);
    if (frame == NULL) {
        return;
    }
    uint8_t *to = frame->bytes + PSI_FRAME_HEADER_BYTES;
    psi_put_u64(to, handle_of(client, access));
    psi_put_u32(to + 8, 1);
    psi_put_u32(to + 12, 0);
    to = psi_part_put_keys(to + ACCESS_HEADER_BYTES, keys, with_values);
    if (with_values) {
        put_deltas(client, access, shard, deltas, to);
    }
    frame->row_count = keys->count;
}

static void wake(psi_client_worker *worker, uint32_t index, psi_effects *out) {
    worker->is_waiting = false;
    worker->handle = 0;
    worker->wants_room = false;
    out->woken[out->woken_count++] = index;
}

/* After the last answer to a piece: it is free again, unless it lends its handle to others. */
static void finish_piece(psi_client *client, psi_access *access, psi_effects *out) {
    psi_access *const first = &client->accesses[access->first_slot];
    psi_client_worker *const owner = &client->workers[access->worker];
    owner->pulled_bytes -= access->pulled_bytes;
    if (owner->wants_room && owner->pulled_bytes <= client->options.pulled_max_bytes) {
        wake(owner, access->worker, out);
    }
    if (access != first) {
        free_access(client, access);
    }
    if (--first->pieces_left > 0) {
        return;
    }
    const uint64_t handle = handle_of(client, first);
    free_access(client, first);
    for (uint32_t w = 0; w < client->options.worker_count; w++) {
        if (client->workers[w].is_waiting && client->workers[w].handle == handle) {
            wake(&client->workers[w], w, out);
        }
    }
}

/* Fills an unused access from the event, which starts or goes on. */
static void describe_piece(psi_client *client, const psi_client_event *event, psi_access *access) {
    access->worker = event->worker;
    access->table = event->table;
    access->is_pull = event->kind == PSI_CLIENT_PULL;
    access->is_range = event->rows == NULL;
    access->row_begin = event->row_begin;
    access->row_count = event->row_count;
    access->values_out = event->values_out;
    access->pulled_bytes = 0;
    if (access->is_pull) {
        access->pulled_bytes =
            event->row_count * client->options.layout->tables[event->table].row_size_bytes;
    }
    psi_access *first = access;
    if (event->handle != 0) {
        first = find_access(client, event->handle);
        PS_ASSERT(first != NULL); /* open until its last piece is there */
        first->pieces_left -= !event->has_more;
    } else {
        first->pieces_left = event->has_more; /* the pieces to come keep it open, too */
    }
    first->pieces_left++;
    access->first_slot = (uint32_t)(first - client->accesses);
    client->last_handle = handle_of(client, first);
}

void psi_client_access_start(psi_client *client, const psi_client_event *event, psi_effects *out) {
    psi_access *const access = take_access(client);
    if (access == NULL) {
        out->out_of_memory = true;
        return;
    }
    describe_piece(client, event, access);
    psi_keys whole = {0};
    if (!share_out(client, event, access, &whole)) {
        out->out_of_memory = true;
        return;
    }
    client->workers[event->worker].pulled_bytes += access->pulled_bytes;
    for (uint32_t m = 0; m < client->options.layout->shard_count; m++) {
        if (access->shares[m].count > 0) {
            const psi_keys keys = access->is_whole ? whole : keys_of_share(client, access, m);
            access->shards_left++;
            send_share(client, access, m, &keys, event->deltas, out);
        }
    }
    if (access->shards_left == 0) { /* no keys: complete at once */
        finish_piece(client, access, out);
    }
}

bool psi_client_access_wait(psi_client *client, uint32_t worker_index, uint64_t handle) {
    const psi_access *const slot = slot_of(client, handle);
    if (slot == NULL) {
        return false;
    }
    psi_client_worker *const worker = &client->workers[worker_index];
    worker->is_waiting = slot->is_open && handle_of(client, slot) == handle;
    worker->handle = worker->is_waiting ? handle : 0;
    return true;
}

void psi_client_access_wait_for_room(psi_client *client, uint32_t worker_index) {
    psi_client_worker *const worker = &client->workers[worker_index];
    worker->is_waiting = worker->pulled_bytes > client->options.pulled_max_bytes;
    worker->wants_room = worker->is_waiting;
}

/* ---- Answers ---- */

/* Reads the answer to a pull. Returns false if it does not fit what was asked. */
static bool receive_pulled(const psi_client *client, const psi_access *access, uint32_t shard,
                           psi_reader reader) {
    (void)psi_read_u32(&reader); /* the shard's clock: of no concern outside of clocks */
    if (psi_read_u32(&reader) != 1) {
        return false;
    }
    const uint8_t *const values = psi_part_read_answer(&reader, client->options.layout,
                                                       access->table, access->shares[shard].count);
    if (values == NULL || reader.left_bytes != 0) {
        return false;
    }
    if (access->values_out != NULL) {
        place_pulled(client, access, shard, values);
    }
    return true;
}

void psi_client_abandon_pulls(psi_client *client, uint32_t worker) {
    for (size_t i = 0; i < client->access_count; i++) {
        if (client->accesses[i].worker == worker) {
            client->accesses[i].values_out = NULL;
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
    if (access == NULL || access->is_pull != is_pull || access->shares[shard].count == 0) {
        return false;
    }
    if (is_pull ? !receive_pulled(client, access, shard, reader) : reader.left_bytes != 0) {
        return false;
    }
    access->shares[shard].count = 0;
    access->shards_left--;
    if (access->shards_left == 0) {
        finish_piece(client, access, out);
    }
    return true;
}
