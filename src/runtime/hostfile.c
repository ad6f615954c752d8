#include "runtime/hostfile.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A line without its end and its comment. */
typedef struct line {
    const char *at;
    size_t length;
    const char *path;
    size_t number;
} line;

static bool is_blank(char c) {
    return c == ' ' || c == '\t' || c == '\r';
}

/* Takes the next word off the line. Length 0: there is none. */
static size_t take_word(line *rest, const char **word_out) {
    while (rest->length > 0 && is_blank(rest->at[0])) {
        rest->at++;
        rest->length--;
    }
    size_t length = 0;
    while (length < rest->length && !is_blank(rest->at[length])) {
        length++;
    }
    *word_out = rest->at;
    rest->at += length;
    rest->length -= length;
    return length;
}

/* "slots=4": gives it to the hosts from `first` on. */
static ps_err read_setting(const line *in, const char *word, size_t length, psi_hosts *hosts,
                           size_t first, ps_fault *fault) {
    static const char slots[] = "slots=";
    static const char max_slots[] = "max_slots=";
    size_t key = sizeof slots - 1;
    bool is_slots = length > key && memcmp(word, slots, key) == 0;
    if (!is_slots) {
        key = sizeof max_slots - 1;
        if (length <= key || memcmp(word, max_slots, key) != 0) {
            return ps_fault_set(fault, PS_EFORMAT,
                                "%s:%zu: '%.*s' is not known; behind a host stands 'slots=N' or "
                                "nothing",
                                in->path, in->number, (int)(length < 60 ? length : 60), word);
        }
    }
    uint32_t value = 0;
    for (size_t i = key; i < length; i++) {
        const bool is_digit = word[i] >= '0' && word[i] <= '9';
        value = is_digit ? value * 10 + (uint32_t)(word[i] - '0') : 0;
        if (value == 0 || value > PSI_HOST_SLOTS_MAX) {
            return ps_fault_set(fault, PS_EFORMAT,
                                "%s:%zu: a host has 1 to %d slots, as in "
                                "'slots=4'",
                                in->path, in->number, PSI_HOST_SLOTS_MAX);
        }
    }
    for (size_t i = first; is_slots && i < hosts->count; i++) {
        hosts->items[i].slots = value;
    }
    return PS_OK;
}

static ps_err read_line(line *in, psi_hosts *hosts, ps_fault *fault) {
    const char *word;
    size_t length = take_word(in, &word);
    const size_t first = hosts->count;
    if (length == 0) {
        return PS_OK;
    }
    char where[300];
    (void)snprintf(where, sizeof where, "%s:%zu", in->path, in->number);
    if (psi_hostlist_parse(word, length, where, hosts, fault) != PS_OK) {
        if (fault != NULL && fault->err == PS_EINVAL) {
            fault->err = PS_EFORMAT;
        }
        return fault == NULL ? PS_EFORMAT : fault->err;
    }
    while ((length = take_word(in, &word)) > 0) {
        PS_TRY(read_setting(in, word, length, hosts, first, fault));
    }
    return PS_OK;
}

ps_err psi_hostfile_parse(const char *bytes, size_t size_bytes, const char *path, psi_hosts *hosts,
                          ps_fault *fault) {
    const size_t before = hosts->count;
    if (size_bytes > PSI_HOSTLIST_TEXT_MAX_BYTES) {
        return ps_fault_set(fault, PS_EFORMAT, "%s: a host file of more than 1 MiB is refused",
                            path);
    }
    size_t begin = 0;
    for (size_t number = 1; begin < size_bytes; number++) {
        const char *const newline = memchr(bytes + begin, '\n', size_bytes - begin);
        const size_t end = newline == NULL ? size_bytes : (size_t)(newline - bytes);
        const char *const comment = memchr(bytes + begin, '#', end - begin);
        const size_t stop = comment == NULL ? end : (size_t)(comment - bytes);
        line next = {.at = bytes + begin, .length = stop - begin, .path = path, .number = number};
        PS_TRY(read_line(&next, hosts, fault));
        begin = end + 1;
    }
    return hosts->count > before
               ? PS_OK
               : ps_fault_set(fault, PS_EFORMAT, "%s: names no host; write one per line", path);
}

ps_err psi_hostfile_read(const char *path, psi_hosts *hosts, ps_fault *fault) {
    FILE *const file = fopen(path, "rb");
    if (file == NULL) {
        return ps_fault_set(fault, PS_EIO, "%s: the host file cannot be read: %s", path,
                            strerror(errno));
    }
    const size_t room = PSI_HOSTLIST_TEXT_MAX_BYTES + 1;
    char *const bytes = malloc(room);
    const size_t size_bytes = bytes == NULL ? 0 : fread(bytes, 1, room, file);
    const bool has_failed = ferror(file) != 0;
    const int reason = errno;
    (void)fclose(file);
    ps_err err = PS_OK;
    if (bytes == NULL) {
        err = ps_fault_set(fault, PS_ENOMEM, "%s: no memory for the host file", path);
    } else if (has_failed) {
        err = ps_fault_set(fault, PS_EIO, "%s: the host file cannot be read: %s", path,
                           strerror(reason));
    } else {
        err = psi_hostfile_parse(bytes, size_bytes, path, hosts, fault);
    }
    free(bytes);
    return err;
}
