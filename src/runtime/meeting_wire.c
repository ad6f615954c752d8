#define _GNU_SOURCE /* strnlen */
#include "runtime/meeting_wire.h"

#include <stdio.h>
#include <string.h>

#include <netinet/in.h>

#include "base/crc32c.h"

enum {
    TEXT_LENGTH_BYTES = 2,
    ADDRESS_BYTES = 19,
    ASPECT_VALUE_MAX = 80, /* characters of a setting's value */
    HASH_RESERVE_BYTES = 64
};

static const char all_settings[] = "all settings together";

/* ---- Writing ---- */

static bool put_u16(psi_buffer *out, uint16_t value) {
    uint8_t *const at = psi_buffer_extend(out, 2);
    if (at != NULL) {
        psi_put_u16(at, value);
    }
    return at != NULL;
}

static bool put_u32(psi_buffer *out, uint32_t value) {
    uint8_t *const at = psi_buffer_extend(out, 4);
    if (at != NULL) {
        psi_put_u32(at, value);
    }
    return at != NULL;
}

static bool put_u64(psi_buffer *out, uint64_t value) {
    return put_u32(out, (uint32_t)value) && put_u32(out, (uint32_t)(value >> 32));
}

static bool put_bytes(psi_buffer *out, const void *bytes, size_t size_bytes) {
    uint8_t *const at = psi_buffer_extend(out, size_bytes);
    if (at != NULL) {
        memcpy(at, bytes, size_bytes);
    }
    return at != NULL;
}

/* Whatever is no visible ASCII character becomes a '?': the other end shows it on a terminal. */
static bool put_text(psi_buffer *out, const char *text, size_t length_max) {
    const size_t length = strnlen(text, length_max);
    uint8_t *const at = put_u16(out, (uint16_t)length) ? psi_buffer_extend(out, length) : NULL;
    for (size_t i = 0; at != NULL && i < length; i++) {
        const bool is_visible = text[i] >= 0x20 && text[i] <= 0x7e;
        at[i] = is_visible ? (uint8_t)text[i] : (uint8_t)'?';
    }
    return at != NULL;
}

static bool put_address(psi_buffer *out, const psi_address *address) {
    uint8_t bytes[ADDRESS_BYTES] = {0};
    if (address->size_bytes > 0 && address->storage.ss_family == AF_INET6) {
        struct sockaddr_in6 in6;
        memcpy(&in6, &address->storage, sizeof in6);
        bytes[0] = 6;
        psi_put_u16(bytes + 1, ntohs(in6.sin6_port));
        memcpy(bytes + 3, &in6.sin6_addr, 16);
    } else if (address->size_bytes > 0) {
        struct sockaddr_in in;
        memcpy(&in, &address->storage, sizeof in);
        bytes[0] = 4;
        psi_put_u16(bytes + 1, ntohs(in.sin_port));
        memcpy(bytes + 3, &in.sin_addr, 4);
    }
    return put_bytes(out, bytes, sizeof bytes);
}

/* Leaves room for a header; returns where it begins. */
static bool begin(psi_buffer *out, size_t *begin_out) {
    *begin_out = out->size_bytes;
    return psi_buffer_extend(out, PSI_MEETING_HEADER_BYTES) != NULL;
}

static void finish(psi_buffer *out, size_t begun, psi_meeting_type type) {
    uint8_t *const header = out->bytes + begun;
    const size_t size_bytes = out->size_bytes - begun - PSI_MEETING_HEADER_BYTES;
    psi_put_u32(header, PSI_MEETING_MAGIC);
    psi_put_u16(header + 4, PSI_MEETING_FORMAT);
    psi_put_u16(header + 6, (uint16_t)type);
    psi_put_u32(header + 8, (uint32_t)size_bytes);
    psi_put_u32(header + 12, psi_crc32c(0, header + PSI_MEETING_HEADER_BYTES, size_bytes));
}

static bool put_aspects(psi_buffer *out, size_t begun, const psi_aspect *aspects, size_t count) {
    uint32_t hash = 0;
    const size_t room = PSI_MEETING_HEADER_BYTES + PSI_MEETING_JOIN_MAX_BYTES - HASH_RESERVE_BYTES;
    for (size_t i = 0; i < count; i++) {
        const psi_aspect *const aspect = &aspects[i];
        hash = psi_crc32c(hash, aspect->name, strlen(aspect->name) + 1);
        hash = psi_crc32c(hash, aspect->value, strlen(aspect->value) + 1);
        const size_t size_bytes = 2 * TEXT_LENGTH_BYTES + strnlen(aspect->name, ASPECT_VALUE_MAX) +
                                  strnlen(aspect->value, ASPECT_VALUE_MAX);
        if (out->size_bytes - begun + size_bytes > room) {
            continue;
        }
        if (!put_text(out, aspect->name, ASPECT_VALUE_MAX) ||
            !put_text(out, aspect->value, ASPECT_VALUE_MAX)) {
            return false;
        }
    }
    char text[16];
    (void)snprintf(text, sizeof text, "%08x", (unsigned)hash);
    return put_text(out, all_settings, ASPECT_VALUE_MAX) && put_text(out, text, sizeof text);
}

bool psi_meeting_join_write(const psi_join *join, const psi_aspect *aspects, size_t aspect_count,
                            psi_buffer *out) {
    size_t begun = 0;
    const bool is_written =
        begin(out, &begun) && put_text(out, join->program, PSI_MEETING_TEXT_BYTES - 1) &&
        put_text(out, join->job, PSI_MEETING_TEXT_BYTES - 1) &&
        put_text(out, join->host, PSI_MEETING_TEXT_BYTES - 1) && put_u32(out, join->link_version) &&
        put_u32(out, join->frame_version) && put_u32(out, join->rank) && put_u32(out, join->size) &&
        put_u64(out, join->plan_hash) && put_address(out, &join->address) &&
        put_aspects(out, begun, aspects, aspect_count);
    if (is_written) {
        finish(out, begun, PSI_MEETING_JOIN);
    }
    return is_written;
}

bool psi_meeting_table_write(const uint8_t job_id[static PSI_JOB_ID_BYTES],
                             const psi_address *addresses, uint32_t count, psi_buffer *out) {
    size_t begun = 0;
    bool is_written =
        begin(out, &begun) && put_bytes(out, job_id, PSI_JOB_ID_BYTES) && put_u32(out, count);
    for (uint32_t i = 0; i < count && is_written; i++) {
        is_written = put_address(out, &addresses[i]);
    }
    if (is_written) {
        finish(out, begun, PSI_MEETING_TABLE);
    }
    return is_written;
}

bool psi_meeting_refusal_write(ps_err err, const char *text, psi_buffer *out) {
    size_t begun = 0;
    const bool is_written = begin(out, &begun) && put_u32(out, (uint32_t)err) &&
                            put_text(out, text, sizeof((ps_fault *)NULL)->text - 1);
    if (is_written) {
        finish(out, begun, PSI_MEETING_REFUSAL);
    }
    return is_written;
}

/* ---- Reading ---- */

bool psi_meeting_header_read(const uint8_t bytes[static PSI_MEETING_HEADER_BYTES],
                             size_t payload_max_bytes, psi_meeting_header *header_out) {
    const uint16_t type = psi_load_u16(bytes + 6);
    const uint32_t size_bytes = psi_load_u32(bytes + 8);
    const bool is_known = type >= PSI_MEETING_JOIN && type <= PSI_MEETING_REFUSAL;
    if (psi_load_u32(bytes) != PSI_MEETING_MAGIC || !is_known || size_bytes > payload_max_bytes) {
        return false;
    }
    *header_out = (psi_meeting_header){.format = psi_load_u16(bytes + 4),
                                       .type = (psi_meeting_type)type,
                                       .payload_size_bytes = size_bytes,
                                       .payload_crc = psi_load_u32(bytes + 12)};
    return true;
}

bool psi_meeting_payload_is_whole(const psi_meeting_header *header, const uint8_t *payload) {
    return psi_crc32c(0, payload, header->payload_size_bytes) == header->payload_crc;
}

static uint16_t read_u16(psi_reader *reader) {
    const uint8_t *const bytes = psi_read_bytes(reader, 2);
    return bytes == NULL ? 0 : psi_load_u16(bytes);
}

/* Reads a text of visible ASCII characters and blanks: it ends up on a terminal. */
static void read_text(psi_reader *reader, char *text, size_t text_size) {
    const size_t length = read_u16(reader);
    const uint8_t *const bytes = psi_read_bytes(reader, length);
    text[0] = '\0';
    if (bytes == NULL || length >= text_size) {
        reader->failed = true;
        return;
    }
    for (size_t i = 0; i < length; i++) {
        if (bytes[i] < 0x20 || bytes[i] > 0x7e) {
            reader->failed = true;
            return;
        }
    }
    memcpy(text, bytes, length);
    text[length] = '\0';
}

static void read_address(psi_reader *reader, psi_address *address) {
    *address = (psi_address){0};
    const uint8_t *const bytes = psi_read_bytes(reader, ADDRESS_BYTES);
    if (bytes == NULL || bytes[0] == 0) {
        return;
    }
    const uint16_t port = psi_load_u16(bytes + 1);
    if (bytes[0] == 6 && port != 0) {
        struct sockaddr_in6 in6 = {.sin6_family = AF_INET6, .sin6_port = htons(port)};
        memcpy(&in6.sin6_addr, bytes + 3, 16);
        memcpy(&address->storage, &in6, sizeof in6);
        address->size_bytes = sizeof in6;
    } else if (bytes[0] == 4 && port != 0) {
        struct sockaddr_in in = {.sin_family = AF_INET, .sin_port = htons(port)};
        memcpy(&in.sin_addr, bytes + 3, 4);
        memcpy(&address->storage, &in, sizeof in);
        address->size_bytes = sizeof in;
    } else {
        reader->failed = true;
    }
}

bool psi_meeting_join_read(const psi_meeting_header *header, const uint8_t *payload,
                           psi_join *join_out) {
    psi_reader reader = psi_reader_of(payload, header->payload_size_bytes);
    psi_join join = {0};
    read_text(&reader, join.program, sizeof join.program);
    if (header->format != PSI_MEETING_FORMAT) {
        if (!reader.failed) {
            *join_out = join;
        }
        return !reader.failed;
    }
    read_text(&reader, join.job, sizeof join.job);
    read_text(&reader, join.host, sizeof join.host);
    join.link_version = psi_read_u32(&reader);
    join.frame_version = psi_read_u32(&reader);
    join.rank = psi_read_u32(&reader);
    join.size = psi_read_u32(&reader);
    join.plan_hash = psi_read_u64(&reader);
    read_address(&reader, &join.address);
    join.aspects = reader.at;
    join.aspects_size_bytes = reader.left_bytes;
    while (!reader.failed && reader.left_bytes > 0) {
        char text[ASPECT_VALUE_MAX + 1];
        read_text(&reader, text, sizeof text);
        read_text(&reader, text, sizeof text);
    }
    if (!reader.failed) {
        *join_out = join;
    }
    return !reader.failed;
}

bool psi_meeting_table_read(const uint8_t *payload, size_t size_bytes,
                            uint8_t job_id_out[static PSI_JOB_ID_BYTES], psi_address *addresses_out,
                            uint32_t count) {
    psi_reader reader = psi_reader_of(payload, size_bytes);
    const uint8_t *const job_id = psi_read_bytes(&reader, PSI_JOB_ID_BYTES);
    if (psi_read_u32(&reader) != count || reader.failed ||
        reader.left_bytes != (size_t)count * ADDRESS_BYTES) {
        return false;
    }
    psi_reader trial = reader;
    for (uint32_t i = 0; i < count; i++) {
        psi_address address;
        read_address(&trial, &address);
        if (trial.failed || (address.size_bytes == 0 && i > 0)) {
            return false; /* only rank 0 may be "as you reached me" */
        }
    }
    for (uint32_t i = 0; i < count; i++) {
        read_address(&reader, &addresses_out[i]);
    }
    memcpy(job_id_out, job_id, PSI_JOB_ID_BYTES);
    return true;
}

bool psi_meeting_refusal_read(const uint8_t *payload, size_t size_bytes, ps_fault *fault_out) {
    psi_reader reader = psi_reader_of(payload, size_bytes);
    const uint32_t err = psi_read_u32(&reader);
    char text[sizeof fault_out->text];
    read_text(&reader, text, sizeof text);
    if (reader.failed || reader.left_bytes != 0 || err == PS_OK || err > PS_EFAILED) {
        return false;
    }
    *fault_out = (ps_fault){0};
    (void)ps_fault_set(fault_out, (ps_err)err, "%s", text);
    return true;
}

/* ---- Judging ---- */

/* Finds the first setting that differs and says so. */
static void blame_setting(const psi_join *own, const psi_join *theirs, ps_fault *fault) {
    psi_reader ours = psi_reader_of(own->aspects, own->aspects_size_bytes);
    psi_reader other = psi_reader_of(theirs->aspects, theirs->aspects_size_bytes);
    char name[2][ASPECT_VALUE_MAX + 1];
    char value[2][ASPECT_VALUE_MAX + 1];
    while (ours.left_bytes > 0 && other.left_bytes > 0) {
        read_text(&ours, name[0], sizeof name[0]);
        read_text(&ours, value[0], sizeof value[0]);
        read_text(&other, name[1], sizeof name[1]);
        read_text(&other, value[1], sizeof value[1]);
        if (ours.failed || other.failed || strcmp(name[0], name[1]) != 0) {
            break;
        }
        if (strcmp(value[0], value[1]) != 0) {
            (void)ps_fault_set(fault, PS_EPEER,
                               "rank %u on %s has another %s than rank 0 on %s: '%s', not '%s'; "
                               "start all ranks with the same",
                               theirs->rank, theirs->host, name[0], own->host, value[1], value[0]);
            return;
        }
    }
    (void)ps_fault_set(fault, PS_EPEER,
                       "rank %u on %s was started with other options than rank 0 on %s; start all "
                       "ranks with the same",
                       theirs->rank, theirs->host, own->host);
}

psi_meeting_verdict psi_meeting_judge(const psi_join *own, const psi_join *theirs,
                                      uint16_t their_format, ps_fault *fault) {
    const bool is_readable = their_format == PSI_MEETING_FORMAT;
    if (is_readable && strcmp(own->job, theirs->job) != 0) {
        (void)ps_fault_set(fault, PS_EPEER,
                           "rank %u on %s is of the job '%s', but rank 0 on %s is of the job "
                           "'%s'; give one of them another coordinator, or both the same --job",
                           theirs->rank, theirs->host, theirs->job, own->host, own->job);
        return PSI_MEETING_OTHER_JOB;
    }
    if (!is_readable || own->link_version != theirs->link_version ||
        own->frame_version != theirs->frame_version || strcmp(own->program, theirs->program) != 0) {
        (void)ps_fault_set(fault, PS_EPEER,
                           "a rank%s%s is of tortoise %s (protocol %u.%u.%u), but rank 0 on %s is "
                           "of %s (%d.%u.%u); install the same version everywhere",
                           is_readable ? " on " : "", theirs->host, theirs->program, their_format,
                           theirs->link_version, theirs->frame_version, own->host, own->program,
                           PSI_MEETING_FORMAT, own->link_version, own->frame_version);
        /* Without the job's name nobody knows whether it is ours. */
        return is_readable ? PSI_MEETING_MISFIT : PSI_MEETING_OTHER_JOB;
    }
    if (theirs->size != own->size || theirs->rank >= own->size || theirs->rank == 0) {
        (void)ps_fault_set(fault, PS_EPEER,
                           "a rank on %s says that it is rank %u of %u, but rank 0 on %s is of a "
                           "run with %u ranks; give every rank a number of its own and the same "
                           "--ps-size",
                           theirs->host, theirs->rank, theirs->size, own->host, own->size);
        return theirs->rank == 0 && theirs->size == own->size ? PSI_MEETING_OTHER_JOB
                                                              : PSI_MEETING_MISFIT;
    }
    const bool is_same = theirs->plan_hash == own->plan_hash &&
                         theirs->aspects_size_bytes == own->aspects_size_bytes &&
                         memcmp(theirs->aspects, own->aspects, own->aspects_size_bytes) == 0;
    if (!is_same) {
        blame_setting(own, theirs, fault);
        return PSI_MEETING_MISFIT;
    }
    return PSI_MEETING_WELCOME;
}
