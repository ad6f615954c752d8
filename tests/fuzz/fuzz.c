#define _GNU_SOURCE /* memfd_create */
#include "fuzz/fuzz.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sys/mman.h>
#include <unistd.h>

uint8_t fuzz_u8(fuzz_input *input) {
    if (input->left == 0) {
        return 0;
    }
    input->left--;
    return *input->at++;
}

uint16_t fuzz_u16(fuzz_input *input) {
    const unsigned low = fuzz_u8(input);
    return (uint16_t)(low | (unsigned)fuzz_u8(input) << 8);
}

uint32_t fuzz_u32(fuzz_input *input) {
    const uint32_t low = fuzz_u16(input);
    return low | (uint32_t)fuzz_u16(input) << 16;
}

const uint8_t *fuzz_bytes(fuzz_input *input, size_t size, size_t *size_out) {
    const uint8_t *const bytes = input->at;
    *size_out = size < input->left ? size : input->left;
    input->at += *size_out;
    input->left -= *size_out;
    return bytes;
}

char *fuzz_text(const fuzz_input *input) {
    const size_t length = strnlen((const char *)input->at, input->left);
    char *const text = malloc(length + 1);
    FUZZ_CHECK(text != NULL);
    memcpy(text, input->at, length);
    text[length] = '\0';
    return text;
}

const char *fuzz_file(const fuzz_input *input) {
    static int descriptor = -1;
    static char path[64];
    if (descriptor < 0) {
        descriptor = memfd_create("fuzz", MFD_CLOEXEC);
        FUZZ_CHECK(descriptor >= 0);
        (void)snprintf(path, sizeof path, "/proc/self/fd/%d", descriptor);
    }
    FUZZ_CHECK(ftruncate(descriptor, 0) == 0);
    for (size_t done = 0; done < input->left;) {
        const ssize_t count = pwrite(descriptor, input->at + done, input->left - done, (off_t)done);
        FUZZ_CHECK(count > 0);
        done += (size_t)count;
    }
    return path;
}

void fuzz_check_fault(ps_err err, const ps_fault *fault) {
    FUZZ_CHECK(fault->err == err);
    FUZZ_CHECK((err == PS_OK) == (fault->text[0] == '\0'));
    FUZZ_CHECK(err != PS_ENOMEM); /* no target asks for so much */
    for (const char *at = fault->text; *at != '\0'; at++) {
        FUZZ_CHECK((unsigned char)*at >= 0x20 && *at != 0x7f);
    }
}

_Noreturn void fuzz_failed(const char *claim, const char *file, int line) {
    fprintf(stderr, "%s:%d: VIOLATED: %s\n", file, line, claim);
    abort();
}
