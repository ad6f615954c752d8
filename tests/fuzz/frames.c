/* The first thing done with bytes from outside: headers of frames and link records, payload
 * checksums, and parts of rows. A header that is accepted must say what the bytes say, and a part
 * that is accepted must stay inside of its payload and its table. */
#include <stdlib.h>
#include <string.h>

#include "base/crc32c.h"
#include "fuzz/fuzz.h"
#include "ps/part.h"
#include "runtime/link.h"

/* Bytes as a header that may be sealed, so that what lies behind the checksum is reached too. */
static void judge_header(fuzz_input *input) {
    uint8_t bytes[PSI_FRAME_HEADER_BYTES] = {0};
    size_t size = 0;
    const uint8_t how = fuzz_u8(input);
    const uint8_t *const given = fuzz_bytes(input, sizeof bytes, &size);
    memcpy(bytes, given, size);
    if ((how & 1) != 0) {
        psi_put_u32(bytes, (how & 2) != 0 ? PSI_LINK_MAGIC : PSI_FRAME_MAGIC);
        bytes[4] = (how & 2) != 0 ? (uint8_t)PSI_LINK_VERSION : (uint8_t)PSI_FRAME_VERSION;
    }
    if ((how & 4) != 0) {
        psi_put_u32(bytes + 28, psi_crc32c(0, bytes, 28));
    }
    psi_frame_header header = {.type = 77};
    const bool is_link = psi_load_u32(bytes) == PSI_LINK_MAGIC;
    const psi_frame_verdict verdict =
        is_link ? psi_link_header_read(bytes, &header) : psi_frame_header_read(bytes, &header);
    FUZZ_CHECK(psi_frame_verdict_text(verdict)[0] != '\0');
    if (verdict != PSI_FRAME_GOOD) {
        FUZZ_CHECK(header.type == 77); /* unchanged */
        return;
    }
    FUZZ_CHECK(header.type > 0);
    FUZZ_CHECK(header.type < (is_link ? (uint32_t)PSI_LINK_TYPES : (uint32_t)PSI_FRAME_TYPES));
    FUZZ_CHECK(header.payload_size_bytes <= (is_link ? (uint32_t)PSI_LINK_PAYLOAD_MAX_BYTES
                                                     : (uint32_t)PSI_FRAME_PAYLOAD_MAX_BYTES));
    FUZZ_CHECK(header.sequence == psi_load_u32(bytes + 24));
    uint8_t *const payload = malloc(input->left + 1); /* exactly what is there */
    memcpy(payload, input->at, input->left);
    if (header.payload_size_bytes == input->left) {
        header.payload_crc = psi_crc32c(0, payload, input->left);
        FUZZ_CHECK(psi_frame_payload_check(&header, payload) == PSI_FRAME_GOOD);
        header.payload_crc ^= 1U << (how >> 3);
        FUZZ_CHECK(psi_frame_payload_check(&header, payload) == PSI_FRAME_BAD_PAYLOAD_CRC);
    }
    free(payload);
}

/* Tables of every kind. */
static void make_layout(psi_layout *layout, uint32_t shard_count) {
    static const ps_table_spec specs[] = {{"floats", PS_F32, PS_DENSE, 5, 2, 1, false},
                                          {"sparse", PS_I64, PS_SPARSE, 4, 10, 1, false},
                                          {"doubles", PS_F64, PS_DENSE, 2, 1, 1, false},
                                          {"integers", PS_I32, PS_DENSE, 13, 3, 3, false},
                                          {"wide", PS_F32, PS_SPARSE, 3, 4000000000U, 1, false}};
    FUZZ_CHECK(psi_layout_init(layout, specs, sizeof specs / sizeof specs[0], shard_count) ==
               PS_OK);
}

/* How many numbers of a sparse row are left when it was added twice: integers that are 0 then are
 * not. */
static uint32_t left_of_twice(const psi_table_layout *table, const uint8_t *row) {
    const uint32_t count = psi_load_u32(row);
    const uint8_t *const values = row + 4 + (size_t)count * 4;
    uint32_t left = 0;
    for (uint32_t i = 0; i < count; i++) {
        left += table->type != PS_I64 || psi_load_u64(values + (size_t)i * 8) << 1 != 0;
    }
    return left;
}

/* Walks over the values of an accepted part, which must not lead out of its bytes. */
static void walk_values(const psi_layout *layout, const psi_part *part, const uint8_t *end) {
    const psi_table_layout *const table = &layout->tables[part->table];
    const uint8_t *values = part->values;
    for (uint32_t i = 0; i < part->count; i++) {
        const uint8_t *const row = psi_part_next_row(table, &values);
        FUZZ_CHECK(values > row && values <= end);
        if (table->layout == PS_SPARSE) {
            psi_sparse sum = {0};
            FUZZ_CHECK(psi_part_add_sparse(&sum, table->type, row));
            FUZZ_CHECK(psi_part_add_sparse(&sum, table->type, row));
            FUZZ_CHECK(sum.count == left_of_twice(table, row));
            psi_sparse_fini(&sum);
        }
    }
    FUZZ_CHECK(values == end);
}

static void judge_parts(fuzz_input *input) {
    psi_layout layout;
    const uint8_t how = fuzz_u8(input);
    const uint32_t shard_count = 1 + (how & 3);
    const uint32_t shard = (how >> 2 & 3) % shard_count;
    const bool with_values = (how & 16) != 0;
    make_layout(&layout, shard_count);
    const size_t size = input->left;
    uint8_t *const bytes = malloc(size + 1);
    memcpy(bytes, input->at, size);
    uint8_t *const exact = realloc(bytes, size == 0 ? 1 : size);
    psi_reader reader = psi_reader_of(exact, size);
    const uint8_t *start = exact;
    psi_part part = {.table = 99};
    while (psi_part_read(&reader, &layout, shard, with_values, &part)) {
        FUZZ_CHECK(part.table < layout.table_count);
        const uint32_t row_count = psi_shard_row_count(&layout, part.table, shard);
        psi_part_cursor cursor = psi_part_rows(&part);
        uint32_t locals[PSI_PART_BATCH];
        uint32_t count = psi_part_next(&cursor, locals);
        for (; count > 0; count = psi_part_next(&cursor, locals)) {
            for (uint32_t i = 0; i < count; i++) {
                FUZZ_CHECK(locals[i] < row_count);
            }
        }
        if (with_values) {
            walk_values(&layout, &part, reader.at);
        }
        psi_reader again = psi_reader_of(start, (size_t)(exact + size - start));
        (void)psi_part_read_checked(&again, &layout);
        FUZZ_CHECK(again.at == reader.at); /* who does not check comes to the same end */
        start = reader.at;
        part = (psi_part){.table = 99};
    }
    FUZZ_CHECK(part.table == 99); /* a refused part is not filled */
    free(exact);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    fuzz_input input = {data, size};
    if (fuzz_u8(&input) % 2 == 0) {
        judge_header(&input);
    } else {
        judge_parts(&input);
    }
    return 0;
}
