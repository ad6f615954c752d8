#define _POSIX_C_SOURCE 200809L /* open, fsync, mkstemp */

#include "data/file_writer.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "data/file_name.h"

enum { TEXT_MAX_BYTES = 1024, PUT_MAX_BYTES = 1 << 30 };

static ps_err refuse_io(const char *path, const char *what, int error, ps_fault *fault) {
    return ps_fault_set(fault, PS_EIO, "%s: cannot be %s: %s", path, what, strerror(error));
}

static ps_err refuse_taken(const char *path, ps_fault *fault) {
    return ps_fault_set(fault, PS_EINVAL, "%s: is there already; choose another name", path);
}

/* Whether the name is free, or may be taken. A name that is no file's is never taken: a device
 * would be gone. */
static ps_err name_check(const char *path, bool may_replace, ps_fault *fault) {
    struct stat found;
    if (stat(path, &found) != 0) {
        return PS_OK;
    }
    if (!may_replace) {
        return refuse_taken(path, fault);
    }
    return S_ISREG(found.st_mode)
               ? PS_OK
               : ps_fault_set(fault, PS_EIO, "%s: cannot be written: it is no regular file", path);
}

ps_err psi_file_writer_open(psi_file_writer *w, const char *path, bool may_replace,
                            ps_fault *fault) {
    *w = (psi_file_writer){.path = path, .descriptor = -1, .may_replace = may_replace};
    PS_TRY(name_check(path, may_replace, fault));
    const size_t size = strlen(path) + sizeof ".XXXXXX";
    char *const name = malloc(size);
    if (name == NULL) {
        return ps_fault_set(fault, PS_ENOMEM, "%s: no memory to write it", path);
    }
    (void)snprintf(name, size, "%s.XXXXXX", path);
    w->descriptor = mkstemp(name);
    if (w->descriptor < 0) {
        const int error = errno;
        free(name);
        return refuse_io(path, "made", error, fault);
    }
    w->temporary = name;
    const mode_t mask = umask(0);
    (void)umask(mask);
    (void)fchmod(w->descriptor, 0666 & ~mask); /* mkstemp makes it private */
    const int copy = dup(w->descriptor);
    w->file = copy < 0 ? NULL : gzdopen(copy, psi_file_name_is_gz(path) ? "wb" : "wbT");
    if (w->file == NULL) {
        const int error = errno;
        if (copy >= 0) {
            (void)close(copy);
        }
        return refuse_io(path, "written", error, fault);
    }
    (void)gzbuffer(w->file, 1U << 18);
    return PS_OK;
}

ps_err psi_file_writer_put(psi_file_writer *w, const void *bytes, size_t size_bytes,
                           ps_fault *fault) {
    const char *const from = bytes;
    for (size_t done = 0; done < size_bytes;) {
        const size_t left = size_bytes - done;
        const unsigned part = (unsigned)(left < PUT_MAX_BYTES ? left : PUT_MAX_BYTES);
        if (gzwrite(w->file, from + done, part) != (int)part) {
            return refuse_io(w->path, "written", errno, fault);
        }
        done += part;
    }
    return PS_OK;
}

ps_err psi_file_writer_print(psi_file_writer *w, ps_fault *fault, const char *format, ...) {
    char text[TEXT_MAX_BYTES];
    va_list arguments;
    va_start(arguments, format);
    const int length = vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    PS_ASSERT(length >= 0);
    const size_t size = (size_t)length < sizeof text ? (size_t)length : sizeof text - 1;
    return psi_file_writer_put(w, text, size, fault);
}

/* Makes the name in its folder durable. */
static void folder_sync(const char *path) {
    const char *const slash = strrchr(path, '/');
    char *const folder = strdup(slash == NULL ? "." : path);
    if (folder == NULL) {
        return;
    }
    if (slash != NULL) {
        folder[slash == path ? 1 : slash - path] = '\0';
    }
    const int descriptor = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (descriptor >= 0) {
        (void)fsync(descriptor); /* some file systems cannot; the data itself is synced */
        (void)close(descriptor);
    }
    free(folder);
}

static ps_err seal(psi_file_writer *w, ps_fault *fault) {
    const int code = gzclose_w(w->file);
    w->file = NULL;
    if (code != Z_OK || fsync(w->descriptor) != 0) {
        return refuse_io(w->path, "written", errno, fault);
    }
    return PS_OK;
}

static ps_err take_name(psi_file_writer *w, ps_fault *fault) {
    const bool is_taken = access(w->path, F_OK) == 0;
    if (w->may_replace) {
        if (rename(w->temporary, w->path) != 0) {
            return refuse_io(w->path, "made", errno, fault);
        }
        free(w->temporary);
        w->temporary = NULL;
    } else if (link(w->temporary, w->path) != 0) {
        return errno == EEXIST ? refuse_taken(w->path, fault)
                               : refuse_io(w->path, "made", errno, fault);
    }
    w->is_new = !is_taken;
    folder_sync(w->path);
    return PS_OK;
}

ps_err psi_file_writers_complete(psi_file_writer *writers, size_t count, ps_fault *fault) {
    ps_err err = PS_OK;
    for (size_t i = 0; i < count && err == PS_OK; i++) {
        err = seal(&writers[i], fault);
    }
    for (size_t i = 0; i < count && err == PS_OK; i++) {
        err = take_name(&writers[i], fault);
    }
    for (size_t i = 0; i < count && err != PS_OK; i++) {
        if (writers[i].is_new) {
            (void)unlink(writers[i].path);
        }
    }
    return err;
}

void psi_file_writer_fini(psi_file_writer *w) {
    if (w->file != NULL) {
        (void)gzclose_w(w->file);
    }
    if (w->descriptor >= 0) {
        (void)close(w->descriptor);
    }
    if (w->temporary != NULL) {
        (void)unlink(w->temporary);
        free(w->temporary);
    }
    *w = (psi_file_writer){.descriptor = -1};
}
