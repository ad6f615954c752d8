/* The directory of a run: refused if it holds another one, and never half-written.
 *
 * Nothing is created before the run is over. Then all files are written into a staging directory
 * beside the final one, which takes its name in one step; where the final directory exists already,
 * the files are moved in one by one, manifest.json last. */
#ifndef TT_OUTDIR_H
#define TT_OUTDIR_H

#include <stdbool.h>
#include <stddef.h>

#include "tortoise/err.h"

enum { TT_PATH_MAX = 1024 };

typedef struct tt_outdir {
    char path[TT_PATH_MAX];
    char staging[TT_PATH_MAX]; /* empty while there is none */
    bool may_replace;
} tt_outdir;

/* Decides that files go to `path`: checks, without creating anything, that it is free (or that
 * `may_replace`) and that it will be possible to write there. PS_EINVAL, with the line for people,
 * if not. */
PS_MUST_CHECK ps_err tt_outdir_open(tt_outdir *out, const char *path, bool may_replace,
                                    ps_fault *fault);

/* Writes into `path` the first of `wanted`, `wanted`-2, `wanted`-3 ... that holds no run. */
void tt_outdir_choose(const char *wanted, char path[static TT_PATH_MAX]);

/* Creates the staging directory, and all directories above it. */
PS_MUST_CHECK ps_err tt_outdir_stage(tt_outdir *out, ps_fault *fault);

/* Gives the staged files their final place. On failure they are removed. */
PS_MUST_CHECK ps_err tt_outdir_commit(tt_outdir *out, ps_fault *fault);

/* Removes the staging directory, if there is one. */
void tt_outdir_discard(tt_outdir *out);

/* Whether `path` is a directory with a run or a sweep in it. */
bool tt_outdir_holds_run(const char *path);

/* Creates a directory and those above it. PS_EINVAL names the one that cannot be. */
PS_MUST_CHECK ps_err tt_directory_create(const char *path, ps_fault *fault);

/* Removes a directory and all in it, to a depth of four. Missing is fine. */
void tt_directory_remove(const char *path);

/* Joins with '/'. False when the result does not fit. */
PS_MUST_CHECK bool tt_path_join(char out[static TT_PATH_MAX], const char *directory,
                                const char *name);

/* Writes `text` as the file `path`, by a temporary file that takes the name when it is complete. */
PS_MUST_CHECK ps_err tt_file_replace(const char *path, const char *text, size_t size_bytes,
                                     ps_fault *fault);

#endif
