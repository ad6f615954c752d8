#include "algos/lr/lr_serial.h"

#include <stdlib.h>

ps_err psi_lr_serial_init(psi_lr_serial *serial, const psi_lr_problem *problem) {
    const size_t rows = psi_lr_row_count(&problem->shape);
    *serial = (psi_lr_serial){.weights = calloc(rows * PSI_LR_COLUMNS, sizeof(float))};
    serial->set.rows = calloc(rows, sizeof *serial->set.rows);
    serial->set.stamps = calloc(rows, sizeof *serial->set.stamps);
    const ps_err err = psi_lr_learner_init(&serial->learner, problem, 0);
    if (err != PS_OK || serial->weights == NULL || serial->set.rows == NULL ||
        serial->set.stamps == NULL) {
        psi_lr_serial_fini(serial);
        return PS_ENOMEM;
    }
    psi_lr_rows_of(&problem->shape, serial->weights, serial->learner.rows);
    return PS_OK;
}

void psi_lr_serial_fini(psi_lr_serial *serial) {
    psi_lr_learner_fini(&serial->learner);
    free(serial->weights);
    free(serial->set.rows);
    free(serial->set.stamps);
}

/* All rows are here; it is for the places of pairs that they are found. */
void psi_lr_serial_clock(psi_lr_serial *serial) {
    (void)psi_lr_learner_begin(&serial->learner);
    if (serial->learner.problem->shape.is_quadratic) {
        serial->set.stamp++;
        serial->set.count = 0;
        psi_lr_learner_find(&serial->learner, &serial->set);
    }
    psi_lr_learner_visit(&serial->learner);
}
