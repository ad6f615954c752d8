#include "runtime/link.h"

#include <string.h>

#include "base/bytes.h"
#include "base/crc32c.h"

enum {
    HELLO_BYTES = PSI_JOB_ID_BYTES + 4 + 4 + 4 + 8,
    HEARTBEAT_HEAD_BYTES = 8 + 7 * 4,
    FAILURE_HEAD_BYTES = 4
};

/* A record is a frame whose magic and version are the link's. */
static psi_frame *record_take(psi_frame_pool *pool, psi_link_type type, uint32_t from, uint32_t to,
                              size_t payload_size_bytes) {
    psi_frame *const record =
        psi_frame_take(pool, (psi_frame_type)type, from, to, payload_size_bytes);
    if (record != NULL) {
        psi_put_u32(record->bytes, PSI_LINK_MAGIC);
        record->bytes[4] = PSI_LINK_VERSION;
    }
    return record;
}

static uint8_t *payload_of(psi_frame *record) {
    return record->bytes + PSI_FRAME_HEADER_BYTES;
}

psi_frame *psi_link_hello(psi_frame_pool *pool, const psi_hello *hello, uint32_t to) {
    psi_frame *const record = record_take(pool, PSI_LINK_HELLO, hello->process, to, HELLO_BYTES);
    if (record != NULL) {
        uint8_t *const payload = payload_of(record);
        memcpy(payload, hello->job_id, PSI_JOB_ID_BYTES);
        psi_put_u32(payload + 16, hello->process);
        psi_put_u32(payload + 20, hello->process_count);
        psi_put_u32(payload + 24, hello->frame_version);
        psi_put_u64(payload + 28, hello->plan_hash);
    }
    return record;
}

psi_frame *psi_link_heartbeat(psi_frame_pool *pool, const psi_heartbeat *heartbeat, uint32_t from,
                              uint32_t to) {
    const size_t length = strlen(heartbeat->waits);
    psi_frame *const record =
        record_take(pool, PSI_LINK_HEARTBEAT, from, to, HEARTBEAT_HEAD_BYTES + length);
    if (record != NULL) {
        uint8_t *const payload = payload_of(record);
        psi_put_u64(payload, heartbeat->progress);
        psi_put_u32(payload + 8, heartbeat->clock_min);
        psi_put_u32(payload + 12, heartbeat->workers_waiting);
        psi_put_u32(payload + 16, heartbeat->workers_computing);
        psi_put_u32(payload + 20, heartbeat->workers_active);
        psi_put_u32(payload + 24, heartbeat->busy_rank);
        psi_put_u32(payload + 28, heartbeat->busy_clock);
        psi_put_u32(payload + 32, heartbeat->busy_ms);
        memcpy(payload + HEARTBEAT_HEAD_BYTES, heartbeat->waits, length);
    }
    return record;
}

psi_frame *psi_link_failure(psi_frame_pool *pool, const ps_fault *fault, uint32_t from,
                            uint32_t to) {
    const size_t length = strlen(fault->text);
    psi_frame *const record =
        record_take(pool, PSI_LINK_FAILURE, from, to, FAILURE_HEAD_BYTES + length);
    if (record != NULL) {
        psi_put_u32(payload_of(record), (uint32_t)fault->err);
        memcpy(payload_of(record) + FAILURE_HEAD_BYTES, fault->text, length);
    }
    return record;
}

psi_frame *psi_link_goodbye(psi_frame_pool *pool, uint32_t from, uint32_t to) {
    return record_take(pool, PSI_LINK_GOODBYE, from, to, 0);
}

bool psi_link_hello_read(const psi_frame *record, psi_hello *hello_out) {
    psi_reader reader =
        psi_reader_of(psi_frame_payload(record), psi_frame_payload_size_bytes(record));
    psi_hello hello = {0};
    const uint8_t *const job_id = psi_read_bytes(&reader, PSI_JOB_ID_BYTES);
    if (job_id == NULL) {
        return false;
    }
    memcpy(hello.job_id, job_id, PSI_JOB_ID_BYTES);
    hello.process = psi_read_u32(&reader);
    hello.process_count = psi_read_u32(&reader);
    hello.frame_version = psi_read_u32(&reader);
    hello.plan_hash = psi_read_u64(&reader);
    if (reader.failed || reader.left_bytes != 0) {
        return false;
    }
    *hello_out = hello;
    return true;
}

/* Whether all that is left is a text without a zero, which fits with one. */
static bool is_text(const psi_reader *reader, size_t room_bytes) {
    return reader->left_bytes < room_bytes && memchr(reader->at, '\0', reader->left_bytes) == NULL;
}

bool psi_link_heartbeat_read(const psi_frame *record, psi_heartbeat *heartbeat_out) {
    psi_reader reader =
        psi_reader_of(psi_frame_payload(record), psi_frame_payload_size_bytes(record));
    psi_heartbeat heartbeat = {0};
    heartbeat.progress = psi_read_u64(&reader);
    heartbeat.clock_min = psi_read_u32(&reader);
    heartbeat.workers_waiting = psi_read_u32(&reader);
    heartbeat.workers_computing = psi_read_u32(&reader);
    heartbeat.workers_active = psi_read_u32(&reader);
    heartbeat.busy_rank = psi_read_u32(&reader);
    heartbeat.busy_clock = psi_read_u32(&reader);
    heartbeat.busy_ms = psi_read_u32(&reader);
    if (reader.failed || !is_text(&reader, sizeof heartbeat.waits)) {
        return false;
    }
    memcpy(heartbeat.waits, reader.at, reader.left_bytes);
    *heartbeat_out = heartbeat;
    return true;
}

bool psi_link_failure_read(const psi_frame *record, ps_fault *fault_out) {
    psi_reader reader =
        psi_reader_of(psi_frame_payload(record), psi_frame_payload_size_bytes(record));
    const uint32_t err = psi_read_u32(&reader);
    const size_t length = reader.left_bytes;
    const bool is_failure = err != PS_OK && err <= PS_EFAILED;
    if (reader.failed || !is_failure || !is_text(&reader, sizeof fault_out->text)) {
        return false;
    }
    *fault_out = (ps_fault){0};
    (void)ps_fault_set(fault_out, (ps_err)err, "%.*s", (int)length, (const char *)reader.at);
    return true;
}

psi_frame_verdict psi_link_header_read(const uint8_t *bytes, psi_frame_header *header_out) {
    static const psi_frame_format format = {.magic = PSI_LINK_MAGIC,
                                            .version = PSI_LINK_VERSION,
                                            .type_count = PSI_LINK_TYPES,
                                            .payload_max_bytes = PSI_LINK_PAYLOAD_MAX_BYTES};
    return psi_frame_header_read_as(&format, bytes, header_out);
}

/* 64-bit FNV-1a (Fowler, Noll, Vo): enough to tell two plans apart, no protection against malice.
 */
static uint64_t hash_bytes(uint64_t hash, const void *bytes, size_t size_bytes) {
    const uint8_t *const at = bytes;
    for (size_t i = 0; i < size_bytes; i++) {
        hash = (hash ^ at[i]) * UINT64_C(0x100000001b3);
    }
    return hash;
}

static uint64_t hash_u64(uint64_t hash, uint64_t value) {
    uint8_t bytes[8];
    psi_put_u64(bytes, value);
    return hash_bytes(hash, bytes, sizeof bytes);
}

static uint64_t hash_text(uint64_t hash, const char *text) {
    return hash_bytes(hash, text, strlen(text) + 1);
}

uint64_t psi_plan_hash(const psi_plan *plan) {
    uint64_t hash = UINT64_C(0xcbf29ce484222325);
    char policy[32];
    psi_policy_format(&plan->policy, policy);
    hash = hash_text(hash, policy);
    hash = hash_text(hash, plan->algo->name);
    const uint64_t numbers[] = {
        plan->node_count,    plan->worker_count, plan->shard_count,
        plan->process_count, plan->clock_count,  plan->eval_every_clocks,
        plan->seed,          plan->table_count,  plan->eval_doubles,
    };
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
        hash = hash_u64(hash, numbers[i]);
    }
    for (size_t i = 0; i < plan->table_count; i++) {
        const ps_table_spec *const spec = &plan->specs[i];
        hash = hash_text(hash, spec->name);
        hash = hash_u64(hash, (uint64_t)spec->type);
        hash = hash_u64(hash, (uint64_t)spec->layout);
        hash = hash_u64(hash, spec->row_count);
        hash = hash_u64(hash, spec->column_count);
        hash = hash_u64(hash, spec->block_rows);
    }
    return hash;
}

psi_greeting psi_hello_judge(const psi_hello *own, const psi_hello *theirs, ps_fault *fault) {
    if (memcmp(own->job_id, theirs->job_id, PSI_JOB_ID_BYTES) != 0) {
        return PSI_GREETING_STRANGER;
    }
    if (theirs->frame_version != own->frame_version) {
        (void)ps_fault_set(
            fault, PS_EPEER,
            "process %u speaks version %u of the wire format, process %u version %u: use "
            "the same tortoise everywhere",
            theirs->process, theirs->frame_version, own->process, own->frame_version);
        return PSI_GREETING_MISMATCH;
    }
    if (theirs->process_count != own->process_count || theirs->plan_hash != own->plan_hash) {
        (void)ps_fault_set(
            fault, PS_EPEER,
            "process %u was started with other options than process %u: its plan differs",
            theirs->process, own->process);
        return PSI_GREETING_MISMATCH;
    }
    if (theirs->process >= own->process_count || theirs->process == own->process) {
        (void)ps_fault_set(fault, PS_EPEER, "a peer claims to be process %u, as process %u sees it",
                           theirs->process, own->process);
        return PSI_GREETING_MISMATCH;
    }
    return PSI_GREETING_GOOD;
}
