#include "npy.h"

#include <inttypes.h>
#include <string.h>

#include "base/bytes.h"

enum {
    PREFIX_BYTES = 10, /* magic, version, length of the text */
    ALIGNMENT_BYTES = 64,
    TEXT_MAX_BYTES = 246
};

const char *tt_npy_type(ps_type type) {
    switch (type) {
    case PS_F32:
        return "<f4";
    case PS_F64:
        return "<f8";
    case PS_I32:
        return "<i4";
    case PS_I64:
        return "<i8";
    }
    return "";
}

ps_err tt_npy_write_header(FILE *file, const char *type, uint64_t row_count,
                           uint64_t column_count) {
    char shape[64];
    if (column_count == 0) {
        (void)snprintf(shape, sizeof shape, "(%" PRIu64 ",)", row_count);
    } else {
        (void)snprintf(shape, sizeof shape, "(%" PRIu64 ", %" PRIu64 ")", row_count, column_count);
    }
    char text[TEXT_MAX_BYTES];
    const int length = snprintf(
        text, sizeof text, "{'descr': '%s', 'fortran_order': False, 'shape': %s, }", type, shape);
    PS_ASSERT(length > 0 && (size_t)length < sizeof text);
    /* The numbers shall begin at a multiple of 64; blanks and a newline fill the text up. */
    const size_t used = PREFIX_BYTES + (size_t)length + 1;
    const size_t total = (used + ALIGNMENT_BYTES - 1) / ALIGNMENT_BYTES * ALIGNMENT_BYTES;
    uint8_t prefix[PREFIX_BYTES] = {0x93, 'N', 'U', 'M', 'P', 'Y', 1, 0, 0, 0};
    psi_put_u16(prefix + 8, (uint16_t)(total - PREFIX_BYTES));
    if (fwrite(prefix, 1, sizeof prefix, file) != sizeof prefix ||
        fprintf(file, "%-*s\n", (int)(total - PREFIX_BYTES - 1), text) < 0) {
        return PS_EIO;
    }
    return PS_OK;
}
