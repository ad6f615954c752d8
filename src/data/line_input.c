#define _POSIX_C_SOURCE 200809L /* open, fstat */

#include "data/line_input.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

/* Opens `path` for reading if it is a regular file. */
static ps_err file_open(const char *path, gzFile *file_out, ps_fault *fault) {
    const int descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (descriptor < 0) {
        return ps_fault_set(fault, PS_EIO, "%s: cannot be read: %s; check the path", path,
                            strerror(errno));
    }
    struct stat status;
    if (fstat(descriptor, &status) != 0) {
        const int error = errno;
        (void)close(descriptor);
        return ps_fault_set(fault, PS_EIO, "%s: cannot be read: %s", path, strerror(error));
    }
    if (!S_ISREG(status.st_mode)) {
        (void)close(descriptor);
        return ps_fault_set(fault, PS_EIO, "%s: is %s; give a regular file", path,
                            S_ISDIR(status.st_mode) ? "a directory" : "no regular file");
    }
    *file_out = gzdopen(descriptor, "rb");
    if (*file_out == NULL) {
        (void)close(descriptor);
        return ps_fault_set(fault, PS_ENOMEM, "%s: no memory to read it", path);
    }
    /* A wish: the default works too. Of plain files, zlib copies nothing that is asked for in
     * pieces of at least twice its buffer. */
    (void)gzbuffer(*file_out, PSI_LINE_BUFFER_BYTES / 4);
    return PS_OK;
}

ps_err psi_line_input_open(const char *path, psi_line_input *input_out, ps_fault *fault) {
    *input_out = (psi_line_input){.path = path};
    PS_TRY(file_open(path, &input_out->file, fault));
    input_out->buffer = malloc(PSI_LINE_BUFFER_BYTES + 1);
    if (input_out->buffer == NULL) {
        psi_line_input_close(input_out);
        return ps_fault_set(fault, PS_ENOMEM, "%s: no memory to read it", path);
    }
    return PS_OK;
}

void psi_line_input_close(psi_line_input *input) {
    if (input->file != NULL) {
        (void)gzclose_r(input->file);
    }
    free(input->buffer);
    *input = (psi_line_input){.path = NULL};
}

/* Why zlib could not go on behind what the buffer holds. */
static ps_err refuse_read(const psi_line_input *input, ps_fault *fault) {
    int code = Z_OK;
    const char *const reason = gzerror(input->file, &code);
    size_t line = input->line + 1;
    for (size_t i = input->begin; i < input->end; i++) {
        line += input->buffer[i] == '\n';
    }
    if (code == Z_ERRNO) {
        return ps_fault_set(fault, PS_EIO, "%s:%zu:1: cannot be read: %s", input->path, line,
                            strerror(errno));
    }
    if (code == Z_BUF_ERROR) {
        return ps_fault_set(
            fault, PS_EFORMAT,
            "%s:%zu:1: the compressed data ends early; fetch or make the file again", input->path,
            line);
    }
    return ps_fault_set(
        fault, PS_EFORMAT,
        "%s:%zu:1: the compressed data is damaged (%s); fetch or make the file again", input->path,
        line, reason);
}

/* Moves what is left to the front of the buffer and fills up behind it. */
static ps_err buffer_fill(psi_line_input *input, ps_fault *fault) {
    const size_t left = input->end - input->begin;
    memmove(input->buffer, input->buffer + input->begin, left);
    input->begin = 0;
    input->end = left;
    const int got =
        gzread(input->file, input->buffer + left, (unsigned)(PSI_LINE_BUFFER_BYTES - left));
    int code = Z_OK;
    (void)gzerror(input->file, &code);
    input->end += got > 0 ? (size_t)got : 0;
    if (got < 0 || code != Z_OK) {
        return refuse_read(input, fault);
    }
    input->is_at_end = got == 0;
    return PS_OK;
}

/* Makes [at, at + size) of the buffer the current line. */
static void line_take(psi_line_input *input, size_t size_bytes) {
    char *const text = input->buffer + input->begin;
    if (size_bytes > 0 && text[size_bytes - 1] == '\r') {
        size_bytes--;
    }
    text[size_bytes] = '\0';
    input->text = text;
    input->text_size = size_bytes;
    input->line++;
}

ps_err psi_line_input_next(psi_line_input *input, bool *has_line_out, ps_fault *fault) {
    size_t searched = 0;
    for (;;) {
        const size_t left = input->end - input->begin;
        const char *const start = input->buffer + input->begin;
        const char *const found =
            left > searched ? memchr(start + searched, '\n', left - searched) : NULL;
        if (found != NULL) {
            const size_t size = (size_t)(found - start);
            line_take(input, size);
            input->begin += size + 1;
            *has_line_out = true;
            return PS_OK;
        }
        if (input->is_at_end) {
            *has_line_out = left > 0;
            if (left > 0) {
                line_take(input, left);
                input->begin = input->end;
            }
            return PS_OK;
        }
        if (left == PSI_LINE_BUFFER_BYTES) {
            return ps_fault_set(fault, PS_EFORMAT,
                                "%s:%zu:1: the line is longer than %d bytes; is this a text file?",
                                input->path, input->line + 1, PSI_LINE_MAX_BYTES);
        }
        searched = left;
        PS_TRY(buffer_fill(input, fault));
    }
}

ps_err psi_line_input_refuse(const psi_line_input *input, const char *at, ps_fault *fault,
                             const char *format, ...) {
    char what[384];
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(what, sizeof what, format, arguments);
    va_end(arguments);
    return ps_fault_set(fault, PS_EFORMAT, "%s:%zu:%zu: %s", input->path, input->line,
                        (size_t)(at - input->text) + 1, what);
}
