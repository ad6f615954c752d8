#include "algos/lda/topic_match.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>

/* The assignment of rows to columns with the largest sum, row by row. Potentials u and v keep
 * cost[i][j] = -value >= u[i] + v[j], with equality for what is assigned. Row and column 0 stand
 * for "none". */
typedef struct assignment {
    const double *values;             /* [row_count][column_count] */
    uint32_t row_count, column_count; /* rows are no more than columns */
    double *u, *v;                    /* owned, [rows + 1], [columns + 1] */
    double *slack;    /* owned, [columns + 1]: the least reduced cost from the path's rows */
    uint32_t *row_of; /* owned, [columns + 1] */
    uint32_t *before; /* owned, [columns + 1]: the column before on the path */
    bool *is_on_path; /* owned, [columns + 1] */
} assignment;

static ps_err assignment_init(assignment *a, const double *values, uint32_t rows,
                              uint32_t columns) {
    const size_t size = (size_t)columns + 1;
    *a = (assignment){.values = values, .row_count = rows, .column_count = columns};
    a->u = calloc((size_t)rows + 1, sizeof *a->u);
    a->v = calloc(size, sizeof *a->v);
    a->slack = calloc(size, sizeof *a->slack);
    a->row_of = calloc(size, sizeof *a->row_of);
    a->before = calloc(size, sizeof *a->before);
    a->is_on_path = calloc(size, sizeof *a->is_on_path);
    return a->u == NULL || a->v == NULL || a->slack == NULL || a->row_of == NULL ||
                   a->before == NULL || a->is_on_path == NULL
               ? PS_ENOMEM
               : PS_OK;
}

static void assignment_fini(assignment *a) {
    free(a->u);
    free(a->v);
    free(a->slack);
    free(a->row_of);
    free(a->before);
    free(a->is_on_path);
}

/* Takes the path on by one column: the one that is nearest. Returns it. */
static uint32_t path_grow(assignment *a, uint32_t column) {
    const uint32_t row = a->row_of[column];
    const double *const values = a->values + (size_t)(row - 1) * a->column_count;
    double least = INFINITY;
    uint32_t next = 0;
    a->is_on_path[column] = true;
    for (uint32_t j = 1; j <= a->column_count; j++) {
        if (a->is_on_path[j]) {
            continue;
        }
        const double reduced = -values[j - 1] - a->u[row] - a->v[j];
        if (reduced < a->slack[j]) {
            a->slack[j] = reduced;
            a->before[j] = column;
        }
        if (a->slack[j] < least) {
            least = a->slack[j];
            next = j;
        }
    }
    for (uint32_t j = 0; j <= a->column_count; j++) {
        if (a->is_on_path[j]) {
            a->u[a->row_of[j]] += least;
            a->v[j] -= least;
        } else {
            a->slack[j] -= least;
        }
    }
    return next;
}

static void row_assign(assignment *a, uint32_t row) {
    for (uint32_t j = 0; j <= a->column_count; j++) {
        a->slack[j] = INFINITY;
        a->is_on_path[j] = false;
    }
    uint32_t column = 0;
    a->row_of[0] = row;
    do {
        column = path_grow(a, column);
    } while (a->row_of[column] != 0);
    for (; column != 0; column = a->before[column]) {
        a->row_of[column] = a->row_of[a->before[column]];
    }
}

/* ---- Topics ---- */

static double norm_of(const double *weights, uint32_t count) {
    double sum = 0;
    for (uint32_t w = 0; w < count; w++) {
        sum += weights[w] * weights[w];
    }
    return sqrt(sum);
}

/* Fills cosines[rows][columns]. */
static ps_err cosines_fill(const psi_lda_topic_set *rows, const psi_lda_topic_set *columns,
                           double *cosines) {
    const uint32_t words = rows->word_count;
    double *const norms = calloc(columns->topic_count, sizeof *norms);
    if (norms == NULL) {
        return PS_ENOMEM;
    }
    for (uint32_t k = 0; k < columns->topic_count; k++) {
        norms[k] = norm_of(columns->weights + (size_t)k * words, words);
    }
    for (uint32_t t = 0; t < rows->topic_count; t++) {
        const double *const a = rows->weights + (size_t)t * words;
        const double norm = norm_of(a, words);
        for (uint32_t k = 0; k < columns->topic_count; k++) {
            const double *const b = columns->weights + (size_t)k * words;
            double product = 0;
            for (uint32_t w = 0; w < words; w++) {
                product += a[w] * b[w];
            }
            const double scale = norm * norms[k];
            *cosines++ = scale > 0 ? product / scale : 0;
        }
    }
    free(norms);
    return PS_OK;
}

ps_err psi_lda_topics_match(const psi_lda_topic_set *truth, const psi_lda_topic_set *learned,
                            uint32_t *partners_out, double *cosines_out) {
    if (truth->word_count != learned->word_count) {
        return PS_EINVAL;
    }
    const bool is_turned = truth->topic_count > learned->topic_count;
    const psi_lda_topic_set *const rows = is_turned ? learned : truth;
    const psi_lda_topic_set *const columns = is_turned ? truth : learned;
    double *const cosines =
        calloc((size_t)rows->topic_count * columns->topic_count, sizeof *cosines);
    assignment a;
    ps_err err = assignment_init(&a, cosines, rows->topic_count, columns->topic_count);
    if (cosines == NULL) {
        err = PS_ENOMEM;
    }
    if (err == PS_OK) {
        err = cosines_fill(rows, columns, cosines);
    }
    for (uint32_t row = 1; row <= rows->topic_count && err == PS_OK; row++) {
        row_assign(&a, row);
    }
    for (uint32_t t = 0; t < truth->topic_count && err == PS_OK; t++) {
        partners_out[t] = PSI_LDA_NO_TOPIC;
        cosines_out[t] = 0;
    }
    for (uint32_t j = 1; j <= columns->topic_count && err == PS_OK; j++) {
        if (a.row_of[j] != 0) {
            const uint32_t row = a.row_of[j] - 1, column = j - 1;
            const uint32_t t = is_turned ? column : row;
            partners_out[t] = is_turned ? row : column;
            cosines_out[t] = cosines[(size_t)row * columns->topic_count + column];
        }
    }
    assignment_fini(&a);
    free(cosines);
    return err;
}
