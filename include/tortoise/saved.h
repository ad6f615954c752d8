/* What an algorithm leaves of a trained model beside its tables, and how it answers for new data with one.
 *
 * An algorithm makes pieces in memory and never a file. The program writes them, reads them back, and looks
 * whether they are whole: see ps_algo.leave and ps_algo.infer. */
#ifndef TORTOISE_SAVED_H
#define TORTOISE_SAVED_H

#include <stddef.h>
#include <stdint.h>

#include "tortoise/err.h"
#include "tortoise/worker.h"

typedef enum ps_piece_kind {
    PS_MODEL_ARRAY,  /* model/NAME.npy */
    PS_MODEL_TEXT,   /* model/NAME, a name with an ending */
    PS_MODEL_NUMBER, /* a hyper-parameter, in model/model.json */
    PS_RUN_TEXT,     /* NAME, beside metrics.csv */
    PS_RUN_NUMBER    /* a result: in the manifest and the summary */
} ps_piece_kind;

typedef struct ps_piece {
    ps_piece_kind kind;
    const char *name;                 /* letters, digits, '_', '-', '.' */
    ps_type type;                     /* of an array */
    uint64_t row_count, column_count; /* of an array; column_count 0: one dimension of row_count */
    const void *content;              /* an array in row order, or a text without NUL */
    size_t size_bytes;                /* of the text, or of the array */
    double number;
} ps_piece;

/* Takes the pieces, one by one. A piece and all it points to are borrowed for the call. Returns PS_OK, or why
 * it could not be kept. */
typedef struct ps_sink {
    ps_err (*put)(void *context, const ps_piece *piece);
    void *context;
} ps_sink;

/* New data for a trained model. Borrowed for the call of infer(). */
typedef struct ps_question {
    const ps_piece *pieces; /* of the model: its dense tables as arrays, and what was left */
    size_t piece_count;
    const char *data;       /* a file, or "synthetic[:k=v,...]" */
    uint64_t seed;          /* of synthetic data, and of all else that is random */
    uint32_t iteration_max; /* 0: the algorithm's own */
} ps_question;

/* The piece `name` of a kind, or NULL. O(pieces). */
const ps_piece *ps_piece_find(const ps_question *question, ps_piece_kind kind, const char *name);

enum { PS_ANSWER_NUMBERS_MAX = 8 };

/* What a model says of new data: a row of numbers for each example. All zero is empty. */
typedef struct ps_answer {
    uint64_t row_count;
    uint32_t column_count;
    double *values;                    /* owned: free(); [row_count][column_count] */
    const char *row_name, *value_name; /* "document", "topic"; static */
    char note[256];                    /* one line that people should read, or empty */
    struct {
        const char *name; /* static */
        double value;
    } numbers[PS_ANSWER_NUMBERS_MAX]; /* about all rows together */
    size_t number_count;
} ps_answer;

#endif
