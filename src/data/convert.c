#include "data/convert.h"

#include <inttypes.h>
#include <stdio.h>

#include "data/file_name.h"
#include "data/file_writer.h"

enum { LINE_MAX_BYTES = 96 };

static ps_err head_write(psi_file_writer *w, const psi_ratings *ratings, const char *comment,
                         bool is_matrix, ps_fault *fault) {
    if (is_matrix) {
        PS_TRY(
            psi_file_writer_print(w, fault, "%%%%MatrixMarket matrix coordinate real general\n"));
    }
    if (comment != NULL) {
        PS_TRY(psi_file_writer_print(w, fault, "%c %.900s\n", is_matrix ? '%' : '#', comment));
    }
    if (is_matrix) {
        PS_TRY(psi_file_writer_print(w, fault, "%" PRIu32 " %" PRIu32 " %zu\n", ratings->user_count,
                                     ratings->item_count, ratings->count));
    }
    return PS_OK;
}

static ps_err ratings_write(psi_file_writer *w, const psi_ratings *ratings, ps_fault *fault) {
    for (size_t i = 0; i < ratings->count; i++) {
        char line[LINE_MAX_BYTES];
        const int length = snprintf(line, sizeof line, "%" PRIu64 " %" PRIu64 " %.9g\n",
                                    (uint64_t)ratings->user[i] + 1, (uint64_t)ratings->item[i] + 1,
                                    (double)ratings->value[i]);
        PS_TRY(psi_file_writer_put(w, line, (size_t)length, fault));
    }
    return PS_OK;
}

ps_err psi_ratings_write(const psi_ratings *ratings, const char *path,
                         const psi_write_options *options, ps_fault *fault) {
    const bool is_matrix = psi_file_name_ends(path, ".mtx");
    psi_file_writer w;
    ps_err err = psi_file_writer_open(&w, path, options->may_replace, fault);
    if (err == PS_OK) {
        err = head_write(&w, ratings, options->comment, is_matrix, fault);
    }
    if (err == PS_OK) {
        err = ratings_write(&w, ratings, fault);
    }
    if (err == PS_OK) {
        err = psi_file_writers_complete(&w, 1, fault);
    }
    psi_file_writer_fini(&w);
    return err;
}
