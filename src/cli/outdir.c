#include "outdir.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <dirent.h>
#include <sys/stat.h>
#include <unistd.h>

static const char *const marks[] = {"manifest.json", "sweep.json"};

enum { REMOVE_DEPTH_MAX = 4, CHOICES_MAX = 10000 };

bool tt_path_join(char out[static TT_PATH_MAX], const char *directory, const char *name) {
    const int length = snprintf(out, TT_PATH_MAX, "%s/%s", directory, name);
    return length > 0 && length < TT_PATH_MAX;
}

static bool is_directory(const char *path) {
    struct stat status;
    return stat(path, &status) == 0 && S_ISDIR(status.st_mode);
}

bool tt_outdir_holds_run(const char *path) {
    char file[TT_PATH_MAX];
    for (size_t i = 0; i < sizeof marks / sizeof marks[0]; i++) {
        if (tt_path_join(file, path, marks[i]) && access(file, F_OK) == 0) {
            return true;
        }
    }
    return false;
}

/* Cuts the last component off; "." when there is none. */
static void parent_of(char path[static TT_PATH_MAX]) {
    char *const slash = strrchr(path, '/');
    if (slash == NULL) {
        (void)strcpy(path, ".");
    } else if (slash == path) {
        path[1] = '\0';
    } else {
        *slash = '\0';
    }
}

/* A link that leads nowhere is found by its name, but nothing can be made there. */
static bool is_dangling(const char *path) {
    struct stat status;
    return lstat(path, &status) == 0 && stat(path, &status) != 0 && errno == ENOENT;
}

static ps_err refuse_dangling(const char *path, ps_fault *fault) {
    return ps_fault_set(fault, PS_EINVAL, "--out: %s is a link to what is not there", path);
}

/* Whether `path` could be created: its nearest ancestor that exists is a directory one may write
 * in. */
static ps_err check_ancestor(const char *path, ps_fault *fault) {
    char above[TT_PATH_MAX];
    (void)snprintf(above, sizeof above, "%s", path);
    struct stat status;
    do {
        parent_of(above);
        if (stat(above, &status) == 0) {
            break;
        }
        if (errno != ENOENT) {
            return ps_fault_set(fault, PS_EINVAL, "--out: %s: %s", above, strerror(errno));
        }
        if (is_dangling(above)) {
            return refuse_dangling(above, fault);
        }
    } while (strcmp(above, ".") != 0 && strcmp(above, "/") != 0);
    if (!S_ISDIR(status.st_mode)) {
        return ps_fault_set(fault, PS_EINVAL, "--out: %s is not a directory", above);
    }
    if (access(above, W_OK | X_OK) != 0) {
        return ps_fault_set(fault, PS_EINVAL, "--out: %s: %s", above, strerror(errno));
    }
    return PS_OK;
}

ps_err tt_outdir_open(tt_outdir *out, const char *path, bool may_replace, ps_fault *fault) {
    *out = (tt_outdir){.may_replace = may_replace};
    size_t length = strlen(path);
    while (length > 1 && path[length - 1] == '/') {
        length--;
    }
    if (length == 0 || length + 32 > sizeof out->path) {
        return ps_fault_set(fault, PS_EINVAL, "--out: the path is %s",
                            length == 0 ? "empty" : "too long");
    }
    memcpy(out->path, path, length);
    struct stat status;
    if (stat(out->path, &status) != 0) {
        if (errno == ENOENT) {
            return is_dangling(out->path) ? refuse_dangling(out->path, fault)
                                          : check_ancestor(out->path, fault);
        }
        return ps_fault_set(fault, PS_EINVAL, "--out: %s: %s", out->path, strerror(errno));
    }
    if (!S_ISDIR(status.st_mode)) {
        return ps_fault_set(fault, PS_EINVAL, "--out: %s is not a directory", out->path);
    }
    if (tt_outdir_holds_run(out->path) && !may_replace) {
        return ps_fault_set(
            fault, PS_EINVAL,
            "--out: %s holds another run; name another directory, or replace it with --force",
            out->path);
    }
    if (access(out->path, W_OK | X_OK) != 0) {
        return ps_fault_set(fault, PS_EINVAL, "--out: %s: %s", out->path, strerror(errno));
    }
    return PS_OK;
}

void tt_outdir_choose(const char *wanted, char path[static TT_PATH_MAX]) {
    (void)snprintf(path, TT_PATH_MAX, "%s", wanted);
    for (int i = 2; i < CHOICES_MAX && tt_outdir_holds_run(path); i++) {
        (void)snprintf(path, TT_PATH_MAX, "%s-%d", wanted, i);
    }
}

ps_err tt_directory_create(const char *path, ps_fault *fault) {
    char part[TT_PATH_MAX];
    const size_t length = strlen(path);
    if (length >= sizeof part) {
        return ps_fault_set(fault, PS_EINVAL, "%s: the path is too long", path);
    }
    for (size_t i = 1; i <= length; i++) {
        if (path[i] != '/' && path[i] != '\0') {
            continue;
        }
        memcpy(part, path, i);
        part[i] = '\0';
        if (mkdir(part, 0777) != 0 && !is_directory(part)) {
            return ps_fault_set(fault, PS_EINVAL, "%s: %s", part, strerror(errno));
        }
    }
    return PS_OK;
}

/* Removes the files of a directory and notes one subdirectory of it, if it has any. */
static bool remove_files(const char *path, char inner_out[static TT_PATH_MAX]) {
    DIR *const directory = opendir(path);
    bool has_inner = false;
    if (directory == NULL) {
        return false;
    }
    for (const struct dirent *entry = readdir(directory); entry != NULL;
         entry = readdir(directory)) {
        char file[TT_PATH_MAX];
        const bool is_dot = strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0;
        if (is_dot || !tt_path_join(file, path, entry->d_name)) {
            continue;
        }
        struct stat status;
        if (lstat(file, &status) == 0 && S_ISDIR(status.st_mode)) {
            (void)strcpy(inner_out, file);
            has_inner = true;
        } else {
            (void)unlink(file);
        }
    }
    (void)closedir(directory);
    return has_inner;
}

void tt_directory_remove(const char *path) {
    char inner[TT_PATH_MAX];
    char current[TT_PATH_MAX];
    /* Each round removes one directory that has no other in it; the bound is what a run can hold.
     */
    for (int round = 0; round < CHOICES_MAX && is_directory(path); round++) {
        (void)snprintf(current, sizeof current, "%s", path);
        for (int depth = 0; depth < REMOVE_DEPTH_MAX && remove_files(current, inner); depth++) {
            (void)strcpy(current, inner);
        }
        if (rmdir(current) != 0) {
            return;
        }
    }
}

ps_err tt_outdir_stage(tt_outdir *out, ps_fault *fault) {
    char above[TT_PATH_MAX];
    (void)strcpy(above, out->path);
    parent_of(above);
    PS_TRY(tt_directory_create(above, fault));
    (void)snprintf(out->staging, sizeof out->staging, "%.*s.partial-%ld", TT_PATH_MAX - 32,
                   out->path, (long)getpid());
    tt_directory_remove(out->staging);
    if (mkdir(out->staging, 0777) != 0) {
        const int cause = errno;
        (void)ps_fault_set(fault, PS_EIO, "%s: %s", out->staging, strerror(cause));
        out->staging[0] = '\0';
        return PS_EIO;
    }
    return PS_OK;
}

/* Moves one staged entry into the final directory, over what has that name. */
static bool move_entry(const tt_outdir *out, const char *name) {
    char from[TT_PATH_MAX];
    char to[TT_PATH_MAX];
    if (!tt_path_join(from, out->staging, name) || !tt_path_join(to, out->path, name)) {
        return false;
    }
    if (is_directory(to)) {
        tt_directory_remove(to);
    }
    return rename(from, to) == 0;
}

static bool move_all(const tt_outdir *out) {
    DIR *const directory = opendir(out->staging);
    if (directory == NULL) {
        return false;
    }
    bool is_good = true;
    for (const struct dirent *entry = readdir(directory); entry != NULL;
         entry = readdir(directory)) {
        if (entry->d_name[0] == '.' || strcmp(entry->d_name, marks[0]) == 0) {
            continue;
        }
        is_good = move_entry(out, entry->d_name) && is_good;
    }
    (void)closedir(directory);
    return is_good && move_entry(out, marks[0]) && rmdir(out->staging) == 0;
}

ps_err tt_outdir_commit(tt_outdir *out, ps_fault *fault) {
    PS_ASSERT(out->staging[0] != '\0');
    /* An empty directory is replaced by rename() itself. */
    if (rename(out->staging, out->path) == 0) {
        out->staging[0] = '\0';
        return PS_OK;
    }
    if (tt_outdir_holds_run(out->path)) {
        if (!out->may_replace) {
            (void)ps_fault_set(fault, PS_EINVAL,
                               "%s came to hold another run meanwhile; nothing was written",
                               out->path);
            tt_outdir_discard(out);
            return PS_EINVAL;
        }
        char manifest[TT_PATH_MAX];
        if (tt_path_join(manifest, out->path, marks[0])) {
            (void)unlink(manifest);
        }
    }
    if (!move_all(out)) {
        const int cause = errno;
        tt_outdir_discard(out);
        return ps_fault_set(fault, PS_EIO, "%s: the files cannot be moved here: %s", out->path,
                            strerror(cause));
    }
    out->staging[0] = '\0';
    return PS_OK;
}

void tt_outdir_discard(tt_outdir *out) {
    if (out->staging[0] != '\0') {
        tt_directory_remove(out->staging);
        out->staging[0] = '\0';
    }
}

ps_err tt_file_replace(const char *path, const char *text, size_t size_bytes, ps_fault *fault) {
    char temporary[TT_PATH_MAX];
    const int length =
        snprintf(temporary, sizeof temporary, "%s.partial-%ld", path, (long)getpid());
    if (length < 0 || (size_t)length >= sizeof temporary) {
        return ps_fault_set(fault, PS_EINVAL, "%s: the path is too long", path);
    }
    FILE *const file = fopen(temporary, "wb");
    if (file == NULL) {
        return ps_fault_set(fault, PS_EIO, "%s: %s", path, strerror(errno));
    }
    const bool is_written = fwrite(text, 1, size_bytes, file) == size_bytes;
    const bool is_closed = fclose(file) == 0;
    if (!is_written || !is_closed || rename(temporary, path) != 0) {
        (void)ps_fault_set(fault, PS_EIO, "%s: %s", path, strerror(errno));
        (void)unlink(temporary);
        return PS_EIO;
    }
    return PS_OK;
}
