/* What ranks say to rank 0 before a run, and what it answers: messages as bytes. Pure; no sockets.
 *
 *     rank                                  rank 0
 *       | -- JOIN (who, what run, where) ----> |   when all are there, or one cannot belong:
 *       | <---- TABLE (job id, addresses) ---- |   go; rank 0 closes
 *       | <---- REFUSAL (error, one line) ---- |   why not; rank 0 closes
 *
 * Header: magic "TTSJ", format (u16), type (u16), payload bytes (u32), CRC-32C of the payload
 * (u32). It stays like this in all versions, and so does the beginning of JOIN, the program's
 * version: so two versions can name each other. Integers are little-endian; a text is a length
 * (u16) and that many bytes; an address is a family (4, 6, or 0: none), a port (u16), 16 bytes. */
#ifndef PSI_MEETING_WIRE_H
#define PSI_MEETING_WIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tortoise/err.h"

#include "base/bytes.h"
#include "runtime/link.h"
#include "runtime/runtime.h"
#include "runtime/socket.h"

#define PSI_MEETING_MAGIC UINT32_C(0x4a535454) /* "TTSJ" */

enum {
    PSI_MEETING_FORMAT = 1,
    PSI_MEETING_HEADER_BYTES = 16,
    PSI_MEETING_JOIN_MAX_BYTES = 4080, /* with its header no more than 4 KiB */
    PSI_MEETING_TABLE_MAX_BYTES = PSI_JOB_ID_BYTES + 4 + 19 * PSI_RUNTIME_RANKS_MAX,
    PSI_MEETING_TEXT_BYTES = 128 /* names of versions, jobs and hosts, with the final zero */
};

typedef enum psi_meeting_type {
    PSI_MEETING_JOIN = 1,
    PSI_MEETING_TABLE,
    PSI_MEETING_REFUSAL
} psi_meeting_type;

typedef struct psi_meeting_header {
    uint16_t format;
    psi_meeting_type type;
    uint32_t payload_size_bytes;
    uint32_t payload_crc;
} psi_meeting_header;

/* Who a rank is and what run it believes to be in. */
typedef struct psi_join {
    char program[PSI_MEETING_TEXT_BYTES]; /* version, for people */
    char job[PSI_MEETING_TEXT_BYTES];
    char host[PSI_MEETING_TEXT_BYTES];
    uint32_t link_version, frame_version;
    uint32_t rank, size;
    uint64_t plan_hash;
    psi_address address;    /* where it listens; size_bytes 0: as it was reached */
    const uint8_t *aspects; /* borrowed: the encoded settings, name and value by turns */
    size_t aspects_size_bytes;
} psi_join;

/* Reads a header. Returns false if the magic or the type is unknown, or if the payload would be
 * longer than `payload_max_bytes`. */
PS_MUST_CHECK bool psi_meeting_header_read(const uint8_t bytes[static PSI_MEETING_HEADER_BYTES],
                                           size_t payload_max_bytes,
                                           psi_meeting_header *header_out);

/* Whether the payload is the one that the header announced. O(size). */
PS_MUST_CHECK bool psi_meeting_payload_is_whole(const psi_meeting_header *header,
                                                const uint8_t *payload);

/* Each appends a whole message to `out`; false when memory is exhausted. Texts that are too long
 * are cut. The settings of a JOIN are `aspects`[0..count): those that would not fit into it are
 * left out, but a hash of all of them is always part of it. */
PS_MUST_CHECK bool psi_meeting_join_write(const psi_join *join, const psi_aspect *aspects,
                                          size_t aspect_count, psi_buffer *out);
PS_MUST_CHECK bool psi_meeting_table_write(const uint8_t job_id[static PSI_JOB_ID_BYTES],
                                           const psi_address *addresses, uint32_t count,
                                           psi_buffer *out);
PS_MUST_CHECK bool psi_meeting_refusal_write(ps_err err, const char *text, psi_buffer *out);

/* Each reads the payload of a message. Returns false, outputs unchanged, if it is malformed.
 * psi_meeting_join_read() of another format reads the program's version alone. */
PS_MUST_CHECK bool psi_meeting_join_read(const psi_meeting_header *header, const uint8_t *payload,
                                         psi_join *join_out);
PS_MUST_CHECK bool psi_meeting_table_read(const uint8_t *payload, size_t size_bytes,
                                          uint8_t job_id_out[static PSI_JOB_ID_BYTES],
                                          psi_address *addresses_out, uint32_t count);
PS_MUST_CHECK bool psi_meeting_refusal_read(const uint8_t *payload, size_t size_bytes,
                                            ps_fault *fault_out);

typedef enum psi_meeting_verdict {
    PSI_MEETING_WELCOME,
    PSI_MEETING_OTHER_JOB, /* refuse it and go on */
    PSI_MEETING_MISFIT     /* of this job, but it can never belong: the run cannot begin */
} psi_meeting_verdict;

/* Compares what a rank says with what rank 0 knows. Unless it is welcome, `fault` says who differs
 * in what, and what to do. Whether the rank is there already is the caller's to know. */
psi_meeting_verdict psi_meeting_judge(const psi_join *own, const psi_join *theirs,
                                      uint16_t their_format, ps_fault *fault);

#endif
