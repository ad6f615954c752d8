/* The folder model/ of a run: the final tables and what the algorithm left of the model, as .npy
 * and text files, and model.json, which names them all with their SHA-256:
 *
 *     { "algorithm": "lda", "files": { "alpha.npy": "9f86...", ... }, "format": 1,
 *       "numbers": { "beta": 0.01, ... }, "sha256": "..." }       the last: of all the others
 *
 * What is read back is what was written, to the last bit, or it is refused. */
#ifndef TT_MODEL_FILES_H
#define TT_MODEL_FILES_H

#include <stddef.h>

#include "tortoise/algo.h"

#include "node/run.h"
#include "outdir.h"

/* Results that an algorithm left beside its metrics. */
enum { TT_EXTRAS_MAX = 8, TT_PIECE_NAME_BYTES = 64 };
typedef struct tt_extras {
    struct {
        char name[TT_PIECE_NAME_BYTES];
        double value;
    } items[TT_EXTRAS_MAX];
    size_t count;
} tt_extras;

/* Lets the algorithm leave what it will (ps_algo.leave) in `directory`, the run's, whose folder
 * model/ has the tables already, and then writes model.json. extras_out has the results. PS_EIO or
 * PS_ENOMEM, with the file's name. */
PS_MUST_CHECK ps_err tt_model_files_write(const char *directory, const psi_plan *plan,
                                          const psi_results *results, tt_extras *extras_out,
                                          ps_fault *fault);

/* A model in memory. Owned; release with tt_model_fini(). All zero is empty. */
typedef struct tt_model {
    char directory[TT_PATH_MAX]; /* that holds model.json */
    char algorithm[TT_PIECE_NAME_BYTES];
    ps_piece *pieces; /* names and contents are owned, too */
    size_t piece_count;
} tt_model;

/* Reads a model: `directory` is a run's, or its model/. On failure model_out is empty, and `fault`
 * says in one line which file is missing, damaged, of another size than its header says, or not
 * readable: PS_EINVAL, PS_EIO or PS_EFORMAT. */
PS_MUST_CHECK ps_err tt_model_read(const char *directory, tt_model *model_out, ps_fault *fault);
void tt_model_fini(tt_model *model);

#endif
