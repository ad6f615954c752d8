/* Messages of ranks that meet before a run, and what rank 0 makes of them. Whoever reaches its port
 * may send them: each is refused, or means what it says, and what is shown of it is one line. */
#include <stdlib.h>
#include <string.h>

#include "base/crc32c.h"
#include "fuzz/fuzz.h"
#include "runtime/meeting_wire.h"

enum { RANKS = 4 };

/* The bytes in memory of exactly their size. */
static uint8_t *exact_copy(const uint8_t *bytes, size_t size) {
    uint8_t *const copy = malloc(size == 0 ? 1 : size);
    FUZZ_CHECK(copy != NULL);
    memcpy(copy, bytes, size);
    return copy;
}

static void check_text(const char *text, size_t room) {
    const char *const end = memchr(text, '\0', room);
    FUZZ_CHECK(end != NULL);
    for (; text < end; text++) {
        FUZZ_CHECK(*text >= 0x20 && *text <= 0x7e); /* it ends up on a terminal */
    }
}

static void judge_header(fuzz_input *input) {
    uint8_t bytes[PSI_MEETING_HEADER_BYTES] = {0};
    size_t size = 0;
    const uint8_t *const given = fuzz_bytes(input, sizeof bytes, &size);
    memcpy(bytes, given, size);
    psi_meeting_header header = {.payload_crc = 77};
    if (psi_meeting_header_read(bytes, PSI_MEETING_JOIN_MAX_BYTES, &header)) {
        FUZZ_CHECK(header.payload_size_bytes <= PSI_MEETING_JOIN_MAX_BYTES);
        FUZZ_CHECK(header.type >= PSI_MEETING_JOIN && header.type <= PSI_MEETING_REFUSAL);
        if (header.payload_size_bytes <= input->left) {
            const uint32_t crc = psi_crc32c(0, input->at, header.payload_size_bytes);
            FUZZ_CHECK(psi_meeting_payload_is_whole(&header, input->at) ==
                       (crc == header.payload_crc));
        }
    } else {
        FUZZ_CHECK(header.payload_crc == 77);
    }
}

/* Reads the bytes as a JOIN of the format that `how` says, and compares it to one's own. */
static void judge_join(const psi_join *own, const uint8_t *bytes, size_t size, uint8_t how) {
    const uint16_t format = how < 200 ? PSI_MEETING_FORMAT : how;
    const psi_meeting_header header = {
        .format = format, .type = PSI_MEETING_JOIN, .payload_size_bytes = (uint32_t)size};
    psi_join theirs = {.rank = 77, .plan_hash = 77};
    if (!psi_meeting_join_read(&header, bytes, &theirs)) {
        FUZZ_CHECK(theirs.rank == 77 && theirs.plan_hash == 77);
        return;
    }
    check_text(theirs.program, sizeof theirs.program);
    check_text(theirs.job, sizeof theirs.job);
    check_text(theirs.host, sizeof theirs.host);
    FUZZ_CHECK(theirs.aspects == NULL ||
               theirs.aspects + theirs.aspects_size_bytes == bytes + size);
    ps_fault fault = {0};
    const psi_meeting_verdict verdict = psi_meeting_judge(own, &theirs, format, &fault);
    FUZZ_CHECK((verdict == PSI_MEETING_WELCOME) == (fault.err == PS_OK));
    check_text(fault.text, sizeof fault.text);
    if (verdict == PSI_MEETING_WELCOME) {
        FUZZ_CHECK(theirs.rank > 0 && theirs.rank < own->size && theirs.size == own->size);
        FUZZ_CHECK(strcmp(theirs.job, own->job) == 0 && theirs.plan_hash == own->plan_hash);
    }
}

/* What a rank of the same run sends, with some bytes of it overwritten. */
static void judge_spoilt_join(fuzz_input *input, uint8_t how) {
    static const psi_aspect aspects[] = {{"algorithm", "mf"}, {"policy", "ssp:3"}, {"seed", "1"}};
    psi_join join = {.program = "0.1.0",
                     .job = "a job",
                     .host = "n01",
                     .link_version = 1,
                     .frame_version = 1,
                     .rank = 1,
                     .size = RANKS,
                     .plan_hash = 5};
    psi_buffer out = {0};
    FUZZ_CHECK(psi_meeting_join_write(&join, aspects, 3, &out));
    const size_t size = out.size_bytes - PSI_MEETING_HEADER_BYTES;
    uint8_t *const own_bytes = exact_copy(out.bytes + PSI_MEETING_HEADER_BYTES, size);
    uint8_t *const bytes = exact_copy(own_bytes, size);
    const psi_meeting_header header = {.format = PSI_MEETING_FORMAT,
                                       .type = PSI_MEETING_JOIN,
                                       .payload_size_bytes = (uint32_t)size};
    psi_join own;
    FUZZ_CHECK(psi_meeting_join_read(&header, own_bytes, &own));
    FUZZ_CHECK(own.rank == 1 && own.plan_hash == 5 && strcmp(own.host, "n01") == 0);
    ps_fault fault = {0};
    FUZZ_CHECK(psi_meeting_judge(&own, &own, PSI_MEETING_FORMAT, &fault) == PSI_MEETING_WELCOME);
    while (input->left > 0) {
        const size_t at = fuzz_u8(input) % size;
        bytes[at] = fuzz_u8(input);
    }
    judge_join(&own, bytes, size, how);
    free(bytes);
    free(own_bytes);
    psi_buffer_fini(&out);
}

static void judge_table(const uint8_t *bytes, size_t size, uint8_t how) {
    uint8_t job_id[PSI_JOB_ID_BYTES] = {77};
    psi_address addresses[RANKS];
    const uint32_t count = 1 + how % RANKS;
    memset(addresses, 0x5a, sizeof addresses);
    const psi_address before = addresses[0];
    if (!psi_meeting_table_read(bytes, size, job_id, addresses, count)) {
        FUZZ_CHECK(job_id[0] == 77 && memcmp(&addresses[0], &before, sizeof before) == 0);
        return;
    }
    for (uint32_t i = 0; i < count; i++) {
        char text[PSI_ADDRESS_TEXT_BYTES];
        FUZZ_CHECK(i == 0 || psi_address_port(&addresses[i]) != 0);
        psi_address_format(&addresses[i], text);
        check_text(text, sizeof text);
        (void)psi_address_is_loopback(&addresses[i]);
        (void)psi_address_is_any(&addresses[i]);
    }
    psi_buffer again = {0};
    FUZZ_CHECK(psi_meeting_table_write(job_id, addresses, count, &again));
    FUZZ_CHECK(again.size_bytes == PSI_MEETING_HEADER_BYTES + size);
    psi_buffer_fini(&again);
}

static void judge_refusal(const uint8_t *bytes, size_t size) {
    ps_fault fault = {.err = PS_ENOMEM, .text = "before"};
    if (psi_meeting_refusal_read(bytes, size, &fault)) {
        FUZZ_CHECK(fault.err != PS_OK && fault.err <= PS_EFAILED);
        check_text(fault.text, sizeof fault.text);
    } else {
        FUZZ_CHECK(strcmp(fault.text, "before") == 0);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    fuzz_input input = {data, size};
    const uint8_t what = fuzz_u8(&input);
    const uint8_t how = fuzz_u8(&input);
    uint8_t *const bytes = exact_copy(input.at, input.left);
    const psi_join own = {
        .program = "0.1.0", .job = "a job", .host = "n00", .size = RANKS, .aspects = bytes};
    switch (what % 5) {
    case 0:
        judge_header(&input);
        break;
    case 1:
        judge_join(&own, bytes, input.left, how);
        break;
    case 2:
        judge_table(bytes, input.left, how);
        break;
    case 3:
        judge_refusal(bytes, input.left);
        break;
    default:
        judge_spoilt_join(&input, how);
        break;
    }
    free(bytes);
    return 0;
}
