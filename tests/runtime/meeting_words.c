/* What ranks say to rank 0 before a run: every message comes back as it was, damaged ones are
 * refused, and a rank that does not belong is told in what it differs. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <netinet/in.h>

#include "runtime/meeting_wire.h"

#include "support/suite.h"

static const psi_aspect aspects[] = {
    {"policy", "bsp"}, {"workers", "12"}, {"lambda", "0.0517"}, {"data", "cafe"}};
enum { ASPECTS = sizeof aspects / sizeof aspects[0] };

static psi_join a_join(uint32_t rank) {
    psi_join join = {.link_version = PSI_LINK_VERSION,
                     .frame_version = PSI_FRAME_VERSION,
                     .rank = rank,
                     .size = 5,
                     .plan_hash = UINT64_C(0x123456789abcdef1)};
    (void)strcpy(join.program, "7.3.1 abc");
    (void)strcpy(join.job, "night");
    (void)snprintf(join.host, sizeof join.host, "n%u", rank);
    join.address = psi_address_any(rank % 2 == 1, (uint16_t)(1000 + rank));
    return join;
}

/* Writes a JOIN and reads it back. `out` must outlive it. */
static psi_join exchange(const psi_join *join, const psi_aspect *settings, size_t count,
                         psi_buffer *out, psi_meeting_header *header) {
    psi_join got = {0};
    CU_ASSERT_TRUE_FATAL(psi_meeting_join_write(join, settings, count, out));
    CU_ASSERT_TRUE_FATAL(psi_meeting_header_read(out->bytes, PSI_MEETING_JOIN_MAX_BYTES, header));
    CU_ASSERT_EQUAL(header->payload_size_bytes, out->size_bytes - PSI_MEETING_HEADER_BYTES);
    const uint8_t *const payload = out->bytes + PSI_MEETING_HEADER_BYTES;
    CU_ASSERT_TRUE(psi_meeting_payload_is_whole(header, payload));
    CU_ASSERT_TRUE_FATAL(psi_meeting_join_read(header, payload, &got));
    return got;
}

static void a_greeting_arrives_as_it_was(void) {
    psi_buffer out = {0};
    psi_meeting_header header;
    const psi_join join = a_join(3);
    const psi_join got = exchange(&join, aspects, ASPECTS, &out, &header);
    CU_ASSERT_STRING_EQUAL(got.program, join.program);
    CU_ASSERT_STRING_EQUAL(got.job, join.job);
    CU_ASSERT_STRING_EQUAL(got.host, join.host);
    CU_ASSERT_EQUAL(got.rank, 3);
    CU_ASSERT_EQUAL(got.size, 5);
    CU_ASSERT_EQUAL(got.plan_hash, join.plan_hash);
    CU_ASSERT_EQUAL(psi_address_port(&got.address), 1003);
    psi_join again;
    for (uint32_t cut = 0; cut < header.payload_size_bytes; cut++) {
        psi_meeting_header shorter = header;
        shorter.payload_size_bytes = cut;
        const uint8_t *const payload = out.bytes + PSI_MEETING_HEADER_BYTES;
        CU_ASSERT_FALSE(psi_meeting_payload_is_whole(&shorter, payload));
        (void)!psi_meeting_join_read(&shorter, payload, &again); /* must not read beyond it */
    }
    for (size_t bit = 0; bit < 8 * out.size_bytes; bit++) {
        out.bytes[bit / 8] ^= (uint8_t)(1U << bit % 8);
        psi_meeting_header damaged;
        const bool is_taken =
            psi_meeting_header_read(out.bytes, PSI_MEETING_JOIN_MAX_BYTES, &damaged) &&
            damaged.format == PSI_MEETING_FORMAT && damaged.type == PSI_MEETING_JOIN &&
            damaged.payload_size_bytes == header.payload_size_bytes &&
            psi_meeting_payload_is_whole(&damaged, out.bytes + PSI_MEETING_HEADER_BYTES);
        CU_ASSERT_FALSE(is_taken);
        out.bytes[bit / 8] ^= (uint8_t)(1U << bit % 8);
    }
    psi_buffer_fini(&out);
}

static void a_table_and_a_refusal_arrive(void) {
    enum { COUNT = 7 };
    uint8_t job_id[PSI_JOB_ID_BYTES];
    uint8_t got_id[PSI_JOB_ID_BYTES];
    psi_address addresses[COUNT] = {0};
    psi_address got[COUNT];
    psi_buffer out = {0};
    memset(job_id, 0x6b, sizeof job_id);
    for (uint32_t i = 1; i < COUNT; i++) {
        addresses[i] = psi_address_any(i % 2 == 1, (uint16_t)(2000 + i));
    }
    CU_ASSERT_TRUE_FATAL(psi_meeting_table_write(job_id, addresses, COUNT, &out));
    const uint8_t *const payload = out.bytes + PSI_MEETING_HEADER_BYTES;
    const size_t size_bytes = out.size_bytes - PSI_MEETING_HEADER_BYTES;
    CU_ASSERT_TRUE(psi_meeting_table_read(payload, size_bytes, got_id, got, COUNT));
    CU_ASSERT_EQUAL(memcmp(job_id, got_id, sizeof job_id), 0);
    CU_ASSERT_EQUAL(got[0].size_bytes, 0);
    CU_ASSERT_EQUAL(psi_address_port(&got[6]), 2006);
    CU_ASSERT_FALSE(psi_meeting_table_read(payload, size_bytes - 1, got_id, got, COUNT));
    CU_ASSERT_FALSE(psi_meeting_table_read(payload, size_bytes, got_id, got, COUNT - 1));
    addresses[2] = (psi_address){0}; /* only rank 0 may be where it was reached */
    out.size_bytes = 0;
    CU_ASSERT_TRUE(psi_meeting_table_write(job_id, addresses, COUNT, &out));
    CU_ASSERT_FALSE(psi_meeting_table_read(out.bytes + PSI_MEETING_HEADER_BYTES, size_bytes, got_id,
                                           got, COUNT));
    ps_fault fault;
    out.size_bytes = 0;
    CU_ASSERT_TRUE(psi_meeting_refusal_write(PS_EPEER, "no \x1b[1m room", &out));
    CU_ASSERT_TRUE(psi_meeting_refusal_read(out.bytes + PSI_MEETING_HEADER_BYTES,
                                            out.size_bytes - PSI_MEETING_HEADER_BYTES, &fault));
    CU_ASSERT_EQUAL(fault.err, PS_EPEER);
    CU_ASSERT_STRING_EQUAL(fault.text, "no ?[1m room");
    psi_buffer_fini(&out);
}

static void expect(psi_join *theirs, const psi_aspect *settings, uint16_t format,
                   psi_meeting_verdict verdict, const char *word) {
    psi_buffer own_bytes = {0};
    psi_buffer their_bytes = {0};
    psi_meeting_header header;
    const psi_join rank_0 = a_join(0);
    const psi_join own = exchange(&rank_0, aspects, ASPECTS, &own_bytes, &header);
    const psi_join other = exchange(theirs, settings, ASPECTS, &their_bytes, &header);
    ps_fault fault = {0};
    CU_ASSERT_EQUAL(psi_meeting_judge(&own, &other, format, &fault), verdict);
    CU_ASSERT_PTR_NOT_NULL(strstr(fault.text, word));
    CU_ASSERT_EQUAL(fault.err, verdict == PSI_MEETING_WELCOME ? PS_OK : PS_EPEER);
    if (strstr(fault.text, word) == NULL) {
        printf("  '%s' is not in '%s'\n", word, fault.text);
    }
    psi_buffer_fini(&own_bytes);
    psi_buffer_fini(&their_bytes);
}

static void who_does_not_belong_is_told_why(void) {
    psi_join join = a_join(3);
    expect(&join, aspects, PSI_MEETING_FORMAT, PSI_MEETING_WELCOME, "");
    (void)strcpy(join.job, "day");
    expect(&join, aspects, PSI_MEETING_FORMAT, PSI_MEETING_OTHER_JOB,
           "rank 3 on n3 is of the job 'day', but rank 0 on n0 is of the job 'night'");
    join = a_join(3);
    (void)strcpy(join.program, "7.4.0 def");
    expect(&join, aspects, PSI_MEETING_FORMAT, PSI_MEETING_MISFIT,
           "a rank on n3 is of tortoise 7.4.0 def");
    expect(&join, aspects, PSI_MEETING_FORMAT, PSI_MEETING_MISFIT, "but rank 0 on n0 is of 7.3.1");
    expect(&join, aspects, PSI_MEETING_FORMAT + 1, PSI_MEETING_OTHER_JOB, "the same version");
    join = a_join(3);
    join.frame_version += 5;
    expect(&join, aspects, PSI_MEETING_FORMAT, PSI_MEETING_MISFIT, "the same version");
    join = a_join(3);
    join.size = 4;
    expect(&join, aspects, PSI_MEETING_FORMAT, PSI_MEETING_MISFIT, "rank 3 of 4");
    join = a_join(5);
    expect(&join, aspects, PSI_MEETING_FORMAT, PSI_MEETING_MISFIT, "rank 5 of 5");
    join = a_join(0);
    expect(&join, aspects, PSI_MEETING_FORMAT, PSI_MEETING_OTHER_JOB, "rank 0 of 5");
    join = a_join(3);
    join.plan_hash ^= 1;
    expect(&join, aspects, PSI_MEETING_FORMAT, PSI_MEETING_MISFIT, "with other options");
    join = a_join(3);
    psi_aspect others[ASPECTS];
    memcpy(others, aspects, sizeof others);
    others[2].value = "0.3";
    expect(&join, others, PSI_MEETING_FORMAT, PSI_MEETING_MISFIT,
           "rank 3 on n3 has another lambda than rank 0 on n0: '0.3', not '0.0517'");
}

/* However many settings there are, a greeting stays small, and none of them differs unnoticed. */
static void many_settings_still_differ(void) {
    enum { MANY = 500 };
    psi_aspect *const many = calloc(MANY, sizeof *many);
    CU_ASSERT_PTR_NOT_NULL_FATAL(many);
    for (size_t i = 0; i < MANY; i++) {
        many[i] = (psi_aspect){"one-of-very-many-settings", "with-a-rather-long-value"};
    }
    psi_buffer bytes[2] = {{0}, {0}};
    psi_meeting_header header;
    const psi_join rank_0 = a_join(0);
    const psi_join rank_1 = a_join(1);
    const psi_join own = exchange(&rank_0, many, MANY, &bytes[0], &header);
    CU_ASSERT_TRUE(bytes[0].size_bytes <= 4096);
    many[MANY - 1].value = "with-a-rather-long-valuf";
    const psi_join other = exchange(&rank_1, many, MANY, &bytes[1], &header);
    ps_fault fault = {0};
    CU_ASSERT_EQUAL(psi_meeting_judge(&own, &other, PSI_MEETING_FORMAT, &fault),
                    PSI_MEETING_MISFIT);
    CU_ASSERT_PTR_NOT_NULL(strstr(fault.text, "all settings together"));
    psi_buffer_fini(&bytes[0]);
    psi_buffer_fini(&bytes[1]);
    free(many);
}

static const suite_test tests[] = {
    SUITE_TEST(a_greeting_arrives_as_it_was),
    SUITE_TEST(a_table_and_a_refusal_arrive),
    SUITE_TEST(who_does_not_belong_is_told_why),
    SUITE_TEST(many_settings_still_differ),
};
SUITE_MAIN("meeting_words", tests)
