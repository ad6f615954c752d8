#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "algos/lr/lr_problem.h"

void psi_lr_rows_of(const psi_lr_shape *shape, const float *weights, float **rows_out) {
    for (size_t r = 0; r < psi_lr_row_count(shape); r++) {
        rows_out[r] = (float *)(uintptr_t)(weights + r * PSI_LR_COLUMNS);
    }
}

static void training_sums(const psi_lr_problem *problem, uint32_t rank, float *const *rows,
                          double *sums) {
    for (size_t v = 0; v < psi_lr_own_count(problem, rank); v++) {
        const size_t i = psi_lr_example_of(problem, rank, v);
        const psi_lr_view x = psi_lr_view_of(&problem->shape, &problem->examples, i);
        const float margin = psi_lr_margin(&problem->shape, rows, &x);
        sums[PSI_LR_TRAIN_LOSS_SUM] += psi_lr_loss((double)margin, problem->examples.labels[i]);
        sums[PSI_LR_TRAIN_COUNT] += 1;
    }
}

static void heldout_sums(const psi_lr_problem *problem, float *const *rows, psi_lr_scored *scored,
                         double *sums) {
    for (size_t h = 0; h < problem->heldout_count; h++) {
        const size_t i = problem->heldout[h];
        const psi_lr_view x = psi_lr_view_of(&problem->shape, &problem->examples, i);
        const float margin = psi_lr_margin(&problem->shape, rows, &x);
        const float label = problem->examples.labels[i];
        sums[PSI_LR_HELDOUT_LOSS_SUM] += psi_lr_loss((double)margin, label);
        sums[PSI_LR_HELDOUT_ERRORS] += psi_lr_is_error(margin, label);
        scored[h] = (psi_lr_scored){margin, label};
    }
    sums[PSI_LR_HELDOUT_COUNT] = (double)problem->heldout_count;
    sums[PSI_LR_HELDOUT_AUC] = psi_lr_auc(scored, problem->heldout_count);
}

/* l2 / 2 ||w||^2 without the bias. */
static double penalty_of(const psi_lr_problem *problem, const float *weights) {
    double sum = 0;
    for (size_t w = 0; w < psi_lr_weight_count(&problem->shape) && problem->l2 > 0; w++) {
        const double weight = problem->inverse_shares[w] > 0 ? (double)weights[w] : 0;
        sum += weight * weight;
    }
    return 0.5 * problem->l2 * sum;
}

void psi_lr_evaluate(const psi_lr_problem *problem, uint32_t rank, const psi_lr_progress *progress,
                     const float *weights, double *sums) {
    float **const rows = calloc(psi_lr_row_count(&problem->shape) + 1, sizeof *rows);
    psi_lr_scored *const scored = calloc(problem->heldout_count + 1, sizeof *scored);
    const int has_memory = rows != NULL && scored != NULL;
    for (int s = 0; s < PSI_LR_SUMS; s++) {
        sums[s] = has_memory ? 0 : NAN;
    }
    if (has_memory) {
        psi_lr_rows_of(&problem->shape, weights, rows);
        training_sums(problem, rank, rows, sums);
        sums[PSI_LR_SEEN_LOSS_SUM] = progress->loss_sum;
        sums[PSI_LR_SEEN_ERRORS] = progress->error_count;
        sums[PSI_LR_SEEN_COUNT] = progress->visit_count;
        if (rank == 0) {
            heldout_sums(problem, rows, scored, sums);
            sums[PSI_LR_PENALTY] = penalty_of(problem, weights);
        }
    }
    free(rows);
    free(scored);
}

/* A mean of nothing is 0; nan stays nan. */
static double mean_of(double sum, double count) {
    return count > 0 ? sum / count : sum;
}

void psi_lr_finish(const psi_lr_problem *problem, const double *sums, double *metrics) {
    (void)problem;
    const double seen = sums[PSI_LR_SEEN_COUNT], heldout = sums[PSI_LR_HELDOUT_COUNT];
    metrics[PSI_LR_OBJECTIVE] =
        mean_of(sums[PSI_LR_TRAIN_LOSS_SUM], sums[PSI_LR_TRAIN_COUNT]) + sums[PSI_LR_PENALTY];
    metrics[PSI_LR_PROGRESSIVE_LOSS] = mean_of(sums[PSI_LR_SEEN_LOSS_SUM], seen);
    metrics[PSI_LR_PROGRESSIVE_ERROR] = mean_of(sums[PSI_LR_SEEN_ERRORS], seen);
    metrics[PSI_LR_HELDOUT_LOSS] = mean_of(sums[PSI_LR_HELDOUT_LOSS_SUM], heldout);
    metrics[PSI_LR_HELDOUT_ERROR] = mean_of(sums[PSI_LR_HELDOUT_ERRORS], heldout);
    metrics[PSI_LR_AUC] = sums[PSI_LR_HELDOUT_AUC];
    metrics[PSI_LR_EXAMPLES] = seen;
}

/* ---- The model that is left, and answers with it ---- */

static const char *const number_names[] = {"bits", "quadratic", "bias", "features"};
enum { NUMBERS = sizeof number_names / sizeof number_names[0] };

ps_err psi_lr_leave(const psi_lr_problem *problem, const ps_sink *sink) {
    const psi_lr_shape *const shape = &problem->shape;
    const double numbers[NUMBERS] = {shape->bits, shape->is_quadratic, shape->has_bias,
                                     shape->feature_count};
    for (int n = 0; n < NUMBERS; n++) {
        const ps_piece piece = {
            .kind = PS_MODEL_NUMBER, .name = number_names[n], .number = numbers[n]};
        PS_TRY(sink->put(sink->context, &piece));
    }
    return PS_OK;
}

/* The shape that the model was learned with, or a line that says why it is none. */
static ps_err shape_read(const ps_question *question, psi_lr_shape *shape_out,
                         const float **weights_out, ps_fault *fault) {
    double numbers[NUMBERS];
    for (int n = 0; n < NUMBERS; n++) {
        const ps_piece *const piece = ps_piece_find(question, PS_MODEL_NUMBER, number_names[n]);
        const double max = n == 0 ? PSI_LR_BITS_MAX : n == 3 ? UINT32_MAX - 1 : 1;
        if (piece == NULL || !(piece->number >= 0 && piece->number <= max) ||
            piece->number != floor(piece->number)) {
            return ps_fault_set(fault, PS_EFORMAT, "the model's '%s' is missing or out of range",
                                number_names[n]);
        }
        numbers[n] = piece->number;
    }
    *shape_out = (psi_lr_shape){.bits = (uint32_t)numbers[0],
                                .is_quadratic = numbers[1] > 0,
                                .has_bias = numbers[2] > 0,
                                .feature_count = (uint32_t)numbers[3]};
    const ps_piece *const weights = ps_piece_find(question, PS_MODEL_ARRAY, "weights");
    if (weights == NULL || weights->type != PS_F32 || weights->column_count != PSI_LR_COLUMNS) {
        return ps_fault_set(fault, PS_EFORMAT,
                            "the model's weights are missing, or are no rows of %d floats",
                            PSI_LR_COLUMNS);
    }
    if (weights->row_count != psi_lr_row_count(shape_out) ||
        (shape_out->is_quadratic && shape_out->bits == 0)) {
        return ps_fault_set(
            fault, PS_EFORMAT,
            "the model has %llu rows of weights, but bits %u, quadratic %d and %u features need "
            "%zu; its files are not of one run",
            (unsigned long long)weights->row_count, shape_out->bits, shape_out->is_quadratic,
            shape_out->feature_count, psi_lr_row_count(shape_out));
    }
    *weights_out = weights->content;
    return PS_OK;
}

/* Loss, error rate and AUC of the labels that the data has. */
static void answer_judge(const psi_examples *examples, psi_lr_scored *scored, ps_answer *answer) {
    double loss = 0, errors = 0;
    for (size_t i = 0; i < examples->count; i++) {
        loss += psi_lr_loss((double)scored[i].score, scored[i].label);
        errors += psi_lr_is_error(scored[i].score, scored[i].label);
    }
    const double count = (double)examples->count;
    answer->numbers[0].name = "log_loss";
    answer->numbers[0].value = loss / count;
    answer->numbers[1].name = "error";
    answer->numbers[1].value = errors / count;
    answer->numbers[2].name = "auc";
    answer->numbers[2].value = psi_lr_auc(scored, examples->count);
    answer->number_count = 3;
}

static ps_err answer_make(const psi_lr_shape *shape, const float *weights,
                          const psi_examples *examples, ps_answer *answer_out) {
    float **const rows = calloc(psi_lr_row_count(shape) + 1, sizeof *rows);
    psi_lr_scored *const scored = calloc(examples->count, sizeof *scored);
    double *const values = calloc(examples->count, sizeof *values);
    if (rows == NULL || scored == NULL || values == NULL) {
        free(rows);
        free(scored);
        free(values);
        return PS_ENOMEM;
    }
    psi_lr_rows_of(shape, weights, rows);
    for (size_t i = 0; i < examples->count; i++) {
        const psi_lr_view x = psi_lr_view_of(shape, examples, i);
        scored[i].score = psi_lr_margin(shape, rows, &x);
        scored[i].label = examples->labels[i];
        values[i] = 1 / (1 + exp(-(double)scored[i].score));
    }
    *answer_out = (ps_answer){.row_count = examples->count,
                              .column_count = 1,
                              .values = values,
                              .row_name = "example",
                              .value_name = "probability"};
    answer_judge(examples, scored, answer_out);
    free(rows);
    free(scored);
    return PS_OK;
}

/* Says that the data has features that the model was not learned with, if so. */
static void unknown_note(const psi_lr_shape *shape, const psi_examples *examples, char *note,
                         size_t note_size) {
    size_t unknown = 0;
    for (size_t n = 0; n < examples->nonzero_count && shape->bits == 0; n++) {
        unknown += examples->features[n] >= shape->feature_count;
    }
    if (unknown > 0) {
        (void)snprintf(note, note_size,
                       "%zu of %zu non-zeros are of features that the model does not know (it has "
                       "%u); they count as 0",
                       unknown, examples->nonzero_count, shape->feature_count);
    }
}

ps_err psi_lr_infer(const ps_question *question, ps_answer *answer_out, ps_fault *fault) {
    *answer_out = (ps_answer){0};
    psi_lr_shape shape;
    const float *weights = NULL;
    PS_TRY(shape_read(question, &shape, &weights, fault));
    psi_examples examples;
    PS_TRY(psi_examples_open(question->data, question->seed, 1, &examples, fault));
    char note[sizeof answer_out->note] = "";
    unknown_note(&shape, &examples, note, sizeof note);
    ps_err err = psi_lr_labels_check(&examples, question->data, fault);
    if (err == PS_OK) {
        err = psi_lr_prepare(&shape, &examples);
    }
    if (err == PS_OK) {
        err = answer_make(&shape, weights, &examples, answer_out);
    }
    if (err == PS_OK) {
        memcpy(answer_out->note, note, sizeof note);
    }
    psi_examples_fini(&examples);
    return err == PS_OK ? PS_OK
                        : ps_fault_set(fault, err, "%s: %s", question->data, ps_err_text(err));
}
