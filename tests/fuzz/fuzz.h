/* What the fuzz targets share. A target is a file with one LLVMFuzzerTestOneInput(): it hands bytes
 * to a part of tortoise and checks what must hold whatever they are. libFuzzer looks for bytes that
 * break it; replay.c runs the kept ones through it without libFuzzer.
 *
 * A claim that does not hold stops the program, like a bug found by a sanitizer. */
#ifndef TEST_FUZZ_H
#define TEST_FUZZ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tortoise/err.h"

/* The one entry of a target. Returns 0. Keeps nothing between two calls. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Bytes that are consumed from the front; zeros when there are no more. */
typedef struct fuzz_input {
    const uint8_t *at; /* borrowed */
    size_t left;
} fuzz_input;

uint8_t fuzz_u8(fuzz_input *input);
uint16_t fuzz_u16(fuzz_input *input);
uint32_t fuzz_u32(fuzz_input *input);

/* The next `size` bytes, or as many as there are: *size_out. */
const uint8_t *fuzz_bytes(fuzz_input *input, size_t size, size_t *size_out);

/* All that is left as a text in memory of exactly its size, so that a sanitizer sees a read behind
 * it. Ends at the first NUL. The caller frees it. */
char *fuzz_text(const fuzz_input *input);

/* Makes all that is left a file and returns its path. It is there until the next call. */
const char *fuzz_file(const fuzz_input *input);

/* A failure must have said why in one line, and a success nothing. */
void fuzz_check_fault(ps_err err, const ps_fault *fault);

/* Stops the program when `claim` is false. */
#define FUZZ_CHECK(claim) ((claim) ? (void)0 : fuzz_failed(#claim, __FILE__, __LINE__))
_Noreturn void fuzz_failed(const char *claim, const char *file, int line);

#endif
