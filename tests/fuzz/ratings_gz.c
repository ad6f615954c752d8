/* The same readers behind gzip: raw bytes, or a text that is compressed here, in one or more
 * members, and then cut or damaged. A whole one must give what the plain text gives. */
#include <stdlib.h>
#include <string.h>

#include <zlib.h>

#include "data/ratings.h"
#include "fuzz/fuzz.h"

enum { OUT_BYTES = 1 << 16, GZIP_WINDOW_BITS = 15 + 16 };

/* Appends one gzip member that holds the text. Returns how many bytes it takes. */
static size_t compress_member(const uint8_t *text, size_t size, int level, uint8_t *to,
                              size_t to_size) {
    z_stream stream = {.next_in = (Bytef *)(uintptr_t)text, .avail_in = (uInt)size};
    FUZZ_CHECK(deflateInit2(&stream, level, Z_DEFLATED, GZIP_WINDOW_BITS, 8, Z_DEFAULT_STRATEGY) ==
               Z_OK);
    stream.next_out = to;
    stream.avail_out = (uInt)to_size;
    const int code = deflate(&stream, Z_FINISH);
    FUZZ_CHECK(code == Z_STREAM_END);
    const size_t written = to_size - stream.avail_out;
    (void)deflateEnd(&stream);
    return written;
}

static ps_err read_bytes(const uint8_t *bytes, size_t size, psi_ratings *ratings_out) {
    const fuzz_input file = {bytes, size};
    ps_fault fault = {0};
    const ps_err err = psi_ratings_read(fuzz_file(&file), ratings_out, &fault);
    fuzz_check_fault(err, &fault);
    return err;
}

/* Compresses the text as `how` says, and damages it or not. */
static void judge_text(fuzz_input *input, uint8_t how) {
    static uint8_t packed[OUT_BYTES];
    const uint16_t split = fuzz_u16(input);
    const uint16_t where = fuzz_u16(input);
    const size_t size = input->left < OUT_BYTES / 4 ? input->left : OUT_BYTES / 4;
    const size_t first = (how & 4) != 0 ? split % (size + 1) : size;
    const int level = how >> 6;
    size_t packed_size = compress_member(input->at, first, level, packed, sizeof packed);
    if (first < size) {
        packed_size += compress_member(input->at + first, size - first, level, packed + packed_size,
                                       sizeof packed - packed_size);
    }
    psi_ratings plain, unpacked;
    const ps_err plain_err = read_bytes(input->at, size, &plain);
    if ((how & 8) != 0) {
        packed_size = where % packed_size; /* cut */
    } else if ((how & 16) != 0) {
        packed[where / 8 % packed_size] ^= (uint8_t)(1U << where % 8); /* damaged */
    }
    const ps_err err = read_bytes(packed, packed_size, &unpacked);
    const bool plain_is_gzip = size >= 2 && input->at[0] == 0x1f && input->at[1] == 0x8b;
    if ((how & 24) == 0 && !plain_is_gzip) {
        FUZZ_CHECK(err == plain_err && unpacked.count == plain.count);
        for (size_t i = 0; i < plain.count; i++) {
            FUZZ_CHECK(unpacked.user[i] == plain.user[i] && unpacked.item[i] == plain.item[i]);
            FUZZ_CHECK(memcmp(&unpacked.value[i], &plain.value[i], sizeof(float)) == 0);
        }
    } else if ((how & 8) != 0 && packed_size > 1 && first == size) {
        FUZZ_CHECK(err != PS_OK); /* half a file is never taken for a whole one */
    }
    psi_ratings_fini(&plain);
    psi_ratings_fini(&unpacked);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    fuzz_input input = {data, size};
    const uint8_t how = fuzz_u8(&input);
    if ((how & 3) != 0) {
        judge_text(&input, how);
        return 0;
    }
    psi_ratings ratings;
    (void)read_bytes(input.at, input.left, &ratings);
    psi_ratings_fini(&ratings);
    return 0;
}
