#include "npy.h"

#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdlib.h>
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

/* Takes the text of a header apart. */
static bool header_take(const char *text, ps_piece *piece) {
    static const ps_type types[] = {PS_F32, PS_F64, PS_I32, PS_I64};
    char type[4] = "", end[4] = "";
    int used = 0;
    piece->column_count = 0;
    const int two = sscanf(text,
                           "{'descr': '%3[<fi48]', 'fortran_order': False, 'shape': (%" SCNu64
                           ", %" SCNu64 "), }%n",
                           type, &piece->row_count, &piece->column_count, &used);
    if (two != 3 || used == 0) {
        piece->column_count = 0;
        const int one = sscanf(
            text, "{'descr': '%3[<fi48]', 'fortran_order': False, 'shape': (%" SCNu64 ",), }%n",
            type, &piece->row_count, &used);
        if (one != 2 || used == 0) {
            return false;
        }
    } else if (piece->column_count == 0) {
        return false;
    }
    if (sscanf(text + used, " %1s", end) == 1) {
        return false;
    }
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++) {
        if (strcmp(tt_npy_type(types[i]), type) == 0) {
            piece->type = types[i];
            return true;
        }
    }
    return false;
}

/* Reads the header and says how long the numbers are. */
static bool header_read(FILE *file, ps_piece *piece) {
    static const uint8_t magic[] = {0x93, 'N', 'U', 'M', 'P', 'Y', 1, 0};
    uint8_t prefix[PREFIX_BYTES];
    char text[PREFIX_BYTES + TEXT_MAX_BYTES + ALIGNMENT_BYTES];
    if (fread(prefix, 1, sizeof prefix, file) != sizeof prefix ||
        memcmp(prefix, magic, sizeof magic) != 0) {
        return false;
    }
    const size_t length = prefix[8] + ((size_t)prefix[9] << 8);
    if (length >= sizeof text || fread(text, 1, length, file) != length) {
        return false;
    }
    text[length] = '\0';
    if (!header_take(text, piece)) {
        return false;
    }
    const uint64_t columns = piece->column_count == 0 ? 1 : piece->column_count;
    const uint64_t size = ps_type_size_bytes(piece->type);
    if (piece->row_count > SIZE_MAX / 2 / size / columns) {
        return false;
    }
    piece->size_bytes = (size_t)(piece->row_count * columns * size);
    return true;
}

ps_err tt_npy_read(const char *path, ps_piece *piece, ps_fault *fault) {
    piece->content = NULL;
    FILE *const file = fopen(path, "rb");
    if (file == NULL) {
        return ps_fault_set(fault, PS_EINVAL, "%s: %s", path, strerror(errno));
    }
    ps_err err = PS_OK;
    void *content = NULL;
    if (!header_read(file, piece)) {
        err = ps_fault_set(fault, PS_EFORMAT,
                           "%s: is not an array of NumPy's as this program writes them", path);
    } else if ((content = malloc(piece->size_bytes + 1)) == NULL) {
        err =
            ps_fault_set(fault, PS_ENOMEM, "%s: no memory for %zu bytes", path, piece->size_bytes);
    } else if (fread(content, 1, piece->size_bytes, file) != piece->size_bytes ||
               fgetc(file) != EOF) {
        err = ps_fault_set(fault, PS_EFORMAT,
                           "%s: is not as long as the %zu bytes of numbers that its header says",
                           path, piece->size_bytes);
    }
    (void)fclose(file);
    if (err != PS_OK) {
        free(content);
        return err;
    }
    piece->content = content;
    return PS_OK;
}
