/* Link records: what a process believes of another one before and beside frames. Whatever a peer
 * says must be refused, or mean what was said. */
#include <stdio.h>
#include <string.h>

#include "base/bytes.h"
#include "fuzz/fuzz.h"
#include "runtime/link.h"

/* A record with the payload that is left. */
static psi_frame *record_of(psi_frame_pool *pool, uint32_t type, const fuzz_input *input) {
    const size_t size =
        input->left < PSI_LINK_PAYLOAD_MAX_BYTES ? input->left : PSI_LINK_PAYLOAD_MAX_BYTES;
    psi_frame *const record = psi_frame_take(pool, (psi_frame_type)type, 1, 0, size);
    FUZZ_CHECK(record != NULL);
    memcpy(record->bytes + PSI_FRAME_HEADER_BYTES, input->at, size);
    return record;
}

/* Whether two records have the same payload. */
static void check_same(psi_frame_pool *pool, const psi_frame *left, psi_frame *right) {
    FUZZ_CHECK(right != NULL && left->size_bytes == right->size_bytes);
    FUZZ_CHECK(memcmp(psi_frame_payload(left), psi_frame_payload(right),
                      psi_frame_payload_size_bytes(left)) == 0);
    psi_frame_release(pool, right);
}

static void judge_hello(psi_frame_pool *pool, const psi_frame *record, uint8_t how) {
    psi_hello theirs;
    memset(&theirs, 0x5a, sizeof theirs);
    const psi_hello before = theirs;
    if (!psi_link_hello_read(record, &theirs)) {
        FUZZ_CHECK(memcmp(&theirs, &before, sizeof theirs) == 0);
        return;
    }
    check_same(pool, record, psi_link_hello(pool, &theirs, 0));
    psi_hello own = theirs; /* alike but for one thing at a time */
    own.process = (how & 1) != 0 ? theirs.process : theirs.process + 1;
    own.process_count += (how & 2) != 0;
    own.frame_version += (how & 4) != 0;
    own.plan_hash ^= (how & 8) != 0;
    own.job_id[how >> 4] ^= (how & 16) != 0;
    ps_fault fault = {0};
    const psi_greeting greeting = psi_hello_judge(&own, &theirs, &fault);
    FUZZ_CHECK((greeting == PSI_GREETING_MISMATCH) == (fault.err != PS_OK));
    if (greeting == PSI_GREETING_GOOD) {
        FUZZ_CHECK((how & 31) == 0 && theirs.process < own.process_count);
    }
    if ((how & 16) != 0) {
        FUZZ_CHECK(greeting == PSI_GREETING_STRANGER);
    }
}

static void judge_heartbeat(psi_frame_pool *pool, const psi_frame *record) {
    psi_heartbeat heartbeat = {.progress = 77};
    if (!psi_link_heartbeat_read(record, &heartbeat)) {
        FUZZ_CHECK(heartbeat.progress == 77);
        return;
    }
    FUZZ_CHECK(strlen(heartbeat.waits) < sizeof heartbeat.waits);
    check_same(pool, record, psi_link_heartbeat(pool, &heartbeat, 1, 0));
}

static void judge_failure(psi_frame_pool *pool, const psi_frame *record) {
    ps_fault fault = {.err = PS_ENOMEM, .text = "before"};
    if (!psi_link_failure_read(record, &fault)) {
        FUZZ_CHECK(fault.err == PS_ENOMEM && strcmp(fault.text, "before") == 0);
        return;
    }
    FUZZ_CHECK(fault.err != PS_OK && fault.err <= PS_EFAILED);
    for (const char *at = fault.text; *at != '\0'; at++) { /* it is printed */
        FUZZ_CHECK((unsigned char)*at >= 0x20 && *at != 0x7f);
    }
    psi_frame *const again = psi_link_failure(pool, &fault, 1, 0);
    FUZZ_CHECK(again != NULL);
    psi_frame_release(pool, again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    fuzz_input input = {data, size};
    psi_frame_pool pool = {0};
    const uint32_t type = fuzz_u8(&input) % PSI_LINK_TYPES;
    const uint8_t how = fuzz_u8(&input);
    psi_frame *const record = record_of(&pool, type, &input);
    switch ((psi_link_type)type) {
    case PSI_LINK_HELLO:
        judge_hello(&pool, record, how);
        break;
    case PSI_LINK_HEARTBEAT:
        judge_heartbeat(&pool, record);
        break;
    default:
        judge_failure(&pool, record);
        break;
    }
    psi_frame_release(&pool, record);
    psi_frame_pool_fini(&pool);
    return 0;
}
