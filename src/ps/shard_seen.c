/* What a shard does under a policy that bounds values: it knows the row clock that every read of
 * its rows has, now and later, and tells it.
 *
 * A read rests on answers to its client that were not released; an answer has the clock at which it
 * was sent, and clocks go up, so the first of them counts. Whoever holds none will be answered at
 * the clock of that moment. Hence, over the clients that have not left,
 *
 *     seen = min(the shard's clock, min over clients of the clock of the first unreleased answer)
 *
 * and it never goes back. Updates stamped below `seen` are in every read of this shard's rows. */
#include <stdlib.h>

#include "ps/shard.h"

enum { SEEN_BY_ALL_BYTES = 8 };

ps_err psi_shard_seen_init(psi_shard *shard) {
    if (!shard->options.policy.ops->bounds_values) {
        return PS_OK;
    }
    shard->seen_clients = calloc(shard->options.client_count, sizeof *shard->seen_clients);
    return shard->seen_clients == NULL ? PS_ENOMEM : PS_OK;
}

void psi_shard_seen_fini(psi_shard *shard) {
    for (uint32_t i = 0; shard->seen_clients != NULL && i < shard->options.client_count; i++) {
        free(shard->seen_clients[i].answers);
    }
    free(shard->seen_clients);
}

static void find_seen(psi_shard *shard) {
    uint32_t seen = shard->clock_min;
    for (uint32_t i = 0; i < shard->options.client_count; i++) {
        const psi_seen_client *const client = &shard->seen_clients[i];
        const bool reads = !shard->clients[i].has_left && client->answers_count > 0;
        if (reads && client->answers[0].clock < seen) {
            seen = client->answers[0].clock;
        }
    }
    PS_ASSERT(seen >= shard->seen);
    shard->seen = seen;
}

static void tell(psi_shard *shard, uint32_t index, psi_effects *out) {
    const uint32_t self = shard->options.client_count + shard->options.shard;
    psi_frame *const frame =
        psi_effects_frame(out, PSI_FRAME_SEEN_BY_ALL, self, index, SEEN_BY_ALL_BYTES);
    if (frame != NULL) {
        psi_put_u32(frame->bytes + PSI_FRAME_HEADER_BYTES, shard->clock_min);
        psi_put_u32(frame->bytes + PSI_FRAME_HEADER_BYTES + 4, shard->seen);
        shard->seen_clients[index].told = shard->seen;
    }
}

void psi_shard_seen_answer(psi_shard *shard, uint32_t index, psi_effects *out) {
    psi_seen_client *const client = &shard->seen_clients[index];
    find_seen(shard);
    if (shard->seen > client->told) { /* news that costs no waiting */
        tell(shard, index, out);
    }
    client->answer_count++;
    const size_t count = client->answers_count;
    if (count > 0 && client->answers[count - 1].clock == shard->clock_min) {
        client->answers[count - 1].last = client->answer_count;
        return;
    }
    void *answers = client->answers;
    const bool has_room =
        psi_array_reserve(&answers, &client->answers_capacity, count + 1, sizeof *client->answers);
    client->answers = answers;
    if (!has_room) {
        out->out_of_memory = true;
        return;
    }
    client->answers[client->answers_count++] =
        (psi_answers){.last = client->answer_count, .clock = shard->clock_min};
}

bool psi_shard_seen_frame(psi_shard *shard, uint32_t index, psi_reader reader) {
    const uint64_t released = psi_read_u64(&reader);
    const uint32_t wanted = psi_read_u32(&reader);
    const uint32_t zero = psi_read_u32(&reader);
    if (!shard->options.policy.ops->bounds_values || reader.failed || reader.left_bytes != 0 ||
        zero != 0) {
        return false;
    }
    psi_seen_client *const client = &shard->seen_clients[index];
    if (released < client->released || released > client->answer_count) {
        return false;
    }
    size_t gone = 0;
    while (gone < client->answers_count && client->answers[gone].last <= released) {
        gone++;
    }
    client->answers_count -= gone;
    for (size_t i = 0; gone > 0 && i < client->answers_count; i++) {
        client->answers[i] = client->answers[i + gone];
    }
    client->released = released;
    client->wanted = wanted;
    return true;
}

void psi_shard_seen_tell(psi_shard *shard, psi_effects *out) {
    find_seen(shard);
    for (uint32_t i = 0; i < shard->options.client_count; i++) {
        psi_seen_client *const client = &shard->seen_clients[i];
        if (client->wanted == 0 || client->wanted > shard->seen || shard->clients[i].has_left) {
            continue;
        }
        client->wanted = 0;
        if (shard->seen > client->told) { /* else the news is on its way */
            tell(shard, i, out);
        }
    }
}
