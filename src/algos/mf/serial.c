#include "algos/mf/serial.h"

#include <stdlib.h>

ps_err psi_mf_serial_init(psi_mf_serial *serial, const psi_mf_problem *problem) {
    PS_ASSERT(problem->worker_count == 1);
    const size_t width = psi_mf_width(problem->shape);
    *serial = (psi_mf_serial){
        .problem = problem,
        .users = calloc(problem->user_count, width * sizeof(float)),
        .items = calloc(problem->item_count, width * sizeof(float)),
        .places = calloc(problem->item_count, sizeof(psi_mf_item)),
        .rate = psi_mf_learning_rate_start(problem->schedule, (double)problem->step,
                                           psi_mf_batch_count(&problem->blocks, 0)),
    };
    const ps_err err =
        psi_mf_batch_order_init(&serial->order, psi_mf_batch_count(&problem->blocks, 0),
                                ps_random_stream(problem->seed, PSI_MF_ORDER_STREAM, 0));
    if (err != PS_OK || serial->users == NULL || serial->items == NULL || serial->places == NULL) {
        psi_mf_serial_fini(serial);
        return PS_ENOMEM;
    }
    psi_mf_users_init(problem, 0, serial->users);
    for (uint32_t i = 0; i < problem->item_count; i++) {
        psi_mf_item_init(problem, i, serial->items + i * width);
    }
    return PS_OK;
}

void psi_mf_serial_fini(psi_mf_serial *serial) {
    free(serial->users);
    free(serial->items);
    free(serial->places);
    psi_mf_batch_order_fini(&serial->order);
    *serial = (psi_mf_serial){.problem = NULL};
}

double psi_mf_serial_pass(psi_mf_serial *serial) {
    const psi_mf_problem *const problem = serial->problem;
    const psi_mf_blocks *const blocks = &problem->blocks;
    const size_t width = psi_mf_width(problem->shape);
    const psi_mf_rows rows = {.users = serial->users, .items = serial->places};
    double loss = 0;
    for (size_t done = 0; done < psi_mf_batch_count(blocks, 0); done++) {
        const size_t b = psi_mf_batch_order_next(&serial->order);
        const psi_mf_batch *const batch = &blocks->batches[b];
        const uint32_t *const items = blocks->items + batch->item_begin;
        for (size_t i = 0; i < psi_mf_batch_item_count(blocks, b); i++) {
            serial->places[i] = (psi_mf_item){.row = serial->items + items[i] * width,
                                              .step_scale = problem->step_scales[items[i]]};
        }
        const psi_mf_rate rate = {.step = (float)psi_mf_learning_rate_step(&serial->rate),
                                  .lambda = problem->lambda};
        const double batch_loss =
            psi_mf_sgd(problem->shape, rate, blocks->ratings + batch->rating_begin,
                       psi_mf_batch_rating_count(blocks, b), &rows);
        psi_mf_learning_rate_advance(&serial->rate, batch_loss);
        loss += batch_loss;
    }
    return loss;
}

void psi_mf_serial_evaluate(const psi_mf_serial *serial, double *metrics) {
    double sums[PSI_MF_SUMS];
    psi_mf_evaluate(serial->problem, 0, serial->users, serial->items, sums);
    psi_mf_finish(serial->problem, sums, metrics);
}
