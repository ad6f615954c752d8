/* What a client does under a policy that bounds values: it keeps account of the shards' answers
 * that its workers still read from, and holds an update back until enough of the earlier ones are
 * known to be seen by all.
 *
 * Answers of a shard are counted from 1 on both sides. The client tells how many of them, from the
 * first on, nobody reads from any more; the shard takes the row clock of the next one for what this
 * client has seen. So rows of an answer that was released must be asked for again, however fresh
 * they are. A worker that waits in its clock reads nothing; whatever it reads next is as new as the
 * shard will be then. */
#include <stdlib.h>

#include "ps/client.h"

enum { SEEN_BYTES = 16, WINDOW_CLOCKS = 32 };

static bool is_bounded(const psi_client *client) {
    return client->options.policy.ops->bounds_values;
}

ps_err psi_client_seen_init(psi_client *client) {
    const uint32_t shard_count = client->options.layout->shard_count;
    if (!is_bounded(client)) {
        return PS_OK;
    }
    for (uint32_t w = 0; w < client->options.worker_count; w++) {
        psi_client_worker *const worker = &client->workers[w];
        worker->needs = calloc(shard_count, sizeof *worker->needs);
        worker->oldest = calloc(shard_count, sizeof *worker->oldest);
        if (worker->needs == NULL || worker->oldest == NULL) {
            return PS_ENOMEM;
        }
        for (uint32_t m = 0; m < shard_count; m++) {
            worker->oldest[m] = UINT64_MAX;
        }
    }
    return psi_transit_init(&client->transit, client->options.layout);
}

void psi_client_seen_fini(psi_client *client) {
    for (uint32_t w = 0; client->workers != NULL && w < client->options.worker_count; w++) {
        psi_block_fini(&client->workers[w].held);
        free(client->workers[w].needs);
        free(client->workers[w].oldest);
    }
    psi_transit_fini(&client->transit);
}

/* ---- Reads ---- */

void psi_client_seen_hold(psi_client *client, uint32_t worker_index) {
    if (!is_bounded(client)) {
        return;
    }
    psi_client_worker *const worker = &client->workers[worker_index];
    const psi_policy *const policy = &client->options.policy;
    const uint32_t need_clock = policy->ops->read_clock(policy, worker->clock);
    for (size_t i = 0; i < worker->position_count; i++) {
        const psi_cached_row *const row =
            psi_cache_row(&client->tables[worker->table], worker->positions[i]);
        if (psi_client_row_is_fresh(client, row, need_clock) &&
            row->frame_mark < worker->oldest[row->shard]) {
            worker->oldest[row->shard] = row->frame_mark;
        }
    }
}

static void release_reads(psi_client *client, uint32_t worker_index) {
    for (uint32_t m = 0; m < client->options.layout->shard_count; m++) {
        client->workers[worker_index].oldest[m] = UINT64_MAX;
    }
}

/* How many of the shard's answers nobody reads from: those that have come, or those before the
 * oldest in use. */
static uint64_t released_of(const psi_client *client, uint32_t shard) {
    uint64_t released = client->shards[shard].frame_count;
    for (uint32_t w = 0; w < client->options.worker_count; w++) {
        const uint64_t oldest = client->workers[w].oldest[shard];
        released = oldest - 1 < released ? oldest - 1 : released;
    }
    return released;
}

/* What we want to be told of: what the first worker that waits needs, or, so that the log does not
 * grow for want of news, the next step. */
static uint32_t need_of(const psi_client *client, uint32_t shard) {
    const uint32_t seen = client->shards[shard].seen;
    uint32_t need = UINT32_MAX;
    uint32_t clock_max = 0;
    for (uint32_t w = 0; w < client->options.worker_count; w++) {
        const psi_client_worker *const worker = &client->workers[w];
        if (worker->ends_clock && worker->needs[shard] > seen && worker->needs[shard] < need) {
            need = worker->needs[shard];
        }
        clock_max = worker->clock > clock_max ? worker->clock : clock_max;
    }
    if (need == UINT32_MAX && clock_max > seen && clock_max - seen >= WINDOW_CLOCKS) {
        need = seen + 1;
    }
    return need == UINT32_MAX ? 0 : need;
}

static bool all_have_left(const psi_client *client) {
    uint32_t left = 0;
    for (uint32_t w = 0; w < client->options.worker_count; w++) {
        left += client->workers[w].has_left;
    }
    return left == client->options.worker_count;
}

void psi_client_seen_tell(psi_client *client, psi_effects *out) {
    if (!is_bounded(client) || all_have_left(client)) {
        return; /* a shard that was left hears no more of us */
    }
    for (uint32_t m = 0; m < client->options.layout->shard_count; m++) {
        psi_client_shard *const shard = &client->shards[m];
        const uint64_t released = released_of(client, m);
        const uint32_t need = need_of(client, m);
        if (released == shard->released && (need == 0 || need == shard->told_need)) {
            continue;
        }
        psi_frame *const frame =
            psi_effects_frame(out, PSI_FRAME_SEEN, client->options.client,
                              psi_client_shard_endpoint(client, m), SEEN_BYTES);
        if (frame == NULL) {
            return;
        }
        uint8_t *const to = frame->bytes + PSI_FRAME_HEADER_BYTES;
        psi_put_u64(to, released);
        psi_put_u32(to + 8, need);
        psi_put_u32(to + 12, 0);
        shard->released = released;
        shard->told_need = need;
    }
}

/* ---- Updates ---- */

/* Whether the worker's updates in transit are within the bound even if their largest numbers all
 * add up. */
static bool is_surely_within(const psi_client *client, uint32_t worker_index) {
    double sum = client->workers[worker_index].held_norm;
    for (size_t i = 0; i < client->log_count; i++) {
        sum += client->log[i].worker == worker_index ? client->log[i].norm : 0;
    }
    return sum * sum <= client->transit.square_max;
}

/* Finds what all must have seen before the worker's held updates may go. Whoever is alone has
 * nothing in transit. False: memory is exhausted. */
static bool find_needs(psi_client *client, uint32_t worker_index) {
    psi_client_worker *const worker = &client->workers[worker_index];
    const uint32_t worker_count = client->options.client_count * client->options.worker_count;
    psi_transit *const transit = &client->transit;
    worker->held_norm = psi_transit_norm(client->options.layout, &worker->held);
    psi_transit_start(transit, psi_policy_bound(&client->options.policy), worker_count,
                      worker->clock + 1);
    for (uint32_t m = 0; m < client->options.layout->shard_count; m++) {
        transit->needs[m] = client->shards[m].seen; /* what is older is not in transit any more */
    }
    const bool is_certain = worker_count == 1 || is_surely_within(client, worker_index);
    bool has_memory = is_certain || psi_transit_add(transit, &worker->held, worker->clock);
    for (size_t i = client->log_count; !is_certain && has_memory && i-- > 0;) {
        if (client->log[i].worker == worker_index) {
            has_memory = psi_transit_add(transit, &client->log[i].block, client->log[i].stamp);
        }
    }
    for (uint32_t m = 0; m < client->options.layout->shard_count; m++) {
        worker->needs[m] = transit->needs[m];
    }
    return has_memory;
}

static bool may_go(const psi_client *client, const psi_client_worker *worker) {
    for (uint32_t m = 0; m < client->options.layout->shard_count; m++) {
        if (worker->needs[m] > client->shards[m].seen) {
            return false;
        }
    }
    return true;
}

/* Publishes all held updates that may go, in one flush. */
static void publish(psi_client *client, psi_effects *out) {
    bool is_any = false;
    for (uint32_t w = 0; w < client->options.worker_count; w++) {
        psi_client_worker *const worker = &client->workers[w];
        if (!worker->ends_clock || !may_go(client, worker)) {
            continue;
        }
        psi_client_log_append(client, w, &worker->held, out);
        worker->clock++;
        worker->ends_clock = false;
        if (worker->is_waiting) {
            worker->is_waiting = false;
            out->woken[out->woken_count++] = w;
        }
        is_any = true;
    }
    if (is_any) {
        (void)psi_client_advance(client);
        psi_client_log_flush(client, out);
    }
}

void psi_client_seen_clock(psi_client *client, uint32_t worker_index, psi_block *block,
                           psi_effects *out) {
    psi_client_worker *const worker = &client->workers[worker_index];
    const psi_block empty = worker->held;
    worker->held = *block;
    *block = empty;
    psi_block_clear(block);
    release_reads(client, worker_index);
    out->out_of_memory |= !find_needs(client, worker_index);
    worker->ends_clock = true;
    publish(client, out);
    worker->is_waiting = worker->ends_clock;
    psi_client_seen_tell(client, out);
}

void psi_client_seen_leave(psi_client *client, uint32_t worker_index) {
    if (is_bounded(client)) {
        client->workers[worker_index].ends_clock = false;
        release_reads(client, worker_index);
    }
}

bool psi_client_seen_frame(psi_client *client, uint32_t shard, const psi_frame *frame,
                           psi_effects *out) {
    psi_reader reader =
        psi_reader_of(psi_frame_payload(frame), psi_frame_payload_size_bytes(frame));
    const uint32_t clock = psi_read_u32(&reader);
    const uint32_t seen = psi_read_u32(&reader);
    psi_client_shard *const state = &client->shards[shard];
    if (!is_bounded(client) || reader.failed || reader.left_bytes != 0) {
        return false;
    }
    if (clock < state->clock || seen <= state->seen || seen > clock) {
        return false;
    }
    state->clock = clock;
    state->seen = seen;
    if (seen >= state->told_need) {
        state->told_need = 0;
    }
    publish(client, out);
    psi_client_seen_tell(client, out);
    return true;
}
