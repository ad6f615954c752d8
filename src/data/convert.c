#define _POSIX_C_SOURCE 200809L /* open, fsync, mkstemp */

#include "data/convert.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <zlib.h>

enum { LINE_MAX_BYTES = 96 };

/* The file while it is written. */
typedef struct writer {
    const char *path;
    char *temporary; /* owned; the name that it has until it is whole */
    int descriptor;  /* owned; -1: none. For syncing: `file` has a copy of its own */
    gzFile file;     /* owned */
} writer;

static bool ends_with(const char *text, size_t length, const char *tail) {
    const size_t tail_length = strlen(tail);
    return length > tail_length && memcmp(text + length - tail_length, tail, tail_length) == 0;
}

static ps_err refuse_io(const char *path, const char *what, int error, ps_fault *fault) {
    return ps_fault_set(fault, PS_EIO, "%s: cannot be %s: %s", path, what, strerror(error));
}

/* Makes and opens "path.XXXXXX". The writer is safe to release whatever this returns. */
static ps_err writer_open(writer *w, const char *path, bool is_compressed, ps_fault *fault) {
    *w = (writer){.path = path, .descriptor = -1};
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
    w->file = copy < 0 ? NULL : gzdopen(copy, is_compressed ? "wb" : "wbT");
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

/* Removes what was not completed. */
static void writer_fini(writer *w) {
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

/* Syncs the file and gives it its name. */
static ps_err writer_complete(writer *w, bool may_replace, ps_fault *fault) {
    const int code = gzclose_w(w->file);
    w->file = NULL;
    if (code != Z_OK || fsync(w->descriptor) != 0) {
        return refuse_io(w->path, "written", errno, fault);
    }
    if (!may_replace) {
        if (link(w->temporary, w->path) != 0) {
            return errno == EEXIST
                       ? ps_fault_set(fault, PS_EINVAL, "%s: is there already; choose another name",
                                      w->path)
                       : refuse_io(w->path, "made", errno, fault);
        }
    } else if (rename(w->temporary, w->path) != 0) {
        return refuse_io(w->path, "made", errno, fault);
    } else {
        free(w->temporary);
        w->temporary = NULL;
    }
    folder_sync(w->path);
    return PS_OK;
}

static ps_err line_write(writer *w, ps_fault *fault, const char *format, ...) PS_PRINTF(3, 4);

static ps_err line_write(writer *w, ps_fault *fault, const char *format, ...) {
    char line[1024];
    va_list arguments;
    va_start(arguments, format);
    const int length = vsnprintf(line, sizeof line, format, arguments);
    va_end(arguments);
    PS_ASSERT(length > 0);
    const size_t size = (size_t)length < sizeof line ? (size_t)length : sizeof line - 1;
    if (gzwrite(w->file, line, (unsigned)size) != (int)size) {
        return refuse_io(w->path, "written", errno, fault);
    }
    return PS_OK;
}

static ps_err head_write(writer *w, const psi_ratings *ratings, const char *comment, bool is_matrix,
                         ps_fault *fault) {
    if (is_matrix) {
        PS_TRY(line_write(w, fault, "%%%%MatrixMarket matrix coordinate real general\n"));
    }
    if (comment != NULL) {
        PS_TRY(line_write(w, fault, "%c %.900s\n", is_matrix ? '%' : '#', comment));
    }
    if (is_matrix) {
        PS_TRY(line_write(w, fault, "%" PRIu32 " %" PRIu32 " %zu\n", ratings->user_count,
                          ratings->item_count, ratings->count));
    }
    return PS_OK;
}

static ps_err ratings_write(writer *w, const psi_ratings *ratings, ps_fault *fault) {
    for (size_t i = 0; i < ratings->count; i++) {
        char line[LINE_MAX_BYTES];
        const int length = snprintf(line, sizeof line, "%" PRIu64 " %" PRIu64 " %.9g\n",
                                    (uint64_t)ratings->user[i] + 1, (uint64_t)ratings->item[i] + 1,
                                    (double)ratings->value[i]);
        if (gzwrite(w->file, line, (unsigned)length) != length) {
            return refuse_io(w->path, "written", errno, fault);
        }
    }
    return PS_OK;
}

ps_err psi_ratings_write(const psi_ratings *ratings, const char *path,
                         const psi_write_options *options, ps_fault *fault) {
    size_t length = strlen(path);
    const bool is_compressed = ends_with(path, length, ".gz");
    length -= is_compressed ? 3 : 0;
    const bool is_matrix = ends_with(path, length, ".mtx");
    if (!options->may_replace && access(path, F_OK) == 0) {
        return ps_fault_set(fault, PS_EINVAL, "%s: is there already; choose another name", path);
    }
    writer w;
    ps_err err = writer_open(&w, path, is_compressed, fault);
    if (err == PS_OK) {
        err = head_write(&w, ratings, options->comment, is_matrix, fault);
    }
    if (err == PS_OK) {
        err = ratings_write(&w, ratings, fault);
    }
    if (err == PS_OK) {
        err = writer_complete(&w, options->may_replace, fault);
    }
    writer_fini(&w);
    return err;
}
